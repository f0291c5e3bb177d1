// SPDX-License-Identifier: MIT
/*
 * The contract of devices, buffers and queues on "soft": every documented error, lifetimes,
 * and jobs that fail, hang or are cut short.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "libxqaccel/src/device/soft.h"

#include "ktap.h"
#include "queue_case.h"

static struct xq_device *dev;
static struct xq_queue *queue;
static struct queue_case plain;

/* A device, a queue and a job of 8 x 12 x 40 that works. */
static void setup(void)
{
	int err = xq_device_open("soft", &dev);

	EXPECT(!err, "open: %d", err);
	err = xq_queue_create(dev, NULL, &queue);
	EXPECT(!err, "queue: %d", err);
	err = case_plain(&plain, dev, 8, 12, 40);
	EXPECT(!err, "buffers: %d", err);
}

static void teardown(void)
{
	case_free(&plain);
	xq_queue_destroy(queue);
	xq_device_close(dev);
}

static void expect_works(void)
{
	const int err = xq_gemm_run(queue, &plain.job, NULL);

	EXPECT(!err && case_right(&plain), "%d", err);
}

/* What submit says. The device would refuse too, but later: that is told apart. */
static int try_job(void (*change)(struct xq_gemm *))
{
	struct xq_gemm job = plain.job;
	struct xq_completion done;
	int err;

	change(&job);
	err = xq_queue_submit(queue, &job, 1);
	if (err != 1)
		return err;
	EXPECT(xq_queue_wait(queue, &done, 1, 1, -1) == 1 && !done.status, "only the device refused: %d",
	       done.status);
	return 0;
}

/* ---- what submit refuses ------------------------------------------------------------------------- */

static void k_zero(struct xq_gemm *j) { j->k = 0; }
static void flag(struct xq_gemm *j) { j->flags = 1U << 20; }
static void pair(struct xq_gemm *j) { j->a_type = XQ_S16; }
static void no_type(struct xq_gemm *j) { j->b_type = XQ_NONE; }
static void type_99(struct xq_gemm *j) { j->a_type = (enum xq_type)99; }
static void dim(struct xq_gemm *j) { j->m = (1U << 24) + 1; }
static void no_a(struct xq_gemm *j) { j->a = (struct xq_operand){ 0 }; }
static void no_c(struct xq_gemm *j) { j->c.buffer = NULL; }
static void group(struct xq_gemm *j) { j->group = 7; }
static void group_acc(struct xq_gemm *j) { j->flags = XQACCEL_JOB_GROUP_ACC; }
static void scale(struct xq_gemm *j) { j->a_scale.buffer = j->b.buffer; }
static void scale_type(struct xq_gemm *j) { j->group = 8; j->a_scale_type = XQ_S4; }
static void no_codebook(struct xq_gemm *j) { j->b_type = XQ_C8; }
static void codebook(struct xq_gemm *j) { j->codebook.buffer = j->b.buffer; }
static void c_offset(struct xq_gemm *j) { j->c.offset = 2; }
static void c_stride(struct xq_gemm *j) { j->c.stride = 50; }
static void c_rows(struct xq_gemm *j) { j->c.stride = 44; }
static void overlap(struct xq_gemm *j) { j->c.buffer = j->a.buffer; }
static void vector_stride(struct xq_gemm *j) { j->a_zps = (struct xq_operand){ j->b.buffer, 0, 4, 0 }; }
static void zp_align(struct xq_gemm *j) { j->a_zps = (struct xq_operand){ j->b.buffer, 2, 0, 0 }; }
static void tile_align(struct xq_gemm *j) { j->flags = XQACCEL_JOB_B_TILED; j->b = (struct xq_operand){ j->b.buffer, 64, 0, 0 }; }
static void group_stride(struct xq_gemm *j) { j->group_stride = 4; }
static void past_end(struct xq_gemm *j) { j->a.offset = 4090; }
static void far_stride(struct xq_gemm *j) { j->b.stride = 1ULL << 40; }
static void wraps(struct xq_gemm *j) { j->b.stride = 1ULL << 62; }
static void offset_wraps(struct xq_gemm *j) { j->a.offset = UINT64_MAX; }
static void batch_wraps(struct xq_gemm *j) { j->batch = 3; j->a.batch_stride = UINT64_MAX; }
static void short_tile(struct xq_gemm *j) { j->flags = XQACCEL_JOB_B_TILED; j->n = 17; j->b.stride = 0; }

static void refusals(void)
{
	static const struct {
		const char *what;
		void (*change)(struct xq_gemm *);
		int want;
	} cases[] = {
		{ "K = 0", k_zero, 0 },
		{ "unknown flag", flag, -EOPNOTSUPP },
		{ "pair", pair, -EOPNOTSUPP },
		{ "no type", no_type, -EINVAL },
		{ "type 99", type_99, -EOPNOTSUPP },
		{ "dimension", dim, -EINVAL },
		{ "no A", no_a, -EINVAL },
		{ "no C", no_c, -EINVAL },
		{ "group does not divide", group, -EINVAL },
		{ "accumulators without groups", group_acc, -EINVAL },
		{ "scale without groups", scale, -EINVAL },
		{ "scale's type", scale_type, -EINVAL },
		{ "codebook missing", no_codebook, -EINVAL },
		{ "codebook unused", codebook, -EINVAL },
		{ "C's offset", c_offset, -EINVAL },
		{ "C's stride", c_stride, -EINVAL },
		{ "C's rows overlap", c_rows, -EINVAL },
		{ "C overlaps A", overlap, -EINVAL },
		{ "stride of a vector", vector_stride, -EINVAL },
		{ "zero points misaligned", zp_align, -EINVAL },
		{ "tile misaligned", tile_align, -EINVAL },
		{ "group stride without groups", group_stride, -EINVAL },
		{ "past the end", past_end, -ERANGE },
		{ "stride past the end", far_stride, -ERANGE },
		{ "stride wraps", wraps, -EOVERFLOW },
		{ "offset wraps", offset_wraps, -EOVERFLOW },
		{ "batch stride wraps", batch_wraps, -EOVERFLOW },
		{ "tiles past the end", short_tile, -ERANGE },
	};

	setup();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const int err = try_job(cases[i].change);

		EXPECT(err == cases[i].want, "%s: %d, not %d", cases[i].what, err, cases[i].want);
		EXPECT(!xq_queue_pending(queue), "%s is pending", cases[i].what);
		expect_works();
	}
	teardown();
}

static void foreign_buffers(void)
{
	struct xq_device *other;
	struct queue_case c;

	setup();
	EXPECT(!xq_device_open("soft", &other), "open");
	EXPECT(!case_plain(&c, other, 8, 12, 40), "buffers");
	EXPECT(xq_gemm_run(queue, &c.job, NULL) == -ENOENT, "took another device's buffer");
	case_free(&c);
	xq_device_close(other);
	expect_works();
	teardown();
}

/* The first bad job of a batch ends it; those before it run. */
static void partial_batch(void)
{
	struct xq_completion done[4];
	struct xq_gemm jobs[4];

	setup();
	for (int i = 0; i < 4; i++) {
		jobs[i] = plain.job;
		jobs[i].user_data = (uint64_t)i;
	}
	jobs[2].group = 7;
	EXPECT(xq_queue_submit(queue, jobs, 4) == 2, "not two");
	EXPECT(xq_queue_submit(queue, jobs + 2, 2) == -EINVAL, "the reason");
	EXPECT(xq_queue_wait(queue, done, 4, 3, -1) == -ENOENT, "waits for more than there are");
	EXPECT(xq_queue_wait(queue, done, 4, 2, -1) == 2, "two completions");
	EXPECT(done[0].user_data == 0 && done[1].user_data == 1, "order");
	EXPECT(xq_queue_submit(queue, jobs, 0) == -EINVAL, "no jobs");
	teardown();
}

/* ---- limits ----------------------------------------------------------------------------------------- */

static void overfill(void)
{
	const uint32_t limit = 1023;
	struct xq_completion done;
	struct xq_queue *other;
	struct xqdev_faults faults = { .hang_jobs = 1 };
	struct queue_case own;
	uint32_t n = 0;
	int got;

	setup();
	EXPECT(!case_plain(&own, dev, 3, 4, 5), "buffers");
	EXPECT(xq_device_info(dev)->max_jobs == limit, "%u", xq_device_info(dev)->max_jobs);
	EXPECT(!xq_queue_create(dev, &(struct xq_queue_options){ .timeout_ms = 1500 }, &other), "queue");
	xq_soft_inject(dev, &faults);
	while ((got = xq_queue_submit(other, &plain.job, 1)) == 1)
		n++;
	EXPECT(got == -EAGAIN && n == limit, "%d after %u", got, n);
	/* Another queue is not full. */
	got = xq_gemm_run(queue, &own.job, NULL);
	EXPECT(!got && case_right(&own), "%d", got);
	EXPECT(xq_queue_pending(other) == limit, "%u", xq_queue_pending(other));
	EXPECT(xq_queue_wait(other, &done, 1, 1, -1) == 1 && done.status == -ETIMEDOUT, "%d", done.status);
	for (n = 1; n < limit && xq_queue_wait(other, &done, 1, 1, -1) == 1 && !done.status; n++)
		;
	EXPECT(n == limit, "%u of %u", n, limit);
	case_free(&own);
	xq_queue_destroy(other);
	teardown();
}

static void lanes(void)
{
	const struct xq_queue_options ring = { .flags = XQ_QUEUE_FENCES | XQ_QUEUE_URING };
	struct xq_queue *more[64];
	uint32_t n = 0, lanes_there;
	int err;

	setup();
	lanes_there = xq_device_info(dev)->lanes;
	while (!(err = xq_queue_create(dev, NULL, &more[n])))
		n++;
	EXPECT(err == -ENOSPC && n + 1 == lanes_there, "%d after %u", err, n);
	xq_queue_destroy(more[--n]);
	EXPECT(!xq_queue_create(dev, NULL, &more[n]), "a lane is free again");
	for (uint32_t i = 0; i <= n; i++)
		xq_queue_destroy(more[i]);
	EXPECT(xq_queue_create(dev, &(struct xq_queue_options){ .flags = 8 }, &more[0]) == -EINVAL, "flag");
	EXPECT(xq_queue_create(dev, &(struct xq_queue_options){ .flags = XQ_QUEUE_FENCES }, &more[0]) == -EOPNOTSUPP,
	       "fences");
	EXPECT(xq_queue_create(dev, &ring, &more[0]) == -EOPNOTSUPP, "fences by a ring");
	EXPECT(xq_queue_create(dev, &(struct xq_queue_options){ .timeout_ms = UINT32_MAX }, &more[0]) == -EINVAL,
	       "timeout");
	expect_works();
	teardown();
}

static void buffers(void)
{
	struct xq_buffer *b = NULL, *many[200];
	const uint8_t *bytes;

	setup();
	EXPECT(xq_buffer_create(dev, 0, &b) == -EINVAL, "0 bytes");
	EXPECT(xq_buffer_create(dev, SIZE_MAX, &b) == -EINVAL, "all bytes");
	EXPECT(!xq_buffer_create(dev, 4097, &b), "4097 bytes");
	EXPECT(xq_buffer_size(b) == 8192 && !((uintptr_t)xq_buffer_data(b) & 4095), "rounding");
	bytes = xq_buffer_data(b);
	for (size_t i = 0; i < 8192; i++)
		EXPECT(!bytes[i], "not zero at %zu", i);
	xq_buffer_destroy(b);
	xq_buffer_destroy(NULL);
	/* Holes in the address space are used again. */
	for (int round = 0; round < 3; round++) {
		for (int i = round; i < 200; i += 1 + (round == 1))
			EXPECT(!xq_buffer_create(dev, 1 + (size_t)ktap_range(0, 3 << 20), &many[i]), "%d", i);
		for (int i = round; i < 200; i += 1 + (round == 1))
			xq_buffer_destroy(many[i]);
	}
	expect_works();
	teardown();
}

/* ---- jobs that go wrong ---------------------------------------------------------------------------- */

static void statuses(void)
{
	struct xqdev_faults faults = { .dma_errors = 1 };
	struct xq_completion done;
	struct xq_buffer *big;
	struct xq_gemm job;

	setup();
	xq_soft_inject(dev, &faults);
	EXPECT(xq_gemm_run(queue, &plain.job, &done) == -EIO, "%d", done.status);
	expect_works();

	EXPECT(!xq_buffer_create(dev, 64 << 10, &big), "buffer");
	xq_soft_revoke(big, 20480);
	job = plain.job;
	job.a = (struct xq_operand){ big, 0, 4096, 0 };
	EXPECT(xq_gemm_run(queue, &job, &done) == -EFAULT, "%d", done.status);
	EXPECT(done.fault_offset / 4096 == 5, "at %lu", (unsigned long)done.fault_offset);
	xq_buffer_destroy(big);
	expect_works();

	faults = (struct xqdev_faults){ .wrong_id = 1 };
	xq_soft_inject(dev, &faults);
	EXPECT(xq_gemm_run(queue, &plain.job, &done) == -EIO, "%d", done.status);
	expect_works();
	teardown();
}

/* A hung job ends alone, in time; those behind it run. */
static void timeout(void)
{
	struct xqdev_faults faults = { .hang_jobs = 1 };
	struct xq_completion done[3];
	struct xq_gemm jobs[3];
	struct xq_queue *quick;
	uint64_t start;

	setup();
	EXPECT(!xq_queue_create(dev, &(struct xq_queue_options){ .timeout_ms = 100 }, &quick), "queue");
	for (int i = 0; i < 3; i++) {
		jobs[i] = plain.job;
		jobs[i].user_data = (uint64_t)i;
	}
	xq_soft_inject(dev, &faults);
	start = xq_clock_ns();
	EXPECT(xq_queue_submit(quick, jobs, 3) == 3, "submit");
	EXPECT(xq_queue_wait(quick, done, 3, 1, 5000000) == -ETIMEDOUT, "wait's own timeout");
	EXPECT(xq_queue_wait(quick, done, 3, 3, 20000000000) == 3, "all end");
	EXPECT(done[0].status == -ETIMEDOUT && !done[1].status && !done[2].status, "%d %d %d",
	       done[0].status, done[1].status, done[2].status);
	EXPECT(done[0].user_data == 0 && done[2].user_data == 2, "order");
	EXPECT(xq_clock_ns() - start < 5000000000, "took %lu ms",
	       (unsigned long)(xq_clock_ns() - start) / 1000000);
	EXPECT(case_right(&plain), "wrong");
	xq_queue_destroy(quick);
	expect_works();
	teardown();
}

/* So many rows that a job takes about a millisecond. */
static uint32_t rows_of_a_millisecond(const struct xq_gemm *job)
{
	uint64_t least = UINT64_MAX, ns;
	unsigned int i;

	for (i = 0; i < 9; i++) {
		const uint64_t start = xq_clock_ns();

		EXPECT(!xq_gemm_run(queue, job, NULL), "run");
		ns = xq_clock_ns() - start;
		least = ns < least ? ns : least;
	}
	return least < 1000000 ? job->m : (uint32_t)(job->m * 1000000 / least);
}

/*
 * Jobs that end just when their time is over, each with one behind it that adds to C: that either
 * runs once or is not said to have run.
 */
static void timeout_at_the_end(void)
{
	struct queue_case late, adds;
	struct xq_completion done[2];
	struct xq_queue *quick;
	unsigned int stopped = 0, ran = 0, i, k;
	uint32_t rows;
	int32_t *c;

	setup();
	EXPECT(!case_plain(&late, dev, 4096, 256, 512) && !case_plain(&adds, dev, 256, 256, 64), "cases");
	EXPECT(!xq_queue_create(dev, &(struct xq_queue_options){ .timeout_ms = 1 }, &quick), "queue");
	adds.job.flags |= XQACCEL_JOB_ACCUMULATE;
	c = xq_buffer_data(adds.job.c.buffer);
	rows = rows_of_a_millisecond(&late.job) * 10 / 11;
	for (i = 0; i < 1500; i++) {
		struct xq_gemm jobs[2] = { late.job, adds.job };

		memset(c, 0, 4 * 256 * 256);
		jobs[0].m = rows * (70 + i % 40) / 100;
		EXPECT(xq_queue_submit(quick, jobs, 2) == 2, "submit");
		EXPECT(xq_queue_wait(quick, done, 2, 2, -1) == 2, "wait");
		stopped += done[0].status == -ETIMEDOUT;
		ran += !done[1].status;
		for (k = 0; !done[1].status && k < 256 * 256 - 1 && c[k] == 64; k++)
			;
		if (!EXPECT(done[1].status || c[k] == 64, "round %u: %d after %d", i, c[k], done[0].status))
			break;
	}
	EXPECT(ran, "none of them ran; %u late ones were stopped", stopped);
	xq_queue_destroy(quick);
	case_free(&late);
	case_free(&adds);
	teardown();
}

/* One that runs is stopped, one behind it ends when its turn comes, and the rest run. */
static void cancel(void)
{
	struct xqdev_faults faults = { .hang_jobs = 1 };
	struct xq_completion done[6];
	struct xq_gemm jobs[6];
	int n;

	setup();
	for (int i = 0; i < 6; i++) {
		jobs[i] = plain.job;
		jobs[i].user_data = (uint64_t)(i == 4 ? 2 : i);
	}
	xq_soft_inject(dev, &faults);
	EXPECT(xq_queue_submit(queue, jobs, 6) == 6, "submit");
	EXPECT(!xq_queue_cancel(queue, 99), "canceled what is not there");
	n = xq_queue_cancel(queue, 2);
	EXPECT(n == 2, "%d", n);
	EXPECT(xq_queue_wait(queue, done, 6, 1, 20000000) == -ETIMEDOUT, "the first hangs");
	n = xq_queue_cancel(queue, 0);
	EXPECT(n == 1, "%d", n);
	EXPECT(xq_queue_wait(queue, done, 6, 6, 60000000000) == 6, "all end");
	for (int i = 0; i < 6; i++) {
		const bool canceled = done[i].user_data == 0 || done[i].user_data == 2;

		EXPECT(done[i].status == (canceled ? -ECANCELED : 0), "job %lu: %d",
		       (unsigned long)done[i].user_data, done[i].status);
	}
	EXPECT(case_right(&plain), "wrong");
	EXPECT(!xq_queue_cancel(queue, 0), "canceled what was taken");
	expect_works();
	teardown();
}

/* Each thread waits for its own queue; whoever serves the device leaves when he has his. */
struct waiter {
	struct queue_case c;
	struct xq_queue *queue;
	int wrong;
};

static void *run_and_wait(void *data)
{
	struct waiter *w = data;

	for (int i = 0; i < 300; i++)
		w->wrong += xq_gemm_run(w->queue, &w->c.job, NULL) || !case_right(&w->c);
	return NULL;
}

static void waiters(void)
{
	struct waiter w[4] = { 0 };
	pthread_t thread[4];

	setup();
	for (int i = 0; i < 4; i++) {
		EXPECT(!xq_queue_create(dev, NULL, &w[i].queue), "queue");
		EXPECT(!case_plain(&w[i].c, dev, 3, 4, 5), "buffers");
	}
	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, run_and_wait, &w[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		EXPECT(!w[i].wrong, "thread %d: %d", i, w[i].wrong);
		case_free(&w[i].c);
		xq_queue_destroy(w[i].queue);
	}
	expect_works();
	teardown();
}

/* Who says that he will wait may do so, or not after all; jobs end by one thread or the other. */
static void attended(void)
{
	struct xq_completion done;

	setup();
	for (int i = 0; i < 300; i++) {
		const bool submits = i % 3, waits = i % 3 == 1;

		dev->backend->ops->attend(dev->backend, true);
		dev->backend->ops->attend(dev->backend, true);
		if (submits)
			EXPECT(xq_queue_submit(queue, &plain.job, 1) == 1, "submit");
		if (!waits)
			dev->backend->ops->attend(dev->backend, false);
		if (submits)
			EXPECT(xq_queue_wait(queue, &done, 1, 1, waits ? -1 : 30000000000) == 1 && !done.status &&
			       case_right(&plain), "%d: %d", i, done.status);
	}
	dev->backend->ops->attend(dev->backend, false);
	expect_works();
	/* Without a word more: who waits until a time does not compute, and the device's own thread does. */
	dev->backend->ops->attend(dev->backend, true);
	EXPECT(xq_queue_submit(queue, &plain.job, 1) == 1, "submit");
	EXPECT(xq_queue_wait(queue, &done, 1, 1, 30000000000) == 1 && !done.status, "%d", done.status);
	teardown();
}

static void lost(void)
{
	struct xqdev_faults faults = { .hang_jobs = 1, .stuck_reset = 1 };
	struct xq_completion done;
	struct xq_queue *quick;
	int err;

	setup();
	EXPECT(!xq_queue_create(dev, &(struct xq_queue_options){ .timeout_ms = 50 }, &quick), "queue");
	xq_soft_inject(dev, &faults);
	EXPECT(xq_queue_submit(quick, &plain.job, 1) == 1, "submit");
	EXPECT(xq_queue_wait(quick, &done, 1, 1, 30000000000) == 1 && done.status == -ENODEV, "%d",
	       done.status);
	err = xq_gemm_run(queue, &plain.job, NULL);
	EXPECT(err == -ENODEV, "%d", err);
	xq_queue_destroy(quick);
	teardown();
}

static void waiting(void)
{
	struct xq_completion done[2];

	setup();
	EXPECT(!xq_queue_wait(queue, done, 2, 0, 0), "nothing to take");
	EXPECT(xq_queue_wait(queue, done, 2, 1, -1) == -ENOENT, "no jobs");
	EXPECT(xq_queue_wait(queue, done, 1, 2, -1) == -EINVAL, "more than there is room for");
	EXPECT(xq_queue_submit(queue, &plain.job, 1) == 1, "submit");
	EXPECT(xq_gemm_run(queue, &plain.job, NULL) == -EBUSY, "busy");
	EXPECT(xq_queue_wait(queue, done, 2, 1, -1) == 1 && !done[0].status, "%d", done[0].status);
	teardown();
}

/* ---- lifetimes ------------------------------------------------------------------------------------- */

static void destroy_in_flight(void)
{
	struct xqdev_faults faults = { .slow_ns = 30000000 };
	struct xq_completion done[2];
	struct queue_case c;

	setup();
	xq_soft_inject(dev, &faults);
	EXPECT(!case_plain(&c, dev, 100, 100, 100), "buffers");
	EXPECT(xq_queue_submit(queue, &c.job, 1) == 1, "submit");
	for (int i = 0; i < 8; i++) {
		xq_buffer_destroy(c.buffer[i]);
		c.buffer[i] = NULL;
	}
	EXPECT(xq_queue_wait(queue, done, 1, 1, -1) == 1 && !done[0].status, "%d", done[0].status);
	free(c.want);
	faults.slow_ns = 0;
	xq_soft_inject(dev, &faults);
	expect_works();
	teardown();
}

/* While one job hangs, buffers of others come and go, and nobody waits for it. */
static void destroy_beside_hang(void)
{
	struct xqdev_faults faults = { .hang_jobs = 1 };
	struct xq_queue *stuck;
	struct queue_case c;
	uint64_t start;

	setup();
	EXPECT(!xq_queue_create(dev, &(struct xq_queue_options){ .timeout_ms = 1000 }, &stuck), "queue");
	xq_soft_inject(dev, &faults);
	EXPECT(xq_queue_submit(stuck, &plain.job, 1) == 1, "submit");
	start = xq_clock_ns();
	for (int i = 0; i < 20; i++) {
		struct xq_buffer *b;

		EXPECT(!xq_buffer_create(dev, 100000, &b), "create");
		xq_buffer_destroy(b);
	}
	EXPECT(xq_clock_ns() - start < 800000000, "waited for the hung job");
	EXPECT(!case_plain(&c, dev, 5, 5, 5), "buffers");
	EXPECT(!xq_gemm_run(queue, &c.job, NULL) && case_right(&c), "beside a hung job");
	case_free(&c);
	xq_queue_destroy(stuck);
	teardown();
}

static void close_in_flight(void)
{
	struct xqdev_faults faults = { .slow_ns = 20000000 };

	setup();
	xq_soft_inject(dev, &faults);
	for (int i = 0; i < 5; i++)
		EXPECT(xq_queue_submit(queue, &plain.job, 1) == 1, "submit");
	teardown();
}

/* ---- names ------------------------------------------------------------------------------------------- */

static void names(void)
{
	struct xq_device *d = NULL;
	char text[256];
	int err;

	err = xq_device_open("/dev/null", &d);
	EXPECT(err == -ENODEV, "/dev/null: %d", err);
	err = xq_device_open("/no/such/file", &d);
	EXPECT(err == -ENOENT, "%d", err);
	xq_device_error("/no/such/file", err, text, sizeof(text));
	EXPECT(strstr(text, "/no/such/file") && strstr(text, "modprobe"), "%s", text);
	xq_device_error("/dev/xqaccel0", -EACCES, text, 20);
	EXPECT(strlen(text) == 19, "%s", text);

	setenv("XQACCEL_DEVICE", "soft", 1);
	EXPECT(!xq_device_open(NULL, &d) && !strcmp(xq_device_name(d), "soft"), "by the environment");
	xq_device_close(d);
	setenv("XQACCEL_DEVICE", "/no/such/file", 1);
	EXPECT(xq_device_open(NULL, &d) == -ENOENT, "the environment is not a hint");
	unsetenv("XQACCEL_DEVICE");

	setenv("XQ_THREADS", "many", 1);
	EXPECT(xq_device_open("soft", &d) == -EINVAL, "threads");
	xq_device_error("soft", -EINVAL, text, sizeof(text));
	EXPECT(strstr(text, "XQ_THREADS"), "%s", text);
	setenv("XQ_THREADS", "3", 1);
	EXPECT(!xq_device_open("soft", &d) && xq_device_info(d)->threads == 3, "threads");
	xq_device_close(d);
	unsetenv("XQ_THREADS");
	setenv("XQ_ISA", "vax", 1);
	EXPECT(xq_device_open("soft", &d) == -EINVAL, "isa");
	unsetenv("XQ_ISA");
	xq_device_close(NULL);
	EXPECT(!xq_device_has_pair((setup(), dev), (enum xq_type)-1, XQ_S8), "no type");
	EXPECT(!xq_device_has_pair(dev, XQ_S8, (enum xq_type)77), "no type");
	teardown();
}

KTAP_MAIN({ "jobs that are refused", refusals }, { "buffers of another device", foreign_buffers },
	  { "a bad job in a batch", partial_batch }, { "more jobs than fit", overfill },
	  { "more queues than lanes", lanes }, { "buffers", buffers },
	  { "jobs that fail", statuses }, { "a job past its time", timeout },
	  { "a job at the end of its time", timeout_at_the_end }, { "canceled jobs", cancel },
	  { "threads that wait", waiters },
	  { "who says that he will wait", attended },
	  { "a reset without answer", lost }, { "waiting", waiting },
	  { "buffers destroyed in flight", destroy_in_flight },
	  { "buffers destroyed beside a hung job", destroy_beside_hang },
	  { "a queue destroyed in flight", close_in_flight }, { "names and the environment", names })
