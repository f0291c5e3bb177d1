// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

#define FULL_CHECK_MACS	(200 * 1000 * 1000ULL)
#define SAMPLES		16

static char message[120];

/* One element: three loops are two loops and this. */
static int64_t product(const struct operand *a, const struct operand *b,
		       const struct check_scales *s, uint32_t row, uint32_t column)
{
	const int16_t *x = a->values + (size_t)row * a->columns;
	const int16_t *y = b->values + (size_t)column * b->columns;
	const uint32_t k = a->columns, groups = s->group ? k / s->group : 0;
	int64_t sum = 0;

	for (uint32_t i = 0; i < k; i++) {
		int64_t term = x[i] * y[i];

		if (s->a)
			term *= (int64_t)s->a[(size_t)row * groups + i / s->group] *
				s->b[(size_t)column * groups + i / s->group];
		sum += term;
	}
	return sum;
}

static const char *compare(const struct operand *a, const struct operand *b,
			   const struct check_scales *s, const int32_t *c, uint32_t row,
			   uint32_t column)
{
	const int64_t want = product(a, b, s, row, column);
	const int32_t have = c[(size_t)row * b->rows + column];

	if (have == want)
		return NULL;
	snprintf(message, sizeof(message), "C[%u][%u] is %d, should be %lld", row, column, have,
		 (long long)want);
	return message;
}

/* t = B^T x for one group of columns or all of them, then A t against C x. */
static const char *compare_projection(const struct operand *a, const struct operand *b,
				      const struct check_scales *s, const int32_t *c)
{
	const uint32_t k = a->columns, groups = s->group ? k / s->group : 0;
	uint64_t *x = malloc(sizeof(*x) * b->rows), *t = calloc(k, sizeof(*t)), seed = 12345;
	const char *error = x && t ? NULL : "no memory";

	for (uint32_t n = 0; !error && n < b->rows; n++) {
		x[n] = bench_random(&seed);
		for (uint32_t i = 0; i < k; i++)
			t[i] += x[n] * (uint64_t)(int64_t)b->values[(size_t)n * k + i] *
				(s->b ? (uint64_t)(int64_t)s->b[(size_t)n * groups + i / s->group] : 1);
	}
	for (uint32_t m = 0; !error && m < a->rows; m++) {
		uint64_t want = 0, have = 0;

		for (uint32_t i = 0; i < k; i++)
			want += t[i] * (uint64_t)(int64_t)a->values[(size_t)m * k + i] *
				(s->a ? (uint64_t)(int64_t)s->a[(size_t)m * groups + i / s->group] : 1);
		for (uint32_t n = 0; n < b->rows; n++)
			have += x[n] * (uint64_t)(int64_t)c[(size_t)m * b->rows + n];
		if (want != have) {
			snprintf(message, sizeof(message), "row %u of C is wrong", m);
			error = message;
		}
	}
	free(x);
	free(t);
	return error;
}

const char *check_product(const struct operand *a, const struct operand *b,
			  const struct check_scales *s, const int32_t *c, bool *full)
{
	const uint32_t rows = a->rows, columns = b->rows;
	const char *error = NULL;
	uint32_t row_step = 1, column_step = 1;

	*full = (uint64_t)rows * columns * a->columns <= FULL_CHECK_MACS;
	if (!*full) {
		row_step = rows > SAMPLES ? rows / SAMPLES : 1;
		column_step = columns > SAMPLES ? columns / SAMPLES : 1;
		error = compare_projection(a, b, s, c);
	}
	for (uint32_t row = 0; !error && row < rows; row += row_step)
		for (uint32_t column = row % column_step; !error && column < columns;
		     column += column_step)
			error = compare(a, b, s, c, row, column);
	return error;
}

const char *check_rounded(const struct operand *a, const struct operand *b, const int32_t *c,
			  float unit, int32_t limit)
{
	const struct check_scales none = { 0 };
	const uint32_t row_step = a->rows > SAMPLES ? a->rows / SAMPLES : 1;
	const uint32_t column_step = b->rows > SAMPLES ? b->rows / SAMPLES : 1;

	for (uint32_t row = 0; row < a->rows; row += row_step) {
		for (uint32_t column = 0; column < b->rows; column += column_step) {
			double want = (double)product(a, b, &none, row, column) / (double)unit;
			const int32_t have = c[(size_t)row * b->rows + column];

			want = fmin(fmax(want, -(double)limit - 1), limit);
			if (fabs(want - have) > 1 + fabs(want) * 1e-5) {
				snprintf(message, sizeof(message), "C[%u][%u] is %d, should be %.1f",
					 row, column, have, want);
				return message;
			}
		}
	}
	return NULL;
}
