// SPDX-License-Identifier: GPL-2.0
/*
 * The device goes while it is in use: unbind, a user's unplug, a surprise, the module's
 * unloading. Files stay open, mappings stay memory, jobs end as lost, and the device can
 * come back.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

FIXTURE(unplug)
{
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc job;
	char address[32];
};

static void use_device(struct __test_metadata *_metadata, FIXTURE_DATA(unplug) *self)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 2);
	small_job(&self->job, &self->buf);
}

FIXTURE_SETUP(unplug)
{
	if (getuid())
		SKIP(return, "not root");
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	use_device(_metadata, self);
}

FIXTURE_TEARDOWN(unplug)
{
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
}

static void expect_works(struct __test_metadata *_metadata, FIXTURE_DATA(unplug) *self)
{
	struct xqaccel_completion c;

	ASSERT_TRUE(node_appears(10000));
	use_device(_metadata, self);
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &c, 5 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	EXPECT_EQ(0, small_check(&self->buf, 16 * 2));
}

/* What a client whose device is gone must find. */
static void expect_gone(struct __test_metadata *_metadata, FIXTURE_DATA(unplug) *self)
{
	struct pollfd p = { .fd = self->fd, .events = 0 };
	struct xqaccel_completion c;
	struct xqaccel_info info;
	struct buffer buf;
	void *map;
	int ret;

	/* The node goes a little before the device does. */
	EXPECT_EQ(1, poll(&p, 1, 20000));
	EXPECT_EQ(POLLHUP | POLLERR, (int)p.revents);
	EXPECT_EQ(-ENODEV, device_info(self->fd, &info));
	EXPECT_EQ(-ENODEV, submit(self->fd, &self->job));
	EXPECT_EQ(-ENODEV, buffer_create_unmapped(self->fd, 4096, &buf));
	while (!(ret = wait_one(self->fd, &c, -1)))
		EXPECT_TRUE(c.status == XQACCEL_STATUS_LOST || c.status == XQACCEL_STATUS_OK);
	EXPECT_EQ(-ENODEV, ret);
	/* Mapped memory goes on, and can even be mapped again. */
	self->buf.map[100] = 7;
	self->buf.map[4096] = 8;
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->fd, self->buf.mmap_offset);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(7, ((uint8_t *)map)[100]);
	munmap(map, 4096);
}

/* Gives back what the gone device left, for the next use_device(). */
static void let_go(FIXTURE_DATA(unplug) *self)
{
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
}

TEST_F(unplug, unbind_and_bind_with_an_open_file)
{
	ASSERT_EQ(0, driver_unbind(self->address));
	EXPECT_TRUE(node_goes(2000));
	expect_gone(_metadata, self);
	ASSERT_EQ(0, driver_bind(self->address));
	/* The old file does not come back to life. */
	expect_gone(_metadata, self);
	let_go(self);
	expect_works(_metadata, self);
}

TEST_F(unplug, unbind_with_jobs)
{
	unsigned int i;

	if (host_present())
		ASSERT_EQ(0, inject("slow-ns", 50 * MS));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i % 8, 0));
	if (host_present())
		ASSERT_EQ(0, inject("hang-jobs", 4));
	ASSERT_EQ(0, driver_unbind(self->address));
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	expect_gone(_metadata, self);
	ASSERT_EQ(0, driver_bind(self->address));
	let_go(self);
	expect_works(_metadata, self);
}

static void *wait_for_ever(void *data)
{
	struct xqaccel_completion c;
	const int ret = wait_one(*(int *)data, &c, -1);

	return (void *)(long)(ret ? ret : (int)c.status);
}

TEST_F(unplug, unbind_wakes_who_waits)
{
	pthread_t thread;
	void *result;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 600000));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_ever, &self->fd));
	sleep_ms(100);
	ASSERT_EQ(0, driver_unbind(self->address));
	pthread_join(thread, &result);
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)(long)result);
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, driver_bind(self->address));
	let_go(self);
	expect_works(_metadata, self);
}

TEST_F(unplug, unbind_wakes_who_polls)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };

	if (!fork()) {
		sleep_ms(200);
		_exit(driver_unbind(self->address) ? 1 : 0);
	}
	EXPECT_EQ(1, poll(&p, 1, 5000));
	EXPECT_EQ(POLLHUP | POLLERR, (int)p.revents);
	wait(NULL);
	ASSERT_EQ(0, driver_bind(self->address));
	let_go(self);
	expect_works(_metadata, self);
}

TEST_F_TIMEOUT(unplug, unbind_and_bind_many_times, 60)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		submit(self->fd, &self->job);
		ASSERT_EQ(0, driver_unbind(self->address));
		ASSERT_EQ(0, driver_bind(self->address));
		let_go(self);
		expect_works(_metadata, self);
	}
}

struct late_submit {
	int fd, ret;
	const struct xqaccel_job_desc *job;
};

static void *submit_late(void *data)
{
	struct late_submit *s = data;

	s->ret = submit(s->fd, s->job);
	return NULL;
}

/* Memory that answers late must hold up nobody but its owner. */
TEST_F(unplug, unbind_while_a_submit_reads_its_jobs)
{
	const int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	const long page = sysconf(_SC_PAGESIZE);
	uint8_t *memory = mmap(NULL, page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *answer = mmap(NULL, page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range = { (uintptr_t)memory, page },
					 .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_copy copy = { .dst = (uintptr_t)memory, .src = (uintptr_t)answer,
				    .len = page };
	struct late_submit late = { .fd = self->fd, .job = (void *)memory };
	struct uffd_msg fault;
	pthread_t thread;

	if (uffd < 0)
		SKIP(return, "no userfaultfd: %s", strerror(errno));
	ASSERT_NE(MAP_FAILED, (void *)memory);
	ASSERT_NE(MAP_FAILED, (void *)answer);
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_API, &api));
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_REGISTER, &range));
	ASSERT_EQ(0, pthread_create(&thread, NULL, submit_late, &late));
	/* It is in the middle of its copy now. */
	ASSERT_EQ((int)sizeof(fault), (int)read(uffd, &fault, sizeof(fault)));
	ASSERT_EQ(0, driver_unbind(self->address));
	memcpy(answer, &self->job, sizeof(self->job));
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_COPY, &copy));
	pthread_join(thread, NULL);
	EXPECT_EQ(-ENODEV, late.ret);
	close(uffd);
	expect_gone(_metadata, self);
	ASSERT_EQ(0, driver_bind(self->address));
	let_go(self);
	expect_works(_metadata, self);
}

/* Registers answer all ones, as when the device was pulled: nobody told the driver. */
TEST_F(unplug, registers_stop_answering)
{
	char path[128], id[16];
	struct xqaccel_completion c;
	const uint16_t off = 0;
	int config;

	if (!on_pci(self->address))
		SKIP(return, "not on PCI, which can switch it off");
	bus_path(path, sizeof(path), self->address, "config");
	config = open(path, O_RDWR);
	ASSERT_LE(0, config);
	if (host_present())
		ASSERT_EQ(0, inject("slow-ns", 300 * MS));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(2, (int)pwrite(config, &off, 2, 4));
	ASSERT_EQ(0, wait_one(self->fd, &c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)c.status);
	expect_gone(_metadata, self);
	close(config);
	EXPECT_LE(0, file_read("/sys/class/xqaccel/xqaccel0/state", id, sizeof(id)));
	EXPECT_EQ(0, strcmp(id, "lost\n"));

	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, driver_unbind(self->address));
	ASSERT_EQ(0, driver_bind(self->address));
	let_go(self);
	expect_works(_metadata, self);
}

/* Pulled out without a word, with a job running, then put back and found again. */
TEST_F_TIMEOUT(unplug, surprise, 60)
{
	struct xqaccel_completion c;

	if (!host_present())
		SKIP(return, "no host to pull it out");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 600000));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 600000));
	ASSERT_EQ(0, host_request(NULL, 0, "qom-set removed true"));
	ASSERT_EQ(0, wait_one(self->fd, &c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)c.status);
	expect_gone(_metadata, self);

	ASSERT_EQ(0, host_request(NULL, 0, "qom-set removed false"));
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_rescan(self->address));
	let_go(self);
	expect_works(_metadata, self);
}

/* Nobody notices while nothing runs; the next job does. */
TEST_F_TIMEOUT(unplug, surprise_while_idle, 60)
{
	struct xqaccel_completion c;

	if (!host_present())
		SKIP(return, "no host to pull it out");
	ASSERT_EQ(0, host_request(NULL, 0, "qom-set removed true"));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 600000));
	ASSERT_EQ(0, wait_one(self->fd, &c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)c.status);
	expect_gone(_metadata, self);

	ASSERT_EQ(0, host_request(NULL, 0, "qom-set removed false"));
	ASSERT_EQ(0, bus_rescan(self->address));
	let_go(self);
	expect_works(_metadata, self);
}

/* The host asks, the guest's hot-plug driver lets go; that takes it five seconds. */
TEST_F_TIMEOUT(unplug, hot_unplug_and_plug, 90)
{
	unsigned int i;
	int ret = -1;

	if (!host_present())
		SKIP(return, "no host to unplug it");
	if (!on_pci(self->address))
		SKIP(return, "not on PCI, where it could be unplugged");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 600000));
	ASSERT_EQ(0, host_request(NULL, 0, "device_del"));
	ASSERT_TRUE(node_goes(20000));
	expect_gone(_metadata, self);
	for (i = 0; i < 100 && ret; i++) {
		ret = host_request(NULL, 0, "device_add");
		if (ret)
			sleep_ms(200);
	}
	ASSERT_EQ(0, ret);
	let_go(self);
	expect_works(_metadata, self);
}

TEST_F_TIMEOUT(unplug, module_is_held_by_an_open_file, 60)
{
	if (!module_present())
		SKIP(return, "no file to load the module from again");
	EXPECT_EQ(-EAGAIN, module_unload());
	let_go(self);
	/* A mapping holds the file, so it must be gone, too. */
	EXPECT_EQ(0, module_unload());
	EXPECT_TRUE(node_goes(2000));
	EXPECT_EQ(0, module_load(""));
	expect_works(_metadata, self);
}

TEST_F_TIMEOUT(unplug, unload_and_load_many_times, 90)
{
	unsigned int i;

	if (!module_present())
		SKIP(return, "no file to load the module from again");
	let_go(self);
	for (i = 0; i < 15; i++) {
		use_device(_metadata, self);
		/* A job that still runs when its file is closed, and the module goes. */
		submit(self->fd, &self->job);
		let_go(self);
		ASSERT_EQ(0, module_unload());
		ASSERT_EQ(0, module_load(""));
		ASSERT_TRUE(node_appears(5000));
	}
	expect_works(_metadata, self);
}

TEST_F_TIMEOUT(unplug, module_parameters, 60)
{
	struct xqaccel_info info;
	struct buffer buf;

	if (!module_present())
		SKIP(return, "no file to load the module from again");
	let_go(self);
	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, module_load("default_timeout_ms=250 max_timeout_ms=2000 client_megabytes=1"));
	ASSERT_TRUE(node_appears(5000));
	use_device(_metadata, self);
	ASSERT_EQ(0, device_info(self->fd, &info));
	EXPECT_EQ(250U, info.default_timeout_ms);
	EXPECT_EQ(2000U, info.max_timeout_ms);
	EXPECT_EQ(1ULL << 20, info.client_bytes);
	EXPECT_EQ(1ULL << 20, info.max_buffer_bytes);
	EXPECT_EQ(-EINVAL, submit_lane(self->fd, &self->job, 0, 2001));
	EXPECT_EQ(-ENOSPC, buffer_create_unmapped(self->fd, 1 << 20, &buf));
	EXPECT_EQ(-EINVAL, buffer_create_unmapped(self->fd, (1 << 20) + 1, &buf));
	if (host_present()) {
		struct xqaccel_completion c;

		ASSERT_EQ(0, inject("hang-jobs", 1));
		ASSERT_EQ(0, submit(self->fd, &self->job));
		EXPECT_EQ(0, wait_one(self->fd, &c, 2 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_TIMEOUT, (int)c.status);
	}
	let_go(self);
	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, module_load(""));
	expect_works(_metadata, self);
}

TEST_HARNESS_MAIN
