// SPDX-License-Identifier: MIT
/* Staging of A, and plain rows of B into the tile order. */
#include <immintrin.h>

#include "kernels.h"
#include "product/template.h"

static inline __mmask64 first_bytes(size_t n)
{
	return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

/* Sixteen bytes at a time, and what these add up to. */
void xqk_sum_groups_avx512(int32_t *sums, const int8_t *a, size_t count, size_t group)
{
	const size_t parts = group / 16;
	int32_t quarter[4];
	size_t i = 0, part;

	for (; parts == 1 && i + 4 <= count; i += 4, a += 64) {
		__m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), _mm512_loadu_si512(a));

		sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, _MM_PERM_CDAB));
		sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32(sum, _MM_PERM_BADC));
		_mm_storeu_si128((__m128i *)(sums + i), _mm512_castsi512_si128(
			_mm512_maskz_compress_epi32(0x1111, sum)));
	}
	for (; i < count; i++) {
		__m128i sum = _mm_setzero_si128();

		for (part = 0; part < parts; part++, a += 16)
			sum = _mm_dpbusd_epi32(sum, _mm_set1_epi8(1), _mm_loadu_si128((const __m128i *)a));
		_mm_storeu_si128((__m128i *)quarter, sum);
		sums[i] = quarter[0] + quarter[1] + quarter[2] + quarter[3];
	}
}

int32_t xqk_sum_a_avx512(const uint8_t *src, size_t n, uint32_t format)
{
	const __m512i ones = _mm512_set1_epi8(1);
	__m512i sum[4] = { 0 };
	size_t i;

#define ADD(sum, a) (format == XQACCEL_FMT_U8 ? _mm512_dpbusd_epi32(sum, a, ones) : \
		     _mm512_dpbusd_epi32(sum, ones, a))
	for (i = 0; i + 256 <= n; i += 256) {
		sum[0] = ADD(sum[0], _mm512_loadu_si512(src + i));
		sum[1] = ADD(sum[1], _mm512_loadu_si512(src + i + 64));
		sum[2] = ADD(sum[2], _mm512_loadu_si512(src + i + 128));
		sum[3] = ADD(sum[3], _mm512_loadu_si512(src + i + 192));
	}
	for (; i < n; i += 64)
		sum[0] = ADD(sum[0], _mm512_maskz_loadu_epi8(first_bytes(n - i), src + i));
#undef ADD
	return _mm512_reduce_add_epi32(_mm512_add_epi32(_mm512_add_epi32(sum[0], sum[1]),
							_mm512_add_epi32(sum[2], sum[3])));
}

static int32_t widen_8(int8_t *dst, const uint8_t *src, size_t n, char flip)
{
	const __m512i ones = _mm512_set1_epi8(1), sign = _mm512_set1_epi8(flip);
	__m512i sum = _mm512_setzero_si512();
	size_t i;

	for (i = 0; i < n; i += 64) {
		const __mmask64 mask = first_bytes(n - i);
		const __m512i a = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, src + i),
						   sign);

		sum = _mm512_dpbusd_epi32(sum, ones, _mm512_maskz_mov_epi8(mask, a));
		_mm512_mask_storeu_epi8(dst + i, mask, a);
	}
	return _mm512_reduce_add_epi32(sum);
}

/* 64 nibbles from 32 bytes; sign is 8 to extend it, else 0 */
static int32_t widen_4(int8_t *dst, const uint8_t *src, size_t n, char flip)
{
	const __m512i ones = _mm512_set1_epi8(1), sign = _mm512_set1_epi8(flip);
	const __m512i low = _mm512_set1_epi8(15);
	__m512i sum = _mm512_setzero_si512();
	size_t i;

	for (i = 0; i < n; i += 64) {
		const __mmask64 mask = first_bytes(n - i);
		const __mmask32 bytes = (__mmask32)first_bytes((n - i + 1) / 2);
		const __m512i pair = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(bytes, src + i / 2));
		__m512i a = _mm512_or_si512(pair, _mm512_slli_epi16(pair, 4));

		a = _mm512_and_si512(a, low);
		a = _mm512_sub_epi8(_mm512_xor_si512(a, sign), sign);
		sum = _mm512_dpbusd_epi32(sum, ones, _mm512_maskz_mov_epi8(mask, a));
		_mm512_mask_storeu_epi8(dst + i, mask, a);
	}
	return _mm512_reduce_add_epi32(sum);
}

int32_t xqk_widen_a_avx512(int8_t *dst, const uint8_t *src, size_t n, uint32_t format)
{
	switch (format) {
	case XQACCEL_FMT_S8:
		return widen_8(dst, src, n, 0);
	case XQACCEL_FMT_U8:
		return widen_8(dst, src, n, -128);
	case XQACCEL_FMT_S4:
		return widen_4(dst, src, n, 8);
	case XQACCEL_FMT_U4:
		return widen_4(dst, src, n, 0);
	default:
		return widen_a(dst, src, n, format);
	}
}

/* Where byte i of 64 comes from: element byte * steps + step of its word. */
#define FROM(steps, i)	\
	((i) - (i) % (4 * (steps)) + (i) % 4 * (steps) + (i) % (4 * (steps)) / 4)
#define FROM_4(steps, i)	\
	FROM(steps, i), FROM(steps, (i) + 1), FROM(steps, (i) + 2), FROM(steps, (i) + 3)
#define FROM_16(steps, i)	\
	FROM_4(steps, i), FROM_4(steps, (i) + 4), FROM_4(steps, (i) + 8), FROM_4(steps, (i) + 12)
#define FROM_64(steps)	\
	{ FROM_16(steps, 0), FROM_16(steps, 16), FROM_16(steps, 32), FROM_16(steps, 48) }

static const uint8_t arrangement[9][64] = {
	[2] = FROM_64(2), [4] = FROM_64(4), [8] = FROM_64(8),
};

void xqk_arrange_a_avx512(void *dst, const int8_t *src, size_t words, unsigned int steps)
{
	const __m512i from = _mm512_loadu_si512(arrangement[steps]);
	const size_t n = 4 * words * steps;
	size_t i;

	for (i = 0; i + 64 <= n; i += 64)
		_mm512_storeu_si512((int8_t *)dst + i,
				    _mm512_permutexvar_epi8(from, _mm512_loadu_si512(src + i)));
	if (i < n) {
		const __mmask64 mask = first_bytes(n - i);

		_mm512_mask_storeu_epi8((int8_t *)dst + i, mask, _mm512_permutexvar_epi8(
					from, _mm512_maskz_loadu_epi8(mask, src + i)));
	}
}

/* Four words of rows row, row + 4, row + 8, row + 12, in one vector. */
static inline __m512i gather_rows(const uint8_t *const *rows, unsigned int row, size_t byte)
{
	__m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const void *)(rows[row] + byte)));

	v = _mm512_mask_broadcast_i32x4(v, 0x00f0, _mm_loadu_si128(
					(const void *)(rows[row + 4] + byte)));
	v = _mm512_mask_broadcast_i32x4(v, 0x0f00, _mm_loadu_si128(
					(const void *)(rows[row + 8] + byte)));
	return _mm512_mask_broadcast_i32x4(v, 0xf000, _mm_loadu_si128(
					   (const void *)(rows[row + 12] + byte)));
}

/* Lane l then holds rows 4 l .. 4 l + 3, so transposing within the lanes is all. */
void xqk_interleave_b_avx512(uint8_t *dst, const uint8_t *const *rows, size_t words)
{
	const uint8_t *rest[XQK_LANES];
	unsigned int row;
	size_t word;

	for (word = 0; word + 4 <= words; word += 4, dst += 4 * XQK_STEP_BYTES) {
		const __m512i r0 = gather_rows(rows, 0, 4 * word);
		const __m512i r1 = gather_rows(rows, 1, 4 * word);
		const __m512i r2 = gather_rows(rows, 2, 4 * word);
		const __m512i r3 = gather_rows(rows, 3, 4 * word);
		const __m512i low01 = _mm512_unpacklo_epi32(r0, r1);
		const __m512i low23 = _mm512_unpacklo_epi32(r2, r3);
		const __m512i high01 = _mm512_unpackhi_epi32(r0, r1);
		const __m512i high23 = _mm512_unpackhi_epi32(r2, r3);

		_mm512_storeu_si512(dst, _mm512_unpacklo_epi64(low01, low23));
		_mm512_storeu_si512(dst + 64, _mm512_unpackhi_epi64(low01, low23));
		_mm512_storeu_si512(dst + 128, _mm512_unpacklo_epi64(high01, high23));
		_mm512_storeu_si512(dst + 192, _mm512_unpackhi_epi64(high01, high23));
	}
	for (row = 0; row < XQK_LANES; row++)
		rest[row] = rows[row] + 4 * word;
	interleave_b(dst, rest, words - word);
}
