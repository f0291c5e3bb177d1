// SPDX-License-Identifier: MIT
/* The best clip of an assumed distribution (ACIQ). The formulas are in calibrate.h. */
#include <math.h>

#include "stats.h"

double xq_laplace_clip(unsigned int bits)
{
	double target, a;

	if (bits < 1 || bits > 24)
		return 0;
	/* log(a) + a = log(3 * 4^M): concave, so that Newton from below the root converges. */
	target = log(3) + bits * log(4);
	a = 1;
	for (int i = 0; i < 50; i++)
		a -= (log(a) + a - target) / (1 / a + 1);
	return a;
}

double xq_gauss_clip(unsigned int bits)
{
	double low = 0, high = 20;

	if (bits < 1 || bits > 24)
		return 0;
	for (int i = 0; i < 100; i++) {
		double a = (low + high) / 2;
		double density = exp(-a * a / 2) / sqrt(2 * M_PI);
		double tail = erfc(a / sqrt(2)) / 2;

		if (2 * (density - a * tail) > a / (3 * pow(4, bits)))
			low = a;
		else
			high = a;
	}
	return low;
}

/* Mean of |x - center|; bins count with their mean. */
static double mean_deviation(const struct xq_stats *s, double center)
{
	double total = (double)s->zeros * fabs(center);

	for (int side = 0; side < 2; side++) {
		for (unsigned int i = 0; i < s->hist.bins; i++) {
			double count = (double)s->hist.count[side][i], sum = s->hist.sum[side][i];

			total += fabs((side ? sum : -sum) - count * center);
		}
	}
	return total / (double)s->n;
}

void xq_clip_analytic(const struct xq_stats *stats, enum xq_calibrate method,
		      const struct xq_qtype *type, enum xq_scheme scheme, double *low, double *high)
{
	double n = (double)stats->n, center = 0, spread, clip;
	unsigned int bits = type->bits;
	bool one_sided = stats->min >= 0 || stats->max <= 0;

	/* All codes of an affine type lie on the one side: as many levels as one more bit gives. */
	if (scheme == XQ_AFFINE && one_sided)
		bits++;
	else if (scheme == XQ_AFFINE)
		center = stats->sum / n;
	if (method == XQ_CAL_LAPLACE) {
		spread = center != 0 ? mean_deviation(stats, center) : stats->sum_abs / n;
		clip = xq_laplace_clip(bits) * spread;
	} else {
		spread = sqrt(fmax(stats->sum_squares / n - center * center, 0));
		clip = xq_gauss_clip(bits) * spread;
	}
	*low = center - clip;
	*high = center + clip;
}
