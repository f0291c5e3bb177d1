// SPDX-License-Identifier: GPL-2.0
/*
 * Recorded programs: what is refused, what a run can reach, what stops one in its middle, and
 * that nothing of it is left behind.
 */
#include <errno.h>
#include <signal.h>

#include "device.h"
#include "gemm_case.h"
#include "guest.h"
#include "harness.h"

/* C (slot 1) = A (slot 0) x B, 4 x 4 x 16 in s8, B at 1024 of a buffer that the program names. */
#define A_BYTES		64
#define C_BYTES		64
#define JOBS		12
#define BYTES		(16U << 10)

FIXTURE(program)
{
	int fd;
	char address[32];
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct xqaccel_job_desc many[JOBS];
	struct xqaccel_job_desc run;
	struct xqaccel_completion c;
	uint32_t program;
};

static void fill(const struct buffer *buf)
{
	memset(buf->map, 1, buf->bytes);
}

FIXTURE_SETUP(program)
{
	struct xqaccel_info info;
	unsigned int i;

	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_info(self->fd, &info));
	if (!(info.features & XQACCEL_FEATURE_PROGRAM))
		SKIP(return, "the device has no programs");
	if (bus_address(self->address, sizeof(self->address)))
		self->address[0] = 0;
	ASSERT_EQ(0, buffer_create(self->fd, BYTES, &self->buf));
	fill(&self->buf);
	small_job(&self->job, &self->buf);
	self->job.operand[XQACCEL_A].handle = XQACCEL_SLOT(0);
	self->job.operand[XQACCEL_A].offset = 0;
	self->job.operand[XQACCEL_C].handle = XQACCEL_SLOT(1);
	self->job.operand[XQACCEL_C].offset = 0;
	for (i = 0; i < JOBS; i++) {
		self->many[i] = self->job;
		self->many[i].operand[XQACCEL_C].offset = i * C_BYTES;
	}
	ASSERT_EQ(0, program_create(self->fd, self->many, JOBS, 2, &self->program));
	memset(&self->run, 0, sizeof(self->run));
	self->run.work.op = XQACCEL_OP_PROGRAM;
	self->run.work.run.program = self->program;
	self->run.operand[0].handle = self->buf.handle;
	self->run.operand[1].handle = self->buf.handle;
	self->run.operand[1].offset = 4096;
}

FIXTURE_TEARDOWN(program)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
	EXPECT_EQ(0, stat_settles("buffers", 0, 10000));
	EXPECT_EQ(0, stat_settles("buffer_bytes", 0, 10000));
	EXPECT_EQ(0, stat_settles("clients", 0, 10000));
}

static int run_once(FIXTURE_DATA(program) *self)
{
	const int ret = submit(self->fd, &self->run);

	return ret ? ret : wait_one(self->fd, &self->c, 20 * SECOND);
}

/* How many of the jobs have written all of their C. */
static unsigned int written(const struct buffer *buf, uint64_t offset)
{
	unsigned int i, n = 0;
	int32_t value;

	for (i = 0; i < JOBS * C_BYTES / 4; i++) {
		memcpy(&value, buf->map + offset + 4 * i, 4);
		n += value == 16;
	}
	return n / 16;
}

TEST_F(program, runs)
{
	struct xqaccel_profile profile[JOBS];
	uint64_t before = 0, macs = 0;
	unsigned int i, round;

	self->run.operand[XQACCEL_PROGRAM_PROFILE].handle = self->buf.handle;
	self->run.operand[XQACCEL_PROGRAM_PROFILE].offset = 8192;
	for (round = 0; round < 3; round++) {
		fill(&self->buf);
		self->run.user_data = 40 + round;
		ASSERT_EQ(0, run_once(self));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
		EXPECT_EQ(40 + round, (unsigned int)self->c.user_data);
		EXPECT_EQ(0, (int)self->c.failed_job);
		EXPECT_EQ(JOBS, (int)written(&self->buf, 4096));
		memcpy(profile, self->buf.map + 8192, sizeof(profile));
		for (i = 0, macs = 0; i < JOBS; i++) {
			EXPECT_LE(before, profile[i].start);
			EXPECT_LE(profile[i].start, profile[i].end);
			EXPECT_EQ(256, (int)profile[i].macs);
			before = profile[i].end;
			macs += profile[i].macs;
		}
		EXPECT_EQ(macs, self->c.macs);
	}
	ASSERT_EQ(0, program_destroy(self->fd, self->program));
	EXPECT_EQ(-ENOENT, program_destroy(self->fd, self->program));
	EXPECT_EQ(-ENOENT, submit(self->fd, &self->run));
}

/* Jobs of a program see what those before them wrote, of the buffers that it names. */
TEST_F(program, jobs_follow_each_other)
{
	struct xqaccel_job_desc chain[3];
	uint32_t program;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		small_job(&chain[i], &self->buf);
		if (i)
			chain[i].work.flags = XQACCEL_JOB_ACCUMULATE;
	}
	ASSERT_EQ(0, program_create(self->fd, chain, 3, 0, &program));
	memset(self->run.operand, 0, sizeof(self->run.operand));
	self->run.work.run.program = program;
	ASSERT_EQ(0, run_once(self));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(0, small_check(&self->buf, 48));
}

#define REFUSED(_error, _slots, _change)						\
	do {										\
		struct xqaccel_job_desc bad = self->job;				\
		uint32_t _program;							\
		_change;								\
		EXPECT_EQ(_error, program_create(self->fd, &bad, 1, _slots, &_program));	\
	} while (0)

TEST_F(program, refused_jobs)
{
	REFUSED(0, 2, (void)0);
	REFUSED(-EINVAL, 17, (void)0);
	REFUSED(-ENOENT, 1, (void)0);
	REFUSED(-ENOENT, 2, bad.operand[XQACCEL_A].handle = XQACCEL_SLOT(2));
	REFUSED(-ENOENT, 2, bad.operand[XQACCEL_A].handle = 0xffffffff);
	REFUSED(-ENOENT, 2, bad.operand[XQACCEL_B].handle = 77777);
	REFUSED(-EINVAL, 2, bad.operand[XQACCEL_B].handle = 0);
	REFUSED(-EINVAL, 2, bad.operand[XQACCEL_B].reserved = 1);
	REFUSED(-EINVAL, 2, bad.user_data = 1);
	REFUSED(-EOPNOTSUPP, 2, bad.work.op = XQACCEL_OP_PROGRAM);
	REFUSED(-EOPNOTSUPP, 2, bad.work.op = 15);
	REFUSED(-EOPNOTSUPP, 2, bad.work.flags = XQACCEL_JOB_SILENT);
	REFUSED(-EINVAL, 2, bad.work.words[47] = 1);
	REFUSED(-EINVAL, 2, bad.operand[XQACCEL_C].offset = 2);
	REFUSED(-EINVAL, 2, bad.operand[XQACCEL_C].stride = 4);
	REFUSED(-EINVAL, 2, bad.operand[XQACCEL_C].handle = XQACCEL_SLOT(0));
	REFUSED(-EINVAL, 2, (bad.operand[XQACCEL_C].handle = self->buf.handle,
			     bad.operand[XQACCEL_C].offset = 1024));
	REFUSED(-ERANGE, 2, bad.operand[XQACCEL_A].offset = 1ULL << 39);
	REFUSED(-ERANGE, 2, bad.operand[XQACCEL_B].offset = BYTES - 63);
	/* No place in a slot, though nothing is read there. */
	REFUSED(-ERANGE, 2, (bad.work.gemm.m = 0, bad.operand[XQACCEL_A].offset = 1ULL << 39));
	REFUSED(0, 2, (bad.work.gemm.m = 0, bad.operand[XQACCEL_A].offset = (1ULL << 39) - 1));
	REFUSED(-EOVERFLOW, 2, bad.operand[XQACCEL_A].offset = UINT64_MAX);
	REFUSED(-EOVERFLOW, 2, bad.operand[XQACCEL_A].stride = UINT64_MAX);
}

#define CALL(_error, _change)								\
	do {										\
		struct xqaccel_program_create cmd = {					\
			.size = sizeof(cmd),						\
			.jobs = { sizeof(self->job), 1, (uintptr_t)&self->job },	\
			.slots = 2,							\
		};									\
		_change;								\
		EXPECT_EQ(_error, device_ioctl(self->fd, XQACCEL_IOCTL_PROGRAM_CREATE, &cmd));	\
	} while (0)

TEST_F(program, refused_calls)
{
	CALL(0, (void)0);
	CALL(-EINVAL, cmd.size = 20);
	CALL(-EOPNOTSUPP, cmd.flags = 1);
	CALL(-EINVAL, cmd.jobs.count = 0);
	CALL(-EINVAL, cmd.jobs.count = XQACCEL_PROGRAM_JOBS + 1);
	CALL(-EINVAL, cmd.jobs.stride = 60);
	CALL(-EINVAL, cmd.jobs.stride = 8192);
	CALL(-EFAULT, cmd.jobs.array = 8);
	EXPECT_EQ(-ENOENT, program_destroy(self->fd, 0));
	EXPECT_EQ(-ENOENT, program_destroy(self->fd, self->buf.handle + 1000));
}

#define RUN(_error, _change)								\
	do {										\
		struct xqaccel_job_desc run = self->run;				\
		_change;								\
		EXPECT_EQ(_error, submit(self->fd, &run));				\
		if (!(_error)) {							\
			EXPECT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));	\
			EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);		\
		}									\
	} while (0)

TEST_F(program, refused_runs)
{
	struct xqaccel_job_desc single = self->job;
	struct xqaccel_operand *profile;

	RUN(0, (void)0);
	RUN(-ENOENT, run.work.run.program = 0);
	RUN(-ENOENT, run.work.run.program = self->program + 1000);
	RUN(-EINVAL, run.work.words[1] = 1);
	RUN(-EINVAL, run.work.words[47] = 1);
	RUN(-EINVAL, run.work.epilogue.kind = 1);
	RUN(-EOPNOTSUPP, run.work.flags = XQACCEL_JOB_ACCUMULATE);
	RUN(-EOPNOTSUPP, run.work.flags = XQACCEL_JOB_B_TILED);
	RUN(-EINVAL, run.operand[0].handle = 0);
	RUN(-EINVAL, run.operand[1].handle = run.operand[1].offset = 0);
	RUN(-ENOENT, run.operand[0].handle = 77777);
	RUN(-ENOENT, run.operand[0].handle = XQACCEL_SLOT(0));
	RUN(-EINVAL, run.operand[0].reserved = 1);
	RUN(-EINVAL, run.operand[0].stride = 16);
	RUN(-EINVAL, run.operand[0].batch_stride = 16);
	RUN(-EINVAL, run.operand[0].plane_stride = 16);
	RUN(-EINVAL, run.operand[2] = run.operand[0]);
	RUN(-EINVAL, run.operand[17] = run.operand[0]);
	RUN(-EINVAL, run.operand[22] = run.operand[0]);
	RUN(-EINVAL, run.operand[1].offset = 4098);
	RUN(0, run.operand[1].offset = BYTES - JOBS * C_BYTES);
	RUN(-ERANGE, run.operand[1].offset = BYTES - JOBS * C_BYTES + 4);
	RUN(-ERANGE, run.operand[1].offset = UINT64_MAX - 3);
	RUN(-ERANGE, run.operand[0].offset = BYTES - A_BYTES + 1);
	RUN(-EINVAL, run.operand[1].offset = A_BYTES - 4);
	RUN(0, run.operand[1].offset = A_BYTES);
	RUN(-EINVAL, run.operand[1].offset = 1024 + 60);
	RUN(0, run.operand[1].offset = 1024 + 64);
	RUN(0, run.operand[0].offset = 1024);
	/* The profile is written, too. */
	profile = &self->run.operand[XQACCEL_PROGRAM_PROFILE];
	profile->handle = self->buf.handle;
	profile->offset = BYTES - 32 * JOBS;
	RUN(0, (void)0);
	RUN(-ERANGE, run.operand[XQACCEL_PROGRAM_PROFILE].offset += 32);
	RUN(-EINVAL, run.operand[XQACCEL_PROGRAM_PROFILE].offset -= 16);
	RUN(-EINVAL, run.operand[XQACCEL_PROGRAM_PROFILE].offset = 0);
	RUN(-EINVAL, run.operand[XQACCEL_PROGRAM_PROFILE].offset = 1024);
	RUN(-EINVAL, run.operand[XQACCEL_PROGRAM_PROFILE].offset = 4096);
	/* A slot or a list of descriptors is nothing that a plain job has. */
	EXPECT_EQ(-ENOENT, submit(self->fd, &single));
}

/* Whatever a run is given, it changes the C that it was given, or nothing. */
TEST_F_TIMEOUT(program, reaches_nothing_else, 120)
{
	static uint8_t before[BYTES];
	struct random r = { 17 };
	unsigned int i, ran = 0;

	for (i = 0; i < 2000; i++) {
		const bool wild = random_one_in(&r, 8);
		const uint64_t c = wild ? random_next(&r) : random_below(&r, 2 * BYTES) & ~3U;
		int ret;

		random_bytes(&r, self->buf.map, BYTES);
		memcpy(before, self->buf.map, BYTES);
		self->run.operand[0].offset = random_below(&r, 2 * BYTES);
		self->run.operand[1].offset = c;
		ret = submit(self->fd, &self->run);
		if (!ret) {
			ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
			ASSERT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
			ASSERT_LE(c, BYTES - JOBS * C_BYTES);
			memcpy(before + c, self->buf.map + c, JOBS * C_BYTES);
			ran++;
		}
		if (memcmp(before, self->buf.map, BYTES)) {
			TH_LOG("run %u, C at %#llx: %d", i, (unsigned long long)c, ret);
			ASSERT_TRUE(false);
		}
	}
	EXPECT_LT(200U, ran);
	EXPECT_LT(ran, 1900U);
}

/* Random programs of random jobs, with all of their memory at one slot, against plain loops. */
TEST_F_TIMEOUT(program, random_programs, 120)
{
	struct random r = { 23 };
	struct buffer memory;
	unsigned int round, i;

	ASSERT_EQ(0, buffer_create(self->fd, 4U << 20, &memory));
	for (round = 0; round < 40; round++) {
		const unsigned int count = 1 + random_below(&r, 16);
		const uint64_t base = 4096 * random_below(&r, 8);
		struct xqaccel_job_desc job[16];
		static uint8_t want[16][160 << 10];
		struct gemm_case g[16];
		uint64_t at[16], next = 0;
		uint32_t program;

		for (i = 0; i < count; i++) {
			unsigned int j;

			do {
				gemm_random(&g[i], &r, 20, 60);
				gemm_place(&g[i], &r);
			} while (g[i].total > sizeof(want[0]));
			at[i] = next;
			next = (next + g[i].total + 8191) & ~4095ULL;
			/* Inputs and outputs in the same slot are apart only within a job. */
			gemm_job(&g[i], XQACCEL_SLOT(0), at[i], &job[i]);
			job[i].user_data = 0;
			for (j = 0; j < GEMM_OPERANDS; j++)
				if (!job[i].operand[j].handle)
					job[i].operand[j].offset = 0;
			random_bytes(&r, memory.map + base + at[i], g[i].total);
			memcpy(want[i], memory.map + base + at[i], g[i].total);
			gemm_reference(&g[i], want[i]);
		}
		ASSERT_LE(base + next, memory.bytes);
		ASSERT_EQ(0, program_create(self->fd, job, count, 1, &program));
		memset(self->run.operand, 0, sizeof(self->run.operand));
		self->run.work.run.program = program;
		self->run.operand[0].handle = memory.handle;
		self->run.operand[0].offset = base;
		ASSERT_EQ(0, run_once(self));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
		for (i = 0; i < count; i++)
			EXPECT_EQ(0, memcmp(want[i], memory.map + base + at[i], g[i].total));
		ASSERT_EQ(0, program_destroy(self->fd, program));
	}
	munmap(memory.map, memory.bytes);
}

/* A program holds the buffers that it names, a run holds the program and what it is given. */
TEST_F(program, outlives_its_handles)
{
	if (host_present())
		ASSERT_EQ(0, inject("slow-ns", 20 * MS));
	ASSERT_EQ(0, submit(self->fd, &self->run));
	ASSERT_EQ(0, program_destroy(self->fd, self->program));
	ASSERT_EQ(0, buffer_destroy(self->fd, self->buf.handle));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(JOBS, (int)written(&self->buf, 4096));
}

TEST_F(program, silent)
{
	struct xqaccel_job_desc job[3];
	uint32_t done, pending;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		job[i] = self->run;
		job[i].work.flags = i < 2 ? XQACCEL_JOB_SILENT : 0;
		job[i].user_data = i;
	}
	ASSERT_EQ(0, submit_jobs(self->fd, job, 3, 0, 0, NULL, NULL));
	ASSERT_EQ(0, wait_jobs(self->fd, &self->c, 1, 1, 20 * SECOND, &done, &pending));
	EXPECT_EQ(2, (int)self->c.user_data);
	EXPECT_EQ(0, (int)pending);
	/* Nothing comes of one that ends well. */
	ASSERT_EQ(0, submit_jobs(self->fd, job, 1, 0, 0, NULL, NULL));
	EXPECT_EQ(-ENOENT, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(JOBS, (int)written(&self->buf, 4096));
	if (!host_present())
		SKIP(return, "no fault injection");
	ASSERT_EQ(0, inject("dma-errors", 1));
	ASSERT_EQ(0, submit_jobs(self->fd, job, 1, 0, 0, NULL, NULL));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_DMA, (int)self->c.status);
}

/* ---- stopped in the middle -------------------------------------------------- */

TEST_F(program, fails_in_the_middle)
{
	unsigned int at;

	if (!host_present())
		SKIP(return, "no fault injection");
	ASSERT_EQ(0, inject("slow-ns", 100 * MS));
	ASSERT_EQ(0, submit(self->fd, &self->run));
	sleep_ms(250);
	ASSERT_EQ(0, inject("dma-errors", 1));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	at = self->c.failed_job;
	EXPECT_EQ(XQACCEL_STATUS_DMA, (int)self->c.status);
	EXPECT_LT(0U, at);
	EXPECT_LT(at, (unsigned int)JOBS);
	EXPECT_EQ(at, written(&self->buf, 4096));
	EXPECT_EQ(0, (int)self->c.macs);
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, run_once(self));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
}

TEST_F(program, takes_too_long)
{
	if (!host_present())
		SKIP(return, "no fault injection");
	ASSERT_EQ(0, inject("slow-ns", 200 * MS));
	ASSERT_EQ(0, submit_lane(self->fd, &self->run, 0, 700));
	ASSERT_EQ(0, submit_lane(self->fd, &self->run, 0, 60000));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_TIMEOUT, (int)self->c.status);
	EXPECT_LT(0U, self->c.failed_job);
	EXPECT_LT(self->c.failed_job, (unsigned int)JOBS);
	ASSERT_EQ(0, inject("slow-ns", 0));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(JOBS, (int)written(&self->buf, 4096));
}

TEST_F(program, is_canceled)
{
	uint64_t id, next;

	if (!host_present())
		SKIP(return, "no fault injection");
	ASSERT_EQ(0, inject("slow-ns", 300 * MS));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->run, 1, 0, 0, NULL, &id));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->run, 1, 0, 0, NULL, &next));
	sleep_ms(400);
	ASSERT_EQ(0, cancel(self->fd, id));
	ASSERT_EQ(0, wait_id(self->fd, id, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)self->c.status);
	EXPECT_LT(self->c.failed_job, (unsigned int)JOBS);
	ASSERT_EQ(0, inject("slow-ns", 0));
	ASSERT_EQ(0, wait_id(self->fd, next, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
}

/*
 * Resets the function when the program is in its middle, and does not end in the time it is given.
 */
static int reset_in_the_middle(FIXTURE_DATA(program) *self, const struct xqaccel_job_desc *run)
{
	int ret;

	ret = inject("slow-ns", 400 * MS);
	if (!ret)
		ret = submit(self->fd, run);
	sleep_ms(500);
	if (!ret)
		ret = bus_file_write(self->address, "reset", "1");
	if (!ret)
		ret = inject("slow-ns", 0);
	return ret ? ret : wait_one(self->fd, &self->c, 20 * SECOND);
}

TEST_F_TIMEOUT(program, repeats_after_a_reset, 60)
{
	int64_t before;

	if (!host_present() || !self->address[0])
		SKIP(return, "no fault injection");
	if (!on_pci(self->address))
		SKIP(return, "not on PCI, which can reset it");
	before = stat_of("resubmitted");
	ASSERT_EQ(0, reset_in_the_middle(self, &self->run));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(JOBS, (int)written(&self->buf, 4096));
	EXPECT_LT(before, stat_of("resubmitted"));
}

/*
 * Programs that change what they read can't run again: one that adds to memory from outside, one
 * that writes what an earlier job has read. One that does so to what it wrote itself can.
 */
TEST_F_TIMEOUT(program, ends_if_it_cant_repeat, 120)
{
	struct xqaccel_job_desc job[JOBS];
	uint32_t program;
	unsigned int kind, i;

	if (!host_present() || !self->address[0])
		SKIP(return, "no fault injection");
	if (!on_pci(self->address))
		SKIP(return, "not on PCI, which can reset it");
	for (kind = 0; kind < 3; kind++) {
		for (i = 0; i < JOBS; i++) {
			small_job(&job[i], &self->buf);
			if (kind == 0 || (kind == 2 && i))
				job[i].work.flags = XQACCEL_JOB_ACCUMULATE;
		}
		if (kind == 1)
			job[JOBS - 1].operand[XQACCEL_C].offset = SMALL_A;
		if (kind == 1)
			job[JOBS - 1].operand[XQACCEL_A].offset = 4096;
		fill(&self->buf);
		ASSERT_EQ(0, program_create(self->fd, job, JOBS, 0, &program));
		memset(self->run.operand, 0, sizeof(self->run.operand));
		self->run.work.run.program = program;
		ASSERT_EQ(0, reset_in_the_middle(self, &self->run));
		EXPECT_EQ(kind == 2 ? XQACCEL_STATUS_OK : XQACCEL_STATUS_CANCELED,
			  (int)self->c.status);
		EXPECT_TRUE(kind == 2 ? !small_check(&self->buf, 16 * JOBS) :
					self->c.failed_job < JOBS);
	}
}

TEST_F_TIMEOUT(program, is_unplugged, 60)
{
	if (!host_present() || !self->address[0])
		SKIP(return, "no fault injection");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit(self->fd, &self->run));
	sleep_ms(50);
	ASSERT_EQ(0, driver_unbind(self->address));
	EXPECT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)self->c.status);
	EXPECT_EQ(XQACCEL_NO_JOB, self->c.failed_job);
	EXPECT_EQ(-ENODEV, submit(self->fd, &self->run));
	EXPECT_EQ(-ENODEV, program_create(self->fd, self->many, JOBS, 2, &self->program));
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, driver_bind(self->address));
	EXPECT_TRUE(node_appears(10000));
}

/* ---- others ------------------------------------------------------------------- */

TEST_F_TIMEOUT(program, of_two_clients, 60)
{
	const int other = device_open();
	struct buffer buf;
	uint32_t program;
	struct xqaccel_job_desc run = self->run;
	unsigned int i;

	ASSERT_LE(0, other);
	EXPECT_EQ(-ENOENT, submit(other, &self->run));
	ASSERT_EQ(0, buffer_create(other, BYTES, &buf));
	fill(&buf);
	/* Its own names, which may be the same numbers. */
	for (i = 0; i < JOBS; i++)
		self->many[i].operand[XQACCEL_B].handle = buf.handle;
	ASSERT_EQ(0, program_create(other, self->many, JOBS, 2, &program));
	run.work.run.program = program;
	run.operand[0].handle = buf.handle;
	run.operand[1].handle = buf.handle;
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, submit(self->fd, &self->run));
		ASSERT_EQ(0, submit(other, &run));
	}
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
		ASSERT_EQ(0, wait_one(other, &self->c, 20 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	}
	EXPECT_EQ(JOBS, (int)written(&self->buf, 4096));
	EXPECT_EQ(JOBS, (int)written(&buf, 4096));
	munmap(buf.map, buf.bytes);
	close(other);
}

/* The teardown sees whether anything is left. */
TEST_F_TIMEOUT(program, of_a_killed_process, 60)
{
	int status;
	pid_t child;

	if (host_present())
		ASSERT_EQ(0, inject("slow-ns", 200 * MS));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		const int fd = device_open();
		struct buffer buf;
		uint32_t program;
		unsigned int i;

		if (fd < 0 || buffer_create(fd, BYTES, &buf))
			_exit(1);
		for (i = 0; i < JOBS; i++)
			self->many[i].operand[XQACCEL_B].handle = buf.handle;
		if (program_create(fd, self->many, JOBS, 2, &program))
			_exit(2);
		self->run.work.run.program = program;
		self->run.operand[0].handle = buf.handle;
		self->run.operand[1].handle = buf.handle;
		for (i = 0; i < 10; i++)
			if (submit(fd, &self->run))
				_exit(3);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	if (host_present())
		ASSERT_EQ(0, inject("slow-ns", 0));
	ASSERT_EQ(0, run_once(self));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
}

/* What programs need is memory of the client like any other. */
TEST_F(program, memory_is_counted)
{
	const int64_t before = stat_of("buffer_bytes");
	static struct xqaccel_job_desc job[256];
	uint32_t program;
	unsigned int i;

	for (i = 0; i < 256; i++)
		job[i] = self->job;
	ASSERT_EQ(0, program_create(self->fd, job, 256, 2, &program));
	EXPECT_EQ(before + 256 * 1024, stat_of("buffer_bytes"));
	ASSERT_EQ(0, program_destroy(self->fd, program));
	EXPECT_EQ(before, stat_settles("buffer_bytes", before, 10000));
}

TEST_HARNESS_MAIN
