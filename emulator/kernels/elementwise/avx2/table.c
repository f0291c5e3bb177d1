// SPDX-License-Identifier: MIT
/* Sums and products for AVX2. */
#include <immintrin.h>
#include <string.h>

#include "elementwise/template.h"

static void sum(const struct xqk_sum *s, const uint8_t *a, const uint8_t *b, size_t n, uint8_t *y)
{
	int32_t v[XQK_ELEMENTS_MOST];

	table_sums(s, a, b, n, v);
	xqk_epilogue_avx2.requant[s->lanes.kind][0][0](v, 0, 1, n, &s->lanes, &y);
}

static inline __m256i along(__m256i pairs, __m256i high, __m256i low, __m256i add, __m128i shift)
{
	const __m256i whole = _mm256_slli_epi32(_mm256_madd_epi16(pairs, high), 15);
	const __m256i rest = _mm256_add_epi32(_mm256_madd_epi16(pairs, low), add);

	return _mm256_sra_epi32(_mm256_add_epi32(whole, rest), shift);
}

static inline __m256i pair_of(const int16_t words[2])
{
	return _mm256_set1_epi32((int32_t)((uint16_t)words[0] | (uint32_t)(uint16_t)words[1] << 16));
}

/* As for AVX-512; 32 elements. */
static inline __m256i straight32(const struct xqk_straight *s, const uint8_t *a, const uint8_t *b)
{
	const __m256i high = pair_of(s->high), low = pair_of(s->low), zero = _mm256_setzero_si256();
	const __m256i add = _mm256_set1_epi32(s->add);
	const __m128i shift = _mm_cvtsi32_si128(s->shift);
	const __m256i least = _mm256_set1_epi8((char)s->least);
	const __m256i greatest = _mm256_set1_epi8((char)s->greatest);
	const __m256i v = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)a),
					   _mm256_set1_epi8((char)s->flip[0]));
	const __m256i w = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)b),
					   _mm256_set1_epi8((char)s->flip[1]));
	const __m256i l = _mm256_unpacklo_epi8(v, w), h = _mm256_unpackhi_epi8(v, w);
	const __m256i t0 = along(_mm256_unpacklo_epi8(l, zero), high, low, add, shift);
	const __m256i t1 = along(_mm256_unpackhi_epi8(l, zero), high, low, add, shift);
	const __m256i t2 = along(_mm256_unpacklo_epi8(h, zero), high, low, add, shift);
	const __m256i t3 = along(_mm256_unpackhi_epi8(h, zero), high, low, add, shift);
	const __m256i p = _mm256_packs_epi32(t0, t1), q = _mm256_packs_epi32(t2, t3);

	if (s->is_signed)
		return _mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(p, q), least), greatest);
	return _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(p, q), least), greatest);
}

static void straight(const struct xqk_straight *s, const uint8_t *a, const uint8_t *b, size_t n,
		     uint8_t *y)
{
	uint8_t last[3][32] = { 0 };
	size_t i;

	for (i = 0; i + 32 <= n; i += 32)
		_mm256_storeu_si256((__m256i *)(void *)(y + i), straight32(s, a + i, b + i));
	if (i == n)
		return;
	memcpy(last[0], a + i, n - i);
	memcpy(last[1], b + i, n - i);
	_mm256_storeu_si256((__m256i *)(void *)last[2], straight32(s, last[0], last[1]));
	memcpy(y + i, last[2], n - i);
}

/* As for AVX-512; 16 products. */
static inline __m256i along_products(const struct xqk_product_line *l, __m256i p)
{
	const __m256i above = _mm256_set1_epi16(0x4b00);
	const __m256 scale = _mm256_set1_ps(l->scale), add = _mm256_set1_ps(l->add);
	const __m256 zero = _mm256_set1_ps((float)(0x800000 + l->bias));
	const __m256 v = _mm256_castsi256_ps(_mm256_unpacklo_epi16(p, above));
	const __m256 w = _mm256_castsi256_ps(_mm256_unpackhi_epi16(p, above));
	const __m256 s = _mm256_fmadd_ps(_mm256_sub_ps(v, zero), scale, add);
	const __m256 t = _mm256_fmadd_ps(_mm256_sub_ps(w, zero), scale, add);
	__m256i r = _mm256_packs_epi32(_mm256_cvtps_epi32(s), _mm256_cvtps_epi32(t));

	if (l->twice)
		r = _mm256_mulhrs_epi16(_mm256_adds_epi16(r, _mm256_srai_epi16(r, 15)),
					_mm256_set1_epi16(l->fraction));
	return _mm256_adds_epi16(r, _mm256_set1_epi16(l->zero_point));
}

/* Products of words, which are bytes without a sign, less the zero points; plus the bias. */
static inline __m256i biased_products(const struct xqk_product_line *l, __m256i v, __m256i w)
{
	v = _mm256_sub_epi16(v, _mm256_set1_epi16(l->zero[0]));
	w = _mm256_sub_epi16(w, _mm256_set1_epi16(l->zero[1]));
	return _mm256_add_epi16(_mm256_mullo_epi16(v, w), _mm256_set1_epi16((short)l->bias));
}

static inline __m256i product_line32(const struct xqk_product_line *l, const uint8_t *a,
				     const uint8_t *b)
{
	const __m256i least = _mm256_set1_epi8((char)l->least), none = _mm256_setzero_si256();
	const __m256i greatest = _mm256_set1_epi8((char)l->greatest);
	const __m256i v = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)a),
					   _mm256_set1_epi8((char)l->flip[0]));
	const __m256i w = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)b),
					   _mm256_set1_epi8((char)l->flip[1]));
	const __m256i low = along_products(l, biased_products(l, _mm256_unpacklo_epi8(v, none),
							      _mm256_unpacklo_epi8(w, none)));
	const __m256i high = along_products(l, biased_products(l, _mm256_unpackhi_epi8(v, none),
							       _mm256_unpackhi_epi8(w, none)));

	if (l->is_signed)
		return _mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(low, high), least),
				       greatest);
	return _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(low, high), least), greatest);
}

static void product_line(const struct xqk_product_line *l, const uint8_t *a, const uint8_t *b,
			 size_t n, uint8_t *y)
{
	uint8_t last[3][32] = { 0 };
	size_t i;

	for (i = 0; i + 32 <= n; i += 32)
		_mm256_storeu_si256((__m256i *)(void *)(y + i), product_line32(l, a + i, b + i));
	if (i == n)
		return;
	memcpy(last[0], a + i, n - i);
	memcpy(last[1], b + i, n - i);
	_mm256_storeu_si256((__m256i *)(void *)last[2], product_line32(l, last[0], last[1]));
	memcpy(y + i, last[2], n - i);
}

const struct xqk_elementwise_kernels xqk_elementwise_avx2 = {
	.sum = sum,
	.bytes = bytes,
	.product = product,
	.real_sum = real_sum,
	.real_product = real_product,
	.straight = straight,
	.product_line = product_line,
	.near = near,
};
