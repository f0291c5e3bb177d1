/* SPDX-License-Identifier: MIT */
/*
 * The micro-kernel of direct convolutions by four strips of channels on AVX-512 VNNI, in assembler
 * (direct_rows.S): parts of one to six pixels. As in product/avx512/panel_rows.h, the sums of a
 * pixel leave while the next one is still multiplied, and the loop over the parts is inside.
 */
#ifndef XQK_DIRECT_ROWS_AVX512_H
#define XQK_DIRECT_ROWS_AVX512_H

/* Offsets of struct xqk_direct and struct xqk_direct_run for the assembler. */
#define XQK_DIRECT_X		0
#define XQK_DIRECT_Y		8
#define XQK_DIRECT_RUN		24
#define XQK_DIRECT_RUNS		32
#define XQK_DIRECT_B		40
#define XQK_DIRECT_START	48
#define XQK_DIRECT_LAST		56
#define XQK_DIRECT_RUN_A	0
#define XQK_DIRECT_RUN_STEPS	4
#define XQK_DIRECT_RUN_TILE	8
#define XQK_DIRECT_RUN_FIRST	12
#define XQK_DIRECT_RUN_BYTES	16

/* The most pixels of a part. */
#define XQK_DIRECT_MOST		6

#ifndef __ASSEMBLER__
#include "convolution/micro_kernels.h"

#define XQK_DIRECT_AT(type, member, offset) _Static_assert(offsetof(struct type, member) == (offset), #member)
XQK_DIRECT_AT(xqk_direct, x, XQK_DIRECT_X);
XQK_DIRECT_AT(xqk_direct, y, XQK_DIRECT_Y);
XQK_DIRECT_AT(xqk_direct, run, XQK_DIRECT_RUN);
XQK_DIRECT_AT(xqk_direct, runs, XQK_DIRECT_RUNS);
XQK_DIRECT_AT(xqk_direct, b, XQK_DIRECT_B);
XQK_DIRECT_AT(xqk_direct, start, XQK_DIRECT_START);
XQK_DIRECT_AT(xqk_direct, last, XQK_DIRECT_LAST);
XQK_DIRECT_AT(xqk_direct_run, a, XQK_DIRECT_RUN_A);
XQK_DIRECT_AT(xqk_direct_run, steps, XQK_DIRECT_RUN_STEPS);
XQK_DIRECT_AT(xqk_direct_run, tile, XQK_DIRECT_RUN_TILE);
XQK_DIRECT_AT(xqk_direct_run, first, XQK_DIRECT_RUN_FIRST);
_Static_assert(sizeof(struct xqk_direct_run) == XQK_DIRECT_RUN_BYTES, "direct_rows.S");
_Static_assert(XQK_DIRECT_STRIPS == 4, "direct_rows.S");

/* Parts of so many pixels, from pixel @first on; at least one part and one run. */
typedef void xqk_direct_rows_fn(const struct xqk_direct *job, size_t first, size_t parts);

xqk_direct_rows_fn xqk_direct_rows_1_avx512, xqk_direct_rows_2_avx512, xqk_direct_rows_3_avx512,
		   xqk_direct_rows_4_avx512, xqk_direct_rows_5_avx512, xqk_direct_rows_6_avx512;
#endif

#endif
