// SPDX-License-Identifier: GPL-2.0
/*
 * CMSIS-NN's whole DS-CNN for keywords as one network: a convolution, four pairs of a depthwise and a pointwise one, an
 * average pool, a fully connected layer and softmax.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/run.h>

#include "manifest.h"
#include "support.h"

/* The network, and the layer that is added: its number, the name of its kind, and what it reads. */
struct layer {
	struct xq_network *net;
	struct vector_case *c;
	const char *kind;
	int number, x;
};

static long attribute(const struct layer *l, const char *name)
{
	char full[96];

	snprintf(full, sizeof(full), "%s_%d_%s", l->kind, l->number, name);
	if (!case_has(l->c, full))
		result_differs("no %s", full);
	return case_number(l->c, full, 0, 0);
}

/* A constant of the layer. */
static int constant(const struct layer *l, const char *name, enum xq_type type, unsigned int dims, size_t a, size_t b, size_t c,
		    size_t d)
{
	const size_t count = a * (dims > 1 ? b : 1) * (dims > 2 ? c * d : 1);
	const struct tensor *t;
	char full[96];

	snprintf(full, sizeof(full), "layer_%d_%s_%s", l->number, l->kind, name);
	t = case_tensor(l->c, full);
	if (!t || t->count != count) {
		result_differs("%s has not %zu elements", full, count);
		return 0;
	}
	return xq_network_tensor(l->net, &(struct xq_network_tensor){
		.type = type, .dims = dims, .dim = { a, b, c, d }, .data = t->data });
}

static const int32_t *numbers(const struct layer *l, const char *name, size_t count)
{
	static const int32_t none[256];
	const struct tensor *t;
	char full[96];

	snprintf(full, sizeof(full), "layer_%d_%s_%s", l->number, l->kind, name);
	t = case_tensor(l->c, full);
	if (t && t->count == count)
		return t->data;
	result_differs("%s has not %zu elements", full, count);
	return none;
}

/* What a layer makes; the next one has its zero point as that of its input. */
static int output(const struct layer *l, int32_t zero_point)
{
	return xq_network_tensor(l->net, &(struct xq_network_tensor){ .type = XQ_S8, .channels = 1, .zero_point = &zero_point });
}

/* The layer was added: its output is what the next one reads. */
static void added(struct layer *l, int number, int y)
{
	if (number < 0)
		result_differs("layer %d: %s", l->number, xq_network_error(l->net));
	l->x = y;
}

static struct xq_requant requant(const struct layer *l, const int32_t *multiplier, const int32_t *shift, size_t params)
{
	return (struct xq_requant){
		.profile = XQ_REQUANT_TFLITE, .type = XQ_S8, .params = params, .multiplier = multiplier, .shift = shift,
		.zero_point = (int32_t)attribute(l, "output_offset"), .clamp = true,
		.act_min = (int32_t)attribute(l, "out_activation_min"), .act_max = (int32_t)attribute(l, "out_activation_max"),
	};
}

static size_t after(long in, long kernel, size_t stride, size_t before, long out)
{
	const long extra = (out - 1) * (long)stride + kernel - (long)before - in;

	return extra > 0 ? (size_t)extra : 0;
}

static void convolution(struct layer *l, bool depthwise)
{
	const long h = attribute(l, "input_h"), w = attribute(l, "input_w"), kh = attribute(l, "filter_y"),
		   kw = attribute(l, "filter_x");
	const size_t in = (size_t)attribute(l, "in_ch"), out = (size_t)attribute(l, "out_ch");
	const struct xq_requant rq = requant(l, numbers(l, "output_mult", out), numbers(l, "output_shift", out), out);
	struct xq_network_convolution conv = {
		.x = l->x, .y = output(l, rq.zero_point), .order = depthwise ? XQ_WEIGHTS_HWO : XQ_WEIGHTS_OHWI,
		.groups = depthwise ? in : 1, .stride_h = (size_t)attribute(l, "stride_y"),
		.stride_w = (size_t)attribute(l, "stride_x"), .pad_top = (size_t)attribute(l, "pad_y"),
		.pad_left = (size_t)attribute(l, "pad_x"),
		.finish = { .bias = constant(l, "bias", XQ_S32, 1, out, 0, 0, 0), .requant = &rq },
	};

	conv.w = depthwise ? constant(l, "weights", XQ_S8, 4, 1, (size_t)kh, (size_t)kw, out) :
		 constant(l, "weights", XQ_S8, 4, out, (size_t)kh, (size_t)kw, in);
	conv.pad_bottom = after(h, kh, conv.stride_h, conv.pad_top, attribute(l, "output_h"));
	conv.pad_right = after(w, kw, conv.stride_w, conv.pad_left, attribute(l, "output_w"));
	added(l, xq_network_convolution(l->net, &conv), conv.y);
}

/* The pool leaves the quantization as it is, which the next layer knows. */
static void average(struct layer *l, int32_t zero_point)
{
	const struct xq_network_pool pool = {
		.x = l->x, .y = output(l, zero_point), .kind = XQ_AVERAGE_POOL, .kernel_h = (size_t)attribute(l, "filter_y"),
		.kernel_w = (size_t)attribute(l, "filter_x"),
	};

	added(l, xq_network_pool(l->net, &pool), pool.y);
}

static void fully_connected(struct layer *l)
{
	/* The source names inputs and outputs the other way round here. */
	const size_t in = (size_t)attribute(l, "out_ch"), out = (size_t)attribute(l, "in_ch");
	const int32_t multiplier = (int32_t)attribute(l, "output_multiplier"), shift = (int32_t)attribute(l, "output_shift"),
		      zp = -(int32_t)attribute(l, "input_offset");
	const struct xq_requant rq = requant(l, &multiplier, &shift, 1);
	const int flat = xq_network_tensor(l->net, &(struct xq_network_tensor){
		.type = XQ_S8, .dims = 2, .dim = { 1, in }, .channels = 1, .zero_point = &zp });
	struct xq_network_product product = {
		.x = flat, .w = constant(l, "weights", XQ_S8, 2, out, in, 0, 0), .y = output(l, rq.zero_point),
		.finish = { .bias = constant(l, "bias", XQ_S32, 1, out, 0, 0, 0), .requant = &rq },
	};

	added(l, xq_network_reshape(l->net, NULL, l->x, flat), flat);
	added(l, xq_network_product(l->net, &product), product.y);
}

static void add_softmax(struct layer *l)
{
	const struct xq_network_softmax s = {
		.x = l->x, .y = output(l, -128), .multiplier = (int32_t)attribute(l, "mult"),
		.shift = (int32_t)attribute(l, "shift"), .diff_min = (int32_t)attribute(l, "diff_min"),
	};

	added(l, xq_network_softmax(l->net, &s), s.y);
}

/* Returns the network's input. */
static int add_layers(struct layer *l)
{
	int32_t zp;
	int x;

	l->number = 1;
	l->kind = "conv_2d";
	zp = -(int32_t)attribute(l, "input_offset");
	x = l->x = xq_network_tensor(l->net, &(struct xq_network_tensor){
		.type = XQ_S8, .dims = 4, .channels = 1, .zero_point = &zp,
		.dim = { 1, (size_t)attribute(l, "input_h"), (size_t)attribute(l, "input_w"), (size_t)attribute(l, "in_ch") } });
	added(l, xq_network_input(l->net, x), x);
	for (; l->number <= 9; l->number++) {
		l->kind = l->number > 1 && l->number % 2 == 0 ? "depthwise_conv_2d" : "conv_2d";
		if (l->number == 9)
			zp = (int32_t)attribute(l, "output_offset");
		convolution(l, l->kind[0] == 'd');
	}
	l->kind = "average_pool_2d";
	average(l, zp);
	l->number = 12;
	l->kind = "fully_connected";
	fully_connected(l);
	l->number = 13;
	l->kind = "softmax";
	add_softmax(l);
	return x;
}

static int execute(const struct xq_plan *plan, struct xq_device *dev, int input, const struct layer *l, const struct tensor *x,
		   struct entry *out)
{
	struct xq_queue *queue = NULL;
	struct xq_run *run = NULL;
	int err = xq_queue_create(dev, NULL, &queue);

	if (!err)
		err = xq_run_create(plan, &run);
	if (!err) {
		memcpy(xq_run_data(run, input), x->data, x->count);
		err = xq_run_execute(run, queue);
	}
	if (!err)
		case_compare(xq_run_data(run, l->x), &out->tensor);
	xq_run_destroy(run);
	xq_queue_destroy(queue);
	return err;
}

void run_ds_cnn(struct xq_workspace *ws, struct vector_case *c)
{
	const struct tensor *x = case_tensor(c, "input");
	struct entry *out = case_output(c, 0);
	struct xq_device *dev = xq_workspace_device(ws);
	struct xq_network_value value;
	struct layer l = { .c = c };
	struct xq_plan *plan = NULL;
	int input, err;

	if (!x || !out)
		return;
	if (xq_network_create(&l.net)) {
		result_differs("no memory");
		return;
	}
	input = add_layers(&l);
	err = xq_network_output(l.net, l.x);
	if (!err)
		err = xq_network_compile(l.net, dev, 1, &plan);
	if (err)
		result_differs("%s", xq_network_error(l.net));
	else if (xq_plan_value(plan, input, &value) != x->count || xq_plan_value(plan, l.x, &value) != out->tensor.count)
		result_differs("inputs or outputs of another size");
	else if (execute(plan, dev, input, &l, x, out))
		result_differs("the run failed");
	xq_plan_destroy(plan);
	xq_network_destroy(l.net);
}
