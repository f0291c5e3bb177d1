// SPDX-License-Identifier: MIT
/*
 * A newer opset, for types that the file's has not. Operators that mean something else there are refused.
 */
#include <errno.h>
#include <string.h>

#include "conversion.h"

/* What means the same, written in the same way, from opset 7 to 25. */
static const char *const steady[] = {
	"Abs", "Add", "And", "AveragePool", "Ceil", "Concat", "Constant", "Conv", "ConvTranspose", "Div", "Elu", "Equal", "Erf", "Exp",
	"Flatten", "Floor", "Gather", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Identity", "LeakyRelu", "Log", "MatMul", "MaxPool",
	"Mul", "Neg", "Not", "Or", "PRelu", "Pow", "Reciprocal", "Relu", "Reshape", "Shape", "Sigmoid", "Sqrt", "Sub", "Tanh", "Transpose",
};

/* What changed for the last time in an opset after 7. */
static const struct {
	const char *type;
	int64_t since;
} changed[] = {
	{ "BatchNormalization", 9 }, { "Clip", 11 }, { "Pad", 11 }, { "Slice", 10 }, { "Softmax", 13 }, { "LogSoftmax", 13 },
	{ "Squeeze", 13 }, { "Unsqueeze", 13 }, { "Split", 13 }, { "Dropout", 12 }, { "ReduceSum", 13 }, { "ReduceMean", 18 },
	{ "Resize", 13 }, { "Cast", 9 }, { "Expand", 8 }, { "Where", 9 }, { "HardSigmoid", 7 }, { "HardSwish", 14 },
	{ "LayerNormalization", 17 }, { "QuantizeLinear", 13 }, { "DequantizeLinear", 13 },
};

static bool stays(const Onnx__NodeProto *node, int64_t opset)
{
	for (size_t i = 0; i < sizeof(steady) / sizeof(steady[0]); i++)
		if (xqc_is(node, steady[i]))
			return true;
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++)
		if (xqc_is(node, changed[i].type))
			return opset >= changed[i].since;
	return node->domain && *node->domain && strcmp(node->domain, "ai.onnx");
}

int64_t xqc_opset_of(const struct xq_post_training *p, enum xq_type weights)
{
	const int64_t least = p->options.group ? 21 : 13;

	switch (weights) {
	case XQ_S8:
	case XQ_B1:
		return least;
	case XQ_S4:
	case XQ_C4:
		return 21;
	default:
		return 25;
	}
}

int xqc_raise_opset(struct xq_post_training *p, int64_t opset)
{
	struct xqc_document *doc = &p->doc;

	if (doc->opset >= opset)
		return 0;
	for (unsigned int i = 0; i < doc->nodes; i++)
		if (!stays(doc->node[i], doc->opset))
			return xqc_fail(p, -EOPNOTSUPP, "integers of this type need opset %lld, where %.100s may not mean what it means in "
					"opset %lld of this file", (long long)opset, doc->node[i]->op_type, (long long)doc->opset);
	doc->opset = opset;
	return 0;
}
