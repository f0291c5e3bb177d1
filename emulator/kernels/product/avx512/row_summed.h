/* SPDX-License-Identifier: MIT */
/*
 * One row by groups whose supergroups have integer sums, with tiles and scales as they are in memory:
 * scales multiply integers, and what is float is done once for a supergroup. Included by row_real.h,
 * whose streams it takes.
 */

/* Sixteen bytes of each of four groups to four bytes of each lane. */
static inline __attribute__((always_inline)) __m512i interleave_groups(__m512i bytes)
{
	const __m512i order = _mm512_add_epi32(_mm512_set1_epi32(0x30201000), _mm512_mullo_epi32(
		_mm512_set1_epi32(0x01010101), _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)));

	return _mm512_permutexvar_epi8(order, bytes);
}

/* Whether sums of a group, each of those that are shifted by itself, fit 16 bits with what they start from. */
static inline __attribute__((always_inline)) bool
fits_16_bits(const unsigned int words)
{
	const unsigned int sums = words == 1 ? 1 : SUMS;
	const unsigned int elements = words * 4 * STEPS;

#ifdef XQK_LOOKUP
	return false;
#endif
	return words && XQK_BITS < 8 && !XQK_LEFT &&
	       elements / sums * 128 * CODE + elements * 128 * XQK_FLIP <= 32767;
}

/**
 * struct summed_stream - a strip: its sums of a supergroup, those of minima by the digits of A's sums
 */
struct summed_stream {
	__m512i scaled, low, high;
};

static inline __attribute__((always_inline)) void
add_scaled(struct summed_stream *to, __m512i sum[SUMS], __m512i scale, __m512i term, const unsigned int sums,
	   const bool wide)
{
	unsigned int i;

	if (!wide) {
		to->scaled = _mm512_dpwssd_epi32(to->scaled, sum[0], scale);
#pragma GCC unroll 4
		for (i = 1; i < sums; i++)
			to->scaled = _mm512_dpwssd_epi32(to->scaled, _mm512_srai_epi32(sum[i], i * XQK_BITS), scale);
		return;
	}
#pragma GCC unroll 4
	for (i = 1; i < sums; i++)
		sum[0] = _mm512_add_epi32(sum[0], _mm512_srai_epi32(sum[i], i * XQK_BITS));
	if (XQK_LEFT)
		sum[0] = _mm512_add_epi32(_mm512_slli_epi32(sum[0], XQK_LEFT), term);
	to->scaled = _mm512_add_epi32(to->scaled, _mm512_mullo_epi32(sum[0], scale));
}

/* What a supergroup's minima take off: a sum of A is low + 64 * high. */
static inline __attribute__((always_inline)) void
add_minima(struct summed_stream *to, struct row_stream *at, const int8_t *low, const int8_t *high)
{
	const __m512i minima = interleave_groups(_mm512_loadu_si512(at->min));

	_mm_prefetch((const char *)at->min + ROW_AHEAD / 8, _MM_HINT_T0);
	at->min += 4 * XQK_LANES;
	to->low = _mm512_dpbusd_epi32(to->low, minima, _mm512_set1_epi32(*(const xqk_unaligned *)low));
	to->high = _mm512_dpbusd_epi32(to->high, minima, _mm512_set1_epi32(*(const xqk_unaligned *)high));
}

static inline __attribute__((always_inline)) void
finish_supergroup(struct row_stream *at, const struct summed_stream *s, __m512 a_scale, const unsigned int second,
		  const bool minima)
{
	__m512 row;

	next_second(at, second, minima);
	at->all = _mm512_fmadd_ps(_mm512_cvtepi32_ps(s->scaled), _mm512_mul_ps(a_scale, at->by), at->all);
	if (!minima)
		return;
	row = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(s->low, _mm512_slli_epi32(s->high, 6))), a_scale);
	at->all = _mm512_fnmadd_ps(row, at->min_by, at->all);
}

static inline __attribute__((always_inline)) void
summed_strips(const struct xqk_row_real *r, unsigned int strip, unsigned int apart, const unsigned int streams,
	      const unsigned int words, const unsigned int first, const unsigned int second, const bool minima)
{
	const bool wide = !fits_16_bits(words);
	/* One word: to shift it costs less than to shift its sums. */
	const bool scaled = words != 1;
	const unsigned int sums = scaled ? SUMS : 1;
	const uint32_t group_words = words ? words : r->group_words;
	const int8_t *low = r->sum_low, *high = r->sum_high;
	const int32_t *row_term = r->row_term;
	const float *a_scale = r->a_scale;
	struct row_stream at[ROW_STREAMS];
	const uint8_t *a = r->a;
	uint32_t left, group;
	__m512i table[4];
	unsigned int s, i;

	(void)table;
#ifdef XQK_LOOKUP
	XQK_LOAD_TABLE(r, table);
#endif
#pragma GCC unroll 2
	for (s = 0; s < streams; s++)
		start_strip(&at[s], r, strip + s * apart);
	for (left = r->count; left; left -= r->second_groups, a_scale += r->row_pitch) {
		struct summed_stream to[ROW_STREAMS];

#pragma GCC unroll 2
		for (s = 0; s < streams; s++)
			to[s].scaled = to[s].low = to[s].high = _mm512_setzero_si512();
		for (group = 0; group < r->second_groups; group++, a += 4 * STEPS * (size_t)group_words) {
			const __m512i term = _mm512_set1_epi32(*row_term);
			__m512i sum[ROW_STREAMS][SUMS];

#pragma GCC unroll 2
			for (s = 0; s < streams; s++)
#pragma GCC unroll 4
				for (i = 0; i < sums; i++)
					sum[s][i] = i || XQK_LEFT ? _mm512_setzero_si512() : term;
			row_term += r->row_pitch;
			row_words(sum, a, at, group_words, scaled, streams, table);
#pragma GCC unroll 2
			for (s = 0; s < streams; s++) {
				const __m128i bytes = _mm_loadu_si128((const __m128i *)at[s].scale);
				__m512i scale = first == XQACCEL_FMT_S8 ? _mm512_cvtepi8_epi32(bytes) :
						_mm512_cvtepu8_epi32(bytes);

				/* The upper halves of sums are not to count. */
				if (!wide && first == XQACCEL_FMT_S8)
					scale = _mm512_maskz_mov_epi16(0x55555555, scale);
				_mm_prefetch((const char *)at[s].scale + ROW_AHEAD / 8, _MM_HINT_T0);
				at[s].scale += XQK_LANES;
				add_scaled(&to[s], sum[s], scale, term, sums, wide);
			}
		}
		for (group = 0; minima && group < r->second_groups; group += 4, low += 4, high += 4)
#pragma GCC unroll 2
			for (s = 0; s < streams; s++)
				add_minima(&to[s], &at[s], low, high);
#pragma GCC unroll 2
		for (s = 0; s < streams; s++)
			finish_supergroup(&at[s], &to[s], _mm512_set1_ps(*a_scale), second, minima);
	}
#pragma GCC unroll 2
	for (s = 0; s < streams; s++)
		_mm512_storeu_ps(r->sum + (strip + s * apart) * XQK_LANES, at[s].all);
}

#define ROW_SUMMED(name, words, first, second, minima)						\
static void name(const struct xqk_row_real *r, unsigned int strips)				\
{												\
	const unsigned int apart = strips / ROW_STREAMS;					\
	unsigned int strip;									\
												\
	for (strip = 0; strip < apart; strip++)							\
		summed_strips(r, strip, apart, ROW_STREAMS, words, first, second, minima);	\
	for (strip = apart * ROW_STREAMS; strip < strips; strip++)				\
		summed_strips(r, strip, 0, 1, words, first, second, minima);			\
}

/*
 * ggml's K types that have their format of elements: groups of 32, and of 16. Others look at what they
 * are for each group.
 */
#ifdef XQK_LOOKUP
#define LONG		XQK_BITS, XQACCEL_FMT_S8, XQACCEL_FMT_F16, false
#define SHORT		XQK_BITS / 2, XQACCEL_FMT_U8, XQACCEL_FMT_F32, false
#elif XQK_BITS >= 4
#define LONG		XQK_BITS, XQACCEL_FMT_U8, XQACCEL_FMT_F16, true
#define SHORT		XQK_BITS / 2, XQACCEL_FMT_S8, XQACCEL_FMT_F16, false
#else
#define LONG		2, XQACCEL_FMT_S8, XQACCEL_FMT_F16, false
#define SHORT		1, XQACCEL_FMT_U8, XQACCEL_FMT_F16, true
#endif
#define ROW_SUMMED_OF(name, kind)	ROW_SUMMED(name, kind)

ROW_SUMMED(summed_any, 0, r->scale.first_format, r->scale.second_format, r->min.first)
ROW_SUMMED_OF(summed_long, LONG)
ROW_SUMMED_OF(summed_short, SHORT)

static inline bool is_kind(const struct xqk_row_real *r, unsigned int words, unsigned int first,
			   unsigned int second, bool minima)
{
	return r->group_words == words && r->scale.first_format == first &&
	       r->scale.second_format == second && !!r->min.first == minima;
}

static bool row_summed(const struct xqk_row_real *r, unsigned int strips)
{
	const bool minima = r->min.first;

	if (!takes(r->scale.second_format) ||
	    (minima && (r->scale.first_format != XQACCEL_FMT_U8 || r->second_groups % 4 ||
			r->group_words * (32 / XQK_BITS) > 32)))
		return false;
	/* What the sums start from is small without a zero point. */
	if (!r->shifted && is_kind(r, LONG))
		summed_long(r, strips);
	else if (!r->shifted && is_kind(r, SHORT))
		summed_short(r, strips);
	else
		summed_any(r, strips);
	return true;
}
