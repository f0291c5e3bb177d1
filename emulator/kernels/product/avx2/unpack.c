// SPDX-License-Identifier: MIT
/* B into the panels of AVX2's dots: narrow codes, operands of 16 bits, nibbles of bits. */
#include "kernels.h"

/* Words of codes to a byte each, exclusive-ored with flip and shifted left. */
static inline __attribute__((always_inline)) void
unpack_codes(uint8_t *dst, const uint8_t *src, size_t words, const unsigned int bits,
	     const uint8_t flip, const unsigned int left)
{
	const __m256i code = _mm256_set1_epi8((char)((1U << bits) - 1));
	const __m256i flips = _mm256_set1_epi8((char)flip);
	const unsigned int steps = 8 / bits;
	unsigned int step, half;

	for (; words; words--, src += XQK_STEP_BYTES, dst += steps * XQK_STEP_BYTES) {
#pragma GCC unroll 2
		for (half = 0; half < 2; half++) {
			const __m256i word = xqk_load(src + 32 * half);

#pragma GCC unroll 8
			for (step = 0; step < steps; step++) {
				__m256i codes = _mm256_srli_epi16(word, (int)(step * bits));

				codes = _mm256_xor_si256(_mm256_and_si256(codes, code), flips);
				_mm256_store_si256((__m256i *)(dst + step * XQK_STEP_BYTES) + half,
						   _mm256_slli_epi16(codes, (int)left));
			}
		}
	}
}

#define UNPACK(name, bits, flip, left)						\
	void xqk_unpack_##name##_avx2(uint8_t *dst, const uint8_t *src, size_t words, \
				      const uint8_t *table)			\
	{									\
		(void)table;							\
		unpack_codes(dst, src, words, bits, flip, left);		\
	}

UNPACK(s4, 4, 8, 0)
UNPACK(u4, 4, 0, 0)
UNPACK(s2, 2, 2, 0)
UNPACK(u2, 2, 0, 0)
UNPACK(b1, 1, 0, 1)

/* Half a word column, 8 lanes, as dot_s8.c wants it. */
static inline void widen_signed(uint8_t *dst, __m256i bytes)
{
	__m256i *to = (__m256i *)dst;

	_mm256_store_si256(to, _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8));
	_mm256_store_si256(to + 1, _mm256_srai_epi16(bytes, 8));
}

void xqk_unpack_s8_avx2(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	(void)table;
	for (; words; words--, src += XQK_STEP_BYTES, dst += 2 * XQK_STEP_BYTES) {
		widen_signed(dst, xqk_load(src));
		widen_signed(dst + XQK_STEP_BYTES, xqk_load(src + 32));
	}
}

void xqk_unpack_u8_avx2(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	const __m256i low = _mm256_set1_epi16(255);
	__m256i *to = (__m256i *)dst;
	size_t half;

	(void)table;
	for (half = 0; half < 2 * words; half++, src += 32, to += 2) {
		const __m256i bytes = xqk_load(src);

		_mm256_store_si256(to, _mm256_and_si256(bytes, low));
		_mm256_store_si256(to + 1, _mm256_srli_epi16(bytes, 8));
	}
}

void xqk_unpack_c4_avx2(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	const __m256i entries = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
	const __m256i nibble = _mm256_set1_epi8(15);
	size_t half;

	for (half = 0; half < 2 * words; half++, src += 32) {
		const __m256i codes = xqk_load(src);
		const __m256i low = _mm256_and_si256(codes, nibble);
		const __m256i high = _mm256_and_si256(_mm256_srli_epi16(codes, 4), nibble);
		uint8_t *to = dst + half / 2 * 4 * XQK_STEP_BYTES + half % 2 * XQK_STEP_BYTES;

		widen_signed(to, _mm256_shuffle_epi8(entries, low));
		widen_signed(to + 2 * XQK_STEP_BYTES, _mm256_shuffle_epi8(entries, high));
	}
}

void xqk_unpack_c8_avx2(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	uint8_t values[XQK_STEP_BYTES];
	unsigned int i;

	for (; words; words--, src += XQK_STEP_BYTES, dst += 2 * XQK_STEP_BYTES) {
		for (i = 0; i < XQK_STEP_BYTES; i++)
			values[i] = table[src[i]];
		widen_signed(dst, xqk_load(values));
		widen_signed(dst + XQK_STEP_BYTES, xqk_load(values + 32));
	}
}

/* A byte of each channel, as dot_b1.c wants it. */
static inline void split_nibbles(uint8_t *dst, __m128i bytes)
{
	const __m128i nibble = _mm_set1_epi8(15);

	_mm_store_si128((__m128i *)dst, _mm_and_si128(bytes, nibble));
	_mm_store_si128((__m128i *)dst + 1, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
}

void xqk_unpack_bits_avx2(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	const __m128i by_byte = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);

	(void)table;
	for (; words; words--, src += XQK_STEP_BYTES, dst += 2 * XQK_STEP_BYTES) {
		const __m128i *lanes = (const __m128i *)src;
		const __m128i quad0 = _mm_shuffle_epi8(_mm_loadu_si128(lanes), by_byte);
		const __m128i quad1 = _mm_shuffle_epi8(_mm_loadu_si128(lanes + 1), by_byte);
		const __m128i quad2 = _mm_shuffle_epi8(_mm_loadu_si128(lanes + 2), by_byte);
		const __m128i quad3 = _mm_shuffle_epi8(_mm_loadu_si128(lanes + 3), by_byte);
		const __m128i low01 = _mm_unpacklo_epi32(quad0, quad1);
		const __m128i low23 = _mm_unpacklo_epi32(quad2, quad3);
		const __m128i high01 = _mm_unpackhi_epi32(quad0, quad1);
		const __m128i high23 = _mm_unpackhi_epi32(quad2, quad3);

		split_nibbles(dst, _mm_unpacklo_epi64(low01, low23));
		split_nibbles(dst + 32, _mm_unpackhi_epi64(low01, low23));
		split_nibbles(dst + 64, _mm_unpacklo_epi64(high01, high23));
		split_nibbles(dst + 96, _mm_unpackhi_epi64(high01, high23));
	}
}
