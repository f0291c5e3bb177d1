/* SPDX-License-Identifier: MIT */
/*
 * The micro-kernel of a panel on AVX-512: parts of one to six rows of A by four strips of B,
 * straight into C, in assembler (panel_rows.S). Two things decide on its speed
 * that a compiler does not see. A burst of 24 stores takes as long as two steps and what comes
 * behind it waits, so the sums of a row have to leave while the next row is still multiplied.
 * And between two parts there may be no more instructions than a CPU has in flight, or its
 * multipliers run dry: the loop over the parts is inside.
 */
#ifndef XQK_KERN_PANEL_ROWS_AVX512_H
#define XQK_KERN_PANEL_ROWS_AVX512_H

/* Offsets of struct xqk_panel_rows for the assembler. */
#define XQK_ROWS_A		0
#define XQK_ROWS_A_STRIDE	8
#define XQK_ROWS_B		16
#define XQK_ROWS_C		24
#define XQK_ROWS_ROW		32
#define XQK_ROWS_COLUMN		40
#define XQK_ROWS_PARTS		48
#define XQK_ROWS_STEPS		52
#define XQK_ROWS_FLIP		56
#define XQK_ROWS_ADD		60
#define XQK_ROWS_WORDS		64
#define XQK_ROWS_CODEBOOK	72
#define XQK_ROWS_AHEAD		80
#define XQK_ROWS_AHEAD_STEP	88
#define XQK_ROWS_MASK		96
#define XQK_ROWS_LESS		128

/* As in product/micro_kernels.h; an entry of the table is the pointers of four strips. */
#define XQK_ROWS_TILE_STEPS	64
#define XQK_ROWS_STEP_BYTES	64
#define XQK_ROWS_ENTRY_BYTES	32

/* The most rows of a part, and the fewest steps. */
#define XQK_ROWS_MOST		6
#define XQK_ROWS_STEPS_LEAST	4

#ifndef __ASSEMBLER__
#include "product/micro_kernels.h"

/**
 * struct xqk_panel_rows - as struct xqk_panel, but the function says how many rows a part has
 * @column: may be NULL, but not for bits
 * @flip: what four bytes of B, or four codes, are exclusive-ored with
 * @words, @codebook: only where B is unpacked, which is then written to @b
 * @ahead, @ahead_step: where to fetch from, by how much it grows in each turn of four steps
 * @mask: of four codes
 * @less: what is taken off codes where the operand is signed
 */
struct xqk_panel_rows {
	const uint8_t *a;
	size_t a_stride;
	const uint8_t *const *b;
	int32_t *const *c;
	const int32_t *row, *column;
	uint32_t parts;
	uint32_t steps;
	uint32_t flip;
	uint32_t add;
	const uint8_t *const *words;
	const uint8_t *codebook;
	const uint8_t *ahead;
	uint64_t ahead_step;
	uint32_t mask;
	uint8_t less[64] __attribute__((aligned(64)));
};

#define XQK_ROWS_AT(member, offset) \
	_Static_assert(offsetof(struct xqk_panel_rows, member) == (offset), #member)
XQK_ROWS_AT(a, XQK_ROWS_A);
XQK_ROWS_AT(a_stride, XQK_ROWS_A_STRIDE);
XQK_ROWS_AT(b, XQK_ROWS_B);
XQK_ROWS_AT(c, XQK_ROWS_C);
XQK_ROWS_AT(row, XQK_ROWS_ROW);
XQK_ROWS_AT(column, XQK_ROWS_COLUMN);
XQK_ROWS_AT(parts, XQK_ROWS_PARTS);
XQK_ROWS_AT(steps, XQK_ROWS_STEPS);
XQK_ROWS_AT(flip, XQK_ROWS_FLIP);
XQK_ROWS_AT(add, XQK_ROWS_ADD);
XQK_ROWS_AT(words, XQK_ROWS_WORDS);
XQK_ROWS_AT(codebook, XQK_ROWS_CODEBOOK);
XQK_ROWS_AT(ahead, XQK_ROWS_AHEAD);
XQK_ROWS_AT(ahead_step, XQK_ROWS_AHEAD_STEP);
XQK_ROWS_AT(mask, XQK_ROWS_MASK);
XQK_ROWS_AT(less, XQK_ROWS_LESS);

_Static_assert(XQK_ROWS_TILE_STEPS == XQK_TILE_STEPS && XQK_ROWS_STEP_BYTES == XQK_STEP_BYTES &&
	       XQK_ROWS_ENTRY_BYTES == XQK_STRIPS * sizeof(uint8_t *), "panel_*.S");
_Static_assert(XQK_ROWS_MOST <= XQK_PANEL_AHEAD, "rows of C that are fetched ahead");

typedef void xqk_panel_rows_fn(const struct xqk_panel_rows *rows);

/* Signed A by unsigned B, once it is flipped. */
xqk_panel_rows_fn xqk_panel_rows_1_avx512, xqk_panel_rows_2_avx512, xqk_panel_rows_3_avx512,
		  xqk_panel_rows_4_avx512, xqk_panel_rows_5_avx512, xqk_panel_rows_6_avx512;
/* Unsigned A by signed B. */
xqk_panel_rows_fn xqk_panel_rows_1_by_u8_avx512, xqk_panel_rows_2_by_u8_avx512,
		  xqk_panel_rows_3_by_u8_avx512, xqk_panel_rows_4_by_u8_avx512,
		  xqk_panel_rows_5_by_u8_avx512, xqk_panel_rows_6_by_u8_avx512;
/* Bits by bits, a step being a word of 32. */
xqk_panel_rows_fn xqk_panel_rows_1_b1_avx512, xqk_panel_rows_2_b1_avx512,
		  xqk_panel_rows_3_b1_avx512, xqk_panel_rows_4_b1_avx512,
		  xqk_panel_rows_5_b1_avx512, xqk_panel_rows_6_b1_avx512;
/* One part of rows by words of B as they are, which are unpacked by the way. */
xqk_panel_rows_fn xqk_panel_unpack_5_4bit_avx512, xqk_panel_unpack_6_4bit_avx512,
		  xqk_panel_unpack_5_2bit_avx512, xqk_panel_unpack_6_2bit_avx512,
		  xqk_panel_unpack_5_1bit_avx512, xqk_panel_unpack_6_1bit_avx512,
		  xqk_panel_unpack_5_c4_avx512, xqk_panel_unpack_6_c4_avx512;
xqk_panel_rows_fn xqk_panel_unpack_5_4bit_by_u8_avx512, xqk_panel_unpack_6_4bit_by_u8_avx512,
		  xqk_panel_unpack_5_2bit_by_u8_avx512, xqk_panel_unpack_6_2bit_by_u8_avx512,
		  xqk_panel_unpack_5_1bit_by_u8_avx512, xqk_panel_unpack_6_1bit_by_u8_avx512,
		  xqk_panel_unpack_5_c4_by_u8_avx512, xqk_panel_unpack_6_c4_by_u8_avx512;
#endif

#endif
