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

/* @trits: the first in each of some bytes, which are 256 / 243 of a fraction of 3^5: the whole part of three times what is left. */
static void split_trits(const uint8_t *bytes, unsigned int n, unsigned int trits, int8_t *codes)
{
	static const unsigned int power[5] = { 1, 3, 9, 27, 81 };
	unsigned int t, i;

	for (t = 0; t < trits; t++)
		for (i = 0; i < n; i++)
			codes[t * n + i] = (int8_t)((bytes[i] * power[t] & 255) * 3 >> 8);
}

/* Five elements in each of 32 bytes and of 16, four in each of four, d. */
static void split_tq1_0(const uint8_t *block, const struct xqg_parts *to)
{
	split_trits(block, 32, 5, to->codes);
	split_trits(block + 32, 16, 5, to->codes + 160);
	split_trits(block + 48, 4, 4, to->codes + 240);
	memcpy(to->scale, block + 52, 2);
}

/* Half of an FP8 number without a sign (E4M3), as f16: those of exponent 0 are multiples of 2^-10. */
static uint16_t half_of_e4m3(unsigned int code)
{
	static const uint16_t small[8] = { 0, 0x1400, 0x1800, 0x1a00, 0x1c00, 0x1d00, 0x1e00, 0x1f00 };
	const unsigned int exponent = code >> 3 & 15;

	if (code == 0x7f)
		return 0;
	return exponent ? (uint16_t)(exponent + 7) << 10 | (uint16_t)((code & 7) << 7) : small[code & 7];
}

/* Four scales, then for 16 elements eight bytes: element j low and j + 8 high in byte j. */
static void split_nvfp4(const uint8_t *block, const struct xqg_parts *to)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		const uint16_t scale = half_of_e4m3(block[i]);

		memcpy(to->scale + 2 * i, &scale, 2);
	}
	for (i = 0; i < 64; i++)
		to->codes[i] = (int8_t)(block[4 + i / 16 * 8 + i % 8] >> 4 * (i / 8 % 2) & 15);
}

static const struct xqg_blocks formats[] = {
	{ "q4_0", 2, 32, 18, 32, XQ_S4, 0, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_q4_0, XQG_NO_GRID },
	{ "q4_1", 3, 32, 20, 32, XQ_U4, 0, NULL, XQ_F16, XQ_NONE, XQ_F16, XQ_NONE, split_q4_1, XQG_NO_GRID },
	{ "q5_0", 6, 32, 22, 32, XQ_S8, 0, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_q5_0, XQG_NO_GRID },
	{ "q5_1", 7, 32, 24, 32, XQ_S8, 0, NULL, XQ_F16, XQ_NONE, XQ_F16, XQ_NONE, split_q5_1, XQG_NO_GRID },
	{ "q8_0", 8, 32, 34, 32, XQ_S8, 0, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_q8_0, XQG_NO_GRID },
	{ "q2_K", 10, 256, 84, 16, XQ_U2, 0, NULL, XQ_U8, XQ_F16, XQ_U8, XQ_F16, xqg_split_q2_k, XQG_NO_GRID },
	{ "q3_K", 11, 256, 110, 16, XQ_S4, 0, NULL, XQ_S8, XQ_F16, XQ_NONE, XQ_NONE, xqg_split_q3_k, XQG_NO_GRID },
	{ "q4_K", 12, 256, 144, 32, XQ_U4, 0, NULL, XQ_U8, XQ_F16, XQ_U8, XQ_F16, xqg_split_q4_k, XQG_NO_GRID },
	{ "q5_K", 13, 256, 176, 32, XQ_S8, 0, NULL, XQ_U8, XQ_F16, XQ_U8, XQ_F16, xqg_split_q5_k, XQG_NO_GRID },
	{ "q6_K", 14, 256, 210, 16, XQ_S8, 0, NULL, XQ_S8, XQ_F16, XQ_NONE, XQ_NONE, xqg_split_q6_k, XQG_NO_GRID },
	{ "iq2_xxs", 16, 256, 66, 32, XQ_C4, 0, xqg_iq2_table, XQ_U8, XQ_F32, XQ_NONE, XQ_NONE, xqg_split_iq2_xxs, XQG_IQ2_XXS },
	{ "iq2_xs", 17, 256, 74, 16, XQ_C4, 0, xqg_iq2_table, XQ_U8, XQ_F32, XQ_NONE, XQ_NONE, xqg_split_iq2_xs, XQG_IQ2_XS },
	{ "iq3_xxs", 18, 256, 98, 32, XQ_C4, 0, xqg_iq3_xxs_table, XQ_U8, XQ_F32, XQ_NONE, XQ_NONE, xqg_split_iq3_xxs, XQG_IQ3_XXS },
	{ "iq1_s", 19, 256, 50, 32, XQ_C4, 0, xqg_iq1_table, XQ_U8, XQ_F32, XQ_NONE, XQ_NONE, xqg_split_iq1_s, XQG_IQ1_S },
	{ "iq4_nl", 20, 32, 18, 32, XQ_C4, 0, iq4_table, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_iq4_nl, XQG_NO_GRID },
	{ "iq3_s", 21, 256, 110, 32, XQ_C4, 0, xqg_iq3_s_table, XQ_U8, XQ_F32, XQ_NONE, XQ_NONE, xqg_split_iq3_s, XQG_IQ3_S },
	{ "iq2_s", 22, 256, 82, 16, XQ_C4, 0, xqg_iq2_table, XQ_U8, XQ_F32, XQ_NONE, XQ_NONE, xqg_split_iq2_s, XQG_IQ2_S },
	{ "iq4_xs", 23, 256, 136, 32, XQ_C4, 0, iq4_table, XQ_S8, XQ_F16, XQ_NONE, XQ_NONE, xqg_split_iq4_xs, XQG_NO_GRID },
	{ "iq1_m", 29, 256, 56, 16, XQ_C4, 0, xqg_iq1_table, XQ_U8, XQ_F32, XQ_NONE, XQ_NONE, xqg_split_iq1_m, XQG_IQ1_M },
	{ "tq1_0", 34, 256, 54, 256, XQ_U2, 1, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_tq1_0, XQG_NO_GRID },
	{ "tq2_0", 35, 256, 66, 256, XQ_U2, 1, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_tq2_0, XQG_NO_GRID },
	{ "mxfp4", 39, 32, 17, 32, XQ_C4, 0, xq_ggml_mxfp4_table, XQ_BF16, XQ_NONE, XQ_NONE, XQ_NONE, split_mxfp4, XQG_NO_GRID },
	{ "nvfp4", 40, 64, 36, 16, XQ_C4, 0, xq_ggml_mxfp4_table, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_nvfp4, XQG_NO_GRID },
	{ "q1_0", 41, 128, 18, 128, XQ_B1, 0, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_q1_0, XQG_NO_GRID },
	{ "q2_0", 42, 64, 18, 64, XQ_U2, 1, NULL, XQ_F16, XQ_NONE, XQ_NONE, XQ_NONE, split_q2_0, XQG_NO_GRID },
};

const struct xqg_blocks *xqg_blocks(int type)
{
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i].type == type)
			return formats[i].grid && !xqg.expand[formats[i].grid] ? NULL : &formats[i];
	return NULL;
}

/* Minima of such a format are of two levels as its scales are. */
bool xqg_blocks_summed(const struct xqg_blocks *format)
{
	return format->scale2 && (format->scale == XQ_U8 || format->scale == XQ_S8);
}
