/* SPDX-License-Identifier: MIT */
/*
 * Loops that a compiler turns into the vector code of the instruction set whose file includes
 * them: what an instruction set does not do better by hand.
 */
#ifndef XQK_EPILOGUE_TEMPLATE_H
#define XQK_EPILOGUE_TEMPLATE_H

#include <string.h>

#include "epilogue/micro_kernels.h"

static inline void steps_loop(const int32_t *acc, size_t n, const struct xqk_steps *steps, void *out,
			      bool wide)
{
	int32_t sum[XQK_STEPS_MOST], reached[XQK_STEPS_MOST];
	uint16_t *words = out;
	uint8_t *bytes = out;
	size_t i;
	uint32_t t;

	for (i = 0; i < n; i++) {
		sum[i] = (int32_t)((uint32_t)acc[i] + (uint32_t)steps->bias[i]);
		reached[i] = 0;
	}
	for (t = 0; t < steps->count; t++) {
		const int32_t *threshold = steps->threshold + t * steps->pitch;

		for (i = 0; i < n; i++)
			reached[i] += sum[i] >= threshold[i];
	}
	for (i = 0; i < n; i++) {
		int32_t y = steps->start[i] + (reached[i] ^ steps->flip[i]) - steps->flip[i];

		reached[i] = y < steps->low ? steps->low : y > steps->high ? steps->high : y;
	}
	if (wide)
		for (i = 0; i < n; i++)
			words[i] = (uint16_t)reached[i];
	else
		for (i = 0; i < n; i++)
			bytes[i] = (uint8_t)reached[i];
}

static inline void reals_loop(const int32_t *acc, size_t n, const struct xqk_reals *reals,
			      float row_scale, void *out)
{
	typedef float __attribute__((aligned(1), may_alias)) unaligned;
	unaligned *y = out;
	size_t i;

	for (i = 0; i < n; i++) {
		const int32_t a = (int32_t)((uint32_t)acc[i] + (uint32_t)reals->bias[i]);

		y[i] = (float)a * row_scale * reals->scale[i] + reals->float_bias[i];
	}
}

static inline void lookup_loop(uint8_t *bytes, size_t n, const uint8_t *table)
{
	size_t i;

	for (i = 0; i < n; i++)
		bytes[i] = table[bytes[i]];
}

/* Whole bytes; what is left over goes to pack_rest(). */
static inline void pack_rest(uint8_t *dst, const uint8_t *src, size_t n, unsigned int bits)
{
	unsigned int byte = 0, at;

	for (at = 0; at < n; at++) {
		const unsigned int code = bits == 1 ? !(src[at] & 0x80) : src[at] & ((1U << bits) - 1);

		byte |= code << bits * at;
	}
	if (n)
		*dst = (uint8_t)byte;
}

static inline void pack_loop(uint8_t *dst, const uint8_t *src, size_t n, unsigned int bits)
{
	const size_t each = 8 / bits, whole = n / each;
	size_t i;

	if (bits == 4)
		for (i = 0; i < whole; i++)
			dst[i] = (uint8_t)((src[2 * i] & 15) | src[2 * i + 1] << 4);
	else if (bits == 2)
		for (i = 0; i < whole; i++)
			dst[i] = (uint8_t)((src[4 * i] & 3) | (src[4 * i + 1] & 3) << 2 |
					   (src[4 * i + 2] & 3) << 4 | src[4 * i + 3] << 6);
	else
		for (i = 0; i < whole; i++) {
			uint64_t eight;

			/* The sign bits, turned, come together in the highest byte. */
			memcpy(&eight, src + 8 * i, 8);
			eight = ~eight >> 7 & 0x0101010101010101;
			dst[i] = (uint8_t)(eight * 0x0102040810204080 >> 56);
		}
	pack_rest(dst + whole, src + whole * each, n - whole * each, bits);
}

#endif
