// SPDX-License-Identifier: MIT
/*
 * Sums, products, softmax, means, functions of 8 bits and conversions on the device.
 */
#include <math.h>
#include <string.h>

#include "compile.h"

/* ---- sums and products ------------------------------------------------------------------------------------------ */

static bool takes_elementwise(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (!xqm_is(graph, op->input[i], XQM_BYTES) || !xqm_one_scale(graph, op->input[i]))
			return false;
	return (xqm_moves(graph, op->input[0]) || xqm_moves(graph, op->input[1])) &&
	       xqm_is(graph, op->output[0], XQM_BYTES) && xqm_one_scale(graph, op->output[0]);
}

static int add_elementwise(struct xqm_compiler *c, const struct xqm_operator *op)
{
	struct xq_network_elementwise e = { .name = xqm_operator_name(c->graph, op), .profile = op->arithmetic };

	e.clamp = xqm_bounds(xqm_output(c->graph, op, 0), op->arithmetic, op->params.clamp.low, op->params.clamp.high,
			     &e.act_min, &e.act_max);
	e.a = xqm_network_tensor(c, op->input[0]);
	e.b = xqm_network_tensor(c, op->input[1]);
	e.y = xqm_network_tensor(c, op->output[0]);
	return xqm_added(c, op, op->op == XQM_ADD ? xq_network_add(c->network, &e) : xq_network_mul(c->network, &e));
}

/* ---- softmax ------------------------------------------------------------------------------------------------------ */

/* Along the last dimension; the output has 1/256 and the least value of its type, as TensorFlow Lite wants it. */
static bool takes_softmax(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_softmax *s = &op->params.softmax;
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);

	if (op->arithmetic != XQ_REQUANT_TFLITE || !xqm_is(graph, op->input[0], XQM_BYTES) || !xqm_moves(graph, op->input[0]) ||
	    !xqm_is(graph, op->output[0], XQM_BIT(x->type)) || !xqm_one_scale(graph, op->input[0]) ||
	    !xqm_one_scale(graph, op->output[0]) || !(s->beta > 0) || !xqm_same_shape(&x->shape, &y->shape))
		return false;
	return x->shape.dims >= 2 && (s->axis == -1 || s->axis == (int64_t)x->shape.dims - 1) &&
	       y->quantization.scale[0] == 1.0f / 256 &&
	       xqm_zero_point(y, 0) == (int32_t)xq_type_min((enum xq_type)y->type);
}

/* Of the same codes less 128, which is a table of 256 bytes. */
static int turn_sign(struct xqm_compiler *c, const struct xqm_operator *op, int from, int to)
{
	uint8_t table[256];
	unsigned int i;

	for (i = 0; i < 256; i++)
		table[i] = (uint8_t)(i ^ 0x80);
	return from < 0 || to < 0 ? (from < 0 ? from : to) :
	       xqm_added(c, op, xq_network_lookup(c->network, xqm_operator_name(c->graph, op), from, to, table));
}

static int add_softmax(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(c->graph, op, 0);
	const float scale = 1.0f / 256, x_scale = x->quantization.scale[0];
	const int32_t least = -128, x_zp = xqm_zero_point(x, 0) - 128;
	struct xq_network_softmax s = { .name = xqm_operator_name(c->graph, op), .beta = op->params.softmax.beta };
	const int from = xqm_network_tensor(c, op->input[0]), to = xqm_network_tensor(c, op->output[0]);
	const struct xqm_shape shape = x->shape;
	int err;

	s.x = from;
	s.y = to;
	if (x->type == XQ_S8)
		return xqm_added(c, op, xq_network_softmax(c->network, &s));
	s.x = xqm_network_between(c, XQ_S8, &shape, &(struct xqm_quantization){ 1, 0, &x_scale, &x_zp });
	s.y = xqm_network_between(c, XQ_S8, &shape, &(struct xqm_quantization){ 1, 0, &scale, &least });
	err = turn_sign(c, op, from, s.x);
	if (err >= 0)
		err = s.y < 0 ? s.y : xqm_added(c, op, xq_network_softmax(c->network, &s));
	return err < 0 ? err : turn_sign(c, op, s.y, to);
}

/* ---- means -------------------------------------------------------------------------------------------------------- */

/* Neighbouring dimensions, first to first + count - 1. */
static bool mean_range(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int *first,
		       unsigned int *count)
{
	const unsigned int dims = xqm_input(graph, op, 0)->shape.dims;
	int64_t axes[XQ_MODEL_DIMS];
	const int n = xqm_constant_integers(graph, op, 1, axes, XQ_MODEL_DIMS);
	unsigned int seen = 0;
	int i;

	for (i = 0; i < n; i++) {
		const int64_t axis = axes[i] < 0 ? axes[i] + dims : axes[i];

		if (axis < 0 || axis >= dims)
			return false;
		seen |= 1U << axis;
	}
	if (!seen)
		return false;
	*first = (unsigned int)__builtin_ctz(seen);
	*count = (unsigned int)__builtin_popcount(seen);
	return seen == ((1U << *count) - 1) << *first;
}

static bool takes_mean(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);
	unsigned int first, count;

	if (!xqm_is(graph, op->input[0], XQM_BYTES) || !xqm_moves(graph, op->input[0]) ||
	    !xqm_is(graph, op->output[0], XQM_BYTES) || !xqm_one_scale(graph, op->input[0]) ||
	    !xqm_one_scale(graph, op->output[0]) || !mean_range(graph, op, &first, &count))
		return false;
	return first && y->shape.dims == (op->params.reduce.keep ? x->shape.dims : x->shape.dims - count);
}

static int add_mean(struct xqm_compiler *c, const struct xqm_operator *op)
{
	struct xq_network_mean mean = { .name = xqm_operator_name(c->graph, op), .profile = op->arithmetic };

	mean_range(c->graph, op, &mean.first, &mean.count);
	mean.x = xqm_network_tensor(c, op->input[0]);
	mean.y = xqm_network_tensor(c, op->output[0]);
	return xqm_added(c, op, xq_network_mean(c->network, &mean));
}

/* ---- functions ------------------------------------------------------------------------------------------------------ */

static bool takes_function(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);
	uint8_t table[256];

	return xqm_is(graph, op->input[0], XQM_BYTES) && xqm_moves(graph, op->input[0]) &&
	       xqm_is(graph, op->output[0], XQM_BYTES) && xqm_one_scale(graph, op->input[0]) &&
	       xqm_one_scale(graph, op->output[0]) && xqm_same_shape(&x->shape, &y->shape) && xqm_table(graph, op, table);
}

static int add_function(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const int x = xqm_network_tensor(c, op->input[0]), y = xqm_network_tensor(c, op->output[0]);
	uint8_t table[256];

	xqm_table(c->graph, op, table);
	return xqm_added(c, op, xq_network_lookup(c->network, xqm_operator_name(c->graph, op), x, y, table));
}

/* ---- conversions ------------------------------------------------------------------------------------------------------ */

#define INTEGERS	(XQM_BYTES | XQM_BIT(XQ_S16) | XQM_BIT(XQ_U16))

/* Floats are quantized with halves to even, which TensorFlow Lite rounds away from zero. */
static bool takes_quantize(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const uint32_t from = INTEGERS | XQM_BIT(XQ_S32) | (op->arithmetic == XQ_REQUANT_ONNX ? XQM_BIT(XQ_F32) : 0);
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);

	return xqm_is(graph, op->input[0], from) && xqm_moves(graph, op->input[0]) &&
	       xqm_is(graph, op->output[0], INTEGERS) && (x->type == XQ_F32 || xqm_one_scale(graph, op->input[0])) &&
	       xqm_one_scale(graph, op->output[0]) && xqm_same_shape(&x->shape, &y->shape) &&
	       (x->type != XQ_F32 || (xqm_zero_point(y, 0) >= -32000 && xqm_zero_point(y, 0) <= 32000));
}

static bool takes_dequantize(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	return xqm_is(graph, op->input[0], INTEGERS | XQM_BIT(XQ_S32)) && xqm_moves(graph, op->input[0]) &&
	       xqm_is(graph, op->output[0], XQM_BIT(XQ_F32)) && xqm_one_scale(graph, op->input[0]) &&
	       xqm_same_shape(&xqm_input(graph, op, 0)->shape, &xqm_output(graph, op, 0)->shape);
}

static int add_convert(struct xqm_compiler *c, const struct xqm_operator *op)
{
	struct xq_network_convert convert = { .name = xqm_operator_name(c->graph, op), .profile = op->arithmetic };

	convert.x = xqm_network_tensor(c, op->input[0]);
	convert.y = xqm_network_tensor(c, op->output[0]);
	return xqm_added(c, op, xq_network_convert(c->network, &convert));
}

const struct xqm_device_operator xqm_device_arithmetic[] = {
	{ XQM_ADD, takes_elementwise, add_elementwise },
	{ XQM_MUL, takes_elementwise, add_elementwise },
	{ XQM_SOFTMAX, takes_softmax, add_softmax },
	{ XQM_REDUCE_MEAN, takes_mean, add_mean },
	{ XQM_SIGMOID, takes_function, add_function },
	{ XQM_TANH, takes_function, add_function },
	{ XQM_RELU, takes_function, add_function },
	{ XQM_CLIP, takes_function, add_function },
	{ XQM_LEAKY_RELU, takes_function, add_function },
	{ XQM_ELU, takes_function, add_function },
	{ XQM_GELU, takes_function, add_function },
	{ XQM_HARD_SWISH, takes_function, add_function },
	{ XQM_QUANTIZE, takes_quantize, add_convert },
	{ XQM_DEQUANTIZE, takes_dequantize, add_convert },
	{ 0 }
};
