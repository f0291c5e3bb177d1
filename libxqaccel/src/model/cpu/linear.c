// SPDX-License-Identifier: MIT
/*
 * Quantization with scales and zero points that are operands, as ONNX's QuantizeLinear, DequantizeLinear and
 * DynamicQuantizeLinear define it: x / scale in the type of the scale, rounded half to even, then the zero point, then
 * saturated; (q - zero point) * scale.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <xqaccel/float_formats.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"

/* Which scale belongs to an element: one for all, one along the axis, or one for each block along it. */
struct blocks {
	size_t inner, size, parts, block;	/* parts: scales along the axis */
};

static int find_blocks(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *x,
		       const struct xqm_value *scale, struct blocks *b)
{
	size_t count = xqm_value_elements(scale);
	int axis;

	*b = (struct blocks){ .inner = 1, .size = 1, .parts = 0, .block = 1 };
	if (scale->dims == 0 || (count == 1 && scale->dims == 1))
		return 0;
	axis = xqm_axis_of(graph, op, op->params.linear.axis, x->dims);
	if (axis < 0)
		return axis;
	b->inner = xqm_inner(x, (unsigned int)axis);
	b->size = x->dim[axis];
	if (scale->dims == 1 && x->dims != 1) {
		b->parts = count;
		b->block = 1;
		return count == b->size ? 0 : xqm_fail_at(graph, op, -EINVAL, "%zu scales for %zu elements of axis %d", count,
							 b->size, axis);
	}
	for (unsigned int d = 0; d < x->dims; d++) {
		if (scale->dims != x->dims || (d != (unsigned int)axis && scale->dim[d] != x->dim[d]))
			return xqm_fail_at(graph, op, -EINVAL, "the shape of the scales doesn't fit");
	}
	b->parts = scale->dim[axis];
	b->block = op->params.linear.block ? op->params.linear.block : b->parts ? (b->size + b->parts - 1) / b->parts : 1;
	if (!b->parts || (b->size + b->block - 1) / b->block != b->parts)
		return xqm_fail_at(graph, op, -EINVAL, "%zu scales for blocks of %zu of %zu elements", b->parts, b->block, b->size);
	b->inner = xqm_inner(x, (unsigned int)axis);
	return 0;
}

static size_t scale_of(const struct blocks *b, const struct xqm_value *scale, size_t i)
{
	size_t along;

	if (!b->parts)
		return 0;
	along = i / b->inner % b->size / b->block;
	if (scale->dims == 1)
		return along;
	return (i / b->inner / b->size * b->parts + along) * b->inner + i % b->inner;
}

static int same_shape(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *scale,
		      const struct xqm_value *zero)
{
	if (zero && xqm_value_elements(zero) != xqm_value_elements(scale))
		return xqm_fail_at(graph, op, -EINVAL, "%zu zero points for %zu scales", xqm_value_elements(zero),
				   xqm_value_elements(scale));
	return 0;
}

/* ---- quantize --------------------------------------------------------------------------------------- */

static int infer_quantize(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			  struct xqm_value *out)
{
	const struct xqm_value *zero = xqm_operand(op, in, 2);
	struct xq_qtype type;
	struct blocks b;
	int to = zero ? zero->type : out->type != XQ_NONE ? out->type : XQ_U8;
	int err = find_blocks(graph, op, in, &in[1], &b);

	if (!err)
		err = same_shape(graph, op, &in[1], zero);
	if (!err && xqm_class_of(in[1].type) == XQM_REAL)
		err = xqm_need_scales(graph, op, in, 1, NULL);
	if (!err && ((xqm_class_of(in->type) != XQM_REAL && in->type != XQ_S32) || xqm_class_of(in[1].type) != XQM_REAL))
		err = xqm_fail_at(graph, op, -EOPNOTSUPP, "from %s by scales of %s", xq_model_type_name(in->type),
				  xq_model_type_name(in[1].type));
	if (!err && !xqm_small_float(to) && xq_qtype_of(to, &type))
		err = xqm_fail_at(graph, op, -EOPNOTSUPP, "to %s", xq_model_type_name(to));
	xqm_same(out, in);
	out->type = to;
	return err;
}

static double quotient(const struct xqm_operator *op, const struct xqm_value *in, double x, double s)
{
	int precision = op->params.linear.precision ? op->params.linear.precision : in[1].type;

	if (precision == XQ_F16)
		return (double)xq_float_decode_one(xqm_round_f16(x / s), XQ_FLOAT_FP16);
	if (precision == XQ_BF16)
		return (double)xq_float_decode_one(xqm_round_bf16(x / s), XQ_FLOAT_BF16);
	return precision == XQ_MODEL_F64 ? x / s : (double)(float)(x / s);
}

static int compute_quantize(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_value *zero = xqm_operand(op, in, 2);
	bool small = xqm_small_float(out->type);
	struct xq_qtype type = { 0 };
	struct blocks b;
	int err = find_blocks(NULL, op, in, &in[1], &b);

	if (!err && !small)
		err = xq_qtype_of(out->type, &type);
	for (size_t i = 0; !err && i < xqm_value_elements(in); i++) {
		size_t k = scale_of(&b, &in[1], i);
		double x = quotient(op, in, xqm_real_at(in, i), xqm_real_at(&in[1], k));
		double y;
		int64_t code;

		if (small) {
			xqm_store_small(out, i, (float)x + (zero ? (float)xqm_real_at(zero, k) : 0), true);
			continue;
		}
		y = isnan(x) ? 0 : rint(x) + (zero ? (double)xqm_integer_at(zero, k) : 0);
		code = y < type.min ? type.min : y > type.max ? type.max : (int64_t)y;
		xqm_store_integer(out, i, 1, &code);
	}
	return err;
}

const struct xqm_kernel xqm_quantize_linear_kernel = {
	.name = "quantize",
	.infer = infer_quantize,
	.compute = compute_quantize,
};

/* ---- dequantize --------------------------------------------------------------------------------------- */

static int infer_dequantize(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			    struct xqm_value *out)
{
	const struct xqm_value *zero = xqm_operand(op, in, 2);
	struct blocks b;
	int err = find_blocks(graph, op, in, &in[1], &b);

	if (!err)
		err = same_shape(graph, op, &in[1], zero);
	if (!err && zero && zero->type != in->type)
		err = xqm_fail_at(graph, op, -EINVAL, "a zero point of %s for elements of %s", xq_model_type_name(zero->type),
				  xq_model_type_name(in->type));
	if (!err && xqm_class_of(in->type) != XQM_INTEGER && !xqm_small_float(in->type))
		err = xqm_fail_at(graph, op, -EOPNOTSUPP, "from %s", xq_model_type_name(in->type));
	if (!err && xqm_class_of(in[1].type) != XQM_REAL)
		err = xqm_fail_at(graph, op, -EINVAL, "scales of %s", xq_model_type_name(in[1].type));
	if (!err)
		err = xqm_need_scales(graph, op, in, 1, in);
	xqm_same(out, in);
	out->type = op->params.linear.to ? op->params.linear.to : in[1].type;
	return err;
}

static int compute_dequantize(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_value *zero = xqm_operand(op, in, 2);
	struct blocks b;
	int err = find_blocks(NULL, op, in, &in[1], &b);

	for (size_t i = 0; !err && i < xqm_value_elements(in); i++) {
		size_t k = scale_of(&b, &in[1], i);
		double q = xqm_small_float(in->type) ? xqm_real_at(in, i) - (zero ? xqm_real_at(zero, k) : 0) :
			   (double)(xqm_integer_at(in, i) - (zero ? xqm_integer_at(zero, k) : 0));
		double y = q * xqm_real_at(&in[1], k);

		xqm_store_real(out, i, 1, &y);
	}
	return err;
}

const struct xqm_kernel xqm_dequantize_linear_kernel = {
	.name = "dequantize",
	.infer = infer_dequantize,
	.compute = compute_dequantize,
};

/* ---- dynamic ----------------------------------------------------------------------------------------- */

static int infer_dynamic(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			 struct xqm_value *out)
{
	int err = xqm_need_type(graph, op, in, "a tensor", XQ_F32);

	xqm_same(out, in);
	out->type = XQ_U8;
	for (unsigned int i = 1; i < op->outputs && i < 3; i++) {
		out[i].type = i == 1 ? XQ_F32 : XQ_U8;
		out[i].dims = 0;
	}
	return err;
}

/*
 * As the specification has it, in float32: the range contains zero. It leaves open what is made of
 * a tensor of zeros; here, as in copies of the device, the scale is 1, what is not finite is left
 * out of the range, and what is no number becomes zero.
 */
static int compute_dynamic(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const float *x = in->data;
	float low = 0, high = 0, scale, point;
	size_t n = xqm_value_elements(in);

	for (size_t i = 0; i < n; i++) {
		low = isfinite(x[i]) ? fminf(low, x[i]) : low;
		high = isfinite(x[i]) ? fmaxf(high, x[i]) : high;
	}
	scale = (high - low) / 255;
	scale = scale > 0 ? scale : 1;
	point = rintf(fminf(fmaxf(0 - low / scale, 0), 255));
	for (size_t i = 0; out->data && i < n; i++) {
		float quotient = x[i] / scale;
		float y = isnan(quotient) ? point : rintf(quotient) + point;

		((uint8_t *)out->data)[i] = (uint8_t)(y < 0 ? 0 : y > 255 ? 255 : y);
	}
	if (op->outputs > 1 && out[1].type != XQ_NONE)
		*(float *)out[1].data = scale;
	if (op->outputs > 2 && out[2].type != XQ_NONE)
		*(uint8_t *)out[2].data = (uint8_t)point;
	return 0;
}

const struct xqm_kernel xqm_dynamic_quantize_kernel = {
	.name = "dynamic quantization",
	.infer = infer_dynamic,
	.compute = compute_dynamic,
};
