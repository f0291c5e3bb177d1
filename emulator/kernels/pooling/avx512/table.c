// SPDX-License-Identifier: MIT
/* Pools for AVX-512. */
#include "pooling/template.h"

const struct xqk_pooling_kernels xqk_pooling_avx512 = {
	.max_rows = max_rows,
	.sum_rows16 = sum_rows16,
	.sum_rows32 = sum_rows32,
	.max_pixels = max_pixels,
	.mean_pixels16 = mean_pixels16,
	.mean_pixels32 = mean_pixels32,
};
