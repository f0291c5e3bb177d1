/* SPDX-License-Identifier: MIT */
/* What the formats with shared scales have in common. Internal. */
#ifndef XQ_NUMERICS_BLOCK_H
#define XQ_NUMERICS_BLOCK_H

#include <math.h>
#include <stddef.h>

static inline size_t xq_blocks(size_t k, size_t block)
{
	return k / block + (k % block != 0);
}

static inline double xq_max_abs(const float *x, size_t n)
{
	double largest = 0;

	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, fabs((double)x[i]));
	return largest;
}

/* Halves to even, for |v| < 2^51; larger values are integers already. */
static inline double xq_round_even_double(double v)
{
	const double magic = v < 0 ? -0x1p52 : 0x1p52;

	return fabs(v) < 0x1p51 ? (v + magic) - magic : v;
}

static inline double xq_round_clamp(double v, double low, double high)
{
	return xq_round_even_double(fmin(fmax(v, low), high));
}

/* floor(log2 v) of a positive number, as an 8-bit exponent can say it. */
static inline int xq_shared_exponent(double v)
{
	int e;

	if (v == 0)
		return -127;
	frexp(v, &e);
	e--;
	return e < -127 ? -127 : e > 127 ? 127 : e;
}

#endif
