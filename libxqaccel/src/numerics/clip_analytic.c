// SPDX-License-Identifier: MIT
/* The best clip of an assumed distribution (ACIQ). The formulas are in calibrate.h. */
#include <math.h>

#include "clip_analytic.h"

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

static bool one_sided(float min, float max)
{
	return min >= 0 || max <= 0;
}

/* Where all codes lie on one side there are as many levels as one more bit gives. */
static bool more_levels(const struct xq_qtype *type, enum xq_scheme scheme, bool one)
{
	return scheme == XQ_AFFINE ? one : type->min >= 0;
}

static void clip_at(enum xq_calibrate method, const struct xq_qtype *type, bool more, double center,
		    double spread, double *low, double *high)
{
	unsigned int bits = type->bits + more;
	double clip = spread * (method == XQ_CAL_LAPLACE ? xq_laplace_clip(bits) : xq_gauss_clip(bits));

	*low = center - clip;
	*high = center + clip;
}

void xq_analytic_of_points(const struct xq_points *p, enum xq_calibrate method, const struct xq_qtype *type,
			   enum xq_scheme scheme, double *low, double *high)
{
	bool one = one_sided(p->min, p->max), affine = scheme == XQ_AFFINE;
	double n = (double)p->n, sum = 0, center = 0, spread = 0;

	if (affine && !one) {
		for (size_t i = 0; i < p->n; i++)
			sum += (double)p->value[i];
		center = sum / n;
	}
	for (size_t i = 0; i < p->n; i++) {
		double off = (double)p->value[i] - center;

		spread += method == XQ_CAL_LAPLACE ? fabs(off) : off * off;
	}
	spread = method == XQ_CAL_LAPLACE ? spread / n : sqrt(spread / n);
	clip_at(method, type, more_levels(type, scheme, one), center, spread, low, high);
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

void xq_analytic_of_stats(const struct xq_stats *stats, enum xq_calibrate method, const struct xq_qtype *type,
			  enum xq_scheme scheme, double *low, double *high)
{
	bool one = one_sided(stats->min, stats->max), affine = scheme == XQ_AFFINE;
	double n = (double)stats->n, center = affine && !one ? stats->sum / n : 0, spread;

	if (method == XQ_CAL_LAPLACE)
		spread = center != 0 ? mean_deviation(stats, center) : stats->sum_abs / n;
	else
		spread = sqrt(fmax(stats->sum_squares / n - center * center, 0));
	clip_at(method, type, more_levels(type, scheme, one), center, spread, low, high);
}
