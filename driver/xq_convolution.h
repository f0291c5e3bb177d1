/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Geometry of a convolution: which element of X meets which element of W, and what numbers
 * make one at all. Plain integer arithmetic, for kernel and user space, as in xq_geometry.h.
 */
#ifndef XQ_CONVOLUTION_H
#define XQ_CONVOLUTION_H

#include "xq_geometry.h"

/**
 * struct xq_conv_dims - the shape of a convolution
 * @flags: XQACCEL_JOB_B_TILED: W is in the tile order, group by group
 * @batch: X is [batch][in_h][in_w][in_c]
 * @in_h: height of X
 * @in_w: width of X
 * @in_c: channels of X
 * @out_h: Y is [batch][out_h][out_w][out_c]; any height and width. What output
 *	pixels see beyond X's last row and column is padding, as is what they see before the first
 * @out_w: width of Y
 * @out_c: channels of Y
 * @kernel_h: W is [out_c][kernel_h][kernel_w][in_c / groups]
 * @kernel_w: width of the kernel
 * @groups: output channel o sees the input channels of group o / (out_c / groups)
 * @stride_h: lines of X from one output to the next, at least 1
 * @stride_w: likewise, from pixel to pixel
 * @dilation_h: lines from one tap to the next, at least 1
 * @dilation_w: pixels from one tap to the next, at least 1
 * @pad_top: lines before X
 * @pad_left: pixels before X
 * @transposed: input i meets output stride * i + dilation * tap - pad, not the other way round
 * @x_format: format of elements, a row's least significant bits first
 * @w_format: likewise
 *
 *	Y[n][p][q][o] = sum over taps (r, s) and channels c of o's group of
 *		(X[n][stride_h * p + dilation_h * r - pad_top][...][c] - x_zp) *
 *		(W[o][r][s][c] - w_zp[o])
 *
 * modulo 2^32, without what is outside of X.
 */
struct xq_conv_dims {
	__u32 flags;
	__u32 batch, in_h, in_w, in_c;
	__u32 out_h, out_w, out_c;
	__u32 kernel_h, kernel_w, groups;
	__u32 stride_h, stride_w, dilation_h, dilation_w;
	__u32 pad_top, pad_left;
	bool transposed;
	__u8 x_format, w_format;
};

/* Elements of a row of W: what an output sees of its group. */
static inline __u64 xq_conv_k(const struct xq_conv_dims *d)
{
	return (__u64)d->kernel_h * d->kernel_w * (d->in_c / d->groups);
}

/* One axis of xq_conv_inside(). */
static inline bool xq_conv_axis(const struct xq_conv_dims *d, __u32 out, __u32 tap, __u32 stride,
				__u32 dilation, __u32 pad, __u32 size, __u32 *in)
{
	__u64 at;

	if (!d->transposed) {
		at = (__u64)out * stride + (__u64)tap * dilation;
		if (at < pad || at - pad >= size)
			return false;
		*in = (__u32)(at - pad);
		return true;
	}
	at = (__u64)out + pad;
	if (at < (__u64)tap * dilation)
		return false;
	at -= (__u64)tap * dilation;
	if (stride > 1) {
		/* 64-bit division is not everywhere an operator; what is beyond is outside. */
		if (at >> 32)
			return false;
		if ((__u32)at % stride)
			return false;
		at = (__u32)at / stride;
	}
	if (at >= size)
		return false;
	*in = (__u32)at;
	return true;
}

/* Which row of X an output row sees by a tap; false if it is outside. Columns likewise. */
static inline bool xq_conv_row(const struct xq_conv_dims *d, __u32 out, __u32 tap, __u32 *in)
{
	return xq_conv_axis(d, out, tap, d->stride_h, d->dilation_h, d->pad_top, d->in_h, in);
}

static inline bool xq_conv_column(const struct xq_conv_dims *d, __u32 out, __u32 tap, __u32 *in)
{
	return xq_conv_axis(d, out, tap, d->stride_w, d->dilation_w, d->pad_left, d->in_w, in);
}

/* Whether some output pixel sees something outside of X, or may: every transposed one counts. */
static inline bool xq_conv_padded(const struct xq_conv_dims *d)
{
	if (d->transposed || d->pad_top || d->pad_left)
		return true;
	if (!d->out_h || !d->out_w)
		return false;
	return (__u64)(d->out_h - 1) * d->stride_h +
	       (__u64)(d->kernel_h - 1) * d->dilation_h >= d->in_h ||
	       (__u64)(d->out_w - 1) * d->stride_w +
	       (__u64)(d->kernel_w - 1) * d->dilation_w >= d->in_w;
}

/*
 * Whether the numbers alone are a convolution. Padding stands for elements that equal the zero
 * point, so where there is any, that must be of 8 bits: unsigned with u8, else signed.
 */
static inline bool xq_conv_valid(const struct xq_conv_dims *d, __s64 x_zp)
{
	const __u32 sizes[] = {
		d->batch, d->in_h, d->in_w, d->in_c, d->out_h, d->out_w, d->out_c, d->kernel_h,
		d->kernel_w, d->groups, d->stride_h, d->stride_w, d->dilation_h, d->dilation_w,
		d->pad_top, d->pad_left,
	};
	const __s64 least = d->x_format == XQACCEL_FMT_U8 ? 0 : -128;
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i] > XQ_MAX_DIM)
			return false;
	/* The kernel to the strides, none of them 0. */
	for (i = 7; i < 14; i++)
		if (!sizes[i])
			return false;
	if (d->flags & ~(__u32)XQACCEL_JOB_B_TILED)
		return false;
	if (d->in_c % d->groups || d->out_c % d->groups)
		return false;
	if (!xq_format_bits(d->x_format) || !xq_format_bits(d->w_format))
		return false;
	if ((__u64)d->kernel_h * d->kernel_w > XQ_MAX_DIM || xq_conv_k(d) > XQ_MAX_DIM)
		return false;
	if ((__u64)d->out_h * d->out_w > XQ_MAX_DIM ||
	    (__u64)d->out_h * d->out_w * d->batch > XQ_MAX_DIM)
		return false;
	return !xq_conv_padded(d) || (x_zp >= least && x_zp <= least + 255);
}

#endif
