/* SPDX-License-Identifier: MIT */
/*
 * Operands that are broadcast as numpy does: shapes, and a walk over the output by rows in which every operand has
 * one step. Internal.
 */
#ifndef XQ_MODEL_CPU_BROADCAST_H
#define XQ_MODEL_CPU_BROADCAST_H

#include "kernel.h"

#define XQM_BROADCAST		16	/* operands */

/**
 * struct xqm_walk - a walk over an output
 * @dims: @dim: of the output, those along which nothing changes for the operands joined
 * @step: of each operand along each of them, in elements; 0 repeats
 * @index: where it is, but for the last dimension
 * @at: the operands' elements where the row begins
 * @out: the output's
 * @row: elements of a row
 */
struct xqm_walk {
	unsigned int operands, dims;
	size_t dim[XQ_MODEL_DIMS], step[XQM_BROADCAST][XQ_MODEL_DIMS], index[XQ_MODEL_DIMS];
	size_t at[XQM_BROADCAST], out, row, rows;
};

/* The shape that operands have together; -EINVAL with a sentence. Those that are left out have no type. */
int xqm_broadcast(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		  unsigned int operands, struct xqm_value *out);

/* Begins a walk. An operand that is left out has the step 0 and stays at 0. */
void xqm_walk_start(struct xqm_walk *walk, const struct xqm_value *in, unsigned int operands,
		    const struct xqm_value *out);

/* Goes to the next row. Call it walk->rows times. */
void xqm_walk_next(struct xqm_walk *walk);

/* Step of an operand within a row: 0 or 1. */
static inline size_t xqm_walk_step(const struct xqm_walk *walk, unsigned int operand)
{
	return walk->step[operand][walk->dims - 1];
}

#endif
