// SPDX-License-Identifier: MIT
/* The baseline of every host: plain C, no wider than the compiler makes it. */
#include "product/template.h"

/*
 * Where lane l of a step is. The loop over lanes is the inner one, with a fixed count,
 * so that the compiler can keep 16 sums in vectors.
 */
#define DOT(name, type)									\
static void name(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)	\
{											\
	unsigned int row, strip;							\
											\
	for (strip = 0; strip < strips; strip++)					\
		for (row = 0; row < rows; row++)					\
			name##_row(dot, row, strip);					\
}

#define DOT_ROW(name, type)								\
static void name##_row(const struct xqk_dot *dot, unsigned int row, unsigned int strip)	\
{											\
	const int8_t *a = (const int8_t *)dot->a + row * dot->a_stride;			\
	int32_t *c = dot->c + row * XQK_COLUMNS + strip * XQK_LANES;			\
	int32_t sum[XQK_LANES] = { 0 };							\
	uint32_t step;									\
	unsigned int lane;								\
											\
	for (step = dot->first; step < dot->first + dot->steps; step++, a += 4) {	\
		const uint8_t *tile = dot->b[step / XQK_TILE_STEPS * XQK_STRIPS + strip];	\
		const type *b = (const type *)tile +					\
				step % XQK_TILE_STEPS * XQK_STEP_BYTES;			\
											\
		for (lane = 0; lane < XQK_LANES; lane++)				\
			sum[lane] += a[0] * b[4 * lane] + a[1] * b[4 * lane + 1] +	\
				     a[2] * b[4 * lane + 2] + a[3] * b[4 * lane + 3];	\
	}										\
	memcpy(c, sum, sizeof(sum));							\
}

DOT_ROW(dot_s8, int8_t)
DOT(dot_s8, int8_t)
DOT_ROW(dot_u8, uint8_t)
DOT(dot_u8, uint8_t)

static int32_t differing_bits(const struct xqk_dot *dot, unsigned int row, unsigned int strip,
			      unsigned int lane)
{
	const uint8_t *a = dot->a + row * dot->a_stride;
	int32_t count = 0;
	uint32_t i, step, x, y;

	for (i = 0; i < dot->steps; i++) {
		step = dot->first + i;
		memcpy(&x, a + 4 * i, 4);
		memcpy(&y, dot->b[step / XQK_TILE_STEPS * XQK_STRIPS + strip] +
			   step % XQK_TILE_STEPS * XQK_STEP_BYTES + 4 * lane, 4);
		x ^= y;
		if (i == dot->k / 32)
			x &= (1U << dot->k % 32) - 1;
		count += __builtin_popcount(x);
	}
	return count;
}

static void dot_bits(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	unsigned int row, n;

	for (row = 0; row < rows; row++)
		for (n = 0; n < strips * XQK_LANES; n++)
			dot->c[row * XQK_COLUMNS + n] = (int32_t)dot->k - 2 *
				differing_bits(dot, row, n / XQK_LANES, n % XQK_LANES);
}

const struct xqk_product xqk_product_scalar = {
	.rows = 4,
	.b = {
		[XQACCEL_FMT_S8] = { .dot = dot_s8 },
		[XQACCEL_FMT_U8] = { .dot = dot_u8 },
		[XQACCEL_FMT_S4] = { .dot = dot_u8, .unpack = unpack_s4, .bias = 8 },
		[XQACCEL_FMT_U4] = { .dot = dot_u8, .unpack = unpack_u4 },
		[XQACCEL_FMT_S2] = { .dot = dot_u8, .unpack = unpack_s2, .bias = 2 },
		[XQACCEL_FMT_U2] = { .dot = dot_u8, .unpack = unpack_u2 },
		[XQACCEL_FMT_T2] = { .dot = dot_u8, .unpack = unpack_s2, .bias = 2 },
		[XQACCEL_FMT_B1] = { .dot = dot_u8, .unpack = unpack_b1, .bias = 1 },
		[XQACCEL_FMT_C4] = { .dot = dot_s8, .unpack = unpack_c4 },
		[XQACCEL_FMT_C8] = { .dot = dot_s8, .unpack = unpack_c8 },
	},
	.dot_bits = dot_bits,
	.widen_a = widen_a,
	.arrange_a = arrange_a,
	.interleave_b = interleave_b,
	.fold = fold_rows,
	.real = &xqk_real_scalar,
};
