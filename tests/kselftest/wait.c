// SPDX-License-Identifier: GPL-2.0
/* Reaping: WAIT's numbers, timeouts and signals, poll, and several who wait at once. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

FIXTURE(wait)
{
	int fd;
	struct xqaccel_info info;
	struct buffer buf;
	struct xqaccel_job_desc job;
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
		.completions = { sizeof(self->c[0]), 1, (uintptr_t)self->c },
	};
	struct xqaccel_wait cmd;

#define EXPECT_COMMAND(error, member, value) \
	do { \
		cmd = good; \
		cmd.member = value; \
		EXPECT_EQ(-(error), device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd)); \
	} while (0)

	EXPECT_COMMAND(0, completions.count, 1);
	EXPECT_COMMAND(EINVAL, completions.count, 0);
	EXPECT_COMMAND(EINVAL, completions.stride, 0);
	EXPECT_COMMAND(EINVAL, completions.stride, 31);
	EXPECT_COMMAND(EINVAL, completions.stride, 1 << 20);
	EXPECT_COMMAND(EINVAL, min_complete, 2);
	EXPECT_COMMAND(ENOENT, min_complete, 1);
	EXPECT_COMMAND(EINVAL, lane, 1);
	EXPECT_COMMAND(EINVAL, id, 1);
	EXPECT_COMMAND(0, flags, XQACCEL_WAIT_LANE);
	EXPECT_COMMAND(EINVAL, flags, XQACCEL_WAIT_JOB);
	EXPECT_COMMAND(EINVAL, flags, XQACCEL_WAIT_LANE | XQACCEL_WAIT_JOB);
	EXPECT_COMMAND(EOPNOTSUPP, flags, 4);
	cmd = good;
	cmd.flags = XQACCEL_WAIT_LANE;
	cmd.lane = self->info.lanes;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd));
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
		.size = sizeof(cmd), .completions = { 128, 2, (uintptr_t)bytes },
		.min_complete = 2, .deadline_ns = deadline_after(5 * SECOND),
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
	cmd.completions.stride = 32;
	ASSERT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd));
	EXPECT_EQ(0, memcmp(bytes + 32, &self->job.user_data, 8));
	EXPECT_EQ(0xff, bytes[64]);
}

TEST_F(wait, strides_out_of_bounds)
{
	static const uint32_t wrong[] = { 0, 31, XQACCEL_MAX_STRUCT + 1, UINT32_MAX };
	struct xqaccel_wait cmd = {
		.size = sizeof(cmd), .completions = { 0, 1, (uintptr_t)self->c },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		cmd.completions.stride = wrong[i];
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

TEST_F(wait, time_is_absolute)
{
	struct xqaccel_wait cmd = {
		.size = sizeof(cmd), .completions = { sizeof(self->c[0]), 1, (uintptr_t)self->c },
		.min_complete = 1,
	};

	if (!host_present())
		SKIP(return, "no host to make the device slow");
	ASSERT_EQ(0, inject("slow-ns", 500 * MS));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	cmd.deadline_ns = now_ns() + 100 * MS;
	EXPECT_EQ(-ETIMEDOUT, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd));
	EXPECT_LE(cmd.deadline_ns, now_ns());
	/* It has passed, so the same command waits for nothing. */
	EXPECT_EQ(-ETIMEDOUT, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd));
	cmd.deadline_ns = -1;
	EXPECT_EQ(-ETIMEDOUT, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd));
	cmd.deadline_ns = XQACCEL_NO_DEADLINE;
	EXPECT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd));
}

TEST_F(wait, result_that_can_not_be_written_loses_no_completion)
{
	const long page = sysconf(_SC_PAGESIZE);
	struct xqaccel_wait *cmd = mmap(NULL, page, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t done, pending;
	uint64_t i;

	ASSERT_NE(MAP_FAILED, (void *)cmd);
	for (i = 0; i < 4; i++) {
		self->job.user_data = i;
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i % 2, 0));
	}
	*cmd = (struct xqaccel_wait){
		.size = sizeof(*cmd), .completions = { sizeof(self->c[0]), 4, (uintptr_t)self->c },
		.min_complete = 4, .deadline_ns = XQACCEL_NO_DEADLINE,
	};
	ASSERT_EQ(0, mprotect(cmd, page, PROT_READ));
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, cmd));
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, cmd));
	memset(self->c, 0, sizeof(self->c));
	/* All are there, in their order, in the list of all and in the lanes'. */
	EXPECT_EQ(0, wait_lane(self->fd, 1, self->c, 0));
	EXPECT_EQ(1ULL, self->c[0].user_data);
	EXPECT_EQ(0, wait_jobs(self->fd, self->c, 4, 3, 0, &done, &pending));
	EXPECT_EQ(3U, done);
	EXPECT_EQ(0U, pending);
	munmap(cmd, page);
}

TEST_F(wait, a_lane_s_completions_are_its_own)
{
	struct xqaccel_wait cmd = {
		.size = sizeof(cmd), .completions = { sizeof(self->c[0]), 16, (uintptr_t)self->c },
	};
	unsigned int i, lane;

	for (i = 0; i < 9; i++) {
		self->job.user_data = i;
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i % 3, 0));
	}
	for (lane = 0; lane < 2; lane++) {
		cmd.flags = XQACCEL_WAIT_LANE;
		cmd.lane = lane;
		cmd.min_complete = 3;
		cmd.deadline_ns = deadline_after(10 * SECOND);
		ASSERT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd));
		EXPECT_EQ(3U, cmd.done);
		EXPECT_EQ(0U, cmd.pending);
		for (i = 0; i < cmd.done; i++) {
			EXPECT_EQ(lane, self->c[i].lane);
			EXPECT_EQ(lane + 3ULL * i, self->c[i].user_data);
		}
	}
	EXPECT_EQ(-ENOENT, wait_lane(self->fd, 0, self->c, -1));
	/* Whoever names none gets what is left. */
	ASSERT_EQ(0, wait_jobs(self->fd, self->c, 16, 3, 10 * SECOND, &i, NULL));
	EXPECT_EQ(3U, i);
	EXPECT_EQ(2U, self->c[2].lane);
	EXPECT_EQ(-ENOENT, wait_lane(self->fd, 2, self->c, -1));
}

/* Two that share a file, each with a lane: nobody gets or waits for the other's. */
struct streamer {
	int fd;
	uint32_t lane;
	struct xqaccel_job_desc job;
	unsigned int wrong;
};

static void *stream(void *data)
{
	struct streamer *s = data;
	struct xqaccel_completion c;
	unsigned int i;

	for (i = 0; i < 200; i++) {
		s->job.user_data = (uint64_t)s->lane << 32 | i;
		if (submit_lane(s->fd, &s->job, s->lane, 0) ||
		    wait_lane(s->fd, s->lane, &c, 20 * SECOND) ||
		    c.user_data != s->job.user_data || c.lane != s->lane)
			s->wrong++;
	}
	return NULL;
}

TEST_F(wait, streams_at_the_same_time)
{
	struct streamer s[4];
	pthread_t thread[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		s[i] = (struct streamer){ .fd = self->fd, .lane = i, .job = self->job };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, stream, &s[i]));
	}
	for (i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(0U, s[i].wrong);
	}
}

/* User memory that a thread of ours fills as late as it likes. */
static int late_page(uint8_t **page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area;
	const int fd = syscall(__NR_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		return -1;
	*page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	area = (struct uffdio_register){
		.range = { (uintptr_t)*page, 4096 }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	return ioctl(fd, UFFDIO_REGISTER, &area) ? -1 : fd;
}

struct stuck {
	int fd, ret;
	uint8_t *page;
};

static void *wait_into_late_page(void *data)
{
	struct stuck *s = data;

	s->ret = wait_one(s->fd, (struct xqaccel_completion *)s->page, 60 * SECOND);
	return NULL;
}

/* One thread is stuck in the copy to user memory: others of the file reap, wait and submit. */
TEST_F(wait, a_stuck_copy_stops_nobody_else)
{
	struct uffdio_zeropage fill = { .range = { 0, 4096 } };
	struct stuck s = { .fd = self->fd };
	struct xqaccel_completion *c;
	struct uffd_msg message;
	const int fault = late_page(&s.page);
	uint32_t pending;
	pthread_t thread;
	unsigned int i;

	if (fault < 0)
		SKIP(return, "no userfaultfd");
	for (i = 0; i < 2; i++) {
		self->job.user_data = i;
		ASSERT_EQ(0, submit(self->fd, &self->job));
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_into_late_page, &s));
	/* Blocks until the copy has met the page. */
	ASSERT_EQ((int)sizeof(message), (int)read(fault, &message, sizeof(message)));

	EXPECT_EQ(0, wait_jobs(self->fd, self->c, 1, 1, 10 * SECOND, NULL, &pending));
	EXPECT_EQ(1ULL, self->c[0].user_data);
	EXPECT_EQ(1U, pending);
	EXPECT_EQ(-ETIMEDOUT, wait_one(self->fd, self->c, 20 * MS));
	EXPECT_EQ(0, submit_lane(self->fd, &self->job, 1, 0));
	EXPECT_EQ(0, wait_lane(self->fd, 1, self->c, 10 * SECOND));

	fill.range.start = (uintptr_t)s.page;
	ASSERT_EQ(0, ioctl(fault, UFFDIO_ZEROPAGE, &fill));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, s.ret);
	c = (struct xqaccel_completion *)s.page;
	EXPECT_EQ(0ULL, c->user_data);
	EXPECT_EQ(-ENOENT, wait_one(self->fd, self->c, -1));
	close(fault);
}

TEST_F(wait, one_job_by_its_id)
{
	struct xqaccel_job_desc jobs[4] = { self->job, self->job, self->job, self->job };
	uint32_t done;
	uint64_t id;

	ASSERT_EQ(0, submit_jobs(self->fd, jobs, 4, 0, 0, NULL, &id));
	ASSERT_EQ(0, wait_id(self->fd, id + 2, self->c, 10 * SECOND));
	EXPECT_EQ(id + 2, self->c[0].id);
	EXPECT_EQ(-ENOENT, wait_id(self->fd, id + 2, self->c, -1));
	EXPECT_EQ(-ENOENT, wait_id(self->fd, id + 4, self->c, -1));
	ASSERT_EQ(0, wait_jobs(self->fd, self->c, 4, 4, 10 * SECOND, &done, NULL));
	EXPECT_EQ(3U, done);
	EXPECT_EQ(id, self->c[0].id);
	EXPECT_EQ(id + 3, self->c[2].id);
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
	unsigned int i, got = 0;

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
		got += !w[i].ret && w[i].done;
	}
	EXPECT_EQ(COUNT / 2, (int)got);
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
