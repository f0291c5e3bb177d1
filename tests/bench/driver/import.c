// SPDX-License-Identifier: GPL-2.0
/* Memory that is there already as a buffer, beside what it takes io_uring to pin as much. */
#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "driver.h"
#include "tests/kselftest/shared_memory.h"

struct import {
	int fd;			/* the client that brings it in */
	int owner;		/* the client whose memory the dma-buf is of */
	int dmabuf;
	uint64_t bytes;
	uint8_t *memory;
	struct buffer shared;
	struct io_uring ring;
};

struct import *import_open(uint64_t bytes)
{
	struct import *import = calloc(1, sizeof(*import));

	must(import ? 0 : -ENOMEM, "memory");
	import->bytes = bytes;
	import->fd = device_open();
	import->owner = device_open();
	must(import->fd < 0 || import->owner < 0 ? -ENODEV : 0, device_path());
	import->memory = pages_of(bytes);
	must(import->memory ? 0 : -ENOMEM, "memory");
	/* Both contestants find it in place. */
	memset(import->memory, 1, bytes);
	must(buffer_create_shared(import->owner, bytes, &import->shared), "shared buffer");
	munmap(import->shared.map, bytes);
	import->dmabuf = buffer_export(import->owner, import->shared.handle, 0);
	must(import->dmabuf < 0 ? import->dmabuf : 0, "dma-buf");
	must(io_uring_queue_init(1, &import->ring, 0), "io_uring");
	return import;
}

void import_close(struct import *import)
{
	io_uring_queue_exit(&import->ring);
	close(import->dmabuf);
	munmap(import->memory, import->bytes);
	close(import->owner);
	close(import->fd);
	free(import);
}

double import_pinned_us(struct import *import)
{
	const struct iovec all = { import->memory, import->bytes };
	const int64_t start = now_ns();
	double us;

	must(io_uring_register_buffers(&import->ring, &all, 1), "io_uring_register_buffers");
	us = us_since(start);
	must(io_uring_unregister_buffers(&import->ring), "io_uring_unregister_buffers");
	return us;
}

double import_wrapped_us(struct import *import)
{
	const int64_t start = now_ns();
	struct buffer buf;
	double us;

	must(buffer_wrap(import->fd, import->memory, import->bytes, 0, &buf), "wrap");
	us = us_since(start);
	must(buffer_destroy(import->fd, buf.handle), "destroy");
	return us;
}

double import_dmabuf_us(struct import *import)
{
	const int64_t start = now_ns();
	struct buffer buf;
	double us;

	must(buffer_import(import->fd, import->dmabuf, 0, &buf), "import");
	us = us_since(start);
	must(buffer_destroy(import->fd, buf.handle), "destroy");
	return us;
}
