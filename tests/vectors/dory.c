// SPDX-License-Identifier: GPL-2.0
/* Layers of DORY's examples: products, a multiplier and addend per channel, and a floor shift. */
#include <stdlib.h>
#include <string.h>

#include <xqaccel/elementwise.h>
#include <xqaccel/pool.h>

#include "manifest.h"
#include "support.h"

static int64_t *wide_copy(const struct tensor *t)
{
	int64_t *values = calloc(t->count + 1, sizeof(*values));

	for (size_t i = 0; i < t->count; i++)
		values[i] = tensor_int(t, i);
	return values;
}

static enum xq_type weight_type(struct vector_case *c, const struct tensor *w)
{
	if (case_number(c, "weight_bits", 0, 8) == 8)
		return XQ_S8;
	for (size_t i = 0; i < w->count; i++) {
		if (tensor_int(w, i) < -1)
			return XQ_S2;
	}
	return XQ_T2;
}

static void convolution(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *x = case_tensor(c, "input"), *w = case_tensor(c, "weights_ohwi"), *mul = case_tensor(c, "mul"),
		*add = case_tensor(c, "add"), *bias = case_tensor(c, "bias");
	struct entry *out = case_output(c, 0);
	struct xq_conv conv = { .layout = XQ_NHWC, .batch = 1, .groups = 1 };
	struct xq_requant rq = { .profile = XQ_REQUANT_FLOOR_SHIFT, .type = XQ_U8, .clamp = true };
	int32_t shift[1024];
	int64_t *adds;
	uint8_t *got;
	int err;

	if (!x || !w || !mul || !add || !out || mul->count > 1024 || mul->bytes != 4)
		return;
	conv.in_h = x->dim[0];
	conv.in_w = x->dim[1];
	conv.in_c = x->dim[2];
	conv.out_c = w->dim[0];
	conv.kernel_h = w->dim[1];
	conv.kernel_w = w->dim[2];
	conv.groups = conv.in_c / w->dim[3];
	conv.stride_h = (size_t)case_number(c, "strides", 0, 1);
	conv.stride_w = (size_t)case_number(c, "strides", 1, 1);
	conv.pad_top = (size_t)case_number(c, "pads", 0, 0);
	conv.pad_left = (size_t)case_number(c, "pads", 1, 0);
	/* What is listed may be more than the output takes. */
	conv.pad_bottom = (out->tensor.dim[0] - 1) * conv.stride_h + conv.kernel_h - conv.pad_top;
	conv.pad_bottom = conv.pad_bottom > conv.in_h ? conv.pad_bottom - conv.in_h : 0;
	conv.pad_right = (out->tensor.dim[1] - 1) * conv.stride_w + conv.kernel_w - conv.pad_left;
	conv.pad_right = conv.pad_right > conv.in_w ? conv.pad_right - conv.in_w : 0;
	conv.x_type = x->kind == 'i' ? XQ_S8 : XQ_U8;
	conv.w_type = weight_type(c, w);
	conv.x = x->data;
	conv.w = w->data;
	conv.bias = bias ? bias->data : NULL;
	adds = wide_copy(add);
	got = malloc(out->tensor.count + 1);
	for (size_t i = 0; i < mul->count; i++)
		shift[i] = (int32_t)case_number(c, "shift", 0, 0);
	rq.params = mul->count;
	rq.multiplier = mul->data;
	rq.shift = shift;
	rq.add = adds;
	rq.act_min = (int32_t)case_number(c, "clip_min", 0, 0);
	rq.act_max = (int32_t)case_number(c, "clip_max", 0, 255);
	conv.requant = &rq;
	conv.y = got;
	err = xq_conv(ws, &conv);
	if (err)
		result_differs("conv: %s", strerror(-err));
	else
		case_compare(got, &out->tensor);
	free(adds);
	free(got);
}

static void accumulators(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *x = case_tensor(c, "input"), *w = case_tensor(c, "weights_ohwi"), *bias = case_tensor(c, "bias");
	struct entry *out = case_output(c, 0);
	int32_t got[1024];
	struct xq_matmul mm = { .m = 1, .b_transposed = true, .b_type = XQ_S8, .c = got };
	int err;

	if (!x || !w || !out || out->tensor.count > 1024)
		return;
	mm.k = x->count;
	mm.n = w->dim[0];
	mm.a_type = x->kind == 'i' ? XQ_S8 : XQ_U8;
	mm.a = x->data;
	mm.b = w->data;
	mm.bias = bias ? bias->data : NULL;
	err = xq_matmul(ws, &mm);
	if (err)
		result_differs("matmul: %s", strerror(-err));
	else
		case_compare(got, &out->tensor);
}

static void max_pool(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *x = case_tensor(c, "input");
	struct entry *out = case_output(c, 0);
	struct xq_pool pool = { .kind = XQ_MAX_POOL, .layout = XQ_NHWC, .batch = 1 };
	size_t h, w;
	void *got;
	int err;

	if (!x || !out || x->ndim != 3)
		return;
	pool.type = x->kind == 'i' ? XQ_S8 : XQ_U8;
	pool.in_h = x->dim[0];
	pool.in_w = x->dim[1];
	pool.channels = x->dim[2];
	pool.kernel_h = (size_t)case_number(c, "kernel_shape", 0, 1);
	pool.kernel_w = (size_t)case_number(c, "kernel_shape", 1, 1);
	pool.stride_h = (size_t)case_number(c, "strides", 0, 1);
	pool.stride_w = (size_t)case_number(c, "strides", 1, 1);
	pool.pad_top = (size_t)case_number(c, "pads", 0, 0);
	pool.pad_left = (size_t)case_number(c, "pads", 1, 0);
	pool.pad_bottom = (out->tensor.dim[0] - 1) * pool.stride_h + pool.kernel_h - pool.pad_top;
	pool.pad_bottom = pool.pad_bottom > pool.in_h ? pool.pad_bottom - pool.in_h : 0;
	pool.pad_right = (out->tensor.dim[1] - 1) * pool.stride_w + pool.kernel_w - pool.pad_left;
	pool.pad_right = pool.pad_right > pool.in_w ? pool.pad_right - pool.in_w : 0;
	if (xq_pool_output(&pool, &h, &w) || h != out->tensor.dim[0] || w != out->tensor.dim[1]) {
		result_differs("the output is not %zu x %zu", out->tensor.dim[0], out->tensor.dim[1]);
		return;
	}
	got = malloc(out->tensor.count + 1);
	pool.x = x->data;
	pool.y = got;
	err = xq_pool(ws, &pool);
	if (err)
		result_differs("pool: %s", strerror(-err));
	else
		case_compare(got, &out->tensor);
	free(got);
}

static struct xq_input summand(struct vector_case *c, const struct tensor *t, const char *mul, const char *add,
			       const char *shift)
{
	struct xq_input in = { .type = t->kind == 'i' ? XQ_S8 : XQ_U8, .data = t->data };

	in.shape.dims = t->ndim;
	memcpy(in.shape.dim, t->dim, t->ndim * sizeof(t->dim[0]));
	in.factor.multiplier = (int32_t)case_number(c, mul, 0, 1);
	in.factor.add = case_number(c, add, 0, 0);
	in.factor.shift = (int32_t)case_number(c, shift, 0, 0);
	return in;
}

static void sum(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *a = case_tensor(c, "input"), *b = case_tensor(c, "input2");
	struct entry *out = case_output(c, 0);
	struct xq_elementwise_args args = { .profile = XQ_REQUANT_FLOOR_SHIFT, .y_type = XQ_U8 };
	uint8_t *got;
	int err;

	if (!a || !b || !out)
		return;
	if (!case_number(c, "in1_rq", 0, 0) || !case_number(c, "in2_rq", 0, 0) || case_number(c, "out_rq", 0, 0)) {
		result_skip("a sum whose result is requantized too");
		return;
	}
	args.a = summand(c, a, "in1_mul", "in1_add", "in1_shift");
	args.b = summand(c, b, "in2_mul", "in2_add", "in2_shift");
	args.y = got = malloc(out->tensor.count + 1);
	err = xq_add(ws, &args);
	if (err)
		result_differs("add: %s", strerror(-err));
	else
		case_compare(got, &out->tensor);
	free(got);
}

void run_dory(struct xq_workspace *ws, struct vector_case *c)
{
	if (case_op(c, "conv_mulshift"))
		convolution(ws, c);
	else if (case_op(c, "fc_acc"))
		accumulators(ws, c);
	else if (case_op(c, "maxpool"))
		max_pool(ws, c);
	else if (case_op(c, "add_rq"))
		sum(ws, c);
	else
		result_skip("no operator of this library");
}
