// SPDX-License-Identifier: MIT
/* k-means in one dimension, and the codes of a table. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/codebook.h>

#include "layout.h"
#include "quantize_kernels.h"
#include "round.h"

#define DEFAULT_ITERATIONS 200

struct sample {
	float value, weight;
};

/* Sorted values with running sums of weight and weight * value; a cluster is a range of them. */
struct samples {
	size_t n;
	struct sample *s;
	double *weight, *moment;	/* n + 1 each */
	double energy;
};

static bool bits_valid(unsigned int bits)
{
	return bits >= 2 && bits <= 8;
}

static int by_value(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return (x->weight > y->weight) - (x->weight < y->weight);
}

static void samples_free(struct samples *all)
{
	free(all->s);
	free(all->weight);
	free(all->moment);
}

static int samples_init(struct samples *all, const float *x, const float *weight, size_t n)
{
	*all = (struct samples){ .n = n };
	all->s = calloc(n, sizeof(*all->s));
	all->weight = calloc(n + 1, sizeof(*all->weight));
	all->moment = calloc(n + 1, sizeof(*all->moment));
	if (!all->s || !all->weight || !all->moment) {
		samples_free(all);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		all->s[i] = (struct sample){ x[i], weight ? weight[i] : 1 };
	qsort(all->s, n, sizeof(*all->s), by_value);
	for (size_t i = 0; i < n; i++) {
		double w = all->s[i].weight, v = all->s[i].value;

		all->weight[i + 1] = all->weight[i] + w;
		all->moment[i + 1] = all->moment[i] + w * v;
		all->energy += w * v * v;
	}
	return 0;
}

/* How many values are nearer to low than to high; a value in the middle belongs to low. */
static size_t boundary(const struct samples *all, double low, double high)
{
	double middle = low + (high - low) / 2;
	size_t from = 0, to = all->n;

	while (from < to) {
		size_t at = from + (to - from) / 2;

		if (all->s[at].value <= middle)
			from = at + 1;
		else
			to = at;
	}
	return from;
}

/* Returns the squared error of the centroids it ends with. */
static double lloyd(const struct samples *all, size_t k, unsigned int iterations, double *centroid)
{
	double error = INFINITY;

	for (unsigned int round = 0; round < iterations; round++) {
		size_t from = 0;
		bool moved = false;

		error = all->energy;
		for (size_t c = 0; c < k; c++) {
			size_t to = c + 1 < k ? boundary(all, centroid[c], centroid[c + 1]) : all->n;
			double weight, moment, mean;

			to = to > from ? to : from;
			weight = all->weight[to] - all->weight[from];
			moment = all->moment[to] - all->moment[from];
			from = to;
			if (!(weight > 0))
				continue;
			mean = moment / weight;
			error -= moment * mean;
			/* The next boundary still needs the old neighbour, which lies to the right. */
			moved |= mean != centroid[c];
			centroid[c] = mean;
		}
		if (!moved)
			break;
	}
	return error;
}

int xq_codebook_fit(const float *x, size_t n, const float *weight, unsigned int bits,
		    unsigned int iterations, float *table, struct xq_fault *fault)
{
	size_t k = (size_t)1 << bits, bad;
	double even[256], ranks[256], *best;
	struct samples all;
	int err;

	if (!bits_valid(bits) || !table || (n && !x))
		return -EINVAL;
	memset(table, 0, k * sizeof(*table));
	if (!n)
		return 0;
	bad = xq_first_not_finite(x, n);
	if (bad < n)
		return xq_fault_set(fault, XQ_FAULT_INPUT, bad, x[bad], -EDOM);
	for (size_t i = 0; i < n && weight; i++)
		if (!xq_is_finite(weight[i]) || weight[i] < 0)
			return xq_fault_set(fault, XQ_FAULT_SCALE, i, weight[i], -EDOM);
	err = samples_init(&all, x, weight, n);
	if (err)
		return err;
	for (size_t c = 0; c < k; c++) {
		double low = all.s[0].value, high = all.s[n - 1].value;

		even[c] = low + (high - low) * (double)c / (double)(k - 1);
		ranks[c] = all.s[(size_t)((double)(n - 1) * (double)c / (double)(k - 1))].value;
	}
	if (!iterations)
		iterations = DEFAULT_ITERATIONS;
	best = lloyd(&all, k, iterations, even) <= lloyd(&all, k, iterations, ranks) ? even : ranks;
	for (size_t c = 0; c < k; c++)
		table[c] = (float)best[c];
	samples_free(&all);
	return 0;
}

int xq_codebook_encode(const float *x, size_t n, const float *table, unsigned int bits,
		       uint8_t *codes, struct xq_fault *fault)
{
	struct sample entry[256];	/* value and its index, in rising order */
	size_t k = (size_t)1 << bits, bad;

	if (!bits_valid(bits) || !table || (n && (!x || !codes)))
		return -EINVAL;
	bad = xq_first_not_finite(table, k);
	if (bad < k)
		return xq_fault_set(fault, XQ_FAULT_SCALE, bad, table[bad], -EDOM);
	for (size_t c = 0; c < k; c++)
		entry[c] = (struct sample){ table[c], (float)c };
	qsort(entry, k, sizeof(*entry), by_value);
	for (size_t i = 0; i < n; i++) {
		size_t from = 0, to = k - 1, best;
		double below, above;

		if (!xq_is_finite(x[i]))
			return xq_fault_set(fault, XQ_FAULT_INPUT, i, x[i], -EDOM);
		/* The last entry that is not above x, or the first. */
		while (from < to) {
			size_t at = from + (to - from + 1) / 2;

			if (entry[at].value <= x[i])
				from = at;
			else
				to = at - 1;
		}
		best = from;
		if (from + 1 < k) {
			below = fabs((double)x[i] - (double)entry[from].value);
			above = fabs((double)entry[from + 1].value - (double)x[i]);
			if (above < below || (above == below && entry[from + 1].weight < entry[from].weight))
				best = from + 1;
		}
		/* Of equal entries the one with the lowest index. */
		while (best > 0 && entry[best - 1].value == entry[best].value)
			best--;
		codes[i] = (uint8_t)entry[best].weight;
	}
	return 0;
}

int xq_codebook_decode(const uint8_t *codes, size_t n, const float *table, unsigned int bits,
		       float *x, struct xq_fault *fault)
{
	if (!bits_valid(bits) || !table || (n && (!x || !codes)))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (codes[i] >> bits)
			return xq_fault_set(fault, XQ_FAULT_CODE, i, codes[i], -EDOM);
		x[i] = table[codes[i]];
	}
	return 0;
}
