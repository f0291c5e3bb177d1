// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks, rings and devices that end, or stop for a while, with commands of io_uring in flight:
 * nothing is left and nobody is stuck. XQ_TEST_ROUNDS says how often each, else a few times.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "device.h"
#include "guest.h"
#include "harness.h"
#include "ring.h"

#define COMMANDS	16
#define BATCH		3
#define LARGE_BATCH	100
#define LARGE_BYTES	(32 * 4096)
#define SLOW_NS		(3 * MS)
#define CHAIN		4

/* Of a life, beside the flags of its ring: by a registered file; in chains, of which one runs. */
#define REGISTERED	(1U << 30)
#define LINKED		(1U << 31)

/* A client with commands in flight. */
struct life {
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc jobs[BATCH];
	struct io_uring ring;
	unsigned int kind;
};

/* Their number has no divisor in common with those of what else is done now and then. */
static const unsigned int kinds[] = {
	0,
	IORING_SETUP_SQPOLL,
	IORING_SETUP_IOPOLL,
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	REGISTERED | LINKED,
	REGISTERED | LINKED | IORING_SETUP_SQPOLL,
	REGISTERED | LINKED | IORING_SETUP_IOPOLL,
};

/* 0 or -errno; what it has is given back with the process if it fails. */
static int life_open(struct life *l, unsigned int kind)
{
	const unsigned int flags = kind & ~(REGISTERED | LINKED);
	unsigned int i;
	int ret;

	l->kind = kind;
	l->fd = device_open();
	if (l->fd < 0)
		return l->fd;
	ret = buffer_create(l->fd, 8192, &l->buf);
	if (ret)
		return ret;
	small_fill(&l->buf, 1, 1);
	for (i = 0; i < BATCH; i++)
		small_job(&l->jobs[i], &l->buf);
	ret = ring_open(&l->ring, COMMANDS, flags);
	/* An older kernel. */
	if (ret == -EINVAL)
		ret = ring_open(&l->ring, COMMANDS, 0);
	if (ret || !(kind & REGISTERED))
		return ret;
	return io_uring_register_files(&l->ring, &l->fd, 1);
}

/* Time limits that nobody would wait for. */
static int life_submit(struct life *l)
{
	unsigned int i;

	for (i = 0; i < COMMANDS; i++) {
		const struct xqaccel_uring_submit s = {
			.jobs = (uintptr_t)l->jobs,
			.stride = sizeof(l->jobs[0]),
			.count = BATCH,
			.lane = i % 8,
			.timeout_ms = 600000,
		};
		struct io_uring_sqe *sqe;

		sqe = ring_command(&l->ring, l->kind & REGISTERED ? 0 : l->fd,
				   XQACCEL_URING_SUBMIT, i);
		if (l->kind & REGISTERED)
			sqe->flags |= IOSQE_FIXED_FILE;
		if (l->kind & LINKED && i % CHAIN != CHAIN - 1)
			sqe->flags |= IOSQE_IO_LINK;
		ring_payload(&l->ring, sqe, &s, sizeof(s));
	}
	return ring_submit(&l->ring, COMMANDS);
}

/*
 * Takes all CQEs: how many say something else than one of these, or that another of the chain ended
 * in the second way.
 */
static int life_finish(struct __test_metadata *_metadata, struct life *l, int expected,
		       int or_else)
{
	struct result r;
	unsigned int i;
	int wrong = 0;

	for (i = 0; i < COMMANDS; i++) {
		const int ret = ring_wait(&l->ring, &r, 60 * SECOND);

		if (ret) {
			TH_LOG("after %u commands: %s", i, strerror(-ret));
			return COMMANDS - i;
		}
		if (r.res == -ECANCELED && l->kind & LINKED && expected != or_else)
			continue;
		if (r.res != expected && r.res != or_else) {
			TH_LOG("command %llu: %s", (unsigned long long)r.user_data,
			       strerror(-r.res));
			wrong++;
		}
	}
	return wrong;
}

static void life_close(struct life *l)
{
	io_uring_queue_exit(&l->ring);
	munmap(l->buf.map, l->buf.bytes);
	close(l->fd);
}

FIXTURE(uring_end)
{
	char address[32];
};

FIXTURE_SETUP(uring_end)
{
	struct io_uring ring;

	if (ring_open(&ring, 1, 0))
		SKIP(return, "no io_uring on this system");
	io_uring_queue_exit(&ring);
	if (!host_present())
		SKIP(return, "no host to make the device slow");
	if (getuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, inject("slow-ns", SLOW_NS));
}

FIXTURE_TEARDOWN(uring_end)
{
	EXPECT_EQ(0, inject_nothing());
	EXPECT_EQ(0, stat_settles("jobs", 0, 20000));
	EXPECT_EQ(0, stat_settles("clients", 0, 20000));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(0, stat_of("leaked_pages"));
}

/* A process with commands in flight, which then does what it is told; its id, or -errno. */
static pid_t child_with_commands(unsigned int kind, void (*then)(struct life *l))
{
	struct life l;
	char byte = 0;
	int ready[2];
	pid_t pid;

	if (pipe(ready))
		return -errno;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (life_open(&l, kind) || life_submit(&l) || write(ready[1], &byte, 1) != 1)
			_exit(1);
		then(&l);
		_exit(0);
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &byte, 1) != 1) {
		waitpid(pid, NULL, 0);
		pid = -EIO;
	}
	close(ready[0]);
	return pid;
}

static void wait_for_ever(struct life *l)
{
	(void)l;
	for (;;)
		pause();
}

static void wait_for_completions(struct life *l)
{
	struct result r;

	while (!ring_wait(&l->ring, &r, 600 * SECOND))
		;
}

/* As any task dies: while it sleeps, and while it waits for CQEs; some with a device that hangs. */
TEST_F_TIMEOUT(uring_end, killed, 300)
{
	const unsigned int count = test_rounds(24);
	unsigned int i;

	for (i = 0; i < count; i++) {
		const bool hangs = i % 8 == 7;
		const int64_t began = now_ns();
		int status;
		pid_t pid;

		if (hangs)
			ASSERT_EQ(0, inject("hang-jobs", 1));
		pid = child_with_commands(kinds[i % ARRAY_SIZE(kinds)],
					  i % 2 ? wait_for_completions : wait_for_ever);
		ASSERT_LT(0, pid);
		sleep_ms(i % 5);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		/* The time limit of its jobs is ten minutes. */
		EXPECT_EQ(0, stat_settles("clients", 0, 20000));
		EXPECT_FALSE(over_limit(began, 30 * SECOND));
		if (hangs)
			ASSERT_EQ(0, inject("hang-jobs", 0));
	}
}

static void become_another(struct life *l)
{
	(void)l;
	if (dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO) < 0)
		_exit(1);
	execl("/proc/self/exe", "exec", "none of these", NULL);
	_exit(1);
}

TEST_F_TIMEOUT(uring_end, exec, 300)
{
	const unsigned int count = test_rounds(12);
	unsigned int i;
	int status;
	pid_t pid;

	for (i = 0; i < count; i++) {
		if (i % 4 == 3)
			ASSERT_EQ(0, inject("hang-jobs", 1));
		pid = child_with_commands(kinds[i / 2 % ARRAY_SIZE(kinds)], become_another);
		ASSERT_LT(0, pid);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		EXPECT_EQ(0, stat_settles("clients", 0, 20000));
		ASSERT_EQ(0, inject("hang-jobs", 0));
	}
}

/* A child that ends takes nothing of its parent's with it. */
TEST_F_TIMEOUT(uring_end, fork, 120)
{
	const unsigned int count = test_rounds(12);
	struct life l;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, life_open(&l, kinds[i % ARRAY_SIZE(kinds)]));
		ASSERT_EQ(0, life_submit(&l));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			close(l.fd);
			_exit(0);
		}
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
		EXPECT_EQ(0, life_finish(_metadata, &l, 0, 0));
		EXPECT_EQ(0, small_check(&l.buf, 16));
		life_close(&l);
	}
}

/* The ring goes while the process stays, which has closed the file before, or does later. */
TEST_F_TIMEOUT(uring_end, ring_exit, 300)
{
	const unsigned int count = test_rounds(24);
	struct life l;
	unsigned int i;

	for (i = 0; i < count; i++) {
		const bool hangs = i % 8 == 5;

		if (hangs)
			ASSERT_EQ(0, inject("hang-jobs", 1));
		ASSERT_EQ(0, life_open(&l, kinds[i % ARRAY_SIZE(kinds)]));
		ASSERT_EQ(0, life_submit(&l));
		munmap(l.buf.map, l.buf.bytes);
		if (i % 3 && !hangs)
			close(l.fd);
		io_uring_queue_exit(&l.ring);
		/* Its jobs end with it, not with the file. */
		if (hangs)
			EXPECT_EQ(0, stat_settles("jobs", 0, 20000));
		if (!(i % 3) || hangs)
			close(l.fd);
		EXPECT_EQ(0, stat_settles("clients", 0, 20000));
		if (hangs)
			ASSERT_EQ(0, inject("hang-jobs", 0));
	}
}

TEST_F_TIMEOUT(uring_end, unplug, 300)
{
	const unsigned int count = test_rounds(8);
	struct life l;
	unsigned int i;

	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, life_open(&l, kinds[i % ARRAY_SIZE(kinds)]));
		ASSERT_EQ(0, life_submit(&l));
		ASSERT_EQ(0, driver_unbind(self->address));
		EXPECT_EQ(0, life_finish(_metadata, &l, 0, -ENODEV));
		/* And no more, by an issuer who may sleep, too. */
		ring_jobs(&l.ring, l.fd, l.jobs, 1, 0, 1);
		EXPECT_EQ(-ENODEV, ring_run(&l.ring));
		ring_jobs(&l.ring, l.fd, l.jobs, 1, 0, 1)->flags |= IOSQE_ASYNC;
		EXPECT_EQ(-ENODEV, ring_run(&l.ring));
		life_close(&l);
		ASSERT_EQ(0, driver_bind_again(self->address));
	}
}

/* A command holds the file, which the ring alone has, and that the module, until the ring goes. */
TEST_F_TIMEOUT(uring_end, module_unload, 300)
{
	const unsigned int count = test_rounds(8);
	struct life l;
	unsigned int i;

	for (i = 0; i < count; i++) {
		const int64_t began = now_ns();
		int ret;

		ASSERT_EQ(0, inject("hang-jobs", 1));
		ASSERT_EQ(0, life_open(&l, kinds[i % ARRAY_SIZE(kinds)]));
		ASSERT_EQ(0, life_submit(&l));
		munmap(l.buf.map, l.buf.bytes);
		/* A ring with SQPOLL takes its time over it. */
		while (stat_of("jobs") < 1 && !over_limit(began, 10 * SECOND))
			sleep_ms(1);
		close(l.fd);
		ASSERT_NE(0, module_unload());
		ASSERT_EQ(0, inject_nothing());
		io_uring_queue_exit(&l.ring);
		/* The moment that it can go, whatever of the ring's end is still under way. */
		do
			ret = module_unload();
		while (ret && !over_limit(began, 30 * SECOND));
		ASSERT_EQ(0, ret);
		ASSERT_EQ(0, module_load(""));
		ASSERT_TRUE(node_appears(10000));
		ASSERT_EQ(0, inject("slow-ns", SLOW_NS));
	}
}

/* By root through sysfs: jobs run again. */
TEST_F_TIMEOUT(uring_end, reset, 300)
{
	const unsigned int count = test_rounds(8);
	struct life l;
	unsigned int i;

	if (!on_pci(self->address))
		SKIP(return, "not on PCI, which can reset it");
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, life_open(&l, kinds[i % ARRAY_SIZE(kinds)]));
		ASSERT_EQ(0, life_submit(&l));
		ASSERT_EQ(0, bus_file_write(self->address, "reset", "1"));
		EXPECT_EQ(0, life_finish(_metadata, &l, 0, 0));
		EXPECT_EQ(0, small_check(&l.buf, 16));
		life_close(&l);
	}
}

TEST_F_TIMEOUT(uring_end, suspend, 300)
{
	const unsigned int count = test_rounds(6);
	struct life l;
	unsigned int i;

	if (suspend_begin())
		SKIP(return, "a kernel without CONFIG_PM_DEBUG");
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, life_open(&l, kinds[i % ARRAY_SIZE(kinds)]));
		ASSERT_EQ(0, life_submit(&l));
		ASSERT_EQ(0, suspend(i % 2 ? "mem" : "freeze"));
		EXPECT_EQ(0, life_finish(_metadata, &l, 0, 0));
		EXPECT_EQ(0, small_check(&l.buf, 16));
		life_close(&l);
	}
	EXPECT_EQ(0, suspend_end());
}

static bool becomes_suspended(const char *address)
{
	const int64_t began = now_ns();
	char path[128], text[32] = "";

	bus_path(path, sizeof(path), address, "power/runtime_status");
	while (file_read(path, text, sizeof(text)) > 0 && strcmp(text, "suspended\n")) {
		if (over_limit(began, 5 * SECOND))
			return false;
		sleep_ms(5);
	}
	return !strcmp(text, "suspended\n");
}

/*
 * How many commands of a lane came before the one that was submitted before them. Every second is
 * large, so that whoever issues several at once has the small ones ready first: its descriptions
 * are at untouched + i * LARGE_BYTES if they are not in memory yet, and fences[i] is its fence's.
 */
static unsigned int overtaken(struct __test_metadata *_metadata, struct life *l,
			      const uint8_t *untouched, int32_t *fences)
{
	static struct xqaccel_completion c[COMMANDS][LARGE_BATCH];
	static struct xqaccel_job_desc jobs[LARGE_BATCH];
	unsigned int i, wrong = 0;

	memset(c, 0, sizeof(c));
	for (i = 0; i < LARGE_BATCH; i++)
		jobs[i] = l->jobs[0];
	for (i = 0; i < COMMANDS; i++) {
		const bool large = !(i % 2);
		const struct xqaccel_uring_submit s = {
			.jobs = large && untouched ? (uintptr_t)untouched + i * LARGE_BYTES :
						     (uintptr_t)jobs,
			.stride = sizeof(jobs[0]),
			.count = large ? LARGE_BATCH : 1,
			.completions = (uintptr_t)c[i],
			.completion_stride = sizeof(c[0][0]),
			.flags = large && fences ? XQACCEL_SUBMIT_OUT_FENCE : 0,
			.out_fence = large && fences ? (uintptr_t)&fences[i] : 0,
		};

		ring_payload(&l->ring, ring_command(&l->ring, l->fd, XQACCEL_URING_SUBMIT, i),
			     &s, sizeof(s));
	}
	if (ring_submit(&l->ring, COMMANDS) || life_finish(_metadata, l, 0, 0))
		return COMMANDS;
	for (i = 1; i < COMMANDS; i++)
		wrong += c[i][0].start < c[i - 1][0].start || c[i][0].id < c[i - 1][0].id;
	return wrong;
}

/* A device that is off is resumed, and the commands of a lane keep their order all the same. */
TEST_F_TIMEOUT(uring_end, order_of_what_resumes_it, 120)
{
	const unsigned int count = test_rounds(6);
	struct life l;
	unsigned int i;

	if (bus_file_write(self->address, "power/autosuspend_delay_ms", "0"))
		SKIP(return, "a kernel without CONFIG_PM");
	ASSERT_EQ(0, inject_nothing());
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, life_open(&l, IORING_SETUP_SQE128));
		ASSERT_EQ(0, bus_file_write(self->address, "power/control", "auto"));
		ASSERT_TRUE(becomes_suspended(self->address));
		EXPECT_EQ(0U, overtaken(_metadata, &l, NULL, NULL));
		EXPECT_EQ(0, small_check(&l.buf, 16));
		ASSERT_EQ(0, bus_file_write(self->address, "power/control", "on"));
		life_close(&l);
	}
	EXPECT_EQ(0, bus_file_write(self->address, "power/autosuspend_delay_ms", "2000"));
}

/* Nor are those overtaken whose descriptions have to be brought into memory. */
TEST_F_TIMEOUT(uring_end, order_of_what_is_not_in_memory, 120)
{
	const unsigned int count = test_rounds(6);
	struct life l;
	unsigned int i, j;

	_Static_assert(LARGE_BATCH * sizeof(l.jobs[0]) <= LARGE_BYTES, "room for a command's");
	ASSERT_EQ(0, inject_nothing());
	for (i = 0; i < count; i++) {
		const int file = memfd_create("jobs", 0);
		uint8_t *untouched;

		ASSERT_LE(0, file);
		ASSERT_EQ(0, life_open(&l, IORING_SETUP_SQE128));
		ASSERT_EQ(0, ftruncate(file, COMMANDS * LARGE_BYTES));
		for (j = 0; j < COMMANDS * LARGE_BATCH; j++)
			ASSERT_EQ((ssize_t)sizeof(l.jobs[0]),
				  pwrite(file, l.jobs, sizeof(l.jobs[0]),
					 j / LARGE_BATCH * LARGE_BYTES +
					 j % LARGE_BATCH * sizeof(l.jobs[0])));
		untouched = mmap(NULL, COMMANDS * LARGE_BYTES, PROT_READ, MAP_SHARED, file, 0);
		ASSERT_NE(MAP_FAILED, (void *)untouched);
		EXPECT_EQ(0U, overtaken(_metadata, &l, untouched, NULL));
		EXPECT_EQ(0, small_check(&l.buf, 16));
		munmap(untouched, COMMANDS * LARGE_BYTES);
		close(file);
		life_close(&l);
	}
}

/* Nor those with fences, for which memory and locks are needed. */
TEST_F_TIMEOUT(uring_end, order_of_what_has_fences, 120)
{
	const unsigned int count = test_rounds(6);
	int32_t fences[COMMANDS];
	struct xqaccel_info info;
	struct life l;
	unsigned int i, j;

	ASSERT_EQ(0, inject_nothing());
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, life_open(&l, IORING_SETUP_SQE128));
		ASSERT_EQ(0, device_info(l.fd, &info));
		if (!(info.abi & XQACCEL_ABI_SYNC_FILE))
			SKIP(return, "this kernel has no sync_file");
		EXPECT_EQ(0U, overtaken(_metadata, &l, NULL, fences));
		EXPECT_EQ(0, small_check(&l.buf, 16));
		for (j = 0; j < COMMANDS; j += 2)
			EXPECT_EQ(0, close(fences[j]));
		life_close(&l);
	}
}

TEST_HARNESS_MAIN
