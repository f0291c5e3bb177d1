// SPDX-License-Identifier: MIT
/*
 * Clipping with the least mean squared error, by Newton-Raphson (OCTAV).
 *
 * With one end at s and the other at t (|x| on [0, s] if symmetric), the error is
 *	J(s) = sum over x > s of (x - s)^2  +  N step^2 / 12,	step = (s - t) / levels
 * where N counts the elements inside that are not zero (zero is represented exactly). Newton's
 * step on J, whose second derivative is piecewise constant, is
 *	s <- (sum over x > s of x  +  N k t) / (count of x > s  +  N k),   k = 1 / (12 levels^2)
 * The paper's 4^-B / 3 is k for levels = 2^(B - 1); here levels is what the type has.
 */
#include <math.h>

#include "stats.h"

#define STEPS 64

/* One side of the histogram, or both by magnitude. */
struct side {
	const struct xq_histogram *h;
	bool negative, positive;
};

static double bin_count(const struct side *s, unsigned int i)
{
	return (s->negative ? (double)s->h->count[0][i] : 0) +
	       (s->positive ? (double)s->h->count[1][i] : 0);
}

static double bin_sum(const struct side *s, unsigned int i)
{
	return (s->negative ? s->h->sum[0][i] : 0) + (s->positive ? s->h->sum[1][i] : 0);
}

/* A bin counts as above when its mean is. */
static void split(const struct side *s, double at, double *inside, double *above, double *sum_above)
{
	*inside = *above = *sum_above = 0;
	for (unsigned int i = 0; i < s->h->bins; i++) {
		double count = bin_count(s, i), sum = bin_sum(s, i);

		if (sum > at * count) {
			*above += count;
			*sum_above += sum;
		} else {
			*inside += count;
		}
	}
}

static double mean(const struct side *s)
{
	double inside, above, sum;

	split(s, -1, &inside, &above, &sum);
	return above > 0 ? sum / above : 0;
}

/* Magnitude of the end of this side, given how many elements of the other side are inside. */
static double newton(const struct side *s, double at, double other_end, double other_inside, double k)
{
	double inside, above, sum, weight;

	split(s, at, &inside, &above, &sum);
	weight = (inside + other_inside) * k;
	if (above + weight <= 0)
		return 0;
	return fmax((sum - weight * other_end) / (above + weight), 0);
}

static double inside_of(const struct side *s, double at)
{
	double inside, above, sum;

	split(s, at, &inside, &above, &sum);
	return inside;
}

void xq_clip_mse(const struct xq_stats *stats, const struct xq_qtype *type, enum xq_scheme scheme,
		 double *low, double *high)
{
	struct side up = { &stats->hist, scheme == XQ_SYMMETRIC, true };
	struct side down = { &stats->hist, scheme != XQ_SYMMETRIC, false };
	double levels = scheme == XQ_SYMMETRIC ? type->max : type->max - type->min;
	double k = 1 / (12 * levels * levels);
	double to = mean(&up), from = mean(&down);

	for (int i = 0; i < STEPS; i++) {
		double last_to = to, last_from = from;

		to = newton(&up, to, from, inside_of(&down, from), k);
		from = newton(&down, from, to, inside_of(&up, to), k);
		if (fabs(to - last_to) + fabs(from - last_from) <= 1e-12 * (to + from))
			break;
	}
	*high = to;
	*low = scheme == XQ_SYMMETRIC ? -to : -from;
}
