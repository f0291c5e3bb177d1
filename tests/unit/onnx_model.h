/* SPDX-License-Identifier: GPL-2.0 */
/* Small ONNX files made in memory. */
#ifndef XQ_TESTS_UNIT_ONNX_MODEL_H
#define XQ_TESTS_UNIT_ONNX_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "onnx.pb-c.h"

#define MODEL_ITEMS		24
#define MODEL_DIMS		6

/* A model to be changed by a test, and then packed. Texts are not copied. */
struct onnx_model {
	Onnx__ModelProto model;
	Onnx__GraphProto graph;
	Onnx__OperatorSetIdProto opset, *opsets[1];
	Onnx__NodeProto node[MODEL_ITEMS], *nodes[MODEL_ITEMS];
	char *inputs[MODEL_ITEMS][10], *outputs[MODEL_ITEMS][2];
	Onnx__AttributeProto attribute[MODEL_ITEMS], *attributes[MODEL_ITEMS];
	Onnx__TensorProto constant[MODEL_ITEMS], *constants[MODEL_ITEMS];
	int64_t dims[MODEL_ITEMS][MODEL_DIMS];
	Onnx__ValueInfoProto value[MODEL_ITEMS], *in[MODEL_ITEMS], *out[MODEL_ITEMS];
	Onnx__TypeProto type[MODEL_ITEMS];
	Onnx__TypeProto__Tensor tensor[MODEL_ITEMS];
	Onnx__TensorShapeProto shape[MODEL_ITEMS];
	Onnx__TensorShapeProto__Dimension dim[MODEL_ITEMS][MODEL_DIMS], *dim_list[MODEL_ITEMS][MODEL_DIMS];
	Onnx__StringStringEntryProto entry[4], *entries[4];
	unsigned int values, attributes_used;
};

void model_start(struct onnx_model *m);

/* Names end with a NULL; the last but the outputs: "x", "w", NULL, "y", NULL */
Onnx__NodeProto *model_node(struct onnx_model *m, const char *type, const char *const *inputs, const char *output);
Onnx__AttributeProto *model_ints(struct onnx_model *m, Onnx__NodeProto *node, const char *name, int64_t *ints, size_t count);
Onnx__TensorProto *model_constant(struct onnx_model *m, const char *name, int32_t type, const int64_t *dims, size_t count,
				  const void *data, size_t bytes);
Onnx__TypeProto__Tensor *model_value(struct onnx_model *m, const char *name, int32_t type, const int64_t *dims,
				     size_t count, bool output);

/* x [1][2][4][4] -> Conv of 3 channels -> Relu -> Reshape to [1][48] -> y, of float32. */
void model_sample(struct onnx_model *m);

/* Its bytes, to be freed. */
uint8_t *model_pack(struct onnx_model *m, size_t *bytes);

#endif
