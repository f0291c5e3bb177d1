// SPDX-License-Identifier: MIT
/*
 * Bounds of real numbers behind a convolution. Its kernel has bounds of its own, and sets them as Relu and Clip do.
 */
#include <math.h>

#include "lower.h"

/* The convolution that makes a tensor of float32, without bounds yet, which nobody else reads. */
static struct xqm_operator *convolution_of(const struct xqm_graph *graph, const struct xqm_tensor *t)
{
	struct xqm_operator *op = t && t->type == XQ_F32 && t->uses == 1 ? xqm_maker(graph, t->number) : NULL;

	if (!op || op->op != XQM_CONV || op->params.window.low != -INFINITY || op->params.window.high != INFINITY)
		return NULL;
	return op;
}

void xqm_take_in_limits(struct xqm_graph *graph)
{
	unsigned int i;

	xqm_link(graph);
	for (i = 0; i < graph->operators; i++) {
		struct xqm_operator *op = graph->operator[i], *conv;
		float low, high;

		if ((op->op != XQM_RELU && op->op != XQM_CLIP) || !op->output[0])
			continue;
		conv = convolution_of(graph, xqm_input(graph, op, 0));
		if (!conv || !xqm_limits_of(graph, op, &low, &high))
			continue;
		conv->params.window.low = low;
		conv->params.window.high = high;
		conv->output[0] = op->output[0];
		xqm_output(graph, op, 0)->producer = (int)conv->number;
		op->op = XQM_REMOVED;
	}
	xqm_sweep(graph);
	xqm_link(graph);
}
