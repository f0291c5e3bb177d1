// SPDX-License-Identifier: MIT
/* Copies in portable C. */
#include "copy/template.h"

const struct xqk_copy_kernels xqk_copy_scalar = {
	.transpose = { transpose_uint8_t, transpose_uint16_t, transpose_uint32_t },
	.runs = runs,
	.widen = widen,
	.quantize = quantize,
	.dequantize = dequantize,
	.range = range,
};
