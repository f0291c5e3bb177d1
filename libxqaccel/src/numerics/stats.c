// SPDX-License-Identifier: MIT
/* Accumulates what calibration needs: extremes, moments and a histogram that grows by merging. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "clip_analytic.h"
#include "clip_kl.h"
#include "clip_percentile.h"
#include "stats.h"

#define DEFAULT_ALPHA 0.01
#define DEFAULT_PERCENTILE 99.9

bool xq_calibration_valid(const struct xq_calibration *how)
{
	if (!how || how->method > XQ_CAL_KL)
		return false;
	if (how->bins && (how->bins < 64 || how->bins > 65536 || (how->bins & (how->bins - 1))))
		return false;
	if (how->alpha != 0 && !(how->alpha > 0 && how->alpha <= 1))
		return false;
	return how->percentile == 0 || (how->percentile > 50 && how->percentile <= 100);
}

bool xq_calibration_needs_histogram(const struct xq_calibration *how)
{
	return how->method >= XQ_CAL_PERCENTILE;
}

int xq_stats_init(struct xq_stats *stats, unsigned int bins)
{
	*stats = (struct xq_stats){ .hist = { .bins = bins, .exponent = INT32_MIN } };
	if (!bins)
		return 0;
	for (int side = 0; side < 2; side++) {
		stats->hist.count[side] = calloc(bins, sizeof(*stats->hist.count[side]));
		stats->hist.sum[side] = calloc(bins, sizeof(*stats->hist.sum[side]));
		stats->hist.squares[side] = calloc(bins, sizeof(*stats->hist.squares[side]));
		if (!stats->hist.count[side] || !stats->hist.sum[side] || !stats->hist.squares[side]) {
			xq_stats_free(stats);
			return -ENOMEM;
		}
	}
	return 0;
}

void xq_stats_free(struct xq_stats *stats)
{
	for (int side = 0; side < 2; side++) {
		free(stats->hist.count[side]);
		free(stats->hist.sum[side]);
		stats->hist.count[side] = NULL;
		stats->hist.sum[side] = NULL;
		free(stats->hist.squares[side]);
		stats->hist.squares[side] = NULL;
	}
}

static void merge_bins(struct xq_histogram *h, int shift)
{
	for (int side = 0; side < 2; side++) {
		for (unsigned int i = 1; i < h->bins; i++) {
			unsigned int to = shift > 31 ? 0 : i >> shift;

			h->count[side][to] += h->count[side][i];
			h->sum[side][to] += h->sum[side][i];
			h->squares[side][to] += h->squares[side][i];
			h->count[side][i] = 0;
			h->sum[side][i] = 0;
			h->squares[side][i] = 0;
		}
	}
}

/* Room for magnitudes up to largest, which is not zero. */
static void grow(struct xq_histogram *h, float largest)
{
	int exponent;

	frexp(largest, &exponent);
	exponent -= __builtin_ctz(h->bins);
	if (exponent <= h->exponent)
		return;
	if (h->exponent != INT32_MIN)
		merge_bins(h, exponent - h->exponent);
	h->exponent = exponent;
}

static void count_element(struct xq_stats *stats, float x, double inverse_width)
{
	struct xq_histogram *h = &stats->hist;
	double magnitude = fabs((double)x);
	unsigned int bin = (unsigned int)(magnitude * inverse_width);

	h->count[x > 0][bin]++;
	h->sum[x > 0][bin] += magnitude;
	h->squares[x > 0][bin] += magnitude * magnitude;
}

static void update_average(struct xq_stats *stats, const struct xq_calibration *how, float low,
			   float high)
{
	double weight = how->alpha > 0 ? how->alpha : DEFAULT_ALPHA;

	if (how->method == XQ_CAL_MEAN_MINMAX || !stats->batches)
		weight = 1.0 / (double)(stats->batches + 1);
	stats->low += weight * ((double)low - stats->low);
	stats->high += weight * ((double)high - stats->high);
	stats->batches++;
}

void xq_stats_feed(struct xq_stats *stats, const struct xq_calibration *how, const float *x,
		   const struct xq_cell *cell)
{
	float low = INFINITY, high = -INFINITY;
	double inverse_width;

	if (!cell->runs || !cell->run)
		return;
	for (size_t r = 0; r < cell->runs; r++) {
		const float *run = x + cell->start + r * cell->stride;

		for (size_t e = 0; e < cell->run; e++) {
			float v = run[e * cell->step];

			low = v < low ? v : low;
			high = v > high ? v : high;
		}
	}
	stats->min = stats->n && stats->min < low ? stats->min : low;
	stats->max = stats->n && stats->max > high ? stats->max : high;
	stats->n += (uint64_t)cell->runs * cell->run;
	update_average(stats, how, low, high);
	if (!stats->hist.bins)
		return;
	if (low != 0 || high != 0)
		grow(&stats->hist, fmaxf(fabsf(low), fabsf(high)));
	/* With zeros only there is no bin to be found. */
	inverse_width = stats->hist.exponent == INT32_MIN ? 0 : ldexp(1, -stats->hist.exponent);
	for (size_t r = 0; r < cell->runs; r++) {
		const float *run = x + cell->start + r * cell->stride;

		for (size_t e = 0; e < cell->run; e++) {
			double v = run[e * cell->step];

			stats->sum += v;
			stats->sum_abs += fabs(v);
			stats->sum_squares += v * v;
			if (v != 0)
				count_element(stats, run[e * cell->step], inverse_width);
			else
				stats->zeros++;
		}
	}
}

double xq_calibration_percentile(const struct xq_calibration *how)
{
	return how->percentile > 0 ? how->percentile : DEFAULT_PERCENTILE;
}

void xq_clamp_range(float min, float max, enum xq_scheme scheme, double from, double to, float *low,
		    float *high)
{
	if (scheme == XQ_SYMMETRIC) {
		to = fmin(fmax(fabs(from), fabs(to)), fmax(fabs((double)min), fabs((double)max)));
		from = -to;
	} else {
		from = fmin(fmax(from, (double)min), 0);
		to = fmax(fmin(to, (double)max), 0);
	}
	*low = (float)from + 0.0f;
	*high = (float)to + 0.0f;
}

static int kl_range(const struct xq_stats *stats, const struct xq_qtype *type, enum xq_scheme scheme,
		    double *low, double *high)
{
	const struct xq_histogram *h = &stats->hist;
	struct xq_kl kl;
	int err = xq_kl_init(&kl, h->bins);

	if (err)
		return err;
	xq_kl_begin(&kl, stats->min, stats->max, stats->n - stats->zeros);
	for (unsigned int i = 0; i < h->bins; i++) {
		uint64_t count = h->count[0][i] + h->count[1][i];

		if (count)
			xq_kl_bin(&kl, i >> (kl.exponent - h->exponent), (double)count);
	}
	*high = xq_kl_clip(&kl, type, scheme);
	*low = -*high;
	xq_kl_free(&kl);
	return 0;
}

int xq_stats_range(const struct xq_stats *stats, const struct xq_calibration *how, bool guarded,
		   const struct xq_qtype *type, enum xq_scheme scheme, float *low, float *high)
{
	enum xq_calibrate method = how->method;
	double from, to;
	float whole[2];
	int err = 0;

	if (!stats->n)
		return -ENODATA;
	if (stats->zeros == stats->n)
		method = XQ_CAL_MINMAX;
	xq_clamp_range(stats->min, stats->max, scheme, (double)stats->min, (double)stats->max, low, high);
	switch (method) {
	case XQ_CAL_MINMAX:
		return 0;
	case XQ_CAL_MSE:
		return xq_stats_best_range(stats, type, scheme, low, high);
	case XQ_CAL_MEAN_MINMAX:
	case XQ_CAL_EMA:
		from = stats->low;
		to = stats->high;
		break;
	case XQ_CAL_PERCENTILE:
		xq_percentile_of_stats(stats, xq_calibration_percentile(how), scheme, &from, &to);
		break;
	case XQ_CAL_KL:
		err = kl_range(stats, type, scheme, &from, &to);
		break;
	default:
		xq_analytic_of_stats(stats, method, type, scheme, &from, &to);
	}
	if (err)
		return err;
	whole[0] = *low;
	whole[1] = *high;
	xq_clamp_range(stats->min, stats->max, scheme, from, to, low, high);
	/* A distribution that was assumed wrongly must not cost more than no assumption. */
	if ((guarded || method == XQ_CAL_LAPLACE || method == XQ_CAL_GAUSS) &&
	    !(xq_stats_error(stats, type, scheme, *low, *high).most <
	      xq_stats_error(stats, type, scheme, whole[0], whole[1]).least)) {
		*low = whole[0];
		*high = whole[1];
	}
	return 0;
}
