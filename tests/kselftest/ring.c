// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "device.h"
#include "guest.h"
#include "ring.h"

/* In an entry of 64 bytes. */
#define SMALL_PAYLOAD	16

int ring_open(struct io_uring *ring, unsigned int entries, unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };

	if (flags & IORING_SETUP_SQPOLL)
		params.sq_thread_idle = 100;
	return io_uring_queue_init_params(entries, ring, &params);
}

struct io_uring_sqe *ring_command(struct io_uring *ring, int fd, uint32_t op, uint64_t user_data)
{
	const bool large = ring->flags & IORING_SETUP_SQE128;
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (!sqe)
		return NULL;
	memset(sqe, 0, sizeof(*sqe) << large);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->cmd_op = op;
	sqe->user_data = user_data;
	return sqe;
}

void ring_payload(struct io_uring *ring, struct io_uring_sqe *sqe, const void *data, size_t bytes)
{
	uint8_t *to = (uint8_t *)sqe + offsetof(struct io_uring_sqe, cmd);

	if (!(ring->flags & IORING_SETUP_SQE128) && bytes > SMALL_PAYLOAD)
		bytes = SMALL_PAYLOAD;
	memcpy(to, data, bytes);
}

struct io_uring_sqe *ring_jobs(struct io_uring *ring, int fd, const struct xqaccel_job_desc *jobs,
			       unsigned int count, unsigned int lane, uint64_t user_data)
{
	struct io_uring_sqe *sqe = ring_command(ring, fd, XQACCEL_URING_SUBMIT, user_data);
	const struct xqaccel_uring_submit submit = {
		.jobs = (uintptr_t)jobs,
		.stride = sizeof(*jobs),
		.count = count,
		.lane = lane,
	};

	if (sqe)
		ring_payload(ring, sqe, &submit, sizeof(submit));
	return sqe;
}

struct io_uring_sqe *ring_cancel(struct io_uring *ring, int fd, uint64_t which,
				 uint64_t user_data)
{
	struct io_uring_sqe *sqe = ring_command(ring, fd, XQACCEL_URING_CANCEL, user_data);
	const struct xqaccel_uring_cancel cancel = { .user_data = which };

	if (sqe)
		ring_payload(ring, sqe, &cancel, sizeof(cancel));
	return sqe;
}

int ring_submit(struct io_uring *ring, int count)
{
	const int ret = io_uring_submit(ring);

	/* There it counts all that the kernel's thread has not come to. */
	if (ring->flags & IORING_SETUP_SQPOLL)
		return ret < 0 ? ret : 0;
	return ret == count ? 0 : ret < 0 ? ret : -EBUSY;
}

int ring_wait(struct io_uring *ring, struct result *r, int64_t timeout_ns)
{
	struct __kernel_timespec second = { .tv_sec = 1 };
	const int64_t began = now_ns();
	struct io_uring_cqe *cqe;
	int ret;

	/* A ring that is polled looks only while nobody waits with a time limit of io_uring's. */
	do {
		if (ring->flags & IORING_SETUP_IOPOLL)
			ret = io_uring_wait_cqe(ring, &cqe);
		else
			ret = io_uring_wait_cqe_timeout(ring, &cqe, &second);
	} while ((ret == -ETIME && !over_limit(began, timeout_ns)) || ret == -EINTR);
	if (ret)
		return ret;
	*r = (struct result){
		.user_data = cqe->user_data,
		.res = cqe->res,
		.ticks = ring->flags & IORING_SETUP_CQE32 ? cqe->big_cqe[0] : 0,
	};
	io_uring_cqe_seen(ring, cqe);
	return 0;
}

int ring_run(struct io_uring *ring)
{
	struct result r;
	int ret;

	ret = ring_submit(ring, 1);
	if (!ret)
		ret = ring_wait(ring, &r, 60 * SECOND);
	return ret ?: r.res;
}
