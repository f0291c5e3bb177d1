/* SPDX-License-Identifier: MIT */
/* Sums of float products, vectorized. */
#ifndef XQ_LAB_PRODUCT_H
#define XQ_LAB_PRODUCT_H

#include <stddef.h>

/* Positions are computed by whole tiles. */
#define LAB_TILE 32

/* sums[r][p] = sum over i of w[r][i] source[i][p], in the order of i; length is in whole tiles */
void lab_product(const float *w, size_t rows, size_t k, const float *const *source, size_t length,
		 float *sums);

/* sums[r] = sum over i of w[r][i] column[i] */
void lab_dense(const float *w, size_t rows, size_t k, const float *column, float *sums);

#endif
