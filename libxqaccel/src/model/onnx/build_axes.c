// SPDX-License-Identifier: MIT
/*
 * Reductions, softmax and normalization: what works along axes. Axes were attributes once, and became operands.
 */
#include <errno.h>

#include "reader.h"

int xqo_build_softmax(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, node->kind->op, 1);

	if (!op)
		return -ENOMEM;
	op->params.softmax.flatten = node->reader->opset < 13;
	op->params.softmax.axis = xqo_int(node, "axis", node->reader->opset < 13 ? 1 : -1);
	op->params.softmax.beta = 1;
	return 0;
}

int xqo_build_arg(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, node->kind->op, 1);

	if (!op)
		return -ENOMEM;
	op->params.axis.axis = xqo_int(node, "axis", 0);
	op->params.axis.keep = xqo_int(node, "keepdims", 1) != 0;
	op->params.axis.last = xqo_int(node, "select_last_index", 0) != 0;
	return 0;
}

int xqo_build_cum_sum(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_CUM_SUM, 2);

	if (!op)
		return -ENOMEM;
	op->params.axis.exclusive = xqo_int(node, "exclusive", 0) != 0;
	op->params.axis.reverse = xqo_int(node, "reverse", 0) != 0;
	return 0;
}

int xqo_build_top_k(struct xqo_node *node)
{
	int input[2] = { xqo_in(node, 0), xqo_in(node, 1) };
	struct xqm_operator *op;

	if (node->reader->opset < 10) {
		int64_t k = xqo_int(node, "k", -1);

		input[1] = xqm_add_integers(node->graph, "", &k, 1);
	}
	if (input[1] < 0)
		return input[1];
	if (!input[1])
		return xqo_refuse(node, -EINVAL, "k is left out");
	op = xqo_add_with(node, XQM_TOP_K, input, 2, node->output, node->outputs);
	if (!op)
		return -ENOMEM;
	op->params.axis.axis = xqo_int(node, "axis", -1);
	op->params.axis.largest = xqo_int(node, "largest", 1) != 0;
	op->params.axis.sorted = xqo_int(node, "sorted", 1) != 0;
	if (node->outputs > 1 && node->output[1])
		xqm_tensor(node->graph, node->output[1])->type = XQ_MODEL_S64;
	return 0;
}

/* ReduceSum has its axes as an operand from opset 13 on, the others from 18. */
int xqo_build_reduce(struct xqo_node *node)
{
	bool operand = node->reader->opset >= (node->kind->op == XQM_REDUCE_SUM ? 13 : 18);
	int input[2] = { xqo_in(node, 0), operand ? xqo_in(node, 1) : xqo_ints_operand(node, "axes") };
	struct xqm_operator *op;

	if (input[1] < 0)
		return input[1];
	op = xqo_add_with(node, node->kind->op, input, 2, node->output, 1);
	if (!op)
		return -ENOMEM;
	op->params.reduce.keep = xqo_int(node, "keepdims", 1) != 0;
	op->params.reduce.none = operand && xqo_int(node, "noop_with_empty_axes", 0) != 0;
	return 0;
}

int xqo_build_batch_norm(struct xqo_node *node)
{
	struct xqm_operator *op;

	if (xqo_int(node, "training_mode", 0) || (node->outputs > 1 && node->output[1]))
		return xqo_refuse(node, -EOPNOTSUPP, "the model is trained");
	if (!xqo_int(node, "spatial", 1))
		return xqo_refuse(node, -EOPNOTSUPP, "spatial is 0");
	op = xqo_add_with(node, XQM_BATCH_NORM, node->input, 5, node->output, 1);
	if (!op)
		return -ENOMEM;
	op->params.norm.epsilon = xqo_float(node, "epsilon", 1e-5f);
	return 0;
}

int xqo_build_norm(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, node->kind->op, node->inputs);

	if (!op)
		return -ENOMEM;
	op->params.norm.epsilon = xqo_float(node, "epsilon", 1e-5f);
	op->params.norm.axis = xqo_int(node, "axis", -1);
	for (unsigned int i = 1; i < node->outputs; i++) {
		if (node->output[i])
			xqm_tensor(node->graph, node->output[i])->type = XQ_F32;
	}
	return 0;
}

int xqo_build_lrn(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_LRN, 1);
	int64_t size = xqo_int(node, "size", 0);

	if (!op)
		return -ENOMEM;
	if (size < 1 || size > XQM_MAX_SIZE)
		return xqo_refuse(node, -EINVAL, "a size of %lld", (long long)size);
	op->params.norm.size = (size_t)size;
	op->params.norm.alpha = xqo_float(node, "alpha", 0.0001f);
	op->params.norm.beta = xqo_float(node, "beta", 0.75f);
	op->params.norm.bias = xqo_float(node, "bias", 1);
	return 0;
}
