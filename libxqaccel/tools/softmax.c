// SPDX-License-Identifier: MIT
/*
 * xq softmax: along the last axis of an s8 tensor, in integers.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <xqaccel/softmax.h>

#include "arguments.h"
#include "command.h"
#include "options.h"
#include "output.h"

/**
 * struct softmax - the command's arguments and tensors
 */
struct softmax {
	const char *input, *output, *device, *scale, *beta, *multiplier, *shift, *diff_min;

	struct tensor x, y;
	struct xq_softmax softmax;
};

static int parse(struct softmax *s, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_STRING, &s->output, "Y.npy", "where the result goes: scale 1/256, zero point -128", NULL },
		{ "device", 0, OPTION_STRING, &s->device, "NAME", "soft, or a path; default: the first that works", NULL },
		{ "x-scale", 0, OPTION_STRING, &s->scale, "S", "scale of X", NULL },
		{ "beta", 0, OPTION_STRING, &s->beta, "B", "what X is multiplied by, default 1", NULL },
		{ "multiplier", 0, OPTION_STRING, &s->multiplier, "M", "int32, in place of --x-scale", NULL },
		{ "shift", 0, OPTION_STRING, &s->shift, "N", "to the left, goes with --multiplier", NULL },
		{ "diff-min", 0, OPTION_STRING, &s->diff_min, "D", "differences below it give 0, goes with --multiplier", NULL },
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), &s->input, 1, 1, NULL);
	const bool any = s->multiplier || s->shift || s->diff_min, all = s->multiplier && s->shift && s->diff_min;

	if (status != OPTIONS_DONE)
		return status;
	if (!s->output)
		return usage("-o Y.npy is missing");
	if (s->scale ? any : !all || s->beta)
		return usage("either --x-scale, or --multiplier, --shift and --diff-min are needed");
	return OPTIONS_DONE;
}

static int read_numbers(struct softmax *s)
{
	struct xq_softmax *v = &s->softmax;
	int64_t multiplier = 0, shift = 0, diff_min = 0;
	float scale = 0, beta = 1;

	if (argument_float("x-scale", s->scale, &scale) || argument_float("beta", s->beta, &beta) ||
	    argument_int("multiplier", s->multiplier, 0, INT32_MAX, &multiplier) ||
	    argument_int("shift", s->shift, 0, 31, &shift) || argument_int("diff-min", s->diff_min, INT32_MIN, 0, &diff_min))
		return EXIT_ERROR;
	v->multiplier = (int32_t)multiplier;
	v->shift = (int32_t)shift;
	v->diff_min = (int32_t)diff_min;
	if (s->scale && xq_softmax_factors(scale, beta, v))
		return fail("--x-scale times --beta must be finite and above 2^-26 (%s)", s->scale);
	return 0;
}

static int read_input(struct softmax *s)
{
	struct xq_softmax *v = &s->softmax;
	const struct tensor *x = &s->x;

	if (argument_tensor(s->input, &s->x))
		return EXIT_ERROR;
	if (x->kind != 'i' || x->bytes != 1 || !x->ndim)
		return fail("X must be int8 with a last axis (%s is %s %s)", s->input, tensor_type_name(x), tensor_shape(x));
	if (!tensor_alloc(&s->y, 'i', 1, x->ndim, x->dim))
		return fail("there is not enough memory for the result");
	v->columns = x->dim[x->ndim - 1];
	v->rows = v->columns ? x->count / v->columns : 0;
	v->x = x->data;
	v->y = s->y.data;
	return 0;
}

static int run(struct softmax *s)
{
	struct xq_workspace *workspace;
	int err;

	if (argument_workspace(s->device, &workspace))
		return EXIT_ERROR;
	err = xq_softmax(workspace, &s->softmax);
	argument_workspace_close(workspace);
	if (err == -EOVERFLOW)
		return fail("a dimension is above 2^24 (X is %s)", tensor_shape(&s->x));
	return err ? fail("%s", strerror(-err)) : 0;
}

int cmd_softmax(int argc, char **argv)
{
	struct softmax s = { 0 };
	int status = parse(&s, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	status = output_prepare(s.output) || read_numbers(&s) || read_input(&s) || run(&s) || output_tensor(s.output, &s.y) || output_commit();
	tensor_free(&s.x);
	tensor_free(&s.y);
	return status ? EXIT_ERROR : EXIT_OK;
}
