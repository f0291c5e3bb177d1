// SPDX-License-Identifier: MIT
/* ggml's blocks: where each bit is, and how the reference quantizers choose it. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <xqaccel/float_formats.h>

#include "convert_ggml.h"

#define HALF_BLOCK 16

/* E2M1 doubled: 0, 0.5, 1, 1.5, 2, 3, 4, 6, then the same negative. */
static const int8_t mxfp4_table[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };

const int8_t *xq_ggml_mxfp4_table(void)
{
	return mxfp4_table;
}

static float get_fp16(const uint8_t *at)
{
	return xq_float_decode_one((uint16_t)(at[0] | at[1] << 8), XQ_FLOAT_FP16);
}

static int put_fp16(float v, uint8_t *at)
{
	uint16_t code = xq_float_encode_one(v, XQ_FLOAT_FP16, XQ_OVERFLOW_SPECIAL);

	at[0] = (uint8_t)code;
	at[1] = (uint8_t)(code >> 8);
	return (code & 0x7c00) == 0x7c00 ? -ERANGE : 0;
}

static float inverse(float d)
{
	return d != 0 ? 1.0f / d : 0.0f;
}

/* The first of the elements with the largest magnitude. */
static float largest(const float *x, size_t n)
{
	float v = 0;

	for (size_t i = 0; i < n; i++) {
		if (fabsf(x[i]) > fabsf(v))
			v = x[i];
	}
	return v;
}

/* A subnormal d makes 1 / d infinite, and 0 times that is no number: such codes are the low end. */
static int clamp_code(float v, int low, int high)
{
	return v > (float)high ? high : v > (float)low ? (int)v : low;
}

static uint8_t nibbles(int low, int high)
{
	return (uint8_t)(low | high << 4);
}

/* ---- Q8_0 ------------------------------------------------------------------------------------ */

static int encode_q8_0(const float *x, uint8_t *block)
{
	float d = fabsf(largest(x, 32)) / 127, id = inverse(d);

	for (int j = 0; j < 32; j++)
		block[2 + j] = (uint8_t)clamp_code(roundf(x[j] * id), -128, 127);
	return put_fp16(d, block);
}

static void split_q8_0(const uint8_t *block, int8_t *codes, float *scale, float *offset)
{
	memcpy(codes, block + 2, 32);
	*scale = get_fp16(block);
	*offset = 0;
}

/* ---- Q4_0 and Q4_1 ----------------------------------------------------------------------------- */

static int encode_q4_0(const float *x, uint8_t *block)
{
	float d = largest(x, 32) / -8, id = inverse(d);

	for (int j = 0; j < HALF_BLOCK; j++)
		block[2 + j] = nibbles(clamp_code(x[j] * id + 8.5f, 0, 15),
				       clamp_code(x[j + HALF_BLOCK] * id + 8.5f, 0, 15));
	return put_fp16(d, block);
}

static void split_nibbles(const uint8_t *bytes, int8_t *codes, int subtract)
{
	for (int j = 0; j < HALF_BLOCK; j++) {
		codes[j] = (int8_t)((bytes[j] & 15) - subtract);
		codes[j + HALF_BLOCK] = (int8_t)((bytes[j] >> 4) - subtract);
	}
}

static void split_q4_0(const uint8_t *block, int8_t *codes, float *scale, float *offset)
{
	split_nibbles(block + 2, codes, 8);
	*scale = get_fp16(block);
	*offset = 0;
}

static int encode_q4_1(const float *x, uint8_t *block)
{
	float low = x[0], high = x[0], d, id;
	int err;

	for (int j = 1; j < 32; j++) {
		low = x[j] < low ? x[j] : low;
		high = x[j] > high ? x[j] : high;
	}
	d = (high - low) / 15;
	id = inverse(d);
	for (int j = 0; j < HALF_BLOCK; j++)
		block[4 + j] = nibbles(clamp_code((x[j] - low) * id + 0.5f, 0, 15),
				       clamp_code((x[j + HALF_BLOCK] - low) * id + 0.5f, 0, 15));
	err = put_fp16(d, block);
	return err ? err : put_fp16(low, block + 2);
}

static void split_q4_1(const uint8_t *block, int8_t *codes, float *scale, float *offset)
{
	split_nibbles(block + 4, codes, 0);
	*scale = get_fp16(block);
	*offset = get_fp16(block + 2);
}

/* ---- TQ2_0 --------------------------------------------------------------------------------------- */

static int encode_tq2_0(const float *x, uint8_t *block)
{
	float d = fabsf(largest(x, 256)), id = inverse(d);

	for (int i = 0; i < 64; i++) {
		const float *at = x + (i / 32) * 128 + i % 32;
		unsigned int byte = 0;

		for (int n = 0; n < 4; n++)
			byte |= (unsigned int)clamp_code(roundf(at[32 * n] * id) + 1, 0, 2) << (2 * n);
		block[i] = (uint8_t)byte;
	}
	return put_fp16(d, block + 64);
}

static void split_tq2_0(const uint8_t *block, int8_t *codes, float *scale, float *offset)
{
	for (int i = 0; i < 64; i++) {
		for (int n = 0; n < 4; n++)
			codes[(i / 32) * 128 + 32 * n + i % 32] = (int8_t)((block[i] >> (2 * n) & 3) - 1);
	}
	*scale = get_fp16(block + 64);
	*offset = 0;
}

/* ---- MXFP4 --------------------------------------------------------------------------------------- */

/* 2^(e - 128): doubled numbers need the half of the block's scale. */
static float mxfp4_scale(unsigned int e)
{
	return e == 255 ? NAN : ldexpf(1.0f, (int)e - 128);
}

static int mxfp4_code(float x, float scale)
{
	int best = 0;

	for (int i = 1; i < 16; i++) {
		if (fabsf(mxfp4_table[i] * scale - x) < fabsf(mxfp4_table[best] * scale - x))
			best = i;
	}
	return best;
}

static int encode_mxfp4(const float *x, uint8_t *block)
{
	float most = fabsf(largest(x, 32)), scale;
	int e = most > 0 ? ilogbf(most) - 2 + 127 : 0;

	e = e < 0 ? 0 : e;
	scale = mxfp4_scale((unsigned int)e);
	block[0] = (uint8_t)e;
	for (int j = 0; j < HALF_BLOCK; j++)
		block[1 + j] = nibbles(mxfp4_code(x[j], scale), mxfp4_code(x[j + HALF_BLOCK], scale));
	return 0;
}

static void split_mxfp4(const uint8_t *block, int8_t *codes, float *scale, float *offset)
{
	split_nibbles(block + 1, codes, 0);
	*scale = mxfp4_scale(block[0]);
	*offset = 0;
}

static const struct xq_ggml_format formats[] = {
	[XQ_GGML_Q8_0] = { 32, 34, encode_q8_0, split_q8_0 },
	[XQ_GGML_Q4_0] = { 32, 18, encode_q4_0, split_q4_0 },
	[XQ_GGML_Q4_1] = { 32, 20, encode_q4_1, split_q4_1 },
	[XQ_GGML_TQ2_0] = { 256, 66, encode_tq2_0, split_tq2_0 },
	[XQ_GGML_MXFP4] = { 32, 17, encode_mxfp4, split_mxfp4 },
};

const struct xq_ggml_format *xq_ggml_format(enum xq_ggml format)
{
	if ((unsigned int)format >= sizeof(formats) / sizeof(formats[0]))
		return NULL;
	return &formats[format];
}
