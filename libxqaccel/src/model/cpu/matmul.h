/* SPDX-License-Identifier: MIT */
/* Shapes of matrix products as numpy has them. Internal. */
#ifndef XQ_MODEL_CPU_MATMUL_H
#define XQ_MODEL_CPU_MATMUL_H

#include "kernel.h"

/**
 * struct xqm_product - products of [m][k] and [k][n], one for each index of the leading dimensions
 * @vector_a: @vector_b: the operand has one dimension, and the output lacks that of the other side
 * @dims: @dim: leading dimensions of the output
 * @one_a: @one_b: the operand has one matrix along that dimension
 */
struct xqm_product {
	size_t m, n, k;
	bool vector_a, vector_b;
	unsigned int dims;
	size_t dim[XQ_MODEL_DIMS];
	bool one_a[XQ_MODEL_DIMS], one_b[XQ_MODEL_DIMS];
};

int xqm_product_shape(struct xqm_graph *graph, const struct xqm_operator *op,
		      const struct xqm_value *a, const struct xqm_value *b, bool transpose_a,
		      bool transpose_b, struct xqm_product *p);
void xqm_product_output(const struct xqm_product *p, struct xqm_value *out);

/* How many products there are, and which matrix of an operand belongs to one of them. */
size_t xqm_product_count(const struct xqm_product *p);
size_t xqm_product_matrix(const struct xqm_product *p, size_t i, const bool *one);

#endif
