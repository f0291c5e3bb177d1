/* SPDX-License-Identifier: MIT */
/* Bounded requantization by scales in f32, see struct xqk_bounded in epilogue/micro_kernels.h, of sums in registers. */
#ifndef XQK_EPILOGUE_SINGLE_AVX512_H
#define XQK_EPILOGUE_SINGLE_AVX512_H

#include <immintrin.h>

/* What is rounded to a whole number v is a number of f32 whose bits are those of this one, plus v. */
#define XQK_SINGLE_WHOLE	0x1.8p23f

/* What is taken from those bits for a result with a zero point. */
static inline __attribute__((always_inline)) __m512i xqk_single_base(int32_t zero_point)
{
	return _mm512_sub_epi32(_mm512_castps_si512(_mm512_set1_ps(XQK_SINGLE_WHOLE)), _mm512_set1_epi32(zero_point));
}

/*
 * Two vectors of sums to words of 16 bits, those of a lane of 16 bytes of each vector together in that lane. Sums are
 * exact in f32, and what comes of them is less than 2^22.
 */
static inline __attribute__((always_inline)) __m512i
xqk_single_words(__m512i sum0, __m512i sum1, __m512 scale0, __m512 scale1, __m512i base)
{
	const __m512 whole = _mm512_set1_ps(XQK_SINGLE_WHOLE);
	const __m512i y0 = _mm512_castps_si512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum0), scale0, whole));
	const __m512i y1 = _mm512_castps_si512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum1), scale1, whole));

	return _mm512_packs_epi32(_mm512_sub_epi32(y0, base), _mm512_sub_epi32(y1, base));
}

#endif
