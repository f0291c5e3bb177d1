/* SPDX-License-Identifier: MIT */
#ifndef XQ_TOOL_CODEBOOK_VALUES_H
#define XQ_TOOL_CODEBOOK_VALUES_H

#include "layout_piece.h"
#include "tensor.h"

/*
 * x = S * T[q] in float32 of a piece of q: indices, a table of floats or int8, [entries] or
 * [C, entries] with C the first axis of q, and a scale by layout. 0, or EXIT_ERROR after printing.
 */
int codebook_values(const struct tensor *q, const struct tensor *table, const struct tensor *scales,
		    const struct layout_piece *piece, float *x);

#endif
