// SPDX-License-Identifier: MIT
/* Requantization's inner loops in portable C, and the choice among the tables. */
#include <math.h>

#include "requantize_kernels.h"

#define INLINE static inline __attribute__((always_inline))

INLINE int64_t clamp64(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

INLINE int32_t onnx(int32_t acc, float scale, const struct xq_requant_lanes *p)
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

INLINE int32_t fixed_point(int32_t acc, size_t i, const struct xq_requant_lanes *p, int twice)
{
	int32_t shift = p->shift[i];
	int64_t t = (int64_t)acc * p->multiplier[i] + ((int64_t)1 << (shift - 1));

	t = clamp64(t >> shift, INT32_MIN, INT32_MAX);
	if (twice)
		t = divide_by_power((int32_t)t, p->right[i]);
	return (int32_t)(clamp64(t, p->low, p->high) + p->zero_point);
}

INLINE int32_t floor_shift(int32_t acc, size_t i, const struct xq_requant_lanes *p)
{
	uint64_t t = (uint64_t)((int64_t)acc * p->multiplier[i]) + (uint64_t)p->add[i];

	return (int32_t)(clamp64((int64_t)t >> p->shift[i], p->low64, p->high64) + p->zero_point);
}

INLINE void span_body(const int32_t *acc, size_t n, const struct xq_requant_lanes *p, void *out,
		      int profile, int each, int wide)
{
	for (size_t i = 0; i < n; i++) {
		size_t lane = each ? i : 0;
		int32_t a = (int32_t)((uint32_t)acc[i] + (uint32_t)p->bias[lane]), y;

		if (profile == XQ_REQUANT_ONNX)
			y = onnx(a, p->scale[lane], p);
		else if (profile == XQ_REQUANT_FLOOR_SHIFT)
			y = floor_shift(a, lane, p);
		else
			y = fixed_point(a, lane, p, profile == XQ_REQUANT_TFLITE);
		if (wide)
			((uint16_t *)out)[i] = (uint16_t)y;
		else
			((uint8_t *)out)[i] = (uint8_t)y;
	}
}

XQ_REQUANT_DEFINE_ALL()

const struct xq_requant_kernels xq_requant_kernels_c = {
	.name = "c",
	.span = XQ_REQUANT_TABLE,
};

size_t xq_requant_kernels_list(const struct xq_requant_kernels *list[3])
{
	size_t n = 0;

	list[n++] = &xq_requant_kernels_c;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		list[n++] = &xq_requant_kernels_avx2;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		list[n++] = &xq_requant_kernels_avx512;
#endif
	return n;
}
