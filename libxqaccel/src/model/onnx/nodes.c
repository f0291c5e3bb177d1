// SPDX-License-Identifier: MIT
/*
 * Nodes of a graph become operators, in the order of the file, which is one in which they can be computed.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libxqaccel/src/model/cpu/kernel.h"
#include "reader.h"

int xqo_refuse(struct xqo_node *node, int error, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return xqm_fail(node->graph, error, "%s%s%.120s (%s): %s", node->type, *node->name ? " " : "", node->name, node->place,
			text);
}

/* ---- constants ------------------------------------------------------------------------------------------ */

int xqo_constants(struct xqo_reader *reader, const Onnx__GraphProto *graph)
{
	if (graph->n_sparse_initializer)
		return xqm_fail(reader->graph, -EOPNOTSUPP, "the graph has sparse constants");
	for (size_t i = 0; i < graph->n_initializer; i++) {
		const char *name = graph->initializer[i]->name ? graph->initializer[i]->name : "";
		int number;

		if (!*name)
			return xqm_fail(reader->graph, -EINVAL, "constant %zu has no name", i);
		if (xqo_names_find(&reader->names, name) && !reader->depth)
			return xqm_fail(reader->graph, -EINVAL, "constant %.200s is there twice", name);
		number = xqo_constant(reader, graph->initializer[i], name);
		if (number < 0)
			return number;
		if (xqo_names_set(&reader->names, name, number))
			return xqm_no_memory(reader->graph);
	}
	return 0;
}

const struct xqm_tensor *xqo_known(const struct xqo_node *node, unsigned int i)
{
	const struct xqm_tensor *t = xqm_tensor(node->graph, xqo_in(node, i));

	return t && t->data ? t : NULL;
}

/* ---- operators ------------------------------------------------------------------------------------------ */

struct xqm_operator *xqo_add_with(struct xqo_node *node, enum xqm_op op, const int *input, unsigned int inputs,
				  const int *output, unsigned int outputs)
{
	struct xqm_operator *o = xqm_add_operator(node->graph, op, inputs, outputs);

	if (!o)
		return NULL;
	memcpy(o->input, input, inputs * sizeof(*input));
	memcpy(o->output, output, outputs * sizeof(*output));
	o->name = node->name;
	o->domain = node->domain;
	o->type = node->type;
	o->place = node->place;
	o->arithmetic = XQ_REQUANT_ONNX;
	o->guard = node->reader->guard;
	return o;
}

struct xqm_operator *xqo_add(struct xqo_node *node, enum xqm_op op, unsigned int inputs)
{
	return xqo_add_with(node, op, node->input, inputs < node->inputs ? inputs : node->inputs, node->output,
			    node->outputs);
}

int xqo_between(struct xqo_node *node, int type)
{
	int number = xqm_add_tensor(node->graph, "");

	if (number > 0)
		xqm_tensor(node->graph, number)->type = type;
	return number;
}

/* ---- nodes ------------------------------------------------------------------------------------------- */

static int unknown(struct xqo_reader *reader, struct xqo_node *node)
{
	return xqm_fail(reader->graph, -EOPNOTSUPP, "operator %.100s of domain %.100s (%s%s%.100s), opset %lld, is not known",
			node->type, *node->domain ? node->domain : "ai.onnx", node->place, *node->name ? ", " : "", node->name,
			(long long)reader->opset);
}

static int find_inputs(struct xqo_node *node)
{
	const Onnx__NodeProto *proto = node->proto;
	size_t count = proto->n_input;

	/* What is left out at the end counts as not being there. */
	while (count && !*proto->input[count - 1])
		count--;
	if (count < node->kind->least || count > node->kind->most)
		return xqo_refuse(node, -EINVAL, "%zu inputs, it has %u to %u", count, node->kind->least, node->kind->most);
	node->inputs = (unsigned int)count;
	node->input = xqm_alloc(node->graph, (count + 1) * sizeof(*node->input));
	if (!node->input)
		return xqm_no_memory(node->graph);
	for (unsigned int i = 0; i < count; i++) {
		const char *name = proto->input[i];

		if (!*name && i < node->kind->least)
			return xqo_refuse(node, -EINVAL, "input %u is left out", i);
		node->input[i] = *name ? xqo_names_find(&node->reader->names, name) : 0;
		if (*name && !node->input[i])
			return xqo_refuse(node, -EINVAL, "input %.100s is made by no node before it", name);
	}
	return 0;
}

static int make_outputs(struct xqo_node *node)
{
	const Onnx__NodeProto *proto = node->proto;

	if (proto->n_output < 1 || proto->n_output > node->kind->outputs)
		return xqo_refuse(node, -EINVAL, "%zu outputs, it has 1 to %u", proto->n_output, node->kind->outputs);
	node->outputs = (unsigned int)proto->n_output;
	node->output = xqm_alloc(node->graph, node->outputs * sizeof(*node->output));
	if (!node->output)
		return xqm_no_memory(node->graph);
	for (unsigned int i = 0; i < node->outputs; i++) {
		const char *name = proto->output[i];

		if (!*name)
			continue;
		if (xqo_names_find(&node->reader->names, name) && !node->reader->depth)
			return xqo_refuse(node, -EINVAL, "output %.100s is there before", name);
		node->output[i] = xqm_add_tensor(node->graph, name);
		if (node->output[i] < 0)
			return node->output[i];
	}
	return 0;
}

static int name_outputs(struct xqo_node *node)
{
	for (unsigned int i = 0; i < node->outputs; i++) {
		if (node->output[i] && xqo_names_set(&node->reader->names, node->proto->output[i], node->output[i]))
			return xqm_no_memory(node->graph);
	}
	return 0;
}

/* Every operator that was added has a kernel, or is one that passes and the compiler know. */
static int check_kernels(struct xqo_node *node, unsigned int first)
{
	for (unsigned int i = first; i < node->graph->operators; i++) {
		if (!xqm_kernel(node->graph->operator[i]))
			return unknown(node->reader, node);
	}
	return 0;
}

static const char *kept(struct xqm_graph *graph, const char *text)
{
	return text && *text ? xqm_keep_text(graph, text, strlen(text)) : "";
}

static int read_node(struct xqo_reader *reader, const Onnx__NodeProto *proto, size_t number)
{
	unsigned int first = reader->graph->operators;
	struct xqo_node node = { .reader = reader, .graph = reader->graph, .proto = proto };
	char place[48];
	int err;

	snprintf(place, sizeof(place), "node %zu%s", number, reader->depth ? " of a graph in a node" : "");
	node.name = kept(reader->graph, proto->name);
	node.domain = kept(reader->graph, proto->domain && strcmp(proto->domain, "ai.onnx") ? proto->domain : NULL);
	node.type = kept(reader->graph, proto->op_type);
	node.place = kept(reader->graph, place);
	if (!node.name || !node.domain || !node.type || !node.place)
		return xqm_no_memory(reader->graph);
	node.kind = xqo_kind(node.domain, node.type);
	if (!node.kind || (!*node.domain && reader->opset < node.kind->since))
		return unknown(reader, &node);
	err = find_inputs(&node);
	if (!err)
		err = make_outputs(&node);
	if (!err)
		err = node.kind->build(&node);
	if (err > 0)
		err = 0;
	if (!err)
		err = node.error;
	if (!err)
		err = check_kernels(&node, first);
	return err ? err : name_outputs(&node);
}

int xqo_nodes(struct xqo_reader *reader, const Onnx__GraphProto *graph)
{
	int err = 0;

	for (size_t i = 0; !err && i < graph->n_node; i++)
		err = read_node(reader, graph->node[i], i);
	return err;
}
