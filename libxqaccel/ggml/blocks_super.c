// SPDX-License-Identifier: MIT
/*
 * Blocks of 256 elements in groups of 16 or 32, whose scales are integers that a scale of the block multiplies: where ggml
 * has each bit of them.
 */
#include <string.h>

#include "blocks.h"

/* Element e has its bits at 2 * (e / 32 % 4) of byte e % 32 of the 32 for each half. */
static unsigned int two_bits(const uint8_t *bytes, unsigned int e)
{
	return bytes[e / 128 * 32 + e % 32] >> 2 * (e / 32 % 4) & 3;
}

/* 16 bytes of scale and minimum, 64 of elements, d, dmin. */
void xqg_split_q2_k(const uint8_t *block, const struct xqg_parts *to)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		to->scale[i] = block[i] & 15;
		to->min[i] = block[i] >> 4;
	}
	for (i = 0; i < 256; i++)
		to->codes[i] = (int8_t)two_bits(block + 16, i);
	memcpy(to->scale2, block + 80, 2);
	memcpy(to->min2, block + 82, 2);
}

/* 32 bytes of high bits (clear: minus 4), 64 of low ones, 12 of scales plus 32, d. */
void xqg_split_q3_k(const uint8_t *block, const struct xqg_parts *to)
{
	const uint8_t *scales = block + 96;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		const unsigned int low = i < 8 ? scales[i] & 15U : scales[i - 8] >> 4;
		const unsigned int high = scales[8 + i % 4] >> 2 * (i / 4) & 3;

		to->scale[i] = (uint8_t)((low | high << 4) - 32);
	}
	for (i = 0; i < 256; i++)
		to->codes[i] = (int8_t)((int)two_bits(block + 32, i) - (block[i % 32] >> i / 32 & 1 ? 0 : 4));
	memcpy(to->scale2, block + 108, 2);
}

/* Eight scales and minima of six bits in twelve bytes. */
static void split_six(const uint8_t *bytes, uint8_t *scale, uint8_t *min)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		scale[i] = bytes[i] & 63;
		min[i] = bytes[i + 4] & 63;
		scale[i + 4] = (uint8_t)((bytes[i + 8] & 15) | bytes[i] >> 6 << 4);
		min[i + 4] = (uint8_t)(bytes[i + 8] >> 4 | bytes[i + 4] >> 6 << 4);
	}
}

/* Groups of 32 in pairs, the even one in the low nibbles. */
static int8_t paired_nibble(const uint8_t *bytes, unsigned int e)
{
	return (int8_t)(bytes[e / 64 * 32 + e % 32] >> 4 * (e / 32 % 2) & 15);
}

/* d, dmin, 12 bytes of scales and minima, 128 of elements. */
void xqg_split_q4_k(const uint8_t *block, const struct xqg_parts *to)
{
	unsigned int i;

	memcpy(to->scale2, block, 2);
	memcpy(to->min2, block + 2, 2);
	split_six(block + 4, to->scale, to->min);
	for (i = 0; i < 256; i++)
		to->codes[i] = paired_nibble(block + 16, i);
}

/* As Q4_K, with 32 bytes of fifth bits before the nibbles. */
void xqg_split_q5_k(const uint8_t *block, const struct xqg_parts *to)
{
	unsigned int i;

	memcpy(to->scale2, block, 2);
	memcpy(to->min2, block + 2, 2);
	split_six(block + 4, to->scale, to->min);
	for (i = 0; i < 256; i++)
		to->codes[i] = (int8_t)(paired_nibble(block + 48, i) | (block[16 + i % 32] >> i / 32 & 1) << 4);
}

/* 128 bytes of low nibbles, 64 of two high bits, 16 scales, d; elements are plus 32. */
void xqg_split_q6_k(const uint8_t *block, const struct xqg_parts *to)
{
	unsigned int i;

	for (i = 0; i < 256; i++) {
		const unsigned int low = block[i / 128 * 64 + i % 64] >> 4 * (i / 64 % 2) & 15;

		to->codes[i] = (int8_t)((int)(low | two_bits(block + 128, i) << 4) - 32);
	}
	memcpy(to->scale, block + 192, 16);
	memcpy(to->scale2, block + 208, 2);
}

/* d, 2 bytes of two high bits, 4 of low nibbles of scales plus 32, then nibbles as in IQ4_NL. */
void xqg_split_iq4_xs(const uint8_t *block, const struct xqg_parts *to)
{
	const unsigned int high = block[2] | block[3] << 8;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		const unsigned int low = block[4 + i / 2] >> 4 * (i % 2) & 15;

		to->scale[i] = (uint8_t)((low | (high >> 2 * i & 3) << 4) - 32);
		xqg_split_nibbles(block + 8 + 16 * i, to->codes + 32 * i);
	}
	memcpy(to->scale2, block, 2);
}
