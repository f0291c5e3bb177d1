// SPDX-License-Identifier: MIT
/*
 * A model: its opsets, its graph's inputs and outputs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "onnx.h"
#include "reader.h"

/* A model begins with its first field, the version of the format: a small number. */
bool xqo_is(const void *data, size_t bytes)
{
	const uint8_t *file = data;

	return bytes >= 4 && file[0] == 0x08 && file[1] >= 1 && file[1] < 0x80;
}

static int read_opsets(struct xqo_reader *reader, const Onnx__ModelProto *model)
{
	reader->opset = 0;
	for (size_t i = 0; i < model->n_opset_import; i++) {
		const Onnx__OperatorSetIdProto *opset = model->opset_import[i];

		if (!opset->domain || !*opset->domain || !strcmp(opset->domain, "ai.onnx"))
			reader->opset = opset->version;
	}
	if (reader->opset < XQO_OLDEST_OPSET || reader->opset > XQO_NEWEST_OPSET)
		return xqm_fail(reader->graph, -EOPNOTSUPP, "the model is of opset %lld; known are %d to %d",
				(long long)reader->opset, XQO_OLDEST_OPSET, XQO_NEWEST_OPSET);
	return 0;
}

/* An input that has a constant of its name is that constant, as before version 4 of the format. */
static int read_inputs(struct xqo_reader *reader, const Onnx__GraphProto *graph)
{
	for (size_t i = 0; i < graph->n_input; i++) {
		const char *name = graph->input[i]->name ? graph->input[i]->name : "";
		int number, err;

		if (xqo_names_find(&reader->names, name))
			continue;
		number = xqm_add_tensor(reader->graph, name);
		if (number < 0 || xqo_names_set(&reader->names, name, number))
			return xqm_no_memory(reader->graph);
		err = xqo_value_type(reader, name, graph->input[i]->type, xqm_tensor(reader->graph, number));
		if (!err && xqm_tensor(reader->graph, number)->type == XQ_NONE)
			err = xqm_fail(reader->graph, -EINVAL, "input %.200s has no type", name);
		if (!err)
			err = xqm_add_input(reader->graph, number);
		if (err)
			return err;
	}
	return 0;
}

/* Constants are outputs by an operator that copies them, so that every output is made by one. */
static int made(struct xqo_reader *reader, int number)
{
	const struct xqm_tensor *t = xqm_tensor(reader->graph, number);
	struct xqm_operator *op;
	bool given = false;
	int copy;

	for (unsigned int i = 0; i < reader->graph->inputs; i++)
		given = given || reader->graph->input[i] == number;
	if (!t->data && !given)
		return number;
	copy = xqm_add_tensor(reader->graph, t->name);
	op = copy > 0 ? xqm_add_operator(reader->graph, XQM_IDENTITY, 1, 1) : NULL;
	if (!op)
		return -ENOMEM;
	op->input[0] = number;
	op->output[0] = copy;
	op->type = "Identity";
	op->place = "output of the graph";
	xqm_tensor(reader->graph, copy)->type = xqm_tensor(reader->graph, number)->type;
	return copy;
}

static int read_outputs(struct xqo_reader *reader, const Onnx__GraphProto *graph)
{
	for (size_t i = 0; i < graph->n_output; i++) {
		const char *name = graph->output[i]->name ? graph->output[i]->name : "";
		int number = xqo_names_find(&reader->names, name), err;
		struct xqm_tensor said = { 0 }, *t;

		if (!number)
			return xqm_fail(reader->graph, -EINVAL, "output %.200s is made by no node", name);
		err = xqo_value_type(reader, name, graph->output[i]->type, &said);
		if (err)
			return err;
		t = xqm_tensor(reader->graph, number);
		if (said.type != XQ_NONE && t->type != XQ_NONE && said.type != t->type)
			return xqm_fail(reader->graph, -EINVAL, "output %.200s is of type %s, what makes it gives %s", name,
					xq_model_type_name(said.type), xq_model_type_name(t->type));
		if (said.type != XQ_NONE)
			t->type = said.type;
		number = made(reader, number);
		err = number < 0 ? xqm_no_memory(reader->graph) : xqm_add_output(reader->graph, number);
		if (err)
			return err;
	}
	if (!graph->n_output)
		return xqm_fail(reader->graph, -EINVAL, "the graph has no output");
	return 0;
}

static int read_model(struct xqo_reader *reader, const Onnx__ModelProto *model)
{
	int err;

	if (!model->graph)
		return xqm_fail(reader->graph, -EINVAL, "the file has no graph");
	if (model->n_functions)
		return xqm_fail(reader->graph, -EOPNOTSUPP, "the model has functions of its own, the first is %.200s",
				model->functions[0]->name ? model->functions[0]->name : "");
	err = read_opsets(reader, model);
	if (!err)
		err = xqo_constants(reader, model->graph);
	if (!err)
		err = read_inputs(reader, model->graph);
	if (!err)
		err = xqo_nodes(reader, model->graph);
	if (!err)
		err = read_outputs(reader, model->graph);
	return err ? err : xqm_check(reader->graph);
}

/* The folder of a path, or NULL after -ENOMEM. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

int xqo_read(struct xqm_graph *graph, const void *data, size_t bytes, const char *path)
{
	struct xqo_reader reader = { .graph = graph, .file = data, .bytes = bytes };
	char *folder = path ? folder_of(path) : NULL;
	ProtobufCMessage *message;
	int err;

	if (path && !folder)
		return xqm_no_memory(graph);
	reader.folder = folder;
	err = onnx_unpack(graph, &onnx__model_proto__descriptor, data, bytes, &message);
	if (!err) {
		err = read_model(&reader, (const Onnx__ModelProto *)message);
		protobuf_c_message_free_unpacked(message, NULL);
	}
	xqo_names_free(&reader.names);
	free(folder);
	return err;
}
