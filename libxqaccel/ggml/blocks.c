// SPDX-License-Identifier: MIT
/* Blocks of one level: their elements and scales. Those that the library splits (xqaccel/convert.h), it splits here. */
#include <string.h>

#include <xqaccel/convert.h>

#include "blocks.h"

/* IQ4_NL's and IQ4_XS's sixteen values. */
static const int8_t iq4_values[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

static const int8_t *iq4_table(void)
{
	return iq4_values;
}

void xqg_split_nibbles(const uint8_t *bytes, int8_t *codes)
{
	int j;

	for (j = 0; j < 16; j++) {
		codes[j] = bytes[j] & 15;
		codes[j + 16] = (int8_t)(bytes[j] >> 4);
	}
}

/* Minima are subtracted here and added there. */
static void put_negated(const uint8_t *half, uint8_t *to)
{
	to[0] = half[0];
	to[1] = half[1] ^ 0x80;
}

static void split_codes(enum xq_ggml format, const uint8_t *block, int8_t *codes)
{
	float scale;

	xq_ggml_split(format, block, xq_ggml_block_bytes(format), xq_ggml_block_elements(format), codes, &scale,
		      NULL);
}

static void split_q8_0(const uint8_t *block, const struct xqg_parts *to)
{
	split_codes(XQ_GGML_Q8_0, block, to->codes);
	memcpy(to->scale, block, 2);
}

static void split_q4_0(const uint8_t *block, const struct xqg_parts *to)
{
	split_codes(XQ_GGML_Q4_0, block, to->codes);
	memcpy(to->scale, block, 2);
}

static void split_q4_1(const uint8_t *block, const struct xqg_parts *to)
{
	split_codes(XQ_GGML_Q4_1, block, to->codes);
	memcpy(to->scale, block, 2);
	put_negated(block + 2, to->min);
}

static void split_tq2_0(const uint8_t *block, const struct xqg_parts *to)
{
	int i;

	split_codes(XQ_GGML_TQ2_0, block, to->codes);
	for (i = 0; i < 256; i++)
		to->codes[i]++;		/* 0 to 3, of which a file may use each */
	memcpy(to->scale, block + 64, 2);
}

/* The exponent of a doubled number is one less: 2^(e - 128), as bf16, which has the smallest one, too. */
static void split_mxfp4(const uint8_t *block, const struct xqg_parts *to)
{
	const unsigned int e = block[0];
	const uint16_t bits = e == 255 ? 0x7fc0 : e > 1 ? (uint16_t)((e - 1) << 7) : (uint16_t)(0x20 << e);

	split_codes(XQ_GGML_MXFP4, block, to->codes);
	memcpy(to->scale, &bits, 2);
}

static void split_iq4_nl(const uint8_t *block, const struct xqg_parts *to)
{
	xqg_split_nibbles(block + 2, to->codes);
	memcpy(to->scale, block, 2);
}

/* Fifth bits of 32 elements. */
static void add_fifth(const uint8_t *bits, int8_t *codes)
{
	int j;

	for (j = 0; j < 32; j++)
		codes[j] = (int8_t)(codes[j] | (bits[j / 8] >> j % 8 & 1) << 4);
}

static void split_q5_0(const uint8_t *block, const struct xqg_parts *to)
{
	int j;

	xqg_split_nibbles(block + 6, to->codes);
	add_fifth(block + 2, to->codes);
	for (j = 0; j < 32; j++)
		to->codes[j] = (int8_t)(to->codes[j] - 16);
	memcpy(to->scale, block, 2);
}

static void split_q5_1(const uint8_t *block, const struct xqg_parts *to)
{
	xqg_split_nibbles(block + 8, to->codes);
	add_fifth(block + 4, to->codes);
	memcpy(to->scale, block, 2);
	put_negated(block + 2, to->min);
}

static void split_q1_0(const uint8_t *block, const struct xqg_parts *to)
{
	int j;

	for (j = 0; j < 128; j++)
		to->codes[j] = block[2 + j / 8] >> j % 8 & 1 ? 1 : -1;
	memcpy(to->scale, block, 2);
}

static void split_q2_0(const uint8_t *block, const struct xqg_parts *to)
{
	int j;

	for (j = 0; j < 64; j++)
		to->codes[j] = block[2 + j / 4] >> 2 * (j % 4) & 3;
	memcpy(to->scale, block, 2);
}

static const struct xqg_blocks formats[] = {
	{ "q4_0", 2, 32, 18, 32, XQ_S4, 0, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_q4_0 },
	{ "q4_1", 3, 32, 20, 32, XQ_U4, 0, NULL, XQ_F16, XQ_NONE, XQ_F16, XQ_NONE, split_q4_1 },
	{ "q5_0", 6, 32, 22, 32, XQ_S8, 0, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_q5_0 },
	{ "q5_1", 7, 32, 24, 32, XQ_S8, 0, NULL, XQ_F16, XQ_NONE, XQ_F16, XQ_NONE, split_q5_1 },
	{ "q8_0", 8, 32, 34, 32, XQ_S8, 0, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_q8_0 },
	{ "q2_K", 10, 256, 84, 16, XQ_U2, 0, NULL, XQ_U8, XQ_F16, XQ_U8, XQ_F16, xqg_split_q2_k },
	{ "q3_K", 11, 256, 110, 16, XQ_S4, 0, NULL, XQ_S8, XQ_F16, XQ_NONE, XQ_NONE, xqg_split_q3_k },
	{ "q4_K", 12, 256, 144, 32, XQ_U4, 0, NULL, XQ_U8, XQ_F16, XQ_U8, XQ_F16, xqg_split_q4_k },
	{ "q5_K", 13, 256, 176, 32, XQ_S8, 0, NULL, XQ_U8, XQ_F16, XQ_U8, XQ_F16, xqg_split_q5_k },
	{ "q6_K", 14, 256, 210, 16, XQ_S8, 0, NULL, XQ_S8, XQ_F16, XQ_NONE, XQ_NONE, xqg_split_q6_k },
	{ "iq4_nl", 20, 32, 18, 32, XQ_C4, 0, iq4_table, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_iq4_nl },
	{ "iq4_xs", 23, 256, 136, 32, XQ_C4, 0, iq4_table, XQ_S8, XQ_F16, XQ_NONE, XQ_NONE, xqg_split_iq4_xs },
	{ "tq2_0", 35, 256, 66, 256, XQ_U2, 1, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_tq2_0 },
	{ "mxfp4", 39, 32, 17, 32, XQ_C4, 0, xq_ggml_mxfp4_table, XQ_BF16, XQ_NONE, XQ_NONE, XQ_NONE, split_mxfp4 },
	{ "q1_0", 41, 128, 18, 128, XQ_B1, 0, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_q1_0 },
	{ "q2_0", 42, 64, 18, 64, XQ_U2, 1, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_q2_0 },
};

const struct xqg_blocks *xqg_blocks_at(unsigned int index)
{
	return index < sizeof(formats) / sizeof(formats[0]) ? &formats[index] : NULL;
}

const struct xqg_blocks *xqg_blocks(int type)
{
	const struct xqg_blocks *format;
	unsigned int i;

	for (i = 0; (format = xqg_blocks_at(i)); i++)
		if (format->type == type)
			return format;
	return NULL;
}
