/* SPDX-License-Identifier: MIT */
/* Convolutions with a zero point that the CPU takes in after the device. Internal. */
#ifndef XQ_MODEL_CORRECTION_H
#define XQ_MODEL_CORRECTION_H

#include "compile.h"

/**
 * struct xqm_corrector - what a zero point of x contributes to each element of a convolution
 * @height: @width: @channels: of the output
 * @rows: @columns: [height], [width]: the kind of a row, of a column: how the window is cut off
 * @kinds: of columns
 * @sum: [kinds of rows][@kinds][@channels]: of weights less their zero points
 */
struct xqm_corrector {
	size_t height, width, channels, kinds;
	uint32_t *rows, *columns;
	uint32_t *sum;
};

/*
 * Of a convolution with constant weights of s8 or u8 in the order of ONNX, which have these zero
 * points. Memory of the graph; NULL if there is none.
 */
struct xqm_corrector *xqm_new_corrector(struct xqm_graph *graph, const struct xqm_operator *op,
					const struct xqm_quantization *zero,
					const struct xqm_image *image);

/* A function of the network: the sums, and the zero point as s32 [1], to sums with it. */
int xqm_correct(void *arg, const struct xq_network_value *input,
		const struct xq_network_value *output);

#endif
