// SPDX-License-Identifier: MIT
/*
 * xq dequantize: codes and accumulators to floats, ONNX DequantizeLinear or by a codebook.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "codebook_values.h"
#include "command.h"
#include "layout_piece.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "quantize.h"

struct dequantize {
	const char *path, *output, *device, *scale, *zp, *codebook, *dtype;
	int64_t axis, block;
	bool has_axis, has_block;

	struct tensor q, x, scales, zps, table;
	struct granularity cut;
	size_t infinite;	/* results that float16 has no number for */
};

static int parse(struct dequantize *d, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_STRING, &d->output, "X.npy", "where the floats go", NULL },
		{ "scale", 0, OPTION_STRING, &d->scale, "S", "one, one per index of the axis, or one per block", NULL },
		{ "zp", 0, OPTION_STRING, &d->zp, "Z", "zero point, shaped like the scale; default 0", NULL },
		{ "axis", 0, OPTION_INT, &d->axis, "N", "default: the one that the scales fit", &d->has_axis },
		{ "block", 0, OPTION_INT, &d->block, "B", "elements of the axis that share a scale", &d->has_block },
		{ "codebook", 0, OPTION_STRING, &d->codebook, "T.npy", "codes are indices into it; --scale is then 1 if"
		  " not given", NULL },
		{ "dtype", 0, OPTION_WORD, &d->dtype, "float32|float16|bfloat16", "of the result, default float32; rounded to"
		  " nearest, halves to even", NULL },
		{ "device", 0, OPTION_STRING, &d->device, "NAME", "accepted and not needed", NULL },
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), &d->path,
					 1, 1, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (!d->output)
		return usage("-o X.npy is missing");
	if (!d->scale && !d->codebook)
		return usage("--scale is missing, or --codebook");
	if (d->zp && d->codebook)
		return usage("--zp does not go with --codebook");
	return output_prepare(d->output) ? EXIT_ERROR : OPTIONS_DONE;
}

static int check_scales(const struct dequantize *d)
{
	const float *scale = d->scales.data;

	for (size_t i = 0; i < d->scales.count; i++) {
		if (!isfinite(scale[i]))
			return fail("a scale must be finite (element %zu is %g)", i, (double)scale[i]);
	}
	return 0;
}

/* One number for all, or a tensor like the scale, of what a zero point may be. */
static int read_zero_points(struct dequantize *d)
{
	struct xq_qtype type = { .min = INT32_MIN, .max = INT32_MAX };

	if (d->q.bytes <= 2)
		xq_qtype_bits(8 * d->q.bytes, d->q.kind == 'i', &type);
	else if (d->q.kind == 'u')
		type.min = 0;
	return quantize_zero_points(d->zp, NULL, &type, &d->scales, &d->zps);
}

static int read_operands(struct dequantize *d)
{
	if (argument_mapped(d->path, &d->q))
		return EXIT_ERROR;
	if (d->q.kind == 'f')
		return fail("%s must be of an integer type (it is %s)", d->path, tensor_type_name(&d->q));
	if (argument_floats("scale", d->scale ? d->scale : "1", &d->scales) || check_scales(d) ||
	    granularity_of_scale(&d->q, &d->scales, d->has_axis ? &d->axis : NULL, true,
				 d->has_block ? &d->block : NULL, &d->cut))
		return EXIT_ERROR;
	if (d->codebook ? argument_tensor(d->codebook, &d->table) : read_zero_points(d))
		return EXIT_ERROR;
	tensor_set_type(&d->x, d->dtype ? d->dtype : "float32");
	d->x.ndim = d->q.ndim;
	memcpy(d->x.dim, d->q.dim, sizeof(d->x.dim));
	return output_alloc(d->output, &d->x);
}

/* ---- one piece ---------------------------------------------------------------------------------------- */

/*
 * Accumulators: the difference is exact, then as in ONNX it is rounded to float32 before it is
 * multiplied.
 */
static void wide_piece(const struct dequantize *d, const struct layout_piece *p, float *x)
{
	const float *scale = (const float *)d->scales.data + p->param;
	const int32_t *zp = (const int32_t *)d->zps.data + p->param;
	struct tensor q = d->q;

	q.data = (char *)d->q.data + p->first * d->q.bytes;
	for (size_t i = 0; i < p->elements; i++) {
		const size_t at = layout_param(&p->layout, i);
		const __int128 code = q.kind == 'u' && q.bytes == 8 ? (__int128)((const uint64_t *)q.data)[i] :
				      (__int128)tensor_int(&q, i);

		x[i] = (float)(code - zp[at]) * scale[at];
	}
}

static int linear_piece(const struct dequantize *d, const struct layout_piece *p, float *x)
{
	struct xq_fault fault = { 0 };
	struct xq_qtype type;
	int err;

	if (d->q.bytes > 2) {
		wide_piece(d, p, x);
		return 0;
	}
	err = xq_qtype_bits(8 * d->q.bytes, d->q.kind == 'i', &type);
	if (!err)
		err = xq_dequantize((const char *)d->q.data + p->first * d->q.bytes, &p->layout, &type,
				    (const float *)d->scales.data + p->param, (const int32_t *)d->zps.data + p->param, x,
				    &fault);
	return err ? quantize_fail(err, &fault) : 0;
}

static void narrow(struct dequantize *d, const float *x, size_t first, size_t n)
{
	uint16_t *to = (uint16_t *)d->x.data + first;

	xq_float_encode(x, n, d->x.format, XQ_OVERFLOW_SPECIAL, to);
	for (size_t i = 0; i < n; i++)
		d->infinite += isfinite(x[i]) && !isfinite(xq_float_decode_one(to[i], d->x.format));
}

/* ---- all of them ---------------------------------------------------------------------------------------- */

static int in_pieces(struct dequantize *d)
{
	struct layout_piece p = { 0 };
	uint64_t done = 0;
	float *buffer = NULL;
	size_t room = 0;
	int status = 0;

	progress_start("computing", &done, d->q.count);
	while (!status && layout_next_piece(&d->cut.layout, &p)) {
		float *x = d->x.bytes == 4 ? (float *)d->x.data + p.first : buffer;

		if (d->x.bytes < 4 && p.elements > room) {
			free(buffer);
			room = p.elements;
			x = buffer = malloc(room * sizeof(*buffer));
		}
		status = !x ? fail("there is not enough memory") :
			 d->codebook ? codebook_values(&d->q, &d->table, &d->scales, &p, x) : linear_piece(d, &p, x);
		if (!status && d->x.bytes < 4)
			narrow(d, x, p.first, p.elements);
		__atomic_store_n(&done, p.first + p.elements, __ATOMIC_RELAXED);
	}
	progress_stop();
	free(buffer);
	return status;
}

int cmd_dequantize(int argc, char **argv)
{
	struct dequantize d = { 0 };
	int status = parse(&d, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	status = read_operands(&d) || in_pieces(&d) || output_tensor(d.output, &d.x) || output_commit();
	if (!status && d.infinite)
		warn("%zu element%s too large for %s and became infinite", d.infinite, d.infinite == 1 ? " is" : "s are",
		     tensor_type_name(&d.x));
	tensor_free(&d.q);
	tensor_free(&d.x);
	tensor_free(&d.scales);
	tensor_free(&d.zps);
	tensor_free(&d.table);
	return status ? EXIT_ERROR : EXIT_OK;
}
