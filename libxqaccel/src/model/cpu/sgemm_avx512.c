// SPDX-License-Identifier: MIT
/*
 * Blocks on AVX-512: up to 16 registers of sums, of 8 rows by 2 vectors or of one row by 8.
 */
#include <immintrin.h>

#include "sgemm.h"

#define LANES		16
#define DOUBLES		8

static inline __attribute__((always_inline)) void
part(const int rows, const int vectors, __mmask16 last, size_t k, const float *a, size_t lda,
     const float *const *b, size_t j, float *c, size_t ldc, bool more)
{
	__m512 sum[8][8], row[8];

#pragma GCC unroll 8
	for (int i = 0; i < rows; i++) {
#pragma GCC unroll 8
		for (int v = 0; v < vectors; v++) {
			const __mmask16 mask = v == vectors - 1 ? last : 0xffff;

			sum[i][v] = _mm512_maskz_loadu_ps(more ? mask : 0,
							  c + (size_t)i * ldc + LANES * v);
		}
	}
	for (size_t p = 0; p < k; p++) {
		const float *from = b[p] + j;

#pragma GCC unroll 8
		for (int v = 0; v < vectors; v++)
			row[v] = v == vectors - 1 ? _mm512_maskz_loadu_ps(last, from + LANES * v) :
						    _mm512_loadu_ps(from + LANES * v);
#pragma GCC unroll 8
		for (int i = 0; i < rows; i++) {
			const __m512 x = _mm512_set1_ps(a[(size_t)i * lda + p]);

#pragma GCC unroll 8
			for (int v = 0; v < vectors; v++)
				sum[i][v] = _mm512_add_ps(sum[i][v], _mm512_mul_ps(x, row[v]));
		}
	}
#pragma GCC unroll 8
	for (int i = 0; i < rows; i++) {
#pragma GCC unroll 8
		for (int v = 0; v < vectors; v++)
			_mm512_mask_storeu_ps(c + (size_t)i * ldc + LANES * v,
					      v == vectors - 1 ? last : 0xffff, sum[i][v]);
	}
}

#define PART(rows, vectors) \
	case (rows) * 16 + (vectors): \
		part(rows, vectors, last, k, a, lda, b, j, c, ldc, more); \
		break

void xqm_sgemm_block_avx512(size_t rows, size_t columns, size_t k, const float *a, size_t lda,
			    const float *const *b, size_t j, float *c, size_t ldc, bool more)
{
	const size_t vectors = (columns + LANES - 1) / LANES;
	const __mmask16 last = (__mmask16)(0xffff >> (vectors * LANES - columns));

	switch (rows * 16 + vectors) {
	PART(1, 1);
	PART(1, 2);
	PART(1, 3);
	PART(1, 4);
	PART(1, 5);
	PART(1, 6);
	PART(1, 7);
	PART(1, 8);
	PART(2, 1);
	PART(2, 2);
	PART(3, 1);
	PART(3, 2);
	PART(4, 1);
	PART(4, 2);
	PART(5, 1);
	PART(5, 2);
	PART(6, 1);
	PART(6, 2);
	PART(7, 1);
	PART(7, 2);
	PART(8, 1);
	PART(8, 2);
	}
}

/* ---- a vector in double ------------------------------------------------------------------ */

static inline __attribute__((always_inline)) void
sums(const int vectors, __mmask8 last, size_t n, size_t k, const float *b, const double *x,
     const double *start, double *y)
{
	__m512d sum[8];

#pragma GCC unroll 8
	for (int v = 0; v < vectors; v++)
		sum[v] = _mm512_maskz_loadu_pd(v == vectors - 1 ? last : 0xff, start + DOUBLES * v);
	for (size_t p = 0; p < k; p++) {
		const __m512d each = _mm512_set1_pd(x[p]);

#pragma GCC unroll 8
		for (int v = 0; v < vectors; v++) {
			const __mmask16 mask = v == vectors - 1 ? last : 0xff;
			const __m512 from = _mm512_maskz_loadu_ps(mask, b + p * n + DOUBLES * v);
			const __m512d w = _mm512_cvtps_pd(_mm512_castps512_ps256(from));

			sum[v] = _mm512_add_pd(sum[v], _mm512_mul_pd(w, each));
		}
	}
#pragma GCC unroll 8
	for (int v = 0; v < vectors; v++)
		_mm512_mask_storeu_pd(y + DOUBLES * v, v == vectors - 1 ? last : 0xff, sum[v]);
}

void xqm_panel_vector_avx512(size_t n, size_t k, const float *b, const double *x,
			     const double *start, double *y)
{
	size_t j = 0;

	for (; n - j >= 8 * DOUBLES; j += 8 * DOUBLES)
		sums(8, 0xff, n, k, b + j, x, start + j, y + j);
	for (; j < n; j += DOUBLES)
		sums(1, n - j < DOUBLES ? (__mmask8)(0xff >> (DOUBLES - (n - j))) : 0xff, n, k,
		     b + j, x, start + j, y + j);
}
