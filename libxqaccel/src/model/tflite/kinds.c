// SPDX-License-Identifier: MIT
/*
 * Operators of TensorFlow Lite: their names, and how each becomes one of the graph.
 */
#include "reader.h"

/* From 0 on; "" for numbers that are none. */
static const char *const names[] = {
	"ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "DEQUANTIZE",
	"EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED", "HASHTABLE_LOOKUP", "L2_NORMALIZATION", "L2_POOL_2D",
	"LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION", "LSTM", "MAX_POOL_2D", "MUL", "RELU",
	"RELU_N1_TO_1", "RELU6", "RESHAPE", "RESIZE_BILINEAR", "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH",
	"CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL", "CUSTOM", "EMBEDDING_LOOKUP_SPARSE", "PAD",
	"UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER", "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN", "SUB",
	"DIV", "SQUEEZE", "UNIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP",
	"TOPK_V2", "SPLIT", "LOG_SOFTMAX", "DELEGATE", "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU", "MAXIMUM",
	"ARG_MAX", "MINIMUM", "LESS", "NEG", "PADV2", "GREATER", "GREATER_EQUAL", "LESS_EQUAL", "SELECT", "SLICE",
	"SIN", "TRANSPOSE_CONV", "SPARSE_TO_DENSE", "TILE", "EXPAND_DIMS", "EQUAL", "NOT_EQUAL", "LOG", "SUM", "SQRT",
	"RSQRT", "SHAPE", "POW", "ARG_MIN", "FAKE_QUANT", "REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT",
	"LOGICAL_AND", "LOGICAL_NOT", "UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY", "SQUARE", "ZEROS_LIKE",
	"FILL", "FLOOR_MOD", "RANGE", "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU", "SQUARED_DIFFERENCE", "MIRROR_PAD",
	"ABS", "SPLIT_V", "UNIQUE", "CEIL", "REVERSE_V2", "ADD_N", "GATHER_ND", "COS", "WHERE", "RANK", "ELU",
	"REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE", "MATRIX_SET_DIAG", "ROUND", "HARD_SWISH", "IF", "WHILE",
	"NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "SCATTER_ND", "SELECT_V2", "DENSIFY", "SEGMENT_SUM",
	"BATCH_MATMUL", "", "CUMSUM", "CALL_ONCE", "BROADCAST_TO", "RFFT2D", "CONV_3D", "IMAG", "REAL", "COMPLEX_ABS",
	"HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT", "HASHTABLE_SIZE", "REDUCE_ALL", "CONV_3D_TRANSPOSE",
	"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "BROADCAST_ARGS", "RANDOM_STANDARD_NORMAL", "BUCKETIZE",
	"RANDOM_UNIFORM", "MULTINOMIAL", "GELU", "DYNAMIC_UPDATE_SLICE", "RELU_0_TO_1", "UNSORTED_SEGMENT_PROD",
	"UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_SUM", "ATAN2", "UNSORTED_SEGMENT_MIN", "SIGN", "BITCAST",
	"BITWISE_XOR", "RIGHT_SHIFT",
};

#define ANY	0x7fffffffU

static const struct xqt_kind kinds[] = {
	{ TFLITE_CONV_2D, XQM_CONV, 2, 3, xqt_build_conv },
	{ TFLITE_DEPTHWISE_CONV_2D, XQM_CONV, 2, 3, xqt_build_depthwise },
	{ TFLITE_TRANSPOSE_CONV, XQM_CONV_TRANSPOSE, 3, 4, xqt_build_transpose_conv },
	{ TFLITE_FULLY_CONNECTED, XQM_FULLY_CONNECTED, 2, 3, xqt_build_fully_connected },
	{ TFLITE_BATCH_MATMUL, XQM_MATMUL, 2, 2, xqt_build_batch_matmul },
	{ TFLITE_AVERAGE_POOL_2D, XQM_AVERAGE_POOL, 1, 1, xqt_build_pool },
	{ TFLITE_MAX_POOL_2D, XQM_MAX_POOL, 1, 1, xqt_build_pool },

	{ TFLITE_ADD, XQM_ADD, 2, 2, xqt_build_arithmetic },
	{ TFLITE_SUB, XQM_SUB, 2, 2, xqt_build_arithmetic },
	{ TFLITE_MUL, XQM_MUL, 2, 2, xqt_build_arithmetic },
	{ TFLITE_DIV, XQM_DIV, 2, 2, xqt_build_arithmetic },
	{ TFLITE_MAXIMUM, XQM_MAXIMUM, 2, 2, xqt_build_plain },
	{ TFLITE_MINIMUM, XQM_MINIMUM, 2, 2, xqt_build_plain },
	{ TFLITE_POW, XQM_POW, 2, 2, xqt_build_plain },
	{ TFLITE_SQUARED_DIFFERENCE, XQM_SQUARED_DIFFERENCE, 2, 2, xqt_build_plain },
	{ TFLITE_PRELU, XQM_PRELU, 2, 2, xqt_build_plain },
	{ TFLITE_EQUAL, XQM_EQUAL, 2, 2, xqt_build_plain },
	{ TFLITE_NOT_EQUAL, XQM_NOT_EQUAL, 2, 2, xqt_build_plain },
	{ TFLITE_LESS, XQM_LESS, 2, 2, xqt_build_plain },
	{ TFLITE_LESS_EQUAL, XQM_LESS_OR_EQUAL, 2, 2, xqt_build_plain },
	{ TFLITE_GREATER, XQM_GREATER, 2, 2, xqt_build_plain },
	{ TFLITE_GREATER_EQUAL, XQM_GREATER_OR_EQUAL, 2, 2, xqt_build_plain },
	{ TFLITE_SELECT_V2, XQM_WHERE, 3, 3, xqt_build_plain },

	{ TFLITE_LOGISTIC, XQM_SIGMOID, 1, 1, xqt_build_plain },
	{ TFLITE_TANH, XQM_TANH, 1, 1, xqt_build_plain },
	{ TFLITE_RELU, XQM_RELU, 1, 1, xqt_build_plain },
	{ TFLITE_RELU6, XQM_CLIP, 1, 1, xqt_build_clip },
	{ TFLITE_RELU_N1_TO_1, XQM_CLIP, 1, 1, xqt_build_clip },
	{ TFLITE_RELU_0_TO_1, XQM_CLIP, 1, 1, xqt_build_clip },
	{ TFLITE_LEAKY_RELU, XQM_LEAKY_RELU, 1, 1, xqt_build_leaky_relu },
	{ TFLITE_HARD_SWISH, XQM_HARD_SWISH, 1, 1, xqt_build_plain },
	{ TFLITE_ELU, XQM_ELU, 1, 1, xqt_build_elu },
	{ TFLITE_GELU, XQM_GELU, 1, 1, xqt_build_gelu },
	{ TFLITE_ABS, XQM_ABS, 1, 1, xqt_build_plain },
	{ TFLITE_NEG, XQM_NEG, 1, 1, xqt_build_plain },
	{ TFLITE_EXP, XQM_EXP, 1, 1, xqt_build_plain },
	{ TFLITE_LOG, XQM_LOG, 1, 1, xqt_build_plain },
	{ TFLITE_SQRT, XQM_SQRT, 1, 1, xqt_build_plain },
	{ TFLITE_RSQRT, XQM_RSQRT, 1, 1, xqt_build_plain },
	{ TFLITE_SQUARE, XQM_SQUARE, 1, 1, xqt_build_plain },
	{ TFLITE_SIN, XQM_SIN, 1, 1, xqt_build_plain },
	{ TFLITE_COS, XQM_COS, 1, 1, xqt_build_plain },
	{ TFLITE_FLOOR, XQM_FLOOR, 1, 1, xqt_build_plain },
	{ TFLITE_CEIL, XQM_CEIL, 1, 1, xqt_build_plain },
	{ TFLITE_ROUND, XQM_ROUND, 1, 1, xqt_build_plain },

	{ TFLITE_SOFTMAX, XQM_SOFTMAX, 1, 1, xqt_build_softmax },
	{ TFLITE_LOG_SOFTMAX, XQM_LOG_SOFTMAX, 1, 1, xqt_build_softmax },
	{ TFLITE_MEAN, XQM_REDUCE_MEAN, 2, 2, xqt_build_reduce },
	{ TFLITE_SUM, XQM_REDUCE_SUM, 2, 2, xqt_build_reduce },
	{ TFLITE_REDUCE_MAX, XQM_REDUCE_MAX, 2, 2, xqt_build_reduce },
	{ TFLITE_REDUCE_MIN, XQM_REDUCE_MIN, 2, 2, xqt_build_reduce },
	{ TFLITE_REDUCE_PROD, XQM_REDUCE_PROD, 2, 2, xqt_build_reduce },

	{ TFLITE_RESHAPE, XQM_RESHAPE, 1, 2, xqt_build_reshape },
	{ TFLITE_EXPAND_DIMS, XQM_UNSQUEEZE, 2, 2, xqt_build_expand_dims },
	{ TFLITE_SQUEEZE, XQM_SQUEEZE, 1, 1, xqt_build_squeeze },
	{ TFLITE_TRANSPOSE, XQM_TRANSPOSE, 2, 2, xqt_build_transpose },
	{ TFLITE_CONCATENATION, XQM_CONCAT, 1, ANY, xqt_build_concatenation },
	{ TFLITE_PACK, XQM_CONCAT, 1, ANY, xqt_build_pack },
	{ TFLITE_UNPACK, XQM_SPLIT, 1, 1, xqt_build_unpack },
	{ TFLITE_SPLIT, XQM_SPLIT, 2, 2, xqt_build_split },
	{ TFLITE_SPLIT_V, XQM_SPLIT, 3, 3, xqt_build_split_v },
	{ TFLITE_SLICE, XQM_SLICE, 3, 3, xqt_build_slice },
	{ TFLITE_STRIDED_SLICE, XQM_SLICE, 4, 4, xqt_build_strided_slice },
	{ TFLITE_PAD, XQM_PAD, 2, 2, xqt_build_pad },
	{ TFLITE_PADV2, XQM_PAD, 3, 3, xqt_build_pad },
	{ TFLITE_MIRROR_PAD, XQM_PAD, 2, 2, xqt_build_pad },
	{ TFLITE_TILE, XQM_TILE, 2, 2, xqt_build_plain },
	{ TFLITE_BROADCAST_TO, XQM_EXPAND, 2, 2, xqt_build_plain },
	{ TFLITE_GATHER, XQM_GATHER, 2, 2, xqt_build_gather },
	{ TFLITE_GATHER_ND, XQM_GATHER_ND, 2, 2, xqt_build_plain },
	{ TFLITE_RESIZE_NEAREST_NEIGHBOR, XQM_RESIZE, 2, 2, xqt_build_resize },
	{ TFLITE_RESIZE_BILINEAR, XQM_RESIZE, 2, 2, xqt_build_resize },
	{ TFLITE_DEPTH_TO_SPACE, XQM_DEPTH_TO_SPACE, 1, 1, xqt_build_block },
	{ TFLITE_SPACE_TO_DEPTH, XQM_SPACE_TO_DEPTH, 1, 1, xqt_build_block },

	{ TFLITE_CAST, XQM_CAST, 1, 1, xqt_build_plain },
	{ TFLITE_QUANTIZE, XQM_QUANTIZE, 1, 1, xqt_build_plain },
	{ TFLITE_DEQUANTIZE, XQM_DEQUANTIZE, 1, 1, xqt_build_plain },

	{ TFLITE_CALL_ONCE, XQM_REMOVED, 0, 0, xqt_build_call_once },
	{ TFLITE_VAR_HANDLE, XQM_REMOVED, 0, 0, xqt_build_var_handle },
	{ TFLITE_READ_VARIABLE, XQM_REMOVED, 1, 1, xqt_build_read_variable },
	{ TFLITE_ASSIGN_VARIABLE, XQM_REMOVED, 2, 2, xqt_build_assign_variable },
};

const char *xqt_operator_name(int64_t code)
{
	if (code < 0 || (uint64_t)code >= sizeof(names) / sizeof(names[0]) || !*names[code])
		return NULL;
	return names[code];
}

const struct xqt_kind *xqt_kind(int64_t code)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((int64_t)kinds[i].code == code)
			return &kinds[i];
	return NULL;
}
