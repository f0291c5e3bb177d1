// SPDX-License-Identifier: GPL-2.0
/* Nothing is left behind: counters and free memory before and after many lives. */
#include <errno.h>
#include <stdio.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

/* The tests below use 800 MiB of buffers, and 1,500 clients. */
#define BUFFER_SLACK	(32L << 10)
#define SMALL_SLACK	(8L << 10)

static void expect_all_given_back(struct __test_metadata *_metadata)
{
	/*
	 * To free gigabytes takes as long as it takes; nothing more is left once the client is
	 * gone.
	 */
	EXPECT_EQ(0, stat_settles("clients", 0, 30000));
	EXPECT_EQ(0, stat_settles("buffers", 0, 1000));
	EXPECT_EQ(0, stat_settles("buffer_bytes", 0, 1000));
	EXPECT_EQ(0, stat_settles("jobs", 0, 1000));
	EXPECT_EQ(0, stat_of("leaked_pages"));
}

static void one_life(struct __test_metadata *_metadata, uint64_t bytes, unsigned int jobs)
{
	const int fd = device_open();
	struct xqaccel_job_desc job;
	struct buffer buf;
	unsigned int i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_create(fd, bytes, &buf));
	small_fill(&buf, 1, 1);
	small_job(&job, &buf);
	for (i = 0; i < jobs; i++)
		ASSERT_EQ(0, submit_lane(fd, &job, i % 8, 0));
	munmap(buf.map, buf.bytes);
	close(fd);
}

/* Free memory comes back to what it was but for some slack, such as slabs that are half empty. */
static void expect_memory_back(struct __test_metadata *_metadata, long before, long slack_kib)
{
	const int64_t began = now_ns();
	long after;

	while ((after = free_kib()) < before - slack_kib &&
	       !over_limit(began, 10 * SECOND))
		sleep_ms(200);
	TH_LOG("free before %ld KiB, after %ld KiB", before, after);
	EXPECT_LE(before - slack_kib, after);
}

TEST_TIMEOUT(clients_with_buffers_and_jobs, 60)
{
	long before;
	unsigned int i;

	for (i = 0; i < 20; i++)
		one_life(_metadata, 8 << 20, 50);
	expect_all_given_back(_metadata);
	before = free_kib();
	for (i = 0; i < 100; i++)
		one_life(_metadata, 8 << 20, 50);
	expect_all_given_back(_metadata);
	expect_memory_back(_metadata, before, BUFFER_SLACK);
}

/* What is small in a client, such as its page table, would add up to 12 MiB for each 8 KiB. */
TEST_TIMEOUT(small_clients, 60)
{
	long before;
	unsigned int i;

	for (i = 0; i < 100; i++)
		one_life(_metadata, 4096, 1);
	expect_all_given_back(_metadata);
	before = free_kib();
	for (i = 0; i < 1500; i++)
		one_life(_metadata, 4096, 1);
	expect_all_given_back(_metadata);
	expect_memory_back(_metadata, before, SMALL_SLACK);
}

TEST_TIMEOUT(buffers_of_one_client, 60)
{
	const int fd = device_open();
	unsigned int i;
	long before;

	ASSERT_LE(0, fd);
	before = free_kib();
	for (i = 0; i < 200; i++) {
		struct buffer buf;

		ASSERT_EQ(0, buffer_create_unmapped(fd, 4 << 20, &buf));
		ASSERT_EQ(0, buffer_destroy(fd, buf.handle));
	}
	EXPECT_EQ(0, stat_settles("buffers", 0, 5000));
	expect_memory_back(_metadata, before, BUFFER_SLACK);
	close(fd);
	expect_all_given_back(_metadata);
}

/* More than there is: refused without harm, and what was got so far is given back. */
TEST_TIMEOUT(out_of_memory, 120)
{
	const int fd = device_open();
	struct xqaccel_info info;
	struct buffer buf;
	int64_t count;
	int ret = 0;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_info(fd, &info));
	for (count = 0; count < 64 && !ret; count++)
		ret = buffer_create_unmapped(fd, info.max_buffer_bytes / 4, &buf);
	EXPECT_TRUE(ret == -ENOMEM || ret == -ENOSPC);
	EXPECT_EQ(count - 1, stat_settles("buffers", count - 1, 20000));
	close(fd);
	expect_all_given_back(_metadata);
}

TEST_HARNESS_MAIN
