// SPDX-License-Identifier: MIT
/* AVX-512 with VNNI, VBMI and VPOPCNTDQ: the table of its kernels. */
#include "kern_avx512.h"
#include "kern_panel_rows_avx512.h"
#include "kern_template.h"

static bool available(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni") &&
	       __builtin_cpu_supports("avx512vpopcntdq");
}

/* The dots of panels, how they are unpacked, the operand's bias, the dot of tiles; what else. */
#define B_FORMAT(panel, unpacker, offset, tiles, ...) {		\
	.dot = xqk_dot_##panel##_avx512,			\
	.dot_fold = xqk_dot_fold_##panel##_avx512,		\
	.dot_panel = xqk_dot_panel_##panel##_avx512,			\
	.unpack = (unpacker),					\
	.bias = (offset),					\
	.dot_tiles = xqk_dot_tiles_##tiles##_avx512,		\
	.dot_groups = xqk_dot_groups_##panel##_avx512,		\
	.vector = xqk_vector_##tiles##_avx512, __VA_ARGS__	\
}

/* The same for A of u8: how they are unpacked, the operand's bias. */
#define B_BY_U8(unpacker, offset) {				\
	.dot = xqk_dot_by_u8_avx512,				\
	.dot_fold = xqk_dot_fold_by_u8_avx512,			\
	.dot_panel = xqk_dot_panel_by_u8_avx512,			\
	.unpack = (unpacker),					\
	.bias = (offset),					\
}

const struct xqk_isa xqk_isa_avx512vnni = {
	.name = "avx512vnni",
	.available = available,
	.rows = 6,
	.b = {
		[XQACCEL_FMT_S8] = B_FORMAT(s8, NULL, 128, s8),
		[XQACCEL_FMT_U8] = B_FORMAT(u8, NULL, 0, u8),
		[XQACCEL_FMT_S4] = B_FORMAT(u8, xqk_unpack_s4_avx512, 8, s4),
		[XQACCEL_FMT_U4] = B_FORMAT(u8, xqk_unpack_u4_avx512, 0, u4),
		[XQACCEL_FMT_S2] = B_FORMAT(u8, xqk_unpack_s2_avx512, 2, s2),
		[XQACCEL_FMT_U2] = B_FORMAT(u8, xqk_unpack_u2_avx512, 0, u2),
		[XQACCEL_FMT_T2] = B_FORMAT(u8, xqk_unpack_s2_avx512, 2, s2),
		[XQACCEL_FMT_B1] = B_FORMAT(u8, xqk_unpack_b1_avx512, 1, b1,
					    .vector_arrange = xqk_vector_arrange_b1_avx512,
					    .vector_step = XQK_VECTOR_STEP_B1),
		[XQACCEL_FMT_C4] = B_FORMAT(u8, xqk_unpack_c4_avx512, 128, c4),
		[XQACCEL_FMT_C8] = B_FORMAT(u8, xqk_unpack_c8_avx512, 128, c8),
	},
	.b_by_u8 = {
		[XQACCEL_FMT_S8] = B_BY_U8(NULL, 0),
		[XQACCEL_FMT_S4] = B_BY_U8(xqk_unpack_signed_s4_avx512, 0),
		[XQACCEL_FMT_U4] = B_BY_U8(xqk_unpack_u4_avx512, 0),
		[XQACCEL_FMT_S2] = B_BY_U8(xqk_unpack_signed_s2_avx512, 0),
		[XQACCEL_FMT_U2] = B_BY_U8(xqk_unpack_u2_avx512, 0),
		[XQACCEL_FMT_T2] = B_BY_U8(xqk_unpack_signed_s2_avx512, 0),
		[XQACCEL_FMT_B1] = B_BY_U8(xqk_unpack_signed_b1_avx512, 0),
		[XQACCEL_FMT_C4] = B_BY_U8(xqk_unpack_c4_avx512, 0),
		[XQACCEL_FMT_C8] = B_BY_U8(xqk_unpack_c8_avx512, 0),
	},
	.tiles_rows = 4,
	.panel_steps = XQK_ROWS_STEPS_LEAST,
	.natural = true,
	.dot_bits = xqk_dot_b1_avx512,
	.dot_fold_bits = xqk_dot_fold_b1_avx512,
	.thin_s8 = xqk_thin_s8_avx512,
	.widen_a = xqk_widen_a_avx512,
	.sum_a = xqk_sum_a_avx512,
	.arrange_a = xqk_arrange_a_avx512,
	.interleave_b = xqk_interleave_b_avx512,
	.fold = fold_rows,
};
