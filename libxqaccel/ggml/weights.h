/* SPDX-License-Identifier: MIT */
/* Weights packed for the device. */
#ifndef XQG_WEIGHTS_H
#define XQG_WEIGHTS_H

#include "accel.h"
#include "blocks.h"

/**
 * struct xqg_weights - the matrices of a tensor
 * @count: ne[2] * ne[3] of them, in that order
 */
struct xqg_weights {
	const struct xqg_blocks *format;
	size_t count, bytes;
	struct xq_grouped *matrix[];
};

/* Elements of activations that share a scale where they are multiplied by such weights. */
uint32_t xqg_weights_x_group(const struct xqg_accel *accel, const struct xqg_blocks *format);

/* Packs a tensor. Returns 0 or a negative errno. */
int xqg_weights_pack(struct xqg_accel *accel, const struct xqg_tensor *tensor, struct xqg_weights **weights);

void xqg_weights_free(struct xqg_accel *accel, struct xqg_weights *weights);

/* Of the tensors of a buffer; any thread may ask. */
struct xqg_weight_cache *xqg_weights_create(struct xqg_accel *accel);
void xqg_weights_destroy(struct xqg_weight_cache *cache);

/* Packed ones that belong to the cache, made if it has none. */
int xqg_weights_get(struct xqg_weight_cache *cache, const struct xqg_tensor *tensor,
		    const struct xqg_weights **weights);

/* Someone wrote to this memory; no job may be under way that uses it. */
void xqg_weights_forget(struct xqg_weight_cache *cache, const void *memory, size_t bytes);

#endif
