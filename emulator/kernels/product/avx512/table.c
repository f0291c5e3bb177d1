// SPDX-License-Identifier: MIT
/* AVX-512 without more. */
#define XQK_PRODUCT		xqk_product_avx512vnni
#define XQK_TALL
#define XQK_TALL_S8
#define XQK_TALL_BY_U8
#define XQK_TALL_ROWS_LEAST	0
#define XQK_SUMMED		.dot_summed = xqk_dot_summed_avx512, .summed_rows = 5, .summed_bytes = true,
#include "table.h"
