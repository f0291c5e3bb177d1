// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>

#include <xqaccel/softmax.h>

#include "operator_run.h"

/* Bits of a difference before and behind the point. */
#define INTEGER_BITS	5
#define FRACTION_BITS	26

int xq_softmax(struct xq_workspace *ws, const struct xq_softmax *s)
{
	struct xqk_operator job = { .kind = XQK_SOFTMAX };
	struct xqk_softmax *k = &job.softmax;

	if (!xq_dims_small((size_t[]){ s->rows, s->columns }, 2))
		return -EOVERFLOW;
	k->dims = (struct xq_softmax_dims){
		.rows = (uint32_t)s->rows, .columns = (uint32_t)s->columns, .multiplier = s->multiplier,
		.shift = s->shift, .diff_min = s->diff_min,
	};
	if (!xq_softmax_valid(&k->dims))
		return -EINVAL;
	if (!s->rows || !s->columns)
		return 0;
	if (!s->x || !s->y)
		return -EINVAL;
	k->x.flat = (uint8_t *)s->x;
	k->y.flat = (uint8_t *)s->y;
	k->x.stride = k->y.stride = s->columns;
	return xq_operator_run(ws, &job);
}

int xq_softmax_factors(float x_scale, float beta, struct xq_softmax *s)
{
	const double real = fmin((double)beta * (double)x_scale * (1 << FRACTION_BITS), INT32_MAX);
	int err;

	if (!isfinite(x_scale) || !isfinite(beta) || !(real > 1))
		return -EDOM;
	err = xq_quantize_multiplier(real, &s->multiplier, &s->shift);
	if (err || s->shift < 0)
		return -EDOM;
	s->diff_min = -(int32_t)floor(((1 << INTEGER_BITS) - 1) * ldexp(1, 31 - INTEGER_BITS) / ldexp(1, s->shift));
	return 0;
}
