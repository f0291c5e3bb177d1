// SPDX-License-Identifier: MIT
/*
 * Matrix products.
 */
#include <errno.h>
#include <math.h>

#include "reader.h"

int xqo_build_matmul(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_MATMUL, 2);

	if (!op)
		return -ENOMEM;
	op->params.matmul = (struct xqm_matmul){ .alpha = 1, .beta = 1, .low = -INFINITY, .high = INFINITY };
	return 0;
}

int xqo_build_gemm(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_GEMM, node->inputs);

	if (!op)
		return -ENOMEM;
	op->params.matmul = (struct xqm_matmul){
		.transpose_a = xqo_int(node, "transA", 0) != 0, .transpose_b = xqo_int(node, "transB", 0) != 0,
		.alpha = xqo_float(node, "alpha", 1), .beta = xqo_float(node, "beta", 1),
		.low = -INFINITY, .high = INFINITY,
	};
	return 0;
}
