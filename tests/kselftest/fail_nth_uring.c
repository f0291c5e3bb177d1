// SPDX-License-Identifier: GPL-2.0
/*
 * As fail_nth.c: commands of io_uring, from their issue to their CQE. What io_uring itself can't do
 * without it refuses; a command that the driver has no memory for ends with an error.
 */
#include <errno.h>

#include "fail_nth.h"
#include "fences.h"
#include "ring.h"
#include "shared_memory.h"

#define ENTRIES		4
#define HELD_LANE	1

/*
 * Issues what was prepared and waits for the first CQE in one system call, so that the completion
 * is this task's. What io_uring did not take is given again without failures.
 */
static int issue(struct io_uring *ring)
{
	const int ret = io_uring_submit_and_wait(ring, 1);

	/* No memory for a request, which it calls by another name. */
	return ret == -EAGAIN ? -ENOMEM : ret < 0 ? ret : 0;
}

/*
 * All of so many CQEs: the first that is neither 0 nor one of three errors, or 0 and *refused. The
 * driver's own faults are candidates, too, and one of these has a job take too long.
 */
static int results(struct io_uring *ring, unsigned int count, unsigned int *refused)
{
	struct result r;

	*refused = 0;
	while (count--) {
		const int ret = ring_wait(ring, &r, 20 * SECOND);

		if (ret)
			return ret;
		if (r.res == -ENOMEM || r.res == -EFAULT || r.res == -ETIMEDOUT)
			(*refused)++;
		else if (r.res)
			return r.res;
	}
	return 0;
}

/*
 * One command, in a ring of its own. Whatever failed, there is one CQE for it.
 */
static void try_command(struct __test_metadata *_metadata, FIXTURE_DATA(fail_nth) *self,
			unsigned int kind, const struct xqaccel_uring_submit *s, bool *last)
{
	struct xqaccel_completion c;
	struct io_uring ring;
	unsigned int refused;
	bool done = false;

	ASSERT_EQ(0, ring_open(&ring, ENTRIES, kind));
	ring_payload(&ring, ring_command(&ring, self->fd, XQACCEL_URING_SUBMIT, self->n), s,
		     sizeof(*s));
	/* The entry is still there, and given again. */
	if (TRY(self, issue(&ring)))
		io_uring_submit(&ring);
	EXPECT_EQ(0, results(&ring, 1, &refused));
	EXPECT_TRUE(!done || !refused);
	self->refused += refused;
	EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
	EXPECT_EQ(-ENOENT, wait_one(self->fd, &c, 0));
	io_uring_queue_exit(&ring);
	*last = done;
}

static void try_commands(struct __test_metadata *_metadata, FIXTURE_DATA(fail_nth) *self,
			 unsigned int kind, const struct xqaccel_uring_submit *s)
{
	bool done = false;

	EACH_PLACE(self) {
		try_command(_metadata, self, kind, s, &done);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	still_works(_metadata, self->fd, &self->buf);
}

TEST_F_TIMEOUT(fail_nth, command, 300)
{
	struct xqaccel_job_desc jobs[3];
	const struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)jobs, .stride = sizeof(jobs[0]), .count = 3,
	};
	unsigned int i;

	for (i = 0; i < 3; i++)
		small_job(&jobs[i], &self->buf);
	try_commands(_metadata, self, 0, &s);
}

/* Large entries, completions in memory, and CQEs that only the task itself posts. */
TEST_F_TIMEOUT(fail_nth, command_with_completions, 300)
{
	const unsigned int kind = IORING_SETUP_SQE128 | IORING_SETUP_CQE32 |
				  IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	struct xqaccel_job_desc jobs[3];
	struct xqaccel_completion c[3];
	const struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)jobs, .stride = sizeof(jobs[0]), .count = 3,
		.completions = (uintptr_t)c, .completion_stride = sizeof(c[0]),
	};
	unsigned int i;

	for (i = 0; i < 3; i++)
		small_job(&jobs[i], &self->buf);
	try_commands(_metadata, self, kind, &s);
}

TEST_F_TIMEOUT(fail_nth, command_of_program, 300)
{
	struct xqaccel_job_desc job, run;
	const struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)&run, .stride = sizeof(run), .count = 1,
	};
	uint32_t program;

	small_job(&job, &self->buf);
	job.user_data = 0;
	ASSERT_EQ(0, program_create(self->fd, &job, 1, 0, &program));
	run = (struct xqaccel_job_desc){
		.work.op = XQACCEL_OP_PROGRAM, .work.run.program = program,
	};
	try_commands(_metadata, self, 0, &s);
	ASSERT_EQ(0, program_destroy(self->fd, program));
}

/* ---- fences ---------------------------------------------------------------------- */

/* Issues what was prepared, which waits for something. */
static int issue_only(struct io_uring *ring)
{
	const int ret = io_uring_submit(ring);

	return ret == -EAGAIN ? -ENOMEM : ret < 0 ? ret : 0;
}

/* What a command says of its fence by its end: nothing if it was refused, and nothing is left. */
static void fence_ends(struct __test_metadata *_metadata, int res, int fence, int next)
{
	if (res == -ENOMEM || res == -EFAULT) {
		ASSERT_EQ(next, next_descriptor());
		return;
	}
	ASSERT_EQ(next, fence);
	EXPECT_TRUE(fence_waits(fence, 10000));
	EXPECT_EQ(res ? -ETIME : 1, fence_status(fence));
	close(fence);
	ASSERT_EQ(next, next_descriptor());
}

/*
 * One command that waits for the job of another lane and has a fence, in a ring of its own. It is
 * refused at once, or does nothing before that job has ended.
 */
static void try_fenced(struct __test_metadata *_metadata, FIXTURE_DATA(fail_nth) *self,
		       const struct xqaccel_job_desc *job, bool *last)
{
	int32_t fence = -1;
	struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)job, .stride = sizeof(*job), .count = 1,
		.flags = XQACCEL_SUBMIT_IN_FENCE | XQACCEL_SUBMIT_OUT_FENCE,
		.out_fence = (uintptr_t)&fence,
	};
	struct xqaccel_completion c;
	struct xqaccel_job_desc other;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	bool done = false;
	struct result r;
	int next;

	small_job(&other, &self->buf);
	s.in_fence = hold(self->fd, &other, HELD_LANE);
	ASSERT_LE(0, s.in_fence);
	ASSERT_EQ(0, ring_open(&ring, ENTRIES, IORING_SETUP_SQE128));
	next = next_descriptor();
	ring_payload(&ring, ring_command(&ring, self->fd, XQACCEL_URING_SUBMIT, self->n), &s,
		     sizeof(s));
	/* The entry is still there, and given again. */
	if (TRY(self, issue_only(&ring)))
		io_uring_submit(&ring);
	if (!io_uring_peek_cqe(&ring, &cqe))
		EXPECT_TRUE(cqe->res == -ENOMEM || cqe->res == -EFAULT);
	EXPECT_EQ(0, fence_status(s.in_fence));
	ASSERT_EQ(0, release());
	ASSERT_EQ(0, ring_wait(&ring, &r, 20 * SECOND));
	if (r.res != -ENOMEM && r.res != -EFAULT && r.res != -ETIMEDOUT)
		EXPECT_EQ(0, r.res);
	EXPECT_TRUE(!done || !r.res);
	self->refused += r.res != 0;
	fence_ends(_metadata, r.res, fence, next);
	ASSERT_EQ(0, wait_lane(self->fd, HELD_LANE, &c, 10 * SECOND));
	close(s.in_fence);
	io_uring_queue_exit(&ring);
	EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
	*last = done;
}

/* Of a buffer that others have, too. */
TEST_F_TIMEOUT(fail_nth, command_with_fences, 300)
{
	struct xqaccel_job_desc job;
	struct buffer shared;
	bool done = false;

	ASSERT_EQ(0, buffer_create_shared(self->fd, 4096, &shared));
	small_fill(&shared, 1, 1);
	small_job(&job, &shared);
	EACH_PLACE(self) {
		try_fenced(_metadata, self, &job, &done);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	munmap(shared.map, shared.bytes);
	ASSERT_EQ(0, buffer_destroy(self->fd, shared.handle));
	EXPECT_EQ(1, stat_settles("buffers", 1, 5000));
}

/* ---- what ends commands ------------------------------------------------------------ */

/* Of a job that hangs, by the driver's own command. */
TEST_F_TIMEOUT(fail_nth, command_cancel, 300)
{
	struct xqaccel_job_desc job;
	bool done = false;

	small_job(&job, &self->buf);
	EACH_PLACE(self) {
		struct io_uring ring;
		struct result r;
		int i;

		ASSERT_EQ(0, inject("hang-jobs", 1));
		ASSERT_EQ(0, ring_open(&ring, ENTRIES, 0));
		ring_jobs(&ring, self->fd, &job, 1, 0, 1);
		ASSERT_EQ(0, ring_submit(&ring, 1));
		ring_cancel(&ring, self->fd, 1, 2);
		if (TRY(self, issue(&ring)))
			io_uring_submit(&ring);
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, ring_wait(&ring, &r, 20 * SECOND));
			if (r.user_data == 1) {
				EXPECT_EQ(-ECANCELED, r.res);
				continue;
			}
			if (r.res != -ENOMEM)
				EXPECT_EQ(0, r.res);
			/* Refused, the job goes on. */
			if (r.res) {
				ring_cancel(&ring, self->fd, 1, 2);
				ASSERT_EQ(0, ring_submit(&ring, 1));
				i--;
			}
		}
		io_uring_queue_exit(&ring);
		EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	ASSERT_EQ(0, inject_nothing());
	still_works(_metadata, self->fd, &self->buf);
}

static int ring_end(struct io_uring *ring)
{
	io_uring_queue_exit(ring);
	return 0;
}

/* The ring goes with a command in flight; it can't refuse. */
TEST_F_TIMEOUT(fail_nth, ring_exit, 300)
{
	struct xqaccel_job_desc job;
	bool done = false;

	small_job(&job, &self->buf);
	EACH_PLACE(self) {
		struct io_uring ring;

		ASSERT_EQ(0, inject("hang-jobs", 1));
		ASSERT_EQ(0, ring_open(&ring, ENTRIES, 0));
		ring_jobs(&ring, self->fd, &job, 1, 0, 1);
		ASSERT_EQ(0, ring_submit(&ring, 1));
		TRY(self, ring_end(&ring));
		EXPECT_EQ(0, stat_settles("jobs", 0, 20000));
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	/* That an exit meets no candidate is well. */
	self->n++;
	ASSERT_EQ(0, inject_nothing());
	still_works(_metadata, self->fd, &self->buf);
}

TEST_HARNESS_MAIN
