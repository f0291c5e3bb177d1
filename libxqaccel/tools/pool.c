// SPDX-License-Identifier: MIT
/*
 * xq pool: maxima and averages of windows of a quantized image.
 */
#include <errno.h>
#include <string.h>

#include <xqaccel/pool.h>

#include "arguments.h"
#include "bounds.h"
#include "command.h"
#include "geometry.h"
#include "options.h"
#include "output.h"

/**
 * struct pool - the command's arguments and tensors
 */
struct pool {
	const char *input, *output, *device, *layout, *kind, *kernel, *strides, *pads;
	struct bounds bounds;

	struct tensor x, y;
	struct xq_pool pool;
};

static int parse(struct pool *p, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_STRING, &p->output, "Y.npy", "where the result goes", NULL },
		{ "device", 0, OPTION_STRING, &p->device, "NAME", "soft, or a path; default: the first that works", NULL },
		{ "kind", 0, OPTION_WORD, &p->kind, "max|average", "what is taken of a window", NULL },
		{ "kernel", 0, OPTION_STRING, &p->kernel, "H,W", "shape of a window", NULL },
		{ "strides", 0, OPTION_STRING, &p->strides, "H,W", "default 1", NULL },
		{ "pads", 0, OPTION_STRING, &p->pads, "T,L,B,R", "default 0; padding takes no part", NULL },
		{ "layout", 0, OPTION_WORD, &p->layout, "nchw|nhwc", "order of dimensions; default: nchw", NULL },
		BOUNDS_OPTIONS(&p->bounds),
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), &p->input, 1, 1, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (!p->output)
		return usage("-o Y.npy is missing");
	if (!p->kind)
		return usage("--kind is missing: max or average");
	if (!p->kernel)
		return usage("--kernel H,W is missing");
	return OPTIONS_DONE;
}

static int read_input(struct pool *p)
{
	struct xq_pool *v = &p->pool;
	const size_t *x = p->x.dim;
	bool nchw;

	v->layout = p->layout && !strcmp(p->layout, "nhwc") ? XQ_NHWC : XQ_NCHW;
	v->kind = strcmp(p->kind, "max") ? XQ_AVERAGE_POOL : XQ_MAX_POOL;
	nchw = v->layout == XQ_NCHW;
	if (geometry_list("kernel", p->kernel, 1, 2, (size_t *const[]){ &v->kernel_h, &v->kernel_w }) ||
	    geometry_list("strides", p->strides, 1, 2, (size_t *const[]){ &v->stride_h, &v->stride_w }) ||
	    geometry_list("pads", p->pads, 0, 4, (size_t *const[]){ &v->pad_top, &v->pad_left, &v->pad_bottom,
								   &v->pad_right }) ||
	    argument_tensor(p->input, &p->x) ||
	    argument_elements("X", p->input, &p->x, XQ_NONE, &v->type) ||
	    bounds_read(&p->bounds, v->type, &v->clamp, &v->act_min, &v->act_max))
		return EXIT_ERROR;
	if (p->x.ndim != 4)
		return fail("X must have four dimensions (%s is %s)", p->input, tensor_shape(&p->x));
	v->batch = x[0];
	v->channels = x[nchw ? 1 : 3];
	v->in_h = x[nchw ? 2 : 1];
	v->in_w = x[nchw ? 3 : 2];
	v->x = p->x.data;
	return 0;
}

static int alloc_result(struct pool *p)
{
	struct xq_pool *v = &p->pool;
	size_t h, w;
	int err = xq_pool_output(v, &h, &w);

	if (err)
		return fail(err == -EOVERFLOW ? "the result would be too large (X is %s)" :
			    "the window does not fit the padded input (X is %s)", tensor_shape(&p->x));
	if (!tensor_alloc(&p->y, p->x.kind, 1, 4, v->layout == XQ_NCHW ?
			  (size_t[]){ v->batch, v->channels, h, w } : (size_t[]){ v->batch, h, w, v->channels }))
		return fail("there is not enough memory for the result");
	v->y = p->y.data;
	return 0;
}

static int run(struct pool *p)
{
	struct xq_workspace *workspace;
	int err;

	if (argument_workspace(p->device, &workspace))
		return EXIT_ERROR;
	err = xq_pool(workspace, &p->pool);
	argument_workspace_close(workspace);
	if (err == -EOVERFLOW)
		return fail("a dimension is above 2^24 or the window above 2^23 elements (X is %s)", tensor_shape(&p->x));
	return err ? fail("%s", strerror(-err)) : 0;
}

int cmd_pool(int argc, char **argv)
{
	struct pool p = { 0 };
	int status = parse(&p, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	status = output_prepare(p.output) || read_input(&p) || alloc_result(&p) || run(&p) || output_tensor(p.output, &p.y) || output_commit();
	tensor_free(&p.x);
	tensor_free(&p.y);
	return status ? EXIT_ERROR : EXIT_OK;
}
