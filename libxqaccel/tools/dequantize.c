// SPDX-License-Identifier: MIT
/*
 * xq dequantize: codes to floats, ONNX DequantizeLinear or by a codebook.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "codebook_values.h"
#include "command.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "quantize.h"

struct dequantize {
	const char *path, *output, *device, *scale, *zp, *codebook;
	int64_t axis, block;
	bool has_axis, has_block;

	struct tensor q, x, scales, zps, table;
	struct granularity cut;
};

static int parse(struct dequantize *d, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_STRING, &d->output, "X.npy", "where the floats go", NULL },
		{ "scale", 0, OPTION_STRING, &d->scale, "S", "one, one per index of the axis, or one per block", NULL },
		{ "zp", 0, OPTION_STRING, &d->zp, "Z", "zero point, shaped like the scale; default 0", NULL },
		{ "axis", 0, OPTION_INT, &d->axis, "N", "default 1", &d->has_axis },
		{ "block", 0, OPTION_INT, &d->block, "B", "elements of the axis that share a scale", &d->has_block },
		{ "codebook", 0, OPTION_STRING, &d->codebook, "T.npy", "codes are indices into it; --scale is then 1 if"
		  " not given", NULL },
		{ "device", 0, OPTION_STRING, &d->device, "NAME", "accepted and not needed", NULL },
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), &d->path,
					 1, 1, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (!d->output)
		return usage("-o is missing");
	if (!d->scale && !d->codebook)
		return usage("--scale is missing");
	if (d->zp && d->codebook)
		return usage("--zp does not go with --codebook");
	return OPTIONS_DONE;
}

/* What the library refuses in linear dequantization. */
static int check_scales(const struct dequantize *d)
{
	const float *scale = d->scales.data;

	for (size_t i = 0; i < d->scales.count; i++) {
		if (!isfinite(scale[i]) || !(scale[i] > 0))
			return quantize_fail(-EDOM, &(struct xq_fault){ XQ_FAULT_SCALE, i, scale[i] });
	}
	return 0;
}

static int read_operands(struct dequantize *d)
{
	if (argument_tensor(d->path, &d->q))
		return EXIT_ERROR;
	if (d->q.kind == 'f' || d->q.bytes > 2)
		return fail("%s must be int8, uint8, int16 or uint16 (it is %s)", d->path, tensor_type_name(&d->q));
	if (argument_floats("scale", d->scale ? d->scale : "1", &d->scales) ||
	    granularity_of_scale(&d->q, &d->scales, d->has_axis ? d->axis : 1,
				 d->has_block ? &d->block : NULL, &d->cut))
		return EXIT_ERROR;
	if (d->codebook && (argument_tensor(d->codebook, &d->table) || check_scales(d)))
		return EXIT_ERROR;
	return quantize_alloc(&d->x, 'f', 4, d->q.ndim, d->q.dim);
}

static enum xq_type type_of(const struct tensor *q)
{
	if (q->bytes == 2)
		return q->kind == 'i' ? XQ_S16 : XQ_U16;
	return q->kind == 'i' ? XQ_S8 : XQ_U8;
}

static int linear(struct dequantize *d)
{
	struct xq_fault fault = { 0 };
	struct xq_qtype type;
	int err;

	xq_qtype_of(type_of(&d->q), &type);
	if (quantize_zero_points(d->zp, &type, &d->scales, &d->zps))
		return EXIT_ERROR;
	err = xq_dequantize(d->q.data, &d->cut.layout, &type, d->scales.data, d->zps.data, d->x.data, &fault);
	return err ? quantize_fail(err, &fault) : 0;
}

int cmd_dequantize(int argc, char **argv)
{
	struct dequantize d = { 0 };
	int status = parse(&d, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	status = read_operands(&d);
	if (!status) {
		progress_start("dequantize", NULL, 0);
		status = d.codebook ? codebook_values(&d.q, &d.table, d.scales.data, &d.cut.layout, d.x.data) :
			 linear(&d);
		progress_stop();
	}
	status = status || output_tensor(d.output, &d.x) || output_commit();
	tensor_free(&d.q);
	tensor_free(&d.x);
	tensor_free(&d.scales);
	tensor_free(&d.zps);
	tensor_free(&d.table);
	return status ? EXIT_ERROR : EXIT_OK;
}
