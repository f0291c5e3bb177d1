/* SPDX-License-Identifier: MIT */
/*
 * The table of the kernels of AVX-512 with VNNI, VBMI and VPOPCNTDQ, also for an instruction set
 * that adds to it. Included by a file that defines
 *
 *	XQK_PRODUCT		the table's name
 *	XQK_TALL		initializers of what is tall for B's operand as the dots take it
 *	XQK_TALL_S8		the same for B of s8, whose operand is used as it is
 *	XQK_TALL_BY_U8		the same for A of u8
 *	XQK_TALL_ROWS_LEAST	tall_rows
 *	XQK_SUMMED		dot_summed and what goes with it
 */
#include "kernels.h"
#include "panel_rows.h"
#include "product/template.h"

/*
 * The dots of panels, the dot of whole panels, how they are unpacked, the operand's bias, the
 * dot of tiles; what else.
 */
#define B_FORMAT(dots, whole, unpacker, offset, tiles, ...) {	\
	.dot = xqk_dot_##dots##_avx512,				\
	.dot_fold = xqk_dot_fold_##dots##_avx512,		\
	.dot_panel = xqk_dot_panel_##whole##_avx512,		\
	.unpack = (unpacker),					\
	.bias = (offset),					\
	.dot_tiles = xqk_dot_tiles_##tiles##_avx512,		\
	.dot_groups = xqk_dot_groups_##dots##_avx512,		\
	.dot_real = xqk_dot_real_##dots##_avx512,		\
	.tiles_real = xqk_tiles_real_##tiles##_avx512,		\
	.row_real = xqk_row_real_##tiles##_avx512,		\
	.vector = xqk_vector_##tiles##_avx512, __VA_ARGS__	\
}

#define B_NARROW(name, offset, ...)							\
	B_FORMAT(u8, name, xqk_unpack_##name##_avx512, offset, name, .panel_unpacks = true,	\
		 XQK_TALL __VA_ARGS__)

/* The same for A of u8. */
#define B_BY_U8(whole, unpacker, ...) {				\
	.dot = xqk_dot_by_u8_avx512,				\
	.dot_fold = xqk_dot_fold_by_u8_avx512,			\
	.dot_panel = xqk_dot_panel_##whole##_avx512,		\
	.unpack = (unpacker), XQK_TALL_BY_U8 __VA_ARGS__	\
}

#define B_NARROW_BY_U8(name, unpacker)						\
	B_BY_U8(name##_by_u8, xqk_unpack_##unpacker##_avx512, .panel_unpacks = true)

const struct xqk_product XQK_PRODUCT = {
	.rows = 6,
	.b = {
		[XQACCEL_FMT_S8] = B_FORMAT(s8, s8, NULL, 128, s8, XQK_TALL_S8),
		[XQACCEL_FMT_U8] = B_FORMAT(u8, u8, NULL, 0, u8, XQK_TALL),
		[XQACCEL_FMT_S4] = B_NARROW(s4, 8),
		[XQACCEL_FMT_U4] = B_NARROW(u4, 0),
		[XQACCEL_FMT_S2] = B_NARROW(s2, 2),
		[XQACCEL_FMT_U2] = B_NARROW(u2, 0),
		[XQACCEL_FMT_T2] = B_NARROW(s2, 2),
		[XQACCEL_FMT_B1] = B_NARROW(b1, 1, .vector_arrange = xqk_vector_arrange_b1_avx512,
					    .vector_step = XQK_VECTOR_STEP_B1),
		[XQACCEL_FMT_C4] = B_NARROW(c4, 128),
		[XQACCEL_FMT_C8] = B_FORMAT(u8, u8, xqk_unpack_c8_avx512, 128, c8, XQK_TALL),
	},
	.b_by_u8 = {
		[XQACCEL_FMT_S8] = B_BY_U8(by_u8, NULL),
		[XQACCEL_FMT_S4] = B_NARROW_BY_U8(s4, signed_s4),
		[XQACCEL_FMT_U4] = B_NARROW_BY_U8(u4, u4),
		[XQACCEL_FMT_S2] = B_NARROW_BY_U8(s2, signed_s2),
		[XQACCEL_FMT_U2] = B_NARROW_BY_U8(u2, u2),
		[XQACCEL_FMT_T2] = B_NARROW_BY_U8(s2, signed_s2),
		[XQACCEL_FMT_B1] = B_NARROW_BY_U8(b1, signed_b1),
		[XQACCEL_FMT_C4] = B_NARROW_BY_U8(c4, c4),
		[XQACCEL_FMT_C8] = B_BY_U8(by_u8, xqk_unpack_c8_avx512),
	},
	.tiles_rows = 4,
	.tall_rows = XQK_TALL_ROWS_LEAST,
	.panel_steps = XQK_ROWS_STEPS_LEAST,
	.natural = true,
	.dot_bits = xqk_dot_b1_avx512,
	.dot_fold_bits = xqk_dot_fold_b1_avx512,
	.dot_panel_bits = xqk_dot_panel_bits_avx512,
	.thin_s8 = xqk_thin_s8_avx512,
	.widen_a = xqk_widen_a_avx512,
	.sum_a = xqk_sum_a_avx512,
	.arrange_a = xqk_arrange_a_avx512,
	.interleave_b = xqk_interleave_b_avx512,
	.fold = fold_rows,
	.real = &xqk_real_avx512,
	.scale_strip = xqk_scale_strip_avx512,
	.sum_groups = xqk_sum_groups_avx512,
	.groups_added = true,
	.minima_summed = xqk_minima_summed_avx512,
	XQK_SUMMED
};
