/* SPDX-License-Identifier: MIT */
/* xq gemm with real group scales. */
#ifndef XQ_TOOL_GEMM_REAL_H
#define XQ_TOOL_GEMM_REAL_H

#include <xqaccel/matmul.h>

#include "tensor.h"

/* Whether group scales of this dtype make C float32. */
bool gemm_scale_is_real(const struct tensor *t);

/* Group scales to float32; a message if they are of another floating type. */
int gemm_real_scale(const char *option, struct tensor *t, const float **values);

/* The product to float32; NULL scales are 1. A message if it fails. */
int gemm_real(struct xq_device *dev, const struct xq_matmul *mm, const float *a_scale, const float *b_scale, float *c);

#endif
