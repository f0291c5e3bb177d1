// SPDX-License-Identifier: MIT
/*
 * Supergroups whose sums are integers, on AMX: scales have been multiplied into the elements of B, so
 * that a supergroup is one sum of tiles, and one float of it is added. 32 rows at a time by two tiles of
 * B: the low and the high bytes of a strip, or two strips that need no high ones.
 */
#include <immintrin.h>

#include "kernels.h"
#include "tiles.h"

#define ROWS	XQK_TALL_ROWS

_Static_assert(ROWS == 2 * TILE_ROWS, "rows of two tiles");

/* Tiles 0 to 3 are sums, 4 and 5 of A, 6 and 7 of B. A row of a tile is a row of A. */
static void shape(uint32_t rows)
{
	const unsigned int first = rows < TILE_ROWS ? rows : TILE_ROWS;
	const unsigned int second = rows > first ? rows - first : 1;
	struct tile_config config = { .palette = 1 };
	unsigned int tile;

	for (tile = 0; tile < 6; tile++)
		tile_shape(&config, tile, tile == 2 || tile == 3 || tile == 5 ? second : first, 4 * TILE_STEPS);
	tile_shape(&config, 6, TILE_STEPS, XQK_STEP_BYTES);
	tile_shape(&config, 7, TILE_STEPS, XQK_STEP_BYTES);
	tiles_configure(&config);
}

/* A supergroup's sums: rows by the first tile of B, then by the second. */
static inline __attribute__((always_inline)) void
tile_sums(const uint8_t *a, size_t a_stride, const uint8_t *b0, const uint8_t *b1, uint32_t steps,
	  int32_t sums[2][ROWS][XQK_LANES], const bool more_rows, const bool two)
{
	uint32_t step;

	tile_zero(0);
	tile_zero(1);
	tile_zero(2);
	tile_zero(3);
	for (step = 0; step < steps; step += TILE_STEPS) {
		tile_load(4, a + 4 * step, a_stride);
		tile_load(6, b0 + step * XQK_STEP_BYTES, XQK_STEP_BYTES);
		tile_dot_su(0, 4, 6);
		if (two) {
			tile_load(7, b1 + step * XQK_STEP_BYTES, XQK_STEP_BYTES);
			tile_dot_su(1, 4, 7);
		}
		if (!more_rows)
			continue;
		tile_load(5, a + TILE_ROWS * a_stride + 4 * step, a_stride);
		tile_dot_su(2, 5, 6);
		if (two)
			tile_dot_su(3, 5, 7);
	}
	tile_store(sums[0][0], sizeof(sums[0][0]), 0);
	if (two)
		tile_store(sums[1][0], sizeof(sums[1][0]), 1);
	if (!more_rows)
		return;
	tile_store(sums[0][TILE_ROWS], sizeof(sums[0][0]), 2);
	if (two)
		tile_store(sums[1][TILE_ROWS], sizeof(sums[1][0]), 3);
}

/* What a strip's supergroup is. */
struct place {
	const float *b_scale, *b_min;
	const int32_t *min_pair;
	float *sum;
	int32_t bias;
};

#define MOST_PAIRS	8	/* whose minima stay in registers */

static inline __attribute__((always_inline)) __m512
less_minima(__m512 c, const struct xqk_summed *s, const struct place *p, const int32_t *row_pair, __m512 a_scale,
	    const __m512i *pair, __m512 b_min, const unsigned int pairs)
{
	__m512i all = _mm512_setzero_si512();
	uint32_t i;

	if (pairs) {
#pragma GCC unroll 8
		for (i = 0; i < pairs; i++)
			all = _mm512_dpwssd_epi32(all, pair[i], _mm512_set1_epi32(row_pair[i * s->row_pitch]));
	} else {
		for (i = 0; i < s->pairs; i++)
			all = _mm512_dpwssd_epi32(all, _mm512_loadu_si512(p->min_pair + i * XQK_COLUMNS),
						  _mm512_set1_epi32(row_pair[i * s->row_pitch]));
	}
	return _mm512_fnmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(all), a_scale), b_min, c);
}

static inline __attribute__((always_inline)) void
add_sums(const struct xqk_summed *s, uint32_t group, const struct place *p, int32_t low[ROWS][XQK_LANES],
	 int32_t high[ROWS][XQK_LANES], uint32_t rows, const bool parts, const bool biased, const bool minima,
	 const unsigned int pairs)
{
	const __m512 b_scale = _mm512_load_ps(p->b_scale);
	const float *a_scale = s->a_scale + group * s->row_pitch;
	const int32_t *total = s->row_total + group * s->row_pitch;
	const int32_t *row_pair = s->row_pair + (size_t)group * s->pairs * s->row_pitch;
	int32_t less[ROWS] __attribute__((aligned(64)));
	__m512 b_min = _mm512_setzero_ps();
	__m512i pair[MOST_PAIRS];
	uint32_t r, i;

	for (i = 0; i < pairs; i++)
		pair[i] = _mm512_loadu_si512(p->min_pair + i * XQK_COLUMNS);
	if (minima)
		b_min = _mm512_load_ps(p->b_min);
	for (r = 0; biased && r < ROWS; r += 16)
		_mm512_store_si512(less + r, _mm512_mullo_epi32(_mm512_set1_epi32(p->bias),
								_mm512_loadu_si512(total + r)));
	for (r = 0; r < rows; r++) {
		const __m512 scale = _mm512_set1_ps(a_scale[r]);
		__m512 c = _mm512_loadu_ps(p->sum + r * s->sum_stride);
		__m512i sum = _mm512_load_si512(low[r]);

		if (parts)
			sum = _mm512_add_epi32(sum, _mm512_slli_epi32(_mm512_load_si512(high[r]), 8));
		if (biased)
			sum = _mm512_sub_epi32(sum, _mm512_set1_epi32(less[r]));
		c = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_mul_ps(scale, b_scale), c);
		if (minima)
			c = less_minima(c, s, p, row_pair + r, scale, pair, b_min, pairs);
		_mm512_storeu_ps(p->sum + r * s->sum_stride, c);
	}
}

static void add_strip(const struct xqk_summed *s, uint32_t group, unsigned int strip, int32_t low[ROWS][XQK_LANES],
		      int32_t high[ROWS][XQK_LANES], uint32_t rows)
{
	const size_t column = strip * XQK_LANES;
	const struct place p = {
		.b_scale = s->b_scale + group * XQK_COLUMNS + column,
		.b_min = s->pairs ? s->b_min + group * XQK_COLUMNS + column : NULL,
		.min_pair = s->pairs ? s->min_pair + (size_t)group * s->pairs * XQK_COLUMNS + column : NULL,
		.sum = s->sum + column, .bias = s->strip[strip].bias,
	};
	const unsigned int kind = (high ? 2 : 0) | (p.bias ? 1 : 0);

#define ADD(parts, biased)									\
	do {											\
		if (!s->pairs)									\
			add_sums(s, group, &p, low, high, rows, parts, biased, false, 0);	\
		else if (s->pairs == 8)								\
			add_sums(s, group, &p, low, high, rows, parts, biased, true, 8);	\
		else if (s->pairs == 4)								\
			add_sums(s, group, &p, low, high, rows, parts, biased, true, 4);	\
		else										\
			add_sums(s, group, &p, low, high, rows, parts, biased, true, 0);	\
	} while (0)

	switch (kind) {
	case 0:
		ADD(false, false);
		break;
	case 1:
		ADD(false, true);
		break;
	case 2:
		ADD(true, false);
		break;
	default:
		ADD(true, true);
		break;
	}
}

/* A strip and its high bytes, or the next strip, or neither. */
static inline __attribute__((always_inline)) void
sum_strips(const struct xqk_summed *s, unsigned int strip, uint32_t rows, const uint8_t *second, bool next,
	   const bool more_rows, const bool two)
{
	int32_t sums[2][ROWS][XQK_LANES] __attribute__((aligned(64)));
	const uint8_t *first = s->strip[strip].low, *a = s->a;
	uint32_t group;

	for (group = 0; group < s->count; group++) {
		tile_sums(a, s->a_stride, first, second, s->steps, sums, more_rows, two);
		add_strip(s, group, strip, sums[0], two && !next ? sums[1] : NULL, rows);
		if (next)
			add_strip(s, group, strip + 1, sums[1], NULL, rows);
		a += 4 * s->steps;
		first += s->steps * XQK_STEP_BYTES;
		second += two ? s->steps * XQK_STEP_BYTES : 0;
	}
}

void xqk_dot_summed_amx(const struct xqk_summed *s, unsigned int rows, unsigned int strips)
{
	unsigned int strip, done;

	shape(rows);
	for (strip = 0; strip < strips; strip += done) {
		const uint8_t *second = s->strip[strip].high;
		const bool next = !second && strip + 1 < strips && !s->strip[strip + 1].high;

		done = next ? 2 : 1;
		if (next)
			second = s->strip[strip + 1].low;
		if (rows > TILE_ROWS && second)
			sum_strips(s, strip, rows, second, next, true, true);
		else if (rows > TILE_ROWS)
			sum_strips(s, strip, rows, second, next, true, false);
		else if (second)
			sum_strips(s, strip, rows, second, next, false, true);
		else
			sum_strips(s, strip, rows, second, next, false, false);
	}
	tiles_release();
}
