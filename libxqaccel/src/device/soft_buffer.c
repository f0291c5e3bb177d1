// SPDX-License-Identifier: MIT
/*
 * Buffers of "soft": memory of the backend's own, of the caller, or of a file that both have. The device
 * model reaches all of it where it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "soft.h"

static struct soft *of(struct xq_backend *backend)
{
	return (struct soft *)backend;
}

static int room_for(const struct soft *soft, size_t bytes)
{
	if (!bytes || bytes > soft->info.max_buffer_bytes)
		return -EINVAL;
	return soft->memory.client_bytes + bytes > soft->info.client_bytes ? -ENOSPC : 0;
}

/* Memory that is there becomes a buffer. */
static int add(struct soft *soft, struct xq_memory *memory, enum soft_origin origin, int fd)
{
	const bool writable = !(memory->flags & XQACCEL_BUF_READ_ONLY);
	struct soft_buffer *buffer;
	int err;

	pthread_mutex_lock(&soft->lock);
	err = room_for(soft, memory->bytes);
	if (!err)
		err = soft_buffer_add(&soft->memory, memory->data, memory->bytes, origin, writable,
				      fd, &buffer);
	if (!err)
		memory->handle = buffer->handle;
	pthread_mutex_unlock(&soft->lock);
	return err;
}

static int map_file(struct soft *soft, int fd, struct xq_memory *memory)
{
	const int protection = memory->flags & XQACCEL_BUF_READ_ONLY ? PROT_READ :
								       PROT_READ | PROT_WRITE;
	int err;

	memory->data = mmap(NULL, memory->bytes, protection, MAP_SHARED, fd, 0);
	if (memory->data == MAP_FAILED)
		return -errno;
	err = add(soft, memory, SOFT_FILE, fd);
	if (err)
		munmap(memory->data, memory->bytes);
	return err;
}

static int create_shared(struct soft *soft, struct xq_memory *memory)
{
	const int fd = memfd_create("xqaccel", MFD_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	memory->bytes = (memory->bytes + XQ_PAGE_BYTES - 1) / XQ_PAGE_BYTES * XQ_PAGE_BYTES;
	err = ftruncate(fd, (off_t)memory->bytes) ? -errno : map_file(soft, fd, memory);
	if (err)
		close(fd);
	return err;
}

int soft_create(struct xq_backend *backend, struct xq_memory *memory)
{
	struct soft *soft = of(backend);
	struct soft_buffer *buffer;
	int err;

	if (memory->bytes > soft->info.max_buffer_bytes)
		return -EINVAL;
	if (memory->flags & XQACCEL_BUF_SHARED)
		return create_shared(soft, memory);
	pthread_mutex_lock(&soft->lock);
	err = room_for(soft, memory->bytes);
	if (!err)
		err = soft_buffer_create(&soft->memory, memory->bytes, &buffer);
	if (!err)
		*memory = (struct xq_memory){ .handle = buffer->handle, .bytes = buffer->bytes,
					      .data = buffer->data };
	pthread_mutex_unlock(&soft->lock);
	return err;
}

/* Whether all of it is mapped: msync() asks that without touching it. */
int soft_wrap(struct xq_backend *backend, struct xq_memory *memory)
{
	if (((uintptr_t)memory->data | memory->bytes) % XQ_PAGE_BYTES || !memory->bytes)
		return -EINVAL;
	if (memory->bytes > of(backend)->info.max_buffer_bytes)
		return -EINVAL;
	if (!memory->data || msync(memory->data, memory->bytes, MS_ASYNC))
		return -EFAULT;
	return add(of(backend), memory, SOFT_WRAPPED, -1);
}

int soft_import(struct xq_backend *backend, int fd, struct xq_memory *memory)
{
	const off_t bytes = lseek(fd, 0, SEEK_END);
	int own, err;

	if (bytes < 0)
		return errno == ESPIPE ? -EINVAL : -errno;
	if (!bytes || bytes % (off_t)XQ_PAGE_BYTES)
		return -EINVAL;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return -errno;
	memory->bytes = (size_t)bytes;
	err = map_file(of(backend), own, memory);
	if (err)
		close(own);
	return err;
}

/* A descriptor for reading only is another open file. */
static int duplicate(int fd, uint32_t flags)
{
	char path[40];

	if (!(flags & XQACCEL_BUF_READ_ONLY))
		return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int soft_export(struct xq_backend *backend, const struct xq_memory *memory, uint32_t flags, int *fd)
{
	struct soft *soft = of(backend);
	const struct soft_buffer *buffer;
	int err = 0;

	if (!(memory->flags & XQACCEL_BUF_SHARED))
		return -EINVAL;
	pthread_mutex_lock(&soft->lock);
	buffer = soft_buffer_find(&soft->memory, memory->handle);
	*fd = duplicate(buffer->fd, flags);
	if (*fd < 0)
		err = -errno;
	pthread_mutex_unlock(&soft->lock);
	return err;
}

void soft_destroy(struct xq_backend *backend, const struct xq_memory *memory)
{
	struct soft *soft = of(backend);
	struct soft_buffer *buffer;

	pthread_mutex_lock(&soft->lock);
	buffer = soft_buffer_find(&soft->memory, memory->handle);
	soft_buffer_forget(&soft->memory, buffer);
	soft_buffer_put(soft, buffer);
	pthread_mutex_unlock(&soft->lock);
}

int soft_find_memory(void *opaque, uint32_t handle, bool written, uint64_t *bytes)
{
	const struct soft_buffer *buffer = soft_buffer_find(opaque, handle);

	if (!buffer)
		return -ENOENT;
	*bytes = buffer->bytes;
	return written && !buffer->writable ? -EACCES : 0;
}
