// SPDX-License-Identifier: MIT
/*
 * B1 x B1 in place: bits that differ are counted by looking up nibbles, in bytes that
 * are added to 32 bits before they can overflow.
 */
#include <immintrin.h>

#include "kern_avx2.h"

#define MOST_ROWS	5
#define FLUSH_STEPS	31	/* of at most 8 bits a byte */

static inline __m256i count_bytes(__m256i bits)
{
	const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
						0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
	const __m256i nibble = _mm256_set1_epi8(15);

	return _mm256_add_epi8(
		_mm256_shuffle_epi8(counts, _mm256_and_si256(bits, nibble)),
		_mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(bits, 4), nibble)));
}

static inline __m256i add_bytes(__m256i sum, __m256i bytes)
{
	const __m256i pairs = _mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1));

	return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* Half a strip, 8 lanes, by some rows. */
static inline __attribute__((always_inline)) void
count_half(const struct xqk_dot *dot, const unsigned int rows, unsigned int half)
{
	const uint8_t *const *tile = dot->b + half / 2;
	__m256i sum[MOST_ROWS], bytes[MOST_ROWS], mask = _mm256_set1_epi32(-1);
	uint32_t i, at;
	unsigned int r;

#pragma GCC unroll 5
	for (r = 0; r < rows; r++)
		sum[r] = bytes[r] = _mm256_setzero_si256();
	for (i = 0; i < dot->steps; i++) {
		__m256i b;

		at = dot->first + i;
		b = _mm256_loadu_si256((const __m256i *)(tile[at / XQK_TILE_STEPS * XQK_STRIPS] +
				       at % XQK_TILE_STEPS * XQK_STEP_BYTES + half % 2 * 32));
		if (i == dot->k / 32)
			mask = _mm256_set1_epi32((int32_t)((1U << dot->k % 32) - 1));
#pragma GCC unroll 5
		for (r = 0; r < rows; r++) {
			const __m256i a = _mm256_set1_epi32(
				*(const int32_t *)(dot->a + r * dot->a_stride + 4 * i));

			bytes[r] = _mm256_add_epi8(bytes[r], count_bytes(
				_mm256_and_si256(_mm256_xor_si256(a, b), mask)));
		}
		if (i % FLUSH_STEPS == FLUSH_STEPS - 1)
#pragma GCC unroll 5
			for (r = 0; r < rows; r++) {
				sum[r] = add_bytes(sum[r], bytes[r]);
				bytes[r] = _mm256_setzero_si256();
			}
	}
#pragma GCC unroll 5
	for (r = 0; r < rows; r++) {
		const __m256i all = add_bytes(sum[r], bytes[r]);

		_mm256_store_si256((__m256i *)(dot->c + r * XQK_COLUMNS) + half,
				   _mm256_sub_epi32(_mm256_set1_epi32((int32_t)dot->k),
						    _mm256_slli_epi32(all, 1)));
	}
}

void xqk_dot_b1_avx2(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	unsigned int half;

	for (half = 0; half < 2 * strips; half++) {
		switch (rows) {
		case 1:
			count_half(dot, 1, half);
			break;
		case 2:
			count_half(dot, 2, half);
			break;
		case 3:
			count_half(dot, 3, half);
			break;
		case 4:
			count_half(dot, 4, half);
			break;
		default:
			count_half(dot, 5, half);
			break;
		}
	}
}
