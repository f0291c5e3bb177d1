// SPDX-License-Identifier: GPL-2.0
/* Buffers of the process's memory and of dma-bufs: those of this driver and of another one. */
#include <errno.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "fuzz_parts.h"
#include "shared_memory.h"

#define LENT_PAGES	16

/* Of each thread: memory that is wrapped, and that may be something else a moment later. */
static __thread uint8_t *lent;

int fuzz_memory_begin(void)
{
	lent = pages_of(LENT_PAGES * PAGE);
	return lent ? 0 : -ENOMEM;
}

/* What a process does with its memory whether or not a device has it. */
static void memory_changes(struct random *r)
{
	pid_t child;

	switch (random_below(r, 16)) {
	case 0:
		child = fork();
		if (!child)
			_exit(0);
		if (child > 0)
			waitpid(child, NULL, 0);
		break;
	case 1:
		madvise(lent, LENT_PAGES * PAGE, MADV_DONTNEED);
		break;
	case 2:
		mprotect(lent, PAGE, PROT_READ);
		break;
	case 3:
		mprotect(lent, PAGE, PROT_READ | PROT_WRITE);
		break;
	case 4:
		/* Other pages at the same place. */
		mmap(lent, LENT_PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
}

static int call_wrap(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	const unsigned int first = random_below(r, LENT_PAGES);
	struct xqaccel_buf_wrap cmd = {
		.size = sizeof(cmd),
		.flags = random_one_in(r, 4) ? XQACCEL_BUF_READ_ONLY : 0,
		.address = (uintptr_t)(lent + first * PAGE),
		.bytes = (1 + random_below(r, LENT_PAGES - first)) * PAGE,
	};
	int ret;

	apply_edits(c, &cmd, 0, sizeof(cmd));
	ret = run_ioctl(f, c, XQACCEL_IOCTL_BUF_WRAP, &cmd, sizeof(cmd));
	if (!ret)
		buffer_remember(some_buffer(f, r), cmd.handle, cmd.bytes, 0);
	memory_changes(r);
	return ret;
}

static void dmabuf_put(_Atomic int *slot, int fd)
{
	const int before = atomic_exchange(slot, fd);

	if (before >= 0)
		close(before);
}

void fuzz_descriptor_keep(_Atomic int *slot, int fd)
{
	if (fd >= 0)
		dmabuf_put(slot, fd);
}

void fuzz_dmabufs_close(struct fuzz_world *w)
{
	unsigned int i;

	for (i = 0; i < FUZZ_DMABUFS; i++)
		dmabuf_put(&w->dmabuf[i], -1);
}

static int call_export(struct fuzz_file *f, const struct fuzz_call *c, struct random *r,
		       _Atomic int *slot)
{
	struct xqaccel_buf_export cmd = {
		.size = sizeof(cmd),
		.flags = random_one_in(r, 4) ? XQACCEL_BUF_READ_ONLY : 0,
		.handle = some_buffer(f, r)->handle,
	};
	int ret;

	apply_edits(c, &cmd, 0, sizeof(cmd));
	ret = run_ioctl(f, c, XQACCEL_IOCTL_BUF_EXPORT, &cmd, sizeof(cmd));
	if (ret)
		return ret;
	ret = descriptor_lift(cmd.fd);
	if (ret >= 0)
		dmabuf_put(slot, ret);
	return ret;
}

static int call_import(struct fuzz_file *f, const struct fuzz_call *c, struct random *r,
		       _Atomic int *slot)
{
	struct xqaccel_buf_import cmd = {
		.size = sizeof(cmd),
		.flags = random_one_in(r, 4) ? XQACCEL_BUF_READ_ONLY : 0,
		.fd = *slot,
	};
	int ret;

	apply_edits(c, &cmd, 0, sizeof(cmd));
	ret = run_ioctl(f, c, XQACCEL_IOCTL_BUF_IMPORT, &cmd, sizeof(cmd));
	if (!ret)
		buffer_remember(some_buffer(f, r), cmd.handle, cmd.bytes, 0);
	return ret;
}

/* One of another driver in place of what was there. */
static int dmabuf_foreign(struct random *r, _Atomic int *slot)
{
	const uint64_t bytes = (1 + random_below(r, 16)) * PAGE;
	uint8_t *map = MAP_FAILED;
	int fd;

	fd = descriptor_lift(foreign_dmabuf(bytes, &map));
	if (map != MAP_FAILED)
		munmap(map, bytes);
	if (fd >= 0)
		dmabuf_put(slot, fd);
	return fd;
}

static int dmabuf_sync(int fd, struct random *r)
{
	struct dma_buf_sync sync = { .flags = random_below(r, 8) };

	return ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
}

static int dmabuf_touch(int fd, struct random *r)
{
	const uint64_t bytes = (1 + random_below(r, 24)) * PAGE;
	uint8_t *map = dmabuf_map(fd, bytes, true);
	int ret;

	if (!map)
		return -EACCES;
	ret = memory_touch(map + random_below(r, bytes));
	munmap(map, bytes);
	return ret;
}

static int call_dmabuf(struct random *r, _Atomic int *slot)
{
	switch (random_below(r, 4)) {
	case 0:
		return dmabuf_foreign(r, slot);
	case 1:
		return dmabuf_sync(*slot, r);
	case 2:
		return dmabuf_touch(*slot, r);
	default:
		dmabuf_put(slot, -1);
		return 0;
	}
}

int fuzz_memory_call(struct fuzz_world *w, struct fuzz_file *f, const struct fuzz_call *c,
		     struct random *r)
{
	_Atomic int *slot = &w->dmabuf[random_below(r, FUZZ_DMABUFS)];

	switch (c->op) {
	case FUZZ_WRAP:
		return call_wrap(f, c, r);
	case FUZZ_EXPORT:
		return call_export(f, c, r, slot);
	case FUZZ_IMPORT:
		return call_import(f, c, r, slot);
	default:
		return call_dmabuf(r, slot);
	}
}
