// SPDX-License-Identifier: MIT
/* Requantization's inner loops for AVX-512 (F, BW, DQ, VL). */
#if defined(__x86_64__)
#include <immintrin.h>

#include "requantize_kernels.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#define INLINE static inline __attribute__((always_inline)) TARGET

/* Sixteen parameters of one kind; without `each` they are all the same. */
INLINE __m512i lanes32(const int32_t *v, size_t i, __mmask16 some, int each)
{
	return each ? _mm512_maskz_loadu_epi32(some, v + i) : _mm512_set1_epi32(v[0]);
}

/* Odd elements in the place of even ones, for instructions that look at even ones only. */
INLINE __m512i odd(__m512i v)
{
	return _mm512_srli_epi64(v, 32);
}

INLINE __m512i merge(__m512i even_lanes, __m512i odd_lanes)
{
	return _mm512_mask_mov_epi32(even_lanes, 0xaaaa, _mm512_slli_epi64(odd_lanes, 32));
}

INLINE __m256i onnx8(__m256i acc, __m256 scale, const struct xq_requant_lanes *p)
{
	__m512d y = _mm512_mul_pd(_mm512_cvtepi32_pd(acc), _mm512_cvtps_pd(scale));

	y = _mm512_roundscale_pd(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	y = _mm512_add_pd(y, _mm512_set1_pd((double)p->zero_point));
	y = _mm512_max_pd(y, _mm512_set1_pd(p->low_y));
	return _mm512_cvtpd_epi32(_mm512_min_pd(y, _mm512_set1_pd(p->high_y)));
}

INLINE __m512i onnx(__m512i acc, __m512 scale, const struct xq_requant_lanes *p)
{
	__m256i low = onnx8(_mm512_castsi512_si256(acc), _mm512_castps512_ps256(scale), p);
	__m256i high = onnx8(_mm512_extracti64x4_epi64(acc, 1), _mm512_extractf32x8_ps(scale, 1), p);

	return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* saturate32((acc * multiplier + 2^(shift - 1)) >> shift) of the even elements */
INLINE __m512i high_product(__m512i acc, __m512i multiplier, __m512i shift)
{
	const __m512i one = _mm512_set1_epi64(1);
	__m512i n = _mm512_and_si512(shift, _mm512_set1_epi64(0xffffffff));
	__m512i t = _mm512_add_epi64(_mm512_mul_epi32(acc, multiplier),
				     _mm512_sllv_epi64(one, _mm512_sub_epi64(n, one)));

	t = _mm512_min_epi64(_mm512_srav_epi64(t, n), _mm512_set1_epi64(INT32_MAX));
	return _mm512_max_epi64(t, _mm512_set1_epi64(INT32_MIN));
}

/* t / 2^n to nearest, halves away from zero */
INLINE __m512i divide_by_power(__m512i t, __m512i n)
{
	const __m512i one = _mm512_set1_epi32(1);
	__m512i mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, n), one);
	__m512i limit = _mm512_sub_epi32(_mm512_srli_epi32(mask, 1), _mm512_srai_epi32(t, 31));
	__mmask16 up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(t, mask), limit);
	__m512i q = _mm512_srav_epi32(t, n);

	return _mm512_mask_add_epi32(q, up, q, one);
}

INLINE __m512i fixed_point(__m512i acc, size_t i, __mmask16 some, const struct xq_requant_lanes *p,
			   int each, int twice)
{
	__m512i m = lanes32(p->multiplier, i, some, each), n = lanes32(p->shift, i, some, each);
	__m512i t = merge(high_product(acc, m, n), high_product(odd(acc), odd(m), odd(n)));

	if (twice)
		t = divide_by_power(t, lanes32(p->right, i, some, each));
	t = _mm512_min_epi32(_mm512_max_epi32(t, _mm512_set1_epi32(p->low)), _mm512_set1_epi32(p->high));
	return _mm512_add_epi32(t, _mm512_set1_epi32(p->zero_point));
}

INLINE __m256i floor_shift8(__m256i acc, size_t i, __mmask8 some, const struct xq_requant_lanes *p,
			    int each)
{
	__m512i m = _mm512_set1_epi64(p->multiplier[0]), n = _mm512_set1_epi64(p->shift[0]);
	__m512i add = _mm512_set1_epi64(p->add[0]), t;

	if (each) {
		m = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(some, p->multiplier + i));
		n = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(some, p->shift + i));
		add = _mm512_maskz_loadu_epi64(some, p->add + i);
	}
	t = _mm512_add_epi64(_mm512_mul_epi32(_mm512_cvtepi32_epi64(acc), m), add);
	t = _mm512_max_epi64(_mm512_srav_epi64(t, n), _mm512_set1_epi64(p->low64));
	t = _mm512_min_epi64(t, _mm512_set1_epi64(p->high64));
	return _mm512_cvtepi64_epi32(_mm512_add_epi64(t, _mm512_set1_epi64(p->zero_point)));
}

INLINE __m512i floor_shift(__m512i acc, size_t i, __mmask16 some, const struct xq_requant_lanes *p,
			   int each)
{
	__m256i low = floor_shift8(_mm512_castsi512_si256(acc), i, (__mmask8)some, p, each);
	__m256i high = floor_shift8(_mm512_extracti64x4_epi64(acc, 1), i + 8, (__mmask8)(some >> 8), p,
				    each);

	return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

INLINE void span_body(const int32_t *acc, size_t n, const struct xq_requant_lanes *p, void *out,
		      int profile, int each, int wide)
{
	for (size_t i = 0; i < n; i += 16) {
		__mmask16 some = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : (__mmask16)0xffff;
		__m512i a = _mm512_maskz_loadu_epi32(some, acc + i), y;

		a = _mm512_add_epi32(a, lanes32(p->bias, i, some, each));
		if (profile == XQ_REQUANT_ONNX)
			y = onnx(a, each ? _mm512_maskz_loadu_ps(some, p->scale + i) :
					   _mm512_set1_ps(p->scale[0]), p);
		else if (profile == XQ_REQUANT_FLOOR_SHIFT)
			y = floor_shift(a, i, some, p, each);
		else
			y = fixed_point(a, i, some, p, each, profile == XQ_REQUANT_TFLITE);
		if (wide)
			_mm512_mask_cvtepi32_storeu_epi16((uint16_t *)out + i, some, y);
		else if (n - i >= 16)
			_mm_storeu_si128((__m128i *)((uint8_t *)out + i), _mm512_cvtepi32_epi8(y));
		else
			_mm512_mask_cvtepi32_storeu_epi8((uint8_t *)out + i, some, y);
	}
}

XQ_REQUANT_DEFINE_ALL(TARGET)

const struct xq_requant_kernels xq_requant_kernels_avx512 = {
	.name = "avx512",
	.span = XQ_REQUANT_TABLE,
};
#endif
