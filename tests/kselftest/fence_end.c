// SPDX-License-Identifier: GPL-2.0
/*
 * Two files that share a buffer, with jobs that wait for each other by fences, while the device is
 * reset, suspended or goes, or a process is killed: every fence is signalled and nothing is left.
 * XQ_TEST_ROUNDS says how often each, else a few times. And a second device.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "device.h"
#include "fences.h"
#include "guest.h"
#include "harness.h"
#include "shared_memory.h"

#define PAGE		4096
#define LINKS		16
#define SLOW_NS		(3 * MS)

/* One file writes the shared buffer, the other reads it and writes its own. */
struct life {
	int fd[2];
	int dmabuf;
	struct buffer mine, theirs, own;
	struct xqaccel_job_desc writes, reads;
	int fence[LINKS];
};

/* 0 or -errno. */
static int life_open(struct life *l, int first, int second)
{
	int ret;

	l->fd[0] = first;
	l->fd[1] = second;
	if (first < 0 || second < 0)
		return -ENODEV;
	ret = buffer_create_shared(first, PAGE, &l->mine);
	if (ret)
		return ret;
	l->dmabuf = buffer_export(first, l->mine.handle, 0);
	if (l->dmabuf < 0)
		return l->dmabuf;
	ret = buffer_import(second, l->dmabuf, XQACCEL_BUF_READ_ONLY, &l->theirs);
	if (!ret)
		ret = buffer_create(second, PAGE, &l->own);
	if (ret)
		return ret;
	/* C is 16 everywhere, and A of the second is four rows of 16 0 0 0 four times. */
	small_fill(&l->mine, 1, 1);
	small_job(&l->writes, &l->mine);
	small_fill(&l->own, 0, 1);
	small_job(&l->reads, &l->own);
	l->reads.operand[XQACCEL_A] =
		(struct xqaccel_operand){ l->theirs.handle, 0, SMALL_C, 16, 0, 0 };
	return 0;
}

/*
 * Turn by turn, each after the other's fence of the turn before and after who uses the buffer, in
 * all lanes.
 */
static int life_submit(struct life *l)
{
	int i, ret;

	for (i = 0; i < LINKS; i++) {
		ret = submit_fenced(l->fd[i % 2], i % 2 ? &l->reads : &l->writes, 1, i / 2 % 8, 0,
				    i > 1 ? l->fence[i - 2] : -1, &l->fence[i], NULL);
		if (ret)
			return ret;
	}
	return 0;
}

/* Closes the fences; how many have not a status of these. */
static int life_finish(struct __test_metadata *_metadata, struct life *l, int expected,
		       int or_else)
{
	int i, wrong = 0;

	for (i = 0; i < LINKS; i++) {
		const int status = fence_waits(l->fence[i], 20000) ? fence_status(l->fence[i]) : 0;

		if (status != expected && status != or_else) {
			TH_LOG("fence %d: %d", i, status);
			wrong++;
		}
		close(l->fence[i]);
	}
	return wrong;
}

/* The same when the device has gone; nobody starts a job any more, and nobody waits for one. */
static int life_finish_gone(struct __test_metadata *_metadata, struct life *l, int expected)
{
	int fence, wrong = life_finish(_metadata, l, expected, -ENODEV);

	wrong += submit_fenced(l->fd[0], &l->writes, 1, 0, 0, -1, &fence, NULL) != -ENODEV;
	return wrong + dmabuf_busy(l->dmabuf, POLLOUT);
}

static void life_close(struct life *l)
{
	munmap(l->mine.map, PAGE);
	munmap(l->own.map, PAGE);
	close(l->dmabuf);
	close(l->fd[0]);
	close(l->fd[1]);
}

FIXTURE(fence_end)
{
	char address[32];
};

FIXTURE_SETUP(fence_end)
{
	const int fd = device_open();
	struct xqaccel_info info;
	bool bounced;

	if (!host_present())
		SKIP(return, "no host to make jobs slow");
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, device_info(fd, &info));
	bounced = memory_is_bounced(fd);
	close(fd);
	if (!(info.abi & XQACCEL_ABI_SYNC_FILE))
		SKIP(return, "this kernel has no sync_file");
	if (bounced)
		SKIP(return, "DMA is bounced here, see memory");
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	ASSERT_EQ(0, inject("slow-ns", SLOW_NS));
}

FIXTURE_TEARDOWN(fence_end)
{
	EXPECT_EQ(0, inject_nothing());
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(0, stat_settles("clients", 0, 10000));
}

TEST_F_TIMEOUT(fence_end, nothing_happens, 120)
{
	struct life l;

	ASSERT_EQ(0, life_open(&l, device_open(), device_open()));
	ASSERT_EQ(0, life_submit(&l));
	EXPECT_EQ(0, life_finish(_metadata, &l, 1, 1));
	EXPECT_EQ(0, small_check(&l.own, 4 * 16));
	life_close(&l);
}

/* The process that submitted is gone; its fences are this one's. */
TEST_F_TIMEOUT(fence_end, killed, 300)
{
	const unsigned int count = test_rounds(8);
	int ends[2], status;
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct pollfd p = { .events = POLLIN };
		pid_t child;

		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
		child = fork();
		if (!child) {
			struct life l;

			if (life_open(&l, device_open(), device_open()) || life_submit(&l) ||
			    descriptor_send(ends[1], l.fence[LINKS - 1]))
				_exit(1);
			for (;;)
				pause();
		}
		p.fd = descriptor_receive(ends[0]);
		ASSERT_LE(0, p.fd);
		sleep_ms(i);
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_TRUE(fence_waits(p.fd, 20000));
		status = fence_status(p.fd);
		EXPECT_TRUE(status == 1 || status == -ECANCELED);
		close(p.fd);
		close(ends[0]);
		close(ends[1]);
		EXPECT_EQ(0, stat_settles("clients", 0, 20000));
	}
}

TEST_F_TIMEOUT(fence_end, unbound, 300)
{
	const unsigned int count = test_rounds(8);
	struct life l;
	unsigned int i;

	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, life_open(&l, device_open(), device_open()));
		ASSERT_EQ(0, life_submit(&l));
		ASSERT_EQ(0, driver_unbind(self->address));
		EXPECT_EQ(0, life_finish_gone(_metadata, &l, 1));
		life_close(&l);
		ASSERT_EQ(0, driver_bind_again(self->address));
		ASSERT_EQ(0, inject("slow-ns", SLOW_NS));
	}
}

/* Pulled out without a word while a job hangs that all others wait for. */
TEST_F_TIMEOUT(fence_end, surprise, 300)
{
	const unsigned int count = test_rounds(4);
	struct life l;
	unsigned int i;

	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, life_open(&l, device_open(), device_open()));
		ASSERT_EQ(0, inject("hang-jobs", 1));
		ASSERT_EQ(0, life_submit(&l));
		ASSERT_EQ(0, host_request(NULL, 0, "qom-set removed true"));
		EXPECT_EQ(0, life_finish_gone(_metadata, &l, -ENODEV));
		ASSERT_EQ(0, host_request(NULL, 0, "qom-set removed false"));
		ASSERT_EQ(0, inject_nothing());
		ASSERT_EQ(0, bus_rescan(self->address));
		ASSERT_TRUE(node_appears(10000));
		life_close(&l);
		ASSERT_EQ(0, inject("slow-ns", SLOW_NS));
	}
}

/* By root through sysfs: jobs run again, each after what it waited for. */
TEST_F_TIMEOUT(fence_end, reset, 300)
{
	const unsigned int count = test_rounds(8);
	struct life l;
	unsigned int i;

	if (!on_pci(self->address))
		SKIP(return, "not on PCI, which can reset it");
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, life_open(&l, device_open(), device_open()));
		ASSERT_EQ(0, life_submit(&l));
		ASSERT_EQ(0, bus_file_write(self->address, "reset", "1"));
		EXPECT_EQ(0, life_finish(_metadata, &l, 1, 1));
		EXPECT_EQ(0, small_check(&l.own, 4 * 16));
		life_close(&l);
	}
}

TEST_F_TIMEOUT(fence_end, suspended, 300)
{
	const unsigned int count = test_rounds(6);
	struct life l;
	unsigned int i;

	if (suspend_begin())
		SKIP(return, "a kernel without CONFIG_PM_DEBUG");
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, life_open(&l, device_open(), device_open()));
		ASSERT_EQ(0, life_submit(&l));
		ASSERT_EQ(0, suspend(i % 2 ? "mem" : "freeze"));
		EXPECT_EQ(0, life_finish(_metadata, &l, 1, 1));
		EXPECT_EQ(0, small_check(&l.own, 4 * 16));
		life_close(&l);
	}
	EXPECT_EQ(0, suspend_end());
}

/* A second accelerator has the first one's memory, and waits for its jobs. */
TEST_F_TIMEOUT(fence_end, second_device, 60)
{
	const int other = open("/dev/xqaccel1", O_RDWR | O_CLOEXEC);
	struct xqaccel_completion c;
	struct life l;
	int held;

	if (other < 0)
		SKIP(return, "no second device");
	ASSERT_EQ(0, life_open(&l, device_open(), other));
	ASSERT_EQ(0, lane_warm(other, &l.own));
	small_fill(&l.own, 0, 1);
	held = hold(l.fd[0], &l.writes, 0);
	ASSERT_LE(0, held);
	ASSERT_EQ(0, submit_lane(other, &l.reads, 0, 60000));
	EXPECT_EQ(-ETIMEDOUT, wait_one(other, &c, 50 * MS));
	ASSERT_EQ(0, release());
	ASSERT_EQ(0, wait_one(other, &c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	EXPECT_EQ(0, small_check(&l.own, 4 * 16));
	ASSERT_EQ(0, wait_one(l.fd[0], &c, 10 * SECOND));
	close(held);
	/* All the way, with fences between the devices. */
	ASSERT_EQ(0, life_submit(&l));
	EXPECT_EQ(0, life_finish(_metadata, &l, 1, 1));
	life_close(&l);
}

TEST_HARNESS_MAIN
