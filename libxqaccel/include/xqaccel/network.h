/* SPDX-License-Identifier: MIT */
/*
 * Networks: tensors and operators, described once. A network knows no device; xq_network_compile()
 * (run.h) makes plans of it for devices, which are run many times.
 *
 * Tensors and operators are named by numbers; tensors count from 1, so that 0 says "none" and structures
 * can be zeroed. Functions that return a number return a negative errno if they fail, and
 * xq_network_error() has a sentence on it. A network belongs to one thread at a time.
 */
#ifndef XQACCEL_NETWORK_H
#define XQACCEL_NETWORK_H

#include <xqaccel/conv.h>
#include <xqaccel/copy.h>
#include <xqaccel/elementwise.h>
#include <xqaccel/pool.h>
#include <xqaccel/softmax.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct xq_network;

/* Dimensions that a tensor may have. */
#define XQ_NETWORK_DIMS		6

/* Inputs of a concatenation, and inputs and outputs of a custom operator. */
#define XQ_NETWORK_OPERANDS	32

/* ---- tensors ---------------------------------------------------------------------------------- */

/**
 * enum xq_constant_order - how the elements of a constant lie in memory, in C order of indices
 * @XQ_UNPACKED: as enum xq_type says: one element in one or more bytes
 * @XQ_PACKED_ROWS: rows of the last dimension packed as by xq_pack(), each from a byte on, without
 *	gaps between rows
 * @XQ_PACKED_WHOLE: all elements packed as one row, as TFLite does with 4-bit weights
 *
 * The three are the same for types of 8 bits and more.
 */
enum xq_constant_order {
	XQ_UNPACKED,
	XQ_PACKED_ROWS,
	XQ_PACKED_WHOLE,
};

/**
 * struct xq_network_tensor - a tensor; zero what is not needed
 * @name: for people, or NULL
 * @type: of the elements
 * @dims: how many dimensions, at most XQ_NETWORK_DIMS; 0 if the operator that makes it decides
 * @dim: their sizes, 1 to 2^31 - 1 each
 * @batched: dim[0] is that of one element of the batch, and is multiplied by the batch size when the
 *	network is compiled
 * @channels: how many scales and zero points there are: 0 for none, 1, or one for each output
 *	channel of weights
 * @scale: [channels], finite; or NULL where nothing is derived from them
 * @zero_point: [channels], or NULL for zeros. The real value of element q is
 *	scale * (q - zero_point)
 * @data: NULL, or the tensor is a constant and its elements are here
 * @order: how they lie there
 * @codebook: [16] or [256] values of c4 and c8
 *
 * Name, scales and zero points are copied. @data and @codebook are not: they must stay as they are until
 * the last xq_network_compile(), and may be in a mapped file.
 */
struct xq_network_tensor {
	const char *name;
	enum xq_type type;
	unsigned int dims;
	size_t dim[XQ_NETWORK_DIMS];
	bool batched;
	size_t channels;
	const float *scale;
	const int32_t *zero_point;
	const void *data;
	enum xq_constant_order order;
	const int8_t *codebook;
};

/** xq_network_create() - an empty network, owned by the caller until xq_network_destroy(); or -ENOMEM */
int xq_network_create(struct xq_network **network);

/** xq_network_destroy() - NULL is allowed. Plans made of it stay */
void xq_network_destroy(struct xq_network *network);

/** xq_network_error() - a sentence on the last call that failed; "" before; lives until the next call */
const char *xq_network_error(const struct xq_network *network);

/**
 * xq_network_tensor() - add a tensor
 *
 * Return: its number, above 0; -EINVAL, -ENOMEM, -EOVERFLOW.
 */
int xq_network_tensor(struct xq_network *network, const struct xq_network_tensor *tensor);

/**
 * xq_network_input() - the caller gives this tensor with each run
 *
 * It is made by no operator, has a shape, and is no constant. Return: 0, -EINVAL, -ENOMEM.
 */
int xq_network_input(struct xq_network *network, int tensor);

/**
 * xq_network_output() - the caller wants this tensor of each run
 *
 * It is made by an operator. What no output depends on is not computed. Return: 0, -EINVAL, -ENOMEM.
 */
int xq_network_output(struct xq_network *network, int tensor);

/**
 * xq_network_shape() - a tensor's shape for one element of the batch, as given or found
 * @dim: XQ_NETWORK_DIMS sizes; NULL to ask for their number only
 * @batched: NULL, or set to whether dim[0] grows with the batch
 *
 * Shapes are found by xq_network_check() and xq_network_compile().
 * Return: how many dimensions, 0 if they are not known yet; -EINVAL.
 */
int xq_network_shape(const struct xq_network *network, int tensor, size_t *dim, bool *batched);

/* ---- products and what follows them ----------------------------------------------------------- */

/**
 * struct xq_network_finish - from int32 accumulators to the output; zero what is not needed
 * @bias: tensor of s32 [channels], added with wrapping
 * @requant: parameters of the requantization, copied; NULL derives them from the tensors'
 *	scales for @profile
 * @profile: XQ_REQUANT_ONNX: xq_scale_product(), XQ_REQUANT_TFLITE and XQ_REQUANT_TFLITE_SINGLE:
 *	xq_multiplier_product(); nothing can be derived for floor shift
 * @clamp: @act_min: @act_max: bounds where @requant is NULL, and of thresholds
 * @table: NULL, or [256] elements of the output's type, which has at most 8 bits, one in a byte. The
 *	requantized value is of type @index_type and its byte (as uint8_t) is the index. Copied
 * @index_type: s8 or u8
 * @index_scale: @index_zp: scale and zero point of the index where @requant is NULL
 * @thresholds: tensor of s32 [channels][count], with a count of 1 to 255: the output is @base plus
 *	how many of its channel's thresholds the accumulator reaches (acc >= t); b1 becomes +1 where
 *	that is not negative
 * @base: see there
 * @decreases: tensor of u8 [channels]: where it is not 0, counted is what is not reached
 * @row_scale: tensor of f32, one for each row, for an f32 output: ((float)acc * row_scale) *
 *	column_scale + float_bias, each step rounded
 * @column_scale: tensor of f32 [channels]; 0 derives it from the scales of the inputs, where they have
 *	any
 * @float_bias: tensor of f32 [channels]
 *
 * The output's type decides: s32 has the accumulators plus bias, f32 the float form, and integers of at
 * most 16 bits thresholds, or else the requantized value (enum xq_requant_profile). The zero point is
 * that of the requantization if one is given, else that of the output.
 */
struct xq_network_finish {
	int bias;
	const struct xq_requant *requant;
	enum xq_requant_profile profile;
	bool clamp;
	int32_t act_min, act_max;
	const void *table;
	enum xq_type index_type;
	float index_scale;
	int32_t index_zp;
	int thresholds;
	int32_t base;
	int decreases;
	int row_scale, column_scale, float_bias;
};

/**
 * struct xq_network_product - y = (x - x_zp) (w - w_zp)^T, finished
 * @name: for people, or NULL; copied
 * @x: [..][k], of at most 8 bits, without a codebook
 * @w: [n][k]; or [..][n][k], no constant, with the same leading dimensions as x: a product for each.
 *	A constant may be of c4 and c8
 * @w_kn: w is a constant of [k][n]
 * @x_zps: tensor of s32, a zero point for each row of x in place of the tensor's own; with @row_scale of
 *	@finish what quantization by rows gives
 * @y: [..][n]
 * @finish: what follows; its rows are those of x, its channels are n
 */
struct xq_network_product {
	const char *name;
	int x, w, y;
	bool w_kn;
	int x_zps;
	struct xq_network_finish finish;
};

/** xq_network_product() - add a product (fully connected layer). Return: number of the operator, -EINVAL, -ENOMEM */
int xq_network_product(struct xq_network *network, const struct xq_network_product *product);

/**
 * struct xq_network_grouped - y = X W^T in float32, where x and w have a real scale for each group of
 *	elements along k: X = x_scale * (x - x_zp), W = w_scale * (w - w_zp) - w_min
 * @name: for people, or NULL; copied
 * @x: [..][k], of at most 8 bits, without a codebook
 * @w: constant of [n][k], may be of c4 and c8, with at most one zero point; its own scale, if it has one, is not used
 * @y: f32 [..][n]
 * @group: elements of a group; divides k, at most 4096 (XQACCEL_MAX_GROUP_REAL)
 * @x_scales: tensor of f32 with k / group elements for each row of x, as rows of groups that were quantized by
 *	a scale each have it (struct xq_network_convert, with x as [..][group]). 0: the scale of tensor x, if it
 *	has one, multiplies the sum over all groups
 * @w_scales: constant of [n][k / group] of f16, bf16, f32 or e8m0
 * @w_minima: the same, or 0 for none
 * @float_bias: tensor of f32 [n], or 0
 *
 * Each element is summed in the order of the groups as linux/xqaccel.h says for XQACCEL_JOB_GROUP_REAL, the
 * same bits on every device; then it is multiplied by the scale of x, if that is not in @x_scales, and the bias is added, each
 * step rounded.
 */
struct xq_network_grouped {
	const char *name;
	int x, w, y;
	size_t group;
	int x_scales, w_scales, w_minima, float_bias;
};

/** xq_network_grouped() - add such a product. Return: number of the operator, -EINVAL, -ENOMEM */
int xq_network_grouped(struct xq_network *network, const struct xq_network_grouped *product);

/**
 * enum xq_weight_order - dimensions of convolution weights
 * @XQ_WEIGHTS_OHWI: [out][kernel_h][kernel_w][in / groups]
 * @XQ_WEIGHTS_OIHW: [out][in / groups][kernel_h][kernel_w]
 * @XQ_WEIGHTS_HWO: [kernel_h][kernel_w][out], depthwise; a leading dimension of 1 is allowed
 *
 * Without kernel_h if x has three dimensions.
 */
enum xq_weight_order {
	XQ_WEIGHTS_OHWI,
	XQ_WEIGHTS_OIHW,
	XQ_WEIGHTS_HWO,
};

/**
 * struct xq_network_convolution - y = conv(x, w), finished
 * @name: for people, or NULL; copied
 * @x: [batch][h][w][in], or [batch][w][in] in one dimension
 * @w: a constant of at most 8 bits
 * @order: of its dimensions
 * @y: [batch][h][w][out], or [batch][w][out]
 * @groups: 0 counts as 1; as in struct xq_conv. Depthwise has as many as input channels
 * @stride_h: and all others: as in struct xq_conv; those of the height are not used in one dimension
 * @finish: what follows; its channels are those of the output
 */
struct xq_network_convolution {
	const char *name;
	int x, w, y;
	enum xq_weight_order order;
	size_t groups;
	size_t stride_h, stride_w, dilation_h, dilation_w;
	size_t pad_top, pad_left, pad_bottom, pad_right;
	bool transposed;
	size_t output_pad_h, output_pad_w;
	struct xq_network_finish finish;
};

/** xq_network_convolution() - add a convolution. Return: number of the operator, -EINVAL, -ENOMEM */
int xq_network_convolution(struct xq_network *network, const struct xq_network_convolution *conv);

/* ---- other arithmetic ------------------------------------------------------------------------- */

/**
 * struct xq_network_pool - a pool, as struct xq_pool
 * @x: @y: [batch][h][w][channels] or [batch][w][channels] of one type, s8 or u8; their quantization is
 *	the same
 * @global: the window is the whole image; kernel, strides and pads are not used
 */
struct xq_network_pool {
	const char *name;
	int x, y;
	enum xq_pooling kind;
	bool global;
	size_t kernel_h, kernel_w, stride_h, stride_w;
	size_t pad_top, pad_left, pad_bottom, pad_right;
	bool clamp;
	int32_t act_min, act_max;
};

/** xq_network_pool() - add a pool. Return: number of the operator, -EINVAL, -ENOMEM */
int xq_network_pool(struct xq_network *network, const struct xq_network_pool *pool);

/**
 * struct xq_network_elementwise - a sum or product of two tensors, as struct xq_elementwise_args
 * @a: @b: s8 or u8, broadcast as numpy does; one of them may be a constant
 * @y: s8 or u8
 * @profile: whose arithmetic
 * @factors: NULL derives everything from the tensors' scales: for ONNX the scales themselves, for the TFLite
 *	profiles as xq_add_factors() and xq_mul_factors() do. Otherwise its members factor of
 *	a and b, y_factor and left_shift (for ONNX: scale of a and b, y_scale) are taken, and no
 *	others. Copied
 * @clamp: @act_min: @act_max: bounds of y
 */
struct xq_network_elementwise {
	const char *name;
	int a, b, y;
	enum xq_requant_profile profile;
	const struct xq_elementwise_args *factors;
	bool clamp;
	int32_t act_min, act_max;
};

/** xq_network_add() - add a sum of two tensors. Return: number of the operator, -EINVAL, -ENOMEM */
int xq_network_add(struct xq_network *network, const struct xq_network_elementwise *sum);

/** xq_network_mul() - add a product of two tensors, element by element. Return: as xq_network_add() */
int xq_network_mul(struct xq_network *network, const struct xq_network_elementwise *product);

/**
 * struct xq_network_softmax - softmax along the last dimension, as struct xq_softmax
 * @x: s8
 * @y: s8, of scale 1/256 and zero point -128
 * @beta: multiplier, shift and diff_min are derived from it and the scale of x if it is above 0
 * @multiplier: @shift: @diff_min: otherwise these
 */
struct xq_network_softmax {
	const char *name;
	int x, y;
	float beta;
	int32_t multiplier, shift, diff_min;
};

/** xq_network_softmax() - add a softmax. Return: number of the operator, -EINVAL, -ENOMEM */
int xq_network_softmax(struct xq_network *network, const struct xq_network_softmax *softmax);

/**
 * struct xq_network_mean - means over neighbouring dimensions, as struct xq_mean
 * @x: @y: s8 or u8. Those dimensions are left out of y, or are 1
 * @first: @count: over dimensions first to first + count - 1
 * @requant: of the sums, whose factor has the division in it; copied. NULL derives it from the
 *	scales: by xq_mean_factors() for the TFLite profiles, as float32(Sx / (Sy * elements)) for ONNX
 * @profile: where @requant is NULL
 */
struct xq_network_mean {
	const char *name;
	int x, y;
	unsigned int first, count;
	const struct xq_requant *requant;
	enum xq_requant_profile profile;
};

/** xq_network_mean() - add a mean. Return: number of the operator, -EINVAL, -ENOMEM */
int xq_network_mean(struct xq_network *network, const struct xq_network_mean *mean);

/**
 * xq_network_lookup() - add y = table[x], any function of 8 bits
 * @x: s8 or u8
 * @y: of at most 8 bits
 * @table: [256] elements of y's type, one in a byte, by the byte of x; copied
 *
 * Return: number of the operator, -EINVAL, -ENOMEM.
 */
int xq_network_lookup(struct xq_network *network, const char *name, int x, int y, const void *table);

/* ---- copies ----------------------------------------------------------------------------------- */

/**
 * struct xq_network_convert - from one type or quantization to another, as struct xq_copy
 * @x: @y: of the same shape. From f32 to an integer it is quantized by y's scale and zero point, from an
 *	integer to f32 the way back by x's; from integer to integer it is requantized
 * @requant: between integers: how, one set of parameters; copied. NULL derives it from the
 *	scales for @profile
 * @profile: where @requant is NULL; not floor shift
 * @row_scale: @row_zp: tensors of f32 and s32, one for each row of the last dimension of an
 *	f32 x: if row_scale is given, each row is quantized by a scale of its own
 */
struct xq_network_convert {
	const char *name;
	int x, y;
	const struct xq_requant *requant;
	enum xq_requant_profile profile;
	int row_scale, row_zp;
};

/** xq_network_convert() - add a conversion. Return: number of the operator, -EINVAL, -ENOMEM */
int xq_network_convert(struct xq_network *network, const struct xq_network_convert *convert);

/**
 * xq_network_transpose() - add a transposition: dimension d of y is dimension order[d] of x
 * @dims: dimensions of x, numbers at @order
 *
 * Types of less than 8 bits keep their last dimension. Return: number of the operator, -EINVAL, -ENOMEM.
 */
int xq_network_transpose(struct xq_network *network, const char *name, int x, int y,
			 unsigned int dims, const unsigned int *order);

/**
 * xq_network_slice() - add y[i] = x[begin + i * step]
 * @dims: dimensions of x
 * @begin: @step: one for each of them; NULL for zeros, and for ones. Along a batched first dimension
 *	there is nothing to be cut out
 *
 * y has a shape of its own, which says how much. Return: number of the operator, -EINVAL, -ENOMEM.
 */
int xq_network_slice(struct xq_network *network, const char *name, int x, int y, unsigned int dims,
		     const size_t *begin, const size_t *step);

/**
 * xq_network_concat() - add y = the tensors one after the other along a dimension
 * @x: @count tensors, 1 to XQ_NETWORK_OPERANDS, of y's type
 *
 * Where it can be, the tensors are computed where they are wanted, and nothing is copied. Return:
 * number of the operator, -EINVAL, -ENOMEM.
 */
int xq_network_concat(struct xq_network *network, const char *name, const int *x, unsigned int count,
		      int y, unsigned int axis);

/**
 * xq_network_pad() - add y = x with something around it
 * @dims: dimensions of x
 * @before: @after: elements, one for each of them; NULL for none
 * @value: a value of the type that fills them, of f32 its bits
 *
 * Return: number of the operator, -EINVAL, -ENOMEM.
 */
int xq_network_pad(struct xq_network *network, const char *name, int x, int y, unsigned int dims,
		   const size_t *before, const size_t *after, int32_t value);

/**
 * xq_network_enlarge() - add y[b][i][j][c] = x[b][i / factor_h][j / factor_w][c]
 * @x: [batch][h][w][channels]
 *
 * Return: number of the operator, -EINVAL, -ENOMEM.
 */
int xq_network_enlarge(struct xq_network *network, const char *name, int x, int y, size_t factor_h,
		       size_t factor_w);

/**
 * xq_network_reshape() - add y = the elements of x in the same order in another shape, which y must have
 *
 * Costs nothing where x lies without gaps. Return: number of the operator, -EINVAL, -ENOMEM.
 */
int xq_network_reshape(struct xq_network *network, const char *name, int x, int y);

/* ---- operators of the caller ------------------------------------------------------------------- */

/**
 * struct xq_network_value - a tensor as a custom operator sees it
 * @type: @dims: @dim: with the batch in it
 * @data: rows of the last dimension, packed as by xq_pack(), without gaps; outputs are to be written
 */
struct xq_network_value {
	enum xq_type type;
	unsigned int dims;
	size_t dim[XQ_NETWORK_DIMS];
	void *data;
};

/**
 * struct xq_network_custom - what the library does not have, computed by the caller on the CPU
 * @inputs: @input: tensors that it reads
 * @outputs: @output: tensors that it writes, which have shapes
 * @compute: called with each run by the thread that waits for it, possibly by several threads
 *	for several runs; returns 0 or a negative errno, which ends the run
 *	(-EAGAIN and -EINTR as -EBUSY)
 * @arg: for @compute; must live as long as the plans
 */
struct xq_network_custom {
	const char *name;
	unsigned int inputs, outputs;
	int input[XQ_NETWORK_OPERANDS], output[XQ_NETWORK_OPERANDS];
	int (*compute)(void *arg, const struct xq_network_value *input,
		       const struct xq_network_value *output);
	void *arg;
};

/** xq_network_custom() - add such an operator. Return: its number, -EINVAL, -ENOMEM */
int xq_network_custom(struct xq_network *network, const struct xq_network_custom *custom);

/**
 * xq_network_check() - find and check all types and shapes, as compiling does
 *
 * Return: 0; -EINVAL, -EDOM or -ERANGE a parameter as xq_requant_check() and others say, -EOPNOTSUPP,
 * -EOVERFLOW, -ENOMEM; xq_network_error() names the operator.
 */
int xq_network_check(struct xq_network *network);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
