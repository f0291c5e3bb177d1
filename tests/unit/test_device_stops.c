// SPDX-License-Identifier: MIT
/*
 * Programs on the device model that are stopped in their middle: by aborts and resets, by a pause
 * and a migration; and translations that change meanwhile.
 */
#include "ktap.h"
#include "program_case.h"

/* ---- stopped in the middle ---- */

/* No processor is through with the job before a pause gives up. */
static void run_to(uint32_t step)
{
	const struct xq_hw_descriptor d = long_desc(LONG_ROWS, 1U << 22);

	put_part(step, &d);
	fake_submit(&h, 0, &program);
	wait_step(step);
	EXPECT(!(fake_read(&h, Q_STATUS) & XQ_Q_STATUS_IDLE), "idle");
}

static void expect_stopped_at(uint32_t step)
{
	uint32_t i;

	for (i = 0; i < step; i++)
		EXPECT(job_right(&h, &part[i]), "part %u", i);
	for (i = step + 1; i < PARTS; i++)
		EXPECT(untouched(&part[i]), "part %u", i);
}

static void abort_in_the_middle(void)
{
	struct xq_hw_completion c;

	begin_programs();
	fake_put(&h, 0, &program);
	run_to(11);
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_ABORT);
	expect_end(XQACCEL_STATUS_CANCELED, 11);
	expect_stopped_at(11);
	EXPECT(fake_wait(&h, 0, &c) && c.status == htole16(XQACCEL_STATUS_CANCELED), "the second");
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_ABORT), "abort");
	still_works();
	end_programs();
}

static void queue_reset_in_the_middle(void)
{
	struct xq_hw_completion c;

	begin_programs();
	run_to(9);
	fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_RESET), "reset");
	expect_stopped_at(9);
	EXPECT(!fake_reap(&h, 0, &c) && !h.mappings, "not forgotten");
	fake_queue(&h, 0, 4);
	still_works();
	end_programs();
}

static void function_reset_in_the_middle(void)
{
	begin_programs();
	run_to(9);
	fake_write(&h, XQ_REG_CTRL, XQ_CTRL_RESET);
	EXPECT(fake_wait_clear(&h, XQ_REG_CTRL, XQ_CTRL_RESET), "reset");
	expect_stopped_at(9);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	fake_enable(&h);
	fake_queue(&h, 0, 4);
	run_to(3);
	xqdev_reset(h.dev);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	fake_enable(&h);
	fake_queue(&h, 0, 4);
	still_works();
	end_programs();
}

static void bus_master_off_in_the_middle(void)
{
	begin_programs();
	run_to(9);
	xqdev_set_bus_master(h.dev, false);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	expect_stopped_at(9);
	EXPECT(fake_read(&h, Q_STATUS) & XQ_Q_STATUS_ERROR, "no error");
	xqdev_set_bus_master(h.dev, true);
	fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_RESET), "reset");
	fake_queue(&h, 0, 4);
	still_works();
	end_programs();
}

static void hung_job(void)
{
	begin_programs();
	xqdev_inject(h.dev, &(struct xqdev_faults){ .hang_jobs = 1 });
	fake_submit(&h, 0, &program);
	fake_serve(&h, 20);
	EXPECT(!(fake_read(&h, Q_STATUS) & XQ_Q_STATUS_IDLE), "idle");
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_ABORT);
	expect_end(XQACCEL_STATUS_CANCELED, 0);
	expect_parts(0);
	still_works();
	end_programs();
}

static void slow_jobs(void)
{
	struct xq_hw_completion c;

	begin_programs();
	xqdev_inject(h.dev, &(struct xqdev_faults){ .slow_ns = 2000000 });
	fake_submit(&h, 0, &program);
	c = expect_end(XQACCEL_STATUS_OK, 0);
	EXPECT(le64toh(c.end) - le64toh(c.start) >= PARTS * 2000000ULL, "too fast");
	expect_parts(PARTS);
	xqdev_inject(h.dev, &(struct xqdev_faults){ .slow_ns = 60000000000ULL });
	fake_submit(&h, 0, &program);
	fake_serve(&h, 20);
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_ABORT);
	expect_end(XQACCEL_STATUS_CANCELED, 0);
	xqdev_inject(h.dev, &(struct xqdev_faults){ 0 });
	still_works();
	end_programs();
}

/*
 * Halting a queue and disabling the function stop jobs from starting, not a program in its middle.
 */
static void goes_on_when_halted(void)
{
	begin_programs();
	put_long(4, job_long_k(300), 0);
	fake_submit(&h, 0, &program);
	wait_step(4);
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_HALT);
	fake_write(&h, XQ_REG_CTRL, 0);
	expect_end(XQACCEL_STATUS_OK, 0);
	fake_write(&h, XQ_REG_CTRL, XQ_CTRL_ENABLE);
	fake_write(&h, Q_CTRL, Q_ON);
	still_works();
	end_programs();
}

/* ---- pause ---- */

static void pauses_and_repeats(void)
{
	struct xq_hw_completion c;
	uint32_t i;

	begin_programs();
	run_to(11);
	xqdev_pause(h.dev);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	EXPECT(!fake_reap(&h, 0, &c), "completed");
	for (i = 0; i < PARTS; i++)
		job_spoil(&h, &part[i]);
	put_part(11, &part[11].desc);
	xqdev_resume(h.dev);
	expect_end(XQACCEL_STATUS_OK, 0);
	expect_parts(PARTS);
	still_works();
	end_programs();
}

/* What can't be repeated from its start is run to its end. */
static void pauses_and_finishes(void)
{
	struct xq_hw_completion c;

	begin_programs();
	put_long(4, job_long_k(300), 0);
	desc_work(&program)->flags = XQACCEL_JOB_ACCUMULATE;
	fake_submit(&h, 0, &program);
	wait_step(4);
	xqdev_pause(h.dev);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	EXPECT(fake_reap(&h, 0, &c) && !c.status, "not finished");
	put_part(4, &part[4].desc);
	for (uint32_t i = 5; i < PARTS; i++)
		EXPECT(job_right(&h, &part[i]), "part %u", i);
	xqdev_resume(h.dev);
	still_works();
	end_programs();
}

static void pauses_and_gives_up(void)
{
	struct xq_hw_completion c;

	begin_programs();
	desc_work(&program)->flags = XQACCEL_JOB_ACCUMULATE;
	run_to(6);
	xqdev_pause(h.dev);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	EXPECT(fake_reap(&h, 0, &c) && c.status == htole16(XQACCEL_STATUS_CANCELED), "status %u",
	       c.status);
	EXPECT(c.macs == htole64(6), "step");
	expect_stopped_at(6);
	xqdev_resume(h.dev);
	still_works();
	end_programs();
}

static void migrates(void)
{
	static struct fake_host to;
	struct xqdev_state state;
	struct xq_hw_completion c;

	begin_programs();
	fake_write(&h, Q_COALESCE, XQ_Q_COALESCE_COUNT(3) | XQ_Q_COALESCE_US(1000));
	run_to(11);
	xqdev_pause(h.dev);
	xqdev_save(h.dev, &state);
	put_part(11, &part[11].desc);
	fake_attach(&to, &h);
	xqdev_pause(to.dev);
	EXPECT(!xqdev_load(to.dev, &state), "not loaded");
	xqdev_resume(to.dev);
	EXPECT(fake_read(&to, Q_COALESCE) == fake_read(&h, Q_COALESCE), "coalescing");
	EXPECT(fake_wait(&to, 0, &c) && !c.status && c.id == program.id, "status %u", c.status);
	expect_parts(PARTS);
	EXPECT(!fake_stop(&to), "mappings left");
	end_programs();
}

/* ---- translations ---- */

/* Parts that are ready, and those not fetched, see what is mapped when they start. */
static void invalidation_in_the_middle(void)
{
	uint64_t c_va, page;
	uint32_t value;

	begin_programs();
	put_long(4, job_long_k(300), 0);
	fake_submit(&h, 0, &program);
	wait_step(4);
	c_va = le64toh(part[5].desc.operand[XQACCEL_C].address);
	page = fake_page(&h);
	memset(fake_memory(&h, page), 0x5a, 4096);
	fake_leaf(&h, CONTEXT, c_va & ~4095ULL, page, XQ_PTE_VALID | XQ_PTE_READ | XQ_PTE_WRITE);
	fake_write(&h, XQ_REG_CTX_INVAL, CONTEXT);
	EXPECT(!fake_read(&h, XQ_REG_CTX_PENDING(CONTEXT)), "waits for what has not started");
	expect_end(XQACCEL_STATUS_OK, 0);
	fake_load(&h, CONTEXT, c_va, &value, 4);
	EXPECT(value != 0x5a5a5a5a, "written through an old translation");
	EXPECT(value == (uint32_t)part[5].expected[0], "wrong");
	end_programs();
}

/* The part that runs holds the acknowledge of its own memory, the program does not. */
static void invalidation_of_the_running(void)
{
	begin_programs();
	put_long(4, job_long_k(1000), 0);
	fake_submit(&h, 0, &program);
	wait_step(4);
	fake_leaf(&h, CONTEXT, LONG_VA, fake_page(&h), XQ_PTE_VALID | XQ_PTE_READ);
	fake_write(&h, XQ_REG_CTX_INVAL, CONTEXT);
	EXPECT(fake_read(&h, XQ_REG_CTX_PENDING(CONTEXT)) || fake_read(&h, Q_STEP) != 4,
	       "acknowledged");
	EXPECT(fake_wait_clear(&h, XQ_REG_CTX_PENDING(CONTEXT), 1U << CONTEXT),
	       "never acknowledged");
	expect_end(XQACCEL_STATUS_OK, 0);
	end_programs();
}

KTAP_MAIN(
	{ "abort_in_the_middle", abort_in_the_middle },
	{ "queue_reset_in_the_middle", queue_reset_in_the_middle },
	{ "function_reset_in_the_middle", function_reset_in_the_middle },
	{ "bus_master_off_in_the_middle", bus_master_off_in_the_middle },
	{ "hung_job", hung_job },
	{ "slow_jobs", slow_jobs },
	{ "goes_on_when_halted", goes_on_when_halted },
	{ "pauses_and_repeats", pauses_and_repeats },
	{ "pauses_and_finishes", pauses_and_finishes },
	{ "pauses_and_gives_up", pauses_and_gives_up },
	{ "migrates", migrates },
	{ "invalidation_in_the_middle", invalidation_in_the_middle },
	{ "invalidation_of_the_running", invalidation_of_the_running },
)
