// SPDX-License-Identifier: MIT
/*
 * Blocks on AVX-512: up to 16 registers of sums, of 8 rows by 2 vectors or of one row by 8.
 */
#include <immintrin.h>

#include "sgemm.h"

#define MOST_ROWS	8
#define LANES		16
#define DOUBLES		8

typedef __m512 vector;
typedef __mmask16 lanes;

/* The first n. */
static inline lanes lanes_of(size_t n)
{
	return (lanes)(0xffff >> (LANES - n));
}

static inline vector load(const float *from, lanes which)
{
	return _mm512_maskz_loadu_ps(which, from);
}

static inline vector load_all(const float *from)
{
	return _mm512_loadu_ps(from);
}

static inline void store(float *to, lanes which, vector v)
{
	_mm512_mask_storeu_ps(to, which, v);
}

static inline vector from_one(const float *x)
{
	return _mm512_set1_ps(*x);
}

static inline vector add_product(vector sum, vector x, vector y)
{
	return _mm512_add_ps(sum, _mm512_mul_ps(x, y));
}

#include "sgemm_block.h"

void xqm_sgemm_block_avx512(size_t rows, size_t columns, size_t k, const float *a, size_t lda,
			    const float *const *b, size_t j, float *c, size_t ldc, bool more)
{
	block(rows, columns, k, a, lda, b, j, c, ldc, more);
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
