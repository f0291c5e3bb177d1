// SPDX-License-Identifier: GPL-2.0
/* Cancelling jobs that wait, run, or have ended. */
#include <errno.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

FIXTURE(cancel)
{
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct xqaccel_completion c;
};

FIXTURE_SETUP(cancel)
{
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 1);
	small_job(&self->job, &self->buf);
}

FIXTURE_TEARDOWN(cancel)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
	EXPECT_EQ(0, stat_settles("clients", 0, 10000));
}

TEST_F(cancel, no_such_job)
{
	uint64_t id;

	EXPECT_EQ(-ENOENT, cancel(self->fd, 0));
	EXPECT_EQ(-ENOENT, cancel(self->fd, 1ULL << 40));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 0, NULL, &id));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(-ENOENT, cancel(self->fd, id));
}

TEST_F(cancel, ended_job)
{
	uint64_t id, last;

	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 0, NULL, &id));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 0, NULL, &last));
	ASSERT_EQ(0, wait_id(self->fd, last, &self->c, 10 * SECOND));
	EXPECT_EQ(-EALREADY, cancel(self->fd, id));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 0));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
}

/* Ends long before its time; what comes after it in its lane goes on. */
TEST_F(cancel, running_job)
{
	uint64_t id, next;
	int64_t start;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 600000, NULL, &id));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 600000, NULL, &next));
	sleep_ms(50);
	start = now_ns();
	ASSERT_EQ(0, cancel(self->fd, id));
	ASSERT_EQ(0, wait_id(self->fd, id, &self->c, 60 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)self->c.status);
	EXPECT_FALSE(over_limit(start, 30 * SECOND));
	ASSERT_EQ(0, wait_id(self->fd, next, &self->c, 60 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(0, small_check(&self->buf, 16));
}

/* Many wait behind one that hangs: one from the middle ends at once, and the others run. */
TEST_F(cancel, waiting_job)
{
	enum { COUNT = 40 };
	struct xqaccel_job_desc jobs[COUNT];
	uint64_t id;
	unsigned int i, ended = 0;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	for (i = 0; i < COUNT; i++)
		jobs[i] = self->job;
	ASSERT_EQ(0, lane_warm(self->fd, &self->buf));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_jobs(self->fd, jobs, COUNT, 0, 600000, NULL, &id));
	ASSERT_EQ(0, cancel(self->fd, id + 20));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 0));
	EXPECT_EQ(id + 20, self->c.id);
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)self->c.status);
	/*
	 * One that the device has, behind the one that hangs, ends when its turn comes; on a busy
	 * machine, whose jobs are not short, the device may not have it yet, and it ends at once.
	 */
	ASSERT_EQ(0, cancel(self->fd, id + 1));
	ASSERT_EQ(0, cancel(self->fd, id));
	for (i = 0; i < COUNT; i++) {
		if (i == 20)
			continue;
		ASSERT_EQ(0, wait_one(self->fd, &self->c, 60 * SECOND));
		if (i < 2)
			ended |= 1 << (self->c.id - id);
		else
			EXPECT_EQ(id + i, self->c.id);
		EXPECT_EQ(i < 2 ? XQACCEL_STATUS_CANCELED : XQACCEL_STATUS_OK,
			  (int)self->c.status);
	}
	EXPECT_EQ(3U, ended);
}

TEST_F(cancel, job_of_another_file)
{
	uint64_t id;
	int other;

	if (!host_present())
		SKIP(return, "no host to make the device slow");
	other = device_open();
	ASSERT_LE(0, other);
	ASSERT_EQ(0, inject("slow-ns", 200 * MS));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 0, NULL, &id));
	EXPECT_EQ(-ENOENT, cancel(other, id));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 60 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	close(other);
}

/*
 * While jobs come and go: each ends once, canceled or right. A fast device has most of them done
 * before a cancel comes, so every second round has a slow one.
 */
TEST_F(cancel, at_any_point)
{
	enum { COUNT = 64 };
	struct xqaccel_job_desc jobs[COUNT];
	unsigned int round, i, canceled = 0;
	uint64_t id;

	for (i = 0; i < COUNT; i++)
		jobs[i] = self->job;
	for (round = 0; round < 30; round++) {
		if (host_present())
			ASSERT_EQ(0, inject("slow-ns", round % 2 * MS));
		ASSERT_EQ(0, submit_jobs(self->fd, jobs, COUNT, round % 8, 0, NULL, &id));
		for (i = 0; i < COUNT; i += 1 + round % 5) {
			const int ret = cancel(self->fd, id + i);

			ASSERT_TRUE(!ret || ret == -EALREADY);
		}
		for (i = 0; i < COUNT; i++) {
			ASSERT_EQ(0, wait_one(self->fd, &self->c, 60 * SECOND));
			ASSERT_TRUE(self->c.status == XQACCEL_STATUS_OK ||
				    self->c.status == XQACCEL_STATUS_CANCELED);
			canceled += self->c.status == XQACCEL_STATUS_CANCELED;
		}
		ASSERT_EQ(-ENOENT, wait_one(self->fd, &self->c, 0));
	}
	if (host_present())
		EXPECT_LT(0U, canceled);
	TH_LOG("%u of %u were canceled", canceled, 30 * COUNT);
}

/* Submits and cancels as fast as it can, on all lanes, until it is killed. */
static void cancel_for_ever(int fd, const struct xqaccel_job_desc *job)
{
	struct xqaccel_completion c;
	unsigned int lane;
	uint64_t id;

	for (lane = 0;; lane = (lane + 1) % 8) {
		if (submit_jobs(fd, job, 1, lane, 0, NULL, &id))
			_exit(1);
		cancel(fd, id);
		if (wait_id(fd, id, &c, 60 * SECOND))
			_exit(1);
	}
}

/* Each cancel of a running job resets its queue, which takes moments of others, and no more. */
TEST_F_TIMEOUT(cancel, others_go_on_while_one_cancels, 90)
{
	const int64_t resets = stat_of("function_resets");
	struct xqaccel_job_desc job;
	unsigned int i, children;
	struct buffer buf;
	int64_t start;
	pid_t pid[4];
	int other;

	if (!host_present())
		SKIP(return, "no host to make the device slow");
	other = device_open();
	ASSERT_LE(0, other);
	ASSERT_EQ(0, buffer_create(other, 4096, &buf));
	small_fill(&buf, 2, 1);
	small_job(&job, &buf);
	ASSERT_EQ(0, inject("slow-ns", 20 * MS));
	for (children = 0; children < 4; children++) {
		pid[children] = fork();
		ASSERT_LE(0, pid[children]);
		if (!pid[children])
			cancel_for_ever(self->fd, &self->job);
	}
	start = now_ns();
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, submit_lane(other, &job, i % 8, 0));
		ASSERT_EQ(0, wait_one(other, &self->c, 60 * SECOND));
		ASSERT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	}
	TH_LOG("50 jobs of 20 ms took %lld ms, with %lld resets of queues",
	       (long long)((now_ns() - start) / MS), (long long)stat_of("queue_resets"));
	EXPECT_FALSE(over_limit(start, 10 * SECOND));
	EXPECT_EQ(resets, stat_of("function_resets"));
	while (children--) {
		kill(pid[children], SIGKILL);
		waitpid(pid[children], NULL, 0);
	}
	munmap(buf.map, buf.bytes);
	close(other);
}

TEST_HARNESS_MAIN
