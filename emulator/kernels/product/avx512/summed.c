// SPDX-License-Identifier: MIT
/*
 * Supergroups whose sums are integers, on AVX-512: strips that were multiplied by their scales, in one
 * byte an element. With two the products by groups are as fast, see supergroups.c.
 */
#include <immintrin.h>

#include "kernels.h"

#define ROWS	6
#define PAIR	2	/* strips at once */

/* A supergroup's rows by strips. */
struct place {
	const uint8_t *a, *b[PAIR];
	float *sum;
	size_t row_at, column_at;
	const int32_t *row_pair, *min_pair;
};

static inline __attribute__((always_inline)) void
add_sums(const struct xqk_summed *s, const struct place *p, const int32_t bias[PAIR], const unsigned int rows,
	 const unsigned int strips)
{
	__m512i sum[ROWS][PAIR];
	unsigned int r, i;
	uint32_t step;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 2
		for (i = 0; i < strips; i++)
			sum[r][i] = _mm512_set1_epi32((int32_t)-((uint32_t)bias[i] *
								 (uint32_t)s->row_total[p->row_at + r]));
	for (step = 0; step < s->steps; step++) {
		__m512i b[PAIR];

#pragma GCC unroll 2
		for (i = 0; i < strips; i++)
			b[i] = _mm512_load_si512(p->b[i] + step * XQK_STEP_BYTES);
#pragma GCC unroll 6
		for (r = 0; r < rows; r++) {
			const __m512i row = _mm512_set1_epi32(
				*(const xqk_unaligned *)(p->a + r * s->a_stride + 4 * step));

#pragma GCC unroll 2
			for (i = 0; i < strips; i++)
				/* Of the intrinsic's sum the compiler makes copies. */
				__asm__("vpdpbusd %2, %1, %0" : "+v" (sum[r][i]) : "v" (b[i]), "v" (row));
		}
	}
#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
		const __m512 a_scale = _mm512_set1_ps(s->a_scale[p->row_at + r]);

#pragma GCC unroll 2
		for (i = 0; i < strips; i++) {
			float *c = p->sum + r * s->sum_stride + i * XQK_LANES;
			const __m512 b_scale = _mm512_loadu_ps(s->b_scale + p->column_at + i * XQK_LANES);

			_mm512_storeu_ps(c, _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[r][i]),
							    _mm512_mul_ps(a_scale, b_scale), _mm512_loadu_ps(c)));
		}
	}
}

static inline __attribute__((always_inline)) void
take_minima(const struct xqk_summed *s, const struct place *p, const unsigned int rows, const unsigned int strips)
{
	__m512i sum[ROWS][PAIR];
	unsigned int r, i;
	uint32_t pair;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 2
		for (i = 0; i < strips; i++)
			sum[r][i] = _mm512_setzero_si512();
	for (pair = 0; pair < s->pairs; pair++) {
		const int32_t *minima = p->min_pair + pair * XQK_COLUMNS;

#pragma GCC unroll 6
		for (r = 0; r < rows; r++) {
			const __m512i row = _mm512_set1_epi32(p->row_pair[pair * s->row_pitch + r]);

#pragma GCC unroll 2
			for (i = 0; i < strips; i++)
				sum[r][i] = _mm512_dpwssd_epi32(sum[r][i], row,
								_mm512_loadu_si512(minima + i * XQK_LANES));
		}
	}
#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
		const __m512 a_scale = _mm512_set1_ps(s->a_scale[p->row_at + r]);

#pragma GCC unroll 2
		for (i = 0; i < strips; i++) {
			float *c = p->sum + r * s->sum_stride + i * XQK_LANES;
			const __m512 b_min = _mm512_loadu_ps(s->b_min + p->column_at + i * XQK_LANES);

			_mm512_storeu_ps(c, _mm512_fnmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum[r][i]), a_scale),
							     b_min, _mm512_loadu_ps(c)));
		}
	}
}

/* products: else the minima alone. */
static inline __attribute__((always_inline)) void
sum_rows(const struct xqk_summed *s, uint32_t row, unsigned int strip, const unsigned int rows,
	 const unsigned int strips, const bool products)
{
	const unsigned int column = strip * XQK_LANES;
	struct place p = {
		.a = s->a + row * s->a_stride, .sum = s->sum + row * s->sum_stride + column,
		.row_at = row, .column_at = column, .row_pair = s->row_pair + row,
		.min_pair = s->min_pair + column,
	};
	int32_t bias[PAIR] = { 0 };
	uint32_t group;
	unsigned int i;

	for (i = 0; products && i < strips; i++) {
		p.b[i] = s->strip[strip + i].low;
		bias[i] = s->strip[strip + i].bias;
	}
	for (group = 0; group < s->count; group++) {
		if (products) {
			add_sums(s, &p, bias, rows, strips);
			p.a += 4 * s->steps;
			for (i = 0; i < strips; i++)
				p.b[i] += s->steps * XQK_STEP_BYTES;
		}
		if (s->pairs)
			take_minima(s, &p, rows, strips);
		p.row_at += s->row_pitch;
		p.column_at += XQK_COLUMNS;
		p.row_pair += (size_t)s->pairs * s->row_pitch;
		p.min_pair += (size_t)s->pairs * XQK_COLUMNS;
	}
}

#define XQK_CASE(n)								\
	case n:									\
		for (strip = 0; strip + PAIR <= strips; strip += PAIR)		\
			sum_rows(s, row, strip, n, PAIR, products);		\
		if (strip < strips)						\
			sum_rows(s, row, strip, n, 1, products);		\
		break;

static inline __attribute__((always_inline)) void
sum_all(const struct xqk_summed *s, unsigned int rows, unsigned int strips, const bool products)
{
	const unsigned int parts = (rows + ROWS - 1) / ROWS;
	unsigned int row, some, part, strip;

	for (part = row = 0; part < parts; part++, row += some) {
		some = (rows - row + parts - part - 1) / (parts - part);
		switch (some) {
		XQK_CASE(1)
		XQK_CASE(2)
		XQK_CASE(3)
		XQK_CASE(4)
		XQK_CASE(5)
		XQK_CASE(6)
		}
	}
}

void xqk_dot_summed_avx512(const struct xqk_summed *s, unsigned int rows, unsigned int strips)
{
	sum_all(s, rows, strips, true);
}

void xqk_minima_summed_avx512(const struct xqk_summed *s, unsigned int rows, unsigned int strips)
{
	sum_all(s, rows, strips, false);
}
