// SPDX-License-Identifier: MIT
/*
 * xq quantize: floats to codes, by a given scale or by a scheme that finds its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "quantize.h"

static int parse(struct quantize *z, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_STRING, &z->output, "Q.npy", "where the codes go; not needed with --report", NULL },
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
		{ "calibrate", 0, OPTION_WORD, &z->calibrate, "minmax|percentile:P|mse|kl|laplace|gauss|ema:ALPHA", "how"
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
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), &z->path,
					 1, 1, NULL);

	if (status != OPTIONS_DONE)
		return status;
	z->report |= z->json;
	if (!z->output && !z->report && !z->scale_out && !z->zp_out && !z->codebook_out && !z->integer_scale_out &&
	    !z->channel_scale_out)
		return usage("-o Q.npy is missing, or --report");
	if (!z->scale == !z->scheme)
		return usage("it takes either --scale or --scheme");
	if (z->scale && (z->granularity || z->calibrate))
		return usage("--granularity and --calibrate go with --scheme");
	if (z->scheme && (z->zp || z->has_axis || z->has_block))
		return usage("--zp, --axis and --block go with --scale");
	return OPTIONS_DONE;
}

/* ---- words ------------------------------------------------------------------------------------------- */

/* Whether text is word:number. */
static bool word_number(const char *text, const char *word, double *number)
{
	size_t length = strlen(word);
	char *end;

	if (strncmp(text, word, length) || text[length] != ':' || !text[length + 1])
		return false;
	*number = strtod(text + length + 1, &end);
	return !*end;
}

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

static int parse_calibration(struct quantize *z)
{
	static const struct {
		const char *name;
		enum xq_calibrate method;
	} plain[] = {
		{ "minmax", XQ_CAL_MINMAX }, { "mse", XQ_CAL_MSE }, { "kl", XQ_CAL_KL },
		{ "laplace", XQ_CAL_LAPLACE }, { "gauss", XQ_CAL_GAUSS },
	};
	double number;

	if (!z->calibrate)
		return 0;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (!strcmp(z->calibrate, plain[i].name)) {
			z->calibration.method = plain[i].method;
			return 0;
		}
	}
	if (word_number(z->calibrate, "percentile", &number)) {
		z->calibration.method = XQ_CAL_PERCENTILE;
		z->calibration.percentile = number;
		return number > 50 && number <= 100 ? 0 :
		       fail("the percentile must be above 50 and at most 100 (%s)", z->calibrate);
	}
	if (word_number(z->calibrate, "ema", &number)) {
		z->calibration.method = XQ_CAL_EMA;
		z->calibration.alpha = number;
		return number > 0 && number <= 1 ? 0 :
		       fail("the weight of ema must be above 0 and at most 1 (%s)", z->calibrate);
	}
	return usage("a number must follow the colon of --calibrate (%s)", z->calibrate);
}

/* ---- linear ------------------------------------------------------------------------------------------ */

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

int quantize_alloc(struct tensor *t, char kind, unsigned int bytes, unsigned int ndim, const size_t *dim)
{
	return tensor_alloc(t, kind, bytes, ndim, dim) ? 0 : fail("not enough memory");
}

static int target(struct quantize *z)
{
	if (!z->wanted)
		return usage("--type is missing");
	if (xq_qtype_of(z->wanted, &z->type))
		return fail("only a scheme writes %s; else --type is s8, u8, s4, u4, s2, u2, t2, s16 or u16",
			    xq_type_name(z->wanted));
	return quantize_alloc(&z->q, z->type.is_signed ? 'i' : 'u', z->type.bits > 8 ? 2 : 1, z->x.ndim, z->x.dim);
}

/* One number for all, or a tensor like the scale. */
int quantize_zero_points(const char *text, const struct xq_qtype *type, const struct tensor *scales,
			 struct tensor *zps)
{
	struct tensor t = { 0 };
	int status;

	if (quantize_alloc(zps, 'i', 4, scales->ndim, scales->dim))
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

static int by_scale(struct quantize *z)
{
	struct xq_fault fault = { 0 };
	int status, err;

	status = target(z);
	if (status)
		return status;
	if (argument_floats("scale", z->scale, &z->scales) ||
	    granularity_of_scale(&z->x, &z->scales, z->has_axis ? z->axis : 1,
				 z->has_block ? &z->block : NULL, &z->cut) ||
	    quantize_zero_points(z->zp, &z->type, &z->scales, &z->zps))
		return EXIT_ERROR;
	err = xq_quantize(z->x.data, &z->cut.layout, &z->type, z->scales.data, z->zps.data, &z->rounding,
			  z->q.data, &fault);
	z->storage = xq_linear_storage(&z->cut.layout, &z->type, z->zp ? XQ_AFFINE : XQ_SYMMETRIC, 32);
	return err ? quantize_fail(err, &fault) : 0;
}

static int linear_scheme(struct quantize *z, enum xq_scheme scheme)
{
	struct xq_fault fault = { 0 };
	int status = granularity_parse(z->granularity, &z->x, &z->cut), err;

	if (!status)
		status = target(z);
	if (!status)
		status = quantize_alloc(&z->scales, 'f', 4, z->cut.ndim, z->cut.dim);
	if (!status)
		status = quantize_alloc(&z->zps, 'i', 4, z->cut.ndim, z->cut.dim);
	if (status)
		return status;
	err = xq_quantize_found(z->x.data, &z->cut.layout, &z->type, scheme, &z->calibration, &z->rounding,
				z->q.data, z->scales.data, z->zps.data, &fault);
	z->storage = xq_linear_storage(&z->cut.layout, &z->type, scheme, 32);
	return err ? quantize_fail(err, &fault) : 0;
}

static int by_scheme(struct quantize *z)
{
	const struct scheme *scheme;
	const char *argument;

	if (!strcmp(z->scheme, "symmetric"))
		return linear_scheme(z, XQ_SYMMETRIC);
	if (!strcmp(z->scheme, "affine"))
		return linear_scheme(z, XQ_AFFINE);
	scheme = scheme_find(z->scheme, &argument);
	if (z->calibrate)
		return usage("--calibrate goes with symmetric and affine (--scheme %s)", z->scheme);
	if (z->round && !scheme->rounds)
		return usage("--scheme %s has a rounding of its own (--round %s)", z->scheme, z->round);
	if (z->granularity && !scheme->shares)
		return usage("--scheme %s has a granularity of its own (--granularity %s)", z->scheme, z->granularity);
	return scheme->run(z, argument);
}

/* ---- files ------------------------------------------------------------------------------------------- */

static int read_input(struct quantize *z)
{
	struct tensor any = { 0 };
	float *to;

	if (argument_tensor(z->path, &any))
		return EXIT_ERROR;
	if (any.kind != 'f') {
		fail("%s must be of a floating type (it is %s)", z->path, tensor_type_name(&any));
		tensor_free(&any);
		return EXIT_ERROR;
	}
	if (any.bytes == 4) {
		z->x = any;
		return 0;
	}
	if (!tensor_alloc(&z->x, 'f', 4, any.ndim, any.dim)) {
		tensor_free(&any);
		return fail("not enough memory");
	}
	to = z->x.data;
	for (size_t i = 0; i < any.count; i++)
		to[i] = (float)tensor_double(&any, i);
	tensor_free(&any);
	return 0;
}

/* Each output is optional; so are the codes, if only the report or the scales are wanted. */
static int write_result(const char *option, const char *path, const struct tensor *t)
{
	if (!path)
		return 0;
	return t->data ? output_tensor(path, t) : fail("this scheme has nothing for --%s", option);
}

static int write_results(const struct quantize *z)
{
	return write_result("output", z->output, &z->q) || write_result("scale-out", z->scale_out, &z->scales) ||
	       write_result("zp-out", z->zp_out, &z->zps) ||
	       write_result("codebook-out", z->codebook_out, &z->table) ||
	       write_result("integer-scale-out", z->integer_scale_out, &z->integer_scales) ||
	       write_result("channel-scale-out", z->channel_scale_out, &z->channel_scales) ||
	       (z->report && quantize_report(z)) || output_commit();
}

int cmd_quantize(int argc, char **argv)
{
	struct quantize z = { 0 };
	int status = parse(&z, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	status = parse_rounding(&z);
	if (!status)
		status = parse_calibration(&z);
	if (!status)
		status = read_input(&z);
	if (!status) {
		progress_start("quantize", NULL, 0);
		status = z.scale ? by_scale(&z) : by_scheme(&z);
		progress_stop();
	}
	if (!status)
		status = write_results(&z) ? EXIT_ERROR : 0;
	tensor_free(&z.x);
	tensor_free(&z.q);
	tensor_free(&z.scales);
	tensor_free(&z.zps);
	tensor_free(&z.table);
	tensor_free(&z.integer_scales);
	tensor_free(&z.channel_scales);
	return status;
}
