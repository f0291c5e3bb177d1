/* SPDX-License-Identifier: MIT */
/* Percentiles of values and of histograms; n > 0. Internal. */
#ifndef XQ_NUMERICS_CLIP_PERCENTILE_H
#define XQ_NUMERICS_CLIP_PERCENTILE_H

#include "points.h"
#include "stats.h"

/* 0 or -ENOMEM. */
int xq_percentile_of_points(const struct xq_points *p, double percentile, enum xq_scheme scheme, double *low,
			    double *high);
void xq_percentile_of_stats(const struct xq_stats *stats, double percentile, enum xq_scheme scheme, double *low,
			    double *high);

#endif
