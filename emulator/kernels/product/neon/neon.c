// SPDX-License-Identifier: MIT
/*
 * Arm NEON without dot product instructions: SMULL makes 16-bit products, SADALP adds pairs of
 * them to 32-bit sums. Two products of signed bytes may leave 16 bits (-128 * -128 * 2), so each
 * product is added up at once; but operands of 0..15, which the narrow formats are unpacked to,
 * leave room for a sum of 16 products, and SMLAL makes half the instructions.
 */
#include "kernels.h"

/* Steps of products of -128 * 15 that 16 bits hold. */
#define NIBBLE_STEPS	16

/*
 * A row's sums for a strip: two of a register's are the halves of a lane's. Operands of U8
 * come to the range of signed bytes by flipping their top bit, which adds the bias of -128.
 */
NEON_INLINE void add_step(int32x4_t sum[8], const int8_t *a, const int8x16_t b[XQK_QUADS])
{
	const int8x16_t word = vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)a));
	unsigned int quad;

	for (quad = 0; quad < XQK_QUADS; quad++) {
		sum[2 * quad] = vpadalq_s16(sum[2 * quad], vmull_s8(vget_low_s8(word),
								    vget_low_s8(b[quad])));
		sum[2 * quad + 1] = vpadalq_s16(sum[2 * quad + 1], vmull_high_s8(word, b[quad]));
	}
}

NEON_INLINE void store_sums(const struct xqk_dot *dot, unsigned int row, unsigned int strip,
			    const int32x4_t sum[8])
{
	int32_t *c = dot->c + row * XQK_COLUMNS + strip * XQK_LANES;
	unsigned int quad;

	for (quad = 0; quad < XQK_QUADS; quad++)
		vst1q_s32(c + 4 * quad, vpaddq_s32(sum[2 * quad], sum[2 * quad + 1]));
}

NEON_INLINE void dot_rows(const struct xqk_dot *dot, unsigned int row, unsigned int strip,
			  const unsigned int rows, const int8_t flip)
{
	const int8_t *a = (const int8_t *)dot->a + row * dot->a_stride;
	int32x4_t sum[2][8] = { 0 };
	uint32_t at = 0;
	unsigned int r, quad;

	while (at < dot->steps) {
		struct neon_run run = neon_run_at(dot, strip, at, dot->steps - at);

		for (at += run.steps; run.steps; run.steps--, a += 4, run.b += XQK_STEP_BYTES) {
			int8x16_t b[XQK_QUADS];

			for (quad = 0; quad < XQK_QUADS; quad++)
				b[quad] = veorq_s8(vld1q_s8(run.b + 16 * quad), vdupq_n_s8(flip));
			for (r = 0; r < rows; r++)
				add_step(sum[r], a + r * dot->a_stride, b);
		}
	}
	for (r = 0; r < rows; r++)
		store_sums(dot, row + r, strip, sum[r]);
}

/* One row; products are added in 16 bits for a while. */
NEON_INLINE void nibble_row(const struct xqk_dot *dot, unsigned int row, unsigned int strip)
{
	const int8_t *a = (const int8_t *)dot->a + row * dot->a_stride;
	int32x4_t sum[8] = { 0 };
	uint32_t at = 0, step, steps;
	unsigned int quad, i;

	for (; at < dot->steps; at += steps) {
		struct neon_run run = neon_run_at(dot, strip, at, dot->steps - at);
		int16x8_t part[8] = { 0 };

		steps = run.steps < NIBBLE_STEPS ? run.steps : NIBBLE_STEPS;
		for (step = 0; step < steps; step++, a += 4, run.b += XQK_STEP_BYTES) {
			const int8x16_t word = vreinterpretq_s8_s32(
				vld1q_dup_s32((const int32_t *)a));

			for (quad = 0; quad < XQK_QUADS; quad++) {
				const int8x16_t b = vld1q_s8(run.b + 16 * quad);

				part[2 * quad] = vmlal_s8(part[2 * quad], vget_low_s8(word),
							  vget_low_s8(b));
				part[2 * quad + 1] = vmlal_high_s8(part[2 * quad + 1], word, b);
			}
		}
		for (i = 0; i < 8; i++)
			sum[i] = vpadalq_s16(sum[i], part[i]);
	}
	store_sums(dot, row, strip, sum);
}

static void dot_s8(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	unsigned int strip, row;

	for (strip = 0; strip < strips; strip++) {
		for (row = 0; row + 2 <= rows; row += 2)
			dot_rows(dot, row, strip, 2, 0);
		if (row < rows)
			dot_rows(dot, row, strip, 1, 0);
	}
}

static void dot_u8(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	unsigned int strip, row;

	for (strip = 0; strip < strips; strip++)
		for (row = 0; row < rows; row++)
			dot_rows(dot, row, strip, 1, -128);
}

static void dot_nibble(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	unsigned int strip, row;

	for (strip = 0; strip < strips; strip++)
		for (row = 0; row < rows; row++)
			nibble_row(dot, row, strip);
}

const struct xqk_product xqk_product_neon = {
	.rows = 4,
	.b = NEON_FORMATS(dot_s8, dot_u8, dot_nibble),
	.dot_bits = dot_bits,
	.widen_a = widen_a,
	.arrange_a = arrange_a,
	.interleave_b = interleave_b,
	.fold = fold_rows,
	.real = &xqk_real_neon,
};
