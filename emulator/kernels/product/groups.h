/* SPDX-License-Identifier: MIT */
/*
 * Private to the kernels: groups with real scales. Integer sums of groups come as those of any
 * other product; what follows is, for each group in ascending order, in float32,
 *
 *	c = fma(float(s), a * b, c), and with minima c = fma(-(float(t) * a), min, c)
 *
 * as struct xqaccel_gemm specifies. groups.c stages the scales and takes care of C, the loops
 * are the instruction sets'.
 */
#ifndef XQK_GROUPS_H
#define XQK_GROUPS_H

#include "product/micro_kernels.h"

/* Groups with real scales in a block. */
#define XQK_REAL_PIECES	128

struct xqk_work;

/* Room for real scales and minima within the scratch memory of a chunk; adds to *used. */
void xqk_real_layout(struct xqk_work *work, uint32_t pieces, uint8_t *scratch, size_t *used);

/* Scales of the block and the staged rows; before the rows, whose sums are multiplied by them. */
void xqk_stage_real_a(struct xqk_work *work);

/* Scales and minima of the staged channels. */
void xqk_stage_real_b(struct xqk_work *work);

/*
 * Up to product->rows staged rows, XQK_TALL_ROWS of tall ones, from this one on, by the staged
 * channels.
 */
void xqk_compute_real(struct xqk_work *work, uint32_t row, uint32_t rows);

#endif
