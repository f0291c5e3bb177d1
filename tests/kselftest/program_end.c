// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that are under way when the machine sleeps, is moved to another host, or loses the
 * device; and how often a run interrupts. Each run is there once, as a whole, or its completion
 * says that it is not.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

#define JOBS	8
#define RUNS	3
#define C_BYTES	64
#define OUTPUT	4096
#define BYTES	(16U << 10)
/* Of a job: a program is in its middle for some seconds. */
#define SLOW	(400 * MS)

FIXTURE(program_end)
{
	int fd;
	char address[32];
	struct buffer buf;
	struct xqaccel_job_desc job[JOBS];
	struct xqaccel_job_desc run[RUNS];
	struct xqaccel_completion c[RUNS];
};

/* C of job i, at slot 0, is 16 everywhere, or is larger by 16. */
static int use_device(FIXTURE_DATA(program_end) *self, uint32_t flags)
{
	uint32_t program;
	unsigned int i;
	int ret;

	self->fd = device_open_again(self->address);
	if (self->fd < 0)
		return self->fd;
	ret = buffer_create(self->fd, BYTES, &self->buf);
	if (ret)
		return ret;
	memset(self->buf.map, 1, OUTPUT);
	memset(self->buf.map + OUTPUT, 0, BYTES - OUTPUT);
	for (i = 0; i < JOBS; i++) {
		small_job(&self->job[i], &self->buf);
		self->job[i].work.flags = flags;
		self->job[i].operand[XQACCEL_C].handle = XQACCEL_SLOT(0);
		self->job[i].operand[XQACCEL_C].offset = i * C_BYTES;
	}
	ret = program_create(self->fd, self->job, JOBS, 1, &program);
	memset(self->run, 0, sizeof(self->run));
	for (i = 0; i < RUNS; i++) {
		self->run[i].user_data = i;
		self->run[i].work.op = XQACCEL_OP_PROGRAM;
		self->run[i].work.run.program = program;
		self->run[i].operand[0].handle = self->buf.handle;
		self->run[i].operand[0].offset = OUTPUT + i * JOBS * C_BYTES;
	}
	return ret;
}

static void let_go(FIXTURE_DATA(program_end) *self)
{
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
}

FIXTURE_SETUP(program_end)
{
	if (!host_present())
		SKIP(return, "no host that makes the device slow");
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	ASSERT_TRUE(node_appears(10000));
	ASSERT_EQ(0, use_device(self, 0));
}

FIXTURE_TEARDOWN(program_end)
{
	EXPECT_EQ(0, inject_nothing());
	let_go(self);
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(0, stat_of("leaked_pages"));
}

/* How many jobs of a run have been done so many times, 0 to 2. */
static unsigned int done_times(const FIXTURE_DATA(program_end) *self, unsigned int run, int times)
{
	const int32_t *c = (const int32_t *)(self->buf.map + self->run[run].operand[0].offset);
	unsigned int i, j, n = 0;

	for (i = 0; i < JOBS; i++, c += C_BYTES / 4) {
		for (j = 0; j < C_BYTES / 4 && c[j] == 16 * times; j++)
			;
		n += j == C_BYTES / 4;
	}
	return n;
}

/* The first of so many runs is in its middle when this returns. */
static int begin(FIXTURE_DATA(program_end) *self, unsigned int runs)
{
	const int ret = inject("slow-ns", SLOW);
	int64_t began = now_ns();

	if (ret || submit_jobs(self->fd, self->run, runs, 0, 60000, NULL, NULL))
		return ret ? ret : -EIO;
	while (done_times(self, 0, 1) < 2) {
		if (over_limit(began, 10 * SECOND))
			return -ETIME;
		sleep_ms(10);
	}
	return 0;
}

/* The same, and it stays there for seconds: a busy host takes long to put its guest to sleep. */
static int begin_slowly(FIXTURE_DATA(program_end) *self, unsigned int runs)
{
	const int ret = begin(self, runs);

	return ret ? ret : inject("slow-ns", 5 * SLOW);
}

/* All runs end, one after the other, and each as a whole. */
static void expect_all(struct __test_metadata *_metadata, FIXTURE_DATA(program_end) *self,
		       unsigned int runs)
{
	unsigned int i;

	ASSERT_EQ(0, inject("slow-ns", 0));
	for (i = 0; i < runs; i++) {
		ASSERT_EQ(0, wait_one(self->fd, &self->c[i], 60 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c[i].status);
		EXPECT_EQ(i, (unsigned int)self->c[i].user_data);
		EXPECT_EQ(JOBS, (int)done_times(self, i, 1));
	}
}

/*
 * It was stopped in its middle, and says where; what comes before is done, and nothing twice. The
 * job that was under way may have been done, too.
 */
static void expect_stopped(struct __test_metadata *_metadata, FIXTURE_DATA(program_end) *self)
{
	unsigned int once;

	ASSERT_EQ(0, inject("slow-ns", 0));
	ASSERT_EQ(0, wait_one(self->fd, &self->c[0], 60 * SECOND));
	once = done_times(self, 0, 1);
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)self->c[0].status);
	EXPECT_LT(0U, self->c[0].failed_job);
	EXPECT_LT(self->c[0].failed_job, (unsigned int)JOBS);
	EXPECT_LE(self->c[0].failed_job, once);
	EXPECT_LE(once, self->c[0].failed_job + 1);
	EXPECT_EQ(JOBS, (int)(once + done_times(self, 0, 0)));
}

/* ---- the machine sleeps ------------------------------------------------------ */

TEST_F_TIMEOUT(program_end, machine_sleeps, 120)
{
	const int64_t before = stat_of("resubmitted");
	unsigned int i;

	if (suspend_begin())
		SKIP(return, "a kernel without CONFIG_PM_DEBUG");
	ASSERT_EQ(0, begin_slowly(self, RUNS));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, suspend(i % 2 ? "mem" : "freeze"));
	expect_all(_metadata, self, RUNS);
	EXPECT_LT(before, stat_of("resubmitted"));
	EXPECT_EQ(0, suspend_end());
}

TEST_F_TIMEOUT(program_end, machine_sleeps_and_it_cannot_repeat, 120)
{
	if (suspend_begin())
		SKIP(return, "a kernel without CONFIG_PM_DEBUG");
	let_go(self);
	ASSERT_EQ(0, use_device(self, XQACCEL_JOB_ACCUMULATE));
	ASSERT_EQ(0, begin_slowly(self, 1));
	EXPECT_EQ(0, suspend("freeze"));
	expect_stopped(_metadata, self);
	EXPECT_EQ(0, suspend_end());
}

/* ---- it is moved to another host ---------------------------------------------- */

static bool migrates(void)
{
	return !host_request(NULL, 0, "migrate");
}

TEST_F_TIMEOUT(program_end, machine_is_migrated, 180)
{
	ASSERT_EQ(0, begin(self, RUNS));
	if (!migrates())
		SKIP(return, "a machine that can't be migrated");
	/* The device there has no fault injected yet. */
	expect_all(_metadata, self, RUNS);
	/* It goes on as before, and can do so again. */
	memset(self->buf.map + OUTPUT, 0, BYTES - OUTPUT);
	ASSERT_EQ(0, begin(self, RUNS));
	ASSERT_TRUE(migrates());
	expect_all(_metadata, self, RUNS);
}

/* The device has two seconds to end it, which one that hangs does not. */
TEST_F_TIMEOUT(program_end, machine_is_migrated_and_it_cannot_repeat, 240)
{
	const int64_t bad = stat_of("bad_completions");

	let_go(self);
	ASSERT_EQ(0, use_device(self, XQACCEL_JOB_ACCUMULATE));
	ASSERT_EQ(0, begin(self, 1));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	sleep_ms(2 * SLOW / MS);
	if (!migrates())
		SKIP(return, "a machine that can't be migrated");
	expect_stopped(_metadata, self);
	EXPECT_EQ(bad, stat_of("bad_completions"));
	/* Without what hangs two seconds are enough. */
	memset(self->buf.map + OUTPUT, 0, BYTES - OUTPUT);
	ASSERT_EQ(0, begin(self, 1));
	ASSERT_TRUE(migrates());
	expect_all(_metadata, self, 1);
}

/* ---- one of a chain fails ------------------------------------------------------ */

/* The second of three fails in its middle: those before and behind it are as they should be. */
TEST_F_TIMEOUT(program_end, middle_of_the_chain_fails, 120)
{
	int64_t began = now_ns();

	ASSERT_EQ(0, begin(self, RUNS));
	while (done_times(self, 1, 1) < 2 && !over_limit(began, 30 * SECOND))
		sleep_ms(10);
	ASSERT_EQ(0, inject("dma-errors", 1));
	ASSERT_EQ(0, wait_one(self->fd, &self->c[0], 60 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c[0].status);
	ASSERT_EQ(0, wait_one(self->fd, &self->c[1], 60 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_DMA, (int)self->c[1].status);
	EXPECT_LT(1U, self->c[1].failed_job);
	EXPECT_EQ(self->c[1].failed_job, done_times(self, 1, 1));
	ASSERT_EQ(0, inject("slow-ns", 0));
	ASSERT_EQ(0, wait_one(self->fd, &self->c[2], 60 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c[2].status);
	EXPECT_EQ(JOBS, (int)done_times(self, 0, 1));
	EXPECT_EQ(JOBS, (int)done_times(self, 2, 1));
}

/* ---- the device goes ------------------------------------------------------------ */

static void expect_lost(struct __test_metadata *_metadata, FIXTURE_DATA(program_end) *self)
{
	unsigned int i;

	for (i = 0; i < RUNS; i++) {
		ASSERT_EQ(0, wait_one(self->fd, &self->c[i], 60 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_LOST, (int)self->c[i].status);
		EXPECT_EQ(i, (unsigned int)self->c[i].user_data);
	}
	EXPECT_EQ(-ENODEV, wait_one(self->fd, &self->c[0], SECOND));
	/* None was run after the one that was under way. */
	EXPECT_EQ(JOBS, (int)done_times(self, 1, 0));
	EXPECT_EQ(JOBS, (int)done_times(self, 2, 0));
}

static void expect_works(struct __test_metadata *_metadata, FIXTURE_DATA(program_end) *self)
{
	let_go(self);
	ASSERT_EQ(0, inject_nothing());
	ASSERT_TRUE(node_appears(20000));
	ASSERT_EQ(0, use_device(self, 0));
	ASSERT_EQ(0, submit_jobs(self->fd, self->run, RUNS, 0, 60000, NULL, NULL));
	expect_all(_metadata, self, RUNS);
}

TEST_F_TIMEOUT(program_end, device_is_pulled_out, 120)
{
	ASSERT_EQ(0, begin(self, RUNS));
	ASSERT_EQ(0, host_request(NULL, 0, "qom-set removed true"));
	expect_lost(_metadata, self);
	ASSERT_EQ(0, host_request(NULL, 0, "qom-set removed false"));
	ASSERT_EQ(0, bus_rescan(self->address));
	expect_works(_metadata, self);
}

TEST_F_TIMEOUT(program_end, device_is_unplugged, 180)
{
	unsigned int i;
	int ret = -1;

	if (!on_pci(self->address))
		SKIP(return, "not on PCI, where it could be unplugged");
	ASSERT_EQ(0, begin(self, RUNS));
	/* The guest takes five seconds to let go. */
	ASSERT_EQ(0, inject("slow-ns", 60 * SECOND));
	ASSERT_EQ(0, host_request(NULL, 0, "device_del"));
	ASSERT_TRUE(node_goes(20000));
	expect_lost(_metadata, self);
	for (i = 0; i < 100 && ret; i++) {
		ret = host_request(NULL, 0, "device_add");
		if (ret)
			sleep_ms(200);
	}
	ASSERT_EQ(0, ret);
	expect_works(_metadata, self);
}

TEST_HARNESS_MAIN
