// SPDX-License-Identifier: MIT
/*
 * Which operators are layers of integers: quantized operators, and those of real numbers between
 * DequantizeLinear and QuantizeLinear.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "libxqaccel/src/model/cpu/elements.h"
#include "libxqaccel/src/model/cpu/integer.h"
#include "libxqaccel/src/model/cpu/kernels.h"
#include "libxqaccel/src/model/cpu/qlinear.h"
#include "lower.h"

static int operand(const struct xqm_operator *op, unsigned int i)
{
	return i < op->inputs ? op->input[i] : 0;
}

/* ---- scales ------------------------------------------------------------------------------------------- */

/* Scales and zero points that are constants of float32 and of any integer type. */
static bool real_of(struct xqm_graph *graph, int tensor, int scale, int zero, unsigned int axis, struct xqm_real *to)
{
	const struct xqm_tensor *s = xqm_tensor(graph, scale), *z = xqm_tensor(graph, zero), *t = xqm_tensor(graph, tensor);
	int64_t count = s ? xqm_elements(&s->shape) : 0;
	int32_t *zeros;

	if (!t || !s || !s->data || s->type != XQ_F32 || s->shape.dims > 1 || count < 1 || (z && (!z->data || z->type == XQ_NONE)))
		return false;
	if ((z && xqm_elements(&z->shape) != count) || (count > 1 && (axis >= t->shape.dims || t->shape.dim[axis] != count)))
		return false;
	if (z && z->order != XQ_UNPACKED)
		return false;
	zeros = xqm_alloc(graph, (size_t)count * sizeof(*zeros));
	if (!zeros)
		return false;
	for (int64_t i = 0; i < count; i++) {
		const struct xqm_value v = { .type = z ? z->type : XQ_NONE, .data = z ? (void *)z->data : NULL };

		if (!(((const float *)s->data)[i] > 0))
			return false;
		if (z)
			zeros[i] = (int32_t)xqm_integer_at(&v, (size_t)i);
	}
	*to = (struct xqm_real){ tensor, (size_t)count, axis, s->data, zeros };
	return true;
}

static bool is_linear(const struct xqm_operator *op, enum xqm_op kind)
{
	return op && op->op == kind && !op->params.linear.block && !op->params.linear.to && !op->params.linear.precision;
}

static unsigned int axis_of(const struct xqm_operator *op, const struct xqm_tensor *t)
{
	int64_t axis = op->params.linear.axis;

	return (unsigned int)(axis < 0 ? axis + t->shape.dims : axis);
}

/* The integers that a tensor of real numbers was dequantized from. */
static bool dequantized(struct xqm_graph *graph, int tensor, struct xqm_real *to)
{
	const struct xqm_operator *op = xqm_maker(graph, tensor);

	return is_linear(op, XQM_DEQUANTIZE_LINEAR) &&
	       real_of(graph, op->input[0], op->input[1], operand(op, 2), axis_of(op, xqm_tensor(graph, op->input[0])), to);
}

/* ---- quantized operators -------------------------------------------------------------------------------- */

/* a, scale, zero point, the same of b, c or none, scale and zero point of y or none for an output of real numbers. */
static bool match_qgemm(struct xqm_graph *graph, const struct xqm_operator *op, struct xqm_layer *layer)
{
	const struct xqm_qgemm *p = op->params.other.data;

	if (p->transpose_a || !operand(op, 7) || !real_of(graph, op->input[0], op->input[1], operand(op, 2), 0, &layer->x) ||
	    !real_of(graph, op->input[3], op->input[4], operand(op, 5), p->transpose_b ? 0 : 1, &layer->w) ||
	    !real_of(graph, op->output[0], op->input[7], operand(op, 8), 0, &layer->y))
		return false;
	layer->op = XQM_FULLY_CONNECTED;
	layer->params.fully_connected = (struct xqm_fully_connected){ true, -INFINITY, INFINITY };
	layer->bias = operand(op, 6);
	layer->turned = p->transpose_b;
	return true;
}

static bool match_qlinear(struct xqm_graph *graph, const struct xqm_operator *op, struct xqm_layer *layer)
{
	const struct xqm_kernel *kernel = op->params.other.kernel;
	bool conv = kernel == &xqm_qlinear_conv_kernel, product = kernel == &xqm_qlinear_matmul_kernel;
	bool sum = kernel == &xqm_qlinear_add_kernel, times = kernel == &xqm_qlinear_mul_kernel;
	const struct xqm_qlinear *p = op->params.other.data;

	if (kernel == &xqm_qlinear_pool_kernel && p->global && !p->window.channels_last) {
		layer->op = XQM_REDUCE_MEAN;
		layer->params.reduce.keep = true;
		layer->image = true;
		return real_of(graph, op->input[0], op->input[1], operand(op, 2), 0, &layer->x) &&
		       real_of(graph, op->output[0], op->input[3], operand(op, 4), 0, &layer->y);
	}
	if (kernel == &xqm_qgemm_kernel)
		return match_qgemm(graph, op, layer);
	if (!conv && !product && !sum && !times)
		return false;
	if (!real_of(graph, op->input[0], op->input[1], operand(op, 2), 0, &layer->x) ||
	    !real_of(graph, op->input[3], op->input[4], operand(op, 5), product ? 1 : 0, &layer->w) ||
	    !real_of(graph, op->output[0], op->input[6], operand(op, 7), 0, &layer->y))
		return false;
	if (conv) {
		layer->op = XQM_CONV;
		layer->params.window = *(const struct xqm_window *)op->params.other.data;
		layer->bias = operand(op, 8);
		layer->image = true;
	} else if (product) {
		layer->op = XQM_FULLY_CONNECTED;
		layer->params.fully_connected = (struct xqm_fully_connected){ true, -INFINITY, INFINITY };
	} else {
		layer->op = sum ? XQM_ADD : XQM_MUL;
		layer->params.clamp = (struct xqm_clamp){ -INFINITY, INFINITY };
	}
	return true;
}

/* ---- operators of real numbers --------------------------------------------------------------------------- */

/* One element of a bias: what is added to the accumulator, if there is an integer that stands for it exactly. */
static bool whole_bias(float bias, float product, int32_t *to)
{
	const double q = rint((double)bias / (double)product);

	*to = fabs(q) < 2147483648.0 ? (int32_t)q : 0;
	return (float)*to * product == bias;
}

/* A bias of real numbers that integers stand for exactly, as a constant of s32; 0 if they don't. */
static int integers_of(struct xqm_graph *graph, const struct xqm_tensor *bias, const struct xqm_layer *layer)
{
	const size_t count = (size_t)xqm_elements(&bias->shape);
	const float *value = bias->data;
	const struct xqm_shape shape = bias->shape;
	const char *name = bias->name;
	struct xqm_tensor *t;
	int32_t *to;
	int number;

	if (layer->x.count != 1 || (layer->w.count > 1 && layer->w.count != count))
		return 0;
	to = xqm_alloc(graph, count * sizeof(*to) + 1);
	for (size_t i = 0; to && i < count; i++)
		if (!whole_bias(value[i], layer->x.scale[0] * layer->w.scale[layer->w.count > 1 ? i : 0], &to[i]))
			return 0;
	number = to ? xqm_add_tensor(graph, name) : -ENOMEM;
	if (number < 0)
		return 0;
	t = xqm_tensor(graph, number);
	t->type = XQ_S32;
	t->shape = shape;
	t->data = to;
	t->bytes = count * sizeof(*to);
	return number;
}

/* A bias that was quantized by the product of the other scales, as accumulators are, or could be without a difference. */
static bool match_bias(struct xqm_graph *graph, int tensor, struct xqm_layer *layer)
{
	const struct xqm_tensor *t = xqm_tensor(graph, tensor);
	struct xqm_real bias;

	if (!tensor)
		return true;
	if (t->data && t->type == XQ_F32 && t->shape.dims <= 1) {
		layer->bias = integers_of(graph, t, layer);
		return layer->bias;
	}
	if (!dequantized(graph, tensor, &bias) || xqm_tensor(graph, bias.tensor)->type != XQ_S32 ||
	    xqm_tensor(graph, bias.tensor)->shape.dims > 1)
		return false;
	/* Scales of weights may still be those of another axis. */
	if (layer->w.count > 1 && bias.count > 1 && layer->w.count != bias.count)
		return false;
	for (size_t i = 0; i < layer->w.count || i < bias.count; i++) {
		float product = layer->x.scale[0] * layer->w.scale[layer->w.count > 1 ? i : 0];

		if (bias.scale[bias.count > 1 ? i : 0] != product || bias.zero[bias.count > 1 ? i : 0])
			return false;
	}
	layer->bias = bias.tensor;
	return true;
}

/* The codes of both stand for the same numbers, so that what chooses or moves elements may do so with codes. */
static bool same_codes(const struct xqm_graph *graph, const struct xqm_layer *layer)
{
	return layer->x.count == 1 && layer->y.count == 1 && layer->x.scale[0] == layer->y.scale[0] &&
	       layer->x.zero[0] == layer->y.zero[0] &&
	       xqm_tensor(graph, layer->x.tensor)->type == xqm_tensor(graph, layer->y.tensor)->type;
}

/* Scales of weights go with the output's columns. */
static bool along_columns(const struct xqm_layer *layer)
{
	return layer->w.count == 1 || layer->w.axis == (layer->turned ? 0 : 1);
}

static bool match_product(struct xqm_graph *graph, const struct xqm_operator *op, int bias, struct xqm_layer *layer)
{
	if (op->params.matmul.transpose_a || op->params.matmul.alpha != 1 || op->params.matmul.beta != 1 ||
	    !dequantized(graph, op->input[1], &layer->w) || !match_bias(graph, bias, layer))
		return false;
	layer->op = XQM_FULLY_CONNECTED;
	layer->params.fully_connected = (struct xqm_fully_connected){ true, -INFINITY, INFINITY };
	layer->turned = op->params.matmul.transpose_b;
	return along_columns(layer);
}

/* The sum of a product and a bias, which nobody else sees. */
static bool match_product_and_bias(struct xqm_graph *graph, const struct xqm_operator *sum, struct xqm_layer *layer)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct xqm_operator *op = xqm_maker(graph, sum->input[i]);

		if (op && op->op == XQM_MATMUL && xqm_output(graph, op, 0)->uses == 1 && dequantized(graph, op->input[0], &layer->x) &&
		    match_product(graph, op, sum->input[!i], layer)) {
			layer->like = op;
			return true;
		}
	}
	return false;
}

static bool match_inner(struct xqm_graph *graph, const struct xqm_operator *op, struct xqm_layer *layer)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);

	layer->op = op->op;
	layer->params = op->params;
	layer->like = op;
	if (!x || !y || x->type != XQ_F32)
		return false;
	if (op->op == XQM_ADD && match_product_and_bias(graph, op, layer))
		return true;
	if (!dequantized(graph, op->input[0], &layer->x))
		return false;
	switch (op->op) {
	case XQM_CONV:
		layer->image = true;
		return !op->params.window.channels_last && dequantized(graph, op->input[1], &layer->w) &&
		       match_bias(graph, operand(op, 2), layer);
	case XQM_MATMUL:
	case XQM_GEMM:
		return match_product(graph, op, operand(op, 2), layer);
	case XQM_ADD:
	case XQM_MUL:
		return dequantized(graph, op->input[1], &layer->w);
	case XQM_GLOBAL_AVERAGE_POOL:
		layer->op = XQM_REDUCE_MEAN;
		layer->params.reduce = (struct xqm_reduce){ .keep = true };
		layer->image = true;
		return !op->params.window.channels_last;
	case XQM_MAX_POOL:
		layer->image = true;
		return op->outputs == 1 && !op->params.window.channels_last && same_codes(graph, layer);
	case XQM_RESHAPE:
	case XQM_FLATTEN:
	case XQM_SQUEEZE:
	case XQM_UNSQUEEZE:
	case XQM_TRANSPOSE:
		layer->w.tensor = operand(op, 1);
		return same_codes(graph, layer);
	default:
		return false;
	}
}

/* Sets the bounds of a layer, if it has them. */
static bool set_bounds(struct xqm_layer *layer, float low, float high)
{
	switch (layer->op) {
	case XQM_CONV:
		layer->params.window.low = low;
		layer->params.window.high = high;
		return true;
	case XQM_FULLY_CONNECTED:
		layer->params.fully_connected.low = low;
		layer->params.fully_connected.high = high;
		return true;
	case XQM_ADD:
	case XQM_MUL:
		layer->params.clamp = (struct xqm_clamp){ low, high };
		return true;
	default:
		return false;
	}
}

bool xqm_limits_of(const struct xqm_graph *graph, const struct xqm_operator *op, float *low, float *high)
{
	float *const to[2] = { low, high };

	*low = op->op == XQM_RELU ? 0 : -INFINITY;
	*high = INFINITY;
	for (unsigned int i = 0; i < 2 && op->op == XQM_CLIP; i++) {
		const struct xqm_tensor *t = xqm_tensor(graph, operand(op, i + 1));

		if (!t)
			continue;
		if (!t->data || t->type != XQ_F32 || xqm_elements(&t->shape) != 1 || isnan(*(const float *)t->data))
			return false;
		*to[i] = *(const float *)t->data;
	}
	return *low <= *high;
}

/* First between low and high, then between the bounds of the second. */
static void bound_twice(float *low, float *high, float least, float most)
{
	*low = fminf(fmaxf(*low, least), most);
	*high = fminf(fmaxf(*high, least), most);
}

/* Codes of an 8-bit tensor: from *low to *high, the zero point among them; false for others. */
static bool codes_of(const struct xqm_graph *graph, const struct xqm_real *real, int32_t *low, int32_t *high)
{
	const enum xq_type type = xqm_tensor(graph, real->tensor)->type;

	*low = type == XQ_S8 ? INT8_MIN : 0;
	*high = type == XQ_S8 ? INT8_MAX : UINT8_MAX;
	return (type == XQ_S8 || type == XQ_U8) && real->count == 1 && real->zero[0] >= *low && real->zero[0] <= *high;
}

static float quantized(float value, int32_t zero, int32_t low, int32_t high)
{
	return fminf(fmaxf(rintf(value) + (float)zero, (float)low), (float)high);
}

/*
 * Whether a product of integers by one factor, as QLinearMul has it and the device, gives what the three operators give
 * one after the other, each of which rounds. That depends on the scales; all pairs of codes are tried.
 */
static bool products_are_as_written(const struct xqm_graph *graph, const struct xqm_layer *layer)
{
	const float sx = layer->x.scale[0], sw = layer->w.scale[0], sy = layer->y.scale[0], factor = sx * sw / sy;
	int32_t x0, x1, w0, w1, y0, y1;

	if (!codes_of(graph, &layer->x, &x0, &x1) || !codes_of(graph, &layer->w, &w0, &w1) ||
	    !codes_of(graph, &layer->y, &y0, &y1))
		return false;
	for (int32_t x = x0 - layer->x.zero[0]; x <= x1 - layer->x.zero[0]; x++) {
		const float real = (float)x * sx;

		for (int32_t w = w0 - layer->w.zero[0]; w <= w1 - layer->w.zero[0]; w++) {
			const float product = real * ((float)w * sw);

			if (quantized(product / sy, layer->y.zero[0], y0, y1) !=
			    quantized((float)(x * w) * factor, layer->y.zero[0], y0, y1))
				return false;
		}
	}
	return true;
}

/* From the QuantizeLinear at the end back, over Relu and Clip that nobody else reads. */
static bool match_quantize(struct xqm_graph *graph, const struct xqm_operator *op, struct xqm_layer *layer)
{
	const struct xqm_operator *inner = xqm_maker(graph, op->input[0]);
	float low = -INFINITY, high = INFINITY, least, most;
	int from = op->input[0];
	bool bounded = false;

	if (!is_linear(op, XQM_QUANTIZE_LINEAR) ||
	    !real_of(graph, op->output[0], op->input[1], operand(op, 2), 0, &layer->y))
		return false;
	while (inner && (inner->op == XQM_RELU || inner->op == XQM_CLIP) &&
	       xqm_tensor(graph, from)->uses == 1) {
		if (!xqm_limits_of(graph, inner, &least, &most))
			return false;
		/* This one comes before those that were met. */
		bound_twice(&least, &most, low, high);
		low = least;
		high = most;
		bounded = true;
		from = inner->input[0];
		inner = xqm_maker(graph, from);
	}
	if (!inner || !match_inner(graph, inner, layer) || xqm_output(graph, inner, 0)->uses != 1 ||
	    (layer->op == XQM_MUL && !products_are_as_written(graph, layer)))
		return false;
	return !bounded || set_bounds(layer, low, high);
}

/* A conversion by itself. */
bool xqm_match_conversion(struct xqm_graph *graph, const struct xqm_operator *op, struct xqm_layer *layer)
{
	memset(layer, 0, sizeof(*layer));
	if (is_linear(op, XQM_QUANTIZE_LINEAR) && xqm_input(graph, op, 0)->type == XQ_F32) {
		layer->op = XQM_QUANTIZE;
		layer->x.tensor = op->input[0];
		return real_of(graph, op->output[0], op->input[1], operand(op, 2), 0, &layer->y) && layer->y.count == 1;
	}
	if (is_linear(op, XQM_DEQUANTIZE_LINEAR) && !xqm_input(graph, op, 0)->data) {
		layer->op = XQM_DEQUANTIZE;
		layer->y.tensor = op->output[0];
		return real_of(graph, op->input[0], op->input[1], operand(op, 2), 0, &layer->x) && layer->x.count == 1;
	}
	return false;
}

/* Zero points are no constants as a rule, and stay operands. */
static bool match_conv_integer(const struct xqm_operator *op, struct xqm_layer *layer)
{
	layer->op = op->op;
	layer->params = op->params;
	layer->image = true;
	layer->x.tensor = op->input[0];
	layer->w.tensor = op->input[1];
	layer->y.tensor = op->output[0];
	layer->zero[0] = operand(op, 2);
	layer->zero[1] = operand(op, 3);
	return op->params.window.dims == 2 && !op->params.window.channels_last;
}

bool xqm_match(struct xqm_graph *graph, const struct xqm_operator *op, struct xqm_layer *layer)
{
	memset(layer, 0, sizeof(*layer));
	if (op->op == XQM_OTHER)
		return match_qlinear(graph, op, layer);
	if (op->op == XQM_CONV_INTEGER)
		return match_conv_integer(op, layer);
	if (op->op == XQM_MAX_POOL && op->outputs == 1 && !op->params.window.channels_last) {
		layer->op = XQM_MAX_POOL;
		layer->params = op->params;
		layer->image = true;
		layer->x.tensor = op->input[0];
		layer->y.tensor = op->output[0];
		return xqm_input(graph, op, 0)->type == XQ_S8 || xqm_input(graph, op, 0)->type == XQ_U8;
	}
	return op->op == XQM_QUANTIZE_LINEAR && match_quantize(graph, op, layer);
}
