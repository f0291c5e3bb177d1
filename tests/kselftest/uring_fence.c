// SPDX-License-Identifier: GPL-2.0
/* Commands of io_uring with fences: what they wait for, and what waits for them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

#include "device.h"
#include "fences.h"
#include "guest.h"
#include "harness.h"
#include "ring.h"
#include "shared_memory.h"

#define ENTRIES		64
#define PAGE		4096

FIXTURE(uring_fence)
{
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct io_uring ring;
	unsigned int kind;
};

static const unsigned int kinds[] = { 0, IORING_SETUP_SQPOLL, IORING_SETUP_IOPOLL };

FIXTURE_SETUP(uring_fence)
{
	struct xqaccel_info info;
	int ret;

	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, PAGE, &self->buf));
	small_fill(&self->buf, 1, 1);
	small_job(&self->job, &self->buf);
	ASSERT_EQ(0, lane_warm(self->fd, &self->buf));
	small_fill(&self->buf, 1, 1);
	ASSERT_EQ(0, device_info(self->fd, &info));
	if (!(info.abi & XQACCEL_ABI_SYNC_FILE))
		SKIP(return, "this kernel has no sync_file");
	ret = ring_open(&self->ring, ENTRIES, IORING_SETUP_SQE128);
	if (ret == -ENOSYS || ret == -EPERM)
		SKIP(return, "no io_uring on this system");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(uring_fence)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	io_uring_queue_exit(&self->ring);
	munmap(self->buf.map, PAGE);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
	EXPECT_EQ(0, stat_settles("clients", 0, 10000));
}

/* A test of a ring of each kind, in place of the fixture's. */
#define TEST_EACH(_name)								\
	static void each_##_name(struct __test_metadata *_metadata,			\
				 FIXTURE_DATA(uring_fence) *self);			\
	TEST_F_TIMEOUT(uring_fence, _name, 120)						\
	{										\
		for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {			\
			self->kind = kinds[i];						\
			io_uring_queue_exit(&self->ring);				\
			ASSERT_EQ(0, ring_open(&self->ring, ENTRIES,			\
					       kinds[i] | IORING_SETUP_SQE128));	\
			each_##_name(_metadata, self);					\
		}									\
	}										\
	static void each_##_name(struct __test_metadata *_metadata,			\
				 FIXTURE_DATA(uring_fence) *self)

/* One job as a command with fences; submits nothing. */
static void prepare(struct io_uring *ring, int fd, const struct xqaccel_job_desc *job,
		    unsigned int lane, int in, int32_t *out, uint64_t user_data)
{
	const struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)job,
		.stride = sizeof(*job),
		.count = 1,
		.lane = lane,
		.timeout_ms = 60000,
		.flags = (in >= 0 ? XQACCEL_SUBMIT_IN_FENCE : 0) |
			 (out ? XQACCEL_SUBMIT_OUT_FENCE : 0),
		.in_fence = in >= 0 ? in : 0,
		.out_fence = (uintptr_t)out,
	};

	ring_payload(ring, ring_command(ring, fd, XQACCEL_URING_SUBMIT, user_data), &s, sizeof(s));
}

/* The kernel's thread writes it, if the ring has one. */
static bool fence_comes(const int32_t *fence)
{
	const int64_t began = now_ns();

	while (__atomic_load_n(fence, __ATOMIC_ACQUIRE) < 0) {
		if (over_limit(began, 5 * SECOND))
			return false;
		sleep_ms(1);
	}
	return true;
}

/* Until it names a sync_file, which is a moment later. */
static bool fence_there(int fence)
{
	const int64_t began = now_ns();

	while (fence_status(fence) == -EBADF)
		if (over_limit(began, 5 * SECOND))
			return false;
	return true;
}

TEST_EACH(out)
{
	int32_t fence = -1;

	prepare(&self->ring, self->fd, &self->job, 0, -1, &fence, 1);
	ASSERT_EQ(0, ring_run(&self->ring));
	ASSERT_LE(0, fence);
	EXPECT_TRUE(fence_there(fence));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fence, F_GETFD));
	EXPECT_EQ(1, fence_status(fence));
	EXPECT_EQ(0, small_check(&self->buf, 16));
	close(fence);
}

/* Commands in lanes 1 and 3 wait for a call's job, one in lane 2 does not. */
TEST_EACH(in)
{
	struct xqaccel_job_desc job = self->job;
	int32_t fence = -1;
	struct result r;
	int held, i;

	if (!host_present())
		SKIP(return, "no host to hold jobs");
	held = hold(self->fd, &job, 0);
	ASSERT_LE(0, held);
	prepare(&self->ring, self->fd, &job, 1, held, &fence, 1);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	ASSERT_TRUE(fence_comes(&fence));
	ASSERT_TRUE(fence_there(fence));
	prepare(&self->ring, self->fd, &job, 3, fence, NULL, 3);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	prepare(&self->ring, self->fd, &job, 2, -1, NULL, 2);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	ASSERT_EQ(0, ring_wait(&self->ring, &r, 10 * SECOND));
	EXPECT_EQ(2ULL, r.user_data);
	EXPECT_EQ(0, r.res);
	sleep_ms(20);
	EXPECT_EQ(0, fence_status(fence));
	ASSERT_EQ(0, release());
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 10 * SECOND));
		EXPECT_EQ(0, r.res);
	}
	EXPECT_EQ(0, wait_one(self->fd, &(struct xqaccel_completion){ 0 }, 10 * SECOND));
	EXPECT_EQ(1, fence_status(fence));
	close(fence);
	close(held);
}

/* What is behind a command that waits goes on when that is canceled, though the device is idle. */
TEST_EACH(canceled_command_lets_others_by)
{
	const int other = open("/dev/xqaccel1", O_RDWR | O_CLOEXEC);
	struct xqaccel_job_desc job;
	struct buffer buf;
	int held, i;

	if (!host_present())
		SKIP(return, "no host to hold jobs");
	if (other < 0)
		SKIP(return, "no second device");
	held = hold(self->fd, &self->job, 0);
	ASSERT_LE(0, held);
	ASSERT_EQ(0, buffer_create(other, PAGE, &buf));
	small_job(&job, &buf);
	prepare(&self->ring, other, &job, 1, held, NULL, 1);
	prepare(&self->ring, other, &job, 1, -1, NULL, 2);
	ASSERT_EQ(0, ring_submit(&self->ring, 2));
	/* Nothing happens until then. */
	sleep_ms(50);
	ring_cancel(&self->ring, other, 1, 3);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	for (i = 0; i < 3; i++) {
		struct result r;

		ASSERT_EQ(0, ring_wait(&self->ring, &r, 10 * SECOND));
		EXPECT_EQ(r.user_data == 1 ? -ECANCELED : 0, r.res);
	}
	EXPECT_EQ(0, fence_status(held));
	ASSERT_EQ(0, release());
	EXPECT_EQ(0, wait_one(self->fd, &(struct xqaccel_completion){ 0 }, 10 * SECOND));
	munmap(buf.map, PAGE);
	close(held);
	close(other);
}

/* What others have, too, brings its fence with it, and a batch has one. */
TEST_EACH(shared_buffer)
{
	struct xqaccel_job_desc jobs[4];
	struct pollfd p = { .events = POLLIN };
	struct buffer shared;
	struct result r;
	int i;

	if (memory_is_bounced(self->fd))
		SKIP(return, "DMA is bounced here, see memory");
	ASSERT_EQ(0, buffer_create_shared(self->fd, PAGE, &shared));
	p.fd = buffer_export(self->fd, shared.handle, 0);
	ASSERT_LE(0, p.fd);
	small_fill(&shared, 1, 1);
	for (i = 0; i < 4; i++) {
		small_job(&jobs[i], &shared);
		jobs[i].work.flags |= i ? XQACCEL_JOB_ACCUMULATE : 0;
	}
	if (host_present())
		ASSERT_EQ(0, inject("slow-ns", 50 * SECOND));
	ring_jobs(&self->ring, self->fd, jobs, 4, 0, 1);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	if (host_present()) {
		const int64_t began = now_ns();

		/* The kernel's thread submits it, if the ring has one. */
		while (poll(&p, 1, 0) == 1)
			ASSERT_FALSE(over_limit(began, 5 * SECOND));
		ASSERT_EQ(0, inject("slow-ns", 0));
	}
	ASSERT_EQ(0, ring_wait(&self->ring, &r, 10 * SECOND));
	EXPECT_EQ(0, r.res);
	EXPECT_EQ(1, poll(&p, 1, 5000));
	EXPECT_EQ(0, small_check(&shared, 4 * 16));
	munmap(shared.map, PAGE);
	close(p.fd);
}

/* The ring ends while a command waits for a fence: its own is signalled. */
TEST_EACH(ring_exit)
{
	int32_t first = -1, second = -1;
	struct io_uring other;

	if (!host_present())
		SKIP(return, "no host to hold jobs");
	ASSERT_EQ(0, inject("slow-ns", 50 * SECOND));
	prepare(&self->ring, self->fd, &self->job, 0, -1, &first, 0);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	ASSERT_TRUE(fence_comes(&first));
	ASSERT_TRUE(fence_there(first));
	ASSERT_EQ(0, ring_open(&other, ENTRIES, self->kind | IORING_SETUP_SQE128));
	prepare(&other, self->fd, &self->job, 1, first, &second, 1);
	ASSERT_EQ(0, ring_submit(&other, 1));
	ASSERT_TRUE(fence_comes(&second));
	ASSERT_TRUE(fence_there(second));
	io_uring_queue_exit(&other);
	for (int i = 0; i < 500 && !fence_status(second); i++)
		sleep_ms(20);
	EXPECT_EQ(-ECANCELED, fence_status(second));
	EXPECT_EQ(0, fence_status(first));
	ASSERT_EQ(0, inject("slow-ns", 0));
	close(first);
	close(second);
}

TEST_EACH(refuses)
{
	const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)&self->job, .stride = sizeof(self->job), .count = 1,
		.in_fence = next,
	};
	int32_t fence = -1;
	struct result r;
	unsigned int i;
	const struct {
		uint32_t flags;
		int32_t in;
		uint64_t out;
		uint32_t reserved32;
		int error;
	} cases[] = {
		{ 0, next, 0, 0, -EINVAL },		/* not asked for */
		{ 0, 0, (uintptr_t)&fence, 0, -EINVAL },
		{ 0, 0, 0, 1, -EINVAL },
		{ 1U << 3, 0, 0, 0, -EOPNOTSUPP },
		{ XQACCEL_SUBMIT_IN_FENCE, 1000, 0, 0, -EBADF },
		{ XQACCEL_SUBMIT_IN_FENCE, next, 0, 0, -EBADF },	/* not a sync_file */
		{ XQACCEL_SUBMIT_OUT_FENCE, 0, 8, 0, -EFAULT },
		/* A circle: there is no such fence yet. */
		{ XQACCEL_SUBMIT_IN_FENCE | XQACCEL_SUBMIT_OUT_FENCE, next + 1,
		  (uintptr_t)&fence, 0, -EBADF },
	};

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		s.flags = cases[i].flags;
		s.in_fence = cases[i].in;
		s.out_fence = cases[i].out;
		s.reserved32 = cases[i].reserved32;
		ring_payload(&self->ring,
			     ring_command(&self->ring, self->fd, XQACCEL_URING_SUBMIT, i), &s,
			     sizeof(s));
		ASSERT_EQ(0, ring_submit(&self->ring, 1));
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 10 * SECOND));
		EXPECT_EQ(cases[i].error, r.res);
	}
	/* No descriptor is left, and no job. */
	EXPECT_EQ(next + 1, dup(next));
	close(next + 1);
	close(next);
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
}

TEST_HARNESS_MAIN
