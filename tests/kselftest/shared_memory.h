/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that is not the file's own: of the process, of dma-bufs. */
#ifndef XQ_TEST_SHARED_MEMORY_H
#define XQ_TEST_SHARED_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

/* As the ioctls: 0 or -errno. The buffer's map is the memory that was wrapped; of imports NULL. */
int buffer_wrap(int fd, void *memory, uint64_t bytes, uint32_t flags, struct buffer *buf);
int buffer_import(int fd, int dmabuf, uint32_t flags, struct buffer *buf);

/* A buffer that can be exported, mapped. */
int buffer_create_shared(int fd, uint64_t bytes, struct buffer *buf);
/* Whether there are none, because the device does not reach memory where it is. */
bool memory_is_bounced(int fd);
/* A descriptor, or -errno. */
int buffer_export(int fd, uint32_t handle, uint32_t flags);

/* Whole pages of this process, writable; NULL if there are none. */
uint8_t *pages_of(uint64_t bytes);
/*
 * A dma-buf of another driver, udmabuf, over a memfd, whose mapping *map is set to: a descriptor,
 * or -errno.
 */
int foreign_dmabuf(uint64_t bytes, uint8_t **map);
/* A dma-buf's memory in this process; NULL: refused. */
uint8_t *dmabuf_map(int dmabuf, uint64_t bytes, bool writable);

/* Sends a descriptor over a socket, and takes one; 0, the descriptor, or -errno. */
int descriptor_send(int sock, int fd);
int descriptor_receive(int sock);

/* Pages that are pinned for long by anybody in the machine, of /proc/vmstat. */
int64_t pages_pinned(void);
/*
 * What has not come back in ten seconds after all files were closed, of buffers, their bytes, their
 * tables' and pages pinned beyond so many: 0, or how many of these four, which are told.
 */
unsigned int memory_left(int64_t pinned);

#endif
