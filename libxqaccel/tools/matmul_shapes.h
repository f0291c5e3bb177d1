/* SPDX-License-Identifier: MIT */
/*
 * numpy.matmul's rules: vectors, and broadcasting of leading dimensions.
 */
#ifndef XQ_TOOL_MATMUL_SHAPES_H
#define XQ_TOOL_MATMUL_SHAPES_H

#include <xqaccel/matmul.h>

#include "tensor.h"

/* Fills in m, n, k, the leading dimensions and steps. 0, or EXIT_ERROR after printing. */
int matmul_shapes(const struct tensor *a, const struct tensor *b, bool transpose_b,
		  struct xq_matmul *mm);

/* The shape of C; a group dimension stands before M and N. */
unsigned int matmul_result(const struct tensor *a, const struct tensor *b,
			   const struct xq_matmul *mm, size_t *dim);

#endif
