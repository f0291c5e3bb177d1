// SPDX-License-Identifier: GPL-2.0
/* Eventfds that tell of completions: of all lanes, of one, and what is refused. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

#define PAGE	4096

FIXTURE(eventfd)
{
	int fd;
	int event;
	struct buffer buf;
	struct xqaccel_job_desc job;
};

FIXTURE_SETUP(eventfd)
{
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	self->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_LE(0, self->event);
	ASSERT_EQ(0, buffer_create(self->fd, PAGE, &self->buf));
	small_job(&self->job, &self->buf);
}

FIXTURE_TEARDOWN(eventfd)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	munmap(self->buf.map, PAGE);
	close(self->event);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
	EXPECT_EQ(0, stat_settles("clients", 0, 10000));
}

static int tell(int fd, int event, uint32_t flags, uint32_t lane)
{
	struct xqaccel_eventfd cmd = {
		.size = sizeof(cmd), .flags = flags, .fd = event, .lane = lane,
	};

	return device_ioctl(fd, XQACCEL_IOCTL_EVENTFD, &cmd);
}

/* What it counted, 0 if nothing. */
static uint64_t told(int event)
{
	uint64_t value;

	return read(event, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

static bool readable(int event, int timeout_ms)
{
	struct pollfd p = { .fd = event, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

TEST_F(eventfd, counts_completions)
{
	struct xqaccel_job_desc jobs[5];
	struct xqaccel_completion c[5];
	uint32_t done;
	int i;

	for (i = 0; i < 5; i++)
		jobs[i] = self->job;
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, c, 10 * SECOND));
	ASSERT_EQ(0, tell(self->fd, self->event, 0, 0));
	/* What was there before is not told. */
	EXPECT_EQ(0ULL, told(self->event));
	ASSERT_EQ(0, submit_jobs(self->fd, jobs, 5, 0, 0, NULL, NULL));
	ASSERT_EQ(0, wait_jobs(self->fd, c, 5, 5, 10 * SECOND, &done, NULL));
	EXPECT_EQ(5U, done);
	EXPECT_EQ(5ULL, told(self->event));
	EXPECT_EQ(0ULL, told(self->event));

	/* It is the driver's until it is taken away, however often it is set. */
	ASSERT_EQ(0, tell(self->fd, self->event, 0, 0));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, c, 10 * SECOND));
	EXPECT_EQ(1ULL, told(self->event));
	ASSERT_EQ(0, tell(self->fd, XQACCEL_NO_EVENTFD, 0, 0));
	ASSERT_EQ(0, tell(self->fd, XQACCEL_NO_EVENTFD, 0, 0));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, c, 10 * SECOND));
	EXPECT_EQ(0ULL, told(self->event));
}

/* Silent jobs have nothing to tell if they end well. */
TEST_F(eventfd, silent_jobs)
{
	struct xqaccel_job_desc jobs[2] = { self->job, self->job };
	struct xqaccel_completion c;

	jobs[0].work.flags |= XQACCEL_JOB_SILENT;
	ASSERT_EQ(0, tell(self->fd, self->event, 0, 0));
	ASSERT_EQ(0, submit_jobs(self->fd, jobs, 2, 0, 0, NULL, NULL));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(1ULL, told(self->event));
}

/* Two libraries in a process, each with a lane: epoll says which has something. */
TEST_F(eventfd, lanes)
{
	const int all = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	const int other = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	const int set = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event at[4];
	struct xqaccel_completion c;
	int i;

	ASSERT_EQ(0, tell(self->fd, all, 0, 0));
	ASSERT_EQ(0, tell(self->fd, self->event, XQACCEL_EVENTFD_LANE, 3));
	ASSERT_EQ(0, tell(self->fd, other, XQACCEL_EVENTFD_LANE, 7));
	for (i = 0; i < 2; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = i ? 7 : 3 };

		ASSERT_EQ(0, epoll_ctl(set, EPOLL_CTL_ADD, i ? other : self->event, &e));
	}
	EXPECT_EQ(0, epoll_wait(set, at, 4, 0));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 7, 0));
	ASSERT_EQ(1, epoll_wait(set, at, 4, 10000));
	EXPECT_EQ(7U, at[0].data.u32);
	/* It is there when it was told of. */
	ASSERT_EQ(0, wait_lane(self->fd, 7, &c, 0));
	EXPECT_EQ(1ULL, told(other));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 3, 0));
	ASSERT_EQ(1, epoll_wait(set, at, 4, 10000));
	EXPECT_EQ(3U, at[0].data.u32);
	ASSERT_EQ(0, wait_lane(self->fd, 3, &c, 0));
	/* A lane without one. */
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 0));
	ASSERT_EQ(0, wait_lane(self->fd, 0, &c, 10 * SECOND));
	EXPECT_EQ(1ULL, told(self->event));
	EXPECT_EQ(0ULL, told(other));
	EXPECT_EQ(3ULL, told(all));
	close(set);
	close(other);
	close(all);
}

/* A completion that could not be written is there for others again. */
TEST_F(eventfd, completion_put_back)
{
	struct xqaccel_wait cmd = {
		.size = sizeof(cmd), .min_complete = 1, .deadline_ns = XQACCEL_NO_DEADLINE,
		.completions = { sizeof(struct xqaccel_completion), 1, 8 },
	};
	struct xqaccel_completion c;

	ASSERT_EQ(0, tell(self->fd, self->event, 0, 0));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	EXPECT_TRUE(readable(self->event, 10000));
	EXPECT_EQ(1ULL, told(self->event));
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &cmd));
	EXPECT_EQ(1ULL, told(self->event));
	EXPECT_EQ(0, wait_one(self->fd, &c, 0));
}

/* Who closes his descriptor has nothing to do with the driver's; who closes the file neither. */
TEST_F(eventfd, closed_in_any_order)
{
	const int copy = dup(self->event);
	struct xqaccel_completion c;
	int other = device_open();

	ASSERT_EQ(0, tell(self->fd, copy, 0, 0));
	close(copy);
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(1ULL, told(self->event));
	/* The same one for two files. */
	ASSERT_EQ(0, tell(other, self->event, 0, 0));
	ASSERT_EQ(0, tell(other, self->event, XQACCEL_EVENTFD_LANE, 0));
	close(other);
	EXPECT_EQ(0ULL, told(self->event));
}

TEST_F(eventfd, refuses)
{
	struct xqaccel_eventfd cmd = { .size = sizeof(cmd) - 1, .fd = self->event };

	EXPECT_EQ(-EBADF, tell(self->fd, 1000, 0, 0));
	EXPECT_EQ(-EBADF, tell(self->fd, -2, 0, 0));
	EXPECT_EQ(-EINVAL, tell(self->fd, self->fd, 0, 0));
	EXPECT_EQ(-EINVAL, tell(self->fd, self->event, 0, 1));
	EXPECT_EQ(-EINVAL, tell(self->fd, self->event, XQACCEL_EVENTFD_LANE, 8));
	EXPECT_EQ(-EINVAL, tell(self->fd, XQACCEL_NO_EVENTFD, XQACCEL_EVENTFD_LANE, 8));
	EXPECT_EQ(-EOPNOTSUPP, tell(self->fd, self->event, 1U << 1, 0));
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_EVENTFD, &cmd));
	/* Nothing of that was kept. */
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &(struct xqaccel_completion){}, 10 * SECOND));
	EXPECT_EQ(0ULL, told(self->event));
}

/* Jobs that the loss of the device ends are told, and so is the loss where there are none. */
TEST_F_TIMEOUT(eventfd, device_goes, 90)
{
	const int lane = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct xqaccel_completion c;
	char address[32];

	if (!host_present())
		SKIP(return, "no host to make jobs hang");
	ASSERT_EQ(0, bus_address(address, sizeof(address)));
	ASSERT_EQ(0, tell(self->fd, self->event, 0, 0));
	ASSERT_EQ(0, tell(self->fd, lane, XQACCEL_EVENTFD_LANE, 5));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, driver_unbind(address));
	EXPECT_TRUE(readable(self->event, 10000));
	EXPECT_TRUE(readable(lane, 10000));
	EXPECT_EQ(0, wait_one(self->fd, &c, 0));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)c.status);
	/* It can still be taken away. */
	EXPECT_EQ(0, tell(self->fd, XQACCEL_NO_EVENTFD, 0, 0));
	munmap(self->buf.map, PAGE);
	close(self->fd);
	close(lane);
	ASSERT_EQ(0, driver_bind_again(address));
	ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, PAGE, &self->buf));
}

TEST_HARNESS_MAIN
