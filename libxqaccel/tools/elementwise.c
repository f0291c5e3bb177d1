// SPDX-License-Identifier: MIT
/*
 * xq add, xq mul: sums and products of two quantized tensors.
 */
#include <errno.h>
#include <string.h>

#include <xqaccel/elementwise.h>

#include "arguments.h"
#include "bounds.h"
#include "command.h"
#include "options.h"
#include "output.h"

/* What is given of an input, or of the result. */
struct side {
	const char *scale, *zp, *multiplier, *shift, *add;
};

/**
 * struct pair - the command's arguments and tensors
 */
struct pair {
	const char *path[2], *output, *device, *profile, *left_shift;
	struct side a, b, y;
	enum xq_type y_type;
	struct bounds bounds;
	bool product;

	struct tensor in[2], out;
	struct xq_elementwise_args args;
};

static int check(const struct pair *p)
{
	const struct side *sides[] = { &p->a, &p->b, &p->y };
	bool any_scale = false, all_scales = true, inputs = p->left_shift, result = p->y.multiplier || p->y.shift;
	bool all_inputs = true, adds = p->a.add || p->b.add, single;

	if (!p->output)
		return usage("-o Y.npy is missing");
	if (!p->profile)
		return usage("--requant is missing: onnx, tflite or %s",
			     p->product ? "tflite-single" : "floor-shift");
	for (int i = 0; i < 3; i++) {
		any_scale |= !!sides[i]->scale;
		all_scales &= !!sides[i]->scale;
	}
	for (int i = 0; i < 2; i++) {
		inputs |= sides[i]->multiplier || sides[i]->shift;
		all_inputs &= sides[i]->multiplier && sides[i]->shift;
	}
	if (!strcmp(p->profile, "floor-shift")) {
		if (any_scale || p->left_shift || result || !all_inputs)
			return usage("--requant floor-shift takes --a-multiplier, --a-shift, --b-multiplier and --b-shift");
		return OPTIONS_DONE;
	}
	if (adds)
		return usage("--a-add and --b-add are for floor-shift (--requant %s)", p->profile);
	single = !strcmp(p->profile, "onnx");
	if (single && (inputs || result || !all_scales))
		return usage("--requant onnx takes --a-scale, --b-scale and --y-scale");
	if (any_scale ? !all_scales || inputs || result :
	    !p->y.multiplier || !p->y.shift || (!p->product && (!p->left_shift || !all_inputs)))
		return usage(p->product ? "--requant %s takes either --a-scale, --b-scale and --y-scale, or --multiplier "
			     "and --shift" : "--requant %s takes either --a-scale, --b-scale and --y-scale, or --left-shift "
			     "and multipliers and shifts of a, b and the result", p->profile);
	return OPTIONS_DONE;
}

#define COMMON(p, PROFILES)									\
	{ "output", 'o', OPTION_STRING, &(p)->output, "Y.npy", "where the result goes", NULL },	\
	{ "device", 0, OPTION_STRING, &(p)->device, "NAME", "soft, or a path; default: the first that works", NULL }, \
	{ "a-zp", 0, OPTION_STRING, &(p)->a.zp, "Z", "zero point of A, default 0", NULL },		\
	{ "b-zp", 0, OPTION_STRING, &(p)->b.zp, "Z", "zero point of B, default 0", NULL },		\
	{ "y-zp", 0, OPTION_STRING, &(p)->y.zp, "Z", "zero point of the result, default 0", NULL },	\
	{ "y-type", 0, OPTION_TYPE, &(p)->y_type, "s8|u8", "default s8", NULL },			\
	BOUNDS_OPTIONS(&(p)->bounds),									\
	{ "requant", 0, OPTION_WORD, &(p)->profile, PROFILES, "whose arithmetic", NULL },		\
	{ "a-scale", 0, OPTION_STRING, &(p)->a.scale, "S", "scale of A (onnx, tflite)", NULL },		\
	{ "b-scale", 0, OPTION_STRING, &(p)->b.scale, "S", "scale of B", NULL },			\
	{ "y-scale", 0, OPTION_STRING, &(p)->y.scale, "S", "scale of the result", NULL },		\
	{ "multiplier", 0, OPTION_STRING, &(p)->y.multiplier, "M", "int32, of the result (tflite)", NULL }, \
	{ "shift", 0, OPTION_STRING, &(p)->y.shift, "N", "of the result (tflite): > 0 is to the left", NULL }

static int parse_add(struct pair *p, int argc, char **argv)
{
	const struct option_spec specs[] = {
		COMMON(p, "onnx|tflite|tflite-single|floor-shift"),
		{ "left-shift", 0, OPTION_STRING, &p->left_shift, "L", "of both inputs (tflite)", NULL },
		{ "a-multiplier", 0, OPTION_STRING, &p->a.multiplier, "M", "int32, of A (tflite, floor-shift)", NULL },
		{ "a-shift", 0, OPTION_STRING, &p->a.shift, "N", "of A; tflite: > 0 is to the left", NULL },
		{ "a-add", 0, OPTION_STRING, &p->a.add, "A", "before the shift of A (floor-shift)", NULL },
		{ "b-multiplier", 0, OPTION_STRING, &p->b.multiplier, "M", "int32, of B", NULL },
		{ "b-shift", 0, OPTION_STRING, &p->b.shift, "N", "of B", NULL },
		{ "b-add", 0, OPTION_STRING, &p->b.add, "A", "before the shift of B", NULL },
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), p->path, 2, 2, NULL);

	return status == OPTIONS_DONE ? check(p) : status;
}

static int parse_mul(struct pair *p, int argc, char **argv)
{
	const struct option_spec specs[] = {
		COMMON(p, "onnx|tflite|tflite-single"),
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), p->path, 2, 2, NULL);

	return status == OPTIONS_DONE ? check(p) : status;
}

static int read_input(struct pair *p, int i, struct xq_input *in)
{
	const char *const names[] = { "A", "B" };
	struct tensor *t = &p->in[i];

	if (argument_tensor(p->path[i], t) || argument_elements(names[i], p->path[i], t, XQ_NONE, &in->type))
		return EXIT_ERROR;
	in->shape.dims = t->ndim;
	memcpy(in->shape.dim, t->dim, sizeof(in->shape.dim));
	in->data = t->data;
	return 0;
}

static int read_zero_point(const char *option, const char *text, int32_t limit, int32_t *zp)
{
	int64_t value = 0;
	int status = argument_int(option, text, -(int64_t)limit, limit, &value);

	*zp = (int32_t)value;
	return status;
}

static int read_factor(const char *const names[3], const struct side *side, bool floor_shift, struct xq_factor *f)
{
	int64_t multiplier = 0, shift = 0;

	if (argument_int(names[0], side->multiplier, INT32_MIN, INT32_MAX, &multiplier) ||
	    argument_int(names[1], side->shift, floor_shift ? 0 : -31, floor_shift ? 63 : 30, &shift) ||
	    argument_int(names[2], side->add, INT64_MIN, INT64_MAX, &f->add))
		return EXIT_ERROR;
	f->multiplier = (int32_t)multiplier;
	f->shift = (int32_t)shift;
	return 0;
}

static int bad_scales(const struct pair *p)
{
	return fail("the scales must be finite and above 0, and so must their quotient (%s, %s, %s)", p->a.scale, p->b.scale,
		    p->y.scale);
}

static int read_scales(struct pair *p)
{
	struct xq_elementwise_args *e = &p->args;
	int err = 0;

	if (argument_float("a-scale", p->a.scale, &e->a.scale) || argument_float("b-scale", p->b.scale, &e->b.scale) ||
	    argument_float("y-scale", p->y.scale, &e->y_scale))
		return EXIT_ERROR;
	if (e->profile != XQ_REQUANT_ONNX)
		err = p->product ? xq_mul_factors(e->a.scale, e->b.scale, e->y_scale, e) :
				   xq_add_factors(e->a.scale, e->b.scale, e->y_scale, e);
	return err ? bad_scales(p) : 0;
}

static int read_numbers(struct pair *p)
{
	static const char *const a[] = { "a-multiplier", "a-shift", "a-add" }, *const b[] = { "b-multiplier", "b-shift", "b-add" },
		*const y[] = { "multiplier", "shift", "add" };
	struct xq_elementwise_args *e = &p->args;
	bool floor_shift;
	int64_t left = 0;

	e->profile = !strcmp(p->profile, "onnx") ? XQ_REQUANT_ONNX : !strcmp(p->profile, "tflite") ? XQ_REQUANT_TFLITE :
		     !strcmp(p->profile, "tflite-single") ? XQ_REQUANT_TFLITE_SINGLE : XQ_REQUANT_FLOOR_SHIFT;
	floor_shift = e->profile == XQ_REQUANT_FLOOR_SHIFT;
	e->y_type = p->y_type ? p->y_type : XQ_S8;
	if (bounds_read(&p->bounds, e->y_type, &e->clamp, &e->act_min, &e->act_max) ||
	    read_zero_point("a-zp", p->a.zp, 32000, &e->a.zero_point) ||
	    read_zero_point("b-zp", p->b.zp, 32000, &e->b.zero_point) ||
	    read_zero_point("y-zp", p->y.zp, e->profile == XQ_REQUANT_ONNX ? 32000 : INT32_MAX, &e->y_zp))
		return EXIT_ERROR;
	if (p->a.scale)
		return read_scales(p);
	if (argument_int("left-shift", p->left_shift, 0, 30, &left) || read_factor(a, &p->a, floor_shift, &e->a.factor) ||
	    read_factor(b, &p->b, floor_shift, &e->b.factor) || read_factor(y, &p->y, false, &e->y_factor))
		return EXIT_ERROR;
	e->left_shift = (unsigned int)left;
	return 0;
}

static int alloc_result(struct pair *p)
{
	struct xq_shape y;

	if (xq_broadcast(&p->args.a.shape, &p->args.b.shape, &y))
		return fail("the shapes do not broadcast (%s is %s, %s is %s)", p->path[0], tensor_shape(&p->in[0]),
			    p->path[1], tensor_shape(&p->in[1]));
	if (!tensor_alloc(&p->out, xq_type_signed(p->args.y_type) ? 'i' : 'u', 1, y.dims, y.dim))
		return fail("there is not enough memory for the result");
	p->args.y = p->out.data;
	return 0;
}

static int run(struct pair *p)
{
	struct xq_workspace *workspace;
	int err;

	if (argument_workspace(p->device, &workspace))
		return EXIT_ERROR;
	err = (p->product ? xq_mul : xq_add)(workspace, &p->args);
	argument_workspace_close(workspace);
	if (err == -EDOM)
		return bad_scales(p);
	if (err == -EINVAL)
		return fail("with these zero points --left-shift leaves no room in 32 bits (%s)",
			    p->left_shift ? p->left_shift : "20");
	return err ? fail("%s", strerror(-err)) : 0;
}

static int compute(struct pair *p)
{
	int status = output_prepare(p->output) || read_input(p, 0, &p->args.a) || read_input(p, 1, &p->args.b) || read_numbers(p) ||
		     alloc_result(p) || run(p) || output_tensor(p->output, &p->out) || output_commit();

	tensor_free(&p->in[0]);
	tensor_free(&p->in[1]);
	tensor_free(&p->out);
	return status ? EXIT_ERROR : EXIT_OK;
}

int cmd_add(int argc, char **argv)
{
	struct pair p = { .product = false };
	const int status = parse_add(&p, argc, argv);

	return status == OPTIONS_DONE ? compute(&p) : status;
}

int cmd_mul(int argc, char **argv)
{
	struct pair p = { .product = true };
	const int status = parse_mul(&p, argc, argv);

	return status == OPTIONS_DONE ? compute(&p) : status;
}
