/* SPDX-License-Identifier: MIT */
/*
 * Staging and folding in plain C, included by each instruction set, so that the compiler
 * vectorizes one source for every instruction set. All functions are static; a file
 * that has a better one by hand leaves the one from here unused.
 */
#ifndef XQK_KERN_TEMPLATE_H
#define XQK_KERN_TEMPLATE_H

#include <string.h>

#include "product/micro_kernels.h"

#define XQK_MAYBE_UNUSED __attribute__((unused))

/* Sign-extend the low bits of code. */
static inline int8_t xqk_sign_extend(unsigned int code, unsigned int bits)
{
	const unsigned int sign = 1U << (bits - 1);

	return (int8_t)((code ^ sign) - sign);
}

/* Elements narrower than a byte, per of them in each. */
static inline int32_t widen_narrow(int8_t *restrict dst, const uint8_t *restrict src, size_t n,
				   unsigned int bits, bool is_signed, bool is_sign)
{
	const unsigned int per = 8 / bits, mask = (1U << bits) - 1;
	int32_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		const unsigned int code = (src[i / per] >> (i % per * bits)) & mask;

		if (is_sign)
			dst[i] = (int8_t)(2 * code - 1);
		else
			dst[i] = is_signed ? xqk_sign_extend(code, bits) : (int8_t)code;
		sum += dst[i];
	}
	return sum;
}

static inline int32_t widen_bytes(int8_t *restrict dst, const uint8_t *restrict src, size_t n,
				  uint8_t flip)
{
	int32_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		dst[i] = (int8_t)(src[i] ^ flip);
		sum += dst[i];
	}
	return sum;
}

static XQK_MAYBE_UNUSED int32_t widen_a(int8_t *dst, const uint8_t *src, size_t n, uint32_t format)
{
	switch (format) {
	case XQACCEL_FMT_U8:
		return widen_bytes(dst, src, n, 0x80);
	case XQACCEL_FMT_S4:
		return widen_narrow(dst, src, n, 4, true, false);
	case XQACCEL_FMT_U4:
		return widen_narrow(dst, src, n, 4, false, false);
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_T2:
		return widen_narrow(dst, src, n, 2, true, false);
	case XQACCEL_FMT_U2:
		return widen_narrow(dst, src, n, 2, false, false);
	case XQACCEL_FMT_B1:
		return widen_narrow(dst, src, n, 1, false, true);
	default:
		return widen_bytes(dst, src, n, 0);
	}
}

static inline void arrange_words(int8_t *restrict dst, const int8_t *restrict src, size_t words,
				 unsigned int steps)
{
	unsigned int step, byte;

	for (; words; words--, src += 4 * steps)
		for (step = 0; step < steps; step++)
			for (byte = 0; byte < 4; byte++)
				*dst++ = src[byte * steps + step];
}

static XQK_MAYBE_UNUSED void arrange_a(void *dst, const int8_t *src, size_t words,
				       unsigned int steps)
{
	switch (steps) {
	case 2:
		arrange_words(dst, src, words, 2);
		break;
	case 4:
		arrange_words(dst, src, words, 4);
		break;
	case 8:
		arrange_words(dst, src, words, 8);
		break;
	default:
		memcpy(dst, src, 4 * words);
		break;
	}
}

static XQK_MAYBE_UNUSED void interleave_b(uint8_t *restrict dst, const uint8_t *const *rows,
					  size_t words)
{
	unsigned int row;
	size_t word;

	for (row = 0; row < XQK_LANES; row++) {
		const uint8_t *src = rows[row];

		for (word = 0; word < words; word++)
			memcpy(dst + 4 * (XQK_LANES * word + row), src + 4 * word, 4);
	}
}

/*
 * Unpack into operands code ^ flip, where code has so many bits: flip with the sign bit
 * turns two's complement into code + half the range.
 */
static inline void unpack_narrow(uint8_t *restrict dst, const uint8_t *restrict src, size_t words,
				 unsigned int bits, uint8_t flip, unsigned int left)
{
	const unsigned int steps = 8 / bits, mask = (1U << bits) - 1;
	unsigned int step, i;

	for (; words; words--, src += XQK_STEP_BYTES)
		for (step = 0; step < steps; step++)
			for (i = 0; i < XQK_STEP_BYTES; i++)
				*dst++ = (uint8_t)((((src[i] >> (step * bits)) & mask) ^ flip)
						   << left);
}

static XQK_MAYBE_UNUSED void unpack_s4(uint8_t *dst, const uint8_t *src, size_t words,
				       const uint8_t *table)
{
	(void)table;
	unpack_narrow(dst, src, words, 4, 8, 0);
}

static XQK_MAYBE_UNUSED void unpack_u4(uint8_t *dst, const uint8_t *src, size_t words,
				       const uint8_t *table)
{
	(void)table;
	unpack_narrow(dst, src, words, 4, 0, 0);
}

static XQK_MAYBE_UNUSED void unpack_s2(uint8_t *dst, const uint8_t *src, size_t words,
				       const uint8_t *table)
{
	(void)table;
	unpack_narrow(dst, src, words, 2, 2, 0);
}

static XQK_MAYBE_UNUSED void unpack_u2(uint8_t *dst, const uint8_t *src, size_t words,
				       const uint8_t *table)
{
	(void)table;
	unpack_narrow(dst, src, words, 2, 0, 0);
}

/* To 0 and 2: the bias of 1 then is whole. */
static XQK_MAYBE_UNUSED void unpack_b1(uint8_t *dst, const uint8_t *src, size_t words,
				       const uint8_t *table)
{
	(void)table;
	unpack_narrow(dst, src, words, 1, 0, 1);
}

static XQK_MAYBE_UNUSED void unpack_c4(uint8_t *restrict dst, const uint8_t *restrict src,
				       size_t words, const uint8_t *restrict table)
{
	unsigned int i;

	for (; words; words--, src += XQK_STEP_BYTES, dst += 2 * XQK_STEP_BYTES) {
		for (i = 0; i < XQK_STEP_BYTES; i++) {
			dst[i] = table[src[i] & 15];
			dst[XQK_STEP_BYTES + i] = table[src[i] >> 4];
		}
	}
}

static XQK_MAYBE_UNUSED void unpack_c8(uint8_t *restrict dst, const uint8_t *restrict src,
				       size_t words, const uint8_t *restrict table)
{
	size_t i;

	for (i = 0; i < words * XQK_STEP_BYTES; i++)
		dst[i] = table[src[i]];
}

static inline void fold_row(const struct xqk_fold *fold, unsigned int row, unsigned int columns)
{
	const uint32_t *dot = (const uint32_t *)fold->dot + row * XQK_COLUMNS;
	uint32_t *sum = (uint32_t *)fold->sum + row * XQK_COLUMNS;
	const uint32_t row_term = fold->row_term ? (uint32_t)fold->row_term[row] : 0;
	uint32_t value[XQK_COLUMNS];
	unsigned int n;

	for (n = 0; n < columns; n++)
		value[n] = dot[n] - (fold->b_zp ? 0 : row_term);
	if (fold->b_zp)
		for (n = 0; n < columns; n++)
			value[n] -= (uint32_t)fold->b_zp[n] * row_term;
	if (fold->column_sum) {
		const uint32_t a_zp = (uint32_t)fold->a_zp[row];

		for (n = 0; n < columns; n++)
			value[n] -= a_zp * (uint32_t)fold->column_sum[n];
	}
	if (fold->column_term)
		for (n = 0; n < columns; n++)
			value[n] -= (uint32_t)fold->column_term[n];
	if (fold->b_scale)
		for (n = 0; n < columns; n++)
			value[n] *= (uint32_t)fold->b_scale[n];
	if (fold->a_scale)
		for (n = 0; n < columns; n++)
			value[n] *= (uint32_t)fold->a_scale[row];
	if (fold->add)
		for (n = 0; n < columns; n++)
			sum[n] += value[n];
	else
		for (n = 0; n < columns; n++)
			sum[n] = value[n];
}

static XQK_MAYBE_UNUSED void fold_rows(const struct xqk_fold *fold, unsigned int rows,
				       unsigned int strips)
{
	unsigned int row;

	for (row = 0; row < rows; row++)
		fold_row(fold, row, strips * XQK_LANES);
}

#endif
