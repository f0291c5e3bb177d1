/* SPDX-License-Identifier: MIT */
/*
 * Quantized operators of ONNX as the device has them. Internal.
 *
 * ONNX says scales and zero points by operands, in one operator (QLinearConv) or around one of real numbers
 * (DequantizeLinear, Conv, QuantizeLinear). Where they are constants and the device takes the operator, they become
 * those of tensors and the operator one of the graph's kinds with XQ_REQUANT_ONNX; else it stays as it is,
 * and the processor computes it as written.
 *
 * The device wants channels last. Every tensor of four dimensions that a lowered operator makes or reads has
 * a twin with channels last; transpositions are made where a twin is missing, and those that
 * nobody reads are taken out, so that a convolutional network has one at its begin and one at its end.
 */
#ifndef XQ_MODEL_PASSES_LOWER_H
#define XQ_MODEL_PASSES_LOWER_H

#include "libxqaccel/src/model/graph.h"

/**
 * struct xqm_real - how a tensor of integers stands for real numbers
 * @tensor: 0 for none
 * @count: of scales; 1, or one for each index of @axis
 * @scale: @zero: [count], in memory of the graph
 */
struct xqm_real {
	int tensor;
	size_t count;
	unsigned int axis;
	const float *scale;
	const int32_t *zero;
};

/**
 * struct xqm_layer - an operator that the device may have
 * @op: its kind
 * @params: of that kind
 * @x: @w: operands; @w is the second one of sums and products
 * @bias: tensor of s32, or 0
 * @zero: zero points of x and w that are operands of the layer, too, or 0
 * @y: what it makes
 * @like: whose name and place it has; NULL for the operator that is replaced
 * @image: tensors are images, whose channels have to come last
 * @turned: weights of a fully connected layer are [n][k] in the file, too
 */
struct xqm_layer {
	enum xqm_op op;
	union xqm_params params;
	struct xqm_real x, w, y;
	int bias, zero[2];
	const struct xqm_operator *like;
	bool image, turned;
};

/**
 * struct xqm_lowering - work in progress
 * @twin: for each tensor, the one with channels last, or 0; [room]
 * @op: operator before which others are put
 */
struct xqm_lowering {
	struct xqm_graph *graph;
	int *twin;
	unsigned int room;
	const struct xqm_operator *op;
};

/* Lowers what can be lowered: 0, or -ENOMEM. Shapes are known; xqm_infer() goes before it and after it. */
int xqm_lower(struct xqm_graph *graph);

/* The layer that an operator is, with all operators between its dequantized inputs and its quantized output. */
bool xqm_match(struct xqm_graph *graph, const struct xqm_operator *op, struct xqm_layer *layer);

/* The same of a QuantizeLinear or DequantizeLinear by itself. */
bool xqm_match_conversion(struct xqm_graph *graph, const struct xqm_operator *op, struct xqm_layer *layer);

/* Bounds of a Relu, or of a Clip if they are constants of float32. */
bool xqm_limits_of(const struct xqm_graph *graph, const struct xqm_operator *op, float *low, float *high);

/*
 * Convolutions of real numbers take in the Relu or Clip behind them, so that what is between needs no memory. After
 * xqm_lower(), which looks for these.
 */
void xqm_take_in_limits(struct xqm_graph *graph);

/*
 * Puts a layer in place of operator l->op. 1 if the device takes it, 0 if not (then nothing has changed that
 * matters), or an error.
 */
int xqm_place(struct xqm_lowering *l, const struct xqm_layer *layer);

#endif
