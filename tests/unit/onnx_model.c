// SPDX-License-Identifier: GPL-2.0
/* Small ONNX files made in memory. */
#include <stdlib.h>
#include <string.h>

#include "onnx_model.h"

void model_start(struct onnx_model *m)
{
	memset(m, 0, sizeof(*m));
	onnx__model_proto__init(&m->model);
	onnx__graph_proto__init(&m->graph);
	onnx__operator_set_id_proto__init(&m->opset);
	m->model.has_ir_version = 1;
	m->model.ir_version = 8;
	m->model.graph = &m->graph;
	m->opset.has_version = 1;
	m->opset.version = 13;
	m->opsets[0] = &m->opset;
	m->model.opset_import = m->opsets;
	m->model.n_opset_import = 1;
	m->graph.node = m->nodes;
	m->graph.initializer = m->constants;
	m->graph.input = m->in;
	m->graph.output = m->out;
}

Onnx__NodeProto *model_node(struct onnx_model *m, const char *type, const char *const *inputs, const char *output)
{
	size_t i = m->graph.n_node++;
	Onnx__NodeProto *node = m->nodes[i] = &m->node[i];

	onnx__node_proto__init(node);
	node->op_type = (char *)type;
	node->name = (char *)output;
	node->input = m->inputs[i];
	for (; inputs[node->n_input]; node->n_input++)
		node->input[node->n_input] = (char *)inputs[node->n_input];
	node->output = m->outputs[i];
	node->output[0] = (char *)output;
	node->n_output = 1;
	node->attribute = m->attributes + m->attributes_used;
	return node;
}

Onnx__AttributeProto *model_ints(struct onnx_model *m, Onnx__NodeProto *node, const char *name, int64_t *ints, size_t count)
{
	Onnx__AttributeProto *a = m->attributes[m->attributes_used] = &m->attribute[m->attributes_used];

	m->attributes_used++;
	onnx__attribute_proto__init(a);
	a->name = (char *)name;
	a->ints = ints;
	a->n_ints = count;
	node->n_attribute++;
	return a;
}

Onnx__TensorProto *model_constant(struct onnx_model *m, const char *name, int32_t type, const int64_t *dims, size_t count,
				  const void *data, size_t bytes)
{
	size_t i = m->graph.n_initializer++;
	Onnx__TensorProto *t = m->constants[i] = &m->constant[i];

	onnx__tensor_proto__init(t);
	t->name = (char *)name;
	t->has_data_type = 1;
	t->data_type = type;
	memcpy(m->dims[i], dims, count * sizeof(*dims));
	t->dims = m->dims[i];
	t->n_dims = count;
	t->has_raw_data = 1;
	t->raw_data.data = (uint8_t *)data;
	t->raw_data.len = bytes;
	return t;
}

Onnx__TypeProto__Tensor *model_value(struct onnx_model *m, const char *name, int32_t type, const int64_t *dims,
				     size_t count, bool output)
{
	unsigned int i = m->values++;

	onnx__value_info_proto__init(&m->value[i]);
	onnx__type_proto__init(&m->type[i]);
	onnx__type_proto__tensor__init(&m->tensor[i]);
	onnx__tensor_shape_proto__init(&m->shape[i]);
	m->value[i].name = (char *)name;
	m->value[i].type = &m->type[i];
	m->type[i].value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	m->type[i].tensor_type = &m->tensor[i];
	m->tensor[i].has_elem_type = 1;
	m->tensor[i].elem_type = type;
	m->tensor[i].shape = &m->shape[i];
	m->shape[i].n_dim = count;
	m->shape[i].dim = m->dim_list[i];
	for (size_t d = 0; d < count; d++) {
		onnx__tensor_shape_proto__dimension__init(&m->dim[i][d]);
		m->dim[i][d].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
		m->dim[i][d].dim_value = dims[d];
		m->dim_list[i][d] = &m->dim[i][d];
	}
	if (output)
		m->out[m->graph.n_output++] = &m->value[i];
	else
		m->in[m->graph.n_input++] = &m->value[i];
	return &m->tensor[i];
}

void model_sample(struct onnx_model *m)
{
	static float w[3 * 2 * 3 * 3], bias[3] = { -1, 0, 1 };
	static const int64_t sizes[2] = { 1, -1 };
	static int64_t pads[4] = { 1, 1, 1, 1 };
	Onnx__NodeProto *conv;

	for (int i = 0; i < 54; i++)
		w[i] = (float)(i % 7 - 3);
	model_start(m);
	model_value(m, "x", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, (const int64_t[]){ 1, 2, 4, 4 }, 4, false);
	model_value(m, "y", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, (const int64_t[]){ 1, 48 }, 2, true);
	model_constant(m, "w", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, (const int64_t[]){ 3, 2, 3, 3 }, 4, w, sizeof(w));
	model_constant(m, "b", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, (const int64_t[]){ 3 }, 1, bias, sizeof(bias));
	model_constant(m, "sizes", ONNX__TENSOR_PROTO__DATA_TYPE__INT64, (const int64_t[]){ 2 }, 1, sizes, sizeof(sizes));
	conv = model_node(m, "Conv", (const char *[]){ "x", "w", "b", NULL }, "c");
	model_ints(m, conv, "pads", pads, 4);
	model_node(m, "Relu", (const char *[]){ "c", NULL }, "r");
	model_node(m, "Reshape", (const char *[]){ "r", "sizes", NULL }, "y");
}

uint8_t *model_pack(struct onnx_model *m, size_t *bytes)
{
	uint8_t *data = malloc(onnx__model_proto__get_packed_size(&m->model) + 1);

	*bytes = data ? onnx__model_proto__pack(&m->model, data) : 0;
	return data;
}
