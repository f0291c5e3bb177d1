/* SPDX-License-Identifier: MIT */
/*
 * Orders of convolution weights, and images of one dimension.
 */
#ifndef XQ_TOOL_CONV_WEIGHTS_H
#define XQ_TOOL_CONV_WEIGHTS_H

#include <xqaccel/conv.h>

#include "tensor.h"

/* Values of --w-layout, o and i for output and input channels. */
#define CONV_WEIGHT_ORDERS	"oihw|ohwi|iohw|hwio|1hwo"

/*
 * Gives an image or weights of three dimensions a height of 1. @channels_last: of images the order
 * NHWC; of weights use conv_weights_add_height().
 */
void conv_add_height(struct tensor *t, bool channels_last);

/* Where h stands in such an order. */
void conv_weights_add_height(struct tensor *w, const char *order);

/*
 * Puts weights of four dimensions into the order that the layout of the image has: oihw, ohwi. iohw
 * has the input channels of all groups and the output channels of one (PyTorch's and ONNX's
 * transposed convolutions); 1hwo has a group for each input channel (TFLite's depthwise ones).
 * 0, or EXIT_ERROR after printing.
 */
int conv_weights_reorder(struct tensor *w, const char *order, enum xq_image_layout layout, size_t groups);

#endif
