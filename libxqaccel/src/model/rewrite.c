// SPDX-License-Identifier: MIT
/*
 * Passes that put operators between others.
 */
#include <stdlib.h>

#include "graph.h"

int xqm_rewrite_begin(struct xqm_graph *graph, struct xqm_rewrite *rewrite)
{
	unsigned int i;

	*rewrite = (struct xqm_rewrite){ .left = graph->operators, .room = graph->operators + 1 };
	rewrite->rest = calloc(rewrite->room, sizeof(*rewrite->rest));
	if (!rewrite->rest)
		return xqm_no_memory(graph);
	for (i = 0; i < graph->operators; i++)
		rewrite->rest[rewrite->left - 1 - i] = graph->operator[i];
	graph->operators = 0;
	return 0;
}

struct xqm_operator *xqm_rewrite_next(struct xqm_rewrite *rewrite)
{
	return rewrite->left ? rewrite->rest[--rewrite->left] : NULL;
}

int xqm_rewrite_keep(struct xqm_graph *graph, struct xqm_operator *op)
{
	int err = xqm_append_operator(graph, op);
	unsigned int i;

	for (i = 0; i < op->outputs && !err && op->op != XQM_REMOVED; i++)
		if (xqm_output(graph, op, i))
			xqm_output(graph, op, i)->producer = (int)op->number;
	return err;
}

int xqm_rewrite_again(struct xqm_graph *graph, struct xqm_rewrite *rewrite, unsigned int from, struct xqm_operator *op)
{
	const unsigned int more = graph->operators - from + 1;

	if (more > rewrite->room - rewrite->left) {
		const unsigned int room = rewrite->room + more > 2 * rewrite->room ? rewrite->room + more : 2 * rewrite->room;
		struct xqm_operator **rest = reallocarray(rewrite->rest, room, sizeof(*rest));

		if (!rest)
			return xqm_no_memory(graph);
		rewrite->rest = rest;
		rewrite->room = room;
	}
	rewrite->rest[rewrite->left++] = op;
	while (graph->operators > from)
		rewrite->rest[rewrite->left++] = graph->operator[--graph->operators];
	return 0;
}

int xqm_rewrite_end(struct xqm_graph *graph, struct xqm_rewrite *rewrite, int err)
{
	struct xqm_operator *op;

	while ((op = xqm_rewrite_next(rewrite))) {
		const int lost = xqm_append_operator(graph, op);

		err = err ? err : lost;
	}
	free(rewrite->rest);
	return err;
}
