/* SPDX-License-Identifier: MIT */
/* Requantization by an instruction set of choice. Internal, for tests. */
#ifndef XQ_OPS_REQUANTIZE_WITH_H
#define XQ_OPS_REQUANTIZE_WITH_H

#include <xqaccel/requantize.h>

#include "xq_kernels.h"

int xq_requantize_with(const struct xqk_isa *isa, const int32_t *acc, const struct xq_channels *shape,
		       const int32_t *bias, const struct xq_requant *rq, void *out);

#endif
