// SPDX-License-Identifier: MIT
/*
 * Products and convolutions of 8-bit integers with zero points that are operands: ONNX's MatMulInteger and ConvInteger,
 * whose outputs are the int32 accumulators, and QLinearMatMul, QLinearConv and QGemm, which requantize them by
 * y = saturate(round_half_even(acc * (sa * sb / sy)) + zy) with a factor in float32 (xqaccel/requantize.h). Accumulators
 * wrap.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "elements.h"
#include "infer.h"
#include "integer.h"
#include "kernels.h"
#include "matmul.h"

/* Numbers of the operands: those of the accumulators first, then those of scales. */
struct places {
	unsigned int a, a_scale, a_zero, b, b_scale, b_zero, bias, y_scale, y_zero;
};

static const struct places plain = { .a = 0, .b = 1, .a_zero = 2, .b_zero = 3 };
static const struct places scaled = {
	.a = 0, .a_scale = 1, .a_zero = 2, .b = 3, .b_scale = 4, .b_zero = 5, .y_scale = 6, .y_zero = 7, .bias = 8,
};
static const struct places gemm_places = {
	.a = 0, .a_scale = 1, .a_zero = 2, .b = 3, .b_scale = 4, .b_zero = 5, .bias = 6, .y_scale = 7, .y_zero = 8,
};

static int bytes_only(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *value)
{
	if (value->type == XQ_S8 || value->type == XQ_U8)
		return 0;
	return xqm_fail_at(graph, op, -EOPNOTSUPP, "an operand of type %s", xq_model_type_name(value->type));
}

/* Scales or zero points are one for all, or one for each of so many rows or columns. */
static int need_each(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *value, size_t each)
{
	size_t count = value ? xqm_value_elements(value) : 1;

	if (count == 1 || count == each)
		return 0;
	return xqm_fail_at(graph, op, -EOPNOTSUPP, "%zu scales or zero points for %zu rows or columns", count, each);
}

/* Of the type of its elements, so that a difference of both has no more than 9 bits and a sign. */
static int need_zero(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *zero,
		     const struct xqm_value *of, size_t each)
{
	if (zero && zero->type != of->type)
		return xqm_fail_at(graph, op, -EINVAL, "a zero point of %s for elements of %s", xq_model_type_name(zero->type),
				   xq_model_type_name(of->type));
	return need_each(graph, op, zero, each);
}

static int32_t zero_at(const struct xqm_value *zero, size_t i)
{
	return zero ? (int32_t)xqm_integer_at(zero, xqm_value_elements(zero) > 1 ? i : 0) : 0;
}

static float scale_at(const struct xqm_value *scale, size_t i)
{
	return (float)xqm_real_at(scale, xqm_value_elements(scale) > 1 ? i : 0);
}

/* The accumulator of a column as an integer of the output. */
static void store(const struct places *p, const struct xqm_operator *op, const struct xqm_value *in,
		  const struct xqm_value *out, size_t at, size_t row, size_t column, int32_t acc)
{
	int64_t y = acc;

	if (p->y_scale && xqm_operand(op, in, p->y_scale)) {
		float product = scale_at(&in[p->a_scale], row) * scale_at(&in[p->b_scale], column);
		double m = (double)(product / scale_at(&in[p->y_scale], 0));
		double r = rint((double)acc * m) + zero_at(xqm_operand(op, in, p->y_zero), 0);
		double low = (double)xq_type_min((enum xq_type)out->type), high = (double)xq_type_max((enum xq_type)out->type);

		/* A scale that is computed may be no number, or infinite and meet a sum of 0. */
		y = isnan(r) ? 0 : (int64_t)(r < low ? low : r > high ? high : r);
	} else if (p->y_scale) {
		/* QGemm without a scale of the output: real numbers. */
		float real = (float)acc * (scale_at(&in[p->a_scale], row) * scale_at(&in[p->b_scale], column));

		((float *)out->data)[at] = real;
		return;
	}
	xqm_store_integer(out, at, 1, &y);
}

static int infer_scales(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			const struct places *p, size_t rows, size_t columns, struct xqm_value *out)
{
	const struct xqm_value *zero;
	int err = bytes_only(graph, op, &in[p->a]);

	if (!err)
		err = bytes_only(graph, op, &in[p->b]);
	if (!err)
		err = need_zero(graph, op, xqm_operand(op, in, p->a_zero), &in[p->a], rows);
	if (!err)
		err = need_zero(graph, op, xqm_operand(op, in, p->b_zero), &in[p->b], columns);
	if (err)
		return err;
	if (!p->y_scale) {
		out->type = XQ_S32;
		return 0;
	}
	err = need_each(graph, op, &in[p->a_scale], rows);
	if (!err)
		err = need_each(graph, op, &in[p->b_scale], columns);
	if (!err && (xqm_class_of(in[p->a_scale].type) != XQM_REAL || xqm_class_of(in[p->b_scale].type) != XQM_REAL))
		err = xqm_fail_at(graph, op, -EINVAL, "a scale is no real number");
	if (!err)
		err = xqm_need_scales(graph, op, in, p->a_scale, &in[p->a]);
	if (!err)
		err = xqm_need_scales(graph, op, in, p->b_scale, &in[p->b]);
	if (err)
		return err;
	if (!xqm_operand(op, in, p->y_scale)) {
		out->type = XQ_F32;
		return 0;
	}
	err = need_each(graph, op, &in[p->y_scale], 1);
	if (!err && xqm_class_of(in[p->y_scale].type) != XQM_REAL)
		err = xqm_fail_at(graph, op, -EINVAL, "a scale is no real number");
	if (!err)
		err = xqm_need_scales(graph, op, in, p->y_scale, NULL);
	zero = xqm_operand(op, in, p->y_zero);
	if (!err && zero)
		err = need_each(graph, op, zero, 1);
	if (!err && zero)
		err = bytes_only(graph, op, zero);
	out->type = zero ? zero->type : in[p->a].type;
	return err;
}

/* ---- products -------------------------------------------------------------------------------------------- */

static const struct places *product_places(const struct xqm_operator *op)
{
	if (op->op == XQM_MATMUL_INTEGER)
		return &plain;
	return op->params.other.kernel == &xqm_qgemm_kernel ? &gemm_places : &scaled;
}

static void turned(const struct xqm_operator *op, bool *a, bool *b)
{
	const struct xqm_qgemm *gemm = op->op == XQM_OTHER && op->params.other.kernel == &xqm_qgemm_kernel ?
				       op->params.other.data : NULL;

	*a = gemm && gemm->transpose_a;
	*b = gemm && gemm->transpose_b;
}

static int infer_product(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			 struct xqm_value *out)
{
	const struct places *places = product_places(op);
	const struct xqm_value *bias = places->bias ? xqm_operand(op, in, places->bias) : NULL;
	struct xqm_product p;
	bool turn_a, turn_b;
	int err;

	turned(op, &turn_a, &turn_b);
	err = xqm_product_shape(graph, op, &in[places->a], &in[places->b], turn_a, turn_b, &p);
	if (!err)
		err = infer_scales(graph, op, in, places, p.m, p.n, out);
	if (!err && bias && (bias->type != XQ_S32 || xqm_value_elements(bias) != p.n))
		err = xqm_fail_at(graph, op, -EOPNOTSUPP, "an addend of %s with %zu elements for %zu columns",
				  xq_model_type_name(bias->type), xqm_value_elements(bias), p.n);
	if (!err)
		xqm_product_output(&p, out);
	return err;
}

static int compute_product(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct places *places = product_places(op);
	const struct xqm_value *a = &in[places->a], *b = &in[places->b];
	const struct xqm_value *bias = places->bias ? xqm_operand(op, in, places->bias) : NULL;
	struct xqm_product p;
	bool turn_a, turn_b;
	size_t at = 0;
	int err;

	turned(op, &turn_a, &turn_b);
	err = xqm_product_shape(NULL, op, a, b, turn_a, turn_b, &p);
	for (size_t i = 0; !err && i < xqm_product_count(&p); i++) {
		size_t x = xqm_product_matrix(&p, i, p.one_a) * p.m * p.k, w = xqm_product_matrix(&p, i, p.one_b) * p.k * p.n;

		for (size_t r = 0; r < p.m; r++) {
			int32_t za = zero_at(xqm_operand(op, in, places->a_zero), r);

			for (size_t c = 0; c < p.n; c++, at++) {
				int32_t zb = zero_at(xqm_operand(op, in, places->b_zero), c);
				uint32_t acc = bias ? (uint32_t)((const int32_t *)bias->data)[c] : 0;

				for (size_t k = 0; k < p.k; k++) {
					size_t ia = x + (turn_a ? k * p.m + r : r * p.k + k);
					size_t ib = w + (turn_b ? c * p.k + k : k * p.n + c);
					int32_t u = a->type == XQ_S8 ? ((const int8_t *)a->data)[ia] : ((const uint8_t *)a->data)[ia];
					int32_t v = b->type == XQ_S8 ? ((const int8_t *)b->data)[ib] : ((const uint8_t *)b->data)[ib];

					acc += (uint32_t)((u - za) * (v - zb));
				}
				store(places, op, in, out, at, r, c, (int32_t)acc);
			}
		}
	}
	return err;
}

const struct xqm_kernel xqm_matmul_integer_kernel = {
	.name = "matmul of integers",
	.infer = infer_product,
	.compute = compute_product,
};
const struct xqm_kernel xqm_qlinear_matmul_kernel = {
	.name = "quantized matmul",
	.infer = infer_product,
	.compute = compute_product,
};
const struct xqm_kernel xqm_qgemm_kernel = {
	.name = "quantized gemm",
	.infer = infer_product,
	.compute = compute_product,
};

/* ---- convolutions ---------------------------------------------------------------------------------------- */

/* The operator as convolutions of real numbers have it, whose window is where that of this kind is not. */
static struct xqm_operator with_window(const struct xqm_operator *op)
{
	struct xqm_operator o = *op;

	if (op->op == XQM_OTHER)
		o.params.window = *(const struct xqm_window *)op->params.other.data;
	return o;
}

static int infer_conv(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		      struct xqm_value *out)
{
	const struct places *p = op->op == XQM_CONV_INTEGER ? &plain : &scaled;
	const struct xqm_value *bias = p->bias ? xqm_operand(op, in, p->bias) : NULL;
	struct xqm_operator o = with_window(op);
	struct xqm_weights weights;
	struct xqm_geometry g;
	int err = xqm_conv_shape(graph, &o, &in[p->a], &in[p->b], &weights, &g);

	if (!err)
		err = infer_scales(graph, op, in, p, 1, weights.out, out);
	if (!err && bias && (bias->type != XQ_S32 || xqm_value_elements(bias) != weights.out))
		err = xqm_fail_at(graph, op, -EINVAL, "a bias of %s with %zu elements for %zu channels",
				  xq_model_type_name(bias->type), xqm_value_elements(bias), weights.out);
	if (!err)
		xqm_geometry_output(&o, &g, weights.out, out);
	return err;
}

/* Elements as differences from their zero points. */
static void differences(const struct xqm_value *value, const struct xqm_value *zero, size_t per_channel, int16_t *to)
{
	for (size_t i = 0; i < xqm_value_elements(value); i++) {
		int32_t v = value->type == XQ_S8 ? ((const int8_t *)value->data)[i] : ((const uint8_t *)value->data)[i];

		to[i] = (int16_t)(v - zero_at(zero, per_channel ? i / per_channel : 0));
	}
}

struct conv {
	const struct xqm_window *window;
	struct xqm_geometry g;
	struct xqm_weights weights;
	const int16_t *x, *w;
};

static uint32_t sum_of(const struct conv *c, size_t batch, size_t channel, const size_t *o)
{
	size_t taps = xqm_pixels(c->g.kernel), pixels = xqm_pixels(c->g.in);
	size_t group = channel / (c->weights.out / c->window->groups);
	uint32_t acc = 0;

	for (size_t t = 0; t < taps; t++) {
		size_t tap[XQM_SPATIAL], pixel;

		xqm_pixel(c->g.kernel, t, tap);
		if (!xqm_tap(&c->g, o, tap, &pixel))
			continue;
		for (size_t i = 0; i < c->weights.in; i++) {
			size_t ci = group * c->weights.in + i;
			size_t at = c->window->channels_last ? pixel * c->g.channels + ci : ci * pixels + pixel;

			acc += (uint32_t)(c->x[batch * c->g.channels * pixels + at] *
					  c->w[xqm_weight(&c->weights, c->window->weights, channel, t, i, taps)]);
		}
	}
	return acc;
}

static int compute_conv(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct places *p = op->op == XQM_CONV_INTEGER ? &plain : &scaled;
	const struct xqm_value *bias = p->bias ? xqm_operand(op, in, p->bias) : NULL;
	struct xqm_operator o = with_window(op);
	struct conv c = { .window = &o.params.window };
	int err = xqm_conv_shape(NULL, &o, &in[p->a], &in[p->b], &c.weights, &c.g);
	int16_t *x = malloc(xqm_value_elements(&in[p->a]) * sizeof(*x) + 1);
	int16_t *w = malloc(xqm_value_elements(&in[p->b]) * sizeof(*w) + 1);
	size_t pixels;

	if (!err && (!x || !w))
		err = -ENOMEM;
	if (!err) {
		differences(&in[p->a], xqm_operand(op, in, p->a_zero), 0, x);
		differences(&in[p->b], xqm_operand(op, in, p->b_zero),
			    xqm_value_elements(&in[p->b]) / (c.weights.out ? c.weights.out : 1), w);
		c.x = x;
		c.w = w;
		pixels = xqm_pixels(c.g.out);
		for (size_t i = 0; i < c.g.batch * c.weights.out * pixels; i++) {
			size_t channel = i / pixels % c.weights.out, batch = i / pixels / c.weights.out, at = i, to[XQM_SPATIAL];
			uint32_t acc;

			xqm_pixel(c.g.out, i % pixels, to);
			acc = sum_of(&c, batch, channel, to) + (bias ? (uint32_t)((const int32_t *)bias->data)[channel] : 0);
			if (c.window->channels_last)
				at = (batch * pixels + i % pixels) * c.weights.out + channel;
			store(p, op, in, out, at, 0, channel, (int32_t)acc);
		}
	}
	free(x);
	free(w);
	return err;
}

const struct xqm_kernel xqm_conv_integer_kernel = {
	.name = "convolution of integers",
	.infer = infer_conv,
	.compute = compute_conv,
};
const struct xqm_kernel xqm_qlinear_conv_kernel = {
	.name = "quantized convolution",
	.infer = infer_conv,
	.compute = compute_conv,
};
