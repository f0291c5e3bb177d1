// SPDX-License-Identifier: GPL-2.0
/*
 * Somebody else resets the function: root through sysfs, or the bus's error recovery. Jobs run
 * again, clients see a delay and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch.h"
#include "device.h"
#include "guest.h"
#include "harness.h"

/* Bits of the Uncorrectable Error Status register; Linux leaves their severities as they are. */
#define AER_COMPLETION_TIMEOUT	0x00004000	/* not fatal: nobody resets but the driver */
#define AER_MALFORMED_TLP	0x00040000	/* fatal: the link is reset */

FIXTURE(reset)
{
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct xqaccel_completion c;
	char address[32];
};

FIXTURE_SETUP(reset)
{
	if (getuid())
		SKIP(return, "not root");
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 2);
	small_job(&self->job, &self->buf);
}

FIXTURE_TEARDOWN(reset)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	EXPECT_EQ(0, stat_of("leaked_pages"));
}

/* Returns when the reset is over. -EINVAL, -ENOTTY: this function has no such method. */
static int reset_by(const char *address, const char *method)
{
	const int ret = bus_file_write(address, "reset_method", method);

	return ret ? ret : bus_file_write(address, "reset", "1");
}

static void with_jobs(struct __test_metadata *_metadata, FIXTURE_DATA(reset) *self,
		      const char *method)
{
	static struct batch b;
	unsigned int round;

	if (reset_by(self->address, method))
		SKIP(return, "no reset by %s", method);
	ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	ASSERT_EQ(0, batch_open(&b, 5));
	for (round = 0; round < 4; round++) {
		if (host_present())
			ASSERT_EQ(0, inject("slow-ns", 30 * MS));
		ASSERT_EQ(0, batch_submit(&b));
		ASSERT_EQ(0, reset_by(self->address, method));
		if (host_present())
			ASSERT_EQ(0, inject("slow-ns", 0));
		EXPECT_EQ(0, batch_finish(&b));
	}
	batch_close(&b);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_F_TIMEOUT(reset, by_function_level_reset, 90)
{
	with_jobs(_metadata, self, "flr");
}

TEST_F_TIMEOUT(reset, by_power_state, 90)
{
	with_jobs(_metadata, self, "pm");
}

TEST_F_TIMEOUT(reset, by_bus, 90)
{
	with_jobs(_metadata, self, "bus");
}

struct resetter {
	const char *address;
	bool stop;
	int failed;
	unsigned int resets;
	pthread_t thread;
};

static void *reset_again_and_again(void *data)
{
	struct resetter *r = data;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		r->failed += !!reset_by(r->address, "flr");
		r->resets++;
		sleep_ms(20);
	}
	return NULL;
}

/* Every call meets a reset at some time: opens, memory that comes and goes, jobs, closes. */
TEST_F_TIMEOUT(reset, while_everything_goes_on, 120)
{
	struct resetter r = { .address = self->address };
	const int64_t end = now_ns() + 15 * SECOND;
	static struct batch b;
	unsigned int seed = 0;

	if (!on_pci(self->address))
		SKIP(return, "not on PCI, which can reset it");
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, reset_again_and_again, &r));
	while (now_ns() < end) {
		struct buffer buf;

		ASSERT_EQ(0, batch_open(&b, ++seed));
		ASSERT_EQ(0, batch_submit(&b));
		ASSERT_EQ(0, buffer_create(self->fd, 3 << 20, &buf));
		ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
		munmap(buf.map, buf.bytes);
		/* Closed with jobs under way, now and then. */
		if (seed % 4)
			EXPECT_EQ(0, batch_finish(&b));
		batch_close(&b);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	pthread_join(r.thread, NULL);
	EXPECT_EQ(0, r.failed);
	printf("# %u resets, %u clients\n", r.resets, seed);
	EXPECT_LT(5U, r.resets);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* What the driver could not do by itself: the device's own reset is stuck. */
TEST_F_TIMEOUT(reset, of_a_stuck_device, 60)
{
	if (!host_present())
		SKIP(return, "no host to inject faults");
	if (!on_pci(self->address))
		SKIP(return, "not on PCI, which can reset it");
	ASSERT_EQ(0, inject("stuck-reset", 1));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 60000));
	/* It stays stuck, so this loses it; the jobs end. */
	ASSERT_EQ(0, reset_by(self->address, "flr"));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)self->c.status);
	EXPECT_EQ(-ENODEV, submit(self->fd, &self->job));
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, reset_by(self->address, "flr"));
	EXPECT_EQ(-ENODEV, submit(self->fd, &self->job));

	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	ASSERT_EQ(0, driver_unbind(self->address));
	ASSERT_EQ(0, driver_bind_again(self->address));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

static int bus_error(unsigned int status)
{
	return host_request(NULL, 0,
			    "qmp {\"execute\": \"human-monitor-command\", \"arguments\": "
			    "{\"command-line\": \"pcie_aer_inject_error xq0 0x%x\"}}",
			    status);
}

static void after_bus_error(struct __test_metadata *_metadata, FIXTURE_DATA(reset) *self,
			    unsigned int status)
{
	const int64_t before = stat_of("resubmitted");
	static struct batch b;
	unsigned int round;

	if (!host_present())
		SKIP(return, "no host to inject an error");
	if (!on_pci(self->address))
		SKIP(return, "not on PCI, whose errors these are");
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, batch_open(&b, round + 1));
		ASSERT_EQ(0, inject("slow-ns", 30 * MS));
		ASSERT_EQ(0, batch_submit(&b));
		ASSERT_EQ(0, bus_error(status));
		sleep_ms(50);
		ASSERT_EQ(0, inject("slow-ns", 0));
		EXPECT_EQ(0, batch_finish(&b));
		batch_close(&b);
		EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
	}
	/* The error did reach the driver. */
	EXPECT_LT(before, stat_of("resubmitted"));
}

/* Only then links can be reset. */
static bool native_hotplug(void)
{
	return !system("ls /sys/bus/pci_express/drivers/pciehp/*:pcie* >/dev/null 2>&1");
}

TEST_F_TIMEOUT(reset, error_of_the_bus, 60)
{
	after_bus_error(_metadata, self, AER_COMPLETION_TIMEOUT);
}

TEST_F_TIMEOUT(reset, fatal_error_of_the_bus, 60)
{
	if (on_pci(self->address) && !native_hotplug())
		SKIP(return, "no link that can be reset");
	after_bus_error(_metadata, self, AER_MALFORMED_TLP);
}

/* Nobody tells the driver that the bus gave up, but jobs can't wait for ever. */
TEST_F_TIMEOUT(reset, fatal_error_that_is_not_recovered, 90)
{
	if (!host_present())
		SKIP(return, "no host to inject an error");
	if (!on_pci(self->address))
		SKIP(return, "not on PCI, whose errors these are");
	if (native_hotplug())
		SKIP(return, "the link can be reset");
	ASSERT_EQ(0, inject("slow-ns", SECOND));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, bus_error(AER_MALFORMED_TLP));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 60 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)self->c.status);
	EXPECT_EQ(-ENODEV, submit(self->fd, &self->job));

	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_rescan(self->address));
	ASSERT_TRUE(node_appears(5000));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* ---- the link ------------------------------------------------------------------------ */

/* Of Slot Control: the power indicator and the power are off, or both are on. */
#define SLOT_OFF	(3U << 8 | 1U << 10)
#define SLOT_ON		(1U << 8)

/* The port above the device. */
struct port {
	char name[64];
	int config;		/* a file of its configuration space */
	unsigned int express;	/* where its PCI Express capability is there */
};

/* Whether there is one that has its slot's power under control and tells of its link. */
static bool port_open(const char *address, struct port *port)
{
	char path[600], real[512];
	uint8_t config[256] = {};
	unsigned int at;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", address);
	if (!realpath(path, real))
		return false;
	*strrchr(real, '/') = 0;
	snprintf(port->name, sizeof(port->name), "%.60s", strrchr(real, '/') + 1);
	snprintf(path, sizeof(path), "%s/config", real);
	port->config = open(path, O_RDWR | O_CLOEXEC);
	if (port->config < 0 || pread(port->config, config, sizeof(config), 0) != sizeof(config))
		return false;
	for (at = config[0x34]; at && config[at] != 0x10; at = config[at + 1])
		;
	port->express = at;
	/* Power Controller Present in Slot Capabilities; Link Active in Link Status. */
	return at && at < sizeof(config) - 0x1c && (config[at + 0x14] & 2) &&
	       (config[at + 0x13] & 0x20);
}

static int slot_control(const struct port *port, uint16_t value)
{
	const ssize_t done = pwrite(port->config, &value, sizeof(value), port->express + 0x18);

	return done == sizeof(value) ? 0 : -errno;
}

/*
 * Has the kernel's hot-plug driver forget the slot, for good: it would take what happens for a
 * request to turn it off.
 */
static int hotplug_stop(const struct port *port)
{
	char name[128];

	snprintf(name, sizeof(name), "%s:pcie004", port->name);
	return file_write("/sys/bus/pci_express/drivers/pciehp/unbind", name);
}

/*
 * The slot's power goes, and with it the link, and nobody tells the driver. A device that can't be
 * asked may still write memory (recovery.silent_for_good), but not over a link that is down: what
 * it knew is given back at once. The last test, as the slot has no hot-plug driver afterwards.
 */
TEST_F_TIMEOUT(reset, link_goes_down, 120)
{
	unsigned int i;
	struct port port;
	int ret = -1;

	if (!host_present())
		SKIP(return, "no host to plug it in again");
	if (!native_hotplug() || !port_open(self->address, &port))
		SKIP(return, "no link that can go down");
	ASSERT_EQ(0, hotplug_stop(&port));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 600000));
	ASSERT_EQ(0, slot_control(&port, SLOT_OFF));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)self->c.status);
	EXPECT_EQ(-ENODEV, submit(self->fd, &self->job));
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	EXPECT_EQ(0, stat_settles("buffers", 0, 5000));
	EXPECT_EQ(0, stat_of("leaked_pages"));

	ASSERT_EQ(0, bus_file_write(self->address, "remove", "1"));
	ASSERT_EQ(0, slot_control(&port, SLOT_ON));
	for (i = 0; i < 100 && ret; i++) {
		ret = host_request(NULL, 0, "device_add");
		if (ret)
			sleep_ms(200);
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, file_write("/sys/bus/pci/rescan", "1"));
	close(port.config);
	ASSERT_TRUE(node_appears(10000));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_HARNESS_MAIN
