// SPDX-License-Identifier: GPL-2.0
/* What can be seen of a job from outside: tracepoints, and what a client used in fdinfo. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

#define TRACING "/sys/kernel/tracing/"

FIXTURE(observe)
{
	int fd;
	struct xqaccel_info info;
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct xqaccel_completion c;
};

FIXTURE_SETUP(observe)
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

FIXTURE_TEARDOWN(observe)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
}

static char text[1 << 20];

/* The trace is emptied by who opens it so. */
static int trace_start(void)
{
	const int fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return file_write(TRACING "events/xqaccel/enable", "1");
}

static int trace_stop(void)
{
	const int ret = file_write(TRACING "events/xqaccel/enable", "0");

	return ret ? ret : file_read(TRACING "trace", text, sizeof(text));
}

/*
 * The place of an event of a job in the trace, with something in its line; NULL if it is not there.
 */
static const char *event(const char *name, uint64_t id, const char *with)
{
	char stage[64], number[64];
	const char *line = text;

	snprintf(stage, sizeof(stage), "xqaccel_job_%s: ", name);
	snprintf(number, sizeof(number), " job=%llu", (unsigned long long)id);
	while ((line = strstr(line, stage))) {
		const char *end = strchr(line, '\n'), *job = strstr(line, number);
		const char *found = with ? strstr(line, with) : line;
		const char after = job ? job[strlen(number)] : 0;

		if (job && job < end && (after == ' ' || after == '\n') && found && found < end)
			return line;
		line++;
	}
	return NULL;
}

TEST_F(observe, every_stage_of_a_job)
{
	const char *submitted, *dispatched, *completed, *reaped;
	uint64_t id;

	if (getuid() || trace_start())
		SKIP(return, "no tracefs");
	self->job.user_data = 0xabcd;
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 5, 0, NULL, &id));
	ASSERT_EQ(0, wait_id(self->fd, id, &self->c, 10 * SECOND));
	ASSERT_LT(0, trace_stop());
	submitted = event("submit", id, "lane=5");
	dispatched = event("dispatch", id, "queue=");
	completed = event("complete", id, "status=ok");
	reaped = event("reap", id, "lane=5");
	ASSERT_TRUE(submitted && dispatched && completed && reaped);
	EXPECT_TRUE(submitted < dispatched);
	EXPECT_TRUE(dispatched < completed);
	EXPECT_TRUE(completed < reaped);
	EXPECT_TRUE(!!event("submit", id, "op=1 flags=0x0 macs=256 user_data=0xabcd"));
	EXPECT_TRUE(!event("cancel", id, NULL));
	EXPECT_TRUE(!event("requeue", id, NULL));
}

/* One hangs and is canceled; the one behind it on the queue runs again. */
TEST_F(observe, cancel_and_requeue)
{
	uint64_t id, next;

	if (getuid() || !host_present() || trace_start())
		SKIP(return, "no tracefs, or no host to make the device hang");
	/* The lane's jobs are known to be short, so two are in flight. */
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 0, NULL, &id));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 0, NULL, &next));
	sleep_ms(50);
	ASSERT_EQ(0, cancel(self->fd, id));
	ASSERT_EQ(0, wait_id(self->fd, next, &self->c, 60 * SECOND));
	ASSERT_LT(0, trace_stop());
	EXPECT_TRUE(!!event("cancel", id, NULL));
	EXPECT_TRUE(!!event("complete", id, "status=canceled"));
	EXPECT_TRUE(!!event("requeue", next, NULL));
	EXPECT_TRUE(!!event("complete", next, "status=ok"));
}

/* A file is closed with a job that hangs and one behind it that never ran: both end. */
TEST_F(observe, jobs_of_a_closed_file)
{
	const int other = device_open();
	struct xqaccel_job_desc job;
	struct buffer buf;
	uint64_t id, next;

	ASSERT_LE(0, other);
	if (getuid() || !host_present() || trace_start())
		SKIP(return, "no tracefs, or no host to make the device hang");
	ASSERT_EQ(0, buffer_create(other, 8192, &buf));
	small_job(&job, &buf);
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_jobs(other, &job, 1, 0, 0, NULL, &id));
	ASSERT_EQ(0, submit_jobs(other, &job, 1, 0, 0, NULL, &next));
	sleep_ms(50);
	ASSERT_EQ(0, munmap(buf.map, buf.bytes));
	ASSERT_EQ(0, close(other));
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
	ASSERT_LT(0, trace_stop());
	EXPECT_TRUE(!!event("complete", id, "status=canceled"));
	EXPECT_TRUE(!event("dispatch", next, NULL));
	EXPECT_TRUE(!!event("complete", next, "status=canceled"));
}

/* A number behind a key of the file's fdinfo, or -1. */
static long long fdinfo(int fd, const char *key)
{
	char path[64], *at;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (file_read(path, text, sizeof(text)) <= 0)
		return -1;
	at = strstr(text, key);
	return at && at[strlen(key)] == ':' ? strtoll(at + strlen(key) + 1, NULL, 10) : -1;
}

TEST_F(observe, fdinfo_tells_who_it_is)
{
	const int other = device_open();
	char address[32];

	ASSERT_LE(0, other);
	EXPECT_LT(0, fdinfo(self->fd, "drm-client-id"));
	EXPECT_LT(fdinfo(self->fd, "drm-client-id"), fdinfo(other, "drm-client-id"));
	EXPECT_TRUE(!strstr(text, "xqaccel-priority"));
	EXPECT_EQ((long long)self->info.queues, fdinfo(self->fd, "drm-engine-capacity-gemm"));
	EXPECT_TRUE(strstr(text, "drm-driver:\txqaccel\n") == strstr(text, "drm-driver"));
	EXPECT_TRUE(!!strstr(text, "xqaccel-priority:\tnormal\n"));
	if (!bus_address(address, sizeof(address)))
		EXPECT_EQ(on_pci(address), !!strstr(text, address));
	close(other);
}

/* Device time is that of the completions, to the tick. */
TEST_F(observe, fdinfo_counts_device_time)
{
	long long before = fdinfo(self->fd, "drm-engine-gemm");
	uint64_t ticks = 0;
	unsigned int i;

	EXPECT_EQ(0, before);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i % 8, 0));
		ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
		ticks += self->c.end - self->c.start;
	}
	EXPECT_LT(0ULL, ticks);
	if (self->info.clock_hz == 1000000000)
		EXPECT_EQ((long long)ticks, fdinfo(self->fd, "drm-engine-gemm"));
	EXPECT_EQ(0, fdinfo(self->fd, "xqaccel-jobs"));
}

TEST_F(observe, fdinfo_counts_memory)
{
	/* KiB of buffers, and of the few page tables that they need. */
	const long long before = fdinfo(self->fd, "drm-total-memory"), tables = 64;
	struct buffer buf;

	EXPECT_LE(8, before);
	EXPECT_GE(8 + tables, before);
	ASSERT_EQ(0, buffer_create_unmapped(self->fd, 1 << 20, &buf));
	EXPECT_LE(before + 1024, fdinfo(self->fd, "drm-total-memory"));
	EXPECT_GE(before + 1024 + tables, fdinfo(self->fd, "drm-total-memory"));
	EXPECT_LE(before + 1024, fdinfo(self->fd, "drm-resident-memory"));
	EXPECT_EQ(0, buffer_destroy(self->fd, buf.handle));
	EXPECT_EQ(1, stat_settles("buffers", 1, 10000));
	EXPECT_GE(before + tables, fdinfo(self->fd, "drm-total-memory"));
}

/* sysfs tells the same as the ioctl. */
TEST_F(observe, sysfs)
{
	const char *node = strrchr(device_path(), '/') + 1;
	const struct xqaccel_info *info = &self->info;
	struct {
		const char *name;
		char value[64];
	} want[] = {
		{ "state", "running" },
		{ "abi", "" },
		{ "hw_version", "" },
		{ "queues", "" },
		{ "isa", "" },
	};
	char path[128];
	unsigned int i;

	snprintf(want[1].value, 64, "%#llx", (unsigned long long)info->abi);
	snprintf(want[2].value, 64, "%u.%u", info->hw_version >> 16,
		 info->hw_version & 0xffff);
	snprintf(want[3].value, 64, "%u", info->queues);
	snprintf(want[4].value, 64, "%.32s", info->isa);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		snprintf(path, sizeof(path), "/sys/class/xqaccel/%s/%s", node, want[i].name);
		ASSERT_LT(0, file_read(path, text, sizeof(text)));
		EXPECT_EQ((int)strlen(want[i].value) + 1, (int)strlen(text));
		EXPECT_EQ(0, strncmp(text, want[i].value, strlen(want[i].value)));
	}
}

TEST_HARNESS_MAIN
