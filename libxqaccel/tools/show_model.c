// SPDX-License-Identifier: MIT
/*
 * xq show of a model: what it takes and gives, its operators as a session has them, their types, scales and sizes, and
 * where each would run. A model that no session can be made of is shown as it is in the file, with the reason.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "json.h"
#include "model_file.h"
#include "show_model.h"

/**
 * struct shown - a model, and a session if there can be one
 * @why: why there is none
 */
struct shown {
	const char *path;
	struct xq_model *model;
	struct xq_device *dev;
	struct xq_session *session;
	char why[512];
};

static unsigned int operators(const struct shown *s)
{
	return s->session ? xq_session_operators(s->session) : xq_model_operators(s->model);
}

static void operator_at(const struct shown *s, unsigned int i, struct xq_session_operator *op)
{
	memset(op, 0, sizeof(*op));
	if (s->session)
		xq_session_operator(s->session, i, op);
	else
		xq_model_operator(s->model, i, &op->op);
}

static int tensor_at(const struct shown *s, int number, struct xq_model_tensor *t)
{
	return s->session ? xq_session_tensor(s->session, number, t) : xq_model_tensor(s->model, number, t);
}

/* Bytes of its constants, as they are in the file. */
static size_t constant_bytes(const struct shown *s, const struct xq_model_operator *op)
{
	struct xq_model_tensor t;
	size_t bytes = 0;

	for (unsigned int i = 0; i < op->inputs; i++)
		if (op->input[i] && !tensor_at(s, op->input[i], &t) && t.constant)
			bytes += t.bytes;
	return bytes;
}

/* The first constant with scales, or of a narrow type: the weights. */
static bool weights(const struct shown *s, const struct xq_model_operator *op, struct xq_model_tensor *t)
{
	for (unsigned int i = 0; i < op->inputs; i++)
		if (op->input[i] && !tensor_at(s, op->input[i], t) && t->constant && t->dims > 1)
			return true;
	return false;
}

/* ---- text ------------------------------------------------------------------------------------------------ */

static void print_end(const char *what, const struct xq_model_tensor *t)
{
	const char *scale = model_scale_text(t);

	printf("  %-8s %s: %s%s%s\n", what, model_name_text(t->name), model_tensor_text(t), *scale ? ", " : "", scale);
}

static void print_operator(const struct shown *s, unsigned int i)
{
	struct xq_session_operator op;
	struct xq_model_tensor y = { .name = "" }, w;

	operator_at(s, i, &op);
	if (op.op.outputs && op.op.output[0])
		tensor_at(s, op.op.output[0], &y);
	printf("%4u %-7s %-24s %-28s %-34s", i, model_where_text(op.where), model_name_text(op.op.type), model_tensor_text(&y),
	       model_scale_text(&y));
	if (weights(s, &op.op, &w))
		printf(" %zu bytes, %s%s%s", constant_bytes(s, &op.op), model_tensor_text(&w), w.scales ? ", " : "",
		       w.scales == 1 ? "one scale" : w.scales ? "scales of channels" : "");
	printf("%s%s\n", *op.op.name ? "  " : "", *op.op.name ? model_name_text(op.op.name) : "");
}

static void print_text(const struct shown *s)
{
	struct xq_model_tensor t;
	struct xq_plan_memory m;

	printf("%s: %s, %u operators", s->path, xq_model_format(s->model), xq_model_operators(s->model));
	if (xq_model_states(s->model))
		printf(", %u variables that are kept between runs", xq_model_states(s->model));
	printf("\n");
	for (unsigned int i = 0; i < xq_model_inputs(s->model); i++)
		if (!xq_model_tensor(s->model, xq_model_input(s->model, i), &t))
			print_end("input", &t);
	for (unsigned int i = 0; i < xq_model_outputs(s->model); i++)
		if (!xq_model_tensor(s->model, xq_model_output(s->model, i), &t))
			print_end("output", &t);
	printf("\n%4s %-7s %-24s %-28s %-34s constants\n", "", "where", "operator", "output", "");
	for (unsigned int i = 0; i < operators(s); i++)
		print_operator(s, i);
	if (!s->session) {
		printf("\nIt can't be run: %s\n", s->why);
		return;
	}
	xq_session_memory(s->session, &m);
	printf("\nOn the device %s: %zu bytes of weights, %zu of other constants, %zu of activations (%zu live at once), %zu of inputs"
	       " and outputs\n", xq_device_name(s->dev), m.weights, m.constants - m.weights, m.activations, m.live,
	       m.inputs + m.outputs);
}

/* ---- JSON ------------------------------------------------------------------------------------------------ */

static void json_tensor(const struct xq_model_tensor *t)
{
	printf("{\"name\": ");
	json_string(t->name);
	printf(", \"type\": \"%s\", \"shape\": ", xq_model_type_name(t->type));
	if (!t->known) {
		printf("null");
	} else {
		printf("[");
		for (unsigned int i = 0; i < t->dims; i++) {
			if (t->dim[i] < 0)
				printf("%snull", i ? ", " : "");
			else
				printf("%s%" PRId64, i ? ", " : "", t->dim[i]);
		}
		printf("]");
	}
	printf(", \"scale\": [");
	for (size_t i = 0; i < t->scales; i++) {
		printf("%s", i ? ", " : "");
		json_number((double)t->scale[i]);
	}
	printf("], \"zero_point\": [");
	for (size_t i = 0; i < t->scales; i++)
		printf("%s%d", i ? ", " : "", t->zero_point ? t->zero_point[i] : 0);
	printf("], \"constant\": %s, \"bytes\": %zu}", t->constant ? "true" : "false", t->bytes);
}

static void json_ends(const struct shown *s, const char *what, unsigned int count,
		      int (*number)(const struct xq_model *model, unsigned int i))
{
	struct xq_model_tensor t;

	printf(", \"%s\": [", what);
	for (unsigned int i = 0; i < count; i++) {
		printf("%s", i ? ", " : "");
		if (!xq_model_tensor(s->model, number(s->model, i), &t))
			json_tensor(&t);
	}
	printf("]");
}

static void json_operands(const struct shown *s, const char *what, const int *number, unsigned int count)
{
	struct xq_model_tensor t;

	printf(", \"%s\": [", what);
	for (unsigned int i = 0; i < count; i++) {
		printf("%s", i ? ", " : "");
		if (number[i] && !tensor_at(s, number[i], &t))
			json_tensor(&t);
		else
			printf("null");
	}
	printf("]");
}

static void print_json(const struct shown *s)
{
	printf("{\"file\": ");
	json_string(s->path);
	printf(", \"format\": \"%s\", \"states\": %u", xq_model_format(s->model), xq_model_states(s->model));
	json_ends(s, "inputs", xq_model_inputs(s->model), xq_model_input);
	json_ends(s, "outputs", xq_model_outputs(s->model), xq_model_output);
	printf(", \"operators\": [");
	for (unsigned int i = 0; i < operators(s); i++) {
		struct xq_session_operator op;

		operator_at(s, i, &op);
		printf("%s{\"type\": ", i ? ", " : "");
		json_string(op.op.type);
		printf(", \"name\": ");
		json_string(op.op.name);
		printf(", \"place\": ");
		json_string(op.op.place);
		if (s->session)
			printf(", \"where\": \"%s\"", model_where_text(op.where));
		json_operands(s, "inputs", op.op.input, op.op.inputs);
		json_operands(s, "outputs", op.op.output, op.op.outputs);
		printf("}");
	}
	printf("]");
	if (s->session) {
		struct xq_plan_memory m;

		xq_session_memory(s->session, &m);
		printf(", \"memory\": {\"weights\": %zu, \"constants\": %zu, \"activations\": %zu, \"live\": %zu, \"inputs\": %zu, \"outputs\": %zu}",
		       m.weights, m.constants, m.activations, m.live, m.inputs, m.outputs);
	} else {
		printf(", \"error\": ");
		json_string(s->why);
	}
	printf("}\n");
}

/* A session whose first dimensions are 1 where the file leaves them open, as for one row. */
static int make_session(struct shown *s)
{
	const unsigned int inputs = xq_model_inputs(s->model);
	struct xq_model_shape *shape = calloc((size_t)inputs + 1, sizeof(*shape));
	const struct xq_session_options options = { .shape = shape };
	int err;

	if (!shape)
		return fail("there is not enough memory");
	for (unsigned int i = 0; i < inputs; i++) {
		struct xq_model_tensor t;

		xq_model_tensor(s->model, xq_model_input(s->model, i), &t);
		if (!t.known || !t.dims || t.dim[0] >= 0)
			continue;
		shape[i].dims = t.dims;
		for (unsigned int d = 0; d < t.dims; d++)
			shape[i].dim[d] = d ? t.dim[d] : 1;
		/* What else is open has to be said. */
		for (unsigned int d = 1; d < t.dims; d++)
			shape[i].dims = t.dim[d] < 0 ? 0 : shape[i].dims;
	}
	err = xq_session_create(s->model, s->dev, &options, &s->session);
	free(shape);
	if (err)
		snprintf(s->why, sizeof(s->why), "%s", xq_model_error(s->model));
	return 0;
}

int show_model(const char *path, const char *device, bool json)
{
	struct shown s = { .path = path };
	int status = model_file_load(path, &s.model) || argument_device(device, &s.dev);

	if (!status)
		status = make_session(&s);
	if (!status)
		(json ? print_json : print_text)(&s);
	xq_session_destroy(s.session);
	xq_device_close(s.dev);
	xq_model_destroy(s.model);
	return status ? EXIT_ERROR : EXIT_OK;
}
