// SPDX-License-Identifier: MIT
/* Tables by k-means, and the codes of a table. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/codebook.h>

#include "kmeans.h"
#include "layout.h"
#include "quantize_kernels.h"
#include "round.h"

/* An entry and its index, in rising order. */
struct entry {
	float value;
	unsigned int index;
};

/* Atoms that the exact solution takes. More are thinned to as many, and the result is polished. */
#define EXACT_MOST 1024
#define POLISH_ROUNDS 50

static bool bits_valid(unsigned int bits)
{
	return bits >= 2 && bits <= 8;
}

static int by_value(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Fits to count atoms of which there may be more than the exact solution takes. */
static int fit(const struct xq_atom *atoms, size_t count, size_t k, double *centroid)
{
	size_t few;
	struct xq_atom *thin;
	int err = -ENOMEM;

	if (count <= k) {
		for (size_t c = 0; c < k; c++)
			centroid[c] = atoms[c < count ? c : count - 1].mean;
		return 0;
	}
	if (count <= EXACT_MOST)
		return xq_kmeans_exact(atoms, count, k, centroid);
	thin = malloc(count * sizeof(*thin));
	if (!thin)
		return -ENOMEM;
	memcpy(thin, atoms, count * sizeof(*thin));
	few = xq_atoms_thin(thin, count, EXACT_MOST);
	/* Never thinner than the table. */
	if (few && few < k)
		err = xq_kmeans_exact(atoms, count, k, centroid);
	else if (few)
		err = xq_kmeans_exact(thin, few, k, centroid);
	free(thin);
	if (!err)
		xq_kmeans_polish(atoms, count, k, POLISH_ROUNDS, centroid);
	return err;
}

int xq_codebook_fit(const float *x, size_t n, const float *weight, unsigned int bits, float *table,
		    struct xq_fault *fault)
{
	size_t k = (size_t)1 << bits, bad, count = 0;
	struct xq_atom *atoms = NULL;
	float range[2] = { 0, 0 };
	double centroid[256];
	int err, exponent = 0;

	if (!bits_valid(bits) || !table || (n && !x))
		return -EINVAL;
	memset(table, 0, k * sizeof(*table));
	if (!n)
		return 0;
	bad = xq_quantize_kernels_best()->range(x, n, range);
	if (bad < n)
		return xq_fault_set(fault, XQ_FAULT_INPUT, bad, x[bad], -EDOM);
	for (size_t i = 0; i < n && weight; i++)
		if (!xq_is_finite(weight[i]) || weight[i] < 0)
			return xq_fault_set(fault, XQ_FAULT_SCALE, i, weight[i], -EDOM);
	/* In units of the largest, so that a power of two makes no difference. */
	frexp(fmax(-(double)range[0], (double)range[1]), &exponent);
	err = xq_atoms_make(x, weight, n, exponent, &atoms, &count);
	/* No value has any weight: then all have the same. */
	if (!err && !count) {
		free(atoms);
		err = xq_atoms_make(x, NULL, n, exponent, &atoms, &count);
	}
	if (!err)
		err = fit(atoms, count, k, centroid);
	for (size_t c = 0; c < k && !err; c++)
		table[c] = (float)ldexp(centroid[c], exponent);
	free(atoms);
	return err;
}

int xq_codebook_encode(const float *x, size_t n, const float *table, unsigned int bits,
		       uint8_t *codes, struct xq_fault *fault)
{
	struct entry entry[256];
	size_t k = (size_t)1 << bits, bad;

	if (!bits_valid(bits) || !table || (n && (!x || !codes)))
		return -EINVAL;
	bad = xq_first_not_finite(table, k);
	if (bad < k)
		return xq_fault_set(fault, XQ_FAULT_SCALE, bad, table[bad], -EDOM);
	for (size_t c = 0; c < k; c++)
		entry[c] = (struct entry){ table[c], (unsigned int)c };
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
			if (above < below || (above == below && entry[from + 1].index < entry[from].index))
				best = from + 1;
		}
		/* Of equal entries the one with the lowest index. */
		while (best > 0 && entry[best - 1].value == entry[best].value)
			best--;
		codes[i] = (uint8_t)entry[best].index;
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
