/* SPDX-License-Identifier: MIT */
/* Parameters of the kernels in pick.c. Internal. */
#ifndef XQ_MODEL_CPU_PICK_H
#define XQ_MODEL_CPU_PICK_H

#include <stdbool.h>
#include <stdint.h>

/** struct xqm_compress - slices of @axis, or elements of the tensor as a row if @flat */
struct xqm_compress {
	bool flat;
	int64_t axis;
};

#endif
