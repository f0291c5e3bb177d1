// SPDX-License-Identifier: MIT
/*
 * The least squared error of what an observer keeps.
 *
 * A bin knows how many elements it has, their sum and their sum of squares. If all of them get one
 * code, that gives their squared error exactly. If not, giving all of them the code of their mean
 * is the most it can be; and no element is nearer to a code than the bin's ends are, as what lies
 * between the ends is the middle between two codes. A range is taken only if its most is below
 * the least of min-max: then it is better, wherever in their bins the elements are.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "points.h"
#include "stats.h"

/* Products and quotients in float32, which the bounds know nothing of. */
#define ROUNDING 1e-6

struct grid {
	double scale, low, high;	/* codes less the zero point */
};

static double code_of(const struct grid *g, double x)
{
	return fmin(fmax(rint(x / g->scale), g->low), g->high);
}

/* Elements in [from, to], signed. */
static void add_bin(const struct grid *g, double from, double to, double count, double sum, double squares,
		    struct xq_error_bounds *b)
{
	double mean = code_of(g, sum / count) * g->scale, first = code_of(g, from), last = code_of(g, to);
	double most = fmax(squares - 2 * mean * sum + mean * mean * count, 0), nearest;

	b->most += most;
	if (first == last) {
		b->least += most;
	} else if (last - first == 1) {
		nearest = fmin(fabs(from - first * g->scale), fabs(to - last * g->scale));
		b->least += fmin(nearest * nearest * count, most);
	}
}

struct xq_error_bounds xq_stats_error(const struct xq_stats *stats, const struct xq_qtype *type,
				      enum xq_scheme scheme, float low, float high)
{
	struct xq_qtype used = scheme == XQ_SYMMETRIC ? xq_qtype_symmetric(type) : *type;
	struct xq_error_bounds bounds = { 0, 0 };
	const struct xq_histogram *h = &stats->hist;
	double width = ldexp(1, h->exponent);
	int32_t zero_point = 0;
	struct grid grid;
	float scale;

	if (xq_range_params(low, high, type, scheme, &scale, &zero_point))
		return (struct xq_error_bounds){ 0, INFINITY };
	grid = (struct grid){ (double)scale, used.min - zero_point, used.max - zero_point };
	for (unsigned int i = 0; i < h->bins; i++) {
		double from = i * width, to = from + width;

		if (h->count[1][i])
			add_bin(&grid, from, fmin(to, (double)stats->max), (double)h->count[1][i],
				h->sum[1][i], h->squares[1][i], &bounds);
		if (h->count[0][i])
			add_bin(&grid, fmax(-to, (double)stats->min), -from, (double)h->count[0][i],
				-h->sum[0][i], h->squares[0][i], &bounds);
	}
	return bounds;
}

int xq_stats_best_range(const struct xq_stats *stats, const struct xq_qtype *type, enum xq_scheme scheme,
			float *low, float *high)
{
	const struct xq_histogram *h = &stats->hist;
	float *value = malloc(2 * (size_t)h->bins * sizeof(*value));
	float *weight = malloc(2 * (size_t)h->bins * sizeof(*weight));
	struct xq_points p = { .value = value, .weight = weight, .min = stats->min, .max = stats->max };
	float from = *low, to = *high;
	int err = value && weight ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < 2 * h->bins && !err; i++) {
		unsigned int side = i / h->bins, bin = i % h->bins;
		double count = (double)h->count[side][bin];

		if (count == 0)
			continue;
		value[p.n] = (float)((side ? 1 : -1) * h->sum[side][bin] / count);
		weight[p.n++] = (float)count;
	}
	if (!err)
		err = xq_points_best_range(&p, type, scheme, low, high);
	free(value);
	free(weight);
	if (!err && !(xq_stats_error(stats, type, scheme, *low, *high).most * (1 + ROUNDING) <
		      xq_stats_error(stats, type, scheme, from, to).least)) {
		*low = from;
		*high = to;
	}
	return err;
}
