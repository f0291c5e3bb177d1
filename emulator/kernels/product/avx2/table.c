// SPDX-License-Identifier: MIT
/* AVX2: the table of its kernels, and the order of staged A. */
#include <immintrin.h>

#include "kernels.h"
#include "product/template.h"

/* Bytes of 8 steps to 16 bits, each step as a0 a2 a1 a3. */
static inline void widen_steps(int16_t *dst, __m256i bytes)
{
	const __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8);
	const __m256i odd = _mm256_srai_epi16(bytes, 8);
	const __m256i low = _mm256_unpacklo_epi32(even, odd);
	const __m256i high = _mm256_unpackhi_epi32(even, odd);

	_mm256_storeu_si256((__m256i *)dst, _mm256_permute2x128_si256(low, high, 0x20));
	_mm256_storeu_si256((__m256i *)dst + 1, _mm256_permute2x128_si256(low, high, 0x31));
}

/* 32 bytes in the order of K to the order of their steps. */
static inline __m256i order_steps(__m256i bytes, unsigned int steps)
{
	const __m256i by2 = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10,
								      12, 14, 9, 11, 13, 15));
	const __m256i by4 = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6,
								      10, 14, 3, 7, 11, 15));
	const __m256i by8 = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12,
								      5, 13, 6, 14, 7, 15));
	__m128i low, high;

	switch (steps) {
	case 2:
		return _mm256_shuffle_epi8(bytes, by2);
	case 4:
		return _mm256_shuffle_epi8(bytes, by4);
	case 8:
		bytes = _mm256_shuffle_epi8(bytes, by8);
		low = _mm256_castsi256_si128(bytes);
		high = _mm256_extracti128_si256(bytes, 1);
		return _mm256_set_m128i(_mm_unpackhi_epi16(low, high), _mm_unpacklo_epi16(low, high));
	default:
		return bytes;
	}
}

static void arrange_bytes(void *dst, const int8_t *src, size_t words, unsigned int steps)
{
	const size_t n = 4 * words * steps;
	int8_t *to = dst, rest[32] = { 0 };
	size_t i;

	for (i = 0; i + 32 <= n; i += 32)
		_mm256_storeu_si256((__m256i *)(to + i), order_steps(
			_mm256_loadu_si256((const __m256i *)(src + i)), steps));
	if (i < n) {
		memcpy(rest, src + i, n - i);
		_mm256_storeu_si256((__m256i *)rest, order_steps(
			_mm256_loadu_si256((const __m256i *)rest), steps));
		memcpy(to + i, rest, n - i);
	}
}

static void arrange_wide(void *dst, const int8_t *src, size_t words, unsigned int steps)
{
	const size_t n = 4 * words * steps;
	int16_t *to = dst, rest16[32];
	int8_t rest[32] = { 0 };
	size_t i;

	for (i = 0; i + 32 <= n; i += 32)
		widen_steps(to + i, order_steps(_mm256_loadu_si256((const __m256i *)(src + i)), steps));
	if (i < n) {
		memcpy(rest, src + i, n - i);
		widen_steps(rest16, order_steps(_mm256_loadu_si256((const __m256i *)rest), steps));
		memcpy(to + i, rest16, 2 * (n - i));
	}
}

#define WIDE(name, tiles)							\
	{									\
		.dot = xqk_dot_s8_avx2, .dot_fold = xqk_dot_fold_s8_avx2,	\
		.dot_tiles = tiles, .unpack = xqk_unpack_##name##_avx2, .wide = true, \
	}
#define NARROW(width, name, b_bias)						\
	{									\
		.dot = xqk_dot_##width##_avx2, .dot_fold = xqk_dot_fold_##width##_avx2, \
		.dot_tiles = xqk_dot_tiles_##name##_avx2, .bias = b_bias,	\
		.dot_groups = xqk_dot_groups_##width##_avx2,			\
		.unpack = xqk_unpack_##name##_avx2,				\
	}

const struct xqk_product xqk_product_avx2 = {
	.rows = XQK_DOT_ROWS,
	.tiles_rows = XQK_TILES_ROWS,
	.b = {
		[XQACCEL_FMT_S8] = WIDE(s8, xqk_dot_tiles_s8_avx2),
		[XQACCEL_FMT_U8] = WIDE(u8, xqk_dot_tiles_u8_avx2),
		[XQACCEL_FMT_S4] = NARROW(u4, s4, 8),
		[XQACCEL_FMT_U4] = NARROW(u4, u4, 0),
		[XQACCEL_FMT_S2] = NARROW(u2, s2, 2),
		[XQACCEL_FMT_U2] = NARROW(u2, u2, 0),
		[XQACCEL_FMT_T2] = NARROW(u2, s2, 2),
		[XQACCEL_FMT_B1] = NARROW(u2, b1, 1),
		[XQACCEL_FMT_C4] = WIDE(c4, xqk_dot_tiles_c4_avx2),
		[XQACCEL_FMT_C8] = WIDE(c8, NULL),
	},
	.dot_bits = xqk_dot_b1_avx2,
	.dot_fold_bits = xqk_dot_fold_b1_avx2,
	.unpack_bits = xqk_unpack_bits_avx2,
	.thin_s8 = xqk_thin_s8_avx2,
	.widen_a = widen_a,
	.arrange_a = arrange_bytes,
	.arrange_wide_a = arrange_wide,
	.start_a = xqk_start_a_avx2,
	.start_b = xqk_start_b_avx2,
	.interleave_b = interleave_b,
	.fold = fold_rows,
	.real = &xqk_real_avx2,
};
