/* SPDX-License-Identifier: MIT */
/* Parameters of the kernels in norm_runs.c. Internal. */
#ifndef XQ_MODEL_CPU_NORM_RUNS_H
#define XQ_MODEL_CPU_NORM_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct xqm_norm_run - parameters
 * @axis: the first that is normalized, or the one
 * @groups: of channels
 * @squares: the root of squares, else absolute values
 */
struct xqm_norm_run {
	float epsilon;
	int64_t axis;
	size_t groups;
	bool squares;
};

#endif
