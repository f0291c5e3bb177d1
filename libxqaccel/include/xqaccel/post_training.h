/* SPDX-License-Identifier: MIT */
/*
 * Post-training quantization of models: a float ONNX file becomes one whose products are of integers.
 *
 * Layers (Conv, Gemm, and MatMul with constant weights) get integer weights and inputs, outputs are
 * quantized by ranges that were seen while the float model ran on inputs of the caller's. The result is an
 * ONNX file with pairs of QuantizeLinear and DequantizeLinear, which is read by xq_model_load() and by other
 * runtimes. BatchNormalization behind a convolution is folded into its weights before.
 *
 * The steps, in this order: create, feed any number of times, finish, then write, compare, and ask for layers.
 * Functions return 0 or a negative errno, as those of xqaccel/model.h: xq_post_training_error() has a sentence on it. A
 * conversion belongs to one thread at a time.
 */
#ifndef XQACCEL_POST_TRAINING_H
#define XQACCEL_POST_TRAINING_H

#include <xqaccel/calibrate.h>
#include <xqaccel/device.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct xq_post_training;

/**
 * enum xq_post_training_rounding - how codes of weights are chosen
 * @XQ_ROUND_BY_VALUE: the nearest to each weight
 * @XQ_ROUND_BY_OUTPUT: those with which the layer's outputs are nearest to what they were: AdaRound where a channel has at most
 *	1152 products, coordinate descent, scales fitted to the codes (xqaccel/reconstruct.h)
 */
enum xq_post_training_rounding {
	XQ_ROUND_BY_VALUE,
	XQ_ROUND_BY_OUTPUT,
};

/**
 * struct xq_post_training_options - how a model is quantized
 * @weights: s8, s4, s2, t2 (values -1, 0, 1 held as s2), b1 (-1 and 1) or c4 (indices into a table of 16 int8); symmetric.
 *	ONNX has s8 from opset 13 on, 4 bits from 21 on and 2 bits from 25 on: the file's opset is raised so far. b1 and c4
 *	are operators of a domain of our own (Documentation/models.rst)
 * @activations: u8, s8, s4 or b1, affine; their range is extended to contain 0. With s4 and b1
 *	(codes -1 and 1) only what layers, sums and products make is so narrow, and not the
 *	model's inputs and outputs; the others are s8
 * @per_channel: a scale for each output channel of weights, else one for all
 * @group: not 0: a scale for each so many input channels of each output channel
 * @activation_range: how ranges of activations are chosen
 * @weight_range: the same of weights of 8 bits, each scale from the weights that share it
 * @narrow_weight_range: the same of s4, s2 and t2. Whatever the method, a range that is found has no more squared error than min-max
 *	on what was fed, or on the weights: where it might, it is min-max
 * @rounding: how codes of weights are chosen
 * @correct_bias: the mean error of each output channel is taken out of its bias
 * @budget_bytes: not 0: each layer gets a type of its own, of s8, s4, t2 and b1, so that codes, scales and biases have at most so many
 *	bytes in all; @weights is then not used
 * @budget_ms: above 0: the same, so that layers take at most so many milliseconds on the device, for one row of
 *	the model's own batch
 * @exclude: [@excluded] names of nodes, or of tensors that they make, that stay in float
 */
struct xq_post_training_options {
	enum xq_type weights, activations;
	bool per_channel;
	size_t group;
	struct xq_calibration activation_range, weight_range, narrow_weight_range;
	enum xq_post_training_rounding rounding;
	bool correct_bias;
	size_t budget_bytes;
	double budget_ms;
	const char *const *exclude;
	unsigned int excluded;
};

/**
 * xq_post_training_create() - read a float model and decide what is quantized
 * @path: an ONNX file
 * @dev: on which the models run; stays open until xq_post_training_destroy()
 * @options: copied, but for @exclude's text
 * @conversion: set in any case but -ENOMEM, so that it can be asked for its error; to be destroyed by the caller
 *
 * Return: 0; -EINVAL an option, a name to be excluded that is not there, or the file; -EOPNOTSUPP no layer that could be
 * quantized, or an operator whose meaning changes with the opset that is needed; or as xq_model_load() and
 * xq_session_create().
 */
int xq_post_training_create(const char *path, struct xq_device *dev, const struct xq_post_training_options *options,
			    struct xq_post_training **conversion);

/** xq_post_training_destroy() - NULL is allowed */
void xq_post_training_destroy(struct xq_post_training *conversion);

/** xq_post_training_error() - a sentence on the last call that failed; "" before; lives until the next call */
const char *xq_post_training_error(const struct xq_post_training *conversion);

/**
 * xq_post_training_feed() - run the float model once, and see its activations
 * @inputs: for each input of the model its elements, unpacked, of the model's own shape, in which dimensions that are
 *	not known count as 1
 *
 * Return: 0, -EDOM an activation that is not finite, -EINVAL after xq_post_training_finish(), or as
 * xq_session_run().
 */
int xq_post_training_feed(struct xq_post_training *conversion, const void *const *inputs);

/**
 * xq_post_training_finish() - choose scales, and make the model
 *
 * Return: 0, -ENODATA nothing was fed, -ENOSPC the budget is too small for any types, -EDOM, -ENOMEM.
 */
int xq_post_training_finish(struct xq_post_training *conversion);

/**
 * xq_post_training_data() - the file
 * @bytes: set to its length
 *
 * Return: it, as long as the conversion lives; NULL before it is finished.
 */
const void *xq_post_training_data(const struct xq_post_training *conversion, size_t *bytes);

/**
 * xq_post_training_compare() - run both models on the same inputs, and sum up how outputs of layers differ
 * @inputs: as of xq_post_training_feed()
 */
int xq_post_training_compare(struct xq_post_training *conversion, const void *const *inputs);

/**
 * struct xq_post_training_layer - a layer
 * @name: of its node, or of its output if that has none
 * @type: "Conv", "Gemm", "MatMul"
 * @weights: type of its weights, f32 if they stay so
 * @output: name of the tensor that is compared: behind its activation function, if one was fused
 * @excluded: it stays in float; what follows is 0
 * @elements: of its weights
 * @bytes: of its weights with scales and bias, as they are stored
 * @float_bytes: the same as they were
 * @weight_snr_db: signal-to-noise ratio of its weights
 * @output_snr_db: of its output over all that was compared; NAN if nothing was
 * @output_mse: mean squared error there
 */
struct xq_post_training_layer {
	const char *name, *type, *output;
	enum xq_type weights;
	bool excluded;
	size_t elements, bytes, float_bytes;
	double weight_snr_db, output_snr_db, output_mse;
};

/** xq_post_training_layers() - how many there are, in the order of the file */
unsigned int xq_post_training_layers(const struct xq_post_training *conversion);

/** xq_post_training_layer() - a layer by its number, once it is finished. Return: 0, -EINVAL */
int xq_post_training_layer(const struct xq_post_training *conversion, unsigned int number,
			   struct xq_post_training_layer *layer);

/**
 * struct xq_post_training_point - types of all layers, as a search within a budget has measured them
 * @weights: [layers]; f32 of those that stay in float
 * @uniform: the type that all others have, or XQ_NONE
 * @bytes: of weights, scales and biases
 * @ms: sum of the times of the layers on the device
 * @output_snr_db: signal-to-noise ratio of the model's outputs on rows that were fed, with these weights and float
 *	activations
 * @frontier: no other point is better in what the budget counts and as good in the rest
 * @chosen: the model has these types
 */
struct xq_post_training_point {
	const enum xq_type *weights;
	enum xq_type uniform;
	size_t bytes;
	double ms, output_snr_db;
	bool frontier, chosen;
};

/** xq_post_training_points() - how many there are, the largest first; 0 without a budget */
unsigned int xq_post_training_points(const struct xq_post_training *conversion);

/** xq_post_training_point() - a point by its number, once it is finished. Return: 0, -EINVAL */
int xq_post_training_point(const struct xq_post_training *conversion, unsigned int number,
			   struct xq_post_training_point *point);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
