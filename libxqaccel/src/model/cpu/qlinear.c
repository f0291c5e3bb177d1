// SPDX-License-Identifier: MIT
/*
 * com.microsoft's quantized operators: every element becomes the real number that it stands for, (q - z) * s in float32;
 * the operator computes in float32; and the result is quantized, round_half_even(y / sy) + zy, saturated. But a product is
 * one of integers, by sa * sb / sy, in float32, as it is in ONNX Runtime.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "broadcast.h"
#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "qlinear.h"

/* Without its zero point. */
static float code_of(const struct xqm_value *q, size_t i, int32_t zero)
{
	int32_t v = q->type == XQ_S8 ? ((const int8_t *)q->data)[i] : ((const uint8_t *)q->data)[i];

	return (float)(v - zero);
}

static float real_of(const struct xqm_value *q, size_t i, float scale, int32_t zero)
{
	return code_of(q, i, zero) * scale;
}

static void put(const struct xqm_value *out, size_t i, float x, float scale, int32_t zero)
{
	float low = out->type == XQ_S8 ? -128 : 0, high = out->type == XQ_S8 ? 127 : 255;
	float y = rintf(x / scale) + (float)zero;

	y = isnan(y) ? 0 : y < low ? low : y > high ? high : y;
	if (out->type == XQ_S8)
		((int8_t *)out->data)[i] = (int8_t)y;
	else
		((uint8_t *)out->data)[i] = (uint8_t)y;
}

static int32_t zero_of(const struct xqm_value *value)
{
	return value ? (int32_t)xqm_integer_at(value, 0) : 0;
}

static float scale_of(const struct xqm_value *value)
{
	return (float)xqm_real_at(value, 0);
}

/* An element of 8 bits, a scale and a zero point or none, of one element each. */
static int need_quantized(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			  unsigned int first)
{
	const struct xqm_value *zero = xqm_operand(op, in, first + 2);

	if (in[first].type != XQ_S8 && in[first].type != XQ_U8)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "an operand of type %s", xq_model_type_name(in[first].type));
	if (xqm_class_of(in[first + 1].type) != XQM_REAL || xqm_value_elements(&in[first + 1]) != 1 ||
	    (zero && (zero->type != in[first].type || xqm_value_elements(zero) != 1)))
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "scale and zero point %u are not one number each", first);
	return xqm_need_scales(graph, op, in, first + 1, &in[first]);
}

/* The output's scale and zero point, whose type is the output's. */
static int need_output(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       unsigned int scale, struct xqm_value *out)
{
	const struct xqm_value *zero = xqm_operand(op, in, scale + 1);

	if (xqm_class_of(in[scale].type) != XQM_REAL || xqm_value_elements(&in[scale]) != 1 ||
	    (zero && xqm_value_elements(zero) != 1))
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "scale and zero point of the output are not one number each");
	if (zero && zero->type != XQ_S8 && zero->type != XQ_U8)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "an output of type %s", xq_model_type_name(zero->type));
	if (zero)
		out->type = zero->type;
	return xqm_need_scales(graph, op, in, scale, NULL);
}

/* ---- a + b, a * b: a, scale, zero, b, scale, zero, y scale, zero ---------------------------------------- */

static int infer_pair(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		      struct xqm_value *out)
{
	struct xqm_value pair[2] = { in[0], in[3] };
	int err = need_quantized(graph, op, in, 0);

	if (!err)
		err = need_quantized(graph, op, in, 3);
	out->type = in->type;
	if (!err)
		err = need_output(graph, op, in, 6, out);
	return err ? err : xqm_broadcast(graph, op, pair, 2, out);
}

static int compute_pair(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const bool multiply = op->params.other.kernel == &xqm_qlinear_mul_kernel;
	const struct xqm_value pair[2] = { in[0], in[3] };
	float sa = scale_of(&in[1]), sb = scale_of(&in[4]), sy = scale_of(&in[6]);
	int32_t za = zero_of(xqm_operand(op, in, 2)), zb = zero_of(xqm_operand(op, in, 5)), zy = zero_of(xqm_operand(op, in, 7));
	struct xqm_walk walk;

	xqm_walk_start(&walk, pair, 2, out);
	for (size_t r = 0; r < walk.rows; r++, xqm_walk_next(&walk)) {
		for (size_t i = 0; i < walk.row; i++) {
			float a = code_of(&in[0], walk.at[0] + i * xqm_walk_step(&walk, 0), za);
			float b = code_of(&in[3], walk.at[1] + i * xqm_walk_step(&walk, 1), zb);

			if (multiply)
				put(out, walk.out + i, a * b * (sa * sb / sy), 1, zy);
			else
				put(out, walk.out + i, a * sa + b * sb, sy, zy);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_qlinear_add_kernel = {
	.name = "quantized sum",
	.infer = infer_pair,
	.compute = compute_pair,
};
const struct xqm_kernel xqm_qlinear_mul_kernel = {
	.name = "quantized product",
	.infer = infer_pair,
	.compute = compute_pair,
};

/* ---- functions of one element: x, scale, zero, y scale, zero -------------------------------------------- */

static int infer_function(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			  struct xqm_value *out)
{
	int err = need_quantized(graph, op, in, 0);

	xqm_same(out, in);
	return err ? err : need_output(graph, op, in, 3, out);
}

static float function(const struct xqm_qlinear *p, float x)
{
	if (p->what == XQM_QLINEAR_LEAKY_RELU)
		return x < 0 ? p->alpha * x : x;
	return (float)(1 / (1 + exp(-(double)x)));
}

static int compute_function(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_qlinear *p = op->params.other.data;

	for (size_t i = 0; i < xqm_value_elements(in); i++)
		put(out, i, function(p, real_of(in, i, scale_of(&in[1]), zero_of(xqm_operand(op, in, 2)))), scale_of(&in[3]),
		    zero_of(xqm_operand(op, in, 4)));
	return 0;
}

const struct xqm_kernel xqm_qlinear_function_kernel = {
	.name = "quantized function",
	.infer = infer_function,
	.compute = compute_function,
};

/* ---- softmax: x, scale, zero, y scale, zero ---------------------------------------------------------------- */

static int infer_softmax(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			 struct xqm_value *out)
{
	const struct xqm_qlinear *p = op->params.other.data;
	int axis = xqm_axis_of(graph, op, p->axis, in->dims);

	return axis < 0 ? axis : infer_function(graph, op, in, out);
}

/* As fmax(), which gcc 12 fails to vectorize for arm64 with an internal error. */
static double larger(double a, double b)
{
	return b > a ? b : a;
}

static int compute_softmax(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_qlinear *p = op->params.other.data;
	int axis = xqm_axis_of(NULL, op, p->axis, in->dims);
	float sx = scale_of(&in[1]);
	int32_t zx = zero_of(xqm_operand(op, in, 2));
	size_t n, inner;

	if (axis < 0)
		return axis;
	n = in->dim[axis];
	inner = xqm_inner(in, (unsigned int)axis);
	if (p->flatten) {
		n *= inner;
		inner = 1;
	}
	for (size_t i = 0; i < xqm_outer(in, (unsigned int)axis) * inner; i++) {
		size_t first = i / inner * n * inner + i % inner;
		double largest = -INFINITY, sum = 0;

		for (size_t k = 0; k < n; k++)
			largest = larger(largest, (double)real_of(in, first + k * inner, sx, zx));
		for (size_t k = 0; k < n; k++)
			sum += exp((double)real_of(in, first + k * inner, sx, zx) - largest);
		for (size_t k = 0; k < n; k++)
			put(out, first + k * inner,
			    (float)(exp((double)real_of(in, first + k * inner, sx, zx) - largest) / sum), scale_of(&in[3]),
			    zero_of(xqm_operand(op, in, 4)));
	}
	return 0;
}

const struct xqm_kernel xqm_qlinear_softmax_kernel = {
	.name = "quantized softmax",
	.infer = infer_softmax,
	.compute = compute_softmax,
};

/* ---- concat: y scale, zero, then x, scale, zero of each ------------------------------------------------------- */

static int infer_concat(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			struct xqm_value *out)
{
	const struct xqm_qlinear *p = op->params.other.data;
	int axis, err = op->inputs < 5 || (op->inputs - 2) % 3 ? xqm_fail_at(graph, op, -EINVAL, "%u inputs", op->inputs) : 0;
	int64_t size = 0;

	if (err)
		return err;
	axis = xqm_axis_of(graph, op, p->axis, in[2].dims);
	if (axis < 0)
		return axis;
	xqm_same(out, &in[2]);
	for (unsigned int i = 2; !err && i < op->inputs; i += 3) {
		err = need_quantized(graph, op, in, i);
		for (unsigned int d = 0; !err && d < out->dims; d++) {
			if (in[i].dims != out->dims || (d != (unsigned int)axis && in[i].dim[d] != out->dim[d]))
				err = xqm_fail_at(graph, op, -EINVAL, "shapes of operands don't go together");
		}
		if (!err)
			size += (int64_t)in[i].dim[axis];
	}
	if (!err)
		err = need_output(graph, op, in, 0, out);
	return err ? err : xqm_size(graph, op, size, &out->dim[axis]);
}

static int compute_concat(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_qlinear *p = op->params.other.data;
	int axis = xqm_axis_of(NULL, op, p->axis, in[2].dims);
	size_t begin = 0, inner;

	if (axis < 0)
		return axis;
	inner = xqm_inner(out, (unsigned int)axis);
	for (unsigned int i = 2; i < op->inputs; i += 3) {
		size_t run = in[i].dim[axis] * inner;

		for (size_t k = 0; k < xqm_value_elements(&in[i]); k++)
			put(out, k / run * out->dim[axis] * inner + begin + k % run,
			    real_of(&in[i], k, scale_of(&in[i + 1]), zero_of(xqm_operand(op, in, i + 2))), scale_of(&in[0]),
			    zero_of(xqm_operand(op, in, 1)));
		begin += run;
	}
	return 0;
}

const struct xqm_kernel xqm_qlinear_concat_kernel = {
	.name = "quantized concat",
	.infer = infer_concat,
	.compute = compute_concat,
};
