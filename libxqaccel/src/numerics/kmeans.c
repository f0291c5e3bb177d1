// SPDX-License-Identifier: MIT
/*
 * k-means in one dimension, exactly, by dynamic programming.
 *
 * Clusters are runs of the sorted atoms. With E(c, j) the least error of the first j atoms in c runs,
 *	E(c, j) = min over i of E(c - 1, i) + error of atoms i to j - 1 about their mean
 * and the best i rises with j and with c, and E with i. So a layer c takes O(n log n): the middle j first,
 * then each half with what remains of the range of i (divide and conquer; Wu 1991, Groenlund et al.
 * 2017); and less where that range begins with the best i of the layer before and ends where E(c - 1, i)
 * alone is too much.
 *
 * The usual error of a run, from differences of running sums of squares, is worthless once
 * values differ by a few orders of magnitude. Here a run is joined from two pieces that were made by
 * joining alone: at each of log n levels the atoms are cut in blocks, and every atom has the piece from it
 * to its block's middle. Two atoms are on both sides of a middle at just one level, which is the
 * highest bit in which their indices differ.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "kmeans.h"

struct table {
	size_t n;
	const struct xq_atom *atom;
	struct xq_atom *piece;		/* [level][n] */
	double *last, *now;		/* E(c - 1, .), E(c, .): n + 1 each */
	uint16_t *cut;			/* [k][n + 1]: best i */
};

static unsigned int levels_for(size_t n)
{
	return n > 1 ? 64 - (unsigned int)__builtin_clzll(n - 1) : 1;
}

static void fill_pieces(struct xq_atom *piece, const struct xq_atom *a, size_t n, unsigned int level)
{
	size_t half = (size_t)1 << level;

	for (size_t middle = half; middle < n; middle += 2 * half) {
		size_t end = middle + half < n ? middle + half : n;

		piece[middle - 1] = a[middle - 1];
		for (size_t i = middle - 1; i-- > middle - half;)
			piece[i] = xq_atom_join(a[i], piece[i + 1]);
		piece[middle] = a[middle];
		for (size_t i = middle + 1; i < end; i++)
			piece[i] = xq_atom_join(piece[i - 1], a[i]);
	}
}

static int table_init(struct table *t, const struct xq_atom *a, size_t n, size_t k)
{
	unsigned int levels = levels_for(n);

	*t = (struct table){
		.n = n, .atom = a,
		.piece = malloc(levels * n * sizeof(*t->piece)),
		.last = malloc((n + 1) * sizeof(*t->last)),
		.now = malloc((n + 1) * sizeof(*t->now)),
		.cut = malloc(k * (n + 1) * sizeof(*t->cut)),
	};
	if (!t->piece || !t->last || !t->now || !t->cut)
		return -ENOMEM;
	for (unsigned int l = 0; l < levels; l++)
		fill_pieces(t->piece + l * n, a, n, l);
	return 0;
}

static void table_free(struct table *t)
{
	free(t->piece);
	free(t->last);
	free(t->now);
	free(t->cut);
}

/* Atoms from to to, both included, as one. */
static inline struct xq_atom run(const struct table *t, size_t from, size_t to)
{
	const struct xq_atom *piece;

	if (from == to)
		return t->atom[from];
	piece = t->piece + (63 - (unsigned int)__builtin_clzll(from ^ to)) * t->n;
	return xq_atom_join(piece[from], piece[to]);
}

static void layer(struct table *t, size_t c, size_t from, size_t to, size_t least, size_t most)
{
	uint16_t *cut = t->cut + c * (t->n + 1);
	const uint16_t *before = cut - (t->n + 1);

	while (from <= to) {
		size_t j = from + (to - from) / 2, best = least, end = most < j - 1 ? most : j - 1;
		size_t begin = least > before[j] ? least : before[j];
		double error = INFINITY;

		for (size_t i = begin > c ? begin : c; i <= end && t->last[i] < error; i++) {
			double e = t->last[i] + run(t, i, j - 1).squares;

			if (e < error) {
				error = e;
				best = i;
			}
		}
		t->now[j] = error;
		cut[j] = (uint16_t)best;
		if (j > from)
			layer(t, c, from, j - 1, least, best);
		from = j + 1;
		least = best;
	}
}

int xq_kmeans_exact(const struct xq_atom *a, size_t n, size_t k, double *centroid)
{
	struct table t;
	int err = table_init(&t, a, n, k);

	if (!err) {
		for (size_t j = 1; j <= n; j++) {
			t.last[j] = run(&t, 0, j - 1).squares;
			t.cut[j] = 0;
		}
		for (size_t c = 1; c < k; c++) {
			double *swap = t.last;

			/* c + 1 runs need as many atoms; of the last layer only the end matters. */
			layer(&t, c, c + 1 < k ? c + 1 : n, n, c, n - 1);
			t.last = t.now;
			t.now = swap;
		}
		for (size_t c = k, end = n; c-- > 0;) {
			size_t from = c ? t.cut[c * (n + 1) + end] : 0;

			centroid[c] = run(&t, from, end - 1).mean;
			end = from;
		}
	}
	table_free(&t);
	return err;
}

void xq_kmeans_polish(const struct xq_atom *a, size_t n, size_t k, unsigned int rounds, double *centroid)
{
	bool moved = true;

	while (rounds-- && moved) {
		size_t at = 0;

		moved = false;
		for (size_t c = 0; c < k; c++) {
			double middle = c + 1 < k ? centroid[c] + (centroid[c + 1] - centroid[c]) / 2 : INFINITY;
			double weight = 0, off = 0, mean;

			for (; at < n && a[at].mean <= middle; at++) {
				weight += a[at].weight;
				off += a[at].weight * (a[at].mean - centroid[c]);
			}
			if (weight <= 0)
				continue;
			/* The next middle still needs this centroid's right neighbour only. */
			mean = centroid[c] + off / weight;
			moved |= mean != centroid[c];
			centroid[c] = mean;
		}
	}
}
