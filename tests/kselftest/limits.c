// SPDX-License-Identifier: GPL-2.0
/* As many jobs as the driver takes: of a user, beside another one, and when the device goes. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

#define USER_JOBS	16384U
#define FILES		3
#define STRANGER	1000
#define TRACING		"/sys/kernel/tracing/"
/* Jobs that may end while interrupts are off. */
#define AT_ONCE		64

FIXTURE(limits)
{
	struct xqaccel_info info;
	int fd[FILES];
	char address[32];
};

FIXTURE_SETUP(limits)
{
	unsigned int i;

	if (getuid() || !host_present())
		SKIP(return, "not root, or no host to make the device hang");
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	ASSERT_EQ(0, chmod(device_path(), 0666));
	for (i = 0; i < FILES; i++) {
		self->fd[i] = device_open();
		ASSERT_LE(0, self->fd[i]);
	}
	ASSERT_EQ(0, device_info(self->fd[0], &self->info));
	/* Nothing ends by itself. */
	ASSERT_EQ(0, inject("hang-jobs", 1000));
}

FIXTURE_TEARDOWN(limits)
{
	unsigned int i;

	for (i = 0; i < FILES; i++)
		if (self->fd[i] >= 0)
			close(self->fd[i]);
	EXPECT_EQ(0, inject_nothing());
	if (!driver_bind(self->address))
		node_appears(10000);
	chmod(device_path(), 0600);
	EXPECT_EQ(0, stat_settles("jobs", 0, 60000));
	EXPECT_EQ(0, stat_settles("clients", 0, 60000));
}

/* Fills all lanes of a file in batches; how many jobs were accepted. */
static unsigned int fill(int fd, const struct xqaccel_info *info,
			 const struct xqaccel_job_desc *job, int *last)
{
	const uint32_t batch = 256;
	struct xqaccel_job_desc *jobs = calloc(batch, sizeof(*jobs));
	unsigned int lane, sum = 0, i;
	uint32_t accepted;

	for (i = 0; i < batch; i++)
		jobs[i] = *job;
	for (lane = 0; lane < info->lanes; lane++) {
		do {
			accepted = 0;
			*last = submit_jobs(fd, jobs, batch, lane, 600000, &accepted, NULL);
			sum += *last ? 0 : accepted;
		} while (!*last);
	}
	free(jobs);
	return sum;
}

static int submit_as_stranger(void)
{
	struct xqaccel_job_desc job;
	struct buffer buf;
	int fd;

	if (setgid(STRANGER) || setuid(STRANGER))
		return 90;
	fd = device_open();
	if (fd < 0 || buffer_create(fd, 4096, &buf))
		return 91;
	small_job(&job, &buf);
	return -submit(fd, &job);
}

static int stranger(void)
{
	int status = 0;
	const pid_t pid = fork();

	if (!pid)
		_exit(submit_as_stranger());
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 92;
	return WEXITSTATUS(status);
}

/*
 * Most calls of xqaccel_job_fail() in one call of fail_some(), which has interrupts off all the
 * time.
 */
static unsigned int longest_section(char *text, unsigned int *calls)
{
	unsigned int longest = 0, now = 0;
	char *line;

	*calls = 0;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strstr(line, ": xqaccel_job_fail")) {
			++*calls;
			if (++now > longest)
				longest = now;
		} else if (strstr(line, ": fail_some ")) {
			now = 0;
		}
	}
	return longest;
}

static int trace_sections(void)
{
	/* Each write adds one name. */
	if (file_write(TRACING "set_ftrace_filter", "xqaccel_job_fail") ||
	    file_write(TRACING "set_ftrace_filter", "fail_some"))
		return -ENOENT;
	file_write(TRACING "trace", "");
	file_write(TRACING "buffer_size_kb", "16384");
	return file_write(TRACING "current_tracer", "function");
}

static void trace_off(void)
{
	file_write(TRACING "current_tracer", "nop");
	file_write(TRACING "set_ftrace_filter", "");
	file_write(TRACING "buffer_size_kb", "1408");
}

TEST_F_TIMEOUT(limits, jobs_of_a_user, 120)
{
	static char text[16 << 20];
	struct xqaccel_completion c[64];
	unsigned int i, sum = 0, calls, longest, reaped = 0;
	struct xqaccel_job_desc job;
	struct buffer buf;
	uint32_t done;
	bool traced;
	int last;

	for (i = 0; i < FILES; i++) {
		ASSERT_EQ(0, buffer_create_unmapped(self->fd[i], 4096, &buf));
		small_job(&job, &buf);
		sum += fill(self->fd[i], &self->info, &job, &last);
		EXPECT_EQ(-EAGAIN, last);
	}
	EXPECT_EQ(USER_JOBS, sum);
	/* Who has none gets his in. */
	EXPECT_EQ(0, stranger());

	/* The device goes: all end, and interrupts are never off for many of them. */
	traced = !trace_sections();
	ASSERT_EQ(0, driver_unbind(self->address));
	if (traced) {
		file_write(TRACING "tracing_on", "0");
		ASSERT_LT(0, file_read(TRACING "trace", text, sizeof(text)));
		file_write(TRACING "tracing_on", "1");
		trace_off();
		longest = longest_section(text, &calls);
		TH_LOG("%u jobs ended in sections of up to %u", calls, longest);
		EXPECT_LT(1000U, calls);
		EXPECT_GE((unsigned int)AT_ONCE, longest);
	}
	for (i = 0; i < FILES; i++)
		while (!wait_jobs(self->fd[i], c, 64, 1, 0, &done, NULL))
			reaped += done;
	EXPECT_EQ(USER_JOBS, reaped);
}

/* Closing files with as many jobs is as short. */
TEST_F_TIMEOUT(limits, close_with_many_jobs, 120)
{
	struct xqaccel_job_desc job;
	struct buffer buf;
	unsigned int i;
	int last;

	for (i = 0; i < FILES; i++) {
		ASSERT_EQ(0, buffer_create_unmapped(self->fd[i], 4096, &buf));
		small_job(&job, &buf);
		fill(self->fd[i], &self->info, &job, &last);
		close(self->fd[i]);
		self->fd[i] = -1;
	}
	EXPECT_EQ(0, inject_nothing());
	EXPECT_EQ(0, stat_settles("jobs", 0, 60000));
}

TEST_HARNESS_MAIN
