// SPDX-License-Identifier: MIT
/*
 * Implicit im2col: rows of A are gathered from X as they are staged, so that there is never a
 * matrix of patches. What is outside of X is staged as the zero point, which adds nothing.
 */
#include <string.h>

#include "convolution/conv.h"
#include "product/gemm.h"

/* An output pixel. */
struct pixel {
	uint32_t image, row, column;
};

static struct pixel pixel_of(const struct xq_conv_dims *d, uint32_t m)
{
	const uint32_t line = m / d->out_w;

	return (struct pixel){ line / d->out_h, line % d->out_h, m % d->out_w };
}

uint64_t xqk_patch_of_y(const struct xqk_conv *conv, uint32_t m)
{
	const struct pixel p = pixel_of(&conv->dims, m);

	return xqk_pixel_at(&conv->view[XQK_CONV_Y], p.image, p.row, p.column);
}

/*
 * Taps of a row of the kernel from column s on that see neighbours in X, whose channels follow
 * each other: they are one run. At least 1.
 */
static uint32_t taps_together(const struct xqk_conv *conv, uint32_t s, uint32_t x)
{
	const struct xq_conv_dims *d = &conv->dims;
	const uint32_t bits = xq_format_bits(d->x_format);
	const uint32_t taps = d->kernel_w - s;

	if (d->groups > 1 || d->dilation_w > 1 || d->transposed || !conv->view[XQK_CONV_X].flat ||
	    (uint64_t)d->in_c * bits != 8 * conv->view[XQK_CONV_X].stride)
		return 1;
	return taps < d->in_w - x ? taps : d->in_w - x;
}

int32_t xqk_patch_widen(const struct xqk_work *work, uint32_t m, uint32_t k0, uint32_t k1,
			int8_t *dst)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xq_conv_dims *d = &conv->dims;
	const struct pixel p = pixel_of(d, m);
	const uint32_t channels = d->in_c / d->groups;
	const int32_t pad = (int32_t)((uint32_t)conv->x_zp - (uint32_t)work->a_bias);
	uint32_t tap = k0 / channels, c = k0 % channels, sum = 0;

	while (k0 < k1) {
		const uint32_t r = tap / d->kernel_w, s = tap % d->kernel_w;
		uint32_t y, x, taps = 1, n;
		const bool inside = xq_conv_row(d, p.row, r, &y) && xq_conv_column(d, p.column, s, &x);

		if (inside)
			taps = taps_together(conv, s, x);
		n = k1 - k0;
		if (n > (uint64_t)taps * channels - c)
			n = taps * channels - c;
		if (inside) {
			const uint64_t first = (uint64_t)work->batch * channels + c;

			sum += (uint32_t)xqk_widen(work->product, &conv->view[XQK_CONV_X], d->x_format,
						   xqk_line_of_x(d, p.image, y, x),
						   xqk_pixel_at(&conv->view[XQK_CONV_X], p.image, y, x),
						   first, first + n, dst);
		} else {
			memset(dst, pad, n);
			sum += n * (uint32_t)pad;
		}
		dst += n;
		k0 += n;
		tap += (c + n) / channels;
		c = (c + n) % channels;
	}
	return (int32_t)sum;
}

bool xqk_patches_of_bits(const struct xqk_conv *conv)
{
	const struct xq_conv_dims *d = &conv->dims;

	return d->in_c / d->groups % 8 == 0 &&
	       (!xq_conv_padded(d) || conv->x_zp == 1 || conv->x_zp == -1);
}

void xqk_patch_bits(const struct xqk_work *work, uint32_t m, uint32_t from, uint32_t bytes,
		    uint8_t *dst)
{
	const struct xqk_conv *conv = &work->plan->conv;
	const struct xq_conv_dims *d = &conv->dims;
	const struct xqk_view *view = &conv->view[XQK_CONV_X];
	const struct pixel p = pixel_of(d, m);
	const uint32_t each = d->in_c / d->groups / 8;
	uint32_t tap = from / each, byte = from % each, n, y, x;

	for (; bytes; bytes -= n, dst += n, tap++, byte = 0) {
		n = bytes < each - byte ? bytes : each - byte;
		if (xq_conv_row(d, p.row, tap / d->kernel_w, &y) &&
		    xq_conv_column(d, p.column, tap % d->kernel_w, &x))
			xqk_read(view, xqk_line_of_x(d, p.image, y, x), xqk_pixel_at(view, p.image, y, x),
				 (uint64_t)work->batch * each + byte, dst, n);
		else
			memset(dst, conv->x_zp == 1 ? 0xff : 0, n);
	}
}
