// SPDX-License-Identifier: MIT
/*
 * xq conv: convolution of quantized tensors on the device.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/conv.h>

#include "accumulator.h"
#include "arguments.h"
#include "command.h"
#include "conv_weights.h"
#include "geometry.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "requant.h"

/**
 * struct conv - the command's arguments and tensors
 */
struct conv {
	const char *path[2], *output, *device, *layout, *w_layout, *pads, *strides, *dilations, *output_padding;
	const char *x_zp, *w_zp, *bias;
	enum xq_type x_type, w_type;
	int64_t groups;
	bool transpose, has_groups, line;	/* line: images of one dimension */
	struct requant requant;

	struct tensor x, w, y, biases;
	int32_t *w_zps;
	struct xq_conv conv;
};

/* How many numbers a list has is known once X is read; whether they are large enough is known before. */
static int check_least(const char *option, const char *text, int64_t least)
{
	char *end;

	for (const char *at = text; at; at = *end == ',' ? end + 1 : NULL) {
		const int64_t value = strtoll(at, &end, 10);

		if (end != at && value < least)
			return fail("--%s must be at least %" PRId64 " (%s)", option, least, text);
	}
	return 0;
}

static int check_lists(const struct conv *c)
{
	return check_least("pads", c->pads, 0) || check_least("strides", c->strides, 1) ||
	       check_least("dilations", c->dilations, 1) || check_least("output-padding", c->output_padding, 0);
}

static int parse(struct conv *c, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_STRING, &c->output, "Y.npy", "where the result goes", NULL },
		{ "device", 0, OPTION_STRING, &c->device, "NAME", "soft, or a path; default: the first that works", NULL },
		{ "layout", 0, OPTION_WORD, &c->layout, "nchw|nhwc", "nchw (default): W is [O, I/groups, kh, kw];"
		  " nhwc: [O, kh, kw, I/groups]", NULL },
		{ "w-layout", 0, OPTION_WORD, &c->w_layout, CONV_WEIGHT_ORDERS, "of W, if another: iohw of PyTorch's and ONNX's"
		  " --transpose, hwio of TensorFlow, 1hwo of TFLite's depthwise", NULL },
		{ "pads", 0, OPTION_STRING, &c->pads, "T,L,B,R", "default 0; or same (what is odd at the end), same-lower, valid",
		  NULL },
		{ "strides", 0, OPTION_STRING, &c->strides, "H,W", "default 1", NULL },
		{ "dilations", 0, OPTION_STRING, &c->dilations, "H,W", "default 1", NULL },
		{ "groups", 0, OPTION_INT, &c->groups, "G", "default 1; with 1hwo the input channels", &c->has_groups },
		{ "transpose", 0, OPTION_FLAG, &c->transpose, NULL, "transposed; W keeps its layout unless --w-layout says it", NULL },
		{ "output-padding", 0, OPTION_STRING, &c->output_padding, "H,W", "with --transpose, default 0", NULL },
		{ "x-type", 0, OPTION_TYPE, &c->x_type, OPTION_TYPES_LEFT, "default: from the dtype", NULL },
		{ "w-type", 0, OPTION_TYPE, &c->w_type, OPTION_TYPES_LEFT, "default: from the dtype", NULL },
		{ "x-zp", 0, OPTION_STRING, &c->x_zp, "Z", "zero point of X; padding equals it", NULL },
		{ "w-zp", 0, OPTION_STRING, &c->w_zp, "Z", "zero point of W, or one per output channel", NULL },
		{ "bias", 0, OPTION_STRING, &c->bias, "B.npy", "int32 [O], added with wrapping", NULL },
		REQUANT_OPTIONS(&c->requant),
		{ "", 0, OPTION_HEADING, NULL, NULL,
		  "X and W of three dimensions are a convolution along one: [N, C, W] and [O, I/groups, kw], without the h in\n"
		  "the layouts, --pads L,R and one number for the others.", NULL },
	};
	int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), c->path,
					 2, 2, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (!c->output)
		return usage("-o Y.npy is missing");
	if (c->groups < 1)
		return fail("--groups must be at least 1 (%" PRId64 ")", c->groups);
	if (c->output_padding && !c->transpose)
		return usage("--output-padding needs --transpose");
	if (check_lists(c))
		return EXIT_ERROR;
	status = requant_check(&c->requant);
	return status == OPTIONS_DONE && output_prepare(c->output) ? EXIT_ERROR : status;
}

/* --pads by word: nothing around X, or so much that the output has the size of the input over the stride. */
static bool named_pads(const char *pads)
{
	return !strcmp(pads, "valid") || !strcmp(pads, "same") || !strcmp(pads, "same-upper") || !strcmp(pads, "same-lower");
}

/* ONNX's SAME_UPPER and SAME_LOWER; the first is TensorFlow's and TFLite's SAME. */
static void same_pads(const struct conv *c, size_t in, size_t kernel, size_t stride, size_t dilation, size_t more,
		      size_t *before, size_t *after)
{
	const size_t reach = (kernel - 1) * dilation + 1;
	size_t covered, wanted, pad;

	if (c->transpose) {
		covered = (in - 1) * stride + reach + more;
		wanted = in * stride;
	} else {
		covered = ((in + stride - 1) / stride - 1) * stride + reach;
		wanted = in;
	}
	pad = covered > wanted ? covered - wanted : 0;
	*before = strcmp(c->pads, "same-lower") ? pad / 2 : pad - pad / 2;
	*after = pad - *before;
}

static int read_pads(struct conv *c)
{
	struct xq_conv *v = &c->conv;

	if (!c->pads || !strcmp(c->pads, "valid"))
		return 0;
	if (named_pads(c->pads)) {
		if (!v->in_h || !v->in_w || !v->kernel_h || !v->kernel_w)
			return 0;
		same_pads(c, v->in_h, v->kernel_h, v->stride_h ? v->stride_h : 1, v->dilation_h ? v->dilation_h : 1,
			  v->output_pad_h, &v->pad_top, &v->pad_bottom);
		same_pads(c, v->in_w, v->kernel_w, v->stride_w ? v->stride_w : 1, v->dilation_w ? v->dilation_w : 1,
			  v->output_pad_w, &v->pad_left, &v->pad_right);
		return 0;
	}
	return c->line ? geometry_list("pads", c->pads, 0, 2, (size_t *const[]){ &v->pad_left, &v->pad_right }) :
	       geometry_list("pads", c->pads, 0, 4, (size_t *const[]){ &v->pad_top, &v->pad_left, &v->pad_bottom, &v->pad_right });
}

/* Two numbers, or of a line one. */
static int read_pair(const struct conv *c, const char *option, const char *text, int64_t least, size_t *h, size_t *w)
{
	return c->line ? geometry_list(option, text, least, 1, (size_t *const[]){ w }) :
	       geometry_list(option, text, least, 2, (size_t *const[]){ h, w });
}

static int read_geometry(struct conv *c)
{
	struct xq_conv *v = &c->conv;

	return read_pair(c, "strides", c->strides, 1, &v->stride_h, &v->stride_w) ||
	       read_pair(c, "dilations", c->dilations, 1, &v->dilation_h, &v->dilation_w) ||
	       read_pair(c, "output-padding", c->output_padding, 0, &v->output_pad_h, &v->output_pad_w) || read_pads(c);
}

static int read_tensors(struct conv *c)
{
	struct xq_conv *v = &c->conv;

	if (argument_tensor(c->path[0], &c->x) || argument_tensor(c->path[1], &c->w) ||
	    argument_elements("x-type", c->path[0], &c->x, c->x_type, &v->x_type) ||
	    argument_elements("w-type", c->path[1], &c->w, c->w_type, &v->w_type))
		return EXIT_ERROR;
	c->line = c->x.ndim == 3 && c->w.ndim == 3;
	if (!c->line && (c->x.ndim != 4 || c->w.ndim != 4))
		return fail("X and W must have four dimensions, or three (X is %s, W is %s)", tensor_shape(&c->x),
			    tensor_shape(&c->w));
	return 0;
}

/* Which of the channels do not fit. */
static int refuse_channels(const struct conv *c, size_t given)
{
	const struct xq_conv *v = &c->conv;

	if (v->in_c % v->groups)
		return fail("--groups must divide the %zu channels of X (%zu)", v->in_c, v->groups);
	if (v->out_c % v->groups)
		return fail("--groups must divide the %zu output channels, the first axis of W (%zu)", v->out_c, v->groups);
	return fail("axis %d of W must be the %zu channels of X over --groups %zu (W has %zu: X is %s, W is %s)",
		    v->layout == XQ_NCHW ? 1 : 3, v->in_c, v->groups, given, tensor_shape(&c->x), tensor_shape(&c->w));
}

static int read_operands(struct conv *c)
{
	struct xq_conv *v = &c->conv;
	const size_t *x = c->x.dim, *w = c->w.dim;
	const bool nchw = !c->layout || strcmp(c->layout, "nhwc");
	const char *order = c->w_layout ? c->w_layout : nchw ? "oihw" : "ohwi";

	v->layout = nchw ? XQ_NCHW : XQ_NHWC;
	v->transposed = c->transpose;
	if (read_tensors(c))
		return EXIT_ERROR;
	if (c->line) {
		conv_add_height(&c->x, !nchw);
		conv_weights_add_height(&c->w, order);
	}
	v->in_c = x[nchw ? 1 : 3];
	v->groups = c->has_groups || order[0] != '1' || !v->in_c ? (size_t)c->groups : v->in_c;
	if (conv_weights_reorder(&c->w, order, v->layout, v->groups))
		return EXIT_ERROR;
	v->batch = x[0];
	v->in_h = x[nchw ? 2 : 1];
	v->in_w = x[nchw ? 3 : 2];
	v->out_c = w[0];
	v->kernel_h = w[nchw ? 2 : 1];
	v->kernel_w = w[nchw ? 3 : 2];
	if (v->in_c % v->groups || v->out_c % v->groups || w[nchw ? 1 : 3] != v->in_c / v->groups)
		return refuse_channels(c, w[nchw ? 1 : 3]);
	v->x = c->x.data;
	v->w = c->w.data;
	return 0;
}

static int read_zero_points(struct conv *c)
{
	struct xq_conv *v = &c->conv;
	struct tensor t = { 0 };
	int status = 0;

	if (c->x_zp) {
		status = argument_ints("x-zp", c->x_zp, INT32_MIN, INT32_MAX, &t);
		if (!status && t.count != 1)
			status = fail("--x-zp must be one number (it is %s)", tensor_shape(&t));
		if (!status)
			v->x_zp = (int32_t)tensor_int(&t, 0);
		tensor_free(&t);
		memset(&t, 0, sizeof(t));
	}
	if (status || !c->w_zp)
		return status;
	status = argument_ints("w-zp", c->w_zp, INT32_MIN, INT32_MAX, &t);
	if (!status && t.count != 1 && (t.ndim != 1 || t.dim[0] != v->out_c))
		status = fail("--w-zp must be one number, or one for each of the %zu output channels (it is %s)",
			      v->out_c, tensor_shape(&t));
	if (!status) {
		c->w_zps = calloc(t.count + 1, sizeof(*c->w_zps));
		status = c->w_zps ? 0 : fail("there is not enough memory");
	}
	for (size_t i = 0; !status && i < t.count; i++)
		c->w_zps[i] = (int32_t)tensor_int(&t, i);
	v->w_zp = c->w_zps;
	v->w_zps = t.count;
	tensor_free(&t);
	return status;
}

static int alloc_result(struct conv *c)
{
	struct xq_conv *v = &c->conv;
	size_t h, w;
	int err = xq_conv_output(v, &h, &w);

	if (err)
		return fail(err == -EOVERFLOW ? "the result would be too large (X is %s, W is %s)" :
			    "the kernel is larger than X with its padding, or the padding than the result (X is %s, W is %s)", tensor_shape(&c->x),
			    tensor_shape(&c->w));
	if (requant_alloc(&c->requant, &c->y, 4, v->layout == XQ_NCHW ?
			  (size_t[]){ v->batch, v->out_c, h, w } : (size_t[]){ v->batch, h, w, v->out_c }))
		return EXIT_ERROR;
	if (c->line) {
		const unsigned int height = v->layout == XQ_NCHW ? 2 : 1;

		c->y.ndim = 3;
		memmove(c->y.dim + height, c->y.dim + height + 1, (3 - height) * sizeof(*c->y.dim));
	}
	v->y = c->y.data;
	return 0;
}

static size_t terms(const struct conv *c)
{
	return c->conv.kernel_h * c->conv.kernel_w * (c->conv.in_c / c->conv.groups);
}

static void check_accumulators(const struct conv *c)
{
	const struct xq_conv *v = &c->conv;
	const double x = accumulator_reach(&c->x, &v->x_zp, 1, NULL), w = accumulator_reach(&c->w, v->w_zp, v->w_zps, NULL);

	accumulator_check(x * w * (double)terms(c) + (v->bias ? accumulator_largest(v->bias, v->out_c) : 0), terms(c));
}

static int run_on(struct conv *c, struct xq_device *dev)
{
	struct xq_matmul_stats stats = { 0 };
	const size_t most = xq_device_info(dev)->max_dim;
	struct xq_workspace *workspace;
	int err;

	if (terms(c) > most)
		return fail("a kernel has %zu weights a channel, and %s takes at most %zu (W is %s)", terms(c),
			    xq_device_name(dev), most, tensor_shape(&c->w));
	c->conv.stats = &stats;
	err = xq_workspace_create(dev, &workspace);
	if (!err) {
		progress_start("computing", &stats.macs, c->y.count * terms(c));
		err = xq_conv(workspace, &c->conv);
		progress_stop();
		xq_workspace_destroy(workspace);
	}
	if (err == -EOVERFLOW)
		return fail("the convolution is too large for %s (X is %s, W is %s)", xq_device_name(dev),
			    tensor_shape(&c->x), tensor_shape(&c->w));
	return err ? fail("the convolution failed on %s: %s", xq_device_name(dev), strerror(-err)) : 0;
}

static int run(struct conv *c)
{
	struct xq_device *dev;
	int status;

	if (argument_device(c->device, &dev))
		return EXIT_ERROR;
	status = run_on(c, dev);
	xq_device_close(dev);
	if (!status)
		check_accumulators(c);
	return status;
}

int cmd_conv(int argc, char **argv)
{
	struct conv c = { .groups = 1 };
	int status = parse(&c, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	status = read_operands(&c) || read_geometry(&c) || read_zero_points(&c) ||
		 argument_bias(c.bias, c.conv.out_c, &c.biases, &c.conv.bias) ||
		 requant_read(&c.requant, c.conv.out_c) || alloc_result(&c);
	if (!status) {
		c.conv.requant = c.requant.profile ? &c.requant.rq : NULL;
		status = run(&c) || output_tensor(c.output, &c.y) || output_commit();
	}
	tensor_free(&c.x);
	tensor_free(&c.w);
	tensor_free(&c.y);
	tensor_free(&c.biases);
	free(c.w_zps);
	requant_free(&c.requant);
	return status ? EXIT_ERROR : EXIT_OK;
}
