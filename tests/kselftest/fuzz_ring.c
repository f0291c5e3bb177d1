// SPDX-License-Identifier: GPL-2.0
/* Commands of io_uring, in rings of all kinds that end with commands in flight. */
#include <errno.h>
#include <string.h>

#include "device.h"
#include "fuzz_parts.h"
#include "ring.h"

#define ENTRIES		16

static __thread struct io_uring ring;
static __thread bool ring_there;
/* Of the last command. */
static __thread uint64_t user_data;

static const unsigned int kinds[] = {
	0,
	0,
	IORING_SETUP_SQPOLL,
	IORING_SETUP_IOPOLL,
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
};

void fuzz_ring_end(void)
{
	if (ring_there)
		io_uring_queue_exit(&ring);
	ring_there = false;
}

/* Whatever the last one has in flight. */
static int call_ring(struct random *r)
{
	unsigned int flags = kinds[random_below(r, ARRAY_SIZE(kinds))];
	int ret;

	if (random_one_in(r, 2))
		flags |= IORING_SETUP_SQE128 | IORING_SETUP_CQE32;
	fuzz_ring_end();
	ret = ring_open(&ring, ENTRIES, flags);
	ring_there = !ret;
	return ret;
}

static int need_ring(struct random *r)
{
	return ring_there ? 0 : call_ring(r);
}

static void some_flags(struct io_uring_sqe *sqe, struct random *r)
{
	if (random_one_in(r, 4))
		sqe->flags |= IOSQE_ASYNC;
	if (random_one_in(r, 8))
		sqe->flags |= IOSQE_IO_LINK;
	if (random_one_in(r, 16))
		sqe->flags |= IOSQE_IO_DRAIN;
}

/* The entry's own words are the kernel's to check; what it leaves to the driver is edited. */
static int command_give(struct io_uring_sqe *sqe, const struct fuzz_call *c, void *data,
			unsigned int bytes, struct random *r)
{
	int ret;

	if (!sqe)
		return -EBUSY;
	apply_edits(c, data, 0, bytes);
	ring_payload(&ring, sqe, data, bytes);
	some_flags(sqe, r);
	ret = io_uring_submit(&ring);
	return ret < 0 ? ret : 0;
}

static int call_command(struct fuzz_file *f, const struct fuzz_call *c, struct random *r,
			int fence)
{
	struct xqaccel_job_desc *jobs = (void *)(arena + ARENA_BYTES / 2);
	struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)jobs,
		.stride = sizeof(*jobs),
		.count = 1 + random_below(r, MOST_JOBS),
		.lane = random_below(r, 8),
	};
	struct xqaccel_job_desc made[MOST_JOBS];
	unsigned int i;

	if (ring.flags & IORING_SETUP_SQE128) {
		s.timeout_ms = 1 + random_below(r, 500);
		if (random_one_in(r, 4)) {
			s.flags = XQACCEL_SUBMIT_IN_FENCE;
			s.in_fence = fence;
		}
		if (random_one_in(r, 2)) {
			s.completions = (uintptr_t)(arena + ARENA_BYTES / 4);
			s.completion_stride = sizeof(struct xqaccel_completion);
		}
	}
	for (i = 0; i < s.count; i++) {
		some_work(f, r, &made[i]);
		made[i].work.flags &= ~XQACCEL_JOB_SILENT;
	}
	apply_edits(c, made, sizeof(s), s.count * sizeof(made[0]));
	memcpy(jobs, made, s.count * sizeof(made[0]));
	return command_give(ring_command(&ring, f->fd, XQACCEL_URING_SUBMIT, ++user_data), c, &s,
			    sizeof(s), r);
}

/* By a command of the driver's, or by io_uring's own. */
static int call_cancel(struct fuzz_file *f, const struct fuzz_call *c, struct random *r)
{
	const uint64_t which = user_data - random_below(r, 4);
	struct xqaccel_uring_cancel cancel = { .user_data = which };
	struct io_uring_sqe *sqe;
	int ret;

	if (random_one_in(r, 2))
		return command_give(ring_command(&ring, f->fd, XQACCEL_URING_CANCEL, ~0ULL), c,
				    &cancel, sizeof(cancel), r);
	sqe = ring_command(&ring, -1, 0, ~0ULL);
	if (!sqe)
		return -EBUSY;
	sqe->opcode = IORING_OP_ASYNC_CANCEL;
	sqe->addr = which;
	ret = io_uring_submit(&ring);
	return ret < 0 ? ret : 0;
}

/* Takes what is there, after a moment at most. */
static int call_reap(struct random *r)
{
	struct __kernel_timespec moment = { .tv_nsec = random_below(r, 4) * MS };
	struct io_uring_cqe *cqe;
	int last = -ETIME;

	if (ring.flags & IORING_SETUP_IOPOLL)
		io_uring_get_events(&ring);
	else
		io_uring_wait_cqe_timeout(&ring, &cqe, &moment);
	while (!io_uring_peek_cqe(&ring, &cqe)) {
		last = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
	}
	return last;
}

int fuzz_ring_call(struct fuzz_world *w, struct fuzz_file *f, const struct fuzz_call *c,
		   struct random *r)
{
	const int ret = c->op == FUZZ_RING ? call_ring(r) : need_ring(r);

	if (ret || c->op == FUZZ_RING)
		return ret;
	switch (c->op) {
	case FUZZ_COMMAND:
		return call_command(f, c, r, w->dmabuf[random_below(r, FUZZ_DMABUFS)]);
	case FUZZ_REAP:
		return call_reap(r);
	default:
		return call_cancel(f, c, r);
	}
}
