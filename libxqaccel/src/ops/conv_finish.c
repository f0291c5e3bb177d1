// SPDX-License-Identifier: MIT
/* What follows the products of a convolution. */
#include <string.h>

#include "conv.h"
#include "epilogue.h"

#define BLOCK 32

/* Blocks, so that both sides stay in the cache. */
#define DEFINE_TRANSPOSE(type)								\
	static void transpose_##type(const type *src, size_t a, size_t b, type *dst, size_t stride) \
	{										\
		for (size_t i0 = 0; i0 < a; i0 += BLOCK) {				\
			for (size_t j0 = 0; j0 < b; j0 += BLOCK) {			\
				for (size_t j = j0; j < b && j < j0 + BLOCK; j++) {	\
					for (size_t i = i0; i < a && i < i0 + BLOCK; i++) \
						dst[j * stride + i] = src[i * b + j];	\
				}							\
			}								\
		}									\
	}
DEFINE_TRANSPOSE(uint8_t)
DEFINE_TRANSPOSE(uint16_t)
DEFINE_TRANSPOSE(uint32_t)

void xq_transpose(const void *src, size_t a, size_t b, size_t bytes, void *dst, size_t dst_stride)
{
	if (bytes == 1)
		transpose_uint8_t(src, a, b, dst, dst_stride);
	else if (bytes == 2)
		transpose_uint16_t(src, a, b, dst, dst_stride);
	else
		transpose_uint32_t(src, a, b, dst, dst_stride);
}

static size_t element_bytes(const struct xq_conv *conv)
{
	return conv->requant ? xq_type_unpacked_bytes(conv->requant->type) : sizeof(int32_t);
}

size_t xq_conv_finish_bytes(const struct xq_conv *conv, const struct xq_conv_shape *s, size_t rows)
{
	return conv->layout == XQ_NCHW && conv->requant ? rows * s->out_c * element_bytes(conv) : 0;
}

/* [rows][out_c] values to their places in [batch][out_c][pixels] */
static void scatter(const struct xq_conv_shape *s, const uint8_t *values, size_t bytes, size_t first,
		    size_t rows, uint8_t *y)
{
	size_t pixels = s->out_h * s->out_w;

	while (rows) {
		size_t image = first / pixels, at = first % pixels;
		size_t n = rows < pixels - at ? rows : pixels - at;

		xq_transpose(values, n, s->out_c, bytes, y + (image * s->out_c * pixels + at) * bytes, pixels);
		values += n * s->out_c * bytes;
		first += n;
		rows -= n;
	}
}

int xq_conv_finish(const struct xq_conv *conv, const struct xq_conv_shape *s, size_t first,
		   size_t rows, int32_t *acc, void *scratch)
{
	const struct xq_channels shape = { rows, s->out_c, 1 };
	size_t bytes = element_bytes(conv);
	uint8_t *y = conv->y, *there = y + first * s->out_c * bytes;
	int err;

	if (conv->layout == XQ_NHWC && conv->requant)
		return xq_requantize(acc, &shape, conv->bias, conv->requant, there);
	if (conv->requant) {
		err = xq_requantize(acc, &shape, conv->bias, conv->requant, scratch);
	} else {
		err = xq_bias_add(acc, &shape, conv->bias);
		scratch = acc;
	}
	if (err)
		return err;
	if (conv->layout == XQ_NCHW)
		scatter(s, scratch, bytes, first, rows, y);
	else
		memcpy(there, acc, rows * s->out_c * bytes);
	return 0;
}

void xq_conv_put_finished(const struct xq_conv *conv, const struct xq_conv_shape *s, const void *packed, void *scratch)
{
	const enum xq_type type = conv->requant->type;

	if (conv->layout == XQ_NHWC) {
		xq_epilogue_unpack(type, packed, s->rows, s->out_c, conv->y);
		return;
	}
	xq_epilogue_unpack(type, packed, s->rows, s->out_c, scratch);
	scatter(s, scratch, element_bytes(conv), 0, s->rows, conv->y);
}
