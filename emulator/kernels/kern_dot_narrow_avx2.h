/* SPDX-License-Identifier: MIT */
/*
 * The dot of narrow elements on AVX2, one source for each width: with operands of B that
 * are unsigned and small, VPMADDUBSW can't saturate, and so many of its sums of two
 * products fit 16 bits before they must be widened. Included by a file that defines
 *
 *	XQK_DOT		name of the dot
 *	XQK_DOT_FOLD	name of the dot with fold
 *	XQK_LARGEST	operand of B
 */
#include "kern_avx2.h"

#define XQK_MOST_ROWS	6
#define XQK_RUN_STEPS	(INT16_MAX / (2 * 128 * XQK_LARGEST))
/* A part of some 16 KiB of whole runs. */
#define XQK_PART_STEPS	(256 / XQK_RUN_STEPS * XQK_RUN_STEPS)

static inline __attribute__((always_inline)) void
add_products(__m256i (*to)[2], const uint8_t *a, size_t a_stride, const uint8_t *b,
	     uint32_t steps, const unsigned int rows)
{
	const __m256i ones = _mm256_set1_epi16(1);
	const uint8_t *const last = b + steps * XQK_STEP_BYTES;
	unsigned int r;

	while (b < last) {
		const uint8_t *end = last - b > XQK_RUN_STEPS * XQK_STEP_BYTES ?
				     b + XQK_RUN_STEPS * XQK_STEP_BYTES : last;
		__m256i sum[XQK_MOST_ROWS][2], b0 = xqk_load(b), b1 = xqk_load(b + 32);

#pragma GCC unroll 6
		for (r = 0; r < rows; r++) {
			const __m256i x = _mm256_set1_epi32(*(const int32_t *)(a + r * a_stride));

			sum[r][0] = _mm256_maddubs_epi16(b0, x);
			sum[r][1] = _mm256_maddubs_epi16(b1, x);
		}
		for (b += XQK_STEP_BYTES, a += 4; b < end; b += XQK_STEP_BYTES, a += 4) {
			b0 = xqk_load(b);
			b1 = xqk_load(b + 32);
#pragma GCC unroll 6
			for (r = 0; r < rows; r++) {
				const __m256i x = _mm256_set1_epi32(
					*(const int32_t *)(a + r * a_stride));

				sum[r][0] = xqk_add_16(sum[r][0], _mm256_maddubs_epi16(b0, x));
				sum[r][1] = xqk_add_16(sum[r][1], _mm256_maddubs_epi16(b1, x));
			}
		}
#pragma GCC unroll 6
		for (r = 0; r < rows; r++) {
			to[r][0] = _mm256_add_epi32(to[r][0], _mm256_madd_epi16(sum[r][0], ones));
			to[r][1] = _mm256_add_epi32(to[r][1], _mm256_madd_epi16(sum[r][1], ones));
		}
	}
}

#include "kern_dot_avx2.h"
