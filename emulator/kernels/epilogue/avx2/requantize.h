/* SPDX-License-Identifier: MIT */
/* Requantization's inner loops for AVX2; the last few elements go through the portable code. */
#ifndef XQK_REQUANTIZE_AVX2_H
#define XQK_REQUANTIZE_AVX2_H

#include <immintrin.h>

#include "epilogue/micro_kernels.h"

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i lanes32(const int32_t *v, size_t i, int each)
{
	return each ? _mm256_loadu_si256((const __m256i *)(v + i)) : _mm256_set1_epi32(v[0]);
}

INLINE __m256i odd(__m256i v)
{
	return _mm256_srli_epi64(v, 32);
}

/* AVX2 has no arithmetic shift of 64-bit elements: an offset makes it a logical one. */
INLINE __m256i shift_right(__m256i v, __m256i n)
{
	const __m256i sign = _mm256_set1_epi64x(INT64_MIN);

	return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_xor_si256(v, sign), n),
				_mm256_srlv_epi64(sign, n));
}

INLINE __m256i clamp64(__m256i v, int64_t low, int64_t high)
{
	const __m256i l = _mm256_set1_epi64x(low), h = _mm256_set1_epi64x(high);

	v = _mm256_blendv_epi8(v, h, _mm256_cmpgt_epi64(v, h));
	return _mm256_blendv_epi8(v, l, _mm256_cmpgt_epi64(l, v));
}

INLINE __m128i onnx4(__m128i acc, __m128 scale, const struct xqk_lanes *p)
{
	__m256d y = _mm256_mul_pd(_mm256_cvtepi32_pd(acc), _mm256_cvtps_pd(scale));

	y = _mm256_round_pd(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	y = _mm256_add_pd(y, _mm256_set1_pd((double)p->zero_point));
	y = _mm256_max_pd(y, _mm256_set1_pd(p->low_y));
	return _mm256_cvtpd_epi32(_mm256_min_pd(y, _mm256_set1_pd(p->high_y)));
}

INLINE __m256i onnx(__m256i acc, __m256 scale, const struct xqk_lanes *p)
{
	__m128i low = onnx4(_mm256_castsi256_si128(acc), _mm256_castps256_ps128(scale), p);
	__m128i high = onnx4(_mm256_extracti128_si256(acc, 1), _mm256_extractf128_ps(scale, 1), p);

	return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* saturate32((acc * multiplier + 2^(shift - 1)) >> shift) of the even elements */
INLINE __m256i high_product(__m256i acc, __m256i multiplier, __m256i shift)
{
	const __m256i one = _mm256_set1_epi64x(1);
	__m256i n = _mm256_and_si256(shift, _mm256_set1_epi64x(0xffffffff));
	__m256i t = _mm256_add_epi64(_mm256_mul_epi32(acc, multiplier),
				     _mm256_sllv_epi64(one, _mm256_sub_epi64(n, one)));

	return clamp64(shift_right(t, n), INT32_MIN, INT32_MAX);
}

/* t / 2^n to nearest, halves away from zero */
INLINE __m256i divide_by_power(__m256i t, __m256i n)
{
	const __m256i one = _mm256_set1_epi32(1);
	__m256i mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, n), one);
	__m256i limit = _mm256_sub_epi32(_mm256_srli_epi32(mask, 1), _mm256_srai_epi32(t, 31));
	__m256i up = _mm256_cmpgt_epi32(_mm256_and_si256(t, mask), limit);

	return _mm256_sub_epi32(_mm256_srav_epi32(t, n), up);
}

INLINE __m256i fixed_point(__m256i acc, size_t i, const struct xqk_lanes *p, int each,
			   int twice)
{
	__m256i m = lanes32(p->multiplier, i, each), n = lanes32(p->shift, i, each);
	__m256i t = _mm256_blend_epi32(high_product(acc, m, n),
				       _mm256_slli_epi64(high_product(odd(acc), odd(m), odd(n)), 32), 0xaa);

	if (twice)
		t = divide_by_power(t, lanes32(p->right, i, each));
	t = _mm256_min_epi32(_mm256_max_epi32(t, _mm256_set1_epi32(p->low)), _mm256_set1_epi32(p->high));
	return _mm256_add_epi32(t, _mm256_set1_epi32(p->zero_point));
}

INLINE __m256i floor_shift_even(__m256i acc, __m256i m, __m256i n, __m256i add,
				const struct xqk_lanes *p)
{
	__m256i t = _mm256_add_epi64(_mm256_mul_epi32(acc, m), add);

	n = _mm256_and_si256(n, _mm256_set1_epi64x(0xffffffff));
	t = clamp64(shift_right(t, n), p->low64, p->high64);
	return _mm256_add_epi64(t, _mm256_set1_epi64x(p->zero_point));
}

INLINE __m256i floor_shift(__m256i acc, size_t i, const struct xqk_lanes *p, int each)
{
	__m256i m = lanes32(p->multiplier, i, each), n = lanes32(p->shift, i, each);
	__m256i even_add = _mm256_set1_epi64x(p->add[0]), odd_add = even_add, even_y, odd_y;

	if (each) {
		__m256i a = _mm256_loadu_si256((const __m256i *)(p->add + i));
		__m256i b = _mm256_loadu_si256((const __m256i *)(p->add + i + 4));

		/* a0 b0 a2 b2 and a1 b1 a3 b3, then b moves up behind a */
		even_add = _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(a, b), 0xd8);
		odd_add = _mm256_permute4x64_epi64(_mm256_unpackhi_epi64(a, b), 0xd8);
	}
	even_y = floor_shift_even(acc, m, n, even_add, p);
	odd_y = floor_shift_even(odd(acc), odd(m), odd(n), odd_add, p);
	return _mm256_blend_epi32(even_y, _mm256_slli_epi64(odd_y, 32), 0xaa);
}

INLINE void store(void *out, size_t i, __m256i y, int wide)
{
	const __m256i low = _mm256_set1_epi32(wide ? 0xffff : 0xff);
	__m256i words = _mm256_packus_epi32(_mm256_and_si256(y, low), _mm256_and_si256(y, low));
	__m128i eight = _mm256_castsi256_si128(_mm256_permute4x64_epi64(words, 0xd8));

	if (wide)
		_mm_storeu_si128((__m128i *)((uint16_t *)out + i), eight);
	else
		_mm_storel_epi64((__m128i *)((uint8_t *)out + i), _mm_packus_epi16(eight, eight));
}

INLINE void rows_body(const int32_t *acc, size_t acc_stride, size_t rows, size_t n,
		      const struct xqk_lanes *p, uint8_t *const *out, int kind, int each, int wide)
{
	const size_t whole = n & ~(size_t)7;
	const struct xqk_lanes rest = xqk_lanes_at(p, whole);

	for (size_t r = 0; r < rows; r++, acc += acc_stride) {
		uint8_t *tail = out[r] + (whole << wide);

		for (size_t i = 0; i < whole; i += 8) {
			__m256i a = _mm256_loadu_si256((const __m256i *)(acc + i)), y;

			a = _mm256_add_epi32(a, lanes32(p->bias, i, each));
			if (kind == XQ_PROFILE_ONNX)
				y = onnx(a, each ? _mm256_loadu_ps(p->scale + i) : _mm256_set1_ps(p->scale[0]), p);
			else if (kind == XQ_PROFILE_FLOOR_SHIFT)
				y = floor_shift(a, i, p, each);
			else
				y = fixed_point(a, i, p, each, kind != XQ_PROFILE_TFLITE_SINGLE);
			store(out[r], i, y, wide);
		}
		if (n > whole)
			xqk_epilogue_scalar.requant[kind][each][wide](acc + whole, 0, 1, n - whole, &rest, &tail);
	}
}

#endif
