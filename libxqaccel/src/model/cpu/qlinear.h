/* SPDX-License-Identifier: MIT */
/* Parameters of com.microsoft's quantized operators, in params.other.data. Internal. */
#ifndef XQ_MODEL_CPU_QLINEAR_H
#define XQ_MODEL_CPU_QLINEAR_H

#include "geometry.h"

enum xqm_qlinear_function {
	XQM_QLINEAR_SIGMOID,
	XQM_QLINEAR_LEAKY_RELU,
};

/**
 * struct xqm_qlinear - parameters
 * @what: @alpha: of functions
 * @axis: @flatten: of softmax and concat; over all dimensions from axis on
 * @window: @global: of pools
 */
struct xqm_qlinear {
	enum xqm_qlinear_function what;
	float alpha;
	int64_t axis;
	bool flatten, global;
	struct xqm_window window;
};

#endif
