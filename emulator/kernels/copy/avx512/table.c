// SPDX-License-Identifier: MIT
/* Copies for AVX-512. */
#include "copy/template.h"

const struct xqk_copy_kernels xqk_copy_avx512 = {
	.transpose = { transpose_uint8_t, transpose_uint16_t, transpose_uint32_t },
	.widen = widen,
	.quantize = quantize,
	.dequantize = dequantize,
	.range = range,
};
