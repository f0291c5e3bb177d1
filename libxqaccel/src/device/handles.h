/* SPDX-License-Identifier: MIT */
/* Private to the device layer: how large the buffers of a device are, by handle. */
#ifndef XQ_HANDLES_H
#define XQ_HANDLES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct xq_handles - handles are small numbers
 * @lock: protects the others
 * @bytes: [room], 0 for no buffer
 */
struct xq_handles {
	pthread_rwlock_t lock;
	uint64_t *bytes;
	size_t room;
};

void xq_handles_init(struct xq_handles *handles);
void xq_handles_free(struct xq_handles *handles);
/* -ENOMEM */
int xq_handles_add(struct xq_handles *handles, uint32_t handle, uint64_t bytes, bool writable);
void xq_handles_remove(struct xq_handles *handles, uint32_t handle);
/* 0, -ENOENT if there is none, -EACCES if it can't be written but shall. */
int xq_handles_find(struct xq_handles *handles, uint32_t handle, bool written, uint64_t *bytes);

#endif
