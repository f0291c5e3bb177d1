/* SPDX-License-Identifier: MIT */
/*
 * Pools of quantized images. Scale and zero point of the output are the input's, so nothing is
 * requantized.
 */
#ifndef XQACCEL_POOL_H
#define XQACCEL_POOL_H

#include <xqaccel/conv.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** enum xq_pooling - what is taken of a window */
enum xq_pooling {
	XQ_MAX_POOL,
	XQ_AVERAGE_POOL,
};

/**
 * struct xq_pool - Y = pool(X); zero what is not needed
 * @kind: maximum or average
 * @layout: of X and Y
 * @type: of X and Y, s8 or u8
 * @batch: @in_h: @in_w: @channels: shape of X
 * @kernel_h: @kernel_w: shape of a window, at least 1. A global pool has that of X
 * @stride_h: @stride_w: 0 counts as 1
 * @pad_top: @pad_left: @pad_bottom: @pad_right: rows and columns around X, which take no part:
 *	a maximum is over the elements inside, an average divides their sum by how many they are,
 *	to nearest, halves away from zero. A window all of padding has the type's least value as
 *	maximum and 0 as average
 * @clamp: whether @act_min and @act_max count
 * @act_min: @act_max: bounds of Y besides the type's own; they must leave a value
 * @x: elements
 * @y: output; may not overlap @x
 */
struct xq_pool {
	enum xq_pooling kind;
	enum xq_image_layout layout;
	enum xq_type type;
	size_t batch, in_h, in_w, channels;
	size_t kernel_h, kernel_w, stride_h, stride_w;
	size_t pad_top, pad_left, pad_bottom, pad_right;
	bool clamp;
	int32_t act_min, act_max;
	const void *x;
	void *y;
};

/**
 * xq_pool_output() - height and width of Y: (in + pads - kernel) / stride + 1, rounded down
 *
 * Return: 0, -EINVAL (a window of no elements, or larger than the padded input), -EOVERFLOW.
 */
int xq_pool_output(const struct xq_pool *pool, size_t *h, size_t *w);

/**
 * xq_pool() - compute it
 *
 * On the workspace's device if it has pools, else on the CPU, with the same bits. Return: 0, what
 * xq_pool_output() returns, -EINVAL a type or bounds that make no sense, -EOVERFLOW a dimension above
 * 2^24 or a window of more than 2^23 elements, -ENOMEM, or how the device's job ended.
 */
int xq_pool(struct xq_workspace *workspace, const struct xq_pool *pool);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
