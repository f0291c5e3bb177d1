/* SPDX-License-Identifier: MIT */
/*
 * What the Arm kernels share: walking a strip of B, bits, and unpacking through tables.
 * Included by each file of this folder, which adds the dot of 8-bit elements by its instructions.
 */
#ifndef XQK_KERN_NEON_H
#define XQK_KERN_NEON_H

#include <arm_neon.h>

#include "product/template.h"

#define XQK_QUADS	(XQK_LANES / 4)	/* registers of 4 sums that a row of a strip takes */

/* A run of steps that lie one after the other. */
struct neon_run {
	const int8_t *b;
	uint32_t steps;
};

/* The run that holds the piece's step `at`, at most `left` steps long. */
static inline struct neon_run neon_run_at(const struct xqk_dot *dot, unsigned int strip,
					  uint32_t at, uint32_t left)
{
	const uint32_t step = dot->first + at, in_tile = step % XQK_TILE_STEPS;
	const uint8_t *tile = dot->b[step / XQK_TILE_STEPS * XQK_STRIPS + strip];
	const uint32_t here = XQK_TILE_STEPS - in_tile;

	return (struct neon_run){ (const int8_t *)tile + in_tile * XQK_STEP_BYTES,
				  left < here ? left : here };
}

/*
 * A dot function from an inline function NAME_rows(dot, row, strip, rows) whose last
 * argument is a constant, so that its sums stay in registers: at most `most` rows at once.
 */
#define NEON_DOT_CASE(name, count, most)						\
	case count:									\
		name##_rows(dot, row, strip, (count) <= (most) ? (count) : 1);		\
		break;

#define NEON_DOT(name, most)								\
static void name(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)	\
{											\
	unsigned int strip, row, part;							\
											\
	for (strip = 0; strip < strips; strip++) {					\
		for (row = 0; row < rows; row += part) {				\
			part = rows - row < (most) ? rows - row : (most);		\
			switch (part) {							\
			NEON_DOT_CASE(name, 1, most)					\
			NEON_DOT_CASE(name, 2, most)					\
			NEON_DOT_CASE(name, 3, most)					\
			NEON_DOT_CASE(name, 4, most)					\
			NEON_DOT_CASE(name, 5, most)					\
			NEON_DOT_CASE(name, 6, most)					\
			}								\
		}									\
	}										\
}

#define NEON_INLINE	static inline __attribute__((always_inline))

/* Steps whose counts of bits, at most 8 a byte and step, fit a byte. */
#define NEON_BITS_RUN	31

/* Adds the bits by which rows of A differ from a run of B; mask is applied to A's words. */
NEON_INLINE void neon_count_run(uint32x4_t sum[][XQK_QUADS], const uint8_t *a, size_t a_stride,
				const uint8_t *b, uint32_t steps, uint32_t mask,
				const unsigned int rows)
{
	const uint8x16_t used = vreinterpretq_u8_u32(vdupq_n_u32(mask));
	uint8x16_t count[2][XQK_QUADS] = { 0 };
	unsigned int row, quad;

	for (; steps; steps--, a += 4, b += XQK_STEP_BYTES) {
		for (row = 0; row < rows; row++) {
			const uint8x16_t word = vreinterpretq_u8_u32(
				vld1q_dup_u32((const uint32_t *)(a + row * a_stride)));

			for (quad = 0; quad < XQK_QUADS; quad++) {
				const uint8x16_t differ = veorq_u8(word, vld1q_u8(b + 16 * quad));

				count[row][quad] = vaddq_u8(count[row][quad],
							    vcntq_u8(vandq_u8(differ, used)));
			}
		}
	}
	for (row = 0; row < rows; row++)
		for (quad = 0; quad < XQK_QUADS; quad++)
			sum[row][quad] = vpadalq_u16(sum[row][quad],
						     vpaddlq_u8(count[row][quad]));
}

NEON_INLINE void dot_bits_rows(const struct xqk_dot *dot, unsigned int row, unsigned int strip,
			       const unsigned int rows)
{
	const uint8_t *a = dot->a + row * dot->a_stride;
	const uint32_t whole = dot->k / 32;
	const int32x4_t k = vdupq_n_s32((int32_t)dot->k);
	uint32x4_t sum[2][XQK_QUADS] = { 0 };
	unsigned int r, quad;
	uint32_t at, end;

	for (at = 0; at < dot->steps; at = end) {
		/* The last word may be used in part, so it is a run of its own. */
		struct neon_run run = neon_run_at(dot, strip, at,
						  at < whole ? whole - at : dot->steps - at);

		run.steps = run.steps < NEON_BITS_RUN ? run.steps : NEON_BITS_RUN;
		end = at + run.steps;
		neon_count_run(sum, a + 4 * at, dot->a_stride, (const uint8_t *)run.b, run.steps,
			       at < whole ? ~0U : (1U << dot->k % 32) - 1, rows);
	}
	for (r = 0; r < rows; r++)
		for (quad = 0; quad < XQK_QUADS; quad++)
			vst1q_s32(dot->c + (row + r) * XQK_COLUMNS + strip * XQK_LANES + 4 * quad,
				  vmlsq_n_s32(k, vreinterpretq_s32_u32(sum[r][quad]), 2));
}

static void dot_bits(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	unsigned int strip, row;

	for (strip = 0; strip < strips; strip++) {
		for (row = 0; row + 2 <= rows; row += 2)
			dot_bits_rows(dot, row, strip, 2);
		if (row < rows)
			dot_bits_rows(dot, row, strip, 1);
	}
}

static void unpack_c4_table(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	const uint8x16_t entries = vld1q_u8(table), low = vdupq_n_u8(15);
	unsigned int i;

	for (; words; words--, src += XQK_STEP_BYTES, dst += 2 * XQK_STEP_BYTES) {
		for (i = 0; i < XQK_STEP_BYTES; i += 16) {
			const uint8x16_t codes = vld1q_u8(src + i);

			vst1q_u8(dst + i, vqtbl1q_u8(entries, vandq_u8(codes, low)));
			vst1q_u8(dst + XQK_STEP_BYTES + i, vqtbl1q_u8(entries, vshrq_n_u8(codes, 4)));
		}
	}
}

/* Four look-ups of 64 entries; an index outside of a table's range leaves the byte alone. */
static void unpack_c8_table(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	const uint8x16_t part = vdupq_n_u8(64);
	uint8x16x4_t entries[4];
	size_t i;

	for (i = 0; i < 4; i++)
		entries[i] = vld1q_u8_x4(table + 64 * i);
	for (i = 0; i < words * XQK_STEP_BYTES; i += 16) {
		uint8x16_t codes = vld1q_u8(src + i), values = vqtbl4q_u8(entries[0], codes);

		codes = vsubq_u8(codes, part);
		values = vqtbx4q_u8(values, entries[1], codes);
		codes = vsubq_u8(codes, part);
		values = vqtbx4q_u8(values, entries[2], codes);
		codes = vsubq_u8(codes, part);
		vst1q_u8(dst + i, vqtbx4q_u8(values, entries[3], codes));
	}
}

/* The table of formats: three dots, by what the operand of B is. */
#define NEON_FORMATS(dot_signed, dot_unsigned, dot_nibble) {				\
		[XQACCEL_FMT_S8] = { dot_signed, NULL, 0 },				\
		[XQACCEL_FMT_U8] = { dot_unsigned, NULL, -128 },			\
		[XQACCEL_FMT_S4] = { dot_nibble, unpack_s4, 8 },			\
		[XQACCEL_FMT_U4] = { dot_nibble, unpack_u4, 0 },			\
		[XQACCEL_FMT_S2] = { dot_nibble, unpack_s2, 2 },			\
		[XQACCEL_FMT_U2] = { dot_nibble, unpack_u2, 0 },			\
		[XQACCEL_FMT_T2] = { dot_nibble, unpack_s2, 2 },			\
		[XQACCEL_FMT_B1] = { dot_nibble, unpack_b1, 1 },			\
		[XQACCEL_FMT_C4] = { dot_signed, unpack_c4_table, 0 },			\
		[XQACCEL_FMT_C8] = { dot_signed, unpack_c8_table, 0 },			\
	}

#endif
