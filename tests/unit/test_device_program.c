// SPDX-License-Identifier: MIT
/*
 * Programs on the device model: lists of jobs that run in order as one job of their queue, with
 * slots that are bound when they are run; what stops them in the middle; and interrupts that
 * wait for more than one completion.
 */
#include <unistd.h>

#include "device_job.h"
#include "driver/xq_program.h"
#include "ktap.h"

#define Q_CTRL		XQ_QUEUE(0, XQ_Q_CTRL)
#define Q_STATUS	XQ_QUEUE(0, XQ_Q_STATUS)
#define Q_STEP		XQ_QUEUE(0, XQ_Q_STEP)
#define Q_COALESCE	XQ_QUEUE(0, XQ_Q_COALESCE)
#define Q_ON		(XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ)
#define CONTEXT		3
#define PARTS		20
#define LONG_ROWS	1024U	/* of a job that is stopped */
#define LIST_VA		(1ULL << 36)
#define PROFILE_VA	(LIST_VA + (1ULL << 30))
#define LONG_VA		(1ULL << 35)

static struct fake_host h;
static struct device_job part[PARTS];
static struct xq_hw_descriptor program;

/* ---- programs ---- */

static void put_part(uint32_t index, const struct xq_hw_descriptor *desc)
{
	fake_store(&h, CONTEXT, LIST_VA + index * sizeof(*desc), desc, sizeof(*desc));
}

static void begin_parts(uint32_t parts)
{
	uint32_t i;

	fake_start(&h, NULL);
	fake_enable(&h);
	fake_queue(&h, 0, 4);
	fake_map(&h, CONTEXT, LIST_VA, 4096 * sizeof(program), XQ_PTE_READ);
	fake_map(&h, CONTEXT, PROFILE_VA, 4096 * sizeof(struct xqaccel_profile),
		 XQ_PTE_READ | XQ_PTE_WRITE);
	program = (struct xq_hw_descriptor){ .id = htole64(77), .context = htole32(CONTEXT) };
	desc_work(&program)->op = XQACCEL_OP_PROGRAM;
	desc_work(&program)->words[0] = parts;
	program.operand[XQ_PROGRAM_LIST].address = htole64(LIST_VA);
	program.operand[XQACCEL_PROGRAM_PROFILE].address = htole64(PROFILE_VA);
	for (i = 0; i < PARTS; i++) {
		part[i] = job_s8(3 + i % 4, 5, 40 + i);
		job_build(&h, &part[i], CONTEXT);
		job_spoil(&h, &part[i]);
		put_part(i, &part[i].desc);
	}
}

static void begin(void)
{
	begin_parts(PARTS);
}

static void end(void)
{
	uint32_t i;
	long left;

	for (i = 0; i < PARTS; i++)
		job_free(&part[i]);
	left = fake_stop(&h);
	EXPECT(!left, "%ld mappings left", left);
}

/* One that takes seconds: A and B repeat one row. */
/* A square of so many sums of k products each; all rows of the operands are the same memory. */
static struct xq_hw_descriptor long_desc(uint32_t rows, uint32_t k)
{
	struct xq_hw_descriptor d = part[0].desc;
	unsigned int i;

	desc_work(&d)->gemm.m = desc_work(&d)->gemm.n = rows;
	desc_work(&d)->gemm.k = k;
	for (i = XQACCEL_A; i <= XQACCEL_C; i++) {
		const uint64_t va = LONG_VA + i * (1ULL << 30);

		d.operand[i].address = htole64(va);
		d.operand[i].stride = htole64(i == XQACCEL_C ? LONG_ROWS * 4 : 0);
		if (!fake_at(&h, CONTEXT, va))
			fake_map(&h, CONTEXT, va, i == XQACCEL_C ? LONG_ROWS * LONG_ROWS * 4 : k,
				 XQ_PTE_READ | XQ_PTE_WRITE);
	}
	return d;
}

static bool untouched(const struct device_job *job)
{
	const uint64_t c = le64toh(job->desc.operand[XQACCEL_C].address);
	uint32_t value;

	fake_load(&h, CONTEXT, c, &value, 4);
	return value == 0x5a5a5a5a;
}

/* Parts before the first are right, and those from it on have not run. */
static void expect_parts(uint32_t first)
{
	uint32_t i;

	for (i = 0; i < first && i < PARTS; i++)
		EXPECT(job_right(&h, &part[i]), "part %u", i);
	for (i = first; i < PARTS; i++)
		EXPECT(untouched(&part[i]), "part %u has run", i);
}

static struct xq_hw_completion expect(uint16_t status, uint64_t step)
{
	struct xq_hw_completion c = { 0 };

	if (!EXPECT(fake_wait(&h, 0, &c), "no completion"))
		return c;
	EXPECT(c.status == htole16(status), "status %u, not %u", c.status, status);
	EXPECT(c.id == program.id, "id");
	if (status)
		EXPECT(c.macs == htole64(step), "step %lu, not %lu", (long)le64toh(c.macs),
		       (long)step);
	return c;
}

static void still_works(void)
{
	struct xq_hw_completion c;

	job_spoil(&h, &part[0]);
	fake_submit(&h, 0, &part[0].desc);
	EXPECT(fake_wait(&h, 0, &c) && !c.status && c.id == part[0].desc.id, "no job any more");
	EXPECT(job_right(&h, &part[0]), "wrong");
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
}

/* Until so many parts have ended. */
static void wait_step(uint32_t step)
{
	int i;

	for (i = 0; i < 2000 && fake_read(&h, Q_STEP) < step; i++)
		fake_serve(&h, 5);
	EXPECT(fake_read(&h, Q_STEP) == step, "at %u, not %u", fake_read(&h, Q_STEP), step);
}

/* ---- what they do ---- */

static void runs_all(void)
{
	struct xqaccel_profile profile[PARTS];
	struct xq_hw_completion c;
	uint64_t macs = 0, bytes = 0, before;
	uint32_t i;

	begin();
	fake_submit(&h, 0, &program);
	c = expect(XQACCEL_STATUS_OK, 0);
	expect_parts(PARTS);
	EXPECT(c.sq_head == htole16(1), "sq_head");
	fake_load(&h, CONTEXT, PROFILE_VA, profile, sizeof(profile));
	before = le64toh(c.start);
	for (i = 0; i < PARTS; i++) {
		const uint64_t want = (uint64_t)part[i].dims.m * part[i].dims.n * part[i].dims.k;

		EXPECT(le64toh(profile[i].macs) == want, "macs of %u", i);
		EXPECT(le64toh(profile[i].start) >= before &&
		       le64toh(profile[i].end) >= le64toh(profile[i].start), "times of %u", i);
		before = le64toh(profile[i].end);
		macs += want;
		bytes += le64toh(profile[i].bytes);
	}
	EXPECT(le64toh(c.end) >= before, "end");
	EXPECT(le64toh(c.macs) == macs && le64toh(c.bytes) == bytes, "sums");
	EXPECT(fake_read64(&h, XQ_REG_MACS) == macs, "counter");
	EXPECT(h.interrupts[1] == 1, "%u interrupts", h.interrupts[1]);
	still_works();
	end();
}

/* Programs and jobs of a queue follow each other. */
static void runs_between_jobs(void)
{
	struct xq_hw_completion c;
	unsigned int i;

	begin();
	program.operand[XQACCEL_PROGRAM_PROFILE].address = 0;
	for (i = 0; i < 9; i++) {
		part[1].desc.id = htole64(i);
		program.id = htole64(i);
		fake_put(&h, 0, i % 3 ? &program : &part[1].desc);
	}
	fake_doorbell(&h, 0);
	for (i = 0; i < 9; i++)
		EXPECT(fake_wait(&h, 0, &c) && c.id == htole64(i) && !c.status, "job %u", i);
	expect_parts(PARTS);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	end();
}

static void runs_the_longest(void)
{
	uint32_t i;

	begin_parts(XQACCEL_PROGRAM_JOBS);
	for (i = 0; i < XQACCEL_PROGRAM_JOBS; i++)
		put_part(i, &part[i % PARTS].desc);
	fake_submit(&h, 0, &program);
	expect(XQACCEL_STATUS_OK, 0);
	expect_parts(PARTS);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	end();
}

static void empty_jobs(void)
{
	struct xq_hw_completion c;
	uint32_t i;

	begin();
	for (i = 0; i < PARTS; i++) {
		struct xq_hw_descriptor d = part[i].desc;

		desc_work(&d)->gemm.m = 0;
		put_part(i, &d);
	}
	fake_submit(&h, 0, &program);
	c = expect(XQACCEL_STATUS_OK, 0);
	EXPECT(!c.macs, "macs");
	expect_parts(0);
	still_works();
	end();
}

/* ---- slots ---- */

static void slots_are_filled_in(void)
{
	struct xq_hw_descriptor d;

	begin();
	desc_work(&program)->words[0] = 1;
	d = part[0].desc;
	d.operand[XQACCEL_A].address = htole64(XQ_SLOT_ADDRESS(0, 16));
	d.operand[XQACCEL_C].address = htole64(XQ_SLOT_ADDRESS(15, 0));
	put_part(0, &d);
	program.operand[0].address =
		htole64(le64toh(part[0].desc.operand[XQACCEL_A].address) - 16);
	program.operand[15].address = part[0].desc.operand[XQACCEL_C].address;
	fake_submit(&h, 0, &program);
	expect(XQACCEL_STATUS_OK, 0);
	expect_parts(1);
	/* The same list, with another C. */
	job_spoil(&h, &part[0]);
	program.operand[15].address = htole64(LONG_VA);
	fake_map(&h, CONTEXT, LONG_VA, 4096, XQ_PTE_WRITE | XQ_PTE_READ);
	fake_submit(&h, 0, &program);
	expect(XQACCEL_STATUS_OK, 0);
	expect_parts(0);
	program.operand[15].address = htole64(LONG_VA + 2);
	fake_submit(&h, 0, &program);
	expect(XQACCEL_STATUS_INVALID, 0);
	end();
}

static void expect_bad_slot(uint64_t address, uint64_t base)
{
	struct xq_hw_descriptor d = part[3].desc;

	d.operand[XQACCEL_C].address = htole64(address);
	put_part(3, &d);
	program.operand[5].address = htole64(base);
	fake_submit(&h, 0, &program);
	expect(XQACCEL_STATUS_INVALID, 3);
	expect_parts(3);
	job_spoil(&h, &part[0]);
	job_spoil(&h, &part[1]);
	job_spoil(&h, &part[2]);
}

static void bad_slots(void)
{
	uint64_t c;

	begin();
	c = le64toh(part[3].desc.operand[XQACCEL_C].address);
	expect_bad_slot(XQ_SLOT_ADDRESS(4, 0), c);
	expect_bad_slot(XQ_SLOT_ADDRESS(16, 0), c);
	expect_bad_slot(XQ_SLOT_ADDRESS(127, 0), c);
	expect_bad_slot(XQ_SLOT_ADDRESS(5, 0), 0);
	expect_bad_slot(XQ_SLOT_ADDRESS(5, 1ULL << XQ_VA_BITS), c);
	expect_bad_slot(XQ_SLOT_ADDRESS(5, 0), 1ULL << XQ_VA_BITS);
	expect_bad_slot(XQ_SLOT_ADDRESS(5, 0), UINT64_MAX - 3);
	still_works();
	end();
}

/* A job of the ring has no slots: such an address is one that nothing is mapped at. */
static void no_slots_without_program(void)
{
	struct xq_hw_completion c;

	begin();
	part[0].desc.operand[XQACCEL_C].address = htole64(XQ_SLOT_ADDRESS(0, 4096));
	fake_submit(&h, 0, &part[0].desc);
	EXPECT(fake_wait(&h, 0, &c) && c.status == htole16(XQACCEL_STATUS_FAULT), "status");
	end();
}

/* ---- failures ---- */

static void expect_refused(const char *what)
{
	struct xq_hw_completion c;

	fake_submit(&h, 0, &program);
	EXPECT(fake_wait(&h, 0, &c) && c.status == htole16(XQACCEL_STATUS_INVALID), "%s", what);
	EXPECT(untouched(&part[0]), "%s: it ran", what);
}

static void refused_programs(void)
{
	struct xq_hw_descriptor good;

	begin();
	good = program;
	desc_work(&program)->words[0] = 0;
	expect_refused("no jobs");
	desc_work(&program)->words[0] = XQACCEL_PROGRAM_JOBS + 1;
	expect_refused("too many jobs");
	program = good;
	desc_work(&program)->words[1] = 1;
	expect_refused("a word");
	program = good;
	desc_work(&program)->epilogue.kind = 1;
	expect_refused("an epilogue");
	program = good;
	desc_work(&program)->flags = XQACCEL_JOB_B_TILED;
	expect_refused("a flag");
	program = good;
	program.operand[XQ_PROGRAM_LIST].address = 0;
	expect_refused("no list");
	program.operand[XQ_PROGRAM_LIST].address = htole64(LIST_VA + 32);
	expect_refused("a misaligned list");
	program = good;
	program.operand[XQ_PROGRAM_LIST].stride = htole64(1024);
	expect_refused("a stride of the list");
	program = good;
	program.operand[XQ_PROGRAM_LIST + 1].address = htole64(4096);
	expect_refused("an operand too many");
	program = good;
	program.operand[XQACCEL_PROGRAM_PROFILE].address = htole64(PROFILE_VA + 8);
	expect_refused("a misaligned profile");
	program.operand[XQACCEL_PROGRAM_PROFILE].address = htole64(LIST_VA);
	expect_refused("a profile in the list");
	program = good;
	program.operand[2].stride = htole64(4);
	expect_refused("a stride of a slot");
	program = good;
	program.context = htole32(4096);
	expect_refused("no context");
	program = good;
	still_works();
	end();
}

static void expect_failure(uint32_t at, const struct xq_hw_descriptor *desc, uint16_t status)
{
	uint32_t i;

	put_part(at, desc);
	fake_submit(&h, 0, &program);
	expect(status, at);
	expect_parts(at);
	put_part(at, &part[at].desc);
	for (i = 0; i < PARTS; i++)
		job_spoil(&h, &part[i]);
}

static void failing_jobs(void)
{
	struct xq_hw_descriptor d;

	begin();
	d = part[7].desc;
	d.operand[XQACCEL_B].address = htole64(LONG_VA);
	expect_failure(7, &d, XQACCEL_STATUS_FAULT);
	d = part[0].desc;
	desc_work(&d)->gemm.a_format = 15;
	expect_failure(0, &d, XQACCEL_STATUS_INVALID);
	d = program;
	expect_failure(PARTS - 1, &d, XQACCEL_STATUS_INVALID);
	d = part[9].desc;
	d.context = htole32(CONTEXT + 1);
	expect_failure(9, &d, XQACCEL_STATUS_INVALID);
	d = part[8].desc;
	d.reserved0 = htole32(1);
	expect_failure(8, &d, XQACCEL_STATUS_INVALID);
	xqdev_inject(h.dev, &(struct xqdev_faults){ .dma_errors = 1 });
	fake_submit(&h, 0, &program);
	expect(XQACCEL_STATUS_DMA, 0);
	expect_parts(0);
	still_works();
	end();
}

/* A list that the context does not map, or only in part. */
static void list_not_mapped(void)
{
	struct xq_hw_completion c;

	begin();
	fake_leaf(&h, CONTEXT, LIST_VA + 4096, 0, 0);
	fake_submit(&h, 0, &program);
	c = expect(XQACCEL_STATUS_FAULT, 0);
	EXPECT(c.fault_address == htole64(LIST_VA + 4096), "address");
	expect_parts(0);
	still_works();
	end();
}

/* The device must not write where a program's list is, as the driver maps it. */
static void list_is_read_only(void)
{
	struct xq_hw_descriptor d;

	begin();
	d = part[2].desc;
	d.operand[XQACCEL_C].address = htole64(LIST_VA + 3 * sizeof(d));
	expect_failure(2, &d, XQACCEL_STATUS_FAULT);
	end();
}

/* ---- stopped in the middle ---- */

static void put_long(uint32_t at, uint32_t k, uint32_t flags)
{
	struct xq_hw_descriptor d = long_desc(512, k);

	desc_work(&d)->flags |= flags;
	put_part(at, &d);
}

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

	begin();
	fake_put(&h, 0, &program);
	run_to(11);
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_ABORT);
	expect(XQACCEL_STATUS_CANCELED, 11);
	expect_stopped_at(11);
	EXPECT(fake_wait(&h, 0, &c) && c.status == htole16(XQACCEL_STATUS_CANCELED), "the second");
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_ABORT), "abort");
	still_works();
	end();
}

static void queue_reset_in_the_middle(void)
{
	struct xq_hw_completion c;

	begin();
	run_to(9);
	fake_write(&h, Q_CTRL, XQ_Q_CTRL_RESET);
	EXPECT(fake_wait_clear(&h, Q_CTRL, XQ_Q_CTRL_RESET), "reset");
	expect_stopped_at(9);
	EXPECT(!fake_reap(&h, 0, &c) && !h.mappings, "not forgotten");
	fake_queue(&h, 0, 4);
	still_works();
	end();
}

static void function_reset_in_the_middle(void)
{
	begin();
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
	end();
}

static void bus_master_off_in_the_middle(void)
{
	begin();
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
	end();
}

static void hung_job(void)
{
	begin();
	xqdev_inject(h.dev, &(struct xqdev_faults){ .hang_jobs = 1 });
	fake_submit(&h, 0, &program);
	fake_serve(&h, 20);
	EXPECT(!(fake_read(&h, Q_STATUS) & XQ_Q_STATUS_IDLE), "idle");
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_ABORT);
	expect(XQACCEL_STATUS_CANCELED, 0);
	expect_parts(0);
	still_works();
	end();
}

static void slow_jobs(void)
{
	struct xq_hw_completion c;

	begin();
	xqdev_inject(h.dev, &(struct xqdev_faults){ .slow_ns = 2000000 });
	fake_submit(&h, 0, &program);
	c = expect(XQACCEL_STATUS_OK, 0);
	EXPECT(le64toh(c.end) - le64toh(c.start) >= PARTS * 2000000ULL, "too fast");
	expect_parts(PARTS);
	xqdev_inject(h.dev, &(struct xqdev_faults){ .slow_ns = 60000000000ULL });
	fake_submit(&h, 0, &program);
	fake_serve(&h, 20);
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_ABORT);
	expect(XQACCEL_STATUS_CANCELED, 0);
	xqdev_inject(h.dev, &(struct xqdev_faults){ 0 });
	still_works();
	end();
}

/* Halting a queue and disabling the function stop jobs from starting, not a program in its middle. */
static void goes_on_when_halted(void)
{
	begin();
	put_long(4, 1U << 17, 0);
	fake_submit(&h, 0, &program);
	wait_step(4);
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_HALT);
	fake_write(&h, XQ_REG_CTRL, 0);
	expect(XQACCEL_STATUS_OK, 0);
	fake_write(&h, XQ_REG_CTRL, XQ_CTRL_ENABLE);
	fake_write(&h, Q_CTRL, Q_ON);
	still_works();
	end();
}

/* ---- pause ---- */

static void pauses_and_repeats(void)
{
	struct xq_hw_completion c;
	uint32_t i;

	begin();
	run_to(11);
	xqdev_pause(h.dev);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	EXPECT(!fake_reap(&h, 0, &c), "completed");
	for (i = 0; i < PARTS; i++)
		job_spoil(&h, &part[i]);
	put_part(11, &part[11].desc);
	xqdev_resume(h.dev);
	expect(XQACCEL_STATUS_OK, 0);
	expect_parts(PARTS);
	still_works();
	end();
}

/* What can't be repeated from its start is run to its end. */
static void pauses_and_finishes(void)
{
	struct xq_hw_completion c;

	begin();
	put_long(4, 1U << 17, 0);
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
	end();
}

static void pauses_and_gives_up(void)
{
	struct xq_hw_completion c;

	begin();
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
	end();
}

static void migrates(void)
{
	static struct fake_host to;
	struct xqdev_state state;
	struct xq_hw_completion c;

	begin();
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
	end();
}

/* ---- translations ---- */

/* Parts that are ready, and those not fetched, see what is mapped when they start. */
static void invalidation_in_the_middle(void)
{
	uint64_t c_va, page;
	uint32_t value;

	begin();
	put_long(4, 1U << 17, 0);
	fake_submit(&h, 0, &program);
	wait_step(4);
	c_va = le64toh(part[5].desc.operand[XQACCEL_C].address);
	page = fake_page(&h);
	memset(fake_memory(&h, page), 0x5a, 4096);
	fake_leaf(&h, CONTEXT, c_va & ~4095ULL, page, XQ_PTE_VALID | XQ_PTE_READ | XQ_PTE_WRITE);
	fake_write(&h, XQ_REG_CTX_INVAL, CONTEXT);
	EXPECT(!fake_read(&h, XQ_REG_CTX_PENDING(CONTEXT)), "waits for what has not started");
	expect(XQACCEL_STATUS_OK, 0);
	fake_load(&h, CONTEXT, c_va, &value, 4);
	EXPECT(value != 0x5a5a5a5a, "written through an old translation");
	EXPECT(value == (uint32_t)part[5].expected[0], "wrong");
	end();
}

/* The part that runs holds the acknowledge of its own memory, the program does not. */
static void invalidation_of_the_running(void)
{
	begin();
	put_long(4, 1U << 19, 0);
	fake_submit(&h, 0, &program);
	wait_step(4);
	fake_leaf(&h, CONTEXT, LONG_VA, fake_page(&h), XQ_PTE_VALID | XQ_PTE_READ);
	fake_write(&h, XQ_REG_CTX_INVAL, CONTEXT);
	EXPECT(fake_read(&h, XQ_REG_CTX_PENDING(CONTEXT)) || fake_read(&h, Q_STEP) != 4, "acknowledged");
	EXPECT(fake_wait_clear(&h, XQ_REG_CTX_PENDING(CONTEXT), 1U << CONTEXT), "never acknowledged");
	expect(XQACCEL_STATUS_OK, 0);
	end();
}

/* ---- interrupts ---- */

static void submit_jobs(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		fake_put(&h, 0, &part[i].desc);
	fake_doorbell(&h, 0);
}

static void reap_jobs(unsigned int count)
{
	struct xq_hw_completion c;

	while (count--)
		EXPECT(fake_wait(&h, 0, &c) && !c.status, "no completion");
}

static void interrupts_coalesce(void)
{
	begin();
	fake_write(&h, Q_COALESCE, XQ_Q_COALESCE_COUNT(100) | XQ_Q_COALESCE_US(60000));
	submit_jobs(10);
	reap_jobs(10);
	EXPECT(h.interrupts[1] == 1, "%u for a batch", h.interrupts[1]);
	submit_jobs(1);
	reap_jobs(1);
	EXPECT(h.interrupts[1] == 2, "%u with a lone job", h.interrupts[1]);
	/* One that goes on: nothing is due before the count is reached. */
	fake_write(&h, Q_COALESCE, XQ_Q_COALESCE_COUNT(5) | XQ_Q_COALESCE_US(60000));
	put_long(0, 1U << 22, 0);
	fake_put(&h, 0, &part[1].desc);
	fake_put(&h, 0, &part[2].desc);
	fake_put(&h, 0, &program);
	fake_doorbell(&h, 0);
	reap_jobs(2);
	EXPECT(h.interrupts[1] == 2, "%u while the queue is busy", h.interrupts[1]);
	fake_write(&h, Q_COALESCE, 0);
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_ABORT);
	expect(XQACCEL_STATUS_CANCELED, 0);
	EXPECT(h.interrupts[1] == 3, "%u at the end", h.interrupts[1]);
	end();
}

static void interrupts_wait_no_longer(void)
{
	int i;

	begin();
	fake_write(&h, Q_COALESCE, XQ_Q_COALESCE_COUNT(100) | XQ_Q_COALESCE_US(20000));
	put_long(0, 1U << 22, 0);
	fake_put(&h, 0, &part[1].desc);
	fake_put(&h, 0, &program);
	fake_doorbell(&h, 0);
	for (i = 0; i < 1000 && !h.interrupts[1]; i++)
		fake_serve(&h, 10);
	EXPECT(h.interrupts[1] == 1, "%u in time", h.interrupts[1]);
	reap_jobs(1);
	end();
}

static void interrupts_by_count(void)
{
	begin();
	fake_write(&h, Q_COALESCE, XQ_Q_COALESCE_COUNT(3) | XQ_Q_COALESCE_US(60000));
	put_long(0, 1U << 22, 0);
	fake_put(&h, 0, &part[1].desc);
	fake_put(&h, 0, &part[2].desc);
	fake_put(&h, 0, &part[3].desc);
	fake_put(&h, 0, &program);
	fake_doorbell(&h, 0);
	for (int i = 0; i < 1000 && !h.interrupts[1]; i++)
		fake_serve(&h, 10);
	EXPECT(h.interrupts[1] == 1, "%u", h.interrupts[1]);
	reap_jobs(3);
	end();
}

KTAP_MAIN(
	{ "runs_all", runs_all },
	{ "runs_between_jobs", runs_between_jobs },
	{ "runs_the_longest", runs_the_longest },
	{ "empty_jobs", empty_jobs },
	{ "slots_are_filled_in", slots_are_filled_in },
	{ "bad_slots", bad_slots },
	{ "no_slots_without_program", no_slots_without_program },
	{ "refused_programs", refused_programs },
	{ "failing_jobs", failing_jobs },
	{ "list_not_mapped", list_not_mapped },
	{ "list_is_read_only", list_is_read_only },
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
	{ "interrupts_coalesce", interrupts_coalesce },
	{ "interrupts_wait_no_longer", interrupts_wait_no_longer },
	{ "interrupts_by_count", interrupts_by_count },
)
