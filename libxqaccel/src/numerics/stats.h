/* SPDX-License-Identifier: MIT */
/* What calibration keeps of the values it has seen. Internal. */
#ifndef XQ_NUMERICS_STATS_H
#define XQ_NUMERICS_STATS_H

#include <xqaccel/calibrate.h>

#include "layout.h"

/* On each side of zero. */
#define XQ_DEFAULT_BINS 4096

/*
 * Bin i of a side holds the magnitudes in [i, i + 1) * 2^exponent. The exponent is the least
 * one for which the largest magnitude fits, so it depends on the data and not on its order.
 */
struct xq_histogram {
	unsigned int bins;
	int exponent;
	uint64_t *count[2];	/* [0] negative values, [1] positive ones; zeros are in neither */
	double *sum[2];		/* of the magnitudes */
	double *squares[2];	/* sum of squares */
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

/*
 * -ENODATA, -ENOMEM or the range. @guarded: it is min-max unless that of the method certainly has less squared error,
 * for which there must be a histogram.
 */
int xq_stats_range(const struct xq_stats *stats, const struct xq_calibration *how, bool guarded,
		   const struct xq_qtype *type, enum xq_scheme scheme, float *low, float *high);

/* ---- what observers and tensors have in common -------------------------------------------------- */

double xq_calibration_percentile(const struct xq_calibration *how);

/* No method but the least squared error may ask for more than was there; zero is in every range. */
void xq_clamp_range(float min, float max, enum xq_scheme scheme, double from, double to, float *low,
		    float *high);

/* ---- the least squared error of a histogram ----------------------------------------------------- */

/* The squared error of a range lies between these. */
struct xq_error_bounds {
	double least, most;
};

struct xq_error_bounds xq_stats_error(const struct xq_stats *stats, const struct xq_qtype *type,
				      enum xq_scheme scheme, float low, float high);

/* Searches with each bin's elements at their mean; [low, high] is min-max before. 0 or -ENOMEM. */
int xq_stats_best_range(const struct xq_stats *stats, const struct xq_qtype *type,
			enum xq_scheme scheme, float *low, float *high);

#endif
