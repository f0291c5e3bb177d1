// SPDX-License-Identifier: MIT
/*
 * The clip that loses least information (Migacz, 8-bit inference with TensorRT, 2017).
 *
 * P is the histogram of |x| up to a candidate, with everything above it in its last bin. Q is
 * the same histogram merged into as many bins as there are codes and spread out again over the
 * bins that were not empty. The candidate with the least sum of P log(P / Q) wins.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "stats.h"

#define KL_BINS 2048

/* Mass of an empty bin of Q where P has some: the outliers that were clipped. */
#define KL_FLOOR 1e-12

/* |x| in 2048 equal bins over [0, largest]; a bin's mass is spread evenly. */
static void resample(const struct xq_stats *s, double largest, double *out)
{
	double width = ldexp(1, s->hist.exponent), target = largest / KL_BINS;

	for (unsigned int i = 0; i < s->hist.bins; i++) {
		double mass = (double)(s->hist.count[0][i] + s->hist.count[1][i]);
		double from = i * width, to = fmin((i + 1) * width, largest);

		if (mass == 0)
			continue;
		if (to <= from) {
			out[KL_BINS - 1] += mass;
			continue;
		}
		for (double at = from; at < to;) {
			int bin = (int)(at / target);
			double end;

			bin = bin < KL_BINS ? bin : KL_BINS - 1;
			end = bin == KL_BINS - 1 ? to : fmin((bin + 1) * target, to);
			/* Rounding may leave the division one bin low. */
			if (end <= at) {
				bin = bin + 1 < KL_BINS ? bin + 1 : bin;
				end = bin == KL_BINS - 1 ? to : fmin((bin + 1) * target, to);
			}
			out[bin] += mass * (end - at) / (to - from);
			at = end;
		}
	}
}

static double divergence(const double *hist, int n, int levels, double outliers, double total)
{
	double kept = total - outliers, sum = 0;

	if (kept <= 0)
		return INFINITY;
	for (int level = 0; level < levels; level++) {
		int from = (int)((int64_t)level * n / levels), to = (int)((int64_t)(level + 1) * n / levels);
		double mass = 0;
		int filled = 0;

		for (int i = from; i < to; i++) {
			mass += hist[i];
			filled += hist[i] > 0;
		}
		for (int i = from; i < to; i++) {
			double p = (hist[i] + (i == n - 1 ? outliers : 0)) / total;
			double q = hist[i] > 0 ? mass / filled / kept : KL_FLOOR;

			if (p > 0)
				sum += p * log(p / q);
		}
	}
	return sum;
}

int xq_clip_kl(const struct xq_stats *stats, const struct xq_qtype *type, enum xq_scheme scheme,
	       double *low, double *high)
{
	double largest = fmax(fabs((double)stats->min), fabs((double)stats->max));
	bool one_sided = stats->min >= 0 || stats->max <= 0;
	int codes = type->max - type->min + 1, best = KL_BINS;
	int levels = scheme == XQ_SYMMETRIC ? type->max + 1 : one_sided ? codes : codes / 2;
	double *hist, least = INFINITY, total = 0, below = 0;

	if (levels >= KL_BINS)
		return 0;
	hist = calloc(KL_BINS, sizeof(*hist));
	if (!hist)
		return -ENOMEM;
	resample(stats, largest, hist);
	for (int i = 0; i < KL_BINS; i++)
		total += hist[i];
	for (int n = 1; n <= KL_BINS; n++) {
		double loss;

		below += hist[n - 1];
		if (n < levels)
			continue;
		loss = divergence(hist, n, levels, fmax(total - below, 0), total);
		if (loss < least) {
			least = loss;
			best = n;
		}
	}
	free(hist);
	*high = largest * best / KL_BINS;
	*low = -*high;
	return 0;
}
