// SPDX-License-Identifier: MIT
/* Epilogues for NEON. */
#include "epilogue/neon/requantize.h"
#include "epilogue/template.h"

XQK_REQUANT_DEFINE_ALL

/* Four tables of 64 bytes; indices beyond one leave what others gave. */
static void lookup(uint8_t *bytes, size_t n, const uint8_t *table)
{
	uint8x16x4_t part[4];
	size_t i;

	for (i = 0; i < 4; i++)
		part[i] = vld1q_u8_x4(table + 64 * i);
	for (i = 0; i + 16 <= n; i += 16) {
		const uint8x16_t v = vld1q_u8(bytes + i);
		uint8x16_t y = vqtbl4q_u8(part[0], v);

		y = vqtbx4q_u8(y, part[1], vsubq_u8(v, vdupq_n_u8(64)));
		y = vqtbx4q_u8(y, part[2], vsubq_u8(v, vdupq_n_u8(128)));
		y = vqtbx4q_u8(y, part[3], vsubq_u8(v, vdupq_n_u8(192)));
		vst1q_u8(bytes + i, y);
	}
	lookup_loop(bytes + i, n - i, table);
}

const struct xqk_epilogue_kernels xqk_epilogue_neon = {
	.requant = XQK_REQUANT_TABLE,
	.steps = steps_loop,
	.reals = reals_loop,
	.lookup = lookup,
	.pack = pack_loop,
};
