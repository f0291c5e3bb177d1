/* SPDX-License-Identifier: MIT */
/* Float inference. */
#ifndef XQ_LAB_INFER_H
#define XQ_LAB_INFER_H

#include "model.h"

/* Work space of one thread, enough for every convolution of a model. */
struct lab_scratch {
	float *planes, *sums, *column;
	const float **source;
};

bool lab_scratch_init(struct lab_scratch *s, const struct lab_model *m);
void lab_scratch_free(struct lab_scratch *s);

/* One operation on one image; tensors hold all activations of the image. */
void lab_run_op(const struct lab_model *m, const struct lab_op *op, float *const *tensors,
		struct lab_scratch *s);

/* A convolution with its bias and activation. */
void lab_convolution(const struct lab_model *m, const struct lab_op *op, const float *in,
		     float *out, struct lab_scratch *s);

/* Bytes to the model's input planes. */
void lab_set_input(const struct lab_model *m, const uint8_t *pixels, float *input);

/* The inputs of one output position, in the order of a row of weights: [k] floats. */
void lab_column(const struct lab_model *m, const struct lab_op *op, const float *in, int position,
		float *column);

/* Counts the images that are classified right; false without memory. */
bool lab_accuracy(const struct lab_model *m, const struct lab_images *images, size_t *right);

/* Memory for every tensor of one image that an operation reads or writes; NULL without memory. */
float *lab_tensors(const struct lab_model *m, float **tensors);

#endif
