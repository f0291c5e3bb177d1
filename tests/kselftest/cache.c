// SPDX-License-Identifier: GPL-2.0
/*
 * Where DMA is not coherent the kernel's own functions clean and invalidate caches for each job,
 * and where it is they are left alone. Probes tell how often they are called and for which memory:
 * an emulated machine has no caches that could tell.
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
#include "shared_memory.h"

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

	ret = file_write(TRACING "kprobe_events",
			 "p:xq/clean arch_sync_dma_for_device at=$arg1:x64 bytes=$arg2:u64");
	if (!ret)
		ret = file_write(TRACING "kprobe_events",
				 "p:xq/invalidate arch_sync_dma_for_cpu at=$arg1:x64 bytes=$arg2:u64");
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

/* ---- which memory ---------------------------------------------------------------------- */

/* All sizes and places are multiples of a line's. */
#define LINE		64
#define ROWS		64
#define K		512
#define ROW_BYTES	(4 * ROWS)
/* A line between the rows of C is the processor's. */
#define STRIDE		(ROW_BYTES + LINE)
/* No operand begins or ends with a page. */
#define AT_A		2048
#define AT_B		(AT_A + ROWS * K)
#define AT_C		(AT_B + ROWS * K)
#define END		(AT_C + (ROWS - 1) * STRIDE + ROW_BYTES)
#define BYTES		(1 << 17)
#define LINES		(BYTES / LINE)

/* What the kernel's function was called for, line by line of a buffer, and what is wrong with it. */
struct maintained {
	bool line[LINES];
	unsigned int beyond;
};

/* Memory whose pages follow each other in neither direction, as far as the allocator lets it. */
static uint8_t *scattered_pages(unsigned int page)
{
	const unsigned int count = BYTES / page;
	uint8_t *memory = pages_of(BYTES);
	unsigned int i;

	if (!memory || madvise(memory, BYTES, MADV_NOHUGEPAGE))
		return NULL;
	/* 5 and the number of pages have no factor in common. */
	for (i = 0; i < count; i++)
		memory[i * 5 % count * page] = 1;
	return memory;
}

/* Where pages are in memory; false: the kernel does not tell. */
static bool pages_where(const uint8_t *memory, unsigned int page, uint64_t *where)
{
	const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	const ssize_t bytes = BYTES / page * sizeof(*where);
	unsigned int i;
	ssize_t got;

	got = pread(fd, where, bytes, (uintptr_t)memory / page * sizeof(*where));
	close(fd);
	for (i = 0; i < BYTES / page; i++)
		where[i] = (where[i] & ((1ULL << 55) - 1)) * page;
	return got == bytes && where[0];
}

static unsigned int page_at(const uint64_t *where, unsigned int page, uint64_t at)
{
	unsigned int i;

	for (i = 0; i < BYTES / page && at - where[i] >= page; i++)
		;
	return i;
}

/* A call for memory that begins in the buffer must not leave it. Other devices' do not. */
static void maintain(struct maintained *m, const uint64_t *where, unsigned int page, uint64_t at,
		     uint64_t bytes)
{
	const unsigned int count = BYTES / page;
	uint64_t end = at + bytes;
	unsigned int i;

	if (page_at(where, page, at) == count)
		return;
	for (; at < end; at += LINE) {
		i = page_at(where, page, at);
		if (i < count)
			m->line[(i * page + at - where[i]) / LINE] = true;
		else
			m->beyond++;
	}
}

/* From the trace, which holds what the probe @event saw. */
static void trace_read(struct maintained *m, const char *event, const uint64_t *where,
		       unsigned int page)
{
	FILE *f = fopen(TRACING "trace", "r");
	unsigned long long at, bytes;
	char line[512], *found;

	memset(m, 0, sizeof(*m));
	while (f && fgets(line, sizeof(line), f)) {
		found = strstr(line, event);
		found = found ? strstr(found, " at=") : NULL;
		if (found && sscanf(found, " at=%llx bytes=%llu", &at, &bytes) == 2)
			maintain(m, where, page, at, bytes);
	}
	if (f)
		fclose(f);
}

static bool trace_clear(void)
{
	const int fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	close(fd);
	return fd >= 0;
}

static bool in_operands(unsigned int at)
{
	return at >= AT_A && at < END;
}

static bool in_rows(unsigned int at)
{
	return at >= AT_C && at < END && (at - AT_C) % STRIDE < ROW_BYTES;
}

static unsigned int wrong_lines(const struct maintained *m, bool (*wanted)(unsigned int at))
{
	unsigned int i, wrong = 0;

	for (i = 0; i < LINES; i++)
		wrong += m->line[i] != wanted(i * LINE);
	return wrong;
}

static void strided_job(struct xqaccel_job_desc *job, uint32_t handle)
{
	struct xqaccel_operand *operand = job->operand;

	job->work.gemm.m = ROWS;
	job->work.gemm.n = ROWS;
	job->work.gemm.k = K;
	operand[XQACCEL_A] = (struct xqaccel_operand){ handle, 0, AT_A, K, 0, 0 };
	operand[XQACCEL_B] = (struct xqaccel_operand){ handle, 0, AT_B, K, 0, 0 };
	operand[XQACCEL_C] = (struct xqaccel_operand){ handle, 0, AT_C, STRIDE, 0, 0 };
}

/*
 * Pages that do not follow each other in memory do so for a device behind an IOMMU. There, too, the
 * lines of the operands are cleaned and those of the rows of C are invalidated, and no others.
 */
TEST_F(cache, maintained_where_pages_are)
{
	const unsigned int page = sysconf(_SC_PAGESIZE);
	static struct maintained cleaned, invalidated;
	static uint64_t where[BYTES / 4096];
	unsigned int i, neighbors = 0;
	struct buffer buf;
	uint8_t *memory;

	if (self->coherent)
		SKIP(return, "the device's DMA is coherent");
	if (memory_is_bounced(self->fd))
		SKIP(return, "the device does not reach this memory");
	memory = scattered_pages(page);
	ASSERT_TRUE(memory != NULL);
	ASSERT_EQ(0, buffer_wrap(self->fd, memory, BYTES, 0, &buf));
	/* What is pinned stays where it is. */
	ASSERT_TRUE(pages_where(memory, page, where));
	for (i = 1; i < BYTES / page; i++)
		neighbors += where[i] == where[i - 1] + page;
	TH_LOG("%u of %u pages follow the one before", neighbors, BYTES / page);
	/* Else there is nothing to see. */
	ASSERT_GT(BYTES / page / 2, neighbors);
	strided_job(&self->job, buf.handle);
	ASSERT_TRUE(trace_clear());
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	ASSERT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	trace_read(&cleaned, " clean: ", where, page);
	trace_read(&invalidated, " invalidate: ", where, page);
	EXPECT_EQ(0U, cleaned.beyond);
	EXPECT_EQ(0U, invalidated.beyond);
	EXPECT_EQ(0U, wrong_lines(&cleaned, in_operands));
	EXPECT_EQ(0U, wrong_lines(&invalidated, in_rows));
	ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
}

TEST_HARNESS_MAIN
