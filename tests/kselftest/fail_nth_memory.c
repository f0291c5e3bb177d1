// SPDX-License-Identifier: GPL-2.0
/*
 * As fail_nth.c: memory of the process and of dma-bufs, and programs. Needs a kernel with fault
 * injection.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "fail_nth.h"
#include "shared_memory.h"

#define PAGES	16
#define BYTES	(PAGES * 4096ULL)

static void nothing_pinned(struct __test_metadata *_metadata, int64_t before)
{
	const int64_t began = now_ns();

	while (pages_pinned() != before && !over_limit(began, 10 * SECOND))
		sleep_ms(10);
	ASSERT_EQ(before, pages_pinned());
}

static void try_wraps(struct __test_metadata *_metadata, FIXTURE_DATA(fail_nth) *self,
		      uint32_t flags)
{
	const int64_t pinned = pages_pinned();
	bool done = false;

	EACH_PLACE(self) {
		uint8_t *memory = pages_of(BYTES);
		struct buffer buf;

		ASSERT_TRUE(!!memory);
		/* Half of it is there, and half is made by being pinned. */
		memset(memory, 1, BYTES / 2);
		if (!TRY(self, buffer_wrap(self->fd, memory, BYTES, flags, &buf)))
			ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
		nothing_left(_metadata, self);
		nothing_pinned(_metadata, pinned);
		munmap(memory, BYTES);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	still_works(_metadata, self->fd, &self->buf);
}

TEST_F_TIMEOUT(fail_nth, wrap, 300)
{
	try_wraps(_metadata, self, 0);
}

TEST_F_TIMEOUT(fail_nth, wrap_read_only, 300)
{
	try_wraps(_metadata, self, XQACCEL_BUF_READ_ONLY);
}

/* What a buffer has besides if it can be exported; and it is mapped. */
TEST_F_TIMEOUT(fail_nth, create_shared, 300)
{
	bool done = false;

	EACH_PLACE(self) {
		struct buffer buf = { .handle = 0 };

		/* Made, but not mapped. */
		if (TRY(self, buffer_create_shared(self->fd, BYTES, &buf)) && buf.handle) {
			ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
		} else if (buf.handle) {
			ASSERT_EQ(0, munmap(buf.map, buf.bytes) ||
				  buffer_destroy(self->fd, buf.handle));
		}
		nothing_left(_metadata, self);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

/* Refused, there is no dma-buf and its descriptor is free. */
TEST_F_TIMEOUT(fail_nth, export, 300)
{
	struct buffer shared;
	bool done = false;

	ASSERT_EQ(0, buffer_create_shared(self->fd, BYTES, &shared));
	munmap(shared.map, shared.bytes);
	EACH_PLACE(self) {
		const int next = next_descriptor();
		const int dmabuf = TRY(self, buffer_export(self->fd, shared.handle, 0));
		struct buffer buf;

		if (dmabuf >= 0) {
			EXPECT_EQ(next, dmabuf);
			ASSERT_EQ(0, buffer_import(self->fd, dmabuf, 0, &buf));
			ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
			close(dmabuf);
		}
		ASSERT_EQ(next, next_descriptor());
		nothing_left(_metadata, self);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	/* No dma-buf holds it. */
	ASSERT_EQ(0, buffer_destroy(self->fd, shared.handle));
	EXPECT_EQ(1, stat_settles("buffers", 1, 5000));
}

/* Whether a dma-buf is attached to a device; what the kernel tells of all. */
static bool attached(void)
{
	char text[8192];
	const char *at;

	if (file_read("/sys/kernel/debug/dma_buf/bufinfo", text, sizeof(text)) < 0)
		return false;
	for (at = text; (at = strstr(at, "Attached Devices:\n")); at++)
		if (strncmp(at, "Attached Devices:\nTotal 0 devices", 33))
			return true;
	return false;
}

static void try_imports(struct __test_metadata *_metadata, FIXTURE_DATA(fail_nth) *self, int dmabuf)
{
	const int64_t pinned = pages_pinned();
	bool done = false;

	EACH_PLACE(self) {
		struct buffer buf;
		const int ret = TRY(self, buffer_import(self->fd, dmabuf, 0, &buf));

		/* The device may go before what was refused has ended. */
		if (ret != -EFAULT)
			EXPECT_EQ(!ret, attached());
		if (!ret)
			ASSERT_EQ(0, buffer_destroy(self->fd, buf.handle));
		nothing_left(_metadata, self);
		nothing_pinned(_metadata, pinned);
		EXPECT_FALSE(attached());
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	still_works(_metadata, self->fd, &self->buf);
}

TEST_F_TIMEOUT(fail_nth, import, 300)
{
	struct buffer shared;
	int dmabuf;

	ASSERT_EQ(0, buffer_create_shared(self->fd, BYTES, &shared));
	munmap(shared.map, shared.bytes);
	dmabuf = buffer_export(self->fd, shared.handle, 0);
	ASSERT_LE(0, dmabuf);
	try_imports(_metadata, self, dmabuf);
	close(dmabuf);
	ASSERT_EQ(0, buffer_destroy(self->fd, shared.handle));
	EXPECT_EQ(1, stat_settles("buffers", 1, 5000));
}

TEST_F_TIMEOUT(fail_nth, import_of_another_driver, 300)
{
	uint8_t *map;
	int dmabuf;

	dmabuf = foreign_dmabuf(BYTES, &map);
	if (dmabuf == -ENOENT)
		SKIP(return, "this kernel has no udmabuf");
	ASSERT_LE(0, dmabuf);
	try_imports(_metadata, self, dmabuf);
	munmap(map, BYTES);
	close(dmabuf);
}

/* The process looks at the memory while another client's device has it mapped. */
static int look(int dmabuf, uint8_t **map)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };

	*map = dmabuf_map(dmabuf, BYTES, true);
	if (!*map)
		return -ENOMEM;
	if (ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync))
		return -errno;
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
	return ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
}

TEST_F(fail_nth, dmabuf_mmap_and_sync)
{
	struct buffer shared, buf;
	bool done = false;
	int dmabuf;

	ASSERT_EQ(0, buffer_create_shared(self->fd, BYTES, &shared));
	dmabuf = buffer_export(self->fd, shared.handle, 0);
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, buffer_import(self->fd, dmabuf, 0, &buf));
	EACH_PLACE(self) {
		uint8_t *map = NULL;

		TRY(self, look(dmabuf, &map));
		if (map)
			munmap(map, BYTES);
		nothing_left(_metadata, self);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

/* ---- fences ---------------------------------------------------------------------- */

static int submit_with_fence(int fd, const struct xqaccel_job_desc *job, int *fence)
{
	struct xqaccel_submit cmd = {
		.size = sizeof(cmd), .flags = XQACCEL_SUBMIT_OUT_FENCE,
		.jobs = { sizeof(*job), 1, (uintptr_t)job },
	};
	const int ret = device_ioctl(fd, XQACCEL_IOCTL_SUBMIT, &cmd);

	*fence = ret ? -1 : cmd.out_fence;
	return ret;
}

/* Of a buffer that others have. Refused, there is neither a job nor a fence, nor its descriptor. */
TEST_F_TIMEOUT(fail_nth, submit_with_fence, 300)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer shared;
	bool done = false;

	ASSERT_EQ(0, buffer_create_shared(self->fd, BYTES, &shared));
	small_fill(&shared, 1, 1);
	small_job(&job, &shared);
	EACH_PLACE(self) {
		const int next = next_descriptor();
		int fence;

		if (!TRY(self, submit_with_fence(self->fd, &job, &fence))) {
			EXPECT_EQ(next, fence);
			ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
			close(fence);
		}
		ASSERT_EQ(next, next_descriptor());
		EXPECT_EQ(-ENOENT, wait_one(self->fd, &c, 0));
		EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	munmap(shared.map, shared.bytes);
	ASSERT_EQ(0, buffer_destroy(self->fd, shared.handle));
	EXPECT_EQ(1, stat_settles("buffers", 1, 5000));
}

/* ---- programs -------------------------------------------------------------------- */

static int program_make(int fd, const struct buffer *buf, uint32_t *program)
{
	struct xqaccel_job_desc jobs[3];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		small_job(&jobs[i], buf);
		jobs[i].user_data = 0;
	}
	jobs[1].operand[XQACCEL_A].handle = XQACCEL_SLOT(0);
	return program_create(fd, jobs, 3, 1, program);
}

static void program_run(struct xqaccel_job_desc *run, uint32_t program, const struct buffer *buf)
{
	*run = (struct xqaccel_job_desc){
		.work.op = XQACCEL_OP_PROGRAM, .work.run.program = program,
		.operand[0].handle = buf->handle,
	};
}

TEST_F_TIMEOUT(fail_nth, program_create, 300)
{
	bool done = false;

	EACH_PLACE(self) {
		uint32_t program;

		if (!TRY(self, program_make(self->fd, &self->buf, &program)))
			ASSERT_EQ(0, program_destroy(self->fd, program));
		nothing_left(_metadata, self);
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	still_works(_metadata, self->fd, &self->buf);
}

/* Refused, nothing has run; and the program can go. */
TEST_F_TIMEOUT(fail_nth, program_run, 300)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc run;
	bool done = false;
	uint32_t program;

	ASSERT_EQ(0, program_make(self->fd, &self->buf, &program));
	program_run(&run, program, &self->buf);
	EACH_PLACE(self) {
		if (!TRY(self, submit(self->fd, &run))) {
			ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
			/* A candidate of the driver's own has the job take too long. */
			if (done || c.status != XQACCEL_STATUS_TIMEOUT)
				EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
		}
		EXPECT_EQ(-ENOENT, wait_one(self->fd, &c, 0));
		EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
		if (done)
			break;
	}
	ASSERT_TRUE(done);
	ASSERT_EQ(0, program_destroy(self->fd, program));
}

TEST_F(fail_nth, program_destroy)
{
	bool done = false;

	EACH_PLACE(self) {
		uint32_t program;

		ASSERT_EQ(0, program_make(self->fd, &self->buf, &program));
		/* Refused, it is still there. */
		if (TRY(self, program_destroy(self->fd, program)))
			ASSERT_EQ(0, program_destroy(self->fd, program));
		/* What is left is the test's own. */
		ASSERT_EQ(1, stat_settles("buffers", 1, 5000));
		if (done)
			break;
	}
	ASSERT_TRUE(done);
}

TEST_HARNESS_MAIN
