/* SPDX-License-Identifier: MIT */
/*
 * Kinds of operators of a graph, and their parameters. Internal.
 *
 * Readers bring what TFLite and ONNX have to these. Operands that say how (shapes, axes, amounts of padding) are s32 or
 * s64 tensors as in ONNX's newest operators: what a file has as an attribute, the reader adds as a
 * constant (xqm_add_integers()), so that there is one form. Axes are as in the file, negative from the end.
 *
 * Elements are quantized if their tensor has a quantization and an integer type; then the operator means the real
 * numbers that they stand for, in the arithmetic that xqm_operator.arithmetic names.
 */
#ifndef XQ_MODEL_OPERATOR_H
#define XQ_MODEL_OPERATOR_H

#include <xqaccel/network.h>

#define XQM_SPATIAL		3	/* dimensions of an image that convolutions and pools know */

enum xqm_op {
	XQM_REMOVED,		/* a pass made something else of it */

	/* Products. x, w, bias or none. */
	XQM_CONV,		/* params.window */
	XQM_CONV_TRANSPOSE,	/* params.window */
	XQM_FULLY_CONNECTED,	/* params.fully_connected; w is [n][k] */
	XQM_MATMUL,		/* numpy's; params.matmul */
	XQM_GEMM,		/* alpha a b + beta c; params.matmul */
	XQM_MATMUL_INTEGER,	/* a, b, zero points or none -> s32 */
	XQM_CONV_INTEGER,	/* x, w, zero points or none -> s32; params.window */

	/* Windows. params.window */
	XQM_MAX_POOL,
	XQM_AVERAGE_POOL,
	XQM_LP_POOL,
	XQM_GLOBAL_MAX_POOL,
	XQM_GLOBAL_AVERAGE_POOL,

	/* Element by element, of two or more tensors that are broadcast. params.clamp */
	XQM_ADD,
	XQM_SUB,
	XQM_MUL,
	XQM_DIV,
	XQM_POW,
	XQM_MOD,		/* params.modulo */
	XQM_MINIMUM,
	XQM_MAXIMUM,
	XQM_SUM,
	XQM_AVERAGE,
	XQM_SQUARED_DIFFERENCE,
	XQM_PRELU,
	XQM_BIT_AND,
	XQM_BIT_OR,
	XQM_BIT_XOR,
	XQM_SHIFT_LEFT,		/* of unsigned integers */
	XQM_SHIFT_RIGHT,
	XQM_EQUAL,
	XQM_LESS,
	XQM_LESS_OR_EQUAL,
	XQM_GREATER,
	XQM_GREATER_OR_EQUAL,
	XQM_AND,
	XQM_OR,
	XQM_XOR,
	XQM_NOT_EQUAL,
	XQM_WHERE,		/* condition, a, b */

	/* Element by element, of one tensor. params.alpha where the name needs numbers */
	XQM_ABS,
	XQM_NEG,
	XQM_EXP,
	XQM_LOG,
	XQM_SQRT,
	XQM_RSQRT,
	XQM_SQUARE,
	XQM_RECIPROCAL,
	XQM_FLOOR,
	XQM_CEIL,
	XQM_ROUND,		/* halves to even */
	XQM_SIGN,
	XQM_SIN,
	XQM_COS,
	XQM_ERF,
	XQM_NOT,
	XQM_RELU,
	XQM_CLIP,		/* x, min or none, max or none */
	XQM_LEAKY_RELU,
	XQM_ELU,
	XQM_SELU,
	XQM_CELU,
	XQM_SIGMOID,
	XQM_TANH,
	XQM_HARD_SIGMOID,
	XQM_HARD_SWISH,
	XQM_GELU,		/* params.gelu */
	XQM_SOFTPLUS,
	XQM_SOFTSIGN,
	XQM_MISH,
	XQM_TAN,
	XQM_ASIN,
	XQM_ACOS,
	XQM_ATAN,
	XQM_SINH,
	XQM_COSH,
	XQM_ASINH,
	XQM_ACOSH,
	XQM_ATANH,
	XQM_THRESHOLDED_RELU,
	XQM_SHRINK,		/* x + beta below -alpha, x - beta above alpha, else 0 */
	XQM_SWISH,		/* x sigmoid(alpha x) */
	XQM_IS_NAN,
	XQM_IS_INF,		/* alpha: -infinity, beta: infinity count */
	XQM_BIT_NOT,

	/* Along an axis. params.axis */
	XQM_SOFTMAX,		/* params.softmax */
	XQM_LOG_SOFTMAX,
	XQM_ARG_MAX,
	XQM_ARG_MIN,
	XQM_CUM_SUM,		/* x, axis */
	XQM_TOP_K,		/* x, k */

	/* x, axes or none for all. params.reduce */
	XQM_REDUCE_MEAN,
	XQM_REDUCE_SUM,
	XQM_REDUCE_MAX,
	XQM_REDUCE_MIN,
	XQM_REDUCE_PROD,
	XQM_REDUCE_L1,
	XQM_REDUCE_L2,
	XQM_REDUCE_SUM_SQUARE,
	XQM_REDUCE_LOG_SUM,
	XQM_REDUCE_LOG_SUM_EXP,

	/* Normalization. params.norm */
	XQM_BATCH_NORM,		/* x, scale, bias, mean, variance */
	XQM_LAYER_NORM,		/* x, scale, bias or none */
	XQM_INSTANCE_NORM,	/* x, scale, bias */
	XQM_LRN,

	/* Where elements lie. */
	XQM_IDENTITY,
	XQM_RESHAPE,		/* x, shape; params.reshape */
	XQM_FLATTEN,		/* x; params.axis */
	XQM_SQUEEZE,		/* x, axes or none */
	XQM_UNSQUEEZE,		/* x, axes */
	XQM_TRANSPOSE,		/* x; params.transpose */
	XQM_CONCAT,		/* any number; params.axis */
	XQM_SPLIT,		/* x, sizes or none for equal ones; params.axis */
	XQM_SLICE,		/* x, starts, ends, axes or none, steps or none; as ONNX's */
	XQM_PAD,		/* x, all begins then all ends, value or none, axes or none; params.pad */
	XQM_EXPAND,		/* x, shape */
	XQM_TILE,		/* x, repeats */
	XQM_GATHER,		/* x, indices; params.axis */
	XQM_GATHER_ELEMENTS,	/* x, indices; params.axis */
	XQM_GATHER_ND,		/* x, indices; params.axis: batch dimensions */
	XQM_RESIZE,		/* x, sizes; params.resize */
	XQM_DEPTH_TO_SPACE,	/* params.block */
	XQM_SPACE_TO_DEPTH,	/* params.block */
	XQM_SHAPE,		/* of x, an s64 tensor; params.reshape */
	XQM_SIZE,
	XQM_CONSTANT_OF_SHAPE,	/* shape, value */
	XQM_RANGE,		/* start, limit, step */
	XQM_ONE_HOT,
	XQM_TRILU,

	/* Types. */
	XQM_CAST,		/* to the output's type; params.cast */
	XQM_QUANTIZE,		/* to the output's quantization; from an integer type it requantizes */
	XQM_DEQUANTIZE,		/* from the input's quantization */
	XQM_DYNAMIC_QUANTIZE,	/* x -> y u8, scale, zero point */
	XQM_QUANTIZE_LINEAR,	/* x, scale, zero point or none, which are computed; params.linear */
	XQM_DEQUANTIZE_LINEAR,	/* the same */

	/* Anything else that a reader and a kernel have between them: params.other */
	XQM_OTHER,
	XQM_OPS
};

/** enum xqm_padding - how much is put around an image */
enum xqm_padding {
	XQM_PAD_GIVEN,		/* xqm_window.begin and end */
	XQM_PAD_SAME,		/* the output has ceil(size / stride); what is odd goes to the end */
	XQM_PAD_SAME_LOWER,	/* what is odd goes to the begin */
};

/**
 * struct xqm_window - of convolutions and pools
 * @dims: of the image, 1 to XQM_SPATIAL; all arrays have so many elements, height before width
 * @channels_last: x is [batch][height][width][channels], else [batch][channels][height][width]
 * @weights: of convolutions, as in network.h, without regard to @channels_last: OHWI or OIHW (of a
 *	transposed one in ONNX's order, [in][out / groups][kernel]); HWO for TFLite's depthwise ones
 * @groups: at least 1
 * @kernel: of pools; of convolutions the weights say it. Of transposed ones the sizes of the output where the
 *	file gives those instead of padding, else 0
 * @stride: @dilation: at least 1
 * @padding: @begin: @end: xqm_geometry() resolves it
 * @output_pad: of transposed convolutions
 * @count_pad: an average divides by all elements of the window, those of the padding, too
 * @ceil: the size of the output is rounded up
 * @columns_first: the second output of XQM_MAX_POOL counts along columns
 * @power: of XQM_LP_POOL
 * @low: @high: the result is clamped to real numbers; -INFINITY and INFINITY for none
 */
struct xqm_window {
	unsigned int dims;
	bool channels_last;
	enum xq_weight_order weights;
	size_t groups;
	size_t kernel[XQM_SPATIAL], stride[XQM_SPATIAL], dilation[XQM_SPATIAL];
	enum xqm_padding padding;
	int64_t begin[XQM_SPATIAL], end[XQM_SPATIAL];
	size_t output_pad[XQM_SPATIAL];
	bool count_pad, ceil, columns_first;
	unsigned int power;
	float low, high;
};

/** struct xqm_clamp - the result is clamped to real numbers; -INFINITY and INFINITY for none */
struct xqm_clamp {
	float low, high;
};

struct xqm_fully_connected {
	bool keep_dims;		/* y is [..][n], else [elements of x / k][n] */
	float low, high;
};

struct xqm_matmul {
	bool transpose_a, transpose_b;
	float alpha, beta;
	float low, high;
};

struct xqm_softmax {
	int64_t axis;
	bool flatten;		/* over all dimensions from axis on, as ONNX before opset 13 */
	float beta;		/* exp(beta * x) */
};

struct xqm_axis {
	int64_t axis;
	bool keep, last, exclusive, reverse, largest, sorted;	/* of arg max, cumulative sum, top k */
};

struct xqm_reduce {
	bool keep;		/* dimensions stay as 1 */
	bool none;		/* no axes means that nothing is reduced */
};

struct xqm_norm {
	float epsilon;
	int64_t axis;		/* of layer norm: the first that is normalized */
	float alpha, beta, bias;	/* of LRN */
	size_t size;
	bool channels_last;
};

struct xqm_reshape {
	bool zero_copies;	/* a size of 0 is that of x */
	bool ranged;		/* of XQM_SHAPE: only dimensions start to end */
	int64_t start, end;
};

struct xqm_transpose {
	unsigned int dims;	/* 0 reverses all */
	unsigned int order[XQ_MODEL_DIMS];
};

enum xqm_pad_mode {
	XQM_PAD_CONSTANT,	/* of an integer tensor with a quantization and no value: its zero point */
	XQM_PAD_REFLECT,
	XQM_PAD_SYMMETRIC,
	XQM_PAD_EDGE,
	XQM_PAD_WRAP,
};

struct xqm_pad {
	enum xqm_pad_mode mode;
};

enum xqm_sampling {		/* x coordinate of output i, with scale = output / input size */
	XQM_HALF_PIXEL,		/* (i + 0.5) / scale - 0.5 */
	XQM_HALF_PIXEL_ONE,	/* the same, 0 if the output has one element */
	XQM_ASYMMETRIC,		/* i / scale */
	XQM_ALIGN_CORNERS,	/* i (input - 1) / (output - 1) */
	XQM_HALF_PIXEL_NEAREST,	/* (i + 0.5) / scale, rounded down: TFLite's nearest with half pixel centers */
};

enum xqm_nearest {
	XQM_NEAREST_HALF_DOWN,	/* halves towards 0 */
	XQM_NEAREST_HALF_UP,
	XQM_NEAREST_FLOOR,
	XQM_NEAREST_CEIL,
};

struct xqm_resize {
	bool channels_last, linear, cubic, by_scale;	/* by_scale: sizes is f32 and multiplies those of x */
	enum xqm_sampling sampling;
	enum xqm_nearest nearest;
	float cubic_a;
	unsigned int axes;	/* 0: the sizes are of all dimensions, or of height and width */
	int64_t axis[XQ_MODEL_DIMS];
};

/**
 * struct xqm_linear - quantization with scales that are operands
 * @axis: of scales that are not one for all
 * @block: elements of the axis that share a scale; 0 if the shape of the scales says it
 * @precision: type in which x / scale is rounded, @to: type of the real result; XQ_NONE for that of the scales
 */
struct xqm_linear {
	int64_t axis;
	size_t block;
	int precision, to;
};

struct xqm_block_size {
	size_t size;
	bool channels_last, crd;	/* crd: ONNX's column row depth */
};

/**
 * struct xqm_other - what the passes and the compiler don't know
 * @kernel: computes it on the processor (cpu/kernel.h)
 * @data: for the kernel, in memory of the graph
 */
struct xqm_other {
	const struct xqm_kernel *kernel;
	const void *data;
};

union xqm_params {
	struct xqm_window window;
	struct xqm_clamp clamp;
	struct xqm_fully_connected fully_connected;
	struct xqm_matmul matmul;
	struct xqm_softmax softmax;
	struct xqm_axis axis;
	struct xqm_reduce reduce;
	struct xqm_norm norm;
	struct xqm_reshape reshape;
	struct xqm_transpose transpose;
	struct xqm_pad pad;
	struct xqm_resize resize;
	struct xqm_linear linear;
	struct xqm_block_size block;
	struct { float alpha, beta; } alpha;
	struct { bool tanh; } gelu;
	struct { bool truncated; } modulo;
	struct { bool special; } cast;	/* what is too large for a small float becomes infinity or NaN */
	struct xqm_other other;
};

#endif
