// SPDX-License-Identifier: MIT
/* Quantization's inner loops for AVX2; the last few elements go through the portable code. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "error_span.h"
#include "quantize_kernels.h"
#include "round.h"

#define TARGET __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline)) TARGET

/* Elements between two looks at the mask of those that are not finite; a multiple of 32. */
#define CHUNK 4096

INLINE __m256i not_finite(__m256 v)
{
	const __m256i exponent = _mm256_set1_epi32(0x7f800000);

	return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_castps_si256(v), exponent), exponent);
}

INLINE __m256i round_to_int(__m256 v, int even)
{
	__m256 half;

	if (even)
		return _mm256_cvttps_epi32(_mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
	half = _mm256_or_ps(_mm256_set1_ps(XQ_BELOW_HALF), _mm256_and_ps(v, _mm256_set1_ps(-0.0f)));
	return _mm256_cvttps_epi32(_mm256_add_ps(v, half));
}

struct bounds {
	__m256 scale, least, most;
	__m256i zp;
};

INLINE struct bounds bounds_of(__m256 scale, __m256i zp, int32_t low, int32_t high)
{
	return (struct bounds){
		.scale = scale, .zp = zp,
		.least = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_set1_epi32(low), zp)),
		.most = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_set1_epi32(high), zp)),
	};
}

INLINE __m256i codes_of(__m256 v, struct bounds b, int even)
{
	v = _mm256_min_ps(_mm256_max_ps(_mm256_div_ps(v, b.scale), b.least), b.most);
	return _mm256_add_epi32(round_to_int(v, even), b.zp);
}

/* The packs work within 128-bit lanes; the permutes put the pieces back in order. */
INLINE void store8(uint8_t *q, const __m256i c[4])
{
	const __m256i low = _mm256_set1_epi32(0xff);
	__m256i a = _mm256_packus_epi32(_mm256_and_si256(c[0], low), _mm256_and_si256(c[1], low));
	__m256i b = _mm256_packus_epi32(_mm256_and_si256(c[2], low), _mm256_and_si256(c[3], low));
	__m256i packed = _mm256_packus_epi16(a, b);

	packed = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
	_mm256_storeu_si256((__m256i *)q, packed);
}

INLINE void store16(uint16_t *q, __m256i c0, __m256i c1)
{
	const __m256i low = _mm256_set1_epi32(0xffff);
	__m256i packed = _mm256_packus_epi32(_mm256_and_si256(c0, low), _mm256_and_si256(c1, low));

	_mm256_storeu_si256((__m256i *)q, _mm256_permute4x64_epi64(packed, 0xd8));
}

INLINE size_t span_body(const float *x, size_t n, const float *scale, const int32_t *zp, int32_t low,
			int32_t high, void *q, int each, int even, int wide)
{
	struct bounds b = bounds_of(_mm256_set1_ps(scale[0]), _mm256_set1_epi32(zp[0]), low, high);
	size_t whole = n & ~(size_t)31, rest;

	for (size_t from = 0; from < whole; from += CHUNK) {
		size_t to = whole - from < CHUNK ? whole : from + CHUNK;
		__m256i bad = _mm256_setzero_si256();

		for (size_t i = from; i < to; i += 32) {
			__m256i c[4];

			for (int j = 0; j < 4; j++) {
				__m256 v = _mm256_loadu_ps(x + i + 8 * j);

				if (each)
					b = bounds_of(_mm256_loadu_ps(scale + i + 8 * j),
						      _mm256_loadu_si256((const __m256i *)(zp + i + 8 * j)),
						      low, high);
				bad = _mm256_or_si256(bad, not_finite(v));
				c[j] = codes_of(v, b, even);
			}
			if (wide) {
				store16((uint16_t *)q + i, c[0], c[1]);
				store16((uint16_t *)q + i + 16, c[2], c[3]);
			} else {
				store8((uint8_t *)q + i, c);
			}
		}
		if (!_mm256_testz_si256(bad, bad))
			return from + xq_first_not_finite(x + from, to - from);
	}
	rest = xq_quantize_kernels_c.quantize[each][even][wide](
		x + whole, n - whole, scale + (each ? whole : 0), zp + (each ? whole : 0), low, high,
		(uint8_t *)q + (whole << wide));
	return whole + rest;
}

XQ_SPAN_DEFINE_ALL(TARGET)

static TARGET size_t range_span(const float *x, size_t n, float range[2])
{
	__m256 low = _mm256_set1_ps(range[0]), high = _mm256_set1_ps(range[1]);
	float lows[8], highs[8];
	size_t whole = n & ~(size_t)7, rest;

	for (size_t from = 0; from < whole; from += CHUNK) {
		size_t to = whole - from < CHUNK ? whole : from + CHUNK;
		__m256i bad = _mm256_setzero_si256();

		for (size_t i = from; i < to; i += 8) {
			__m256 v = _mm256_loadu_ps(x + i);

			bad = _mm256_or_si256(bad, not_finite(v));
			low = _mm256_min_ps(low, v);
			high = _mm256_max_ps(high, v);
		}
		if (!_mm256_testz_si256(bad, bad))
			return from + xq_first_not_finite(x + from, to - from);
	}
	_mm256_storeu_ps(lows, low);
	_mm256_storeu_ps(highs, high);
	for (int i = 0; i < 8; i++) {
		range[0] = lows[i] < range[0] ? lows[i] : range[0];
		range[1] = highs[i] > range[1] ? highs[i] : range[1];
	}
	rest = xq_quantize_kernels_c.range(x + whole, n - whole, range);
	return whole + rest;
}

const struct xq_quantize_kernels xq_quantize_kernels_avx2 = {
	.name = "avx2",
	.quantize = XQ_SPAN_TABLE,
	.range = range_span,
	.error = error_span,
};
#endif
