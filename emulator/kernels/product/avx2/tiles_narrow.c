// SPDX-License-Identifier: MIT
/*
 * Narrow tiles in place. Codes are not shifted down but masked out where they are in a
 * nibble, with sums of their own that are too large by a power of two; only the high
 * nibble is shifted.
 */
#include "tiles.h"

#define MOST_SUMS	4

XQK_TILES_INLINE void
add_narrow(__m256i to[2], const uint8_t *a, const uint8_t *b, uint32_t words,
	   const unsigned int bits, const uint8_t flip, const unsigned int left)
{
	const unsigned int sums = 4 / bits, code = (1U << bits) - 1;
	/* Sums of two products from both nibbles fit 16 bits so often. */
	const uint32_t run_words = INT16_MAX / (2 * 2 * 128 * (code << (4 - bits)));
	const __m256i ones = _mm256_set1_epi16(1);
	__m256i sum[MOST_SUMS][2];
	unsigned int i, half, nibble;
	uint32_t run, word;

	for (; words; words -= run) {
		run = words < run_words ? words : run_words;
#pragma GCC unroll 4
		for (i = 0; i < sums; i++)
			sum[i][0] = sum[i][1] = _mm256_setzero_si256();
		for (word = 0; word < run; word++, b += XQK_STEP_BYTES) {
			__m256i codes[2] = { xqk_load(b), xqk_load(b + 32) };

#pragma GCC unroll 2
			for (nibble = 0; nibble < 2; nibble++) {
#pragma GCC unroll 2
				for (half = 0; half < 2; half++) {
					if (nibble)
						codes[half] = _mm256_srli_epi16(codes[half], 4);
					else if (flip)
						codes[half] = _mm256_xor_si256(codes[half],
								_mm256_set1_epi8((char)flip));
				}
#pragma GCC unroll 4
				for (i = 0; i < sums; i++, a += 4) {
					const __m256i mask = _mm256_set1_epi8((char)(code << (i * bits)));
					const __m256i x = _mm256_set1_epi32(*(const int32_t *)a);

					sum[i][0] = xqk_add_16(sum[i][0], _mm256_maddubs_epi16(
						_mm256_and_si256(codes[0], mask), x));
					sum[i][1] = xqk_add_16(sum[i][1], _mm256_maddubs_epi16(
						_mm256_and_si256(codes[1], mask), x));
				}
			}
		}
#pragma GCC unroll 4
		for (i = 0; i < sums; i++)
#pragma GCC unroll 2
			for (half = 0; half < 2; half++) {
				__m256i wide = _mm256_madd_epi16(sum[i][half], ones);

				wide = _mm256_slli_epi32(_mm256_srai_epi32(wide, (int)(i * bits)),
							 (int)left);
				to[half] = _mm256_add_epi32(to[half], wide);
			}
	}
}

#define NARROW(name, bits, flip, left)							\
	XQK_TILES_INLINE void add_##name(__m256i sum[2], const uint8_t *a, const uint8_t *b,	\
					 uint32_t words, const uint8_t *table)		\
	{										\
		(void)table;								\
		add_narrow(sum, a, b, words, bits, flip, left);				\
	}										\
	XQK_DOT_TILES(xqk_dot_tiles_##name##_avx2, 8 / (bits), add_##name)

NARROW(s4, 4, 0x88, 0)
NARROW(u4, 4, 0, 0)
NARROW(s2, 2, 0xaa, 0)
NARROW(u2, 2, 0, 0)
NARROW(b1, 1, 0, 1)
