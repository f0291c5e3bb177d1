/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A random convolution with operands in memory of every shape, and what it should give by naive
 * loops, written from the description in xq_convolution.h alone.
 *
 * The byte at distance d of an operand's first byte is a function of d, see gemm_case.h.
 */
#ifndef XQ_TESTS_CONV_CASE_H
#define XQ_TESTS_CONV_CASE_H

#include <stdlib.h>

#include "ktap.h"
#include "xq_kernels.h"

enum conv_layout { CONV_FLAT, CONV_PAGED, CONV_LINES };

/* images x rows x columns of `bytes` each, at the strides of a view. */
struct conv_tensor {
	enum conv_layout layout;
	uint64_t seed;
	uint32_t images, rows, columns;
	uint64_t bytes;
	uint32_t align;
	uint64_t span;
	uint8_t *flat;
	uint8_t **page;
	uint64_t *page_at;	/* distance of the page's first byte, may wrap below 0 */
	size_t pages;
};

struct conv_case {
	struct xqk_conv conv;
	bool plain;		/* flat and without slack */
	bool symmetric;		/* no zero points of W */
	unsigned int extreme;	/* bytes of X and W: 0 random, else the largest products */
	struct conv_tensor tensor[XQK_CONV_OPERANDS];
};

static inline bool conv_one_in(unsigned int n)
{
	return ktap_random() % n == 0;
}

static inline uint8_t conv_byte(const struct conv_case *c, unsigned int operand, uint64_t at)
{
	uint64_t z = (at + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ c->tensor[operand].seed;

	if (c->extreme && operand <= XQK_CONV_W)
		return (uint8_t[]){ 0x80, 0xff, 0x00 }[(c->extreme + (operand & c->extreme)) % 3];
	z = (z ^ (z >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint8_t)(z >> 40);
}

/* ---- memory --------------------------------------------------------------------------------- */

static inline uint64_t conv_distance(const struct conv_case *c, unsigned int operand, uint64_t line)
{
	const struct conv_tensor *t = &c->tensor[operand];
	const struct xqk_view *v = &c->conv.view[operand];

	return line / t->columns / t->rows * v->batch_stride +
	       line / t->columns % t->rows * v->group_stride + line % t->columns * v->stride;
}

static inline void conv_map_pages(struct conv_case *c, unsigned int operand, uint64_t lines)
{
	struct conv_tensor *t = &c->tensor[operand];
	struct xqk_view *v = &c->conv.view[operand];

	v->head = (uint32_t)ktap_range(0, XQK_PAGE_BYTES / t->align) * t->align % XQK_PAGE_BYTES;
	if (t->layout == CONV_LINES)
		v->line_pages = (uint32_t)((t->bytes + 2 * XQK_PAGE_BYTES - 2) / XQK_PAGE_BYTES);
	t->pages = t->layout == CONV_LINES ? v->line_pages * lines :
		   (v->head + t->span + XQK_PAGE_BYTES - 1) / XQK_PAGE_BYTES;
	t->page = calloc(t->pages + 1, sizeof(*t->page));
	t->page_at = calloc(t->pages + 1, sizeof(*t->page_at));
	for (size_t i = 0; i < t->pages; i++) {
		uint64_t at = i * XQK_PAGE_BYTES;

		if (t->layout == CONV_LINES)
			at = ((v->head + conv_distance(c, operand, i / v->line_pages)) &
			      ~(uint64_t)(XQK_PAGE_BYTES - 1)) + i % v->line_pages * XQK_PAGE_BYTES;
		t->page_at[i] = at - v->head;
		t->page[i] = aligned_alloc(XQK_PAGE_BYTES, XQK_PAGE_BYTES);
		for (unsigned int b = 0; b < XQK_PAGE_BYTES; b++)
			t->page[i][b] = conv_byte(c, operand, t->page_at[i] + b);
	}
	v->page = t->page;
}

/* Lays out a tensor. by_lines: it may be a view by lines. */
static inline void conv_place(struct conv_case *c, unsigned int operand, uint32_t images,
			      uint32_t rows, uint32_t columns, uint64_t bytes, uint32_t align,
			      bool by_lines)
{
	struct conv_tensor *t = &c->tensor[operand];
	struct xqk_view *v = &c->conv.view[operand];
	const uint64_t lines = (uint64_t)images * rows * columns;
	uint64_t slack = c->plain ? 0 : (uint64_t)ktap_range(0, 2) * align;

	*t = (struct conv_tensor){ .seed = ktap_random(), .images = images, .rows = rows,
				   .columns = columns, .bytes = bytes, .align = align };
	if (!c->plain)
		t->layout = by_lines && conv_one_in(5) ? CONV_LINES : conv_one_in(3) ? CONV_PAGED : CONV_FLAT;
	if (t->layout == CONV_LINES)
		slack = align * (uint64_t)ktap_range(8192, INT64_C(1) << 30);
	v->stride = (bytes + align - 1) / align * align + slack;
	v->group_stride = columns * v->stride + (conv_one_in(2) ? slack : 0);
	v->batch_stride = rows * v->group_stride + (conv_one_in(2) ? slack : 0);
	if (lines && bytes)
		t->span = conv_distance(c, operand, lines - 1) + bytes;
	if (t->layout != CONV_FLAT) {
		conv_map_pages(c, operand, lines);
		return;
	}
	t->flat = malloc(t->span ? t->span : 1);
	for (uint64_t i = 0; i < t->span; i++)
		t->flat[i] = conv_byte(c, operand, i);
	v->flat = t->flat;
}

static inline void conv_free(struct conv_case *c)
{
	for (unsigned int i = 0; i < XQK_CONV_OPERANDS; i++) {
		for (size_t p = 0; p < c->tensor[i].pages; p++)
			free(c->tensor[i].page[p]);
		free(c->tensor[i].page);
		free(c->tensor[i].page_at);
		free(c->tensor[i].flat);
	}
}

/* ---- reference ------------------------------------------------------------------------------ */

static inline int64_t conv_element(const struct conv_case *c, unsigned int operand, uint32_t format,
				   uint64_t at, uint64_t bit)
{
	const unsigned int bits = xq_format_bits(format);
	uint64_t code = 0;

	for (unsigned int byte = 0; byte < (bits + 7) / 8; byte++)
		code |= (uint64_t)conv_byte(c, operand, at + bit / 8 + byte) << (8 * byte);
	if (bits < 8)
		code = code >> bit % 8 & ((1U << bits) - 1);
	switch (format) {
	case XQACCEL_FMT_S8:
		return (int8_t)code;
	case XQACCEL_FMT_S32:
		return (int32_t)code;
	case XQACCEL_FMT_S4:
		return code >= 8 ? (int64_t)code - 16 : (int64_t)code;
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_T2:
		return code >= 2 ? (int64_t)code - 4 : (int64_t)code;
	case XQACCEL_FMT_B1:
		return code ? 1 : -1;
	default:
		return (int64_t)code;
	}
}

/* An element of W less its zero point. */
static inline int64_t conv_weight(const struct conv_case *c, uint32_t o, uint32_t k)
{
	const struct xq_conv_dims *d = &c->conv.dims;
	const struct xqk_view *v = &c->conv.view[XQK_CONV_W];
	const unsigned int bits = xq_format_bits(d->w_format), per_word = 32 / bits;
	const uint64_t words = (xq_conv_k(d) + per_word - 1) / per_word, tiles = (words + 63) / 64;
	const uint32_t outs = d->out_c / d->groups, n = o % outs, word = k / per_word;
	int64_t value;

	if (d->flags & XQACCEL_JOB_B_TILED)
		value = conv_element(c, XQK_CONV_W, d->w_format, o / outs * v->batch_stride +
				     (n / 16 * tiles + word / 64) * 4096 +
				     4 * (16 * (word % 64) + n % 16), k % per_word * bits);
	else
		value = conv_element(c, XQK_CONV_W, d->w_format, o * v->stride, (uint64_t)k * bits);
	if (xq_format_codebook(d->w_format))
		value = conv_element(c, XQK_CONV_CODEBOOK, XQACCEL_FMT_S8, (uint64_t)value, 0);
	if (xqk_present(&c->conv.view[XQK_CONV_W_ZP]))
		return value - conv_element(c, XQK_CONV_W_ZP, XQACCEL_FMT_S32, 4 * (uint64_t)o, 0);
	return value - c->conv.w_zp;
}

/* Which input an output meets by a tap, -1 if none. */
static inline int64_t conv_meets(const struct xq_conv_dims *d, int64_t out, int64_t tap, int64_t stride,
				 int64_t dilation, int64_t pad, int64_t size)
{
	for (int64_t in = 0; in < size; in++)
		if (d->transposed ? stride * in + dilation * tap - pad == out :
				    stride * out + dilation * tap - pad == in)
			return in;
	return -1;
}

static inline uint32_t conv_output(const struct conv_case *c, const int64_t *x, const int64_t *w,
				   uint32_t image, uint32_t p, uint32_t q, uint32_t o)
{
	const struct xq_conv_dims *d = &c->conv.dims;
	const uint32_t ins = d->in_c / d->groups, group = o / (d->out_c / d->groups);
	uint64_t sum = 0;

	for (uint32_t r = 0; r < d->kernel_h; r++) {
		const int64_t y = conv_meets(d, p, r, d->stride_h, d->dilation_h, d->pad_top, d->in_h);

		for (uint32_t s = 0; s < d->kernel_w && y >= 0; s++) {
			const int64_t at = conv_meets(d, q, s, d->stride_w, d->dilation_w,
						      d->pad_left, d->in_w);

			for (uint32_t i = 0; i < ins && at >= 0; i++)
				sum += (uint64_t)x[((image * d->in_h + (uint64_t)y) * d->in_w +
						    (uint64_t)at) * d->in_c + group * ins + i] *
				       (uint64_t)w[((uint64_t)o * d->kernel_h * d->kernel_w +
						    r * d->kernel_w + s) * ins + i];
		}
	}
	return (uint32_t)sum;
}

/* Y as it must be. */
static inline uint32_t *conv_reference(const struct conv_case *c)
{
	const struct xq_conv_dims *d = &c->conv.dims;
	const uint64_t pixels = (uint64_t)d->batch * d->in_h * d->in_w, k = xq_conv_k(d);
	int64_t *x = malloc(8 * (pixels * d->in_c + 1)), *w = malloc(8 * (d->out_c * k + 1));
	uint32_t *y = malloc(4 * ((uint64_t)d->batch * d->out_h * d->out_w * d->out_c + 1)), *to = y;

	for (uint64_t i = 0; i < pixels; i++)
		for (uint32_t channel = 0; channel < d->in_c; channel++)
			x[i * d->in_c + channel] =
				conv_element(c, XQK_CONV_X, d->x_format, conv_distance(c, XQK_CONV_X, i),
					     (uint64_t)channel * xq_format_bits(d->x_format)) -
				c->conv.x_zp;
	for (uint32_t o = 0; o < d->out_c; o++)
		for (uint32_t i = 0; i < k; i++)
			w[o * k + i] = conv_weight(c, o, i);
	for (uint32_t image = 0; image < d->batch; image++)
		for (uint32_t p = 0; p < d->out_h; p++)
			for (uint32_t q = 0; q < d->out_w; q++)
				for (uint32_t o = 0; o < d->out_c; o++)
					*to++ = conv_output(c, x, w, image, p, q, o);
	free(x);
	free(w);
	return y;
}

/*
 * Bytes of Y's memory that are wrong, given the rows of bytes that it should have: bytes of it, or one
 * that is not Y's and was written.
 */
static inline size_t conv_byte_differences(const struct conv_case *c, const uint8_t *rows)
{
	const struct conv_tensor *t = &c->tensor[XQK_CONV_Y];
	const uint64_t lines = (uint64_t)t->images * t->rows * t->columns;
	size_t wrong = 0, run;

	for (uint64_t line = 0; line < lines; line++) {
		const uint64_t at = conv_distance(c, XQK_CONV_Y, line);

		for (uint64_t byte = 0; byte < t->bytes; byte++) {
			uint8_t *p = xqk_at(&c->conv.view[XQK_CONV_Y], line, at, byte, &run);

			wrong += *p != rows[line * t->bytes + byte];
			*p = conv_byte(c, XQK_CONV_Y, at + byte);
		}
	}
	for (uint64_t i = 0; t->flat && i < t->span; i++)
		wrong += t->flat[i] != conv_byte(c, XQK_CONV_Y, i);
	for (size_t page = 0; page < t->pages; page++)
		for (unsigned int i = 0; i < XQK_PAGE_BYTES; i++)
			wrong += t->page[page][i] != conv_byte(c, XQK_CONV_Y, t->page_at[page] + i);
	return wrong;
}

/* The same of int32. */
static inline size_t conv_differences(const struct conv_case *c, const uint32_t *reference)
{
	return conv_byte_differences(c, (const uint8_t *)reference);
}

/* ---- random convolutions ---------------------------------------------------------------------- */

/* Output pixels of an axis: those of the usual formula, or any number. */
static inline uint32_t conv_outputs(const struct xq_conv_dims *d, uint32_t in, uint32_t kernel,
				    uint32_t stride, uint32_t dilation, uint32_t pads)
{
	const int64_t reach = (int64_t)(kernel - 1) * dilation + 1;
	int64_t out = d->transposed ? ((int64_t)in - 1) * stride + reach - pads :
				      ((int64_t)in + pads - reach) / stride + 1;

	if (conv_one_in(8) || out < 0)
		out = ktap_range(0, 5);
	return (uint32_t)(out < 40 ? out : 40);
}

static inline void conv_random_dims(struct xq_conv_dims *d)
{
	d->batch = conv_one_in(4) ? (uint32_t)ktap_range(0, 3) : 1;
	d->in_h = (uint32_t)ktap_range(conv_one_in(20) ? 0 : 1, conv_one_in(2) ? 12 : 4);
	d->in_w = (uint32_t)ktap_range(conv_one_in(20) ? 0 : 1, conv_one_in(2) ? 20 : 5);
	d->kernel_h = (uint32_t)ktap_range(1, conv_one_in(4) ? 7 : 3);
	d->kernel_w = conv_one_in(3) ? (uint32_t)ktap_range(1, 7) : d->kernel_h;
	d->stride_h = (uint32_t)ktap_range(1, conv_one_in(4) ? 5 : 2);
	d->stride_w = conv_one_in(4) ? (uint32_t)ktap_range(1, 5) : d->stride_h;
	d->dilation_h = conv_one_in(3) ? (uint32_t)ktap_range(1, 4) : 1;
	d->dilation_w = conv_one_in(2) ? d->dilation_h : 1;
	d->pad_top = conv_one_in(2) ? 0 : (uint32_t)ktap_range(0, conv_one_in(4) ? 9 : 3);
	d->pad_left = conv_one_in(2) ? d->pad_top : (uint32_t)ktap_range(0, 3);
	d->transposed = conv_one_in(6);
	/* One dimension is a height of 1. */
	if (conv_one_in(8))
		d->in_h = d->kernel_h = d->stride_h = d->dilation_h = 1, d->pad_top = 0;
	if (conv_one_in(6))
		d->kernel_h = d->kernel_w = 1;
	d->groups = conv_one_in(3) ? (uint32_t)ktap_range(1, 5) : 1;
	d->in_c = d->groups * (uint32_t)ktap_range(conv_one_in(20) ? 0 : 1, conv_one_in(4) ? 70 : 12);
	d->out_c = d->groups * (uint32_t)ktap_range(conv_one_in(20) ? 0 : 1, conv_one_in(3) ? 140 : 20);
	/* Depthwise, also with a multiplier. */
	if (conv_one_in(4)) {
		d->in_c = d->groups = (uint32_t)ktap_range(1, conv_one_in(2) ? 150 : 20);
		d->out_c = d->in_c * (conv_one_in(4) ? (uint32_t)ktap_range(0, 3) : 1);
	}
	d->out_h = conv_outputs(d, d->in_h, d->kernel_h, d->stride_h, d->dilation_h,
				d->pad_top + (uint32_t)ktap_range(0, 2));
	d->out_w = conv_outputs(d, d->in_w, d->kernel_w, d->stride_w, d->dilation_w,
				d->pad_left + (uint32_t)ktap_range(0, 2));
	while ((uint64_t)d->batch * d->out_h * d->out_w * d->out_c * xq_conv_k(d) > 400000 && d->out_h > 1)
		d->out_h = (d->out_h + 1) / 2;
}

/*
 * Of many channels, where taps that see padding only may be left out if weights have no zero points: images
 * smaller than the kernel, pads beyond it, strides past it, channels that are no whole steps.
 */
static inline void conv_padded_dims(struct xq_conv_dims *d)
{
	conv_random_dims(d);
	d->transposed = false;
	d->groups = conv_one_in(6) ? 2 : 1;
	d->in_c = d->groups * (uint32_t)(conv_one_in(3) ? ktap_range(1, 30) : 4 * ktap_range(1, 7));
	d->out_c = d->groups * (uint32_t)ktap_range(60, 140);
	d->pad_top = (uint32_t)ktap_range(0, conv_one_in(4) ? 9 : 2);
	d->pad_left = (uint32_t)ktap_range(0, conv_one_in(4) ? 9 : 2);
	d->out_h = conv_outputs(d, d->in_h, d->kernel_h, d->stride_h, d->dilation_h, 2 * d->pad_top);
	d->out_w = conv_outputs(d, d->in_w, d->kernel_w, d->stride_w, d->dilation_w, 2 * d->pad_left);
	while ((uint64_t)d->batch * d->out_h * d->out_w * d->out_c * xq_conv_k(d) > 1000000 && d->out_h > 1)
		d->out_h = (d->out_h + 1) / 2;
	d->flags = conv_one_in(2) ? XQACCEL_JOB_B_TILED : 0;
}

/* Zero points that the numbers allow. */
static inline void conv_zero_points(struct conv_case *c)
{
	const struct xq_conv_dims *d = &c->conv.dims;

	c->conv.x_zp = conv_one_in(3) ? 0 : d->x_format == XQACCEL_FMT_U8 ?
		       (int32_t)ktap_range(0, 255) : (int32_t)ktap_range(-128, 127);
	if (d->x_format == XQACCEL_FMT_B1 && conv_one_in(2))
		c->conv.x_zp = conv_one_in(2) ? 1 : -1;
	if (!xq_conv_padded(d) && conv_one_in(3))
		c->conv.x_zp = (int32_t)ktap_random();
	if (c->symmetric)
		return;
	c->conv.w_zp = conv_one_in(2) ? 0 : conv_one_in(2) ? (int32_t)ktap_range(-130, 130) :
		       (int32_t)ktap_random();
}

/* A case for a pair of formats; dims may be preset, then kernel_h is not 0. */
static inline void conv_make(struct conv_case *c, uint32_t x_format, uint32_t w_format)
{
	struct xq_conv_dims *d = &c->conv.dims;
	const bool preset = d->kernel_h;
	const uint32_t bits = c->conv.epilogue.dims.kind ? xq_format_bits(c->conv.epilogue.dims.format) : 32;

	if (!preset)
		conv_random_dims(d);
	if (!preset && conv_one_in(2))
		d->flags = XQACCEL_JOB_B_TILED;
	d->x_format = (uint8_t)x_format;
	d->w_format = (uint8_t)w_format;
	conv_zero_points(c);
	conv_place(c, XQK_CONV_X, d->batch, d->in_h, d->in_w, xq_row_bytes(x_format, d->in_c), 1, true);
	if (d->flags & XQACCEL_JOB_B_TILED)
		conv_place(c, XQK_CONV_W, d->groups, 1, 1,
			   xq_tiled_bytes(w_format, d->out_c / d->groups, xq_conv_k(d)),
			   XQACCEL_TILE_BYTES, false);
	else
		conv_place(c, XQK_CONV_W, 1, 1, d->out_c, xq_row_bytes(w_format, xq_conv_k(d)), 1, true);
	conv_place(c, XQK_CONV_Y, d->batch, d->out_h, d->out_w, ((uint64_t)d->out_c * bits + 7) / 8,
		   (bits + 7) / 8, true);
	if (!c->symmetric && conv_one_in(3))
		conv_place(c, XQK_CONV_W_ZP, 1, 1, 1, 4 * (uint64_t)d->out_c, 4, false);
	if (xq_format_codebook(w_format))
		conv_place(c, XQK_CONV_CODEBOOK, 1, 1, 1, w_format == XQACCEL_FMT_C8 ? 256 : 16, 1, false);
}

static inline void conv_print(const struct conv_case *c, const char *isa)
{
	const struct xq_conv_dims *d = &c->conv.dims;

	printf("# %s: formats %u x %u, X %ux%ux%ux%u, Y %ux%ux%u, kernel %ux%u, groups %u, stride %ux%u, "
	       "dilation %ux%u, pad %u %u, %s, flags %#x, zp %d %d, layouts", isa, d->x_format, d->w_format,
	       d->batch, d->in_h, d->in_w, d->in_c, d->out_h, d->out_w, d->out_c, d->kernel_h, d->kernel_w,
	       d->groups, d->stride_h, d->stride_w, d->dilation_h, d->dilation_w, d->pad_top, d->pad_left,
	       d->transposed ? "transposed" : "plain", d->flags, c->conv.x_zp, c->conv.w_zp);
	for (unsigned int i = 0; i < XQK_CONV_OPERANDS; i++)
		printf(" %s", xqk_present(&c->conv.view[i]) ?
		       (const char *[]){ "flat", "paged", "lines" }[c->tensor[i].layout] : "-");
	printf("\n");
}

#endif
