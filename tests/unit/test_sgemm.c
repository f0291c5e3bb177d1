// SPDX-License-Identifier: MIT
/*
 * Products of float32 matrices: every instruction set gives the bits of plain loops, for all widths
 * of blocks, with rows of b that are apart, in panels, and of a vector in double.
 */
#include <stdlib.h>

#include "ktap.h"
#include "libxqaccel/src/model/cpu/sgemm.h"

#define MOST_M		19
#define MOST_N		301
#define MOST_K		530
#define UNTOUCHED	12345.0f

static float a[MOST_M * MOST_K], b[MOST_K * MOST_N], turned[MOST_K * MOST_N];
static float want[MOST_M * MOST_N], got[MOST_M * MOST_N + 1];

static size_t below(size_t n)
{
	return (size_t)(ktap_random() % n);
}

/* Of different sizes, so that another order of additions shows. */
static void fill(float *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = ((float)below(20001) - 10000) / (float)(1U << below(16));
}

static void reference(size_t m, size_t n, size_t k, bool more)
{
	for (size_t i = 0; i < m; i++) {
		for (size_t j = 0; j < n; j++) {
			float sum = more ? want[i * n + j] : 0;

			for (size_t p = 0; p < k; p++)
				sum += a[i * k + p] * b[p * n + j];
			want[i * n + j] = sum;
		}
	}
}

static void expect_equal(size_t m, size_t n, size_t k, const char *what)
{
	for (size_t i = 0; i < m * n; i++)
		if (!EXPECT(!memcmp(&want[i], &got[i], sizeof(float)),
			    "%s %zu x %zu x %zu: element %zu is %a, not %a", what, m, n, k, i,
			    (double)got[i], (double)want[i]))
			return;
}

static void draw(size_t *m, size_t *n, size_t *k)
{
	*m = 1 + (below(3) ? below(MOST_M) : 0);
	*n = 1 + below(below(2) ? 40 : MOST_N);
	*k = below(4) ? below(40) : below(MOST_K + 1);
	fill(a, *m * *k);
	fill(b, *k * *n);
}

static void whole_products(void)
{
	size_t m, n, k;

	for (unsigned int i = 0; i < 300; i++) {
		draw(&m, &n, &k);
		reference(m, n, k, false);
		xqm_sgemm(m, n, k, a, k, b, n, got, n);
		expect_equal(m, n, k, "product");
	}
}

static void rows_that_are_apart(void)
{
	static const float *rows[MOST_K];
	size_t m, n, k;

	for (unsigned int i = 0; i < 300; i++) {
		const size_t first = below(3);

		draw(&m, &n, &k);
		for (size_t p = 0; p < k; p++)
			rows[p] = b + p * n - first;
		fill(want, m * n);
		memcpy(got, want, m * n * sizeof(float));
		reference(m, n, k, true);
		xqm_sgemm_rows(m, n, k, a, k, rows, first, got, n, true);
		expect_equal(m, n, k, "rows");
	}
}

static void panels(void)
{
	size_t m, n, k;

	for (unsigned int i = 0; i < 300; i++) {
		draw(&m, &n, &k);
		reference(m, n, k, false);
		xqm_make_panels(n, k, b, n, 1, turned);
		xqm_sgemm_panels(m, n, k, a, k, turned, got, n);
		expect_equal(m, n, k, "panels");
	}
}

static void expect_sums(size_t n, size_t k, const double *x, const double *start, const double *y)
{
	for (size_t j = 0; j < n; j++) {
		double sum = start[j];

		for (size_t p = 0; p < k; p++)
			sum += (double)b[p * n + j] * x[p];
		EXPECT(!memcmp(&sum, &y[j], sizeof(sum)), "%zu of %zu x %zu: %a, not %a", j, n, k,
		       y[j], sum);
	}
}

static void vectors_in_double(void)
{
	static double x[MOST_K], start[MOST_N], y[MOST_N];
	size_t m, n, k;

	for (unsigned int i = 0; i < 300; i++) {
		draw(&m, &n, &k);
		for (size_t p = 0; p < k; p++)
			x[p] = (double)a[p] / 3;
		for (size_t j = 0; j < n; j++)
			start[j] = (double)below(1000) / 7;
		xqm_make_panels(n, k, b, n, 1, turned);
		xqm_panels_by_vector(n, k, turned, x, start, y);
		expect_sums(n, k, x, start, y);
	}
}

/* Blocks of each instruction set that this processor has, not only of the one that is used. */
static void one_block(xqm_sgemm_block *block, size_t rows, size_t columns, size_t columns_of_one)
{
	static const float *list[MOST_K];

	for (size_t m = 1; m <= rows; m++) {
		for (size_t n = 1; n <= (m == 1 ? columns_of_one : columns); n++) {
			const size_t k = below(9);

			fill(a, m * k);
			fill(b, k * n);
			for (size_t p = 0; p < k; p++)
				list[p] = b + p * n;
			reference(m, n, k, false);
			got[m * n] = UNTOUCHED;
			block(m, n, k, a, k, list, 0, got, n, false);
			expect_equal(m, n, k, "block");
			reference(m, n, k, true);
			block(m, n, k, a, k, list, 0, got, n, true);
			expect_equal(m, n, k, "block, more");
			EXPECT(got[m * n] == UNTOUCHED, "%zu x %zu: written past the end", m, n);
		}
	}
}

static void one_vector(xqm_panel_vector *vector)
{
	static double x[MOST_K], start[XQM_PANEL], y[XQM_PANEL + 1];

	for (size_t n = 1; n <= XQM_PANEL; n++) {
		const size_t k = below(9);

		fill(b, k * n);
		for (size_t p = 0; p < k; p++)
			x[p] = (double)below(1000) / 7;
		y[n] = (double)UNTOUCHED;
		vector(n, k, b, x, start, y);
		EXPECT(y[n] == (double)UNTOUCHED, "%zu: written past the end", n);
		expect_sums(n, k, x, start, y);
	}
}

static void every_instruction_set(void)
{
	one_block(xqm_sgemm_block_plain, 8, 64, 64);
	one_vector(xqm_panel_vector_plain);
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2")) {
		one_block(xqm_sgemm_block_avx2, 4, 16, 64);
		one_vector(xqm_panel_vector_avx2);
	}
	if (__builtin_cpu_supports("avx512f")) {
		one_block(xqm_sgemm_block_avx512, 8, 32, 128);
		one_vector(xqm_panel_vector_avx512);
	}
#endif
}

KTAP_MAIN({ "whole products", whole_products }, { "rows that are apart", rows_that_are_apart },
	  { "panels", panels }, { "vectors in double", vectors_in_double },
	  { "every instruction set", every_instruction_set })
