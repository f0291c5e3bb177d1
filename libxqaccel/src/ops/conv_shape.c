// SPDX-License-Identifier: MIT
/* Shapes of convolutions: sizes are checked here once, so that products of them can't overflow. */
#include <errno.h>

#include "conv.h"

/* Every extent is below this, so that sums of products of two of them fit in 64 bits. */
#define MOST ((size_t)1 << 30)

static size_t or_one(size_t v)
{
	return v ? v : 1;
}

/* One axis of the output. */
static int output_axis(size_t in, size_t kernel, size_t stride, size_t dilation, size_t pads,
		       bool transposed, size_t output_pad, size_t *out)
{
	size_t reach, whole;

	if (in > MOST || kernel > MOST || stride > MOST || dilation > MOST || pads > MOST ||
	    output_pad > MOST)
		return -EOVERFLOW;
	if (!kernel || (output_pad && !transposed))
		return -EINVAL;
	reach = (kernel - 1) * dilation + 1;
	if (!transposed) {
		if (in + pads < reach)
			return -EINVAL;
		*out = (in + pads - reach) / stride + 1;
		return 0;
	}
	/* Nothing comes of nothing, but what was asked for is added. */
	whole = (in ? (in - 1) * stride + reach : 0) + output_pad;
	if (whole < pads)
		return -EINVAL;
	*out = whole - pads;
	return *out > MOST ? -EOVERFLOW : 0;
}

int xq_conv_output(const struct xq_conv *c, size_t *h, size_t *w)
{
	size_t groups = or_one(c->groups);
	int err;

	if (c->in_c % groups || c->out_c % groups)
		return -EINVAL;
	if (c->pad_top > MOST || c->pad_left > MOST)
		return -EOVERFLOW;
	err = output_axis(c->in_h, c->kernel_h, or_one(c->stride_h), or_one(c->dilation_h),
			  c->pad_top + c->pad_bottom, c->transposed, c->output_pad_h, h);
	if (err)
		return err;
	return output_axis(c->in_w, c->kernel_w, or_one(c->stride_w), or_one(c->dilation_w),
			   c->pad_left + c->pad_right, c->transposed, c->output_pad_w, w);
}

/* a * b * c * d */
static int product(size_t a, size_t b, size_t c, size_t d, size_t *out)
{
	size_t ab, cd;

	if (__builtin_mul_overflow(a, b, &ab) || __builtin_mul_overflow(c, d, &cd) ||
	    __builtin_mul_overflow(ab, cd, out) || *out > SIZE_MAX / 8)
		return -EOVERFLOW;
	return 0;
}

int xq_conv_shape(const struct xq_conv *c, struct xq_conv_shape *s)
{
	size_t y_elements;
	int err;

	*s = (struct xq_conv_shape){
		.batch = c->batch, .in_h = c->in_h, .in_w = c->in_w, .in_c = c->in_c, .out_c = c->out_c,
		.groups = or_one(c->groups), .kernel_h = c->kernel_h, .kernel_w = c->kernel_w,
		.stride_h = or_one(c->stride_h), .stride_w = or_one(c->stride_w),
		.dilation_h = or_one(c->dilation_h), .dilation_w = or_one(c->dilation_w),
		.pad_top = c->pad_top, .pad_left = c->pad_left, .transposed = c->transposed,
	};
	s->padded = c->transposed || c->pad_top || c->pad_left || c->pad_bottom || c->pad_right;
	err = xq_conv_output(c, &s->out_h, &s->out_w);
	if (!err)
		err = product(s->batch, s->in_h, s->in_w, s->in_c, &s->x_elements);
	if (!err)
		err = product(s->out_c, s->kernel_h, s->kernel_w, s->in_c / s->groups, &s->w_elements);
	if (!err)
		err = product(s->batch, s->out_h, s->out_w, s->out_c, &y_elements);
	if (!err)
		err = product(s->batch, s->out_h, s->out_w, 1, &s->rows);
	if (!err)
		err = product(s->kernel_h, s->kernel_w, s->in_c / s->groups, 1, &s->k);
	if (err)
		return err;
	s->group_in = s->in_c / s->groups;
	s->group_out = s->out_c / s->groups;
	return 0;
}
