// SPDX-License-Identifier: MIT
/* Sorts values by counting, a chunk at a time, so that memory doesn't grow with the input. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "atoms.h"

/* Values that are sorted at once; inputs that are larger are thinned to fewer atoms on the way. */
#define CHUNK 65536
#define THINNED 16384

/* Rounds of the search for the width of a cell, and how near is near enough. */
#define WIDTH_ROUNDS 200
#define WIDTH_NEAR 1.02

#define DIGIT_BITS 8
#define DIGITS (1u << DIGIT_BITS)

struct item {
	uint32_t key;
	float weight;
};

/* An order of integers that is the order of the values. */
static uint32_t key_of(float value)
{
	uint32_t bits;

	value += 0.0f;		/* one zero, not two */
	memcpy(&bits, &value, sizeof(bits));
	return bits >> 31 ? ~bits : bits | 0x80000000;
}

static double value_of(uint32_t key)
{
	float value;

	key = key >> 31 ? key & 0x7fffffff : ~key;
	memcpy(&value, &key, sizeof(value));
	return (double)value;
}

/* Stable, so that weights of equal values are added up in the order of the input. */
static void sort(struct item *from, struct item *to, size_t n)
{
	for (unsigned int shift = 0; shift < 32; shift += DIGIT_BITS) {
		size_t place[DIGITS] = { 0 }, sum = 0;
		struct item *swap = from;

		for (size_t i = 0; i < n; i++)
			place[from[i].key >> shift & (DIGITS - 1)]++;
		for (unsigned int d = 0; d < DIGITS; d++) {
			size_t count = place[d];

			place[d] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			to[place[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
		from = to;
		to = swap;
	}
}

/* Appends an atom, or joins it to the last if it has the same value. */
static size_t append(struct xq_atom *a, size_t n, struct xq_atom next)
{
	if (!n || a[n - 1].mean != next.mean) {
		a[n] = next;
		return n + 1;
	}
	a[n - 1] = xq_atom_join(a[n - 1], next);
	return n;
}

/* Atoms of a and sorted items, in one rising sequence. */
static size_t merge(const struct xq_atom *a, size_t n, const struct item *item, size_t items, int exponent,
		    struct xq_atom *out)
{
	size_t count = 0, at = 0;

	for (size_t i = 0; i < items; i++) {
		struct xq_atom next = { (double)item[i].weight, ldexp(value_of(item[i].key), -exponent), 0 };

		while (at < n && a[at].mean <= next.mean)
			count = append(out, count, a[at++]);
		count = append(out, count, next);
	}
	while (at < n)
		count = append(out, count, a[at++]);
	return count;
}

/* How far apart two neighbours are in cells of width 1. */
static double distance(const struct xq_atom *a)
{
	double gap = a[1].mean - a[0].mean;

	return cbrt(gap * gap * (a[0].weight + a[1].weight) / 2);
}

/*
 * The width that makes about as many cells as wanted. A wide gap ends one cell and begins another,
 * no more: it counts for at most one width, which makes the width smaller, and so on.
 */
static double cell_width(const double *gap, size_t gaps, size_t cells)
{
	double width = INFINITY;

	for (int round = 0; round < WIDTH_ROUNDS; round++) {
		double sum = 0, last = width;

		for (size_t i = 0; i < gaps; i++)
			sum += gap[i] < width ? gap[i] : width;
		width = sum / (double)cells;
		if (last <= width * WIDTH_NEAR)
			break;
	}
	return width;
}

size_t xq_atoms_thin(struct xq_atom *a, size_t n, size_t most)
{
	double *gap, width, at = 0;
	size_t count = 0, cell = 0;

	if (n <= most)
		return n;
	gap = malloc(n * sizeof(*gap));
	if (!gap)
		return 0;
	for (size_t i = 0; i + 1 < n; i++)
		gap[i] = distance(a + i);
	width = cell_width(gap, n - 1, most - 1);
	for (size_t i = 0; i < n; i++) {
		size_t here = (size_t)(at / width);

		here = here < most ? here : most - 1;
		if (i && here == cell)
			a[count - 1] = xq_atom_join(a[count - 1], a[i]);
		else
			a[count++] = a[i];
		cell = here;
		at += fmin(gap[i < n - 1 ? i : 0], width);
	}
	free(gap);
	return count;
}

/* Items of one chunk; those without weight are left out. */
static size_t take(const float *x, const float *weight, size_t n, struct item *item)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		float w = weight ? weight[i] : 1;

		if (w > 0)
			item[count++] = (struct item){ key_of(x[i]), w };
	}
	return count;
}

int xq_atoms_make(const float *x, const float *weight, size_t n, int exponent, struct xq_atom **out, size_t *count)
{
	size_t chunk = n < CHUNK ? n : CHUNK, room = n > CHUNK ? CHUNK + THINNED : n;
	struct item *item = malloc(2 * chunk * sizeof(*item) + 1);
	struct xq_atom *atoms = malloc(room * sizeof(*atoms) + 1);
	struct xq_atom *next = malloc(room * sizeof(*next) + 1);
	size_t have = 0;
	int err = item && atoms && next ? 0 : -ENOMEM;

	for (size_t from = 0; from < n && !err; from += chunk) {
		size_t items = take(x + from, weight ? weight + from : NULL, n - from < chunk ? n - from : chunk, item);
		struct xq_atom *swap = atoms;

		sort(item, item + chunk, items);
		have = merge(atoms, have, item, items, exponent, next);
		atoms = next;
		next = swap;
		if (n > CHUNK && have) {
			have = xq_atoms_thin(atoms, have, THINNED);
			err = have ? 0 : -ENOMEM;
		}
	}
	free(item);
	free(next);
	if (err) {
		free(atoms);
		return err;
	}
	*out = atoms;
	*count = have;
	return 0;
}
