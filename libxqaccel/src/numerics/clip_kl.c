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

/* The bins of the histogram that are not empty. */
struct filled {
	int n;
	int bin[KL_BINS];
	double mass[KL_BINS];
};

/* The bins from first to last, which share a code, against their mean. */
static double level_divergence(const struct filled *f, int first, int last, int clip, double outliers,
			       double kept, double total)
{
	double mass = 0, sum = 0, q;

	for (int i = first; i < last; i++)
		mass += f->mass[i];
	q = mass / (last - first) / kept;
	for (int i = first; i < last; i++) {
		double p = (f->mass[i] + (f->bin[i] == clip - 1 ? outliers : 0)) / total;

		sum += p * log(p / q);
	}
	return sum;
}

/* Bin i has code ((i + 1) levels - 1) / clip: codes begin at floor(code clip / levels). */
static double divergence(const struct filled *f, int clip, int levels, double outliers, double total)
{
	double kept = total - outliers, sum = 0;
	int i = 0;

	if (kept <= 0)
		return INFINITY;
	while (i < f->n && f->bin[i] < clip) {
		int64_t level = ((int64_t)(f->bin[i] + 1) * levels - 1) / clip;
		int end = i + 1;

		while (end < f->n && f->bin[end] < clip &&
		       ((int64_t)(f->bin[end] + 1) * levels - 1) / clip == level)
			end++;
		sum += level_divergence(f, i, end, clip, outliers, kept, total);
		i = end;
	}
	/* The clipped mass is in a bin that was empty: Q has nothing there. */
	if (outliers > 0 && (i == 0 || f->bin[i - 1] != clip - 1))
		sum += outliers / total * log(outliers / total / KL_FLOOR);
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
	struct filled *filled;

	if (levels >= KL_BINS)
		return 0;
	hist = calloc(KL_BINS, sizeof(*hist));
	filled = calloc(1, sizeof(*filled));
	if (!hist || !filled) {
		free(hist);
		free(filled);
		return -ENOMEM;
	}
	resample(stats, largest, hist);
	for (int i = 0; i < KL_BINS; i++) {
		total += hist[i];
		if (hist[i] > 0) {
			filled->bin[filled->n] = i;
			filled->mass[filled->n++] = hist[i];
		}
	}
	for (int n = 1; n <= KL_BINS; n++) {
		double loss;

		below += hist[n - 1];
		if (n < levels)
			continue;
		loss = divergence(filled, n, levels, fmax(total - below, 0), total);
		if (loss < least) {
			least = loss;
			best = n;
		}
	}
	free(hist);
	free(filled);
	*high = largest * best / KL_BINS;
	*low = -*high;
	return 0;
}
