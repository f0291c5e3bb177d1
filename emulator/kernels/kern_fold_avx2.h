/* SPDX-License-Identifier: MIT */
/* The end of a dot on AVX2: sums of a strip are stored, or folded into C. */
#ifndef XQK_KERN_FOLD_AVX2_H
#define XQK_KERN_FOLD_AVX2_H

#include "kern_avx2.h"

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
	unsigned int r, half;

	if (fold->b_zp)
		take_off(sum, fold->row_term, fold->b_zp + strip * XQK_LANES, rows);
	if (fold->column_sum)
		take_off(sum, fold->a_zp, fold->column_sum + strip * XQK_LANES, rows);
	for (r = 0; r < rows; r++) {
		const bool same = fold->row_term && !fold->b_zp;
		const __m256i row = _mm256_set1_epi32(same ? fold->row_term[r] : 0);

		for (half = 0; half < 2; half++) {
			__m256i_u *to = (__m256i_u *)(c[r] + strip * XQK_LANES) + half;
			__m256i value = _mm256_sub_epi32(sum[r][half], row);

			if (fold->column_term)
				value = _mm256_sub_epi32(value, _mm256_load_si256(
					(const __m256i *)(fold->column_term + strip * XQK_LANES) + half));
			if (fold->add)
				value = _mm256_add_epi32(value, *to);
			*to = value;
		}
	}
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
