// SPDX-License-Identifier: MIT
/* Ternary codes with a scale per row. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/binary.h>

#include "block.h"
#include "rows.h"

/* Codes of one row for a threshold; returns the mean magnitude of those that are not zero. */
static double threshold_row(const float *x, size_t k, double delta, int8_t *q)
{
	double sum = 0;
	size_t kept = 0;

	for (size_t i = 0; i < k; i++) {
		double magnitude = fabs((double)x[i]);

		q[i] = magnitude > delta ? (x[i] > 0 ? 1 : -1) : 0;
		if (q[i]) {
			sum += magnitude;
			kept++;
		}
	}
	return kept ? sum / (double)kept : 1;
}

/* The elements above a threshold: how many, and the sum of their magnitudes. */
struct kept {
	double count, sum;
};

static struct kept kept_above(const float *x, size_t k, double delta)
{
	struct kept kept = { 0, 0 };

	for (size_t i = 0; i < k; i++) {
		double magnitude = fabs((double)x[i]);

		if (magnitude > delta) {
			kept.count++;
			kept.sum += magnitude;
		}
	}
	return kept;
}

/*
 * TWN's threshold, or that of min-max codes if those are better: by (sum)^2 / count the squared error
 * falls with the mean of the kept as scale, by 2 S sum - S^2 count with min-max's, the largest.
 */
static double twn_threshold(const float *x, size_t k)
{
	double delta = 0.7 * xq_mean_abs(x, k), largest = xq_max_abs(x, k);
	struct kept twn = kept_above(x, k, delta), minmax = kept_above(x, k, largest / 2);
	double gain = twn.count > 0 ? twn.sum * twn.sum / twn.count : 0;

	return 2 * largest * minmax.sum - largest * largest * minmax.count > gain ? largest / 2 : delta;
}

int xq_twn_encode(const float *x, size_t rows, size_t k, int8_t *q, float *scale, float *delta,
		  struct xq_fault *fault)
{
	size_t n;
	int err = xq_check_rows(x, rows, k, &n, fault);

	if (err)
		return err;
	if ((rows && !scale) || (n && !q))
		return -EINVAL;
	for (size_t r = 0; r < rows; r++) {
		double threshold = twn_threshold(x + r * k, k);

		scale[r] = (float)threshold_row(x + r * k, k, threshold, q + r * k);
		if (delta)
			delta[r] = (float)threshold;
	}
	return 0;
}

static int falling(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x < y) - (x > y);
}

/* A threshold between the last magnitude worth keeping and the next smaller one. */
static double best_threshold(const float *x, size_t k, float *sorted)
{
	double sum = 0, best = 0, threshold = 0;

	for (size_t i = 0; i < k; i++)
		sorted[i] = fabsf(x[i]);
	qsort(sorted, k, sizeof(*sorted), falling);
	for (size_t m = 1; m <= k; m++) {
		double next = m < k ? sorted[m] : 0, gain;

		sum += sorted[m - 1];
		gain = sum * sum / (double)m;
		/* Equal magnitudes are kept or dropped together. */
		if (gain > best && (double)sorted[m - 1] > next) {
			best = gain;
			threshold = next;
		}
	}
	return threshold;
}

int xq_ternary_best_encode(const float *x, size_t rows, size_t k, int8_t *q, float *scale,
			   struct xq_fault *fault)
{
	float *sorted;
	size_t n;
	int err = xq_check_rows(x, rows, k, &n, fault);

	if (err)
		return err;
	if ((rows && !scale) || (n && !q))
		return -EINVAL;
	sorted = malloc(k ? k * sizeof(*sorted) : 1);
	if (!sorted)
		return -ENOMEM;
	for (size_t r = 0; r < rows; r++)
		scale[r] = (float)threshold_row(x + r * k, k, best_threshold(x + r * k, k, sorted),
						q + r * k);
	free(sorted);
	return 0;
}
