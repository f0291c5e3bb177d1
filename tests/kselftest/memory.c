// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that program, driver and device share: who sees which bytes when. Also run with an IOMMU,
 * and with swiotlb=force, where nothing that the DMA API maps is where the device sees it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "device.h"
#include "guest.h"
#include "harness.h"
#include "shared_memory.h"

FIXTURE(memory)
{
	int fd;
	char address[32];
};

FIXTURE_SETUP(memory)
{
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	/* Those of the test before are counted until they have ended, and so are their tables. */
	ASSERT_EQ(0, stat_settles("clients", 0, 10000));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, stat_settles("buffers", 0, 10000));
}

FIXTURE_TEARDOWN(memory)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	close(self->fd);
}

/* Where nothing can be used as it lies, nothing of others can be used, and nobody can use ours. */
TEST_F(memory, of_others_where_dma_is_bounced)
{
	const int64_t pinned = pages_pinned();
	struct buffer buf;
	int ret;

	ret = buffer_create_shared(self->fd, 4096, &buf);
	if (!ret)
		SKIP(return, "DMA is not bounced here");
	EXPECT_EQ(-EOPNOTSUPP, ret);
	EXPECT_EQ(-EOPNOTSUPP, buffer_wrap(self->fd, pages_of(4096), 4096, 0, &buf));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(pinned, pages_pinned());
}

/* Behind an IOMMU all memory is within reach, whatever the bus says of the device's addresses. */
TEST_F(memory, of_others_behind_an_iommu)
{
	char path[128], type[32] = "";
	struct buffer buf;

	bus_path(path, sizeof(path), self->address, "iommu_group/type");
	if (file_read(path, type, sizeof(type)) <= 0 || strncmp(type, "DMA", 3))
		SKIP(return, "no IOMMU that translates");
	EXPECT_EQ(0, buffer_create_shared(self->fd, 4096, &buf));
	EXPECT_EQ(0, buffer_wrap(self->fd, pages_of(4096), 4096, 0, &buf));
}

/* ---- C that is shared by jobs and by the processor ------------------------------------ */

#define ROWS	128
#define COLUMNS	64
#define SLICES	8
#define K	64
#define AT_B	(ROWS * K)
#define AT_C	32768
/* Behind the columns of each row there is room for the processor. */
#define STRIDE	(4 * COLUMNS + 64)

/* Columns [slice * 8, slice * 8 + 8) of C = A x B^T: every row of C belongs to all slices. */
static void slice_job(struct xqaccel_job_desc *job, const struct buffer *buf, unsigned int slice)
{
	const unsigned int n = COLUMNS / SLICES;

	small_job(job, buf);
	job->work.gemm.m = ROWS;
	job->work.gemm.n = n;
	job->work.gemm.k = K;
	job->operand[XQACCEL_A] = (struct xqaccel_operand){ buf->handle, 0, 0, K, 0, 0 };
	job->operand[XQACCEL_B] =
		(struct xqaccel_operand){ buf->handle, 0, AT_B + slice * n * K, K, 0, 0 };
	job->operand[XQACCEL_C] =
		(struct xqaccel_operand){ buf->handle, 0, AT_C + 4 * slice * n, STRIDE, 0, 0 };
}

static unsigned int wrong_elements(const struct buffer *buf, int32_t each)
{
	unsigned int i, j, wrong = 0;

	for (i = 0; i < ROWS; i++) {
		const int32_t *row = (const int32_t *)(buf->map + AT_C + i * STRIDE);

		for (j = 0; j < COLUMNS; j++)
			wrong += row[j] != each;
	}
	return wrong;
}

/* Each job writes only its rows, so none takes anything from its neighbour's. */
TEST_F_TIMEOUT(memory, interleaved_columns, 90)
{
	struct xqaccel_completion c[SLICES];
	struct xqaccel_job_desc job;
	struct buffer buf;
	unsigned int round, i;
	uint32_t done;

	ASSERT_EQ(0, buffer_create(self->fd, AT_C + ROWS * STRIDE, &buf));
	for (round = 1; round <= 30; round++) {
		memset(buf.map, 1, AT_B);
		memset(buf.map + AT_B, round, COLUMNS * K);
		memset(buf.map + AT_C, 0xa5, ROWS * STRIDE);
		for (i = 0; i < SLICES; i++) {
			slice_job(&job, &buf, i);
			ASSERT_EQ(0, submit_lane(self->fd, &job, i, 0));
		}
		ASSERT_EQ(0, wait_jobs(self->fd, c, SLICES, SLICES, 20 * SECOND, &done, NULL));
		ASSERT_EQ(SLICES, (int)done);
		for (i = 0; i < SLICES; i++)
			ASSERT_EQ(XQACCEL_STATUS_OK, (int)c[i].status);
		ASSERT_EQ(0U, wrong_elements(&buf, K * round));
	}
}

/* The bytes between the rows are not the job's. */
TEST_F_TIMEOUT(memory, processor_writes_between_the_rows, 60)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;
	unsigned int i, lost = 0;

	if (!host_present())
		SKIP(return, "no host to make the job slow");
	ASSERT_EQ(0, buffer_create(self->fd, AT_C + ROWS * STRIDE, &buf));
	memset(buf.map, 1, AT_C);
	slice_job(&job, &buf, 0);
	ASSERT_EQ(0, inject("slow-ns", 300 * MS));
	ASSERT_EQ(0, submit(self->fd, &job));
	sleep_ms(100);
	for (i = 0; i < ROWS; i++)
		memset(buf.map + AT_C + i * STRIDE + 4 * COLUMNS, i + 1, 64);
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	ASSERT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	for (i = 0; i < ROWS; i++)
		lost += buf.map[AT_C + i * STRIDE + 4 * COLUMNS] != i + 1;
	EXPECT_EQ(0U, lost);
}

/* A lane need not wait for the processor between two jobs: the second is on the device already. */
TEST_F(memory, jobs_of_a_lane_are_in_flight_together)
{
	struct xqaccel_completion c[4];
	struct xqaccel_job_desc job;
	struct buffer buf;
	int64_t begin, took;
	unsigned int i;
	uint32_t done;

	if (!host_present())
		SKIP(return, "no host to halt the queues");
	ASSERT_EQ(0, buffer_create(self->fd, 4096, &buf));
	ASSERT_EQ(0, lane_warm(self->fd, &buf));
	small_fill(&buf, 1, 2);
	small_job(&job, &buf);
	/*
	 * Interrupts are lost, so a job that waits for the end of another waits for the watchdog.
	 */
	ASSERT_EQ(0, inject("drop-interrupts", 4));
	begin = now_ns();
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, submit(self->fd, &job));
	ASSERT_EQ(0, wait_jobs(self->fd, c, 4, 4, 10 * SECOND, &done, NULL));
	took = now_ns() - begin;
	ASSERT_EQ(4U, done);
	for (i = 0; i + 1 < 4; i++)
		EXPECT_LE(c[i].end, c[i + 1].start);
	/* All four were taken by one look of the watchdog; three more would take 300 ms. */
	TH_LOG("%lld ms, first to last on the device %lld us", (long long)(took / MS),
	       (long long)(c[3].end - c[0].start) / 1000);
	EXPECT_GT(250 * MS, (long long)(c[3].end - c[0].start));
	EXPECT_EQ(0, small_check(&buf, 16 * 2));
}

/* A kernel that debugs its DMA API wants all calls of it; without an IOMMU it says where not. */
static bool dma_is_debugged(const char *address)
{
	char path[128];

	bus_path(path, sizeof(path), address, "iommu_group");
	return !access("/sys/kernel/debug/dma-api", F_OK) && !access(path, F_OK);
}

/* Where DMA is coherent no job pays for caches, whatever else is in between. */
TEST_F(memory, caches_are_maintained_only_where_they_must_be)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;
	char forced[8];
	int64_t before;
	bool synced;

	if (getuid() || file_read("/sys/module/xqaccel/parameters/force_dma_sync", forced,
				  sizeof(forced)) < 0)
		SKIP(return, "not root");
	ASSERT_EQ(0, buffer_create(self->fd, 4096, &buf));
	before = stat_of("synced_jobs");
	EXPECT_EQ(0, small_run(self->fd, &buf, &job, &c));
	synced = *forced == 'Y' || dma_noncoherent(self->address) || dma_is_debugged(self->address);
	EXPECT_EQ(before + synced, stat_of("synced_jobs"));
}

/* ---- how much of it there is ------------------------------------------------------------ */

#define PARAMETER(name) "/sys/module/xqaccel/parameters/" name

#define MANY	15000
/* The same on a kernel that checks each access, and is a hundred times slower here. */
#define MANY_WATCHED	(MANY / 10)
/* The first rounds fill what allocators keep for themselves, the others must not take more. */
#define FIRST_ROUNDS	2
#define ROUNDS		6
/* A part of what their tables take, for slabs; the counter tells about tables to the byte. */
#define TABLES_SLACK MANY

/* Makes and destroys so many small buffers; whether all went well. */
static bool buffers_come_and_go(int fd, unsigned int many)
{
	static struct buffer buf[MANY];
	bool well = true;
	unsigned int i;

	for (i = 0; well && i < many; i++)
		well = !buffer_create_unmapped(fd, 4096, &buf[i]);
	for (i = 0; well && i < many; i++)
		well = !buffer_destroy(fd, buf[i].handle);
	return well && stat_settles("buffers", 1, 20000) == 1;
}

/* Each small buffer has a page table of its own; both go. */
TEST_F_TIMEOUT(memory, page_tables_are_given_back, 200)
{
	struct buffer one;
	int64_t tables;
	unsigned int i;
	const long quarantine = quarantine_kib();
	const unsigned int many = quarantine ? MANY_WATCHED : MANY;
	const long slack = TABLES_SLACK + quarantine;
	long before, end;

	/* The client stays, and with it the root of its table. */
	ASSERT_EQ(0, buffer_create_unmapped(self->fd, 4096, &one));
	tables = stat_of("table_bytes");
	for (i = 0; i < FIRST_ROUNDS; i++)
		ASSERT_TRUE(buffers_come_and_go(self->fd, many));
	sleep_ms(100);
	before = free_kib();
	for (i = 0; i < ROUNDS; i++)
		ASSERT_TRUE(buffers_come_and_go(self->fd, many));
	for (i = 0; i < 50 && (end = free_kib()) < before - slack; i++)
		sleep_ms(100);
	TH_LOG("free before %ld KiB, after %ld KiB", before, end);
	EXPECT_LT(before - slack, end);
	EXPECT_EQ(tables, stat_of("table_bytes"));
}

/* A page with its page table is two pages. */
TEST_F_TIMEOUT(memory, page_tables_count, 60)
{
	struct buffer buf;
	char before[32];
	int64_t count, bytes;
	int ret = 0;

	if (getuid())
		SKIP(return, "not root");
	ASSERT_LT(0, file_read(PARAMETER("client_megabytes"), before, sizeof(before)));
	ASSERT_EQ(0, file_write(PARAMETER("client_megabytes"), "4"));
	for (count = 0; !ret && count < 2000; count++)
		ret = buffer_create_unmapped(self->fd, 4096, &buf);
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_GT((4 << 20) / 8192, count);
	EXPECT_LT((4 << 20) / 8192 - 32, count);
	bytes = stat_of("buffer_bytes") + stat_of("table_bytes");
	EXPECT_GE(4 << 20, bytes);
	EXPECT_EQ(0, file_write(PARAMETER("client_megabytes"), before));
}

/* Blocks of 2 MiB that the kernel's allocator has free, at least. */
static long free_blocks(void)
{
	FILE *f = fopen("/proc/buddyinfo", "r");
	long n[11], sum = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "zone");

		if (at && sscanf(at, "zone %*s %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld", n,
				 n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7, n + 8, n + 9,
				 n + 10) == 11)
			sum += n[9] + 2 * n[10];
	}
	if (f)
		fclose(f);
	return sum;
}

/*
 * Memory comes in blocks of 2 MiB where there are such, and each is one entry of the device's page
 * table: beside the middle one no table is made, where pages would need 16.
 */
TEST_F(memory, created_in_large_blocks)
{
	const uint64_t large = 2 << 20, bytes = 16 * large;
	/* Not this client, whose tables are counted. */
	const int other = device_open();
	const bool bounced = memory_is_bounced(other);
	int64_t before;
	struct buffer first, buf;

	close(other);
	ASSERT_EQ(1, stat_settles("clients", 1, 10000));
	if (free_blocks() < 64)
		SKIP(return, "memory is in small pieces");
	if (bounced && meminfo_kib("CmaTotal:") > 0)
		SKIP(return, "the DMA API takes blocks from contiguous memory, at any MiB");
	/* What the client has once. */
	ASSERT_EQ(0, buffer_create_unmapped(self->fd, large, &first));
	before = stat_of("table_bytes");
	ASSERT_EQ(0, buffer_create_unmapped(self->fd, bytes, &buf));
	EXPECT_GE(8192, stat_of("table_bytes") - before);
	/* And those of a size between take small pages for their ends only. */
	ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
	EXPECT_EQ(before, stat_settles("table_bytes", before, 10000));
	ASSERT_EQ(0, buffer_create_unmapped(self->fd, bytes + large / 2, &buf));
	EXPECT_LE(4096, stat_of("table_bytes") - before);
	EXPECT_GE(8192 + 4096, stat_of("table_bytes") - before);
}

/* What RLIMIT_MEMLOCK says to a user, whichever process of his asks. */
static int as_user(uint64_t limit, uint64_t bytes, int hold)
{
	/* The folders above may be closed to the user. */
	const int dev = open("/dev", O_PATH | O_DIRECTORY);
	const struct rlimit rlim = { limit, limit };
	struct buffer buf;
	char byte;
	int fd, ret;

	if (setrlimit(RLIMIT_MEMLOCK, &rlim) || setgid(1000) || setuid(1000))
		return -errno;
	fd = openat(dev, strrchr(device_path(), '/') + 1, O_RDWR);
	if (fd < 0)
		return -errno;
	ret = buffer_create_unmapped(fd, bytes, &buf);
	if (!ret && hold >= 0) {
		if (write(hold, "", 1) != 1 || read(hold, &byte, 1) < 0)
			return -errno;
	}
	close(fd);
	return ret;
}

static int run_as_user(uint64_t limit, uint64_t bytes)
{
	const pid_t pid = fork();
	int status;

	if (!pid)
		_exit(-as_user(limit, bytes, -1));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

TEST_F_TIMEOUT(memory, counts_as_locked_memory_of_the_user, 60)
{
	struct buffer buf;
	int pair[2], status;
	char byte;
	pid_t pid;

	if (getuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, chmod(device_path(), 0666));
	EXPECT_EQ(0, run_as_user(1 << 20, 512 << 10));
	EXPECT_EQ(-ENOMEM, run_as_user(1 << 20, 1 << 20));
	EXPECT_EQ(-ENOMEM, run_as_user(64 << 10, 64 << 10));

	/* Another process of the user has most of it. */
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	if (!pid)
		_exit(-as_user(4 << 20, 3 << 20, pair[1]));
	close(pair[1]);
	ASSERT_EQ(1, (int)read(pair[0], &byte, 1));
	EXPECT_EQ(-ENOMEM, run_as_user(4 << 20, 1 << 20));
	EXPECT_EQ(0, run_as_user(4 << 20, 512 << 10));
	/* Root is another user, and may lock what it likes. */
	EXPECT_EQ(0, buffer_create_unmapped(self->fd, 16 << 20, &buf));
	ASSERT_EQ(1, (int)write(pair[0], "", 1));
	waitpid(pid, &status, 0);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	EXPECT_EQ(1, stat_settles("clients", 1, 10000));
	EXPECT_EQ(0, run_as_user(4 << 20, 1 << 20));
	ASSERT_EQ(0, chmod(device_path(), 0600));
}

/* One limit for all devices. */
TEST_F(memory, two_devices_have_one_limit)
{
	const int other = open("/dev/xqaccel1", O_RDWR | O_CLOEXEC);
	struct buffer buf;
	char before[32];

	if (getuid() || other < 0)
		SKIP(return, "no second device");
	ASSERT_LT(0, file_read(PARAMETER("total_megabytes"), before, sizeof(before)));
	ASSERT_EQ(0, file_write(PARAMETER("total_megabytes"), "8"));
	EXPECT_EQ(0, buffer_create_unmapped(self->fd, 5 << 20, &buf));
	EXPECT_EQ(-ENOSPC, buffer_create_unmapped(other, 3 << 20, &buf));
	EXPECT_EQ(0, buffer_create_unmapped(other, 2 << 20, &buf));
	EXPECT_EQ(-ENOSPC, buffer_create_unmapped(self->fd, 1 << 20, &buf));
	EXPECT_EQ(0, file_write(PARAMETER("total_megabytes"), before));
	close(other);
}

/* ---- the end of the hardware ---------------------------------------------------------- */

/* What the processor wrote is what it reads, whatever memory the device had. */
TEST_F_TIMEOUT(memory, unbind_keeps_what_was_written, 60)
{
	const uint64_t bytes = (4 << 20) + 12288;
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf, spare;
	uint64_t i, lost = 0;
	uint8_t *late;

	if (getuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, buffer_create(self->fd, bytes, &buf));
	ASSERT_EQ(0, buffer_create_unmapped(self->fd, 1 << 20, &spare));
	EXPECT_EQ(0, small_run(self->fd, &buf, &job, &c));
	for (i = 0; i < bytes; i++)
		buf.map[i] = i % 251;
	ASSERT_EQ(0, driver_unbind(self->address));
	for (i = 0; i < bytes; i++)
		lost += buf.map[i] != i % 251;
	EXPECT_EQ(0ULL, lost);
	for (i = 0; i < bytes; i++)
		buf.map[i] = i % 241;
	late = mmap(NULL, spare.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
		    spare.mmap_offset);
	ASSERT_NE(MAP_FAILED, (void *)late);
	for (i = 0; i < spare.bytes; i++)
		lost += late[i] != 0;
	memset(late, 1, spare.bytes);
	ASSERT_EQ(0, driver_bind_again(self->address));
	for (i = 0; i < bytes; i++)
		lost += buf.map[i] != i % 241;
	EXPECT_EQ(0ULL, lost);
}

TEST_HARNESS_MAIN
