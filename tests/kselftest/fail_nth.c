// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation and every copy from and to user memory inside each call fails once: the call
 * either fails with the right error and leaves nothing, or does without what it did not get.
 * Needs a kernel with fault injection.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "fail_nth.h"
#include "fault_injection.h"
#include "guest.h"
#include "harness.h"

TEST_F_TIMEOUT(fail_nth, open_and_close, 200)
{
	bool done = false;

	EACH_PLACE(self) {
		const int fd = TRY(self, device_open());

		if (fd >= 0)
			close(fd);
		nothing_left(_metadata, self);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	still_works(_metadata, self->fd, &self->buf);
}

/* What close() needs it has, or does without; it can't refuse. */
static int close_one(int fd)
{
	return close(fd) ? -errno : 0;
}

TEST_F_TIMEOUT(fail_nth, close, 200)
{
	bool done = false;

	EACH_PLACE(self) {
		const int fd = device_open();
		struct xqaccel_job_desc job;
		struct buffer buf;

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, buffer_create_unmapped(fd, 8192, &buf));
		small_job(&job, &buf);
		ASSERT_EQ(0, submit(fd, &job));
		ASSERT_EQ(0, fail_nth(self->n));
		EXPECT_EQ(0, close_one(fd));
		done = !fail_nth_happened();
		self->survived += !done;
		other_file_ended(_metadata);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	/* That a close meets no candidate is well. */
	self->n++;
}

TEST_F(fail_nth, info)
{
	bool done = false;

	EACH_PLACE(self) {
		struct xqaccel_info info;

		TRY(self, device_info(self->fd, &info));
		nothing_left(_metadata, self);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

/* Refused, the file has none, and gets one when it asks again. */
TEST_F_TIMEOUT(fail_nth, context_create, 300)
{
	bool done = false;

	EACH_PLACE(self) {
		const int fd = device_open();
		struct buffer buf;

		ASSERT_LE(0, fd);
		if (TRY(self, context_create(fd, XQACCEL_PRIORITY_HIGH)))
			ASSERT_EQ(0, context_create(fd, XQACCEL_PRIORITY_HIGH));
		EXPECT_EQ(-EEXIST, context_create(fd, XQACCEL_PRIORITY_HIGH));
		ASSERT_EQ(0, buffer_create(fd, 4096, &buf));
		still_works(_metadata, fd, &buf);
		munmap(buf.map, buf.bytes);
		close(fd);
		other_file_ended(_metadata);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

TEST_F_TIMEOUT(fail_nth, buffer_create, 300)
{
	bool done = false;

	EACH_PLACE(self) {
		struct buffer buf;

		/* Page by page, as blocks fail first, and into a new table of the device. */
		if (!TRY(self, buffer_create_unmapped(self->fd, 256 << 10, &buf)))
			ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
		nothing_left(_metadata, self);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	still_works(_metadata, self->fd, &self->buf);
}

/* The first of a file, with all that is made for it. */
TEST_F_TIMEOUT(fail_nth, first_buffer, 300)
{
	bool done = false;

	EACH_PLACE(self) {
		const int fd = device_open();
		struct buffer buf;

		ASSERT_LE(0, fd);
		if (!TRY(self, buffer_create_unmapped(fd, 4096, &buf)))
			ASSERT_EQ(0, buffer_destroy(fd, buf.handle));
		nothing_left(_metadata, self);
		ASSERT_EQ(0, buffer_create(fd, 4096, &buf));
		still_works(_metadata, fd, &buf);
		munmap(buf.map, buf.bytes);
		close(fd);
		other_file_ended(_metadata);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

TEST_F(fail_nth, buffer_destroy)
{
	bool done = false;

	EACH_PLACE(self) {
		struct buffer buf;

		ASSERT_EQ(0, buffer_create_unmapped(self->fd, 1 << 20, &buf));
		/* Refused, it is still there, and can be destroyed. */
		if (TRY(self, buffer_destroy(self->fd, buf.handle)))
			ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
		EXPECT_EQ(1, stat_settles("buffers", 1, 5000));
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

static int map_and_unmap(int fd, const struct buffer *buf)
{
	void *map = mmap(NULL, buf->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 buf->mmap_offset);

	if (map == MAP_FAILED)
		return -errno;
	return munmap(map, buf->bytes) ? -errno : 0;
}

TEST_F(fail_nth, mmap)
{
	bool done = false;

	EACH_PLACE(self) {
		TRY(self, map_and_unmap(self->fd, &self->buf));
		nothing_left(_metadata, self);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	still_works(_metadata, self->fd, &self->buf);
}

static int submit_three(int fd, const struct buffer *buf, uint32_t *accepted)
{
	struct xqaccel_job_desc jobs[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		small_job(&jobs[i], buf);
	return submit_jobs(fd, jobs, 3, 1, 0, accepted, NULL);
}

/* A submission that fails has accepted nothing; one that succeeds tells how many. */
TEST_F_TIMEOUT(fail_nth, submit, 200)
{
	bool done = false;

	EACH_PLACE(self) {
		struct xqaccel_completion c[3];
		uint32_t accepted = 0, ended;
		int ret;

		ret = TRY(self, submit_three(self->fd, &self->buf, &accepted));
		if (!ret) {
			EXPECT_LT(0U, accepted);
			EXPECT_GE(3U, accepted);
			ASSERT_EQ(0, wait_jobs(self->fd, c, 3, accepted, 10 * SECOND, &ended,
					       NULL));
			EXPECT_EQ(accepted, ended);
		}
		EXPECT_EQ(-ENOENT, wait_one(self->fd, &c[0], 0));
		EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	still_works(_metadata, self->fd, &self->buf);
}

/* A completion is taken when the call succeeds, and is still there when it fails. */
TEST_F_TIMEOUT(fail_nth, wait, 200)
{
	bool done = false;

	EACH_PLACE(self) {
		struct xqaccel_completion c[3];
		uint32_t accepted, ended = 0;
		struct pollfd p = { .fd = self->fd, .events = POLLIN };

		ASSERT_EQ(0, submit_three(self->fd, &self->buf, &accepted));
		ASSERT_EQ(3U, accepted);
		ASSERT_EQ(1, poll(&p, 1, 10000));
		if (TRY(self, wait_jobs(self->fd, c, 3, 3, 10 * SECOND, &ended, NULL)))
			ended = 0;
		if (ended < 3)
			ASSERT_EQ(0, wait_jobs(self->fd, c, 3 - ended, 3 - ended, 10 * SECOND,
					       NULL, NULL));
		EXPECT_EQ(-ENOENT, wait_one(self->fd, &c[0], 0));
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

TEST_F_TIMEOUT(fail_nth, cancel, 200)
{
	bool done = false;

	EACH_PLACE(self) {
		struct xqaccel_completion c;
		struct xqaccel_job_desc job;
		uint64_t id;
		int ret;

		ASSERT_EQ(0, inject("hang-jobs", 1));
		small_job(&job, &self->buf);
		ASSERT_EQ(0, submit_jobs(self->fd, &job, 1, 0, 0, NULL, &id));
		/* Refused, the job goes on. */
		ret = TRY(self, cancel(self->fd, id));
		if (ret)
			ASSERT_EQ(0, cancel(self->fd, id));
		ASSERT_EQ(0, wait_id(self->fd, id, &c, 10 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)c.status);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	ASSERT_EQ(0, inject_nothing());
	still_works(_metadata, self->fd, &self->buf);
}

static int tell(int fd, int event)
{
	struct xqaccel_eventfd cmd = { .size = sizeof(cmd), .fd = event };

	return device_ioctl(fd, XQACCEL_IOCTL_EVENTFD, &cmd);
}

/* Refused, the completion is told to the one that was there before. */
TEST_F(fail_nth, eventfd)
{
	bool done = false;

	EACH_PLACE(self) {
		const int before = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		const int after = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		eventfd_t count;
		int ret;

		ASSERT_EQ(0, tell(self->fd, before));
		ret = TRY(self, tell(self->fd, after));
		still_works(_metadata, self->fd, &self->buf);
		ASSERT_EQ(0, eventfd_read(ret ? before : after, &count));
		EXPECT_EQ(1ULL, count);
		EXPECT_NE(0, eventfd_read(ret ? after : before, &count));
		/* Nor is it taken away by a call that is refused. */
		ret = TRY(self, tell(self->fd, XQACCEL_NO_EVENTFD));
		still_works(_metadata, self->fd, &self->buf);
		EXPECT_EQ(!ret, eventfd_read(before, &count) && eventfd_read(after, &count));
		ASSERT_EQ(0, tell(self->fd, XQACCEL_NO_EVENTFD));
		close(before);
		close(after);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

static int poll_once(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) < 0 ? -errno : 0;
}

TEST_F(fail_nth, poll)
{
	bool done = false;

	EACH_PLACE(self) {
		TRY(self, poll_once(self->fd));
		nothing_left(_metadata, self);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

/* Reads all that the driver shows of itself. */
static int read_all(const char *const *paths, unsigned int count)
{
	char text[8192];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < count && ret >= 0; i++)
		ret = file_read(paths[i], text, sizeof(text));
	return ret < 0 ? ret : 0;
}

TEST_F_TIMEOUT(fail_nth, what_it_shows, 200)
{
	static const char *const paths[] = {
		"/sys/class/xqaccel/xqaccel0/state", "/sys/class/xqaccel/xqaccel0/isa",
		"/sys/class/xqaccel/xqaccel0/uevent", "/sys/kernel/debug/xqaccel/xqaccel0/stats",
	};
	bool done = false;

	EACH_PLACE(self) {
		TRY(self, read_all(paths, ARRAY_SIZE(paths)));
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

/* ---- the driver's own life ------------------------------------------------------ */

/* As a fresh program finds it. */
static void device_works(struct __test_metadata *_metadata)
{
	struct buffer buf;
	int fd;

	ASSERT_TRUE(node_appears(5000));
	fd = device_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_create(fd, 4096, &buf));
	still_works(_metadata, fd, &buf);
	munmap(buf.map, buf.bytes);
	close(fd);
}

/* The bus passes on what probe() says, and its own mistakes, so any error will do. */
#define TRY_LIFE(self, expression) \
	({ \
		int ret_, happened_; \
		ASSERT_EQ(0, fail_nth((self)->n)); \
		ret_ = (expression); \
		happened_ = fail_nth_happened(); \
		ASSERT_LE(0, happened_); \
		(self)->refused += ret_ < 0; \
		(self)->survived += ret_ >= 0 && happened_; \
		if (!happened_) \
			EXPECT_LE(0, ret_); \
		done = !happened_; \
		ret_; \
	})

TEST_F_TIMEOUT(fail_nth, bind, 900)
{
	bool done = false;

	munmap(self->buf.map, self->buf.bytes);
	ASSERT_EQ(0, driver_unbind(self->address));
	EACH_PLACE(self) {
		/* Refused, it is as if nobody had asked; the next try is another's. */
		if (TRY_LIFE(self, driver_bind(self->address))) {
			EXPECT_TRUE(node_goes(5000));
		} else {
			device_works(_metadata);
			ASSERT_EQ(0, driver_unbind(self->address));
		}
		if (done)
			break;
	}
	ASSERT_EQ(0, driver_bind(self->address));
	ASSERT_TRUE(done);
	device_works(_metadata);
}

/* It can't be refused: whatever was done so far, the device is gone, and comes back whole. */
TEST_F_TIMEOUT(fail_nth, unbind, 900)
{
	bool done = false;

	EACH_PLACE(self) {
		const int ret = TRY_LIFE(self, driver_unbind(self->address));

		/* Refused before the bus asked the driver. */
		if (ret)
			ASSERT_EQ(0, driver_unbind(self->address));
		EXPECT_TRUE(node_goes(5000));
		ASSERT_EQ(0, driver_bind(self->address));
		device_works(_metadata);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

static int reset_function(const char *address)
{
	return bus_file_write(address, "reset", "1");
}

TEST_F_TIMEOUT(fail_nth, reset, 900)
{
	bool done = false;

	EACH_PLACE(self) {
		TRY_LIFE(self, reset_function(self->address));
		still_works(_metadata, self->fd, &self->buf);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

/*
 * Of a load what the module's own beginning does: the kernel's loader, before it, has a place for
 * each page of the file. Devices are found by bind, which has a test of its own.
 */
TEST_F_TIMEOUT(fail_nth, module_load, 900)
{
	bool done = false;

	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	ASSERT_EQ(0, file_write("/sys/bus/pci/drivers_autoprobe", "0"));
	ASSERT_EQ(0, fail_only_below("do_one_initcall"));
	EACH_PLACE(self) {
		int ret = module_unload();

		ASSERT_TRUE(!ret || ret == -ENOENT);
		ret = TRY_LIFE(self, module_load(""));
		/* EINVAL: the kernel's module_add_driver() could not make its folder in sysfs. */
		EXPECT_TRUE(!ret || ret == -ENOMEM || ret == -EINVAL);
		if (done)
			break;
	}
	ASSERT_EQ(0, fail_only_below(NULL));
	ASSERT_EQ(0, file_write("/sys/bus/pci/drivers_autoprobe", "1"));
	ASSERT_TRUE(done);
	ASSERT_EQ(0, driver_bind(self->address));
	device_works(_metadata);
}

TEST_HARNESS_MAIN
