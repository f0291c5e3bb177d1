// SPDX-License-Identifier: MIT
/* Loops on real scales for AVX2 with FMA. */
#include "product/groups_template.h"

const struct xqk_real_kernels xqk_real_avx2 = XQK_REAL_KERNELS;
