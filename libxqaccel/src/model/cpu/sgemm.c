// SPDX-License-Identifier: MIT
/*
 * Products of float32 matrices: blocks, and what is left at the edges in plain C.
 */
#include "sgemm.h"

#define COLUMNS			32

/* Up to COLUMNS columns of one row. */
static void row(size_t n, size_t k, const float *a, const float *b, size_t ldb, float *c)
{
	float sum[COLUMNS] = { 0 };

	for (size_t p = 0; p < k; p++) {
		for (size_t j = 0; j < n; j++)
			sum[j] += a[p] * b[p * ldb + j];
	}
	for (size_t j = 0; j < n; j++)
		c[j] = sum[j];
}

static xqm_sgemm_block *block_of_machine(size_t *rows)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f")) {
		*rows = 8;
		return xqm_sgemm_block_avx512;
	}
	if (__builtin_cpu_supports("avx2")) {
		*rows = 4;
		return xqm_sgemm_block_avx2;
	}
#endif
	*rows = 1;
	return NULL;
}

void xqm_sgemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
	       size_t ldc)
{
	size_t rows;
	xqm_sgemm_block *block = block_of_machine(&rows);

	for (size_t j = 0; j < n; j += COLUMNS) {
		size_t width = n - j < COLUMNS ? n - j : COLUMNS, i = 0;

		for (; block && width == COLUMNS && i + rows <= m; i += rows)
			block(k, a + i * lda, lda, b + j, ldb, c + i * ldc + j, ldc);
		for (; i < m; i++)
			row(width, k, a + i * lda, b + j, ldb, c + i * ldc + j);
	}
}
