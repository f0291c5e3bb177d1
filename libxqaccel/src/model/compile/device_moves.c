// SPDX-License-Identifier: MIT
/*
 * What only moves elements, on the device: where these are quantized, so that its other operators make or read them.
 */
#include <math.h>
#include <string.h>

#include "compile.h"

/* x and y of one 8-bit type; what moves keeps its scale. */
static bool takes_bytes(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0);

	return xqm_is(graph, op->input[0], XQM_BYTES) && xqm_moves(graph, op->input[0]) &&
	       xqm_is(graph, op->output[0], XQM_BIT(x->type)) && xqm_same_scale(graph, op->input[0], op->output[0]);
}

static bool axis_of(int64_t axis, unsigned int dims, unsigned int *to)
{
	*to = (unsigned int)(axis < 0 ? axis + dims : axis);
	return axis >= -(int64_t)dims && axis < (int64_t)dims;
}

/* ---- shapes --------------------------------------------------------------------------------------------------- */

static bool takes_reshape(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	return takes_bytes(graph, op) && xqm_elements(&xqm_input(graph, op, 0)->shape) ==
	       xqm_elements(&xqm_output(graph, op, 0)->shape);
}

static int add_reshape(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const int x = xqm_network_tensor(c, op->input[0]), y = xqm_network_tensor(c, op->output[0]);

	return xqm_added(c, op, xq_network_reshape(c->network, xqm_operator_name(c->graph, op), x, y));
}

/* What a convolution of the device leaves as it is. */
static bool takes_accumulators(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0);
	const struct xqm_operator *maker = xqm_maker(graph, x->number);

	return maker && maker->op == XQM_CONV_INTEGER && xqm_is(graph, x->number, XQM_BIT(XQ_S32)) &&
	       xqm_is(graph, op->output[0], XQM_BIT(XQ_S32)) && xqm_on_device(graph, maker);
}

static bool takes_transpose(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_transpose *p = &op->params.transpose;
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);
	unsigned int i, seen = 0;

	if (!takes_bytes(graph, op) && !takes_accumulators(graph, op))
		return false;
	if (y->shape.dims != x->shape.dims || (p->dims && p->dims != x->shape.dims))
		return false;
	for (i = 0; i < x->shape.dims; i++) {
		const unsigned int from = p->dims ? p->order[i] : x->shape.dims - 1 - i;

		if (from >= x->shape.dims || seen >> from & 1 || y->shape.dim[i] != x->shape.dim[from])
			return false;
		seen |= 1U << from;
	}
	return true;
}

static int add_transpose(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const struct xqm_transpose *p = &op->params.transpose;
	const unsigned int dims = xqm_input(c->graph, op, 0)->shape.dims;
	const int x = xqm_network_tensor(c, op->input[0]), y = xqm_network_tensor(c, op->output[0]);
	unsigned int order[XQ_NETWORK_DIMS], i;

	for (i = 0; i < dims; i++)
		order[i] = p->dims ? p->order[i] : dims - 1 - i;
	return xqm_added(c, op, xq_network_transpose(c->network, xqm_operator_name(c->graph, op), x, y, dims, order));
}

/* ---- several tensors --------------------------------------------------------------------------------------------- */

/* TensorFlow Lite brings u8 of another scale to the output's in float32; of s8 it wants one scale. */
static bool rescales(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int i)
{
	return op->arithmetic != XQ_REQUANT_ONNX && xqm_input(graph, op, i)->type == XQ_U8 &&
	       xqm_one_scale(graph, op->input[i]) && xqm_one_scale(graph, op->output[0]) && xqm_moves(graph, op->input[i]);
}

static bool takes_concat(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *y = xqm_output(graph, op, 0);
	int64_t total = 0;
	unsigned int i, j, axis;
	bool moves = false;

	if (op->inputs > XQ_NETWORK_OPERANDS || !xqm_is(graph, op->output[0], XQM_BYTES) ||
	    !axis_of(op->params.axis.axis, y->shape.dims, &axis))
		return false;
	for (i = 0; i < op->inputs; i++) {
		const struct xqm_tensor *x = xqm_input(graph, op, i);

		if (!xqm_is(graph, op->input[i], XQM_BIT(y->type)) || x->shape.dims != y->shape.dims ||
		    (!xqm_same_scale(graph, op->input[i], op->output[0]) && !rescales(graph, op, i)))
			return false;
		for (j = 0; j < y->shape.dims; j++)
			if (j != axis && x->shape.dim[j] != y->shape.dim[j])
				return false;
		total += x->shape.dim[axis];
		moves |= xqm_moves(graph, op->input[i]);
	}
	return moves && total == y->shape.dim[axis];
}

/* round(x * scale + bias) + zero point, where scale is that of x by the reciprocal of the output's, in float32. */
static int rescaled(struct xqm_compiler *c, const struct xqm_operator *op, unsigned int i, int from)
{
	const struct xqm_tensor *x = xqm_input(c->graph, op, i), *y = xqm_output(c->graph, op, 0);
	const float scale = x->quantization.scale[0] * (1.0f / y->quantization.scale[0]);
	const float bias = (float)-xqm_zero_point(x, 0) * scale;
	const struct xqm_shape shape = x->shape;
	uint8_t table[256];
	int to, err, code;

	for (code = 0; code < 256; code++) {
		const float value = roundf((float)code * scale + bias) + (float)xqm_zero_point(y, 0);

		/* What scales overflow to is no number. */
		table[code] = (uint8_t)(!(value > 0) ? 0 : value > 255 ? 255 : (int)value);
	}
	to = xqm_network_between(c, XQ_U8, &shape, &y->quantization);
	err = to < 0 ? to : xqm_added(c, op, xq_network_lookup(c->network, xqm_operator_name(c->graph, op), from, to, table));
	return err < 0 ? err : to;
}

static int add_concat(struct xqm_compiler *c, const struct xqm_operator *op)
{
	int x[XQ_NETWORK_OPERANDS];
	unsigned int i, axis;

	axis_of(op->params.axis.axis, xqm_output(c->graph, op, 0)->shape.dims, &axis);
	for (i = 0; i < op->inputs; i++) {
		x[i] = xqm_network_tensor(c, op->input[i]);
		if (x[i] >= 0 && !xqm_same_scale(c->graph, op->input[i], op->output[0]))
			x[i] = rescaled(c, op, i, x[i]);
		if (x[i] < 0)
			return x[i];
	}
	return xqm_added(c, op, xq_network_concat(c->network, xqm_operator_name(c->graph, op), x, op->inputs,
						  xqm_network_tensor(c, op->output[0]), axis));
}

/* ---- parts ----------------------------------------------------------------------------------------------------------- */

struct part {
	size_t begin[XQ_NETWORK_DIMS], step[XQ_NETWORK_DIMS];
};

/* A begin as ONNX means it: negative from the end, and cut to the size. */
static int64_t cut(int64_t value, int64_t size)
{
	value = value < 0 ? (value < -size ? 0 : value + size) : value;
	return value > size ? size : value;
}

static bool slice_part(const struct xqm_graph *graph, const struct xqm_operator *op, struct part *part)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);
	int64_t list[4][XQ_MODEL_DIMS];
	int count[4], i;

	for (i = 0; i < 4; i++)
		count[i] = xqm_constant_integers(graph, op, 1 + (unsigned int)i, list[i], XQ_MODEL_DIMS);
	if (count[0] < 0 || count[1] != count[0] || count[2] < 0 || count[3] < 0 || (count[2] && count[2] != count[0]) ||
	    (count[3] && count[3] != count[0]) || x->shape.dims != y->shape.dims)
		return false;
	for (i = 0; i < (int)x->shape.dims; i++) {
		part->begin[i] = 0;
		part->step[i] = 1;
	}
	for (i = 0; i < count[0]; i++) {
		const int64_t step = count[3] ? list[3][i] : 1;
		unsigned int axis;
		int64_t begin, end;

		if (!axis_of(count[2] ? list[2][i] : i, x->shape.dims, &axis) || step < 1)
			return false;
		begin = cut(list[0][i], x->shape.dim[axis]);
		end = cut(list[1][i], x->shape.dim[axis]);
		if (end <= begin || (end - begin + step - 1) / step != y->shape.dim[axis])
			return false;
		part->begin[axis] = (size_t)begin;
		part->step[axis] = (size_t)step;
	}
	for (i = 0; i < (int)x->shape.dims; i++)
		if ((int64_t)part->begin[i] + (y->shape.dim[i] - 1) * (int64_t)part->step[i] >= x->shape.dim[i] ||
		    (part->step[i] == 1 && !part->begin[i] && y->shape.dim[i] > x->shape.dim[i]))
			return false;
	return true;
}

static bool takes_slice(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	struct part part;

	return takes_bytes(graph, op) && slice_part(graph, op, &part);
}

static int add_slice(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const int x = xqm_network_tensor(c, op->input[0]), y = xqm_network_tensor(c, op->output[0]);
	struct part part;

	slice_part(c->graph, op, &part);
	return xqm_added(c, op, xq_network_slice(c->network, xqm_operator_name(c->graph, op), x, y,
						 xqm_input(c->graph, op, 0)->shape.dims, part.begin, part.step));
}

/* The outputs say how much each gets; sizes in an operand have to agree. */
static bool takes_split(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0);
	int64_t sizes[XQM_OPERANDS], total = 0;
	const int n = xqm_constant_integers(graph, op, 1, sizes, XQM_OPERANDS);
	unsigned int i, j, axis;

	if (!xqm_is(graph, op->input[0], XQM_BYTES) || !xqm_moves(graph, op->input[0]) || n < 0 ||
	    (n && (unsigned int)n != op->outputs) || !axis_of(op->params.axis.axis, x->shape.dims, &axis))
		return false;
	for (i = 0; i < op->outputs; i++) {
		const struct xqm_tensor *y = xqm_output(graph, op, i);

		if (!xqm_is(graph, op->output[i], XQM_BIT(x->type)) || !xqm_same_scale(graph, op->input[0], op->output[i]) ||
		    y->shape.dims != x->shape.dims || (n && sizes[i] != -1 && sizes[i] != y->shape.dim[axis]) ||
		    (!n && y->shape.dim[axis] * op->outputs != x->shape.dim[axis]))
			return false;
		for (j = 0; j < x->shape.dims; j++)
			if (j != axis && y->shape.dim[j] != x->shape.dim[j])
				return false;
		total += y->shape.dim[axis];
	}
	return total == x->shape.dim[axis];
}

static int add_split(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const int x = xqm_network_tensor(c, op->input[0]);
	const unsigned int dims = xqm_input(c->graph, op, 0)->shape.dims;
	size_t begin[XQ_NETWORK_DIMS] = { 0 };
	unsigned int i, axis;

	axis_of(op->params.axis.axis, dims, &axis);
	for (i = 0; i < op->outputs; i++) {
		const int y = xqm_network_tensor(c, op->output[i]);
		const int err = xqm_added(c, op, xq_network_slice(c->network, xqm_operator_name(c->graph, op), x, y, dims,
								  begin, NULL));

		if (err < 0)
			return err;
		begin[axis] += (size_t)xqm_output(c->graph, op, i)->shape.dim[axis];
	}
	return 0;
}

/* ---- more than there was -------------------------------------------------------------------------------------------- */

/* The value that fills: the zero point, or a constant of the type. */
static bool pad_value(const struct xqm_graph *graph, const struct xqm_operator *op, int32_t *value)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *v = xqm_input(graph, op, 2);

	*value = xqm_zero_point(x, 0);
	if (!v)
		return true;
	if (!v->data || v->type != x->type || xqm_elements(&v->shape) != 1)
		return false;
	*value = x->type == XQ_S8 ? *(const int8_t *)v->data : *(const uint8_t *)v->data;
	return true;
}

static bool pad_sizes(const struct xqm_graph *graph, const struct xqm_operator *op, size_t *before, size_t *after)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);
	int64_t pads[2 * XQ_MODEL_DIMS];
	const int n = xqm_constant_integers(graph, op, 1, pads, 2 * XQ_MODEL_DIMS);
	unsigned int i;

	if (n != 2 * (int)x->shape.dims || y->shape.dims != x->shape.dims)
		return false;
	for (i = 0; i < x->shape.dims; i++) {
		const int64_t first = pads[i], last = pads[x->shape.dims + i];

		if (first < 0 || last < 0 || first > XQM_MAX_SIZE || last > XQM_MAX_SIZE ||
		    x->shape.dim[i] + first + last != y->shape.dim[i])
			return false;
		before[i] = (size_t)first;
		after[i] = (size_t)last;
	}
	return true;
}

static bool takes_pad(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	size_t before[XQ_NETWORK_DIMS], after[XQ_NETWORK_DIMS];
	int32_t value;

	return takes_bytes(graph, op) && op->params.pad.mode == XQM_PAD_CONSTANT && !xqm_input(graph, op, 3) &&
	       pad_value(graph, op, &value) && pad_sizes(graph, op, before, after);
}

static int add_pad(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const int x = xqm_network_tensor(c, op->input[0]), y = xqm_network_tensor(c, op->output[0]);
	size_t before[XQ_NETWORK_DIMS], after[XQ_NETWORK_DIMS];
	int32_t value;

	pad_value(c->graph, op, &value);
	pad_sizes(c->graph, op, before, after);
	return xqm_added(c, op, xq_network_pad(c->network, xqm_operator_name(c->graph, op), x, y,
					       xqm_input(c->graph, op, 0)->shape.dims, before, after, value));
}

/* Nearest, by whole factors, where each element is repeated; corners aligned would be something else. */
static bool takes_resize(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_resize *p = &op->params.resize;
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);
	const bool floors = p->sampling == XQM_HALF_PIXEL_NEAREST ||
			    (p->sampling == XQM_ASYMMETRIC && p->nearest == XQM_NEAREST_FLOOR);

	return takes_bytes(graph, op) && !p->linear && !p->cubic && p->channels_last && floors && x->shape.dims == 4 &&
	       y->shape.dims == 4 && x->shape.dim[0] == y->shape.dim[0] && x->shape.dim[3] == y->shape.dim[3] &&
	       y->shape.dim[1] % x->shape.dim[1] == 0 && y->shape.dim[2] % x->shape.dim[2] == 0;
}

static int add_resize(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const struct xqm_tensor *from = xqm_input(c->graph, op, 0), *to = xqm_output(c->graph, op, 0);
	const size_t factor_h = (size_t)(to->shape.dim[1] / from->shape.dim[1]);
	const size_t factor_w = (size_t)(to->shape.dim[2] / from->shape.dim[2]);
	const int x = xqm_network_tensor(c, op->input[0]), y = xqm_network_tensor(c, op->output[0]);

	return xqm_added(c, op, xq_network_enlarge(c->network, xqm_operator_name(c->graph, op), x, y, factor_h, factor_w));
}

const struct xqm_device_operator xqm_device_moves[] = {
	{ XQM_RESHAPE, takes_reshape, add_reshape },
	{ XQM_FLATTEN, takes_reshape, add_reshape },
	{ XQM_SQUEEZE, takes_reshape, add_reshape },
	{ XQM_UNSQUEEZE, takes_reshape, add_reshape },
	{ XQM_TRANSPOSE, takes_transpose, add_transpose },
	{ XQM_CONCAT, takes_concat, add_concat },
	{ XQM_SLICE, takes_slice, add_slice },
	{ XQM_SPLIT, takes_split, add_split },
	{ XQM_PAD, takes_pad, add_pad },
	{ XQM_RESIZE, takes_resize, add_resize },
	{ 0 }
};
