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

#include "xq_kernels.h"

struct xqk_work;

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

#endif
