/* SPDX-License-Identifier: MIT */
/*
 * Loops of ONNX, Loop and Scan. A graph is flat, so that shapes, memory and the device's operators
 * are known before the run: inference puts the operators of the body in place of the loop as often
 * as it is passed through. Internal.
 */
#ifndef XQ_MODEL_PASSES_LOOP_H
#define XQ_MODEL_PASSES_LOOP_H

#include "libxqaccel/src/model/cpu/kernel.h"

/**
 * struct xqm_loop - what xqm_loop_kernel has in params.other.data
 * @scan: Scan, whose operands are what is carried and what is sliced; else Loop, whose operands are
 *	the number of times or none, the condition or none, and what is carried. Behind them those
 *	of @capture
 * @operators: @operator: of the body
 * @input: of the body: of Loop the number of the pass and the condition; what is carried; slices
 * @output: of the body: of Loop the condition; what is carried; what is collected
 * @carried: @sliced: @collected: how many there are
 * @in_axis: @in_reverse: [@sliced]
 * @out_axis: @out_reverse: [@collected]
 * @said: [@collected] type and shape of what is collected, as far as the file says them
 * @captures: @capture: tensors of the graph around it that the body reads
 * @first: @last: tensors of the body have these numbers
 * @progress: NULL in what a reader makes
 */
struct xqm_loop {
	bool scan;
	unsigned int operators;
	struct xqm_operator *const *operator;
	const int *input, *output;
	unsigned int carried, sliced, collected;
	int64_t *in_axis, *out_axis;
	bool *in_reverse, *out_reverse;
	struct xqm_tensor *said;
	unsigned int captures;
	const int *capture;
	int first, last;
	struct xqm_progress *progress;
};

extern const struct xqm_kernel xqm_loop_kernel;

bool xqm_is_loop(const struct xqm_operator *op);

/*
 * Adds the next pass through a loop that a rewrite is at, or after the last one what is made of all of
 * them; then the loop is marked as removed. Operators before it have been inferred. -EOPNOTSUPP with a
 * sentence if it is not known how often it is passed through.
 */
int xqm_unroll(struct xqm_graph *graph, struct xqm_operator *op);

#endif
