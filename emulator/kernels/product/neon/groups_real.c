// SPDX-License-Identifier: MIT
/* Loops on real scales for NEON. */
#include "product/groups_template.h"

const struct xqk_real_kernels xqk_real_neon = XQK_REAL_KERNELS;
