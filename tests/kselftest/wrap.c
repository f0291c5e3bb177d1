// SPDX-License-Identifier: GPL-2.0
/* Buffers of the process's own memory: anonymous, private, of files, on huge pages. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "device.h"
#include "guest.h"
#include "harness.h"
#include "shared_memory.h"

#define PAGE	4096

FIXTURE(wrap)
{
	int fd;
	int64_t pinned;
	struct buffer in, out;
	struct xqaccel_job_desc job;
	struct xqaccel_completion c;
};

FIXTURE_SETUP(wrap)
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

FIXTURE_TEARDOWN(wrap)
{
	/* A mapping holds the file open. */
	if (self->out.map)
		munmap(self->out.map, PAGE);
	close(self->fd);
	EXPECT_EQ(0U, memory_left(self->pinned));
}

/* Memory for reading as self->in, and a job that reads it and writes self->out; 0 or -errno. */
static int wrap_to_read(FIXTURE_DATA(wrap) *self, void *memory, uint64_t bytes)
{
	int ret = self->out.map ? 0 : buffer_create(self->fd, PAGE, &self->out);

	if (!ret)
		ret = buffer_wrap(self->fd, memory, bytes, XQACCEL_BUF_READ_ONLY, &self->in);
	if (ret)
		return ret;
	small_job(&self->job, &self->in);
	self->job.operand[XQACCEL_C].handle = self->out.handle;
	return 0;
}

/* That job, as small_run_job(). */
static int reads(FIXTURE_DATA(wrap) *self, int32_t each)
{
	memset(self->out.map, 0, PAGE);
	return small_run_job(self->fd, &self->job, &self->out, each, &self->c);
}

/* A page of a file with A of 3 and B of 4, mapped for reading; NULL if that failed. */
static uint8_t *operands_of_file(int file, int sharing)
{
	uint8_t page[PAGE] = { 0 };
	void *map;

	memset(page + SMALL_A, 3, 64);
	memset(page + SMALL_B, 4, 64);
	if (pwrite(file, page, PAGE, 0) != PAGE)
		return NULL;
	map = mmap(NULL, PAGE, PROT_READ, sharing, file, 0);
	return map == MAP_FAILED ? NULL : map;
}

TEST_F(wrap, computes_in_place)
{
	struct buffer buf;

	ASSERT_EQ(0, buffer_wrap(self->fd, pages_of(PAGE), PAGE, 0, &buf));
	EXPECT_EQ(self->pinned + 1, pages_pinned());
	EXPECT_EQ(0, small_run(self->fd, &buf, &self->job, &self->c));
	/* Gone from the address space, but not from the device. */
	munmap(buf.map, PAGE);
	EXPECT_EQ(0, submit(self->fd, &self->job));
	EXPECT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(0, buffer_destroy(self->fd, buf.handle));
}

/* Of a file that has no context, for pages are pinned before there is one. */
TEST_F(wrap, refused_before_anything_else)
{
	const int other = device_open();
	uint8_t *memory = pages_of(2 * PAGE);
	struct buffer buf;

	ASSERT_EQ(0, munmap(memory + PAGE, PAGE));
	EXPECT_EQ(-EFAULT, buffer_wrap(other, memory, 2 * PAGE, 0, &buf));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(self->pinned, pages_pinned());
	EXPECT_EQ(0, buffer_wrap(other, memory, PAGE, 0, &buf));
	EXPECT_EQ(0, small_run(other, &buf, &self->job, &self->c));
	close(other);
}

/* The same pages more than once, of one file and of two: each is a buffer. */
TEST_F(wrap, the_same_again)
{
	const int other = device_open();
	uint8_t *memory = pages_of(2 * PAGE);
	struct buffer whole, part, theirs;

	ASSERT_EQ(0, buffer_wrap(self->fd, memory, 2 * PAGE, 0, &whole));
	ASSERT_EQ(0, buffer_wrap(self->fd, memory + PAGE, PAGE, 0, &part));
	ASSERT_EQ(0, buffer_wrap(other, memory, PAGE, 0, &theirs));
	EXPECT_EQ(0, small_run(self->fd, &whole, &self->job, &self->c));
	EXPECT_EQ(0, buffer_destroy(self->fd, whole.handle));
	EXPECT_EQ(0, small_run(other, &theirs, &self->job, &self->c));
	EXPECT_EQ(0, small_run(self->fd, &part, &self->job, &self->c));
	close(other);
}

TEST_F(wrap, refuses)
{
	uint8_t *memory = pages_of(4 * PAGE);
	struct xqaccel_buf_wrap cmd = { .size = sizeof(cmd) };
	struct xqaccel_info info;
	struct buffer buf;
	int fd;

	ASSERT_EQ(0, device_info(self->fd, &info));
	EXPECT_EQ(-EINVAL, buffer_wrap(self->fd, memory, 0, 0, &buf));
	EXPECT_EQ(-EINVAL, buffer_wrap(self->fd, memory + 1, PAGE, 0, &buf));
	EXPECT_EQ(-EINVAL, buffer_wrap(self->fd, memory, PAGE + 1, 0, &buf));
	EXPECT_EQ(-EINVAL, buffer_wrap(self->fd, memory,
				       (info.max_buffer_bytes & ~4095ULL) + PAGE, 0, &buf));
	EXPECT_EQ(-EOPNOTSUPP, buffer_wrap(self->fd, memory, PAGE, XQACCEL_BUF_SHARED, &buf));
	EXPECT_EQ(-EOPNOTSUPP, buffer_wrap(self->fd, memory, PAGE, 1U << 31, &buf));
	EXPECT_EQ(-EFAULT, buffer_wrap(self->fd, NULL, PAGE, 0, &buf));
	EXPECT_EQ(-EFAULT, buffer_wrap(self->fd, (void *)(UINTPTR_MAX & ~4095UL), PAGE, 0, &buf));
	/* No pointer of a 32-bit program, but a number that it may well give. */
	cmd.address = 1ULL << 63;
	cmd.bytes = PAGE;
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_WRAP, &cmd));
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
	cmd.reserved = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_WRAP, &cmd));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(self->pinned, pages_pinned());
}

/* A job that would write is refused, whatever names the memory: an operand, a program, a slot. */
TEST_F(wrap, read_only_memory_is_not_written)
{
	struct xqaccel_job_desc writes, run = { .work.op = XQACCEL_OP_PROGRAM };
	uint32_t program;
	unsigned int i;

	ASSERT_EQ(0, wrap_to_read(self, pages_of(PAGE), PAGE));
	small_fill(&self->in, 3, 4);
	small_job(&writes, &self->in);
	EXPECT_EQ(-EACCES, submit(self->fd, &writes));
	EXPECT_EQ(-EACCES, program_create(self->fd, &writes, 1, 0, &program));
	EXPECT_EQ(0, reads(self, 16 * 3 * 4));
	for (i = 0; i < 64; i++)
		EXPECT_EQ(0, self->in.map[SMALL_C + i]);

	/* Slot 0 is read, slot 1 written. */
	writes.operand[XQACCEL_A].handle = XQACCEL_SLOT(0);
	writes.operand[XQACCEL_B].handle = XQACCEL_SLOT(0);
	writes.operand[XQACCEL_C].handle = XQACCEL_SLOT(1);
	ASSERT_EQ(0, program_create(self->fd, &writes, 1, 2, &program));
	run.work.run.program = program;
	run.operand[0].handle = self->in.handle;
	run.operand[1].handle = self->in.handle;
	EXPECT_EQ(-EACCES, submit(self->fd, &run));
	run.operand[1].handle = self->out.handle;
	EXPECT_EQ(0, small_run_job(self->fd, &run, &self->out, 16 * 3 * 4, &self->c));
	run.operand[XQACCEL_PROGRAM_PROFILE].handle = self->in.handle;
	run.operand[XQACCEL_PROGRAM_PROFILE].offset = 3072;
	EXPECT_EQ(-EACCES, submit(self->fd, &run));
}

/*
 * Of memory that was never touched, and of a file that is mapped privately, the first write makes
 * another page than is there before; what is pinned for reading has to be the one that comes.
 */
TEST_F(wrap, private_memory_is_read_as_it_is_written)
{
	const int file = memfd_create("xqaccel", MFD_CLOEXEC);
	unsigned int i;

	ASSERT_EQ(0, ftruncate(file, PAGE));
	for (i = 0; i < 3; i++) {
		uint8_t *memory = pages_of(2 * PAGE);

		/* Never touched; read, so that the page of zeros is there; a file's, beside it. */
		ASSERT_NE(NULL, memory);
		if (i == 1)
			EXPECT_EQ(0, memcmp(memory, memory + 1, PAGE - 1));
		if (i == 2)
			ASSERT_EQ(memory, mmap(memory, PAGE, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_FIXED, file, 0));
		ASSERT_EQ(0, wrap_to_read(self, memory, 2 * PAGE));
		small_fill(&self->in, 3, 4 + i);
		EXPECT_EQ(0, reads(self, 16 * 3 * (4 + i)));
		EXPECT_EQ(0, buffer_destroy(self->fd, self->in.handle));
		munmap(memory, 2 * PAGE);
	}
	close(file);
}

/* What a process can't write itself it can't have the device read anew either, and needs not. */
TEST_F(wrap, private_file_that_is_only_read)
{
	const int file = memfd_create("xqaccel", MFD_CLOEXEC);
	uint8_t *map = operands_of_file(file, MAP_PRIVATE);

	ASSERT_NE(NULL, map);
	ASSERT_EQ(0, wrap_to_read(self, map, PAGE));
	EXPECT_EQ(0, reads(self, 16 * 3 * 4));
	EXPECT_EQ(0, mprotect(map, PAGE, PROT_NONE));
	EXPECT_EQ(-EFAULT, wrap_to_read(self, map, PAGE));
	munmap(map, PAGE);
	close(file);
}

/* A file's pages, read as they lie in the page cache. */
TEST_F(wrap, file_is_read_without_a_copy)
{
	const int file = open("/tmp/xq-wrapped", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const uint8_t five = 5;
	uint8_t *map;

	ASSERT_LE(0, file);
	map = operands_of_file(file, MAP_SHARED);
	ASSERT_NE(NULL, map);
	ASSERT_EQ(0, wrap_to_read(self, map, PAGE));
	EXPECT_EQ(0, reads(self, 16 * 3 * 4));
	/* It is the same memory: now one row has another sum. */
	ASSERT_EQ(1, (int)pwrite(file, &five, 1, SMALL_A));
	EXPECT_EQ(4, reads(self, 16 * 3 * 4));
	munmap(map, PAGE);
	close(file);
	unlink("/tmp/xq-wrapped");
}

/* Who has no CAP_IPC_LOCK has his limit; it counts until the buffer has ended. */
TEST_F(wrap, counts_as_locked_memory)
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
TEST_F(wrap, fork_leaves_the_page_with_the_parent)
{
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
	EXPECT_EQ(0, small_run(self->fd, &buf, &self->job, &self->c));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	EXPECT_EQ(0, small_run(self->fd, &buf, &self->job, &self->c));
}

/* KiB of the process's memory that the kernel has put on huge pages. */
static unsigned long huge_kib(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* Twice 2 MiB that lie together need one entry each: no table of leaves is made. */
TEST_F(wrap, huge_pages_are_large_leaves)
{
	const uint64_t large = 2 << 20;
	uint8_t *memory = pages_of(3 * large);
	const unsigned long huge = huge_kib();
	int64_t before, tables;
	struct buffer buf;

	memory += -(uintptr_t)memory & (large - 1);
	madvise(memory, 2 * large, MADV_HUGEPAGE);
	memset(memory, 1, 2 * large);
	if (huge_kib() < huge + 2 * (large >> 10))
		SKIP(return, "the kernel found no memory for huge pages");
	before = stat_of("table_bytes");
	ASSERT_EQ(0, buffer_wrap(self->fd, memory, 2 * large, 0, &buf));
	tables = stat_of("table_bytes") - before;
	/* The middle one, and its list of what it has; with small pages two more of 4 KiB. */
	EXPECT_GE(8192, tables);
	EXPECT_EQ(0, small_run(self->fd, &buf, &self->job, &self->c));
	buf.map += large;
	self->job.operand[XQACCEL_A].offset += large;
	self->job.operand[XQACCEL_B].offset += large;
	self->job.operand[XQACCEL_C].offset += large;
	small_fill(&buf, 2, 5);
	EXPECT_EQ(0, small_run_job(self->fd, &self->job, &buf, 16 * 2 * 5, &self->c));
}

#define TRACING	"/sys/kernel/tracing/"
#define SYS_EXIT	TRACING "events/raw_syscalls/sys_exit/"

/* Clears the trace, which what is written to it does not, and has the ends of all calls in it. */
static bool trace_calls(void)
{
	const int fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return !file_write(SYS_EXIT "enable", "1");
}

/* Whether a call of ioctl() that was traced since the trace was cleared had this result. */
static bool ioctl_returned(long result)
{
	FILE *f = fopen(TRACING "trace", "r");
	char line[512], wanted[64];
	bool found = false;

	snprintf(wanted, sizeof(wanted), "NR %d = %ld\n", __NR_ioctl, result);
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, wanted);
	if (f)
		fclose(f);
	return found;
}

struct late_wrap {
	int fd;
	uint8_t *memory;
};

static void *wrap_late(void *data)
{
	const struct late_wrap *late = data;
	struct buffer buf;

	buffer_wrap(late->fd, late->memory, 2 * PAGE, 0, &buf);
	/* Linux 6.1 does not wait for such memory, but fails. */
	_exit(4);
}

/* A thread waits in WRAP for a page that never comes; then @ready is told. Does not return. */
static void wait_in_wrap(int ready)
{
	uint8_t *memory = pages_of(2 * PAGE);
	const int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range = { (uintptr_t)memory + PAGE, PAGE },
					 .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct late_wrap late = { .fd = device_open(), .memory = memory };
	struct uffd_msg fault;
	pthread_t thread;

	if (!memory || uffd < 0 || late.fd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &range))
		_exit(4);
	memory[0] = 1;
	if (pthread_create(&thread, NULL, wrap_late, &late) ||
	    read(uffd, &fault, sizeof(fault)) != (ssize_t)sizeof(fault) ||
	    write(ready, "", 1) != 1)
		_exit(4);
	pthread_join(thread, NULL);
	_exit(0);
}

/*
 * Who is killed while the memory is brought in does not wait for it, and leaves nothing pinned.
 * What the call returned to a process that is no more, the kernel's trace of calls tells.
 */
TEST_F(wrap, killed_while_memory_is_brought_in)
{
	bool traced;
	int ready[2];
	char byte;
	int status;
	pid_t child;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	child = fork();
	if (!child)
		wait_in_wrap(ready[1]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		waitpid(child, &status, 0);
		SKIP(return, "no userfaultfd, or none that is waited for");
	}
	close(ready[0]);
	traced = trace_calls();
	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	if (traced)
		file_write(SYS_EXIT "enable", "0");
	if (traced)
		EXPECT_TRUE(ioctl_returned(-EINTR));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(1, stat_settles("clients", 1, 10000));
	EXPECT_EQ(self->pinned, pages_pinned());
}

TEST_HARNESS_MAIN
