// SPDX-License-Identifier: MIT
/*
 * The ioctl backend against a driver that isn't there: what is asked of it, and what becomes
 * of its answers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xqaccel/conv.h>

#include "libxqaccel/src/device/backend.h"

#include "ktap.h"

/* The fake: its answers, and what it was asked. */
static struct {
	struct xqaccel_info info;
	int open_errno, info_errno, wait_errno, map_errno;
	int opened, closed, created, destroyed, signals;
	struct xqaccel_submit submit;
	struct xqaccel_wait wait;
	struct xqaccel_eventfd eventfd;
	struct xqaccel_job_desc job;
	struct xqaccel_pair pairs[2];
	uint32_t pair_count;
	struct xqaccel_completion completion;
} fake;

static char memory[8192] __attribute__((aligned(4096)));

static int answer(int error)
{
	errno = error;
	return error ? -1 : 0;
}

static int fake_open(const char *path)
{
	(void)path;
	if (fake.open_errno)
		return answer(fake.open_errno);
	fake.opened++;
	return 7;
}

static void fake_close(int fd)
{
	EXPECT(fd == 7, "%d", fd);
	fake.closed++;
}

static void *fake_mmap(int fd, size_t bytes, uint64_t offset, int protection)
{
	EXPECT(protection == (PROT_READ | PROT_WRITE), "%d", protection);
	EXPECT(fd == 7 && bytes == sizeof(memory) && offset == 0x5000, "%zu at %lu", bytes,
	       (unsigned long)offset);
	errno = fake.map_errno;
	return fake.map_errno ? MAP_FAILED : memory;
}

static int fake_munmap(void *data, size_t bytes)
{
	EXPECT(data == memory && bytes == sizeof(memory), "%zu", bytes);
	return 0;
}

static int info(struct xqaccel_info *i)
{
	struct xqaccel_array pairs = i->pairs;

	EXPECT(i->size == sizeof(fake.info), "size");
	EXPECT(!pairs.count || pairs.stride == sizeof(fake.pairs[0]), "%u", pairs.stride);
	if (pairs.count && fake.pair_count)
		memcpy((void *)(uintptr_t)pairs.array, fake.pairs,
		       (pairs.count < fake.pair_count ? pairs.count : fake.pair_count) *
		       sizeof(fake.pairs[0]));
	pairs.count = fake.pair_count;
	*i = fake.info;
	i->pairs = pairs;
	return answer(fake.info_errno);
}

static int create(struct xqaccel_buf_create *c)
{
	EXPECT(c->size == sizeof(*c) && !c->flags && !c->reserved, "not zero");
	c->bytes = sizeof(memory);
	c->handle = 3;
	c->mmap_offset = 0x5000;
	fake.created++;
	return 0;
}

static int submit(struct xqaccel_submit *s)
{
	EXPECT(s->size == sizeof(*s) && !s->reserved, "not zero");
	EXPECT(!s->in_fence || s->flags & XQACCEL_SUBMIT_IN_FENCE, "a fence without its flag");
	EXPECT(s->jobs.stride == sizeof(fake.job) && s->jobs.count, "%u", s->jobs.stride);
	fake.job = *(struct xqaccel_job_desc *)(uintptr_t)s->jobs.array;
	s->accepted = s->jobs.count;
	s->first_id = 41;
	s->out_fence = s->flags & XQACCEL_SUBMIT_OUT_FENCE ? 9 : -1;
	fake.submit = *s;
	return 0;
}

static int wait_for(struct xqaccel_wait *w)
{
	EXPECT(w->size == sizeof(*w) && w->flags == XQACCEL_WAIT_LANE && !w->id, "command");
	EXPECT(w->completions.stride == sizeof(fake.completion) && w->completions.count &&
	       w->min_complete <= w->completions.count, "%u of %u", w->min_complete,
	       w->completions.count);
	fake.wait = *w;
	if (fake.signals && fake.signals--)
		return answer(EINTR);
	if (fake.wait_errno)
		return answer(fake.wait_errno);
	fake.completion.id = fake.submit.first_id;
	*(struct xqaccel_completion *)(uintptr_t)w->completions.array = fake.completion;
	w->done = 1;
	return 0;
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
	EXPECT(fd == 7, "%d", fd);
	switch (request) {
	case XQACCEL_IOCTL_INFO:
		return info(argument);
	case XQACCEL_IOCTL_BUF_CREATE:
		return create(argument);
	case XQACCEL_IOCTL_BUF_DESTROY:
		EXPECT(((struct xqaccel_buf_destroy *)argument)->handle == 3, "handle");
		fake.destroyed++;
		return 0;
	case XQACCEL_IOCTL_SUBMIT:
		return submit(argument);
	case XQACCEL_IOCTL_WAIT:
		return wait_for(argument);
	case XQACCEL_IOCTL_EVENTFD:
		fake.eventfd = *(struct xqaccel_eventfd *)argument;
		return 0;
	}
	return answer(ENOTTY);
}

static const struct xq_ioctl_calls calls = {
	fake_open, fake_ioctl, fake_mmap, fake_munmap, fake_close,
};

static void reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.info = (struct xqaccel_info){
		.size = sizeof(fake.info), .abi = XQACCEL_ABI_BASE | 1ULL << 63, .lanes = 4, .max_jobs = 100,
		.max_batch = 8, .max_dim = 1 << 24, .clock_hz = 1000000, .max_timeout_ms = 1000,
	};
}

static int open_fake(struct xq_device **dev)
{
	struct xq_backend *backend;
	struct xqaccel_info info;
	const int err = xq_ioctl_open("fake", &calls, &backend, &info);

	return err ? err : xq_device_wrap("fake", backend, &info, dev);
}

static void opening(void)
{
	static const struct {
		int open_errno, info_errno, want;
	} cases[] = {
		{ ENOENT, 0, -ENOENT }, { EACCES, 0, -EACCES }, { EBUSY, 0, -EBUSY }, { ENODEV, 0, -ENODEV },
		{ 0, ENOTTY, -ENODEV }, { 0, EINVAL, -ENODEV }, { 0, ENODEV, -ENODEV }, { 0, ENOMEM, -ENOMEM },
	};
	struct xq_device *dev;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int err;

		reset();
		fake.open_errno = cases[i].open_errno;
		fake.info_errno = cases[i].info_errno;
		err = open_fake(&dev);
		EXPECT(err == cases[i].want, "case %zu: %d, not %d", i, err, cases[i].want);
		EXPECT(fake.opened == fake.closed, "case %zu: left open", i);
	}
	reset();
	fake.info.lanes = 0;
	EXPECT(open_fake(&dev) == -ENODEV, "info that makes no sense");
	EXPECT(fake.opened == fake.closed, "left open");
}

static void other_abi(void)
{
	struct xq_device *dev;
	char text[256];

	reset();
	fake.info.abi = 1ULL << 63;
	EXPECT(open_fake(&dev) == -EPROTO, "took a driver that has nothing");
	EXPECT(fake.opened == fake.closed, "left open");
	xq_abi_error("/dev/xqaccel0", &fake.info, text, sizeof(text));
	EXPECT(strstr(text, "/dev/xqaccel0") && strstr(text, "0x8000000000000000") && strstr(text, "newer"),
	       "%s", text);
	fake.info.abi |= XQACCEL_ABI_BASE;
	EXPECT(!open_fake(&dev), "bits that are not known do no harm");
	xq_device_close(dev);
}

/* The list can grow in every direction; what this library does not know it leaves out. */
static void pairs(void)
{
	struct xq_device *dev;

	reset();
	fake.pairs[0] = (struct xqaccel_pair){ .op = XQACCEL_OP_GEMM, .a_format = XQ_S8, .b_format = XQ_S4,
					       .flags = XQACCEL_PAIR_B_TILED | 1U << 31 };
	fake.pairs[1] = (struct xqaccel_pair){ .op = 999, .a_format = XQ_U8, .b_format = XQ_U8 };
	fake.pair_count = 2;
	EXPECT(!open_fake(&dev), "open");
	EXPECT(xq_device_has_pair(dev, XQ_S8, XQ_S4) && !xq_device_has_pair(dev, XQ_S4, XQ_S8) &&
	       !xq_device_has_pair(dev, XQ_U8, XQ_U8), "pairs");
	EXPECT(xq_device_has_tiled(dev, XQ_S4) && !xq_device_has_tiled(dev, XQ_S8) &&
	       !xq_device_has_tiled(dev, (enum xq_type)99), "tiled");
	EXPECT(xq_device_info(dev)->pairs.count == 2, "%u", xq_device_info(dev)->pairs.count);
	xq_device_close(dev);
	fake.pairs[1] = (struct xqaccel_pair){ .op = XQACCEL_OP_GEMM, .a_format = 200, .b_format = 201 };
	EXPECT(!open_fake(&dev) && !xq_device_has_pair(dev, (enum xq_type)200, (enum xq_type)201), "pair");
	xq_device_close(dev);
}

static void buffers_and_jobs(void)
{
	struct xq_completion done;
	struct xq_device *dev;
	struct xq_buffer *buf;
	struct xq_queue *first, *queue;
	struct xq_gemm job = { .m = 2, .n = 3, .k = 4, .a_type = XQ_U8, .b_type = XQ_S4, .a_zp = -5,
			       .user_data = 99 };
	int err;

	reset();
	EXPECT(!open_fake(&dev), "open");
	fake.map_errno = ENOMEM;
	EXPECT(xq_buffer_create(dev, 5000, &buf) == -ENOMEM && fake.destroyed == 1, "mapping failed");
	fake.map_errno = 0;
	EXPECT(!xq_buffer_create(dev, 5000, &buf), "buffer");
	EXPECT(xq_buffer_size(buf) == 8192 && xq_buffer_data(buf) == memory, "buffer");
	EXPECT(!xq_queue_create(dev, NULL, &first), "queue");
	EXPECT(!xq_queue_create(dev, &(struct xq_queue_options){ .timeout_ms = 77 }, &queue), "queue");
	job.a = (struct xq_operand){ buf, 16, 4, 64 };
	job.b = job.c = job.a;
	fake.completion = (struct xqaccel_completion){ .user_data = 99, .start = 5, .end = 9, .lane = 1,
						       .macs = 24, .flags = XQACCEL_COMP_OVERFLOW };
	err = xq_gemm_run(queue, &job, &done);
	EXPECT(!err, "%d", err);
	EXPECT(fake.submit.lane == 1 && fake.submit.timeout_ms == 77 && fake.submit.jobs.count == 1, "submit");
	EXPECT(fake.wait.lane == 1 && fake.wait.deadline_ns == XQACCEL_NO_DEADLINE, "wait");
	EXPECT(fake.job.work.op == XQACCEL_OP_GEMM && fake.job.work.gemm.m == 2 && fake.job.work.gemm.n == 3 && fake.job.work.gemm.k == 4 &&
	       fake.job.work.gemm.batch == 1 && fake.job.work.gemm.a_format == XQACCEL_FMT_U8 &&
	       fake.job.work.gemm.b_format == XQACCEL_FMT_S4 && fake.job.work.gemm.a_zp == -5, "job");
	EXPECT(fake.job.operand[0].handle == 3 && fake.job.operand[0].offset == 16 &&
	       fake.job.operand[0].stride == 4 && fake.job.operand[0].batch_stride == 64 &&
	       !fake.job.operand[3].handle, "operands");
	EXPECT(done.user_data == 99 && done.start_ns == 5000 && done.end_ns == 9000 && done.overflow &&
	       done.macs == 24, "completion");
	xq_queue_destroy(queue);
	xq_queue_destroy(first);
	xq_buffer_destroy(buf);
	EXPECT(fake.destroyed == 2, "%d", fake.destroyed);
	xq_device_close(dev);
	EXPECT(fake.closed == 1, "%d", fake.closed);
}

static void statuses(void)
{
	static const int want[] = { 0, -EFAULT, -EIO, -EINVAL, -ETIMEDOUT, -ECANCELED, -ENODEV, -EIO };
	struct xq_gemm job = { .m = 1, .n = 1, .k = 1 };
	struct xq_device *dev;
	struct xq_queue *queue;

	reset();
	EXPECT(!open_fake(&dev) && !xq_queue_create(dev, NULL, &queue), "open");
	for (uint32_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		struct xq_completion done;
		int err;

		fake.completion = (struct xqaccel_completion){ .status = i };
		err = xq_gemm_run(queue, &job, &done);
		EXPECT(err == want[i] && done.status == want[i], "status %u: %d", i, err);
	}
	/* A lane that nobody has, and errors of wait. */
	EXPECT(xq_queue_submit(queue, &job, 1) == 1, "submit");
	fake.wait_errno = EINTR;
	EXPECT(xq_queue_wait(queue, &(struct xq_completion){ 0 }, 1, 1, -1) == -EINTR, "signal");
	fake.wait_errno = ENODEV;
	EXPECT(xq_queue_wait(queue, &(struct xq_completion){ 0 }, 1, 1, -1) == -ENODEV, "gone");
	xq_queue_destroy(queue);
	xq_device_close(dev);
}

/* Whoever waits by himself hears of a signal; products go on. */
static void signals(void)
{
	int8_t x[2] = { 1, 2 }, w[1] = { 1 };
	int32_t y[2];
	struct xq_matmul mm = { .m = 2, .n = 1, .k = 1, .a_type = XQ_S8, .b_type = XQ_S8, .a = x, .b = w, .c = y };
	struct xq_conv conv = { .batch = 1, .in_h = 2, .in_w = 1, .in_c = 1, .out_c = 1, .kernel_h = 1, .kernel_w = 1,
				.x_type = XQ_S8, .w_type = XQ_S8, .x = x, .w = w, .y = y };
	struct xq_workspace *ws = NULL;
	struct xq_device *dev;

	reset();
	fake.pairs[0] = (struct xqaccel_pair){ .op = XQACCEL_OP_GEMM, .a_format = XQ_S8, .b_format = XQ_S8 };
	fake.pair_count = 1;
	EXPECT(!open_fake(&dev) && !xq_workspace_create(dev, &ws), "open");
	fake.signals = 2;
	EXPECT(!xq_matmul(ws, &mm) && !fake.signals, "matmul, %d signals left", fake.signals);
	fake.signals = 2;
	EXPECT(!xq_conv(ws, &conv) && !fake.signals, "conv, %d signals left", fake.signals);
	EXPECT(!xq_matmul(ws, &mm), "a job was left behind");
	xq_workspace_destroy(ws);
	xq_device_close(dev);
}

/* What a submit with fences asks of the driver, and where there are none. */
static void fences(void)
{
	const struct xq_queue_options options = { .flags = XQ_QUEUE_FENCES };
	const struct xq_queue_options ring = { .flags = XQ_QUEUE_FENCES | XQ_QUEUE_URING };
	const struct xq_queue_options both = { .flags = 7 };
	struct xq_fences f = { .flags = XQACCEL_SUBMIT_OUT_FENCE, .in = 5 };
	struct xqaccel_job_desc raw[9] = { { .user_data = 3 } };
	struct xq_gemm jobs[8] = { { .m = 1, .n = 1, .k = 1 } };
	struct xq_device *dev;
	struct xq_queue *queue;

	reset();
	EXPECT(!open_fake(&dev) && !xq_device_has_fences(dev), "an old driver");
	EXPECT(xq_queue_create(dev, &options, &queue) == -EOPNOTSUPP, "no fences");
	xq_device_close(dev);

	reset();
	fake.info.abi |= XQACCEL_ABI_SYNC_FILE;
	EXPECT(!open_fake(&dev) && xq_device_has_fences(dev), "open");
	EXPECT(xq_queue_create(dev, &ring, &queue) == -EOPNOTSUPP, "fences by a ring");
	EXPECT(xq_queue_create(dev, &both, &queue) == -EINVAL, "fences by both");
	EXPECT(!xq_queue_create(dev, &options, &queue), "queue");
	EXPECT(xq_queue_submit_fenced(queue, jobs, 1, &f) == 1 && f.out == 9, "out %d", f.out);
	EXPECT(fake.submit.flags == XQACCEL_SUBMIT_OUT_FENCE && !fake.submit.in_fence, "out alone");
	f.flags = XQACCEL_SUBMIT_IN_FENCE | XQACCEL_SUBMIT_EXPLICIT;
	EXPECT(xq_job_submit_fenced(queue, raw, 8, &f) == 8 && f.out == -1, "in");
	EXPECT(fake.submit.flags == f.flags && fake.submit.in_fence == 5 && fake.submit.jobs.count == 8,
	       "in alone, all in one call");
	EXPECT(fake.job.user_data == 3 && xq_queue_pending(queue) == 9, "%u", xq_queue_pending(queue));
	EXPECT(xq_job_submit_fenced(queue, raw, 9, &f) == -EINVAL, "more than a call takes");
	EXPECT(xq_job_submit_fenced(queue, raw, 0, &f) == -EINVAL, "none");
	fake.wait_errno = ENOENT;
	xq_queue_destroy(queue);
	xq_device_close(dev);
}

/* A lane's eventfd goes with its queue. */
static void eventfds(void)
{
	struct xq_device *dev;
	struct xq_queue *first, *second;

	reset();
	EXPECT(!open_fake(&dev) && !xq_queue_create(dev, NULL, &first) &&
	       !xq_queue_create(dev, NULL, &second), "open");
	EXPECT(!xq_queue_eventfd(second, 6) && fake.eventfd.fd == 6 && fake.eventfd.lane == 1 &&
	       fake.eventfd.flags == XQACCEL_EVENTFD_LANE, "fd %d", fake.eventfd.fd);
	xq_queue_destroy(second);
	EXPECT(fake.eventfd.fd == XQACCEL_NO_EVENTFD && fake.eventfd.lane == 1, "left there");
	fake.eventfd.lane = 77;
	xq_queue_destroy(first);
	EXPECT(fake.eventfd.lane == 77, "had none");
	xq_device_close(dev);
}

KTAP_MAIN({ "opening", opening }, { "a driver of another ABI", other_abi }, { "pairs", pairs },
	  { "buffers and jobs", buffers_and_jobs }, { "statuses", statuses }, { "signals", signals },
	  { "fences", fences }, { "eventfds", eventfds })
