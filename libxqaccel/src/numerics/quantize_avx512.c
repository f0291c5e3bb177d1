// SPDX-License-Identifier: MIT
/* Quantization's inner loops for AVX-512 (F, BW, DQ, VL). */
#if defined(__x86_64__)
#include <immintrin.h>

#include "error_span.h"
#include "quantize_kernels.h"
#include "round.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

/* Elements between two looks at the mask of those that are not finite. */
#define CHUNK 4096

static inline __attribute__((always_inline)) TARGET __mmask16 not_finite(__m512 v)
{
	const __m512i exponent = _mm512_set1_epi32(0x7f800000);

	return _mm512_cmpeq_epi32_mask(_mm512_and_epi32(_mm512_castps_si512(v), exponent), exponent);
}

/* Nearest: the bits of XQ_BELOW_HALF with v's sign, then truncation, as xq_round_nearest(). */
static inline __attribute__((always_inline)) TARGET __m512i round_to_int(__m512 v, int even)
{
	__m512 half;

	if (even)
		return _mm512_cvt_roundps_epi32(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	half = _mm512_or_ps(_mm512_set1_ps(XQ_BELOW_HALF), _mm512_and_ps(v, _mm512_set1_ps(-0.0f)));
	return _mm512_cvttps_epi32(_mm512_add_ps(v, half));
}

static inline __attribute__((always_inline)) TARGET
size_t span_body(const float *x, size_t n, const float *scale, const int32_t *zp, int32_t low,
		 int32_t high, void *q, int each, int even, int wide)
{
	__m512 s = _mm512_set1_ps(scale[0]);
	__m512i z = _mm512_set1_epi32(zp[0]);
	const __m512i low_code = _mm512_set1_epi32(low), high_code = _mm512_set1_epi32(high);
	__m512 least = _mm512_cvtepi32_ps(_mm512_sub_epi32(low_code, z));
	__m512 most = _mm512_cvtepi32_ps(_mm512_sub_epi32(high_code, z));

	for (size_t from = 0; from < n; from += CHUNK) {
		size_t to = n - from < CHUNK ? n : from + CHUNK;
		__mmask16 bad = 0;

		for (size_t i = from; i < to; i += 16) {
			__mmask16 some = to - i < 16 ? (__mmask16)((1u << (to - i)) - 1) : (__mmask16)0xffff;
			__m512 v = _mm512_maskz_loadu_ps(some, x + i);
			__m512i code;

			if (each) {
				s = _mm512_mask_loadu_ps(_mm512_set1_ps(1.0f), some, scale + i);
				z = _mm512_maskz_loadu_epi32(some, zp + i);
				least = _mm512_cvtepi32_ps(_mm512_sub_epi32(low_code, z));
				most = _mm512_cvtepi32_ps(_mm512_sub_epi32(high_code, z));
			}
			bad |= not_finite(v);
			v = _mm512_min_ps(_mm512_max_ps(_mm512_div_ps(v, s), least), most);
			code = _mm512_add_epi32(round_to_int(v, even), z);
			if (wide)
				_mm512_mask_cvtepi32_storeu_epi16((uint16_t *)q + i, some, code);
			else if (to - i >= 16)
				_mm_storeu_si128((__m128i *)((uint8_t *)q + i), _mm512_cvtepi32_epi8(code));
			else
				_mm512_mask_cvtepi32_storeu_epi8((uint8_t *)q + i, some, code);
		}
		if (bad)
			return from + xq_first_not_finite(x + from, to - from);
	}
	return n;
}

XQ_SPAN_DEFINE_ALL(TARGET)

static TARGET size_t range_span(const float *x, size_t n, float range[2])
{
	__m512 low = _mm512_set1_ps(range[0]), high = _mm512_set1_ps(range[1]);

	for (size_t from = 0; from < n; from += CHUNK) {
		size_t to = n - from < CHUNK ? n : from + CHUNK;
		__mmask16 bad = 0;

		for (size_t i = from; i < to; i += 16) {
			__mmask16 some = to - i < 16 ? (__mmask16)((1u << (to - i)) - 1) : (__mmask16)0xffff;
			__m512 v = _mm512_maskz_loadu_ps(some, x + i);

			bad |= not_finite(v);
			low = _mm512_mask_min_ps(low, some, low, v);
			high = _mm512_mask_max_ps(high, some, high, v);
		}
		if (bad)
			return from + xq_first_not_finite(x + from, to - from);
	}
	range[0] = _mm512_reduce_min_ps(low);
	range[1] = _mm512_reduce_max_ps(high);
	return n;
}

const struct xq_quantize_kernels xq_quantize_kernels_avx512 = {
	.name = "avx512",
	.quantize = XQ_SPAN_TABLE,
	.range = range_span,
	.error = error_span,
};
#endif
