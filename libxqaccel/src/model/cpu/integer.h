/* SPDX-License-Identifier: MIT */
/*
 * Quantized operators whose scales and zero points are operands: what kernels of XQM_OTHER have in params.other.data.
 * Operands are in the order of ONNX. Internal.
 */
#ifndef XQ_MODEL_CPU_INTEGER_H
#define XQ_MODEL_CPU_INTEGER_H

#include <stdbool.h>

/*
 * xqm_qlinear_conv_kernel: a struct xqm_window. Operands x, scale, zero point, w, scale, zero point, y scale,
 * zero point, bias. xqm_qlinear_matmul_kernel: nothing; the same without a bias.
 */

/**
 * struct xqm_qgemm - of xqm_qgemm_kernel; operands a, scale, zero point, b, scale, zero point, c, y scale, zero point
 */
struct xqm_qgemm {
	bool transpose_a, transpose_b;
};

#endif
