// SPDX-License-Identifier: MIT
/* Loops on real scales for AVX-512. */
#include "product/groups_template.h"

const struct xqk_real_kernels xqk_real_avx512 = XQK_REAL_KERNELS;
