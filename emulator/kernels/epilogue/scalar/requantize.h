/* SPDX-License-Identifier: MIT */
/* Requantization's inner loops in portable C. */
#ifndef XQK_REQUANTIZE_SCALAR_H
#define XQK_REQUANTIZE_SCALAR_H

#include <math.h>

#include "epilogue/micro_kernels.h"

#define INLINE static inline __attribute__((always_inline))

INLINE int64_t clamp64(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

INLINE int32_t onnx(int32_t acc, float scale, const struct xqk_lanes *p)
{
	double y = rint((double)acc * (double)scale) + (double)p->zero_point;

	return (int32_t)(y < p->low_y ? p->low_y : y > p->high_y ? p->high_y : y);
}

/* t / 2^n to nearest, halves away from zero. */
INLINE int32_t divide_by_power(int32_t t, int32_t n)
{
	int32_t mask = (int32_t)((1u << n) - 1);

	return (t >> n) + ((t & mask) > (mask >> 1) + (t < 0));
}

INLINE int32_t fixed_point(int32_t acc, size_t i, const struct xqk_lanes *p, int twice)
{
	int32_t shift = p->shift[i];
	int64_t t = (int64_t)acc * p->multiplier[i] + ((int64_t)1 << (shift - 1));

	t = clamp64(t >> shift, INT32_MIN, INT32_MAX);
	if (twice)
		t = divide_by_power((int32_t)t, p->right[i]);
	return (int32_t)(clamp64(t, p->low, p->high) + p->zero_point);
}

INLINE int32_t floor_shift(int32_t acc, size_t i, const struct xqk_lanes *p)
{
	uint64_t t = (uint64_t)((int64_t)acc * p->multiplier[i]) + (uint64_t)p->add[i];

	return (int32_t)(clamp64((int64_t)t >> p->shift[i], p->low64, p->high64) + p->zero_point);
}

INLINE void rows_body(const int32_t *acc, size_t acc_stride, size_t rows, size_t n,
		      const struct xqk_lanes *p, uint8_t *const *out, int kind, int each, int wide)
{
	for (size_t r = 0; r < rows; r++, acc += acc_stride) {
		for (size_t i = 0; i < n; i++) {
			size_t lane = each ? i : 0;
			int32_t a = (int32_t)((uint32_t)acc[i] + (uint32_t)p->bias[lane]), y;

			if (kind == XQ_PROFILE_ONNX)
				y = onnx(a, p->scale[lane], p);
			else if (kind == XQ_PROFILE_FLOOR_SHIFT)
				y = floor_shift(a, lane, p);
			else
				y = fixed_point(a, lane, p, kind != XQ_PROFILE_TFLITE_SINGLE);
			if (wide)
				((uint16_t *)(void *)out[r])[i] = (uint16_t)y;
			else
				out[r][i] = (uint8_t)y;
		}
	}
}

#endif
