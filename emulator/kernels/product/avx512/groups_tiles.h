/* SPDX-License-Identifier: MIT */
/*
 * Groups with real scales, a few rows by tiles as they are. Included by tiles.h, whose operand()
 * it takes; defines XQK_TILES_REAL.
 */

/* Bytes: a row takes what it reads of B once, page by page, and the processor's own guesses end with a page. */
#define AHEAD	2048

/* One row takes all strips at once, which are as many streams from memory; more rows two. */
#define REAL_STRIPS(rows)	((rows) == 1 ? XQK_STRIPS : 2)

/* A group's words of a row that were put in the order of their steps. */
static inline __attribute__((always_inline)) void
real_words(__m512i sum[ROWS][XQK_STRIPS][SUMS], const uint8_t *a, size_t a_stride,
	   const uint8_t *const b[XQK_STRIPS], uint32_t words, const unsigned int rows,
	   const unsigned int strips, const __m512i *table)
{
	const bool scaled = rows == 1;
	const unsigned int sums = scaled ? SUMS : 1;
	unsigned int r, s, step;
	uint32_t word;

	for (word = 0; word < words; word++, a += 4 * STEPS) {
		__m512i raw[XQK_STRIPS];

#pragma GCC unroll 4
		for (s = 0; s < strips; s++) {
			raw[s] = _mm512_loadu_si512(b[s] + word * XQK_STEP_BYTES);
			if (rows == 1)
				_mm_prefetch((const char *)b[s] + word * XQK_STEP_BYTES + AHEAD, _MM_HINT_T0);
			if (FLIP_WORD)
				raw[s] = _mm512_xor_si512(raw[s], _mm512_set1_epi8((char)FLIP_WORD));
			/* Loads are scarce: this one may not be repeated for each step. */
			__asm__("" : "+v" (raw[s]));
		}
#pragma GCC unroll 8
		for (step = 0; step < STEPS; step++) {
			__m512i x[XQK_STRIPS];

#pragma GCC unroll 4
			for (s = 0; s < strips; s++)
				x[s] = operand(raw[s], step, scaled, table);
#pragma GCC unroll 4
			for (r = 0; r < rows; r++) {
				__m512i row = _mm512_set1_epi32(
					*(const int32_t *)(a + r * a_stride + 4 * step));

				__asm__("" : "+v" (row));
#pragma GCC unroll 4
				for (s = 0; s < strips; s++)
					/* Of the intrinsic's sum the compiler makes copies. */
					__asm__("vpdpbusd %2, %1, %0" : "+v" (sum[r][s][step % sums]) :
						"v" (x[s]), "v" (row));
			}
		}
	}
}

/* What a group's zero points add to its sum. */
static inline __attribute__((always_inline)) __m512i
real_start(const struct xqk_fold *fold, size_t row_at, size_t column_at, unsigned int row,
	   unsigned int column)
{
	__m512i start = _mm512_set1_epi32(fold->row_term[row_at]);

	if (fold->b_zp)
		start = _mm512_mullo_epi32(start, _mm512_load_si512(fold->b_zp + column));
	if (fold->column_sum)
		start = _mm512_sub_epi32(start, _mm512_mullo_epi32(_mm512_set1_epi32(fold->a_zp[row]),
			_mm512_load_si512(fold->column_sum + column_at)));
	if (fold->column_term)
		start = _mm512_sub_epi32(start, _mm512_load_si512(fold->column_term + column_at));
	return start;
}

static inline __attribute__((always_inline)) void
tiles_real(const struct xqk_dot *dot, const struct xqk_fold *fold, const struct xqk_real_groups *real,
	   unsigned int strip, const unsigned int rows, const unsigned int strips)
{
	const unsigned int sums = rows == 1 ? SUMS : 1, column = strip * XQK_LANES;
	const uint8_t *const *tile = dot->b + strip;
	const uint8_t *a = dot->a, *b[XQK_STRIPS];
	uint32_t left = XQK_TILE_STEPS - dot->first, group, rest, words;
	__m512i sum[ROWS][XQK_STRIPS][SUMS], table[4];
	__m512 all[ROWS][XQK_STRIPS];
	unsigned int r, s, i;

	(void)table;
#ifdef XQK_LOOKUP
	XQK_LOAD_TABLE(dot, table);
#endif
#pragma GCC unroll 4
	for (s = 0; s < strips; s++) {
		b[s] = tile[s] + dot->first * XQK_STEP_BYTES;
#pragma GCC unroll 4
		for (r = 0; r < rows; r++)
			all[r][s] = _mm512_load_ps(real->sum + r * XQK_COLUMNS + column + s * XQK_LANES);
	}
	for (group = 0; group < real->count; group++) {
		const size_t row_at = (size_t)group * real->row_pitch;
		const size_t column_at = (size_t)group * XQK_COLUMNS + column;

#pragma GCC unroll 4
		for (r = 0; r < rows; r++)
#pragma GCC unroll 4
			for (s = 0; s < strips; s++)
#pragma GCC unroll 4
				for (i = 0; i < sums; i++)
					sum[r][s][i] = i || XQK_LEFT ? _mm512_setzero_si512() :
						real_start(fold, row_at + r, column_at + s * XQK_LANES, r,
							   column + s * XQK_LANES);
		for (rest = dot->steps; rest; rest -= words) {
			if (!left) {
				tile += XQK_STRIPS;
				left = XQK_TILE_STEPS;
#pragma GCC unroll 4
				for (s = 0; s < strips; s++)
					b[s] = tile[s];
			}
			words = rest < left ? rest : left;
			real_words(sum, a, dot->a_stride, b, words, rows, strips, table);
			left -= words;
			a += (size_t)words * 4 * STEPS;
#pragma GCC unroll 4
			for (s = 0; s < strips; s++)
				b[s] += words * XQK_STEP_BYTES;
		}
#pragma GCC unroll 4
		for (s = 0; s < strips; s++) {
			const __m512 scale = _mm512_load_ps(real->b_scale + column_at + s * XQK_LANES);

#pragma GCC unroll 4
			for (r = 0; r < rows; r++) {
				__m512i s_all = sum[r][s][0];

#pragma GCC unroll 4
				for (i = 1; i < sums; i++)
					s_all = _mm512_add_epi32(s_all, _mm512_srai_epi32(sum[r][s][i], i * XQK_BITS));
				if (XQK_LEFT)
					s_all = _mm512_add_epi32(_mm512_slli_epi32(s_all, XQK_LEFT), real_start(
						fold, row_at + r, column_at + s * XQK_LANES, r,
						column + s * XQK_LANES));
				all[r][s] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(s_all), _mm512_mul_ps(
					_mm512_set1_ps(real->a_scale[row_at + r]), scale), all[r][s]);
				if (real->b_min)
					all[r][s] = _mm512_fnmadd_ps(
						_mm512_set1_ps(real->a_min[row_at + r]),
						_mm512_load_ps(real->b_min + column_at + s * XQK_LANES),
						all[r][s]);
			}
		}
	}
#pragma GCC unroll 4
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			_mm512_store_ps(real->sum + r * XQK_COLUMNS + column + s * XQK_LANES, all[r][s]);
}

#define XQK_REAL_CASE(rows)								\
	case rows:									\
		for (strip = 0; strip + REAL_STRIPS(rows) <= strips; strip += REAL_STRIPS(rows))	\
			tiles_real(dot, fold, real, strip, rows, REAL_STRIPS(rows));	\
		for (; strip < strips; strip++)						\
			tiles_real(dot, fold, real, strip, rows, 1);			\
		break;

void XQK_TILES_REAL(const struct xqk_dot *dot, const struct xqk_fold *fold,
		    const struct xqk_real_groups *real, unsigned int rows, unsigned int strips)
{
	unsigned int strip;

	switch (rows) {
	XQK_REAL_CASE(1)
	XQK_REAL_CASE(2)
	XQK_REAL_CASE(3)
	XQK_REAL_CASE(4)
	}
}
