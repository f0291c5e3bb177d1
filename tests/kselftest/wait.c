// SPDX-License-Identifier: GPL-2.0
/* Reaping: WAIT's numbers, timeouts and signals, poll, and several who wait at once. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

FIXTURE(wait)
{
	int fd;
	struct xqaccel_info info;
	struct buffer buf;
	struct xqaccel_job job;
	struct xqaccel_completion c[16];
};

FIXTURE_SETUP(wait)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_info(self->fd, &self->info));
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 1);
	small_job(&self->job, &self->buf);
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
}

FIXTURE_TEARDOWN(wait)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	close(self->fd);
}

TEST_F(wait, command)
{
	const struct xqaccel_wait good = {
		.size = sizeof(good),
		.completions = (uintptr_t)self->c,
		.stride = sizeof(self->c[0]),
		.count = 1,
	};
	struct xqaccel_wait cmd;

#define EXPECT_COMMAND(error, member, value) \
	do { \
		cmd = good; \
		cmd.member = value; \
		EXPECT_EQ(-(error), device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd)); \
	} while (0)

	EXPECT_COMMAND(0, count, 1);
	EXPECT_COMMAND(EINVAL, count, 0);
	EXPECT_COMMAND(EINVAL, stride, 0);
	EXPECT_COMMAND(EINVAL, stride, 31);
	EXPECT_COMMAND(EINVAL, stride, 1 << 20);
	EXPECT_COMMAND(EINVAL, min_complete, 2);
	EXPECT_COMMAND(ENOENT, min_complete, 1);
}

TEST_F(wait, nothing_to_wait_for)
{
	uint32_t done = 9, pending = 9;

	EXPECT_EQ(0, wait_jobs(self->fd, self->c, 4, 0, -1, &done, &pending));
	EXPECT_EQ(0U, done);
	EXPECT_EQ(0U, pending);
	EXPECT_EQ(-ENOENT, wait_one(self->fd, self->c, -1));
}

TEST_F(wait, counts)
{
	uint32_t done, pending;
	unsigned int i;

	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_jobs(self->fd, self->c, 2, 2, 5 * SECOND, &done, &pending));
	EXPECT_EQ(2U, done);
	EXPECT_EQ(3U, pending);
	/* No more than there are is waited for. */
	ASSERT_EQ(0, wait_jobs(self->fd, self->c, 16, 16, -1, &done, &pending));
	EXPECT_EQ(3U, done);
	EXPECT_EQ(0U, pending);
}

TEST_F(wait, shorter_and_longer_elements)
{
	uint8_t bytes[2 * 128];
	struct xqaccel_wait cmd = {
		.size = sizeof(cmd), .completions = (uintptr_t)bytes, .stride = 128, .count = 2,
		.min_complete = 2, .timeout_ns = 5 * SECOND,
	};
	unsigned int i;

	self->job.user_data = 0x1122334455667788;
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, submit(self->fd, &self->job));
	memset(bytes, 0xff, sizeof(bytes));
	ASSERT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd));
	EXPECT_EQ(0, memcmp(bytes, &self->job.user_data, 8));
	EXPECT_EQ(0, memcmp(bytes + 128, &self->job.user_data, 8));
	for (i = sizeof(self->c[0]); i < 128; i++)
		EXPECT_EQ(0, bytes[i]);

	memset(bytes, 0xff, sizeof(bytes));
	cmd.stride = 32;
	ASSERT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd));
	EXPECT_EQ(0, memcmp(bytes + 32, &self->job.user_data, 8));
	EXPECT_EQ(0xff, bytes[64]);
}

TEST_F(wait, strides_out_of_bounds)
{
	static const uint32_t wrong[] = { 0, 31, XQACCEL_MAX_STRUCT + 1, UINT32_MAX };
	struct xqaccel_wait cmd = {
		.size = sizeof(cmd), .completions = (uintptr_t)self->c, .count = 1,
	};
	unsigned int i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cmd.stride = wrong[i];
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd));
	}
}

TEST_F(wait, bad_array_loses_no_completion)
{
	const long page = sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	struct xqaccel_completion *at = (void *)(map + page - sizeof(*at));
	uint32_t done, pending;
	uint64_t i;

	ASSERT_NE(MAP_FAILED, (void *)map);
	ASSERT_EQ(0, munmap(map + page, page));
	for (i = 0; i < 3; i++) {
		self->job.user_data = i;
		ASSERT_EQ(0, submit(self->fd, &self->job));
	}
	EXPECT_EQ(-EFAULT, wait_jobs(self->fd, at + 1, 3, 3, 5 * SECOND, NULL, NULL));
	EXPECT_EQ(0, wait_jobs(self->fd, at, 3, 3, 5 * SECOND, &done, &pending));
	EXPECT_EQ(1U, done);
	EXPECT_EQ(2U, pending);
	EXPECT_EQ(0ULL, at->user_data);
	EXPECT_EQ(0, wait_jobs(self->fd, self->c, 3, 2, 5 * SECOND, &done, &pending));
	EXPECT_EQ(2U, done);
	EXPECT_EQ(1ULL, self->c[0].user_data);
	EXPECT_EQ(2ULL, self->c[1].user_data);
}

TEST_F(wait, time_runs_out)
{
	int64_t start;
	uint32_t done;

	if (!host_present())
		SKIP(return, "no host to make the device slow");
	ASSERT_EQ(0, inject("slow-ns", 700 * MS));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	start = now_ns();
	EXPECT_EQ(-ETIMEDOUT, wait_one(self->fd, self->c, 0));
	EXPECT_EQ(-ETIMEDOUT, wait_one(self->fd, self->c, 50 * MS));
	EXPECT_LE(50 * MS, now_ns() - start);
	EXPECT_EQ(0, wait_jobs(self->fd, self->c, 4, 0, -1, &done, NULL));
	EXPECT_EQ(0U, done);
	/* With some of what was asked for, the end of the time is a success. */
	ASSERT_EQ(0, inject("slow-ns", 0));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 1, 0));
	ASSERT_EQ(0, wait_jobs(self->fd, self->c, 4, 2, 5 * SECOND, &done, NULL));
	EXPECT_EQ(2U, done);
}

static void on_alarm(int signal)
{
	(void)signal;
}

TEST_F(wait, signal)
{
	struct sigaction action = { .sa_handler = on_alarm };

	if (!host_present())
		SKIP(return, "no host to make the device slow");
	ASSERT_EQ(0, inject("slow-ns", 1000 * MS));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	sigaction(SIGUSR1, &action, NULL);
	if (!fork()) {
		sleep_ms(100);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	EXPECT_EQ(-EINTR, wait_one(self->fd, self->c, -1));
	EXPECT_EQ(0, wait_one(self->fd, self->c, -1));
}

TEST_F(wait, poll)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };

	EXPECT_EQ(0, poll(&p, 1, 0));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(1, poll(&p, 1, 5000));
	EXPECT_EQ(POLLIN, (int)p.revents);
	EXPECT_EQ(0, wait_one(self->fd, self->c, 0));
	EXPECT_EQ(0, poll(&p, 1, 0));
}

struct waiter {
	int fd, ret;
	uint32_t done;
};

static void *wait_for_one(void *data)
{
	struct waiter *w = data;
	struct xqaccel_completion c;

	w->ret = wait_jobs(w->fd, &c, 1, 1, 10 * SECOND, &w->done, NULL);
	return NULL;
}

TEST_F(wait, several_waiters)
{
	enum { COUNT = 8 };
	struct waiter w[COUNT];
	pthread_t thread[COUNT];
	unsigned int i, told = 0;

	/* So that they really wait. */
	if (host_present())
		ASSERT_EQ(0, inject("slow-ns", 100 * MS));
	for (i = 0; i < COUNT / 2; i++)
		ASSERT_EQ(0, submit(self->fd, &self->job));
	for (i = 0; i < COUNT; i++) {
		w[i] = (struct waiter){ .fd = self->fd };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, wait_for_one, &w[i]));
	}
	for (i = 0; i < COUNT; i++)
		pthread_join(thread[i], NULL);
	/* Each job goes to one; who finds nothing left is told so and does not wait on. */
	for (i = 0; i < COUNT; i++) {
		EXPECT_TRUE(w[i].ret == 0 || w[i].ret == -ENOENT);
		told += !w[i].ret && w[i].done;
	}
	EXPECT_EQ(COUNT / 2, (int)told);
}

enum { SHARE = 120 };

/* Takes one completion at a time until it has its share. */
static void *wait_for_share(void *data)
{
	struct waiter *w = data;
	struct xqaccel_completion c;
	unsigned int i;

	for (i = 0; i < SHARE && !w->ret; i++)
		w->ret = wait_jobs(w->fd, &c, 1, 1, 10 * SECOND, NULL, NULL);
	w->done = i;
	return NULL;
}

/* All are woken for one completion: whoever comes too late waits for the next. */
TEST_F(wait, as_many_jobs_as_the_waiters_want)
{
	enum { COUNT = 8 };
	struct waiter w[COUNT];
	pthread_t thread[COUNT];
	unsigned int i;

	if (!host_present())
		SKIP(return, "no host to make the device slow");
	ASSERT_LE(COUNT * SHARE, (int)self->info.max_jobs);
	ASSERT_EQ(0, inject("slow-ns", 10 * MS));
	for (i = 0; i < COUNT * SHARE; i++)
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i % self->info.lanes, 0));
	for (i = 0; i < COUNT; i++) {
		w[i] = (struct waiter){ .fd = self->fd };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, wait_for_share, &w[i]));
	}
	for (i = 0; i < COUNT; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(0, w[i].ret);
		EXPECT_EQ(SHARE, (int)w[i].done);
	}
}

TEST_HARNESS_MAIN
