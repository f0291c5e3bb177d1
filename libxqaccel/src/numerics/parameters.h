/* SPDX-License-Identifier: MIT */
/* Checks of scales and zero points. Internal. */
#ifndef XQ_NUMERICS_PARAMETERS_H
#define XQ_NUMERICS_PARAMETERS_H

#include <xqaccel/quantize.h>

/* @any_sign: scales need only be finite; else they must be positive too */
int xq_check_parameters(const struct xq_layout *layout, const struct xq_qtype *type,
			const float *scale, bool any_sign, const int32_t *zero_point,
			struct xq_fault *fault);

#endif
