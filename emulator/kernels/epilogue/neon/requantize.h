/* SPDX-License-Identifier: MIT */
/* Requantization's inner loops for NEON; the last few elements go through the portable code. */
#ifndef XQK_REQUANTIZE_NEON_H
#define XQK_REQUANTIZE_NEON_H

#include <arm_neon.h>

#include "epilogue/micro_kernels.h"

#define INLINE static inline __attribute__((always_inline))

INLINE int32x4_t lanes32(const int32_t *v, size_t i, int each)
{
	return each ? vld1q_s32(v + i) : vdupq_n_s32(v[0]);
}

/* Two products in f64, where they are exact. */
INLINE int32x2_t onnx2(int32x2_t acc, float32x2_t scale, const struct xqk_lanes *p)
{
	float64x2_t y = vmulq_f64(vcvtq_f64_s64(vmovl_s32(acc)), vcvt_f64_f32(scale));

	y = vaddq_f64(vrndnq_f64(y), vdupq_n_f64((double)p->zero_point));
	y = vminq_f64(vmaxq_f64(y, vdupq_n_f64(p->low_y)), vdupq_n_f64(p->high_y));
	return vmovn_s64(vcvtq_s64_f64(y));
}

INLINE int32x4_t onnx(int32x4_t acc, float32x4_t scale, const struct xqk_lanes *p)
{
	return vcombine_s32(onnx2(vget_low_s32(acc), vget_low_f32(scale), p),
			    onnx2(vget_high_s32(acc), vget_high_f32(scale), p));
}

/* saturate32((acc * multiplier + 2^(shift - 1)) >> shift), which is a shift that rounds. */
INLINE int32x2_t high_product(int32x2_t acc, int32x2_t multiplier, int32x2_t shift)
{
	return vqmovn_s64(vrshlq_s64(vmull_s32(acc, multiplier), vnegq_s64(vmovl_s32(shift))));
}

/* t / 2^n to nearest, halves away from zero: the shift rounds them up, so negative ones have 1 less. */
INLINE int32x4_t divide_by_power(int32x4_t t, int32x4_t n)
{
	const int32x4_t right = vnegq_s32(n);
	const int32x4_t less = vshrq_n_s32(vandq_s32(t, right), 31);

	return vrshlq_s32(vqaddq_s32(t, less), right);
}

/* Of the plain kind the first shift is 31 and M not negative: what the doubling high product is made for. */
INLINE int32x4_t fixed_point(int32x4_t acc, size_t i, const struct xqk_lanes *p, int kind, int each)
{
	const int32x4_t m = lanes32(p->multiplier, i, each);
	int32x4_t t;

	if (kind == XQK_TFLITE_PLAIN) {
		t = vqrdmulhq_s32(acc, m);
	} else {
		const int32x4_t n = lanes32(p->shift, i, each);

		t = vcombine_s32(high_product(vget_low_s32(acc), vget_low_s32(m), vget_low_s32(n)),
				 high_product(vget_high_s32(acc), vget_high_s32(m), vget_high_s32(n)));
	}
	if (kind != XQ_PROFILE_TFLITE_SINGLE)
		t = divide_by_power(t, lanes32(p->right, i, each));
	t = vminq_s32(vmaxq_s32(t, vdupq_n_s32(p->low)), vdupq_n_s32(p->high));
	return vaddq_s32(t, vdupq_n_s32(p->zero_point));
}

INLINE int64x2_t clamp64(int64x2_t v, int64_t low, int64_t high)
{
	const int64x2_t l = vdupq_n_s64(low), h = vdupq_n_s64(high);

	v = vbslq_s64(vcgtq_s64(v, h), h, v);
	return vbslq_s64(vcgtq_s64(l, v), l, v);
}

INLINE int32x2_t floor_shift2(int32x2_t acc, int32x2_t m, int32x2_t n, int64x2_t add, const struct xqk_lanes *p)
{
	const int64x2_t t = vshlq_s64(vmlal_s32(add, acc, m), vnegq_s64(vmovl_s32(n)));

	return vmovn_s64(vaddq_s64(clamp64(t, p->low64, p->high64), vdupq_n_s64(p->zero_point)));
}

INLINE int32x4_t floor_shift(int32x4_t acc, size_t i, const struct xqk_lanes *p, int each)
{
	const int32x4_t m = lanes32(p->multiplier, i, each), n = lanes32(p->shift, i, each);
	const int64x2_t low_add = each ? vld1q_s64(p->add + i) : vdupq_n_s64(p->add[0]);
	const int64x2_t high_add = each ? vld1q_s64(p->add + i + 2) : low_add;

	return vcombine_s32(floor_shift2(vget_low_s32(acc), vget_low_s32(m), vget_low_s32(n), low_add, p),
			    floor_shift2(vget_high_s32(acc), vget_high_s32(m), vget_high_s32(n), high_add, p));
}

INLINE int32x4_t four(const int32_t *acc, size_t i, const struct xqk_lanes *p, int kind, int each)
{
	const int32x4_t a = vaddq_s32(vld1q_s32(acc + i), lanes32(p->bias, i, each));

	if (kind == XQ_PROFILE_ONNX)
		return onnx(a, each ? vld1q_f32(p->scale + i) : vdupq_n_f32(p->scale[0]), p);
	if (kind == XQ_PROFILE_FLOOR_SHIFT)
		return floor_shift(a, i, p, each);
	return fixed_point(a, i, p, kind, each);
}

INLINE void rows_body(const int32_t *acc, size_t acc_stride, size_t rows, size_t n,
		      const struct xqk_lanes *p, uint8_t *const *out, int kind, int each, int wide)
{
	const size_t whole = n & ~(size_t)7;
	const struct xqk_lanes rest = xqk_lanes_at(p, whole);

	for (size_t r = 0; r < rows; r++, acc += acc_stride) {
		uint8_t *tail = out[r] + (whole << wide);

		for (size_t i = 0; i < whole; i += 8) {
			const uint16x8_t words = vreinterpretq_u16_s16(
				vcombine_s16(vmovn_s32(four(acc, i, p, kind, each)),
					     vmovn_s32(four(acc, i + 4, p, kind, each))));

			if (wide)
				vst1q_u16((uint16_t *)(void *)out[r] + i, words);
			else
				vst1_u8(out[r] + i, vmovn_u16(words));
		}
		if (n > whole)
			xqk_epilogue_scalar.requant[kind][each][wide](acc + whole, 0, 1, n - whole, &rest, &tail);
	}
}

#endif
