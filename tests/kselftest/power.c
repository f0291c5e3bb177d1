// SPDX-License-Identifier: GPL-2.0
/*
 * Runtime power management: a device without jobs is turned off, and nobody notices but for the
 * time that the next job takes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

FIXTURE(power)
{
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct xqaccel_completion c;
	char address[32];
};

static int function_file(const char *address, const char *name, const char *value, char *text,
			 unsigned int size)
{
	char path[128];

	bus_path(path, sizeof(path), address, name);
	return value ? file_write(path, value) : file_read(path, text, size);
}

/* As it is for a machine that saves power, but for the delay. */
static int power_auto(const char *address, const char *delay_ms)
{
	const int ret = function_file(address, "power/autosuspend_delay_ms", delay_ms, NULL, 0);

	return ret ? ret : function_file(address, "power/control", "auto", NULL, 0);
}

static bool power_is(const char *address, const char *status)
{
	char text[64] = "";

	if (function_file(address, "power/runtime_status", NULL, text, sizeof(text)) <= 0)
		return false;
	text[strcspn(text, "\n")] = 0;
	return !strcmp(text, status);
}

static bool power_becomes(const char *address, const char *status, unsigned int ms)
{
	const int64_t began = now_ns();

	while (!power_is(address, status)) {
		if (over_limit(began, ms * MS))
			return false;
		sleep_ms(5);
	}
	return true;
}

FIXTURE_SETUP(power)
{
	char text[64];

	if (getuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	if (function_file(self->address, "power/autosuspend_delay_ms", NULL, text,
			  sizeof(text)) <= 0)
		SKIP(return, "a kernel without CONFIG_PM");
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, function_file(self->address, "power/control", "on", NULL, 0));
	self->fd = device_open_again(self->address);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 2);
	small_job(&self->job, &self->buf);
}

FIXTURE_TEARDOWN(power)
{
	if (getuid() || self->fd < 0)
		return;
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	EXPECT_EQ(0, stat_of("leaked_pages"));
	EXPECT_EQ(0, function_file(self->address, "power/control", "on", NULL, 0));
	EXPECT_EQ(0, function_file(self->address, "power/autosuspend_delay_ms", "2000", NULL, 0));
}

/* It is off with a file open, on for each job, and right every time. */
TEST_F_TIMEOUT(power, idle_is_off, 60)
{
	char text[64] = "";
	unsigned int i;

	ASSERT_EQ(0, power_auto(self->address, "20"));
	self->job.work.flags = XQACCEL_JOB_ACCUMULATE;
	for (i = 1; i <= 10; i++) {
		ASSERT_TRUE(power_becomes(self->address, "suspended", 5000));
		/* And so is the function itself. */
		if (on_pci(self->address)) {
			ASSERT_LT(0, function_file(self->address, "power_state", NULL, text,
						   sizeof(text)));
			EXPECT_EQ(0, strcmp(text, "D3hot\n"));
		}
		/* Held until it was looked at: a slow guest would find the device off again. */
		if (host_present())
			ASSERT_EQ(0, inject("slow-ns", 20 * SECOND));
		ASSERT_EQ(0, submit(self->fd, &self->job));
		if (host_present()) {
			/* It is resumed by a work. */
			EXPECT_TRUE(power_becomes(self->address, "active", 5000));
			ASSERT_EQ(0, inject("slow-ns", 0));
		}
		ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
		ASSERT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
		ASSERT_EQ(0, small_check(&self->buf, i * 16 * 2));
	}
}

/* How many users the tests' board counts for the clock of the accelerator, or -errno. */
static int clock_users(void)
{
	char text[32];
	const int ret = file_read("/sys/kernel/debug/clk/accelerator-clock/clk_enable_count", text,
				  sizeof(text));

	return ret > 0 ? atoi(text) : ret;
}

/* A clock that the device tree names runs while the device is used, and at no other time. */
TEST_F_TIMEOUT(power, clocks_follow, 60)
{
	unsigned int i;

	if (!node_has(self->address, "clocks"))
		SKIP(return, "no clock in its device tree");
	if (clock_users() < 0)
		SKIP(return, "a clock of another name");
	EXPECT_EQ(1, clock_users());
	ASSERT_EQ(0, power_auto(self->address, "0"));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(power_becomes(self->address, "suspended", 5000));
		EXPECT_EQ(0, clock_users());
		ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	}
	ASSERT_EQ(0, function_file(self->address, "power/control", "on", NULL, 0));
	EXPECT_EQ(1, clock_users());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	ASSERT_EQ(0, driver_unbind(self->address));
	EXPECT_EQ(0, clock_users());
	ASSERT_EQ(0, driver_bind_again(self->address));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
}

/* The usual files of sysfs decide: nothing of this happens unless somebody asks for it. */
TEST_F(power, on_unless_asked)
{
	ASSERT_EQ(0, function_file(self->address, "power/autosuspend_delay_ms", "10", NULL, 0));
	ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	sleep_ms(500);
	EXPECT_TRUE(power_is(self->address, "active"));
	ASSERT_EQ(0, function_file(self->address, "power/control", "auto", NULL, 0));
	ASSERT_TRUE(power_becomes(self->address, "suspended", 5000));
	ASSERT_EQ(0, function_file(self->address, "power/control", "on", NULL, 0));
	EXPECT_TRUE(power_is(self->address, "active"));
}

/* Not while a job runs, however long; also not while one waits behind it. */
TEST_F_TIMEOUT(power, on_while_jobs_run, 60)
{
	const long long resubmitted = stat_of("resubmitted");

	if (!host_present())
		SKIP(return, "no host to slow the device down");
	ASSERT_EQ(0, inject("slow-ns", SECOND));
	ASSERT_EQ(0, power_auto(self->address, "0"));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	EXPECT_TRUE(power_becomes(self->address, "active", 5000));
	while (wait_one(self->fd, &self->c, 20 * MS) == -ETIMEDOUT)
		EXPECT_TRUE(power_is(self->address, "active"));
	ASSERT_EQ(0, inject("slow-ns", 0));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 30 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_TRUE(power_becomes(self->address, "suspended", 5000));
	EXPECT_EQ(resubmitted, stat_of("resubmitted"));
}

/* What needs no register leaves it off: files, buffers and their end, whoever looks. */
TEST_F(power, off_for_all_but_jobs)
{
	char path[128], text[4096];
	struct xqaccel_info info;
	struct buffer buf;
	int other;

	ASSERT_EQ(0, power_auto(self->address, "0"));
	ASSERT_TRUE(power_becomes(self->address, "suspended", 5000));
	other = device_open();
	ASSERT_LE(0, other);
	EXPECT_EQ(0, device_info(other, &info));
	ASSERT_EQ(0, buffer_create(other, 1 << 20, &buf));
	memset(buf.map, 7, buf.bytes);
	munmap(buf.map, buf.bytes);
	EXPECT_EQ(0, buffer_destroy(other, buf.handle));
	EXPECT_EQ(1, stat_settles("buffers", 1, 5000));
	close(other);
	EXPECT_EQ(1, stat_settles("clients", 1, 5000));
	snprintf(path, sizeof(path), "/sys/kernel/debug/xqaccel/%s/rings",
		 strrchr(device_path(), '/') + 1);
	ASSERT_LT(0, file_read(path, text, sizeof(text)));
	EXPECT_TRUE(!!strstr(text, "answers: 0\n"));
	EXPECT_TRUE(power_is(self->address, "suspended"));
	ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* With no delay at all every job races with a suspend. */
TEST_F_TIMEOUT(power, jobs_race_with_suspends, 120)
{
	unsigned int i, lane;

	ASSERT_EQ(0, power_auto(self->address, "0"));
	self->job.work.flags = XQACCEL_JOB_ACCUMULATE;
	for (i = 0; i < 200; i++) {
		for (lane = 0; lane < 1 + i % 3; lane++)
			ASSERT_EQ(0, submit(self->fd, &self->job));
		while (lane--) {
			ASSERT_EQ(0, wait_one(self->fd, &self->c, 30 * SECOND));
			ASSERT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
		}
	}
	/* 1, 2, 3, 1, 2, 3, ... */
	EXPECT_EQ(0, small_check(&self->buf, (66 * 6 + 1 + 2) * 16 * 2));
	EXPECT_TRUE(power_becomes(self->address, "suspended", 5000));
}

/* Gone while it is off, and there again. */
TEST_F_TIMEOUT(power, unbind_and_reset_while_off, 60)
{
	ASSERT_EQ(0, power_auto(self->address, "0"));
	ASSERT_TRUE(power_becomes(self->address, "suspended", 5000));
	if (on_pci(self->address))
		ASSERT_EQ(0, function_file(self->address, "reset", "1", NULL, 0));
	ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	ASSERT_TRUE(power_becomes(self->address, "suspended", 5000));

	ASSERT_EQ(0, driver_unbind(self->address));
	EXPECT_EQ(-ENODEV, submit(self->fd, &self->job));
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	ASSERT_EQ(0, driver_bind_again(self->address));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 2);
	small_job(&self->job, &self->buf);
	/* Binding brings the delay back. */
	ASSERT_EQ(0, power_auto(self->address, "0"));
	ASSERT_TRUE(power_becomes(self->address, "suspended", 5000));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/*
 * All that is below a bridge is reset, by whoever does not care whether it is off. What the bus
 * then restores is a function that may not use memory.
 */
TEST_F_TIMEOUT(power, reset_from_above_while_off, 60)
{
	char path[128];
	unsigned int i;

	bus_path(path, sizeof(path), self->address, "../reset_subordinate");
	if (access(path, F_OK))
		SKIP(return, "no bridge above, or a kernel that does not reset from there");
	ASSERT_EQ(0, power_auto(self->address, "20"));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(power_becomes(self->address, "suspended", 5000));
		/* QEMU's port does not say that its link is up, so the kernel says ENOTTY. */
		(void)file_write(path, "1");
		ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	}
}

/*
 * What has no power while the device is off may assert its reset line when it is on again, or the
 * device needs a pulse to be in any state at all.
 */
TEST_F_TIMEOUT(power, reset_line_comes_back_asserted, 60)
{
	char reply[32];
	unsigned int i;

	if (!host_present())
		SKIP(return, "no host to assert the reset line");
	if (!node_has(self->address, "resets"))
		SKIP(return, "no reset line in its device tree");
	ASSERT_EQ(0, power_auto(self->address, "0"));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(power_becomes(self->address, "suspended", 5000));
		ASSERT_EQ(0, host_request(NULL, 0, "qom-set reset-asserted true"));
		ASSERT_EQ(0, host_request(reply, sizeof(reply), "qom-get in-reset"));
		EXPECT_EQ(0, strcmp(reply, "ok true"));
		EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
		ASSERT_EQ(0, host_request(reply, sizeof(reply), "qom-get in-reset"));
		EXPECT_EQ(0, strcmp(reply, "ok false"));
		ASSERT_EQ(0, host_request(NULL, 0, "qom-set reset-asserted false"));
	}
}

/* It does not come back: that has an errno, and binding it again helps. */
TEST_F_TIMEOUT(power, resume_fails, 60)
{
	if (!host_present())
		SKIP(return, "no host to make the reset fail");
	ASSERT_EQ(0, power_auto(self->address, "0"));
	ASSERT_TRUE(power_becomes(self->address, "suspended", 5000));
	ASSERT_EQ(0, inject("stuck-reset", 1));
	EXPECT_EQ(-ENODEV, submit(self->fd, &self->job));
	EXPECT_EQ(-ENODEV, wait_one(self->fd, &self->c, SECOND));
	ASSERT_EQ(0, inject("stuck-reset", 0));
	EXPECT_EQ(-ENODEV, device_open());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	ASSERT_EQ(0, driver_unbind(self->address));
	ASSERT_EQ(0, driver_bind_again(self->address));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 2);
	small_job(&self->job, &self->buf);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	EXPECT_TRUE(power_becomes(self->address, "suspended", 10000));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_HARNESS_MAIN
