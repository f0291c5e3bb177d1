/* SPDX-License-Identifier: MIT */
/* Histograms of magnitudes and the clip with the least Kullback-Leibler divergence. Internal. */
#ifndef XQ_NUMERICS_CLIP_KL_H
#define XQ_NUMERICS_CLIP_KL_H

#include "points.h"

/*
 * Bin i holds magnitudes in [i, i + 1) * 2^exponent, the largest is in the upper half of the bins;
 * zeros are in none. Only bins that are not empty are listed, in rising order.
 */
struct xq_kl {
	unsigned int room, bins, filled;
	int exponent;
	float min, max;
	uint32_t *index;
	double *count;
	uint32_t *before;		/* scratch: filled bins below each bin */
	double *mass, *entropy;		/* scratch: running sums of count and count log count */
};

/* 0 or -ENOMEM; may then be used for any number of histograms of at most room bins, a power of two. */
int xq_kl_init(struct xq_kl *kl, unsigned int room);
void xq_kl_free(struct xq_kl *kl);

/*
 * Either all values, or the range and the number of values that are not zero, which choose bins and
 * exponent, and then the bins in rising order.
 */
void xq_kl_values(struct xq_kl *kl, const struct xq_points *p);
void xq_kl_begin(struct xq_kl *kl, float min, float max, uint64_t n);
void xq_kl_bin(struct xq_kl *kl, unsigned int bin, double count);

/* The clip of |x| for a target; the largest magnitude if nothing is better. */
double xq_kl_clip(struct xq_kl *kl, const struct xq_qtype *type, enum xq_scheme scheme);

#endif
