/* SPDX-License-Identifier: MIT */
/*
 * xq quantize: what its schemes share.
 */
#ifndef XQ_TOOL_QUANTIZE_H
#define XQ_TOOL_QUANTIZE_H

#include <xqaccel/calibrate.h>

#include "granularity.h"

/**
 * struct quantize - arguments and results
 * @x: the input, float32
 * @q: codes
 * @scales: @zps: what dequantizing takes besides the codes; not there (no data) if unused
 * @table: codebook, not there if unused
 * @integer_scales: @channel_scales: the two levels of VS-Quant
 * @cut: how @scales lie
 * @type: of the codes, for dequantizing
 * @storage: what the scheme occupies
 */
struct quantize {
	const char *path, *output, *device, *scale, *zp, *scheme, *granularity, *calibrate, *round;
	const char *scale_out, *zp_out, *codebook_out, *integer_scale_out, *channel_scale_out;
	enum xq_type wanted;
	int64_t axis, block;
	bool has_axis, has_block, report, json;

	struct xq_rounding rounding;
	struct xq_calibration calibration;
	struct tensor x, q, scales, zps, table, integer_scales, channel_scales;
	struct granularity cut;
	struct xq_qtype type;
	struct xq_storage storage;
};

/**
 * struct scheme - one that is not linear
 * @rounds: --round means something to it
 * @shares: --granularity does
 */
struct scheme {
	const char *name;
	int (*run)(struct quantize *z, const char *argument);
	bool rounds, shares;
};

/* One of those that --scheme takes, but symmetric and affine. */
const struct scheme *scheme_find(const char *name, const char **argument);

/* Prints what the library said of the input. Returns EXIT_ERROR. */
int quantize_fail(int err, const struct xq_fault *fault);

/* Allocates one of the tensors above. 0, or EXIT_ERROR after printing. */
int quantize_alloc(struct tensor *t, char kind, unsigned int bytes, unsigned int ndim, const size_t *dim);

/* --zp (NULL: zeros) in the shape of the scales. 0, or EXIT_ERROR after printing. */
int quantize_zero_points(const char *text, const struct xq_qtype *type, const struct tensor *scales,
			 struct tensor *zps);

/* The codes back to floats: x[count]. */
int quantize_back(const struct quantize *z, float *x);

/* Prints --report. 0, or EXIT_ERROR after printing. */
int quantize_report(const struct quantize *z);

#endif
