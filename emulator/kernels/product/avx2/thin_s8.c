// SPDX-License-Identifier: MIT
/*
 * Products with a K of a few steps: rows of A are read where they are, one at a time, with
 * all of their sums in registers; B is widened to 16 bits once for all rows.
 */
#include "kernels.h"

#define MOST_STEPS	16
#define AHEAD		12	/* rows of C that are fetched before they are written */

/* Of a step: by halves of a strip, even bytes and odd bytes. */
typedef __m256i wide_step[2 * XQK_STRIPS][2];

static void widen_b(wide_step *wide, const struct xqk_thin *thin, unsigned int strips)
{
	unsigned int half;
	uint32_t step;

	for (step = 0; step < thin->steps; step++) {
		const __m256i *b = (const __m256i *)thin->b + step * 2 * XQK_STRIPS;

		for (half = 0; half < 2 * strips; half++) {
			wide[step][half][0] = _mm256_srai_epi16(_mm256_slli_epi16(b[half], 8), 8);
			wide[step][half][1] = _mm256_srai_epi16(b[half], 8);
		}
	}
}

static inline __attribute__((always_inline)) void
thin_row(const struct xqk_thin *thin, const wide_step *b, const uint8_t *a, int32_t *c,
	 const unsigned int halves)
{
	const __m256i flip = _mm256_set1_epi8((char)thin->flip), low = _mm256_set1_epi16(255);
	__m256i sum[2 * XQK_STRIPS];
	unsigned int half;
	uint32_t step;

#pragma GCC unroll 8
	for (half = 0; half < halves; half++)
		sum[half] = _mm256_load_si256((const __m256i *)thin->start + half);
	for (step = 0; step < thin->steps; step++, a += 4) {
		const __m256i x = _mm256_xor_si256(flip, _mm256_set1_epi32(
			*(const xqk_unaligned *)a));
		const __m256i even = xqk_keep(_mm256_and_si256(x, low));
		const __m256i odd = xqk_keep(_mm256_srli_epi16(x, 8));

#pragma GCC unroll 8
		for (half = 0; half < halves; half++) {
			sum[half] = xqk_add_32(sum[half], _mm256_madd_epi16(even, b[step][half][0]));
			sum[half] = xqk_add_32(sum[half], _mm256_madd_epi16(odd, b[step][half][1]));
		}
	}
#pragma GCC unroll 8
	for (half = 0; half < halves; half++) {
		__m256i_u *to = (__m256i_u *)c + half;

		*to = thin->add ? _mm256_add_epi32(sum[half], *to) : sum[half];
	}
}

static inline __attribute__((always_inline)) void
thin_rows(const struct xqk_thin *thin, const unsigned int strips)
{
	wide_step b[MOST_STEPS];
	uint8_t *c = (uint8_t *)thin->c;
	const uint8_t *a = thin->a;
	unsigned int strip;
	uint32_t row;

	widen_b(b, thin, strips);
	for (row = 0; row < thin->rows; row++, a += thin->a_stride, c += thin->c_stride) {
#pragma GCC unroll 4
		for (strip = 0; strip < strips; strip++)
			__builtin_prefetch(c + AHEAD * thin->c_stride + strip * 64, 1);
		thin_row(thin, (const wide_step *)b, a, (int32_t *)c, 2 * strips);
	}
}

void xqk_thin_s8_avx2(const struct xqk_thin *thin, unsigned int strips)
{
	switch (strips) {
	case 1:
		thin_rows(thin, 1);
		break;
	case 2:
		thin_rows(thin, 2);
		break;
	case 3:
		thin_rows(thin, 3);
		break;
	default:
		thin_rows(thin, 4);
		break;
	}
}
