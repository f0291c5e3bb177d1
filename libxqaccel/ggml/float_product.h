/* SPDX-License-Identifier: MIT */
/* A product of small matrices of floats in a thread's scratch memory, for attention. */
#ifndef XQG_FLOAT_PRODUCT_H
#define XQG_FLOAT_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#define XQG_TILE_ROWS		8
#define XQG_TILE_COLUMNS	16

/**
 * struct xqg_float_product - C[m][n] = (C[m][n] +) the sum over k of A[m][k] * B[k][n]
 * @a: A's element is at a[m * a_row + k * a_depth]
 * @b: [k][b_row], of which n are used
 * @c: [m][c_row], of which n are used
 * @m: a multiple of XQG_TILE_ROWS
 * @n: a multiple of XQG_TILE_COLUMNS
 * @add: whether C's old elements count
 */
struct xqg_float_product {
	const float *a, *b;
	float *c;
	size_t a_row, a_depth, b_row, c_row;
	size_t m, n, k;
	bool add;
};

void xqg_float_product(const struct xqg_float_product *p);

#endif
