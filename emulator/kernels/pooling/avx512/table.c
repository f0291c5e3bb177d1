// SPDX-License-Identifier: MIT
/* Pools for AVX-512. */
#define SMALL_FINISH
#include <immintrin.h>

#include "pooling/micro_kernels.h"

struct divisor;
static inline void small_finish(uint8_t *y, const uint16_t *sum, size_t n, const struct xqk_pixels *p);

#include "pooling/template.h"

/* The compiler does not find the high half of a product. */
static inline void small_finish(uint8_t *y, const uint16_t *sum, size_t n, const struct xqk_pixels *p)
{
	const struct divisor d = divisor_of(p);
	const __m512i zero = _mm512_set1_epi16((short)d.zero), half = _mm512_set1_epi16((short)d.half);
	const __m512i factor = _mm512_set1_epi16((short)d.factor), flip = _mm512_set1_epi16(p->flip ? -1 : 0);
	const __m512i least = _mm512_set1_epi16((short)p->least), greatest = _mm512_set1_epi16((short)p->greatest);
	const __m128i shift = _mm_cvtsi32_si128((int)d.shift);

	for (size_t i = 0; i < n; i += 32) {
		const __mmask32 some = n - i < 32 ? (1U << (n - i)) - 1 : ~0U;
		const __m512i s = _mm512_sub_epi16(_mm512_maskz_loadu_epi16(some, sum + i), zero);
		const __m512i sign = _mm512_and_si512(_mm512_srai_epi16(s, 15), flip);
		__m512i v = _mm512_sub_epi16(_mm512_xor_si512(s, sign), sign);

		v = _mm512_srl_epi16(_mm512_mulhi_epu16(_mm512_add_epi16(v, half), factor), shift);
		v = _mm512_sub_epi16(_mm512_xor_si512(v, sign), sign);
		v = _mm512_min_epi16(_mm512_max_epi16(v, least), greatest);
		_mm512_mask_cvtepi16_storeu_epi8(y + i, some, v);
	}
}

/* Thirty-two elements of a row as words; those with a sign are 128 less than what they count as. */
INLINE __m512i words_of(const uint8_t *row, __mmask32 some, const bool is_signed)
{
	const __m256i bytes = _mm256_maskz_loadu_epi8(some, row);

	return is_signed ? _mm512_cvtepi8_epi16(bytes) : _mm512_cvtepu8_epi16(bytes);
}

INLINE void sum_words(uint16_t *dst, const uint8_t *a, const uint8_t *b, const uint8_t *c,
		      __mmask32 some, __m512i less, const size_t count, const bool is_signed)
{
	__m512i s = _mm512_add_epi16(words_of(a, some, is_signed), words_of(b, some, is_signed));

	if (count > 2)
		s = _mm512_add_epi16(s, words_of(c, some, is_signed));
	_mm512_mask_storeu_epi16(dst, some, is_signed ? _mm512_add_epi16(s, less) : s);
}

INLINE void sum_few_rows(uint16_t *dst, const uint8_t *const *rows, size_t n, const size_t count,
			 const bool is_signed)
{
	const __m512i less = _mm512_set1_epi16(is_signed ? (short)(128 * count) : 0);
	const uint8_t *a = rows[0], *b = rows[1], *c = count > 2 ? rows[2] : rows[1];
	size_t i;

	for (i = 0; i + 64 <= n; i += 64) {
		sum_words(dst + i, a + i, b + i, c + i, ~0U, less, count, is_signed);
		sum_words(dst + i + 32, a + i + 32, b + i + 32, c + i + 32, ~0U, less, count,
			  is_signed);
	}
	for (; i < n; i += 32)
		sum_words(dst + i, a + i, b + i, c + i, n - i < 32 ? (1U << (n - i)) - 1 : ~0U, less,
			  count, is_signed);
}

static void sum_rows16_avx512(uint16_t *dst, const uint8_t *const *rows, size_t count, size_t n,
			      uint8_t flip, bool more)
{
	if (more || count < 2 || count > 3)
		sum_rows16(dst, rows, count, n, flip, more);
	else if (count == 3 && flip)
		sum_few_rows(dst, rows, n, 3, true);
	else if (count == 3)
		sum_few_rows(dst, rows, n, 3, false);
	else if (flip)
		sum_few_rows(dst, rows, n, 2, true);
	else
		sum_few_rows(dst, rows, n, 2, false);
}

/*
 * The mean of up to three columns, without a way through memory and without signs: by an odd count
 * there are no halves, so (sum + count / 2) / count rounded down is right for negative sums as
 * well, and by an even one if it has 1 less there. The dividend is then up to 255.5 times the
 * count, which must be at most 128, see struct divisor.
 */
struct mean {
	__m512i zero, half, factor, flip, low, high;
	__m128i shift;
};

INLINE void mean_of_columns(uint8_t *y, const uint16_t *src, size_t pitch, __mmask64 all,
			    const struct mean *m, const size_t taps, const bool halves)
{
	const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
	__m512i v[2], r;

#pragma GCC unroll 2
	for (int h = 0; h < 2; h++, src += 32) {
		const __mmask32 some = (__mmask32)(all >> 32 * h);
		__m512i s = _mm512_maskz_loadu_epi16(some, src);

		if (taps > 1)
			s = _mm512_add_epi16(s, _mm512_maskz_loadu_epi16(some, src + pitch));
		if (taps > 2)
			s = _mm512_add_epi16(s, _mm512_maskz_loadu_epi16(some, src + 2 * pitch));
		if (halves)
			s = _mm512_add_epi16(s, _mm512_srai_epi16(_mm512_sub_epi16(s, m->zero),
								  15));
		s = _mm512_mulhi_epu16(_mm512_add_epi16(s, m->half), m->factor);
		v[h] = _mm512_srl_epi16(s, m->shift);
	}
	r = _mm512_permutexvar_epi64(order, _mm512_packus_epi16(v[0], v[1]));
	r = _mm512_xor_si512(_mm512_min_epu8(_mm512_max_epu8(r, m->low), m->high), m->flip);
	_mm512_mask_storeu_epi8(y, all, r);
}

INLINE void mean_few_columns(const struct xqk_pixels *pixels, const uint16_t *src, const size_t taps,
			     const bool halves)
{
	const struct xqk_pixels p = joined(pixels, pixels->channels);
	const struct divisor d = divisor_of(&p);
	const size_t pitch = pixels->channels, n = p.channels;
	const struct mean m = {
		.zero = _mm512_set1_epi16((short)d.zero), .half = _mm512_set1_epi16((short)d.half),
		.factor = _mm512_set1_epi16((short)d.factor), .flip = _mm512_set1_epi8((char)p.flip),
		.low = _mm512_set1_epi8((char)(p.least ^ p.flip)),
		.high = _mm512_set1_epi8((char)(p.greatest ^ p.flip)),
		.shift = _mm_cvtsi32_si128((int)d.shift),
	};
	size_t pixel, i;

	for (pixel = 0; pixel < p.pixels; pixel++) {
		const uint16_t *at = src + pixel * p.step;
		uint8_t *y = p.y + pixel * p.y_pitch;

		for (i = 0; i + 64 <= n; i += 64)
			mean_of_columns(y + i, at + i, pitch, ~(__mmask64)0, &m, taps, halves);
		if (i < n)
			mean_of_columns(y + i, at + i, pitch, ((__mmask64)1 << (n - i)) - 1, &m, taps,
					halves);
	}
}

static void mean_pixels16_avx512(const struct xqk_pixels *p, const uint16_t *src)
{
	const bool halves = p->flip && !(p->count & 1);

	if (p->count < 2 || p->count > 128 || p->taps > 3)
		mean_pixels16(p, src);
	else if (p->taps == 3 && halves)
		mean_few_columns(p, src, 3, true);
	else if (p->taps == 3)
		mean_few_columns(p, src, 3, false);
	else if (p->taps == 2 && halves)
		mean_few_columns(p, src, 2, true);
	else if (p->taps == 2)
		mean_few_columns(p, src, 2, false);
	else if (halves)
		mean_few_columns(p, src, 1, true);
	else
		mean_few_columns(p, src, 1, false);
}

const struct xqk_pooling_kernels xqk_pooling_avx512 = {
	.max_rows = max_rows,
	.sum_rows16 = sum_rows16_avx512,
	.sum_rows32 = sum_rows32,
	.max_pixels = max_pixels,
	.mean_pixels16 = mean_pixels16_avx512,
	.mean_pixels32 = mean_pixels32,
};
