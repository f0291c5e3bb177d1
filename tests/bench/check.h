/* SPDX-License-Identifier: MIT */
/* Whether a product is right, by a reference of its own. */
#ifndef XQ_BENCH_CHECK_H
#define XQ_BENCH_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "operand.h"

/* Group scales of integer jobs; scales are NULL without. */
struct check_scales {
	uint32_t group;
	const int32_t *a;	/* [m][k / group] */
	const int32_t *b;	/* [n][k / group] */
};

/*
 * Compares C [m][n] with A B^T. Every element if the product is small; else 16 x 16 sampled
 * elements, and all of C by a random vector x: C x = A (B^T x) modulo 2^64, which one wrong
 * element passes with a probability below 2^-32.
 * Return: NULL, or the first difference in words, in a static buffer. *full: which of the two.
 */
const char *check_product(const struct operand *a, const struct operand *b,
			  const struct check_scales *scales, const int32_t *c, bool *full);

/* As above for a peer's result in steps of `unit`, saturated to +-limit steps. */
const char *check_rounded(const struct operand *a, const struct operand *b, const int32_t *c,
			  float unit, int32_t limit);

#endif
