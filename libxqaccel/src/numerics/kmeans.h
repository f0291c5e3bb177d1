/* SPDX-License-Identifier: MIT */
/* k-means of sorted atoms. Internal. */
#ifndef XQ_NUMERICS_KMEANS_H
#define XQ_NUMERICS_KMEANS_H

#include "atoms.h"

/*
 * Cuts n atoms into k <= n runs with the least squared error, exactly, and writes the means of the
 * runs in rising order. n < 65536. 0 or -ENOMEM.
 */
int xq_kmeans_exact(const struct xq_atom *a, size_t n, size_t k, double *centroid);

/* Lloyd's rounds of assignment and update, until nothing moves or for so many rounds. */
void xq_kmeans_polish(const struct xq_atom *a, size_t n, size_t k, unsigned int rounds, double *centroid);

#endif
