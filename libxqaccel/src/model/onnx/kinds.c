// SPDX-License-Identifier: MIT
/*
 * The kinds of nodes that are known.
 */
#include <string.h>

#include "reader.h"

#define MANY			XQO_OPERANDS

const struct xqo_kind xqo_kinds[] = {
	/* Products and windows. */
	{ "", "Conv", xqo_build_conv, XQM_CONV, 2, 3, 1, 1 },
	{ "", "ConvTranspose", xqo_build_conv_transpose, XQM_CONV_TRANSPOSE, 2, 3, 1, 1 },
	{ "", "MatMul", xqo_build_matmul, XQM_MATMUL, 2, 2, 1, 1 },
	{ "", "Gemm", xqo_build_gemm, XQM_GEMM, 2, 3, 1, 1 },
	{ "", "MaxPool", xqo_build_pool, XQM_MAX_POOL, 1, 1, 2, 1 },
	{ "", "AveragePool", xqo_build_pool, XQM_AVERAGE_POOL, 1, 1, 1, 1 },
	{ "", "LpPool", xqo_build_pool, XQM_LP_POOL, 1, 1, 1, 1 },
	{ "", "GlobalMaxPool", xqo_build_global_pool, XQM_GLOBAL_MAX_POOL, 1, 1, 1, 1 },
	{ "", "GlobalAveragePool", xqo_build_global_pool, XQM_GLOBAL_AVERAGE_POOL, 1, 1, 1, 1 },

	/* Of two or more tensors. */
	{ "", "Add", xqo_build_elementwise, XQM_ADD, 2, 2, 1, 1 },
	{ "", "Sub", xqo_build_elementwise, XQM_SUB, 2, 2, 1, 1 },
	{ "", "Mul", xqo_build_elementwise, XQM_MUL, 2, 2, 1, 1 },
	{ "", "Div", xqo_build_elementwise, XQM_DIV, 2, 2, 1, 1 },
	{ "", "Pow", xqo_build_elementwise, XQM_POW, 2, 2, 1, 1 },
	{ "", "Mod", xqo_build_mod, XQM_MOD, 2, 2, 1, 10 },
	{ "", "Min", xqo_build_elementwise, XQM_MINIMUM, 1, MANY, 1, 1 },
	{ "", "Max", xqo_build_elementwise, XQM_MAXIMUM, 1, MANY, 1, 1 },
	{ "", "Sum", xqo_build_elementwise, XQM_SUM, 1, MANY, 1, 1 },
	{ "", "Mean", xqo_build_elementwise, XQM_AVERAGE, 1, MANY, 1, 1 },
	{ "", "PRelu", xqo_build_elementwise, XQM_PRELU, 2, 2, 1, 1 },
	{ "", "Equal", xqo_build_plain, XQM_EQUAL, 2, 2, 1, 1 },
	{ "", "Less", xqo_build_plain, XQM_LESS, 2, 2, 1, 1 },
	{ "", "LessOrEqual", xqo_build_plain, XQM_LESS_OR_EQUAL, 2, 2, 1, 12 },
	{ "", "Greater", xqo_build_plain, XQM_GREATER, 2, 2, 1, 1 },
	{ "", "GreaterOrEqual", xqo_build_plain, XQM_GREATER_OR_EQUAL, 2, 2, 1, 12 },
	{ "", "And", xqo_build_plain, XQM_AND, 2, 2, 1, 1 },
	{ "", "Or", xqo_build_plain, XQM_OR, 2, 2, 1, 1 },
	{ "", "Xor", xqo_build_plain, XQM_XOR, 2, 2, 1, 1 },
	{ "", "Where", xqo_build_plain, XQM_WHERE, 3, 3, 1, 9 },

	/* Of one. */
	{ "", "Abs", xqo_build_plain, XQM_ABS, 1, 1, 1, 1 },
	{ "", "Neg", xqo_build_plain, XQM_NEG, 1, 1, 1, 1 },
	{ "", "Exp", xqo_build_plain, XQM_EXP, 1, 1, 1, 1 },
	{ "", "Log", xqo_build_plain, XQM_LOG, 1, 1, 1, 1 },
	{ "", "Sqrt", xqo_build_plain, XQM_SQRT, 1, 1, 1, 1 },
	{ "", "Reciprocal", xqo_build_plain, XQM_RECIPROCAL, 1, 1, 1, 1 },
	{ "", "Floor", xqo_build_plain, XQM_FLOOR, 1, 1, 1, 1 },
	{ "", "Ceil", xqo_build_plain, XQM_CEIL, 1, 1, 1, 1 },
	{ "", "Round", xqo_build_plain, XQM_ROUND, 1, 1, 1, 11 },
	{ "", "Sign", xqo_build_plain, XQM_SIGN, 1, 1, 1, 9 },
	{ "", "Sin", xqo_build_plain, XQM_SIN, 1, 1, 1, 7 },
	{ "", "Cos", xqo_build_plain, XQM_COS, 1, 1, 1, 7 },
	{ "", "Erf", xqo_build_plain, XQM_ERF, 1, 1, 1, 9 },
	{ "", "Not", xqo_build_plain, XQM_NOT, 1, 1, 1, 1 },
	{ "", "Relu", xqo_build_plain, XQM_RELU, 1, 1, 1, 1 },
	{ "", "Clip", xqo_build_clip, XQM_CLIP, 1, 3, 1, 1 },
	{ "", "LeakyRelu", xqo_build_alpha, XQM_LEAKY_RELU, 1, 1, 1, 1 },
	{ "", "Elu", xqo_build_alpha, XQM_ELU, 1, 1, 1, 1 },
	{ "", "Selu", xqo_build_alpha, XQM_SELU, 1, 1, 1, 1 },
	{ "", "Celu", xqo_build_alpha, XQM_CELU, 1, 1, 1, 12 },
	{ "", "Sigmoid", xqo_build_plain, XQM_SIGMOID, 1, 1, 1, 1 },
	{ "", "Tanh", xqo_build_plain, XQM_TANH, 1, 1, 1, 1 },
	{ "", "HardSigmoid", xqo_build_alpha, XQM_HARD_SIGMOID, 1, 1, 1, 1 },
	{ "", "HardSwish", xqo_build_plain, XQM_HARD_SWISH, 1, 1, 1, 14 },
	{ "", "Gelu", xqo_build_gelu, XQM_GELU, 1, 1, 1, 20 },
	{ "", "Softplus", xqo_build_plain, XQM_SOFTPLUS, 1, 1, 1, 1 },
	{ "", "Softsign", xqo_build_plain, XQM_SOFTSIGN, 1, 1, 1, 1 },
	{ "", "Mish", xqo_build_plain, XQM_MISH, 1, 1, 1, 18 },
	{ "", "Identity", xqo_build_plain, XQM_IDENTITY, 1, 1, 1, 1 },
	{ "", "Dropout", xqo_build_dropout, XQM_IDENTITY, 1, 3, 2, 1 },

	/* Along axes. */
	{ "", "Softmax", xqo_build_softmax, XQM_SOFTMAX, 1, 1, 1, 1 },
	{ "", "LogSoftmax", xqo_build_softmax, XQM_LOG_SOFTMAX, 1, 1, 1, 1 },
	{ "", "ArgMax", xqo_build_arg, XQM_ARG_MAX, 1, 1, 1, 1 },
	{ "", "ArgMin", xqo_build_arg, XQM_ARG_MIN, 1, 1, 1, 1 },
	{ "", "CumSum", xqo_build_cum_sum, XQM_CUM_SUM, 2, 2, 1, 11 },
	{ "", "TopK", xqo_build_top_k, XQM_TOP_K, 1, 2, 2, 1 },
	{ "", "ReduceMean", xqo_build_reduce, XQM_REDUCE_MEAN, 1, 2, 1, 1 },
	{ "", "ReduceSum", xqo_build_reduce, XQM_REDUCE_SUM, 1, 2, 1, 1 },
	{ "", "ReduceMax", xqo_build_reduce, XQM_REDUCE_MAX, 1, 2, 1, 1 },
	{ "", "ReduceMin", xqo_build_reduce, XQM_REDUCE_MIN, 1, 2, 1, 1 },
	{ "", "ReduceProd", xqo_build_reduce, XQM_REDUCE_PROD, 1, 2, 1, 1 },
	{ "", "ReduceL1", xqo_build_reduce, XQM_REDUCE_L1, 1, 2, 1, 1 },
	{ "", "ReduceL2", xqo_build_reduce, XQM_REDUCE_L2, 1, 2, 1, 1 },
	{ "", "ReduceSumSquare", xqo_build_reduce, XQM_REDUCE_SUM_SQUARE, 1, 2, 1, 1 },
	{ "", "ReduceLogSum", xqo_build_reduce, XQM_REDUCE_LOG_SUM, 1, 2, 1, 1 },
	{ "", "ReduceLogSumExp", xqo_build_reduce, XQM_REDUCE_LOG_SUM_EXP, 1, 2, 1, 1 },
	{ "", "BatchNormalization", xqo_build_batch_norm, XQM_BATCH_NORM, 5, 5, 5, 1 },
	{ "", "LayerNormalization", xqo_build_norm, XQM_LAYER_NORM, 2, 3, 3, 17 },
	{ "", "InstanceNormalization", xqo_build_norm, XQM_INSTANCE_NORM, 3, 3, 1, 1 },
	{ "", "LRN", xqo_build_lrn, XQM_LRN, 1, 1, 1, 1 },

	/* Where elements lie. */
	{ "", "Reshape", xqo_build_reshape, XQM_RESHAPE, 2, 2, 1, 5 },
	{ "", "Flatten", xqo_build_flatten, XQM_FLATTEN, 1, 1, 1, 1 },
	{ "", "Squeeze", xqo_build_squeeze, XQM_SQUEEZE, 1, 2, 1, 1 },
	{ "", "Unsqueeze", xqo_build_squeeze, XQM_UNSQUEEZE, 1, 2, 1, 1 },
	{ "", "Transpose", xqo_build_transpose, XQM_TRANSPOSE, 1, 1, 1, 1 },
	{ "", "Concat", xqo_build_concat, XQM_CONCAT, 1, MANY, 1, 4 },
	{ "", "Split", xqo_build_split, XQM_SPLIT, 1, 2, MANY, 2 },
	{ "", "Slice", xqo_build_slice, XQM_SLICE, 1, 5, 1, 1 },
	{ "", "Pad", xqo_build_pad, XQM_PAD, 1, 4, 1, 2 },
	{ "", "Expand", xqo_build_plain, XQM_EXPAND, 2, 2, 1, 8 },
	{ "", "Tile", xqo_build_plain, XQM_TILE, 2, 2, 1, 6 },
	{ "", "Gather", xqo_build_gather, XQM_GATHER, 2, 2, 1, 1 },
	{ "", "GatherElements", xqo_build_gather, XQM_GATHER_ELEMENTS, 2, 2, 1, 11 },
	{ "", "GatherND", xqo_build_gather, XQM_GATHER_ND, 2, 2, 1, 11 },
	{ "", "DepthToSpace", xqo_build_block, XQM_DEPTH_TO_SPACE, 1, 1, 1, 1 },
	{ "", "SpaceToDepth", xqo_build_block, XQM_SPACE_TO_DEPTH, 1, 1, 1, 1 },
	{ "", "Shape", xqo_build_shape, XQM_SHAPE, 1, 1, 1, 1 },
	{ "", "Size", xqo_build_plain, XQM_SIZE, 1, 1, 1, 1 },
	{ "", "ConstantOfShape", xqo_build_constant_of_shape, XQM_CONSTANT_OF_SHAPE, 1, 1, 1, 9 },
	{ "", "Range", xqo_build_plain, XQM_RANGE, 3, 3, 1, 11 },
	{ "", "Constant", xqo_build_constant, XQM_IDENTITY, 0, 0, 1, 1 },

	/* Types. */
	{ "", "Cast", xqo_build_cast, XQM_CAST, 1, 1, 1, 6 },
	{ "", "CastLike", xqo_build_cast_like, XQM_CAST, 2, 2, 1, 15 },
	{ "", "QuantizeLinear", xqo_build_quantize, XQM_QUANTIZE_LINEAR, 2, 3, 1, 10 },
	{ "", "DequantizeLinear", xqo_build_dequantize, XQM_DEQUANTIZE_LINEAR, 2, 3, 1, 10 },
	{ "", "DynamicQuantizeLinear", xqo_build_plain, XQM_DYNAMIC_QUANTIZE, 1, 1, 3, 11 },

	/* Quantized. */
	{ "", "QLinearConv", xqo_build_qlinear_conv, XQM_OTHER, 8, 9, 1, 10 },
	{ "", "QLinearMatMul", xqo_build_qlinear_matmul, XQM_OTHER, 8, 8, 1, 10 },
	{ "", "ConvInteger", xqo_build_conv, XQM_CONV_INTEGER, 2, 4, 1, 10 },
	{ "", "MatMulInteger", xqo_build_plain, XQM_MATMUL_INTEGER, 2, 4, 1, 10 },
	{ "com.microsoft", "QuantizeLinear", xqo_build_quantize, XQM_QUANTIZE_LINEAR, 2, 3, 1, 1 },
	{ "com.microsoft", "DequantizeLinear", xqo_build_dequantize, XQM_DEQUANTIZE_LINEAR, 2, 3, 1, 1 },
	{ "com.microsoft", "QLinearConv", xqo_build_qlinear_conv, XQM_OTHER, 8, 9, 1, 1 },
	{ "com.microsoft", "QLinearAdd", xqo_build_qlinear_pair, XQM_ADD, 7, 8, 1, 1 },
	{ "com.microsoft", "QLinearMul", xqo_build_qlinear_pair, XQM_MUL, 7, 8, 1, 1 },
	{ "com.microsoft", "QLinearSigmoid", xqo_build_qlinear_function, XQM_SIGMOID, 4, 5, 1, 1 },
	{ "com.microsoft", "QLinearLeakyRelu", xqo_build_qlinear_function, XQM_LEAKY_RELU, 4, 5, 1, 1 },
	{ "com.microsoft", "QLinearSoftmax", xqo_build_qlinear_softmax, XQM_OTHER, 5, 5, 1, 1 },
	{ "com.microsoft", "QLinearConcat", xqo_build_qlinear_concat, XQM_OTHER, 5, MANY, 1, 1 },
	{ "com.microsoft", "QLinearAveragePool", xqo_build_qlinear_pool, XQM_AVERAGE_POOL, 4, 5, 1, 1 },
	{ "com.microsoft", "QLinearGlobalAveragePool", xqo_build_qlinear_pool, XQM_GLOBAL_AVERAGE_POOL, 4, 5, 1, 1 },
	{ "com.microsoft", "QGemm", xqo_build_qgemm, XQM_OTHER, 6, 9, 1, 1 },
	{ "com.microsoft", "Gelu", xqo_build_gelu, XQM_GELU, 1, 1, 1, 1 },
};

const unsigned int xqo_kind_count = sizeof(xqo_kinds) / sizeof(xqo_kinds[0]);

const struct xqo_kind *xqo_kind(const char *domain, const char *type)
{
	for (unsigned int i = 0; i < xqo_kind_count; i++) {
		if (!strcmp(xqo_kinds[i].domain, domain) && !strcmp(xqo_kinds[i].type, type))
			return &xqo_kinds[i];
	}
	return NULL;
}
