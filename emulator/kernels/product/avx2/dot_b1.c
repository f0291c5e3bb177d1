// SPDX-License-Identifier: MIT
/*
 * B1 x B1: bits that differ are looked up. A nibble of a row of A chooses a table of 16,
 * VPSHUFB looks up the nibbles of 16 channels of B in it, and no exclusive or is left to be
 * done. A count is at most 4, so that two rows share the lookup: one counts in the low
 * nibbles of a byte, the other in the high ones, for three lookups before the two are taken
 * apart.
 *
 * B's panel has for each byte of K the low nibbles of a strip's channels, then their high
 * nibbles; the halves of a vector are added in the end.
 */
#include "fold.h"

#define GROUP		3	/* lookups before a nibble overflows */
#define MOST_ROWS	8	/* whose counts and results leave the level 1 cache to B */
#define PART_BYTES	63	/* of K, before a byte of 4 bits each does */

#define COUNT(n)	(((n) & 1) + ((n) >> 1 & 1) + ((n) >> 2 & 1) + ((n) >> 3 & 1))
#define COUNTS4(n)	COUNT(n), COUNT((n) ^ 1), COUNT((n) ^ 2), COUNT((n) ^ 3)
#define COUNTS16(n)	COUNTS4(n), COUNTS4((n) ^ 4), COUNTS4((n) ^ 8), COUNTS4((n) ^ 12)
#define TABLE(byte)	{ COUNTS16((byte) & 15), COUNTS16((byte) >> 4) }
#define TABLES4(n)	TABLE(n), TABLE((n) + 1), TABLE((n) + 2), TABLE((n) + 3)
#define TABLES16(n)	TABLES4(n), TABLES4((n) + 4), TABLES4((n) + 8), TABLES4((n) + 12)
#define TABLES64(n)	TABLES16(n), TABLES16((n) + 16), TABLES16((n) + 32), TABLES16((n) + 48)

/* By a byte of A: how many bits of each nibble differ from each nibble of B. */
static const uint8_t tables[256][32] __attribute__((aligned(64))) = {
	TABLES64(0), TABLES64(64), TABLES64(128), TABLES64(192),
};

typedef __m256i strip_counts[XQK_STRIPS][2];

/*
 * Bytes of a part: both rows' counts, the high nibbles' times 16 and modulo 256, and those
 * of the high nibbles alone.
 */
struct counts {
	__m256i both[XQK_STRIPS], high[XQK_STRIPS];
};

static inline __m256i table_of(uint8_t byte)
{
	return _mm256_load_si256((const __m256i *)tables[byte]);
}

/* The table of K's last bits, which are less than a byte. */
static __m256i rest_table(uint8_t byte, uint8_t mask)
{
	uint8_t table[32];
	unsigned int i;

	for (i = 0; i < 16; i++) {
		table[i] = tables[0][(byte ^ i) & mask & 15];
		table[16 + i] = tables[0][(byte >> 4 ^ i) & (mask >> 4)];
	}
	return _mm256_loadu_si256((const __m256i *)table);
}

/* The table of a byte of K; past its end one that counts nothing. */
static inline __m256i table_at(const struct xqk_dot *dot, const uint8_t *a, uint32_t at)
{
	if (at < dot->k / 8)
		return table_of(a[at]);
	if (at == dot->k / 8 && dot->k % 8)
		return rest_table(a[at], (uint8_t)((1U << dot->k % 8) - 1));
	return _mm256_setzero_si256();
}

/* VPSHUFB with the operand in memory. */
static inline __attribute__((always_inline)) __m256i look_up(__m256i table, const uint8_t *b)
{
	__m256i counts;

	__asm__ volatile("vpshufb %2, %1, %0" : "=x"(counts) : "x"(table), "m"(*(const __m256i *)b));
	return counts;
}

static inline __attribute__((always_inline)) void
count_group(struct counts *count, const __m256i table[GROUP], const uint8_t *const *b,
	    size_t at, const unsigned int strips)
{
	const __m256i nibble = _mm256_set1_epi8(15);
	unsigned int s;

#pragma GCC unroll 4
	for (s = 0; s < strips; s++) {
		const uint8_t *p = b[s] + 32 * at;
		__m256i both = look_up(table[0], p);

		both = xqk_add_8(both, look_up(table[1], p + 32));
		both = xqk_add_8(both, look_up(table[2], p + 64));
		count->both[s] = xqk_add_8(count->both[s], both);
		count->high[s] = xqk_add_8(count->high[s], _mm256_and_si256(
			_mm256_srli_epi16(both, 4), nibble));
	}
}

/*
 * 16-bit counts of channels 0..7 and 8..15, of low nibbles in the low halves, of high ones in
 * the high halves; the first part sets them.
 */
static inline __attribute__((always_inline)) void
add_counts(__m256i to[2], __m256i count, bool first)
{
	const __m256i zero = _mm256_setzero_si256();
	const __m256i low = _mm256_unpacklo_epi8(count, zero);
	const __m256i high = _mm256_unpackhi_epi8(count, zero);

	to[0] = first ? low : _mm256_add_epi16(to[0], low);
	to[1] = first ? high : _mm256_add_epi16(to[1], high);
}

/* Two rows by some strips for `bytes` of K from `at` on, at most PART_BYTES. */
static inline __attribute__((always_inline)) void
count_part(strip_counts *to0, strip_counts *to1, const struct xqk_dot *dot, const uint8_t *a0,
	   const uint8_t *a1, const uint8_t *const *b, uint32_t at, uint32_t bytes,
	   const unsigned int strips)
{
	const uint32_t end = at + bytes, whole = end < dot->k / 8 ? end : dot->k / 8;
	const bool start = !at;
	struct counts count;
	__m256i table[GROUP];
	const __m256i nibble = _mm256_set1_epi8(15);
	unsigned int i, s;

#pragma GCC unroll 4
	for (s = 0; s < strips; s++)
		count.both[s] = count.high[s] = _mm256_setzero_si256();
	for (; at + GROUP <= whole; at += GROUP) {
#pragma GCC unroll 3
		for (i = 0; i < GROUP; i++)
			table[i] = _mm256_or_si256(table_of(a0[at + i]),
						   _mm256_slli_epi16(table_of(a1[at + i]), 4));
		count_group(&count, table, b, at, strips);
	}
	if (at < end) {
#pragma GCC unroll 3
		for (i = 0; i < GROUP; i++)
			table[i] = _mm256_or_si256(table_at(dot, a0, at + i),
						   _mm256_slli_epi16(table_at(dot, a1, at + i), 4));
		count_group(&count, table, b, at, strips);
	}
#pragma GCC unroll 4
	for (s = 0; s < strips; s++) {
		const __m256i high16 = _mm256_slli_epi16(_mm256_and_si256(count.high[s], nibble), 4);

		add_counts((*to0)[s], _mm256_sub_epi8(count.both[s], high16), start);
		add_counts((*to1)[s], count.high[s], start);
	}
}

static void count_rows(strip_counts *counts, const struct xqk_dot *dot, const uint8_t *const *b,
		       uint32_t at, uint32_t bytes, unsigned int rows, unsigned int strips)
{
	const uint8_t *a = dot->a;
	unsigned int row;

	/* The last of an odd number has itself as partner, whose counts nobody wants. */
	for (row = 0; row < rows; row += 2, a += 2 * dot->a_stride) {
		const uint8_t *partner = row + 1 < rows ? a + dot->a_stride : a;

		if (strips == XQK_STRIPS)
			count_part(&counts[row], &counts[row + 1], dot, a, partner, b, at, bytes,
				   XQK_STRIPS);
		else
			count_part(&counts[row], &counts[row + 1], dot, a, partner, b, at, bytes, 1);
	}
}

/* k - 2 * count as 32 bits; a block's k and its negative fit 16. */
static inline void sum_counts(__m256i sum[2], const __m256i count[2], uint32_t k)
{
	const __m256i all = _mm256_add_epi16(_mm256_permute2x128_si256(count[0], count[1], 0x20),
					     _mm256_permute2x128_si256(count[0], count[1], 0x31));
	const __m256i value = _mm256_sub_epi16(_mm256_set1_epi16((int16_t)k),
					       _mm256_slli_epi16(all, 1));

	sum[0] = _mm256_cvtepi16_epi32(_mm256_castsi256_si128(value));
	sum[1] = _mm256_cvtepi16_epi32(_mm256_extracti128_si256(value, 1));
}

/* At most MOST_ROWS; all strips if there are four, else one. */
static void dot_strips(const struct xqk_dot *dot, const struct xqk_fold *fold, int32_t *const *c,
		       unsigned int rows, unsigned int first, unsigned int strips)
{
	const uint32_t all = (dot->k + 7) / 8;
	strip_counts counts[MOST_ROWS];
	const uint8_t *b[XQK_STRIPS];
	__m256i sum[MOST_ROWS][2];
	unsigned int row, s;
	uint32_t at, bytes;

	if (fold)
		fetch_rows(c, first, strips, rows);
	for (s = 0; s < strips; s++)
		b[s] = dot->b[first + s] + dot->first * XQK_STEP_BYTES;
	for (at = 0; at < all; at += bytes) {
		bytes = all - at < PART_BYTES ? all - at : PART_BYTES;
		count_rows(counts, dot, b, at, bytes, rows, strips);
	}
	for (s = 0; s < strips; s++) {
		for (row = 0; row < rows; row++)
			sum_counts(sum[row], counts[row][s], dot->k);
		finish_strip(sum, dot, fold, c, first + s, rows);
	}
}

static void dot_rows(const struct xqk_dot *dot, const struct xqk_fold *fold, int32_t *const *c,
		     unsigned int rows, unsigned int strips)
{
	unsigned int s;

	if (strips == XQK_STRIPS) {
		dot_strips(dot, fold, c, rows, 0, XQK_STRIPS);
		return;
	}
	for (s = 0; s < strips; s++)
		dot_strips(dot, fold, c, rows, s, 1);
}

void xqk_dot_b1_avx2(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	struct xqk_dot part = *dot;
	unsigned int count;

	for (; rows; rows -= count) {
		count = rows < MOST_ROWS ? rows : MOST_ROWS;
		dot_rows(&part, NULL, NULL, count, strips);
		part.a += count * part.a_stride;
		part.c += count * XQK_COLUMNS;
	}
}

void xqk_dot_fold_b1_avx2(const struct xqk_dot *dot, const struct xqk_fold *fold,
			  int32_t *const *c, unsigned int rows, unsigned int strips)
{
	struct xqk_dot part = *dot;
	struct xqk_fold terms = *fold;
	unsigned int count;

	for (; rows; rows -= count, c += count) {
		count = rows < MOST_ROWS ? rows : MOST_ROWS;
		dot_rows(&part, &terms, c, count, strips);
		part.a += count * part.a_stride;
		if (terms.a_zp)
			terms.a_zp += count;
		if (terms.row_term)
			terms.row_term += count;
	}
}
