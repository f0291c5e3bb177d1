/* SPDX-License-Identifier: MIT */
/*
 * The dot on AVX2 around its inner loop: rows are taken some at a time, so that their sums
 * fit the registers, and all of them for a part of a strip's panel before the next, so
 * that it is read from the level 1 cache. Included by a file that defines
 *
 *	XQK_DOT		name of the dot
 *	XQK_DOT_FOLD	name of the dot with fold
 *	XQK_MOST_ROWS	at a time, 4 or 6
 *	XQK_PART_STEPS	of a part
 *	add_products(sum, a, a_stride, b, steps, rows)	adds the products of steps of a panel
 *		to the sums of rows, which is a constant wherever it is inlined
 *
 * All formats have panels, which are contiguous.
 */
#include <string.h>

#include "fold.h"

#define XQK_CASE(rows)							\
	case rows:							\
		add_products(sum, a, a_stride, b, steps, rows);		\
		break;

static void add_rows(__m256i (*sum)[2], const uint8_t *a, size_t a_stride, const uint8_t *b,
		     uint32_t steps, unsigned int rows)
{
	unsigned int count;

	/* Spread evenly: a rest of one would be slow. */
	for (; rows; rows -= count, sum += count, a += count * a_stride) {
		count = rows;
		if (rows > 3 * XQK_MOST_ROWS)
			count = (rows + 3) / 4;
		else if (rows > 2 * XQK_MOST_ROWS)
			count = (rows + 2) / 3;
		else if (rows > XQK_MOST_ROWS)
			count = (rows + 1) / 2;
		switch (count) {
		XQK_CASE(1)
		XQK_CASE(2)
		XQK_CASE(3)
		XQK_CASE(4)
#if XQK_MOST_ROWS > 4
		XQK_CASE(5)
		XQK_CASE(6)
#endif
		}
	}
}

static inline void start_sums(__m256i sum[][2], const struct xqk_dot *dot, unsigned int strip,
			      unsigned int rows)
{
	__m256i column[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
	unsigned int r;

	if (dot->column_start)
		memcpy(column, dot->column_start + strip * XQK_LANES, sizeof(column));
	for (r = 0; r < rows; r++) {
		const __m256i row = _mm256_set1_epi32(dot->row_start ? dot->row_start[r] : 0);

		sum[r][0] = _mm256_add_epi32(row, column[0]);
		sum[r][1] = _mm256_add_epi32(row, column[1]);
	}
}

static void dot_strips(const struct xqk_dot *dot, const struct xqk_fold *fold, int32_t *const *c,
		       unsigned int rows, unsigned int strips)
{
	__m256i sum[XQK_STRIPS][XQK_DOT_ROWS][2];
	uint32_t step, steps;
	unsigned int strip;

	if (fold)
		fetch_rows(c, 0, strips, rows);
	for (strip = 0; strip < strips; strip++)
		start_sums(sum[strip], dot, strip, rows);
	for (step = 0; step < dot->steps; step += steps) {
		steps = dot->steps - step;
		steps = steps < XQK_PART_STEPS ? steps : XQK_PART_STEPS;
		for (strip = 0; strip < strips; strip++)
			add_rows(sum[strip], dot->a + 4 * step, dot->a_stride, dot->b[strip] +
				 (dot->first + step) * XQK_STEP_BYTES, steps, rows);
	}
	for (strip = 0; strip < strips; strip++)
		finish_strip(sum[strip], dot, fold, c, strip, rows);
}

void XQK_DOT(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	dot_strips(dot, NULL, NULL, rows, strips);
}

void XQK_DOT_FOLD(const struct xqk_dot *dot, const struct xqk_fold *fold, int32_t *const *c,
		  unsigned int rows, unsigned int strips)
{
	dot_strips(dot, fold, c, rows, strips);
}
