// SPDX-License-Identifier: MIT
/*
 * xq quantize: floats to codes, by a given scale or by a scheme that finds its own. What can be known
 * of the arguments is checked before anything is read.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "calibration.h"
#include "command.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "quantize.h"

static int parse(struct quantize *z, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_STRINGS, &z->outputs, "Q.npy", "where the codes go; not needed with --report. Once for each"
		  " input", NULL },
		{ "type", 0, OPTION_TYPE, &z->wanted, "s8|u8|s4|u4|s2|u2|t2|s16|u16|b1|c4|c8", "b1 is of binary and bwn, c4 and c8 of"
		  " kmeans; a scheme other than symmetric and affine has a type of its own", NULL },
		{ "device", 0, OPTION_STRING, &z->device, "NAME", "accepted and not needed", NULL },
		{ "", 0, OPTION_HEADING, NULL, NULL, "With a given scale (ONNX QuantizeLinear):", NULL },
		{ "scale", 0, OPTION_STRING, &z->scale, "S", "one, one per index of the axis, or one per block", NULL },
		{ "zp", 0, OPTION_STRING, &z->zp, "Z", "zero point, shaped like the scale; default 0", NULL },
		{ "axis", 0, OPTION_INT, &z->axis, "N", "default 1", &z->has_axis },
		{ "block", 0, OPTION_INT, &z->block, "B", "elements of the axis that share a scale", &z->has_block },
		{ "", 0, OPTION_HEADING, NULL, NULL, "With a scheme that finds the scale:", NULL },
		{ "scheme", 0, OPTION_WORD, &z->scheme, "symmetric|affine|binary|bwn|twn|kmeans:BITS|vsquant|mx4|mx6|mx9"
		  "|mxint8", "see below", NULL },
		{ "granularity", 0, OPTION_WORD, &z->granularity, "tensor|channel:AXIS|group:G", "what shares a scale, default"
		  " tensor; groups run along the last axis", NULL },
		{ "calibrate", 0, OPTION_WORD, &z->calibrate, CALIBRATIONS, "how"
		  " the range is found, default minmax", NULL },
		{ "round", 0, OPTION_WORD, &z->round, "nearest|even|stochastic:SEED", "halves away from zero (default),"
		  " to even, or at random", NULL },
		{ "", 0, OPTION_HEADING, NULL, NULL, "Results:", NULL },
		{ "scale-out", 0, OPTION_STRING, &z->scale_out, "S.npy", "float32: [], [C] or [.., K/G]", NULL },
		{ "zp-out", 0, OPTION_STRING, &z->zp_out, "Z.npy", "int32, shaped like the scale", NULL },
		{ "codebook-out", 0, OPTION_STRING, &z->codebook_out, "T.npy", "of kmeans: float32, or int8 with"
		  " --type c4 or c8", NULL },
		{ "integer-scale-out", 0, OPTION_STRING, &z->integer_scale_out, "I.npy", "of vsquant: uint8 [.., K/G]", NULL },
		{ "channel-scale-out", 0, OPTION_STRING, &z->channel_scale_out, "G.npy", "of vsquant: float32 [C]", NULL },
		{ "report", 0, OPTION_FLAG, &z->report, NULL, "print error and size", NULL },
		{ "json", 0, OPTION_FLAG, &z->json, NULL, "the same as one line of JSON", NULL },
		{ "", 0, OPTION_HEADING, NULL, NULL,
		  "What the schemes write; `xq dequantize Q.npy --scale S.npy` takes all of it back:\n"
		  "  binary   int8 -1 and 1, scale 1; --round stochastic:SEED for probabilities\n"
		  "  bwn      int8 -1 and 1, scale = mean magnitude\n"
		  "  twn      int8 -1, 0 and 1, scale = mean magnitude above 0.7 of the mean\n"
		  "  kmeans   uint8 indices into a table of 2^BITS (give it back with --codebook); channel:0 has one\n"
		  "           each, [C, 2^BITS]\n"
		  "  vsquant  int8 of --type s4 (default), scale [.., K/16] or group:G (--axis -1 --block 16)\n"
		  "  mx4..9   int8 integers, a scale for each two elements (--axis -1 --block 2)\n"
		  "  mxint8   int8, scale [.., K/32] (--axis -1 --block 32)", NULL },
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), z->path,
					 1, OPTION_MAX_STRINGS, &z->paths);

	if (status != OPTIONS_DONE)
		return status;
	z->report |= z->json;
	if (!z->outputs.count && !z->report && !z->scale_out && !z->zp_out && !z->codebook_out && !z->integer_scale_out &&
	    !z->channel_scale_out)
		return usage("-o Q.npy is missing, or --report");
	if (!z->scale == !z->scheme)
		return usage(z->scale ? "--scale does not go with --scheme" : "either --scale or --scheme is needed");
	if (z->scale && (z->granularity || z->calibrate))
		return usage("--%s goes with --scheme", z->granularity ? "granularity" : "calibrate");
	if (z->scheme && (z->zp || z->has_axis || z->has_block))
		return usage("--%s goes with --scale", z->zp ? "zp" : z->has_axis ? "axis" : "block");
	if (z->outputs.count && z->outputs.count != z->paths)
		return usage("-o must be given once for each input (%d given for %d)", z->outputs.count, z->paths);
	if (z->paths > 1 && (!z->scheme || (strcmp(z->scheme, "symmetric") && strcmp(z->scheme, "affine"))))
		return usage("several inputs go with --scheme symmetric and affine (%d given)", z->paths);
	return OPTIONS_DONE;
}

/* ---- words ------------------------------------------------------------------------------------------- */

/* Whether text is word:number. */
static int parse_rounding(struct quantize *z)
{
	char *end;

	/* A given scale is ONNX's, and ONNX rounds halves to even. */
	z->rounding.mode = z->scale ? XQ_ROUND_EVEN : XQ_ROUND_NEAREST;
	if (!z->round)
		return 0;
	if (!strcmp(z->round, "nearest")) {
		z->rounding.mode = XQ_ROUND_NEAREST;
	} else if (!strcmp(z->round, "even")) {
		z->rounding.mode = XQ_ROUND_EVEN;
	} else {
		z->rounding.mode = XQ_ROUND_STOCHASTIC;
		errno = 0;
		z->rounding.seed = strtoull(strchr(z->round, ':') + 1, &end, 0);
		if (*end || errno)
			return usage("the seed of --round stochastic:SEED must be an integer (%s)", z->round);
	}
	return 0;
}

/* ---- checks before the work ------------------------------------------------------------------------- */

static int check_gives(const struct quantize *z, unsigned int gives)
{
	const struct {
		const char *option, *path;
		unsigned int what;
	} results[] = {
		{ "scale-out", z->scale_out, GIVES_SCALES }, { "zp-out", z->zp_out, GIVES_ZERO_POINTS },
		{ "codebook-out", z->codebook_out, GIVES_CODEBOOK },
		{ "integer-scale-out", z->integer_scale_out, GIVES_TWO_LEVELS },
		{ "channel-scale-out", z->channel_scale_out, GIVES_TWO_LEVELS },
	};

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		if (results[i].path && !(gives & results[i].what))
			return fail("--%s %s has nothing for --%s", z->scheme ? "scheme" : "scale", z->scheme ? z->scheme : z->scale,
				    results[i].option);
	}
	for (int i = 0; i < z->outputs.count; i++) {
		if (output_prepare(z->outputs.text[i]))
			return EXIT_ERROR;
	}
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		if (output_prepare(results[i].path))
			return EXIT_ERROR;
	}
	return 0;
}

static int check_scheme(struct quantize *z, const struct scheme *scheme, const char *argument)
{
	int status;

	if (z->calibrate)
		return usage("--calibrate goes with --scheme symmetric and affine (%s)", z->scheme);
	if (z->round && !scheme->rounds)
		return usage("--scheme %s has a rounding of its own (--round %s)", z->scheme, z->round);
	if (z->granularity && !scheme->shares)
		return usage("--scheme %s has a granularity of its own (--granularity %s)", z->scheme, z->granularity);
	status = scheme->check(z, argument);
	return status ? status : check_gives(z, scheme->gives);
}

/* ---- what the schemes share --------------------------------------------------------------------------- */

int quantize_fail(int err, const struct xq_fault *fault)
{
	switch (fault->kind) {
	case XQ_FAULT_INPUT:
		return fail("an element is not finite (element %zu is %g)", fault->index, fault->value);
	case XQ_FAULT_SCALE:
		return fail("a scale must be finite and above 0 (element %zu is %g)", fault->index, fault->value);
	case XQ_FAULT_ZERO_POINT:
		return fail("a zero point is no value of the type (element %zu is %g)", fault->index, fault->value);
	case XQ_FAULT_CODE:
		return fail("a code is outside its range (element %zu is %g)", fault->index, fault->value);
	default:
		return fail("%s", strerror(-err));
	}
}

int quantize_alloc(const char *path, struct tensor *t, char kind, unsigned int bytes, unsigned int ndim,
		   const size_t *dim)
{
	*t = (struct tensor){ .kind = kind, .bytes = bytes, .format = XQ_FLOAT_FP16, .ndim = ndim };
	if (ndim)
		memcpy(t->dim, dim, ndim * sizeof(*dim));
	return output_alloc(path, t);
}

/* One number for all, or a tensor like the scale. */
int quantize_zero_points(const char *text, const char *path, const struct xq_qtype *type,
			 const struct tensor *scales, struct tensor *zps)
{
	struct tensor t = { 0 };
	int status;

	if (quantize_alloc(path, zps, 'i', 4, scales->ndim, scales->dim))
		return EXIT_ERROR;
	if (!text)
		return 0;
	status = argument_ints("zp", text, type->min, type->max, &t);
	if (!status && t.count != 1 &&
	    (t.ndim != scales->ndim || memcmp(t.dim, scales->dim, t.ndim * sizeof(*t.dim))))
		status = fail("--zp must be one number or shaped like --scale (it is %s, the scale %s)",
			      tensor_shape(&t), tensor_shape(scales));
	for (size_t i = 0; !status && i < scales->count; i++)
		((int32_t *)zps->data)[i] = (int32_t)tensor_int(&t, t.count == 1 ? 0 : i);
	tensor_free(&t);
	return status;
}

/* ---- files ------------------------------------------------------------------------------------------- */

/* Elements that are converted and then forgotten at a time. */
#define PIECE	((size_t)1 << 20)

/* To float32, which is no longer than the file or lies in a file itself. */
static int convert(const struct tensor *from, struct tensor *to)
{
	uint64_t done = 0;
	float *x;

	if (quantize_alloc(NULL, to, 'f', 4, from->ndim, from->dim))
		return EXIT_ERROR;
	x = to->data;
	progress_start("reading", &done, from->count);
	for (size_t i = 0; i < from->count; i++) {
		x[i] = (float)tensor_double(from, i);
		if (i % PIECE == PIECE - 1) {
			tensor_forget(from, i - PIECE + 1, PIECE);
			tensor_forget(to, i - PIECE + 1, PIECE);
			__atomic_store_n(&done, i, __ATOMIC_RELAXED);
		}
	}
	progress_stop();
	return 0;
}

int quantize_read(struct quantize *z, const char *path)
{
	struct tensor any = { 0 };
	int status;

	tensor_free(&z->x);
	if (argument_mapped(path, &any))
		return EXIT_ERROR;
	if (any.kind != 'f') {
		fail("%s must be of a floating type (it is %s)", path, tensor_type_name(&any));
		tensor_free(&any);
		return EXIT_ERROR;
	}
	if (any.bytes == 4) {
		z->x = any;
		return 0;
	}
	status = convert(&any, &z->x);
	tensor_free(&any);
	return status;
}

int quantize_write(struct quantize *z)
{
	return (z->output && output_tensor(z->output, &z->q)) || (z->report && quantize_report(z));
}

/* Each is optional; so are the codes, if only the report or the scales are wanted. */
static int write_parameters(const struct quantize *z)
{
	return (z->scale_out && output_tensor(z->scale_out, &z->scales)) ||
	       (z->zp_out && output_tensor(z->zp_out, &z->zps)) ||
	       (z->codebook_out && output_tensor(z->codebook_out, &z->table)) ||
	       (z->integer_scale_out && output_tensor(z->integer_scale_out, &z->integer_scales)) ||
	       (z->channel_scale_out && output_tensor(z->channel_scale_out, &z->channel_scales)) ||
	       output_flush() || output_commit();
}

/* ---- the command --------------------------------------------------------------------------------------- */

static int one_input(struct quantize *z, const struct scheme *scheme, const char *argument)
{
	int status;

	z->output = z->outputs.text[0];
	status = quantize_read(z, z->path[0]);
	if (status)
		return status;
	if (z->scale)
		status = quantize_by_scale(z);
	else if (scheme)
		status = scheme->run(z, argument);
	else
		status = quantize_linear(z, strcmp(z->scheme, "affine") ? XQ_SYMMETRIC : XQ_AFFINE);
	return status ? status : quantize_write(z);
}

static int run(struct quantize *z)
{
	const struct scheme *scheme = NULL;
	const char *argument = "";
	int status = parse_rounding(z);

	if (!status)
		status = calibration_parse("calibrate", z->calibrate, &z->calibration);
	if (status)
		return status;
	if (z->scheme && strcmp(z->scheme, "symmetric") && strcmp(z->scheme, "affine"))
		scheme = scheme_find(z->scheme, &argument);
	if (scheme)
		status = check_scheme(z, scheme, argument);
	else if (!(status = quantize_target(z)))
		status = check_gives(z, GIVES_SCALES | GIVES_ZERO_POINTS);
	if (!status)
		status = z->paths > 1 ? quantize_several(z, strcmp(z->scheme, "affine") ? XQ_SYMMETRIC : XQ_AFFINE) :
			 one_input(z, scheme, argument);
	return status ? status : write_parameters(z);
}

int cmd_quantize(int argc, char **argv)
{
	struct quantize z = { 0 };
	int status = parse(&z, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	status = run(&z);
	tensor_free(&z.x);
	tensor_free(&z.q);
	tensor_free(&z.scales);
	tensor_free(&z.zps);
	tensor_free(&z.table);
	tensor_free(&z.integer_scales);
	tensor_free(&z.channel_scales);
	return status;
}
