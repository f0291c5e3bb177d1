// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"

#define ONNX_FLOAT	1
#define LEAST_IR	4	/* from which on constants need not be inputs */
#define IR_OF_OPSET(o)	((o) >= 25 ? 13 : (o) >= 21 ? 10 : (o) >= 15 ? 8 : 7)

/* ---- reading ----------------------------------------------------------------------------- */

static void *take(struct xqc_document *doc, size_t bytes)
{
	void *memory = xqm_alloc(doc->memory, bytes + 1);

	if (!memory)
		xqm_no_memory(doc->memory);
	return memory;
}

bool xqc_failed(const struct xqc_document *doc)
{
	return doc->memory->error[0];
}

/* A constant whose raw data are where the file has them. */
static Onnx__TensorProto *resolved(struct xqc_document *doc, const Onnx__TensorProto *from)
{
	Onnx__TensorProto *t = take(doc, sizeof(*t));

	if (!t)
		return NULL;
	*t = *from;
	if (t->has_raw_data) {
		const struct onnx_span span = onnx_raw(from);

		t->raw_data.data = (uint8_t *)(uintptr_t)doc->file + span.offset;
		t->raw_data.len = span.bytes;
	}
	return t;
}

/* The same of tensors in a node's attributes: Constant has its value there. */
static Onnx__NodeProto *resolved_node(struct xqc_document *doc, Onnx__NodeProto *from)
{
	Onnx__NodeProto *node = take(doc, sizeof(*node));
	Onnx__AttributeProto **list = take(doc, from->n_attribute * sizeof(*list)), *copy;

	if (!node || !list)
		return from;
	*node = *from;
	for (size_t i = 0; i < from->n_attribute; i++) {
		list[i] = from->attribute[i];
		if (list[i]->g || list[i]->n_graphs || list[i]->n_tensors) {
			xqm_fail(doc->memory, -EOPNOTSUPP,
				 "node %.200s has graphs or lists of tensors in it", from->op_type);
			return from;
		}
		if (!list[i]->t)
			continue;
		copy = take(doc, sizeof(*copy));
		if (!copy)
			return from;
		*copy = *list[i];
		copy->t = resolved(doc, list[i]->t);
		list[i] = copy;
	}
	node->attribute = list;
	return node;
}

int xqc_open(struct xqc_document *doc, const void *file, size_t bytes)
{
	const Onnx__GraphProto *graph;
	ProtobufCMessage *message;
	int err;

	*doc = (struct xqc_document){ .memory = xqm_create("ONNX"), .file = file, .bytes = bytes };
	if (!doc->memory)
		return -ENOMEM;
	err = onnx_unpack(doc->memory, &onnx__model_proto__descriptor, file, bytes, &message);
	if (err)
		return err;
	doc->model = (Onnx__ModelProto *)message;
	graph = doc->model->graph;
	if (!graph)
		return xqm_fail(doc->memory, -EINVAL, "the file has no graph");
	for (size_t i = 0; i < doc->model->n_opset_import; i++) {
		const Onnx__OperatorSetIdProto *o = doc->model->opset_import[i];

		if (!o->domain || !*o->domain || !strcmp(o->domain, "ai.onnx"))
			doc->opset = o->version;
	}
	doc->nodes = doc->node_room = (unsigned int)graph->n_node;
	doc->constants = doc->constant_room = (unsigned int)graph->n_initializer;
	doc->node = take(doc, doc->nodes * sizeof(*doc->node));
	doc->constant = take(doc, doc->constants * sizeof(*doc->constant));
	if (xqc_failed(doc))
		return -ENOMEM;
	for (unsigned int i = 0; i < doc->constants; i++)
		doc->constant[i] = resolved(doc, graph->initializer[i]);
	for (unsigned int i = 0; i < doc->nodes; i++)
		doc->node[i] = resolved_node(doc, graph->node[i]);
	return xqc_failed(doc) ? -EOPNOTSUPP : 0;
}

void xqc_close(struct xqc_document *doc)
{
	if (doc->model)
		protobuf_c_message_free_unpacked(&doc->model->base, NULL);
	xqm_destroy(doc->memory);
	*doc = (struct xqc_document){ 0 };
}

/* ---- looking ----------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

Onnx__TensorProto *xqc_constant(const struct xqc_document *doc, const char *name)
{
	for (unsigned int i = 0; i < doc->constants; i++)
		if (same(doc->constant[i]->name, name))
			return doc->constant[i];
	return NULL;
}

int xqc_producer(const struct xqc_document *doc, const char *name)
{
	for (unsigned int i = 0; i < doc->nodes; i++)
		for (size_t o = 0; o < doc->node[i]->n_output; o++)
			if (same(doc->node[i]->output[o], name))
				return (int)i;
	return -1;
}

bool xqc_is_output(const struct xqc_document *doc, const char *name)
{
	for (size_t i = 0; i < doc->model->graph->n_output; i++)
		if (same(doc->model->graph->output[i]->name, name))
			return true;
	return false;
}

bool xqc_is_input(const struct xqc_document *doc, const char *name)
{
	for (size_t i = 0; i < doc->model->graph->n_input; i++)
		if (same(doc->model->graph->input[i]->name, name))
			return !xqc_constant(doc, name);
	return false;
}

unsigned int xqc_uses(const struct xqc_document *doc, const char *name)
{
	unsigned int uses = xqc_is_output(doc, name);

	for (unsigned int i = 0; i < doc->nodes; i++)
		for (size_t k = 0; k < doc->node[i]->n_input; k++)
			uses += same(doc->node[i]->input[k], name);
	return uses;
}

int xqc_only_user(const struct xqc_document *doc, const char *name)
{
	if (xqc_uses(doc, name) != 1)
		return -1;
	for (unsigned int i = 0; i < doc->nodes; i++)
		for (size_t k = 0; k < doc->node[i]->n_input; k++)
			if (same(doc->node[i]->input[k], name))
				return (int)i;
	return -1;
}

static const Onnx__AttributeProto *attribute(const Onnx__NodeProto *node, const char *name)
{
	for (size_t i = 0; i < node->n_attribute; i++)
		if (same(node->attribute[i]->name, name))
			return node->attribute[i];
	return NULL;
}

bool xqc_has(const Onnx__NodeProto *node, const char *name)
{
	return attribute(node, name);
}

int64_t xqc_int(const Onnx__NodeProto *node, const char *name, int64_t otherwise)
{
	const Onnx__AttributeProto *a = attribute(node, name);

	return a && a->has_i ? a->i : otherwise;
}

bool xqc_text_is(const Onnx__NodeProto *node, const char *name, const char *text)
{
	const Onnx__AttributeProto *a = attribute(node, name);

	return a && a->has_s && a->s.len == strlen(text) && !memcmp(a->s.data, text, a->s.len);
}

const int64_t *xqc_ints(const Onnx__NodeProto *node, const char *name, size_t *count)
{
	const Onnx__AttributeProto *a = attribute(node, name);

	*count = a ? a->n_ints : 0;
	return a ? a->ints : NULL;
}

float xqc_float(const Onnx__NodeProto *node, const char *name, float otherwise)
{
	const Onnx__AttributeProto *a = attribute(node, name);

	return a && a->has_f ? a->f : otherwise;
}

const float *xqc_floats(struct xqc_document *doc, const Onnx__TensorProto *t, size_t *count)
{
	float *copy;

	*count = 1;
	if (!t || t->data_type != ONNX_FLOAT || t->n_external_data)
		return NULL;
	for (size_t d = 0; d < t->n_dims; d++)
		if (t->dims[d] < 0 || __builtin_mul_overflow(*count, (size_t)t->dims[d], count))
			return NULL;
	if (!t->has_raw_data)
		return t->n_float_data == *count ? t->float_data : NULL;
	if (t->raw_data.len / sizeof(float) != *count || t->raw_data.len % sizeof(float))
		return NULL;
	/* A file has them at any byte. */
	copy = take(doc, t->raw_data.len);
	if (copy)
		memcpy(copy, t->raw_data.data, t->raw_data.len);
	return copy;
}

/* ---- editing ----------------------------------------------------------------------------- */

const char *xqc_text(struct xqc_document *doc, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	const char *kept;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	kept = xqm_keep_text(doc->memory, text, strlen(text));
	if (!kept)
		xqm_no_memory(doc->memory);
	return kept ? kept : "";
}

const char *xqc_new_name(struct xqc_document *doc, const char *stem, const char *suffix)
{
	const char *name = xqc_text(doc, "%.800s_%s", stem, suffix);
	unsigned int more = 1;

	while (!xqc_failed(doc) &&
	       (xqc_uses(doc, name) || xqc_producer(doc, name) >= 0 || xqc_constant(doc, name)))
		name = xqc_text(doc, "%.800s_%s_%u", stem, suffix, more++);
	return name;
}

static bool names_node(const struct xqc_document *doc, const char *name)
{
	for (unsigned int i = 0; i < doc->nodes; i++)
		if (!strcmp(doc->node[i]->name, name))
			return true;
	return false;
}

/*
 * Files may call operators as they call tensors, and ONNX Runtime refuses two operators of one
 * name.
 */
static const char *new_node_name(struct xqc_document *doc, const char *stem)
{
	const char *name = stem;
	unsigned int more = 1;

	while (!xqc_failed(doc) && names_node(doc, name))
		name = xqc_text(doc, "%.800s_%u", stem, more++);
	return name;
}

Onnx__NodeProto *xqc_node(struct xqc_document *doc, const char *type, const char *name,
			  unsigned int inputs, const char *const *input, const char *output)
{
	Onnx__NodeProto *node = take(doc, sizeof(*node));
	char **texts = take(doc, (inputs + 1) * sizeof(*texts));

	if (!node || !texts)
		return NULL;
	onnx__node_proto__init(node);
	node->op_type = (char *)(uintptr_t)type;
	node->name = (char *)(uintptr_t)new_node_name(doc, name);
	node->n_input = inputs;
	node->input = texts;
	for (unsigned int i = 0; i < inputs; i++)
		texts[i] = (char *)(uintptr_t)input[i];
	node->n_output = 1;
	node->output = texts + inputs;
	node->output[0] = (char *)(uintptr_t)output;
	return node;
}

void xqc_use_domain(Onnx__NodeProto *node)
{
	node->domain = (char *)(uintptr_t)XQO_DOMAIN;
}

/* One more attribute, which still has no value. */
static Onnx__AttributeProto *add_attribute(struct xqc_document *doc, Onnx__NodeProto *node,
					   const char *name)
{
	Onnx__AttributeProto *a = take(doc, sizeof(*a));
	Onnx__AttributeProto **all = node ? take(doc, (node->n_attribute + 1) * sizeof(*all))
					  : NULL;

	if (!a || !all)
		return NULL;
	onnx__attribute_proto__init(a);
	a->name = (char *)(uintptr_t)name;
	a->has_type = true;
	if (node->n_attribute)
		memcpy(all, node->attribute, node->n_attribute * sizeof(*all));
	all[node->n_attribute++] = a;
	node->attribute = all;
	return a;
}

void xqc_add_int(struct xqc_document *doc, Onnx__NodeProto *node, const char *name, int64_t value)
{
	Onnx__AttributeProto *a = add_attribute(doc, node, name);

	if (!a)
		return;
	a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
	a->has_i = true;
	a->i = value;
}

void xqc_add_ints(struct xqc_document *doc, Onnx__NodeProto *node, const char *name,
		  const int64_t *value, size_t count)
{
	Onnx__AttributeProto *a = add_attribute(doc, node, name);
	int64_t *copy = a ? take(doc, count * sizeof(*copy)) : NULL;

	if (!copy)
		return;
	memcpy(copy, value, count * sizeof(*copy));
	a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
	a->n_ints = count;
	a->ints = copy;
}

/* Room for one more entry of a list of pointers. */
static void *grown(struct xqc_document *doc, void *list, unsigned int count, unsigned int *room)
{
	void *more;

	if (count < *room)
		return list;
	more = take(doc, (2 * *room + 8) * sizeof(void *));
	if (!more)
		return NULL;
	*room = 2 * *room + 8;
	if (count)
		memcpy(more, list, count * sizeof(void *));
	return more;
}

void xqc_insert(struct xqc_document *doc, unsigned int at, Onnx__NodeProto *node)
{
	Onnx__NodeProto **list = node ? grown(doc, doc->node, doc->nodes, &doc->node_room) : NULL;

	if (!list)
		return;
	doc->node = list;
	memmove(list + at + 1, list + at, (doc->nodes - at) * sizeof(*list));
	list[at] = node;
	doc->nodes++;
}

void xqc_remove(struct xqc_document *doc, unsigned int at)
{
	memmove(doc->node + at, doc->node + at + 1, (--doc->nodes - at) * sizeof(*doc->node));
}

Onnx__NodeProto *xqc_edit(struct xqc_document *doc, unsigned int at)
{
	const Onnx__NodeProto *from = doc->node[at];
	Onnx__NodeProto *node = take(doc, sizeof(*node));
	/* One more input, for a bias. */
	char **input = take(doc, (from->n_input + 1) * sizeof(*input)),
	     **output = take(doc, from->n_output * sizeof(*output));

	if (!node || !input || !output)
		return NULL;
	*node = *from;
	if (from->n_input)
		memcpy(input, from->input, from->n_input * sizeof(*input));
	if (from->n_output)
		memcpy(output, from->output, from->n_output * sizeof(*output));
	node->input = input;
	node->output = output;
	doc->node[at] = node;
	return node;
}

void xqc_save(struct xqc_document *doc, struct xqc_state *state)
{
	*state = (struct xqc_state){
		.node = take(doc, doc->nodes * sizeof(*doc->node)),
		.constant = take(doc, doc->constants * sizeof(*doc->constant)),
		.nodes = doc->nodes,
		.constants = doc->constants,
		.opset = doc->opset,
	};
	if (!state->node || !state->constant)
		return;
	if (doc->nodes)
		memcpy(state->node, doc->node, doc->nodes * sizeof(*doc->node));
	if (doc->constants)
		memcpy(state->constant, doc->constant, doc->constants * sizeof(*doc->constant));
}

void xqc_restore(struct xqc_document *doc, const struct xqc_state *state)
{
	if (!state->node || !state->constant)
		return;
	/* Lists only grow, so that there is room. */
	if (state->nodes)
		memcpy(doc->node, state->node, state->nodes * sizeof(*doc->node));
	if (state->constants)
		memcpy(doc->constant, state->constant, state->constants * sizeof(*doc->constant));
	doc->nodes = state->nodes;
	doc->constants = state->constants;
	doc->opset = state->opset;
}

void xqc_set_constant(struct xqc_document *doc, const char *name, int32_t type, unsigned int dims,
		      const int64_t *dim, const void *data, size_t bytes)
{
	void *copy = take(doc, bytes);

	if (!copy)
		return;
	if (bytes)
		memcpy(copy, data, bytes);
	xqc_refer_constant(doc, name, type, dims, dim, copy, bytes);
}

void xqc_refer_constant(struct xqc_document *doc, const char *name, int32_t type, unsigned int dims,
			const int64_t *dim, const void *data, size_t bytes)
{
	Onnx__TensorProto *t = take(doc, sizeof(*t));
	int64_t *sizes = take(doc, dims * sizeof(*sizes));
	Onnx__TensorProto **list;

	if (!t || !sizes)
		return;
	xqc_drop_constant(doc, name);
	list = grown(doc, doc->constant, doc->constants, &doc->constant_room);
	if (!list)
		return;
	if (dims)
		memcpy(sizes, dim, dims * sizeof(*sizes));
	onnx__tensor_proto__init(t);
	t->name = (char *)(uintptr_t)name;
	t->has_data_type = true;
	t->data_type = type;
	t->n_dims = dims;
	t->dims = sizes;
	t->has_raw_data = true;
	t->raw_data.data = (uint8_t *)(uintptr_t)data;
	t->raw_data.len = bytes;
	doc->constant = list;
	list[doc->constants++] = t;
}

void xqc_add_constant(struct xqc_document *doc, const char *name, const Onnx__TensorProto *from)
{
	Onnx__TensorProto *t = take(doc, sizeof(*t));
	Onnx__TensorProto **list =
		t ? grown(doc, doc->constant, doc->constants, &doc->constant_room) : NULL;

	if (!list)
		return;
	*t = *from;
	t->name = (char *)(uintptr_t)name;
	doc->constant = list;
	list[doc->constants++] = t;
}

void xqc_drop_constant(struct xqc_document *doc, const char *name)
{
	for (unsigned int i = 0; i < doc->constants; i++) {
		if (!same(doc->constant[i]->name, name))
			continue;
		memmove(doc->constant + i, doc->constant + i + 1,
			(--doc->constants - i) * sizeof(*doc->constant));
		return;
	}
}

/* ---- writing ----------------------------------------------------------------------------- */

/* Inputs without those that only were there because constants had to be. */
static void set_inputs(const struct xqc_document *doc, Onnx__GraphProto *graph,
		       Onnx__ValueInfoProto **input)
{
	size_t count = 0;

	for (size_t i = 0; i < graph->n_input; i++) {
		const char *name = graph->input[i]->name;
		bool constant = false;

		for (size_t k = 0; k < doc->model->graph->n_initializer; k++)
			constant |= same(doc->model->graph->initializer[k]->name, name);
		if (!constant)
			input[count++] = graph->input[i];
	}
	graph->input = input;
	graph->n_input = count;
}

/* Whether there are operators of our own. */
static bool has_own(const struct xqc_document *doc)
{
	for (unsigned int i = 0; i < doc->nodes; i++)
		if (same(doc->node[i]->domain, XQO_DOMAIN))
			return true;
	return false;
}

void *xqc_pack(const struct xqc_document *doc, const char *const *more, unsigned int count,
	       size_t *bytes)
{
	Onnx__GraphProto graph = *doc->model->graph;
	Onnx__ModelProto model = *doc->model;
	Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT;
	Onnx__OperatorSetIdProto own = ONNX__OPERATOR_SET_ID_PROTO__INIT;
	Onnx__OperatorSetIdProto **opsets = calloc(model.n_opset_import + 2, sizeof(*opsets));
	Onnx__ValueInfoProto **inputs = calloc(graph.n_input + 1, sizeof(*inputs));
	Onnx__ValueInfoProto **outputs = calloc(graph.n_output + count + 1, sizeof(*outputs));
	Onnx__ValueInfoProto *added = calloc(count + 1, sizeof(*added));
	void *packed = NULL;

	if (opsets && inputs && outputs && added) {
		for (size_t i = 0; i < model.n_opset_import; i++) {
			opsets[i] = model.opset_import[i];
			if (opsets[i]->domain && *opsets[i]->domain &&
			    strcmp(opsets[i]->domain, "ai.onnx"))
				continue;
			opset = *opsets[i];
			opset.version = doc->opset;
			opsets[i] = &opset;
		}
		set_inputs(doc, &graph, inputs);
		memcpy(outputs, graph.output, graph.n_output * sizeof(*outputs));
		for (unsigned int i = 0; i < count; i++) {
			onnx__value_info_proto__init(&added[i]);
			added[i].name = (char *)(uintptr_t)more[i];
			outputs[graph.n_output + i] = &added[i];
		}
		graph.output = outputs;
		graph.n_output += count;
		graph.node = doc->node;
		graph.n_node = doc->nodes;
		graph.initializer = doc->constant;
		graph.n_initializer = doc->constants;
		/* What was known of tensors in between may not be so now. */
		graph.n_value_info = 0;
		model.graph = &graph;
		model.opset_import = opsets;
		if (has_own(doc)) {
			own.domain = (char *)(uintptr_t)XQO_DOMAIN;
			own.has_version = true;
			own.version = 1;
			opsets[model.n_opset_import++] = &own;
		}
		model.has_ir_version = true;
		if (model.ir_version < LEAST_IR || model.ir_version < IR_OF_OPSET(doc->opset))
			model.ir_version = IR_OF_OPSET(doc->opset);
		*bytes = onnx__model_proto__get_packed_size(&model);
		packed = malloc(*bytes + 1);
		if (packed)
			onnx__model_proto__pack(&model, packed);
	}
	free(opsets);
	free(inputs);
	free(outputs);
	free(added);
	return packed;
}
