// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "backend.h"

int xq_buffer_create(struct xq_device *dev, size_t bytes, struct xq_buffer **buf)
{
	struct xq_buffer *b;
	int err;

	if (!bytes)
		return -EINVAL;
	b = malloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->dev = dev;
	b->memory = (struct xq_memory){ .bytes = bytes };
	err = dev->backend->ops->create(dev->backend, &b->memory);
	if (!err) {
		err = xq_handles_add(&dev->handles, b->memory.handle, b->memory.bytes);
		if (err)
			dev->backend->ops->destroy(dev->backend, &b->memory);
	}
	if (err) {
		free(b);
		return err;
	}
	*buf = b;
	return 0;
}

void xq_buffer_destroy(struct xq_buffer *buf)
{
	if (!buf)
		return;
	xq_handles_remove(&buf->dev->handles, buf->memory.handle);
	buf->dev->backend->ops->destroy(buf->dev->backend, &buf->memory);
	free(buf);
}

void *xq_buffer_data(const struct xq_buffer *buf)
{
	return buf->memory.data;
}

uint32_t xq_buffer_handle(const struct xq_buffer *buf)
{
	return buf->memory.handle;
}

size_t xq_buffer_size(const struct xq_buffer *buf)
{
	return buf->memory.bytes;
}
