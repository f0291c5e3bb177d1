// SPDX-License-Identifier: MIT
/* Pools for AVX-512. */
#define SMALL_FINISH
#include <immintrin.h>

#include "pooling/micro_kernels.h"

struct divisor;
static inline void small_finish(uint8_t *y, const uint16_t *sum, size_t n, const struct xqk_pixels *p);

#include "pooling/template.h"

/* The compiler does not find the high half of a product. */
static inline void small_finish(uint8_t *y, const uint16_t *sum, size_t n, const struct xqk_pixels *p)
{
	const struct divisor d = divisor_of(p);
	const __m512i zero = _mm512_set1_epi16((short)d.zero), half = _mm512_set1_epi16((short)d.half);
	const __m512i factor = _mm512_set1_epi16((short)d.factor), flip = _mm512_set1_epi16(p->flip ? -1 : 0);
	const __m512i least = _mm512_set1_epi16((short)p->least), greatest = _mm512_set1_epi16((short)p->greatest);
	const __m128i shift = _mm_cvtsi32_si128((int)d.shift);

	for (size_t i = 0; i < n; i += 32) {
		const __mmask32 some = n - i < 32 ? (1U << (n - i)) - 1 : ~0U;
		const __m512i s = _mm512_sub_epi16(_mm512_maskz_loadu_epi16(some, sum + i), zero);
		const __m512i sign = _mm512_and_si512(_mm512_srai_epi16(s, 15), flip);
		__m512i v = _mm512_sub_epi16(_mm512_xor_si512(s, sign), sign);

		v = _mm512_srl_epi16(_mm512_mulhi_epu16(_mm512_add_epi16(v, half), factor), shift);
		v = _mm512_sub_epi16(_mm512_xor_si512(v, sign), sign);
		v = _mm512_min_epi16(_mm512_max_epi16(v, least), greatest);
		_mm512_mask_cvtepi16_storeu_epi8(y + i, some, v);
	}
}

/*
 * Sums of eight rows, or of as many pixels of one: bytes of two rows are interleaved, and products by
 * 1 add them as words. Where results are stored the halves of lanes are put in order.
 */
INLINE void sum_pairs(uint16_t *dst, const uint8_t *const *rows, size_t at, __mmask64 some,
		      const size_t pairs, __m512i flip, const bool more)
{
	const __m512i one = _mm512_set1_epi8(1);
	const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
	const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
	__m512i low = _mm512_setzero_si512(), high = low, l, h;

#pragma GCC unroll 4
	for (size_t i = 0; i < pairs; i++) {
		const __m512i a = _mm512_maskz_loadu_epi8(some, rows[2 * i] + at);
		const __m512i b = _mm512_maskz_loadu_epi8(some, rows[2 * i + 1] + at);
		const __m512i v = _mm512_xor_si512(a, flip), w = _mm512_xor_si512(b, flip);

		low = _mm512_add_epi16(low, _mm512_maddubs_epi16(_mm512_unpacklo_epi8(v, w), one));
		high = _mm512_add_epi16(high, _mm512_maddubs_epi16(_mm512_unpackhi_epi8(v, w), one));
	}
	l = _mm512_permutex2var_epi64(low, first, high);
	h = _mm512_permutex2var_epi64(low, second, high);
	if (more) {
		l = _mm512_add_epi16(l, _mm512_maskz_loadu_epi16((__mmask32)some, dst + at));
		h = _mm512_add_epi16(h, _mm512_maskz_loadu_epi16((__mmask32)(some >> 32), dst + at + 32));
	}
	_mm512_mask_storeu_epi16(dst + at, (__mmask32)some, l);
	_mm512_mask_storeu_epi16(dst + at + 32, (__mmask32)(some >> 32), h);
}

INLINE void sum_all_pairs(uint16_t *dst, const uint8_t *const *rows, size_t n, const size_t pairs,
			  uint8_t flip, const bool more)
{
	const __m512i flips = _mm512_set1_epi8((char)flip);
	size_t i;

	for (i = 0; i + 64 <= n; i += 64)
		sum_pairs(dst, rows, i, ~(__mmask64)0, pairs, flips, more);
	if (i < n)
		sum_pairs(dst, rows, i, ((__mmask64)1 << (n - i)) - 1, pairs, flips, more);
}

static void sum_rows16_avx512(uint16_t *dst, const uint8_t *const *rows, size_t count, size_t n,
			      uint8_t flip, bool more)
{
	if (count == 8 && more)
		sum_all_pairs(dst, rows, n, 4, flip, true);
	else if (count == 8)
		sum_all_pairs(dst, rows, n, 4, flip, false);
	else
		sum_rows16(dst, rows, count, n, flip, more);
}

/* ---- small windows, from their rows to the result in registers ------------------------------ */

/*
 * Means of 2 to 9 elements; of 1 it is the greatest, too. Words are twice the sum: of t = 2 sum + count the
 * mean is the floor of t / (2 count), halves up. For halves away from zero a negative sum has 1 less. The
 * division is by the high half of t * factor, where factor is 2^16 / (2 count) rounded up, by e / (2 count)
 * with e < 2 count. That adds t e / 2^16 / (2 count) to the quotient, which must be less than the 1 / (2
 * count) between it and the next whole number: t e is 24528 at most for 6 elements, 9198 for 9, 3066 for 3,
 * and nothing for powers of two. Negative quotients become as much less; none of those is a whole number,
 * because t is odd, unless e = 0.
 */
struct mean {
	__m512i share, count, factor;
};

/* Even and odd bytes of 64 elements, twice, as words. */
struct words {
	__m512i even, odd;
};

INLINE struct words twice(__m512i v, const bool is_signed)
{
	const __m512i even = _mm512_set1_epi16(2), odd = _mm512_set1_epi16(0x200);

	if (is_signed)
		return (struct words){ _mm512_maddubs_epi16(even, v), _mm512_maddubs_epi16(odd, v) };
	return (struct words){ _mm512_maddubs_epi16(v, even), _mm512_maddubs_epi16(v, odd) };
}

INLINE struct words plus(struct words a, struct words b)
{
	return (struct words){ _mm512_add_epi16(a.even, b.even), _mm512_add_epi16(a.odd, b.odd) };
}

INLINE __m512i quotient(__m512i sum, const struct mean *m, const bool halves)
{
	if (halves)
		sum = _mm512_add_epi16(_mm512_add_epi16(sum, m->count), _mm512_srai_epi16(sum, 15));
	return _mm512_mulhi_epi16(sum, m->factor);
}

/*
 * What a kernel knows while it is compiled: windows of so many rows and columns; outputs below each
 * other that are made at once, each a row below the other; some elements of 64, or all.
 */
struct kind {
	size_t rows, taps, outputs;
	bool is_max, is_signed, halves, some;
};

/* Loads take twice as long with a mask. */
INLINE __m512i load(const uint8_t *from, __mmask64 some, const struct kind k)
{
	return k.some ? _mm512_maskz_loadu_epi8(some, from) : _mm512_loadu_si512(from);
}

/* A reduced part of a window: the greatest elements in .even, or the sums. */
INLINE struct words joined_parts(struct words a, struct words b, const struct kind k)
{
	if (!k.is_max)
		return plus(a, b);
	return (struct words){ .even = k.is_signed ? _mm512_max_epi8(a.even, b.even) :
						     _mm512_max_epu8(a.even, b.even) };
}

INLINE struct words element(const uint8_t *from, __mmask64 some, const struct kind k)
{
	const __m512i v = load(from, some, k);

	return k.is_max ? (struct words){ .even = v } : twice(v, k.is_signed);
}

/* A column of one window, or of two; sums have the column's share of the count added. */
struct column {
	struct words output[2];
};

INLINE struct column column(const uint8_t *const *rows, size_t at, __mmask64 some, const struct mean *m,
			    const struct kind k)
{
	struct words s = element(rows[k.outputs - 1] + at, some, k);
	struct column c;

#pragma GCC unroll 2
	for (size_t r = k.outputs; r < k.rows; r++)
		s = joined_parts(s, element(rows[r] + at, some, k), k);
	if (!k.is_max && !k.halves)
		s = plus(s, (struct words){ m->share, m->share });
	c.output[0] = c.output[1] = s;
	if (k.outputs > 1) {
		c.output[0] = joined_parts(s, element(rows[0] + at, some, k), k);
		c.output[1] = joined_parts(s, element(rows[k.rows] + at, some, k), k);
	}
	return c;
}

INLINE struct column joined_columns(struct column a, struct column b, const struct kind k)
{
	return (struct column){ { joined_parts(a.output[0], b.output[0], k),
				  joined_parts(a.output[1], b.output[1], k) } };
}

INLINE void put_window(uint8_t *y, __mmask64 some, struct words s, const struct xqk_pixels *p,
		       const struct mean *m, const struct kind k)
{
	const __m512i least = _mm512_set1_epi8((char)p->least), greatest = _mm512_set1_epi8((char)p->greatest);
	__m512i v = s.even;

	if (!k.is_max)
		v = _mm512_mask_blend_epi8(0xaaaaaaaaaaaaaaaa, quotient(s.even, m, k.halves),
					   _mm512_slli_epi16(quotient(s.odd, m, k.halves), 8));
	if (k.is_signed)
		v = _mm512_min_epi8(_mm512_max_epi8(v, least), greatest);
	else
		v = _mm512_min_epu8(_mm512_max_epu8(v, least), greatest);
	if (k.some)
		_mm512_mask_storeu_epi8(y, some, v);
	else
		_mm512_storeu_si512(y, v);
}

INLINE void put_windows(uint8_t *y, __mmask64 some, struct column c, const struct xqk_pixels *p,
			const struct mean *m, const struct kind k)
{
	put_window(y, some, c.output[0], p, m, k);
	if (k.outputs > 1)
		put_window(y + p->y_row, some, c.output[1], p, m, k);
}

/*
 * Up to 64 channels of all pixels, of columns that are pitch elements apart. Where windows overlap by all
 * but one column each is read once, and two windows of three have the sum of two in common.
 */
INLINE void channels_of_windows(const struct xqk_pixels *p, const uint8_t *const *all_rows, size_t channel,
				size_t pitch, __mmask64 some, const struct mean *m, const struct kind k,
				const bool slides)
{
	/* Not in memory, which stores might change. */
	const uint8_t *const rows[XQK_POOLING_SMALL + 1] = {
		all_rows[0], all_rows[k.rows + k.outputs > 2], all_rows[k.rows + k.outputs > 3 ? 2 : 0],
		all_rows[k.rows + k.outputs > 4 ? 3 : 0],
	};
	uint8_t *y = p->y + channel;
	struct column first, second, third, fourth;
	size_t pixel = 0, at = channel;

	if (slides) {
		first = column(rows, at, some, m, k);
		at += pitch;
	}
	if (slides && k.taps == 2) {
		for (; pixel < p->pixels; pixel++, y += p->y_pitch, at += pitch) {
			second = column(rows, at, some, m, k);
			put_windows(y, some, joined_columns(first, second, k), p, m, k);
			first = second;
		}
		return;
	}
	if (slides) {
		second = column(rows, at, some, m, k);
		for (; pixel + 2 <= p->pixels; pixel += 2, y += p->y_pitch) {
			struct column pair;

			third = column(rows, at + pitch, some, m, k);
			pair = joined_columns(second, third, k);
			put_windows(y, some, joined_columns(first, pair, k), p, m, k);
			at += 2 * pitch;
			fourth = column(rows, at, some, m, k);
			y += p->y_pitch;
			put_windows(y, some, joined_columns(pair, fourth, k), p, m, k);
			first = third;
			second = fourth;
		}
		at -= pitch;
	}
	for (; pixel < p->pixels; pixel++, y += p->y_pitch, at += p->step) {
		first = column(rows, at, some, m, k);
#pragma GCC unroll 2
		for (size_t t = 1; t < k.taps; t++)
			first = joined_columns(first, column(rows, at + t * pitch, some, m, k), k);
		put_windows(y, some, first, p, m, k);
	}
}

/*
 * From 64 channels on all vectors are whole, and the last one may overlap the one before. Fewer channels
 * of windows that follow each other on both sides are one pixel's.
 */
INLINE void windows_of(const struct xqk_pixels *pixels, const uint8_t *const *rows, struct kind k)
{
	const uint32_t whole = 2 * pixels->count;
	const struct mean m = { _mm512_set1_epi16((short)k.rows), _mm512_set1_epi16((short)pixels->count),
				_mm512_set1_epi16((short)((0xffff + whole) / whole)) };
	const size_t pitch = pixels->channels;
	struct xqk_pixels p = *pixels;
	size_t channel;

	if (pitch < 64)
		p = joined(pixels, pitch);
	if (p.channels < 64) {
		k.some = true;
		channels_of_windows(&p, rows, 0, pitch, ((__mmask64)1 << p.channels) - 1, &m, k, false);
		return;
	}
	for (channel = 0; channel < p.channels; channel += 64) {
		const size_t at = p.channels - channel < 64 ? p.channels - 64 : channel;

		if (k.taps > 1 && p.pixels > 1 && p.step == pitch)
			channels_of_windows(&p, rows, at, pitch, 0, &m, k, true);
		else
			channels_of_windows(&p, rows, at, pitch, 0, &m, k, false);
	}
}

/* By the number of rows and of columns. */
INLINE void windows_by_size(const struct xqk_pixels *p, const uint8_t *const *rows, size_t count,
			    const bool is_max, const bool is_signed)
{
	switch (16 * p->outputs + 4 * count + p->taps) {
#define SIZE(r, t, o)									\
	case 16 * (o) + 4 * (r) + (t):							\
		windows_of(p, rows, (struct kind){ r, t, o, is_max || (r) * (t) == 1,	\
				is_signed, is_signed && !((r) * (t) & 1), false });	\
		break
	SIZE(1, 1, 1);
	SIZE(1, 2, 1);
	SIZE(1, 3, 1);
	SIZE(2, 1, 1);
	SIZE(2, 2, 1);
	SIZE(2, 3, 1);
	SIZE(3, 1, 1);
	SIZE(3, 2, 1);
	SIZE(3, 3, 1);
	SIZE(3, 1, 2);
	SIZE(3, 2, 2);
	SIZE(3, 3, 2);
#undef SIZE
	}
}

static void max_windows(const struct xqk_pixels *p, const uint8_t *const *rows, size_t count)
{
	if (p->flip)
		windows_by_size(p, rows, count, true, true);
	else
		windows_by_size(p, rows, count, true, false);
}

static void mean_windows(const struct xqk_pixels *p, const uint8_t *const *rows, size_t count)
{
	if (p->flip)
		windows_by_size(p, rows, count, false, true);
	else
		windows_by_size(p, rows, count, false, false);
}

const struct xqk_pooling_kernels xqk_pooling_avx512 = {
	.max_rows = max_rows,
	.sum_rows16 = sum_rows16_avx512,
	.sum_rows32 = sum_rows32,
	.max_pixels = max_pixels,
	.mean_pixels16 = mean_pixels16,
	.mean_pixels32 = mean_pixels32,
	.max_windows = max_windows,
	.mean_windows = mean_windows,
};
