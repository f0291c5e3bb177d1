// SPDX-License-Identifier: MIT
/*
 * Nodes that say where elements lie.
 */
#include <errno.h>
#include <string.h>

#include "reader.h"

int xqo_build_reshape(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_RESHAPE, 2);

	if (!op)
		return -ENOMEM;
	op->params.reshape.zero_copies = !xqo_int(node, "allowzero", 0);
	return 0;
}

int xqo_build_flatten(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_FLATTEN, 1);

	if (!op)
		return -ENOMEM;
	op->params.axis.axis = xqo_int(node, "axis", 1);
	return 0;
}

/* Squeeze and Unsqueeze have their axes as an operand from opset 13 on. */
int xqo_build_squeeze(struct xqo_node *node)
{
	int input[2] = { xqo_in(node, 0), node->reader->opset < 13 ? xqo_ints_operand(node, "axes") : xqo_in(node, 1) };

	if (input[1] < 0)
		return input[1];
	if (!input[1] && node->kind->op == XQM_UNSQUEEZE)
		return xqo_refuse(node, -EINVAL, "the axes are left out");
	return xqo_add_with(node, node->kind->op, input, 2, node->output, 1) ? 0 : -ENOMEM;
}

int xqo_build_transpose(struct xqo_node *node)
{
	size_t count;
	const int64_t *order = xqo_ints(node, "perm", &count);
	struct xqm_operator *op = xqo_add(node, XQM_TRANSPOSE, 1);

	if (!op)
		return -ENOMEM;
	if (count > XQ_MODEL_DIMS)
		return xqo_refuse(node, -EOPNOTSUPP, "%zu dimensions", count);
	op->params.transpose.dims = (unsigned int)count;
	for (size_t d = 0; d < count; d++) {
		if (order[d] < 0 || order[d] >= (int64_t)count)
			return xqo_refuse(node, -EINVAL, "perm has the number %lld", (long long)order[d]);
		op->params.transpose.order[d] = (unsigned int)order[d];
	}
	return 0;
}

int xqo_build_concat(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_CONCAT, node->inputs);

	if (!op)
		return -ENOMEM;
	op->params.axis.axis = xqo_int(node, "axis", 1);
	return 0;
}

int xqo_build_split(struct xqo_node *node)
{
	int input[2] = { xqo_in(node, 0), node->reader->opset < 13 ? xqo_ints_operand(node, "split") : xqo_in(node, 1) };
	struct xqm_operator *op;
	int64_t outputs = xqo_int(node, "num_outputs", node->outputs);

	if (input[1] < 0)
		return input[1];
	if (outputs != (int64_t)node->outputs)
		return xqo_refuse(node, -EINVAL, "num_outputs is %lld, it has %u", (long long)outputs, node->outputs);
	op = xqo_add_with(node, XQM_SPLIT, input, 2, node->output, node->outputs);
	if (!op)
		return -ENOMEM;
	op->params.axis.axis = xqo_int(node, "axis", 0);
	return 0;
}

/* Slice had attributes before opset 10, and no steps. */
int xqo_build_slice(struct xqo_node *node)
{
	static const char *const names[] = { NULL, "starts", "ends", "axes" };
	int input[5] = { 0 };

	for (unsigned int i = 0; i < 5; i++)
		input[i] = xqo_in(node, i);
	for (unsigned int i = 1; node->reader->opset < 10 && i < 4; i++) {
		input[i] = xqo_ints_operand(node, names[i]);
		if (input[i] < 0)
			return input[i];
	}
	if (!input[1] || !input[2])
		return xqo_refuse(node, -EINVAL, "begins or ends are left out");
	return xqo_add_with(node, XQM_SLICE, input, 5, node->output, 1) ? 0 : -ENOMEM;
}

/* Pad had attributes before opset 11. */
int xqo_build_pad(struct xqo_node *node)
{
	int input[4] = { xqo_in(node, 0), xqo_in(node, 1), xqo_in(node, 2), xqo_in(node, 3) };
	struct xqm_operator *op;

	if (node->reader->opset < 11) {
		input[1] = xqo_ints_operand(node, "pads");
		if (xqo_attribute(node, "value"))
			input[2] = xqo_number_operand(node, XQ_F32, (double)xqo_float(node, "value", 0));
		if (input[1] < 0 || input[2] < 0)
			return -ENOMEM;
	}
	if (!input[1])
		return xqo_refuse(node, -EINVAL, "the amounts are left out");
	op = xqo_add_with(node, XQM_PAD, input, 4, node->output, 1);
	if (!op)
		return -ENOMEM;
	if (xqo_text_is(node, "mode", "constant", "constant"))
		op->params.pad.mode = XQM_PAD_CONSTANT;
	else if (xqo_text_is(node, "mode", "constant", "reflect"))
		op->params.pad.mode = XQM_PAD_REFLECT;
	else if (xqo_text_is(node, "mode", "constant", "edge"))
		op->params.pad.mode = XQM_PAD_EDGE;
	else if (xqo_text_is(node, "mode", "constant", "wrap"))
		op->params.pad.mode = XQM_PAD_WRAP;
	else
		return xqo_refuse(node, -EINVAL, "its mode is not known");
	return 0;
}

int xqo_build_gather(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, node->kind->op, 2);

	if (!op)
		return -ENOMEM;
	op->params.axis.axis = xqo_int(node, node->kind->op == XQM_GATHER_ND ? "batch_dims" : "axis", 0);
	return 0;
}

int xqo_build_block(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, node->kind->op, 1);
	int64_t size = xqo_int(node, "blocksize", 0);

	if (!op)
		return -ENOMEM;
	if (size < 1 || size > 1024)
		return xqo_refuse(node, -EINVAL, "a block of %lld", (long long)size);
	op->params.block.size = (size_t)size;
	op->params.block.crd = xqo_text_is(node, "mode", "DCR", "CRD");
	return 0;
}

int xqo_build_shape(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_SHAPE, 1);

	if (!op)
		return -ENOMEM;
	op->params.reshape.ranged = true;
	op->params.reshape.start = xqo_int(node, "start", 0);
	op->params.reshape.end = xqo_int(node, "end", INT64_MAX);
	return 0;
}

int xqo_build_constant_of_shape(struct xqo_node *node)
{
	const Onnx__AttributeProto *value = xqo_attribute(node, "value");
	int input[2] = { xqo_in(node, 0), 0 };

	if (value && value->t)
		input[1] = xqo_constant(node->reader, value->t, "");
	if (input[1] < 0)
		return input[1];
	return xqo_add_with(node, XQM_CONSTANT_OF_SHAPE, input, 2, node->output, 1) ? 0 : -ENOMEM;
}
