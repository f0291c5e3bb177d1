/* SPDX-License-Identifier: MIT */
/*
 * Softmax and means.
 */
#ifndef XQACCEL_SOFTMAX_H
#define XQACCEL_SOFTMAX_H

#include <xqaccel/matmul.h>
#include <xqaccel/requantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * struct xq_softmax - softmax along the last dimension, as TFLite's integer reference
 * @rows: @columns: shape
 * @multiplier: @shift: factor of a difference to the greatest element of its row, to 26 bits
 *	behind the point. The multiplier is not negative, the shift is 0 to 31 to the left
 * @diff_min: differences below it give 0; at most 0
 * @x: int8_t elements
 * @y: int8_t results of scale 1/256 and zero point -128; may be @x
 */
struct xq_softmax {
	size_t rows, columns;
	int32_t multiplier, shift, diff_min;
	const int8_t *x;
	int8_t *y;
};

/**
 * xq_softmax() - 0, -EINVAL parameters out of range, -EOVERFLOW, -ENOMEM
 *
 * On the workspace's device if that has the operation, else on the CPU, with the same bits.
 */
int xq_softmax(struct xq_workspace *workspace, const struct xq_softmax *softmax);

/**
 * xq_softmax_factors() - TFLite's multiplier, shift and least difference of a scale
 *
 * The factor is that of min(beta S 2^26, 2^31 - 1), diff_min is -floor(31 * 2^26 / 2^shift).
 * Return: 0, -EDOM if beta S is not finite, or so small that the factor is 1 or less.
 */
int xq_softmax_factors(float x_scale, float beta, struct xq_softmax *softmax);

/**
 * struct xq_mean - means over the middle of [outer][count][inner]
 * @type: of X, s8 or u8
 * @x_zp: its zero point
 * @outer: @count: @inner: shape. Spatial means of NHWC images have inner = channels
 * @requant: of the sums of X - x_zp, modulo 2^32, to s8 or u8; one set of parameters, whose
 *	factor has the division by @count in it
 * @x: @y: [outer][inner] results; may not overlap @x
 */
struct xq_mean {
	enum xq_type type;
	int32_t x_zp;
	size_t outer, count, inner;
	const struct xq_requant *requant;
	const void *x;
	void *y;
};

/** xq_mean() - 0, what xq_requant_check() returns, -EINVAL a type, -EOVERFLOW, -ENOMEM */
int xq_mean(struct xq_workspace *workspace, const struct xq_mean *mean);

/**
 * xq_mean_factors() - TFLite's factor of a mean
 * @multiplier: @shift: on entry the factor of S_x / S_y by xq_quantize_multiplier(); divided by
 *	@count as TFLite does: the multiplier is first moved as far to the left as the count
 *	has bits, at most 32 and so that the shift does not fall below -31, then divided and cut off
 *
 * Return: 0 or -EINVAL.
 */
int xq_mean_factors(size_t count, int32_t *multiplier, int32_t *shift);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
