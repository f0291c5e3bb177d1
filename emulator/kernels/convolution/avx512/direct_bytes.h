/* SPDX-License-Identifier: MIT */
#ifndef XQK_DIRECT_BYTES_AVX512_H
#define XQK_DIRECT_BYTES_AVX512_H

#include "convolution/micro_kernels.h"

/* See struct xqk_direct_kernels. */
void xqk_direct_bytes_avx512(const struct xqk_direct *job, unsigned int strips, const struct xqk_bounded *bounded);

#endif
