/* SPDX-License-Identifier: MIT */
/*
 * The pieces of a convolution. Internal.
 *
 * A row of the left matrix is the patch that one output pixel sees: taps in the order
 * [kernel_h][kernel_w], the channels of one group within each. Rows are numbered in the order of
 * the output's pixels, [batch][out_h][out_w].
 */
#ifndef XQ_OPS_CONV_H
#define XQ_OPS_CONV_H

#include <xqaccel/conv.h>

/* xq_conv with the defaults filled in, and what follows from it. */
struct xq_conv_shape {
	size_t batch, in_h, in_w, in_c, out_h, out_w, out_c, groups;
	size_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
	size_t pad_top, pad_left;
	bool transposed, padded;	/* padded: some tap may be outside */
	size_t group_in, group_out;	/* channels of a group */
	size_t k;			/* elements of a patch of one group */
	size_t rows;			/* output pixels */
	size_t x_elements, w_elements;
};

/* 0, -EINVAL or -EOVERFLOW */
int xq_conv_shape(const struct xq_conv *conv, struct xq_conv_shape *s);

/**
 * xq_conv_patches() - gather patches
 * @x: the input in NHWC order, or NULL for one that is zero everywhere
 * @pad: the byte of an element outside of the input
 * @first: @rows: which patches
 * @dst: patch r of group g begins at (g * rows + r) * stride
 */
void xq_conv_patches(const struct xq_conv_shape *s, const uint8_t *x, uint8_t pad, size_t first,
		     size_t rows, uint8_t *dst, size_t stride);

/* [a][b] to [b][a] with rows of dst_stride elements; elements of 1, 2 or 4 bytes */
void xq_transpose(const void *src, size_t a, size_t b, size_t bytes, void *dst, size_t dst_stride);

/**
 * xq_conv_finish() - bias, requantization and the output's layout
 * @first: @rows: which output pixels
 * @acc: [rows][out_c]
 * @scratch: xq_conv_finish_bytes()
 */
int xq_conv_finish(const struct xq_conv *conv, const struct xq_conv_shape *s, size_t first,
		   size_t rows, int32_t *acc, void *scratch);

/* The same of all pixels, which the device has finished: the output's layout alone. */
void xq_conv_put_finished(const struct xq_conv *conv, const struct xq_conv_shape *s, const void *packed, void *scratch);

/* Scratch memory that blocks of so many rows need, 0 if none */
size_t xq_conv_finish_bytes(const struct xq_conv *conv, const struct xq_conv_shape *s, size_t rows);

#endif
