// SPDX-License-Identifier: MIT
/*
 * The dot of operands of 16 bits: s8, u8 and codebooks, which VPMADDUBSW could saturate.
 * VPMADDWD has half of a vector unit's ports, and its products must be added by another
 * instruction. So half of the products are replaced by sums, which any port does
 * (S. Winograd, 1968):
 *
 *	a0 b0 + a1 b1 = (a0 + b1)(a1 + b0) - a0 a1 - b0 b1
 *
 * where the last two terms are sums by row of A and by column of B: what sums start from.
 * Sums of operands fit 16 bits, and two of their products 32.
 *
 * A step of A has 4 elements in the order 0 2 1 3. Two of B have for each half of the strip
 * one vector of 8 lanes with elements 0 and 2, and one with 1 and 3.
 */
#include "kernels.h"

#define XQK_DOT		xqk_dot_s8_avx2
#define XQK_DOT_FOLD	xqk_dot_fold_s8_avx2
#define XQK_MOST_ROWS	4
#define XQK_PART_STEPS	512	/* 32 KiB, which the level 2 cache delivers fast enough */

static inline __attribute__((always_inline)) void
add_products(__m256i (*to)[2], const uint8_t *a, size_t a_stride, const uint8_t *b,
	     uint32_t steps, const unsigned int rows)
{
	const uint8_t *end = b + steps * XQK_STEP_BYTES;
	__m256i sum[XQK_MOST_ROWS][2];
	unsigned int r;

#pragma GCC unroll 4
	for (r = 0; r < rows; r++) {
		sum[r][0] = to[r][0];
		sum[r][1] = to[r][1];
	}
	for (; b < end; b += 2 * XQK_STEP_BYTES, a += 8) {
		const __m256i even0 = xqk_load(b), odd0 = xqk_load(b + 32);
		const __m256i even1 = xqk_load(b + 64), odd1 = xqk_load(b + 96);

#pragma GCC unroll 4
		for (r = 0; r < rows; r++) {
			const int32_t *pairs = (const int32_t *)(a + r * a_stride);
			const __m256i even = _mm256_set1_epi32(pairs[0]);
			const __m256i odd = _mm256_set1_epi32(pairs[1]);

			sum[r][0] = xqk_add_32(sum[r][0], _mm256_madd_epi16(
				_mm256_add_epi16(even, odd0), _mm256_add_epi16(odd, even0)));
			sum[r][1] = xqk_add_32(sum[r][1], _mm256_madd_epi16(
				_mm256_add_epi16(even, odd1), _mm256_add_epi16(odd, even1)));
		}
	}
#pragma GCC unroll 4
	for (r = 0; r < rows; r++) {
		to[r][0] = sum[r][0];
		to[r][1] = sum[r][1];
	}
}

#include "dot.h"

int32_t xqk_start_a_avx2(const void *a, uint32_t steps)
{
	const __m128i *pairs = a;
	__m128i sum = _mm_setzero_si128();
	uint32_t step;

	/* Two steps at a time: even and odd pairs are 32 bits each. */
	for (step = 0; step + 2 <= steps; step += 2, pairs++) {
		const __m128i both = _mm_loadu_si128(pairs);

		sum = _mm_add_epi32(sum, _mm_madd_epi16(both, _mm_srli_epi64(both, 32)));
	}
	if (step < steps) {
		const __m128i last = _mm_loadl_epi64(pairs);

		sum = _mm_add_epi32(sum, _mm_madd_epi16(last, _mm_srli_epi64(last, 32)));
	}
	return -(_mm_cvtsi128_si32(sum) + _mm_extract_epi32(sum, 2));
}

void xqk_start_b_avx2(const struct xqk_dot *dot, int32_t *column_start, unsigned int strips)
{
	unsigned int strip, half;
	uint32_t step;

	for (strip = 0; strip < strips; strip++) {
		const __m256i *b = (const __m256i *)(dot->b[strip] + dot->first * XQK_STEP_BYTES);
		__m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };

		for (step = 0; step < dot->steps; step += 2, b += 4)
			for (half = 0; half < 2; half++)
				sum[half] = _mm256_sub_epi32(sum[half], _mm256_madd_epi16(
					b[2 * half], b[2 * half + 1]));
		_mm256_store_si256((__m256i *)(column_start + strip * XQK_LANES), sum[0]);
		_mm256_store_si256((__m256i *)(column_start + strip * XQK_LANES) + 1, sum[1]);
	}
}
