// SPDX-License-Identifier: GPL-2.0
/*
 * Queues of the library on the driver, by ioctl and by a ring of their own: the same in every
 * respect. And jobs in a ring of the program's.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <xqaccel/program.h>
#include <xqaccel/ring.h>

#include "fences.h"
#include "guest.h"
#include "harness.h"
#include "tests/unit/queue_case.h"

#define IN_FLIGHT	24
#define RANDOM_JOBS	120
#define BATCH		100
#define SIDE		16
#define C_AT		4096
#define OTHER_LANE	7	/* of no queue */

FIXTURE(queue)
{
	struct xq_device *dev;
	struct xq_queue *queue;
	struct xq_buffer *buf;
};

FIXTURE_SETUP(queue)
{
	ASSERT_EQ(0, xq_device_open(device_path(), &self->dev));
	ASSERT_EQ(0, xq_buffer_create(self->dev, C_AT + 4 * SIDE * SIDE * (BATCH + 1), &self->buf));
	memset(xq_buffer_data(self->buf), 1, C_AT);
}

FIXTURE_TEARDOWN(queue)
{
	xq_buffer_destroy(self->buf);
	xq_device_close(self->dev);
}

/* Runs a test with a queue of each kind that there is. */
#define TEST_OF_EACH(_name, _timeout) \
	static void body_##_name(struct __test_metadata *_metadata, FIXTURE_DATA(queue) *self); \
	TEST_F_TIMEOUT(queue, _name, _timeout) \
	{ \
		unsigned int flags; \
		for (flags = XQ_QUEUE_IOCTL; flags <= XQ_QUEUE_URING; flags *= 2) { \
			const struct xq_queue_options options = { .flags = flags }; \
			const int err = xq_queue_create(self->dev, &options, &self->queue); \
			if (flags == XQ_QUEUE_URING && !xq_device_has_ring(self->dev)) { \
				EXPECT_EQ(-EOPNOTSUPP, err); \
				break; \
			} \
			ASSERT_EQ(0, err); \
			EXPECT_EQ(0, strcmp(xq_queue_engine(self->queue), \
					    flags == XQ_QUEUE_URING ? "uring" : "ioctl")); \
			body_##_name(_metadata, self); \
			xq_queue_destroy(self->queue); \
		} \
	} \
	static void body_##_name(struct __test_metadata *_metadata __attribute__((unused)), \
				 FIXTURE_DATA(queue) *self)

/* All ones, so that C is SIDE everywhere. */
static struct xqaccel_job_desc job_at(FIXTURE_DATA(queue) *self, unsigned int place)
{
	const uint32_t handle = xq_buffer_handle(self->buf);

	return (struct xqaccel_job_desc){
		.user_data = place,
		.work = { .op = XQACCEL_OP_GEMM,
			  .gemm = { .m = SIDE, .n = SIDE, .k = SIDE, .batch = 1,
				    .a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8 } },
		.operand = {
			[XQACCEL_A] = { .handle = handle, .stride = SIDE },
			[XQACCEL_B] = { .handle = handle, .offset = SIDE * SIDE, .stride = SIDE },
			[XQACCEL_C] = { .handle = handle, .stride = 4 * SIDE,
					.offset = C_AT + 4UL * SIDE * SIDE * place },
		},
	};
}

static int32_t *c_at(FIXTURE_DATA(queue) *self, unsigned int place)
{
	return (int32_t *)((char *)xq_buffer_data(self->buf) + C_AT) + SIDE * SIDE * place;
}

/* How many of the first so many places have not their result; they are cleared. */
static unsigned int wrong_results(FIXTURE_DATA(queue) *self, unsigned int places)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < SIDE * SIDE * places; i++) {
		wrong += c_at(self, 0)[i] != SIDE;
		c_at(self, 0)[i] = 0;
	}
	return wrong;
}

/* What options and environment say, and what is there without them. */
TEST_F(queue, engines)
{
	const bool ring = xq_device_has_ring(self->dev);
	const struct xq_queue_options both = { .flags = XQ_QUEUE_IOCTL | XQ_QUEUE_URING };
	struct xq_queue *q;

	EXPECT_EQ(-EINVAL, xq_queue_create(self->dev, &both, &q));
	ASSERT_EQ(0, xq_queue_create(self->dev, NULL, &q));
	EXPECT_EQ(0, strcmp(xq_queue_engine(q), ring ? "uring" : "ioctl"));
	xq_queue_destroy(q);
	setenv("XQ_QUEUE_ENGINE", "ioctl", 1);
	ASSERT_EQ(0, xq_queue_create(self->dev, NULL, &q));
	EXPECT_EQ(0, strcmp(xq_queue_engine(q), "ioctl"));
	xq_queue_destroy(q);
	setenv("XQ_QUEUE_ENGINE", "pigeon", 1);
	EXPECT_EQ(-EINVAL, xq_queue_create(self->dev, NULL, &q));
	setenv("XQ_QUEUE_ENGINE", "uring", 1);
	EXPECT_EQ(ring ? 0 : -EOPNOTSUPP, xq_queue_create(self->dev, NULL, &q));
	if (ring)
		xq_queue_destroy(q);
}

static void take_case(struct __test_metadata *_metadata, FIXTURE_DATA(queue) *self,
		      struct queue_case *cases, uint64_t expected)
{
	struct xq_completion done;

	ASSERT_EQ(1, xq_queue_wait(self->queue, &done, 1, 1, -1));
	EXPECT_EQ(expected, done.user_data);
	EXPECT_EQ(0, done.status);
	EXPECT_TRUE(case_right(&cases[expected % IN_FLIGHT]));
	case_free(&cases[expected % IN_FLIGHT]);
}

/* Jobs of all sorts, each with buffers of its own, in their order and with the right bits. */
TEST_OF_EACH(random_jobs, 120)
{
	struct queue_case cases[IN_FLIGHT];
	uint64_t seed = 11, submitted, taken = 0;

	for (submitted = 0; submitted < RANDOM_JOBS; submitted++) {
		struct queue_case *c = &cases[submitted % IN_FLIGHT];

		if (submitted - taken == IN_FLIGHT)
			take_case(_metadata, self, cases, taken++);
		ASSERT_EQ(0, case_make(c, self->dev, &seed));
		c->job.user_data = submitted;
		ASSERT_EQ(1, xq_queue_submit(self->queue, &c->job, 1));
	}
	while (taken < submitted)
		take_case(_metadata, self, cases, taken++);
	EXPECT_EQ(0U, xq_queue_pending(self->queue));
}

/* Many in one call, of which every second has no completion. */
TEST_OF_EACH(batch_with_silent_jobs, 60)
{
	struct xqaccel_job_desc jobs[BATCH];
	struct xq_completion done[BATCH];
	unsigned int i;
	int n, at = 0;

	for (i = 0; i < BATCH; i++) {
		jobs[i] = job_at(self, i);
		jobs[i].work.flags = i % 2 ? 0 : XQACCEL_JOB_SILENT;
	}
	while (at < BATCH) {
		n = xq_job_submit(self->queue, jobs + at, BATCH - (unsigned int)at);
		ASSERT_GT(n, 0);
		at += n;
	}
	EXPECT_EQ(BATCH / 2U, xq_queue_pending(self->queue));
	for (i = 0; i < BATCH / 2; i += (unsigned int)n) {
		n = xq_queue_wait(self->queue, done + i, BATCH / 2 - i, BATCH / 2 - i, -1);
		ASSERT_GT(n, 0);
	}
	for (i = 0; i < BATCH / 2; i++)
		EXPECT_TRUE(done[i].user_data == 2 * i + 1 && !done[i].status);
	EXPECT_EQ(0U, wrong_results(self, BATCH));
	EXPECT_EQ(-ENOENT, xq_queue_wait(self->queue, done, 1, 1, -1));
}

/* What is wrong with a job the call says, and those before it have been accepted. */
TEST_OF_EACH(refused, 30)
{
	struct xqaccel_job_desc jobs[5];
	struct xq_completion done[5];
	unsigned int i;

	for (i = 0; i < 5; i++)
		jobs[i] = job_at(self, i);
	jobs[3].operand[XQACCEL_C].offset = xq_buffer_size(self->buf);
	EXPECT_EQ(3, xq_job_submit(self->queue, jobs, 5));
	EXPECT_EQ(-ERANGE, xq_job_submit(self->queue, jobs + 3, 2));
	jobs[3].operand[XQACCEL_C].handle = 12345;
	EXPECT_EQ(-ENOENT, xq_job_submit(self->queue, jobs + 3, 1));
	jobs[3].work.op = 99;
	EXPECT_EQ(-EOPNOTSUPP, xq_job_submit(self->queue, jobs + 3, 1));
	EXPECT_EQ(3, xq_queue_wait(self->queue, done, 5, 3, -1));
	EXPECT_EQ(0U, wrong_results(self, 3));
}

/* A run of a program, and one that binds what it has no slot for. */
TEST_OF_EACH(program, 30)
{
	struct xqaccel_job_desc jobs[4];
	struct xq_program_run run = { 0 };
	struct xq_program *program;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		jobs[i] = job_at(self, i);
		jobs[i].user_data = 0;
	}
	ASSERT_EQ(0, xq_program_create(self->dev, jobs, 4, 0, &program));
	run.program = program;
	EXPECT_EQ(0, xq_program_run(self->queue, &run, NULL));
	EXPECT_EQ(0U, wrong_results(self, 4));
	run.slot[0].buffer = self->buf;
	EXPECT_EQ(-EINVAL, xq_program_run(self->queue, &run, NULL));
	xq_program_destroy(program);
}

/*
 * While the device is busy with the first: waits end in time, others can be canceled, there is an
 * end to what fits.
 */
TEST_OF_EACH(behind_a_job_that_hangs, 120)
{
	const unsigned int most = xq_device_info(self->dev)->max_jobs;
	struct xqaccel_job_desc job = job_at(self, 0);
	struct xq_completion done;
	unsigned int accepted = 0, i, canceled = 0;
	int n;

	if (!host_present())
		SKIP(return, "no host that makes a job hang");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	do {
		job.user_data = accepted;
		n = xq_job_submit(self->queue, &job, 1);
		accepted += n == 1;
	} while (n == 1);
	EXPECT_EQ(-EAGAIN, n);
	EXPECT_EQ(most, accepted);
	EXPECT_EQ(-ETIMEDOUT, xq_queue_wait(self->queue, &done, 1, 1, 50 * MS));
	EXPECT_EQ(0, xq_queue_wait(self->queue, &done, 1, 0, 0));
	EXPECT_EQ(1, xq_queue_cancel(self->queue, most - 1));
	ASSERT_EQ(1, xq_queue_wait(self->queue, &done, 1, 1, 20 * SECOND));
	EXPECT_EQ(most - 1, done.user_data);
	EXPECT_EQ(-ECANCELED, done.status);
	EXPECT_EQ(0, xq_queue_cancel(self->queue, most - 1));
	EXPECT_EQ(1, xq_queue_cancel(self->queue, 0));
	for (i = 0; i < most - 1; i++) {
		ASSERT_EQ(1, xq_queue_wait(self->queue, &done, 1, 1, 20 * SECOND));
		canceled += done.status == -ECANCELED;
	}
	EXPECT_EQ(1U, canceled);
	EXPECT_EQ(0U, wrong_results(self, 1));
}

/* Each engine tells it by another name, and the library by one. */
TEST_OF_EACH(error_of_the_bus, 60)
{
	struct xqaccel_job_desc job = job_at(self, 0);
	struct xq_completion done;

	if (!host_present())
		SKIP(return, "no host that makes the bus refuse a job");
	ASSERT_EQ(0, inject("dma-errors", 1));
	ASSERT_EQ(1, xq_job_submit(self->queue, &job, 1));
	ASSERT_EQ(1, xq_queue_wait(self->queue, &done, 1, 1, 20 * SECOND));
	EXPECT_EQ(-EIO, done.status);
	ASSERT_EQ(1, xq_job_submit(self->queue, &job, 1));
	ASSERT_EQ(1, xq_queue_wait(self->queue, &done, 1, 1, 20 * SECOND));
	EXPECT_EQ(0, done.status);
	EXPECT_EQ(0U, wrong_results(self, 1));
}

/* A queue is destroyed with jobs under way: they end first. */
TEST_OF_EACH(destroyed_early, 30)
{
	struct xqaccel_job_desc jobs[BATCH];
	struct xq_queue *q;
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		jobs[i] = job_at(self, i);
	ASSERT_EQ(0, xq_queue_create(self->dev, &(struct xq_queue_options){
		.flags = strcmp(xq_queue_engine(self->queue), "uring") ? XQ_QUEUE_IOCTL :
									 XQ_QUEUE_URING }, &q));
	EXPECT_EQ(BATCH, xq_job_submit(q, jobs, BATCH));
	xq_queue_destroy(q);
	EXPECT_EQ(0U, wrong_results(self, BATCH));
}

/* ---- a ring of the program's ------------------------------------------------------- */

static int32_t next_res(struct __test_metadata *_metadata, struct io_uring *ring,
			uint64_t *user_data)
{
	struct io_uring_cqe *cqe;
	int32_t res;

	ASSERT_EQ(0, io_uring_wait_cqe(ring, &cqe));
	*user_data = cqe->user_data;
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

/* A read and jobs wait in one place, with entries of either size. */
static void own_ring(struct __test_metadata *_metadata, FIXTURE_DATA(queue) *self,
		     size_t sqe_bytes)
{
	struct xqaccel_completion raw[3] = { 0 };
	struct xqaccel_job_desc job[3] = { job_at(self, 0), job_at(self, 1), job_at(self, 2) };
	struct xq_ring_jobs jobs = {
		.jobs = job, .count = 3, .lane = 5, .completions = sqe_bytes == 128 ? raw : NULL,
	};
	struct xq_completion done;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	unsigned int i, seen = 0;
	uint64_t id;

	ASSERT_EQ(0, io_uring_queue_init(8, &ring, sqe_bytes == 128 ? IORING_SETUP_SQE128 : 0));
	sqe = io_uring_get_sqe(&ring);
	ASSERT_EQ(0, xq_ring_prepare(self->dev, sqe, sqe_bytes, &jobs));
	io_uring_sqe_set_data64(sqe, 1);
	io_uring_prep_nop(sqe = io_uring_get_sqe(&ring));
	io_uring_sqe_set_data64(sqe, 2);
	ASSERT_EQ(2, io_uring_submit(&ring));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, xq_ring_status(next_res(_metadata, &ring, &id)));
		seen |= 1U << id;
	}
	EXPECT_EQ(6U, seen);
	EXPECT_EQ(0U, wrong_results(self, 3));
	for (i = 0; jobs.completions && i < 3; i++) {
		xq_ring_completion(self->dev, &raw[i], &done);
		EXPECT_TRUE(done.user_data == i && !done.status && done.macs == SIDE * SIDE * SIDE);
	}
	job[1].operand[XQACCEL_A].handle = 12345;
	sqe = io_uring_get_sqe(&ring);
	ASSERT_EQ(0, xq_ring_prepare(self->dev, sqe, sqe_bytes, &jobs));
	ASSERT_EQ(1, io_uring_submit(&ring));
	EXPECT_EQ(-ENOENT, xq_ring_status(next_res(_metadata, &ring, &id)));
	EXPECT_EQ(3U * SIDE * SIDE, wrong_results(self, 3));
	sqe = io_uring_get_sqe(&ring);
	ASSERT_EQ(0, xq_ring_prepare_cancel(self->dev, sqe, sqe_bytes, 77));
	ASSERT_EQ(1, io_uring_submit(&ring));
	EXPECT_EQ(-ENOENT, xq_ring_status(next_res(_metadata, &ring, &id)));
	io_uring_queue_exit(&ring);
}

TEST_F(queue, ring_of_the_program)
{
	struct xqaccel_job_desc job = job_at(self, 0);
	struct xqaccel_completion raw;
	struct xq_ring_jobs jobs = { .jobs = &job, .count = 1 };
	uint64_t entry[16];
	struct io_uring_sqe *sqe = (struct io_uring_sqe *)entry;

	if (!xq_device_has_ring(self->dev)) {
		EXPECT_EQ(-EOPNOTSUPP, xq_ring_prepare(self->dev, sqe, 64, &jobs));
		SKIP(return, "the driver takes no jobs from rings");
	}
	EXPECT_EQ(-EINVAL, xq_ring_prepare(self->dev, sqe, 65, &jobs));
	jobs.completions = &raw;
	EXPECT_EQ(-EOPNOTSUPP, xq_ring_prepare(self->dev, sqe, 64, &jobs));
	jobs.count = 256;
	EXPECT_EQ(-EINVAL, xq_ring_prepare(self->dev, sqe, 128, &jobs));
	jobs = (struct xq_ring_jobs){ .jobs = &job, .count = 1, .flags = XQACCEL_SUBMIT_EXPLICIT };
	EXPECT_EQ(-EOPNOTSUPP, xq_ring_prepare(self->dev, sqe, 64, &jobs));
	own_ring(_metadata, self, 64);
	own_ring(_metadata, self, 128);
}

/* The fence of a command in the program's ring is one for a queue, and the other way round. */
TEST_OF_EACH(fence_of_a_ring, 60)
{
	struct xqaccel_job_desc job = job_at(self, 0), after = job_at(self, 1);
	struct xqaccel_job_desc last = job_at(self, 2);
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_IN_FENCE | XQACCEL_SUBMIT_OUT_FENCE };
	struct xq_ring_jobs jobs = {
		.jobs = &job, .count = 1, .lane = OTHER_LANE, .flags = XQACCEL_SUBMIT_OUT_FENCE,
		.out_fence = &f.in,
	};
	struct io_uring ring;
	uint64_t id;

	if (!xq_device_has_ring(self->dev) || !xq_device_has_fences(self->dev))
		SKIP(return, "no rings or no fences");
	ASSERT_EQ(0, io_uring_queue_init(4, &ring, IORING_SETUP_SQE128));
	ASSERT_EQ(0, xq_ring_prepare(self->dev, io_uring_get_sqe(&ring), 128, &jobs));
	ASSERT_EQ(1, io_uring_submit(&ring));
	ASSERT_LE(0, f.in);
	ASSERT_EQ(1, xq_job_submit_fenced(self->queue, &after, 1, &f));
	jobs = (struct xq_ring_jobs){
		.jobs = &last, .count = 1, .lane = 6, .flags = XQACCEL_SUBMIT_IN_FENCE,
		.in_fence = f.out,
	};
	ASSERT_EQ(0, xq_ring_prepare(self->dev, io_uring_get_sqe(&ring), 128, &jobs));
	ASSERT_EQ(1, io_uring_submit(&ring));
	EXPECT_EQ(0, xq_ring_status(next_res(_metadata, &ring, &id)));
	EXPECT_EQ(0, xq_ring_status(next_res(_metadata, &ring, &id)));
	EXPECT_EQ(1, fence_status(f.in));
	EXPECT_EQ(1, fence_status(f.out));
	ASSERT_EQ(1, xq_queue_wait(self->queue, &(struct xq_completion){ 0 }, 1, 1, 10 * SECOND));
	EXPECT_EQ(0U, wrong_results(self, 3));
	close(f.in);
	close(f.out);
	io_uring_queue_exit(&ring);
}

/* ---- a kernel without rings, or that takes no entries --------------------------------- */

/* What io_uring_setup() says if it is not 0. */
static int no_ring;

int __real_io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
				      struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
				      struct io_uring_params *params);

int __wrap_io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
				      struct io_uring_params *params)
{
	return no_ring ?: __real_io_uring_queue_init_params(entries, ring, params);
}

/* Systems switch it off: a queue goes by ioctl then, and one that was asked for says why not. */
TEST_F(queue, without_io_uring)
{
	const struct xq_queue_options forced = { .flags = XQ_QUEUE_URING };
	const int why[] = { -ENOSYS, -EPERM, -ENOMEM };
	struct xqaccel_job_desc job = job_at(self, 0);
	struct xq_queue *q;
	unsigned int i;
	int n;

	if (!xq_device_has_ring(self->dev))
		SKIP(return, "no ring here");
	for (i = 0; i < 3; i++) {
		no_ring = why[i];
		ASSERT_EQ(0, xq_queue_create(self->dev, NULL, &q));
		EXPECT_EQ(0, strcmp(xq_queue_engine(q), "ioctl"));
		EXPECT_EQ(0, xq_job_run(q, &job, NULL));
		EXPECT_EQ(0U, wrong_results(self, 1));
		xq_queue_destroy(q);
		EXPECT_EQ(why[i], xq_queue_create(self->dev, &forced, &q));
		setenv("XQ_QUEUE_ENGINE", "uring", 1);
		EXPECT_EQ(why[i], xq_queue_create(self->dev, NULL, &q));
		unsetenv("XQ_QUEUE_ENGINE");
	}
	no_ring = 0;
	/* As Linux from 6.6 on does it. */
	if (file_write("/proc/sys/kernel/io_uring_disabled", "2"))
		SKIP(return, "a kernel that can't switch it off");
	EXPECT_EQ(-EPERM, xq_queue_create(self->dev, &forced, &q));
	n = xq_queue_create(self->dev, NULL, &q);
	/* Before anything ends the test: others need it. */
	EXPECT_EQ(0, file_write("/proc/sys/kernel/io_uring_disabled", "0"));
	ASSERT_EQ(0, n);
	EXPECT_EQ(0, strcmp(xq_queue_engine(q), "ioctl"));
	EXPECT_EQ(0, xq_job_run(q, &job, NULL));
	xq_queue_destroy(q);
}

/* Calls that fail, each before it has done anything, after so many that do not. */
static unsigned int good_calls, failing_calls;

int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);

int __wrap_io_uring_submit(struct io_uring *ring)
{
	if (good_calls) {
		good_calls--;
	} else if (failing_calls) {
		failing_calls--;
		return -ENOMEM;
	}
	return __real_io_uring_submit(ring);
}

/* What was refused is not done with what comes next. */
TEST_F(queue, entries_that_the_kernel_does_not_take)
{
	const struct xq_queue_options options = { .flags = XQ_QUEUE_URING };
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_OUT_FENCE };
	struct xqaccel_job_desc jobs[BATCH];
	struct xq_completion done[BATCH];
	unsigned int i;
	int n;

	if (!xq_device_has_ring(self->dev))
		SKIP(return, "no ring here");
	ASSERT_EQ(0, xq_queue_create(self->dev, &options, &self->queue));
	for (i = 0; i < BATCH; i++)
		jobs[i] = job_at(self, i);
	failing_calls = 1;
	EXPECT_EQ(-ENOMEM, xq_job_submit(self->queue, jobs, 3));
	EXPECT_EQ(0U, xq_queue_pending(self->queue));
	if (xq_device_has_fences(self->dev)) {
		failing_calls = 1;
		EXPECT_EQ(-ENOMEM, xq_job_submit_fenced(self->queue, jobs, 3, &f));
		EXPECT_EQ(-1, f.out);
		EXPECT_EQ(0U, xq_queue_pending(self->queue));
	}
	/* The ring is full before all are in it: what it has told the kernel of by then is done. */
	good_calls = 1;
	failing_calls = 2;
	n = xq_job_submit(self->queue, jobs + 4, BATCH - 4);
	ASSERT_LT(0, n);
	EXPECT_GT(BATCH - 4, n);
	EXPECT_EQ((unsigned int)n, xq_queue_pending(self->queue));
	good_calls = 0;
	failing_calls = 0;
	ASSERT_EQ(1, xq_job_submit(self->queue, jobs + 3, 1));
	ASSERT_EQ(n + 1, xq_queue_wait(self->queue, done, BATCH, (unsigned int)n + 1, 10 * SECOND));
	EXPECT_EQ(-ENOENT, xq_queue_wait(self->queue, done, 1, 1, -1));
	for (i = 0; i < BATCH; i++) {
		const bool runs = i == 3 || (i >= 4 && i < 4 + (unsigned int)n);

		EXPECT_EQ(runs ? SIDE : 0, *c_at(self, i));
	}
	xq_queue_destroy(self->queue);
}

/* ---- fences and eventfds ------------------------------------------------------------ */

static bool no_fences(FIXTURE_DATA(queue) *self)
{
	return !xq_device_has_fences(self->dev);
}

/* A job of place 0 in another lane that runs until release(): its fence. */
static int hold_other(FIXTURE_DATA(queue) *self)
{
	struct xqaccel_job_desc job = job_at(self, 0);

	return hold(xq_device_file(self->dev), &job, OTHER_LANE);
}

/*
 * Jobs between others of their queue wait for a fence, with those behind them; it keeps its order,
 * and the fence that they have is theirs.
 */
TEST_OF_EACH(fences, 120)
{
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_IN_FENCE | XQACCEL_SUBMIT_OUT_FENCE };
	struct xqaccel_job_desc jobs[BATCH];
	struct xq_completion done[BATCH];
	struct xqaccel_completion held;
	unsigned int i, taken;

	if (no_fences(self))
		SKIP(return, "no fences here");
	if (!host_present())
		SKIP(return, "no host to make a job slow");
	for (i = 0; i < BATCH; i++)
		jobs[i] = job_at(self, i);
	ASSERT_EQ(0, xq_job_run(self->queue, jobs, NULL));
	f.in = hold_other(self);
	ASSERT_LE(0, f.in);
	ASSERT_EQ(2, xq_job_submit(self->queue, jobs, 2));
	ASSERT_EQ(BATCH - 4, xq_job_submit_fenced(self->queue, jobs + 2, BATCH - 4, &f));
	ASSERT_LE(0, f.out);
	ASSERT_EQ(2, xq_job_submit(self->queue, jobs + BATCH - 2, 2));
	EXPECT_EQ((unsigned int)BATCH, xq_queue_pending(self->queue));
	ASSERT_EQ(2, xq_queue_wait(self->queue, done, BATCH, 2, 10 * SECOND));
	EXPECT_EQ(-ETIMEDOUT, xq_queue_wait(self->queue, done + 2, 1, 1, 50 * MS));
	EXPECT_EQ(0, fence_status(f.in));
	EXPECT_EQ(0, fence_status(f.out));
	ASSERT_EQ(0, release());
	for (taken = 2; taken < BATCH; taken += i) {
		const int n = xq_queue_wait(self->queue, done + taken, BATCH - taken, 1,
					    20 * SECOND);

		ASSERT_LT(0, n);
		i = (unsigned int)n;
	}
	EXPECT_EQ(1, fence_status(f.in));
	EXPECT_EQ(1, fence_status(f.out));
	for (i = 0; i < BATCH; i++) {
		EXPECT_TRUE(done[i].user_data == i && !done[i].status);
		EXPECT_TRUE(!i || done[i].start_ns >= done[i - 1].end_ns);
	}
	EXPECT_EQ(0U, wrong_results(self, BATCH));
	EXPECT_EQ(0, wait_lane(xq_device_file(self->dev), OTHER_LANE, &held, 10 * SECOND));
	close(f.in);
	close(f.out);
}

/* A queue's own fence is one for itself, with silent jobs, and one that flags ask nothing of. */
TEST_OF_EACH(fences_of_itself, 60)
{
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_OUT_FENCE };
	struct xqaccel_job_desc jobs[8];
	struct xq_completion done[8];
	int before = -1;
	unsigned int i;

	if (no_fences(self))
		SKIP(return, "no fences here");
	for (i = 0; i < 8; i++) {
		jobs[i] = job_at(self, i);
		jobs[i].work.flags = i % 2 ? 0 : XQACCEL_JOB_SILENT;
	}
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(8, xq_job_submit_fenced(self->queue, jobs, 8, &f));
		if (before >= 0)
			close(before);
		f.flags |= XQACCEL_SUBMIT_IN_FENCE;
		before = f.out;
		f.in = before;
	}
	f.flags = XQACCEL_SUBMIT_EXPLICIT;
	ASSERT_EQ(8, xq_job_submit_fenced(self->queue, jobs, 8, &f));
	EXPECT_EQ(-1, f.out);
	EXPECT_EQ(16U, xq_queue_pending(self->queue));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(4, xq_queue_wait(self->queue, done, 4, 4, 10 * SECOND));
	EXPECT_TRUE(done[0].user_data == 1 && done[3].user_data == 7 && !done[3].status);
	EXPECT_EQ(-ENOENT, xq_queue_wait(self->queue, done, 1, 1, 0));
	EXPECT_EQ(1, fence_status(before));
	EXPECT_EQ(0U, wrong_results(self, 8));
	close(before);
}

/* As many as a call takes, or a command. */
TEST_OF_EACH(fence_of_many, 120)
{
	const bool ring = !strcmp(xq_queue_engine(self->queue), "uring");
	const unsigned int most = xq_device_info(self->dev)->max_batch;
	const unsigned int expected = ring && most > 255 ? 255 : most;
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_OUT_FENCE };
	struct xqaccel_job_desc *jobs = calloc(most, sizeof(*jobs));
	struct xq_completion done;
	unsigned int i;

	if (no_fences(self))
		SKIP(return, "no fences here");
	for (i = 0; i < most; i++)
		jobs[i] = job_at(self, i % BATCH);
	EXPECT_EQ(-EINVAL, xq_job_submit_fenced(self->queue, jobs, most + 1, &f));
	EXPECT_EQ(expected, (unsigned int)xq_job_submit_fenced(self->queue, jobs, most, &f));
	for (i = 0; i < expected; i++) {
		ASSERT_EQ(1, xq_queue_wait(self->queue, &done, 1, 1, 20 * SECOND));
		EXPECT_TRUE(done.user_data == i % BATCH && !done.status);
	}
	EXPECT_EQ(0U, xq_queue_pending(self->queue));
	EXPECT_EQ(1, fence_status(f.out));
	EXPECT_EQ(0U, wrong_results(self, BATCH));
	close(f.out);
	free(jobs);
}

/* What is refused leaves no job and no descriptor; what comes before it has the fence. */
TEST_OF_EACH(fences_refused, 60)
{
	const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_IN_FENCE | XQACCEL_SUBMIT_OUT_FENCE };
	struct xqaccel_job_desc jobs[5];
	struct xq_completion done[5];
	const int bad[] = { -1, 1000, next };
	unsigned int i;

	if (no_fences(self))
		SKIP(return, "no fences here");
	for (i = 0; i < 5; i++)
		jobs[i] = job_at(self, i);
	for (i = 0; i < 3; i++) {
		f.in = bad[i];
		EXPECT_EQ(-EBADF, xq_job_submit_fenced(self->queue, jobs, 5, &f));
		EXPECT_EQ(-1, f.out);
	}
	f.flags = 1U << 20;
	EXPECT_EQ(-EOPNOTSUPP, xq_job_submit_fenced(self->queue, jobs, 5, &f));
	f.flags = XQACCEL_SUBMIT_OUT_FENCE;
	EXPECT_EQ(-EINVAL, xq_job_submit_fenced(self->queue, jobs, 0, &f));
	EXPECT_EQ(0U, xq_queue_pending(self->queue));
	EXPECT_EQ(-ENOENT, xq_queue_wait(self->queue, done, 1, 1, 0));
	jobs[3].operand[XQACCEL_C].offset = xq_buffer_size(self->buf);
	EXPECT_EQ(-ERANGE, xq_job_submit_fenced(self->queue, jobs + 3, 2, &f));
	EXPECT_EQ(next + 1, dup(next));
	close(next + 1);
	EXPECT_EQ(3, xq_job_submit_fenced(self->queue, jobs, 5, &f));
	EXPECT_EQ(next + 1, f.out);
	EXPECT_EQ(3, xq_queue_wait(self->queue, done, 3, 3, 10 * SECOND));
	EXPECT_EQ(1, fence_status(f.out));
	EXPECT_EQ(0U, wrong_results(self, 3));
	close(f.out);
	/* The driver alone can say it of a run of a program. */
	jobs[1] = (struct xqaccel_job_desc){ .work.op = XQACCEL_OP_PROGRAM };
	jobs[1].work.run.program = 12345;
	EXPECT_EQ(-ENOENT, xq_job_submit_fenced(self->queue, jobs + 1, 1, &f));
	ASSERT_EQ(1, xq_job_submit_fenced(self->queue, jobs, 5, &f));
	EXPECT_EQ(1, xq_queue_wait(self->queue, done, 1, 1, 10 * SECOND));
	EXPECT_EQ(0U, xq_queue_pending(self->queue));
	EXPECT_EQ(1, fence_status(f.out));
	close(f.out);
	close(next);
}

/* One of three that wait for a fence is canceled: alone by ioctl, the three as one in a ring. */
TEST_OF_EACH(fences_canceled, 60)
{
	const bool ring = !strcmp(xq_queue_engine(self->queue), "uring");
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_IN_FENCE | XQACCEL_SUBMIT_OUT_FENCE };
	struct xqaccel_job_desc jobs[4];
	struct xq_completion done[4];
	struct xqaccel_completion held;
	unsigned int i;

	if (no_fences(self))
		SKIP(return, "no fences here");
	if (!host_present())
		SKIP(return, "no host to make a job slow");
	for (i = 0; i < 4; i++)
		jobs[i] = job_at(self, i);
	ASSERT_EQ(0, xq_job_run(self->queue, jobs, NULL));
	f.in = hold_other(self);
	ASSERT_LE(0, f.in);
	ASSERT_EQ(3, xq_job_submit_fenced(self->queue, jobs, 3, &f));
	ASSERT_EQ(1, xq_job_submit(self->queue, jobs + 3, 1));
	EXPECT_EQ(1, xq_queue_cancel(self->queue, 1));
	ASSERT_EQ(0, release());
	ASSERT_EQ(4, xq_queue_wait(self->queue, done, 4, 4, 10 * SECOND));
	for (i = 0; i < 4; i++) {
		const bool ends = done[i].user_data == 1 || (ring && done[i].user_data < 3);

		EXPECT_EQ(ends ? -ECANCELED : 0, done[i].status);
	}
	EXPECT_EQ(-ECANCELED, fence_status(f.out));
	EXPECT_EQ(0, xq_queue_cancel(self->queue, 1));
	EXPECT_EQ(0, wait_lane(xq_device_file(self->dev), OTHER_LANE, &held, 10 * SECOND));
	close(f.in);
	close(f.out);
}

/* Options ask for fences with either engine, and with ioctl if they say no more. */
TEST_F(queue, engines_with_fences)
{
	struct xq_queue_options options = { .flags = XQ_QUEUE_FENCES };
	const bool ring = xq_device_has_ring(self->dev);
	struct xq_queue *q;

	if (no_fences(self)) {
		EXPECT_EQ(-EOPNOTSUPP, xq_queue_create(self->dev, &options, &q));
		SKIP(return, "no fences here");
	}
	ASSERT_EQ(0, xq_queue_create(self->dev, &options, &q));
	EXPECT_EQ(0, strcmp(xq_queue_engine(q), "ioctl"));
	xq_queue_destroy(q);
	options.flags = XQ_QUEUE_FENCES | XQ_QUEUE_URING;
	EXPECT_EQ(ring ? 0 : -EOPNOTSUPP, xq_queue_create(self->dev, &options, &q));
	if (ring) {
		EXPECT_EQ(0, strcmp(xq_queue_engine(q), "uring"));
		xq_queue_destroy(q);
	}
	options.flags |= XQ_QUEUE_IOCTL;
	EXPECT_EQ(-EINVAL, xq_queue_create(self->dev, &options, &q));
}

/* Readable whenever there is something to take; the same with a ring. */
TEST_OF_EACH(eventfd, 60)
{
	const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pollfd p = { .fd = event, .events = POLLIN };
	struct xqaccel_job_desc job = job_at(self, 0);
	struct xq_completion done[4];
	unsigned int i, taken = 0;
	eventfd_t count;

	ASSERT_EQ(0, xq_queue_eventfd(self->queue, event));
	/* Again, in its own place. */
	ASSERT_EQ(0, xq_queue_eventfd(self->queue, event));
	EXPECT_EQ(0, poll(&p, 1, 0));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(1, xq_job_submit(self->queue, &job, 1));
	while (taken < 4) {
		int ready;

		do {
			ready = poll(&p, 1, 10000);
		} while (ready < 0 && errno == EINTR);
		ASSERT_EQ(1, ready);
		ASSERT_EQ(0, eventfd_read(event, &count));
		taken += xq_queue_wait(self->queue, done, 4, 0, 0);
	}
	EXPECT_EQ(4U, taken);
	EXPECT_EQ(-EBADF, xq_queue_eventfd(self->queue, 1000));
	EXPECT_EQ(-EINVAL, xq_queue_eventfd(self->queue, STDOUT_FILENO));
	ASSERT_EQ(0, xq_queue_eventfd(self->queue, -1));
	eventfd_read(event, &count);
	ASSERT_EQ(0, xq_job_run(self->queue, &job, NULL));
	EXPECT_EQ(0, poll(&p, 1, 0));
	close(event);
}

/* ---- the example that streams a file ------------------------------------------------ */

#define ROW		256
#define ROWS		5000	/* some blocks, the last one shorter */
#define CLASSES		4

static unsigned int closest(const int8_t *rows, unsigned int row)
{
	int32_t best = INT32_MIN;
	unsigned int i, k, at = 0;

	for (i = 0; i < CLASSES; i++) {
		int32_t sum = 0;

		for (k = 0; k < ROW; k++)
			sum += rows[row * ROW + k] * rows[i * ROW + k];
		if (sum > best)
			at = i;
		best = sum > best ? sum : best;
	}
	return at;
}

TEST_F_TIMEOUT(queue, stream_of_a_file, 60)
{
	static int8_t rows[ROWS * ROW];
	unsigned long long counts[CLASSES] = { 0 }, said;
	char line[80], path[] = "/tmp/stream-XXXXXX", command[64];
	const int fd = mkstemp(path);
	uint64_t seed = 5;
	unsigned int i;
	FILE *pipe;

	if (!xq_device_has_ring(self->dev))
		SKIP(return, "the driver takes no jobs from rings");
	for (i = 0; i < sizeof(rows); i++)
		rows[i] = (int8_t)case_random(&seed);
	for (i = 0; i < ROWS; i++)
		counts[closest(rows, i)]++;
	ASSERT_EQ((ssize_t)sizeof(rows), write(fd, rows, sizeof(rows)));
	close(fd);
	snprintf(command, sizeof(command), "xq-stream %s %d", path, CLASSES);
	pipe = popen(command, "r");
	ASSERT_TRUE(!!pipe);
	ASSERT_TRUE(!!fgets(line, sizeof(line), pipe));
	EXPECT_EQ(0, strncmp(line, "5000 rows", 9));
	for (i = 0; i < CLASSES; i++) {
		ASSERT_EQ(1, fscanf(pipe, "%*u %llu", &said));
		EXPECT_EQ(counts[i], said);
	}
	EXPECT_EQ(0, pclose(pipe));
	unlink(path);
}

TEST_HARNESS_MAIN
