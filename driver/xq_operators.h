/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Operators besides products: their numbers, and whether they make sense. Like xq_geometry.h it
 * is what the driver, the device and the library check by, so that they cannot disagree. Plain
 * integer arithmetic, for kernel and user space.
 *
 * What an operator computes is said at its struct; the arrays that it reads besides its tensors
 * are named in an enum. Numbers in those arrays are checked by nobody: what they may not be has
 * a meaning of its own, so that every device gives the same result.
 */
#ifndef XQ_OPERATORS_H
#define XQ_OPERATORS_H

#include "xq_geometry.h"

/*
 * Requantization of acc, an int32. M, N, A, m are the parameters of a column; "/" is exact:
 *
 *	ONNX		t = round_half_even((f64)acc * m), m in f32
 *	TFLITE		t = sat32(floor((acc * 2^max(N, 0) * M + 2^30) / 2^31)), then
 *			t / 2^max(-N, 0) to nearest, halves away from zero
 *	TFLITE_SINGLE	t = sat32(floor((acc * M + 2^(30 - N)) / 2^(31 - N)))
 *	FLOOR_SHIFT	t = floor((acc * M + A) / 2^N), the sum wraps in 64 bits
 *
 * Then the zero point is added and the result clamped to [act_min, act_max] and to its format.
 * N is -31 to 30, for FLOOR_SHIFT 0 to 63; beyond that it counts as the nearer end. An m
 * that is not finite counts as 0.
 */
enum xq_profile {
	XQ_PROFILE_ONNX = XQACCEL_PROFILE_ONNX,
	XQ_PROFILE_TFLITE = XQACCEL_PROFILE_TFLITE,
	XQ_PROFILE_TFLITE_SINGLE = XQACCEL_PROFILE_TFLITE_SINGLE,
	XQ_PROFILE_FLOOR_SHIFT = XQACCEL_PROFILE_FLOOR_SHIFT,
	XQ_PROFILES
};

/*
 * REQUANT	y = requantized acc, then looked up in a table if index_format is not NONE
 * THRESHOLDS	y = zero_point + how many of the column's thresholds acc reaches (acc >= t); in a
 *		column that decreases, how many it does not reach
 * FLOAT	y = ((f32)acc * row scale) * column scale + float bias, each step rounded to f32;
 *		what is absent is left out
 *
 * In all of them acc is the accumulator plus the integer bias, modulo 2^32.
 */
enum xq_epilogue_kind {
	XQ_EPILOGUE_NONE = XQACCEL_EPILOGUE_NONE,
	XQ_EPILOGUE_REQUANT = XQACCEL_EPILOGUE_REQUANT,
	XQ_EPILOGUE_THRESHOLDS = XQACCEL_EPILOGUE_THRESHOLDS,
	XQ_EPILOGUE_FLOAT = XQACCEL_EPILOGUE_FLOAT,
	XQ_EPILOGUE_KINDS
};

#define XQ_MAX_THRESHOLDS	255

/**
 * struct xq_epilogue - from int32 accumulators to the next job's operand
 * @kind: enum xq_epilogue_kind
 * @profile: enum xq_profile, for REQUANT
 * @format: of the output: s8 u8 s4 u4 s2 u2 t2 b1 s16 u16, rows packed from the lowest bit on as
 *	operands are, bits past a row's end are 0; f32 for FLOAT and only there. A value y that
 *	goes to b1 becomes +1 if y >= 0, else -1
 * @index_format: NONE, or s8 or u8: the requantized value is of this format, and its byte is
 *	the index of the output in the table, whose bytes are elements of @format, which has at
 *	most 8 bits
 * @channels: whether multiplier, shift, add and scale have an element per column, else they
 *	have one; the other arrays have one per column in any case
 * @thresholds: how many a column has, 1 to XQ_MAX_THRESHOLDS
 * @zero_point: added to the result
 * @act_min: least value of a result
 * @act_max: greatest value of a result
 */
struct xq_epilogue {
	__u8 kind, profile, format, index_format;
	__u32 channels;
	__u32 thresholds;
	__s32 zero_point, act_min, act_max;
};

/* What an epilogue reads besides the accumulators, in the order of XQACCEL_EPILOGUE_BIAS and on. */
enum xq_epilogue_operand {
	XQ_EPILOGUE_BIAS,		/* s32 [N], optional */
	XQ_EPILOGUE_MULTIPLIER,		/* s32 [N] or [1]: M */
	XQ_EPILOGUE_SHIFT,		/* s32 [N] or [1]: N */
	XQ_EPILOGUE_ADD,		/* s64 [N] or [1]: A, optional */
	XQ_EPILOGUE_SCALE,		/* f32 [N] or [1]: m of ONNX */
	XQ_EPILOGUE_TABLE,		/* [256] */
	XQ_EPILOGUE_THRESHOLD,		/* s32 [N][thresholds], in any order */
	XQ_EPILOGUE_DECREASES,		/* u8 [N], not 0 if the column decreases; optional */
	XQ_EPILOGUE_ROW_SCALE,		/* f32 [M], optional */
	XQ_EPILOGUE_COLUMN_SCALE,	/* f32 [N], optional */
	XQ_EPILOGUE_FLOAT_BIAS,		/* f32 [N], optional */
	XQ_EPILOGUE_OPERANDS
};

/*
 * Least and greatest value of an integer format that results may have. False, and 0, if it is none.
 */
static inline bool xq_format_range(__u32 format, __s32 *least, __s32 *greatest)
{
	switch (format) {
	case XQACCEL_FMT_S8:
	case XQACCEL_FMT_S4:
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_S16:
		*greatest = (1 << (xq_format_bits(format) - 1)) - 1;
		*least = -*greatest - 1;
		return true;
	case XQACCEL_FMT_U8:
	case XQACCEL_FMT_U4:
	case XQACCEL_FMT_U2:
	case XQACCEL_FMT_U16:
		*greatest = (1 << xq_format_bits(format)) - 1;
		*least = 0;
		return true;
	case XQACCEL_FMT_T2:
	case XQACCEL_FMT_B1:
		*greatest = 1;
		*least = -1;
		return true;
	default:
		*least = 0;
		*greatest = 0;
		return false;
	}
}

/* Bounds of results of a format; false if they leave no value, or it is no such format. */
static inline bool xq_clamp_range(__u32 format, __s32 act_min, __s32 act_max, __s32 *least,
				  __s32 *greatest)
{
	if (!xq_format_range(format, least, greatest))
		return false;
	if (act_min > *least)
		*least = act_min;
	if (act_max < *greatest)
		*greatest = act_max;
	return *least <= *greatest;
}

static inline bool xq_epilogue_valid(const struct xq_epilogue *e)
{
	const bool table = e->index_format != XQACCEL_FMT_NONE;
	__s32 least, greatest;

	switch (e->kind) {
	case XQ_EPILOGUE_REQUANT:
		if (e->profile >= XQ_PROFILES || e->channels > 1)
			return false;
		if (table && ((e->index_format != XQACCEL_FMT_S8 &&
			       e->index_format != XQACCEL_FMT_U8) || xq_format_bits(e->format) > 8))
			return false;
		break;
	case XQ_EPILOGUE_THRESHOLDS:
		if (!e->thresholds || e->thresholds > XQ_MAX_THRESHOLDS || table)
			return false;
		break;
	case XQ_EPILOGUE_FLOAT:
		return e->format == XQACCEL_FMT_F32 && !table;
	default:
		return false;
	}
	return xq_format_range(e->format, &least, &greatest) &&
	       xq_clamp_range(table ? e->index_format : e->format, e->act_min, e->act_max, &least,
			      &greatest);
}

/*
 * Fills in the extent of an array that an epilogue of m x n reads; of the table, that of an
 * operand without rows.
 */
static inline void xq_epilogue_extent(const struct xq_epilogue *e, unsigned int operand, __u64 m,
				      __u32 n, struct xq_extent *x)
{
	const bool requant = e->kind == XQ_EPILOGUE_REQUANT;
	const bool onnx = e->profile == XQ_PROFILE_ONNX;

	*x = (struct xq_extent){ .rows = 1, .planes = 1, .batch = 1, .align = 4,
				 .row_bytes = 4ULL * n };
	switch (operand) {
	case XQ_EPILOGUE_BIAS:
		x->used = true;
		break;
	case XQ_EPILOGUE_MULTIPLIER:
	case XQ_EPILOGUE_SHIFT:
		x->used = requant && !onnx;
		x->required = x->used;
		x->row_bytes = e->channels ? 4ULL * n : 4;
		break;
	case XQ_EPILOGUE_ADD:
		x->used = requant && e->profile == XQ_PROFILE_FLOOR_SHIFT;
		x->row_bytes = e->channels ? 8ULL * n : 8;
		x->align = 8;
		break;
	case XQ_EPILOGUE_SCALE:
		x->used = requant && onnx;
		x->required = x->used;
		x->row_bytes = e->channels ? 4ULL * n : 4;
		break;
	case XQ_EPILOGUE_TABLE:
		x->used = requant && e->index_format != XQACCEL_FMT_NONE;
		x->required = x->used;
		x->row_bytes = 256;
		x->align = 1;
		break;
	case XQ_EPILOGUE_THRESHOLD:
		x->used = e->kind == XQ_EPILOGUE_THRESHOLDS;
		x->required = x->used;
		x->row_bytes = 4ULL * n * e->thresholds;
		break;
	case XQ_EPILOGUE_DECREASES:
		x->used = e->kind == XQ_EPILOGUE_THRESHOLDS;
		x->row_bytes = n;
		x->align = 1;
		break;
	case XQ_EPILOGUE_ROW_SCALE:
		x->used = e->kind == XQ_EPILOGUE_FLOAT;
		x->row_bytes = 4 * m;
		break;
	case XQ_EPILOGUE_COLUMN_SCALE:
	case XQ_EPILOGUE_FLOAT_BIAS:
		x->used = e->kind == XQ_EPILOGUE_FLOAT;
		break;
	}
}

/* ---- pools ----------------------------------------------------------------------------------- */

enum xq_pool_kind {
	XQ_POOL_MAX = XQACCEL_POOL_MAX,
	XQ_POOL_AVERAGE = XQACCEL_POOL_AVERAGE,
	XQ_POOL_KINDS
};

/* Most elements of a window, so that the sum of an average fits 31 bits. */
#define XQ_MAX_WINDOW		(1U << 23)

/**
 * struct xq_pool_dims - a pool of an NHWC image, s8 or u8
 * @kind: enum xq_pool_kind
 * @format: of input and output, s8 or u8
 * @batch: shape of the input; channels of a pixel are contiguous
 * @in_h: height of the input
 * @in_w: width of the input
 * @channels: of input and output
 * @out_h: height of the output
 * @out_w: width of the output
 * @kernel_h: shape of a window, at least 1, together at most XQ_MAX_WINDOW
 * @kernel_w: width of the kernel
 * @stride_h: lines of the input from one output to the next, at least 1
 * @stride_w: likewise, from pixel to pixel
 * @pad_top: output pixel (y, x) has the window that begins at row y * stride_h -
 *	pad_top and column x * stride_w - pad_left of the input
 * @pad_left: see @pad_top
 * @act_min: least value of a result
 * @act_max: greatest value of a result
 *
 * What lies outside the input takes no part: a maximum is over the elements inside, an average is
 * their sum divided by how many they are, to nearest, halves away from zero. A window that is all
 * outside gives the least value of the format, and the average 0. A global pool is one whose
 * window is the image.
 */
struct xq_pool_dims {
	__u8 kind, format;
	__u32 batch, in_h, in_w, channels;
	__u32 out_h, out_w, kernel_h, kernel_w;
	__u32 stride_h, stride_w, pad_top, pad_left;
	__s32 act_min, act_max;
};

static inline bool xq_format_byte(__u32 format)
{
	return format == XQACCEL_FMT_S8 || format == XQACCEL_FMT_U8;
}

static inline bool xq_pool_valid(const struct xq_pool_dims *d)
{
	const __u32 most = XQ_MAX_DIM;
	__s32 least, greatest;

	return d->kind < XQ_POOL_KINDS && xq_format_byte(d->format) && d->batch <= most &&
	       d->in_h <= most && d->in_w <= most && d->channels <= most && d->out_h <= most &&
	       d->out_w <= most && d->kernel_h && d->kernel_h <= most && d->kernel_w &&
	       d->kernel_w <= most && (__u64)d->kernel_h * d->kernel_w <= XQ_MAX_WINDOW &&
	       d->stride_h && d->stride_h <= most && d->stride_w && d->stride_w <= most &&
	       d->pad_top <= most && d->pad_left <= most &&
	       xq_clamp_range(d->format, d->act_min, d->act_max, &least, &greatest);
}

/* ---- one requantization for all elements ----------------------------------------------------- */

/**
 * struct xq_requant_one - parameters in place of arrays
 * @profile: enum xq_profile
 * @multiplier: M, of all profiles but ONNX
 * @shift: N, of all profiles but ONNX
 * @scale: m of ONNX, the bits of an f32
 * @add: A of FLOOR_SHIFT
 * @zero_point: added to the result
 * @act_min: least value of a result
 * @act_max: greatest value of a result
 */
struct xq_requant_one {
	__u32 profile;
	__s32 multiplier, shift;
	__u32 scale;
	__s64 add;
	__s32 zero_point, act_min, act_max;
};

static inline bool xq_requant_one_valid(const struct xq_requant_one *r, __u32 format)
{
	__s32 least, greatest;

	return r->profile < XQ_PROFILES &&
	       xq_clamp_range(format, r->act_min, r->act_max, &least, &greatest);
}

/* ---- sums and products ----------------------------------------------------------------------- */

#define XQ_TENSOR_DIMS		XQACCEL_TENSOR_DIMS

enum xq_elementwise_kind {
	XQ_ELEMENTWISE_ADD = XQACCEL_ELEMENTWISE_ADD,
	XQ_ELEMENTWISE_MUL = XQACCEL_ELEMENTWISE_MUL,
	XQ_ELEMENTWISE_KINDS
};

/*
 * Zero points of inputs are at most this, either way, so that products fit in 31 bits; so are
 * those that are added to an f32.
 */
#define XQ_MAX_ZERO_POINT	32000

static inline bool xq_zero_point_small(__s32 zero_point)
{
	return zero_point <= XQ_MAX_ZERO_POINT && zero_point >= -XQ_MAX_ZERO_POINT;
}

/**
 * struct xq_elementwise_input - what is done with an input before a sum
 * @format: s8 or u8
 * @zero_point: taken off first
 * @multiplier: TFLITE, TFLITE_SINGLE and FLOOR_SHIFT
 * @shift: see @multiplier
 * @add: FLOOR_SHIFT
 * @scale: ONNX, the bits of an f32
 * @stride: bytes from one index of a dimension to the next, 0 repeats; of the last dimension
 *	0 or 1
 */
struct xq_elementwise_input {
	__u8 format;
	__s32 zero_point, multiplier, shift;
	__u32 scale;
	__s64 add;
	__u64 stride[XQ_TENSOR_DIMS];
};

/**
 * struct xq_elementwise - sum or product of two tensors
 * @kind: enum xq_elementwise_kind
 * @format: of the output, s8 or u8
 * @dims: how many dimensions, 1 to XQ_TENSOR_DIMS
 * @dim: their sizes
 * @stride: of the output; that of the last dimension is 1
 * @left_shift: of a sum by TFLITE or TFLITE_SINGLE, so that 255 plus the magnitude of a zero
 *	point stays below 2^31 when it is shifted
 * @a: first input
 * @b: second input
 * @y: requantization of the result; for ONNX its scale is that of the output if it is a sum, the
 *	factor f32(f32(Sa * Sb) / Sy) if it is a product
 *
 * With v = a - a.zero_point, w = b - b.zero_point, a product is v * w, requantized; for ONNX
 * y = round_half_even(f32(v * w) * scale) + zero point, in f32.
 *
 * A sum is, for TFLITE and TFLITE_SINGLE, that of (v << left_shift) and (w << left_shift), each
 * multiplied as those profiles do, modulo 2^32, then requantized. For FLOOR_SHIFT both are
 * floor((v * multiplier + add) / 2^shift), saturated to the output's format; so is their sum. For
 * ONNX it is (f32(Sa * v) + f32(Sb * w)) / Sy in f32, rounded half to even, plus the zero point.
 */
struct xq_elementwise {
	__u8 kind, format, dims;
	__u32 left_shift;
	__u32 dim[XQ_TENSOR_DIMS];
	__u64 stride[XQ_TENSOR_DIMS];
	struct xq_elementwise_input a, b;
	struct xq_requant_one y;
};

/* Most elements of a tensor, without the dimensions that are 0. */
#define XQ_MAX_ELEMENTS		(1ULL << 40)

static inline bool xq_dims_fit(const __u32 *dim, __u32 dims)
{
	__u64 count = 1;
	__u32 i;

	if (!dims || dims > XQ_TENSOR_DIMS)
		return false;
	for (i = 0; i < dims; i++)
		if (dim[i] && (__builtin_mul_overflow(count, (__u64)dim[i], &count) ||
			       count > XQ_MAX_ELEMENTS))
			return false;
	return true;
}

static inline bool xq_elementwise_input_valid(const struct xq_elementwise_input *x, __u32 dims)
{
	return xq_format_byte(x->format) && xq_zero_point_small(x->zero_point) &&
	       x->stride[dims - 1] <= 1;
}

static inline bool xq_left_shift_valid(__u32 shift, __s32 zero_point)
{
	const __u64 most = 255 + (__u64)(zero_point < 0 ? -zero_point : zero_point);

	return shift < 31 && most << shift <= 0x7fffffff;
}

static inline bool xq_elementwise_valid(const struct xq_elementwise *e)
{
	if (e->kind >= XQ_ELEMENTWISE_KINDS || !xq_format_byte(e->format) ||
	    !xq_dims_fit(e->dim, e->dims) || e->stride[e->dims - 1] != 1 ||
	    !xq_elementwise_input_valid(&e->a, e->dims) ||
	    !xq_elementwise_input_valid(&e->b, e->dims) || !xq_requant_one_valid(&e->y, e->format))
		return false;
	if (e->y.profile == XQ_PROFILE_ONNX)
		return xq_zero_point_small(e->y.zero_point);
	return e->kind != XQ_ELEMENTWISE_ADD || e->y.profile == XQ_PROFILE_FLOOR_SHIFT ||
	       (xq_left_shift_valid(e->left_shift, e->a.zero_point) &&
		xq_left_shift_valid(e->left_shift, e->b.zero_point));
}

/* ---- softmax --------------------------------------------------------------------------------- */

/**
 * struct xq_softmax_dims - softmax of rows of s8; the output's scale is 1/256, its zero point -128
 * @rows: how many
 * @columns: elements of a row
 * @multiplier: what a difference to the row's greatest element is multiplied by to have
 *	26 bits behind the point: sat32(floor((d * 2^shift * multiplier + 2^30) / 2^31)); shift is
 *	0 to 31, the multiplier not negative
 * @shift: see @multiplier
 * @diff_min: differences below it count for nothing and give -128; at most 0
 *
 * TFLite's integer reference: the exponential from a polynomial of degree 4 around -1/8 and a
 * product of constants, the reciprocal by three Newton steps, all in 32-bit fixed point with
 * rounding. Sums of more than 512 give outputs of -128, as exact arithmetic would.
 */
struct xq_softmax_dims {
	__u32 rows, columns;
	__s32 multiplier, shift, diff_min;
};

static inline bool xq_softmax_valid(const struct xq_softmax_dims *d)
{
	return d->rows <= XQ_MAX_DIM && d->columns <= XQ_MAX_DIM && d->multiplier >= 0 &&
	       d->shift >= 0 && d->shift <= 31 && d->diff_min <= 0;
}

/* ---- means ----------------------------------------------------------------------------------- */

/**
 * struct xq_mean_dims - sums over the middle of [outer][count][inner], requantized
 * @format: of the input, s8 or u8
 * @y_format: of the output [outer][inner], s8 or u8
 * @outer: sizes
 * @count: see @outer
 * @inner: see @outer
 * @zero_point: taken off each element; the sum is modulo 2^32
 * @y: its factor has the division by @count in it
 */
struct xq_mean_dims {
	__u8 format, y_format;
	__u32 outer, count, inner;
	__s32 zero_point;
	struct xq_requant_one y;
};

static inline bool xq_mean_valid(const struct xq_mean_dims *d)
{
	return xq_format_byte(d->format) && xq_format_byte(d->y_format) && d->outer <= XQ_MAX_DIM &&
	       d->count <= XQ_MAX_DIM && d->inner <= XQ_MAX_DIM &&
	       xq_requant_one_valid(&d->y, d->y_format);
}

/* ---- copies ---------------------------------------------------------------------------------- */

/*
 * NONE		the formats are the same, or have the same size
 * REQUANT	y = requantized (x - zero point), from an integer format
 * QUANTIZE	y = round_half_even(x / scale) + zero point, saturated, from f32
 * DYNAMIC	the same with a scale, and if the output is unsigned a zero point, of each row of
 *		the last dimension, which are written besides: max|x| / greatest for signed
 *		formats; else (max - min) / greatest of the row with a 0 in it, and the zero point
 *		round_half_even(-min / scale). A row of zeros has the scale 1
 * DEQUANTIZE	y = (x - zero point) * scale, to f32; the difference is exact, the product rounds
 *
 * A quotient that is no number counts as 0, and what is not finite in a row is left out when its
 * scale is found.
 */
enum xq_copy_kind {
	XQ_COPY_NONE = XQACCEL_COPY_NONE,
	XQ_COPY_REQUANT = XQACCEL_COPY_REQUANT,
	XQ_COPY_QUANTIZE = XQACCEL_COPY_QUANTIZE,
	XQ_COPY_DYNAMIC = XQACCEL_COPY_DYNAMIC,
	XQ_COPY_DEQUANTIZE = XQACCEL_COPY_DEQUANTIZE,
	XQ_COPY_KINDS
};

/**
 * struct xq_copy_dims - a box of elements from one tensor to another
 * @kind: enum xq_copy_kind
 * @x_format: formats of at least 8 bits with any strides; those of fewer bits lie in
 *	packed rows along the last dimension
 * @y_format: see @x_format
 * @dims: how many dimensions, 1 to XQ_TENSOR_DIMS
 * @dim: their sizes
 * @x_stride: bytes from one index of a dimension to the next. 0 in x repeats, which
 *	enlarges or fills; those of the last dimension are not used with packed rows
 * @y_stride: see @x_stride
 * @zero_point: of x, for REQUANT and DEQUANTIZE
 * @y: for REQUANT; for QUANTIZE its scale and zero point; for DEQUANTIZE its scale, and its
 *	bounds are not used
 */
struct xq_copy_dims {
	__u8 kind, x_format, y_format, dims;
	__u32 dim[XQ_TENSOR_DIMS];
	__u64 x_stride[XQ_TENSOR_DIMS], y_stride[XQ_TENSOR_DIMS];
	__s32 zero_point;
	struct xq_requant_one y;
};

/* Formats that conversions take: integers that are not codes. */
static inline bool xq_format_integer(__u32 format)
{
	__s32 least, greatest;

	return format == XQACCEL_FMT_S32 || xq_format_range(format, &least, &greatest);
}

static inline bool xq_copy_valid(const struct xq_copy_dims *d)
{
	const __u32 from = xq_format_bits(d->x_format), to = xq_format_bits(d->y_format);

	if (!from || !to || !xq_dims_fit(d->dim, d->dims))
		return false;
	switch (d->kind) {
	case XQ_COPY_NONE:
		return from == to;
	case XQ_COPY_REQUANT:
		return xq_format_integer(d->x_format) && d->y_format != XQACCEL_FMT_B1 &&
		       xq_requant_one_valid(&d->y, d->y_format);
	case XQ_COPY_QUANTIZE:
	case XQ_COPY_DYNAMIC:
		return d->x_format == XQACCEL_FMT_F32 && d->y_format != XQACCEL_FMT_B1 &&
		       xq_zero_point_small(d->y.zero_point) &&
		       xq_requant_one_valid(&d->y, d->y_format);
	case XQ_COPY_DEQUANTIZE:
		return xq_format_integer(d->x_format) && d->y_format == XQACCEL_FMT_F32;
	default:
		return false;
	}
}

#endif
