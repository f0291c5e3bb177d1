// SPDX-License-Identifier: MIT
/* Words of B to panels of unsigned bytes, a step for every shift of the word. */
#include <immintrin.h>

#include "kern_avx512.h"

/* VPTERNLOG of (a & b) ^ c */
#define AND_XOR		0x6a

static inline __attribute__((always_inline)) void
unpack(uint8_t *dst, const uint8_t *src, size_t words, const unsigned int bits, const char flip)
{
	const __m512i mask = _mm512_set1_epi8((char)((1 << bits) - 1));
	const __m512i sign = _mm512_set1_epi8(flip);
	unsigned int step;

	for (; words; words--, src += XQK_STEP_BYTES) {
		const __m512i word = _mm512_loadu_si512(src);

#pragma GCC unroll 4
		for (step = 0; step < 8 / bits; step++, dst += XQK_STEP_BYTES)
			_mm512_storeu_si512(dst, _mm512_ternarylogic_epi32(
				_mm512_srli_epi32(word, step * bits), mask, sign, AND_XOR));
	}
}

void xqk_unpack_s4_avx512(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	(void)table;
	unpack(dst, src, words, 4, 8);
}

void xqk_unpack_u4_avx512(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	(void)table;
	unpack(dst, src, words, 4, 0);
}

void xqk_unpack_s2_avx512(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	(void)table;
	unpack(dst, src, words, 2, 2);
}

void xqk_unpack_u2_avx512(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	(void)table;
	unpack(dst, src, words, 2, 0);
}

/* To 0 and 2: the bias of 1 then is whole. */
void xqk_unpack_b1_avx512(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	const __m512i two = _mm512_set1_epi8(2);
	unsigned int step;

	(void)table;
	for (; words; words--, src += XQK_STEP_BYTES) {
		const __m512i word = _mm512_loadu_si512(src);

		_mm512_storeu_si512(dst, _mm512_and_si512(_mm512_add_epi8(word, word), two));
		dst += XQK_STEP_BYTES;
#pragma GCC unroll 7
		for (step = 1; step < 8; step++, dst += XQK_STEP_BYTES)
			_mm512_storeu_si512(dst, _mm512_and_si512(
				_mm512_srli_epi32(word, step - 1), two));
	}
}

void xqk_unpack_c4_avx512(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	const __m512i entries = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table));
	const __m512i mask = _mm512_set1_epi8(15);

	for (; words; words--, src += XQK_STEP_BYTES, dst += 2 * XQK_STEP_BYTES) {
		const __m512i word = _mm512_loadu_si512(src);
		const __m512i high = _mm512_srli_epi32(word, 4);

		_mm512_storeu_si512(dst, _mm512_shuffle_epi8(entries,
							     _mm512_and_si512(word, mask)));
		_mm512_storeu_si512(dst + XQK_STEP_BYTES,
				    _mm512_shuffle_epi8(entries, _mm512_and_si512(high, mask)));
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
