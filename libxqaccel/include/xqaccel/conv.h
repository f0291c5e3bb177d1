/* SPDX-License-Identifier: MIT */
/*
 * Two-dimensional convolution of quantized tensors, plain, grouped, depthwise and transposed.
 *
 * A device that has convolutions computes one as a job, without patches in memory. Otherwise, with a
 * zero point that padding can't stand for, or beyond 2^30 multiplications, it is matrix products:
 * patches are gathered into the device's buffers block by block, so that memory stays bounded whatever
 * the size of the output, and the next block is gathered while one is computed. Bias and
 * requantization run on the CPU; the sums are the same either way.
 */
#ifndef XQACCEL_CONV_H
#define XQACCEL_CONV_H

#include <xqaccel/matmul.h>
#include <xqaccel/requantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * enum xq_image_layout - order of dimensions
 * @XQ_NHWC: X [batch][h][w][channels], W [out][kh][kw][in / groups], Y [batch][h][w][out]
 * @XQ_NCHW: X [batch][channels][h][w], W [out][in / groups][kh][kw], Y [batch][out][h][w]
 *
 * Depthwise weights have the same form, with in / groups = 1. W keeps it with @transposed.
 */
enum xq_image_layout {
	XQ_NHWC,
	XQ_NCHW,
};

/**
 * struct xq_conv - Y = conv(X - x_zp, W - w_zp) + bias, requantized; zero what is not needed
 * @layout: of X, W and Y
 * @batch: @in_h: @in_w: @in_c: shape of X
 * @out_c: output channels
 * @kernel_h: @kernel_w: shape of the kernel, at least 1
 * @groups: must divide @in_c and @out_c; 0 counts as 1. Output channel o sees the input
 *	channels of group o / (out_c / groups)
 * @stride_h: @stride_w: @dilation_h: @dilation_w: 0 counts as 1
 * @pad_top: @pad_left: @pad_bottom: @pad_right: rows and columns around X; they contribute
 *	nothing, that is, they count as x_zp
 * @transposed: input i times tap k is added at output stride * i + dilation * k - pad
 * @output_pad_h: @output_pad_w: rows and columns added at the end, only if @transposed
 * @x_type: @w_type: any type of at most 8 bits but those with a codebook
 * @x: @w: unpacked elements
 * @x_zp: zero point of X, any value
 * @w_zp: zero points of W; @w_zps of them: 0, 1 or @out_c
 * @bias: [out_c] or NULL, added with wrapping
 * @requant: NULL: @y is int32_t. Its parameters are per output channel
 * @y: output
 * @bad_x: @bad_w: index of the first value that is not of its type, SIZE_MAX if there is none;
 *	written only if the call fails with -ERANGE
 * @stats: NULL, or to be filled in
 */
struct xq_conv {
	enum xq_image_layout layout;
	size_t batch, in_h, in_w, in_c;
	size_t out_c, kernel_h, kernel_w, groups;
	size_t stride_h, stride_w, dilation_h, dilation_w;
	size_t pad_top, pad_left, pad_bottom, pad_right;
	bool transposed;
	size_t output_pad_h, output_pad_w;
	enum xq_type x_type, w_type;
	const void *x, *w;
	int32_t x_zp;
	const int32_t *w_zp;
	size_t w_zps;
	const int32_t *bias;
	const struct xq_requant *requant;
	void *y;
	size_t bad_x, bad_w;
	struct xq_matmul_stats *stats;
};

/**
 * xq_conv_output() - height and width of Y
 *
 * (in + pads - (kernel - 1) * dilation - 1) / stride + 1, rounded down; transposed:
 * (in - 1) * stride + (kernel - 1) * dilation + 1 + output_pad - pads.
 *
 * Return: 0, -EINVAL (a kernel larger than the padded input, or pads larger than what a
 * transposed convolution makes, output padding without it, groups that divide nothing),
 * -EOVERFLOW.
 */
int xq_conv_output(const struct xq_conv *conv, size_t *h, size_t *w);

/**
 * xq_conv() - compute it on the workspace's device
 *
 * Exact modulo 2^32 before requantization, on every device. Return: 0, what xq_conv_output()
 * and xq_requant_check() return, and what xq_matmul() does.
 */
int xq_conv(struct xq_workspace *workspace, struct xq_conv *conv);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
