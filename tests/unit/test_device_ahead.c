// SPDX-License-Identifier: MIT
/*
 * The device model prepares jobs ahead of the running one. The engine starts them without
 * the host, in order; and whatever happens to queue or memory meanwhile, none of them has
 * begun.
 */
#include <unistd.h>

#include "device_job.h"
#include "ktap.h"

#define Q_CTRL		XQ_QUEUE(0, XQ_Q_CTRL)
#define Q_STATUS	XQ_QUEUE(0, XQ_Q_STATUS)
#define Q_SQ_HEAD	XQ_QUEUE(0, XQ_Q_SQ_HEAD)
#define Q_ON		(XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ)
#define CONTEXT		3
#define LONG_CONTEXT	4
#define JOBS		6

static struct fake_host h;
static struct device_job job[JOBS];
static struct device_job slow;	/* tenths of a second */

static void begin(void)
{
	unsigned int i;

	fake_start(&h, NULL);
	fake_enable(&h);
	fake_queue(&h, 0, 4);
	for (i = 0; i < JOBS; i++) {
		job[i] = job_s8(5 + i, 7, 300);
		job_build(&h, &job[i], CONTEXT);
		job[i].desc.id = htole64(100 + i);
		job_spoil(&h, &job[i]);
	}
	job_long(&h, &slow, LONG_CONTEXT, job_long_k(300));
}

static void end(void)
{
	unsigned int i;
	long left;

	for (i = 0; i < JOBS; i++)
		job_free(&job[i]);
	job_free(&slow);
	left = fake_stop(&h);
	EXPECT(!left, "%ld mappings left", left);
}

/* The slow one runs, and all the others are ready. */
static void submit_all(void)
{
	unsigned int i;

	fake_put(&h, 0, &slow.desc);
	for (i = 0; i < JOBS; i++)
		fake_put(&h, 0, &job[i].desc);
	fake_doorbell(&h, 0);
	EXPECT(fake_read(&h, Q_SQ_HEAD) == 1, "%u started", fake_read(&h, Q_SQ_HEAD));
}

static void expect_all(unsigned int first, uint16_t status)
{
	struct xq_hw_completion c;
	unsigned int i;

	for (i = first; i < JOBS; i++) {
		if (!EXPECT(fake_wait(&h, 0, &c), "job %u has no completion", i))
			return;
		EXPECT(c.id == job[i].desc.id, "job %u out of order", i);
		EXPECT(c.status == htole16(status), "job %u: status %u", i, c.status);
		if (!status)
			EXPECT(job_right(&h, &job[i]), "job %u", i);
	}
}

static void expect_slow(uint16_t status)
{
	struct xq_hw_completion c;

	EXPECT(fake_wait(&h, 0, &c), "no completion");
	EXPECT(c.id == slow.desc.id && c.status == htole16(status), "status %u", c.status);
}

/* ---- what it is for ---- */

static unsigned int calls(void)
{
	unsigned int calls;

	pthread_mutex_lock(&h.lock);
	calls = h.calls;
	pthread_mutex_unlock(&h.lock);
	return calls;
}

/* The host does nothing after the doorbell, and yet each job ends and calls for service. */
static void runs_without_the_host(void)
{
	unsigned int i;

	begin();
	submit_all();
	for (i = 0; i < 10000 && calls() < 1 + JOBS; i++)
		usleep(1000);
	EXPECT(calls() == 1 + JOBS, "%u jobs ended", calls());
	expect_slow(XQACCEL_STATUS_OK);
	expect_all(0, XQACCEL_STATUS_OK);
	end();
}

static void times_do_not_overlap(void)
{
	struct xq_hw_completion c;
	uint64_t before = 0;
	unsigned int i;

	begin();
	submit_all();
	for (i = 0; i < 1 + JOBS; i++) {
		EXPECT(fake_wait(&h, 0, &c), "no completion");
		EXPECT(le64toh(c.start) >= before && le64toh(c.end) >= le64toh(c.start),
		       "job %u", i);
		EXPECT(c.sq_head == htole16(i + 1), "sq_head of %u", i);
		before = le64toh(c.end);
	}
	end();
}

/* An error in the middle is that job's alone. */
static void a_bad_one_among_them(void)
{
	struct xq_hw_completion c;
	unsigned int i;

	begin();
	desc_work(&job[2].desc)->op = 77;
	fake_leaf(&h, CONTEXT, le64toh(job[4].desc.operand[XQACCEL_A].address) & ~4095ULL, 0, 0);
	submit_all();
	expect_slow(XQACCEL_STATUS_OK);
	for (i = 0; i < JOBS; i++) {
		const int status = i == 2 ? XQACCEL_STATUS_INVALID :
				   i == 4 ? XQACCEL_STATUS_FAULT : XQACCEL_STATUS_OK;

		EXPECT(fake_wait(&h, 0, &c), "no completion");
		EXPECT(c.status == htole16(status), "job %u: %u, not %u", i, c.status, status);
		if (!status)
			EXPECT(job_right(&h, &job[i]), "job %u", i);
	}
	end();
}

/* A pool, else a mean, of one row that is repeated a billion times: few bytes, and minutes. */
static struct xq_hw_descriptor repeats(bool pool)
{
	const uint64_t va = 1ULL << 34;
	struct xq_hw_descriptor d = { .id = htole64(7), .context = htole32(LONG_CONTEXT) };
	struct xqaccel_work *w = desc_work(&d);

	d.operand[XQACCEL_X].address = htole64(va);
	d.operand[XQACCEL_Y].address = htole64(va + 8192);
	w->op = pool ? XQACCEL_OP_POOL : XQACCEL_OP_MEAN;
	if (pool) {
		w->pool = (struct xqaccel_pool){
			.kind = XQACCEL_POOL_AVERAGE, .format = XQACCEL_FMT_S8, .batch = 2, .in_h = 4096,
			.in_w = 2048, .channels = 4096, .out_h = 1, .out_w = 1, .kernel_h = 4096,
			.kernel_w = 2048, .stride_h = 1, .stride_w = 1, .act_min = -128, .act_max = 127,
		};
		d.operand[XQACCEL_Y].batch_stride = htole64(4096);
		return d;
	}
	w->mean = (struct xqaccel_mean){
		.format = XQACCEL_FMT_S8, .y_format = XQACCEL_FMT_S8, .outer = 8191, .count = 1U << 23,
		.inner = 1, .y = { .profile = XQACCEL_PROFILE_TFLITE, .multiplier = 1 << 30,
				   .act_min = -128, .act_max = 127 },
	};
	d.operand[XQACCEL_Y].stride = htole64(1);
	return d;
}

/* The device context has no time for that: other queues go on, and a reset ends it. */
static void few_bytes_and_much_work(void)
{
	struct xq_hw_completion c;
	unsigned int pool;
	bool ended;

	for (pool = 0; pool < 2; pool++) {
		const struct xq_hw_descriptor desc = repeats(pool);

		begin();
		fake_map(&h, LONG_CONTEXT, 1ULL << 34, 16384, XQ_PTE_READ | XQ_PTE_WRITE);
		fake_queue(&h, 1, 4);
		fake_submit(&h, 0, &desc);
		ended = fake_reap(&h, 0, &c);
		EXPECT(!ended, "%s: status %u", pool ? "pool" : "mean", c.status);
		fake_submit(&h, 1, &job[0].desc);
		EXPECT(fake_wait(&h, 1, &c) && !c.status, "another queue waits");
		fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
		EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_RESET), "reset never ends");
		end();
	}
}

/* ---- what takes them back ---- */

static void expect_spoiled(const char *when)
{
	unsigned int i;
	int32_t value;

	for (i = 0; i < JOBS; i++) {
		fake_load(&h, CONTEXT, le64toh(job[i].desc.operand[XQACCEL_C].address), &value, 4);
		EXPECT(value != job[i].expected[0], "job %u began %s", i, when);
	}
}

static void halt(void)
{
	long running;

	begin();
	fake_submit(&h, 0, &slow.desc);
	running = h.mappings;
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_RESET);
	fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	fake_queue(&h, 0, 4);
	submit_all();
	EXPECT(h.mappings > running, "nothing is prepared");
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_HALT);
	EXPECT(h.mappings == running, "%ld mappings, not %ld", h.mappings, running);
	expect_slow(XQACCEL_STATUS_OK);
	EXPECT(fake_read(&h, Q_STATUS) & XQ_Q_STATUS_IDLE, "not idle");
	EXPECT(fake_read(&h, Q_SQ_HEAD) == 1, "head");
	expect_spoiled("while halted");
	fake_write(&h, Q_CTRL, Q_ON);
	expect_all(0, XQACCEL_STATUS_OK);
	end();
}

static void disable(void)
{
	begin();
	submit_all();
	fake_write(&h, XQ_REG_CTRL, 0);
	expect_slow(XQACCEL_STATUS_OK);
	expect_spoiled("while disabled");
	fake_write(&h, XQ_REG_CTRL, XQ_CTRL_ENABLE);
	expect_all(0, XQACCEL_STATUS_OK);
	end();
}

static void reset(void)
{
	begin();
	submit_all();
	fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_RESET), "reset never ends");
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	expect_spoiled("though reset");
	end();
}

static void abort_all(void)
{
	begin();
	submit_all();
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_ABORT);
	expect_slow(XQACCEL_STATUS_CANCELED);
	expect_all(0, XQACCEL_STATUS_CANCELED);
	expect_spoiled("though aborted");
	end();
}

static void pause_all(void)
{
	begin();
	submit_all();
	xqdev_pause(h.dev);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	expect_spoiled("while paused");
	EXPECT(!fake_read(&h, Q_SQ_HEAD), "head");
	xqdev_resume(h.dev);
	expect_slow(XQACCEL_STATUS_OK);
	expect_all(0, XQACCEL_STATUS_OK);
	end();
}

static void bus_master_off(void)
{
	begin();
	submit_all();
	xqdev_set_bus_master(h.dev, false);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	expect_spoiled("without DMA");
	end();
}

/* Memory that only jobs which have not begun would use is free at once, and not used. */
static void invalidation(void)
{
	uint64_t va, fresh;
	uint8_t *old;

	begin();
	submit_all();
	va = le64toh(job[0].desc.operand[XQACCEL_A].address) & ~4095ULL;
	old = fake_at(&h, CONTEXT, va);
	fresh = fake_page(&h);
	memcpy(fake_memory(&h, fresh), old, 4096);
	fake_leaf(&h, CONTEXT, va, fresh, XQ_PTE_VALID | XQ_PTE_READ);
	fake_write(&h, XQ_REG_CTX_INVAL, CONTEXT);
	EXPECT(!fake_read(&h, XQ_REG_CTX_PENDING(CONTEXT)), "waits for a job that has not begun");
	memset(old, 0x55, 4096);
	expect_slow(XQACCEL_STATUS_OK);
	expect_all(0, XQACCEL_STATUS_OK);
	end();
}

/* A fault is injected into the next job that starts, though it was prepared already. */
static void injection(void)
{
	const struct xqdev_faults dma = { .dma_errors = 1 };
	struct xq_hw_completion c;

	begin();
	submit_all();
	xqdev_inject(h.dev, &dma);
	expect_slow(XQACCEL_STATUS_OK);
	EXPECT(fake_wait(&h, 0, &c) && c.status == htole16(XQACCEL_STATUS_DMA), "status %u",
	       c.status);
	expect_all(1, XQACCEL_STATUS_OK);
	end();
}

/* No more is prepared than can be completed. */
static void full_completion_ring(void)
{
	struct xq_hw_completion c;
	unsigned int i;

	begin();
	fake_queue(&h, 1, 2);
	for (i = 0; i < 3; i++)
		fake_put(&h, 1, &job[i].desc);
	fake_doorbell(&h, 1);
	while (fake_read(&h, XQ_QUEUE(1, XQ_Q_CQ_TAIL)) != 3)
		fake_serve(&h, 100);
	EXPECT(fake_reap(&h, 1, &c), "no completion");
	for (i = 3; i < 6; i++)
		fake_put(&h, 1, &job[i].desc);
	fake_doorbell(&h, 1);
	fake_serve(&h, 50);
	EXPECT(fake_read(&h, XQ_QUEUE(1, XQ_Q_SQ_HEAD)) == 0, "head %u",
	       fake_read(&h, XQ_QUEUE(1, XQ_Q_SQ_HEAD)));
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	for (i = 1; i < 6; i++)
		EXPECT(fake_wait(&h, 1, &c) && c.id == job[i].desc.id, "completion %u", i);
	end();
}

/* Doorbells, halts, invalidations and pauses at any time: every job runs once. */
static void at_random(void)
{
	unsigned int round, put = 0, reaped = 0, i;
	struct xq_hw_completion c;

	begin();
	for (round = 0; round < 12000; round++) {
		switch (ktap_range(0, 9)) {
		case 0:
			fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_HALT);
			break;
		case 1:
			fake_write(&h, XQ_REG_CTX_INVAL, CONTEXT);
			break;
		case 2:
			xqdev_pause(h.dev);
			xqdev_resume(h.dev);
			break;
		case 3:
			fake_write(&h, Q_CTRL, Q_ON);
			break;
		case 4:
			xqdev_service(h.dev);
			break;
		default:
			for (i = ktap_range(1, 4); i && put - reaped < 12; i--) {
				struct xq_hw_descriptor desc = job[put % JOBS].desc;

				desc.id = htole64(put++);
				fake_put(&h, 0, &desc);
			}
			fake_doorbell(&h, 0);
			break;
		}
		while (fake_reap(&h, 0, &c)) {
			EXPECT(!c.status && c.id == htole64(reaped), "job %u", reaped);
			reaped++;
		}
	}
	fake_write(&h, Q_CTRL, Q_ON);
	while (reaped < put && EXPECT(fake_wait(&h, 0, &c), "job %u is lost", reaped)) {
		EXPECT(!c.status && c.id == htole64(reaped), "job %u", reaped);
		reaped++;
	}
	EXPECT(fake_read64(&h, XQ_REG_JOBS) == put, "%u jobs", fake_read(&h, XQ_REG_JOBS));
	EXPECT(put > 100, "%u jobs", put);
	end();
}

KTAP_MAIN(
	{ "runs_without_the_host", runs_without_the_host },
	{ "times_do_not_overlap", times_do_not_overlap },
	{ "a_bad_one_among_them", a_bad_one_among_them },
	{ "few_bytes_and_much_work", few_bytes_and_much_work },
	{ "halt", halt },
	{ "disable", disable },
	{ "reset", reset },
	{ "abort_all", abort_all },
	{ "pause_all", pause_all },
	{ "bus_master_off", bus_master_off },
	{ "invalidation", invalidation },
	{ "injection", injection },
	{ "full_completion_ring", full_completion_ring },
	{ "at_random", at_random },
)
