/* SPDX-License-Identifier: MIT */
/* Weighted values in rising order, as many as there are or fewer that stand for them. Internal. */
#ifndef XQ_NUMERICS_ATOMS_H
#define XQ_NUMERICS_ATOMS_H

#include <stddef.h>
#include <stdint.h>

/* Values that are represented together: sum of weights, mean, and weighted squares about the mean. */
struct xq_atom {
	double weight, mean, squares;
};

/* Sums of nothing but what is not negative: no digits are lost, whatever the values. */
static inline struct xq_atom xq_atom_join(struct xq_atom a, struct xq_atom b)
{
	double weight = a.weight + b.weight, apart = b.mean - a.mean, share = b.weight / weight;

	return (struct xq_atom){
		.weight = weight,
		.mean = a.mean + apart * share,
		.squares = a.squares + b.squares + apart * apart * a.weight * share,
	};
}

/*
 * All values with a positive weight (NULL: one each), times 2^-exponent; equal ones are one
 * atom. If there are very many, neighbours are joined so that as many as tell most remain. The
 * caller frees *out. 0 or -ENOMEM.
 */
int xq_atoms_make(const float *x, const float *weight, size_t n, int exponent, struct xq_atom **out, size_t *count);

/*
 * Joins neighbours until at most most are left, in place; returns how many. Cells are those
 * of a quantizer with many levels that has the least squared error: the more atoms in a place, the
 * finer, by the cube root.
 */
size_t xq_atoms_thin(struct xq_atom *a, size_t n, size_t most);

#endif
