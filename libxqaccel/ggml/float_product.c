// SPDX-License-Identifier: MIT
/*
 * Tiles of C stay in registers: an element of A is multiplied by vectors of a row of B. AVX-512 has
 * room for 8 rows of 32 columns, which take 10 loads for 16 multiplications; AVX2 for 4 rows of 16
 * columns.
 */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "float_product.h"

/* Loops that have to be gone before the compiler chooses registers. */
#define UNROLL	_Pragma("GCC unroll 8")

static void product_plain(const struct xqg_float_product *p)
{
	size_t m, n, k;

	for (m = 0; m < p->m; m++) {
		float *c = p->c + m * p->c_row;

		for (n = 0; n < p->n && !p->add; n++)
			c[n] = 0;
		for (k = 0; k < p->k; k++) {
			const float a = p->a[m * p->a_row + k * p->a_depth];
			const float *b = p->b + k * p->b_row;

			for (n = 0; n < p->n; n++)
				c[n] += a * b[n];
		}
	}
}

#if defined(__x86_64__)
#define WITH_AVX512	__attribute__((target("avx512f")))
#define WITH_AVX2	__attribute__((target("avx2,fma")))
#define INLINE		inline __attribute__((always_inline))

WITH_AVX512 static INLINE void tile_avx512(const struct xqg_float_product *p, size_t m, size_t n,
					   const int vectors)
{
	const float *a = p->a + m * p->a_row, *b = p->b + n;
	float *c = p->c + m * p->c_row + n;
	__m512 sum[8][2];
	int i, j;
	size_t k;

	UNROLL
	for (i = 0; i < 8; i++)
		UNROLL
		for (j = 0; j < vectors; j++)
			sum[i][j] = p->add ? _mm512_loadu_ps(c + (size_t)i * p->c_row + 16 * j) :
					     _mm512_setzero_ps();
	for (k = 0; k < p->k; k++, a += p->a_depth, b += p->b_row) {
		UNROLL
		for (i = 0; i < 8; i++) {
			const __m512 by = _mm512_set1_ps(a[(size_t)i * p->a_row]);

			UNROLL
			for (j = 0; j < vectors; j++)
				sum[i][j] =
					_mm512_fmadd_ps(by, _mm512_loadu_ps(b + 16 * j), sum[i][j]);
		}
	}
	UNROLL
	for (i = 0; i < 8; i++)
		UNROLL
		for (j = 0; j < vectors; j++)
			_mm512_storeu_ps(c + (size_t)i * p->c_row + 16 * j, sum[i][j]);
}

WITH_AVX512 static void product_avx512(const struct xqg_float_product *p)
{
	size_t m, n;

	for (m = 0; m < p->m; m += 8) {
		for (n = 0; n + 32 <= p->n; n += 32)
			tile_avx512(p, m, n, 2);
		if (n < p->n)
			tile_avx512(p, m, n, 1);
	}
}

WITH_AVX2 static void tile_avx2(const struct xqg_float_product *p, size_t m, size_t n)
{
	const float *a = p->a + m * p->a_row, *b = p->b + n;
	float *c = p->c + m * p->c_row + n;
	__m256 sum[4][2];
	int i, j;
	size_t k;

	UNROLL
	for (i = 0; i < 4; i++)
		UNROLL
		for (j = 0; j < 2; j++)
			sum[i][j] = p->add ? _mm256_loadu_ps(c + (size_t)i * p->c_row + 8 * j) :
					     _mm256_setzero_ps();
	for (k = 0; k < p->k; k++, a += p->a_depth, b += p->b_row) {
		UNROLL
		for (i = 0; i < 4; i++) {
			const __m256 by = _mm256_set1_ps(a[(size_t)i * p->a_row]);

			UNROLL
			for (j = 0; j < 2; j++)
				sum[i][j] =
					_mm256_fmadd_ps(by, _mm256_loadu_ps(b + 8 * j), sum[i][j]);
		}
	}
	UNROLL
	for (i = 0; i < 4; i++)
		UNROLL
		for (j = 0; j < 2; j++)
			_mm256_storeu_ps(c + (size_t)i * p->c_row + 8 * j, sum[i][j]);
}

WITH_AVX2 static void product_avx2(const struct xqg_float_product *p)
{
	size_t m, n;

	for (m = 0; m < p->m; m += 4)
		for (n = 0; n < p->n; n += 16)
			tile_avx2(p, m, n);
}
#endif

void xqg_float_product(const struct xqg_float_product *p)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		return product_avx512(p);
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return product_avx2(p);
#endif
	product_plain(p);
}
