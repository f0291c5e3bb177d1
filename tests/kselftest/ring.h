/* SPDX-License-Identifier: GPL-2.0 */
/* Commands of the device through liburing, as functions that return 0 or -errno. */
#ifndef XQ_TEST_RING_H
#define XQ_TEST_RING_H

#include <liburing.h>
#include <linux/xqaccel.h>
#include <stdbool.h>
#include <stdint.h>

/* What a CQE says; device time only of rings with entries of 32 bytes, else 0. */
struct result {
	uint64_t user_data;
	int res;
	uint64_t ticks;
};

/* -ENOSYS or -EPERM where the system has io_uring switched off. */
int ring_open(struct io_uring *ring, unsigned int entries, unsigned int flags);

/* An entry of a command of the ring, all zero but for operation, file and user_data. */
struct io_uring_sqe *ring_command(struct io_uring *ring, int fd, uint32_t op, uint64_t user_data);
/* What follows in it: the structure's first 16 bytes, or all of it in a ring with SQE128. */
void ring_payload(struct io_uring *ring, struct io_uring_sqe *sqe, const void *data, size_t bytes);

/* Prepares jobs as one command, and the cancelling of a command; submits nothing. */
struct io_uring_sqe *ring_jobs(struct io_uring *ring, int fd, const struct xqaccel_job_desc *jobs,
			       unsigned int count, unsigned int lane, uint64_t user_data);
struct io_uring_sqe *ring_cancel(struct io_uring *ring, int fd, uint64_t which,
				 uint64_t user_data);

/* Submits what was prepared, which is count commands. */
int ring_submit(struct io_uring *ring, int count);
/* The next CQE; -ETIME if none comes, with a limit that grows with the machine's load. */
int ring_wait(struct io_uring *ring, struct result *r, int64_t timeout_ns);
/* Submits and waits for the one CQE: its res, or what went wrong with io_uring. */
int ring_run(struct io_uring *ring);

#endif
