// SPDX-License-Identifier: GPL-2.0
/*
 * A device may let an invalidation wait for all running jobs of its context. That delays the memory
 * of the client whose jobs they are, and nobody else: not others' memory, contexts, opens and
 * closes, and not the removal of the device.
 */
#include <errno.h>
#include <signal.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

FIXTURE(slow_context)
{
	int fd;
	struct buffer used, freed;
	struct xqaccel_job_desc job;
	uint64_t id;
	char address[32];
};

/* A client whose job hangs, and which gives up a buffer meanwhile. */
FIXTURE_SETUP(slow_context)
{
	if (!host_present())
		SKIP(return, "no host to make the device slow");
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 4096, &self->used));
	ASSERT_EQ(0, buffer_create_unmapped(self->fd, 4096, &self->freed));
	small_fill(&self->used, 1, 2);
	small_job(&self->job, &self->used);
	ASSERT_EQ(0, inject("coarse-inval", 1));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 600000, NULL, &self->id));
	sleep_ms(100);
	ASSERT_EQ(0, buffer_destroy(self->fd, self->freed.handle));
	sleep_ms(100);
	/* It waits: the device still has the job. */
	ASSERT_EQ(2, stat_of("buffers"));
}

FIXTURE_TEARDOWN(slow_context)
{
	struct xqaccel_completion c;

	EXPECT_EQ(0, cancel(self->fd, self->id));
	EXPECT_EQ(0, wait_id(self->fd, self->id, &c, 60 * SECOND));
	EXPECT_EQ(1, stat_settles("buffers", 1, 5000));
	EXPECT_EQ(0, small_run(self->fd, &self->used, &self->job, &c));
	EXPECT_EQ(0, inject_nothing());
	munmap(self->used.map, self->used.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	EXPECT_EQ(0, stat_of("leaked_pages"));
	EXPECT_EQ(0, stat_of("function_resets"));
}

TEST_F(slow_context, others_get_their_memory_back)
{
	const int other = device_open();
	struct buffer buf;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, buffer_create_unmapped(other, 1 << 20, &buf));
	EXPECT_EQ(3, stat_of("buffers"));
	ASSERT_EQ(0, buffer_destroy(other, buf.handle));
	EXPECT_EQ(2, stat_settles("buffers", 2, 5000));
	close(other);
	EXPECT_EQ(1, stat_settles("clients", 1, 5000));
}

/* Who opens and closes waits for a context that another client of its own gives back. */
TEST_F_TIMEOUT(slow_context, others_get_contexts, 60)
{
	struct xqaccel_info info;
	struct buffer buf;
	unsigned int i;

	ASSERT_EQ(0, device_info(self->fd, &info));
	for (i = 0; i < info.contexts + 50; i++) {
		const int other = device_open();

		ASSERT_LE(0, other);
		ASSERT_EQ(0, buffer_create_unmapped(other, 4096, &buf));
		close(other);
	}
	EXPECT_EQ(1, stat_settles("clients", 1, 5000));
}

/* It is told at once, or nearly, that there is no memory before the device lets go of some. */
TEST_F(slow_context, its_owner_goes_on)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;
	int64_t start = now_ns();

	ASSERT_EQ(0, buffer_create(self->fd, 4096, &buf));
	small_fill(&buf, 3, 1);
	small_job(&job, &buf);
	ASSERT_EQ(0, submit_jobs(self->fd, &job, 1, 1, 0, NULL, NULL));
	ASSERT_EQ(0, wait_lane(self->fd, 1, &c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	EXPECT_EQ(0, small_check(&buf, 16 * 3));
	munmap(buf.map, buf.bytes);
	ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
	ASSERT_EQ(0, file_write("/sys/module/xqaccel/parameters/client_megabytes", "1"));
	EXPECT_EQ(-ENOSPC, buffer_create_unmapped(self->fd, 1 << 20, &buf));
	ASSERT_EQ(0, file_write("/sys/module/xqaccel/parameters/client_megabytes", "0"));
	EXPECT_FALSE(over_limit(start, 10 * SECOND));
}

/* A thread that asks for more than there is can be killed. */
TEST_F(slow_context, its_owner_can_be_killed)
{
	struct buffer buf;
	int64_t start;
	int status;
	pid_t pid;

	ASSERT_EQ(0, file_write("/sys/module/xqaccel/parameters/client_megabytes", "1"));
	pid = fork();
	if (!pid)
		for (;;)
			buffer_create_unmapped(self->fd, 1 << 20, &buf);
	sleep_ms(300);
	start = now_ns();
	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_FALSE(over_limit(start, SECOND / 2));
	ASSERT_EQ(0, file_write("/sys/module/xqaccel/parameters/client_megabytes", "0"));
}

TEST_F_TIMEOUT(slow_context, removal_does_not_wait, 60)
{
	const int64_t start = now_ns();
	struct xqaccel_completion c;

	ASSERT_EQ(0, driver_unbind(self->address));
	EXPECT_FALSE(over_limit(start, 5 * SECOND));
	EXPECT_EQ(0, wait_id(self->fd, self->id, &c, 0));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)c.status);
	munmap(self->used.map, self->used.bytes);
	close(self->fd);
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, driver_bind_again(self->address));
	/* What the teardown expects. */
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 4096, &self->used));
	small_fill(&self->used, 1, 2);
	small_job(&self->job, &self->used);
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 600000, NULL, &self->id));
}

TEST_HARNESS_MAIN
