// SPDX-License-Identifier: MIT
/*
 * A queue's own ring against a driver that isn't there, but with the kernel's io_uring: of each
 * command is made one that the kernel has everywhere, just before it is submitted.
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <xqaccel/ring.h>

#include "libxqaccel/src/device/backend.h"

#include "ktap.h"

#define JOBS	12
#define MS	1000000ULL

/*
 * The fake: commands end when @timer does. @refuse of them, the next ones, are refused, and the
 * first job of each fails if @fail says so.
 */
static struct {
	int timer;
	int setup;		/* what io_uring_setup() says; 0: what the kernel does */
	unsigned int refuse;
	bool fail;
	uint64_t id;
	unsigned int commands, jobs, canceled;
} fake;

static char memory[8192] __attribute__((aligned(4096)));

static int fake_open(const char *path)
{
	(void)path;
	return fake.timer;
}

static void fake_close(int fd)
{
	(void)fd;
}

static void *fake_mmap(int fd, size_t bytes, uint64_t offset, int protection)
{
	(void)fd, (void)bytes, (void)offset, (void)protection;
	return memory;
}

static int fake_munmap(void *data, size_t bytes)
{
	(void)data, (void)bytes;
	return 0;
}

static int info(struct xqaccel_info *i)
{
	static const struct xqaccel_pair s8 = {
		.op = XQACCEL_OP_GEMM, .a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8,
	};
	struct xqaccel_array pairs = i->pairs;

	if (pairs.count)
		memcpy((void *)(uintptr_t)pairs.array, &s8, sizeof(s8));
	pairs.count = 1;
	*i = (struct xqaccel_info){
		.size = sizeof(*i), .lanes = 4, .max_jobs = 1024, .max_batch = 256, .pairs = pairs,
		.abi = XQACCEL_ABI_BASE | XQACCEL_ABI_URING | XQACCEL_ABI_SYNC_FILE,
		.max_dim = 1 << 24, .clock_hz = 1000000, .max_timeout_ms = 1000,
	};
	return 0;
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
	struct xqaccel_buf_create *create = argument;

	(void)fd;
	switch (request) {
	case XQACCEL_IOCTL_INFO:
		return info(argument);
	case XQACCEL_IOCTL_BUF_CREATE:
		create->bytes = sizeof(memory);
		create->handle = 3;
		return 0;
	case XQACCEL_IOCTL_BUF_DESTROY:
		return 0;
	}
	errno = ENOTTY;
	return -1;
}

static const struct xq_ioctl_calls calls = {
	fake_open, fake_ioctl, fake_mmap, fake_munmap, fake_close,
};

/* ---- commands as the kernel gets them ---------------------------------------------- */

/* A command that is accepted ends with the timer, and what the driver writes of it is there. */
static void accept_command(struct io_uring_sqe *sqe, const struct xqaccel_uring_submit *s)
{
	const struct xqaccel_job_desc *jobs = (void *)(uintptr_t)s->jobs;
	struct xqaccel_completion *c = (void *)(uintptr_t)s->completions;

	for (unsigned int i = 0; i < s->count; i++)
		c[i] = (struct xqaccel_completion){
			.id = ++fake.id, .user_data = jobs[i].user_data, .lane = s->lane,
			.status = fake.fail && !i ? XQACCEL_STATUS_FAULT : XQACCEL_STATUS_OK,
		};
	if (s->flags & XQACCEL_SUBMIT_OUT_FENCE)
		*(int32_t *)(uintptr_t)s->out_fence = 77;
	fake.commands++;
	fake.jobs += s->count;
	io_uring_prep_poll_add(sqe, fake.timer, POLLIN);
}

static void replace(struct io_uring_sqe *sqe)
{
	const uint64_t user_data = sqe->user_data;
	const uint32_t command = sqe->cmd_op;
	struct xqaccel_uring_submit s;

	if (sqe->opcode != IORING_OP_URING_CMD)
		return;
	memcpy(&s, (char *)sqe + 48, sizeof(s));
	/* Newer liburings prepare entries that are clear. */
	memset(sqe, 0, sizeof(*sqe));
	if (command == XQACCEL_URING_CANCEL) {
		fake.canceled++;
		io_uring_prep_nop(sqe);
	} else if (fake.refuse) {
		fake.refuse--;
		io_uring_prep_read(sqe, -1, NULL, 0, 0);	/* -EBADF */
	} else {
		accept_command(sqe, &s);
	}
	sqe->user_data = user_data;
}

int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);

int __wrap_io_uring_submit(struct io_uring *ring)
{
	const struct io_uring_sq *sq = &ring->sq;

	/* Entries of 128 bytes. */
	for (unsigned int at = sq->sqe_tail - io_uring_sq_ready(ring); at != sq->sqe_tail; at++)
		replace(&sq->sqes[(at & sq->ring_mask) << 1]);
	return __real_io_uring_submit(ring);
}

int __real_io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
				      struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
				      struct io_uring_params *params);

int __wrap_io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
				      struct io_uring_params *params)
{
	return fake.setup ? fake.setup : __real_io_uring_queue_init_params(entries, ring, params);
}

/* ---- a device with a queue ---------------------------------------------------------- */

static struct xq_device *dev;
static struct xq_queue *queue;
static struct xq_buffer *buf;
static struct xqaccel_job_desc jobs[JOBS];

/* Commands end so many milliseconds from now on; 0: at once. */
static void end_in(unsigned int ms)
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = ms / 1000, .tv_nsec = ms ? ms % 1000 * MS : 1 },
	};

	timerfd_settime(fake.timer, 0, &when, NULL);
}

/* False where the system has no io_uring. */
static bool open_fake(void)
{
	const struct xq_queue_options options = { .flags = XQ_QUEUE_URING };
	struct xq_backend *backend;
	struct xqaccel_info i;
	int err;

	memset(&fake, 0, sizeof(fake));
	fake.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	err = xq_ioctl_open("fake", &calls, &backend, &i);
	err = err ? err : xq_device_wrap("fake", backend, &i, &dev);
	err = err ? err : xq_buffer_create(dev, sizeof(memory), &buf);
	EXPECT(!err, "%d", err);
	for (unsigned int j = 0; j < JOBS; j++)
		jobs[j] = (struct xqaccel_job_desc){
			.user_data = j,
			.work = { .op = XQACCEL_OP_GEMM,
				  .gemm = { .m = 4, .n = 4, .k = 16, .batch = 1,
					    .a_format = XQACCEL_FMT_S8,
					    .b_format = XQACCEL_FMT_S8 } },
			.operand = {
				[XQACCEL_A] = { .handle = 3, .stride = 16 },
				[XQACCEL_B] = { .handle = 3, .offset = 64, .stride = 16 },
				[XQACCEL_C] = { .handle = 3, .offset = 128, .stride = 16 },
			},
		};
	err = xq_queue_create(dev, &options, &queue);
	if (!err)
		return true;
	EXPECT(err == -ENOSYS || err == -EPERM, "%d", err);
	ktap_skip("no io_uring on this system");
	return false;
}

static void close_fake(void)
{
	end_in(0);
	xq_queue_destroy(queue);
	xq_buffer_destroy(buf);
	xq_device_close(dev);
	close(fake.timer);
}

static void expect_in_order(const struct xq_completion *done, int n, int count)
{
	EXPECT(n == count, "%d, not %d", n, count);
	for (int i = 0; i < n; i++)
		EXPECT(done[i].user_data == (uint64_t)i && !done[i].status, "%d: %llu, %d", i,
		       (unsigned long long)done[i].user_data, done[i].status);
}

/* ---- tests ---------------------------------------------------------------------------- */

/* One command each without fences, one for a call with them. */
static void commands(void)
{
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_OUT_FENCE };
	struct xq_completion done[JOBS];

	if (!open_fake())
		return;
	end_in(0);
	EXPECT(xq_job_submit(queue, jobs, 4) == 4 && fake.commands == 4, "%u", fake.commands);
	EXPECT(xq_job_submit_fenced(queue, jobs + 4, 8, &f) == 8 && fake.commands == 5, "%u",
	       fake.commands);
	EXPECT(f.out == 77, "%d", f.out);
	expect_in_order(done, xq_queue_wait(queue, done, JOBS, JOBS, -1), JOBS);
	EXPECT(xq_queue_wait(queue, done, 1, 1, -1) == -ENOENT, "nothing is under way");
	close_fake();
}

/* Who sleeps for all jobs of a command sleeps for its one completion, and not for more. */
static void sleeps_for_all(void)
{
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_OUT_FENCE };
	struct xq_completion done[JOBS];
	uint64_t began;

	if (!open_fake())
		return;
	EXPECT(xq_job_submit(queue, jobs, 2) == 2, "submission");
	EXPECT(xq_job_submit_fenced(queue, jobs + 2, 8, &f) == 8, "submission");
	EXPECT(xq_job_submit(queue, jobs + 10, 2) == 2, "submission");
	end_in(50);
	began = xq_clock_ns();
	expect_in_order(done, xq_queue_wait(queue, done, JOBS, JOBS, 20000 * MS), JOBS);
	EXPECT(xq_clock_ns() - began < 10000 * MS, "slept until its time was over");
	/* Without them it is as many completions as jobs. */
	end_in(1000000);
	EXPECT(xq_job_submit(queue, jobs, JOBS) == JOBS, "submission");
	EXPECT(xq_queue_wait(queue, done, JOBS, JOBS, 50 * MS) == -ETIMEDOUT, "time");
	end_in(50);
	expect_in_order(done, xq_queue_wait(queue, done, JOBS, JOBS, 20000 * MS), JOBS);
	close_fake();
}

/* What the driver refuses at once the call says, of one job and of all of a command. */
static void refused(void)
{
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_OUT_FENCE };
	struct xq_completion done[JOBS];

	if (!open_fake())
		return;
	end_in(0);
	fake.refuse = 1;
	EXPECT(xq_job_submit(queue, jobs, 1) == -EBADF, "one job");
	fake.refuse = 1;
	EXPECT(xq_job_submit_fenced(queue, jobs, 8, &f) == -EBADF && f.out == -1, "%d", f.out);
	EXPECT(!xq_queue_pending(queue) && !fake.commands, "%u", fake.commands);
	/* Of many commands of a call it is a completion. */
	fake.refuse = 1;
	EXPECT(xq_job_submit(queue, jobs, 3) == 3, "submission");
	EXPECT(xq_queue_wait(queue, done, 3, 3, -1) == 3, "wait");
	EXPECT(done[0].status == -EBADF && !done[1].status && !done[2].status, "%d %d %d",
	       done[0].status, done[1].status, done[2].status);
	close_fake();
}

/* A silent job has a completion if it fails, in a command of many, too. */
static void silent(void)
{
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_OUT_FENCE };
	struct xq_completion done[JOBS];

	if (!open_fake())
		return;
	end_in(0);
	jobs[0].work.flags = jobs[1].work.flags = XQACCEL_JOB_SILENT;
	EXPECT(xq_job_submit_fenced(queue, jobs, 3, &f) == 3, "submission");
	EXPECT(xq_queue_pending(queue) == 1, "%u", xq_queue_pending(queue));
	EXPECT(xq_queue_wait(queue, done, JOBS, 1, -1) == 1 && done[0].user_data == 2, "wait");
	fake.fail = true;
	EXPECT(xq_job_submit_fenced(queue, jobs, 3, &f) == 3, "submission");
	EXPECT(xq_queue_wait(queue, done, JOBS, 1, -1) == 2, "wait");
	EXPECT(!done[0].user_data && done[0].status == -EFAULT && done[1].user_data == 2 &&
	       !done[1].status, "%d %d", done[0].status, done[1].status);
	close_fake();
}

static void nothing(int sig)
{
	(void)sig;
}

/* Any signal ends a sleep, other than by ioctl one whose handler lets calls go on, too. */
static void signals(void)
{
	const struct sigaction restarts = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct xq_completion done[JOBS];
	struct sigaction before;
	timer_t timer;

	if (!open_fake())
		return;
	sigaction(SIGALRM, &restarts, &before);
	EXPECT(xq_job_submit(queue, jobs, JOBS) == JOBS, "submission");
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	timer_settime(timer, 0, &(struct itimerspec){ .it_value.tv_nsec = 20 * MS }, NULL);
	EXPECT(xq_queue_wait(queue, done, JOBS, JOBS, 20000 * MS) == -EINTR, "signal");
	timer_delete(timer);
	sigaction(SIGALRM, &before, NULL);
	end_in(0);
	expect_in_order(done, xq_queue_wait(queue, done, JOBS, JOBS, -1), JOBS);
	close_fake();
}

/* Systems switch it off: a queue goes by ioctl then, and who asked for a ring is told why not. */
static void without_io_uring(void)
{
	static const int why[] = { -ENOSYS, -EPERM, -ENOMEM };
	const struct xq_queue_options forced = { .flags = XQ_QUEUE_URING };
	struct xq_queue *q;

	if (!open_fake())
		return;
	for (unsigned int i = 0; i < 3; i++) {
		fake.setup = why[i];
		EXPECT(!xq_queue_create(dev, NULL, &q), "queue");
		EXPECT(!strcmp(xq_queue_engine(q), "ioctl"), "%s", xq_queue_engine(q));
		xq_queue_destroy(q);
		EXPECT(xq_queue_create(dev, &forced, &q) == why[i], "forced");
		setenv("XQ_QUEUE_ENGINE", "uring", 1);
		EXPECT(xq_queue_create(dev, NULL, &q) == why[i], "by the environment");
		setenv("XQ_QUEUE_ENGINE", "ioctl", 1);
		EXPECT(!xq_queue_create(dev, NULL, &q), "ioctl");
		xq_queue_destroy(q);
		unsetenv("XQ_QUEUE_ENGINE");
	}
	fake.setup = 0;
	EXPECT(!xq_queue_create(dev, NULL, &q) && !strcmp(xq_queue_engine(q), "uring"), "queue");
	xq_queue_destroy(q);
	close_fake();
}

KTAP_MAIN({ "commands", commands }, { "sleeps for all", sleeps_for_all }, { "refused", refused },
	  { "silent", silent }, { "signals", signals }, { "without io_uring", without_io_uring })
