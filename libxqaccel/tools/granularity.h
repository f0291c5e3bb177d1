/* SPDX-License-Identifier: MIT */
/*
 * tensor, channel:AXIS, group:G: which elements share parameters, and the parameters' shape.
 */
#ifndef XQ_TOOL_GRANULARITY_H
#define XQ_TOOL_GRANULARITY_H

#include <xqaccel/quantize.h>

#include "tensor.h"

/**
 * struct granularity - how a tensor is cut
 * @layout: for the library
 * @axis: that of channels or blocks
 * @ndim: @dim: shape of the parameters
 * @rows: @k: the tensor as a matrix whose rows share parameters; the last group of each line may be
 *	short
 */
struct granularity {
	struct xq_layout layout;
	unsigned int axis, ndim;
	size_t dim[TENSOR_MAX_DIMS];
	size_t rows, k;
};

/* From --granularity, NULL for tensor. 0, or an exit status after printing. */
int granularity_parse(const char *text, const struct tensor *x, struct granularity *g);

/* Blocks of so many along an axis (counted from the end if negative); the last may be short. */
int granularity_blocks(const struct tensor *x, int64_t axis, int64_t block, struct granularity *g);

/*
 * From the shape of a --scale: one number; with a block the shape of the tensor but for the
 * axis; else one per index of the axis, [C] or with all other dimensions 1.
 * @axis: NULL if it is not given. The scale's shape may say it; else it is 1, or if it must not be
 *	guessed (@ask) the only one that the scales fit, and an error if there are several
 */
int granularity_of_scale(const struct tensor *x, const struct tensor *scale, const int64_t *axis, bool ask,
			 const int64_t *block, struct granularity *g);

/* Whether elements that share a parameter do not lie one after the other. */
bool granularity_apart(const struct granularity *g);

/* Elements to rows, and bytes of codes back. */
void granularity_to_rows(const struct granularity *g, const float *x, float *rows);
void granularity_from_rows(const struct granularity *g, const uint8_t *rows, uint8_t *codes);

#endif
