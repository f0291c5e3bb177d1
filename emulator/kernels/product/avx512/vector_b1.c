// SPDX-License-Identifier: MIT
/*
 * A vector by tiles of b1, taken as 0 and 2: plus 1. VPDPBUSD would multiply 64 of them at a
 * time, after as many operations to take them apart. Instead sums of 5 and of 6 elements of A
 * are looked up: 16 bits of two strips' 32 channels are their indices into tables of 32, 32
 * and 64 sums, which are made from A once.
 */
#include <immintrin.h>

#include "kernels.h"
#include "vector.h"

/* Sums in the tables of 16 elements: by bits 0..4, 5..9 and 10..15. */
#define TABLE_BYTES	(4 * XQK_VECTOR_STEP_B1)
/* Words whose sums of 32 elements of -128 fit 16 bits */
#define WORDS_16	8
/* Pairs of strips taken at a time: tables are loaded once for all of them */
#define PAIRS		4

/* VPERMW takes the low 5 bits of each 16 as index, VPERMI2W 6. Bit j: whether i has bit j */
#define BIT_0		0xaaaaaaaa
#define BIT_1		0xcccccccc
#define BIT_2		0xf0f0f0f0
#define BIT_3		0xff00ff00
#define BIT_4		0xffff0000

/* The sums of all subsets of 5 elements. */
static inline __m512i subset_sums(const int8_t *a)
{
	__m512i sums = _mm512_maskz_set1_epi16(BIT_0, a[0]);

	sums = _mm512_mask_add_epi16(sums, BIT_1, sums, _mm512_set1_epi16(a[1]));
	sums = _mm512_mask_add_epi16(sums, BIT_2, sums, _mm512_set1_epi16(a[2]));
	sums = _mm512_mask_add_epi16(sums, BIT_3, sums, _mm512_set1_epi16(a[3]));
	return _mm512_mask_add_epi16(sums, BIT_4, sums, _mm512_set1_epi16(a[4]));
}

void xqk_vector_arrange_b1_avx512(void *dst, const int8_t *a, size_t words, unsigned int steps)
{
	__m512i *table = dst;
	size_t left;

	(void)steps;
	for (left = 2 * words; left; left--, a += 16, table += TABLE_BYTES / sizeof(*table)) {
		const __m512i high = subset_sums(a + 10);

		_mm512_store_si512(table, subset_sums(a));
		_mm512_store_si512(table + 1, subset_sums(a + 5));
		_mm512_store_si512(table + 2, high);
		_mm512_store_si512(table + 3, _mm512_add_epi16(high, _mm512_set1_epi16(a[15])));
	}
}

/* By each 16 bits of index: the sums of the elements of A that they select. */
static inline __attribute__((always_inline)) __m512i
look_up(__m512i sum, __m512i index, const __m512i *table)
{
	sum = _mm512_add_epi16(sum, _mm512_permutexvar_epi16(index, table[0]));
	sum = _mm512_add_epi16(sum, _mm512_permutexvar_epi16(_mm512_srli_epi16(index, 5), table[1]));
	return _mm512_add_epi16(sum, _mm512_permutex2var_epi16(
				table[2], _mm512_srli_epi16(index, 10), table[3]));
}

static inline __attribute__((always_inline)) void load_tables(__m512i *table, const uint8_t *at)
{
	unsigned int i;

#pragma GCC unroll 4
	for (i = 0; i < 4; i++) {
		table[i] = _mm512_load_si512(at + 64 * i);
		/* Loads are scarce: this one may not be repeated for each pair. */
		__asm__("" : "+v" (table[i]));
	}
}

/* At most WORDS_16 words of each pair of strips, in 16 bits. */
static inline __attribute__((always_inline)) void
sum_words(__m512i *sum, const uint8_t *const *b, const uint8_t *a, size_t words,
	  const unsigned int pairs)
{
	/* The two halves of each word changed over */
	const __m512i swap = _mm512_set4_epi32(0x0d0c0f0e, 0x09080b0a, 0x05040706, 0x01000302);
	__m512i table[4], high[PAIRS];
	unsigned int pair;
	size_t at;

#pragma GCC unroll 4
	for (pair = 0; pair < pairs; pair++)
		sum[pair] = _mm512_setzero_si512();
	for (at = 0; at < words * XQK_STEP_BYTES; at += XQK_STEP_BYTES, a += 2 * TABLE_BYTES) {
		load_tables(table, a);
#pragma GCC unroll 4
		for (pair = 0; pair < pairs; pair++) {
			const __m512i even = _mm512_loadu_si512(b[2 * pair] + at);
			const __m512i odd = _mm512_loadu_si512(b[2 * pair + 1] + at);
			/* The low halves of both strips' words, then the high ones */
			const __m512i low = _mm512_mask_shuffle_epi8(
				even, 0xcccccccccccccccc, odd, swap);

			high[pair] = _mm512_mask_shuffle_epi8(odd, 0x3333333333333333, even, swap);
			sum[pair] = look_up(sum[pair], low, table);
		}
		load_tables(table, a + TABLE_BYTES);
#pragma GCC unroll 4
		for (pair = 0; pair < pairs; pair++)
			sum[pair] = look_up(sum[pair], high[pair], table);
	}
}

static inline __attribute__((always_inline)) void
multiply(const struct xqk_vector *vector, unsigned int strip, unsigned int apart,
	 const unsigned int pairs, const bool single)
{
	const uint8_t *const *tile = vector->b + strip, *b[2 * PAIRS];
	const uint8_t *a = vector->a;
	__m512i sum[2 * PAIRS], part[PAIRS];
	uint32_t left, in_tile, words;
	unsigned int i;

	for (i = 0; i < 2 * pairs; i++)
		sum[i] = _mm512_setzero_si512();
	for (left = vector->words; left; tile += XQK_VECTOR_STRIPS) {
		for (i = 0; i < 2 * pairs; i++)
			b[i] = tile[single ? 0 : i * apart];
		in_tile = left < XQK_TILE_STEPS || vector->contiguous ? left : XQK_TILE_STEPS;
		left -= in_tile;
		for (; in_tile; in_tile -= words, a += words * 2 * TABLE_BYTES) {
			words = in_tile < WORDS_16 ? in_tile : WORDS_16;
			sum_words(part, b, a, words, pairs);
			for (i = 0; i < 2 * pairs; i++) {
				b[i] += words * XQK_STEP_BYTES;
				/* The even or the odd 16 bits, extended to 32 */
				sum[i] = _mm512_dpwssd_epi32(sum[i], part[i / 2], _mm512_set1_epi32(
							     i % 2 ? 0x10000 : 1));
			}
		}
	}
	for (i = 0; i < 2 * pairs - single; i++)
		xqk_vector_store(vector, strip + i * apart, _mm512_slli_epi32(sum[i], 1));
}

void xqk_vector_b1_avx512(const struct xqk_vector *vector, unsigned int strips)
{
	const unsigned int each = strips / (2 * PAIRS);
	unsigned int strip;

	/* Strips far apart: a stream then goes on where it ended, if B is contiguous. */
	for (strip = 0; strip < each; strip++)
		multiply(vector, strip, each, PAIRS, false);
	for (strip = each * 2 * PAIRS; strip + 2 <= strips; strip += 2)
		multiply(vector, strip, 1, 1, false);
	if (strip < strips)
		multiply(vector, strip, 1, 1, true);
}
