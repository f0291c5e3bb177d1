// SPDX-License-Identifier: MIT
/*
 * xq bench conv: one convolution, timed through the library from unpacked tensors to int32 sums,
 * and checked before it is reported.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/conv.h>

#include "bench.h"
#include "command.h"
#include "geometry.h"
#include "json.h"
#include "progress.h"

/**
 * struct bench - arguments, tensors and the result
 * @macs: products of one element of Y
 * @checked: elements of Y that were compared, spread evenly
 */
struct bench {
	struct bench_run run;
	int64_t batch, channels, outputs, groups;
	const char *size, *kernel, *pads, *strides, *dilations, *layout;
	enum xq_type x_type, w_type;

	struct xq_workspace *workspace;
	struct xq_conv conv;
	struct xq_matmul_stats stats, best;
	uint8_t *x, *w;
	int32_t *y;
	size_t out_h, out_w, count, macs, checked;
	bool exact;
};

static int parse(struct bench *b, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "channels", 0, OPTION_INT, &b->channels, "C", "of the input", NULL },
		{ "size", 0, OPTION_STRING, &b->size, "H,W", "of the input", NULL },
		{ "outputs", 0, OPTION_INT, &b->outputs, "O", "output channels", NULL },
		{ "kernel", 0, OPTION_STRING, &b->kernel, "H,W", "its size", NULL },
		{ "batch", 0, OPTION_INT, &b->batch, "N", "default 1", NULL },
		{ "pads", 0, OPTION_STRING, &b->pads, "T,L,B,R", "default 0", NULL },
		{ "strides", 0, OPTION_STRING, &b->strides, "H,W", "default 1", NULL },
		{ "dilations", 0, OPTION_STRING, &b->dilations, "H,W", "default 1", NULL },
		{ "groups", 0, OPTION_INT, &b->groups, "G", "default 1", NULL },
		{ "layout", 0, OPTION_WORD, &b->layout, "nchw|nhwc", "default nchw", NULL },
		{ "x-type", 0, OPTION_TYPE, &b->x_type, OPTION_TYPES_LEFT, "default s8", NULL },
		{ "w-type", 0, OPTION_TYPE, &b->w_type, OPTION_TYPES_LEFT, "default s8", NULL },
		BENCH_OPTIONS(&b->run),
	};
	int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), NULL, 0, 0, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (!b->channels || !b->size || !b->outputs || !b->kernel)
		return usage("--%s is missing", !b->channels ? "channels" : !b->size ? "size" : !b->outputs ? "outputs" : "kernel");
	status = bench_at_least_1("channels", b->channels);
	if (status == OPTIONS_DONE)
		status = bench_at_least_1("outputs", b->outputs);
	if (status == OPTIONS_DONE)
		status = bench_at_least_1("batch", b->batch);
	if (status == OPTIONS_DONE)
		status = bench_at_least_1("groups", b->groups);
	return status == OPTIONS_DONE ? bench_check(&b->run) : status;
}

static int geometry(struct bench *b)
{
	struct xq_conv *v = &b->conv;
	size_t bytes;
	int err;

	*v = (struct xq_conv){
		.layout = b->layout && !strcmp(b->layout, "nhwc") ? XQ_NHWC : XQ_NCHW,
		.batch = (size_t)b->batch, .in_c = (size_t)b->channels, .out_c = (size_t)b->outputs,
		.groups = (size_t)b->groups, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1,
		.x_type = b->x_type, .w_type = b->w_type, .stats = &b->stats,
	};
	if (geometry_list("size", b->size, 1, 2, (size_t *const[]){ &v->in_h, &v->in_w }) ||
	    geometry_list("kernel", b->kernel, 1, 2, (size_t *const[]){ &v->kernel_h, &v->kernel_w }) ||
	    geometry_list("pads", b->pads, 0, 4, (size_t *const[]){ &v->pad_top, &v->pad_left, &v->pad_bottom,
								   &v->pad_right }) ||
	    geometry_list("strides", b->strides, 1, 2, (size_t *const[]){ &v->stride_h, &v->stride_w }) ||
	    geometry_list("dilations", b->dilations, 1, 2, (size_t *const[]){ &v->dilation_h, &v->dilation_w }))
		return EXIT_ERROR;
	if (v->in_c % v->groups || v->out_c % v->groups)
		return fail("--groups must divide --channels and --outputs (%zu, %zu, %zu)", v->groups, v->in_c, v->out_c);
	err = xq_conv_output(v, &b->out_h, &b->out_w);
	if (err == -EINVAL)
		return fail("--kernel is larger than --size with --pads (%s, %s)", b->kernel, b->size);
	b->macs = v->kernel_h * v->kernel_w * (v->in_c / v->groups);
	if (err || __builtin_mul_overflow(v->batch * v->out_c, b->out_h * b->out_w, &b->count) ||
	    __builtin_mul_overflow(b->count, b->macs, &bytes))
		return fail("the convolution is too large");
	return 0;
}

static int make_data(struct bench *b)
{
	const struct xq_conv *v = &b->conv;

	progress_start("bench conv: making data", NULL, 0);
	b->x = bench_elements(v->x_type, v->batch * v->in_c * v->in_h * v->in_w, 88172645463325252ULL);
	b->w = bench_elements(v->w_type, v->out_c * b->macs, 2463534242ULL);
	b->y = malloc(b->count * sizeof(*b->y));
	progress_stop();
	if (!b->x || !b->w || !b->y)
		return fail("there is not enough memory for the tensors");
	b->conv.x = b->x;
	b->conv.w = b->w;
	b->conv.y = b->y;
	return 0;
}

static int run_once(void *context)
{
	struct bench *b = context;

	b->stats = (struct xq_matmul_stats){ 0 };
	return xq_conv(b->workspace, &b->conv);
}

static void fastest(void *context)
{
	struct bench *b = context;

	b->best = b->stats;
}

/* Where element (n, c, h, w) of a tensor of that shape lies. */
static size_t place(const struct bench *b, size_t channels, size_t height, size_t width, size_t n, size_t c, size_t h,
		    size_t w)
{
	return b->conv.layout == XQ_NCHW ? ((n * channels + c) * height + h) * width + w :
					   ((n * height + h) * width + w) * channels + c;
}

/* One element of Y by the definition, in loops. */
static int32_t reference(const struct bench *b, size_t n, size_t o, size_t y, size_t x)
{
	const struct xq_conv *v = &b->conv;
	const size_t channels = v->in_c / v->groups, first = o / (v->out_c / v->groups) * channels;
	uint32_t sum = 0;

	for (size_t c = 0; c < channels; c++)
		for (size_t i = 0; i < v->kernel_h; i++)
			for (size_t j = 0; j < v->kernel_w; j++) {
				const size_t h = y * v->stride_h + i * v->dilation_h - v->pad_top;
				const size_t w = x * v->stride_w + j * v->dilation_w - v->pad_left;
				size_t at_x, at_w;

				/* What lies before the first row or column wraps around to beyond the last. */
				if (h >= v->in_h || w >= v->in_w)
					continue;
				at_x = place(b, v->in_c, v->in_h, v->in_w, n, first + c, h, w);
				at_w = place(b, channels, v->kernel_h, v->kernel_w, o, c, i, j);
				sum += (uint32_t)(bench_value(v->x_type, NULL, b->x[at_x]) *
						  bench_value(v->w_type, NULL, b->w[at_w]));
			}
	return (int32_t)sum;
}

static void check(struct bench *b)
{
	const struct xq_conv *v = &b->conv;

	b->checked = b->macs >= BENCH_CHECKED_MACS ? 1 : (size_t)(BENCH_CHECKED_MACS / b->macs);
	if (b->checked > b->count)
		b->checked = b->count;
	b->exact = true;
	b->run.done = 0;
	progress_start("bench conv: checking", &b->run.done, b->checked);
	for (size_t i = 0; i < b->checked; i++) {
		/* i * count / checked, which could overflow */
		const size_t at = b->count / b->checked * i + b->count % b->checked * i / b->checked;
		const size_t n = at % v->batch, rest = at / v->batch, o = rest % v->out_c;
		const size_t x = rest / v->out_c % b->out_w, y = rest / v->out_c / b->out_w;

		b->exact &= b->y[place(b, v->out_c, b->out_h, b->out_w, n, o, y, x)] == reference(b, n, o, y, x);
		__atomic_fetch_add(&b->run.done, 1, __ATOMIC_RELAXED);
	}
	progress_stop();
}

static void print_json(const struct bench *b, double gmacs)
{
	const struct xq_conv *v = &b->conv;

	printf("{\"device\": ");
	json_string(xq_device_name(b->run.dev));
	printf(", \"isa\": \"%s\", \"layout\": \"%s\", \"input\": ", xq_device_info(b->run.dev)->isa,
	       v->layout == XQ_NCHW ? "nchw" : "nhwc");
	json_sizes((const size_t[]){ v->batch, v->in_c, v->in_h, v->in_w }, 4);
	printf(", \"output\": ");
	json_sizes((const size_t[]){ v->batch, v->out_c, b->out_h, b->out_w }, 4);
	printf(", \"kernel\": ");
	json_sizes((const size_t[]){ v->kernel_h, v->kernel_w }, 2);
	printf(", \"pads\": ");
	json_sizes((const size_t[]){ v->pad_top, v->pad_left, v->pad_bottom, v->pad_right }, 4);
	printf(", \"strides\": ");
	json_sizes((const size_t[]){ v->stride_h, v->stride_w }, 2);
	printf(", \"dilations\": ");
	json_sizes((const size_t[]){ v->dilation_h, v->dilation_w }, 2);
	printf(", \"groups\": %zu, \"x_type\": \"%s\", \"w_type\": \"%s\", \"threads\": %u, \"seconds\": %.9f, "
	       "\"device_seconds\": %.9f, \"gmac_per_s\": %.6g, \"jobs\": %" PRIu64 ", \"bytes\": %" PRIu64
	       ", \"bytes_copied\": %" PRIu64 ", \"elements_checked\": %zu, \"bit_exact\": %s}\n", v->groups,
	       xq_type_name(v->x_type), xq_type_name(v->w_type), xq_device_info(b->run.dev)->threads, b->run.seconds,
	       1e-9 * (double)b->best.device_ns, gmacs, b->best.jobs, b->best.bytes, b->best.bytes_copied, b->checked,
	       b->exact ? "true" : "false");
}

static void print_text(const struct bench *b, double gmacs)
{
	const struct xq_conv *v = &b->conv;

	printf("%s %s x %s, [%zu, %zu, %zu, %zu] by %zu x %zu to [%zu, %zu, %zu, %zu]: %.3f ms (%.3f on the device), %.2f GMAC/s, "
	       "%zu of %zu elements checked: %s\n", xq_device_name(b->run.dev), xq_type_name(v->x_type),
	       xq_type_name(v->w_type), v->batch, v->in_c, v->in_h, v->in_w, v->kernel_h, v->kernel_w, v->batch,
	       v->out_c, b->out_h, b->out_w, 1e3 * b->run.seconds, 1e-6 * (double)b->best.device_ns, gmacs, b->checked,
	       b->count, b->exact ? "bit-exact" : "WRONG");
}

static int measure(struct bench *b)
{
	int err = xq_workspace_create(b->run.dev, &b->workspace);

	if (!err)
		err = bench_time(&b->run, "bench conv", run_once, fastest, b);
	if (err == -EOVERFLOW)
		return fail("the convolution is too large for %s", xq_device_name(b->run.dev));
	if (err)
		return fail("%s: %s", xq_device_name(b->run.dev), strerror(-err));
	check(b);
	(b->run.json ? print_json : print_text)(b, 1e-9 * (double)b->count * (double)b->macs / b->run.seconds);
	return b->exact ? EXIT_OK : fail("the result is wrong");
}

int cmd_bench_conv(int argc, char **argv)
{
	struct bench b = { .run.repeat = 5, .batch = 1, .groups = 1, .x_type = XQ_S8, .w_type = XQ_S8 };
	int status = parse(&b, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	status = geometry(&b) || bench_open(&b.run) || make_data(&b) || measure(&b) ? EXIT_ERROR : EXIT_OK;
	xq_workspace_destroy(b.workspace);
	xq_device_close(b.run.dev);
	free(b.x);
	free(b.w);
	free(b.y);
	return status;
}
