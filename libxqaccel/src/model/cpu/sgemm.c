// SPDX-License-Identifier: MIT
/*
 * Products of float32 matrices: blocks of what the machine has, or plain C.
 */
#include <string.h>

#include "sgemm.h"

/* Rows of b that are looked up at a time. */
#define ROWS_OF_B	256

void xqm_sgemm_block_plain(size_t rows, size_t columns, size_t k, const float *a, size_t lda,
			   const float *const *b, size_t j, float *c, size_t ldc, bool more)
{
	for (size_t i = 0; i < rows; i++) {
		float *sum = c + i * ldc;

		if (!more)
			memset(sum, 0, columns * sizeof(*sum));
		for (size_t p = 0; p < k; p++) {
			for (size_t q = 0; q < columns; q++)
				sum[q] += a[i * lda + p] * b[p][j + q];
		}
	}
}

void xqm_panel_vector_plain(size_t n, size_t k, const float *b, const double *x,
			    const double *start, double *y)
{
	memcpy(y, start, n * sizeof(*y));
	for (size_t p = 0; p < k; p++) {
		for (size_t j = 0; j < n; j++)
			y[j] += (double)b[p * n + j] * x[p];
	}
}

/* Blocks and the most that they do at once; of one row more columns. */
struct machine {
	xqm_sgemm_block *block;
	size_t rows, columns, columns_of_one;
	xqm_panel_vector *vector;
};

static const struct machine *this_machine(void)
{
	static const struct machine plain = { xqm_sgemm_block_plain, 8, 64, 64,
					      xqm_panel_vector_plain };
#if defined(__x86_64__)
	static const struct machine avx512 = { xqm_sgemm_block_avx512, 8, 32, 128,
					       xqm_panel_vector_avx512 };
	static const struct machine avx2 = { xqm_sgemm_block_avx2, 4, 16, 64,
					     xqm_panel_vector_avx2 };

	if (__builtin_cpu_supports("avx512f"))
		return &avx512;
	if (__builtin_cpu_supports("avx2"))
		return &avx2;
#endif
	return &plain;
}

/* As many as the others, so that there is no small rest. */
static size_t even_part(size_t left, size_t most)
{
	const size_t parts = (left + most - 1) / most;

	return (left + parts - 1) / parts;
}

void xqm_sgemm_rows(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *const *b,
		    size_t first, float *c, size_t ldc, bool more)
{
	const struct machine *machine = this_machine();
	const size_t most = m == 1 ? machine->columns_of_one : machine->columns;
	size_t columns, rows;

	for (size_t j = 0; j < n; j += columns) {
		columns = n - j < most ? n - j : most;
		for (size_t i = 0; i < m; i += rows) {
			rows = even_part(m - i, machine->rows);
			machine->block(rows, columns, k, a + i * lda, lda, b, first + j,
				       c + i * ldc + j, ldc, more);
		}
	}
}

void xqm_sgemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	       float *c, size_t ldc)
{
	const float *rows[ROWS_OF_B];
	size_t p = 0, part;

	do {
		part = k - p < ROWS_OF_B ? k - p : ROWS_OF_B;
		for (size_t i = 0; i < part; i++)
			rows[i] = b + (p + i) * ldb;
		xqm_sgemm_rows(m, n, part, a + p, lda, rows, 0, c, ldc, p > 0);
		p += part;
	} while (p < k);
}

/* ---- panels ------------------------------------------------------------------------------ */

void xqm_make_panels(size_t n, size_t k, const void *from, size_t step, size_t ldb, float *panels)
{
	for (size_t j = 0; j < n; j += XQM_PANEL) {
		const size_t width = n - j < XQM_PANEL ? n - j : XQM_PANEL;

		for (size_t p = 0; p < k; p++) {
			for (size_t q = 0; q < width; q++)
				*panels++ = xqm_float_at(from, p * step + (j + q) * ldb);
		}
	}
}

void xqm_sgemm_panels(size_t m, size_t n, size_t k, const float *a, size_t lda,
		      const float *panels, float *c, size_t ldc)
{
	for (size_t j = 0; j < n; j += XQM_PANEL) {
		const size_t width = n - j < XQM_PANEL ? n - j : XQM_PANEL;

		xqm_sgemm(m, width, k, a, lda, panels + j * k, width, c + j, ldc);
	}
}

void xqm_panels_by_vector(size_t n, size_t k, const float *panels, const double *x,
			  const double *start, double *y)
{
	const struct machine *machine = this_machine();

	for (size_t j = 0; j < n; j += XQM_PANEL) {
		const size_t width = n - j < XQM_PANEL ? n - j : XQM_PANEL;

		machine->vector(width, k, panels + j * k, x, start + j, y + j);
	}
}
