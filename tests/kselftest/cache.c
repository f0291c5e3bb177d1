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

static void probes_end(void)
{
	file_write(TRACING "events/xq/enable", "0");
	file_write(TRACING "kprobe_events", "-:xq/clean");
	file_write(TRACING "kprobe_events", "-:xq/invalidate");
}

static int probes_begin(void)
{
	int ret;

	/* A test that failed did not get to that, and what is there is refused. */
	probes_end();
	ret = file_write(TRACING "kprobe_events",
			 "p:xq/clean arch_sync_dma_for_device at=$arg1:x64 bytes=$arg2:u64");
	if (!ret)
		ret = file_write(TRACING "kprobe_events",
				 "p:xq/invalidate arch_sync_dma_for_cpu at=$arg1:x64 bytes=$arg2:u64");
	return ret ? ret : file_write(TRACING "events/xq/enable", "1");
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
	if (access(TRACING "kprobe_events", W_OK))
		SKIP(return, "no tracefs, or a kernel without CONFIG_KPROBE_EVENTS");
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

/* A test that fails does not come to its end, and those after it, now or later, have theirs. */
TEST_F(cache, probes_that_were_left)
{
	if (!self->probed)
		SKIP(return, "the caches of these processors see all DMA");
	EXPECT_EQ(0, probes_begin());
	ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	EXPECT_TRUE(self->coherent || calls("clean") > 0);
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
#define ROW_BYTES	(4 * ROWS)
#define PAGES		32
#define MAX_PAGE	65536
#define MAX_LINES	(PAGES * MAX_PAGE / LINE)

/* Where operands are: in pages, whatever their size, and none begins or ends with one. */
struct layout {
	unsigned int page, bytes;
	unsigned int k;
	/* Lines between the rows of C are the processor's. */
	unsigned int stride;
	unsigned int at_a, at_b, at_c, end;
};

static struct layout layout_of(unsigned int page)
{
	struct layout l = {
		.page = page, .bytes = PAGES * page, .k = page / 8,
		.stride = (ROW_BYTES + LINE) * (page / 4096), .at_a = page / 2,
	};

	l.at_b = l.at_a + ROWS * l.k;
	l.at_c = l.at_b + ROWS * l.k;
	l.end = l.at_c + (ROWS - 1) * l.stride + ROW_BYTES;
	return l;
}

/* What the kernel's function was called for, line by line of a buffer, and what is wrong with it. */
struct maintained {
	bool line[MAX_LINES];
	unsigned int beyond;
};

/* Memory whose pages follow each other in neither direction, as far as the allocator lets it. */
static uint8_t *scattered_pages(const struct layout *l)
{
	uint8_t *memory = pages_of(l->bytes);
	unsigned int i;

	if (!memory || madvise(memory, l->bytes, MADV_NOHUGEPAGE))
		return NULL;
	/* 5 and the number of pages have no factor in common. */
	for (i = 0; i < PAGES; i++)
		memory[(size_t)(i * 5 % PAGES) * l->page] = 1;
	return memory;
}

/* Where pages are in memory; false: the kernel does not tell. */
static bool pages_where(const uint8_t *memory, unsigned int page, uint64_t *where)
{
	const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	const ssize_t bytes = PAGES * sizeof(*where);
	unsigned int i;
	ssize_t got;

	got = pread(fd, where, bytes, (uintptr_t)memory / page * sizeof(*where));
	close(fd);
	for (i = 0; i < PAGES; i++)
		where[i] = (where[i] & ((1ULL << 55) - 1)) * page;
	return got == bytes && where[0];
}

static unsigned int page_at(const uint64_t *where, unsigned int page, uint64_t at)
{
	unsigned int i;

	for (i = 0; i < PAGES && at - where[i] >= page; i++)
		;
	return i;
}

/* A call for memory that begins in the buffer must not leave it. Other devices' do not. */
static void maintain(struct maintained *m, const uint64_t *where, unsigned int page, uint64_t at,
		     uint64_t bytes)
{
	uint64_t end = at + bytes;
	unsigned int i;

	if (page_at(where, page, at) == PAGES)
		return;
	for (; at < end; at += LINE) {
		i = page_at(where, page, at);
		if (i < PAGES)
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

static bool in_operands(const struct layout *l, unsigned int at)
{
	return at >= l->at_a && at < l->end;
}

static bool in_rows(const struct layout *l, unsigned int at)
{
	return at >= l->at_c && at < l->end && (at - l->at_c) % l->stride < ROW_BYTES;
}

static unsigned int wrong_lines(const struct maintained *m, const struct layout *l,
				bool (*wanted)(const struct layout *l, unsigned int at))
{
	unsigned int i, wrong = 0;

	for (i = 0; i < l->bytes / LINE; i++)
		wrong += m->line[i] != wanted(l, i * LINE);
	return wrong;
}

static void strided_job(struct xqaccel_job_desc *job, const struct layout *l, uint32_t handle)
{
	struct xqaccel_operand *operand = job->operand;

	job->work.gemm.m = ROWS;
	job->work.gemm.n = ROWS;
	job->work.gemm.k = l->k;
	operand[XQACCEL_A] = (struct xqaccel_operand){ handle, 0, l->at_a, l->k, 0, 0 };
	operand[XQACCEL_B] = (struct xqaccel_operand){ handle, 0, l->at_b, l->k, 0, 0 };
	operand[XQACCEL_C] = (struct xqaccel_operand){ handle, 0, l->at_c, l->stride, 0, 0 };
}

/*
 * Pages that do not follow each other in memory do so for a device behind an IOMMU. There, too, the
 * lines of the operands are cleaned and those of the rows of C are invalidated, and no others.
 */
TEST_F(cache, maintained_where_pages_are)
{
	const struct layout l = layout_of(sysconf(_SC_PAGESIZE));
	static struct maintained cleaned, invalidated;
	static uint64_t where[PAGES];
	unsigned int i, neighbors = 0;
	struct buffer buf;
	uint8_t *memory;

	if (self->coherent)
		SKIP(return, "the device's DMA is coherent");
	if (memory_is_bounced(self->fd))
		SKIP(return, "the device does not reach this memory");
	ASSERT_LE(l.page, (unsigned int)MAX_PAGE);
	ASSERT_GE(l.bytes, l.end);
	memory = scattered_pages(&l);
	ASSERT_TRUE(memory != NULL);
	ASSERT_EQ(0, buffer_wrap(self->fd, memory, l.bytes, 0, &buf));
	/* What is pinned stays where it is. */
	if (!pages_where(memory, l.page, where))
		SKIP(return, "the kernel does not tell where pages are");
	for (i = 1; i < PAGES; i++)
		neighbors += where[i] == where[i - 1] + l.page;
	TH_LOG("%u of %u pages follow the one before", neighbors, PAGES);
	if (neighbors >= PAGES / 2)
		SKIP(return, "the kernel found pages that follow each other");
	strided_job(&self->job, &l, buf.handle);
	ASSERT_TRUE(trace_clear());
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	ASSERT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	trace_read(&cleaned, " clean: ", where, l.page);
	trace_read(&invalidated, " invalidate: ", where, l.page);
	EXPECT_EQ(0U, cleaned.beyond);
	EXPECT_EQ(0U, invalidated.beyond);
	EXPECT_EQ(0U, wrong_lines(&cleaned, &l, in_operands));
	EXPECT_EQ(0U, wrong_lines(&invalidated, &l, in_rows));
	ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
}

TEST_HARNESS_MAIN
