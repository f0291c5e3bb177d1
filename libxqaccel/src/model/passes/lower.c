// SPDX-License-Identifier: MIT
/*
 * The pass over all operators, and what it leaves that nobody reads.
 */
#include <errno.h>
#include <stdlib.h>

#include "lower.h"

static bool wanted(const struct xqm_operator *op, const unsigned int *uses)
{
	for (unsigned int i = 0; i < op->outputs; i++) {
		if (op->output[i] && uses[op->output[i] - 1])
			return true;
	}
	return false;
}

/* Operators whose outputs nobody reads go, from the end on. */
static int remove_unread(struct xqm_graph *graph)
{
	unsigned int *uses = calloc(graph->tensors + 1, sizeof(*uses));

	if (!uses)
		return xqm_no_memory(graph);
	for (unsigned int i = 0; i < graph->outputs; i++)
		uses[graph->output[i] - 1]++;
	for (unsigned int i = 0; i < graph->states; i++)
		uses[graph->state[i].out - 1]++;
	for (unsigned int i = graph->operators; i-- > 0;) {
		struct xqm_operator *op = graph->operator[i];

		if (op->op == XQM_REMOVED)
			continue;
		if (!wanted(op, uses)) {
			op->op = XQM_REMOVED;
			continue;
		}
		for (unsigned int k = 0; k < op->inputs; k++) {
			if (op->input[k])
				uses[op->input[k] - 1]++;
		}
	}
	free(uses);
	return 0;
}

/* What only moves elements leaves their scales as they are. */
static void keep_scales(struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0);

	switch (op->op) {
	case XQM_MAX_POOL:
	case XQM_IDENTITY:
	case XQM_RESHAPE:
	case XQM_FLATTEN:
	case XQM_SQUEEZE:
	case XQM_UNSQUEEZE:
	case XQM_TRANSPOSE:
	case XQM_SPLIT:
	case XQM_SLICE:
		break;
	default:
		return;
	}
	for (unsigned int i = 0; x && x->quantization.count == 1 && i < op->outputs; i++) {
		struct xqm_tensor *y = xqm_output(graph, op, i);

		if (y && y->type == x->type && !y->quantization.count)
			y->quantization = x->quantization;
	}
}

/* Puts what the device has in place of an operator: 1, 0 if it stays, or -ENOMEM. */
static int lower(struct xqm_lowering *l, const struct xqm_operator *op, bool conversions)
{
	struct xqm_layer layer;

	if (op->op == XQM_REMOVED || op->arithmetic != XQ_REQUANT_ONNX)
		return 0;
	keep_scales(l->graph, op);
	if (conversions ? !xqm_match_conversion(l->graph, op, &layer) : !xqm_match(l->graph, op, &layer))
		return 0;
	return xqm_place(l, &layer);
}

/* Layers first: conversions that are left are those that no layer has taken in. */
static int lower_all(struct xqm_graph *graph, bool conversions)
{
	struct xqm_lowering l = { .graph = graph };
	struct xqm_operator *op;
	struct xqm_rewrite rewrite;
	int err = xqm_rewrite_begin(graph, &rewrite);

	if (err)
		return err;
	while (!err && (op = xqm_rewrite_next(&rewrite))) {
		l.op = op;
		err = lower(&l, op, conversions);
		if (err > 0) {
			xqm_unlink_operator(graph, op);
			op->op = XQM_REMOVED;
		}
		if (err >= 0)
			err = xqm_rewrite_keep(graph, op);
	}
	free(l.twin);
	err = xqm_rewrite_end(graph, &rewrite, err);
	if (!err)
		err = remove_unread(graph);
	xqm_sweep(graph);
	xqm_link(graph);
	return err;
}

int xqm_lower(struct xqm_graph *graph)
{
	int err = lower_all(graph, false);

	if (!err)
		err = lower_all(graph, true);
	graph->lowered = true;
	return err;
}
