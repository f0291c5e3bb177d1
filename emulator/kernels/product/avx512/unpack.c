// SPDX-License-Identifier: MIT
/*
 * Words of B to panels of bytes in the order of K. VPMULTISHIFTQB takes 8 bits at any place
 * of a quadword, two words here, for each byte of it, so that a step is one such shift and
 * what turns the code into the operand.
 */
#include <immintrin.h>

#include "kernels.h"

/* VPTERNLOG of (a & b) ^ c */
#define AND_XOR		0x6a

/* Bits at which the elements of a step start, so that they come to stand at bit `left`. */
static inline __attribute__((always_inline)) __m512i
places(const unsigned int step, const unsigned int bits, const unsigned int left)
{
	uint64_t places = 0;
	unsigned int byte;

#pragma GCC unroll 8
	for (byte = 0; byte < 8; byte++)
		places |= (uint64_t)((byte / 4 * 32 + (4 * step + byte % 4) * bits - left) & 63)
			  << 8 * byte;
	return _mm512_set1_epi64((long long)places);
}

/* The operand is (code ^ flip) - less, both times 2^left. */
static inline __attribute__((always_inline)) void
unpack(uint8_t *dst, const uint8_t *src, size_t words, const unsigned int bits,
       const unsigned int left, const char flip, const char less)
{
	const __m512i mask = _mm512_set1_epi8((char)(((1 << bits) - 1) << left));
	const __m512i sign = _mm512_set1_epi8(flip), offset = _mm512_set1_epi8(less);
	unsigned int step;

	for (; words; words--, src += XQK_STEP_BYTES) {
		const __m512i word = _mm512_loadu_si512(src);

#pragma GCC unroll 8
		for (step = 0; step < 8 / bits; step++, dst += XQK_STEP_BYTES) {
			const __m512i code = _mm512_multishift_epi64_epi8(places(step, bits, left), word);
			const __m512i value = _mm512_ternarylogic_epi32(code, mask, sign, AND_XOR);

			_mm512_storeu_si512(dst, less ? _mm512_sub_epi8(value, offset) : value);
		}
	}
}

#define XQK_UNPACK(name, bits, left, flip, less)						\
	void name(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)	\
	{											\
		(void)table;									\
		unpack(dst, src, words, bits, left, flip, less);				\
	}

/* To unsigned bytes: the sign bit flipped adds half of the range; a bit becomes 0 or 2. */
XQK_UNPACK(xqk_unpack_s4_avx512, 4, 0, 8, 0)
XQK_UNPACK(xqk_unpack_u4_avx512, 4, 0, 0, 0)
XQK_UNPACK(xqk_unpack_s2_avx512, 2, 0, 2, 0)
XQK_UNPACK(xqk_unpack_u2_avx512, 2, 0, 0, 0)
XQK_UNPACK(xqk_unpack_b1_avx512, 1, 1, 0, 0)

/* To what they are, as signed bytes. */
XQK_UNPACK(xqk_unpack_signed_s4_avx512, 4, 0, 8, 8)
XQK_UNPACK(xqk_unpack_signed_s2_avx512, 2, 0, 2, 2)
XQK_UNPACK(xqk_unpack_signed_b1_avx512, 1, 1, 0, 1)

void xqk_unpack_c4_avx512(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	const __m512i entries = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table));
	const __m512i mask = _mm512_set1_epi8(15);
	unsigned int step;

	for (; words; words--, src += XQK_STEP_BYTES) {
		const __m512i word = _mm512_loadu_si512(src);

#pragma GCC unroll 2
		for (step = 0; step < 2; step++, dst += XQK_STEP_BYTES)
			_mm512_storeu_si512(dst, _mm512_shuffle_epi8(entries, _mm512_and_si512(
				mask, _mm512_multishift_epi64_epi8(places(step, 4, 0), word))));
	}
}

/* A lookup takes 7 bits of the index; the eighth chooses between two. */
void xqk_unpack_c8_avx512(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	const __m512i t0 = _mm512_loadu_si512(table), t1 = _mm512_loadu_si512(table + 64);
	const __m512i t2 = _mm512_loadu_si512(table + 128), t3 = _mm512_loadu_si512(table + 192);

	for (; words; words--, src += XQK_STEP_BYTES, dst += XQK_STEP_BYTES) {
		const __m512i code = _mm512_loadu_si512(src);
		const __m512i low = _mm512_permutex2var_epi8(t0, code, t1);
		const __m512i high = _mm512_permutex2var_epi8(t2, code, t3);

		_mm512_storeu_si512(dst, _mm512_mask_blend_epi8(_mm512_movepi8_mask(code), low, high));
	}
}
