// SPDX-License-Identifier: GPL-2.0
/* Order of jobs, lanes, clients beside each other, and clients that go in the middle. */
#include <errno.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

FIXTURE(jobs)
{
	int fd;
	struct xqaccel_info info;
	struct buffer buf;
	struct xqaccel_job_desc job;
};

FIXTURE_SETUP(jobs)
{
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_info(self->fd, &self->info));
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 1);
	small_job(&self->job, &self->buf);
}

FIXTURE_TEARDOWN(jobs)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	/* A mapping holds the file. */
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	/* Whatever happened: nothing is left of clients that are gone. */
	EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
}

TEST_F(jobs, order_in_a_lane)
{
	enum { COUNT = 300 };
	static struct xqaccel_completion c[COUNT];
	uint32_t done, seen = 0;
	uint64_t i;

	self->job.work.flags = XQACCEL_JOB_ACCUMULATE;
	for (i = 0; i < COUNT; i++) {
		self->job.user_data = i;
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, 3, 0));
	}
	while (seen < COUNT) {
		ASSERT_EQ(0,
			  wait_jobs(self->fd, c + seen, COUNT - seen, 1, 10 * SECOND, &done, NULL));
		seen += done;
	}
	for (i = 0; i < COUNT; i++) {
		EXPECT_EQ(i, c[i].user_data);
		EXPECT_EQ(3U, c[i].lane);
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)c[i].status);
	}
	/* Each added once. */
	EXPECT_EQ(0, small_check(&self->buf, COUNT * 16));
}

TEST_F(jobs, order_in_every_lane)
{
	enum { EACH = 60 };
	uint64_t next[64] = { 0 };
	uint32_t lane, left = self->info.lanes * EACH;
	uint64_t i;

	ASSERT_LE(self->info.lanes, 64U);
	for (i = 0; i < EACH; i++) {
		for (lane = 0; lane < self->info.lanes; lane++) {
			self->job.user_data = i;
			ASSERT_EQ(0, submit_lane(self->fd, &self->job, lane, 0));
		}
	}
	while (left) {
		struct xqaccel_completion c[16];
		uint32_t done;

		ASSERT_EQ(0, wait_jobs(self->fd, c, 16, 1, 10 * SECOND, &done, NULL));
		for (i = 0; i < done; i++)
			EXPECT_EQ(next[c[i].lane]++, c[i].user_data);
		left -= done;
	}
}

/* What one job writes the next one reads, with no wait in between. */
TEST_F(jobs, chain_in_a_lane)
{
	struct xqaccel_completion c[8];
	uint32_t done;
	int i;

	/* C of one job, as 16 rows of 4 s8 codes, is B of the next: bytes 16, 0, 0, 0, ... */
	for (i = 0; i < 50; i++) {
		struct xqaccel_job_desc second = self->job;

		small_fill(&self->buf, 1, 1);
		second.operand[XQACCEL_B].offset = SMALL_C;
		second.operand[XQACCEL_C].offset = 4096;
		memset(self->buf.map + 4096, 0xff, 64);
		ASSERT_EQ(0, submit(self->fd, &self->job));
		ASSERT_EQ(0, submit(self->fd, &second));
		ASSERT_EQ(0, wait_jobs(self->fd, c, 8, 2, 5 * SECOND, &done, NULL));
		ASSERT_EQ(2U, done);
		/* A row of B holds four elements of value 16 and twelve zeros. */
		ASSERT_EQ(64, *(int32_t *)(self->buf.map + 4096));
		ASSERT_EQ(64, *(int32_t *)(self->buf.map + 4096 + 60));
	}
}

TEST_F(jobs, a_slow_client_does_not_stop_another)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;
	unsigned int i;
	int other;

	if (!host_present())
		SKIP(return, "no host to make the device slow");
	other = device_open();
	ASSERT_LE(0, other);
	ASSERT_EQ(0, buffer_create(other, 4096, &buf));
	small_fill(&buf, 1, 1);
	small_job(&job, &buf);
	ASSERT_EQ(0, inject("slow-ns", 60 * MS));
	for (i = 0; i < 200; i++)
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i % self->info.lanes, 0));
	/* 200 jobs of 60 ms on 8 queues are 1.5 s; this one must not wait for all of them. */
	ASSERT_EQ(0, submit(other, &job));
	EXPECT_EQ(0, wait_one(other, &c, 800 * MS));
	munmap(buf.map, buf.bytes);
	close(other);
}

TEST_F(jobs, close_with_jobs_queued_and_running)
{
	int64_t start;
	unsigned int i;

	if (host_present())
		ASSERT_EQ(0, inject("slow-ns", 50 * MS));
	for (i = 0; i < 500; i++)
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i % self->info.lanes, 0));
	start = now_ns();
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_FALSE(over_limit(start, 500 * MS));
	EXPECT_EQ(0, stat_settles("clients", 0, 3000));
	EXPECT_EQ(0, stat_settles("buffers", 0, 100));
	self->fd = -1;
}

TEST_F(jobs, close_with_a_job_that_hangs)
{
	int64_t start;
	unsigned int i;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, inject("hang-jobs", 3));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i % self->info.lanes, 600000));
	start = now_ns();
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_FALSE(over_limit(start, 500 * MS));
	/* Its limit of ten minutes is not for a client that is gone. */
	EXPECT_EQ(0, stat_settles("clients", 0, 8000));
	self->fd = -1;
}

static void submit_for_ever(unsigned int lanes)
{
	const int fd = device_open();
	struct xqaccel_completion c[16];
	struct xqaccel_job_desc job;
	struct buffer buf;
	unsigned int i;

	if (fd < 0 || buffer_create(fd, 8192, &buf))
		_exit(1);
	small_job(&job, &buf);
	for (i = 0;; i++) {
		if (submit_lane(fd, &job, i % lanes, 0) == -EAGAIN)
			wait_jobs(fd, c, 16, 1, -1, NULL, NULL);
	}
}

TEST_F_TIMEOUT(jobs, killed_at_any_point, 60)
{
	unsigned int i;
	int status;
	pid_t pid;

	for (i = 0; i < 40; i++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			submit_for_ever(self->info.lanes);
		sleep_ms(5 + 3 * i);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
	}
	/* Ours is the one that is left. */
	EXPECT_EQ(1, stat_settles("clients", 1, 5000));
	EXPECT_EQ(1, stat_settles("buffers", 1, 1000));
	EXPECT_EQ(0, submit(self->fd, &self->job));
	EXPECT_EQ(0, wait_one(self->fd, &(struct xqaccel_completion){ 0 }, 5 * SECOND));
	EXPECT_EQ(0, small_check(&self->buf, 16));
}

TEST_F(jobs, shared_with_a_child)
{
	struct xqaccel_completion c;
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* File, mapping and client are the parent's. */
		small_fill(&self->buf, 5, 1);
		_exit(submit(self->fd, &self->job) ? 1 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(0, wait_one(self->fd, &c, 5 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	EXPECT_EQ(0, small_check(&self->buf, 16 * 5));
}

TEST_F(jobs, child_keeps_the_client_alive)
{
	int to_child[2], status;
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe(to_child));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct xqaccel_completion c;
		int ret;

		if (read(to_child[0], &byte, 1) != 1)
			_exit(1);
		ret = submit(self->fd, &self->job);
		if (!ret)
			ret = wait_one(self->fd, &c, 5 * SECOND);
		_exit(ret || c.status ? 2 : 0);
	}
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(1, (int)write(to_child[1], &byte, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(jobs, large_job)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;

	ASSERT_EQ(0, large_job(self->fd, &buf, &job));
	ASSERT_EQ(0, submit(self->fd, &job));
	ASSERT_EQ(0, wait_one(self->fd, &c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	EXPECT_EQ(1024ULL * 1024 * 2048, c.macs);
	TH_LOG("1024 x 1024 x 2048 s8: %llu us on the device",
	       (unsigned long long)((c.end - c.start) * 1000000 / self->info.clock_hz));
}

#define TRACING "/sys/kernel/tracing/"

/* Lines of the function tracer: whether a call of ours had interrupts off or held a lock. */
static bool atomic_call(const char *line)
{
	const char *flags = strchr(line, ']');

	return flags && (strchr("dD", flags[2]) || flags[5] != '.');
}

/*
 * Cache maintenance of whole operands, where DMA is not coherent, keeps no interrupt waiting. The
 * flags of the function tracer tell. Kernels that know better than force_dma_sync call nothing.
 */
TEST_F(jobs, caches_are_maintained_with_interrupts_on)
{
	static char text[1 << 20];
	struct xqaccel_completion c;
	unsigned int i, calls = 0, atomic = 0;
	const int64_t synced = stat_of("synced_jobs");
	char *line;

	/* The tracer changes the kernel's code while it runs: not where there is nothing to see. */
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &c, 5 * SECOND));
	if (stat_of("synced_jobs") == synced)
		SKIP(return, "no cache is maintained here");
	if (getuid() || file_write(TRACING "set_ftrace_filter", "*dma_sync_single_for_*"))
		SKIP(return, "no function tracer");
	ASSERT_EQ(0, file_write(TRACING "trace", ""));
	ASSERT_EQ(0, file_write(TRACING "current_tracer", "function"));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i % 8, 0));
		ASSERT_EQ(0, wait_one(self->fd, &c, 5 * SECOND));
		ASSERT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	}
	ASSERT_LT(0, file_read(TRACING "trace", text, sizeof(text)));
	ASSERT_EQ(0, file_write(TRACING "current_tracer", "nop"));
	ASSERT_EQ(0, file_write(TRACING "set_ftrace_filter", ""));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (*line == '#' || !strstr(line, "<-range_sync"))
			continue;
		calls++;
		atomic += atomic_call(line);
		if (atomic_call(line) && atomic < 5)
			TH_LOG("%s", line);
	}
	if (!calls)
		SKIP(return, "no cache is maintained here");
	EXPECT_LE(40U, calls);
	EXPECT_EQ(0U, atomic);
}

TEST_HARNESS_MAIN
