/* SPDX-License-Identifier: MIT */
/* A conversion under way. Internal. */
#ifndef XQ_MODEL_CONVERT_CONVERSION_H
#define XQ_MODEL_CONVERT_CONVERSION_H

#include <xqaccel/model.h>
#include <xqaccel/post_training.h>

#include "document.h"

/**
 * struct xqc_weights - weights of a layer as codes
 * @type: s8, s4, s2, t2, b1 or c4
 * @block: input channels that share a scale; 0 for all
 * @codes: as the weights lie in the file; of c4 indices into @table
 * @scale: [params], in the order that ONNX has for @dims and @dim
 * @bias: [channels], corrected; NULL if it is as it was
 * @back: what they stand for, as the weights lie in the file
 * @bytes: codes, scales and table as they are stored
 */
struct xqc_weights {
	enum xq_type type;
	size_t block, params, bytes;
	int8_t *codes, table[16];
	float *scale, *bias, *back;
	unsigned int dims;
	int64_t dim[XQ_MODEL_DIMS];
	double snr_db;
};

/**
 * struct xqc_layer - a node with constant weights
 * @input: @weights: @bias: @output: @made: tensors by name; @bias is NULL for none. @made is @output behind a fused activation
 * @w: the constant of the weights as it was; @weight: @bias_value: elements of both
 * @axis: of the weights, along which output channels lie
 * @node: its name or, if it has none, that of its output; also what stands before the names that are made for it
 * @k: products of one output; @inner: of which so many lie at different places of one input channel
 * @width: type of its weights
 * @quantized: what becomes of the weights; NULL as long as nobody has looked
 */
struct xqc_layer {
	const char *node, *type, *input, *weights, *bias, *output, *made;
	const Onnx__TensorProto *w;
	const float *weight, *bias_value;
	unsigned int axis;
	bool excluded;
	size_t elements, channels, groups, k, inner, bytes, float_bytes;
	enum xq_type width;
	struct xqc_weights *quantized;
	double weight_snr_db, signal, noise;
	size_t compared;
};

/**
 * struct xqc_moments - inputs of a layer, summed up: of its float model (x) and with weights before it quantized (y)
 * @groups: of channels that see the same inputs
 * @mean: [groups][k] of x, @other: of y
 * @gram: [groups][k][k] of y y^T, @cross: of x y^T; about the means, if the layer may have a bias
 * @samples: how many there were
 */
struct xqc_moments {
	size_t groups, k, samples;
	double *mean, *other, *gram, *cross;
	bool centred;
};

/**
 * struct xqc_activation - a tensor that becomes integers
 * @same_as: number of the one whose scale it has, because what makes it only moves elements; -1 for none
 * @type: u8, s8, s4 or b1
 * @observer: NULL then
 * @sum: @count: of sizes of elements that are not 0, and how many these are
 * @least: the least element, or 0
 */
struct xqc_activation {
	const char *name;
	int same_as;
	enum xq_type type;
	struct xq_observer *observer;
	double sum, count;
	float least;
	float scale;
	int32_t zero_point;
};

/**
 * struct xqc_model - one of the two models, with some tensors in between as outputs
 * @packed: the file
 * @first: outputs of the model itself; then come the others
 * @value: elements of each output
 */
struct xqc_model {
	void *packed;
	struct xq_model *model;
	struct xq_session *session;
	unsigned int first, outputs;
	float **value;
	size_t *count;
};

/**
 * struct xqc_rows - inputs that were fed, to be run again
 * @input: [count][inputs], each of @bytes
 */
struct xqc_rows {
	uint8_t **input;
	size_t *bytes, count, total;
	unsigned int inputs;
};

/**
 * struct xqc_point - an assignment of types to layers
 * @type: [layers]; @uniform: the one that all have, or XQ_NONE
 * @loss: of the model's outputs, as a part of their signal
 * @frontier: no other is better in all that counts; @chosen: it is taken
 */
struct xqc_point {
	enum xq_type *type, uniform;
	size_t bytes;
	double ns, loss;
	bool frontier, chosen;
};

struct xq_post_training {
	struct xq_post_training_options options;
	struct xq_device *dev;
	struct xqc_document doc;
	void *map;
	size_t map_bytes;
	struct xqc_layer *layer;
	struct xqc_activation *activation;
	struct xqc_point *point;
	unsigned int layers, activations, points;
	struct xqc_model seen, quantized;
	struct xqc_rows rows;
	bool fed, finished;
	void *result;
	size_t result_bytes;
	char error[XQM_ERROR_BYTES];
};

/* Sets the sentence and returns the error. */
int xqc_fail(struct xq_post_training *p, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What went wrong with the document. */
int xqc_fail_document(struct xq_post_training *p);

/* Computes once what can be (fold.c); how many nodes went away. */
unsigned int xqc_fold(struct xqc_document *doc);
void xqc_drop_unused(struct xqc_document *doc);

/* Finds layers, and the activations that become integers. */
int xqc_plan(struct xq_post_training *p);

/* Number of the activation of a name, or -1. */
int xqc_activation(const struct xq_post_training *p, const char *name);

/* Raises the opset of the document so that it has the types that are needed. */
int xqc_raise_opset(struct xq_post_training *p, int64_t opset);

/* The opset that weights of a type need. */
int64_t xqc_opset_of(const struct xq_post_training *p, enum xq_type weights);

/* ---- weights -------------------------------------------------------------------------------------------- */

/* Codes of a layer's weights, chosen so that its outputs change little, if moments of its inputs are given. */
int xqc_weights_make(struct xq_post_training *p, const struct xqc_layer *layer, enum xq_type type,
		     const struct xqc_moments *moments, struct xqc_weights **weights);
void xqc_weights_free(struct xqc_weights *weights);

/* Makes the codes of all layers, by the inputs that were kept. */
int xqc_reconstruct(struct xq_post_training *p);

/* Layers before number @to read what their codes stand for. */
void xqc_put_back(struct xq_post_training *p, unsigned int to);

/* Sums up inputs of layers over the rows that were kept: layers from to to - 1; @apart: with codes before them. */
int xqc_moments_gather(struct xq_post_training *p, unsigned int from, unsigned int to, bool apart, struct xqc_moments *moments);

/* Finds a type for each layer that keeps the budget: its width. */
int xqc_search(struct xq_post_training *p);
void xqc_moments_free(struct xqc_moments *moments);

/* Keeps inputs while there is room; 0, -ENOMEM. */
int xqc_rows_keep(struct xq_post_training *p, const void *const *inputs);
void xqc_rows_free(struct xqc_rows *rows);

/* Whether the layer has a bias or could have one. */
bool xqc_may_have_bias(const struct xqc_layer *layer);

/* Puts scales, integers and their conversions into the document. */
int xqc_emit(struct xq_post_training *p);

/* Opens one of the models with more outputs, runs it, closes it. */
int xqc_model_open(struct xq_post_training *p, struct xqc_model *m, const char *const *more, unsigned int count);
int xqc_model_run(struct xq_post_training *p, struct xqc_model *m, const void *const *inputs);
void xqc_model_close(struct xqc_model *m);

#endif
