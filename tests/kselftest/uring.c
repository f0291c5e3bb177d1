// SPDX-License-Identifier: GPL-2.0
/* Jobs as commands of io_uring: what is taken, what is refused, and what comes back. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>

#include "device.h"
#include "guest.h"
#include "harness.h"
#include "ring.h"

#define ENTRIES	64

FIXTURE(uring)
{
	int fd;
	struct buffer buf;
	struct xqaccel_job_desc job;
	struct io_uring ring;
};

FIXTURE_SETUP(uring)
{
	int ret;

	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 8192, &self->buf));
	small_fill(&self->buf, 1, 1);
	small_job(&self->job, &self->buf);
	ret = ring_open(&self->ring, ENTRIES, 0);
	if (ret == -ENOSYS || ret == -EPERM)
		SKIP(return, "no io_uring on this system");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(uring)
{
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	io_uring_queue_exit(&self->ring);
	munmap(self->buf.map, self->buf.bytes);
	close(self->fd);
	EXPECT_EQ(0, stat_settles("jobs", 0, 10000));
	EXPECT_EQ(0, stat_settles("clients", 0, 10000));
}

/* A ring with other flags in place of the fixture's; false: the kernel does not have them. */
static bool ring_again(struct io_uring *ring, unsigned int flags)
{
	io_uring_queue_exit(ring);
	return !ring_open(ring, ENTRIES, flags);
}

/* ---- what is taken ------------------------------------------------------------ */

TEST_F(uring, is_told)
{
	struct xqaccel_info info;

	ASSERT_EQ(0, device_info(self->fd, &info));
	EXPECT_TRUE(info.abi & XQACCEL_ABI_URING);
}

TEST_F(uring, one_job)
{
	struct xqaccel_completion c;
	struct result r;

	ASSERT_TRUE(!!ring_jobs(&self->ring, self->fd, &self->job, 1, 0, 77));
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
	EXPECT_EQ(77U, r.user_data);
	EXPECT_EQ(0, r.res);
	EXPECT_EQ(0, small_check(&self->buf, 16));
	/* WAIT knows nothing of it. */
	EXPECT_EQ(-ENOENT, wait_one(self->fd, &c, 0));
}

/* As long as a description needs, and what it lacks is zero. */
TEST_F(uring, short_description)
{
	const struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)&self->job,
		.stride = offsetof(struct xqaccel_job_desc, operand[XQACCEL_C + 1]),
		.count = 1,
	};
	struct io_uring_sqe *sqe = ring_command(&self->ring, self->fd, XQACCEL_URING_SUBMIT, 1);

	ring_payload(&self->ring, sqe, &s, sizeof(s));
	EXPECT_EQ(0, ring_run(&self->ring));
	EXPECT_EQ(0, small_check(&self->buf, 16));
}

TEST_F(uring, batch)
{
	struct xqaccel_job_desc jobs[XQACCEL_URING_MAX_BATCH];
	unsigned int i;

	/* Each adds 16 to what the one before it left. */
	for (i = 0; i < ARRAY_SIZE(jobs); i++) {
		jobs[i] = self->job;
		jobs[i].work.flags |= i ? XQACCEL_JOB_ACCUMULATE : 0;
	}
	ring_jobs(&self->ring, self->fd, jobs, ARRAY_SIZE(jobs), 3, 1);
	EXPECT_EQ(0, ring_run(&self->ring));
	EXPECT_EQ(0, small_check(&self->buf, 16 * (int)ARRAY_SIZE(jobs)));
}

TEST_F(uring, program)
{
	struct xqaccel_job_desc jobs[3], run;
	struct xqaccel_info info;
	uint32_t program;
	unsigned int i;

	ASSERT_EQ(0, device_info(self->fd, &info));
	if (!(info.features & XQACCEL_FEATURE_PROGRAM))
		SKIP(return, "the device runs no programs");
	for (i = 0; i < ARRAY_SIZE(jobs); i++) {
		jobs[i] = self->job;
		jobs[i].user_data = 0;
		jobs[i].work.flags |= i ? XQACCEL_JOB_ACCUMULATE : 0;
	}
	ASSERT_EQ(0, program_create(self->fd, jobs, ARRAY_SIZE(jobs), 0, &program));
	run = (struct xqaccel_job_desc){
		.work.op = XQACCEL_OP_PROGRAM, .work.run.program = program,
	};
	ring_jobs(&self->ring, self->fd, &run, 1, 0, 1);
	EXPECT_EQ(0, ring_run(&self->ring));
	EXPECT_EQ(0, small_check(&self->buf, 16 * (int)ARRAY_SIZE(jobs)));
}

/* Jobs of SUBMIT and of a ring in one lane run in their order; each kind is told in its own way. */
TEST_F(uring, one_lane_with_submit)
{
	struct xqaccel_job_desc more = self->job;
	struct xqaccel_completion c;
	unsigned int i, ended = 0;
	struct result r;

	more.work.flags |= XQACCEL_JOB_ACCUMULATE;
	ASSERT_EQ(0, submit(self->fd, &self->job));
	for (i = 0; i < 10; i++) {
		ring_jobs(&self->ring, self->fd, &more, 1, 0, i);
		ASSERT_EQ(0, ring_submit(&self->ring, 1));
		ASSERT_EQ(0, submit(self->fd, &more));
	}
	/* Linux 6.1 hands over what ended meanwhile in reverse. */
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
		ASSERT_GT(10U, r.user_data);
		ended |= 1U << r.user_data;
		EXPECT_EQ(0, r.res);
	}
	EXPECT_EQ(0x3ffU, ended);
	for (i = 0; i < 11; i++) {
		ASSERT_EQ(0, wait_one(self->fd, &c, 60 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
	}
	EXPECT_EQ(-ENOENT, wait_one(self->fd, &c, 0));
	EXPECT_EQ(0, small_check(&self->buf, 16 * 21));
}

/* ---- kinds of rings ------------------------------------------------------------- */

TEST_F(uring, device_time)
{
	struct result r;

	if (!ring_again(&self->ring, IORING_SETUP_CQE32))
		SKIP(return, "no entries of 32 bytes");
	ring_jobs(&self->ring, self->fd, &self->job, 1, 0, 1);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
	EXPECT_EQ(0, r.res);
	EXPECT_LT(0U, r.ticks);
	EXPECT_GT(60ULL * SECOND, r.ticks);
}

TEST_F(uring, completions)
{
	struct xqaccel_completion c[3] = {};
	struct xqaccel_job_desc jobs[3];
	struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)jobs, .stride = sizeof(jobs[0]), .count = 3, .lane = 2,
		.completions = (uintptr_t)c, .completion_stride = sizeof(c[0]),
	};
	struct result r;
	uint64_t ticks = 0;
	unsigned int i;

	if (!ring_again(&self->ring, IORING_SETUP_SQE128 | IORING_SETUP_CQE32))
		SKIP(return, "no entries of 128 bytes");
	for (i = 0; i < ARRAY_SIZE(jobs); i++) {
		jobs[i] = self->job;
		jobs[i].user_data = 100 + i;
	}
	ring_payload(&self->ring, ring_command(&self->ring, self->fd, XQACCEL_URING_SUBMIT, 1),
		     &s, sizeof(s));
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
	EXPECT_EQ(0, r.res);
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		EXPECT_EQ(100U + i, c[i].user_data);
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)c[i].status);
		EXPECT_EQ(2U, c[i].lane);
		EXPECT_EQ(4U * 4 * 16, c[i].macs);
		ticks += c[i].end - c[i].start;
	}
	EXPECT_EQ(ticks, r.ticks);
	/* Without them the entry works, too; where they can't be written it says so. */
	ring_jobs(&self->ring, self->fd, jobs, 3, 0, 1);
	EXPECT_EQ(0, ring_run(&self->ring));
	s.completions = 16;
	ring_payload(&self->ring, ring_command(&self->ring, self->fd, XQACCEL_URING_SUBMIT, 1),
		     &s, sizeof(s));
	EXPECT_EQ(-EFAULT, ring_run(&self->ring));
}

/* Linux 6.18; not every liburing has heard of it. */
#ifndef IORING_SETUP_CQE_MIXED
#define IORING_SETUP_CQE_MIXED	(1U << 18)
#define IORING_CQE_F_32		(1U << 15)
#define IORING_CQE_F_SKIP	(1U << 5)
#endif

/*
 * Entries of 16 and of 32 bytes in one ring: those of commands are large, others small. One that
 * would not fit behind the last leaves a place that is to be passed over.
 */
TEST_F_TIMEOUT(uring, mixed_completions, 60)
{
	unsigned int i, commands = 0, others = 0;
	struct io_uring_cqe *cqe;

	if (!ring_again(&self->ring, IORING_SETUP_CQE_MIXED))
		SKIP(return, "no rings with entries of two sizes");
	for (i = 0; i < 4 * ENTRIES; i++) {
		/* At odd places too. */
		const bool command = i % 3;

		if (command)
			ring_jobs(&self->ring, self->fd, &self->job, 1, i % 8, i);
		else
			ring_command(&self->ring, -1, 0, i)->opcode = IORING_OP_NOP;
		ASSERT_EQ(0, ring_submit(&self->ring, 1));
		ASSERT_EQ(0, io_uring_wait_cqe(&self->ring, &cqe));
		if (cqe->flags & IORING_CQE_F_SKIP) {
			io_uring_cq_advance(&self->ring, 1);
			ASSERT_EQ(0, io_uring_wait_cqe(&self->ring, &cqe));
		}
		ASSERT_EQ(i, cqe->user_data);
		ASSERT_EQ(0, cqe->res);
		ASSERT_TRUE(command == !!(cqe->flags & IORING_CQE_F_32));
		if (command) {
			EXPECT_LT(0U, cqe->big_cqe[0]);
			EXPECT_GT(60ULL * SECOND, cqe->big_cqe[0]);
		}
		io_uring_cq_advance(&self->ring, command ? 2 : 1);
		commands += command;
		others += !command;
	}
	EXPECT_LT(0U, commands);
	EXPECT_LT(0U, others);
	EXPECT_EQ(0, small_check(&self->buf, 16));
}

/*
 * A chain goes from a file by a job to a socket, whose other end is read in the same ring; nobody
 * but the ring is waited for, and no byte goes through the program.
 */
TEST_F(uring, beside_files_and_sockets)
{
	enum { READ, JOB, SEND, RECEIVE, ALL };
	const int file = memfd_create("operands", MFD_CLOEXEC);
	int32_t received[16] = {};
	int res[ALL] = { 1, 1, 1, 1 };
	uint8_t rows[64];
	struct result r;
	int ends[2];
	unsigned int i;

	memset(rows, 3, sizeof(rows));
	ASSERT_LE(0, file);
	ASSERT_EQ((ssize_t)sizeof(rows), write(file, rows, sizeof(rows)));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	io_uring_prep_recv(ring_command(&self->ring, -1, 0, 0), ends[1], received,
			   sizeof(received), MSG_WAITALL);
	self->ring.sq.sqes[0].user_data = RECEIVE;
	io_uring_prep_read(ring_command(&self->ring, -1, 0, 0), file, self->buf.map + SMALL_A,
			   sizeof(rows), 0);
	self->ring.sq.sqes[1].user_data = READ;
	self->ring.sq.sqes[1].flags |= IOSQE_IO_LINK;
	ring_jobs(&self->ring, self->fd, &self->job, 1, 0, JOB)->flags |= IOSQE_IO_LINK;
	io_uring_prep_send(ring_command(&self->ring, -1, 0, 0), ends[0], self->buf.map + SMALL_C,
			   sizeof(received), 0);
	self->ring.sq.sqes[3].user_data = SEND;
	ASSERT_EQ(0, ring_submit(&self->ring, ALL));
	for (i = 0; i < ALL; i++) {
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
		ASSERT_GT((uint64_t)ALL, r.user_data);
		res[r.user_data] = r.res;
	}
	EXPECT_EQ((int)sizeof(rows), res[READ]);
	EXPECT_EQ(0, res[JOB]);
	EXPECT_EQ((int)sizeof(received), res[SEND]);
	EXPECT_EQ((int)sizeof(received), res[RECEIVE]);
	for (i = 0; i < ARRAY_SIZE(received); i++)
		EXPECT_EQ(16 * 3, received[i]);
	close(ends[0]);
	close(ends[1]);
	close(file);
}

TEST_F(uring, registered_file)
{
	const int fd = self->fd;
	struct io_uring_sqe *sqe;

	ASSERT_EQ(0, io_uring_register_files(&self->ring, &fd, 1));
	/* The ring alone holds it. */
	close(self->fd);
	sqe = ring_jobs(&self->ring, 0, &self->job, 1, 0, 1);
	sqe->flags |= IOSQE_FIXED_FILE;
	EXPECT_EQ(0, ring_run(&self->ring));
	EXPECT_EQ(0, small_check(&self->buf, 16));
	self->fd = open("/dev/null", O_RDONLY);
}

/* The kernel's thread submits; nothing is called for that, nor for what has come. */
TEST_F(uring, sqpoll)
{
	struct result r;
	unsigned int i;

	if (!ring_again(&self->ring, IORING_SETUP_SQPOLL))
		SKIP(return, "no thread of the kernel that submits");
	for (i = 0; i < 200; i++) {
		ASSERT_TRUE(!!ring_jobs(&self->ring, self->fd, &self->job, 1, i % 8, i));
		ASSERT_EQ(0, ring_submit(&self->ring, 1));
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
		ASSERT_EQ(0, r.res);
		ASSERT_EQ(i, r.user_data);
	}
	EXPECT_EQ(0, small_check(&self->buf, 16));
}

TEST_F(uring, iopoll)
{
	struct result r;
	unsigned int i;

	if (!ring_again(&self->ring, IORING_SETUP_IOPOLL | IORING_SETUP_CQE32))
		SKIP(return, "no rings that are polled");
	for (i = 0; i < 200; i++) {
		ASSERT_TRUE(!!ring_jobs(&self->ring, self->fd, &self->job, 1, i % 8, i));
		ASSERT_EQ(0, ring_submit(&self->ring, 1));
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
		ASSERT_EQ(0, r.res);
		ASSERT_EQ(i, r.user_data);
		ASSERT_LT(0U, r.ticks);
	}
	EXPECT_EQ(0, small_check(&self->buf, 16));
	/* Several at once, which the order of lanes alone puts in order. */
	for (i = 0; i < 32; i++)
		ring_jobs(&self->ring, self->fd, &self->job, 1, i % 8, i);
	ASSERT_EQ(0, ring_submit(&self->ring, 32));
	for (i = 0; i < 32; i++) {
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
		EXPECT_EQ(0, r.res);
	}
}

TEST_F(uring, polled_without_interrupts)
{
	unsigned long before;
	struct result r;
	unsigned int i;

	if (!ring_again(&self->ring, IORING_SETUP_IOPOLL))
		SKIP(return, "no rings that are polled");
	ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &(struct xqaccel_completion){}));
	before = interrupts_seen();
	ASSERT_LT(0UL, before);
	for (i = 0; i < 50; i++) {
		ring_jobs(&self->ring, self->fd, &self->job, 1, i % 8, i);
		ASSERT_EQ(0, ring_submit(&self->ring, 1));
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
		ASSERT_EQ(0, r.res);
	}
	EXPECT_EQ(before, interrupts_seen());
	/* Others are told of theirs. */
	ASSERT_EQ(0, small_run(self->fd, &self->buf, &self->job, &(struct xqaccel_completion){}));
	EXPECT_LT(before, interrupts_seen());
}

/* Jobs go on while nobody polls for those before them. */
TEST_F(uring, polled_late)
{
	const int64_t completed = stat_of("completed");
	const unsigned long before = interrupts_seen();
	struct xqaccel_job_desc jobs[200];
	struct result r;
	unsigned int i;

	if (!ring_again(&self->ring, IORING_SETUP_IOPOLL))
		SKIP(return, "no rings that are polled");
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		jobs[i] = self->job;
	ring_jobs(&self->ring, self->fd, jobs, ARRAY_SIZE(jobs), 0, 1);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	if (completed >= 0)
		EXPECT_EQ(completed + (int64_t)ARRAY_SIZE(jobs),
			  stat_settles("completed", completed + (int64_t)ARRAY_SIZE(jobs), 10000));
	EXPECT_LT(before, interrupts_seen());
	ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
	EXPECT_EQ(0, r.res);
	EXPECT_EQ(0, small_check(&self->buf, 16));
}

/* Who polls may be another process, whose memory is not what the completions are for. */
TEST_F(uring, polled_by_another_process)
{
	struct xqaccel_completion c = { .user_data = 5 };
	const struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)&self->job, .stride = sizeof(self->job), .count = 1,
		.completions = (uintptr_t)&c, .completion_stride = sizeof(c),
	};
	struct result r;
	int status;
	pid_t child;

	if (!ring_again(&self->ring, IORING_SETUP_IOPOLL | IORING_SETUP_SQE128))
		SKIP(return, "no rings that are polled");
	if (!host_present())
		SKIP(return, "no host to make jobs slow");
	ASSERT_EQ(0, inject("slow-ns", 300 * MS));
	self->job.user_data = 77;
	ring_payload(&self->ring, ring_command(&self->ring, self->fd, XQACCEL_URING_SUBMIT, 1),
		     &s, sizeof(s));
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (ring_wait(&self->ring, &r, 60 * SECOND))
			_exit(1);
		_exit(c.user_data != 5 ? 2 : r.res != -EFAULT ? 3 : 0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(5U, c.user_data);
}

/* One after the other in the order of the chain, whatever the lanes; a failure ends the chain. */
TEST_F(uring, linked)
{
	struct xqaccel_job_desc more = self->job, bad = self->job;
	int res[5] = { 1, 1, 1, 1, 1 };
	struct result r;
	unsigned int i;

	more.work.flags |= XQACCEL_JOB_ACCUMULATE;
	bad.operand[XQACCEL_A].handle = 12345;
	ring_jobs(&self->ring, self->fd, &self->job, 1, 0, 0)->flags |= IOSQE_IO_LINK;
	ring_jobs(&self->ring, self->fd, &more, 1, 1, 1)->flags |= IOSQE_IO_LINK;
	ring_jobs(&self->ring, self->fd, &more, 1, 2, 2)->flags |= IOSQE_IO_LINK;
	ring_jobs(&self->ring, self->fd, &bad, 1, 3, 3)->flags |= IOSQE_IO_LINK;
	ring_jobs(&self->ring, self->fd, &more, 1, 4, 4);
	ASSERT_EQ(0, ring_submit(&self->ring, 5));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
		ASSERT_GT(5U, r.user_data);
		res[r.user_data] = r.res;
	}
	EXPECT_EQ(0, res[0]);
	EXPECT_EQ(0, res[1]);
	EXPECT_EQ(0, res[2]);
	EXPECT_EQ(-ENOENT, res[3]);
	EXPECT_EQ(-ECANCELED, res[4]);
	EXPECT_EQ(0, small_check(&self->buf, 3 * 16));
}

/* The kernel's workers issue it, which may sleep. */
TEST_F(uring, by_a_worker)
{
	ring_jobs(&self->ring, self->fd, &self->job, 1, 0, 1)->flags |= IOSQE_ASYNC;
	EXPECT_EQ(0, ring_run(&self->ring));
	EXPECT_EQ(0, small_check(&self->buf, 16));
}

/* It is brought in as the command is issued. */
TEST_F(uring, description_not_in_memory)
{
	struct xqaccel_job_desc *job;
	const int fd = memfd_create("job", 0);

	ASSERT_LE(0, fd);
	ASSERT_EQ((ssize_t)sizeof(self->job), write(fd, &self->job, sizeof(self->job)));
	job = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)job);
	ring_jobs(&self->ring, self->fd, job, 1, 0, 1);
	EXPECT_EQ(0, ring_run(&self->ring));
	EXPECT_EQ(0, small_check(&self->buf, 16));
	munmap(job, 4096);
	close(fd);
}

/* The program that Documentation/uapi.rst shows. */
TEST_F(uring, example)
{
	char line[16] = "";
	FILE *out;

	if (system("command -v xq-example-ring >/dev/null"))
		SKIP(return, "the example is not installed");
	out = popen("xq-example-ring", "r");
	ASSERT_TRUE(!!out);
	EXPECT_TRUE(!!fgets(line, sizeof(line), out));
	EXPECT_EQ(0, pclose(out));
	EXPECT_EQ(0, strcmp("16\n", line));
}

/* ---- what is refused ------------------------------------------------------------ */

static int run_submit(FIXTURE_DATA(uring) *self, const struct xqaccel_uring_submit *s)
{
	struct io_uring_sqe *sqe = ring_command(&self->ring, self->fd, XQACCEL_URING_SUBMIT, 1);

	ring_payload(&self->ring, sqe, s, sizeof(*s));
	return ring_run(&self->ring);
}

TEST_F(uring, refused_commands)
{
	struct io_uring_sqe *sqe;

	ring_command(&self->ring, self->fd, 0, 1);
	EXPECT_EQ(-ENOTTY, ring_run(&self->ring));
	ring_command(&self->ring, self->fd, XQACCEL_IOCTL_SUBMIT, 1);
	EXPECT_EQ(-ENOTTY, ring_run(&self->ring));
	sqe = ring_jobs(&self->ring, self->fd, &self->job, 1, 0, 1);
	sqe->rw_flags = 1 << 20;
	EXPECT_EQ(-EINVAL, ring_run(&self->ring));
	EXPECT_EQ(0, stat_of("jobs"));
}

TEST_F(uring, refused_members)
{
	const struct xqaccel_uring_submit good = {
		.jobs = (uintptr_t)&self->job, .stride = sizeof(self->job), .count = 1,
	};
	struct xqaccel_uring_submit s;
	struct xqaccel_info info;

	ASSERT_EQ(0, device_info(self->fd, &info));
	EXPECT_EQ(0, run_submit(self, &good));
	s = good;
	s.count = 0;
	EXPECT_EQ(-EINVAL, run_submit(self, &s));
	s = good;
	s.lane = info.lanes;
	EXPECT_EQ(-EINVAL, run_submit(self, &s));
	s = good;
	s.stride = 63;
	EXPECT_EQ(-EINVAL, run_submit(self, &s));
	s = good;
	s.stride = XQACCEL_MAX_STRUCT + 1;
	EXPECT_EQ(-EINVAL, run_submit(self, &s));
	s = good;
	s.timeout_ms = info.max_timeout_ms + 1;
	EXPECT_EQ(-EINVAL, run_submit(self, &s));
	s = good;
	s.jobs = 16;
	EXPECT_EQ(-EFAULT, run_submit(self, &s));
	EXPECT_EQ(0, stat_of("jobs"));
}

TEST_F(uring, refused_members_of_large_entries)
{
	struct xqaccel_completion c;
	const struct xqaccel_uring_submit good = {
		.jobs = (uintptr_t)&self->job, .stride = sizeof(self->job), .count = 1,
		.completions = (uintptr_t)&c, .completion_stride = sizeof(c),
	};
	struct xqaccel_uring_submit s;
	unsigned int i;

	if (!ring_again(&self->ring, IORING_SETUP_SQE128))
		SKIP(return, "no entries of 128 bytes");
	EXPECT_EQ(0, run_submit(self, &good));
	s = good;
	s.flags = 1U << 3;
	EXPECT_EQ(-EOPNOTSUPP, run_submit(self, &s));
	for (i = 0; i < ARRAY_SIZE(s.reserved); i++) {
		s = good;
		s.reserved[i] = 1ULL << 63;
		EXPECT_EQ(-EINVAL, run_submit(self, &s));
	}
	s = good;
	s.completion_stride = 31;
	EXPECT_EQ(-EINVAL, run_submit(self, &s));
	s.completion_stride = XQACCEL_MAX_STRUCT + 1;
	EXPECT_EQ(-EINVAL, run_submit(self, &s));
	s = good;
	s.completions = 0;
	EXPECT_EQ(-EINVAL, run_submit(self, &s));
}

/* All jobs or none. */
TEST_F(uring, refused_jobs)
{
	struct xqaccel_job_desc jobs[3] = { self->job, self->job, self->job };
	unsigned int bad;

	for (bad = 0; bad < 3; bad++) {
		memset(self->buf.map + SMALL_C, 0, 64);
		jobs[bad].operand[XQACCEL_A].handle = 12345;
		ring_jobs(&self->ring, self->fd, jobs, 3, 0, 1);
		EXPECT_EQ(-ENOENT, ring_run(&self->ring));
		jobs[bad] = self->job;
		jobs[bad].work.op = 99;
		ring_jobs(&self->ring, self->fd, jobs, 3, 0, 1);
		EXPECT_EQ(-EOPNOTSUPP, ring_run(&self->ring));
		jobs[bad] = self->job;
		jobs[bad].operand[XQACCEL_C].offset = self->buf.bytes;
		ring_jobs(&self->ring, self->fd, jobs, 3, 0, 1);
		EXPECT_EQ(-ERANGE, ring_run(&self->ring));
		jobs[bad] = self->job;
		jobs[bad].work.flags = XQACCEL_JOB_SILENT;
		ring_jobs(&self->ring, self->fd, jobs, 3, 0, 1);
		EXPECT_EQ(-EINVAL, ring_run(&self->ring));
		jobs[bad] = self->job;
		EXPECT_EQ(4 * 4, small_check(&self->buf, 16));
	}
	EXPECT_EQ(0, stat_of("jobs"));
}

/* The limit of a ring's jobs is not that of SUBMIT's, and is no reason to try again. */
TEST_F_TIMEOUT(uring, full_lane, 60)
{
	struct xqaccel_job_desc jobs[128];
	unsigned int i, commands;
	struct xqaccel_info info;
	struct result r;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, device_info(self->fd, &info));
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		jobs[i] = self->job;
	ASSERT_EQ(0, inject("hang-jobs", 1));
	for (commands = 0; commands < info.max_jobs / ARRAY_SIZE(jobs); commands++) {
		ring_jobs(&self->ring, self->fd, jobs, ARRAY_SIZE(jobs), 1, commands);
		ASSERT_EQ(0, ring_submit(&self->ring, 1));
	}
	ring_jobs(&self->ring, self->fd, jobs, 1, 1, 1000);
	EXPECT_EQ(-EBUSY, ring_run(&self->ring));
	ring_jobs(&self->ring, self->fd, jobs, 1, 1, 1000)->flags |= IOSQE_ASYNC;
	EXPECT_EQ(-EBUSY, ring_run(&self->ring));
	ring_jobs(&self->ring, self->fd, jobs, 1, 2, 1000);
	EXPECT_EQ(0, ring_run(&self->ring));
	EXPECT_EQ(0, submit_lane(self->fd, jobs, 1, 0));
	ring_cancel(&self->ring, self->fd, 0, 1000);
	EXPECT_EQ(0, ring_run(&self->ring));
	for (i = 0; i < commands; i++) {
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
		EXPECT_EQ(r.user_data ? 0 : -ECANCELED, r.res);
	}
}

/* And the other way round. */
TEST_F_TIMEOUT(uring, lane_full_of_submits, 60)
{
	struct xqaccel_job_desc jobs[128];
	struct xqaccel_completion c;
	unsigned int i, canceled = 0;
	struct xqaccel_info info;
	uint64_t first = 0;
	struct result r;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, device_info(self->fd, &info));
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		jobs[i] = self->job;
	ASSERT_EQ(0, inject("hang-jobs", 1));
	for (i = 0; i < info.max_jobs; i += ARRAY_SIZE(jobs))
		ASSERT_EQ(0, submit_jobs(self->fd, jobs, ARRAY_SIZE(jobs), 1, 0, NULL,
					 i ? NULL : &first));
	EXPECT_EQ(-EAGAIN, submit_lane(self->fd, jobs, 1, 0));
	ring_jobs(&self->ring, self->fd, jobs, ARRAY_SIZE(jobs), 1, 5);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	ASSERT_EQ(0, cancel(self->fd, first));
	ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
	EXPECT_EQ(0, r.res);
	for (i = 0; i < info.max_jobs; i++) {
		ASSERT_EQ(0, wait_one(self->fd, &c, 60 * SECOND));
		canceled += c.status == XQACCEL_STATUS_CANCELED;
	}
	EXPECT_EQ(1U, canceled);
	EXPECT_EQ(-ENOENT, wait_one(self->fd, &c, 0));
}

TEST_F_TIMEOUT(uring, too_many_commands, 60)
{
	enum { MOST = 1024 };
	unsigned int i;
	struct result r;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	io_uring_queue_exit(&self->ring);
	ASSERT_EQ(0, ring_open(&self->ring, MOST, 0));
	/* All that start do, one on each queue; lanes have room for all commands. */
	ASSERT_EQ(0, inject("hang-jobs", 10 * MOST));
	for (i = 0; i < MOST; i++) {
		const struct xqaccel_uring_submit s = {
			.jobs = (uintptr_t)&self->job, .stride = sizeof(self->job), .count = 1,
			.lane = i % 8, .timeout_ms = 600000,
		};

		ring_payload(&self->ring,
			     ring_command(&self->ring, self->fd, XQACCEL_URING_SUBMIT, i),
			     &s, sizeof(s));
	}
	ASSERT_EQ(0, ring_submit(&self->ring, MOST));
	ring_jobs(&self->ring, self->fd, &self->job, 1, 1, MOST);
	EXPECT_EQ(-EBUSY, ring_run(&self->ring));
	for (i = 0; i < MOST; i++)
		ring_cancel(&self->ring, self->fd, i, MOST + 1);
	ASSERT_EQ(0, ring_submit(&self->ring, MOST));
	for (i = 0; i < 2 * MOST; i++) {
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
		EXPECT_EQ(r.user_data == MOST + 1 ? 0 : -ECANCELED, r.res);
	}
}

/* ---- how jobs end ------------------------------------------------------------------ */

TEST_F(uring, timeout)
{
	struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)&self->job, .stride = sizeof(self->job), .count = 1,
		.timeout_ms = 50,
	};

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	EXPECT_EQ(-ETIMEDOUT, run_submit(self, &s));
	EXPECT_EQ(0, run_submit(self, &s));
}

/* Each of a device's complaints is an error of its own, and what is behind the job goes on. */
TEST_F(uring, complaints_of_the_device)
{
	static const struct {
		const char *fault;
		int res, status;
	} all[] = {
		{ "translation-faults", -ENXIO, XQACCEL_STATUS_FAULT },
		{ "dma-errors", -EREMOTEIO, XQACCEL_STATUS_DMA },
		{ "refused-jobs", -EPROTO, XQACCEL_STATUS_INVALID },
	};
	struct xqaccel_completion c;
	struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)&self->job, .stride = sizeof(self->job), .count = 1,
		.completions = (uintptr_t)&c, .completion_stride = sizeof(c),
	};
	unsigned int i;

	if (!host_present())
		SKIP(return, "no host to have the device complain");
	if (!ring_again(&self->ring, IORING_SETUP_SQE128))
		SKIP(return, "no entries of 128 bytes");
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		const bool fault = all[i].status == XQACCEL_STATUS_FAULT;

		small_fill(&self->buf, 1, 1);
		memset(self->buf.map + SMALL_C, 0x55, 64);
		ASSERT_EQ(0, inject(all[i].fault, 1));
		EXPECT_EQ(all[i].res, run_submit(self, &s));
		EXPECT_EQ(all[i].status, (int)c.status);
		EXPECT_EQ(fault ? self->buf.handle : 0U, c.fault_handle);
		EXPECT_EQ(fault ? (uint64_t)SMALL_C : 0, c.fault_offset);
		/* What was refused was not begun. */
		if (all[i].status == XQACCEL_STATUS_INVALID)
			EXPECT_EQ(0x55, self->buf.map[SMALL_C]);
		EXPECT_EQ(0, run_submit(self, &s));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)c.status);
		EXPECT_EQ(0, small_check(&self->buf, 16));
	}
}

/* The first job of a batch that fails is what the CQE tells, and those behind it run. */
TEST_F(uring, failed_job_of_batch)
{
	struct xqaccel_job_desc jobs[3] = { self->job, self->job, self->job };
	struct xqaccel_completion c[3];
	struct xqaccel_uring_submit s = {
		.jobs = (uintptr_t)jobs, .stride = sizeof(jobs[0]), .count = 3, .timeout_ms = 50,
		.completions = (uintptr_t)c, .completion_stride = sizeof(c[0]),
	};

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	if (!ring_again(&self->ring, IORING_SETUP_SQE128))
		SKIP(return, "no entries of 128 bytes");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	EXPECT_EQ(-ETIMEDOUT, run_submit(self, &s));
	EXPECT_EQ(XQACCEL_STATUS_TIMEOUT, (int)c[0].status);
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c[1].status);
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)c[2].status);
}

TEST_F(uring, cancel)
{
	struct xqaccel_job_desc jobs[40];
	unsigned int i, canceled = 0;
	struct result r;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		jobs[i] = self->job;
	ring_cancel(&self->ring, self->fd, 5, 1000);
	EXPECT_EQ(-ENOENT, ring_run(&self->ring));
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ring_jobs(&self->ring, self->fd, jobs, 1, 0, 5);
	ring_jobs(&self->ring, self->fd, jobs, ARRAY_SIZE(jobs), 0, 6);
	ring_jobs(&self->ring, self->fd, jobs, 1, 0, 7);
	ASSERT_EQ(0, ring_submit(&self->ring, 3));
	/* One that waits, or that the device has behind the one that hangs; then that one. */
	ring_cancel(&self->ring, self->fd, 6, 1000);
	ring_cancel(&self->ring, self->fd, 5, 1000);
	ASSERT_EQ(0, ring_submit(&self->ring, 2));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
		EXPECT_EQ(r.user_data == 5 || r.user_data == 6 ? -ECANCELED : 0, r.res);
		canceled += r.res == -ECANCELED;
	}
	EXPECT_EQ(2U, canceled);
	ring_cancel(&self->ring, self->fd, 6, 1000);
	EXPECT_EQ(-ENOENT, ring_run(&self->ring));
}

/* What io_uring itself cancels has not been issued yet; others it does not find, nor harm. */
TEST_F(uring, cancel_by_io_uring)
{
	struct __kernel_timespec moment = { .tv_nsec = 50 * MS };
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	unsigned int i;
	struct result r;

	if (!host_present())
		SKIP(return, "no host to make the device hang");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	ring_jobs(&self->ring, self->fd, &self->job, 1, 0, 5);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	sqe = ring_command(&self->ring, -1, 0, 1000);
	sqe->opcode = IORING_OP_ASYNC_CANCEL;
	sqe->addr = 5;
	EXPECT_EQ(-ENOENT, ring_run(&self->ring));
	EXPECT_EQ(-ETIME, io_uring_wait_cqe_timeout(&self->ring, &cqe, &moment));
	ring_cancel(&self->ring, self->fd, 5, 1001);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
		EXPECT_EQ(r.user_data == 5 ? -ECANCELED : 0, r.res);
	}
}

/* What user_data names is the ring's own. */
TEST_F(uring, cancel_of_another_ring)
{
	struct io_uring other;
	struct result r;

	if (!host_present())
		SKIP(return, "no host to make the device slow");
	ASSERT_EQ(0, ring_open(&other, 8, 0));
	ASSERT_EQ(0, inject("slow-ns", 200 * MS));
	ring_jobs(&self->ring, self->fd, &self->job, 1, 0, 5);
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	ring_cancel(&other, self->fd, 5, 1);
	EXPECT_EQ(-ENOENT, ring_run(&other));
	ASSERT_EQ(0, ring_wait(&self->ring, &r, 60 * SECOND));
	EXPECT_EQ(0, r.res);
	io_uring_queue_exit(&other);
}

TEST_F(uring, refused_cancels)
{
	struct xqaccel_uring_cancel c = { .flags = 1 };
	uint64_t large[10] = {};
	struct io_uring_sqe *sqe;
	unsigned int i;

	sqe = ring_command(&self->ring, self->fd, XQACCEL_URING_CANCEL, 1);
	ring_payload(&self->ring, sqe, &c, sizeof(c));
	EXPECT_EQ(-EOPNOTSUPP, ring_run(&self->ring));
	c = (struct xqaccel_uring_cancel){ .reserved = 1 };
	sqe = ring_command(&self->ring, self->fd, XQACCEL_URING_CANCEL, 1);
	ring_payload(&self->ring, sqe, &c, sizeof(c));
	EXPECT_EQ(-EINVAL, ring_run(&self->ring));
	if (!ring_again(&self->ring, IORING_SETUP_SQE128))
		SKIP(return, "no entries of 128 bytes");
	for (i = 2; i < ARRAY_SIZE(large); i++) {
		large[i] = 1;
		sqe = ring_command(&self->ring, self->fd, XQACCEL_URING_CANCEL, 1);
		ring_payload(&self->ring, sqe, large, sizeof(large));
		EXPECT_EQ(-EINVAL, ring_run(&self->ring));
		large[i] = 0;
	}
}

TEST_HARNESS_MAIN
