/* SPDX-License-Identifier: MIT */
/*
 * Quantized operators in TensorFlow Lite's arithmetic that the device lacks, on the CPU. Internal.
 */
#ifndef XQ_TFLITE_KERNELS_H
#define XQ_TFLITE_KERNELS_H

#include "libxqaccel/src/model/cpu/kernel.h"

/*
 * The kernel of an operator whose arithmetic is TensorFlow Lite's and whose tensors are quantized, or half floats that
 * are made whole; else NULL.
 */
const struct xqm_kernel *xqt_kernel(const struct xqm_graph *graph, const struct xqm_operator *op);

extern const struct xqm_kernel xqt_quantize_kernel, xqt_dequantize_kernel, xqt_sub_kernel, xqt_extreme_kernel;

#endif
