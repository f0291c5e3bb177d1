/* SPDX-License-Identifier: MIT */
/* What calibration keeps of the values it has seen. Internal. */
#ifndef XQ_NUMERICS_STATS_H
#define XQ_NUMERICS_STATS_H

#include <xqaccel/calibrate.h>

#include "layout.h"

/*
 * Bin i of a side holds the magnitudes in [i, i + 1) * 2^exponent. The exponent is the least
 * one for which the largest magnitude fits, so it depends on the data and not on its order.
 */
struct xq_histogram {
	unsigned int bins;
	int exponent;
	uint64_t *count[2];	/* [0] negative values, [1] positive ones; zeros are in neither */
	double *sum[2];		/* of the magnitudes */
};

struct xq_stats {
	uint64_t n, zeros, batches;
	float min, max;
	double sum, sum_abs, sum_squares;
	double low, high;	/* running mean or moving average of the batches' ranges */
	struct xq_histogram hist;
};

bool xq_calibration_valid(const struct xq_calibration *how);
bool xq_calibration_needs_histogram(const struct xq_calibration *how);

/* bins 0: no histogram. 0 or -ENOMEM. */
int xq_stats_init(struct xq_stats *stats, unsigned int bins);
void xq_stats_free(struct xq_stats *stats);

/* Takes in the elements of a cell, which must all be finite. */
void xq_stats_feed(struct xq_stats *stats, const struct xq_calibration *how, const float *x,
		   const struct xq_cell *cell);

/* -ENODATA or the range. */
int xq_stats_range(const struct xq_stats *stats, const struct xq_calibration *how,
		   const struct xq_qtype *type, enum xq_scheme scheme, float *low, float *high);

/* The methods; they need n > 0. */
void xq_clip_percentile(const struct xq_stats *stats, double percentile, enum xq_scheme scheme,
			double *low, double *high);
void xq_clip_mse(const struct xq_stats *stats, const struct xq_qtype *type, enum xq_scheme scheme,
		 double *low, double *high);
void xq_clip_analytic(const struct xq_stats *stats, enum xq_calibrate method,
		      const struct xq_qtype *type, enum xq_scheme scheme, double *low, double *high);
/* 0 or -ENOMEM. */
int xq_clip_kl(const struct xq_stats *stats, const struct xq_qtype *type, enum xq_scheme scheme,
	       double *low, double *high);

#endif
