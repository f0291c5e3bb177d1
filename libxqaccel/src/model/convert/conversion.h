/* SPDX-License-Identifier: MIT */
/* A conversion under way. Internal. */
#ifndef XQ_MODEL_CONVERT_CONVERSION_H
#define XQ_MODEL_CONVERT_CONVERSION_H

#include <xqaccel/model.h>
#include <xqaccel/post_training.h>

#include "document.h"

/**
 * struct xqc_layer - a node with constant weights
 * @input: @weights: @bias: @output: @made: tensors by name; @bias is NULL for none. @made is @output behind a fused activation
 * @axis: of the weights, along which output channels lie
 * @node: its name or, if it has none, that of its output; also what stands before the names that are made for it
 */
struct xqc_layer {
	const char *node, *type, *input, *weights, *bias, *output, *made;
	unsigned int axis;
	bool excluded;
	size_t elements, channels, bytes, float_bytes;
	double weight_snr_db, signal, noise;
	size_t compared;
};

/**
 * struct xqc_activation - a tensor that becomes integers
 * @same_as: number of the one whose scale it has, because what makes it only moves elements; -1 for none
 * @observer: NULL then
 */
struct xqc_activation {
	const char *name;
	int same_as;
	struct xq_observer *observer;
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

struct xq_post_training {
	struct xq_post_training_options options;
	struct xq_device *dev;
	struct xqc_document doc;
	void *map;
	size_t map_bytes;
	struct xqc_layer *layer;
	struct xqc_activation *activation;
	unsigned int layers, activations;
	struct xqc_model seen, quantized;
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

/* Puts scales, integers and their conversions into the document. */
int xqc_emit(struct xq_post_training *p);

/* Opens one of the models with more outputs, runs it, closes it. */
int xqc_model_open(struct xq_post_training *p, struct xqc_model *m, const char *const *more, unsigned int count);
int xqc_model_run(struct xq_post_training *p, struct xqc_model *m, const void *const *inputs);
void xqc_model_close(struct xqc_model *m);

#endif
