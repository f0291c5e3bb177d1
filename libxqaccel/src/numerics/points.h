/* SPDX-License-Identifier: MIT */
/* Values with weights, and what a range costs them. Internal. */
#ifndef XQ_NUMERICS_POINTS_H
#define XQ_NUMERICS_POINTS_H

#include <xqaccel/quantize.h>

#include "layout.h"
#include "quantize_kernels.h"

/* weight NULL: each counts once. */
struct xq_points {
	const float *value, *weight;
	size_t n;
	float min, max;
};

/*
 * The elements of a cell one after the other: where they stand if they do, else copied to
 * *copy, which grows as needed and belongs to the caller (begin with NULL and 0). 0 or -ENOMEM.
 */
int xq_points_of_cell(const float *x, const struct xq_cell *cell, float **copy, size_t *room,
		      struct xq_points *out);

/* At most this many points are searched one by one; more of them are gathered in bins first. */
#define XQ_POINTS_MANY 16384

/*
 * Bins of equal ratio: the sign, the exponent and eight bits of the mantissa. Each that is not empty
 * becomes a point at its mean; zeros are left out, any scale represents them. 0 or -ENOMEM;
 * xq_points_free() what was made.
 */
int xq_points_gather(const struct xq_points *all, struct xq_points *out);
void xq_points_free(struct xq_points *made);

/* Squared error of a range with the parameters that xq_range_params() makes of it. */
double xq_points_error(const struct xq_points *p, const struct xq_qtype *type, enum xq_scheme scheme,
		       float low, float high);

/*
 * The range with the least squared error that a search finds; [low, high] is min-max before and
 * the result after. Never worse than min-max, for these points. 0 or -ENOMEM.
 */
int xq_points_best_range(const struct xq_points *p, const struct xq_qtype *type, enum xq_scheme scheme,
			 float *low, float *high);

#endif
