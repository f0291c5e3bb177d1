// SPDX-License-Identifier: MIT
/* x = (q - Z) * S. */
#include <errno.h>

#include <xqaccel/quantize.h>

#include "layout.h"
#include "parameters.h"

/* The parameters of element i: scale[i * step], zp[i * step]. */
struct parameters {
	const float *scale;
	const int32_t *zp;
	size_t step;
};

#define DEFINE_SPAN(name, ctype)							\
	static void name(const ctype *q, size_t n, struct parameters p, float *x)	\
	{										\
		if (!p.step) {								\
			float s = p.scale[0];						\
			int32_t z = p.zp ? p.zp[0] : 0;					\
											\
			for (size_t i = 0; i < n; i++)					\
				x[i] = (float)(q[i] - z) * s;				\
			return;								\
		}									\
		for (size_t i = 0; i < n; i++)						\
			x[i] = (float)(q[i] - (p.zp ? p.zp[i] : 0)) * p.scale[i];	\
	}

DEFINE_SPAN(span_s8, int8_t)
DEFINE_SPAN(span_u8, uint8_t)
DEFINE_SPAN(span_s16, int16_t)
DEFINE_SPAN(span_u16, uint16_t)

static void span(const void *q, const struct xq_qtype *type, size_t start, size_t n,
		 struct parameters p, float *x)
{
	if (type->bits > 8 && type->is_signed)
		span_s16((const int16_t *)q + start, n, p, x + start);
	else if (type->bits > 8)
		span_u16((const uint16_t *)q + start, n, p, x + start);
	else if (type->is_signed)
		span_s8((const int8_t *)q + start, n, p, x + start);
	else
		span_u8((const uint8_t *)q + start, n, p, x + start);
}

int xq_dequantize(const void *q, const struct xq_layout *layout, const struct xq_qtype *type,
		  const float *scale, const int32_t *zero_point, float *x, struct xq_fault *fault)
{
	size_t rows, n, blocks;
	int err = xq_check_parameters(layout, type, scale, true, zero_point, fault);

	if (err)
		return err;
	n = xq_layout_elements(layout);
	if (!n)
		return 0;
	if (!x || !q)
		return -EINVAL;
	if (layout->per == XQ_PER_TENSOR) {
		span(q, type, 0, n, (struct parameters){ scale, zero_point, 0 }, x);
		return 0;
	}
	/* Along a row [inner] the parameter is the same, or there is one per element. */
	rows = layout->outer * layout->axis;
	blocks = xq_layout_blocks(layout);
	for (size_t r = 0; r < rows; r++) {
		size_t o = r / layout->axis, a = r % layout->axis;
		int per_block = layout->per == XQ_PER_BLOCK;
		size_t p = per_block ? (o * blocks + a / layout->block) * layout->inner : a;
		size_t count = layout->inner;
		struct parameters at = { scale + p, zero_point ? zero_point + p : NULL,
					 per_block && layout->inner > 1 };

		/* With inner 1, elements to the end of the block or all channels are one span. */
		if (layout->inner == 1) {
			size_t left = layout->block - a % layout->block;

			count = layout->axis - a;
			if (per_block)
				count = left < count ? left : count;
			else
				at.step = 1;
		}
		span(q, type, r * layout->inner, count, at, x);
		if (layout->inner == 1)
			r += count - 1;
	}
	return 0;
}
