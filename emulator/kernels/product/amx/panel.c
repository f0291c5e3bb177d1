// SPDX-License-Identifier: MIT
/* Panels on AMX: 32 rows at a time by 32 columns. */
#include <immintrin.h>

#include "kernels.h"
#include "tiles.h"

#define PART_ROWS	(2 * TILE_ROWS)
#define PAIR_COLUMNS	(2 * XQK_LANES)
#define LINE_BYTES	64
#define AHEAD_LINES	16	/* as many as fit beside the loads of a product */

/* Tiles 0 to 3 are sums, 4 and 5 of A, 6 and 7 of B. A row of a tile is a row of A. */
static void shape(uint32_t rows)
{
	const unsigned int first = rows < TILE_ROWS ? rows : TILE_ROWS;
	const unsigned int second = rows > first ? rows - first : 1;
	struct tile_config config = { .palette = 1 };
	unsigned int tile;

	for (tile = 0; tile < 6; tile++)
		tile_shape(&config, tile, tile == 2 || tile == 3 || tile == 5 ? second : first,
			   4 * TILE_STEPS);
	tile_shape(&config, 6, TILE_STEPS, XQK_STEP_BYTES);
	tile_shape(&config, 7, TILE_STEPS, XQK_STEP_BYTES);
	tiles_configure(&config);
}

/* The steps that do not fill a tile. What is behind them in B does not count: A has zeros there. */
static void copy_rest(uint8_t rest[PART_ROWS][4 * TILE_STEPS], const struct xqk_panel *p,
		      const uint8_t *a, uint32_t rows)
{
	const uint32_t steps = p->steps % TILE_STEPS;
	const __mmask16 mask = (__mmask16)((1U << steps) - 1);
	uint32_t row;

	if (!steps)
		return;
	a += 4 * (size_t)(p->steps - steps);
	for (row = 0; row < rows; row++, a += p->a_stride)
		_mm512_store_si512(rest[row], _mm512_maskz_loadu_epi32(mask, a));
}

/* Sums of two strips, less what the zero points add, to C. */
static void store(const struct xqk_panel *p, uint32_t row, uint32_t rows, uint32_t strip,
		  const int32_t sums[PART_ROWS][PAIR_COLUMNS])
{
	__m512i column[2] = { _mm512_setzero_si512(), _mm512_setzero_si512() };
	uint32_t r, i;

	for (i = 0; p->column && i < 2; i++)
		column[i] = _mm512_loadu_si512(p->column + (strip + i) * XQK_LANES);
	for (r = 0; r < rows; r++) {
		const __m512i less = _mm512_set1_epi32(p->row[row + r]);
		int32_t *c = p->c[row + r] + strip * XQK_LANES;

		for (i = 0; i < 2; i++, c += XQK_LANES) {
			__m512i sum = _mm512_sub_epi32(_mm512_load_si512(sums[r] + i * XQK_LANES),
						       _mm512_add_epi32(less, column[i]));

			if (p->add)
				sum = _mm512_add_epi32(sum, _mm512_loadu_si512(c));
			_mm512_storeu_si512(c, sum);
		}
	}
}

/* What is read after this panel comes to the level 2 cache, a few lines at each step. */
struct ahead {
	const uint8_t *next;
	uint32_t lines;
};

static struct ahead look_ahead(const struct xqk_panel *p)
{
	const uint64_t turns = (uint64_t)(p->rows + PART_ROWS - 1) / PART_ROWS * (XQK_STRIPS / 2) *
			       (p->steps / TILE_STEPS) + 1;
	const uint64_t lines = (p->ahead_bytes / LINE_BYTES + turns - 1) / turns;

	if (!p->ahead)
		return (struct ahead){ 0 };
	return (struct ahead){ p->ahead, lines < AHEAD_LINES ? (uint32_t)lines : AHEAD_LINES };
}

static inline __attribute__((always_inline)) void fetch(struct ahead *ahead)
{
	uint32_t line;

	for (line = 0; line < ahead->lines; line++, ahead->next += LINE_BYTES)
		_mm_prefetch((const char *)ahead->next, _MM_HINT_T1);
}

#define XQK_DOT_PANEL	xqk_dot_panel_ss_amx
#define XQK_TILE_DOT	tile_dot_ss
#define XQK_STEPS	steps_ss
#define XQK_PAIR	pair_ss
#include "panel.inc"

#define XQK_DOT_PANEL	xqk_dot_panel_su_amx
#define XQK_TILE_DOT	tile_dot_su
#define XQK_STEPS	steps_su
#define XQK_PAIR	pair_su
#include "panel.inc"

#define XQK_DOT_PANEL	xqk_dot_panel_us_amx
#define XQK_TILE_DOT	tile_dot_us
#define XQK_STEPS	steps_us
#define XQK_PAIR	pair_us
#include "panel.inc"
