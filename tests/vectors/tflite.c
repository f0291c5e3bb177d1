// SPDX-License-Identifier: GPL-2.0
/* int8 kernels of CMSIS-NN and TFLite Micro: convolutions, fully connected, batch matmul. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/conv.h>
#include <xqaccel/convert.h>
#include <xqaccel/elementwise.h>
#include <xqaccel/pool.h>
#include <xqaccel/softmax.h>

#include "manifest.h"
#include "support.h"

/* A requantization and the arrays that it points to. */
struct output {
	struct xq_requant rq;
	int32_t multiplier[1024], shift[1024];
	struct tensor got;
	const struct tensor *want;
};

static long bound(struct vector_case *c, const char *name, const char *other, long fallback)
{
	return case_has(c, name) ? case_number(c, name, 0, 0) : case_number(c, other, 0, fallback);
}

static bool read_values(struct vector_case *c, const char *name, int32_t *values, size_t *count)
{
	const struct tensor *t = case_has(c, name) ? NULL : case_tensor(c, name);

	*count = t ? t->count : 1;
	if (*count > 1024 || (!t && !case_has(c, name))) {
		result_differs("no %s", name);
		return false;
	}
	for (size_t i = 0; i < *count; i++)
		values[i] = t ? (int32_t)tensor_int(t, i) : (int32_t)case_number(c, name, 0, 0);
	return true;
}

static bool begin(struct vector_case *c, struct output *o)
{
	struct entry *out = case_output(c, 0);
	size_t shifts;

	memset(o, 0, sizeof(*o));
	if (!out || !read_values(c, "output_multiplier", o->multiplier, &o->rq.params) ||
	    !read_values(c, "output_shift", o->shift, &shifts) || shifts != o->rq.params)
		return false;
	o->want = &out->tensor;
	o->rq.profile = XQ_REQUANT_TFLITE;
	o->rq.type = XQ_S8;
	o->rq.multiplier = o->multiplier;
	o->rq.shift = o->shift;
	o->rq.zero_point = (int32_t)case_number(c, "output_offset", 0, 0);
	o->rq.clamp = true;
	o->rq.act_min = (int32_t)bound(c, "activation_min", "out_activation_min", -128);
	o->rq.act_max = (int32_t)bound(c, "activation_max", "out_activation_max", 127);
	return tensor_alloc(&o->got, 'i', 1, o->want->ndim, o->want->dim);
}

static void end(struct output *o, const char *what, int err)
{
	if (err)
		result_differs("%s: %s", what, strerror(-err));
	else
		case_compare(o->got.data, o->want);
	tensor_free(&o->got);
}

/* The weights as packed by CMSIS-NN must be those that are listed one a byte. */
static void check_packed(struct vector_case *c, const struct tensor *w)
{
	const struct tensor *packed = case_tensor(c, "weights_packed");
	int8_t *values;
	int err;

	if (!packed)
		return;
	values = malloc(w->count + 1);
	err = xq_packing_decode(XQ_PACKING_CMSIS_S4, packed->data, packed->count, 1, w->count, values);
	if (err || memcmp(values, w->data, w->count))
		result_differs("packed weights differ (%d)", err);
	free(values);
}

/* ---- matrices ---------------------------------------------------------------------------------------- */

static void run_matmul(struct xq_workspace *ws, struct output *o, struct xq_matmul *mm)
{
	struct xq_channels shape = { mm->n ? o->want->count / mm->n : 0, mm->n, 1 };
	int32_t *acc = malloc(o->want->count * sizeof(*acc) + 1);
	int err;

	mm->c = acc;
	err = xq_matmul(ws, mm);
	if (!err)
		err = xq_requantize(acc, &shape, NULL, &o->rq, o->got.data);
	end(o, "matmul", err);
	free(acc);
}

static void batch_matmul(struct xq_workspace *ws, struct vector_case *c)
{
	bool turned_b = case_number(c, "adj_y", 0, 0);
	const struct tensor *a = case_tensor(c, case_number(c, "adj_x", 0, 0) ? "lhs_transposed" : "lhs"),
		*b = case_tensor(c, "rhs");
	int32_t a_zp = -(int32_t)case_number(c, "lhs_offset", 0, 0), b_zp = -(int32_t)case_number(c, "rhs_offset", 0, 0);
	struct xq_matmul mm = { .a_type = XQ_S8, .b_type = XQ_S8, .a_zp = &a_zp, .b_zp = &b_zp, .a_zps = 1, .b_zps = 1,
				.b_transposed = turned_b };
	struct output o;

	if (!a || !b || a->ndim != b->ndim || a->ndim < 2 || !begin(c, &o))
		return;
	mm.m = a->dim[a->ndim - 2];
	mm.k = a->dim[a->ndim - 1];
	mm.n = b->dim[b->ndim - (turned_b ? 2 : 1)];
	mm.a = a->data;
	mm.b = b->data;
	mm.dims = a->ndim - 2;
	for (unsigned int i = mm.dims, as = 1, bs = 1; i--;) {
		mm.dim[i] = a->dim[i] > b->dim[i] ? a->dim[i] : b->dim[i];
		mm.a_step[i] = a->dim[i] == 1 ? 0 : as;
		mm.b_step[i] = b->dim[i] == 1 ? 0 : bs;
		as *= (unsigned int)a->dim[i];
		bs *= (unsigned int)b->dim[i];
	}
	run_matmul(ws, &o, &mm);
}

static void fully_connected(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *x = case_tensor(c, "input"), *w = case_tensor(c, "weights"), *bias = case_tensor(c, "bias");
	int32_t a_zp = -(int32_t)case_number(c, "input_offset", 0, 0), b_zp = -(int32_t)case_number(c, "filter_offset", 0, 0);
	struct xq_matmul mm = { .a_type = XQ_S8, .a_zp = &a_zp, .b_zp = &b_zp, .a_zps = 1, .b_zps = 1, .b_transposed = true };
	struct output o;

	if (!x || !w || !begin(c, &o))
		return;
	check_packed(c, w);
	mm.b_type = strstr(c->op, "s4") ? XQ_S4 : XQ_S8;
	mm.k = w->dim[1];
	mm.n = w->dim[0];
	mm.m = mm.k ? x->count / mm.k : 0;
	mm.a = x->data;
	mm.b = w->data;
	mm.bias = bias ? bias->data : NULL;
	run_matmul(ws, &o, &mm);
}

/* ---- convolutions ---------------------------------------------------------------------------------- */

/* The sources tell the padding before; what follows comes from the output's size. */
static size_t padding_after(size_t in, size_t kernel, size_t stride, size_t dilation, size_t before, size_t out,
			    bool transposed, size_t *output_pad)
{
	size_t reach = (kernel - 1) * dilation + 1, whole;

	*output_pad = 0;
	if (!transposed) {
		whole = (out - 1) * stride + reach;
		return whole > in + before ? whole - in - before : 0;
	}
	whole = (in - 1) * stride + reach;
	if (whole >= before + out)
		return whole - before - out;
	*output_pad = before + out - whole;
	return 0;
}

/* Depthwise weights are [1, kh, kw, O] there, [O, kh, kw, 1] here. */
static int8_t *turn_depthwise(const struct tensor *w, size_t out)
{
	size_t taps = w->count / out;
	int8_t *turned = malloc(w->count + 1);

	for (size_t i = 0; i < w->count; i++)
		turned[i % out * taps + i / out] = ((const int8_t *)w->data)[i];
	return turned;
}

static void convolution(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *x = case_tensor(c, "input"), *w = case_tensor(c, "weights"), *bias = case_tensor(c, "bias");
	bool depthwise = case_op(c, "depthwise"), transposed = case_op(c, "transpose");
	struct xq_conv conv = { .layout = XQ_NHWC, .transposed = transposed, .x_type = XQ_S8 };
	int8_t *turned = NULL;
	struct output o;
	size_t h, wide;

	if (!x || !w || x->ndim != 4 || w->ndim != 4 || !begin(c, &o))
		return;
	check_packed(c, w);
	conv.batch = x->dim[0];
	conv.in_h = x->dim[1];
	conv.in_w = x->dim[2];
	conv.in_c = x->dim[3];
	conv.out_c = w->dim[depthwise ? 3 : 0];
	conv.kernel_h = w->dim[1];
	conv.kernel_w = w->dim[2];
	conv.groups = depthwise ? conv.in_c : conv.in_c / w->dim[3];
	conv.stride_h = (size_t)case_number(c, "stride_y", 0, 1);
	conv.stride_w = (size_t)case_number(c, "stride_x", 0, 1);
	conv.dilation_h = transposed ? 1 : (size_t)case_number(c, "dilation_y", 0, 1);
	conv.dilation_w = transposed ? 1 : (size_t)case_number(c, "dilation_x", 0, 1);
	conv.pad_top = (size_t)case_number(c, "pad_y", 0, 0);
	conv.pad_left = (size_t)case_number(c, "pad_x", 0, 0);
	conv.pad_bottom = padding_after(conv.in_h, conv.kernel_h, conv.stride_h, conv.dilation_h, conv.pad_top,
					o.want->dim[1], transposed, &conv.output_pad_h);
	conv.pad_right = padding_after(conv.in_w, conv.kernel_w, conv.stride_w, conv.dilation_w, conv.pad_left,
				       o.want->dim[2], transposed, &conv.output_pad_w);
	conv.w_type = strstr(c->op, "s4") ? XQ_S4 : XQ_S8;
	conv.x_zp = -(int32_t)case_number(c, "input_offset", 0, 0);
	turned = depthwise ? turn_depthwise(w, conv.out_c) : NULL;
	conv.x = x->data;
	conv.w = turned ? (void *)turned : w->data;
	conv.bias = bias ? bias->data : NULL;
	conv.requant = &o.rq;
	conv.y = o.got.data;
	if (xq_conv_output(&conv, &h, &wide) || h != o.want->dim[1] || wide != o.want->dim[2]) {
		result_differs("the output is %zu x %zu, not %zu x %zu", h, wide, o.want->dim[1], o.want->dim[2]);
		tensor_free(&o.got);
	} else {
		end(&o, "conv", xq_conv(ws, &conv));
	}
	free(turned);
}

/* ---- pools, sums, products, softmax ------------------------------------------------------------------ */

static long either(struct vector_case *c, const char *name, const char *other)
{
	return case_has(c, name) ? case_number(c, name, 0, 0) : case_number(c, other, 0, 0);
}

static void pool(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *x = case_tensor(c, "input");
	struct entry *out = case_output(c, 0);
	struct xq_pool p = { .layout = XQ_NHWC, .type = XQ_S8, .clamp = true };
	size_t h, w, extra, out_h = (size_t)either(c, "output_h", "output_y"), out_w = (size_t)either(c, "output_w", "output_x");
	struct tensor got;
	int err;

	if (!x || !out || x->ndim != 4 || !tensor_alloc(&got, 'i', 1, out->tensor.ndim, out->tensor.dim))
		return;
	p.kind = case_op(c, "max") ? XQ_MAX_POOL : XQ_AVERAGE_POOL;
	p.batch = x->dim[0];
	p.in_h = x->dim[1];
	p.in_w = x->dim[2];
	p.channels = x->dim[3];
	p.kernel_h = (size_t)either(c, "filter_h", "filter_y");
	p.kernel_w = (size_t)either(c, "filter_w", "filter_x");
	p.stride_h = (size_t)either(c, "stride_h", "stride_y");
	p.stride_w = (size_t)either(c, "stride_w", "stride_x");
	p.pad_top = (size_t)either(c, "padding_h", "pad_y");
	p.pad_left = (size_t)either(c, "padding_w", "pad_x");
	p.pad_bottom = padding_after(p.in_h, p.kernel_h, p.stride_h, 1, p.pad_top, out_h, false, &extra);
	p.pad_right = padding_after(p.in_w, p.kernel_w, p.stride_w, 1, p.pad_left, out_w, false, &extra);
	p.act_min = (int32_t)bound(c, "activation_min", "out_activation_min", -128);
	p.act_max = (int32_t)bound(c, "activation_max", "out_activation_max", 127);
	p.x = x->data;
	p.y = got.data;
	if (xq_pool_output(&p, &h, &w) || h != out_h || w != out_w ||
	    got.count != p.batch * h * w * p.channels) {
		result_differs("the output is not %zu x %zu", out_h, out_w);
	} else {
		err = xq_pool(ws, &p);
		if (err)
			result_differs("pool: %s", strerror(-err));
		else
			case_compare(got.data, &out->tensor);
	}
	tensor_free(&got);
}

static void elementwise(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *a = case_tensor(c, "input1"), *b = case_tensor(c, "input2");
	struct entry *out = case_output(c, 0);
	struct xq_elementwise_args args = { .profile = XQ_REQUANT_TFLITE, .y_type = XQ_S8, .clamp = true };
	bool sum = case_op(c, "add");
	int8_t *got;
	int err;

	if (!a || !b || !out)
		return;
	args.a = (struct xq_input){ XQ_S8, { 1, { a->count } }, a->data, -(int32_t)case_number(c, "input1_offset", 0, 0), 0,
				    { (int32_t)case_number(c, "input1_mult", 0, 0), (int32_t)case_number(c, "input1_shift", 0, 0), 0 } };
	args.b = (struct xq_input){ XQ_S8, { 1, { b->count } }, b->data, -(int32_t)case_number(c, "input2_offset", 0, 0), 0,
				    { (int32_t)case_number(c, "input2_mult", 0, 0), (int32_t)case_number(c, "input2_shift", 0, 0), 0 } };
	args.left_shift = (unsigned int)case_number(c, "left_shift", 0, 0);
	args.y_factor.multiplier = (int32_t)case_number(c, "output_mult", 0, 0);
	args.y_factor.shift = (int32_t)case_number(c, "output_shift", 0, 0);
	args.y_zp = (int32_t)case_number(c, "output_offset", 0, 0);
	args.act_min = (int32_t)bound(c, "out_activation_min", "activation_min", -128);
	args.act_max = (int32_t)bound(c, "out_activation_max", "activation_max", 127);
	args.y = got = malloc(out->tensor.count + 1);
	err = a->count == b->count && a->count == out->tensor.count ? (sum ? xq_add : xq_mul)(ws, &args) : -EINVAL;
	if (err)
		result_differs("%s: %s", sum ? "add" : "mul", strerror(-err));
	else
		case_compare(got, &out->tensor);
	free(got);
}

static void softmax(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *x = case_tensor(c, "input");
	struct entry *out = case_output(c, 0);
	struct xq_softmax s = { .rows = (size_t)case_number(c, "num_rows", 0, 0), .columns = (size_t)case_number(c, "row_size", 0, 0) };
	int8_t *got;
	int err;

	if (!x || !out)
		return;
	s.multiplier = (int32_t)case_number(c, "input_mult", 0, 0);
	s.shift = (int32_t)case_number(c, "input_left_shift", 0, 0);
	s.diff_min = (int32_t)case_number(c, "diff_min", 0, 0);
	s.x = x->data;
	s.y = got = malloc(out->tensor.count + 1);
	err = s.rows * s.columns == x->count && x->count == out->tensor.count ? xq_softmax(ws, &s) : -EINVAL;
	if (err)
		result_differs("softmax: %s", strerror(-err));
	else
		case_compare(got, &out->tensor);
	free(got);
}

void run_tflite(struct xq_workspace *ws, struct vector_case *c)
{
	if (case_op(c, "batch_matmul"))
		batch_matmul(ws, c);
	else if (case_op(c, "fully_connected"))
		fully_connected(ws, c);
	else if (case_op(c, "conv") || case_op(c, "depthwise") || case_op(c, "transpose"))
		convolution(ws, c);
	else if (case_op(c, "network"))
		run_ds_cnn(ws, c);
	else if (strstr(c->op, "pool"))
		pool(ws, c);
	else if (case_op(c, "add") || case_op(c, "mul"))
		elementwise(ws, c);
	else if (case_op(c, "softmax"))
		softmax(ws, c);
	else
		result_skip("no operator of this library");
}
