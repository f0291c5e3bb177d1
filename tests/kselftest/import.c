// SPDX-License-Identifier: GPL-2.0
/* Buffers of memory that was there before: of the process, of dma-bufs, of other clients. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "device.h"
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
	struct xqaccel_info info;
	int64_t pinned;
	bool bounces;
};

FIXTURE_SETUP(import)
{
	struct buffer buf;

	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_info(self->fd, &self->info));
	ASSERT_EQ(0, stat_settles("buffers", 0, 10000));
	self->pinned = pages_pinned();
	self->bounces = buffer_create_shared(self->fd, PAGE, &buf) == -EOPNOTSUPP;
	if (self->bounces)
		SKIP(return, "DMA is bounced here, see memory");
	munmap(buf.map, buf.bytes);
	ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
}

FIXTURE_TEARDOWN(import)
{
	const int64_t began = now_ns();

	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	while (mapped_count--)
		munmap(mapped[mapped_count].map, mapped[mapped_count].bytes);
	close(self->fd);
	/* All of it comes back, whatever the test did. */
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(0, stat_settles("buffer_bytes", 0, 10000));
	EXPECT_EQ(0, stat_settles("table_bytes", 0, 10000));
	/* A dma-buf's own memory follows when the kernel has put its file. */
	while (pages_pinned() != self->pinned && !over_limit(began, 10 * SECOND))
		sleep_ms(10);
	EXPECT_EQ(self->pinned, pages_pinned());
}

/* ---- memory of the process ----------------------------------------------------- */

TEST_F(import, wrapped_memory_computes_in_place)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;

	ASSERT_EQ(0, buffer_wrap(self->fd, pages_of(PAGE), PAGE, 0, &buf));
	EXPECT_EQ(self->pinned + 1, pages_pinned());
	EXPECT_EQ(0, small_run(self->fd, &buf, &job, &c));
	/* Gone from the address space, but not from the device. */
	munmap(buf.map, PAGE);
	EXPECT_EQ(0, submit(self->fd, &job));
	EXPECT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	EXPECT_EQ(0, buffer_destroy(self->fd, buf.handle));
}

/* Of a file that has no context, for pages are pinned before there is one. */
TEST_F(import, wrap_refused_before_anything_else)
{
	const int other = device_open();
	uint8_t *memory = pages_of(2 * PAGE);
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;

	ASSERT_EQ(0, munmap(memory + PAGE, PAGE));
	EXPECT_EQ(-EFAULT, buffer_wrap(other, memory, 2 * PAGE, 0, &buf));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(self->pinned, pages_pinned());
	EXPECT_EQ(0, buffer_wrap(other, memory, PAGE, 0, &buf));
	EXPECT_EQ(0, small_run(other, &buf, &job, &c));
	close(other);
}

/* The same pages more than once, of one file and of two: each is a buffer. */
TEST_F(import, wrapped_again)
{
	const int other = device_open();
	uint8_t *memory = pages_of(2 * PAGE);
	struct buffer whole, part, theirs;
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;

	ASSERT_EQ(0, buffer_wrap(self->fd, memory, 2 * PAGE, 0, &whole));
	ASSERT_EQ(0, buffer_wrap(self->fd, memory + PAGE, PAGE, 0, &part));
	ASSERT_EQ(0, buffer_wrap(other, memory, PAGE, 0, &theirs));
	EXPECT_EQ(0, small_run(self->fd, &whole, &job, &c));
	EXPECT_EQ(0, buffer_destroy(self->fd, whole.handle));
	EXPECT_EQ(0, small_run(other, &theirs, &job, &c));
	EXPECT_EQ(0, small_run(self->fd, &part, &job, &c));
	close(other);
}

TEST_F(import, wrap_refuses)
{
	uint8_t *memory = pages_of(4 * PAGE);
	struct xqaccel_buf_wrap cmd = { .size = sizeof(cmd) };
	struct buffer buf;
	int fd;

	EXPECT_EQ(-EINVAL, buffer_wrap(self->fd, memory, 0, 0, &buf));
	EXPECT_EQ(-EINVAL, buffer_wrap(self->fd, memory + 1, PAGE, 0, &buf));
	EXPECT_EQ(-EINVAL, buffer_wrap(self->fd, memory, PAGE + 1, 0, &buf));
	EXPECT_EQ(-EINVAL, buffer_wrap(self->fd, memory,
				       (self->info.max_buffer_bytes & ~4095ULL) + PAGE, 0, &buf));
	EXPECT_EQ(-EOPNOTSUPP, buffer_wrap(self->fd, memory, PAGE, XQACCEL_BUF_SHARED, &buf));
	EXPECT_EQ(-EOPNOTSUPP, buffer_wrap(self->fd, memory, PAGE, 1U << 31, &buf));
	EXPECT_EQ(-EFAULT, buffer_wrap(self->fd, NULL, PAGE, 0, &buf));
	EXPECT_EQ(-EFAULT, buffer_wrap(self->fd, (void *)(UINTPTR_MAX & ~4095UL), PAGE, 0, &buf));
	EXPECT_EQ(-EFAULT, buffer_wrap(self->fd, (void *)(1UL << 63), PAGE, 0, &buf));
	/* A hole at the end: what was pinned before it is let go of. */
	munmap(memory + 3 * PAGE, PAGE);
	EXPECT_EQ(-EFAULT, buffer_wrap(self->fd, memory, 4 * PAGE, 0, &buf));
	/* What can't be written can be read. */
	ASSERT_EQ(0, mprotect(memory, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, buffer_wrap(self->fd, memory, PAGE, 0, &buf));
	EXPECT_EQ(0, buffer_wrap(self->fd, memory, PAGE, XQACCEL_BUF_READ_ONLY, &buf));
	EXPECT_EQ(0, buffer_destroy(self->fd, buf.handle));
	ASSERT_EQ(0, mprotect(memory, PAGE, PROT_NONE));
	EXPECT_EQ(-EFAULT, buffer_wrap(self->fd, memory, PAGE, XQACCEL_BUF_READ_ONLY, &buf));
	/* Registers are no memory. */
	fd = open("/dev/mem", O_RDWR);
	if (fd >= 0) {
		void *registers = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				       0xfee00000);

		if (registers != MAP_FAILED)
			EXPECT_EQ(-EFAULT, buffer_wrap(self->fd, registers, PAGE, 0, &buf));
		close(fd);
	}
	cmd.address = (uintptr_t)memory + PAGE;
	cmd.bytes = PAGE;
	cmd.reserved = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_WRAP, &cmd));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(self->pinned, pages_pinned());
}

/* A job that would write is refused, whatever names the memory: an operand, a program, a slot. */
TEST_F(import, read_only_memory_is_not_written)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job, run = { .work.op = XQACCEL_OP_PROGRAM };
	void *memory = pages_of(PAGE);
	struct buffer in, out;
	uint32_t program;
	unsigned int i;

	ASSERT_EQ(0, buffer_wrap(self->fd, memory, PAGE, XQACCEL_BUF_READ_ONLY, &in));
	ASSERT_EQ(0, create(self->fd, &out));
	small_fill(&in, 3, 4);
	small_job(&job, &in);
	EXPECT_EQ(-EACCES, submit(self->fd, &job));
	EXPECT_EQ(-EACCES, program_create(self->fd, &job, 1, 0, &program));
	job.operand[XQACCEL_C].handle = out.handle;
	ASSERT_EQ(0, submit(self->fd, &job));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	EXPECT_EQ(0, small_check(&out, 16 * 3 * 4));
	for (i = 0; i < 64; i++)
		EXPECT_EQ(0, in.map[SMALL_C + i]);

	/* Slot 0 is read, slot 1 written. */
	job.operand[XQACCEL_A].handle = XQACCEL_SLOT(0);
	job.operand[XQACCEL_B].handle = XQACCEL_SLOT(0);
	job.operand[XQACCEL_C].handle = XQACCEL_SLOT(1);
	ASSERT_EQ(0, program_create(self->fd, &job, 1, 2, &program));
	run.work.run.program = program;
	run.operand[0].handle = in.handle;
	run.operand[1].handle = in.handle;
	EXPECT_EQ(-EACCES, submit(self->fd, &run));
	run.operand[1].handle = out.handle;
	EXPECT_EQ(0, submit(self->fd, &run));
	EXPECT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	run.operand[XQACCEL_PROGRAM_PROFILE].handle = in.handle;
	run.operand[XQACCEL_PROGRAM_PROFILE].offset = 3072;
	EXPECT_EQ(-EACCES, submit(self->fd, &run));
}

/*
 * Of memory that was never touched, and of a file that is mapped privately, the first write makes
 * another page than is there before; what is pinned for reading has to be the one that comes.
 */
TEST_F(import, private_memory_is_read_as_it_is_written)
{
	const int file = memfd_create("xqaccel", MFD_CLOEXEC);
	struct buffer in, out;
	unsigned int i;

	ASSERT_EQ(0, ftruncate(file, PAGE));
	ASSERT_EQ(0, create(self->fd, &out));
	for (i = 0; i < 3; i++) {
		struct xqaccel_completion c;
		struct xqaccel_job_desc job;
		uint8_t *memory = pages_of(2 * PAGE);

		/* Never touched; read, so that the page of zeros is there; a file's, beside it. */
		ASSERT_NE(NULL, memory);
		if (i == 1)
			EXPECT_EQ(0, memcmp(memory, memory + 1, PAGE - 1));
		if (i == 2)
			ASSERT_EQ(memory, mmap(memory, PAGE, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_FIXED, file, 0));
		ASSERT_EQ(0, buffer_wrap(self->fd, memory, 2 * PAGE, XQACCEL_BUF_READ_ONLY, &in));
		small_fill(&in, 3, 4 + i);
		small_job(&job, &in);
		job.operand[XQACCEL_C].handle = out.handle;
		ASSERT_EQ(0, submit(self->fd, &job));
		ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
		EXPECT_EQ(0, small_check(&out, 16 * 3 * (4 + i)));
		EXPECT_EQ(0, buffer_destroy(self->fd, in.handle));
		munmap(memory, 2 * PAGE);
	}
	close(file);
}

/* What a process can't write itself it can't have the device read anew either, and needs not. */
TEST_F(import, private_file_that_is_only_read)
{
	const int file = memfd_create("xqaccel", MFD_CLOEXEC);
	uint8_t page[PAGE] = { 0 }, *map;
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer in, out;

	memset(page + SMALL_A, 3, 64);
	memset(page + SMALL_B, 4, 64);
	ASSERT_EQ(PAGE, (int)write(file, page, PAGE));
	map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
	ASSERT_NE(MAP_FAILED, (void *)map);
	ASSERT_EQ(0, buffer_wrap(self->fd, map, PAGE, XQACCEL_BUF_READ_ONLY, &in));
	ASSERT_EQ(0, create(self->fd, &out));
	small_job(&job, &in);
	job.operand[XQACCEL_C].handle = out.handle;
	ASSERT_EQ(0, submit(self->fd, &job));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(0, small_check(&out, 16 * 3 * 4));
	EXPECT_EQ(0, mprotect(map, PAGE, PROT_NONE));
	EXPECT_EQ(-EFAULT, buffer_wrap(self->fd, map, PAGE, XQACCEL_BUF_READ_ONLY, &in));
	munmap(map, PAGE);
	close(file);
}

/* A file's pages, read as they lie in the page cache. */
TEST_F(import, file_is_read_without_a_copy)
{
	const int file = open("/tmp/xq-wrapped", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer in, out;
	uint8_t page[PAGE] = { 0 };
	uint8_t *map;

	ASSERT_LE(0, file);
	memset(page + SMALL_A, 3, 64);
	memset(page + SMALL_B, 4, 64);
	ASSERT_EQ(PAGE, (int)write(file, page, PAGE));
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
	ASSERT_NE(MAP_FAILED, (void *)map);
	ASSERT_EQ(0, buffer_wrap(self->fd, map, PAGE, XQACCEL_BUF_READ_ONLY, &in));
	ASSERT_EQ(0, create(self->fd, &out));
	small_job(&job, &in);
	job.operand[XQACCEL_C].handle = out.handle;
	ASSERT_EQ(0, submit(self->fd, &job));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(0, small_check(&out, 16 * 3 * 4));
	/* It is the same memory. */
	page[0] = 5;
	ASSERT_EQ(PAGE, (int)pwrite(file, page, PAGE, 0));
	ASSERT_EQ(0, submit(self->fd, &job));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(4, small_check(&out, 16 * 3 * 4));
	close(file);
	unlink("/tmp/xq-wrapped");
}

/* Who has no CAP_IPC_LOCK has his limit; it counts until the buffer has ended. */
TEST_F(import, wrapped_memory_is_locked_memory)
{
	const struct rlimit limit = { 1 << 20, 1 << 20 };
	struct buffer a, b;
	uint8_t *memory;
	int status, fd;
	pid_t child;

	if (getuid())
		SKIP(return, "not root");
	child = fork();
	if (!child) {
		bool good;

		chmod(device_path(), 0666);
		if (setrlimit(RLIMIT_MEMLOCK, &limit) || setgid(1000) || setuid(1000))
			_exit(1);
		fd = device_open();
		memory = pages_of(2 << 20);
		good = buffer_wrap(fd, memory, 1 << 20, 0, &a) == -ENOMEM;
		good = good && !buffer_wrap(fd, memory, 512 << 10, 0, &a);
		good = good && buffer_wrap(fd, memory + (1 << 20), 512 << 10, 0, &b) == -ENOMEM;
		good = good && !buffer_destroy(fd, a.handle);
		good = good && !buffer_wrap(fd, memory + (1 << 20), 512 << 10, 0, &b);
		_exit(!good);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	chmod(device_path(), 0600);
	EXPECT_EQ(0, status);
}

/* The parent's page stays the one that was pinned, and the child gets another. */
TEST_F(import, fork_leaves_the_page_with_the_parent)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;
	pid_t child;

	ASSERT_EQ(0, buffer_wrap(self->fd, pages_of(PAGE), PAGE, 0, &buf));
	small_fill(&buf, 1, 1);
	child = fork();
	if (!child) {
		small_fill(&buf, 9, 9);
		pause();
		_exit(0);
	}
	sleep_ms(50);
	EXPECT_EQ(0, small_run(self->fd, &buf, &job, &c));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	EXPECT_EQ(0, small_run(self->fd, &buf, &job, &c));
}

/* Twice 2 MiB that lie together need one entry each: no table of leaves is made. */
TEST_F(import, huge_pages_are_large_leaves)
{
	const uint64_t large = 2 << 20;
	uint8_t *memory = pages_of(3 * large);
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	int64_t before, tables;
	struct buffer buf;

	memory = (uint8_t *)(((uintptr_t)memory + large - 1) & ~(large - 1));
	madvise(memory, 2 * large, MADV_HUGEPAGE);
	memset(memory, 1, 2 * large);
	before = stat_of("table_bytes");
	ASSERT_EQ(0, buffer_wrap(self->fd, memory, 2 * large, 0, &buf));
	tables = stat_of("table_bytes") - before;
	/* The middle one, and its list of what it has; with small pages two more of 4 KiB. */
	if (tables > 8192)
		SKIP(, "the kernel found no memory for huge pages");
	EXPECT_EQ(0, small_run(self->fd, &buf, &job, &c));
	buf.map += large;
	job.operand[XQACCEL_A].offset += large;
	job.operand[XQACCEL_B].offset += large;
	job.operand[XQACCEL_C].offset += large;
	small_fill(&buf, 2, 5);
	ASSERT_EQ(0, submit(self->fd, &job));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(0, small_check(&buf, 16 * 2 * 5));
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
	ASSERT_EQ(0, driver_bind(address));
	ASSERT_TRUE(node_appears(10000));
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
	ASSERT_EQ(0, driver_bind(address));
	ASSERT_TRUE(node_appears(10000));
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
