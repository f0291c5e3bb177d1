// SPDX-License-Identifier: MIT
#include <errno.h>

#include <xqaccel/softmax.h>

#include "operator_run.h"

int xq_mean(struct xq_workspace *ws, const struct xq_mean *m)
{
	const struct xq_requant *rq = m->requant;
	struct xqk_operator job = { .kind = XQK_MEAN };
	struct xqk_mean *k = &job.mean;
	int err;

	if (!rq || rq->params != 1)
		return -EINVAL;
	err = xq_requant_check(rq, 1);
	if (err)
		return err;
	if (!xq_dims_small((size_t[]){ m->outer, m->count, m->inner }, 3) ||
	    (m->count && m->outer > SIZE_MAX / (m->count * m->inner + 1)))
		return -EOVERFLOW;
	k->dims = (struct xq_mean_dims){
		.format = (__u8)m->type, .y_format = (__u8)rq->type, .outer = (uint32_t)m->outer,
		.count = (uint32_t)m->count, .inner = (uint32_t)m->inner, .zero_point = m->x_zp,
		.y = {
			.profile = rq->profile, .zero_point = rq->zero_point,
			.scale = rq->profile == XQ_REQUANT_ONNX ? xq_scale_bits(rq->scale[0]) : 0,
			.multiplier = rq->profile == XQ_REQUANT_ONNX ? 0 : rq->multiplier[0],
			.shift = rq->profile == XQ_REQUANT_ONNX ? 0 : rq->shift[0],
			.add = rq->profile == XQ_REQUANT_FLOOR_SHIFT && rq->add ? rq->add[0] : 0,
		},
	};
	xq_operator_bounds(rq->clamp, rq->act_min, rq->act_max, &k->dims.y.act_min, &k->dims.y.act_max);
	if (!xq_mean_valid(&k->dims))
		return -EINVAL;
	if (!m->outer || !m->inner)
		return 0;
	if (!m->y || (!m->x && m->count))
		return -EINVAL;
	k->x.flat = (uint8_t *)m->x;
	k->y.flat = m->y;
	k->x.stride = k->y.stride = m->inner;
	k->x.batch_stride = k->x.stride * m->count;
	return xq_operator_run(ws, &job);
}

int xq_mean_factors(size_t count, int32_t *multiplier, int32_t *shift)
{
	int left;

	if (!count || *shift < -31 || *shift > 30 || *multiplier < 0)
		return -EINVAL;
	left = 63 - __builtin_clzll(count);
	left = left < 32 ? left : 32;
	left = left < 31 + *shift ? left : 31 + *shift;
	*multiplier = (int32_t)(((int64_t)*multiplier << left) / (int64_t)count);
	*shift -= left;
	return 0;
}
