// SPDX-License-Identifier: GPL-2.0
/*
 * Where DMA is not coherent the kernel's own functions clean and invalidate caches for each job,
 * and where it is they are left alone. They are counted by probes: an emulated machine has no
 * caches that could tell.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

#define TRACING	"/sys/kernel/tracing/"
#define JOBS	10

FIXTURE(cache)
{
	int fd;
	bool coherent;
	bool probed;
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct xqaccel_completion c;
	char address[32];
};

static int probes_begin(void)
{
	int ret;

	ret = file_write(TRACING "kprobe_events", "p:xq/clean arch_sync_dma_for_device");
	if (!ret)
		ret = file_write(TRACING "kprobe_events", "p:xq/invalidate arch_sync_dma_for_cpu");
	return ret ? ret : file_write(TRACING "events/xq/enable", "1");
}

static void probes_end(void)
{
	file_write(TRACING "events/xq/enable", "0");
	file_write(TRACING "kprobe_events", "-:xq/clean");
	file_write(TRACING "kprobe_events", "-:xq/invalidate");
}

/* How often a function was called; they are not ours alone, so this may be too many by some. */
static long long calls(const char *probe)
{
	char text[1024], *at;

	if (file_read(TRACING "kprobe_profile", text, sizeof(text)) <= 0)
		return -1;
	at = strstr(text, probe);
	return at ? strtoll(at + strlen(probe), NULL, 10) : -1;
}

FIXTURE_SETUP(cache)
{
	if (getuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	self->coherent = !dma_noncoherent(self->address);
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 2);
	small_job(&self->job, &self->buf);
	self->probed = !probes_begin();
	/* Processors whose caches see all DMA have no such functions. */
	ASSERT_TRUE(self->probed || self->coherent);
}

FIXTURE_TEARDOWN(cache)
{
	if (getuid())
		return;
	if (self->probed)
		probes_end();
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
}

/* Each job has A, B and C cleaned before it and C invalidated after it, page by page. */
TEST_F(cache, maintained_for_each_job)
{
	const int64_t synced = stat_of("synced_jobs");
	const long long cleaned = calls("clean"), invalidated = calls("invalidate");
	unsigned int i;

	if (self->coherent)
		SKIP(return, "the device's DMA is coherent");
	ASSERT_LE(0, cleaned);
	ASSERT_LE(0, invalidated);
	for (i = 0; i < JOBS; i++)
		ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	printf("# %lld cleaned, %lld invalidated\n", calls("clean") - cleaned,
	       calls("invalidate") - invalidated);
	EXPECT_EQ(synced + JOBS, stat_of("synced_jobs"));
	EXPECT_LE(3LL * JOBS, calls("clean") - cleaned);
	EXPECT_LE(1LL * JOBS, calls("invalidate") - invalidated);
}

/* What user space never wrote since it was zeroed is in memory, too, before the device sees it. */
TEST_F(cache, maintained_for_a_new_buffer)
{
	long long cleaned;
	struct buffer buf;

	if (self->coherent)
		SKIP(return, "the device's DMA is coherent");
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &buf));
	small_job(&self->job, &buf);
	cleaned = calls("clean");
	ASSERT_LE(0, cleaned);
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_LE(cleaned + 3, calls("clean"));
	EXPECT_EQ(0, small_check(&buf, 0));
	munmap(buf.map, buf.bytes);
}

/* What changes nothing is not done. Other devices may have theirs, but not so many. */
TEST_F(cache, left_alone_where_coherent)
{
	const int64_t synced = stat_of("synced_jobs");
	const long long cleaned = calls("clean"), invalidated = calls("invalidate");
	unsigned int i;

	if (!self->coherent)
		SKIP(return, "the device's DMA is not coherent");
	if (!self->probed)
		SKIP(return, "the caches of these processors see all DMA");
	for (i = 0; i < JOBS; i++)
		ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	printf("# %lld cleaned, %lld invalidated\n", calls("clean") - cleaned,
	       calls("invalidate") - invalidated);
	EXPECT_EQ(synced, stat_of("synced_jobs"));
	EXPECT_GT(JOBS, calls("clean") - cleaned);
	EXPECT_GT(JOBS, calls("invalidate") - invalidated);
}

TEST_HARNESS_MAIN
