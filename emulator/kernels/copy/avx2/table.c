// SPDX-License-Identifier: MIT
/* Copies for AVX2. */
#define RUN_VECTOR	32
#include "copy/template.h"

const struct xqk_copy_kernels xqk_copy_avx2 = {
	.transpose = { transpose_uint8_t, transpose_uint16_t, transpose_uint32_t },
	.runs = runs,
	.widen = widen,
	.quantize = quantize,
	.dequantize = dequantize,
	.range = range,
};
