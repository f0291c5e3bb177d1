/* SPDX-License-Identifier: MIT */
/*
 * Products of float32 matrices with one order of additions. Internal.
 *
 * c[i][j] = ((a[i][0] * b[0][j] + a[i][1] * b[1][j]) + a[i][2] * b[2][j]) + ..: from 0 on, in the
 * order of k, every product and every sum rounded to float32, none fused. So every instruction set,
 * block size and number of threads gives the same bits.
 */
#ifndef XQ_MODEL_CPU_SGEMM_H
#define XQ_MODEL_CPU_SGEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Element i of numbers that may not be aligned. */
static inline float xqm_float_at(const void *from, size_t i)
{
	float value;

	memcpy(&value, (const char *)from + i * sizeof(value), sizeof(value));
	return value;
}

/**
 * xqm_sgemm() - c = a b
 * @m: @n: @k: a is [m][k], b is [k][n], c is [m][n]
 * @lda: @ldb: @ldc: elements from row to row
 */
void xqm_sgemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	       float *c, size_t ldc);

/**
 * xqm_sgemm_rows() - the same where rows of b are anywhere
 * @b: [k] rows; @first: the column of theirs that is b's first
 * @more: c = c + a b, where sums go on from
 */
void xqm_sgemm_rows(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *const *b,
		    size_t first, float *c, size_t ldc, bool more);

/*
 * Panels: the columns of a matrix [k][n], so many next to each other in memory, row after row. So
 * a matrix that is read often by few rows of a is read from its begin to its end.
 */
#define XQM_PANEL		128

/*
 * Panels, k * n floats, of a matrix whose element [p][j] is from[p * step + j * ldb]; from may not
 * be aligned.
 */
void xqm_make_panels(size_t n, size_t k, const void *from, size_t step, size_t ldb, float *panels);

/* c = a b, b in panels. */
void xqm_sgemm_panels(size_t m, size_t n, size_t k, const float *a, size_t lda,
		      const float *panels, float *c, size_t ldc);

/* y[j] = start[j] + b[0][j] x[0] + b[1][j] x[1] + .. in double, in this order; b in panels. */
void xqm_panels_by_vector(size_t n, size_t k, const float *panels, const double *x,
			  const double *start, double *y);

/*
 * The block that it works by: sums of rows by columns from column j on, in registers. One row may
 * have more columns than several.
 */
typedef void xqm_sgemm_block(size_t rows, size_t columns, size_t k, const float *a, size_t lda,
			     const float *const *b, size_t j, float *c, size_t ldc, bool more);

/* y[0 .. n) = start + sums over k of b[p * n + j] x[p], n up to XQM_PANEL. */
typedef void xqm_panel_vector(size_t n, size_t k, const float *b, const double *x,
			      const double *start, double *y);

/* Of any size. */
xqm_sgemm_block xqm_sgemm_block_plain;
xqm_panel_vector xqm_panel_vector_plain;
/* Up to 4 rows by 16 columns, or one by 64. */
xqm_sgemm_block xqm_sgemm_block_avx2;
xqm_panel_vector xqm_panel_vector_avx2;
/* Up to 8 rows by 32 columns, or one by 128. */
xqm_sgemm_block xqm_sgemm_block_avx512;
xqm_panel_vector xqm_panel_vector_avx512;

#endif
