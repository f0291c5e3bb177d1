/* SPDX-License-Identifier: MIT */
/*
 * Products of float32 matrices with one order of additions. Internal.
 *
 * c[i][j] = ((a[i][0] * b[0][j] + a[i][1] * b[1][j]) + a[i][2] * b[2][j]) + ..: from 0 on, in the order of k, every
 * product and every sum rounded to float32, none fused. So every instruction set, block size and number of
 * threads gives the same bits.
 */
#ifndef XQ_MODEL_CPU_SGEMM_H
#define XQ_MODEL_CPU_SGEMM_H

#include <stddef.h>

/**
 * xqm_sgemm() - c = a b
 * @m: @n: @k: a is [m][k], b is [k][n], c is [m][n]
 * @lda: @ldb: @ldc: elements from row to row
 */
void xqm_sgemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
	       size_t ldc);

/* The block that it works by: rows and columns whose sums are in registers. */
typedef void xqm_sgemm_block(size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc);

/* 4 rows by 32 columns on AVX2, 8 rows by 32 columns on AVX-512. */
xqm_sgemm_block xqm_sgemm_block_avx2;
xqm_sgemm_block xqm_sgemm_block_avx512;

#endif
