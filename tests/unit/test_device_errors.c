// SPDX-License-Identifier: MIT
/* The device model and hostile input: descriptors of every wrong kind, translation faults. */
#include "device_job.h"
#include "ktap.h"

#define VA_LIMIT	(1ULL << XQ_VA_BITS)

static struct fake_host h;
static struct device_job job;

static void begin(void)
{
	fake_start(&h, NULL);
	fake_enable(&h);
	fake_queue(&h, 0, 4);
	job = job_s8(5, 6, 7000);
	job_build(&h, &job, 3);
}

static void end(void)
{
	long left;

	job_free(&job);
	left = fake_stop(&h);
	EXPECT(!left, "%ld mappings left", left);
}

static struct xq_hw_completion submit(const struct xq_hw_descriptor *desc)
{
	struct xq_hw_completion c = { .status = 0xffff };

	fake_submit(&h, 0, desc);
	EXPECT(fake_wait(&h, 0, &c), "no completion");
	EXPECT(!h.mappings, "%ld mappings after the job", h.mappings);
	return c;
}

/* Nothing may be the matter with the next job, whatever came before. */
static void still_works(void)
{
	const struct xq_hw_completion c = submit(&job.desc);

	EXPECT(c.status == XQACCEL_STATUS_OK, "status %u", c.status);
	EXPECT(job_right(&h, &job), "wrong");
}

/* ---- descriptors ---- */

typedef void spoil(struct xq_hw_descriptor *d);

static void bad_op(struct xq_hw_descriptor *d) { desc_work(d)->op = 77; }
static void unused_word(struct xq_hw_descriptor *d) { desc_work(d)->words[47] = 1; }
static void unused_epilogue(struct xq_hw_descriptor *d) { desc_work(d)->epilogue.format = 1; }
static void bad_flag(struct xq_hw_descriptor *d) { desc_work(d)->flags = 16; }
static void bad_context(struct xq_hw_descriptor *d) { d->context = htole32(256); }
static void huge_context(struct xq_hw_descriptor *d) { d->context = htole32(~0U); }
static void no_batch(struct xq_hw_descriptor *d) { desc_work(d)->gemm.batch = 0; }
static void huge_m(struct xq_hw_descriptor *d) { desc_work(d)->gemm.m = XQ_MAX_DIM + 1; }
static void huge_n(struct xq_hw_descriptor *d) { desc_work(d)->gemm.n = ~0U; }
static void huge_k(struct xq_hw_descriptor *d) { desc_work(d)->gemm.k = XQ_MAX_DIM + 1; }
static void huge_batch(struct xq_hw_descriptor *d) { desc_work(d)->gemm.batch = ~0U; }
static void bad_group(struct xq_hw_descriptor *d) { desc_work(d)->gemm.group = 3; }
static void groups_of_none(struct xq_hw_descriptor *d) { desc_work(d)->flags = XQACCEL_JOB_GROUP_ACC; }
static void bad_a_format(struct xq_hw_descriptor *d) { desc_work(d)->gemm.a_format = 200; }
static void bad_b_format(struct xq_hw_descriptor *d) { desc_work(d)->gemm.b_format = 0; }
static void bad_pair(struct xq_hw_descriptor *d) { desc_work(d)->gemm.a_format = XQACCEL_FMT_C8; }
static void wide_pair(struct xq_hw_descriptor *d) { desc_work(d)->gemm.b_format = XQACCEL_FMT_S32; }
static void bad_scale(struct xq_hw_descriptor *d) { desc_work(d)->gemm.a_scale_format = XQACCEL_FMT_S32; }
static void real_without_group(struct xq_hw_descriptor *d) { desc_work(d)->flags = XQACCEL_JOB_GROUP_REAL; }

static void real_group(struct xq_hw_descriptor *d)
{
	desc_work(d)->flags = XQACCEL_JOB_GROUP_REAL;
	desc_work(d)->gemm.group = desc_work(d)->gemm.k;
}

static void real_s32_scale(struct xq_hw_descriptor *d)
{
	real_group(d);
	desc_work(d)->gemm.b_scale_format = XQACCEL_FMT_S32;
}

static void real_supergroup(struct xq_hw_descriptor *d)
{
	real_group(d);
	desc_work(d)->gemm.b_scale2_format = XQACCEL_FMT_F16;
}

static void real_odd_scale(struct xq_hw_descriptor *d)
{
	real_group(d);
	desc_work(d)->gemm.b_scale_format = XQACCEL_FMT_F16;
	d->operand[XQACCEL_B_SCALE].address = htole64(4097);
}

static void real_minima_of_none(struct xq_hw_descriptor *d)
{
	real_group(d);
	d->operand[XQACCEL_B_MIN].address = htole64(4096);
}

static void summed_integers(struct xq_hw_descriptor *d)
{
	desc_work(d)->flags = XQACCEL_JOB_SUPERGROUP_SUM;
}

/* Real scales that are fine but for the sums. */
static void summed_groups(struct xq_hw_descriptor *d)
{
	real_group(d);
	desc_work(d)->flags |= XQACCEL_JOB_SUPERGROUP_SUM;
}

static void reserved_0(struct xq_hw_descriptor *d) { d->reserved0 = 1; }
static void reserved_1(struct xq_hw_descriptor *d) { d->reserved1[3] = htole64(1); }
static void unused_operand(struct xq_hw_descriptor *d) { d->operand[9].address = htole64(4096); }
static void unused_stride(struct xq_hw_descriptor *d) { d->operand[22].stride = htole64(8); }

static void planes_of_none(struct xq_hw_descriptor *d)
{
	d->operand[XQACCEL_C].plane_stride = htole64(4096);
}

static void no_a(struct xq_hw_descriptor *d) { d->operand[XQACCEL_A].address = 0; }
static void no_b(struct xq_hw_descriptor *d) { d->operand[XQACCEL_B].address = 0; }
static void no_c(struct xq_hw_descriptor *d) { d->operand[XQACCEL_C].address = 0; }
static void odd_c(struct xq_hw_descriptor *d) { d->operand[XQACCEL_C].address++; }
static void odd_stride(struct xq_hw_descriptor *d) { d->operand[XQACCEL_C].stride = htole64(26); }
static void no_codebook(struct xq_hw_descriptor *d) { desc_work(d)->gemm.b_format = XQACCEL_FMT_C4; }

static void unused_codebook(struct xq_hw_descriptor *d)
{
	d->operand[XQACCEL_CODEBOOK].address = htole64(4096);
}

static void unused_scale(struct xq_hw_descriptor *d)
{
	d->operand[XQACCEL_A_SCALE].address = htole64(4096);
}

static void odd_zero_points(struct xq_hw_descriptor *d)
{
	d->operand[XQACCEL_A_ZP].address = htole64(4098);
}

static void strided_zero_points(struct xq_hw_descriptor *d)
{
	d->operand[XQACCEL_A_ZP].address = htole64(4096);
	d->operand[XQACCEL_A_ZP].stride = htole64(4);
}

static void odd_tiles(struct xq_hw_descriptor *d)
{
	desc_work(d)->flags = XQACCEL_JOB_B_TILED;
	d->operand[XQACCEL_B].address = htole64(4096 + 4);
	d->operand[XQACCEL_B].stride = 0;
}

static void span_overflow(struct xq_hw_descriptor *d)
{
	d->operand[XQACCEL_A].stride = htole64(1ULL << 62);
}

static void batch_overflow(struct xq_hw_descriptor *d)
{
	desc_work(d)->gemm.batch = 17;
	d->operand[XQACCEL_A].batch_stride = htole64(1ULL << 60);
}

static void c_rows_overlap(struct xq_hw_descriptor *d)
{
	d->operand[XQACCEL_C].stride = htole64(20);
}

static void c_batch_overlaps(struct xq_hw_descriptor *d) { desc_work(d)->gemm.batch = 2; }

static void c_is_a(struct xq_hw_descriptor *d)
{
	d->operand[XQACCEL_C].address = htole64(le64toh(d->operand[XQACCEL_A].address) & ~3ULL);
}

/* Rows that touch more pages than a job may have. */
static void too_many_pages(struct xq_hw_descriptor *d)
{
	desc_work(d)->gemm.m = 1U << 21;
	d->operand[XQACCEL_C].stride = htole64(8192);
	d->operand[XQACCEL_C].address = htole64(1ULL << 33);
}

static void invalid_descriptors(void)
{
	static spoil *const spoils[] = {
		bad_op, unused_word, unused_epilogue, bad_flag, bad_context, huge_context,
		no_batch, huge_m, huge_n, huge_k, huge_batch, bad_group, groups_of_none,
		bad_a_format, bad_b_format, bad_pair, wide_pair, bad_scale, reserved_0, reserved_1,
		real_without_group, real_s32_scale, real_supergroup, real_odd_scale, real_minima_of_none,
		summed_integers, summed_groups,
		unused_operand, unused_stride, planes_of_none, no_a, no_b, no_c, odd_c, odd_stride,
		no_codebook, unused_codebook, unused_scale, odd_zero_points, strided_zero_points,
		odd_tiles, span_overflow, batch_overflow, c_rows_overlap, c_batch_overlaps,
		c_is_a, too_many_pages,
	};
	struct xq_hw_completion c;
	struct xq_hw_descriptor d;
	unsigned int i;

	begin();
	for (i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
		d = job.desc;
		spoils[i](&d);
		c = submit(&d);
		EXPECT(c.status == XQACCEL_STATUS_INVALID, "case %u: status %u", i, c.status);
		EXPECT(c.id == d.id && !c.macs && !c.bytes, "case %u: completion", i);
	}
	EXPECT(!fake_read64(&h, XQ_REG_FAULTS), "counted as faults");
	still_works();
	end();
}

/* ---- faults ---- */

static uint64_t operand(unsigned int i)
{
	return le64toh(job.desc.operand[i].address);
}

static void expect_fault(int status, uint64_t address, const char *what)
{
	const uint64_t faults = fake_read64(&h, XQ_REG_FAULTS);
	const struct xq_hw_completion c = submit(&job.desc);

	EXPECT(c.status == status, "%s: status %u", what, c.status);
	EXPECT(le64toh(c.fault_address) == address, "%s: at %#llx, not %#llx", what,
	       (unsigned long long)le64toh(c.fault_address), (unsigned long long)address);
	EXPECT(fake_read64(&h, XQ_REG_FAULTS) == faults + 1, "%s: not counted", what);
}

static uint64_t bus_of(uint64_t va)
{
	return FAKE_BUS_BASE + (uint64_t)(fake_at(&h, 3, va) - h.memory);
}

/* Replace the leaf of a page, see the fault, and put it back. */
static void with_leaf(uint64_t page, uint64_t bus, uint64_t bits, int status, const char *what)
{
	const uint64_t good = bus_of(page);
	const bool output = page == (operand(XQACCEL_C) & ~4095ULL);

	fake_leaf(&h, 3, page, bus ? bus : good, bits);
	expect_fault(status, page, what);
	fake_leaf(&h, 3, page, good, XQ_PTE_VALID | XQ_PTE_READ | (output ? XQ_PTE_WRITE : 0));
}

static void page_faults(void)
{
	const uint64_t rw = XQ_PTE_READ | XQ_PTE_WRITE;
	uint64_t a, b, c;

	begin();
	a = (operand(XQACCEL_A) & ~4095ULL) + 4096;
	b = operand(XQACCEL_B) & ~4095ULL;
	c = operand(XQACCEL_C) & ~4095ULL;
	with_leaf(a, 0, rw, XQACCEL_STATUS_FAULT, "A not mapped");
	with_leaf(b, 0, XQ_PTE_VALID | XQ_PTE_WRITE, XQACCEL_STATUS_FAULT, "B not readable");
	with_leaf(c, 0, XQ_PTE_VALID | XQ_PTE_READ, XQACCEL_STATUS_FAULT, "C not writable");
	with_leaf(a, FAKE_BUS_BASE - 4096, XQ_PTE_VALID | rw, XQACCEL_STATUS_DMA, "no memory");
	with_leaf(a, 0xffffffffff000ULL, XQ_PTE_VALID | rw, XQACCEL_STATUS_DMA, "far away");
	still_works();
	end();
}

static void accumulate_reads(void)
{
	begin();
	desc_work(&job.desc)->flags = XQACCEL_JOB_ACCUMULATE;
	fake_leaf(&h, 3, operand(XQACCEL_C) & ~4095ULL, bus_of(operand(XQACCEL_C)) & ~4095ULL,
		  XQ_PTE_VALID | XQ_PTE_WRITE);
	expect_fault(XQACCEL_STATUS_FAULT, operand(XQACCEL_C) & ~4095ULL, "C not readable");
	end();
}

static void tables(void)
{
	__le64 *entry, good;

	begin();
	entry = (__le64 *)fake_memory(&h, h.ctx_table) + 2 * 3;
	good = *entry;
	*entry = 0;
	expect_fault(XQACCEL_STATUS_FAULT, operand(XQACCEL_A) & ~4095ULL, "no context");
	*entry = htole64(4096 | XQ_PTE_VALID);
	expect_fault(XQACCEL_STATUS_DMA, operand(XQACCEL_A) & ~4095ULL, "table outside memory");
	*entry = good;
	entry = (__le64 *)fake_memory(&h, le64toh(good) & XQ_PTE_ADDR);
	good = entry[0];
	entry[0] |= htole64(XQ_PTE_LARGE);
	expect_fault(XQACCEL_STATUS_FAULT, operand(XQACCEL_A) & ~4095ULL, "large leaf at the top");
	entry[0] = good;
	entry = (__le64 *)fake_memory(&h, le64toh(good) & XQ_PTE_ADDR);
	good = entry[0];
	entry[0] = htole64(FAKE_BUS_BASE | XQ_PTE_VALID | XQ_PTE_READ | XQ_PTE_LARGE | 4096);
	expect_fault(XQACCEL_STATUS_FAULT, operand(XQACCEL_A) & ~4095ULL, "large leaf misaligned");
	entry[0] = good;
	still_works();
	fake_write64(&h, XQ_REG_CTX_TABLE, 0);
	expect_fault(XQACCEL_STATUS_DMA, 0, "no context table");
	EXPECT(fake_read(&h, XQ_REG_ERROR) == XQ_ERROR_CONTEXT_TABLE, "no error");
	EXPECT(h.interrupts[XQ_VECTOR_ERROR] == 1, "no interrupt");
	fake_write64(&h, XQ_REG_CTX_TABLE, h.ctx_table);
	still_works();
	end();
}

static void beyond_the_address_space(void)
{
	begin();
	job.desc.operand[XQACCEL_A].address = htole64(VA_LIMIT - 4096);
	expect_fault(XQACCEL_STATUS_FAULT, VA_LIMIT, "A across the end");
	job.desc.operand[XQACCEL_A].address = htole64(~0ULL);
	expect_fault(XQACCEL_STATUS_FAULT, ~0ULL, "A far past the end");
	end();
}

static void refused_by_the_bus(void)
{
	uint64_t page;

	begin();
	page = (operand(XQACCEL_A) & ~4095ULL) + 2 * 4096;
	h.refused[(bus_of(page) - FAKE_BUS_BASE) >> 12] = FAKE_NO_READ;
	expect_fault(XQACCEL_STATUS_DMA, page, "A refused");
	h.refused[(bus_of(page) - FAKE_BUS_BASE) >> 12] = 0;
	page = operand(XQACCEL_C) & ~4095ULL;
	h.refused[(bus_of(page) - FAKE_BUS_BASE) >> 12] = FAKE_NO_WRITE;
	expect_fault(XQACCEL_STATUS_DMA, page, "C refused");
	h.refused[(bus_of(page) - FAKE_BUS_BASE) >> 12] = 0;
	still_works();
	end();
}

/* Tables that point to themselves translate to something or fault, but end. */
static void looping_tables(void)
{
	__le64 *root;
	unsigned int i;

	begin();
	root = (__le64 *)fake_memory(&h, le64toh(((__le64 *)fake_memory(&h, h.ctx_table))[6]) &
				     XQ_PTE_ADDR);
	for (i = 0; i < XQ_PT_ENTRIES; i++)
		root[i] = ((__le64 *)fake_memory(&h, h.ctx_table))[6] |
			  htole64(XQ_PTE_READ | XQ_PTE_WRITE);
	submit(&job.desc);
	end();
}

/* Contexts do not see each other's memory. */
static void contexts_are_apart(void)
{
	begin();
	job.desc.context = htole32(4);
	expect_fault(XQACCEL_STATUS_FAULT, operand(XQACCEL_A) & ~4095ULL, "another's context");
	end();
}

KTAP_MAIN(
	{ "invalid_descriptors", invalid_descriptors },
	{ "page_faults", page_faults },
	{ "accumulate_reads", accumulate_reads },
	{ "tables", tables },
	{ "beyond_the_address_space", beyond_the_address_space },
	{ "refused_by_the_bus", refused_by_the_bus },
	{ "looping_tables", looping_tables },
	{ "contexts_are_apart", contexts_are_apart },
)
