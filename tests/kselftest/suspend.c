// SPDX-License-Identifier: GPL-2.0
/*
 * The machine is suspended while the device is in use. Clients see a delay and nothing else.
 * The kernel's own test mode takes every device down, up to its power state, and back at once,
 * because not every emulator wakes from the real thing.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "device.h"
#include "guest.h"
#include "harness.h"

#define PM_TEST	"/sys/power/pm_test"

FIXTURE(suspend)
{
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct xqaccel_completion c;
};

FIXTURE_SETUP(suspend)
{
	if (getuid())
		SKIP(return, "not root");
	if (suspend_begin())
		SKIP(return, "a kernel without CONFIG_PM_DEBUG");
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 2);
	small_job(&self->job, &self->buf);
}

FIXTURE_TEARDOWN(suspend)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	EXPECT_EQ(0, suspend_end());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	EXPECT_EQ(0, stat_of("leaked_pages"));
}

TEST_F(suspend, idle)
{
	static const char *const states[] = { "freeze", "mem" };
	unsigned int i;

	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
		ASSERT_EQ(0, suspend(states[i % 2]));
		ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	}
}

/* The same calls of the driver as for a hibernation. */
TEST_F_TIMEOUT(suspend, hibernate, 60)
{
	ASSERT_EQ(0, file_write(PM_TEST, "devices"));
	ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	if (suspend("disk"))
		SKIP(return, "no hibernation here");
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* Jobs wait in lanes, wait on the device and run, and everything is right afterwards. */
TEST_F_TIMEOUT(suspend, with_jobs, 120)
{
	static struct batch b;
	unsigned int round;

	ASSERT_EQ(0, batch_open(&b, 11));
	for (round = 0; round < 4; round++) {
		if (host_present())
			ASSERT_EQ(0, inject("slow-ns", 40 * MS));
		ASSERT_EQ(0, batch_submit(&b));
		ASSERT_EQ(0, suspend(round % 2 ? "mem" : "freeze"));
		if (host_present())
			ASSERT_EQ(0, inject("slow-ns", 0));
		EXPECT_EQ(0, batch_finish(&b));
	}
	batch_close(&b);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* Memory that goes away just before must not be known to the device afterwards. */
TEST_F(suspend, with_buffers_on_their_way_out)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		struct buffer buf;
		const int other = device_open();

		ASSERT_LE(0, other);
		ASSERT_EQ(0, buffer_create(other, 4 << 20, &buf));
		ASSERT_EQ(0, buffer_destroy(other, buf.handle));
		munmap(buf.map, buf.bytes);
		close(other);
		ASSERT_EQ(0, suspend("freeze"));
		ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	}
}

/* A job that does not end in time is stopped, and runs again, however often that happens. */
TEST_F_TIMEOUT(suspend, long_job, 60)
{
	enum { ROUNDS = 6 };
	const int64_t before = stat_of("resubmitted");
	unsigned int i;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, inject("hang-jobs", ROUNDS));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 60000));
	for (i = 0; i < ROUNDS; i++)
		ASSERT_EQ(0, suspend("freeze"));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(0, small_check(&self->buf, 16 * 2));
	EXPECT_EQ(before + ROUNDS, stat_of("resubmitted"));
}

/* Each adds once: the running one ends before the sleep, the others start after it. */
TEST_F_TIMEOUT(suspend, jobs_that_accumulate, 60)
{
	enum { COUNT = 12 };
	unsigned int i;

	if (!host_present())
		SKIP(return, "no host to make the device slow");
	ASSERT_EQ(0, inject("slow-ns", 300 * MS));
	self->job.work.flags = XQACCEL_JOB_ACCUMULATE;
	/* The limit is that of a job, not of all that are before it or of the sleep. */
	for (i = 0; i < COUNT; i++)
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 800));
	ASSERT_EQ(0, suspend("freeze"));
	ASSERT_EQ(0, suspend("freeze"));
	for (i = 0; i < COUNT; i++) {
		ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	}
	EXPECT_EQ(0, small_check(&self->buf, COUNT * 16 * 2));
}

/* It has started and can't be undone, so it must not run again. */
TEST_F_TIMEOUT(suspend, long_job_that_accumulates, 60)
{
	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	self->job.work.flags = XQACCEL_JOB_ACCUMULATE;
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 60000));
	ASSERT_EQ(0, suspend("freeze"));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)self->c.status);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_F_TIMEOUT(suspend, job_whose_time_is_up, 60)
{
	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 200));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 200));
	ASSERT_EQ(0, suspend("freeze"));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_TIMEOUT, (int)self->c.status);
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
}

struct sleeper {
	int fd, ret;
	int64_t timeout_ns;
	struct xqaccel_completion c;
	pthread_t thread;
};

static void *sleep_on_device(void *data)
{
	struct sleeper *s = data;

	s->ret = wait_one(s->fd, &s->c, s->timeout_ns);
	return NULL;
}

/* Nobody got a signal, so nobody may see EINTR. */
TEST_F_TIMEOUT(suspend, who_waits_sleeps_on, 60)
{
	struct sleeper s[2] = {
		{ .fd = self->fd, .timeout_ns = -1 },
		{ .fd = self->fd, .timeout_ns = 30 * SECOND },
	};
	unsigned int i;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, inject("hang-jobs", 2));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 60000));
		ASSERT_EQ(0, pthread_create(&s[i].thread, NULL, sleep_on_device, &s[i]));
	}
	sleep_ms(200);
	ASSERT_EQ(0, suspend("freeze"));
	ASSERT_EQ(0, suspend("mem"));
	for (i = 0; i < 2; i++) {
		pthread_join(s[i].thread, NULL);
		EXPECT_EQ(0, s[i].ret);
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)s[i].c.status);
	}
}

struct looker {
	int fd;
	bool stop;
	unsigned int looks, interrupted;
	pthread_t thread;
};

static void *look_again_and_again(void *data)
{
	struct looker *l = data;
	struct xqaccel_completion c;

	while (!__atomic_load_n(&l->stop, __ATOMIC_RELAXED)) {
		l->interrupted += wait_one(l->fd, &c, 50000) != -ETIMEDOUT;
		l->looks++;
	}
	return NULL;
}

/*
 * Freezing finds tasks anywhere, also in the call but not asleep; it is no signal to those either.
 */
TEST_F_TIMEOUT(suspend, who_is_about_to_wait, 90)
{
	enum { ROUNDS = 8 };
	struct looker l = { .fd = self->fd };
	unsigned int i;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, inject("hang-jobs", ROUNDS + 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 60000));
	ASSERT_EQ(0, pthread_create(&l.thread, NULL, look_again_and_again, &l));
	for (i = 0; i < ROUNDS; i++) {
		sleep_ms(20);
		EXPECT_EQ(0, suspend("freeze"));
	}
	__atomic_store_n(&l.stop, true, __ATOMIC_RELAXED);
	pthread_join(l.thread, NULL);
	EXPECT_LT(ROUNDS, (int)l.looks);
	EXPECT_EQ(0U, l.interrupted);
}

/* A device that does not acknowledge resets is lost, whenever it is noticed; nothing hangs. */
TEST_F_TIMEOUT(suspend, device_that_does_not_wake, 60)
{
	char address[32];

	if (!host_present())
		SKIP(return, "no host to inject faults");
	ASSERT_EQ(0, bus_address(address, sizeof(address)));
	ASSERT_EQ(0, inject("stuck-reset", 1));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 60000));
	ASSERT_EQ(0, suspend("freeze"));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)self->c.status);
	EXPECT_EQ(-ENODEV, submit(self->fd, &self->job));
	ASSERT_EQ(0, suspend("freeze"));

	ASSERT_EQ(0, inject_nothing());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	ASSERT_EQ(0, driver_unbind(address));
	ASSERT_EQ(0, driver_bind_again(address));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

static int reset_asserted(bool on)
{
	return host_request(NULL, 0, "qom-set reset-asserted %s", on ? "true" : "false");
}

/* The controller of the line has no power in a suspend, and asserts it afterwards. */
TEST_F_TIMEOUT(suspend, reset_line_comes_back_asserted, 90)
{
	static struct batch b;
	char address[32], reply[32];
	unsigned int round;

	if (!host_present())
		SKIP(return, "no host to assert the reset line");
	ASSERT_EQ(0, bus_address(address, sizeof(address)));
	if (!node_has(address, "resets"))
		SKIP(return, "no reset line in its device tree");
	ASSERT_EQ(0, suspend_lasts("4"));
	ASSERT_EQ(0, batch_open(&b, 12));
	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, reset_asserted(false));
		ASSERT_EQ(0, inject("slow-ns", 40 * MS));
		ASSERT_EQ(0, batch_submit(&b));
		ASSERT_EQ(0, host_request(NULL, 0, "qom-set-asleep reset-asserted true"));
		ASSERT_EQ(0, suspend(round % 2 ? "mem" : "freeze"));
		ASSERT_EQ(0, inject("slow-ns", 0));
		EXPECT_EQ(0, batch_finish(&b));
		ASSERT_EQ(0, host_request(reply, sizeof(reply), "qom-get reset-asserted"));
		EXPECT_EQ(0, strcmp(reply, "ok true"));
	}
	/* As where this fails before, and nothing is left to those that follow. */
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, host_request(reply, sizeof(reply), "qom-get reset-asserted"));
	EXPECT_EQ(0, strcmp(reply, "ok false"));
	batch_close(&b);
}

TEST_HARNESS_MAIN
