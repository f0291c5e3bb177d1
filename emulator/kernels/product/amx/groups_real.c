// SPDX-License-Identifier: MIT
/*
 * Groups with real scales on AMX: 16 rows by a strip, whose sums stay in registers for all
 * groups of a block. A group's integers come by way of memory, two groups in turn, so that tiles
 * and vectors work at the same time.
 */
#include <immintrin.h>

#include "kernels.h"
#include "tiles.h"

/* How many groups the tiles are ahead: what they store takes a while until it can be read. */
#define AHEAD		2

/* Tile 0 is sums, 1 is A, 2 is B, with the steps of a group, or 16 of them. */
static void shape(uint32_t rows, uint32_t steps)
{
	struct tile_config config = { .palette = 1 };

	tile_shape(&config, 0, rows, 4 * XQK_LANES);
	tile_shape(&config, 1, rows, 4 * steps);
	tile_shape(&config, 2, steps, XQK_STEP_BYTES);
	tiles_configure(&config);
}

/* Where 16 rows by a strip are. */
struct place {
	const uint8_t *a;
	size_t a_stride;
	const uint8_t *const *b;	/* the strip's tiles */
	uint32_t step;			/* of B */
	uint32_t steps;			/* of a group */
	size_t row_at, row_pitch;
	const float *b_scale, *b_min;
};

static inline __attribute__((always_inline)) const uint8_t *
b_at(const struct place *p, uint32_t step)
{
	return p->b[step / XQK_TILE_STEPS * XQK_STRIPS] + step % XQK_TILE_STEPS * XQK_STEP_BYTES;
}

/* A group's sums with their scales and minima to all that came before. */
static inline __attribute__((always_inline)) void
add_group(__m512 all[TILE_ROWS], int32_t (*sums)[XQK_LANES], const struct xqk_fold *fold,
	  const struct xqk_real_groups *real, struct place *p, const bool terms, const bool minima)
{
	const __m512 scale = _mm512_load_ps(p->b_scale);
	unsigned int r;

#pragma GCC unroll 16
	for (r = 0; r < TILE_ROWS; r++) {
		__m512i sum = _mm512_load_si512(sums[r]);

		if (terms)
			sum = _mm512_add_epi32(sum,
					       _mm512_set1_epi32(fold->row_term[p->row_at + r]));
		all[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_mul_ps(
			_mm512_set1_ps(real->a_scale[p->row_at + r]), scale), all[r]);
	}
	if (minima) {
		const __m512 less = _mm512_load_ps(p->b_min);

#pragma GCC unroll 16
		for (r = 0; r < TILE_ROWS; r++)
			all[r] = _mm512_fnmadd_ps(_mm512_set1_ps(real->a_min[p->row_at + r]),
						  less, all[r]);
		p->b_min += XQK_COLUMNS;
	}
	p->b_scale += XQK_COLUMNS;
	p->row_at += p->row_pitch;
}

typedef void tile_group_fn(struct place *p, int32_t (*to)[XQK_LANES]);

/* All groups of 16 rows, or of fewer: what is computed beyond them is nobody's. */
static inline __attribute__((always_inline)) void
strip_groups(const struct xqk_fold *fold, const struct xqk_real_groups *real,
	     struct place *p, float *to, tile_group_fn *tile_group,
	     const bool terms, const bool minima)
{
	int32_t sums[AHEAD][TILE_ROWS][XQK_LANES] __attribute__((aligned(64)));
	__m512 all[TILE_ROWS];
	uint32_t group;
	unsigned int r;

#pragma GCC unroll 16
	for (r = 0; r < TILE_ROWS; r++)
		all[r] = _mm512_load_ps(to + r * XQK_COLUMNS);
	for (group = 0; group < real->count && group < AHEAD - 1; group++)
		tile_group(p, sums[group]);
	for (group = 0; group < real->count; group++) {
		if (group + AHEAD - 1 < real->count)
			tile_group(p, sums[(group + AHEAD - 1) % AHEAD]);
		add_group(all, sums[group % AHEAD], fold, real, p, terms, minima);
	}
#pragma GCC unroll 16
	for (r = 0; r < TILE_ROWS; r++)
		_mm512_store_ps(to + r * XQK_COLUMNS, all[r]);
}

static bool any_term(const struct xqk_fold *fold, const struct xqk_real_groups *real, uint32_t rows)
{
	int32_t any = 0;
	uint32_t group, r;

	for (group = 0; group < real->count; group++)
		for (r = 0; r < rows; r++)
			any |= fold->row_term[group * real->row_pitch + r];
	return any;
}

static inline __attribute__((always_inline)) void
dot_real(const struct xqk_dot *d, const struct xqk_fold *fold, const struct xqk_real_groups *real,
	 unsigned int rows, unsigned int strips, tile_group_fn *tile_group)
{
	const unsigned int kind = any_term(fold, real, rows) << 1 | !!real->b_min;
	unsigned int strip, row;

	for (row = 0; row < rows; row += TILE_ROWS) {
		shape(rows - row < TILE_ROWS ? rows - row : TILE_ROWS,
		      d->steps < TILE_STEPS ? d->steps : TILE_STEPS);
		for (strip = 0; strip < strips; strip++) {
			float *to = real->sum + row * XQK_COLUMNS + strip * XQK_LANES;
			struct place p = {
				.a = d->a + row * d->a_stride, .a_stride = d->a_stride,
				.b = d->b + strip, .step = d->first, .steps = d->steps,
				.row_at = row, .row_pitch = real->row_pitch,
				.b_scale = real->b_scale + strip * XQK_LANES,
				.b_min = real->b_min ? real->b_min + strip * XQK_LANES : NULL,
			};

			if (kind == 0)
				strip_groups(fold, real, &p, to, tile_group, false, false);
			else if (kind == 1)
				strip_groups(fold, real, &p, to, tile_group, false, true);
			else if (kind == 2)
				strip_groups(fold, real, &p, to, tile_group, true, false);
			else
				strip_groups(fold, real, &p, to, tile_group, true, true);
		}
	}
	tiles_release();
}

#define TILE_GROUP(name, dot)							\
	static inline __attribute__((always_inline))				\
	void name(struct place *p, int32_t (*to)[XQK_LANES])			\
	{									\
		const uint32_t steps = p->steps < TILE_STEPS ? p->steps : TILE_STEPS; \
		uint32_t done;							\
										\
		tile_zero(0);							\
		for (done = 0; done < p->steps; done += steps) {		\
			tile_load(1, p->a, p->a_stride);			\
			tile_load(2, b_at(p, p->step), XQK_STEP_BYTES);		\
			dot(0, 1, 2);						\
			p->step += steps;					\
			p->a += 4 * steps;					\
		}								\
		tile_store(to, sizeof(*to), 0);					\
	}

#define DOT_REAL(name)								\
	TILE_GROUP(group_##name, tile_dot_##name)				\
										\
	void xqk_dot_real_##name##_amx(const struct xqk_dot *d,			\
				       const struct xqk_fold *fold,		\
				       const struct xqk_real_groups *real,	\
				       unsigned int rows, unsigned int strips)	\
	{									\
		dot_real(d, fold, real, rows, strips, group_##name);		\
	}

DOT_REAL(ss)
DOT_REAL(su)
