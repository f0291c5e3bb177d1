/* SPDX-License-Identifier: MIT */
/* The end of a dot on AVX2: sums of a strip are stored, or folded into C. */
#ifndef XQK_KERN_FOLD_AVX2_H
#define XQK_KERN_FOLD_AVX2_H

#include "kernels.h"

static inline void store_sums(__m256i sum[][2], const struct xqk_dot *dot, unsigned int strip,
			      unsigned int rows)
{
	unsigned int r;

	for (r = 0; r < rows; r++) {
		int32_t *c = dot->c + r * XQK_COLUMNS + strip * XQK_LANES;

		_mm256_store_si256((__m256i *)c, sum[r][0]);
		_mm256_store_si256((__m256i *)c + 1, sum[r][1]);
	}
}

/* sum[r] -= by_row[r] * by_column */
static inline void take_off(__m256i sum[][2], const int32_t *by_row, const int32_t *by_column,
			    unsigned int rows)
{
	const __m256i column0 = _mm256_load_si256((const __m256i *)by_column);
	const __m256i column1 = _mm256_load_si256((const __m256i *)by_column + 1);
	unsigned int r;

	for (r = 0; r < rows; r++) {
		const __m256i row = _mm256_set1_epi32(by_row[r]);

		sum[r][0] = _mm256_sub_epi32(sum[r][0], _mm256_mullo_epi32(column0, row));
		sum[r][1] = _mm256_sub_epi32(sum[r][1], _mm256_mullo_epi32(column1, row));
	}
}

static inline void fold_sums(__m256i sum[][2], const struct xqk_fold *fold, int32_t *const *c,
			     unsigned int strip, unsigned int rows)
{
	unsigned int r;

	if (fold->b_zp)
		take_off(sum, fold->row_term, fold->b_zp + strip * XQK_LANES, rows);
	if (fold->column_sum)
		take_off(sum, fold->a_zp, fold->column_sum + strip * XQK_LANES, rows);
	for (r = 0; fold->row_term && !fold->b_zp && r < rows; r++) {
		const __m256i row = _mm256_set1_epi32(fold->row_term[r]);

		sum[r][0] = _mm256_sub_epi32(sum[r][0], row);
		sum[r][1] = _mm256_sub_epi32(sum[r][1], row);
	}
	for (r = 0; fold->column_term && r < rows; r++) {
		const __m256i *column = (const __m256i *)(fold->column_term + strip * XQK_LANES);

		sum[r][0] = _mm256_sub_epi32(sum[r][0], column[0]);
		sum[r][1] = _mm256_sub_epi32(sum[r][1], column[1]);
	}
	for (r = 0; r < rows; r++) {
		__m256i_u *to = (__m256i_u *)(c[r] + strip * XQK_LANES);

		to[0] = fold->add ? _mm256_add_epi32(to[0], sum[r][0]) : sum[r][0];
		to[1] = fold->add ? _mm256_add_epi32(to[1], sum[r][1]) : sum[r][1];
	}
}

/* Rows of C are far from each other: have them here by the time that the sums are done. */
static inline void fetch_rows(int32_t *const *c, unsigned int first, unsigned int strips,
			      unsigned int rows)
{
	unsigned int r, s;

	for (r = 0; r < rows; r++)
		for (s = first; s < first + strips; s++)
			__builtin_prefetch(c[r] + s * XQK_LANES, 1);
}

/* Stored if fold is NULL. */
static inline void finish_strip(__m256i sum[][2], const struct xqk_dot *dot,
				const struct xqk_fold *fold, int32_t *const *c, unsigned int strip,
				unsigned int rows)
{
	if (fold)
		fold_sums(sum, fold, c, strip, rows);
	else
		store_sums(sum, dot, strip, rows);
}

#endif
