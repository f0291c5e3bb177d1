/* SPDX-License-Identifier: MIT */
/* The best clip of an assumed distribution, from values or a histogram; n > 0. Internal. */
#ifndef XQ_NUMERICS_CLIP_ANALYTIC_H
#define XQ_NUMERICS_CLIP_ANALYTIC_H

#include "points.h"
#include "stats.h"

void xq_analytic_of_points(const struct xq_points *p, enum xq_calibrate method, const struct xq_qtype *type,
			   enum xq_scheme scheme, double *low, double *high);
void xq_analytic_of_stats(const struct xq_stats *stats, enum xq_calibrate method, const struct xq_qtype *type,
			  enum xq_scheme scheme, double *low, double *high);

#endif
