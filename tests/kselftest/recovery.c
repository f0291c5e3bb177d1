// SPDX-License-Identifier: GPL-2.0
/*
 * A device that misbehaves, by fault injection: jobs that hang, interrupts that do not come,
 * completions that lie, resets that are not acknowledged. Whoever is not guilty gets a right
 * result, the guilty an error, and the device works afterwards.
 */
#include <errno.h>
#include <poll.h>

#include "device.h"
#include "gemm_case.h"
#include "guest.h"
#include "harness.h"
#include "shared_memory.h"

FIXTURE(recovery)
{
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct xqaccel_completion c;
	char address[32];
};

static bool has_reset_line(const char *address)
{
	return !on_pci(address) && node_has(address, "resets");
}

static int reset_lingers(unsigned int ms)
{
	return host_request(NULL, 0, "qom-set reset-linger-ms %u", ms);
}

FIXTURE_SETUP(recovery)
{
	if (!host_present())
		SKIP(return, "no host to inject faults");
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	ASSERT_EQ(0, host_request(NULL, 0, "qom-set stuck-master false"));
	ASSERT_EQ(0, host_request(NULL, 0, "qom-set unreachable false"));
	if (has_reset_line(self->address))
		ASSERT_EQ(0, reset_lingers(0));
	/* Boards have it asleep when idle, and it would find the faults when it wakes up. */
	(void)bus_file_write(self->address, "power/control", "on");
	self->fd = device_open_again(self->address);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 2);
	small_job(&self->job, &self->buf);
}

FIXTURE_TEARDOWN(recovery)
{
	EXPECT_EQ(0, inject_nothing());
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	EXPECT_EQ(0, stat_of("leaked_pages"));
}

TEST_F(recovery, job_longer_than_its_limit)
{
	const int64_t start = now_ns();

	ASSERT_EQ(0, inject("hang-jobs", 1));
	self->job.user_data = 5;
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 300));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_TIMEOUT, (int)self->c.status);
	EXPECT_EQ(5ULL, self->c.user_data);
	EXPECT_LE(250 * MS, now_ns() - start);
	EXPECT_FALSE(over_limit(start, 2 * SECOND));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_F(recovery, slow_job_within_its_limit)
{
	ASSERT_EQ(0, inject("slow-ns", 600 * MS));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 5000));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(0, small_check(&self->buf, 16 * 2));
}

TEST_F(recovery, slow_job_beyond_its_limit)
{
	ASSERT_EQ(0, inject("slow-ns", 3 * SECOND));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 200));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 2 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_TIMEOUT, (int)self->c.status);
	ASSERT_EQ(0, inject("slow-ns", 0));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* The jobs behind a hung one ran not at all or once, never twice. */
TEST_F(recovery, jobs_behind_a_hung_one)
{
	enum { COUNT = 20 };
	struct xqaccel_completion c[COUNT];
	uint32_t done, seen = 0;
	uint64_t i;

	ASSERT_EQ(0, inject("hang-jobs", 1));
	self->job.work.flags = XQACCEL_JOB_ACCUMULATE;
	for (i = 0; i < COUNT; i++) {
		self->job.user_data = i;
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 300));
	}
	while (seen < COUNT) {
		ASSERT_EQ(0,
			  wait_jobs(self->fd, c + seen, COUNT - seen, 1, 10 * SECOND, &done, NULL));
		seen += done;
	}
	for (i = 0; i < COUNT; i++) {
		EXPECT_EQ(i, c[i].user_data);
		EXPECT_EQ(i ? XQACCEL_STATUS_OK : XQACCEL_STATUS_TIMEOUT, (int)c[i].status);
	}
	EXPECT_EQ(0, small_check(&self->buf, (COUNT - 1) * 16 * 2));
}

TEST_F(recovery, others_go_on_while_one_hangs)
{
	const int other = device_open();
	struct xqaccel_job_desc job;
	struct buffer buf;
	unsigned int i;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, buffer_create(other, 4096, &buf));
	small_fill(&buf, 1, 1);
	small_job(&job, &buf);
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 1500));
	for (i = 0; i < 100; i++) {
		struct xqaccel_completion c;

		ASSERT_EQ(0, submit_lane(other, &job, i % 8, 0));
		ASSERT_EQ(0, wait_one(other, &c, SECOND));
		ASSERT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	}
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 5 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_TIMEOUT, (int)self->c.status);
	munmap(buf.map, buf.bytes);
	close(other);
}

TEST_F(recovery, every_queue_hangs)
{
	struct xqaccel_completion c[8];
	uint32_t done;
	unsigned int i;

	ASSERT_EQ(0, inject("hang-jobs", 8));
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i, 300));
	ASSERT_EQ(0, wait_jobs(self->fd, c, 8, 8, 10 * SECOND, &done, NULL));
	ASSERT_EQ(8U, done);
	for (i = 0; i < 8; i++)
		EXPECT_EQ(XQACCEL_STATUS_TIMEOUT, (int)c[i].status);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_F(recovery, lost_interrupt)
{
	const int64_t before = stat_of("lost_interrupts");
	int64_t start;

	/* An interrupt since the watchdog last looked, for an earlier job, would hide this one. */
	sleep_ms(1000);
	ASSERT_EQ(0, inject("drop-interrupts", 1));
	start = now_ns();
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 5 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_FALSE(over_limit(start, SECOND));
	EXPECT_EQ(0, small_check(&self->buf, 16 * 2));
	EXPECT_EQ(before + 1, stat_of("lost_interrupts"));
}

TEST_F(recovery, duplicate_interrupts)
{
	unsigned int i;

	ASSERT_EQ(0, inject("duplicate-interrupts", 50));
	for (i = 0; i < 50; i++)
		ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_F(recovery, wrong_id)
{
	const int64_t before = stat_of("bad_completions");

	ASSERT_EQ(0, inject("wrong-id", 1));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 5 * SECOND));
	/* It ran again. */
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(0, small_check(&self->buf, 16 * 2));
	EXPECT_EQ(before + 1, stat_of("bad_completions"));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_F(recovery, wrong_id_of_a_job_that_accumulates)
{
	ASSERT_EQ(0, inject("wrong-id", 1));
	self->job.work.flags = XQACCEL_JOB_ACCUMULATE;
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 5 * SECOND));
	/* Nobody knows whether it added, so it must not add again. */
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)self->c.status);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_F(recovery, wrong_id_again_and_again)
{
	ASSERT_EQ(0, inject("wrong-id", 1000));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)self->c.status);
	ASSERT_EQ(0, inject("wrong-id", 0));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_F(recovery, wrong_phase)
{
	ASSERT_EQ(0, inject("wrong-phase", 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 500));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 5 * SECOND));
	/* A completion that can't be seen never came. */
	EXPECT_EQ(XQACCEL_STATUS_TIMEOUT, (int)self->c.status);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* The device has gone on behind a completion that the driver can't see; nothing adds twice. */
TEST_F(recovery, jobs_behind_a_lost_completion_that_accumulate)
{
	struct xqaccel_job_desc jobs[3] = { self->job, self->job, self->job };
	struct xqaccel_completion c[3];
	struct buffer other[2];
	uint32_t done, pending, i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, buffer_create(self->fd, 8192, &other[i]));
		small_fill(&other[i], 1, 2);
		small_job(&jobs[1 + i], &other[i]);
		memset(other[i].map + jobs[1 + i].operand[XQACCEL_C].offset, 0, 64);
		jobs[1 + i].work.flags = XQACCEL_JOB_ACCUMULATE;
	}
	ASSERT_EQ(0, lane_warm(self->fd, &self->buf));
	ASSERT_EQ(0, inject("wrong-phase", 1));
	ASSERT_EQ(0, submit_jobs(self->fd, jobs, 3, 0, 500, NULL, NULL));
	ASSERT_EQ(0, wait_jobs(self->fd, c, 3, 3, 10 * SECOND, &done, &pending));
	ASSERT_EQ(3U, done);
	EXPECT_EQ(XQACCEL_STATUS_TIMEOUT, (int)c[0].status);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)c[1 + i].status);
		EXPECT_EQ(0, small_check(&other[i], 16 * 2));
		munmap(other[i].map, other[i].bytes);
	}
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* Makes of a job a program, and of that a run. It counts as long before it has run once. */
static int into_program(int fd, struct xqaccel_job_desc *job)
{
	struct xqaccel_completion c;
	uint32_t program;
	int ret = program_create(fd, job, 1, 0, &program);

	if (ret)
		return ret;
	memset(job, 0, sizeof(*job));
	job->work.op = XQACCEL_OP_PROGRAM;
	job->work.run.program = program;
	ret = submit(fd, job);
	return ret ? ret : wait_one(fd, &c, 10 * SECOND);
}

/*
 * Both are in flight only if the driver takes them for short, which a busy machine's are not
 * always; otherwise the first runs again before the second, and both end well.
 */
static uint32_t overwritten_by_the_next(struct __test_metadata *_metadata,
					FIXTURE_DATA(recovery) *self, const struct buffer *other,
					bool programs)
{
	struct xqaccel_job_desc jobs[2] = { self->job, self->job };
	struct xqaccel_completion c[2];
	uint32_t done, pending;

	small_job(&jobs[0], &self->buf);
	small_job(&jobs[1], other);
	/* As many bytes as A has. */
	jobs[1].operand[XQACCEL_C] = jobs[0].operand[XQACCEL_A];
	if (programs) {
		EXPECT_EQ(0, into_program(self->fd, &jobs[0]));
		EXPECT_EQ(0, into_program(self->fd, &jobs[1]));
	}
	EXPECT_EQ(0, lane_warm(self->fd, &self->buf));
	small_fill(&self->buf, 1, 2);
	small_fill(other, 5, 7);
	EXPECT_EQ(0, inject("wrong-id", 1));
	EXPECT_EQ(0, submit_jobs(self->fd, jobs, 2, 0, 2000, NULL, NULL));
	EXPECT_EQ(0, wait_jobs(self->fd, c, 2, 2, 10 * SECOND, &done, &pending));
	EXPECT_EQ(2U, done);
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c[1].status);
	EXPECT_EQ(0, small_check(&self->buf, 16 * 2));
	return c[0].status;
}

static void expect_overwritten(struct __test_metadata *_metadata, FIXTURE_DATA(recovery) *self,
			       bool programs)
{
	uint32_t status = XQACCEL_STATUS_OK;
	struct buffer other;
	unsigned int tries;

	ASSERT_EQ(0, buffer_create(self->fd, 8192, &other));
	for (tries = 0; tries < 20 && status == XQACCEL_STATUS_OK; tries++)
		status = overwritten_by_the_next(_metadata, self, &other, programs);
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)status);
	munmap(other.map, other.bytes);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* What ran can't be repeated if a job behind it has written what it reads. */
TEST_F_TIMEOUT(recovery, jobs_that_overwrite_what_an_earlier_one_reads, 60)
{
	expect_overwritten(_metadata, self, false);
}

/* Nor can a program if another that names the same buffer has. */
TEST_F_TIMEOUT(recovery, programs_that_overwrite_what_an_earlier_one_reads, 60)
{
	struct xqaccel_info info;

	ASSERT_EQ(0, device_info(self->fd, &info));
	if (!(info.features & XQACCEL_FEATURE_PROGRAM))
		SKIP(return, "the device has no programs");
	expect_overwritten(_metadata, self, true);
}

TEST_F(recovery, dma_error)
{
	ASSERT_EQ(0, inject("dma-errors", 1));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 5 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_DMA, (int)self->c.status);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* Where it is, is told by handle and offset, as user space knows no addresses. */
TEST_F(recovery, translation_fault)
{
	ASSERT_EQ(0, inject("translation-faults", 1));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 5 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_FAULT, (int)self->c.status);
	EXPECT_EQ(self->buf.handle, self->c.fault_handle);
	EXPECT_EQ((uint64_t)SMALL_C, self->c.fault_offset);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* A descriptor that the device finds wrong was not begun. */
TEST_F(recovery, refused_job)
{
	memset(self->buf.map + SMALL_C, 0x55, 64);
	ASSERT_EQ(0, inject("refused-jobs", 1));
	ASSERT_EQ(0, submit(self->fd, &self->job));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 5 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_INVALID, (int)self->c.status);
	EXPECT_EQ(0x55, self->buf.map[SMALL_C]);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_F(recovery, faults_among_many_jobs)
{
	enum { COUNT = 400 };
	static struct xqaccel_completion c[COUNT];
	uint32_t done, seen = 0, i, ok = 0;

	for (i = 0; i < COUNT; i++) {
		if (i == 50)
			ASSERT_EQ(0, inject("drop-interrupts", 5));
		if (i == 120)
			ASSERT_EQ(0, inject("wrong-id", 3));
		if (i == 200)
			ASSERT_EQ(0, inject("hang-jobs", 2));
		if (i == 300)
			ASSERT_EQ(0, inject("wrong-phase", 1));
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, i % 8, 300));
	}
	while (seen < COUNT) {
		ASSERT_EQ(0,
			  wait_jobs(self->fd, c + seen, COUNT - seen, 1, 10 * SECOND, &done, NULL));
		seen += done;
	}
	for (i = 0; i < COUNT; i++)
		ok += c[i].status == XQACCEL_STATUS_OK;
	/* Two hung, one was not told of; all others ended well. */
	EXPECT_LE(COUNT - 3, (int)ok);
	EXPECT_GT(COUNT, (int)ok);
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

TEST_F_TIMEOUT(recovery, reset_not_acknowledged, 60)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	struct xqaccel_info info;
	struct buffer buf;
	uint32_t done, pending, i;
	struct xqaccel_completion c[16];

	ASSERT_EQ(0, inject("stuck-reset", 1));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 200));
	ASSERT_EQ(0, wait_jobs(self->fd, c, 16, 10, 15 * SECOND, &done, &pending));
	EXPECT_EQ(10U, done);
	EXPECT_EQ(0U, pending);
	for (i = 0; i < done; i++)
		EXPECT_EQ(XQACCEL_STATUS_LOST, (int)c[i].status);
	/* Lost for good, and everyone is told. */
	EXPECT_EQ(-ENODEV, device_info(self->fd, &info));
	EXPECT_EQ(-ENODEV, submit(self->fd, &self->job));
	EXPECT_EQ(-ENODEV, buffer_create_unmapped(self->fd, 4096, &buf));
	EXPECT_EQ(-ENODEV, buffer_destroy(self->fd, self->buf.handle));
	EXPECT_EQ(-ENODEV, wait_one(self->fd, c, -1));
	EXPECT_EQ(-ENODEV, device_open());
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLHUP | POLLERR, (int)p.revents);
	/* What was mapped is still memory. */
	self->buf.map[0] = 1;
	EXPECT_EQ(1, self->buf.map[0]);

	/* No reboot: the driver takes it back once it works again. */
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, driver_unbind(self->address));
	ASSERT_EQ(0, driver_bind_again(self->address));
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/* The driver finds a device that was lost, or that comes back after a reset, and it works. */
static void expect_found_again(struct __test_metadata *_metadata, FIXTURE_DATA(recovery) *self)
{
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, driver_bind_again(self->address));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

static int stuck_master(bool on)
{
	return host_request(NULL, 0, "qom-set stuck-master %s", on ? "true" : "false");
}

/*
 * On PCI only a reset of the bus ends it. On a board the reset line would, at once, so that does
 * nothing either.
 */
static int unreachable(const char *address, bool on)
{
	const int ret = on_pci(address) ? 0 : stuck_master(on);

	return ret ? ret : host_request(NULL, 0, "qom-set unreachable %s", on ? "true" : "false");
}

/* There is a last means again by which the device is reset: on PCI there always was. */
static int last_means_works(const char *address)
{
	return on_pci(address) ? 0 : stuck_master(false);
}

static bool has_last_means(const char *address)
{
	return on_pci(address) || has_reset_line(address);
}

/*
 * A device that can't be kept from the bus: what it may still write is given to nobody while it
 * may. When the driver lets go of it, it is reset by the bus, and then all memory comes back. A
 * board without a reset line has nothing of the kind: that memory is nobody's until it boots.
 */
TEST_F_TIMEOUT(recovery, dma_cannot_be_stopped, 90)
{
	enum { LARGE = 192 << 20 };
	const int other = device_open();
	struct xqaccel_completion c;
	struct buffer large;
	long before;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, buffer_create_unmapped(other, LARGE, &large));
	ASSERT_EQ(0, stuck_master(true));
	ASSERT_EQ(0, inject("stuck-reset", 1));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 200));
	ASSERT_EQ(0, wait_one(self->fd, &c, 15 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)c.status);
	before = free_kib();
	ASSERT_LT(0, before);
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(1, stat_settles("clients", 1, 5000));
	EXPECT_EQ(2, stat_of("leaked_pages"));
	close(other);
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	EXPECT_EQ(2 + LARGE / 4096, stat_of("leaked_pages"));
	EXPECT_GT(LARGE / 3 >> 10, free_kib() - before);

	ASSERT_EQ(0, last_means_works(self->address));
	ASSERT_EQ(0, driver_unbind(self->address));
	/* Each processor keeps some free pages of its own, which are not counted. */
	if (has_last_means(self->address))
		EXPECT_LT(LARGE / 3 >> 10, free_kib() - before);
	else
		EXPECT_GT(LARGE / 3 >> 10, free_kib() - before);
	ASSERT_EQ(0, stuck_master(false));
	expect_found_again(_metadata, self);
}

/*
 * Registers read as all ones for a while, as before the bus tells of an error: the device is not
 * lost for that. What may have run and can't be repeated is the only thing that is.
 */
TEST_F_TIMEOUT(recovery, silent_for_a_while, 60)
{
	const int64_t resubmitted = stat_of("resubmitted");
	struct xqaccel_job_desc add = self->job;
	struct xqaccel_info info;
	struct buffer other;
	uint64_t id[2];

	ASSERT_EQ(0, buffer_create(self->fd, 8192, &other));
	small_fill(&other, 1, 1);
	small_job(&add, &other);
	add.work.flags = XQACCEL_JOB_ACCUMULATE;
	ASSERT_EQ(0, inject("slow-ns", 10 * SECOND));
	ASSERT_EQ(0, submit_jobs(self->fd, &self->job, 1, 0, 20000, NULL, &id[0]));
	ASSERT_EQ(0, submit_jobs(self->fd, &add, 1, 1, 20000, NULL, &id[1]));
	ASSERT_EQ(0, unreachable(self->address, true));
	sleep_ms(500);
	/* Not lost, and memory can be given up meanwhile. */
	EXPECT_EQ(0, device_info(self->fd, &info));
	EXPECT_EQ(0, buffer_destroy(self->fd, other.handle));
	munmap(other.map, other.bytes);
	ASSERT_EQ(0, unreachable(self->address, false));
	EXPECT_EQ(resubmitted + 1, stat_settles("resubmitted", resubmitted + 1, 10000));
	ASSERT_EQ(0, inject("slow-ns", 0));
	ASSERT_EQ(0, wait_id(self->fd, id[0], &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(0, small_check(&self->buf, 16 * 2));
	ASSERT_EQ(0, wait_id(self->fd, id[1], &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_CANCELED, (int)self->c.status);
	EXPECT_EQ(1, stat_settles("buffers", 1, 5000));
	EXPECT_EQ(0, stat_settles("leaked_pages", 0, 5000));
	EXPECT_EQ(0, small_run(self->fd, &self->buf, &self->job, &self->c));
}

/*
 * A device that was stopped by its reset line may have an access to memory that is not over, and
 * says so. Meanwhile it has forgotten what it was asked, so who asks whether it has forgotten a
 * buffer must not believe it.
 */
TEST_F_TIMEOUT(recovery, last_access_after_the_reset_line, 60)
{
	enum { LINGER_MS = 1500 };
	struct xqaccel_info info;
	struct buffer other;
	int64_t began, left;

	if (!has_reset_line(self->address))
		SKIP(return, "no reset line");
	ASSERT_EQ(0, reset_lingers(LINGER_MS));
	ASSERT_EQ(0, buffer_create(self->fd, 1 << 20, &other));
	ASSERT_EQ(0, inject("slow-ns", 10 * SECOND));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 20000));
	/* Until the line is pulsed, which is as soon as anybody notices. */
	began = now_ns();
	ASSERT_EQ(0, host_request(NULL, 0, "qom-set unreachable true"));
	sleep_ms(400);
	munmap(other.map, other.bytes);
	EXPECT_EQ(0, buffer_destroy(self->fd, other.handle));
	sleep_ms(400);
	left = stat_of("buffers");
	/* On a slow machine it may be over by now. */
	if (now_ns() - began < LINGER_MS * MS)
		EXPECT_EQ(2, left);
	else
		TH_LOG("looked too late");
	EXPECT_EQ(0, stat_of("leaked_pages"));
	EXPECT_EQ(1, stat_settles("buffers", 1, 5000));
	ASSERT_EQ(0, inject("slow-ns", 0));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(0, small_check(&self->buf, 16 * 2));
	EXPECT_EQ(0, device_info(self->fd, &info));
	ASSERT_EQ(0, reset_lingers(0));
}

/* It is not over for longer than that takes: nobody gets what it may still write. */
TEST_F_TIMEOUT(recovery, last_access_never_ends, 90)
{
	if (!has_reset_line(self->address))
		SKIP(return, "no reset line");
	ASSERT_EQ(0, reset_lingers(20000));
	ASSERT_EQ(0, inject("stuck-reset", 1));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 200));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)self->c.status);
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	EXPECT_EQ(2, stat_of("leaked_pages"));
	ASSERT_EQ(0, reset_lingers(0));
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, driver_unbind(self->address));
	expect_found_again(_metadata, self);
}

#define TOTAL_LIMIT "/sys/module/xqaccel/parameters/total_megabytes"

/*
 * What is destroyed while a device may still write it is kept, and stays charged: nobody can have
 * more of it than of other memory. It is given back when the device was reset.
 */
TEST_F_TIMEOUT(recovery, what_is_kept_stays_charged, 60)
{
	/* Small, so that a slow machine has made them before the device counts as lost. */
	enum { MEGABYTES = 4, LIMIT = 14 };
	int made = 0, ret = 0;
	struct buffer buf;
	char before[32], limit[32];

	ASSERT_LT(0, file_read(TOTAL_LIMIT, before, sizeof(before)));
	ASSERT_EQ(0, inject("slow-ns", 10 * SECOND));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 20000));
	ASSERT_EQ(0, unreachable(self->address, true));
	sleep_ms(500);
	snprintf(limit, sizeof(limit), "%d", LIMIT);
	ASSERT_EQ(0, file_write(TOTAL_LIMIT, limit));
	while (made < 10 && !ret) {
		ret = buffer_create_unmapped(self->fd, MEGABYTES << 20, &buf);
		if (ret)
			break;
		made++;
		ret = buffer_destroy(self->fd, buf.handle);
	}
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_EQ(LIMIT / MEGABYTES, made);
	EXPECT_EQ((int64_t)made * MEGABYTES << 8, stat_of("leaked_pages"));
	EXPECT_EQ(0, inject("slow-ns", 0));
	EXPECT_EQ(0, unreachable(self->address, false));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
	EXPECT_EQ(0, stat_settles("leaked_pages", 0, 5000));
	EXPECT_EQ(0, buffer_create_unmapped(self->fd, MEGABYTES << 20, &buf));
	EXPECT_EQ(0, file_write(TOTAL_LIMIT, before));
}

static int64_t pinned_settles(int64_t value)
{
	const int64_t began = now_ns();

	while (pages_pinned() != value && !over_limit(began, 10 * SECOND))
		sleep_ms(10);
	return pages_pinned();
}

/*
 * Memory of others that the device may still write stays theirs and its, though buffers and file
 * are gone: pages of a process are pinned, a dma-buf is attached. All is given back when the device
 * was reset, which does not wait for that: who has a dma-buf's lock may be waiting for jobs.
 */
TEST_F_TIMEOUT(recovery, what_is_kept_of_others, 60)
{
	enum { PAGES = 40 };
	const int other = device_open();
	struct buffer in, out, imported;
	uint8_t *map = NULL;
	int64_t before, pinned;
	int dmabuf;

	ASSERT_LE(0, other);
	if (memory_is_bounced(other)) {
		close(other);
		SKIP(return, "DMA is bounced here, see memory");
	}
	before = pages_pinned();
	ASSERT_EQ(0, buffer_wrap(other, pages_of(PAGES << 12), PAGES << 12, 0, &out));
	ASSERT_EQ(0, buffer_wrap(other, pages_of(4096), 4096, XQACCEL_BUF_READ_ONLY, &in));
	dmabuf = foreign_dmabuf(PAGES << 12, &map);
	if (dmabuf >= 0)
		EXPECT_EQ(0, buffer_import(other, dmabuf, 0, &imported));
	pinned = pages_pinned();
	ASSERT_EQ(0, inject("slow-ns", 10 * SECOND));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 20000));
	ASSERT_EQ(0, unreachable(self->address, true));
	sleep_ms(500);
	EXPECT_EQ(0, buffer_destroy(other, out.handle));
	close(other);
	EXPECT_EQ(1, stat_settles("clients", 1, 5000));
	EXPECT_EQ(1, stat_settles("buffers", 1, 5000));
	if (map)
		munmap(map, PAGES << 12);
	close(dmabuf);
	EXPECT_EQ(PAGES + 1 + (dmabuf >= 0 ? PAGES : 0), stat_of("leaked_pages"));
	EXPECT_EQ(pinned, pages_pinned());
	EXPECT_EQ(0, inject("slow-ns", 0));
	EXPECT_EQ(0, unreachable(self->address, false));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(0, stat_settles("leaked_pages", 0, 5000));
	EXPECT_EQ(before, pinned_settles(before));
}

/*
 * It answers no more, and configuration space neither: that is no proof that it does not write. It
 * is lost, but its memory comes back only with a reset of the bus.
 */
TEST_F_TIMEOUT(recovery, silent_for_good, 90)
{
	const int64_t start = now_ns();
	long before;

	ASSERT_EQ(0, inject("hang-jobs", 1));
	ASSERT_EQ(0, submit_lane(self->fd, &self->job, 0, 600000));
	ASSERT_EQ(0, unreachable(self->address, true));
	ASSERT_EQ(0, wait_one(self->fd, &self->c, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_LOST, (int)self->c.status);
	EXPECT_FALSE(over_limit(start, 10 * SECOND));
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	EXPECT_EQ(2, stat_of("leaked_pages"));
	before = now_ns() / SECOND;
	ASSERT_EQ(0, last_means_works(self->address));
	ASSERT_EQ(0, driver_unbind(self->address));
	TH_LOG("unbind took %lld s", (long long)(now_ns() / SECOND - before));
	/* Without a reset line nobody but the device itself ends this. */
	if (!has_last_means(self->address))
		ASSERT_EQ(0, unreachable(self->address, false));
	expect_found_again(_metadata, self);
}

TEST_HARNESS_MAIN
