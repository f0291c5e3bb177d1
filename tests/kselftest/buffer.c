// SPDX-License-Identifier: GPL-2.0
/* Buffers: creation and its limits, handles, mappings. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

FIXTURE(buffer)
{
	int fd;
	struct xqaccel_info info;
};

FIXTURE_SETUP(buffer)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_info(self->fd, &self->info));
	/* Buffers of the test before may still be on their way out. */
	ASSERT_EQ(0, stat_settles("buffers", 0, 10000));
}

FIXTURE_TEARDOWN(buffer)
{
	close(self->fd);
}

TEST_F(buffer, size_zero)
{
	struct buffer buf;

	EXPECT_EQ(-EINVAL, buffer_create_unmapped(self->fd, 0, &buf));
}

TEST_F(buffer, too_large)
{
	struct buffer buf;

	EXPECT_EQ(-EINVAL, buffer_create_unmapped(self->fd, self->info.max_buffer_bytes + 1, &buf));
	EXPECT_EQ(-EINVAL, buffer_create_unmapped(self->fd, UINT64_MAX, &buf));
	EXPECT_EQ(-EINVAL, buffer_create_unmapped(self->fd, 1ULL << 63, &buf));
}

TEST_F(buffer, rounded_up_and_zeroed)
{
	static const uint64_t sizes[] = { 1, 4095, 4096, 4097, 100000, (2 << 20) - 1, 5 << 20 };
	unsigned int i;
	uint64_t j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct buffer buf;
		uint8_t any = 0;

		ASSERT_EQ(0, buffer_create(self->fd, sizes[i], &buf));
		EXPECT_NE(0U, buf.handle);
		EXPECT_EQ((sizes[i] + 4095) / 4096 * 4096, buf.bytes);
		for (j = 0; j < buf.bytes; j++)
			any |= buf.map[j];
		EXPECT_EQ(0, any);
		memset(buf.map, 0xa5, buf.bytes);
		munmap(buf.map, buf.bytes);
		EXPECT_EQ(0, buffer_destroy(self->fd, buf.handle));
	}
}

TEST_F(buffer, client_limit)
{
	/* Page tables count, too. */
	const uint64_t step = self->info.client_bytes / 8 / 4096 * 4096 - (2 << 20);
	struct buffer buf;
	unsigned int i;
	int64_t began;
	bool dying;
	int ret = 0;

	if (step > 256 << 20)
		SKIP(return, "the limit of %llu MiB is too much memory to use up",
		     (unsigned long long)(self->info.client_bytes >> 20));
	for (i = 0; i < 8 && !ret; i++)
		ret = buffer_create_unmapped(self->fd, step, &buf);
	if (ret == -ENOMEM)
		SKIP(return, "the limit is more memory than is free");
	ASSERT_EQ(0, ret);
	EXPECT_EQ(-ENOSPC, buffer_create_unmapped(self->fd, step, &buf));
	/*
	 * What is destroyed can be used again at once: the driver waits for it, for a second. A
	 * kernel that poisons memory takes longer to free it.
	 */
	EXPECT_EQ(0, buffer_destroy(self->fd, 1));
	do {
		dying = stat_of("buffers") > 7;
		began = now_ns();
		ret = buffer_create_unmapped(self->fd, step, &buf);
	} while (ret == -ENOSPC && dying && now_ns() - began > 900 * MS && i++ < 60);
	EXPECT_EQ(0, ret);
}

#define TOTAL_LIMIT "/sys/module/xqaccel/parameters/total_megabytes"

/* What one client has, another can't get; page tables count, too. */
TEST_F(buffer, total_limit)
{
	const int other = device_open();
	struct xqaccel_info info;
	struct buffer a, b;
	char before[32];
	unsigned int i;
	int ret;

	ASSERT_LE(0, other);
	if (getuid())
		SKIP(return, "not root");
	ASSERT_LT(0, file_read(TOTAL_LIMIT, before, sizeof(before)));
	ASSERT_EQ(0, file_write(TOTAL_LIMIT, "8"));
	EXPECT_EQ(0, device_info(other, &info));
	EXPECT_EQ(8ULL << 20, info.client_bytes);
	EXPECT_EQ(8ULL << 20, info.max_buffer_bytes);
	EXPECT_EQ(0, buffer_create_unmapped(self->fd, 6 << 20, &a));
	EXPECT_EQ(-ENOSPC, buffer_create_unmapped(other, 2 << 20, &b));
	EXPECT_EQ(0, buffer_create_unmapped(other, 1 << 20, &b));
	EXPECT_EQ(-ENOSPC, buffer_create_unmapped(other, 1 << 20, &b));
	EXPECT_EQ(0, buffer_destroy(self->fd, a.handle));
	/* It is on its way out for a moment. */
	for (i = 0, ret = -ENOSPC; ret == -ENOSPC && i < 500; i++) {
		ret = buffer_create_unmapped(other, 5 << 20, &b);
		sleep_ms(10);
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(6 << 20, stat_of("buffer_bytes"));
	EXPECT_EQ(0, file_write(TOTAL_LIMIT, before));
	close(other);
	EXPECT_EQ(0, stat_settles("buffer_bytes", 0, 10000));
}

TEST_F(buffer, many)
{
	enum { COUNT = 500 };
	static struct buffer buf[COUNT];
	unsigned int i, j;

	for (i = 0; i < COUNT; i++) {
		ASSERT_EQ(0, buffer_create_unmapped(self->fd, 4096, &buf[i]));
		for (j = 0; j < i; j++)
			ASSERT_NE(buf[j].handle, buf[i].handle);
	}
	for (i = 0; i < COUNT; i += 2)
		EXPECT_EQ(0, buffer_destroy(self->fd, buf[i].handle));
	for (i = 0; i < COUNT; i += 2)
		EXPECT_EQ(0, buffer_create_unmapped(self->fd, 4096, &buf[i]));
}

/* What the caller was not told of is not there, and costs nothing. */
TEST_F(buffer, answer_that_cannot_be_written)
{
	struct xqaccel_buf_create *cmd = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct buffer buf;
	unsigned int i;

	ASSERT_NE(MAP_FAILED, (void *)cmd);
	cmd->size = sizeof(*cmd);
	cmd->bytes = self->info.max_buffer_bytes / 16;
	ASSERT_EQ(0, mprotect(cmd, 4096, PROT_READ));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_CREATE, cmd));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(0, stat_settles("buffer_bytes", 0, 10000));
	for (i = 1; i < 32; i++)
		EXPECT_EQ(-ENOENT, buffer_destroy(self->fd, i));
	ASSERT_EQ(0, buffer_create(self->fd, 4096, &buf));
	EXPECT_EQ(0, buffer_destroy(self->fd, buf.handle));
	munmap(buf.map, buf.bytes);
	munmap(cmd, 4096);
}

struct guess {
	int fd;
	bool stop;
	unsigned int destroyed;
};

static void *guess_handles(void *data)
{
	struct guess *g = data;
	uint32_t handle = 0;

	while (!__atomic_load_n(&g->stop, __ATOMIC_RELAXED))
		g->destroyed += !buffer_destroy(g->fd, handle++ % 4 + 1);
	return NULL;
}

/* Another thread may guess a handle at any time; each buffer ends once. */
TEST_F(buffer, handles_that_are_guessed)
{
	struct guess g = { .fd = self->fd };
	unsigned int i, destroyed = 0;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, guess_handles, &g));
	for (i = 0; i < 2000; i++) {
		struct buffer buf;

		ASSERT_EQ(0, buffer_create_unmapped(self->fd, 4096, &buf));
		destroyed += !buffer_destroy(self->fd, buf.handle);
	}
	__atomic_store_n(&g.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(2000U, destroyed + g.destroyed);
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
}

TEST_F(buffer, destroy_unknown)
{
	struct buffer buf;

	EXPECT_EQ(-ENOENT, buffer_destroy(self->fd, 0));
	EXPECT_EQ(-ENOENT, buffer_destroy(self->fd, 1));
	EXPECT_EQ(-ENOENT, buffer_destroy(self->fd, UINT32_MAX));
	ASSERT_EQ(0, buffer_create_unmapped(self->fd, 4096, &buf));
	EXPECT_EQ(0, buffer_destroy(self->fd, buf.handle));
	EXPECT_EQ(-ENOENT, buffer_destroy(self->fd, buf.handle));
}

TEST_F(buffer, handle_of_another_client)
{
	const int other = device_open();
	struct xqaccel_job_desc job;
	struct buffer buf;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, buffer_create(self->fd, 4096, &buf));
	EXPECT_EQ(-ENOENT, buffer_destroy(other, buf.handle));
	small_job(&job, &buf);
	EXPECT_EQ(-ENOENT, submit(other, &job));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, other, buf.mmap_offset));
	EXPECT_EQ(ENOENT, errno);
	/* The owner's is as it was. */
	EXPECT_EQ(0, submit(self->fd, &job));
	close(other);
}

static int map_errno(int fd, size_t bytes, int flags, off_t offset)
{
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, offset);

	if (map == MAP_FAILED)
		return errno;
	munmap(map, bytes);
	return 0;
}

TEST_F(buffer, mmap_rules)
{
	struct buffer buf;

	ASSERT_EQ(0, buffer_create_unmapped(self->fd, 4 * 4096, &buf));
	EXPECT_EQ(0, map_errno(self->fd, buf.bytes, MAP_SHARED, buf.mmap_offset));
	EXPECT_EQ(0, map_errno(self->fd, 4096, MAP_SHARED, buf.mmap_offset + 3 * 4096));
	EXPECT_EQ(EINVAL, map_errno(self->fd, buf.bytes, MAP_PRIVATE, buf.mmap_offset));
	EXPECT_EQ(ERANGE, map_errno(self->fd, 5 * 4096, MAP_SHARED, buf.mmap_offset));
	EXPECT_EQ(ERANGE, map_errno(self->fd, 2 * 4096, MAP_SHARED, buf.mmap_offset + 3 * 4096));
	EXPECT_EQ(ENOENT, map_errno(self->fd, 4096, MAP_SHARED, buf.mmap_offset + 4 * 4096));
	EXPECT_EQ(ENOENT, map_errno(self->fd, 4096, MAP_SHARED, 0));
	EXPECT_NE(0, map_errno(self->fd, 4096, MAP_SHARED, buf.mmap_offset + 1));
	EXPECT_EQ(ENOENT, map_errno(self->fd, 4096, MAP_SHARED,
				    (off_t)1 << (8 * sizeof(off_t) - 3)));
}

TEST_F(buffer, mapping_of_a_file_open_for_reading)
{
	const int fd = open(device_path(), O_RDONLY | O_CLOEXEC);
	struct buffer buf;
	uint8_t *map;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_create_unmapped(fd, 4096, &buf));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, buf.mmap_offset);
	ASSERT_NE(MAP_FAILED, (void *)map);
	EXPECT_EQ(0, map[4095]);
	EXPECT_EQ(-1, mprotect(map, 4096, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, map_errno(fd, 4096, MAP_SHARED, buf.mmap_offset));
	munmap(map, 4096);
	close(fd);
}

TEST_F(buffer, partial_mapping_sees_the_same_bytes)
{
	struct buffer buf;
	uint8_t *part;

	ASSERT_EQ(0, buffer_create(self->fd, 3 << 20, &buf));
	part = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
		    buf.mmap_offset + (2 << 20));
	ASSERT_NE(MAP_FAILED, (void *)part);
	buf.map[2 << 20] = 11;
	buf.map[(2 << 20) + 8191] = 12;
	EXPECT_EQ(11, part[0]);
	EXPECT_EQ(12, part[8191]);
	part[4096] = 13;
	EXPECT_EQ(13, buf.map[(2 << 20) + 4096]);
}

TEST_F(buffer, mapping_outlives_handle_and_file)
{
	struct buffer buf;

	ASSERT_EQ(0, buffer_create(self->fd, 8192, &buf));
	buf.map[5] = 42;
	EXPECT_EQ(0, buffer_destroy(self->fd, buf.handle));
	EXPECT_EQ(42, buf.map[5]);
	EXPECT_EQ(1, stat_of("buffers"));
	close(self->fd);
	buf.map[4096] = 43;
	EXPECT_EQ(42, buf.map[5]);
	EXPECT_EQ(43, buf.map[4096]);
	munmap(buf.map, buf.bytes);
	EXPECT_EQ(0, stat_settles("buffers", 0, 2000));
	EXPECT_EQ(0, stat_settles("clients", 0, 2000));
}

/*
 * A mapping is of its buffer and not of an offset, which the next buffer gets: pages that come
 * back, too.
 */
TEST_F(buffer, offsets_are_used_again)
{
	struct buffer old, new;

	ASSERT_EQ(0, buffer_create(self->fd, 8192, &old));
	memset(old.map, 1, 8192);
	ASSERT_EQ(0, buffer_destroy(self->fd, old.handle));
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &new));
	EXPECT_EQ(old.mmap_offset, new.mmap_offset);
	memset(new.map, 2, 8192);
	/* Pages are found anew; where DMA would be bounced, all of them are mapped at once. */
	if (madvise(old.map, 8192, MADV_DONTNEED))
		ASSERT_EQ(EINVAL, errno);
	EXPECT_EQ(1, old.map[0]);
	EXPECT_EQ(1, old.map[8191]);
	old.map[4096] = 3;
	EXPECT_EQ(2, new.map[4096]);
	munmap(new.map, 8192);
	EXPECT_EQ(3, old.map[4096]);
	munmap(old.map, 8192);
}

TEST_F(buffer, mapping_cannot_grow)
{
	struct buffer buf;

	ASSERT_EQ(0, buffer_create(self->fd, 8192, &buf));
	EXPECT_EQ(MAP_FAILED, mremap(buf.map, 8192, 16384, MREMAP_MAYMOVE));
}

TEST_F(buffer, used_by_read_and_write)
{
	const int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	struct buffer buf;

	ASSERT_LE(0, file);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &buf));
	memset(buf.map, 7, 4096);
	EXPECT_EQ(4096, (int)pwrite(file, buf.map, 4096, 0));
	EXPECT_EQ(4096, (int)pread(file, buf.map + 4096, 4096, 0));
	EXPECT_EQ(0, memcmp(buf.map, buf.map + 4096, 4096));
	close(file);
}

TEST_F(buffer, destroyed_while_a_job_uses_it)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;

	ASSERT_EQ(0, buffer_create(self->fd, 4096, &buf));
	small_fill(&buf, 2, 3);
	small_job(&job, &buf);
	ASSERT_EQ(0, submit(self->fd, &job));
	EXPECT_EQ(0, buffer_destroy(self->fd, buf.handle));
	EXPECT_EQ(-ENOENT, submit(self->fd, &job));
	ASSERT_EQ(0, wait_one(self->fd, &c, 5 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	EXPECT_EQ(0, small_check(&buf, 16 * 2 * 3));
}

/* A new buffer where an old one was: the device must have forgotten the old pages. */
TEST_F(buffer, reuse_of_device_addresses)
{
	unsigned int i;

	for (i = 0; i < 200; i++) {
		struct xqaccel_completion c;
		struct xqaccel_job_desc job;
		struct buffer buf;

		ASSERT_EQ(0, buffer_create(self->fd, 4096 * (1 + i % 3), &buf));
		small_fill(&buf, i % 100, 1);
		small_job(&job, &buf);
		ASSERT_EQ(0, submit(self->fd, &job));
		ASSERT_EQ(0, wait_one(self->fd, &c, 5 * SECOND));
		ASSERT_EQ(XQACCEL_STATUS_OK, (int)c.status);
		ASSERT_EQ(0, small_check(&buf, 16 * (i % 100)));
		munmap(buf.map, buf.bytes);
		ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
	}
}

TEST_HARNESS_MAIN
