// SPDX-License-Identifier: MIT
/* AVX2: the table of its kernels, and staging of A as 16 bits. */
#include <immintrin.h>

#include "kern_avx2.h"
#include "kern_template.h"

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

static void arrange_a_16(void *dst, const int8_t *src, size_t words, unsigned int steps)
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

static void unpack_c4_lookup(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table)
{
	const __m256i entries = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
	const __m256i nibble = _mm256_set1_epi8(15);
	size_t half;

	for (half = 0; half < 2 * words; half++, src += 32) {
		const __m256i word = _mm256_loadu_si256((const __m256i *)src);
		const __m256i high = _mm256_srli_epi16(word, 4);
		__m256i *to = (__m256i *)(dst + half / 2 * 2 * XQK_STEP_BYTES) + half % 2;

		_mm256_storeu_si256(to, _mm256_shuffle_epi8(entries, _mm256_and_si256(word, nibble)));
		_mm256_storeu_si256(to + 2, _mm256_shuffle_epi8(entries,
								_mm256_and_si256(high, nibble)));
	}
}

static bool available(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
}

const struct xqk_isa xqk_isa_avx2 = {
	.name = "avx2",
	.available = available,
	.rows = 5,
	.a_bytes = 2,
	.b = {
		[XQACCEL_FMT_S8] = { xqk_dot_s8_avx2, NULL, 128, xqk_dot_fold_s8_avx2 },
		[XQACCEL_FMT_U8] = { xqk_dot_u8_avx2, NULL, 0, xqk_dot_fold_u8_avx2 },
		[XQACCEL_FMT_S4] = { xqk_dot_u8_avx2, unpack_s4, 8, xqk_dot_fold_u8_avx2 },
		[XQACCEL_FMT_U4] = { xqk_dot_u8_avx2, unpack_u4, 0, xqk_dot_fold_u8_avx2 },
		[XQACCEL_FMT_S2] = { xqk_dot_u8_avx2, unpack_s2, 2, xqk_dot_fold_u8_avx2 },
		[XQACCEL_FMT_U2] = { xqk_dot_u8_avx2, unpack_u2, 0, xqk_dot_fold_u8_avx2 },
		[XQACCEL_FMT_T2] = { xqk_dot_u8_avx2, unpack_s2, 2, xqk_dot_fold_u8_avx2 },
		[XQACCEL_FMT_B1] = { xqk_dot_u8_avx2, unpack_b1, 1, xqk_dot_fold_u8_avx2 },
		[XQACCEL_FMT_C4] = { xqk_dot_u8_avx2, unpack_c4_lookup, 128, xqk_dot_fold_u8_avx2 },
		[XQACCEL_FMT_C8] = { xqk_dot_u8_avx2, unpack_c8, 128, xqk_dot_fold_u8_avx2 },
	},
	.dot_bits = xqk_dot_b1_avx2,
	.widen_a = widen_a,
	.arrange_a = arrange_a_16,
	.interleave_b = interleave_b,
	.fold = fold_rows,
};
