/* SPDX-License-Identifier: MIT */
/* A device of libxqaccel as ggml sees it. */
#ifndef XQG_ACCEL_H
#define XQG_ACCEL_H

#include <pthread.h>

#include <xqaccel/device.h>

#include "abi.h"

#define XQG_ALIGNMENT	64

/**
 * struct xqg_accel - one accelerator, from the load of the plugin to the end of the process
 * @device: @type: what ggml holds
 * @sums: whether the device has integer sums of supergroups
 * @lock: protects @used
 * @used: bytes of device memory that buffers and packed weights have
 */
struct xqg_accel {
	struct xq_device *dev;
	char name[32], description[128];
	struct xqg_device device;
	struct xqg_buffer_type type;
	bool sums;
	pthread_mutex_t lock;
	size_t used;
};

/* ---- buffer.c ------------------------------------------------------------------------------------ */

void xqg_buffer_type_init(struct xqg_accel *accel);

/* A buffer over memory of the caller, which the device doesn't reach. */
struct xqg_buffer *xqg_buffer_over(struct xqg_accel *accel, void *memory, size_t bytes);

/* Whether memory of a type is this plugin's, of any device. */
bool xqg_buffer_type_ours(const struct xqg_buffer_type *type);

/* Where a tensor lies in this device's memory; false if it doesn't. */
bool xqg_buffer_operand(const struct xqg_accel *accel, const struct xqg_tensor *tensor,
			struct xqaccel_operand *operand);

/* Whether a tensor is a weight in this device's memory, or its place isn't known yet. */
bool xqg_buffer_may_hold_weights(const struct xqg_accel *accel, const struct xqg_tensor *tensor);

/* Weights in a buffer of this device, packed when they are first asked for; NULL if they lie elsewhere or may change. */
struct xqg_weight_cache;
struct xqg_weight_cache *xqg_buffer_weights(const struct xqg_accel *accel, const struct xqg_buffer *buffer);

void xqg_accel_account(struct xqg_accel *accel, size_t plus, size_t minus);

/* ---- stream.c ------------------------------------------------------------------------------------ */

/* Returns NULL when there is no memory or no queue. */
struct xqg_stream *xqg_stream_create(struct xqg_accel *accel);

/* How many threads compute what the device doesn't, the caller's among them. */
void xqg_stream_set_threads(struct xqg_stream *stream, int threads);

#endif
