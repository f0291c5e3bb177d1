/* SPDX-License-Identifier: MIT */
/* The ways of quantizing a network's weights that are compared. */
#ifndef XQ_LAB_SCHEMES_H
#define XQ_LAB_SCHEMES_H

#include "model.h"

struct lab_cost {
	uint64_t weights, code_bits, param_bits, bias_bytes;
	double energy, error;		/* sums of squares of weights and of their errors */
};

/* Writes the reconstructed weights of one layer; false if the library refused. */
typedef bool (*lab_encode)(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost);

/* What the calibrated schemes need: a float model and what it computes on some images. */
struct lab_calibration {
	const struct lab_model *model;
	size_t n;
	float **memory;			/* of each image's tensors */
	float *(*tensors)[LAB_MAX_TENSORS];
};

/* fit.c */
bool lab_calibration_init(struct lab_calibration *c, const struct lab_model *m,
			  const struct lab_images *images, size_t most);
void lab_calibration_free(struct lab_calibration *c);

/* Makes a quantized model of its own from a copy of the float model. */
typedef bool (*lab_calibrated)(const struct lab_calibration *c, unsigned int bits, struct lab_model *m,
			       struct lab_cost *cost);

struct lab_scheme {
	const char *name;
	unsigned int bits;
	lab_encode encode;		/* one of the two */
	lab_calibrated calibrated;
};

extern const struct lab_scheme lab_schemes[];
extern const size_t lab_scheme_count;

/* Quantizes every layer of m, a copy of the calibration's model. */
bool lab_apply(const struct lab_scheme *scheme, const struct lab_calibration *c, struct lab_model *m,
	       struct lab_cost *cost);

void lab_count_error(const struct lab_op *op, const float *v, struct lab_cost *cost);

/* calibrated.c */
bool lab_adaround(const struct lab_calibration *c, unsigned int bits, struct lab_model *m,
		  struct lab_cost *cost);
bool lab_rebuild_linear(const struct lab_calibration *c, unsigned int bits, struct lab_model *m,
			struct lab_cost *cost);
bool lab_rebuild_codebook(const struct lab_calibration *c, unsigned int bits, struct lab_model *m,
			  struct lab_cost *cost);

#endif
