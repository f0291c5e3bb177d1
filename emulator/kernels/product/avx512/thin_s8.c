// SPDX-License-Identifier: MIT
/*
 * Products with a K of a few steps: A is read where it is, as unsigned bytes, so that
 * nothing of it has to be staged or summed; B is the signed operand of VPDPBUSD.
 */
#include <immintrin.h>

#include "kernels.h"

#define ROWS	6
#define SHORT	4	/* steps of four strips whose B fits the registers */
#define STEPS	8	/* the same of fewer strips */
#define AHEAD	(3 * ROWS)	/* rows of C that are fetched before they are written */

static inline __attribute__((always_inline)) void
thin_rows(const struct xqk_thin *thin, uint32_t row, const unsigned int rows,
	  const unsigned int strips)
{
	const __m512i flip = _mm512_set1_epi8((char)thin->flip);
	const uint8_t *a = thin->a + row * thin->a_stride;
	const int8_t *b = thin->b;
	__m512i sum[ROWS][XQK_STRIPS];
	unsigned int r, s;
	uint32_t step;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
		const char *ahead = (const char *)thin->c + (row + r + AHEAD) * thin->c_stride;

#pragma GCC unroll 4
		for (s = 0; s < strips; s++) {
			__builtin_prefetch(ahead + s * XQK_STEP_BYTES, 1);
			sum[r][s] = _mm512_load_si512(thin->start + s * XQK_LANES);
		}
	}
	for (step = 0; step < thin->steps; step++, a += 4, b += XQK_STRIPS * XQK_STEP_BYTES) {
		__m512i operand[XQK_STRIPS];

#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			operand[s] = _mm512_load_si512(b + s * XQK_STEP_BYTES);
#pragma GCC unroll 6
		for (r = 0; r < rows; r++) {
			const __m512i x = _mm512_xor_si512(flip, _mm512_set1_epi32(
				*(const xqk_unaligned *)(a + r * thin->a_stride)));

#pragma GCC unroll 4
			for (s = 0; s < strips; s++)
				sum[r][s] = _mm512_dpbusd_epi32(sum[r][s], x, operand[s]);
		}
	}
#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
		int32_t *c = (int32_t *)((char *)thin->c + (row + r) * thin->c_stride);

#pragma GCC unroll 4
		for (s = 0; s < strips; s++) {
			if (thin->add)
				sum[r][s] = _mm512_add_epi32(sum[r][s],
							     _mm512_loadu_si512(c + s * XQK_LANES));
			_mm512_storeu_si512(c + s * XQK_LANES, sum[r][s]);
		}
	}
}

/*
 * Rows of a few steps: B stays in registers, and each row is stored while the next is
 * multiplied. The stores of six rows at once would take longer than their products.
 */
static inline __attribute__((always_inline)) void
thin_short(const struct xqk_thin *thin, const unsigned int steps, const unsigned int strips)
{
	const __m512i flip = _mm512_set1_epi8((char)thin->flip);
	__m512i b[STEPS][XQK_STRIPS], start[XQK_STRIPS];
	const uint8_t *a = thin->a;
	char *c = (char *)thin->c;
	unsigned int s, step;
	uint32_t row;

#pragma GCC unroll 4
	for (s = 0; s < strips; s++) {
		start[s] = _mm512_load_si512(thin->start + s * XQK_LANES);
#pragma GCC unroll 8
		for (step = 0; step < steps; step++)
			b[step][s] = _mm512_load_si512(thin->b + (step * XQK_STRIPS + s) *
						       XQK_STEP_BYTES);
	}
	for (row = 0; row < thin->rows; row++, a += thin->a_stride, c += thin->c_stride) {
		const char *ahead = c + AHEAD * thin->c_stride;
		__m512i sum[XQK_STRIPS];

#pragma GCC unroll 4
		for (s = 0; s < strips; s++) {
			__builtin_prefetch(ahead + s * XQK_STEP_BYTES, 1);
			sum[s] = start[s];
		}
#pragma GCC unroll 8
		for (step = 0; step < steps; step++) {
			const __m512i x = _mm512_xor_si512(flip, _mm512_set1_epi32(
				*(const xqk_unaligned *)(a + 4 * step)));

#pragma GCC unroll 4
			for (s = 0; s < strips; s++)
				sum[s] = _mm512_dpbusd_epi32(sum[s], x, b[step][s]);
		}
#pragma GCC unroll 4
		for (s = 0; s < strips; s++) {
			int32_t *to = (int32_t *)c + s * XQK_LANES;

			if (thin->add)
				sum[s] = _mm512_add_epi32(sum[s], _mm512_loadu_si512(to));
			_mm512_storeu_si512(to, sum[s]);
		}
	}
}

#define SHORT_CASE(steps)						\
	case steps:							\
		if ((steps) * strips > SHORT * XQK_STRIPS)		\
			break;						\
		thin_short(thin, steps, strips);			\
		return;

static inline __attribute__((always_inline)) void
thin_strips(const struct xqk_thin *thin, const unsigned int strips)
{
	uint32_t row;

	switch (thin->steps) {
	SHORT_CASE(1)
	SHORT_CASE(2)
	SHORT_CASE(3)
	SHORT_CASE(4)
	SHORT_CASE(5)
	SHORT_CASE(6)
	SHORT_CASE(7)
	SHORT_CASE(8)
	default:
		break;
	}
	for (row = 0; row + ROWS <= thin->rows; row += ROWS)
		thin_rows(thin, row, ROWS, strips);
	for (; row < thin->rows; row++)
		thin_rows(thin, row, 1, strips);
}

void xqk_thin_s8_avx512(const struct xqk_thin *thin, unsigned int strips)
{
	switch (strips) {
	case 1:
		thin_strips(thin, 1);
		break;
	case 2:
		thin_strips(thin, 2);
		break;
	case 3:
		thin_strips(thin, 3);
		break;
	default:
		thin_strips(thin, 4);
		break;
	}
}
