// SPDX-License-Identifier: MIT
/*
 * Blocks on AVX2: up to 8 registers of sums, of 4 rows by 2 vectors or of one row by 8.
 */
#include <immintrin.h>

#include "sgemm.h"

#define MOST_ROWS	4
#define LANES		8
#define DOUBLES		4

typedef __m256 vector;
typedef __m256i lanes;

/* The first n. */
static inline lanes lanes_of(size_t n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
				  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vector load(const float *from, lanes which)
{
	return _mm256_maskload_ps(from, which);
}

static inline vector load_all(const float *from)
{
	return _mm256_loadu_ps(from);
}

static inline void store(float *to, lanes which, vector v)
{
	_mm256_maskstore_ps(to, which, v);
}

static inline vector from_one(const float *x)
{
	return _mm256_broadcast_ss(x);
}

static inline vector add_product(vector sum, vector x, vector y)
{
	return _mm256_add_ps(sum, _mm256_mul_ps(x, y));
}

#include "sgemm_block.h"

void xqm_sgemm_block_avx2(size_t rows, size_t columns, size_t k, const float *a, size_t lda,
			  const float *const *b, size_t j, float *c, size_t ldc, bool more)
{
	block(rows, columns, k, a, lda, b, j, c, ldc, more);
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
