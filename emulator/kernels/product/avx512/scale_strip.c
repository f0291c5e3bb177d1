// SPDX-License-Identifier: MIT
/*
 * Elements of a strip times the scales of their groups, in bytes: in one if all products fit, else low
 * and high ones. A lane's four bytes of a step have the same scale.
 */
#include <immintrin.h>

#include "kernels.h"

/* A byte holds products from -127 to 128 with this. */
#define BYTE_BIAS	127
#define WORD_BIAS	32768

/* Where the strip is read: a step after the other. */
struct reader {
	const uint8_t *const *tile;
	const uint8_t *at;
	uint32_t left;
};

static inline struct reader start(const struct xqk_scale_strip *s)
{
	return (struct reader){ s->b + XQK_STRIPS, s->b[0] + s->first * XQK_STEP_BYTES,
				XQK_TILE_STEPS - s->first };
}

static inline __attribute__((always_inline)) __m512i next(struct reader *r)
{
	__m512i step;

	if (!r->left) {
		r->at = *r->tile;
		r->tile += XQK_STRIPS;
		r->left = XQK_TILE_STEPS;
	}
	step = _mm512_loadu_si512(r->at);
	r->at += XQK_STEP_BYTES;
	r->left--;
	return step;
}

/* A group's scales, twice in each lane. */
static inline __m512i scales_of(const struct xqk_scale_strip *s, uint32_t group)
{
	const __m512i scale = _mm512_loadu_si512(s->scale + group * XQK_COLUMNS);

	return _mm512_mask_blend_epi16(0xaaaaaaaa, scale, _mm512_slli_epi32(scale, 16));
}

/* Whether no product of two that are not negative leaves a byte. */
static bool small(const struct xqk_scale_strip *s)
{
	__m512i greatest = _mm512_setzero_si512();
	uint32_t group;

	if (!s->most)
		return false;
	for (group = 0; group < s->count; group++)
		greatest = _mm512_max_epu32(greatest, _mm512_loadu_si512(s->scale + group * XQK_COLUMNS));
	return _mm512_reduce_max_epu32(greatest) <= 255 / s->most;
}

/* Two bytes at once: nothing is carried from one to the other. */
static void scale_small(const struct xqk_scale_strip *s)
{
	struct reader reader = start(s);
	uint8_t *low = s->low;
	uint32_t group, step;

	for (group = 0; group < s->count; group++) {
		const __m512i scale = scales_of(s, group);

		for (step = 0; step < s->steps; step++, low += XQK_STEP_BYTES)
			_mm512_store_si512(low, _mm512_mullo_epi16(next(&reader), scale));
	}
}

/* The products of the even bytes and of the odd ones, plus a bias, in 16 bits. */
static inline __attribute__((always_inline)) void
multiply(__m512i x, __m512i flip, __m512i zero, __m512i scale, __m512i bias, __m512i product[2])
{
	x = _mm512_xor_si512(x, flip);
	product[0] = _mm512_add_epi16(bias, _mm512_mullo_epi16(scale, _mm512_sub_epi16(
		_mm512_and_si512(x, _mm512_set1_epi16(0xff)), zero)));
	product[1] = _mm512_add_epi16(bias, _mm512_mullo_epi16(scale, _mm512_sub_epi16(
		_mm512_srli_epi16(x, 8), zero)));
}

/* False as soon as a group has a product that leaves a byte. */
static bool scale_bytes(const struct xqk_scale_strip *s)
{
	const __m512i flip = _mm512_set1_epi8((char)s->flip), zero = _mm512_set1_epi16((short)s->zero);
	const __m512i bias = _mm512_set1_epi16(BYTE_BIAS);
	struct reader reader = start(s);
	uint8_t *low = s->low;
	uint32_t group, step;

	for (group = 0; group < s->count; group++) {
		const __m512i scale = scales_of(s, group);
		__m512i all = _mm512_setzero_si512();

		for (step = 0; step < s->steps; step++, low += XQK_STEP_BYTES) {
			__m512i product[2];

			multiply(next(&reader), flip, zero, scale, bias, product);
			all = _mm512_or_si512(all, _mm512_or_si512(product[0], product[1]));
			_mm512_store_si512(low, _mm512_or_si512(product[0], _mm512_slli_epi16(product[1], 8)));
		}
		if (_mm512_test_epi16_mask(all, _mm512_set1_epi16((short)0xff00)))
			return false;
	}
	return true;
}

static void scale_words(const struct xqk_scale_strip *s, uint32_t added)
{
	const __m512i flip = _mm512_set1_epi8((char)s->flip), zero = _mm512_set1_epi16((short)s->zero);
	const __m512i bias = _mm512_set1_epi16((short)added);
	const __mmask64 odd = 0xaaaaaaaaaaaaaaaa;
	struct reader reader = start(s);
	uint8_t *low = s->low, *high = s->high;
	uint32_t group, step;

	for (group = 0; group < s->count; group++) {
		const __m512i scale = scales_of(s, group);

		for (step = 0; step < s->steps; step++, low += XQK_STEP_BYTES, high += XQK_STEP_BYTES) {
			__m512i product[2];

			multiply(next(&reader), flip, zero, scale, bias, product);
			_mm512_store_si512(low, _mm512_mask_blend_epi8(odd, product[0],
								       _mm512_slli_epi16(product[1], 8)));
			_mm512_store_si512(high, _mm512_mask_blend_epi8(odd, _mm512_srli_epi16(product[0], 8),
									product[1]));
		}
	}
}

void xqk_scale_strip_avx512(const struct xqk_scale_strip *strip, struct xqk_scaled *scaled)
{
	*scaled = (struct xqk_scaled){ .low = strip->low };
	if (small(strip)) {
		scale_small(strip);
		return;
	}
	scaled->bias = BYTE_BIAS;
	if (scale_bytes(strip))
		return;
	scaled->bias = strip->most ? 0 : WORD_BIAS;
	scaled->high = strip->low;
	if (!strip->high)
		return;
	scaled->high = strip->high;
	scale_words(strip, (uint32_t)scaled->bias);
}
