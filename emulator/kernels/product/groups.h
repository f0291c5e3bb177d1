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
struct xqk_view;

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

/* What the block's groups are added to, of so many rows from row m of C on. */
void xqk_start_real(const struct xqk_work *work, uint32_t m, uint32_t rows, int32_t *sums);

/* n scales from `first` on of a line of an operand, to float32; at most the pieces of a block by XQK_LANES. */
void xqk_read_reals(const struct xqk_work *work, const struct xqk_view *view, uint32_t format, uint64_t line,
		    uint64_t distance, uint64_t first, size_t n, float *to);

/* ---- supergroups whose sums are integers, see supergroups.c ------------------------------------- */

/* Room for their scales and minima, as xqk_real_layout(). */
void xqk_summed_layout(struct xqk_work *work, uint32_t pieces, uint8_t *scratch, size_t *used);

void xqk_stage_summed_a(struct xqk_work *work);
void xqk_stage_summed_b(struct xqk_work *work);

/* Sums of a row that is used where it is, by groups that are multiplied by scaled channels. */
void xqk_summed_row(struct xqk_work *work, uint32_t row, const uint8_t *a);

/* What the staged rows need besides, once their sums are known. */
void xqk_finish_summed_a(struct xqk_work *work);

/*
 * Up to product->rows staged rows, XQK_TALL_ROWS of channels that are scaled, from this one on by the
 * staged channels.
 */
void xqk_compute_summed(struct xqk_work *work, uint32_t row, uint32_t rows);

#endif
