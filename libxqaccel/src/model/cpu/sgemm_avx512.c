// SPDX-License-Identifier: MIT
/*
 * A block of 8 x 32 sums on AVX-512: 16 registers of sums, 2 of columns.
 */
#include <immintrin.h>

#include "sgemm.h"

#define ROWS			8

void xqm_sgemm_block_avx512(size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc)
{
	__m512 sum[ROWS][2];

#pragma GCC unroll 8
	for (int i = 0; i < ROWS; i++)
		sum[i][0] = sum[i][1] = _mm512_setzero_ps();
	for (size_t p = 0; p < k; p++) {
		__m512 b0 = _mm512_loadu_ps(b + p * ldb), b1 = _mm512_loadu_ps(b + p * ldb + 16);

#pragma GCC unroll 8
		for (int i = 0; i < ROWS; i++) {
			__m512 x = _mm512_set1_ps(a[(size_t)i * lda + p]);

			sum[i][0] = _mm512_add_ps(sum[i][0], _mm512_mul_ps(x, b0));
			sum[i][1] = _mm512_add_ps(sum[i][1], _mm512_mul_ps(x, b1));
		}
	}
#pragma GCC unroll 8
	for (int i = 0; i < ROWS; i++) {
		_mm512_storeu_ps(c + (size_t)i * ldc, sum[i][0]);
		_mm512_storeu_ps(c + (size_t)i * ldc + 16, sum[i][1]);
	}
}
