/* SPDX-License-Identifier: MIT */
/* Parameters of the kernels in select.c. Internal. */
#ifndef XQ_MODEL_CPU_SELECT_H
#define XQ_MODEL_CPU_SELECT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct xqm_select - parameters
 * @upper: of triangles: what is on the diagonal and above it
 * @axis: of one hot and hardmax; which diagonal of an identity matrix
 * @flatten: of hardmax: over all dimensions from @axis on
 */
struct xqm_select {
	bool upper, flatten;
	int64_t axis;
};

#endif
