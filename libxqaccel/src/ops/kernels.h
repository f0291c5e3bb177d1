/* SPDX-License-Identifier: MIT */
/* Whose loops the library's own functions run. Internal. */
#ifndef XQ_OPS_KERNELS_H
#define XQ_OPS_KERNELS_H

#include "xq_kernels.h"

/* The instruction set that XQ_ISA names, or the best one where it names none that is there. */
const struct xqk_isa *xq_kernels(void);

#endif
