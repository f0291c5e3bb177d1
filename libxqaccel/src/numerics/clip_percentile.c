// SPDX-License-Identifier: MIT
/* Percentiles from a histogram, spread evenly inside a bin. */
#include <math.h>

#include "stats.h"

/* Walks bins in rising order of value until the rank is reached. */
struct walk {
	double rank;	/* how many elements are still below the answer */
	double value;
	bool found;
};

static void step(struct walk *w, double low, double high, uint64_t count)
{
	if (w->found || !count)
		return;
	if (w->rank < (double)count) {
		w->value = low + (high - low) * (w->rank + 0.5) / (double)count;
		w->found = true;
		return;
	}
	w->rank -= (double)count;
}

static double quantile_abs(const struct xq_stats *s, double fraction)
{
	struct walk w = { .rank = fraction * (double)(s->n - 1) };
	double width = ldexp(1, s->hist.exponent);

	step(&w, 0, 0, s->zeros);
	for (unsigned int i = 0; i < s->hist.bins; i++)
		step(&w, i * width, (i + 1) * width, s->hist.count[0][i] + s->hist.count[1][i]);
	return w.value;
}

static double quantile(const struct xq_stats *s, double fraction)
{
	struct walk w = { .rank = fraction * (double)(s->n - 1) };
	double width = ldexp(1, s->hist.exponent);

	for (unsigned int i = s->hist.bins; i-- > 0;)
		step(&w, -((i + 1) * width), -(i * width), s->hist.count[0][i]);
	step(&w, 0, 0, s->zeros);
	for (unsigned int i = 0; i < s->hist.bins; i++)
		step(&w, i * width, (i + 1) * width, s->hist.count[1][i]);
	return w.value;
}

void xq_clip_percentile(const struct xq_stats *stats, double percentile, enum xq_scheme scheme,
			double *low, double *high)
{
	if (percentile >= 100)
		return;
	if (scheme == XQ_SYMMETRIC) {
		*high = quantile_abs(stats, percentile / 100);
		*low = -*high;
	} else {
		*low = quantile(stats, 1 - percentile / 100);
		*high = quantile(stats, percentile / 100);
	}
}
