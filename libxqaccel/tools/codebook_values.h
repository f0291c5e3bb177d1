/* SPDX-License-Identifier: MIT */
#ifndef XQ_TOOL_CODEBOOK_VALUES_H
#define XQ_TOOL_CODEBOOK_VALUES_H

#include <xqaccel/quantize.h>

#include "tensor.h"

/*
 * x = S * T[q] in float32: indices, a table of floats or int8, [entries] or [C, entries] with C the
 * first axis of q, and a scale by layout. 0, or EXIT_ERROR after printing.
 */
int codebook_values(const struct tensor *q, const struct tensor *table, const float *scale,
		    const struct xq_layout *layout, float *x);

#endif
