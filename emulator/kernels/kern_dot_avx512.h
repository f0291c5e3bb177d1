/* SPDX-License-Identifier: MIT */
/*
 * The dot of bytes on AVX-512 VNNI, one source for every number of rows and strips.
 * VPDPBUSD multiplies unsigned by signed bytes and adds four products to 32 bits without
 * saturating, so B is the unsigned operand. Included by a file that defines
 *
 *	XQK_DOT		name of the function
 *	XQK_LOAD_B(p)	64 bytes of a step as unsigned operands
 */
#include <immintrin.h>

#include "xqk_isa.h"

#define XQK_DOT_ROWS	6

/*
 * 6 rows by 4 strips keep 24 sums, 4 vectors of B and one of A in the 32 registers; rows
 * and strips are constants wherever this is inlined.
 */
static inline __attribute__((always_inline)) void
dot_block(const struct xqk_dot *dot, const unsigned int rows, const unsigned int strips)
{
	const uint8_t *const *tile = dot->b;
	const size_t stride = dot->a_stride;
	const uint8_t *a = dot->a;
	uint32_t first = dot->first, left = dot->steps;
	__m512i sum[XQK_DOT_ROWS][XQK_STRIPS];
	unsigned int r, s;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			sum[r][s] = _mm512_setzero_si512();

	while (left) {
		uint32_t steps = XQK_TILE_STEPS - first;
		const uint8_t *b[XQK_STRIPS], *end;

		steps = steps < left ? steps : left;
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			b[s] = tile[s] + first * XQK_STEP_BYTES;
		for (end = a + 4 * steps; a < end; a += 4) {
			__m512i operand[XQK_STRIPS];

#pragma GCC unroll 4
			for (s = 0; s < strips; s++) {
				operand[s] = XQK_LOAD_B(b[s]);
				b[s] += XQK_STEP_BYTES;
			}
#pragma GCC unroll 6
			for (r = 0; r < rows; r++) {
				const __m512i row = _mm512_set1_epi32(
					*(const int32_t *)(a + r * stride));

#pragma GCC unroll 4
				for (s = 0; s < strips; s++)
					sum[r][s] = _mm512_dpbusd_epi32(sum[r][s], operand[s], row);
			}
		}
		left -= steps;
		first = 0;
		tile += XQK_STRIPS;
	}

#pragma GCC unroll 6
	for (r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (s = 0; s < strips; s++)
			_mm512_store_si512(dot->c + r * XQK_COLUMNS + s * XQK_LANES, sum[r][s]);
}

#define XQK_DOT_CASE(rows, strips)				\
	case (rows) * 8 + (strips):				\
		dot_block(dot, rows, strips);			\
		break;
#define XQK_DOT_CASES(rows)					\
	XQK_DOT_CASE(rows, 1) XQK_DOT_CASE(rows, 2)		\
	XQK_DOT_CASE(rows, 3) XQK_DOT_CASE(rows, 4)

void XQK_DOT(const struct xqk_dot *dot, unsigned int rows, unsigned int strips)
{
	switch (rows * 8 + strips) {
	XQK_DOT_CASES(1)
	XQK_DOT_CASES(2)
	XQK_DOT_CASES(3)
	XQK_DOT_CASES(4)
	XQK_DOT_CASES(5)
	XQK_DOT_CASES(6)
	}
}
