/* SPDX-License-Identifier: MIT */
/* MUL_MAT and MUL_MAT_ID as jobs. */
#ifndef XQG_PRODUCT_H
#define XQG_PRODUCT_H

#include "jobs.h"

/**
 * struct xqg_activations - the last tensor that was quantized, for products that share it
 * @tensor: NULL if there is none
 * @a: its elements, [rows][K] of s8
 * @scale: [rows][K / group] of f32
 */
struct xqg_activations {
	const struct xqg_tensor *tensor;
	uint32_t group;
	struct xqaccel_operand a, scale;
};

/**
 * struct xqg_products - what a stream needs for them
 */
struct xqg_products {
	struct xqg_jobs jobs;
	struct xqg_activations last;
};

/* Whether a product is one that the device computes as it should be. */
bool xqg_product_supported(const struct xqg_accel *accel, const struct xqg_tensor *op);

/* Adds its jobs; xqg_jobs_flush() ends them. Return: 0 or a negative errno. */
int xqg_product(struct xqg_products *p, const struct xqg_tensor *op);
int xqg_product_experts(struct xqg_products *p, const struct xqg_tensor *op);

/*
 * What a host operation leaves of the quantized activations: all, unless its result lies where they
 * were quantized from. Without one, or at the end of a graph, nothing.
 */
void xqg_products_wrote(struct xqg_products *p, const struct xqg_tensor *result);

/* ---- for both ------------------------------------------------------------------------------------------ */

/* Packed weights of a product: those that are kept, or ones for these jobs alone. */
int xqg_product_weights(struct xqg_products *p, const struct xqg_tensor *tensor, const struct xqg_weights **weights);

/* A copy of rows of x, in elements of [planes][lines][rows][K] with the strides of bytes of a tensor, to s8 in groups. */
int xqg_quantize(struct xqg_products *p, const struct xqaccel_operand *x, const int64_t ne[XQG_DIMS],
		 const size_t nb[XQG_DIMS], uint32_t group, const struct xqaccel_operand *a,
		 const struct xqaccel_operand *scale);

/* C = rows of quantized x by a matrix; offsets are those of the first row. */
int xqg_multiply(struct xqg_products *p, const struct xq_grouped *matrix, const struct xqaccel_operand *a,
		 const struct xqaccel_operand *scale, size_t rows, const struct xqaccel_operand *c);

/* Bytes of quantized rows and of their scales in scratch memory. */
size_t xqg_quantized_size(size_t rows, size_t columns, uint32_t group);

/* Takes them. */
void xqg_take_quantized(struct xqg_jobs *jobs, size_t rows, size_t columns, uint32_t group,
			struct xqaccel_operand *a, struct xqaccel_operand *scale);

#endif
