// SPDX-License-Identifier: MIT
/* Loops on real scales for the portable path. */
#include "product/groups_template.h"

const struct xqk_real_kernels xqk_real_scalar = XQK_REAL_KERNELS;
