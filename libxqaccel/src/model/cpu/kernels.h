/* SPDX-License-Identifier: MIT */
/* All kernels by name; those of a file together. Internal. */
#ifndef XQ_MODEL_CPU_KERNELS_H
#define XQ_MODEL_CPU_KERNELS_H

#include "kernel.h"

/* identity.c */
extern const struct xqm_kernel xqm_identity_kernel;

#endif
