// SPDX-License-Identifier: MIT
/*
 * A block of 4 x 32 sums on AVX2: two halves of 16 columns, whose 8 sums and 2 columns fit into 16 registers.
 */
#include <immintrin.h>

#include "sgemm.h"

static void half(size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc)
{
	__m256 sum[4][2];

	for (int i = 0; i < 4; i++)
		sum[i][0] = sum[i][1] = _mm256_setzero_ps();
	for (size_t p = 0; p < k; p++) {
		__m256 b0 = _mm256_loadu_ps(b + p * ldb), b1 = _mm256_loadu_ps(b + p * ldb + 8);

		for (int i = 0; i < 4; i++) {
			__m256 x = _mm256_broadcast_ss(a + (size_t)i * lda + p);

			sum[i][0] = _mm256_add_ps(sum[i][0], _mm256_mul_ps(x, b0));
			sum[i][1] = _mm256_add_ps(sum[i][1], _mm256_mul_ps(x, b1));
		}
	}
	for (int i = 0; i < 4; i++) {
		_mm256_storeu_ps(c + (size_t)i * ldc, sum[i][0]);
		_mm256_storeu_ps(c + (size_t)i * ldc + 8, sum[i][1]);
	}
}

void xqm_sgemm_block_avx2(size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc)
{
	half(k, a, lda, b, ldb, c, ldc);
	half(k, a, lda, b + 16, ldb, c + 16, ldc);
}
