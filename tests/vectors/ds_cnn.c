// SPDX-License-Identifier: GPL-2.0
/*
 * CMSIS-NN's whole DS-CNN for keywords: a convolution, four pairs of a depthwise and a pointwise one, an
 * average pool, a fully connected layer and softmax, each fed with the one before it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/conv.h>
#include <xqaccel/pool.h>
#include <xqaccel/softmax.h>

#include "manifest.h"
#include "support.h"

#define MOST_VALUES	8192
#define MOST_CHANNELS	64

/* A layer: its number, the name of its kind, and what goes through it. */
struct layer {
	struct xq_workspace *ws;
	struct vector_case *c;
	const char *kind;
	int number;
	int8_t x[MOST_VALUES], y[MOST_VALUES];
};

static long attribute(const struct layer *l, const char *name)
{
	char full[96];

	snprintf(full, sizeof(full), "%s_%d_%s", l->kind, l->number, name);
	if (!case_has(l->c, full))
		result_differs("no %s", full);
	return case_number(l->c, full, 0, 0);
}

static const struct tensor *parameter(const struct layer *l, const char *name, size_t count)
{
	static const struct tensor none;
	const struct tensor *t;
	char full[96];

	snprintf(full, sizeof(full), "layer_%d_%s_%s", l->number, l->kind, name);
	t = case_tensor(l->c, full);
	if (t && t->count == count)
		return t;
	result_differs("%s has not %zu elements", full, count);
	return &none;
}

/* What a layer's result is fed to is the next one. */
static void ended(struct layer *l, int err)
{
	if (err)
		result_differs("layer %d: %s", l->number, strerror(-err));
	memcpy(l->x, l->y, sizeof(l->x));
}

static struct xq_requant requant(const struct layer *l, const int32_t *multiplier, const int32_t *shift, size_t params)
{
	return (struct xq_requant){
		.profile = XQ_REQUANT_TFLITE, .type = XQ_S8, .params = params, .multiplier = multiplier, .shift = shift,
		.zero_point = (int32_t)attribute(l, "output_offset"), .clamp = true,
		.act_min = (int32_t)attribute(l, "out_activation_min"), .act_max = (int32_t)attribute(l, "out_activation_max"),
	};
}

static size_t after(long in, long kernel, long stride, long before, long out)
{
	const long extra = (out - 1) * stride + kernel - before - in;

	return extra > 0 ? (size_t)extra : 0;
}

static void convolution(struct layer *l, bool depthwise)
{
	const long h = attribute(l, "input_h"), w = attribute(l, "input_w"), kh = attribute(l, "filter_y"),
		   kw = attribute(l, "filter_x"), in = attribute(l, "in_ch"), out = attribute(l, "out_ch");
	const size_t taps = (size_t)(kh * kw), weights = taps * (size_t)(depthwise ? out : in * out);
	const struct tensor *filter = parameter(l, "weights", weights), *bias = parameter(l, "bias", (size_t)out),
			    *multiplier = parameter(l, "output_mult", (size_t)out), *shift = parameter(l, "output_shift", (size_t)out);
	struct xq_requant rq = requant(l, multiplier->data, shift->data, (size_t)out);
	int8_t *turned = malloc(weights + 1);
	struct xq_conv conv = {
		.layout = XQ_NHWC, .batch = 1, .in_h = (size_t)h, .in_w = (size_t)w, .in_c = (size_t)in, .out_c = (size_t)out,
		.kernel_h = (size_t)kh, .kernel_w = (size_t)kw, .groups = depthwise ? (size_t)in : 1,
		.stride_h = (size_t)attribute(l, "stride_y"), .stride_w = (size_t)attribute(l, "stride_x"),
		.pad_top = (size_t)attribute(l, "pad_y"), .pad_left = (size_t)attribute(l, "pad_x"),
		.x_type = XQ_S8, .w_type = XQ_S8, .x = l->x, .w = filter->data, .x_zp = -(int32_t)attribute(l, "input_offset"),
		.bias = bias->data, .requant = &rq, .y = l->y,
	};

	conv.pad_bottom = after(h, kh, (long)conv.stride_h, (long)conv.pad_top, attribute(l, "output_h"));
	conv.pad_right = after(w, kw, (long)conv.stride_w, (long)conv.pad_left, attribute(l, "output_w"));
	if (!filter->data || !bias->data || !multiplier->data || !shift->data ||
	    attribute(l, "output_h") * attribute(l, "output_w") * out > MOST_VALUES || out > MOST_CHANNELS) {
		free(turned);
		return;
	}
	/* [1, kh, kw, O] there, [O, kh, kw, 1] here. */
	for (size_t i = 0; depthwise && i < weights; i++)
		turned[i % (size_t)out * taps + i / (size_t)out] = ((const int8_t *)filter->data)[i];
	if (depthwise)
		conv.w = turned;
	ended(l, xq_conv(l->ws, &conv));
	free(turned);
}

static void average(struct layer *l)
{
	const size_t h = (size_t)attribute(l, "input_h"), w = (size_t)attribute(l, "input_w");
	const struct xq_pool pool = {
		.kind = XQ_AVERAGE_POOL, .layout = XQ_NHWC, .type = XQ_S8, .batch = 1, .in_h = h, .in_w = w,
		.channels = (size_t)attribute(l, "in_ch"), .kernel_h = (size_t)attribute(l, "filter_y"),
		.kernel_w = (size_t)attribute(l, "filter_x"), .x = l->x, .y = l->y,
	};

	ended(l, xq_pool(l->ws, &pool));
}

static void fully_connected(struct layer *l)
{
	/* The source names inputs and outputs the other way round here. */
	const size_t in = (size_t)attribute(l, "out_ch"), out = (size_t)attribute(l, "in_ch");
	const struct tensor *filter = parameter(l, "weights", in * out), *bias = parameter(l, "bias", out);
	const int32_t multiplier = (int32_t)attribute(l, "output_multiplier"), shift = (int32_t)attribute(l, "output_shift"),
		      zp = -(int32_t)attribute(l, "input_offset");
	struct xq_requant rq = requant(l, &multiplier, &shift, 1);
	const struct xq_channels shape = { 1, out, 1 };
	int32_t acc[MOST_CHANNELS];
	struct xq_matmul mm = { .m = 1, .n = out, .k = in, .a_type = XQ_S8, .b_type = XQ_S8, .b_transposed = true, .a = l->x,
				.b = filter->data, .a_zp = &zp, .a_zps = 1, .bias = bias->data, .c = acc };
	int err;

	if (!filter->data || !bias->data || out > MOST_CHANNELS)
		return;
	err = xq_matmul(l->ws, &mm);
	ended(l, err ? err : xq_requantize(acc, &shape, NULL, &rq, l->y));
}

static void run_softmax(struct layer *l)
{
	const struct xq_softmax s = {
		.rows = (size_t)attribute(l, "num_rows"), .columns = (size_t)attribute(l, "row_size"),
		.multiplier = (int32_t)attribute(l, "mult"), .shift = (int32_t)attribute(l, "shift"),
		.diff_min = (int32_t)attribute(l, "diff_min"), .x = l->x, .y = l->y,
	};

	ended(l, xq_softmax(l->ws, &s));
}

void run_ds_cnn(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *x = case_tensor(c, "input");
	struct entry *out = case_output(c, 0);
	static struct layer l;

	if (!x || !out || x->count > MOST_VALUES)
		return;
	l = (struct layer){ .ws = ws, .c = c };
	memcpy(l.x, x->data, x->count);
	for (l.number = 1; l.number <= 9; l.number++) {
		l.kind = l.number > 1 && l.number % 2 == 0 ? "depthwise_conv_2d" : "conv_2d";
		convolution(&l, l.kind[0] == 'd');
	}
	l.kind = "average_pool_2d";
	average(&l);
	l.number = 12;
	l.kind = "fully_connected";
	fully_connected(&l);
	l.number = 13;
	l.kind = "softmax";
	run_softmax(&l);
	case_compare(l.y, &out->tensor);
}
