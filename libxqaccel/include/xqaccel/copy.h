/* SPDX-License-Identifier: MIT */
/*
 * Copies of boxes of elements with any strides, and conversion on the way: transposition, slices,
 * concatenation, padding, enlargement, quantization.
 */
#ifndef XQACCEL_COPY_H
#define XQACCEL_COPY_H

#include <xqaccel/matmul.h>
#include <xqaccel/requantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define XQ_COPY_DIMS	6

/**
 * enum xq_conversion - what happens to an element
 * @XQ_MOVE: nothing; both types have the same number of bits
 * @XQ_REQUANTIZE: x - x_zp, modulo 2^32, by @requant; x is of an integer type
 * @XQ_QUANTIZE: round_half_even(x / scale) + y_zp, saturated; x is f32
 * @XQ_QUANTIZE_ROWS: the same with a scale, and for unsigned types a zero point, that is found for
 *	each row of the last dimension: max|x| / greatest value of a signed type; else (max - min) /
 *	greatest of the row with a 0 in it, and round_half_even(-min / scale). A row of zeros has
 *	the scale 1
 * @XQ_DEQUANTIZE: (x - x_zp) * scale in float32; x is of an integer type
 *
 * A quotient that is no number counts as 0; what is not finite is left out when a scale is found.
 */
enum xq_conversion {
	XQ_MOVE,
	XQ_REQUANTIZE,
	XQ_QUANTIZE,
	XQ_QUANTIZE_ROWS,
	XQ_DEQUANTIZE,
};

/**
 * struct xq_copy - Y[i] = X[i] for all indices i; zero what is not needed
 * @conversion: what happens to each element
 * @x_type: @y_type: types. Those of less than 8 bits lie in packed rows along the last dimension
 * @dims: how many dimensions, 1 to XQ_COPY_DIMS
 * @dim: their sizes
 * @x_stride: @y_stride: bytes from one index of a dimension to the next. 0 in X repeats an element:
 *	nearest enlargement by n has a dimension of n and stride 0 behind the one that is enlarged,
 *	and what fills or pads has strides of 0 only. Those of the last dimension are not used
 *	with packed rows
 * @x: @y: first elements; the tensors may not overlap
 * @x_zp: zero point of X
 * @requant: one set of parameters
 * @scale: @y_zp: of QUANTIZE and DEQUANTIZE; the zero point is at most 32000, either way
 * @row_scale: @row_zp: NULL, or where the scale and zero point of each row are put, in the order of
 *	indices
 */
struct xq_copy {
	enum xq_conversion conversion;
	enum xq_type x_type, y_type;
	unsigned int dims;
	size_t dim[XQ_COPY_DIMS], x_stride[XQ_COPY_DIMS], y_stride[XQ_COPY_DIMS];
	const void *x;
	void *y;
	int32_t x_zp;
	const struct xq_requant *requant;
	float scale;
	int32_t y_zp;
	float *row_scale;
	int32_t *row_zp;
};

/**
 * xq_copy() - copy or convert
 *
 * On the workspace's device if that has the operation, else on the CPU, with the same bits. Return: 0, -EINVAL types, dimensions or parameters that make no sense, -EDOM a scale
 * that is not finite or not positive, -EOVERFLOW a dimension above 2^32 - 1, -ENOMEM.
 */
int xq_copy(struct xq_workspace *workspace, const struct xq_copy *copy);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
