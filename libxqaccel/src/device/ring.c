// SPDX-License-Identifier: MIT
/* Entries for the program's own rings. Those of queues are filled in here, too. */
#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>

#include <xqaccel/ring.h>

#include "job.h"

/* Where the command's structure begins, and what an entry of 64 bytes has of it. */
#define CMD_OFFSET	48
#define SHORT_BYTES	64
#define LONG_BYTES	128

int xq_device_file(const struct xq_device *dev)
{
	const struct xq_backend_ops *ops = dev->backend->ops;

	return ops->file ? ops->file(dev->backend) : -EOPNOTSUPP;
}

bool xq_device_has_ring(const struct xq_device *dev)
{
	return xq_device_file(dev) >= 0 && (dev->info.abi & XQACCEL_ABI_URING);
}

/* An entry with a command that is zero so far; or why there is none. */
static int begin(const struct xq_device *dev, struct io_uring_sqe *sqe, size_t sqe_bytes,
		 uint32_t op)
{
	if (!xq_device_has_ring(dev))
		return -EOPNOTSUPP;
	if (sqe_bytes != SHORT_BYTES && sqe_bytes != LONG_BYTES)
		return -EINVAL;
	memset(sqe, 0, sqe_bytes);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = xq_device_file(dev);
	sqe->cmd_op = op;
	return 0;
}

static void finish(struct io_uring_sqe *sqe, size_t sqe_bytes, const void *command, size_t bytes)
{
	const size_t room = sqe_bytes - CMD_OFFSET;

	memcpy((char *)sqe + CMD_OFFSET, command, bytes < room ? bytes : room);
}

int xq_ring_prepare(const struct xq_device *dev, struct io_uring_sqe *sqe, size_t sqe_bytes,
		    const struct xq_ring_jobs *jobs)
{
	const struct xqaccel_uring_submit submit = {
		.jobs = (uintptr_t)jobs->jobs,
		.timeout_ms = jobs->timeout_ms,
		.stride = sizeof(*jobs->jobs),
		.count = (__u8)jobs->count,
		.lane = (__u8)jobs->lane,
		.completions = (uintptr_t)jobs->completions,
		.completion_stride = jobs->completions ? sizeof(*jobs->completions) : 0,
		.flags = jobs->flags,
		.in_fence = jobs->flags & XQACCEL_SUBMIT_IN_FENCE ? jobs->in_fence : 0,
		.out_fence = jobs->flags & XQACCEL_SUBMIT_OUT_FENCE ? (uintptr_t)jobs->out_fence : 0,
	};
	int err;

	if (!jobs->count || jobs->count > XQACCEL_URING_MAX_BATCH ||
	    jobs->lane >= dev->info.lanes)
		return -EINVAL;
	if ((jobs->completions || jobs->flags) && sqe_bytes == SHORT_BYTES)
		return -EOPNOTSUPP;
	if (jobs->flags && !xq_device_has_fences(dev))
		return -EOPNOTSUPP;
	err = begin(dev, sqe, sqe_bytes, XQACCEL_URING_SUBMIT);
	if (!err)
		finish(sqe, sqe_bytes, &submit, sizeof(submit));
	return err;
}

int xq_ring_prepare_cancel(const struct xq_device *dev, struct io_uring_sqe *sqe,
			   size_t sqe_bytes, uint64_t user_data)
{
	const struct xqaccel_uring_cancel cancel = { .user_data = user_data };
	const int err = begin(dev, sqe, sqe_bytes, XQACCEL_URING_CANCEL);

	if (!err)
		finish(sqe, sqe_bytes, &cancel, sizeof(cancel));
	return err;
}

int xq_ring_status(int32_t res)
{
	switch (res) {
	case -ENXIO:
		return xq_status_error(XQACCEL_STATUS_FAULT);
	case -EREMOTEIO:
		return xq_status_error(XQACCEL_STATUS_DMA);
	case -EPROTO:
		return xq_status_error(XQACCEL_STATUS_INVALID);
	case -EBUSY:	/* as SUBMIT says it */
		return -EAGAIN;
	default:
		return res < 0 ? res : 0;
	}
}

uint64_t xq_ring_device_ns(const struct xq_device *dev, uint64_t big_cqe)
{
	return xq_ticks_to_ns(big_cqe, dev->info.clock_hz);
}

void xq_ring_completion(const struct xq_device *dev, const struct xqaccel_completion *from,
			struct xq_completion *to)
{
	xq_completion_from(dev, from, to);
}
