// SPDX-License-Identifier: MIT
/*
 * Programs on the device model: lists of jobs that run in order as one job of their queue, with
 * slots that are bound when they are run, and how they fail.
 */
#include "ktap.h"
#include "program_case.h"

/* ---- what they do ---- */

static void runs_all(void)
{
	struct xqaccel_profile profile[PARTS];
	struct xq_hw_completion c;
	uint64_t macs = 0, bytes = 0, before;
	uint32_t i;

	begin_programs();
	fake_submit(&h, 0, &program);
	c = expect_end(XQACCEL_STATUS_OK, 0);
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
	end_programs();
}

/* Programs and jobs of a queue follow each other. */
static void runs_between_jobs(void)
{
	struct xq_hw_completion c;
	unsigned int i;

	begin_programs();
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
	end_programs();
}

static void runs_the_longest(void)
{
	uint32_t i;

	begin_parts(XQACCEL_PROGRAM_JOBS);
	for (i = 0; i < XQACCEL_PROGRAM_JOBS; i++)
		put_part(i, &part[i % PARTS].desc);
	fake_submit(&h, 0, &program);
	expect_end(XQACCEL_STATUS_OK, 0);
	expect_parts(PARTS);
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
	end_programs();
}

static void empty_jobs(void)
{
	struct xq_hw_completion c;
	uint32_t i;

	begin_programs();
	for (i = 0; i < PARTS; i++) {
		struct xq_hw_descriptor d = part[i].desc;

		desc_work(&d)->gemm.m = 0;
		put_part(i, &d);
	}
	fake_submit(&h, 0, &program);
	c = expect_end(XQACCEL_STATUS_OK, 0);
	EXPECT(!c.macs, "macs");
	expect_parts(0);
	still_works();
	end_programs();
}

/* ---- slots ---- */

static void slots_are_filled_in(void)
{
	struct xq_hw_descriptor d;

	begin_programs();
	desc_work(&program)->words[0] = 1;
	d = part[0].desc;
	d.operand[XQACCEL_A].address = htole64(XQ_SLOT_ADDRESS(0, 16));
	d.operand[XQACCEL_C].address = htole64(XQ_SLOT_ADDRESS(15, 0));
	put_part(0, &d);
	program.operand[0].address =
		htole64(le64toh(part[0].desc.operand[XQACCEL_A].address) - 16);
	program.operand[15].address = part[0].desc.operand[XQACCEL_C].address;
	fake_submit(&h, 0, &program);
	expect_end(XQACCEL_STATUS_OK, 0);
	expect_parts(1);
	/* The same list, with another C. */
	job_spoil(&h, &part[0]);
	program.operand[15].address = htole64(LONG_VA);
	fake_map(&h, CONTEXT, LONG_VA, 4096, XQ_PTE_WRITE | XQ_PTE_READ);
	fake_submit(&h, 0, &program);
	expect_end(XQACCEL_STATUS_OK, 0);
	expect_parts(0);
	program.operand[15].address = htole64(LONG_VA + 2);
	fake_submit(&h, 0, &program);
	expect_end(XQACCEL_STATUS_INVALID, 0);
	end_programs();
}

static void expect_bad_slot(uint64_t address, uint64_t base)
{
	struct xq_hw_descriptor d = part[3].desc;

	d.operand[XQACCEL_C].address = htole64(address);
	put_part(3, &d);
	program.operand[5].address = htole64(base);
	fake_submit(&h, 0, &program);
	expect_end(XQACCEL_STATUS_INVALID, 3);
	expect_parts(3);
	job_spoil(&h, &part[0]);
	job_spoil(&h, &part[1]);
	job_spoil(&h, &part[2]);
}

static void bad_slots(void)
{
	uint64_t c;

	begin_programs();
	c = le64toh(part[3].desc.operand[XQACCEL_C].address);
	expect_bad_slot(XQ_SLOT_ADDRESS(4, 0), c);
	expect_bad_slot(XQ_SLOT_ADDRESS(16, 0), c);
	expect_bad_slot(XQ_SLOT_ADDRESS(127, 0), c);
	expect_bad_slot(XQ_SLOT_ADDRESS(5, 0), 0);
	expect_bad_slot(XQ_SLOT_ADDRESS(5, 1ULL << XQ_VA_BITS), c);
	expect_bad_slot(XQ_SLOT_ADDRESS(5, 0), 1ULL << XQ_VA_BITS);
	expect_bad_slot(XQ_SLOT_ADDRESS(5, 0), UINT64_MAX - 3);
	still_works();
	end_programs();
}

/* A job of the ring has no slots: such an address is one that nothing is mapped at. */
static void no_slots_without_program(void)
{
	struct xq_hw_completion c;

	begin_programs();
	part[0].desc.operand[XQACCEL_C].address = htole64(XQ_SLOT_ADDRESS(0, 4096));
	fake_submit(&h, 0, &part[0].desc);
	EXPECT(fake_wait(&h, 0, &c) && c.status == htole16(XQACCEL_STATUS_FAULT), "status");
	end_programs();
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

	begin_programs();
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
	end_programs();
}

static void expect_failure(uint32_t at, const struct xq_hw_descriptor *desc, uint16_t status)
{
	uint32_t i;

	put_part(at, desc);
	fake_submit(&h, 0, &program);
	expect_end(status, at);
	expect_parts(at);
	put_part(at, &part[at].desc);
	for (i = 0; i < PARTS; i++)
		job_spoil(&h, &part[i]);
}

static void failing_jobs(void)
{
	struct xq_hw_descriptor d;

	begin_programs();
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
	expect_end(XQACCEL_STATUS_DMA, 0);
	expect_parts(0);
	still_works();
	end_programs();
}

/* A list that the context does not map, or only in part. */
static void list_not_mapped(void)
{
	struct xq_hw_completion c;

	begin_programs();
	fake_leaf(&h, CONTEXT, LIST_VA + 4096, 0, 0);
	fake_submit(&h, 0, &program);
	c = expect_end(XQACCEL_STATUS_FAULT, 0);
	EXPECT(c.fault_address == htole64(LIST_VA + 4096), "address");
	expect_parts(0);
	still_works();
	end_programs();
}

/* The device must not write where a program's list is, as the driver maps it. */
static void list_is_read_only(void)
{
	struct xq_hw_descriptor d;

	begin_programs();
	d = part[2].desc;
	d.operand[XQACCEL_C].address = htole64(LIST_VA + 3 * sizeof(d));
	expect_failure(2, &d, XQACCEL_STATUS_FAULT);
	end_programs();
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
)
