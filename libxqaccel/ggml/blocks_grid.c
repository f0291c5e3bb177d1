// SPDX-License-Identifier: MIT
/*
 * Blocks whose elements are vectors of a grid: IQ1 to IQ3. Their scales are read here. The grids are ggml's own, so ggml
 * expands a copy of the block whose factor is 1; what that gives, divided by the group's scale, is an integer of a few values,
 * exactly, and its place among them is the element.
 */
#include <string.h>

#include <xqaccel/float_formats.h>

#include "blocks.h"
#include "symbols.h"

#define ELEMENTS	256
#define MOST_BYTES	128	/* more than any of these blocks has */

/* By the place of an element, values of grids times their signs. IQ1's are eighths: -1, 0 or 1, more or less by one. */
static const int8_t iq1_values[16] = { -9, -7, -1, 1, 7, 9 };
static const int8_t iq2_values[16] = { 8, 25, 43, -8, -25, -43 };
static const int8_t iq3_xxs_values[16] = { 4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62 };
static const int8_t iq3_s_values[16] = { 1, 3, 5, 7, 9, 11, 13, 15, -1, -3, -5, -7, -9, -11, -13, -15 };

const int8_t *xqg_iq1_table(void)
{
	return iq1_values;
}

const int8_t *xqg_iq2_table(void)
{
	return iq2_values;
}

const int8_t *xqg_iq3_xxs_table(void)
{
	return iq3_xxs_values;
}

const int8_t *xqg_iq3_s_table(void)
{
	return iq3_s_values;
}

/* ---- what they share ------------------------------------------------------------------------------------ */

static const uint8_t half_one[2] = { 0x00, 0x3c };

/**
 * struct grid - how a format's elements follow from what ggml makes of a block
 * @grid: which of ggml's functions
 * @group: elements that share a scale
 * @share: ggml's number is value * scale * share
 */
struct grid {
	enum xqg_grid grid;
	const int8_t *values;
	unsigned int group;
	float share;
};

/* Where each value is. */
static void invert(const int8_t values[16], int8_t place[256])
{
	int i;

	memset(place, 0, 256);
	for (i = 15; i >= 0; i--)
		place[(uint8_t)values[i]] = (int8_t)i;
}

/* @block has a factor of 1; @scale are those that were read from it. */
static void find_codes(const struct grid *g, const uint8_t *block, const uint8_t *scale, int8_t *codes)
{
	float x[ELEMENTS];
	int8_t place[256];
	unsigned int i;

	xqg.expand[g->grid](block, x, ELEMENTS);
	invert(g->values, place);
	for (i = 0; i < ELEMENTS; i++) {
		const float value = x[i] / ((float)scale[i / g->group] * g->share);

		codes[i] = place[(uint8_t)(int8_t)value];
	}
}

/* The block's factor, which is a half, by the share. */
static void put_factor(const uint8_t *half, float share, uint8_t *to)
{
	uint16_t bits;
	float factor;

	memcpy(&bits, half, 2);
	factor = xq_float_decode_one(bits, XQ_FLOAT_FP16) * share;
	memcpy(to, &factor, sizeof(factor));
}

/* A copy whose factor, the first two bytes, is 1. */
static void split_plain(const struct grid *g, const uint8_t *block, size_t bytes, const struct xqg_parts *to)
{
	uint8_t copy[MOST_BYTES];

	memcpy(copy, block, bytes);
	memcpy(copy, half_one, 2);
	find_codes(g, copy, to->scale, to->codes);
	put_factor(block, g->share, to->scale2);
}

/* ---- a format each ------------------------------------------------------------------------------------------ */

/* d, then for 32 elements four bytes of grid, four of signs with a scale of four bits at the top. */
void xqg_split_iq2_xxs(const uint8_t *block, const struct xqg_parts *to)
{
	static const struct grid grid = { XQG_IQ2_XXS, iq2_values, 32, 0.125f };
	unsigned int i;

	for (i = 0; i < 8; i++)
		to->scale[i] = (uint8_t)(2 * (block[2 + 8 * i + 7] >> 4) + 1);
	split_plain(&grid, block, 66, to);
}

/* Sixteen scales of four bits, the even ones low. */
static void nibble_scales(const uint8_t *bytes, unsigned int scales, uint8_t *to)
{
	unsigned int i;

	for (i = 0; i < scales; i++)
		to[i] = (uint8_t)(2 * (bytes[i / 2] >> 4 * (i % 2) & 15) + 1);
}

/* d, 64 bytes of grid and signs, 8 of scales. */
void xqg_split_iq2_xs(const uint8_t *block, const struct xqg_parts *to)
{
	static const struct grid grid = { XQG_IQ2_XS, iq2_values, 16, 0.125f };

	nibble_scales(block + 66, 16, to->scale);
	split_plain(&grid, block, 74, to);
}

/* d, 32 bytes of grid, 32 of signs, 8 of high bits, 8 of scales. */
void xqg_split_iq2_s(const uint8_t *block, const struct xqg_parts *to)
{
	static const struct grid grid = { XQG_IQ2_S, iq2_values, 16, 0.125f };

	nibble_scales(block + 74, 16, to->scale);
	split_plain(&grid, block, 82, to);
}

/* d, 64 bytes of grid, then for 32 elements four of signs with a scale at the top. */
void xqg_split_iq3_xxs(const uint8_t *block, const struct xqg_parts *to)
{
	static const struct grid grid = { XQG_IQ3_XXS, iq3_xxs_values, 32, 0.25f };
	unsigned int i;

	for (i = 0; i < 8; i++)
		to->scale[i] = (uint8_t)(2 * (block[66 + 4 * i + 3] >> 4) + 1);
	split_plain(&grid, block, 98, to);
}

/* d, 64 bytes of grid, 8 of high bits, 32 of signs, 4 of scales. */
void xqg_split_iq3_s(const uint8_t *block, const struct xqg_parts *to)
{
	static const struct grid grid = { XQG_IQ3_S, iq3_s_values, 32, 1 };

	nibble_scales(block + 106, 8, to->scale);
	split_plain(&grid, block, 110, to);
}

/* d, 32 bytes of grid, for 32 elements two bytes: high bits, a scale of three bits from bit 12 on, the sign of the eighth. */
void xqg_split_iq1_s(const uint8_t *block, const struct xqg_parts *to)
{
	static const struct grid grid = { XQG_IQ1_S, iq1_values, 32, 0.125f };
	unsigned int i;

	for (i = 0; i < 8; i++)
		to->scale[i] = (uint8_t)(2 * (block[34 + 2 * i + 1] >> 4 & 7) + 1);
	split_plain(&grid, block, 50, to);
}

/* 32 bytes of grid, 16 of high bits, four words of four scales of three bits, in whose top four bits is d. */
void xqg_split_iq1_m(const uint8_t *block, const struct xqg_parts *to)
{
	static const struct grid grid = { XQG_IQ1_M, iq1_values, 16, 0.125f };
	const uint8_t *words = block + 48;
	uint8_t copy[MOST_BYTES], factor[2];
	unsigned int i;

	for (i = 0; i < 16; i++) {
		const unsigned int word = words[i / 4 * 2] | words[i / 4 * 2 + 1] << 8;

		to->scale[i] = (uint8_t)(2 * (word >> 3 * (i % 4) & 7) + 1);
	}
	factor[0] = (uint8_t)(words[1] >> 4 | (words[3] & 0xf0));
	factor[1] = (uint8_t)(words[5] >> 4 | (words[7] & 0xf0));
	memcpy(copy, block, 56);
	for (i = 0; i < 4; i++) {
		const unsigned int nibble = half_one[i / 2] >> 4 * (i % 2) & 15;

		copy[48 + 2 * i + 1] = (uint8_t)((words[2 * i + 1] & 15) | nibble << 4);
	}
	find_codes(&grid, copy, to->scale, to->codes);
	put_factor(factor, grid.share, to->scale2);
}
