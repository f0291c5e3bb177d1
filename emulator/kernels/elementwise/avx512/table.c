// SPDX-License-Identifier: MIT
/* Sums and products for AVX-512. */
#include "epilogue/avx512/requantize.h"
#include "epilogue/avx512/lookup.h"
#include "elementwise/template.h"

/*
 * table[i] of 64 bytes as four vectors of int32: the table's bytes are looked up apart and put
 * together within lanes of 16 bytes. Lane l of vector v has elements 16 l + 4 v to 16 l + 4 v + 3,
 * which is the order that packing to bytes undoes.
 */
INLINE void terms(const uint8_t planes[4][256], __m512i i, __m512i *v)
{
	const __mmask64 high = _mm512_movepi8_mask(i);
	__m512i byte[4], low_words[2], high_words[2];

	for (int p = 0; p < 4; p++) {
		const __m512i *t = (const __m512i *)(const void *)planes[p];
		const __m512i lower = _mm512_permutex2var_epi8(_mm512_loadu_si512(t), i, _mm512_loadu_si512(t + 1));

		byte[p] = _mm512_mask_mov_epi8(lower, high,
					       _mm512_permutex2var_epi8(_mm512_loadu_si512(t + 2), i,
									_mm512_loadu_si512(t + 3)));
	}
	low_words[0] = _mm512_unpacklo_epi8(byte[0], byte[1]);
	low_words[1] = _mm512_unpackhi_epi8(byte[0], byte[1]);
	high_words[0] = _mm512_unpacklo_epi8(byte[2], byte[3]);
	high_words[1] = _mm512_unpackhi_epi8(byte[2], byte[3]);
	v[0] = _mm512_unpacklo_epi16(low_words[0], high_words[0]);
	v[1] = _mm512_unpackhi_epi16(low_words[0], high_words[0]);
	v[2] = _mm512_unpacklo_epi16(low_words[1], high_words[1]);
	v[3] = _mm512_unpackhi_epi16(low_words[1], high_words[1]);
}

static void plain_sum(const struct xqk_sum *s, const uint8_t *a, const uint8_t *b, size_t n, uint8_t *y)
{
	const struct xqk_lanes *p = &s->lanes;
	const __m512i zero_point = _mm512_set1_epi16((short)p->zero_point);
	const __m512i low = _mm512_set1_epi16((short)p->low_y), high = _mm512_set1_epi16((short)p->high_y);
	const __m512i m = _mm512_set1_epi32(p->multiplier[0]), right = _mm512_set1_epi32(p->right[0] - 1);
	size_t i;

	for (i = 0; i < n; i += 64) {
		const __mmask64 some = n - i < 64 ? ((__mmask64)1 << (n - i)) - 1 : ~(__mmask64)0;
		__m512i v[4], w[4];

		terms(s->planes_a, _mm512_maskz_loadu_epi8(some, a + i), v);
		terms(s->planes_b, _mm512_maskz_loadu_epi8(some, b + i), w);
		for (int j = 0; j < 4; j++)
			v[j] = plain(_mm512_add_epi32(v[j], w[j]), m, m, right);
		_mm512_mask_storeu_epi8(y + i, some, packed_bytes(v, zero_point, low, high));
	}
}

static void sum(const struct xqk_sum *s, const uint8_t *a, const uint8_t *b, size_t n, uint8_t *y)
{
	int32_t v[XQK_ELEMENTS_MOST];

	if (s->lanes.kind == XQK_TFLITE_PLAIN) {
		plain_sum(s, a, b, n, y);
		return;
	}
	table_sums(s, a, b, n, v);
	xqk_epilogue_avx512.requant[s->lanes.kind][0][0](v, 0, 1, n, &s->lanes, &y);
}

const struct xqk_elementwise_kernels xqk_elementwise_avx512 = {
	.sum = sum,
	.bytes = bytes,
	.product = product,
	.real_sum = real_sum,
	.real_product = real_product,
};
