// SPDX-License-Identifier: MIT
/*
 * If: nodes of both branches become operators of the graph, each with the condition that it depends on, and every output a choice
 * between what they made. Nothing that ONNX computes has an effect but its result, so that both may be computed; where
 * the condition is a constant, inference takes one of them out.
 */
#include <errno.h>

#include "libxqaccel/src/model/cpu/kernels.h"
#include "reader.h"

/* Outputs of a branch. */
static int read_branch(struct xqo_node *node, const char *name, bool value, int *output)
{
	struct xqo_reader *reader = node->reader;
	const Onnx__AttributeProto *a = xqo_attribute(node, name);
	const struct xqm_guard *outer = reader->guard;
	struct xqm_guard *guard = xqm_alloc(node->graph, sizeof(*guard));
	size_t mark;
	int err;

	if (!guard)
		return xqm_no_memory(node->graph);
	if (!a || !a->g)
		return xqo_refuse(node, -EINVAL, "it has no %s", name);
	if (reader->depth == XQO_DEPTH)
		return xqo_refuse(node, -EOPNOTSUPP, "it is in %d branches", XQO_DEPTH);
	if (a->g->n_input || a->g->n_output != node->outputs)
		return xqo_refuse(node, -EINVAL, "its %s has %zu inputs and %zu outputs, not 0 and %u", name, a->g->n_input, a->g->n_output,
				  node->outputs);
	*guard = (struct xqm_guard){ node->input[0], value, outer };
	mark = xqo_names_mark(&reader->names);
	reader->guard = guard;
	reader->depth++;
	err = xqo_constants(reader, a->g);
	if (!err)
		err = xqo_nodes(reader, a->g);
	for (unsigned int i = 0; i < node->outputs && !err; i++) {
		const char *made = a->g->output[i]->name ? a->g->output[i]->name : "";

		output[i] = xqo_names_find(&reader->names, made);
		if (!output[i])
			err = xqo_refuse(node, -EINVAL, "output %.100s of its %s is made by no node", made, name);
	}
	reader->depth--;
	reader->guard = outer;
	xqo_names_forget(&reader->names, mark);
	return err;
}

int xqo_build_if(struct xqo_node *node)
{
	int *yes = xqm_alloc(node->graph, node->outputs * sizeof(*yes)), *no = xqm_alloc(node->graph, node->outputs * sizeof(*no));
	int err = yes && no ? read_branch(node, "then_branch", true, yes) : xqm_no_memory(node->graph);

	if (!err)
		err = read_branch(node, "else_branch", false, no);
	for (unsigned int i = 0; i < node->outputs && !err; i++) {
		const int input[3] = { node->input[0], yes[i], no[i] };
		struct xqm_operator *op;

		if (!node->output[i])
			continue;
		op = xqo_add_with(node, XQM_OTHER, input, 3, &node->output[i], 1);
		if (!op)
			return -ENOMEM;
		op->params.other.kernel = &xqm_choice_kernel;
	}
	return err;
}
