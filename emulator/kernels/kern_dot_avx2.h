/* SPDX-License-Identifier: MIT */
/*
 * The dot of bytes on AVX2, one source for every number of rows and every signedness of
 * B. VPMADDUBSW saturates, so bytes are taken apart into 16 bits: in each 32-bit lane
 * bytes 0 and 2 are one pair and bytes 1 and 3 the other, and VPMADDWD adds the products
 * of a pair to 32 bits exactly. A is staged as 16 bits in that order: a0 a2 a1 a3.
 *
 * Included by a file that defines
 *
 *	XQK_DOT		name of the dot
 *	XQK_DOT_FOLD	name of the dot with fold
 *	XQK_LOAD_B(p)	32 bytes of a step as unsigned operands
 */
#include <immintrin.h>

#include "xqk_isa.h"

#define XQK_DOT_ROWS	5

/* The two halves of a strip: 5 rows keep 10 sums beside B's 4 vectors of pairs. */
static inline __attribute__((always_inline)) void
dot_strip(__m256i sum[XQK_DOT_ROWS][2], const struct xqk_dot *dot, const unsigned int strip,
	  const unsigned int rows)
{
	const __m256i low = _mm256_set1_epi16(0xff);
	const uint8_t *const *tile = dot->b + strip;
	const size_t stride = dot->a_stride;
	const uint8_t *a = dot->a;
	uint32_t first = dot->first, left = dot->steps;
	unsigned int r;

#pragma GCC unroll 5
	for (r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = _mm256_setzero_si256();

	while (left) {
		uint32_t steps = XQK_TILE_STEPS - first;
		const uint8_t *b = *tile + first * XQK_STEP_BYTES, *end;

		steps = steps < left ? steps : left;
		for (end = b + steps * XQK_STEP_BYTES; b < end; b += XQK_STEP_BYTES, a += 8) {
			const __m256i b0 = XQK_LOAD_B(b), b1 = XQK_LOAD_B(b + 32);
			const __m256i even0 = _mm256_and_si256(b0, low);
			const __m256i even1 = _mm256_and_si256(b1, low);
			const __m256i odd0 = _mm256_srli_epi16(b0, 8);
			const __m256i odd1 = _mm256_srli_epi16(b1, 8);

#pragma GCC unroll 5
			for (r = 0; r < rows; r++) {
				const int32_t *pair = (const int32_t *)(a + r * stride);
				__m256i x = _mm256_set1_epi32(pair[0]);

				sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(even0, x));
				sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(even1, x));
				x = _mm256_set1_epi32(pair[1]);
				sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(odd0, x));
				sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(odd1, x));
			}
		}
		left -= steps;
		first = 0;
		tile += XQK_STRIPS;
	}
}

static inline __attribute__((always_inline)) void
store_sums(__m256i sum[XQK_DOT_ROWS][2], const struct xqk_dot *dot, const unsigned int strip,
	   const unsigned int rows)
{
	unsigned int r;

#pragma GCC unroll 5
	for (r = 0; r < rows; r++) {
		int32_t *c = dot->c + r * XQK_COLUMNS + strip * XQK_LANES;

		_mm256_store_si256((__m256i *)c, sum[r][0]);
		_mm256_store_si256((__m256i *)c + 1, sum[r][1]);
	}
}

/* sum[r] -= by_row[r] * by_column */
static inline __attribute__((always_inline)) void
take_off(__m256i sum[XQK_DOT_ROWS][2], const int32_t *by_row, const int32_t *by_column,
	 const unsigned int rows)
{
	const __m256i column0 = _mm256_load_si256((const __m256i *)by_column);
	const __m256i column1 = _mm256_load_si256((const __m256i *)by_column + 1);
	unsigned int r;

#pragma GCC unroll 5
	for (r = 0; r < rows; r++) {
		const __m256i row = _mm256_set1_epi32(by_row[r]);

		sum[r][0] = _mm256_sub_epi32(sum[r][0], _mm256_mullo_epi32(column0, row));
		sum[r][1] = _mm256_sub_epi32(sum[r][1], _mm256_mullo_epi32(column1, row));
	}
}

static inline __attribute__((always_inline)) void
fold_sums(__m256i sum[XQK_DOT_ROWS][2], const struct xqk_fold *fold, int32_t *const *c,
	  const unsigned int strip, const unsigned int rows)
{
	unsigned int r, half;

	if (fold->b_zp)
		take_off(sum, fold->row_term, fold->b_zp + strip * XQK_LANES, rows);
	else if (fold->row_term)
#pragma GCC unroll 5
		for (r = 0; r < rows; r++) {
			const __m256i row = _mm256_set1_epi32(fold->row_term[r]);

			sum[r][0] = _mm256_sub_epi32(sum[r][0], row);
			sum[r][1] = _mm256_sub_epi32(sum[r][1], row);
		}
	if (fold->column_sum)
		take_off(sum, fold->a_zp, fold->column_sum + strip * XQK_LANES, rows);
#pragma GCC unroll 5
	for (r = 0; r < rows; r++) {
#pragma GCC unroll 2
		for (half = 0; half < 2; half++) {
			__m256i_u *to = (__m256i_u *)(c[r] + strip * XQK_LANES) + half;

			if (fold->add)
				sum[r][half] = _mm256_add_epi32(sum[r][half], *to);
			*to = sum[r][half];
		}
	}
}

#define XQK_CASE(finish, rows)						\
	case rows:							\
		for (strip = 0; strip < strips; strip++) {		\
			__m256i sum[XQK_DOT_ROWS][2];			\
									\
			dot_strip(sum, dot, strip, rows);		\
			finish(rows);					\
		}							\
		break;
#define XQK_ALL_CASES(finish)						\
	XQK_CASE(finish, 1) XQK_CASE(finish, 2) XQK_CASE(finish, 3)	\
	XQK_CASE(finish, 4) XQK_CASE(finish, 5)

#define XQK_STORE(rows)	store_sums(sum, dot, strip, rows)
#define XQK_FOLD(rows)	fold_sums(sum, fold, c, strip, rows)

void XQK_DOT(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	unsigned int strip;

	switch (rows) {
	XQK_ALL_CASES(XQK_STORE)
	}
}

void XQK_DOT_FOLD(const struct xqk_dot *dot, const struct xqk_fold *fold, int32_t *const *c,
		  unsigned int rows, unsigned int strips)
{
	unsigned int strip;

	switch (rows) {
	XQK_ALL_CASES(XQK_FOLD)
	}
}
