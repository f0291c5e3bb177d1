// SPDX-License-Identifier: GPL-2.0
/* Buffers of dma-bufs: of other drivers, of other clients and processes. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "device.h"
#include "fences.h"
#include "guest.h"
#include "harness.h"
#include "shared_memory.h"

#define PAGE	4096

/* Mappings hold the file open, so those of a test end with it. */
static struct buffer mapped[8];
static unsigned int mapped_count;

static int keep(int ret, const struct buffer *buf)
{
	if (!ret)
		mapped[mapped_count++] = *buf;
	return ret;
}

static int create(int fd, struct buffer *buf)
{
	return keep(buffer_create(fd, PAGE, buf), buf);
}

static int create_shared(int fd, struct buffer *buf)
{
	return keep(buffer_create_shared(fd, PAGE, buf), buf);
}

FIXTURE(import)
{
	int fd;
	int64_t pinned;
};

FIXTURE_SETUP(import)
{
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, stat_settles("buffers", 0, 10000));
	self->pinned = pages_pinned();
	if (memory_is_bounced(self->fd))
		SKIP(return, "DMA is bounced here, see memory");
}

FIXTURE_TEARDOWN(import)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	while (mapped_count--)
		munmap(mapped[mapped_count].map, mapped[mapped_count].bytes);
	close(self->fd);
	EXPECT_EQ(0U, memory_left(self->pinned));
}

/* ---- dma-bufs -------------------------------------------------------------------- */

TEST_F(import, another_drivers_dmabuf)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;
	uint8_t *map;
	int dmabuf;

	dmabuf = foreign_dmabuf(8 * PAGE, &map);
	if (dmabuf == -ENOENT)
		SKIP(return, "this kernel has no udmabuf");
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, buffer_import(self->fd, dmabuf, 0, &buf));
	EXPECT_EQ(8ULL * PAGE, buf.bytes);
	close(dmabuf);
	buf.map = map;
	EXPECT_EQ(0, small_run(self->fd, &buf, &job, &c));
	/* At its end, too: all of it is mapped. */
	job.operand[XQACCEL_C].offset = 8 * PAGE - 64;
	ASSERT_EQ(0, submit(self->fd, &job));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	buf.map += 8 * PAGE - 64 - SMALL_C;
	EXPECT_EQ(0, small_check(&buf, 16 * 3 * 4));
	job.operand[XQACCEL_C].offset = 8 * PAGE - 60;
	EXPECT_EQ(-ERANGE, submit(self->fd, &job));
	EXPECT_EQ(0, buffer_destroy(self->fd, buf.handle));
}

TEST_F(import, import_refuses)
{
	const int memory = memfd_create("xqaccel", MFD_CLOEXEC);
	struct buffer buf, own;
	uint8_t *map;
	int dmabuf;

	ASSERT_EQ(0, ftruncate(memory, PAGE));
	EXPECT_EQ(-EBADF, buffer_import(self->fd, -1, 0, &buf));
	EXPECT_EQ(-EBADF, buffer_import(self->fd, 1000, 0, &buf));
	EXPECT_EQ(-EINVAL, buffer_import(self->fd, memory, 0, &buf));
	EXPECT_EQ(-EINVAL, buffer_import(self->fd, self->fd, 0, &buf));
	ASSERT_EQ(0, create_shared(self->fd, &own));
	dmabuf = buffer_export(self->fd, own.handle, 0);
	ASSERT_LE(0, dmabuf);
	EXPECT_EQ(-EOPNOTSUPP, buffer_import(self->fd, dmabuf, XQACCEL_BUF_SHARED, &buf));
	close(dmabuf);
	EXPECT_EQ(-EBADF, buffer_import(self->fd, dmabuf, 0, &buf));
	/* For reading only: so is what is made of it. */
	dmabuf = buffer_export(self->fd, own.handle, XQACCEL_BUF_READ_ONLY);
	ASSERT_LE(0, dmabuf);
	EXPECT_EQ(-EACCES, buffer_import(self->fd, dmabuf, 0, &buf));
	EXPECT_EQ(NULL, (void *)dmabuf_map(dmabuf, PAGE, true));
	map = dmabuf_map(dmabuf, PAGE, false);
	EXPECT_NE(NULL, (void *)map);
	munmap(map, PAGE);
	EXPECT_EQ(0, buffer_import(self->fd, dmabuf, XQACCEL_BUF_READ_ONLY, &buf));
	/* It has no offset of the file, and is no buffer that can be given on. */
	EXPECT_EQ(-EINVAL, buffer_export(self->fd, buf.handle, 0));
	close(dmabuf);
	close(memory);
}

TEST_F(import, export_refuses)
{
	const struct rlimit none = { 0, 64 };
	struct buffer private, shared;
	struct rlimit before;

	ASSERT_EQ(0, create(self->fd, &private));
	ASSERT_EQ(0, create_shared(self->fd, &shared));
	EXPECT_EQ(-EINVAL, buffer_export(self->fd, private.handle, 0));
	EXPECT_EQ(-ENOENT, buffer_export(self->fd, 0, 0));
	EXPECT_EQ(-ENOENT, buffer_export(self->fd, shared.handle + 1, 0));
	EXPECT_EQ(-EOPNOTSUPP, buffer_export(self->fd, shared.handle, XQACCEL_BUF_SHARED));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, buffer_export(self->fd, shared.handle, 0));
	setrlimit(RLIMIT_NOFILE, &before);
}

#define FILE_MAX	"/proc/sys/fs/file-max"

/* What an export, and a submit with a fence, are answered when the system has no file left. */
static int without_files(int fd, const struct buffer *shared)
{
	struct xqaccel_job_desc job;
	int fence;

	small_job(&job, shared);
	if (setgid(1000) || setuid(1000))
		return 1;
	if (buffer_export(fd, shared->handle, 0) != -ENFILE)
		return 2;
	return submit_fenced(fd, &job, 1, 0, 0, -1, &fence, NULL) == -ENOMEM ? 0 : 3;
}

/* Root is not limited by the system's number of files. */
TEST_F(import, no_file_is_left_in_the_system)
{
	struct buffer shared;
	char before[32];
	int status;
	pid_t child;

	if (getuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, create_shared(self->fd, &shared));
	ASSERT_LT(0, file_read(FILE_MAX, before, sizeof(before)));
	/* Less than it thinks that it has, which it counts by the processor and then in all. */
	ASSERT_EQ(0, file_write(FILE_MAX, "0"));
	child = fork();
	if (!child)
		_exit(without_files(self->fd, &shared));
	waitpid(child, &status, 0);
	ASSERT_EQ(0, file_write(FILE_MAX, before));
	EXPECT_EQ(0, status);
	EXPECT_LE(0, close(buffer_export(self->fd, shared.handle, 0)));
}

/* What the caller was not told of is not there. */
TEST_F(import, answers_that_cannot_be_written)
{
	uint8_t *answer = pages_of(PAGE);
	struct xqaccel_buf_wrap *wrap = (void *)answer;
	struct xqaccel_buf_export *export = (void *)(answer + 64);
	struct xqaccel_buf_import *import = (void *)(answer + 128);
	struct buffer own;
	int i, dmabuf;

	ASSERT_EQ(0, create_shared(self->fd, &own));
	dmabuf = buffer_export(self->fd, own.handle, 0);
	*wrap = (struct xqaccel_buf_wrap){ .size = sizeof(*wrap), .bytes = PAGE,
					   .address = (uintptr_t)pages_of(PAGE) };
	*export = (struct xqaccel_buf_export){ .size = sizeof(*export), .handle = own.handle };
	*import = (struct xqaccel_buf_import){ .size = sizeof(*import), .fd = dmabuf };
	ASSERT_EQ(0, mprotect(answer, PAGE, PROT_READ));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_WRAP, wrap));
		ASSERT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_EXPORT, export));
		ASSERT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_IMPORT, import));
	}
	EXPECT_EQ(1, stat_settles("buffers", 1, 10000));
	EXPECT_EQ(self->pinned, pages_pinned());
	/* The lowest descriptor is free again. */
	close(dmabuf);
	EXPECT_EQ(dmabuf, buffer_export(self->fd, own.handle, 0));
	close(dmabuf);
}

/* ---- other clients, other processes ------------------------------------------------ */

/* Two files, two contexts, one memory: the second computes on what the first has written. */
TEST_F(import, two_clients)
{
	const int other = device_open();
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer mine, theirs;
	uint8_t *map;
	int dmabuf;

	ASSERT_EQ(0, create_shared(self->fd, &mine));
	dmabuf = buffer_export(self->fd, mine.handle, 0);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, buffer_import(other, dmabuf, 0, &theirs));
	map = dmabuf_map(dmabuf, PAGE, true);
	ASSERT_NE(NULL, (void *)map);
	theirs.map = map;
	EXPECT_EQ(0, small_run(other, &theirs, &job, &c));
	EXPECT_EQ(0, small_check(&mine, 16 * 3 * 4));
	EXPECT_EQ(0, small_run(self->fd, &mine, &job, &c));
	/* A handle is one file's. */
	small_job(&job, &theirs);
	job.operand[XQACCEL_C].handle = mine.handle + 7;
	EXPECT_EQ(-ENOENT, submit(other, &job));
	munmap(map, PAGE);
	close(dmabuf);
	close(other);
}

/* The memory outlives the exporter's file, and goes with the last who has it. */
TEST_F(import, closed_in_any_order)
{
	unsigned int order;

	for (order = 0; order < 6; order++) {
		const int a = device_open(), b = device_open();
		struct xqaccel_completion c;
		struct xqaccel_job_desc job;
		struct buffer mine, theirs;
		int dmabuf;

		ASSERT_EQ(0, buffer_create_shared(a, PAGE, &mine));
		dmabuf = buffer_export(a, mine.handle, 0);
		ASSERT_EQ(0, buffer_import(b, dmabuf, 0, &theirs));
		theirs.map = dmabuf_map(dmabuf, PAGE, true);
		munmap(mine.map, PAGE);
		if (order % 2)
			EXPECT_EQ(0, buffer_destroy(a, mine.handle));
		if (order / 2 != 0)
			close(a);
		if (order / 2 != 1)
			close(dmabuf);
		EXPECT_EQ(0, small_run(b, &theirs, &job, &c));
		munmap(theirs.map, PAGE);
		close(b);
		if (order / 2 == 0)
			close(a);
		if (order / 2 == 1)
			close(dmabuf);
		EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
		EXPECT_EQ(1, stat_settles("clients", 1, 10000));
	}
}

/* Each has the other's memory: neither's end waits for the other's. */
TEST_F(import, two_clients_that_hold_each_other)
{
	const int a = device_open(), b = device_open();
	struct buffer of_a, of_b, there;
	int dmabuf;

	ASSERT_EQ(0, buffer_create_shared(a, PAGE, &of_a));
	ASSERT_EQ(0, buffer_create_shared(b, PAGE, &of_b));
	dmabuf = buffer_export(a, of_a.handle, 0);
	ASSERT_EQ(0, buffer_import(b, dmabuf, 0, &there));
	/* And its own. */
	ASSERT_EQ(0, buffer_import(a, dmabuf, 0, &there));
	close(dmabuf);
	dmabuf = buffer_export(b, of_b.handle, 0);
	ASSERT_EQ(0, buffer_import(a, dmabuf, 0, &there));
	close(dmabuf);
	munmap(of_a.map, PAGE);
	munmap(of_b.map, PAGE);
	close(a);
	close(b);
	EXPECT_EQ(1, stat_settles("clients", 1, 10000));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
}

static void child_computes(int sock)
{
	const int dmabuf = descriptor_receive(sock), fd = device_open();
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;

	if (dmabuf < 0 || buffer_import(fd, dmabuf, 0, &buf))
		_exit(1);
	buf.map = dmabuf_map(dmabuf, PAGE, true);
	if (!buf.map || small_run(fd, &buf, &job, &c))
		_exit(2);
	_exit(send(sock, "", 1, 0) == 1 ? (pause(), 0) : 3);
}

/* Sent over a socket, used there; and the process is killed in the middle of it. */
TEST_F(import, another_process)
{
	struct buffer buf;
	int sock[2], dmabuf;
	pid_t child;
	char byte;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	ASSERT_EQ(0, create_shared(self->fd, &buf));
	dmabuf = buffer_export(self->fd, buf.handle, 0);
	ASSERT_LE(0, dmabuf);
	child = fork();
	if (!child) {
		close(dmabuf);
		close(self->fd);
		child_computes(sock[1]);
	}
	ASSERT_EQ(0, descriptor_send(sock[0], dmabuf));
	close(dmabuf);
	close(sock[1]);
	ASSERT_EQ(1, (int)recv(sock[0], &byte, 1, 0));
	EXPECT_EQ(0, small_check(&buf, 16 * 3 * 4));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	EXPECT_EQ(1, stat_settles("buffers", 1, 10000));
}

/* Exported, wrapped and imported memory while jobs run on it, and a process that dies with it. */
TEST_F_TIMEOUT(import, killed_with_jobs_under_way, 60)
{
	unsigned int round;

	if (!host_present())
		SKIP(return, "no host to make jobs slow");
	ASSERT_EQ(0, inject("slow-ns", 20 * MS));
	for (round = 0; round < 5; round++) {
		const pid_t child = fork();

		if (!child) {
			struct buffer shared, wrapped, imported;
			const int fd = device_open();
			struct xqaccel_job_desc job;
			int i, dmabuf;

			if (buffer_create_shared(fd, PAGE, &shared) ||
			    buffer_wrap(fd, pages_of(PAGE), PAGE, 0, &wrapped))
				_exit(1);
			dmabuf = buffer_export(fd, shared.handle, 0);
			if (buffer_import(fd, dmabuf, 0, &imported))
				_exit(1);
			for (i = 0; i < 8; i++) {
				small_job(&job, i % 3 == 0 ? &imported :
						i % 3 == 1 ? &wrapped : &shared);
				if (submit_lane(fd, &job, i, 0))
					_exit(1);
			}
			kill(getpid(), SIGKILL);
		}
		ASSERT_EQ(child, waitpid(child, NULL, 0));
		EXPECT_EQ(0, stat_settles("buffers", 0, 20000));
	}
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
}

/* ---- the device goes ------------------------------------------------------------------ */

/* Unbound with all kinds of buffers and jobs on them: the memory stays, nothing leaks. */
TEST_F_TIMEOUT(import, unbound_while_shared, 90)
{
	struct xqaccel_job_desc job;
	struct buffer shared, wrapped, imported, foreign = { .handle = 0 };
	uint8_t *map, *foreign_map = NULL;
	char address[32];
	int dmabuf, other, i, last;

	if (!host_present())
		SKIP(return, "no host to make jobs slow");
	ASSERT_EQ(0, bus_address(address, sizeof(address)));
	ASSERT_EQ(0, buffer_create_shared(self->fd, PAGE, &shared));
	ASSERT_EQ(0, buffer_wrap(self->fd, pages_of(8 * PAGE), 8 * PAGE, 0, &wrapped));
	dmabuf = buffer_export(self->fd, shared.handle, 0);
	ASSERT_EQ(0, buffer_import(self->fd, dmabuf, 0, &imported));
	other = foreign_dmabuf(4 * PAGE, &foreign_map);
	if (other >= 0)
		ASSERT_EQ(0, buffer_import(self->fd, other, 0, &foreign));
	memset(shared.map, 0x5a, PAGE);
	ASSERT_EQ(0, inject("slow-ns", 200 * MS));
	last = other >= 0 ? 4 : 3;
	for (i = 0; i < last; i++) {
		small_job(&job, i == 0 ? &shared : i == 1 ? &wrapped :
				i == 2 ? &imported : &foreign);
		ASSERT_EQ(0, submit_lane(self->fd, &job, i, 0));
	}
	ASSERT_EQ(0, driver_unbind(address));
	EXPECT_EQ(-ENODEV, buffer_export(self->fd, shared.handle, 0));
	EXPECT_EQ(-ENODEV, buffer_import(self->fd, dmabuf, 0, &imported));
	EXPECT_EQ(-ENODEV, buffer_wrap(self->fd, wrapped.map, PAGE, 0, &wrapped));
	/* It is there, mapped in either way. */
	map = dmabuf_map(dmabuf, PAGE, true);
	ASSERT_NE(NULL, (void *)map);
	EXPECT_EQ(0x5a, map[SMALL_A]);
	map[0] = 1;
	EXPECT_EQ(1, shared.map[0]);
	munmap(map, PAGE);
	munmap(shared.map, PAGE);
	close(dmabuf);
	close(self->fd);
	if (other >= 0)
		close(other);
	ASSERT_EQ(0, driver_bind_again(address));
	ASSERT_EQ(0, inject_nothing());
	EXPECT_EQ(self->pinned, pages_pinned());
	self->fd = device_open();
}

/* A dma-buf of a device that is no more: another, or the same found again, computes on it. */
TEST_F_TIMEOUT(import, dmabuf_outlives_the_device, 90)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer shared, again;
	char address[32];
	int dmabuf;

	if (!host_present())
		SKIP(return, "no host");
	ASSERT_EQ(0, bus_address(address, sizeof(address)));
	ASSERT_EQ(0, buffer_create_shared(self->fd, PAGE, &shared));
	dmabuf = buffer_export(self->fd, shared.handle, 0);
	ASSERT_LE(0, dmabuf);
	munmap(shared.map, PAGE);
	close(self->fd);
	ASSERT_EQ(0, driver_unbind(address));
	ASSERT_EQ(0, driver_bind_again(address));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_import(self->fd, dmabuf, 0, &again));
	again.map = dmabuf_map(dmabuf, PAGE, true);
	EXPECT_EQ(0, small_run(self->fd, &again, &job, &c));
	munmap(again.map, PAGE);
	/* The module stays as long as its dma-buf. */
	EXPECT_NE(0, module_unload());
	close(dmabuf);
}

TEST_HARNESS_MAIN
