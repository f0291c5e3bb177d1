/* SPDX-License-Identifier: MIT */
/* Parameters of xqm_scatter_elements_kernel and xqm_scatter_nd_kernel: x, indices, updates. Internal. */
#ifndef XQ_MODEL_CPU_SCATTER_H
#define XQ_MODEL_CPU_SCATTER_H

#include <stdint.h>

enum xqm_scatter_how {
	XQM_SCATTER_SET,
	XQM_SCATTER_ADD,
	XQM_SCATTER_MUL,
	XQM_SCATTER_MIN,
	XQM_SCATTER_MAX,
};

struct xqm_scatter {
	enum xqm_scatter_how how;
	int64_t axis;		/* of elements */
};

#endif
