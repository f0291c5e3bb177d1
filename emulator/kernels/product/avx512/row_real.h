/* SPDX-License-Identifier: MIT */
/*
 * One row by groups with real scales, with tiles and scales as they are in memory: what reads the
 * weights once, and nothing besides. Included by tiles.h, whose operand() it takes; defines
 * XQK_ROW_REAL.
 *
 * Strips are taken one after the other, or two at once that are far apart, so that each stream from
 * memory goes on where it ended: the tiles and the scales of a strip follow those of the one before.
 */

/* Bytes: how far ahead of the products B is fetched; the processor's own guesses end with a page. */
#define ROW_AHEAD	4096
#define ROW_STREAMS	2

/* Sixteen of the first level, or of the second. */
static inline __attribute__((always_inline)) __m512
read_levels(const uint8_t *at, const unsigned int format)
{
	switch (format) {
	case XQACCEL_FMT_F16:
		return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at));
	case XQACCEL_FMT_BF16:
		return _mm512_castsi512_ps(_mm512_slli_epi32(
			_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)at)), 16));
	case XQACCEL_FMT_U8:
		return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)at)));
	case XQACCEL_FMT_S8:
		return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)at)));
	default:
		return _mm512_loadu_ps(at);
	}
}

static inline __attribute__((always_inline)) unsigned int level_bytes(const unsigned int format)
{
	return xq_format_bits(format) / 8 * XQK_LANES;
}

/**
 * struct row_stream - where a strip is
 * @by: @min_by: of the second level
 */
struct row_stream {
	const uint8_t *b, *scale, *scale2, *min, *min2;
	__m512 all, by, min_by;
};

static inline __attribute__((always_inline)) void
start_strip(struct row_stream *at, const struct xqk_row_real *r, unsigned int strip)
{
	at->b = r->b + strip * r->b_stride;
	at->scale = r->scale.first + strip * r->scale.first_stride;
	at->scale2 = r->scale.second + strip * r->scale.second_stride;
	at->min = r->min.first + strip * r->min.first_stride;
	at->min2 = r->min.second + strip * r->min.second_stride;
	at->by = at->min_by = _mm512_setzero_ps();
	at->all = r->add ? _mm512_loadu_ps(r->sum + strip * XQK_LANES) : _mm512_setzero_ps();
}

static inline __attribute__((always_inline)) void
next_second(struct row_stream *at, const unsigned int second, const bool minima)
{
	at->by = read_levels(at->scale2, second);
	at->scale2 += level_bytes(second);
	if (minima) {
		at->min_by = read_levels(at->min2, second);
		at->min2 += level_bytes(second);
	}
}

/* The words of a group. Scaled: elements are not shifted, but the sums of those that lie higher, at the end. */
static inline __attribute__((always_inline)) void
row_words(__m512i sum[ROW_STREAMS][SUMS], const uint8_t *a, struct row_stream *at, uint32_t words,
	  const bool scaled, const unsigned int streams, const __m512i *table)
{
	const unsigned int sums = scaled ? SUMS : 1;
	unsigned int s, step;
	uint32_t word;

	for (word = 0; word < words; word++, a += 4 * STEPS) {
		__m512i raw[ROW_STREAMS];

#pragma GCC unroll 2
		for (s = 0; s < streams; s++) {
			raw[s] = _mm512_loadu_si512(at[s].b);
			_mm_prefetch((const char *)at[s].b + ROW_AHEAD, _MM_HINT_T0);
			at[s].b += XQK_STEP_BYTES;
			if (FLIP_WORD)
				raw[s] = _mm512_xor_si512(raw[s], _mm512_set1_epi8((char)FLIP_WORD));
			/* Loads are scarce: this one may not be repeated for each step. */
			__asm__("" : "+v" (raw[s]));
		}
#pragma GCC unroll 8
		for (step = 0; step < STEPS; step++) {
			__m512i row = _mm512_set1_epi32(*(const int32_t *)(a + 4 * step));

			__asm__("" : "+v" (row));
#pragma GCC unroll 2
			for (s = 0; s < streams; s++)
				/* Of the intrinsic's sum the compiler makes copies. */
				__asm__("vpdpbusd %2, %1, %0" : "+v" (sum[s][step % sums]) :
					"v" (operand(raw[s], step, scaled, table)), "v" (row));
		}
	}
}

static inline __attribute__((always_inline)) void
row_strips(const struct xqk_row_real *r, unsigned int strip, unsigned int apart, const unsigned int streams,
	   const unsigned int words, const unsigned int first, const unsigned int second, const bool minima)
{
	/* One word: to shift it costs less than to shift its sums. */
	const bool scaled = words != 1;
	const unsigned int sums = scaled ? SUMS : 1;
	const uint32_t group_words = words ? words : r->group_words;
	uint32_t group, left = r->second_left;
	struct row_stream at[ROW_STREAMS];
	__m512i table[4];
	const uint8_t *a = r->a;
	unsigned int s, i;

	(void)table;
#ifdef XQK_LOOKUP
	XQK_LOAD_TABLE(r, table);
#endif
#pragma GCC unroll 2
	for (s = 0; s < streams; s++) {
		start_strip(&at[s], r, strip + s * apart);
		if (second)
			next_second(&at[s], second, minima);
	}
	for (group = 0; group < r->count; group++, left--, a += 4 * STEPS * (size_t)group_words) {
		const __m512i term = _mm512_set1_epi32(r->row_term[group * r->row_pitch]);
		const __m512 a_scale = _mm512_set1_ps(r->a_scale[group * r->row_pitch]);
		__m512i sum[ROW_STREAMS][SUMS];

#pragma GCC unroll 2
		for (s = 0; s < streams; s++) {
			if (second && !left)
				next_second(&at[s], second, minima);
#pragma GCC unroll 4
			for (i = 0; i < sums; i++)
				sum[s][i] = i || XQK_LEFT ? _mm512_setzero_si512() : term;
		}
		if (second && !left)
			left = r->second_groups;
		row_words(sum, a, at, group_words, scaled, streams, table);
#pragma GCC unroll 2
		for (s = 0; s < streams; s++) {
			__m512 scale = read_levels(at[s].scale, first), min;

			_mm_prefetch((const char *)at[s].scale + ROW_AHEAD / 8, _MM_HINT_T0);
			at[s].scale += level_bytes(first);
			if (second)
				scale = _mm512_mul_ps(scale, at[s].by);
#pragma GCC unroll 4
			for (i = 1; i < sums; i++)
				sum[s][0] = _mm512_add_epi32(sum[s][0], _mm512_srai_epi32(sum[s][i], i * XQK_BITS));
			if (XQK_LEFT)
				sum[s][0] = _mm512_add_epi32(_mm512_slli_epi32(sum[s][0], XQK_LEFT), term);
			at[s].all = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[s][0]), _mm512_mul_ps(a_scale, scale),
						    at[s].all);
			if (!minima)
				continue;
			min = read_levels(at[s].min, first);
			at[s].min += level_bytes(first);
			if (second)
				min = _mm512_mul_ps(min, at[s].min_by);
			at[s].all = _mm512_fnmadd_ps(_mm512_set1_ps(r->a_min[group * r->row_pitch]), min, at[s].all);
		}
	}
#pragma GCC unroll 2
	for (s = 0; s < streams; s++)
		_mm512_storeu_ps(r->sum + (strip + s * apart) * XQK_LANES, at[s].all);
}

static inline __attribute__((always_inline)) void
row_levels(const struct xqk_row_real *r, unsigned int strips, const unsigned int words,
	   const unsigned int first, const unsigned int second, const bool minima)
{
	const unsigned int apart = strips / ROW_STREAMS;
	unsigned int strip;

	for (strip = 0; strip < apart; strip++)
		row_strips(r, strip, apart, ROW_STREAMS, words, first, second, minima);
	for (strip = apart * ROW_STREAMS; strip < strips; strip++)
		row_strips(r, strip, 0, 1, words, first, second, minima);
}

/* Formats that have loops of their own; others look at what they are for each group. */
#define ROW_LEVELS(name, words, first, second, minima)				\
static void name(const struct xqk_row_real *r, unsigned int strips)		\
{										\
	row_levels(r, strips, words, first, second, minima);			\
}

ROW_LEVELS(row_f16, 0, XQACCEL_FMT_F16, 0, false)
ROW_LEVELS(row_u8_f16_min, 0, XQACCEL_FMT_U8, XQACCEL_FMT_F16, true)
ROW_LEVELS(row_any, 0, r->scale.first_format, r->scale.second_format, r->min.first)
#if XQK_BITS == 2
ROW_LEVELS(row_word_u8_f16_min, 1, XQACCEL_FMT_U8, XQACCEL_FMT_F16, true)
#endif

static bool takes(unsigned int format)
{
	return format == XQACCEL_FMT_F16 || format == XQACCEL_FMT_BF16 || format == XQACCEL_FMT_F32 ||
	       format == XQACCEL_FMT_U8 || format == XQACCEL_FMT_S8;
}

#include "row_summed.h"

bool XQK_ROW_REAL(const struct xqk_row_real *r, unsigned int strips)
{
	const unsigned int first = r->scale.first_format, second = r->scale.second_format;
	const bool minima = r->min.first;

	if (r->summed)
		return row_summed(r, strips);
	if (!takes(first) || (second && !takes(second)))
		return false;
	if (first == XQACCEL_FMT_F16 && !second && !minima)
		row_f16(r, strips);
#if XQK_BITS == 2
	else if (first == XQACCEL_FMT_U8 && second == XQACCEL_FMT_F16 && minima && r->group_words == 1)
		row_word_u8_f16_min(r, strips);
#endif
	else if (first == XQACCEL_FMT_U8 && second == XQACCEL_FMT_F16 && minima)
		row_u8_f16_min(r, strips);
	else
		row_any(r, strips);
	return true;
}
