// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "backend.h"

static struct xq_buffer *buffer_alloc(struct xq_device *dev, const struct xq_memory *memory)
{
	struct xq_buffer *b = malloc(sizeof(*b));

	if (b) {
		b->dev = dev;
		b->memory = *memory;
	}
	return b;
}

/* What the backend said of a buffer that was made. */
static int made(struct xq_buffer *b, int err, struct xq_buffer **buf)
{
	struct xq_device *dev = b->dev;

	if (!err) {
		err = xq_handles_add(&dev->handles, b->memory.handle, b->memory.bytes,
				     !(b->memory.flags & XQACCEL_BUF_READ_ONLY));
		if (err)
			dev->backend->ops->destroy(dev->backend, &b->memory);
	}
	if (err)
		free(b);
	else
		*buf = b;
	return err;
}

static int create(struct xq_device *dev, size_t bytes, uint32_t flags, struct xq_buffer **buf)
{
	const struct xq_memory memory = { .bytes = bytes, .flags = flags };
	struct xq_buffer *b;

	if (!bytes)
		return -EINVAL;
	b = buffer_alloc(dev, &memory);
	if (!b)
		return -ENOMEM;
	return made(b, dev->backend->ops->create(dev->backend, &b->memory), buf);
}

int xq_buffer_create(struct xq_device *dev, size_t bytes, struct xq_buffer **buf)
{
	return create(dev, bytes, 0, buf);
}

int xq_buffer_create_shared(struct xq_device *dev, size_t bytes, struct xq_buffer **buf)
{
	return create(dev, bytes, XQACCEL_BUF_SHARED, buf);
}

int xq_buffer_wrap(struct xq_device *dev, void *data, size_t bytes, uint32_t flags,
		   struct xq_buffer **buf)
{
	const struct xq_memory memory = { .data = data, .bytes = bytes, .flags = flags };
	struct xq_buffer *b;

	if (flags & ~XQACCEL_BUF_READ_ONLY)
		return -EOPNOTSUPP;
	b = buffer_alloc(dev, &memory);
	if (!b)
		return -ENOMEM;
	return made(b, dev->backend->ops->wrap(dev->backend, &b->memory), buf);
}

int xq_buffer_import(struct xq_device *dev, int fd, uint32_t flags, struct xq_buffer **buf)
{
	const struct xq_memory memory = { .flags = flags };
	struct xq_buffer *b;

	if (flags & ~XQACCEL_BUF_READ_ONLY)
		return -EOPNOTSUPP;
	b = buffer_alloc(dev, &memory);
	if (!b)
		return -ENOMEM;
	return made(b, dev->backend->ops->import(dev->backend, fd, &b->memory), buf);
}

int xq_buffer_export(const struct xq_buffer *buf, uint32_t flags, int *fd)
{
	struct xq_backend *backend = buf->dev->backend;

	if (flags & ~XQACCEL_BUF_READ_ONLY)
		return -EOPNOTSUPP;
	return backend->ops->export(backend, &buf->memory, flags, fd);
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
