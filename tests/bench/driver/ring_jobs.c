// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"

/* Of a command where nothing else is said. */
#define JOBS		32
/* The share of the commands under way that has to end before a call returns. */
#define REAPED_SHARE	2

struct ring_jobs {
	int fd;
	unsigned int jobs;	/* of a command */
	unsigned int commands;	/* under way */
	struct small small;
	struct small_desc empty;
	struct io_uring ring;
	struct io_uring polled;
	struct io_uring sqpoll;
};

struct ring_jobs *ring_jobs_open(unsigned int jobs_of_command)
{
	struct ring_jobs *jobs = calloc(1, sizeof(*jobs));
	struct xqaccel_info info;

	must(jobs ? 0 : -ENOMEM, "memory");
	jobs->jobs = jobs_of_command ?: JOBS;
	jobs->commands = DEPTH / jobs->jobs;
	jobs->fd = device_open();
	must(jobs->fd < 0 ? jobs->fd : 0, device_path());
	must(device_info(jobs->fd, &info), "info");
	if (!(info.abi & XQACCEL_ABI_URING)) {
		close(jobs->fd);
		free(jobs);
		return NULL;
	}
	small_open(&jobs->small, jobs->fd);
	jobs->empty = jobs->small.desc[0];
	jobs->empty.work.gemm.m = 0;
	must(io_uring_queue_init(2 * jobs->commands, &jobs->ring, 0), "io_uring");
	must(io_uring_queue_init(1, &jobs->polled, IORING_SETUP_IOPOLL), "io_uring with IOPOLL");
	return jobs;
}

void ring_jobs_close(struct ring_jobs *jobs)
{
	io_uring_queue_exit(&jobs->polled);
	io_uring_queue_exit(&jobs->ring);
	munmap(jobs->small.buf.map, jobs->small.buf.bytes);
	close(jobs->fd);
	free(jobs);
}

/* An entry of 64 bytes has all that this needs. */
static void prepare(struct ring_jobs *jobs, struct io_uring *ring, const struct small_desc *desc,
		    unsigned int count, uint64_t user_data)
{
	const struct xqaccel_uring_submit submit = {
		.jobs = (uintptr_t)desc, .stride = sizeof(*desc), .count = (__u8)count,
	};
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	must(sqe ? 0 : -ENOSPC, "entry of the ring");
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, jobs->fd, NULL, 0, 0);
	sqe->cmd_op = XQACCEL_URING_SUBMIT;
	memcpy((char *)sqe + 48, &submit, 16);
	io_uring_sqe_set_data64(sqe, user_data);
}

static double once_us(struct ring_jobs *jobs, struct io_uring *ring)
{
	struct io_uring_cqe *cqe = NULL;
	int64_t start;
	double us;
	int ret;

	start = now_ns();
	prepare(jobs, ring, &jobs->empty, 1, 1);
	ret = io_uring_submit_and_wait(ring, 1);
	must(ret < 0 ? ret : io_uring_peek_cqe(ring, &cqe), "io_uring_submit_and_wait");
	us = us_since(start);
	must_be(!cqe->res && cqe->user_data == 1, "an empty job by io_uring");
	io_uring_cqe_seen(ring, cqe);
	return us;
}

static double round_trip_us(struct ring_jobs *jobs, struct io_uring *ring, unsigned int count)
{
	double *us = malloc(count * sizeof(*us)), result;
	unsigned int i;

	must(us ? 0 : -ENOMEM, "memory");
	for (i = 0; i < count; i++)
		us[i] = once_us(jobs, ring);
	result = median(us, count);
	free(us);
	return result;
}

double ring_jobs_round_trip_us(struct ring_jobs *jobs, unsigned int count)
{
	return round_trip_us(jobs, &jobs->ring, count);
}

double ring_jobs_polled_us(struct ring_jobs *jobs, unsigned int count)
{
	return round_trip_us(jobs, &jobs->polled, count);
}

static void begin(struct ring_jobs *jobs, struct io_uring *ring, unsigned int command)
{
	unsigned int i;

	for (i = 0; i < jobs->jobs; i++)
		small_spoil(&jobs->small, command * jobs->jobs + i);
	prepare(jobs, ring, &jobs->small.desc[command * jobs->jobs], jobs->jobs, command);
}

static void end(struct ring_jobs *jobs, const struct io_uring_cqe *cqe)
{
	const unsigned int command = (unsigned int)cqe->user_data;
	unsigned int i;

	must_be(!cqe->res && command < jobs->commands, "small jobs by io_uring");
	for (i = 0; i < jobs->jobs; i++)
		small_must_be_right(&jobs->small, command * jobs->jobs + i);
}

/* Takes what is there, and begins as many again while there are any to begin; how many ended. */
static unsigned int turn(struct ring_jobs *jobs, struct io_uring *ring, unsigned int *begun,
			 unsigned int commands)
{
	struct io_uring_cqe *cqe;
	unsigned int ended = 0;

	while (!io_uring_peek_cqe(ring, &cqe)) {
		const unsigned int command = (unsigned int)cqe->user_data;

		end(jobs, cqe);
		io_uring_cqe_seen(ring, cqe);
		ended++;
		if (*begun < commands) {
			begin(jobs, ring, command);
			++*begun;
		}
	}
	return ended;
}

struct rate ring_jobs_rate(struct ring_jobs *jobs, unsigned int count)
{
	const unsigned int commands = (count + jobs->jobs - 1) / jobs->jobs;
	unsigned int begun, ended = 0, calls = 0;
	const unsigned int reaped = (jobs->commands + REAPED_SHARE - 1) / REAPED_SHARE;
	const int64_t start = now_ns();

	for (begun = 0; begun < jobs->commands; begun++)
		begin(jobs, &jobs->ring, begun);
	for (; ended < commands; calls++) {
		const unsigned int left = begun - ended;
		const int ret = io_uring_submit_and_wait(&jobs->ring,
							 left < reaped ? left : reaped);

		must(ret < 0 ? ret : 0, "io_uring_submit_and_wait");
		ended += turn(jobs, &jobs->ring, &begun, commands);
	}
	return (struct rate){ commands * jobs->jobs / us_since(start) * 1e6,
			      (double)calls / (commands * jobs->jobs) };
}

/* Whether io_uring_submit() will have to wake the kernel's thread. */
static bool sleeps(const struct io_uring *ring)
{
	return IO_URING_READ_ONCE(*ring->sq.kflags) & IORING_SQ_NEED_WAKEUP;
}

/* Its ring is here for no longer: the thread takes a processor from all else that is measured. */
struct rate ring_jobs_sqpoll_rate(struct ring_jobs *jobs, unsigned int count)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 10000 };
	const unsigned int commands = (count + jobs->jobs - 1) / jobs->jobs;
	unsigned int begun, ended = 0, calls = 0;
	int64_t start;

	must(io_uring_queue_init_params(2 * jobs->commands, &jobs->sqpoll, &params),
	     "io_uring with SQPOLL");
	start = now_ns();
	for (begun = 0; begun < jobs->commands; begun++)
		begin(jobs, &jobs->sqpoll, begun);
	while (ended < commands) {
		if (io_uring_sq_ready(&jobs->sqpoll)) {
			calls += sleeps(&jobs->sqpoll);
			io_uring_submit(&jobs->sqpoll);
		}
		ended += turn(jobs, &jobs->sqpoll, &begun, commands);
	}
	io_uring_queue_exit(&jobs->sqpoll);
	return (struct rate){ commands * jobs->jobs / us_since(start) * 1e6,
			      (double)calls / (commands * jobs->jobs) };
}
