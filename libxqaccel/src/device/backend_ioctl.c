// SPDX-License-Identifier: MIT
/*
 * The driver's ioctls as a backend: thin, because the backend interface is theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend.h"

struct ioctl_backend {
	struct xq_backend backend;
	struct xq_ioctl_calls calls;
	int fd;
};

static int real_open(const char *path)
{
	return open(path, O_RDWR | O_CLOEXEC);
}

static int real_ioctl(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument);
}

static void *real_mmap(int fd, size_t bytes, uint64_t offset, int protection)
{
	return mmap(NULL, bytes, protection, MAP_SHARED, fd, (off_t)offset);
}

static void real_close(int fd)
{
	close(fd);
}

static const struct xq_ioctl_calls real_calls = {
	.open = real_open, .ioctl = real_ioctl, .mmap = real_mmap, .munmap = munmap,
	.close = real_close,
};

static struct ioctl_backend *of(struct xq_backend *backend)
{
	return (struct ioctl_backend *)backend;
}

static int call(struct ioctl_backend *b, unsigned long request, void *argument)
{
	return b->calls.ioctl(b->fd, request, argument) < 0 ? -errno : 0;
}

static void ioctl_close(struct xq_backend *backend)
{
	of(backend)->calls.close(of(backend)->fd);
	free(backend);
}

static int ioctl_create(struct xq_backend *backend, struct xq_memory *memory)
{
	struct ioctl_backend *b = of(backend);
	struct xqaccel_buf_create create = {
		.size = sizeof(create), .flags = memory->flags, .bytes = memory->bytes,
	};
	int err = call(b, XQACCEL_IOCTL_BUF_CREATE, &create);

	if (err)
		return err;
	memory->handle = create.handle;
	memory->bytes = create.bytes;
	memory->mapped = true;
	memory->data = b->calls.mmap(b->fd, create.bytes, create.mmap_offset,
				     PROT_READ | PROT_WRITE);
	if (memory->data == MAP_FAILED) {
		struct xqaccel_buf_destroy destroy = { .size = sizeof(destroy), .handle = create.handle };

		err = -errno;
		call(b, XQACCEL_IOCTL_BUF_DESTROY, &destroy);
	}
	return err;
}

static int ioctl_wrap(struct xq_backend *backend, struct xq_memory *memory)
{
	struct xqaccel_buf_wrap wrap = {
		.size = sizeof(wrap), .flags = memory->flags,
		.address = (uintptr_t)memory->data, .bytes = memory->bytes,
	};
	const int err = call(of(backend), XQACCEL_IOCTL_BUF_WRAP, &wrap);

	memory->handle = wrap.handle;
	return err;
}

/* Who exported it may not let it be mapped; jobs can use it all the same. */
static int ioctl_import(struct xq_backend *backend, int fd, struct xq_memory *memory)
{
	const int protection = memory->flags & XQACCEL_BUF_READ_ONLY ? PROT_READ :
								       PROT_READ | PROT_WRITE;
	struct ioctl_backend *b = of(backend);
	struct xqaccel_buf_import import = {
		.size = sizeof(import), .flags = memory->flags, .fd = fd,
	};
	const int err = call(b, XQACCEL_IOCTL_BUF_IMPORT, &import);

	if (err)
		return err;
	memory->handle = import.handle;
	memory->bytes = import.bytes;
	memory->data = b->calls.mmap(fd, import.bytes, 0, protection);
	memory->mapped = memory->data != MAP_FAILED;
	if (!memory->mapped)
		memory->data = NULL;
	return 0;
}

static int ioctl_export(struct xq_backend *backend, const struct xq_memory *memory, uint32_t flags,
			int *fd)
{
	struct xqaccel_buf_export export = {
		.size = sizeof(export), .flags = flags, .handle = memory->handle,
	};
	const int err = call(of(backend), XQACCEL_IOCTL_BUF_EXPORT, &export);

	if (!err)
		*fd = export.fd;
	return err;
}

static void ioctl_destroy(struct xq_backend *backend, const struct xq_memory *memory)
{
	struct xqaccel_buf_destroy destroy = { .size = sizeof(destroy), .handle = memory->handle };

	if (memory->mapped)
		of(backend)->calls.munmap(memory->data, memory->bytes);
	call(of(backend), XQACCEL_IOCTL_BUF_DESTROY, &destroy);
}

static int ioctl_submit_fenced(struct xq_backend *backend, const struct xqaccel_job_desc *jobs,
			       unsigned int count, uint32_t lane, uint32_t timeout_ms,
			       struct xq_fences *fences, uint64_t *first_id)
{
	struct xqaccel_submit submit = {
		.size = sizeof(submit), .jobs = { sizeof(*jobs), count, (uintptr_t)jobs },
		.flags = fences->flags, .lane = lane, .timeout_ms = timeout_ms,
		.in_fence = fences->flags & XQACCEL_SUBMIT_IN_FENCE ? fences->in : 0,
	};
	const int err = call(of(backend), XQACCEL_IOCTL_SUBMIT, &submit);

	*first_id = submit.first_id;
	fences->out = err ? -1 : submit.out_fence;
	return err ? err : (int)submit.accepted;
}

static int ioctl_submit(struct xq_backend *backend, const struct xqaccel_job_desc *jobs,
			unsigned int count, uint32_t lane, uint32_t timeout_ms,
			uint64_t *first_id)
{
	struct xq_fences none = { .flags = 0 };

	return ioctl_submit_fenced(backend, jobs, count, lane, timeout_ms, &none, first_id);
}

static int ioctl_wait(struct xq_backend *backend, uint32_t lane,
		      struct xqaccel_completion *completions, unsigned int count,
		      unsigned int min, int64_t deadline_ns)
{
	struct xqaccel_wait wait = {
		.size = sizeof(wait), .flags = XQACCEL_WAIT_LANE, .lane = lane,
		.completions = { sizeof(*completions), count, (uintptr_t)completions },
		.min_complete = min, .deadline_ns = deadline_ns,
	};
	const int err = call(of(backend), XQACCEL_IOCTL_WAIT, &wait);

	return err ? err : (int)wait.done;
}

static int ioctl_cancel(struct xq_backend *backend, uint64_t id)
{
	struct xqaccel_cancel cancel = { .size = sizeof(cancel), .id = id };

	return call(of(backend), XQACCEL_IOCTL_CANCEL, &cancel);
}

static int ioctl_eventfd(struct xq_backend *backend, uint32_t lane, int fd)
{
	struct xqaccel_eventfd eventfd = {
		.size = sizeof(eventfd), .flags = XQACCEL_EVENTFD_LANE, .fd = fd, .lane = lane,
	};

	return call(of(backend), XQACCEL_IOCTL_EVENTFD, &eventfd);
}

static int ioctl_program_create(struct xq_backend *backend, const struct xqaccel_job_desc *jobs,
				unsigned int count, unsigned int slots, uint32_t *program)
{
	struct xqaccel_program_create create = {
		.size = sizeof(create), .jobs = { sizeof(*jobs), count, (uintptr_t)jobs },
		.slots = slots,
	};
	const int err = call(of(backend), XQACCEL_IOCTL_PROGRAM_CREATE, &create);

	*program = create.program;
	return err;
}

static void ioctl_program_destroy(struct xq_backend *backend, uint32_t program)
{
	struct xqaccel_program_destroy destroy = { .size = sizeof(destroy), .program = program };

	call(of(backend), XQACCEL_IOCTL_PROGRAM_DESTROY, &destroy);
}

static int ioctl_file(struct xq_backend *backend)
{
	return of(backend)->fd;
}

static const struct xq_backend_ops ioctl_ops = {
	.close = ioctl_close, .create = ioctl_create, .wrap = ioctl_wrap, .import = ioctl_import,
	.export = ioctl_export, .destroy = ioctl_destroy,
	.submit = ioctl_submit, .submit_fenced = ioctl_submit_fenced, .wait = ioctl_wait,
	.cancel = ioctl_cancel, .eventfd = ioctl_eventfd,
	.program_create = ioctl_program_create, .program_destroy = ioctl_program_destroy,
	.file = ioctl_file,
};

/* The pairs, in memory that the caller frees. Their number does not change. */
static int get_pairs(struct ioctl_backend *b, struct xqaccel_info *info)
{
	const uint32_t count = info->pairs.count;
	struct xqaccel_pair *pairs;
	int err;

	info->pairs = (struct xqaccel_array){ sizeof(*pairs), 0, 0 };
	if (!count)
		return 0;
	pairs = calloc(count, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	info->pairs.count = count;
	info->pairs.array = (uintptr_t)pairs;
	err = call(b, XQACCEL_IOCTL_INFO, info);
	if (!err && info->pairs.count != count)
		err = -ENODEV;
	if (err)
		free(pairs);
	return err;
}

/* What isn't this driver answers INFO with ENOTTY, or in a way that makes no sense. */
static int get_info(struct ioctl_backend *b, struct xqaccel_info *info)
{
	int err;

	*info = (struct xqaccel_info){ .size = sizeof(*info) };
	err = call(b, XQACCEL_IOCTL_INFO, info);
	if (err)
		return err == -ENOTTY || err == -EINVAL || err == -ENOSYS ? -ENODEV : err;
	if (!(info->abi & XQACCEL_ABI_BASE))
		return -EPROTO;
	info->isa[sizeof(info->isa) - 1] = 0;
	info->driver[sizeof(info->driver) - 1] = 0;
	if (!info->lanes || !info->max_jobs || !info->clock_hz)
		return -ENODEV;
	return get_pairs(b, info);
}

int xq_ioctl_open(const char *path, const struct xq_ioctl_calls *calls,
		  struct xq_backend **backend, struct xqaccel_info *info)
{
	struct ioctl_backend *b = malloc(sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->backend.ops = &ioctl_ops;
	b->calls = calls ? *calls : real_calls;
	b->fd = b->calls.open(path);
	if (b->fd < 0) {
		err = -errno;
		free(b);
		return err;
	}
	err = get_info(b, info);
	if (err) {
		ioctl_close(&b->backend);
		return err;
	}
	*backend = &b->backend;
	return 0;
}
