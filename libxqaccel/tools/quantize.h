/* SPDX-License-Identifier: MIT */
/*
 * xq quantize: what its schemes share.
 */
#ifndef XQ_TOOL_QUANTIZE_H
#define XQ_TOOL_QUANTIZE_H

#include <xqaccel/calibrate.h>

#include "granularity.h"
#include "options.h"

/**
 * struct quantize - arguments and results
 * @path: @paths: inputs; @outputs: none, or as many
 * @output: of the input that is worked on, NULL for none
 * @x: that input as float32, maybe only to be read
 * @q: its codes
 * @scales: @zps: what dequantizing takes besides the codes; not there (no data) if unused
 * @table: codebook, not there if unused
 * @integer_scales: @channel_scales: the two levels of VS-Quant
 * @cut: how @scales lie
 * @type: of the codes, for dequantizing
 * @storage: what the scheme occupies
 */
struct quantize {
	const char *path[OPTION_MAX_STRINGS], *output, *device, *scale, *zp, *scheme, *granularity, *calibrate, *round;
	int paths;
	struct option_strings outputs;
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

/* Tensors that a scheme may write beside the codes. */
enum {
	GIVES_SCALES = 1,
	GIVES_ZERO_POINTS = 2,
	GIVES_CODEBOOK = 4,
	GIVES_TWO_LEVELS = 8,
};

/**
 * struct scheme - one that is not linear
 * @check: whether the options go with it, before anything is read. An exit status after printing
 * @rounds: --round means something to it
 * @shares: --granularity does
 * @gives: the tensors
 */
struct scheme {
	const char *name;
	int (*check)(const struct quantize *z, const char *argument);
	int (*run)(struct quantize *z, const char *argument);
	bool rounds, shares;
	unsigned int gives;
};

/* NULL if there is none of that name. */
const struct scheme *scheme_find(const char *name, const char **argument);

/*
 * Linear quantization by a given scale or by a scheme, of one input that was read. 0, or an exit
 * status after printing.
 */
int quantize_by_scale(struct quantize *z);
int quantize_linear(struct quantize *z, enum xq_scheme scheme);

/* One set of parameters for several inputs, which are read here; the codes of each are written. */
int quantize_several(struct quantize *z, enum xq_scheme scheme);

/* Whether --type is one of linear quantization; sets the type. 0, or an exit status. */
int quantize_target(struct quantize *z);

/* Reads an input as float32. 0, or EXIT_ERROR after printing. */
int quantize_read(struct quantize *z, const char *path);

/* Prints what the library said of the input. Returns EXIT_ERROR. */
int quantize_fail(int err, const struct xq_fault *fault);

/* Allocates one of the tensors above, for the output at path or NULL. 0, or EXIT_ERROR after printing. */
int quantize_alloc(const char *path, struct tensor *t, char kind, unsigned int bytes, unsigned int ndim,
		   const size_t *dim);

/* --zp (NULL: zeros) in the shape of the scales. 0, or EXIT_ERROR after printing. */
int quantize_zero_points(const char *text, const char *path, const struct xq_qtype *type,
			 const struct tensor *scales, struct tensor *zps);

/* Writes the codes of an input and its report. 0, or EXIT_ERROR after printing. */
int quantize_write(struct quantize *z);

/* Prints --report. 0, or EXIT_ERROR after printing. */
int quantize_report(const struct quantize *z);

#endif
