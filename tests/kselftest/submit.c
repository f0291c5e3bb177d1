// SPDX-License-Identifier: GPL-2.0
/* Every reason for which a job is refused, and that a refusal loses nothing. */
#include <errno.h>

#include "device.h"
#include "harness.h"

FIXTURE(submit)
{
	int fd;
	struct xqaccel_info info;
	struct buffer buf;	/* two pages */
	struct xqaccel_job_desc job;	/* a good one */
};

FIXTURE_SETUP(submit)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_info(self->fd, &self->info));
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 1);
	small_job(&self->job, &self->buf);
}

/* After all the refusals a good job still runs, and nothing else is there to reap. */
FIXTURE_TEARDOWN(submit)
{
	struct xqaccel_completion c[4];
	struct xqaccel_job_desc job;
	uint32_t done, pending;

	small_fill(&self->buf, 3, 5);
	small_job(&job, &self->buf);
	job.user_data = 77;
	ASSERT_EQ(0, submit(self->fd, &job));
	ASSERT_EQ(0, wait_jobs(self->fd, c, 4, 1, 5 * SECOND, &done, &pending));
	EXPECT_EQ(1U, done);
	EXPECT_EQ(0U, pending);
	EXPECT_EQ(77ULL, c[0].user_data);
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c[0].status);
	EXPECT_EQ(0, small_check(&self->buf, 16 * 3 * 5));
	close(self->fd);
}

#define EXPECT_REFUSED(error) \
	do { \
		EXPECT_EQ(-(error), submit(self->fd, &self->job)); \
		small_job(&self->job, &self->buf); \
	} while (0)

#define A (self->job.operand[XQACCEL_A])
#define B (self->job.operand[XQACCEL_B])
#define C (self->job.operand[XQACCEL_C])

TEST_F(submit, operation_and_flags)
{
	self->job.work.op = 0;
	EXPECT_REFUSED(EOPNOTSUPP);
	self->job.work.op = 77;
	EXPECT_REFUSED(EOPNOTSUPP);
	self->job.work.flags = 1U << 31;
	EXPECT_REFUSED(EOPNOTSUPP);
	self->job.work.words[47] = 1;
	EXPECT_REFUSED(EINVAL);
	A.reserved = 1;
	EXPECT_REFUSED(EINVAL);
	self->job.operand[XQACCEL_CODEBOOK].reserved = 1;
	EXPECT_REFUSED(EINVAL);
}

TEST_F(submit, formats)
{
	self->job.work.gemm.a_format = XQACCEL_FMT_NONE;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.b_format = XQACCEL_FMT_NONE;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.a_format = 200;
	EXPECT_REFUSED(EOPNOTSUPP);
	self->job.work.gemm.b_format = 255;
	EXPECT_REFUSED(EOPNOTSUPP);
	self->job.work.gemm.a_format = XQACCEL_FMT_S32;
	EXPECT_REFUSED(EOPNOTSUPP);
	self->job.work.gemm.b_format = XQACCEL_FMT_S16;
	EXPECT_REFUSED(EOPNOTSUPP);
}

TEST_F(submit, dimensions)
{
	const uint32_t above = self->info.max_dim + 1;

	self->job.work.gemm.m = above;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.n = above;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.k = above;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.k = UINT32_MAX;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.batch = above;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.batch = 0;
	EXPECT_REFUSED(EINVAL);
}

TEST_F(submit, groups)
{
	self->job.work.gemm.group = 3;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.group = 32;
	EXPECT_REFUSED(EINVAL);
	self->job.work.flags = XQACCEL_JOB_GROUP_ACC;
	EXPECT_REFUSED(EINVAL);
	self->job.operand[XQACCEL_C].plane_stride = 64;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.a_scale_format = XQACCEL_FMT_U8;
	self->job.work.gemm.b_scale_format = XQACCEL_FMT_U8;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.group = 4;
	self->job.work.gemm.a_scale_format = XQACCEL_FMT_S8;
	self->job.work.gemm.b_scale_format = XQACCEL_FMT_S8;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.group = 4;
	self->job.work.gemm.a_scale_format = XQACCEL_FMT_U8;
	self->job.work.gemm.b_scale_format = XQACCEL_FMT_U8;
	self->job.work.flags = XQACCEL_JOB_GROUP_ACC;
	EXPECT_REFUSED(EINVAL);
	/* Planes of C that overlap each other, and a plane distance that is not aligned. */
	self->job.work.gemm.group = 8;
	self->job.work.flags = XQACCEL_JOB_GROUP_ACC;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.group = 8;
	self->job.work.flags = XQACCEL_JOB_GROUP_ACC;
	self->job.operand[XQACCEL_C].plane_stride = 66;
	EXPECT_REFUSED(EINVAL);
}

TEST_F(submit, missing_operands)
{
	unsigned int i;

	for (i = XQACCEL_A; i <= XQACCEL_C; i++) {
		self->job.operand[i] = (struct xqaccel_operand){ 0 };
		EXPECT_REFUSED(EINVAL);
	}
	self->job.work.gemm.b_format = XQACCEL_FMT_C4;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.b_format = XQACCEL_FMT_C8;
	EXPECT_REFUSED(EINVAL);
}

TEST_F(submit, operands_that_the_formats_do_not_use)
{
	self->job.operand[XQACCEL_CODEBOOK].handle = self->buf.handle;
	EXPECT_REFUSED(EINVAL);
	self->job.operand[XQACCEL_A_SCALE].handle = self->buf.handle;
	EXPECT_REFUSED(EINVAL);
	self->job.operand[XQACCEL_B_SCALE].handle = self->buf.handle;
	EXPECT_REFUSED(EINVAL);
	/* Numbers of an operand that is not there. */
	self->job.operand[XQACCEL_A_ZP].offset = 4;
	EXPECT_REFUSED(EINVAL);
	self->job.operand[XQACCEL_B_ZP].stride = 4;
	EXPECT_REFUSED(EINVAL);
	self->job.operand[XQACCEL_CODEBOOK].batch_stride = 4;
	EXPECT_REFUSED(EINVAL);
	/* A vector has no rows. */
	self->job.operand[XQACCEL_A_ZP] = (struct xqaccel_operand){ self->buf.handle, 0, 4096, 4,
								    0, 0 };
	EXPECT_REFUSED(EINVAL);
}

TEST_F(submit, misaligned_operands)
{
	C.offset += 2;
	EXPECT_REFUSED(EINVAL);
	C.stride += 1;
	EXPECT_REFUSED(EINVAL);
	C.batch_stride = 2;
	EXPECT_REFUSED(EINVAL);
	self->job.operand[XQACCEL_A_ZP] = (struct xqaccel_operand){ self->buf.handle, 0, 4098, 0,
								    0, 0 };
	EXPECT_REFUSED(EINVAL);
	self->job.operand[XQACCEL_B_ZP] = (struct xqaccel_operand){ self->buf.handle, 0, 4097, 0,
								    0, 0 };
	EXPECT_REFUSED(EINVAL);
	self->job.work.flags = XQACCEL_JOB_B_TILED;
	B.offset = 4095;
	B.stride = 0;
	EXPECT_REFUSED(EINVAL);
	self->job.work.flags = XQACCEL_JOB_B_TILED;
	B.offset = 4096;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.group = 4;
	self->job.work.gemm.a_scale_format = XQACCEL_FMT_S32;
	self->job.work.gemm.b_scale_format = XQACCEL_FMT_S32;
	self->job.operand[XQACCEL_A_SCALE] = (struct xqaccel_operand){ self->buf.handle, 0, 4098,
								       16, 0, 0 };
	EXPECT_REFUSED(EINVAL);
}

TEST_F(submit, unknown_handles)
{
	unsigned int i;

	for (i = XQACCEL_A; i <= XQACCEL_B_ZP; i++) {
		if (i > XQACCEL_C)
			self->job.operand[i].offset = 4096;
		self->job.operand[i].handle = self->buf.handle + 1;
		EXPECT_REFUSED(ENOENT);
	}
	A.handle = UINT32_MAX;
	EXPECT_REFUSED(ENOENT);
}

TEST_F(submit, past_the_end)
{
	A.offset = 8192 - 63;
	EXPECT_REFUSED(ERANGE);
	A.offset = 8192;
	EXPECT_REFUSED(ERANGE);
	A.offset = 1ULL << 40;
	EXPECT_REFUSED(ERANGE);
	A.stride = 4096;
	EXPECT_REFUSED(ERANGE);
	B.stride = 1ULL << 32;
	EXPECT_REFUSED(ERANGE);
	C.offset = 8192 - 60;
	EXPECT_REFUSED(ERANGE);
	self->job.work.gemm.m = 1 << 16;
	EXPECT_REFUSED(ERANGE);
	self->job.work.gemm.k = 1 << 20;
	EXPECT_REFUSED(ERANGE);
	self->job.work.gemm.batch = 3;
	A.batch_stride = 4096;
	EXPECT_REFUSED(ERANGE);
	self->job.operand[XQACCEL_B_ZP] = (struct xqaccel_operand){ self->buf.handle, 0, 8192 - 12,
								    0, 0, 0 };
	EXPECT_REFUSED(ERANGE);
	/* An operand without bytes must lie inside, too. */
	self->job.work.gemm.m = 0;
	A.offset = 8193;
	EXPECT_REFUSED(ERANGE);
}

TEST_F(submit, sizes_that_overflow)
{
	A.offset = UINT64_MAX - 15;
	EXPECT_REFUSED(EOVERFLOW);
	A.stride = UINT64_MAX / 2;
	EXPECT_REFUSED(EOVERFLOW);
	A.stride = UINT64_MAX;
	EXPECT_REFUSED(EOVERFLOW);
	self->job.work.gemm.batch = self->info.max_dim;
	B.batch_stride = 1ULL << 50;
	EXPECT_REFUSED(EOVERFLOW);
	C.stride = 1ULL << 63;
	EXPECT_REFUSED(EOVERFLOW);
	self->job.work.flags = XQACCEL_JOB_GROUP_ACC;
	self->job.work.gemm.group = 1;
	self->job.operand[XQACCEL_C].plane_stride = 1ULL << 61;
	EXPECT_REFUSED(EOVERFLOW);
}

TEST_F(submit, overlapping_operands)
{
	C.offset = SMALL_A;
	EXPECT_REFUSED(EINVAL);
	C.offset = SMALL_A + 60;
	EXPECT_REFUSED(EINVAL);
	C.offset = SMALL_B - 60;
	EXPECT_REFUSED(EINVAL);
	C.offset = 512;
	C.stride = 256;
	EXPECT_REFUSED(EINVAL);
	self->job.operand[XQACCEL_A_ZP] = (struct xqaccel_operand){ self->buf.handle, 0, SMALL_C, 0,
								    0, 0 };
	EXPECT_REFUSED(EINVAL);
	/* Rows of C over each other. */
	C.stride = 12;
	EXPECT_REFUSED(EINVAL);
	C.stride = 0;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.batch = 2;
	C.batch_stride = 60;
	EXPECT_REFUSED(EINVAL);
	self->job.work.gemm.batch = 2;
	C.batch_stride = 0;
	EXPECT_REFUSED(EINVAL);
	/* Side by side is fine: batches within the rows' distance. */
	self->job.work.gemm.batch = 2;
	C.stride = 32;
	C.batch_stride = 16;
	EXPECT_EQ(0, submit(self->fd, &self->job));
	EXPECT_EQ(0, wait_one(self->fd, &(struct xqaccel_completion){ 0 }, 5 * SECOND));
	/* And so is C right behind A. */
	small_job(&self->job, &self->buf);
	C.offset = SMALL_A + 64;
	EXPECT_EQ(0, submit(self->fd, &self->job));
	EXPECT_EQ(0, wait_one(self->fd, &(struct xqaccel_completion){ 0 }, 5 * SECOND));
}

TEST_F(submit, command)
{
	const struct xqaccel_submit good = {
		.size = sizeof(good),
		.jobs = { sizeof(self->job), 1, (uintptr_t)&self->job },
	};
	struct xqaccel_submit cmd;

#define EXPECT_COMMAND(error, member, value) \
	do { \
		cmd = good; \
		cmd.member = value; \
		EXPECT_EQ(-(error), device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd)); \
	} while (0)

	EXPECT_COMMAND(EINVAL, jobs.count, 0);
	EXPECT_COMMAND(EINVAL, jobs.count, self->info.max_batch + 1);
	EXPECT_COMMAND(EINVAL, lane, self->info.lanes);
	EXPECT_COMMAND(EINVAL, lane, UINT32_MAX);
	EXPECT_COMMAND(EINVAL, jobs.stride, 0);
	EXPECT_COMMAND(EINVAL, jobs.stride, 63);
	EXPECT_COMMAND(EINVAL, jobs.stride, UINT32_MAX);
	EXPECT_COMMAND(EINVAL, timeout_ms, self->info.max_timeout_ms + 1);
	/* So short a job has no operands. */
	EXPECT_COMMAND(EINVAL, jobs.stride, 64);
}

/* What a description lacks is zero, wherever it ends and starts, and whatever was there before. */
TEST_F(submit, descriptions_that_end_anywhere)
{
	const uint32_t needed = offsetof(struct xqaccel_job_desc,
					 operand[XQACCEL_C].batch_stride);
	uint8_t bytes[sizeof(self->job) + 8];
	struct xqaccel_job_desc bad = self->job;
	struct xqaccel_submit cmd = { .size = sizeof(cmd), .jobs.count = 1 };
	struct xqaccel_completion c;
	uint32_t i;

	memset((uint8_t *)&bad + needed, 0xff, sizeof(bad) - needed);
	for (i = 0; i <= 2 * sizeof(struct xqaccel_operand); i++) {
		uint8_t *at = bytes + i % 8;

		memset(bytes, 0xff, sizeof(bytes));
		memcpy(at, &self->job, needed + i);
		cmd.jobs.stride = needed + i;
		cmd.jobs.array = (uintptr_t)at;
		small_fill(&self->buf, 1, 1);
		ASSERT_EQ(-EINVAL, submit(self->fd, &bad));
		ASSERT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd));
		ASSERT_EQ(0, wait_one(self->fd, &c, 5 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
		EXPECT_EQ(0, small_check(&self->buf, 16));
	}
}

TEST_F(submit, longer_jobs_of_newer_programs)
{
	struct {
		struct xqaccel_job_desc job;
		uint64_t newer;
	} jobs[2] = { { self->job, 0 }, { self->job, 0 } };
	struct xqaccel_submit cmd = {
		.size = sizeof(cmd),
		.jobs = { sizeof(jobs[0]), 2, (uintptr_t)jobs },
	};
	struct xqaccel_completion c[2];

	EXPECT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd));
	EXPECT_EQ(2U, cmd.accepted);
	EXPECT_EQ(0, wait_jobs(self->fd, c, 2, 2, 5 * SECOND, NULL, NULL));
	jobs[0].newer = 1;
	EXPECT_EQ(-E2BIG, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd));
}

/* A structure that can be read but not written: what the caller is not told of is not there. */
TEST_F(submit, result_that_can_not_be_written)
{
	const long page = sysconf(_SC_PAGESIZE);
	struct xqaccel_submit *cmd = mmap(NULL, page, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct xqaccel_completion c;
	uint32_t done, pending;
	unsigned int i;

	ASSERT_NE(MAP_FAILED, (void *)cmd);
	*cmd = (struct xqaccel_submit){
		.size = sizeof(*cmd), .jobs = { sizeof(self->job), 1, (uintptr_t)&self->job },
	};
	ASSERT_EQ(0, mprotect(cmd, page, PROT_READ));
	/* More often than there is room for jobs. */
	for (i = 0; i < self->info.max_jobs + 10; i++)
		ASSERT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, cmd));
	EXPECT_EQ(0, wait_jobs(self->fd, &c, 1, 0, 0, &done, &pending));
	EXPECT_EQ(0U, done);
	EXPECT_EQ(0U, pending);
	munmap(cmd, page);
}

TEST_F(submit, ids)
{
	struct xqaccel_job_desc jobs[5] = { self->job, self->job, self->job, self->job, self->job };
	struct xqaccel_completion c[5];
	uint64_t first, next;
	uint32_t accepted, i;

	ASSERT_EQ(0, submit_jobs(self->fd, jobs, 5, 0, 0, &accepted, &first));
	ASSERT_EQ(5U, accepted);
	EXPECT_NE(0ULL, first);
	ASSERT_EQ(0, wait_jobs(self->fd, c, 5, 5, 5 * SECOND, NULL, NULL));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(first + i, c[i].id);
	ASSERT_EQ(0, submit_jobs(self->fd, jobs, 1, 3, 0, NULL, &next));
	EXPECT_LE(first + 5, next);
	ASSERT_EQ(0, wait_jobs(self->fd, c, 1, 1, 5 * SECOND, NULL, NULL));
	EXPECT_EQ(next, c[0].id);
}

TEST_F(submit, batch_with_a_bad_job)
{
	struct xqaccel_job_desc jobs[4] = { self->job, self->job, self->job, self->job };
	struct xqaccel_completion c[4];
	uint32_t done, pending;

	jobs[2].work.op = 0;
	EXPECT_EQ(0, submit_jobs(self->fd, jobs, 4, 0, 0, &done, NULL));
	EXPECT_EQ(2U, done);
	EXPECT_EQ(-EOPNOTSUPP, submit_jobs(self->fd, jobs + done, 2, 0, 0, NULL, NULL));
	EXPECT_EQ(0, wait_jobs(self->fd, c, 4, 2, 5 * SECOND, &done, &pending));
	EXPECT_EQ(2U, done);
	EXPECT_EQ(0U, pending);
}

TEST_F(submit, strides_out_of_bounds)
{
	static const uint32_t wrong[] = { 0, 63, XQACCEL_MAX_STRUCT + 1, UINT32_MAX };
	struct xqaccel_submit cmd = {
		.size = sizeof(cmd), .jobs = { 0, 1, (uintptr_t)&self->job },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		cmd.jobs.stride = wrong[i];
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd));
	}
}

TEST_F(submit, array_that_ends_in_a_hole)
{
	const long page = sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	struct xqaccel_completion c[2];
	struct xqaccel_job_desc *jobs;
	uint32_t done;

	ASSERT_NE(MAP_FAILED, (void *)map);
	ASSERT_EQ(0, munmap(map + page, page));
	jobs = (struct xqaccel_job_desc *)(map + page - 2 * sizeof(*jobs));
	jobs[0] = self->job;
	jobs[1] = self->job;
	EXPECT_EQ(0, submit_jobs(self->fd, jobs, 3, 0, 0, &done, NULL));
	EXPECT_EQ(2U, done);
	EXPECT_EQ(-EFAULT, submit_jobs(self->fd, jobs + 2, 1, 0, 0, NULL, NULL));
	EXPECT_EQ(0, wait_jobs(self->fd, c, 2, 2, 5 * SECOND, NULL, NULL));
}

TEST_F(submit, overfilled)
{
	struct xqaccel_completion *c = calloc(self->info.max_jobs, sizeof(*c));
	uint32_t done, pending, i;
	int ret;

	ASSERT_TRUE(!!c);
	for (i = 0; i < self->info.max_jobs; i++) {
		self->job.user_data = i;
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 0));
	}
	EXPECT_EQ(-EAGAIN, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_jobs(self->fd, c, 1, 1, 10 * SECOND, &done, &pending));
	EXPECT_EQ(self->info.max_jobs - 1, pending);
	EXPECT_EQ(0, submit(self->fd, &self->job));
	EXPECT_EQ(-EAGAIN, submit(self->fd, &self->job));
	for (i = 1; i < self->info.max_jobs; i += done) {
		const uint64_t first = i;

		ret = wait_jobs(self->fd, c, self->info.max_jobs, 1, 10 * SECOND, &done, &pending);
		ASSERT_EQ(0, ret);
		EXPECT_EQ(first, c[0].user_data);
	}
	while (pending)
		ASSERT_EQ(0, wait_jobs(self->fd, c, 8, 1, 10 * SECOND, NULL, &pending));
	free(c);
}

TEST_HARNESS_MAIN
