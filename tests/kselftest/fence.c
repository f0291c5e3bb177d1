// SPDX-License-Identifier: GPL-2.0
/* Fences: of submits, by sync_files, and those that shared buffers carry. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "device.h"
#include "fences.h"
#include "guest.h"
#include "harness.h"
#include "shared_memory.h"

#define PAGE	4096
#define TRACING	"/sys/kernel/tracing/"
/* XQACCEL_JOBS_AT_ONCE of the driver. */
#define AT_ONCE	64

FIXTURE(fence)
{
	int fd;
	struct buffer buf;
};

FIXTURE_SETUP(fence)
{
	struct xqaccel_info info;

	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_info(self->fd, &info));
	if (!(info.abi & XQACCEL_ABI_SYNC_FILE))
		SKIP(return, "this kernel has no sync_file");
	ASSERT_EQ(0, stat_settles("buffers", 0, 10000));
	ASSERT_EQ(0, buffer_create(self->fd, PAGE, &self->buf));
	ASSERT_EQ(0, lane_warm(self->fd, &self->buf));
}

FIXTURE_TEARDOWN(fence)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	munmap(self->buf.map, PAGE);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
}

/* A descriptor that the process has next; closed. */
static int next_descriptor(void)
{
	const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

/* ---- a submit's fence ------------------------------------------------------------- */

TEST_F(fence, tells_the_end_of_all_jobs)
{
	struct xqaccel_completion c[3];
	struct xqaccel_job_desc job[3];
	uint32_t done;
	int fence, i;

	if (host_present())
		ASSERT_EQ(0, inject("slow-ns", 100 * MS));
	for (i = 0; i < 3; i++)
		small_job(&job[i], &self->buf);
	ASSERT_EQ(0, submit_fenced(self->fd, job, 3, 0, 0, -1, &fence, NULL));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fence, F_GETFD));
	if (host_present())
		EXPECT_EQ(0, fence_status(fence));
	ASSERT_EQ(0, wait_jobs(self->fd, c, 3, 3, 10 * SECOND, &done, NULL));
	EXPECT_EQ(3U, done);
	EXPECT_TRUE(fence_waits(fence, 5000));
	EXPECT_EQ(1, fence_status(fence));
	close(fence);
}

TEST_F(fence, refuses)
{
	const struct rlimit none = { 0, 64 };
	struct xqaccel_submit cmd = { .size = sizeof(cmd), .in_fence = 1 };
	struct xqaccel_job_desc job;
	struct rlimit before;
	int fence;

	small_job(&job, &self->buf);
	cmd.jobs = (struct xqaccel_array){ sizeof(job), 1, (uintptr_t)&job };
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd));
	EXPECT_EQ(-EBADF, submit_fenced(self->fd, &job, 1, 0, 0, 1000, &fence, NULL));
	EXPECT_EQ(-EBADF, submit_fenced(self->fd, &job, 1, 0, 0, self->fd, &fence, NULL));
	EXPECT_EQ(-EOPNOTSUPP, submit_fenced(self->fd, &job, 1, 0, 1U << 3, -1, &fence, NULL));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, submit_fenced(self->fd, &job, 1, 0, 0, -1, &fence, NULL));
	setrlimit(RLIMIT_NOFILE, &before);
	/* What others may wait for must not last. */
	cmd.in_fence = 0;
	cmd.flags = XQACCEL_SUBMIT_OUT_FENCE;
	cmd.timeout_ms = 60001;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd));
	EXPECT_EQ(self->fd + 1, next_descriptor());
	/* A job that is refused takes the descriptor with it. */
	job.operand[XQACCEL_C].handle = 12345;
	EXPECT_EQ(-ENOENT, submit_fenced(self->fd, &job, 1, 0, 0, -1, &fence, NULL));
	EXPECT_EQ(self->fd + 1, next_descriptor());
}

/*
 * There is no circle: what a job waits for must be there before it. The descriptor that its own
 * fence will have is none yet.
 */
TEST_F(fence, cannot_wait_for_itself)
{
	const int next = next_descriptor();
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	int first, second;

	small_job(&job, &self->buf);
	EXPECT_EQ(-EBADF, submit_fenced(self->fd, &job, 1, 0, 0, next, &first, NULL));
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 0, 0, -1, &first, NULL));
	EXPECT_EQ(next, first);
	/* A fence of its own lane is before it anyway, and one of another lane waits for that. */
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 1, 0, first, &second, NULL));
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 0, 0, second, NULL, NULL));
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 0, 0, first, NULL, NULL));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	}
	close(first);
	close(second);
}

/* Lane 1 waits for lane 0, whose job is held; lane 2 does not. */
TEST_F_TIMEOUT(fence, orders_lanes, 60)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	int held;

	if (!host_present())
		SKIP(return, "no host to hold jobs");
	small_job(&job, &self->buf);
	held = hold(self->fd, &job, 0);
	ASSERT_LE(0, held);
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 1, 0, held, NULL, NULL));
	/* What is behind it in the lane waits, too. */
	ASSERT_EQ(0, submit_lane(self->fd, &job, 1, 0));
	ASSERT_EQ(0, submit_lane(self->fd, &job, 2, 0));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(2U, c.lane);
	EXPECT_EQ(-ETIMEDOUT, wait_one(self->fd, &c, 50 * MS));
	ASSERT_EQ(0, release());
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(0U, c.lane);
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(1U, c.lane);
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(1U, c.lane);
	close(held);
}

/* Between two files, merged with one that has been signalled long ago. */
/* What is behind a job that waits goes on when that is canceled, though the device is idle. */
TEST_F_TIMEOUT(fence, canceled_job_lets_others_by, 60)
{
	const int other = open("/dev/xqaccel1", O_RDWR | O_CLOEXEC);
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	uint64_t first, second;
	struct buffer buf;
	int held;

	if (!host_present())
		SKIP(return, "no host to hold jobs");
	if (other < 0)
		SKIP(return, "no second device");
	small_job(&job, &self->buf);
	held = hold(self->fd, &job, 0);
	ASSERT_LE(0, held);
	ASSERT_EQ(0, buffer_create(other, PAGE, &buf));
	small_job(&job, &buf);
	ASSERT_EQ(0, submit_fenced(other, &job, 1, 1, 0, held, NULL, &first));
	ASSERT_EQ(0, submit_fenced(other, &job, 1, 1, 0, -1, NULL, &second));
	EXPECT_EQ(-ETIMEDOUT, wait_one(other, &c, 50 * MS));
	ASSERT_EQ(0, cancel(other, first));
	ASSERT_EQ(0, wait_id(other, first, &c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)c.status);
	ASSERT_EQ(0, wait_id(other, second, &c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	EXPECT_EQ(0, fence_status(held));
	ASSERT_EQ(0, release());
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	munmap(buf.map, PAGE);
	close(held);
	close(other);
}

TEST_F(fence, of_another_client_and_merged)
{
	const int other = device_open();
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct sync_merge_data merge = { .name = "both" };
	struct buffer theirs;
	int a, b;

	ASSERT_EQ(0, buffer_create(other, PAGE, &theirs));
	small_job(&job, &self->buf);
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 0, 0, -1, &a, NULL));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 1, 0, -1, &b, NULL));
	merge.fd2 = b;
	ASSERT_EQ(0, ioctl(a, SYNC_IOC_MERGE, &merge));
	small_job(&job, &theirs);
	ASSERT_EQ(0, submit_fenced(other, &job, 1, 0, 0, merge.fence, NULL, NULL));
	close(a);
	close(b);
	close(merge.fence);
	ASSERT_EQ(0, wait_one(other, &c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	munmap(theirs.map, PAGE);
	close(other);
}

/* ---- every way to end ------------------------------------------------------------- */

TEST_F_TIMEOUT(fence, signalled_whatever_happens, 90)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct xqaccel_submit cmd = {
		.size = sizeof(cmd), .flags = XQACCEL_SUBMIT_OUT_FENCE, .timeout_ms = 300,
		.jobs = { sizeof(job), 1, (uintptr_t)&job },
	};
	int late, waits, canceled;
	uint64_t id;

	if (!host_present())
		SKIP(return, "no host to make jobs hang");
	small_job(&job, &self->buf);
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd));
	late = cmd.out_fence;
	/* One that is canceled while it waits ends at once, its fence after those before it. */
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 1, 0, late, &canceled, &id));
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 1, 0, -1, &waits, NULL));
	ASSERT_EQ(0, cancel(self->fd, id));
	EXPECT_EQ(0, wait_id(self->fd, id, &c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)c.status);
	EXPECT_TRUE(fence_waits(canceled, 5000));
	EXPECT_EQ(-ECANCELED, fence_status(canceled));
	EXPECT_TRUE(fence_waits(late, 20000));
	EXPECT_EQ(-ETIME, fence_status(late));
	EXPECT_TRUE(fence_waits(waits, 20000));
	EXPECT_EQ(1, fence_status(waits));
	close(late);
	close(waits);
	close(canceled);
}

/* The file is closed with jobs that run, that wait for the device, and that wait for fences. */
TEST_F_TIMEOUT(fence, signalled_when_the_file_is_closed, 90)
{
	const int other = device_open();
	struct xqaccel_job_desc job;
	struct buffer theirs;
	int fence[3], i;

	if (!host_present())
		SKIP(return, "no host to make jobs slow");
	ASSERT_EQ(0, buffer_create(other, PAGE, &theirs));
	ASSERT_EQ(0, lane_warm(other, &theirs));
	munmap(theirs.map, PAGE);
	small_job(&job, &theirs);
	fence[0] = hold(other, &job, 0);
	ASSERT_LE(0, fence[0]);
	ASSERT_EQ(0, submit_fenced(other, &job, 1, 1, 0, fence[0], &fence[1], NULL));
	ASSERT_EQ(0, submit_fenced(other, &job, 1, 1, 0, -1, &fence[2], NULL));
	close(other);
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(fence_waits(fence[i], 20000));
		if (i)
			EXPECT_EQ(-ECANCELED, fence_status(fence[i]));
	}
	for (i = 0; i < 3; i++)
		close(fence[i]);
}

/* The driver goes with jobs that wait for fences; these outlive it, and then let the module go. */
TEST_F_TIMEOUT(fence, signalled_when_the_device_goes, 90)
{
	struct xqaccel_completion c[2];
	struct xqaccel_job_desc job;
	int fence[2], i, ret = -EAGAIN;
	char address[32];
	uint32_t done;

	if (!host_present())
		SKIP(return, "no host to make jobs hang");
	ASSERT_EQ(0, bus_address(address, sizeof(address)));
	small_job(&job, &self->buf);
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 0, 0, -1, &fence[0], NULL));
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 1, 0, fence[0], &fence[1], NULL));
	ASSERT_EQ(0, driver_unbind(address));
	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(fence_waits(fence[i], 5000));
		EXPECT_EQ(-ENODEV, fence_status(fence[i]));
	}
	EXPECT_EQ(0, wait_jobs(self->fd, c, 2, 2, 5 * SECOND, &done, NULL));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)c[1].status);
	EXPECT_EQ(-ENODEV, submit_fenced(self->fd, &job, 1, 0, 0, -1, &i, NULL));
	munmap(self->buf.map, PAGE);
	close(self->fd);
	EXPECT_NE(0, module_unload());
	close(fence[0]);
	close(fence[1]);
	/* A fence is freed a moment after its last descriptor. */
	for (i = 0; i < 100 && ret; i++) {
		sleep_ms(50);
		ret = module_unload();
	}
	EXPECT_EQ(0, ret);
	ASSERT_EQ(0, module_load(""));
	ASSERT_TRUE(node_appears(10000));
	ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, PAGE, &self->buf));
}

/* A descriptor that the caller was not told of is not there, and neither is the job. */
TEST_F(fence, answer_that_cannot_be_written)
{
	struct xqaccel_submit *cmd = (void *)pages_of(PAGE);
	struct xqaccel_job_desc job;
	int i;

	small_job(&job, &self->buf);
	*cmd = (struct xqaccel_submit){ .size = sizeof(*cmd), .flags = XQACCEL_SUBMIT_OUT_FENCE,
					.jobs = { sizeof(job), 1, (uintptr_t)&job } };
	ASSERT_EQ(0, mprotect(cmd, PAGE, PROT_READ));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, cmd));
	EXPECT_EQ(self->fd + 1, next_descriptor());
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
}

/* ---- fences that buffers carry ------------------------------------------------------ */

/* Two clients and a buffer: who reads waits for who writes, unless it asks for nothing. */
TEST_F_TIMEOUT(fence, shared_buffer_orders_clients, 90)
{
	const int other = device_open();
	struct xqaccel_completion c;
	struct xqaccel_job_desc writes, reads, also_reads;
	struct buffer mine, theirs, out;
	int dmabuf, held;

	if (!host_present())
		SKIP(return, "no host to make jobs slow");
	if (memory_is_bounced(self->fd))
		SKIP(return, "DMA is bounced here, see memory");
	ASSERT_EQ(0, buffer_create_shared(self->fd, PAGE, &mine));
	ASSERT_EQ(0, buffer_create(other, PAGE, &out));
	dmabuf = buffer_export(self->fd, mine.handle, 0);
	ASSERT_EQ(0, buffer_import(other, dmabuf, 0, &theirs));
	ASSERT_EQ(0, lane_warm(other, &out));

	/* Writes 16 * 1 * 1 = 16, that is bytes 16 0 0 0, to where the other's A begins. */
	small_fill(&mine, 1, 1);
	small_job(&writes, &mine);
	small_fill(&out, 0, 1);
	small_job(&reads, &out);
	reads.operand[XQACCEL_A] =
		(struct xqaccel_operand){ theirs.handle, 0, SMALL_C, 16, 0, 0 };

	held = hold(self->fd, &writes, 0);
	ASSERT_LE(0, held);
	EXPECT_TRUE(dmabuf_busy(dmabuf, POLLIN));
	ASSERT_EQ(0, submit_fenced(other, &reads, 1, 0, XQACCEL_SUBMIT_EXPLICIT, -1, NULL, NULL));
	ASSERT_EQ(0, wait_one(other, &c, 10 * SECOND));
	ASSERT_EQ(0, submit(other, &reads));
	EXPECT_EQ(-ETIMEDOUT, wait_one(other, &c, 50 * MS));
	ASSERT_EQ(0, release());
	ASSERT_EQ(0, wait_one(other, &c, 10 * SECOND));
	/* Each row of A is 16 0 0 0 four times. */
	EXPECT_EQ(0, small_check(&out, 4 * 16));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_FALSE(dmabuf_busy(dmabuf, POLLIN));
	close(held);

	/* Readers don't wait for readers, but a writer does for them. */
	held = hold(other, &reads, 0);
	ASSERT_LE(0, held);
	EXPECT_FALSE(dmabuf_busy(dmabuf, POLLIN));
	EXPECT_TRUE(dmabuf_busy(dmabuf, POLLOUT));
	small_job(&also_reads, &self->buf);
	also_reads.operand[XQACCEL_A] =
		(struct xqaccel_operand){ mine.handle, 0, SMALL_C, 16, 0, 0 };
	ASSERT_EQ(0, submit_lane(self->fd, &also_reads, 1, 0));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	ASSERT_EQ(0, submit(self->fd, &writes));
	EXPECT_EQ(-ETIMEDOUT, wait_one(self->fd, &c, 50 * MS));
	ASSERT_EQ(0, release());
	ASSERT_EQ(0, wait_one(other, &c, 10 * SECOND));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	close(held);

	munmap(mine.map, PAGE);
	munmap(out.map, PAGE);
	close(dmabuf);
	close(other);
}

/* What a program reads and writes counts, whether it names the buffer or a slot is bound to it. */
TEST_F_TIMEOUT(fence, runs_of_programs_take_part, 60)
{
	struct xqaccel_job_desc job, run = { .work.op = XQACCEL_OP_PROGRAM };
	struct xqaccel_completion c;
	struct buffer shared;
	uint32_t program;
	int dmabuf, held;

	if (!host_present())
		SKIP(return, "no host to make jobs slow");
	if (memory_is_bounced(self->fd))
		SKIP(return, "DMA is bounced here, see memory");
	ASSERT_EQ(0, buffer_create_shared(self->fd, PAGE, &shared));
	dmabuf = buffer_export(self->fd, shared.handle, 0);
	small_job(&job, &shared);
	job.operand[XQACCEL_C].handle = XQACCEL_SLOT(0);
	ASSERT_EQ(0, program_create(self->fd, &job, 1, 1, &program));
	run.work.run.program = program;
	run.operand[0].handle = self->buf.handle;
	held = hold(self->fd, &run, 0);
	ASSERT_LE(0, held);
	EXPECT_FALSE(dmabuf_busy(dmabuf, POLLIN));
	EXPECT_TRUE(dmabuf_busy(dmabuf, POLLOUT));
	ASSERT_EQ(0, release());
	close(held);
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	ASSERT_EQ(0, program_destroy(self->fd, program));

	small_job(&job, &self->buf);
	job.operand[XQACCEL_C].handle = XQACCEL_SLOT(0);
	ASSERT_EQ(0, program_create(self->fd, &job, 1, 1, &program));
	run.work.run.program = program;
	run.operand[0].handle = shared.handle;
	held = hold(self->fd, &run, 0);
	ASSERT_LE(0, held);
	EXPECT_TRUE(dmabuf_busy(dmabuf, POLLIN));
	ASSERT_EQ(0, release());
	close(held);
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_FALSE(dmabuf_busy(dmabuf, POLLIN));
	munmap(shared.map, PAGE);
	close(dmabuf);
}

/* A fence that a dma-buf of another driver was given by somebody else is waited for, too. */
TEST_F_TIMEOUT(fence, fences_of_others_are_honoured, 60)
{
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_WRITE };
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_READ };
	struct xqaccel_completion c;
	struct xqaccel_job_desc job, reads;
	struct buffer foreign, theirs = { .map = NULL };
	const int other = device_open();
	uint8_t *map = NULL;
	int dmabuf;

	if (!host_present())
		SKIP(return, "no host to hold jobs");
	if (memory_is_bounced(self->fd))
		SKIP(return, "DMA is bounced here, see memory");
	dmabuf = foreign_dmabuf(PAGE, &map);
	/* Without udmabuf another file is the other driver. */
	if (dmabuf == -ENOENT) {
		ASSERT_EQ(0, buffer_create_shared(other, PAGE, &theirs));
		dmabuf = buffer_export(other, theirs.handle, 0);
	}
	ASSERT_LE(0, dmabuf);
	ASSERT_EQ(0, buffer_import(self->fd, dmabuf, 0, &foreign));
	small_job(&job, &self->buf);
	small_job(&reads, &self->buf);
	reads.operand[XQACCEL_A].handle = foreign.handle;

	/* Nothing of this job has to do with the dma-buf but the fence that it is given. */
	import.fd = hold(self->fd, &job, 0);
	ASSERT_LE(0, import.fd);
	ASSERT_EQ(0, ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import));
	ASSERT_EQ(0, submit_lane(self->fd, &reads, 1, 0));
	EXPECT_EQ(-ETIMEDOUT, wait_lane(self->fd, 1, &c, 50 * MS));
	ASSERT_EQ(0, release());
	ASSERT_EQ(0, wait_lane(self->fd, 1, &c, 10 * SECOND));
	ASSERT_EQ(0, wait_lane(self->fd, 0, &c, 10 * SECOND));
	close(import.fd);

	/* And the other way: what the dma-buf tells others to wait for is the job. */
	job.operand[XQACCEL_C].handle = foreign.handle;
	import.fd = hold(self->fd, &job, 0);
	ASSERT_LE(0, import.fd);
	ASSERT_EQ(0, ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export));
	EXPECT_EQ(0, fence_status(export.fd));
	ASSERT_EQ(0, release());
	EXPECT_TRUE(fence_waits(export.fd, 5000));
	EXPECT_EQ(1, fence_status(export.fd));
	ASSERT_EQ(0, wait_lane(self->fd, 0, &c, 10 * SECOND));
	close(export.fd);
	close(import.fd);
	ASSERT_EQ(0, buffer_destroy(self->fd, foreign.handle));
	munmap(map ?: theirs.map, PAGE);
	close(dmabuf);
	close(other);
}

/* Who maps a dma-buf and asks for it waits for the jobs that write it. */
TEST_F_TIMEOUT(fence, processors_wait_for_jobs, 60)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START };
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer shared;
	int dmabuf, held, status;
	pid_t child;

	if (!host_present())
		SKIP(return, "no host to hold jobs");
	if (memory_is_bounced(self->fd))
		SKIP(return, "DMA is bounced here, see memory");
	ASSERT_EQ(0, buffer_create_shared(self->fd, PAGE, &shared));
	dmabuf = buffer_export(self->fd, shared.handle, 0);
	small_fill(&shared, 1, 1);
	small_job(&job, &shared);
	held = hold(self->fd, &job, 0);
	ASSERT_LE(0, held);
	child = fork();
	if (!child)
		_exit(ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync) ? 1 : small_check(&shared, 16));
	sleep_ms(50);
	EXPECT_EQ(0, waitpid(child, &status, WNOHANG));
	ASSERT_EQ(0, release());
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	munmap(shared.map, PAGE);
	close(dmabuf);
	close(held);
}

/* Records calls of these functions, up to a NULL, until trace_end(). */
static int trace_begin(const char *const *functions)
{
	/* Each write adds one name. */
	for (; *functions; functions++)
		if (file_write(TRACING "set_ftrace_filter", *functions))
			return -ENOENT;
	file_write(TRACING "trace", "");
	return file_write(TRACING "current_tracer", "function");
}

/* What was recorded so far, which is valid until the next call; NULL if it can't be read. */
static char *trace_read(void)
{
	static char text[1 << 20];

	return file_read(TRACING "trace", text, sizeof(text)) > 0 ? text : NULL;
}

/* The same, and nothing more is recorded. Function traces are lost when tracing is switched on. */
static char *trace_end(void)
{
	char *text;

	file_write(TRACING "tracing_on", "0");
	text = trace_read();
	file_write(TRACING "tracing_on", "1");
	file_write(TRACING "current_tracer", "nop");
	file_write(TRACING "set_ftrace_filter", "");
	return text;
}

/* Lines of a trace that call @function, whose name is between ": " and a space. */
static unsigned int calls_of(char *text, const char *function)
{
	unsigned int all = 0;
	char *line;

	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		all += line[0] != '#' && strstr(line, function);
	return all;
}

/* Most fences that are signalled in one section with interrupts off, and all. */
static unsigned int longest_signals(char *text, unsigned int *all)
{
	unsigned int longest = 0, now = 0;
	char *line;

	*all = 0;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strstr(line, ": dma_fence_signal ")) {
			++*all;
			if (++now > longest)
				longest = now;
		} else if (strstr(line, ": xqaccel_fence_job_ended ") ||
			   strstr(line, ": signal_some ")) {
			now = 0;
		}
	}
	return longest;
}

/* A lane has no more fences that are not signalled than jobs, and these are not all at once. */
TEST_F_TIMEOUT(fence, too_many_in_a_lane, 90)
{
	static const char *const functions[] = {
		"dma_fence_signal", "xqaccel_fence_job_ended", "signal_some", NULL
	};
	unsigned int i = 0, all, longest;
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct xqaccel_info info;
	uint64_t id;
	int held, fence, next, ret = 0;
	bool traced;

	if (!host_present())
		SKIP(return, "no host to hold jobs");
	ASSERT_EQ(0, device_info(self->fd, &info));
	small_job(&job, &self->buf);
	held = hold(self->fd, &job, 0);
	ASSERT_LE(0, held);
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 1, 0, held, &fence, NULL));
	close(fence);
	next = next_descriptor();
	/* Jobs that are canceled end at once, their fences after that of the first. */
	while (!ret && i <= info.max_jobs) {
		ret = submit_fenced(self->fd, &job, 1, 1, 0, -1, &fence, &id);
		if (ret)
			break;
		close(fence);
		ASSERT_EQ(0, cancel(self->fd, id));
		ASSERT_EQ(0, wait_id(self->fd, id, &c, 10 * SECOND));
		i++;
	}
	EXPECT_EQ(-EAGAIN, ret);
	EXPECT_EQ(info.max_jobs - 1, i);
	EXPECT_EQ(next, next_descriptor());
	traced = !trace_begin(functions);
	ASSERT_EQ(0, release());
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 1, 0, -1, &fence, NULL));
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	EXPECT_TRUE(fence_waits(fence, 10000));
	if (traced) {
		char *text = trace_end();

		ASSERT_NE(NULL, text);
		longest = longest_signals(text, &all);
		TH_LOG("%u fences signalled in sections of up to %u", all, longest);
		EXPECT_LE(info.max_jobs, all);
		EXPECT_GE((unsigned int)AT_ONCE, longest);
	}
	close(fence);
	close(held);
}

/* Calls of @function with interrupts off, as the flags of the trace's lines say; @all: calls. */
static unsigned int calls_with_interrupts_off(char *text, const char *function, unsigned int *all)
{
	unsigned int off = 0;
	char *line;

	*all = 0;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		const char *flags = strstr(line, "] ");

		if (line[0] == '#' || !flags || !strstr(line, function))
			continue;
		++*all;
		off += flags[2] == 'd' || flags[2] == 'D';
	}
	return off;
}

/* With the mapping of its owner as many of a page as the checks of the DMA API count. */
enum { READERS = 6, READER_LANES = 8 };
/* By each reader the one that held them, and by two writers all readers. */
#define WATCHED	(3U * READERS * READER_LANES)

/* Jobs of a client of its own, one in each lane, that read the dma-buf when @held is signalled. */
static int reader(int dmabuf, int held)
{
	struct xqaccel_job_desc job;
	struct buffer shared, own;
	const int fd = device_open();
	int ret = fd < 0 ? fd : buffer_create(fd, PAGE, &own);
	unsigned int lane;

	if (!ret) {
		munmap(own.map, PAGE);
		ret = buffer_import(fd, dmabuf, 0, &shared);
	}
	if (ret)
		return ret;
	small_job(&job, &own);
	job.operand[XQACCEL_A].handle = shared.handle;
	for (lane = 0; lane < READER_LANES && !ret; lane++)
		ret = submit_fenced(fd, &job, 1, lane, 0, held, NULL, NULL);
	return ret ?: fd;
}

/*
 * A job that waits for the fences of many others, and is canceled or becomes ready: it lets go of
 * them, each with a lock of its own, with interrupts on.
 */
TEST_F_TIMEOUT(fence, many_waited_for, 90)
{
	static const char *const functions[] = { "dma_fence_remove_callback", NULL };
	int fd[READERS], dmabuf, held;
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	unsigned int i, all, off;
	bool traced;
	struct buffer shared;
	uint64_t id;
	char *text;

	if (!host_present())
		SKIP(return, "no host to hold jobs");
	if (memory_is_bounced(self->fd))
		SKIP(return, "DMA is bounced here, see memory");
	ASSERT_EQ(0, buffer_create_shared(self->fd, PAGE, &shared));
	munmap(shared.map, PAGE);
	dmabuf = buffer_export(self->fd, shared.handle, 0);
	ASSERT_LE(0, dmabuf);
	small_job(&job, &self->buf);
	held = hold(self->fd, &job, 0);
	ASSERT_LE(0, held);
	for (i = 0; i < READERS; i++) {
		fd[i] = reader(dmabuf, held);
		ASSERT_LE(0, fd[i]);
	}
	/* Where functions can't be traced it is run all the same, for what such a kernel tells. */
	traced = !trace_begin(functions);
	job.operand[XQACCEL_C].handle = shared.handle;
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 1, 0, -1, NULL, &id));
	ASSERT_EQ(0, cancel(self->fd, id));
	ASSERT_EQ(0, wait_id(self->fd, id, &c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)c.status);
	ASSERT_EQ(0, submit_fenced(self->fd, &job, 1, 1, 0, -1, NULL, &id));
	ASSERT_EQ(0, release());
	ASSERT_EQ(0, wait_id(self->fd, id, &c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	for (i = 0; i < READERS; i++)
		close(fd[i]);
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
	if (traced) {
		/* A work does the last of them. */
		for (i = 0; i < 100; i++) {
			text = trace_read();
			if (text && calls_of(text, ": dma_fence_remove_callback ") >= WATCHED)
				break;
			sleep_ms(100);
		}
		text = trace_end();
		ASSERT_NE(NULL, text);
		off = calls_with_interrupts_off(text, ": dma_fence_remove_callback ", &all);
		TH_LOG("%u fences let go of, %u with interrupts off", all, off);
		EXPECT_LE(WATCHED, all);
		EXPECT_EQ(0U, off);
	}
	close(dmabuf);
	close(held);
}

/* Jobs with many buffers of another client's, who has one fence in each, wait for it once. */
TEST_F_TIMEOUT(fence, each_is_waited_for_once, 60)
{
	enum { SHARED = 8 };
	static const char *const functions[] = { "dma_fence_add_callback", NULL };
	struct xqaccel_job_desc ours[SHARED], theirs[SHARED];
	struct buffer shared[SHARED], import;
	struct xqaccel_completion c;
	int dmabuf[SHARED], other, held;
	struct xqaccel_job_desc job;
	unsigned int i;
	bool traced;
	char *text;

	if (!host_present())
		SKIP(return, "no host to hold jobs");
	if (memory_is_bounced(self->fd))
		SKIP(return, "DMA is bounced here, see memory");
	other = device_open();
	ASSERT_LE(0, other);
	for (i = 0; i < SHARED; i++) {
		ASSERT_EQ(0, buffer_create_shared(self->fd, PAGE, &shared[i]));
		munmap(shared[i].map, PAGE);
		dmabuf[i] = buffer_export(self->fd, shared[i].handle, 0);
		ASSERT_LE(0, dmabuf[i]);
		ASSERT_EQ(0, buffer_import(other, dmabuf[i], 0, &import));
		small_job(&ours[i], &shared[i]);
		small_job(&theirs[i], &import);
	}
	small_job(&job, &self->buf);
	held = hold(self->fd, &job, 0);
	ASSERT_LE(0, held);
	ASSERT_EQ(0, submit_fenced(other, theirs, SHARED, 0, 0, held, NULL, NULL));
	traced = !trace_begin(functions);
	ASSERT_EQ(0, submit_fenced(self->fd, ours, SHARED, 1, 0, -1, NULL, NULL));
	if (traced) {
		text = trace_end();
		ASSERT_NE(NULL, text);
		EXPECT_EQ(1U, calls_of(text, ": dma_fence_add_callback "));
	}
	ASSERT_EQ(0, release());
	for (i = 0; i < SHARED; i++) {
		ASSERT_EQ(0, wait_one(other, &c, 10 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	}
	for (i = 0; i < SHARED + 1; i++)
		ASSERT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
	for (i = 0; i < SHARED; i++)
		close(dmabuf[i]);
	close(other);
	close(held);
}

/* Two clients and two buffers, taken in opposite order, by jobs in many lanes: all of it ends. */
TEST_F_TIMEOUT(fence, crosswise_sharing_ends, 90)
{
	enum { ROUNDS = 100 };
	struct buffer mine[2], theirs[2];
	pid_t child;
	int i, status;

	if (memory_is_bounced(self->fd))
		SKIP(return, "DMA is bounced here, see memory");
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, buffer_create_shared(self->fd, PAGE, &mine[i]));
	child = fork();
	if (!child) {
		const int other = device_open();
		struct xqaccel_completion c;
		struct xqaccel_job_desc job;

		for (i = 0; i < 2; i++) {
			const int dmabuf = buffer_export(self->fd, mine[i].handle, 0);

			if (buffer_import(other, dmabuf, 0, &theirs[i]))
				_exit(1);
			close(dmabuf);
		}
		for (i = 0; i < ROUNDS; i++) {
			small_job(&job, &theirs[i % 2]);
			job.operand[XQACCEL_A].handle = theirs[!(i % 2)].handle;
			if (submit_lane(other, &job, i % 8, 0))
				_exit(2);
		}
		for (i = 0; i < ROUNDS; i++)
			if (wait_one(other, &c, 20 * SECOND) || c.status)
				_exit(3);
		_exit(0);
	}
	for (i = 0; i < ROUNDS; i++) {
		struct xqaccel_job_desc job;

		small_job(&job, &mine[!(i % 2)]);
		job.operand[XQACCEL_A].handle = mine[i % 2].handle;
		ASSERT_EQ(0, submit_lane(self->fd, &job, i % 8, 0));
	}
	for (i = 0; i < ROUNDS; i++) {
		struct xqaccel_completion c;

		ASSERT_EQ(0, wait_one(self->fd, &c, 20 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	for (i = 0; i < 2; i++)
		munmap(mine[i].map, PAGE);
}

/* ---- the last reference ------------------------------------------------------------- */

#define LAST_JOBS	200

struct last_reference {
	int fd;
	uint32_t handle;	/* of the buffer, once its submit is under way; 0: destroyed */
	bool stop;
};

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void spin(int64_t ns)
{
	const int64_t began = now_ns();

	while (now_ns() - began < ns)
		;
}

/* While the submit still makes its jobs, which have references then. */
static void *destroys(void *arg)
{
	struct last_reference *l = arg;
	unsigned int seed = 1;
	uint32_t handle;

	run_on(1);
	while (!__atomic_load_n(&l->stop, __ATOMIC_ACQUIRE)) {
		handle = __atomic_load_n(&l->handle, __ATOMIC_ACQUIRE);
		if (!handle)
			continue;
		spin(rand_r(&seed) % 100 * 1000);
		buffer_destroy(l->fd, handle);
		__atomic_store_n(&l->handle, 0, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Takes the processor from who submits, from a job's end on, long enough for the rest to go. */
static void *preempts(void *arg)
{
	static struct xqaccel_completion c[256];
	struct last_reference *l = arg;
	uint32_t done;

	run_on(0);
	while (!__atomic_load_n(&l->stop, __ATOMIC_ACQUIRE)) {
		if (wait_jobs(l->fd, c, 256, 1, 200 * MS, &done, NULL))
			sleep_ms(1);
		else
			spin(3 * MS);
	}
	return NULL;
}

/*
 * The job, and with it the last reference to the buffer, may be gone before the submit is: what the
 * submit still has to let go of must not be the buffer's. What is wrong here only a kernel tells
 * that looks after freed memory, and that preempts itself.
 */
TEST_F_TIMEOUT(fence, buffer_goes_with_its_job, 120)
{
	static struct xqaccel_job_desc jobs[LAST_JOBS];
	const struct sched_param least = { 0 };
	struct last_reference l = { .fd = self->fd };
	pthread_t other[2];
	unsigned int i, taken = 0;

	if (memory_is_bounced(self->fd))
		SKIP(return, "DMA is bounced here, see memory");
	ASSERT_EQ(0, pthread_create(&other[0], NULL, destroys, &l));
	ASSERT_EQ(0, pthread_create(&other[1], NULL, preempts, &l));
	run_on(0);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_IDLE, &least));
	for (i = 1; i < LAST_JOBS; i++)
		small_job(&jobs[i], &self->buf);
	for (i = 0; i < 200; i++) {
		struct buffer shared;
		int ret;

		ASSERT_EQ(0, buffer_create_shared(self->fd, PAGE, &shared));
		munmap(shared.map, PAGE);
		small_job(&jobs[0], &shared);
		__atomic_store_n(&l.handle, shared.handle, __ATOMIC_RELEASE);
		ret = submit_jobs(self->fd, jobs, LAST_JOBS, 0, 60000, NULL, NULL);
		/* It came too late, or there was nobody yet to take what the jobs before gave. */
		EXPECT_TRUE(!ret || ret == -ENOENT || ret == -EAGAIN);
		taken += !ret;
		while (__atomic_load_n(&l.handle, __ATOMIC_ACQUIRE))
			sched_yield();
	}
	__atomic_store_n(&l.stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(other[i], NULL));
	EXPECT_LT(0U, taken);
	TH_LOG("%u of 200 submits were taken", taken);
	EXPECT_EQ(1, stat_settles("buffers", 1, 10000));
}

TEST_HARNESS_MAIN
