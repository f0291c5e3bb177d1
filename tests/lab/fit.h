/* SPDX-License-Identifier: MIT */
/* A layer's inputs and wanted outputs on the calibration images. */
#ifndef XQ_LAB_FIT_H
#define XQ_LAB_FIT_H

#include "schemes.h"

typedef float *lab_tensor_list[LAB_MAX_TENSORS];

/* One layer's samples, centred, with what they were centred by. */
struct lab_fit {
	const struct lab_op *op;
	size_t n, k, rows;
	float *x, *y;			/* [n][k] and [n][rows] */
	double *x_mean, *y_mean;
	double *gram;			/* [k][k], X X^T */
	float *w;			/* W', [rows][k], from lab_fit_solve() */
};

/* quantized: the tensors of the network that is being built, for each image. */
bool lab_fit_init(struct lab_fit *f, const struct lab_calibration *c, int index,
		  lab_tensor_list *quantized);
void lab_fit_free(struct lab_fit *f);

/* Adds the ridge to the Gram matrix and finds W'. */
bool lab_fit_solve(struct lab_fit *f);

/* Runs one operation of m on all images of the calibration. */
bool lab_run_all(const struct lab_model *m, int index, lab_tensor_list *tensors, size_t n);

#endif
