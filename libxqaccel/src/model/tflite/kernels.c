// SPDX-License-Identifier: MIT
/*
 * Quantized operators in TensorFlow Lite's arithmetic, on the CPU: quantization of floats, which rounds halves away from
 * zero, differences, and the larger or smaller of two.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <xqaccel/elementwise.h>

#include "epilogue/epilogue.h"
#include "kernels.h"
#include "libxqaccel/src/model/compile/compile.h"
#include "libxqaccel/src/model/cpu/elements.h"

static bool is_byte(int type)
{
	return type == XQ_S8 || type == XQ_U8;
}

static bool one_scale(const struct xqm_tensor *t)
{
	return t && t->quantization.count == 1 && t->quantization.scale[0] > 0;
}

static bool same_scale(const struct xqm_tensor *a, const struct xqm_tensor *b)
{
	return one_scale(a) && one_scale(b) && a->quantization.scale[0] == b->quantization.scale[0] &&
	       xqm_zero_point(a, 0) == xqm_zero_point(b, 0);
}

const struct xqm_kernel *xqt_kernel(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *a = xqm_input(graph, op, 0), *b = xqm_input(graph, op, 1), *y = xqm_output(graph, op, 0);

	if (op->arithmetic != XQ_REQUANT_TFLITE || !a || !y)
		return NULL;
	switch (op->op) {
	case XQM_QUANTIZE:
		return a->type == XQ_F32 && (is_byte(y->type) || y->type == XQ_S16) && one_scale(y) ? &xqt_quantize_kernel : NULL;
	case XQM_DEQUANTIZE:
		return y->type == XQ_F32 && (a->type == XQ_F16 || a->quantization.count) ? &xqt_dequantize_kernel : NULL;
	case XQM_SUB:
		return b && is_byte(a->type) && b->type == a->type && y->type == a->type && one_scale(a) && one_scale(b) &&
		       one_scale(y) ? &xqt_sub_kernel : NULL;
	case XQM_MAXIMUM:
	case XQM_MINIMUM:
		return b && is_byte(a->type) && b->type == a->type && y->type == a->type && same_scale(a, b) && same_scale(a, y) ?
		       &xqt_extreme_kernel : NULL;
	default:
		return NULL;
	}
}

/* ---- shapes -------------------------------------------------------------------------------------------------------- */

static void like(const struct xqm_value *x, struct xqm_value *y)
{
	y->dims = x->dims;
	memcpy(y->dim, x->dim, sizeof(y->dim));
}

static int infer_same(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		      struct xqm_value *out)
{
	(void)graph;
	(void)op;
	like(in, out);
	return 0;
}

static int infer_broadcast(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			   struct xqm_value *out)
{
	const struct xqm_value *a = &in[0], *b = &in[1];
	unsigned int i;

	like(a->dims >= b->dims ? a : b, out);
	for (i = 1; i <= a->dims && i <= b->dims; i++) {
		const size_t p = a->dim[a->dims - i], q = b->dim[b->dims - i];

		if (p != q && p != 1 && q != 1)
			return xqm_fail_at(graph, op, -EINVAL, "dimensions of %zu and %zu can't be broadcast", p, q);
		out->dim[out->dims - i] = p == 1 ? q : p;
	}
	return 0;
}

/* ---- quantization -------------------------------------------------------------------------------------------------- */

static int compute_quantize(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const float scale = out->quantization->scale[0];
	const int32_t zp = out->quantization->zero_point ? out->quantization->zero_point[0] : 0;
	const int32_t least = (int32_t)xq_type_min((enum xq_type)out->type), most = (int32_t)xq_type_max((enum xq_type)out->type);
	const size_t n = xqm_value_elements(in);
	const float *x = in->data;
	size_t i;

	(void)op;
	for (i = 0; i < n; i++) {
		const double q = (double)roundf(x[i] / scale) + zp;
		/* What is no number has no code; the zero point stands for it. */
		const int32_t v = isnan(x[i]) ? zp : (int32_t)(q < least ? least : q > most ? most : q);

		if (out->type == XQ_S16)
			((int16_t *)out->data)[i] = (int16_t)v;
		else
			((uint8_t *)out->data)[i] = (uint8_t)v;
	}
	return 0;
}

const struct xqm_kernel xqt_quantize_kernel = {
	.name = "quantize",
	.infer = infer_same,
	.compute = compute_quantize,
};

/* ---- the way back --------------------------------------------------------------------------------------------------- */

/* Half floats have no scale; of integers each index of the axis may have one. */
static int compute_dequantize(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_quantization *q = in->quantization;
	const size_t n = xqm_value_elements(in);
	size_t i, inner = 1;
	unsigned int d;

	(void)op;
	for (d = q->axis + 1; d < in->dims; d++)
		inner *= in->dim[d];
	for (i = 0; i < n; i++) {
		const size_t channel = q->count > 1 ? i / inner % q->count : 0;
		const double scale = in->type == XQ_F16 ? 1 : (double)q->scale[channel];
		const int32_t zp = in->type != XQ_F16 && q->zero_point ? q->zero_point[channel] : 0;
		const double x = in->type == XQ_F16 ? xqm_real_at(in, i) : (double)(xqm_integer_at(in, i) - zp);

		((float *)out->data)[i] = (float)(scale * x);
	}
	return 0;
}

static int infer_dequantize(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			    struct xqm_value *out)
{
	(void)graph;
	(void)op;
	like(in, out);
	out->type = XQ_F32;
	return 0;
}

const struct xqm_kernel xqt_dequantize_kernel = {
	.name = "dequantize",
	.infer = infer_dequantize,
	.compute = compute_dequantize,
};

/* ---- two operands ----------------------------------------------------------------------------------------------------- */

/* Steps through an operand as the output's elements go on: 0 where it is repeated. */
struct walk {
	size_t stride[2][XQ_MODEL_DIMS], index[XQ_MODEL_DIMS], at[2];
};

static void begin(struct walk *w, const struct xqm_value *in, const struct xqm_value *y)
{
	unsigned int k, i;

	memset(w, 0, sizeof(*w));
	for (k = 0; k < 2; k++) {
		size_t stride = 1;

		for (i = 1; i <= in[k].dims; i++) {
			const size_t size = in[k].dim[in[k].dims - i];

			w->stride[k][y->dims - i] = size == 1 ? 0 : stride;
			stride *= size;
		}
	}
}

static void next(struct walk *w, const struct xqm_value *y)
{
	unsigned int i = y->dims;

	while (i-- > 0) {
		w->at[0] += w->stride[0][i];
		w->at[1] += w->stride[1][i];
		if (++w->index[i] < y->dim[i])
			return;
		w->at[0] -= w->stride[0][i] * y->dim[i];
		w->at[1] -= w->stride[1][i] * y->dim[i];
		w->index[i] = 0;
	}
}

static int32_t code(const struct xqm_value *v, size_t i)
{
	return v->type == XQ_S8 ? ((const int8_t *)v->data)[i] : ((const uint8_t *)v->data)[i];
}

static int32_t zero_point(const struct xqm_value *v)
{
	return v->quantization->zero_point ? v->quantization->zero_point[0] : 0;
}

static int compute_extreme(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const size_t n = xqm_value_elements(out);
	struct walk w;
	size_t i;

	begin(&w, in, out);
	for (i = 0; i < n; i++, next(&w, out)) {
		const int32_t a = code(&in[0], w.at[0]), b = code(&in[1], w.at[1]);

		((uint8_t *)out->data)[i] = (uint8_t)((op->op == XQM_MAXIMUM) == (a > b) ? a : b);
	}
	return 0;
}

const struct xqm_kernel xqt_extreme_kernel = {
	.name = "maximum, minimum",
	.infer = infer_broadcast,
	.compute = compute_extreme,
};

/* ---- differences ------------------------------------------------------------------------------------------------------- */

static int32_t by(int32_t value, const struct xq_factor *f)
{
	return (int32_t)xqk_requant_value(XQ_PROFILE_TFLITE, value, f->multiplier, f->shift, 0);
}

/* What an operand contributes, for each of its codes. */
static void fill_terms(const struct xqm_value *v, const struct xq_factor *f, unsigned int left_shift, int32_t *term)
{
	int i;

	for (i = 0; i < 256; i++)
		term[i] = by(((v->type == XQ_S8 ? (int8_t)i : i) - zero_point(v)) * (1 << left_shift), f);
}

/* As a sum, but for the sign: the second operand's term is rounded before it is subtracted. */
static int compute_sub(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_clamp *c = &op->params.clamp;
	const size_t n = xqm_value_elements(out);
	struct xq_elementwise_args args = { .profile = XQ_REQUANT_TFLITE };
	struct xqm_tensor y = { .type = out->type, .quantization = *out->quantization };
	int32_t a[256], b[256], min, max;
	struct walk w;
	size_t i;
	int err = xq_add_factors(in[0].quantization->scale[0], in[1].quantization->scale[0], out->quantization->scale[0],
				 &args);

	if (err)
		return err;
	xqm_bounds(&y, XQ_REQUANT_TFLITE, c->low, c->high, &min, &max);
	fill_terms(&in[0], &args.a.factor, args.left_shift, a);
	fill_terms(&in[1], &args.b.factor, args.left_shift, b);
	begin(&w, in, out);
	for (i = 0; i < n; i++, next(&w, out)) {
		const int32_t sum = a[((const uint8_t *)in[0].data)[w.at[0]]] - b[((const uint8_t *)in[1].data)[w.at[1]]];
		const int64_t value = (int64_t)by(sum, &args.y_factor) + zero_point(out);

		((uint8_t *)out->data)[i] = (uint8_t)(value < min ? min : value > max ? max : value);
	}
	return 0;
}

const struct xqm_kernel xqt_sub_kernel = {
	.name = "difference",
	.infer = infer_broadcast,
	.compute = compute_sub,
};
