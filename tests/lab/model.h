/* SPDX-License-Identifier: MIT */
/*
 * Small float networks: convolutions, additions and pools on images.
 *
 * Activations are planes [channels][height][width]. A fully connected layer is a convolution
 * whose kernel covers its input, so that every layer with weights is a matrix [rows][k] with k
 * ordered by (kernel row, kernel column, input channel).
 */
#ifndef XQ_LAB_MODEL_H
#define XQ_LAB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAB_MAX_OPS 24
#define LAB_MAX_TENSORS 64

enum lab_kind {
	LAB_CONV,
	LAB_ADD,
	LAB_MAX_POOL,
	LAB_AVERAGE_POOL,
};

struct lab_shape {
	int channels, height, width;
};

struct lab_op {
	enum lab_kind kind;
	int in[2], out;			/* tensors */
	int kernel[2], stride[2], pad[2];	/* pad: above and left */
	bool relu;
	float *weights, *bias;		/* LAB_CONV: [rows][k] and [rows] */
	size_t rows, k;
};

struct lab_model {
	const char *name, *title;
	struct lab_op op[LAB_MAX_OPS];
	int ops;
	struct lab_shape shape[LAB_MAX_TENSORS];
	int input, output;
	float input_scale;		/* pixels are multiplied by it */
};

/* Images as bytes [n][height][width][channels], and their classes. */
struct lab_images {
	size_t n;
	struct lab_shape shape;
	uint8_t *pixels, *labels;
};

static inline size_t lab_size(struct lab_shape s)
{
	return (size_t)s.channels * (size_t)s.height * (size_t)s.width;
}

/* NULL or what is wrong. The models are found below the folder of vectors. */
const char *lab_load_mnist8(const char *vectors, struct lab_model *m);
const char *lab_load_graph(const char *vectors, const char *name, struct lab_model *m);
void lab_model_free(struct lab_model *m);

/* A copy with weights and biases of its own; false without memory. */
bool lab_model_copy(const struct lab_model *from, struct lab_model *to);

const char *lab_load_mnist(const char *vectors, bool train, size_t most, struct lab_images *images);
const char *lab_load_cifar(const char *vectors, bool train, struct lab_images *images);
void lab_images_free(struct lab_images *images);

#endif
