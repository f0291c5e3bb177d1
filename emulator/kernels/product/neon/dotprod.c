// SPDX-License-Identifier: MIT
/* Arm NEON with SDOT: four products of signed bytes are added to each of four sums. */
#include "kernels.h"

/* With 4 registers of B and one of each row of A these sums fit 32 registers. */
#define ROWS		5

/* The step of A that is word `word` of each row's 16 bytes. */
#define ADD_STEP(word)									\
	for (quad = 0; quad < XQK_QUADS; quad++)					\
		b[quad] = veorq_s8(vld1q_s8(run.b + (word) * XQK_STEP_BYTES + 16 * quad),	\
				   vdupq_n_s8(flip));					\
	for (r = 0; r < rows; r++)							\
		for (quad = 0; quad < XQK_QUADS; quad++)				\
			sum[r][quad] = vdotq_laneq_s32(sum[r][quad], b[quad], words[r], word)

/* Operands of U8 become signed by flipping their top bit, which adds the bias of -128. */
NEON_INLINE void dot_rows(const struct xqk_dot *dot, unsigned int row, unsigned int strip,
			  const unsigned int rows, const int8_t flip)
{
	const int8_t *a = (const int8_t *)dot->a + row * dot->a_stride;
	int32x4_t sum[ROWS][XQK_QUADS] = { 0 };
	int8x16_t b[XQK_QUADS], words[ROWS];
	unsigned int r, quad;
	uint32_t at = 0;

	while (at < dot->steps) {
		struct neon_run run = neon_run_at(dot, strip, at, dot->steps - at);

		at += run.steps;
		for (; run.steps >= 4; run.steps -= 4, a += 16, run.b += 4 * XQK_STEP_BYTES) {
			for (r = 0; r < rows; r++)
				words[r] = vld1q_s8(a + r * dot->a_stride);
			ADD_STEP(0);
			ADD_STEP(1);
			ADD_STEP(2);
			ADD_STEP(3);
		}
		for (; run.steps; run.steps--, a += 4, run.b += XQK_STEP_BYTES) {
			for (r = 0; r < rows; r++)
				words[r] = vreinterpretq_s8_s32(vld1q_dup_s32(
					(const int32_t *)(a + r * dot->a_stride)));
			ADD_STEP(0);
		}
	}
	for (r = 0; r < rows; r++)
		for (quad = 0; quad < XQK_QUADS; quad++)
			vst1q_s32(dot->c + (row + r) * XQK_COLUMNS + strip * XQK_LANES + 4 * quad,
				  sum[r][quad]);
}

#define dot_s8_rows(dot, row, strip, rows)	dot_rows(dot, row, strip, rows, 0)
#define dot_u8_rows(dot, row, strip, rows)	dot_rows(dot, row, strip, rows, -128)

NEON_DOT(dot_s8, ROWS)
NEON_DOT(dot_u8, ROWS)

const struct xqk_product xqk_product_neondot = {
	.rows = ROWS,
	.b = NEON_FORMATS(dot_s8, dot_u8, dot_s8),
	.dot_bits = dot_bits,
	.widen_a = widen_a,
	.arrange_a = arrange_a,
	.interleave_b = interleave_b,
	.fold = fold_rows,
	.real = &xqk_real_neon,
};
