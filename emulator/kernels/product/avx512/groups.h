/* SPDX-License-Identifier: MIT */
/*
 * Dots of all groups in a block with their scales, one source for every number of rows.
 * Included by a file that defines
 *
 *	XQK_DOT_GROUPS	name of the function for integer scales
 *	XQK_DOT_REAL	the same for real ones
 *	XQK_LOAD_B(p)	64 bytes of a step as unsigned operands
 */
#include <immintrin.h>

#include "product/micro_kernels.h"

#define ROWS	6
#define PAIR	2	/* strips at once: 12 sums of a group and 12 of all fill the registers */

/* Where the dot is in B: pointers to the next step of two strips, and what is left of the tile. */
struct place {
	const uint8_t *const *tile;
	const uint8_t *b[PAIR];
	uint32_t left;
};

static inline __attribute__((always_inline)) void
enter_tile(struct place *place, uint32_t first, const unsigned int strips)
{
	unsigned int s;

#pragma GCC unroll 2
	for (s = 0; s < strips; s++)
		place->b[s] = place->tile[s] + first * XQK_STEP_BYTES;
	place->left = XQK_TILE_STEPS - first;
	place->tile += XQK_STRIPS;
}

static inline __attribute__((always_inline)) void
dot_group(__m512i sum[ROWS][PAIR], const uint8_t *a, size_t stride, uint32_t steps,
	  struct place *place, const unsigned int rows, const unsigned int strips)
{
	unsigned int r, s;

	while (steps) {
		uint32_t run;
		const uint8_t *end;

		if (!place->left)
			enter_tile(place, 0, strips);
		run = steps < place->left ? steps : place->left;
		steps -= run;
		place->left -= run;
		for (end = a + 4 * run; a < end; a += 4) {
			__m512i operand[PAIR];

#pragma GCC unroll 2
			for (s = 0; s < strips; s++) {
				operand[s] = XQK_LOAD_B(place->b[s]);
				place->b[s] += XQK_STEP_BYTES;
			}
#pragma GCC unroll 6
			for (r = 0; r < rows; r++) {
				const __m512i row = _mm512_set1_epi32(
					*(const xqk_unaligned *)(a + r * stride));

#pragma GCC unroll 2
				for (s = 0; s < strips; s++)
					/* Of the intrinsic's sum the compiler makes copies. */
					__asm__("vpdpbusd %2, %1, %0" : "+v" (sum[r][s]) :
						"v" (operand[s]), "v" (row));
			}
		}
	}
}

/* What the zero points take off a group, as the start of its sums. */
static inline __attribute__((always_inline)) void
start_group(__m512i sum[ROWS][PAIR], const struct xqk_fold *fold, size_t row_at, size_t column_at,
	    unsigned int column, const unsigned int rows, const unsigned int strips)
{
	unsigned int r, s;

#pragma GCC unroll 2
	for (s = 0; s < strips; s++) {
#pragma GCC unroll 6
		for (r = 0; r < rows; r++) {
			sum[r][s] = _mm512_set1_epi32(fold->row_term[row_at + r]);
			if (fold->b_zp)
				sum[r][s] = _mm512_mullo_epi32(sum[r][s], _mm512_load_si512(
					fold->b_zp + column + s * XQK_LANES));
			if (fold->column_sum)
				sum[r][s] = _mm512_add_epi32(sum[r][s], _mm512_mullo_epi32(
					_mm512_set1_epi32(fold->a_zp[r]), _mm512_load_si512(
					fold->column_sum + column_at + s * XQK_LANES)));
			if (fold->column_term)
				sum[r][s] = _mm512_add_epi32(sum[r][s], _mm512_load_si512(
					fold->column_term + column_at + s * XQK_LANES));
			sum[r][s] = _mm512_sub_epi32(_mm512_setzero_si512(), sum[r][s]);
		}
	}
}

static inline __attribute__((always_inline)) void
start_added(__m512i sum[ROWS][PAIR], const int32_t *row_term, const unsigned int rows, const unsigned int strips)
{
	unsigned int r, s;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 2
		for (s = 0; s < strips; s++)
			sum[r][s] = _mm512_set1_epi32(row_term[r]);
}

static inline __attribute__((always_inline)) void
dot_groups(const struct xqk_dot *dot, const struct xqk_fold *fold,
	   const struct xqk_groups *groups, unsigned int strip, const unsigned int rows,
	   const unsigned int strips, const bool added)
{
	const unsigned int column = strip * XQK_LANES;
	struct place place = { .tile = dot->b + strip };
	__m512i sum[ROWS][PAIR], all[ROWS][PAIR];
	const uint8_t *a = dot->a;
	unsigned int r, s;
	uint32_t group;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 2
		for (s = 0; s < strips; s++)
			all[r][s] = _mm512_setzero_si512();
	enter_tile(&place, dot->first, strips);
	for (group = 0; group < groups->count; group++, a += 4 * (size_t)dot->steps) {
		const size_t row_at = group * groups->row_pitch;
		const size_t column_at = group * XQK_COLUMNS + column;

		if (added)
			start_added(sum, fold->row_term + row_at, rows, strips);
		else
			start_group(sum, fold, row_at, column_at, column, rows, strips);
		dot_group(sum, a, dot->a_stride, dot->steps, &place, rows, strips);
#pragma GCC unroll 2
		for (s = 0; s < strips; s++) {
#pragma GCC unroll 6
			for (r = 0; r < rows; r++) {
				if (fold->b_scale)
					sum[r][s] = _mm512_mullo_epi32(sum[r][s], _mm512_load_si512(
						fold->b_scale + column_at + s * XQK_LANES));
				if (!added && fold->a_scale)
					sum[r][s] = _mm512_mullo_epi32(sum[r][s], _mm512_set1_epi32(
						fold->a_scale[row_at + r]));
				all[r][s] = _mm512_add_epi32(all[r][s], sum[r][s]);
			}
		}
	}
#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 2
		for (s = 0; s < strips; s++)
			_mm512_store_si512(fold->sum + r * XQK_COLUMNS + column + s * XQK_LANES,
					   all[r][s]);
}

#define XQK_CASE(rows, added)							\
	case 2 * (rows) + (added):						\
		for (strip = 0; strip + PAIR <= strips; strip += PAIR)		\
			dot_groups(dot, fold, groups, strip, rows, PAIR, added);	\
		if (strip < strips)						\
			dot_groups(dot, fold, groups, strip, rows, 1, added);	\
		break;
#define XQK_CASES(rows)	XQK_CASE(rows, 0) XQK_CASE(rows, 1)

void XQK_DOT_GROUPS(const struct xqk_dot *dot, const struct xqk_fold *fold,
		    const struct xqk_groups *groups, unsigned int rows, unsigned int strips)
{
	unsigned int strip;

	switch (2 * rows + groups->added) {
	XQK_CASES(1)
	XQK_CASES(2)
	XQK_CASES(3)
	XQK_CASES(4)
	XQK_CASES(5)
	XQK_CASES(6)
	}
}

/* ---- real scales --------------------------------------------------------------------------- */

/* What a group's sums start from; plain: only the sums of rows, which are added. */
static inline __attribute__((always_inline)) void
start_real(__m512i sum[ROWS][PAIR], const struct xqk_fold *fold, size_t row_at, size_t column_at,
	   unsigned int column, const unsigned int rows, const unsigned int strips, const bool plain)
{
	unsigned int r, s;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
#pragma GCC unroll 2
		for (s = 0; s < strips; s++) {
			sum[r][s] = _mm512_set1_epi32(fold->row_term[row_at + r]);
			if (plain)
				continue;
			if (fold->b_zp)
				sum[r][s] = _mm512_mullo_epi32(sum[r][s], _mm512_load_si512(
					fold->b_zp + column + s * XQK_LANES));
			if (fold->column_sum)
				sum[r][s] = _mm512_sub_epi32(sum[r][s], _mm512_mullo_epi32(
					_mm512_set1_epi32(fold->a_zp[r]), _mm512_load_si512(
					fold->column_sum + column_at + s * XQK_LANES)));
			if (fold->column_term)
				sum[r][s] = _mm512_sub_epi32(sum[r][s], _mm512_load_si512(
					fold->column_term + column_at + s * XQK_LANES));
		}
	}
}

/* A group with its scales and minima to all that came before it. */
static inline __attribute__((always_inline)) void
add_real(__m512 all[ROWS][PAIR], const __m512i sum[ROWS][PAIR], const struct xqk_real_groups *real,
	 size_t row_at, size_t column_at, const unsigned int rows, const unsigned int strips)
{
	__m512 scale[PAIR];
	unsigned int r, s;

#pragma GCC unroll 2
	for (s = 0; s < strips; s++)
		scale[s] = _mm512_load_ps(real->b_scale + column_at + s * XQK_LANES);
#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
		const __m512 a = _mm512_set1_ps(real->a_scale[row_at + r]);

#pragma GCC unroll 2
		for (s = 0; s < strips; s++)
			all[r][s] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[r][s]),
						    _mm512_mul_ps(a, scale[s]), all[r][s]);
	}
	if (!real->b_min)
		return;
#pragma GCC unroll 2
	for (s = 0; s < strips; s++)
		scale[s] = _mm512_load_ps(real->b_min + column_at + s * XQK_LANES);
#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
		const __m512 a = _mm512_set1_ps(real->a_min[row_at + r]);

#pragma GCC unroll 2
		for (s = 0; s < strips; s++)
			all[r][s] = _mm512_fnmadd_ps(a, scale[s], all[r][s]);
	}
}

static inline __attribute__((always_inline)) void
dot_real(const struct xqk_dot *dot, const struct xqk_fold *fold, const struct xqk_real_groups *real,
	 unsigned int strip, const unsigned int rows, const unsigned int strips, const bool plain)
{
	const unsigned int column = strip * XQK_LANES;
	struct place place = { .tile = dot->b + strip };
	float *to = real->sum + column;
	__m512i sum[ROWS][PAIR];
	__m512 all[ROWS][PAIR];
	const uint8_t *a = dot->a;
	unsigned int r, s;
	uint32_t group;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 2
		for (s = 0; s < strips; s++)
			all[r][s] = _mm512_load_ps(to + r * XQK_COLUMNS + s * XQK_LANES);
	enter_tile(&place, dot->first, strips);
	for (group = 0; group < real->count; group++, a += 4 * (size_t)dot->steps) {
		const size_t row_at = (size_t)group * real->row_pitch;
		const size_t column_at = (size_t)group * XQK_COLUMNS + column;

		start_real(sum, fold, row_at, column_at, column, rows, strips, plain);
		dot_group(sum, a, dot->a_stride, dot->steps, &place, rows, strips);
		add_real(all, sum, real, row_at, column_at, rows, strips);
	}
#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 2
		for (s = 0; s < strips; s++)
			_mm512_store_ps(to + r * XQK_COLUMNS + s * XQK_LANES, all[r][s]);
}

#define XQK_REAL_CASE(rows, plain)								\
	case 2 * (rows) + (plain):								\
		for (strip = 0; strip + PAIR <= strips; strip += PAIR)				\
			dot_real(dot, fold, real, strip, rows, PAIR, plain);			\
		if (strip < strips)								\
			dot_real(dot, fold, real, strip, rows, 1, plain);			\
		break;
#define XQK_REAL_CASES(rows)	XQK_REAL_CASE(rows, 0) XQK_REAL_CASE(rows, 1)

void XQK_DOT_REAL(const struct xqk_dot *dot, const struct xqk_fold *fold,
		  const struct xqk_real_groups *real, unsigned int rows, unsigned int strips)
{
	const bool plain = !fold->b_zp && !fold->column_sum && !fold->column_term;
	unsigned int strip;

	switch (2 * rows + plain) {
	XQK_REAL_CASES(1)
	XQK_REAL_CASES(2)
	XQK_REAL_CASES(3)
	XQK_REAL_CASES(4)
	XQK_REAL_CASES(5)
	XQK_REAL_CASES(6)
	}
}
