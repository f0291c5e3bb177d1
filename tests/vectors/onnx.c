// SPDX-License-Identifier: GPL-2.0
/* ONNX's backend tests of single nodes. */
#include <stdlib.h>
#include <string.h>

#include <xqaccel/calibrate.h>
#include <xqaccel/conv.h>
#include <xqaccel/float_formats.h>

#include "manifest.h"
#include "support.h"

static float number(const struct tensor *t)
{
	return (float)tensor_double(t, 0);
}

static void failed(const char *what, int err)
{
	if (err)
		result_differs("%s: %s", what, strerror(-err));
}

/* ---- Cast -------------------------------------------------------------------------------------- */

static void cast(struct vector_case *c)
{
	struct entry *in = case_entry(c, "input"), *out = case_output(c, 0);
	enum xq_type from, to;
	struct tensor got;
	float *x;

	if (!in || !out || !tensor_alloc(&got, out->tensor.kind, out->tensor.bytes, out->tensor.ndim, out->tensor.dim))
		return;
	x = malloc(in->tensor.count * sizeof(*x));
	from = case_type(in->dtype);
	to = case_type(out->dtype);
	if (from && to) {
		failed("cast", xq_cast_integer(in->tensor.data, from, got.count, to, got.data));
	} else if (to) {
		for (size_t i = 0; i < got.count; i++)
			x[i] = (float)tensor_double(&in->tensor, i);
		failed("cast", xq_cast_from_float(x, got.count, to, got.data, NULL));
	} else {
		failed("cast", xq_cast_to_float(in->tensor.data, got.count, from, x));
		if (got.bytes == 4)
			memcpy(got.data, x, got.count * sizeof(*x));
		else
			failed("encode", xq_float_encode(x, got.count, XQ_FLOAT_FP16, XQ_OVERFLOW_SPECIAL, got.data));
	}
	case_compare(got.data, &out->tensor);
	free(x);
	tensor_free(&got);
}

/* ---- quantizing ----------------------------------------------------------------------------------- */

static bool layout_of(struct vector_case *c, const struct tensor *x, const struct tensor *scale,
		      struct xq_layout *layout)
{
	long axis = case_number(c, "axis", 0, 1), block = case_number(c, "block_size", 0, 0);
	int err;

	if (block)
		err = xq_layout_block(x->dim, x->ndim, (int)axis, (size_t)block, layout);
	else if (scale->count > 1)
		err = xq_layout_channel(x->dim, x->ndim, (int)axis, layout);
	else
		err = xq_layout_tensor(x->dim, x->ndim, layout);
	failed("layout", err);
	return !err;
}

static void linear(struct vector_case *c, bool back)
{
	const struct tensor *x = case_input(c, 0), *scale = case_input(c, 1), *zp = case_input(c, 2);
	const struct xq_rounding even = { .mode = XQ_ROUND_EVEN };
	struct entry *out = case_output(c, 0), *coded = back ? case_entry(c, "x") : out;
	int32_t zps[64] = { 0 };
	struct xq_layout layout;
	struct xq_qtype type;
	struct tensor got;

	if (!x || !scale || !out || !coded || scale->count > 64 || !layout_of(c, x, scale, &layout) ||
	    !tensor_alloc(&got, out->tensor.kind, out->tensor.bytes, out->tensor.ndim, out->tensor.dim))
		return;
	for (size_t i = 0; zp && i < zp->count; i++)
		zps[i] = (int32_t)tensor_int(zp, i);
	failed("type", xq_qtype_of(case_type(coded->dtype), &type));
	if (back)
		failed("dequantize", xq_dequantize(x->data, &layout, &type, scale->data, zps, got.data, NULL));
	else
		failed("quantize", xq_quantize(x->data, &layout, &type, scale->data, zps, &even, got.data, NULL));
	case_compare(got.data, &out->tensor);
	tensor_free(&got);
}

static void dynamic(struct vector_case *c)
{
	const struct xq_rounding even = { .mode = XQ_ROUND_EVEN };
	const struct tensor *x = case_tensor(c, "x");
	struct entry *out = case_output(c, 0), *scale_out = case_output(c, 1), *zp_out = case_output(c, 2);
	struct xq_layout layout;
	struct xq_qtype type;
	uint8_t codes[256], zp8;
	float scale;
	int32_t zp;

	if (!x || !out || !scale_out || !zp_out || x->count > sizeof(codes))
		return;
	xq_layout_tensor(x->dim, x->ndim, &layout);
	xq_qtype_of(XQ_U8, &type);
	failed("quantize", xq_quantize_found(x->data, &layout, &type, XQ_AFFINE, NULL, &even, codes, &scale, &zp, NULL));
	case_compare(codes, &out->tensor);
	case_compare(&scale, &scale_out->tensor);
	zp8 = (uint8_t)zp;
	case_compare(&zp8, &zp_out->tensor);
}

/* ---- products ------------------------------------------------------------------------------------- */

static bool zero_points(const struct tensor *t, int32_t *zps, size_t *count)
{
	*count = t ? t->count : 0;
	if (*count > 64) {
		result_differs("%zu zero points", *count);
		return false;
	}
	for (size_t i = 0; i < *count; i++)
		zps[i] = (int32_t)tensor_int(t, i);
	return true;
}

/* Matrices with the same leading dimensions, which is all that the cases have. */
static bool multiply(struct xq_workspace *ws, const struct tensor *a, const struct tensor *b,
		     const struct tensor *a_zp, const struct tensor *b_zp, int32_t *out)
{
	int32_t azp[64], bzp[64];
	struct xq_matmul mm = {
		.m = a->dim[a->ndim - 2], .k = a->dim[a->ndim - 1], .n = b->dim[b->ndim - 1],
		.a_type = a->kind == 'i' ? XQ_S8 : XQ_U8, .b_type = b->kind == 'i' ? XQ_S8 : XQ_U8,
		.a = a->data, .b = b->data, .a_zp = azp, .b_zp = bzp, .c = out,
	};
	int err;

	if (!zero_points(a_zp, azp, &mm.a_zps) || !zero_points(b_zp, bzp, &mm.b_zps))
		return false;
	if (a->ndim > 2) {
		mm.dims = 1;
		mm.dim[0] = a->count / (mm.m * mm.k);
		mm.a_step[0] = mm.b_step[0] = 1;
	}
	err = xq_matmul(ws, &mm);
	failed("matmul", err);
	return !err;
}

static void matmul_integer(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *a = case_input(c, 0), *b = case_input(c, 1);
	struct entry *out = case_output(c, 0);
	int32_t got[1024];

	if (a && b && out && out->tensor.count <= 1024 &&
	    multiply(ws, a, b, case_input(c, 2), case_input(c, 3), got))
		case_compare(got, &out->tensor);
}

static void qlinear_matmul(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *a = case_input(c, 0), *b = case_input(c, 3), *sa = case_input(c, 1),
		*sb = case_input(c, 4), *sy = case_input(c, 6), *zy = case_input(c, 7);
	struct entry *out = case_output(c, 0);
	struct xq_channels shape = { 0 };
	float m, scale;
	struct xq_requant rq = { .profile = XQ_REQUANT_ONNX, .params = 1, .scale = &m };
	int32_t acc[1024];
	uint8_t got[1024];

	if (!a || !b || !sa || !sb || !sy || !zy || !out || out->tensor.count > 1024 ||
	    !multiply(ws, a, b, case_input(c, 2), case_input(c, 5), acc))
		return;
	rq.type = case_type(out->dtype);
	rq.zero_point = (int32_t)tensor_int(zy, 0);
	scale = number(sb);
	failed("scales", xq_scale_product(number(sa), &scale, 1, number(sy), &m));
	shape = (struct xq_channels){ out->tensor.count, 1, 1 };
	failed("requantize", xq_requantize(acc, &shape, NULL, &rq, got));
	case_compare(got, &out->tensor);
}

static void conv_integer(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *x = case_input(c, 0), *w = case_input(c, 1), *xz = case_input(c, 2), *wz = case_input(c, 3);
	struct entry *out = case_output(c, 0);
	int32_t got[1024], zps[64];
	struct xq_conv conv = { .layout = XQ_NCHW, .w_zp = zps, .y = got };
	int err;

	if (!x || !w || !out || out->tensor.count > 1024 || !zero_points(wz, zps, &conv.w_zps))
		return;
	conv.batch = x->dim[0];
	conv.in_c = x->dim[1];
	conv.in_h = x->dim[2];
	conv.in_w = x->dim[3];
	conv.out_c = w->dim[0];
	conv.kernel_h = w->dim[2];
	conv.kernel_w = w->dim[3];
	conv.groups = (size_t)case_number(c, "group", 0, 1);
	conv.stride_h = (size_t)case_number(c, "strides", 0, 1);
	conv.stride_w = (size_t)case_number(c, "strides", 1, 1);
	conv.dilation_h = (size_t)case_number(c, "dilations", 0, 1);
	conv.dilation_w = (size_t)case_number(c, "dilations", 1, 1);
	conv.pad_top = (size_t)case_number(c, "pads", 0, 0);
	conv.pad_left = (size_t)case_number(c, "pads", 1, 0);
	conv.pad_bottom = (size_t)case_number(c, "pads", 2, 0);
	conv.pad_right = (size_t)case_number(c, "pads", 3, 0);
	conv.x_type = x->kind == 'i' ? XQ_S8 : XQ_U8;
	conv.w_type = w->kind == 'i' ? XQ_S8 : XQ_U8;
	conv.x_zp = xz ? (int32_t)tensor_int(xz, 0) : 0;
	conv.x = x->data;
	conv.w = w->data;
	err = xq_conv(ws, &conv);
	failed("conv", err);
	if (!err)
		case_compare(got, &out->tensor);
}

void run_onnx(struct xq_workspace *ws, struct vector_case *c)
{
	if (!strcmp(c->op, "Cast"))
		cast(c);
	else if (!strcmp(c->op, "QuantizeLinear"))
		linear(c, false);
	else if (!strcmp(c->op, "DequantizeLinear"))
		linear(c, true);
	else if (strstr(c->name, "dynamicquantizelinear"))
		dynamic(c);
	else if (!strcmp(c->op, "MatMulInteger"))
		matmul_integer(ws, c);
	else if (!strcmp(c->op, "QLinearMatMul"))
		qlinear_matmul(ws, c);
	else if (!strcmp(c->op, "ConvInteger"))
		conv_integer(ws, c);
	else
		result_skip("no operator of this library");
}
