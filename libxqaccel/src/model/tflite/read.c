// SPDX-License-Identifier: MIT
/*
 * A TensorFlow Lite file: its subgraphs and operators.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "tflite.h"

/* Bytes of lists that may be read, for each byte of the file: lists may be shared, but not by everything. */
#define SHARING		8
#define ALWAYS		65536

/* ---- operators ----------------------------------------------------------------------------------------- */

int xqt_refuse(struct xqt_call *call, int error, const char *format, ...)
{
	struct xqm_operator op = { .name = "", .domain = "", .place = call->place };
	char text[XQM_ERROR_BYTES];
	va_list arguments;

	op.type = xqt_operator_name(call->kind->code);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return xqm_fail_at(call->graph, &op, error, "%s", text);
}

/* Tensors of an operator: indices in the subgraph to numbers in the graph. */
static int *operands(struct xqt_scope *scope, const struct xqt_table *from, unsigned int field, const char *place,
		     unsigned int *count)
{
	struct xqt_reader *r = scope->reader;
	const struct xqt_vector v = xqt_vector(from, field, 4);
	int *number = xqm_alloc(r->graph, v.count * sizeof(*number));
	size_t i;

	if (!number) {
		xqm_no_memory(r->graph);
		return NULL;
	}
	for (i = 0; i < v.count; i++) {
		const int64_t index = xqt_integer_at(&v, 4, i);

		if (index < -1 || index >= (int64_t)scope->tensors) {
			xqm_fail(r->graph, -EINVAL, "%s names tensor %lld, the subgraph has %zu", place, (long long)index,
				 scope->tensors);
			return NULL;
		}
		number[i] = index < 0 ? 0 : scope->first + (int)index;
		if (number[i] && field == OPERATOR_INPUTS && (unsigned int)number[i] <= r->room && r->alias[number[i] - 1])
			number[i] = r->alias[number[i] - 1];
	}
	*count = (unsigned int)v.count;
	return number;
}

/* An operator that nobody knows, with the types of its inputs. */
static int unknown(struct xqt_call *call, int64_t code, const char *custom, size_t length)
{
	const char *name = xqt_operator_name(code);
	char types[256] = "";
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < call->inputs && n < sizeof(types); i++) {
		const struct xqm_tensor *t = xqm_tensor(call->graph, call->input[i]);
		char shape[XQM_SHAPE_TEXT];

		n += (size_t)snprintf(types + n, sizeof(types) - n, "%s%s %s", i ? ", " : "",
				      t ? xq_model_type_name(t->type) : "none", t ? xqm_shape_text(&t->shape, shape) : "");
	}
	if (code == TFLITE_CUSTOM)
		return xqm_fail(call->graph, -EOPNOTSUPP, "%s is the custom operator %.*s, which is not known; its inputs are %s",
				call->place, (int)(length < 100 ? length : 100), custom, types);
	return xqm_fail(call->graph, -EOPNOTSUPP, "%s is of kind %lld (%s), which is not known; its inputs are %s",
			call->place, (long long)code, name ? name : "no operator of TensorFlow Lite", types);
}

static int read_operator(struct xqt_scope *scope, const struct xqt_table *from, size_t number)
{
	struct xqt_reader *r = scope->reader;
	struct xqt_call call = { .scope = scope, .reader = r, .graph = r->graph };
	const uint32_t index = (uint32_t)xqt_integer(from, OPERATOR_CODE, 4, 0);
	struct xqt_table code;
	size_t length;
	const char *custom;
	int64_t kind, newer;
	char place[96];

	snprintf(place, sizeof(place), "operator %zu of subgraph %u at byte %zu", number, scope->index, from->at);
	call.place = xqm_keep_text(r->graph, place, strlen(place));
	if (!call.place)
		return xqm_no_memory(r->graph);
	if (index >= r->codes.count)
		return xqm_fail(r->graph, -EINVAL, "%s is of kind %u, the file has %zu", place, index, r->codes.count);
	code = xqt_table_at(&r->codes, index);
	/* The newer field holds what the older one is too narrow for. */
	kind = xqt_integer(&code, CODE_OLD, 1, 0);
	newer = xqt_integer(&code, CODE_BUILTIN, 4, 0);
	kind = newer > kind ? newer : kind;
	custom = xqt_string(&code, CODE_CUSTOM, &length);
	call.options = xqt_child(from, OPERATOR_OPTIONS);
	call.input = operands(scope, from, OPERATOR_INPUTS, place, &call.inputs);
	call.output = call.input ? operands(scope, from, OPERATOR_OUTPUTS, place, &call.outputs) : NULL;
	if (r->file.error)
		return r->file.error;
	if (!call.output)
		return -EINVAL;
	call.kind = xqt_kind(kind);
	if (!call.kind)
		return unknown(&call, kind, custom, length);
	if (call.inputs < call.kind->least || call.inputs > call.kind->most)
		return xqt_refuse(&call, -EINVAL, "it has %u inputs, not %u to %u", call.inputs, call.kind->least,
				  call.kind->most);
	if (call.kind->op != XQM_REMOVED && !call.outputs)
		return xqt_refuse(&call, -EINVAL, "it has no output");
	return call.kind->build(&call);
}

int xqt_read_operators(struct xqt_scope *scope, const struct xqt_table *subgraph)
{
	struct xqt_reader *r = scope->reader;
	const struct xqt_vector v = xqt_vector(subgraph, SUBGRAPH_OPERATORS, 4);
	size_t i;
	int err = r->file.error;

	for (i = 0; i < v.count && !err; i++) {
		const struct xqt_table op = xqt_table_at(&v, i);

		err = r->file.error ? r->file.error : read_operator(scope, &op, i);
		if (!err)
			err = r->file.error;
	}
	return err;
}

/* ---- inputs and outputs ---------------------------------------------------------------------------------- */

static int read_ends(struct xqt_scope *scope, const struct xqt_table *subgraph, unsigned int field,
		     int (*add)(struct xqm_graph *graph, int tensor))
{
	struct xqt_reader *r = scope->reader;
	const struct xqt_vector v = xqt_vector(subgraph, field, 4);
	size_t i;
	int err = r->file.error;

	for (i = 0; i < v.count && !err; i++) {
		const int64_t index = xqt_integer_at(&v, 4, i);
		int number;

		if (index < 0 || index >= (int64_t)scope->tensors)
			return xqm_fail(r->graph, -EINVAL, "%s %zu of the model is tensor %lld, there are %zu",
					field == SUBGRAPH_INPUTS ? "input" : "output", i, (long long)index, scope->tensors);
		number = (int)index + scope->first;
		if (field == SUBGRAPH_INPUTS) {
			xqm_tensor(r->graph, number)->shape.known = true;
		} else if ((unsigned int)number <= r->room && r->alias[number - 1]) {
			number = r->alias[number - 1];
		}
		err = add(r->graph, number);
	}
	return err;
}

/* A list of no elements has no bytes in the file and is a constant still. */
static void find_empty(struct xqm_graph *graph)
{
	static const int64_t nothing;
	unsigned int i;

	xqm_link(graph);
	for (i = 0; i < graph->inputs; i++)
		if (xqm_tensor(graph, graph->input[i]))
			xqm_tensor(graph, graph->input[i])->producer = 0;
	for (i = 0; i < graph->tensors; i++) {
		struct xqm_tensor *t = &graph->tensor[i];

		if (t->producer < 0 && !t->data && t->uses && t->type && !xqm_elements(&t->shape))
			t->data = &nothing;
	}
}

static int read_main(struct xqt_reader *r)
{
	struct xqt_scope scope = { .reader = r };
	struct xqt_table subgraph;
	int err;

	if (!r->subgraphs.count)
		return xqm_fail(r->graph, -EINVAL, "the file has no subgraph");
	subgraph = xqt_table_at(&r->subgraphs, 0);
	err = xqt_read_tensors(&scope, &subgraph);
	if (!err)
		err = read_ends(&scope, &subgraph, SUBGRAPH_INPUTS, xqm_add_input);
	if (!err)
		err = xqt_read_operators(&scope, &subgraph);
	if (!err)
		err = read_ends(&scope, &subgraph, SUBGRAPH_OUTPUTS, xqm_add_output);
	if (!err && !r->graph->outputs)
		err = xqm_fail(r->graph, -EINVAL, "the model has no output");
	if (!err)
		err = xqt_end_variables(r);
	if (err)
		return err;
	find_empty(r->graph);
	return xqm_check(r->graph);
}

bool xqt_is(const void *data, size_t bytes)
{
	return bytes >= 8 && !memcmp((const char *)data + 4, "TFL3", 4);
}

int xqt_read(struct xqm_graph *graph, const void *data, size_t bytes, const char *path)
{
	struct xqt_reader r = { .file = { .data = data, .bytes = bytes, .graph = graph }, .graph = graph };
	struct xqt_table model;
	int err;

	(void)path;
	if (!xqt_is(data, bytes))
		return xqm_fail(graph, -EINVAL, "the file is not one of TensorFlow Lite, version 3");
	r.file.budget = bytes > (SIZE_MAX - ALWAYS) / SHARING ? SIZE_MAX : bytes * SHARING + ALWAYS;
	model = xqt_root(&r.file);
	r.buffers = xqt_vector(&model, MODEL_BUFFERS, 4);
	r.codes = xqt_vector(&model, MODEL_OPERATOR_CODES, 4);
	r.subgraphs = xqt_vector(&model, MODEL_SUBGRAPHS, 4);
	err = r.file.error;
	if (!err && xqt_integer(&model, MODEL_VERSION, 4, 0) != 3)
		err = xqm_fail(graph, -EOPNOTSUPP, "the file is of version %lld of TensorFlow Lite's schema, not 3",
			       (long long)xqt_integer(&model, MODEL_VERSION, 4, 0));
	if (!err)
		err = read_main(&r);
	free(r.variable);
	free(r.alias);
	free(r.handle);
	return err;
}
