// SPDX-License-Identifier: GPL-2.0
/* Layers of DORY's examples: products, a multiplier and addend per channel, and a floor shift. */
#include <stdlib.h>
#include <string.h>

#include <xqaccel/conv.h>

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

void run_dory(struct xq_workspace *ws, struct vector_case *c)
{
	if (case_op(c, "conv_mulshift"))
		convolution(ws, c);
	else if (case_op(c, "fc_acc"))
		accumulators(ws, c);
	else if (case_op(c, "maxpool"))
		result_skip("pooling: no operator of this library yet");
	else
		result_skip("element-wise: no operator of this library yet");
}
