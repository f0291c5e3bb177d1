// SPDX-License-Identifier: MIT
/* Gathering patches (im2col). */
#include <string.h>

#include "conv.h"

/* The input row or column that a tap of an output row or column sees; false if outside. */
static inline bool source(size_t out, size_t tap, size_t stride, size_t dilation, size_t pad,
			  size_t in, bool transposed, size_t *at)
{
	size_t sum = out, step = dilation * tap;

	if (transposed) {
		/* stride * at + dilation * tap - pad = out */
		sum += pad;
		if (sum < step || (sum - step) % stride)
			return false;
		*at = (sum - step) / stride;
	} else {
		sum = out * stride + step;
		if (sum < pad)
			return false;
		*at = sum - pad;
	}
	return *at < in;
}

/* Where the channels of one pixel go: group g to dst + g * group_bytes. */
struct cell {
	uint8_t *dst;
	size_t group_bytes;
};

static void copy_pixel(const struct xq_conv_shape *s, const uint8_t *src, struct cell to)
{
	if (s->groups == 1) {
		memcpy(to.dst, src, s->in_c);
	} else if (s->group_in == 1) {
		for (size_t g = 0; g < s->groups; g++)
			to.dst[g * to.group_bytes] = src[g];
	} else {
		for (size_t g = 0; g < s->groups; g++)
			memcpy(to.dst + g * to.group_bytes, src + g * s->group_in, s->group_in);
	}
}

static void fill_pixels(const struct xq_conv_shape *s, uint8_t value, size_t pixels, struct cell to)
{
	for (size_t g = 0; g < s->groups; g++)
		memset(to.dst + g * to.group_bytes, value, pixels * s->group_in);
}

/* The taps of one kernel row: @line is the input's row, NULL if it is outside. */
static void kernel_row(const struct xq_conv_shape *s, const uint8_t *line, bool inside, size_t ox,
		       uint8_t pad, struct cell to)
{
	size_t ix, last;

	if (!inside) {
		fill_pixels(s, pad, s->kernel_w, to);
		return;
	}
	if (s->groups == 1 && s->dilation_w == 1 && !s->transposed && line &&
	    source(ox, 0, s->stride_w, 1, s->pad_left, s->in_w, false, &ix) &&
	    source(ox, s->kernel_w - 1, s->stride_w, 1, s->pad_left, s->in_w, false, &last)) {
		memcpy(to.dst, line + ix * s->in_c, s->kernel_w * s->in_c);
		return;
	}
	for (size_t kx = 0; kx < s->kernel_w; kx++, to.dst += s->group_in) {
		if (!source(ox, kx, s->stride_w, s->dilation_w, s->pad_left, s->in_w, s->transposed, &ix))
			fill_pixels(s, pad, 1, to);
		else if (line)
			copy_pixel(s, line + ix * s->in_c, to);
		else
			fill_pixels(s, 0, 1, to);
	}
}

void xq_conv_patches(const struct xq_conv_shape *s, const uint8_t *x, uint8_t pad, size_t first,
		     size_t rows, uint8_t *dst, size_t stride)
{
	size_t ox = first % s->out_w, oy = first / s->out_w % s->out_h, b = first / s->out_w / s->out_h;
	size_t kernel_row_bytes = s->kernel_w * s->group_in;

	/* Without channels nothing is gathered, however many taps there are. */
	if (!s->k)
		return;
	for (size_t r = 0; r < rows; r++, dst += stride) {
		for (size_t ky = 0; ky < s->kernel_h; ky++) {
			struct cell to = { dst + ky * kernel_row_bytes, rows * stride };
			size_t iy = 0;
			bool inside = source(oy, ky, s->stride_h, s->dilation_h, s->pad_top, s->in_h,
					     s->transposed, &iy);

			kernel_row(s, x && inside ? x + (b * s->in_h + iy) * s->in_w * s->in_c : NULL,
				   inside, ox, pad, to);
		}
		if (++ox == s->out_w) {
			ox = 0;
			if (++oy == s->out_h) {
				oy = 0;
				b++;
			}
		}
	}
}
