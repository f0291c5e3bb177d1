// SPDX-License-Identifier: MIT
/*
 * Arm NEON with I8MM: SMMLA multiplies two rows of A by two lanes of B, 8 elements deep. Lanes
 * of B have 4 elements in a step, so two steps are zipped together for all pairs of rows.
 */
#include "kernels.h"

/* Three pairs of rows by 8 pairs of lanes are 24 registers of sums. */
#define ROWS		6
#define PAIRS		(ROWS / 2)

/* 8 elements of two rows; the second may be a repetition of the first. */
NEON_INLINE int8x16_t load_rows(const int8_t *first, const int8_t *second, bool one_step)
{
	if (!one_step)
		return vcombine_s8(vld1_s8(first), vld1_s8(second));
	/* Nothing in the second step. */
	return vreinterpretq_s8_s32(vsetq_lane_s32(
		*(const int32_t *)second,
		vsetq_lane_s32(*(const int32_t *)first, vdupq_n_s32(0), 0), 2));
}

/* One or two steps of four lanes times all rows. */
NEON_INLINE void add_lanes(int32x4_t sum[][8], const int8x16_t a[], const int8_t *b,
			   unsigned int quad, unsigned int pairs, const int8_t flip, bool one_step)
{
	const int8x16_t turn = vdupq_n_s8(flip);
	const int32x4_t step0 = vreinterpretq_s32_s8(veorq_s8(vld1q_s8(b + 16 * quad), turn));
	const int32x4_t step1 = one_step ? step0 : vreinterpretq_s32_s8(
		veorq_s8(vld1q_s8(b + XQK_STEP_BYTES + 16 * quad), turn));
	const int8x16_t low = vreinterpretq_s8_s32(vzip1q_s32(step0, step1));
	const int8x16_t high = vreinterpretq_s8_s32(vzip2q_s32(step0, step1));
	unsigned int pair;

	for (pair = 0; pair < pairs; pair++) {
		sum[pair][2 * quad] = vmmlaq_s32(sum[pair][2 * quad], a[pair], low);
		sum[pair][2 * quad + 1] = vmmlaq_s32(sum[pair][2 * quad + 1], a[pair], high);
	}
}

NEON_INLINE void add_steps(int32x4_t sum[][8], const int8_t *a, size_t a_stride, const int8_t *b,
			   const unsigned int rows, const int8_t flip, bool one_step)
{
	const unsigned int pairs = (rows + 1) / 2;
	int8x16_t words[PAIRS];
	unsigned int pair, quad;

	for (pair = 0; pair < pairs; pair++)
		words[pair] = load_rows(a + 2 * pair * a_stride,
					a + (2 * pair + (2 * pair + 1 < rows)) * a_stride, one_step);
	for (quad = 0; quad < XQK_QUADS; quad++)
		add_lanes(sum, words, b, quad, pairs, flip, one_step);
}

/* Operands of U8 become signed by flipping their top bit, which adds the bias of -128. */
NEON_INLINE void dot_rows(const struct xqk_dot *dot, unsigned int row, unsigned int strip,
			  const unsigned int rows, const int8_t flip)
{
	const int8_t *a = (const int8_t *)dot->a + row * dot->a_stride;
	int32x4_t sum[PAIRS][8] = { 0 };
	unsigned int r, quad;
	uint32_t at = 0;

	while (at < dot->steps) {
		struct neon_run run = neon_run_at(dot, strip, at, dot->steps - at);

		at += run.steps;
		for (; run.steps >= 2; run.steps -= 2, a += 8, run.b += 2 * XQK_STEP_BYTES)
			add_steps(sum, a, dot->a_stride, run.b, rows, flip, false);
		if (run.steps) {
			add_steps(sum, a, dot->a_stride, run.b, rows, flip, true);
			a += 4;
		}
	}
	for (r = 0; r < rows; r++) {
		int32_t *c = dot->c + (row + r) * XQK_COLUMNS + strip * XQK_LANES;

		for (quad = 0; quad < XQK_QUADS; quad++) {
			const int64x2_t low = vreinterpretq_s64_s32(sum[r / 2][2 * quad]);
			const int64x2_t high = vreinterpretq_s64_s32(sum[r / 2][2 * quad + 1]);

			vst1q_s32(c + 4 * quad, vreinterpretq_s32_s64(r % 2 ?
					vzip2q_s64(low, high) : vzip1q_s64(low, high)));
		}
	}
}

#define dot_s8_rows(dot, row, strip, rows)	dot_rows(dot, row, strip, rows, 0)
#define dot_u8_rows(dot, row, strip, rows)	dot_rows(dot, row, strip, rows, -128)

NEON_DOT(dot_s8, ROWS)
NEON_DOT(dot_u8, ROWS)

const struct xqk_product xqk_product_neoni8mm = {
	.rows = ROWS,
	.b = NEON_FORMATS(dot_s8, dot_u8, dot_s8),
	.dot_bits = dot_bits,
	.widen_a = widen_a,
	.arrange_a = arrange_a,
	.interleave_b = interleave_b,
	.fold = fold_rows,
	.real = &xqk_real_neon,
};
