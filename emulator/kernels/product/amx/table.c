// SPDX-License-Identifier: MIT
/* AMX for many rows, AVX-512 for everything else. */
#include "kernels.h"

#define XQK_PRODUCT		xqk_product_amx
#define XQK_TALL							\
	.tall_panel = xqk_dot_panel_su_amx, .tall_real = xqk_dot_real_su_amx,
#define XQK_TALL_S8							\
	.tall_panel = xqk_dot_panel_ss_amx, .tall_real = xqk_dot_real_ss_amx, .tall_less = 128,
#define XQK_TALL_BY_U8		.tall_panel = xqk_dot_panel_us_amx,
#define XQK_TALL_ROWS_LEAST	8
#define XQK_SUMMED		.dot_summed = xqk_dot_summed_amx, .summed_rows = 8,
#include "product/avx512/table.h"
