// SPDX-License-Identifier: MIT
/*
 * What ONNX Runtime's optimizer writes for encoders: one node of com.microsoft for several of ONNX. Here they become the
 * several again, in the order in which that runtime computes them.
 */
#include <errno.h>
#include <math.h>

#include "reader.h"

/* ---- one after the other -------------------------------------------------------------------- */

/* An operator that makes a tensor; its number, or a new one of a type for 0. An error goes through, of the operands, too. */
static int put(struct xqo_node *node, enum xqm_op kind, const int *input, unsigned int inputs, int output, int type,
	       struct xqm_operator **made)
{
	struct xqm_operator *op;

	for (unsigned int i = 0; i < inputs; i++)
		if (input[i] < 0)
			return input[i];
	if (!output)
		output = xqo_between(node, type);
	if (output < 0)
		return output;
	op = xqo_add_with(node, kind, input, inputs, &output, 1);
	if (!op)
		return -ENOMEM;
	if (kind == XQM_ADD || kind == XQM_MUL)
		op->params.clamp = (struct xqm_clamp){ -INFINITY, INFINITY };
	if (made)
		*made = op;
	return output;
}

static int two(struct xqo_node *node, enum xqm_op kind, int a, int b, int output)
{
	return put(node, kind, (const int[]){ a, b }, 2, output, XQ_NONE, NULL);
}

/* A sum, or the first alone if there is no second. */
static int sum(struct xqo_node *node, int a, int b)
{
	return b && a > 0 ? two(node, XQM_ADD, a, b, 0) : a;
}

/* ---- functions -------------------------------------------------------------------------------- */

/* BiasGelu, FastGelu: x, bias or none. */
int xqo_build_bias_gelu(struct xqo_node *node)
{
	const int x = sum(node, node->input[0], xqo_in(node, 1));
	struct xqm_operator *op = NULL;
	const int y = put(node, XQM_GELU, &x, 1, node->output[0], XQ_NONE, &op);

	if (y < 0)
		return y;
	op->params.gelu.tanh = node->type[0] == 'F';
	return 0;
}

/* x sigmoid(alpha x) */
int xqo_build_quick_gelu(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_SWISH, 1);

	if (!op)
		return -ENOMEM;
	op->params.alpha.alpha = xqo_float(node, "alpha", 1.702f);
	return 0;
}

/* ---- normalization ------------------------------------------------------------------------------- */

/* x, skip, gamma, beta or none, bias or none -> y, mean and variance that nobody may ask for, what was normalized */
int xqo_build_skip_norm(struct xqo_node *node)
{
	const int total = node->outputs > 3 ? node->output[3] : 0;
	struct xqm_operator *op = NULL;
	int x, y;

	for (unsigned int i = 1; i < node->outputs && i < 3; i++)
		if (node->output[i])
			return xqo_refuse(node, -EOPNOTSUPP, "its output %u is not computed", i);
	if (xqo_in(node, 4)) {
		x = two(node, XQM_ADD, node->input[0], node->input[1], 0);
		x = two(node, XQM_ADD, x, node->input[4], total);
	} else {
		x = two(node, XQM_ADD, node->input[0], node->input[1], total);
	}
	y = put(node, XQM_LAYER_NORM, (const int[]){ x, node->input[2], xqo_in(node, 3) }, xqo_in(node, 3) ? 3 : 2, node->output[0],
		XQ_NONE, &op);
	if (y < 0)
		return y;
	op->params.norm.epsilon = xqo_float(node, "epsilon", 1e-12f);
	op->params.norm.axis = -1;
	return 0;
}

/* ---- products ---------------------------------------------------------------------------------------- */

/* a b of integers less their zero points, times both scales, and a bias if there is one. */
static int product(struct xqo_node *node, const int *operand, int a_scale, int b_scale, int bias)
{
	int acc = put(node, XQM_MATMUL_INTEGER, operand, 4, 0, XQ_S32, NULL), scale, real;

	if (acc < 0)
		return acc;
	real = put(node, XQM_CAST, &acc, 1, 0, XQ_F32, NULL);
	scale = two(node, XQM_MUL, a_scale, b_scale, 0);
	real = two(node, XQM_MUL, real, scale, bias ? 0 : node->output[0]);
	if (bias)
		real = two(node, XQM_ADD, real, bias, node->output[0]);
	return real < 0 ? real : 0;
}

/* a, b, their scales, their zero points or none, bias or none */
int xqo_build_matmul_to_float(struct xqo_node *node)
{
	const int operand[4] = { node->input[0], node->input[1], xqo_in(node, 4), xqo_in(node, 5) };

	return product(node, operand, node->input[2], node->input[3], xqo_in(node, 6));
}

/* a of real numbers, b, its scale, its zero point or none, bias or none */
int xqo_build_dynamic_matmul(struct xqo_node *node)
{
	const int made[3] = { xqo_between(node, XQ_U8), xqo_between(node, XQ_F32), xqo_between(node, XQ_U8) };
	const int operand[4] = { made[0], node->input[1], made[2], xqo_in(node, 3) };

	for (unsigned int i = 0; i < 3; i++)
		if (made[i] < 0)
			return made[i];
	if (!xqo_add_with(node, XQM_DYNAMIC_QUANTIZE, node->input, 1, made, 3))
		return -ENOMEM;
	return product(node, operand, made[1], node->input[2], xqo_in(node, 4));
}

/* Of real numbers, with transposed operands and a factor. */
int xqo_build_fused_matmul(struct xqo_node *node)
{
	const float alpha = xqo_float(node, "alpha", 1);
	struct xqm_operator *op = NULL;
	int y;

	if (xqo_int(node, "transBatchA", 0) || xqo_int(node, "transBatchB", 0))
		return xqo_refuse(node, -EOPNOTSUPP, "it transposes batches");
	y = put(node, XQM_MATMUL, node->input, 2, alpha != 1 ? 0 : node->output[0], XQ_NONE, &op);
	if (y < 0)
		return y;
	op->params.matmul = (struct xqm_matmul){
		.transpose_a = xqo_int(node, "transA", 0) != 0, .transpose_b = xqo_int(node, "transB", 0) != 0,
		.alpha = 1, .beta = 1, .low = -INFINITY, .high = INFINITY,
	};
	if (alpha != 1)
		y = two(node, XQM_MUL, y, xqo_number_operand(node, XQ_F32, (double)alpha), node->output[0]);
	return y < 0 ? y : 0;
}
