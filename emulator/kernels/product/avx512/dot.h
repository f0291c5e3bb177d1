/* SPDX-License-Identifier: MIT */
/*
 * The dot on AVX-512, one source for every number of rows and strips. Included by a file
 * that defines
 *
 *	XQK_DOT		name of the dot
 *	XQK_DOT_FOLD	name of the dot with fold
 *	XQK_LOAD_B(p)	64 bytes of a step
 *	XQK_MULTIPLY(sum, b, a)	sum with the products of a step's operands, a being the
 *		4 bytes of a row in every lane
 *	XQK_BITS	defined for B1 x B1
 */
#include <immintrin.h>

#include "product/micro_kernels.h"

#define XQK_DOT_ROWS	6

#ifdef XQK_BITS
#define WHOLE_STEPS(dot)	((dot)->k / 32)

/* The last word, if it is partly used; then from bits that differ to the sum of products. */
static inline __attribute__((always_inline)) void
count_rest(__m512i sum[XQK_DOT_ROWS][XQK_STRIPS], const struct xqk_dot *dot,
	   const uint8_t *const *tile, uint32_t step, const uint8_t *a,
	   const unsigned int rows, const unsigned int strips)
{
	const __m512i mask = _mm512_set1_epi32((int32_t)((1U << dot->k % 32) - 1));
	const __m512i k = _mm512_set1_epi32((int32_t)dot->k);
	unsigned int r, s;

	if (dot->k % 32) {
#pragma GCC unroll 6
		for (r = 0; r < rows; r++) {
			const __m512i row = _mm512_and_si512(mask, _mm512_set1_epi32(
				*(const xqk_unaligned *)(a + r * dot->a_stride)));

#pragma GCC unroll 4
			for (s = 0; s < strips; s++)
				sum[r][s] = XQK_MULTIPLY(sum[r][s], _mm512_and_si512(mask,
					XQK_LOAD_B(tile[s] + step * XQK_STEP_BYTES)), row);
		}
	}
#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			sum[r][s] = _mm512_sub_epi32(k, _mm512_slli_epi32(sum[r][s], 1));
}
#else
#define WHOLE_STEPS(dot)	((dot)->steps)
#endif

/*
 * 6 rows by 4 strips keep 24 sums, 4 vectors of B and one of A in the 32 registers; rows
 * and strips are constants wherever this is inlined.
 */
static inline __attribute__((always_inline)) void
clear_sums(__m512i sum[XQK_DOT_ROWS][XQK_STRIPS], const unsigned int rows,
	   const unsigned int strips)
{
	unsigned int r, s;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			sum[r][s] = _mm512_setzero_si512();
}

static inline __attribute__((always_inline)) void
dot_block(__m512i sum[XQK_DOT_ROWS][XQK_STRIPS], const struct xqk_dot *dot,
	  const unsigned int rows, const unsigned int strips)
{
	const uint8_t *const *tile = dot->b;
	const size_t stride = dot->a_stride;
	const uint8_t *a = dot->a;
	uint32_t first = dot->first, left = WHOLE_STEPS(dot);
	unsigned int r, s;

	while (left) {
		uint32_t steps = XQK_TILE_STEPS - first;
		const uint8_t *b[XQK_STRIPS], *end;

		steps = steps < left ? steps : left;
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			b[s] = tile[s] + first * XQK_STEP_BYTES;
		for (end = a + 4 * steps; a < end; a += 4) {
			__m512i operand[XQK_STRIPS];

#pragma GCC unroll 4
			for (s = 0; s < strips; s++) {
				operand[s] = XQK_LOAD_B(b[s]);
				b[s] += XQK_STEP_BYTES;
			}
#pragma GCC unroll 6
			for (r = 0; r < rows; r++) {
				const __m512i row = _mm512_set1_epi32(
					*(const xqk_unaligned *)(a + r * stride));

#pragma GCC unroll 4
				for (s = 0; s < strips; s++)
					sum[r][s] = XQK_MULTIPLY(sum[r][s], operand[s], row);
			}
		}
		left -= steps;
		first += steps;
		tile += first == XQK_TILE_STEPS ? XQK_STRIPS : 0;
		first %= XQK_TILE_STEPS;
	}
#ifdef XQK_BITS
	count_rest(sum, dot, tile, first, a, rows, strips);
#endif
}

/* Rows of C are far from each other: have them here by the time that the sums are done. */
static inline __attribute__((always_inline)) void
fetch_rows(int32_t *const *c, const unsigned int rows, const unsigned int strips)
{
	unsigned int r, s;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			__builtin_prefetch(c[r] + s * XQK_LANES, 1);
}

static inline __attribute__((always_inline)) void
store_sums(__m512i sum[XQK_DOT_ROWS][XQK_STRIPS], const struct xqk_dot *dot,
	   const unsigned int rows, const unsigned int strips)
{
	unsigned int r, s;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			_mm512_store_si512(dot->c + r * XQK_COLUMNS + s * XQK_LANES, sum[r][s]);
}

/* sum[r][s] -= by_row[r] * by_column[s] */
static inline __attribute__((always_inline)) void
take_off(__m512i sum[XQK_DOT_ROWS][XQK_STRIPS], const int32_t *by_row, const int32_t *by_column,
	 const unsigned int rows, const unsigned int strips)
{
	unsigned int r, s;

#pragma GCC unroll 4
	for (s = 0; s < strips; s++) {
		const __m512i column = _mm512_load_si512(by_column + s * XQK_LANES);

#pragma GCC unroll 6
		for (r = 0; r < rows; r++)
			sum[r][s] = _mm512_sub_epi32(sum[r][s], _mm512_mullo_epi32(column,
						     _mm512_set1_epi32(by_row[r])));
	}
}

static inline __attribute__((always_inline)) void
fold_sums(__m512i sum[XQK_DOT_ROWS][XQK_STRIPS], const struct xqk_fold *fold, int32_t *const *c,
	  const unsigned int rows, const unsigned int strips)
{
	unsigned int r, s;

	if (fold->b_zp)
		take_off(sum, fold->row_term, fold->b_zp, rows, strips);
	else if (fold->row_term)
#pragma GCC unroll 6
		for (r = 0; r < rows; r++)
#pragma GCC unroll 4
			for (s = 0; s < strips; s++)
				sum[r][s] = _mm512_sub_epi32(sum[r][s],
					_mm512_set1_epi32(fold->row_term[r]));
	if (fold->column_sum)
		take_off(sum, fold->a_zp, fold->column_sum, rows, strips);
	if (fold->column_term)
#pragma GCC unroll 6
		for (r = 0; r < rows; r++)
#pragma GCC unroll 4
			for (s = 0; s < strips; s++)
				sum[r][s] = _mm512_sub_epi32(sum[r][s], _mm512_load_si512(
					fold->column_term + s * XQK_LANES));
	if (fold->add)
#pragma GCC unroll 6
		for (r = 0; r < rows; r++)
#pragma GCC unroll 4
			for (s = 0; s < strips; s++)
				sum[r][s] = _mm512_add_epi32(sum[r][s],
					_mm512_loadu_si512(c[r] + s * XQK_LANES));
#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			_mm512_storeu_si512(c[r] + s * XQK_LANES, sum[r][s]);
}

#define XQK_CASE(start, finish, rows, strips)				\
	case (rows) * 8 + (strips): {				\
		__m512i sum[XQK_DOT_ROWS][XQK_STRIPS];		\
								\
		clear_sums(sum, rows, strips);			\
		start(rows, strips);				\
		dot_block(sum, dot, rows, strips);		\
		finish(rows, strips);				\
		break;						\
	}
#define XQK_CASES(start, finish, rows)							\
	XQK_CASE(start, finish, rows, 1) XQK_CASE(start, finish, rows, 2)		\
	XQK_CASE(start, finish, rows, 3) XQK_CASE(start, finish, rows, 4)
#define XQK_ALL_CASES(start, finish)							\
	XQK_CASES(start, finish, 1) XQK_CASES(start, finish, 2) XQK_CASES(start, finish, 3)	\
	XQK_CASES(start, finish, 4) XQK_CASES(start, finish, 5) XQK_CASES(start, finish, 6)

#define XQK_NOTHING(rows, strips)
#define XQK_FETCH(rows, strips)	fetch_rows(c, rows, strips)
#define XQK_STORE(rows, strips)	store_sums(sum, dot, rows, strips)
#define XQK_FOLD(rows, strips)	fold_sums(sum, fold, c, rows, strips)

void XQK_DOT(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	switch (rows * 8 + strips) {
	XQK_ALL_CASES(XQK_NOTHING, XQK_STORE)
	}
}

void XQK_DOT_FOLD(const struct xqk_dot *dot, const struct xqk_fold *fold, int32_t *const *c,
		  unsigned int rows, unsigned int strips)
{
	switch (rows * 8 + strips) {
	XQK_ALL_CASES(XQK_FETCH, XQK_FOLD)
	}
}
