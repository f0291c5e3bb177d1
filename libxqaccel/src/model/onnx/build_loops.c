// SPDX-License-Identifier: MIT
/*
 * Loop and Scan: nodes of the body become operators that stand in no order of the graph, until it
 * is known how often they are computed (passes/loop.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxqaccel/src/model/passes/loop.h"
#include "reader.h"

/* ---- the body ------------------------------------------------------------------------------ */

static int read_inputs(struct xqo_node *node, const Onnx__GraphProto *body, int *input)
{
	struct xqo_reader *reader = node->reader;

	for (size_t i = 0; i < body->n_input; i++) {
		const char *name = body->input[i]->name ? body->input[i]->name : "";
		int err;

		input[i] = xqm_add_tensor(node->graph, name);
		if (input[i] < 0 || xqo_names_set(&reader->names, name, input[i]))
			return xqm_no_memory(node->graph);
		err = xqo_value_type(reader, name, body->input[i]->type,
				     xqm_tensor(node->graph, input[i]));
		if (err)
			return err;
	}
	return 0;
}

static int read_outputs(struct xqo_node *node, const Onnx__GraphProto *body, int *output,
			struct xqm_tensor *said, size_t collected)
{
	for (size_t i = 0; i < body->n_output; i++) {
		const char *name = body->output[i]->name ? body->output[i]->name : "";
		struct xqm_tensor ignored = { 0 };
		struct xqm_tensor *to = i < collected ? &ignored : &said[i - collected];
		int err = xqo_value_type(node->reader, name, body->output[i]->type, to);

		if (err)
			return err;
		output[i] = xqo_names_find(&node->reader->names, name);
		if (!output[i])
			return xqo_refuse(node, -EINVAL,
					  "output %.100s of its body is made by no node", name);
	}
	return 0;
}

/* Notes a tensor that the body reads and does not make. */
static void note(struct xqm_loop *l, int *capture, char *seen, int number)
{
	if (number < 1 || number >= l->first || seen[number])
		return;
	seen[number] = 1;
	capture[l->captures++] = number;
}

static void note_operator(struct xqm_loop *l, const struct xqm_operator *op, int *capture,
			  char *seen)
{
	for (unsigned int i = 0; i < op->inputs; i++)
		note(l, capture, seen, op->input[i]);
	for (const struct xqm_guard *g = op->guard; g; g = g->outer)
		note(l, capture, seen, g->condition);
}

static int find_captures(struct xqo_node *node, struct xqm_loop *l, size_t outputs)
{
	int *capture = calloc((size_t)l->first, sizeof(*capture));
	char *seen = calloc((size_t)l->first, 1);

	for (unsigned int i = 0; capture && seen && i < l->operators; i++)
		note_operator(l, l->operator[i], capture, seen);
	for (size_t i = 0; capture && seen && i < outputs; i++)
		note(l, capture, seen, l->output[i]);
	if (capture && seen)
		l->capture = xqm_keep(node->graph, capture, (l->captures + 1) * sizeof(*capture));
	free(capture);
	free(seen);
	return l->capture ? 0 : xqm_no_memory(node->graph);
}

/* The body's nodes, which leave the order again. */
static int read_nodes(struct xqo_node *node, const Onnx__GraphProto *body, struct xqm_loop *l,
		      int *input, int *output)
{
	struct xqm_graph *graph = node->graph;
	const unsigned int first = graph->operators;
	int err = xqo_constants(node->reader, body);

	if (!err)
		err = read_inputs(node, body, input);
	if (!err)
		err = xqo_nodes(node->reader, body);
	if (!err)
		err = read_outputs(node, body, output, l->said, body->n_output - l->collected);
	if (err)
		return err;
	l->operators = graph->operators - first;
	l->operator = xqm_keep(graph, graph->operator + first,
			       l->operators * sizeof(*graph->operator));
	graph->operators = first;
	l->last = (int)graph->tensors;
	return l->operator ? find_captures(node, l, body->n_output) : xqm_no_memory(graph);
}

static int read_body(struct xqo_node *node, const Onnx__GraphProto *body, struct xqm_loop *l)
{
	struct xqo_reader *reader = node->reader;
	int *input = xqm_alloc(node->graph, body->n_input * sizeof(*input) + 1);
	int *output = xqm_alloc(node->graph, body->n_output * sizeof(*output) + 1);
	size_t mark;
	int err;

	l->said = xqm_alloc(node->graph, l->collected * sizeof(*l->said) + 1);
	if (!input || !output || !l->said)
		return xqm_no_memory(node->graph);
	if (reader->depth == XQO_DEPTH)
		return xqo_refuse(node, -EOPNOTSUPP, "it is in %d graphs in nodes", XQO_DEPTH);
	l->first = (int)node->graph->tensors + 1;
	l->input = input;
	l->output = output;
	mark = xqo_names_mark(&reader->names);
	reader->depth++;
	err = read_nodes(node, body, l, input, output);
	reader->depth--;
	xqo_names_forget(&reader->names, mark);
	return err;
}

/* The loop as an operator: its operands, and what the body reads besides. */
static int add_loop(struct xqo_node *node, const struct xqm_loop *l, unsigned int operands)
{
	const unsigned int inputs = operands + l->captures;
	int *input = xqm_alloc(node->graph, inputs * sizeof(*input) + 1);
	int *output = xqm_alloc(node->graph, (l->carried + l->collected) * sizeof(*output) + 1);
	struct xqm_operator *op;

	if (!input || !output)
		return xqm_no_memory(node->graph);
	for (unsigned int i = 0; i < operands; i++)
		input[i] = xqo_in(node, i);
	memcpy(input + operands, l->capture, l->captures * sizeof(*input));
	memcpy(output, node->output, node->outputs * sizeof(*output));
	op = xqo_add_with(node, XQM_OTHER, input, inputs, output, l->carried + l->collected);
	if (!op)
		return -ENOMEM;
	op->params.other.kernel = &xqm_loop_kernel;
	op->params.other.data = xqm_keep(node->graph, l, sizeof(*l));
	return op->params.other.data ? 0 : xqm_no_memory(node->graph);
}

static const Onnx__GraphProto *body_of(struct xqo_node *node)
{
	const Onnx__AttributeProto *a = xqo_attribute(node, "body");

	return a ? a->g : NULL;
}

/* ---- axes and directions ------------------------------------------------------------------- */

static int axes(struct xqo_node *node, const char *name, unsigned int count, int64_t **to)
{
	size_t given;
	const int64_t *from = name ? xqo_ints(node, name, &given) : NULL;

	*to = xqm_alloc(node->graph, count * sizeof(**to) + 1);
	if (!*to)
		return xqm_no_memory(node->graph);
	if (!from)
		return 0;
	if (given != count)
		return xqo_refuse(node, -EINVAL, "%zu %s for %u tensors", given, name, count);
	memcpy(*to, from, count * sizeof(**to));
	return 0;
}

static int directions(struct xqo_node *node, const char *name, unsigned int count, bool **to)
{
	int64_t *from;
	int err = axes(node, name, count, &from);

	*to = xqm_alloc(node->graph, count * sizeof(**to) + 1);
	if (!*to)
		return xqm_no_memory(node->graph);
	for (unsigned int i = 0; !err && i < count; i++) {
		if (from[i] < 0 || from[i] > 1)
			err = xqo_refuse(node, -EINVAL, "direction %lld", (long long)from[i]);
		(*to)[i] = from[i] == 1;
	}
	return err;
}

static int set_axes(struct xqo_node *node, struct xqm_loop *l)
{
	int err = axes(node, l->scan ? "scan_input_axes" : NULL, l->sliced, &l->in_axis);

	if (!err)
		err = axes(node, l->scan ? "scan_output_axes" : NULL, l->collected, &l->out_axis);
	if (!err)
		err = directions(node, l->scan ? "scan_input_directions" : NULL, l->sliced,
				 &l->in_reverse);
	if (!err)
		err = directions(node, l->scan ? "scan_output_directions" : NULL, l->collected,
				 &l->out_reverse);
	return err;
}

/* ---- nodes --------------------------------------------------------------------------------- */

static int build(struct xqo_node *node, const Onnx__GraphProto *body, struct xqm_loop *l,
		 unsigned int operands)
{
	int err;

	if (node->outputs > l->carried + l->collected)
		return xqo_refuse(node, -EINVAL, "%u outputs, its body has %u", node->outputs,
				  l->carried + l->collected);
	err = set_axes(node, l);
	if (!err)
		err = read_body(node, body, l);
	return err ? err : add_loop(node, l, operands);
}

int xqo_build_loop(struct xqo_node *node)
{
	const Onnx__GraphProto *body = body_of(node);
	struct xqm_loop l = { .carried = node->inputs > 2 ? node->inputs - 2 : 0 };

	if (!body)
		return xqo_refuse(node, -EINVAL, "it has no body");
	if (body->n_input != 2 + (size_t)l.carried || body->n_output < 1 + (size_t)l.carried ||
	    body->n_output > XQO_OPERANDS)
		return xqo_refuse(node, -EINVAL, "its body has %zu inputs and %zu outputs, and it "
				  "carries %u tensors", body->n_input, body->n_output, l.carried);
	l.collected = (unsigned int)body->n_output - 1 - l.carried;
	for (unsigned int i = 0; i < l.carried; i++) {
		if (!node->input[2 + i])
			return xqo_refuse(node, -EINVAL, "input %u is left out", 2 + i);
	}
	return build(node, body, &l, 2 + l.carried);
}

int xqo_build_scan(struct xqo_node *node)
{
	const Onnx__GraphProto *body = body_of(node);
	const int64_t sliced = xqo_int(node, "num_scan_inputs", 0);
	struct xqm_loop l = { .scan = true };

	if (!body)
		return xqo_refuse(node, -EINVAL, "it has no body");
	if (sliced < 1 || sliced > node->inputs)
		return xqo_refuse(node, -EINVAL, "it scans %lld of %u tensors", (long long)sliced,
				  node->inputs);
	l.sliced = (unsigned int)sliced;
	l.carried = node->inputs - l.sliced;
	if (body->n_input != node->inputs || body->n_output < l.carried ||
	    body->n_output > XQO_OPERANDS)
		return xqo_refuse(node, -EINVAL, "its body has %zu inputs and %zu outputs, and it "
				  "carries %u tensors and scans %u", body->n_input, body->n_output,
				  l.carried, l.sliced);
	l.collected = (unsigned int)body->n_output - l.carried;
	for (unsigned int i = 0; i < node->inputs; i++) {
		if (!node->input[i])
			return xqo_refuse(node, -EINVAL, "input %u is left out", i);
	}
	return build(node, body, &l, node->inputs);
}
