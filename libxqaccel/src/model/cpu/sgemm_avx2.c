// SPDX-License-Identifier: MIT
/*
 * Blocks on AVX2: up to 8 registers of sums, of 4 rows by 2 vectors or of one row by 8.
 */
#include <immintrin.h>

#include "sgemm.h"

#define LANES		8
#define DOUBLES		4

/* The first n lanes. */
static __m256i mask_of(size_t n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
				  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline __attribute__((always_inline)) void
part(const int rows, const int vectors, __m256i last, size_t k, const float *a, size_t lda,
     const float *const *b, size_t j, float *c, size_t ldc, bool more)
{
	__m256 sum[4][8], row[8];

#pragma GCC unroll 8
	for (int i = 0; i < rows; i++) {
#pragma GCC unroll 8
		for (int v = 0; v < vectors; v++)
			sum[i][v] = !more ? _mm256_setzero_ps() :
				    _mm256_maskload_ps(c + (size_t)i * ldc + LANES * v,
						       v == vectors - 1 ? last : mask_of(LANES));
	}
	for (size_t p = 0; p < k; p++) {
		const float *from = b[p] + j;

#pragma GCC unroll 8
		for (int v = 0; v < vectors; v++)
			row[v] = v == vectors - 1 ? _mm256_maskload_ps(from + LANES * v, last) :
						    _mm256_loadu_ps(from + LANES * v);
#pragma GCC unroll 8
		for (int i = 0; i < rows; i++) {
			const __m256 x = _mm256_broadcast_ss(a + (size_t)i * lda + p);

#pragma GCC unroll 8
			for (int v = 0; v < vectors; v++)
				sum[i][v] = _mm256_add_ps(sum[i][v], _mm256_mul_ps(x, row[v]));
		}
	}
#pragma GCC unroll 8
	for (int i = 0; i < rows; i++) {
#pragma GCC unroll 8
		for (int v = 0; v < vectors; v++)
			_mm256_maskstore_ps(c + (size_t)i * ldc + LANES * v,
					    v == vectors - 1 ? last : mask_of(LANES), sum[i][v]);
	}
}

#define PART(rows, vectors) \
	case (rows) * 16 + (vectors): \
		part(rows, vectors, last, k, a, lda, b, j, c, ldc, more); \
		break

void xqm_sgemm_block_avx2(size_t rows, size_t columns, size_t k, const float *a, size_t lda,
			  const float *const *b, size_t j, float *c, size_t ldc, bool more)
{
	const size_t vectors = (columns + LANES - 1) / LANES;
	const __m256i last = mask_of(columns - (vectors - 1) * LANES);

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
	}
}

/* ---- a vector in double ------------------------------------------------------------------ */

void xqm_panel_vector_avx2(size_t n, size_t k, const float *b, const double *x,
			   const double *start, double *y)
{
	size_t j = 0;

	for (; n - j >= 8 * DOUBLES; j += 8 * DOUBLES) {
		__m256d sum[8];

#pragma GCC unroll 8
		for (int v = 0; v < 8; v++)
			sum[v] = _mm256_loadu_pd(start + j + DOUBLES * v);
		for (size_t p = 0; p < k; p++) {
			const __m256d each = _mm256_broadcast_sd(x + p);

#pragma GCC unroll 8
			for (int v = 0; v < 8; v++) {
				const __m128 w = _mm_loadu_ps(b + p * n + j + DOUBLES * v);

				sum[v] = _mm256_add_pd(sum[v],
						       _mm256_mul_pd(_mm256_cvtps_pd(w), each));
			}
		}
#pragma GCC unroll 8
		for (int v = 0; v < 8; v++)
			_mm256_storeu_pd(y + j + DOUBLES * v, sum[v]);
	}
	for (; j < n; j++) {
		y[j] = start[j];
		for (size_t p = 0; p < k; p++)
			y[j] += (double)b[p * n + j] * x[p];
	}
}
