// SPDX-License-Identifier: MIT
/*
 * The device model when things go wrong or are taken away: abort, halt, reset, injected
 * faults, bus mastering, pause, migration to another device.
 */
#include "device_job.h"
#include "ktap.h"

#define Q_CTRL		XQ_QUEUE(0, XQ_Q_CTRL)
#define Q_STATUS	XQ_QUEUE(0, XQ_Q_STATUS)
#define Q_ON		(XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ)

static struct fake_host h;
static struct device_job job;	/* short */
#define BIG_ROWS	1024U
static struct device_job big;	/* runs for many seconds: B and A repeat one row */

static void begin(void)
{
	fake_start(&h, NULL);
	fake_enable(&h);
	fake_queue(&h, 0, 3);
	job = job_s8(9, 7, 300);
	job_build(&h, &job, 3);
	/* Four megabytes of C whose every element is a sum over 2^22. */
	big = job_s8(0, 0, 0);
	job_build(&h, &big, 3);
	desc_work(&big.desc)->gemm.m = desc_work(&big.desc)->gemm.n = BIG_ROWS;
	desc_work(&big.desc)->gemm.k = 1U << 22;
	for (int i = XQACCEL_A; i <= XQACCEL_C; i++) {
		const uint64_t va = (1ULL << 32) + i * (1ULL << 30);
		const uint64_t bytes = i == XQACCEL_C ? 4 * BIG_ROWS * BIG_ROWS : 1U << 22;

		big.desc.operand[i].address = htole64(va);
		big.desc.operand[i].stride = htole64(i == XQACCEL_C ? 4 * BIG_ROWS : 0);
		fake_map(&h, 3, va, bytes, XQ_PTE_READ | XQ_PTE_WRITE);
	}
}

static void end(void)
{
	long left;

	job_free(&job);
	job_free(&big);
	left = fake_stop(&h);
	EXPECT(!left, "%ld mappings left", left);
}

static void inject(struct xqdev_faults faults)
{
	xqdev_inject(h.dev, &faults);
}

static void expect_job(unsigned int q, const struct device_job *j, uint16_t status)
{
	struct xq_hw_completion c;

	if (!EXPECT(fake_wait(&h, q, &c), "no completion"))
		return;
	EXPECT(c.status == htole16(status), "status %u, not %u", c.status, status);
	EXPECT(c.id == j->desc.id, "wrong id");
	if (!status)
		EXPECT(job_right(&h, j), "wrong");
}

static void still_works(void)
{
	job_spoil(&h, &job);
	fake_submit(&h, 0, &job.desc);
	expect_job(0, &job, XQACCEL_STATUS_OK);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
}

static void expect_running(void)
{
	struct xq_hw_completion c;

	fake_serve(&h, 5);
	EXPECT(!(fake_read(&h, Q_STATUS) & XQ_Q_STATUS_IDLE), "not running");
	EXPECT(!fake_reap(&h, 0, &c), "completed");
	EXPECT(h.mappings, "nothing mapped");
}

/* ---- control ---- */

static void halt(void)
{
	struct xq_hw_completion c;
	unsigned int i;

	begin();
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_HALT);
	for (i = 0; i < 3; i++)
		fake_submit(&h, 0, &job.desc);
	fake_serve(&h, 20);
	EXPECT(!fake_read(&h, XQ_QUEUE(0, XQ_Q_SQ_HEAD)), "started while halted");
	fake_write(&h, Q_CTRL, Q_ON);
	for (i = 0; i < 3; i++)
		EXPECT(fake_wait(&h, 0, &c) && !c.status, "job %u", i);
	EXPECT(job_right(&h, &job), "wrong");
	end();
}

static void function_disabled(void)
{
	begin();
	fake_write(&h, XQ_REG_CTRL, 0);
	fake_submit(&h, 0, &job.desc);
	fake_serve(&h, 20);
	EXPECT(!fake_read(&h, XQ_QUEUE(0, XQ_Q_SQ_HEAD)), "started while disabled");
	EXPECT(!(fake_read(&h, XQ_REG_STATUS) & XQ_STATUS_READY), "ready");
	fake_write(&h, XQ_REG_CTRL, XQ_CTRL_ENABLE);
	expect_job(0, &job, XQACCEL_STATUS_OK);
	end();
}

static void aborts(bool hang)
{
	begin();
	if (hang)
		inject((struct xqdev_faults){ .hang_jobs = 1 });
	fake_submit(&h, 0, hang ? &job.desc : &big.desc);
	fake_submit(&h, 0, &job.desc);
	fake_submit(&h, 0, &job.desc);
	expect_running();
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_ABORT);
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_ABORT), "abort never ends");
	expect_job(0, hang ? &job : &big, XQACCEL_STATUS_CANCELED);
	expect_job(0, &job, XQACCEL_STATUS_CANCELED);
	expect_job(0, &job, XQACCEL_STATUS_CANCELED);
	still_works();
	end();
}

static void abort_running(void)
{
	aborts(false);
}

static void abort_hung(void)
{
	aborts(true);
}

static void abort_halted(void)
{
	begin();
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_HALT);
	fake_submit(&h, 0, &job.desc);
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_HALT | XQ_Q_CTRL_ABORT);
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_ABORT), "abort never ends");
	expect_job(0, &job, XQACCEL_STATUS_CANCELED);
	end();
}

static void abort_waits_for_room(void)
{
	struct xq_hw_completion c;
	unsigned int i;

	begin();
	fake_queue(&h, 1, 1);
	fake_submit(&h, 1, &job.desc);
	while (!fake_read(&h, XQ_QUEUE(1, XQ_Q_CQ_TAIL)))
		fake_serve(&h, 100);
	fake_submit(&h, 1, &job.desc);
	fake_write(&h, XQ_QUEUE(1, XQ_Q_CTRL), Q_ON | XQ_Q_CTRL_ABORT);
	EXPECT(fake_read(&h, XQ_QUEUE(1, XQ_Q_CTRL)) & XQ_Q_CTRL_ABORT, "ended without room");
	for (i = 0; i < 2; i++)
		EXPECT(fake_wait(&h, 1, &c), "completion %u", i);
	EXPECT(fake_wait_clear(&h, XQ_QUEUE(1, XQ_Q_CTRL), XQ_Q_CTRL_ABORT), "abort never ends");
	end();
}

static void queue_reset(void)
{
	struct xq_hw_completion c;

	begin();
	fake_queue(&h, 1, 3);
	fake_submit(&h, 0, &big.desc);
	fake_submit(&h, 0, &job.desc);
	expect_running();
	fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	fake_write(&h, Q_CTRL, Q_ON);
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_RESET), "reset never ends");
	EXPECT(!fake_read(&h, Q_CTRL), "ctrl %#x", fake_read(&h, Q_CTRL));
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	EXPECT(!fake_reap(&h, 0, &c), "completion of a forgotten job");
	fake_submit(&h, 1, &job.desc);
	expect_job(1, &job, XQACCEL_STATUS_OK);
	fake_queue(&h, 0, 3);
	still_works();
	end();
}

static void disable_is_reset(void)
{
	begin();
	fake_submit(&h, 0, &big.desc);
	expect_running();
	fake_write(&h, Q_CTRL, 0);
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_RESET), "reset never ends");
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	fake_queue(&h, 0, 3);
	still_works();
	end();
}

static void function_reset(void)
{
	unsigned int q;

	begin();
	for (q = 1; q < 4; q++)
		fake_queue(&h, q, 3);
	for (q = 0; q < 4; q++)
		fake_submit(&h, q, &big.desc);
	expect_running();
	fake_write(&h, XQ_REG_CTRL, XQ_CTRL_RESET);
	fake_write(&h, XQ_REG_CTRL, XQ_CTRL_ENABLE);
	EXPECT(fake_wait_clear(&h, XQ_REG_CTRL, XQ_CTRL_RESET), "reset never ends");
	EXPECT(!fake_read(&h, XQ_REG_CTRL) && !fake_read64(&h, XQ_REG_CTX_TABLE), "registers left");
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	fake_enable(&h);
	fake_queue(&h, 0, 3);
	still_works();
	end();
}

static void host_reset(void)
{
	begin();
	fake_submit(&h, 0, &big.desc);
	expect_running();
	xqdev_reset(h.dev);
	EXPECT(!h.mappings && !fake_read(&h, XQ_REG_CTRL) && !fake_read(&h, Q_CTRL), "left over");
	fake_enable(&h);
	fake_queue(&h, 0, 3);
	still_works();
	end();
}

static void destroy_running(void)
{
	begin();
	inject((struct xqdev_faults){ .slow_ns = 1 });
	fake_submit(&h, 0, &big.desc);
	expect_running();
	end();
}

/* ---- injected faults ---- */

static void hang_and_reset(void)
{
	begin();
	inject((struct xqdev_faults){ .hang_jobs = 1 });
	fake_submit(&h, 0, &job.desc);
	expect_running();
	fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	EXPECT(!fake_read(&h, Q_CTRL), "a hung job holds up the reset");
	fake_queue(&h, 0, 3);
	still_works();
	end();
}

static void stuck_reset(void)
{
	begin();
	inject((struct xqdev_faults){ .stuck_reset = 1 });
	fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	fake_write(&h, XQ_REG_CTRL, XQ_CTRL_RESET);
	fake_serve(&h, 20);
	EXPECT(fake_read(&h, Q_CTRL) & XQ_Q_CTRL_RESET, "queue reset done");
	EXPECT(fake_read(&h, XQ_REG_CTRL) & XQ_CTRL_RESET, "function reset done");
	inject((struct xqdev_faults){ 0 });
	EXPECT(!fake_read(&h, XQ_REG_CTRL) && !fake_read(&h, Q_CTRL), "still stuck");
	fake_enable(&h);
	fake_queue(&h, 0, 3);
	still_works();
	end();
}

static void slow_jobs(void)
{
	const uint64_t slow = 30000000;
	struct xq_hw_completion c;

	begin();
	inject((struct xqdev_faults){ .slow_ns = slow });
	fake_submit(&h, 0, &job.desc);
	EXPECT(fake_wait(&h, 0, &c), "no completion");
	EXPECT(le64toh(c.end) - le64toh(c.start) >= slow, "too fast");
	inject((struct xqdev_faults){ .slow_ns = 1000 * slow });
	fake_submit(&h, 0, &job.desc);
	expect_running();
	inject((struct xqdev_faults){ 0 });
	expect_job(0, &job, XQACCEL_STATUS_OK);
	end();
}

/* A job that was computed but is held can be stopped like one that runs. */
static void slow_jobs_stop(void)
{
	const struct xqdev_faults slow = { .slow_ns = 3600ULL * 1000000000 };

	begin();
	inject(slow);
	fake_submit(&h, 0, &job.desc);
	expect_running();
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_ABORT);
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_ABORT), "abort never ends");
	expect_job(0, &job, XQACCEL_STATUS_CANCELED);
	fake_submit(&h, 0, &job.desc);
	expect_running();
	fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_RESET), "reset never ends");
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	end();
}

static void lost_and_duplicate_interrupts(void)
{
	unsigned int *count = &h.interrupts[XQ_VECTOR_QUEUE(0)];

	begin();
	inject((struct xqdev_faults){ .drop_interrupts = 1, .duplicate_interrupts = 1 });
	still_works();
	EXPECT(*count == 0, "%u interrupts", *count);
	still_works();
	EXPECT(*count == 2, "%u interrupts", *count);
	still_works();
	EXPECT(*count == 3, "%u interrupts", *count);
	end();
}

static void wrong_completions(void)
{
	struct xq_hw_completion c;

	begin();
	inject((struct xqdev_faults){ .wrong_id = 1 });
	fake_submit(&h, 0, &job.desc);
	EXPECT(fake_wait(&h, 0, &c) && c.id != job.desc.id, "right id");
	inject((struct xqdev_faults){ .wrong_phase = 1 });
	fake_submit(&h, 0, &job.desc);
	while (fake_read(&h, XQ_QUEUE(0, XQ_Q_CQ_TAIL)) != 2)
		fake_serve(&h, 100);
	EXPECT(!fake_reap(&h, 0, &c), "right phase");
	end();
}

static void dma_errors(void)
{
	struct xqdev_faults left;
	struct xq_hw_completion c;

	begin();
	inject((struct xqdev_faults){ .dma_errors = 2 });
	fake_submit(&h, 0, &job.desc);
	EXPECT(fake_wait(&h, 0, &c) && c.status == XQACCEL_STATUS_DMA, "status %u", c.status);
	xqdev_injected(h.dev, &left);
	EXPECT(left.dma_errors == 1, "%u left", left.dma_errors);
	inject((struct xqdev_faults){ 0 });
	still_works();
	end();
}

/* Each with the address that it is said to be at, and no byte of C written where it was refused. */
static void other_statuses(void)
{
	struct xqdev_faults left;
	struct xq_hw_completion c;

	begin();
	inject((struct xqdev_faults){ .translation_faults = 1, .refused_jobs = 1 });
	fake_submit(&h, 0, &job.desc);
	EXPECT(fake_wait(&h, 0, &c) && c.status == XQACCEL_STATUS_INVALID, "status %u", c.status);
	fake_submit(&h, 0, &job.desc);
	EXPECT(fake_wait(&h, 0, &c) && c.status == XQACCEL_STATUS_FAULT, "status %u", c.status);
	EXPECT(c.fault_address == job.desc.operand[XQACCEL_C].address, "another address");
	xqdev_injected(h.dev, &left);
	EXPECT(!left.translation_faults && !left.refused_jobs, "some are left");
	still_works();
	end();
}

/* ---- invalidation ---- */

static void invalidation(void)
{
	begin();
	inject((struct xqdev_faults){ .hang_jobs = 1 });
	fake_submit(&h, 0, &job.desc);
	expect_running();
	fake_write(&h, XQ_REG_CTX_INVAL, 3);
	EXPECT(!fake_read(&h, XQ_REG_CTX_PENDING(3)), "waits though nothing changed");
	fake_leaf(&h, 3, le64toh(job.desc.operand[XQACCEL_A].address) & ~4095ULL, 0, 0);
	fake_write(&h, XQ_REG_CTX_INVAL, 4);
	EXPECT(!fake_read(&h, XQ_REG_CTX_PENDING(4)), "waits for another context");
	fake_write(&h, XQ_REG_CTX_INVAL, 3);
	EXPECT(fake_read(&h, XQ_REG_CTX_PENDING(3)) == 1 << 3, "does not wait for the job alone");
	/* While one is pending another is done at once. */
	fake_write(&h, XQ_REG_CTX_INVAL, 4);
	fake_write(&h, XQ_REG_CTX_INVAL, 100);
	EXPECT(fake_read(&h, XQ_REG_CTX_PENDING(3)) == 1 << 3, "one delays another");
	EXPECT(!fake_read(&h, XQ_REG_CTX_PENDING(100)), "one delays another");
	EXPECT(!fake_read(&h, XQ_REG_CTX_PENDING(XQ_MAX_CONTEXTS - 1)), "of no context");
	fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	EXPECT(fake_wait_clear(&h, XQ_REG_CTX_PENDING(3), 1 << 3), "never acknowledged");
	end();
}

/* What a device may do: wait for all that runs in the context, and for nothing else. */
static void coarse_invalidation(void)
{
	begin();
	inject((struct xqdev_faults){ .hang_jobs = 1, .coarse_inval = 1 });
	fake_submit(&h, 0, &job.desc);
	expect_running();
	fake_write(&h, XQ_REG_CTX_INVAL, 4);
	EXPECT(!fake_read(&h, XQ_REG_CTX_PENDING(4)), "waits for another context");
	fake_write(&h, XQ_REG_CTX_INVAL, 3);
	EXPECT(fake_read(&h, XQ_REG_CTX_PENDING(3)) == 1 << 3, "does not wait");
	fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	EXPECT(fake_wait_clear(&h, XQ_REG_CTX_PENDING(3), 1 << 3), "never acknowledged");
	end();
}

/* ---- bus mastering ---- */

static void bus_master_off(void)
{
	struct xq_hw_completion c;

	begin();
	fake_queue(&h, 1, 3);
	fake_submit(&h, 0, &big.desc);
	expect_running();
	xqdev_set_bus_master(h.dev, false);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	EXPECT(fake_read(&h, Q_STATUS) & XQ_Q_STATUS_ERROR, "no error");
	fake_submit(&h, 1, &job.desc);
	fake_serve(&h, 20);
	EXPECT(!fake_reap(&h, 1, &c), "ran without the bus");
	xqdev_set_bus_master(h.dev, true);
	expect_job(1, &job, XQACCEL_STATUS_OK);
	fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_RESET), "reset never ends");
	fake_queue(&h, 0, 3);
	still_works();
	end();
}

/* ---- pause, save, load ---- */

static void pause_and_resume(void)
{
	unsigned int i;

	begin();
	for (i = 0; i < 20; i++) {
		job_spoil(&h, &job);
		fake_submit(&h, 0, &job.desc);
		xqdev_pause(h.dev);
		EXPECT(!h.mappings, "%ld mappings", h.mappings);
		fake_serve(&h, 1);
		xqdev_resume(h.dev);
		expect_job(0, &job, XQACCEL_STATUS_OK);
	}
	end();
}

/*
 * What accumulates runs exactly once, even if it is stopped in the middle. All rows of A
 * and B are the same one, so that C is one number everywhere.
 */
static void pause_accumulating(void)
{
	const uint32_t side = 256, k = 8192;
	struct xq_hw_completion done;
	uint32_t sum = 0, i, round, got;
	uint64_t c;

	begin();
	c = le64toh(big.desc.operand[XQACCEL_C].address);
	desc_work(&big.desc)->gemm.m = desc_work(&big.desc)->gemm.n = side;
	desc_work(&big.desc)->gemm.k = k;
	desc_work(&big.desc)->flags = XQACCEL_JOB_ACCUMULATE;
	for (i = 0; i < k; i++) {
		const int8_t a = ktap_random(), b = ktap_random();

		fake_store(&h, 3, le64toh(big.desc.operand[XQACCEL_A].address) + i, &a, 1);
		fake_store(&h, 3, le64toh(big.desc.operand[XQACCEL_B].address) + i, &b, 1);
		sum += a * b;
	}
	for (round = 1; round <= 4; round++) {
		fake_submit(&h, 0, &big.desc);
		fake_serve(&h, round % 3);
		xqdev_pause(h.dev);
		EXPECT(!h.mappings, "%ld mappings", h.mappings);
		xqdev_resume(h.dev);
		EXPECT(fake_wait(&h, 0, &done) && !done.status, "no completion");
		for (i = 0; i < side * side; i++) {
			fake_load(&h, 3, c + 4 * BIG_ROWS * (i / side) + 4 * (i % side), &got, 4);
			if (!EXPECT(le32toh(got) == round * sum, "round %u: C[%u] is %#x, not %#x",
				    round, i, got, round * sum))
				break;
		}
	}
	end();
}

/* A guest can't keep a machine from being stopped. */
static void pause_endless(void)
{
	begin();
	desc_work(&big.desc)->flags = XQACCEL_JOB_ACCUMULATE;
	fake_submit(&h, 0, &big.desc);
	expect_running();
	xqdev_pause(h.dev);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	xqdev_resume(h.dev);
	expect_job(0, &big, XQACCEL_STATUS_CANCELED);
	still_works();
	end();
}

static void pause_hung(void)
{
	begin();
	inject((struct xqdev_faults){ .hang_jobs = 1 });
	fake_submit(&h, 0, &job.desc);
	expect_running();
	xqdev_pause(h.dev);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	xqdev_resume(h.dev);
	expect_running();
	end();
}

/* Two jobs a queue, one running and one waiting, end on another device. */
static void migrate(void)
{
	static struct fake_host to;
	struct xqdev_state state;
	struct device_job jobs[XQ_MAX_QUEUES];
	struct xq_hw_completion c;
	unsigned int q;
	long left;

	begin();
	for (q = 1; q < XQ_MAX_QUEUES; q++)
		fake_queue(&h, q, 2);
	still_works();
	inject((struct xqdev_faults){ .hang_jobs = 4 });
	for (q = 0; q < XQ_MAX_QUEUES; q++) {
		jobs[q] = job_s8(5, 6, 7);
		job_build(&h, &jobs[q], q);
		fake_submit(&h, q, &jobs[q].desc);
		fake_submit(&h, q, &jobs[q].desc);
	}
	expect_running();
	xqdev_pause(h.dev);
	xqdev_save(h.dev, &state);
	fake_attach(&to, &h);
	xqdev_pause(to.dev);
	EXPECT(!xqdev_load(to.dev, &state), "refused");
	xqdev_resume(to.dev);
	for (q = 0; q < 2 * XQ_MAX_QUEUES; q++)
		EXPECT(fake_wait(&to, q / 2, &c) && !c.status && c.id == jobs[q / 2].desc.id,
		       "queue %u", q / 2);
	for (q = 0; q < XQ_MAX_QUEUES; q++) {
		EXPECT(job_right(&to, &jobs[q]), "wrong");
		job_free(&jobs[q]);
	}
	EXPECT(fake_read64(&to, XQ_REG_JOBS) >= 17, "counters are not kept");
	left = fake_stop(&to);
	EXPECT(!left, "%ld mappings left", left);
	end();
}

static void bad_states(void)
{
	struct xqdev_state good, bad;
	unsigned int i;

	begin();
	xqdev_save(h.dev, &good);
	EXPECT(xqdev_load(h.dev, &good) < 0, "loaded while running");
	xqdev_pause(h.dev);
	xqdev_save(h.dev, &good);
	for (i = 0; i < 12; i++) {
		bad = good;
		switch (i) {
		case 0: bad.ctrl = 4; break;
		case 1: bad.error = 2; break;
		case 2: bad.ctx_table++; break;
		case 3: bad.queue[0].size = 13; break;
		case 4: bad.queue[0].size = 0; break;
		case 5: bad.queue[0].sq_head = 8; break;
		case 6: bad.queue[0].sq_tail = 8; break;
		case 7: bad.queue[0].cq_head = ~0U; break;
		case 8: bad.queue[0].cq_tail = 8; break;
		case 9: bad.queue[0].phase = 2; break;
		case 10: bad.queue[0].ctrl |= 64; break;
		case 11: bad.queue[1].size = 99; break;
		}
		EXPECT(xqdev_load(h.dev, &bad) < 0, "case %u loaded", i);
	}
	EXPECT(!xqdev_load(h.dev, &good), "refused");
	xqdev_resume(h.dev);
	still_works();
	end();
}

KTAP_MAIN(
	{ "halt", halt },
	{ "function_disabled", function_disabled },
	{ "abort_running", abort_running },
	{ "abort_hung", abort_hung },
	{ "abort_halted", abort_halted },
	{ "abort_waits_for_room", abort_waits_for_room },
	{ "queue_reset", queue_reset },
	{ "disable_is_reset", disable_is_reset },
	{ "function_reset", function_reset },
	{ "host_reset", host_reset },
	{ "destroy_running", destroy_running },
	{ "hang_and_reset", hang_and_reset },
	{ "stuck_reset", stuck_reset },
	{ "slow_jobs", slow_jobs },
	{ "slow_jobs_stop", slow_jobs_stop },
	{ "lost_and_duplicate_interrupts", lost_and_duplicate_interrupts },
	{ "wrong_completions", wrong_completions },
	{ "dma_errors", dma_errors },
	{ "other_statuses", other_statuses },
	{ "invalidation", invalidation },
	{ "coarse_invalidation", coarse_invalidation },
	{ "bus_master_off", bus_master_off },
	{ "pause_and_resume", pause_and_resume },
	{ "pause_accumulating", pause_accumulating },
	{ "pause_endless", pause_endless },
	{ "pause_hung", pause_hung },
	{ "migrate", migrate },
	{ "bad_states", bad_states },
)
