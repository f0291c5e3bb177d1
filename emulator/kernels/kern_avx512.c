// SPDX-License-Identifier: MIT
/* AVX-512 with VNNI, VBMI and VPOPCNTDQ: the table of its kernels. */
#include "kern_avx512.h"
#include "kern_template.h"

static bool available(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni") &&
	       __builtin_cpu_supports("avx512vpopcntdq");
}

const struct xqk_isa xqk_isa_avx512vnni = {
	.name = "avx512vnni",
	.available = available,
	.rows = 6,
	.a_bytes = 1,
	.b = {
		[XQACCEL_FMT_S8] = { xqk_dot_s8_avx512, NULL, 128 },
		[XQACCEL_FMT_U8] = { xqk_dot_u8_avx512, NULL, 0 },
		[XQACCEL_FMT_S4] = { xqk_dot_u8_avx512, unpack_s4, 8 },
		[XQACCEL_FMT_U4] = { xqk_dot_u8_avx512, unpack_u4, 0 },
		[XQACCEL_FMT_S2] = { xqk_dot_u8_avx512, unpack_s2, 2 },
		[XQACCEL_FMT_U2] = { xqk_dot_u8_avx512, unpack_u2, 0 },
		[XQACCEL_FMT_T2] = { xqk_dot_u8_avx512, unpack_s2, 2 },
		[XQACCEL_FMT_B1] = { xqk_dot_u8_avx512, unpack_b1, 1 },
		[XQACCEL_FMT_C4] = { xqk_dot_u8_avx512, unpack_c4, 128 },
		[XQACCEL_FMT_C8] = { xqk_dot_u8_avx512, unpack_c8, 128 },
	},
	.widen_a = widen_a,
	.arrange_a = arrange_a,
	.interleave_b = interleave_b,
	.fold = fold_rows,
};
