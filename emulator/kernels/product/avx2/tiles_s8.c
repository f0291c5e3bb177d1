// SPDX-License-Identifier: MIT
/* Tiles of bytes in place, and of codes whose values are looked up: products of 16 bits. */
#include "tiles.h"

/* Even and odd bytes of a row's steps as 16 bits. */
struct wide_steps {
	int32_t even[2 * XQK_TILE_STEPS], odd[2 * XQK_TILE_STEPS];
};

static inline __m256i even_bytes(__m256i bytes)
{
	return _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8);
}

static inline __m256i odd_bytes(__m256i bytes)
{
	return _mm256_srai_epi16(bytes, 8);
}

/* Rows are staged with room behind them. */
static inline void widen_steps(struct wide_steps *wide, const uint8_t *a, uint32_t steps)
{
	uint32_t step;

	for (step = 0; step < steps; step += 8) {
		const __m256i bytes = xqk_load(a + 4 * step);

		_mm256_storeu_si256((__m256i *)(wide->even + step), even_bytes(bytes));
		_mm256_storeu_si256((__m256i *)(wide->odd + step), odd_bytes(bytes));
	}
}

/*
 * Signed bytes: even ones are shifted up but not down again. Sums of products that are 256
 * times too large fit 32 bits for a tile's words, two steps each.
 */
struct signed_sum {
	__m256i even256, odd;
};

_Static_assert(2 * 128 * 128 * 256LL * 2 * XQK_TILE_STEPS <= 1LL << 30, "even256");

XQK_TILES_INLINE void add_bytes(struct signed_sum *sum, __m256i bytes,
				const struct wide_steps *wide, uint32_t step)
{
	sum->even256 = xqk_add_32(sum->even256, _mm256_madd_epi16(
		_mm256_slli_epi16(bytes, 8), _mm256_set1_epi32(wide->even[step])));
	sum->odd = xqk_add_32(sum->odd, _mm256_madd_epi16(
		odd_bytes(bytes), _mm256_set1_epi32(wide->odd[step])));
}

static inline __m256i total_of(const struct signed_sum *sum)
{
	return _mm256_add_epi32(sum->odd, _mm256_srai_epi32(sum->even256, 8));
}

XQK_TILES_INLINE void add_s8(__m256i to[2], const uint8_t *a, const uint8_t *b, uint32_t words,
			     const uint8_t *table)
{
	struct signed_sum sum[2] = { 0 };
	struct wide_steps wide;
	uint32_t word;

	(void)table;
	widen_steps(&wide, a, words);
	for (word = 0; word < words; word++, b += XQK_STEP_BYTES) {
		add_bytes(&sum[0], xqk_load(b), &wide, word);
		add_bytes(&sum[1], xqk_load(b + 32), &wide, word);
	}
	to[0] = _mm256_add_epi32(to[0], total_of(&sum[0]));
	to[1] = _mm256_add_epi32(to[1], total_of(&sum[1]));
}

XQK_TILES_INLINE void add_c4(__m256i to[2], const uint8_t *a, const uint8_t *b, uint32_t words,
			     const uint8_t *table)
{
	const __m256i entries = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
	const __m256i nibble = _mm256_set1_epi8(15);
	struct signed_sum sum[2] = { 0 };
	struct wide_steps wide;
	unsigned int half;
	uint32_t word;

	widen_steps(&wide, a, 2 * words);
	for (word = 0; word < words; word++, b += XQK_STEP_BYTES) {
#pragma GCC unroll 2
		for (half = 0; half < 2; half++) {
			const __m256i codes = xqk_load(b + 32 * half);
			const __m256i high = _mm256_srli_epi16(codes, 4);

			add_bytes(&sum[half], _mm256_shuffle_epi8(entries, _mm256_and_si256(codes, nibble)),
				  &wide, 2 * word);
			add_bytes(&sum[half], _mm256_shuffle_epi8(entries, _mm256_and_si256(high, nibble)),
				  &wide, 2 * word + 1);
		}
	}
	to[0] = _mm256_add_epi32(to[0], total_of(&sum[0]));
	to[1] = _mm256_add_epi32(to[1], total_of(&sum[1]));
}

/* Products of even and of odd unsigned bytes. */
XQK_TILES_INLINE __m256i add_unsigned(__m256i sum, __m256i bytes, const struct wide_steps *wide,
				      uint32_t step)
{
	const __m256i low = _mm256_and_si256(bytes, _mm256_set1_epi16(255));

	sum = xqk_add_32(sum, _mm256_madd_epi16(low, _mm256_set1_epi32(wide->even[step])));
	return xqk_add_32(sum, _mm256_madd_epi16(_mm256_srli_epi16(bytes, 8),
						 _mm256_set1_epi32(wide->odd[step])));
}

XQK_TILES_INLINE void add_u8(__m256i sum[2], const uint8_t *a, const uint8_t *b, uint32_t words,
			     const uint8_t *table)
{
	struct wide_steps wide;
	uint32_t word;

	(void)table;
	widen_steps(&wide, a, words);
	for (word = 0; word < words; word++, b += XQK_STEP_BYTES) {
		sum[0] = add_unsigned(sum[0], xqk_load(b), &wide, word);
		sum[1] = add_unsigned(sum[1], xqk_load(b + 32), &wide, word);
	}
}

XQK_DOT_TILES(xqk_dot_tiles_s8_avx2, 1, add_s8)
XQK_DOT_TILES(xqk_dot_tiles_u8_avx2, 1, add_u8)
XQK_DOT_TILES(xqk_dot_tiles_c4_avx2, 2, add_c4)
