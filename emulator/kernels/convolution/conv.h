/* SPDX-License-Identifier: MIT */
/*
 * Private to the kernels: convolutions. plan.c chooses the way of one: as a product where it is
 * one, as a product whose rows of A are gathered from X while they are staged (patches.c; every
 * pair of formats and every instruction set), or a faster one that it fits.
 *
 * As a product, rows are output pixels, [batch][out_h][out_w]; K is [kernel_h][kernel_w][channels
 * of a group], the order of W's rows; batch elements are the groups.
 */
#ifndef XQK_CONV_H
#define XQK_CONV_H

#include "isa.h"

struct xqk_work;

/* Where a pixel of X or Y is. */
static inline uint64_t xqk_pixel_at(const struct xqk_view *v, uint32_t image, uint32_t row,
				    uint32_t column)
{
	return image * v->batch_stride + row * v->group_stride + column * v->stride;
}

/* Its number, for views by lines. */
static inline uint64_t xqk_line_of_x(const struct xq_conv_dims *d, uint32_t image, uint32_t row,
				     uint32_t column)
{
	return ((uint64_t)image * d->in_h + row) * d->in_w + column;
}

static inline uint64_t xqk_line_of_y(const struct xq_conv_dims *d, uint32_t image, uint32_t row,
				     uint32_t column)
{
	return ((uint64_t)image * d->out_h + row) * d->out_w + column;
}

/* Elements [k0, k1) of the patch that row m is, as xqk_widen(). Returns their sum. */
int32_t xqk_patch_widen(const struct xqk_work *work, uint32_t m, uint32_t k0, uint32_t k1,
			int8_t *dst);

/* Whether patches of bits can be gathered as bits: by whole bytes, padding being a bit. */
bool xqk_patches_of_bits(const struct xqk_conv *conv);

/* Bytes [from, from + bytes) of a patch, if they can. */
void xqk_patch_bits(const struct xqk_work *work, uint32_t m, uint32_t from, uint32_t bytes,
		    uint8_t *dst);

/* Distance of an output pixel in Y. */
uint64_t xqk_patch_of_y(const struct xqk_conv *conv, uint32_t m);

/**
 * xqk_weight_row() - a row of W as signed bytes
 * @o: output channel
 * @dst: xq_conv_k() of them, W's elements less xqk_weight_bias()
 */
void xqk_weight_row(const struct xqk_plan *plan, uint32_t o, int8_t *dst);

static inline int32_t xqk_weight_bias(const struct xqk_conv *conv)
{
	return conv->dims.w_format == XQACCEL_FMT_U8 ? 128 : 0;
}

/* The zero point of an output channel's weights. */
int32_t xqk_weight_zero(const struct xqk_conv *conv, uint32_t o);

/* Whether a convolution is depthwise, with few enough taps for the kernels of that kind. */
bool xqk_depthwise_fits(const struct xqk_conv *conv);

/* Fill in the rest of the plan of one. */
void xqk_plan_depthwise(struct xqk_plan *plan, unsigned int threads);

/* A chunk of one; false if canceled. */
bool xqk_run_depthwise(const struct xqk_plan *plan, uint32_t chunk, void *scratch,
		       const atomic_bool *cancel);

/* The same where patches are multiplied in staged X; isa, conv and way of the plan are set. */
bool xqk_direct_fits(const struct xqk_plan *plan);
/* Whether most epilogues of the plan's kind are done before sums leave the registers. */
bool xqk_direct_makes_bytes(const struct xqk_plan *plan);
void xqk_plan_direct(struct xqk_plan *plan, unsigned int threads);
bool xqk_run_direct(const struct xqk_plan *plan, uint32_t chunk, void *scratch,
		    const atomic_bool *cancel);

#endif
