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

/* Sixteen elements of an input of a sum by f32. */
INLINE __m512 real_term(const uint8_t *x, bool is_signed, __m512i zero, __m512 scale)
{
	const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)x);
	const __m512i v = is_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes);

	return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(v, zero)), scale);
}

/*
 * x / f, correctly rounded, in a third of the time of a division: with y = 1 / f rounded, two steps
 * q + (x - q f) y from q = x y on. The first makes q one of the two neighbours of the quotient, and from
 * that the second gives the nearest one (Markstein). Nothing on the way may underflow, see struct
 * xqk_real.
 */
INLINE __m512 quotient(__m512 x, __m512 f, __m512 y)
{
	__m512 q = _mm512_mul_ps(x, y);

	q = _mm512_fmadd_ps(_mm512_fnmadd_ps(q, f, x), y, q);
	return _mm512_fmadd_ps(_mm512_fnmadd_ps(q, f, x), y, q);
}

/* Whole blocks of 64 elements; returns how many elements. */
INLINE size_t moderate_sums(const struct xqk_real *r, const uint8_t *a, const uint8_t *b, size_t n, uint8_t *y,
			    const bool signed_a, const bool signed_b)
{
	const __m512i zero_a = _mm512_set1_epi32(r->zero[0]), zero_b = _mm512_set1_epi32(r->zero[1]);
	const __m512 scale_a = _mm512_set1_ps(r->scale[0]), scale_b = _mm512_set1_ps(r->scale[1]);
	const __m512 factor = _mm512_set1_ps(r->factor), inverse = _mm512_set1_ps(1 / r->factor);
	const __m512 least = _mm512_set1_ps((float)(r->least - r->zero_point));
	const __m512 greatest = _mm512_set1_ps((float)(r->greatest - r->zero_point));
	const __m512i zero_point = _mm512_set1_epi16((short)r->zero_point);
	const __m512i low = _mm512_set1_epi16((short)r->least), high = _mm512_set1_epi16((short)r->greatest);
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
	size_t i;

	for (i = 0; i + 64 <= n; i += 64) {
		__m512i t[4];

#pragma GCC unroll 4
		for (int v = 0; v < 4; v++) {
			const __m512 x = _mm512_add_ps(real_term(a + i + 16 * v, signed_a, zero_a, scale_a),
						       real_term(b + i + 16 * v, signed_b, zero_b, scale_b));
			const __m512 q = _mm512_min_ps(_mm512_max_ps(quotient(x, factor, inverse), least), greatest);

			t[v] = _mm512_cvtps_epi32(q);
		}
		_mm512_storeu_si512(y + i, _mm512_permutexvar_epi32(order, packed_bytes(t, zero_point, low, high)));
	}
	return i;
}

static void sum_by_real(const struct xqk_real *r, const uint8_t *a, const uint8_t *b, size_t n, uint8_t *y)
{
	/* A mantissa of ones is the exception of the theorem. */
	union { float f; uint32_t bits; } factor = { r->factor };
	size_t done = 0;

	if (r->moderate && (factor.bits & 0x7fffff) != 0x7fffff)
		done = r->is_signed[0] && r->is_signed[1] ? moderate_sums(r, a, b, n, y, true, true) :
		       r->is_signed[0] ? moderate_sums(r, a, b, n, y, true, false) :
		       r->is_signed[1] ? moderate_sums(r, a, b, n, y, false, true) :
					 moderate_sums(r, a, b, n, y, false, false);
	real_sum(r, a + done, b + done, n - done, y + done);
}

/* Sixty-four elements, or those below a number of them; masks make loads twice as slow. */
INLINE __m512i load_some(const uint8_t *x, size_t n)
{
	return n < 64 ? _mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, x) : _mm512_loadu_si512(x);
}

INLINE void store_some(uint8_t *y, size_t n, __m512i v)
{
	if (n < 64)
		_mm512_mask_storeu_epi8(y, ((__mmask64)1 << n) - 1, v);
	else
		_mm512_storeu_si512(y, v);
}

/* Sixteen pairs of words along the line. */
INLINE __m512i along(__m512i pairs, __m512i high, __m512i low, __m512i add, __m512i shift)
{
	const __m512i whole = _mm512_slli_epi32(_mm512_madd_epi16(pairs, high), 15);

	return _mm512_srav_epi32(_mm512_dpwssd_epi32(_mm512_add_epi32(whole, add), pairs, low),
				 shift);
}

INLINE __m512i pair_of(const int16_t words[2])
{
	return _mm512_set1_epi32((int32_t)((uint16_t)words[0] | (uint32_t)(uint16_t)words[1] << 16));
}

/*
 * Bytes of both inputs are interleaved, and zeros with them, within lanes of 16 bytes; packing the
 * results undoes both.
 */
INLINE void straight_line(const struct xqk_straight *s, const uint8_t *a, const uint8_t *b,
			  size_t n, uint8_t *y, const bool is_signed)
{
	const __m512i high = pair_of(s->high), low = pair_of(s->low), zero = _mm512_setzero_si512();
	const __m512i add = _mm512_set1_epi32(s->add), shift = _mm512_set1_epi32(s->shift);
	const __m512i flip_a = _mm512_set1_epi8((char)s->flip[0]);
	const __m512i flip_b = _mm512_set1_epi8((char)s->flip[1]);
	const __m512i least = _mm512_set1_epi8((char)s->least);
	const __m512i greatest = _mm512_set1_epi8((char)s->greatest);
	size_t i;

	for (i = 0; i < n; i += 64) {
		const __m512i v = _mm512_xor_si512(load_some(a + i, n - i), flip_a);
		const __m512i w = _mm512_xor_si512(load_some(b + i, n - i), flip_b);
		const __m512i l = _mm512_unpacklo_epi8(v, w), h = _mm512_unpackhi_epi8(v, w);
		const __m512i t0 = along(_mm512_unpacklo_epi8(l, zero), high, low, add, shift);
		const __m512i t1 = along(_mm512_unpackhi_epi8(l, zero), high, low, add, shift);
		const __m512i t2 = along(_mm512_unpacklo_epi8(h, zero), high, low, add, shift);
		const __m512i t3 = along(_mm512_unpackhi_epi8(h, zero), high, low, add, shift);
		const __m512i p = _mm512_packs_epi32(t0, t1), q = _mm512_packs_epi32(t2, t3);
		__m512i r;

		if (is_signed)
			r = _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(p, q), least),
					    greatest);
		else
			r = _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(p, q), least),
					    greatest);
		store_some(y + i, n - i, r);
	}
}

static void straight(const struct xqk_straight *s, const uint8_t *a, const uint8_t *b, size_t n,
		     uint8_t *y)
{
	if (s->is_signed)
		straight_line(s, a, b, n, y, true);
	else
		straight_line(s, a, b, n, y, false);
}

/*
 * Thirty-two products as words: unsigned ones become numbers of f32 by the word that is put above
 * them, 2^23 + what they are.
 */
INLINE __m512i along_products(const struct xqk_product_line *l, __m512i p, const bool twice)
{
	const __m512i above = _mm512_set1_epi16(0x4b00);
	const __m512 scale = _mm512_set1_ps(l->scale), add = _mm512_set1_ps(l->add);
	const __m512 zero = _mm512_set1_ps((float)(0x800000 + l->bias));
	const __m512 v = _mm512_castsi512_ps(_mm512_unpacklo_epi16(p, above));
	const __m512 w = _mm512_castsi512_ps(_mm512_unpackhi_epi16(p, above));
	const __m512 s = _mm512_fmadd_ps(_mm512_sub_ps(v, zero), scale, add);
	const __m512 t = _mm512_fmadd_ps(_mm512_sub_ps(w, zero), scale, add);
	__m512i r = _mm512_packs_epi32(_mm512_cvtps_epi32(s), _mm512_cvtps_epi32(t));

	if (twice)
		r = _mm512_mulhrs_epi16(_mm512_adds_epi16(r, _mm512_srai_epi16(r, 15)),
					_mm512_set1_epi16(l->fraction));
	return _mm512_adds_epi16(r, _mm512_set1_epi16(l->zero_point));
}

INLINE void products_along(const struct xqk_product_line *l, const uint8_t *a, const uint8_t *b,
			   size_t n, uint8_t *y, const bool twice, const bool is_signed)
{
	const __m512i flip_a = _mm512_set1_epi8((char)l->flip[0]);
	const __m512i flip_b = _mm512_set1_epi8((char)l->flip[1]);
	const __m512i zero_a = _mm512_set1_epi16(l->zero[0]), zero_b = _mm512_set1_epi16(l->zero[1]);
	const __m512i bias = _mm512_set1_epi16((short)l->bias), none = _mm512_setzero_si512();
	const __m512i least = _mm512_set1_epi8((char)l->least);
	const __m512i greatest = _mm512_set1_epi8((char)l->greatest);
	size_t i;

	for (i = 0; i < n; i += 64) {
		const __m512i v = _mm512_xor_si512(load_some(a + i, n - i), flip_a);
		const __m512i w = _mm512_xor_si512(load_some(b + i, n - i), flip_b);
		__m512i low = _mm512_mullo_epi16(
			_mm512_sub_epi16(_mm512_unpacklo_epi8(v, none), zero_a),
			_mm512_sub_epi16(_mm512_unpacklo_epi8(w, none), zero_b));
		__m512i high = _mm512_mullo_epi16(
			_mm512_sub_epi16(_mm512_unpackhi_epi8(v, none), zero_a),
			_mm512_sub_epi16(_mm512_unpackhi_epi8(w, none), zero_b));
		__m512i r;

		low = along_products(l, _mm512_add_epi16(low, bias), twice);
		high = along_products(l, _mm512_add_epi16(high, bias), twice);
		if (is_signed)
			r = _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), least),
					    greatest);
		else
			r = _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(low, high), least),
					    greatest);
		store_some(y + i, n - i, r);
	}
}

static void product_line(const struct xqk_product_line *l, const uint8_t *a, const uint8_t *b,
			 size_t n, uint8_t *y)
{
	if (l->twice && l->is_signed)
		products_along(l, a, b, n, y, true, true);
	else if (l->twice)
		products_along(l, a, b, n, y, true, false);
	else if (l->is_signed)
		products_along(l, a, b, n, y, false, true);
	else
		products_along(l, a, b, n, y, false, false);
}

INLINE void looked_up_sums(const struct xqk_bytes *s, const uint8_t *a, const uint8_t *b, size_t n,
			   uint8_t *y, const bool is_signed)
{
	const struct table256 table_a = load_table(s->term[0]), table_b = load_table(s->term[1]);
	const __m512i least = _mm512_set1_epi8((char)s->least);
	const __m512i greatest = _mm512_set1_epi8((char)s->greatest);
	size_t i;

	for (i = 0; i < n; i += 64) {
		const __m512i v = look_up(&table_a, load_some(a + i, n - i));
		const __m512i w = look_up(&table_b, load_some(b + i, n - i));
		__m512i r;

		if (is_signed)
			r = _mm512_min_epi8(_mm512_max_epi8(_mm512_adds_epi8(v, w), least),
					    greatest);
		else
			r = _mm512_min_epu8(_mm512_max_epu8(_mm512_adds_epu8(v, w), least),
					    greatest);
		store_some(y + i, n - i, r);
	}
}

/* Every look-up is two permutations and a choice, by one mask for all tables of an input. */
INLINE void carried_sums(const struct xqk_carried *s, const uint8_t *a, const uint8_t *b, size_t n,
			 uint8_t *y, const bool is_wide, const bool is_plain)
{
	const struct table256 whole_a = load_table((const uint8_t *)s->whole[0]);
	const struct table256 whole_b = load_table((const uint8_t *)s->whole[1]);
	const struct table256 excess_a = load_table((const uint8_t *)s->excess);
	const struct table256 level_a = load_table(s->level[0]), level_b = load_table(s->level[1]);
	const __m512i one = _mm512_set1_epi8(1), flip = _mm512_set1_epi8((char)s->flip);
	const __m512i least = _mm512_set1_epi8((char)(s->least ^ s->flip));
	const __m512i greatest = _mm512_set1_epi8((char)(s->greatest ^ s->flip));
	size_t i;

	for (i = 0; i < n; i += 64) {
		const __m512i v = load_some(a + i, n - i), w = load_some(b + i, n - i);
		const __mmask64 carry = _mm512_cmpge_epu8_mask(look_up(&level_a, v),
							       look_up(&level_b, w));
		__m512i first = look_up(&whole_a, v), second = look_up(&whole_b, w), r;

		first = _mm512_mask_adds_epi8(first, carry, first, one);
		if (is_wide)
			second = _mm512_adds_epi8(second, look_up(&excess_a, v));
		r = _mm512_adds_epi8(first, second);
		if (!is_plain)
			r = _mm512_xor_si512(_mm512_min_epi8(_mm512_max_epi8(r, least), greatest),
					     flip);
		store_some(y + i, n - i, r);
	}
}

static void carried(const struct xqk_carried *s, const uint8_t *a, const uint8_t *b, size_t n,
		    uint8_t *y)
{
	const uint8_t *const first = s->swapped ? b : a, *const second = s->swapped ? a : b;

	if (s->wide)
		carried_sums(s, first, second, n, y, true, false);
	else if (s->bounded || s->flip)
		carried_sums(s, first, second, n, y, false, false);
	else
		carried_sums(s, first, second, n, y, false, true);
}

static void byte_sums(const struct xqk_bytes *s, const uint8_t *a, const uint8_t *b, size_t n,
		      uint8_t *y)
{
	if (s->is_signed)
		looked_up_sums(s, a, b, n, y, true);
	else
		looked_up_sums(s, a, b, n, y, false);
}

const struct xqk_elementwise_kernels xqk_elementwise_avx512 = {
	.sum = sum,
	.bytes = byte_sums,
	.product = product,
	.real_sum = sum_by_real,
	.real_product = real_product,
	.straight = straight,
	.carried = carried,
	.product_line = product_line,
	.near = near,
};
