// SPDX-License-Identifier: GPL-2.0
/*
 * Where DMA is not coherent the kernel's own functions clean and invalidate caches for each job.
 * They are counted by probes: an emulated machine has no caches that could tell.
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
	if (!dma_noncoherent(self->address))
		SKIP(return, "the device's DMA is coherent");
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 2);
	small_job(&self->job, &self->buf);
	ASSERT_EQ(0, probes_begin());
	self->probed = true;
}

FIXTURE_TEARDOWN(cache)
{
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
	const long long cleaned = calls("clean");
	struct buffer buf;

	ASSERT_EQ(0, buffer_create(self->fd, 1 << 20, &buf));
	EXPECT_LT(cleaned, calls("clean"));
	munmap(buf.map, buf.bytes);
}

TEST_HARNESS_MAIN
