// SPDX-License-Identifier: MIT
#include <endian.h>
#include <string.h>

#include <linux/xqaccel.h>

#include "device_guest.h"
#include "driver/xq_program.h"
#include "driver/xq_work.h"
#include "tests/reference/random_job.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GUEST_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(GUEST_ASAN)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes)	((void)(at))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes)	((void)(at))
#endif

/* Pages of the guest's memory, after rings, tables and the list. */
#define SIDE_BY_SIDE	16	/* data pages */
#define SCATTERED	40	/* data pages and, between them, pages that nobody maps */
#define READ_ONLY	88	/* 4 pages */
#define HALF		24	/* data pages of each sort */
#define AREA_AT		((uint64_t)GUEST_VA_DATA * GUEST_PAGE)

uint8_t guest_memory[GUEST_BYTES] __attribute__((aligned(4096)));
static uint8_t fresh[GUEST_BYTES];
static bool filled, tampered;

/* ---- pages ---- */

static uint64_t page_bus(unsigned int page)
{
	return GUEST_BUS + page * GUEST_PAGE;
}

static unsigned int data_page(unsigned int i)
{
	i %= 2 * HALF;
	return i < HALF ? SIDE_BY_SIDE + i : SCATTERED + 2 * (i - HALF);
}

static uint8_t *unmapped_page(unsigned int i)
{
	return guest_memory + (SCATTERED + 2 * i + 1) * GUEST_PAGE;
}

static void set_entry(unsigned int page, unsigned int index, uint64_t value)
{
	value = htole64(value);
	memcpy(guest_memory + page * GUEST_PAGE + 8 * index, &value, sizeof(value));
}

static void map_page(unsigned int va_page, unsigned int page, uint64_t rights)
{
	set_entry(7, va_page, page_bus(page) | XQ_PTE_VALID | rights);
}

/* Pages 0: submission ring. 4: contexts. 5, 6, 7: tables. 8, 9: completion rings. */
static void fill_tables(void)
{
	const uint64_t both = XQ_PTE_READ | XQ_PTE_WRITE;
	unsigned int i;

	set_entry(GUEST_CONTEXTS, 0, page_bus(5) | XQ_PTE_VALID);
	set_entry(5, 0, page_bus(6) | XQ_PTE_VALID);
	set_entry(6, 0, page_bus(7) | XQ_PTE_VALID);
	for (i = 0; i < 6 * HALF; i++)
		map_page(GUEST_VA_DATA + i, data_page(i), both);
	for (i = 0; i < 4; i++)
		map_page(GUEST_VA_LIST + i, GUEST_LIST + i, both);
	for (i = 0; i < 4; i++)
		map_page(GUEST_VA_READ_ONLY + i, READ_ONLY + i, XQ_PTE_READ);
	map_page(GUEST_VA_NO_WRITE, GUEST_NO_WRITE, both);
}

static void fill_fresh(void)
{
	struct ref_random random = { 1 };
	unsigned int i;

	for (i = SIDE_BY_SIDE * GUEST_PAGE; i < GUEST_BYTES; i++)
		guest_memory[i] = (uint8_t)ref_next(&random);
	fill_tables();
	for (i = 0; i < DEVICE_RING; i++)
		guest_put_descriptor(i);
	memcpy(fresh, guest_memory, GUEST_BYTES);
	filled = true;
}

static void refuse_pages(bool refuse)
{
	unsigned int i;

	for (i = 0; i < HALF; i++) {
		if (refuse)
			ASAN_POISON_MEMORY_REGION(unmapped_page(i), GUEST_PAGE);
		else
			ASAN_UNPOISON_MEMORY_REGION(unmapped_page(i), GUEST_PAGE);
	}
}

void guest_fill(void)
{
	refuse_pages(false);
	tampered = false;
	if (filled)
		memcpy(guest_memory, fresh, GUEST_BYTES);
	else
		fill_fresh();
	refuse_pages(true);
}

void guest_tampered(void)
{
	if (!tampered)
		refuse_pages(false);
	tampered = true;
}

bool guest_intact(void)
{
	const uint64_t only = READ_ONLY * GUEST_PAGE;
	bool same = !memcmp(guest_memory + only, fresh + only, 4 * GUEST_PAGE);
	unsigned int i;

	refuse_pages(false);
	for (i = 0; i < HALF; i++)
		same = same && !memcmp(unmapped_page(i), fresh + (unmapped_page(i) - guest_memory),
				       GUEST_PAGE);
	return same || tampered;
}

/* ---- places of operands ---- */

/* One after the other, without gaps; what a job need not have is there or not. */
static void place(struct ref_random *r, struct ref_job *job)
{
	__u64 next = 0, step, span;
	struct xq_extent e;
	unsigned int i;

	for (i = 0; i < XQ_OPERANDS; i++) {
		struct xqaccel_operand *op = &job->operand[i];

		xq_work_extent(&job->work, i, &e);
		if (!e.used || (!e.required && ref_one_in(r, 3)))
			continue;
		step = (e.row_bytes + e.align - 1) / e.align * e.align;
		op->handle = 1;
		op->offset = (next + e.align - 1) / e.align * e.align;
		op->stride = e.matrix ? step : 0;
		op->plane_stride = e.planar ? step * e.rows : 0;
		/* Of what is no matrix only tiles differ from one to the next. */
		if (e.matrix || e.align == XQACCEL_TILE_BYTES)
			op->batch_stride = step * e.rows * (e.planar ? e.planes : 1);
		if (!xq_span(&e, op->stride, op->batch_stride, op->plane_stride, &span))
			span = 0;
		next = op->offset + span;
	}
}

static uint64_t address_of(const struct ref_job *job, unsigned int operand, unsigned int where)
{
	const unsigned int slot = where & DEVICE_JOB_SLOT;
	const uint64_t offset = job->operand[operand].offset;

	if (where & DEVICE_JOB_FIXED)
		return AREA_AT + offset;
	if ((where & DEVICE_JOB_OUTPUT) && operand == XQACCEL_C)
		return XQ_SLOT_ADDRESS((slot + 1) % XQACCEL_PROGRAM_SLOTS, offset);
	return XQ_SLOT_ADDRESS(slot, offset);
}

static void describe(const struct ref_job *job, unsigned int where, struct xq_hw_descriptor *d)
{
	unsigned int i;

	memcpy(d->work, &job->work, sizeof(d->work));
	for (i = 0; i < XQ_OPERANDS; i++) {
		const struct xqaccel_operand *op = &job->operand[i];

		if (op->handle)
			d->operand[i] = (struct xq_hw_operand){
				htole64(address_of(job, i, where)), htole64(op->stride),
				htole64(op->batch_stride), htole64(op->plane_stride),
			};
	}
}

/* ---- jobs ---- */

static void make_pair(uint32_t value, struct xqaccel_work *w)
{
	struct ref_random r = { value };

	*w = (struct xqaccel_work){
		.op = XQACCEL_OP_GEMM,
		.gemm = { .m = 1 + ref_next(&r) % 9, .n = 1 + ref_next(&r) % 40, .k = 96,
			  .batch = 1 + ref_next(&r) % 2, .a_format = value & 15,
			  .b_format = value >> 4 & 15, .a_zp = ref_next(&r) % 4 },
	};
	if (value & DEVICE_PAIR_TILED)
		w->flags |= XQACCEL_JOB_B_TILED;
	if (value & DEVICE_PAIR_ACCUMULATE)
		w->flags |= XQACCEL_JOB_ACCUMULATE;
	if (value & (DEVICE_PAIR_GROUPS | DEVICE_PAIR_GROUP_ACC))
		w->gemm.group = 32;
	if (value & DEVICE_PAIR_GROUP_ACC)
		w->flags |= XQACCEL_JOB_GROUP_ACC;
	if (value & DEVICE_PAIR_GROUPS) {
		w->gemm.a_scale_format = XQACCEL_FMT_U8;
		w->gemm.b_scale_format = XQACCEL_FMT_S32;
	}
}

static void make_pair_conv(uint32_t value, struct xqaccel_work *w)
{
	struct ref_random r = { value };
	const uint32_t groups = 1 + ref_next(&r) % 2;

	*w = (struct xqaccel_work){
		.op = XQACCEL_OP_CONV,
		.conv = { .batch = 1, .in_h = 5, .in_w = 4, .in_c = 8 * groups, .out_h = 4,
			  .out_w = 5, .out_c = groups * (1 + ref_next(&r) % 20), .kernel_h = 3,
			  .kernel_w = 1 + ref_next(&r) % 3, .groups = groups,
			  .stride_h = 1 + ref_next(&r) % 2, .stride_w = 1, .dilation_h = 1,
			  .dilation_w = 1, .pad_top = 1, .x_format = value & 15,
			  .w_format = value >> 4 & 15 },
	};
	if (value & DEVICE_PAIR_TILED)
		w->flags |= XQACCEL_JOB_B_TILED;
}

static uint32_t pick_scale(struct ref_random *r, bool real)
{
	static const uint8_t formats[] = { XQACCEL_FMT_F16, XQACCEL_FMT_BF16, XQACCEL_FMT_F32,
					   XQACCEL_FMT_E8M0, XQACCEL_FMT_NONE, XQACCEL_FMT_U8,
					   XQACCEL_FMT_S8 };

	return formats[ref_range(r, 0, real ? 4 : 6)];
}

static void make_groups(uint32_t value, struct xqaccel_work *w)
{
	static const uint8_t b[] = { XQACCEL_FMT_S8, XQACCEL_FMT_S4, XQACCEL_FMT_C4,
				     XQACCEL_FMT_T2, XQACCEL_FMT_U4 };
	struct ref_random r = { value };

	*w = (struct xqaccel_work){
		.op = XQACCEL_OP_GEMM, .flags = XQACCEL_JOB_GROUP_REAL,
		.gemm = { .m = 1 + ref_next(&r) % 5, .n = 1 + ref_next(&r) % 40, .k = 128,
			  .batch = 1, .group = 16 << ref_range(&r, 0, 1),
			  .a_format = XQACCEL_FMT_S8, .b_format = b[ref_range(&r, 0, 4)],
			  .a_scale_format = pick_scale(&r, false),
			  .b_scale_format = pick_scale(&r, false),
			  .a_scale2_format = pick_scale(&r, true),
			  .b_scale2_format = pick_scale(&r, true),
			  .b_min_format = pick_scale(&r, false),
			  .b_min2_format = pick_scale(&r, true) },
	};
	if (w->gemm.a_scale2_format)
		w->gemm.a_supergroup = 64;
	if (w->gemm.b_scale2_format || w->gemm.b_min2_format)
		w->gemm.b_supergroup = 64;
	if (ref_one_in(&r, 3))
		w->flags |= XQACCEL_JOB_B_TILED;
	else if (ref_one_in(&r, 3))
		w->flags |= XQACCEL_JOB_ACCUMULATE;
	if (!ref_one_in(&r, 3))
		return;
	w->flags |= XQACCEL_JOB_SUPERGROUP_SUM;
	w->gemm.a_supergroup = w->gemm.b_supergroup = 64;
	w->gemm.a_scale_format = XQACCEL_FMT_NONE;
	w->gemm.a_scale2_format = XQACCEL_FMT_F32;
	w->gemm.b_scale_format = XQACCEL_FMT_U8;
	w->gemm.b_scale2_format = XQACCEL_FMT_F16;
	w->gemm.b_min_format = w->gemm.b_min2_format ? XQACCEL_FMT_S8 : XQACCEL_FMT_NONE;
}

static void make_job(unsigned int kind, uint32_t value, struct ref_job *job)
{
	struct ref_random random = { value };

	memset(job, 0, sizeof(*job));
	kind %= DEVICE_JOB_KINDS;
	if (kind < DEVICE_PAIR) {
		ref_random_job(&random, job, XQACCEL_OP_GEMM + kind, GUEST_AREA * GUEST_PAGE);
		return;
	}
	if (kind == DEVICE_PAIR)
		make_pair(value, &job->work);
	else if (kind == DEVICE_PAIR_CONV)
		make_pair_conv(value, &job->work);
	else
		make_groups(value, &job->work);
	place(&random, job);
}

void guest_put_job(unsigned int index, unsigned int kind, unsigned int where, uint32_t value)
{
	struct xq_hw_descriptor d = { .id = htole64(index) };
	struct ref_job job;

	make_job(kind, value, &job);
	describe(&job, where, &d);
	memcpy(guest_memory + GUEST_LIST * GUEST_PAGE + sizeof(d) * (index % DEVICE_LIST), &d,
	       sizeof(d));
}

/* ---- the ring ---- */

static uint8_t *ring_at(unsigned int index)
{
	return guest_memory + sizeof(struct xq_hw_descriptor) * (index % DEVICE_RING);
}

/* Slots begin at data pages: where they do by themselves, or anywhere. */
void guest_put_program(unsigned int index, unsigned int jobs, unsigned int how, uint32_t value)
{
	const unsigned int first = how & DEVICE_PROGRAM_FIRST ? how >> 4 : 0;
	struct xqaccel_work work = { .op = XQACCEL_OP_PROGRAM, .words = { jobs } };
	struct xq_hw_descriptor d = { .id = htole64(index) };
	struct ref_random random = { value };
	unsigned int i;

	if (how & DEVICE_PROGRAM_ONCE)
		work.flags = XQACCEL_JOB_ACCUMULATE;
	memcpy(d.work, &work, sizeof(d.work));
	for (i = 0; i < XQACCEL_PROGRAM_SLOTS; i++) {
		const uint64_t page = value ? (uint64_t)ref_range(&random, 0, 100) : 6 * i;

		d.operand[i].address = htole64((GUEST_VA_DATA + page) * GUEST_PAGE);
	}
	if (how & DEVICE_PROGRAM_PROFILE)
		d.operand[XQACCEL_PROGRAM_PROFILE].address =
			htole64((GUEST_VA_DATA + 6 * HALF - 1) * GUEST_PAGE);
	d.operand[XQ_PROGRAM_LIST].address = htole64(GUEST_VA_LIST * GUEST_PAGE +
						     sizeof(d) * first);
	memcpy(ring_at(index), &d, sizeof(d));
}

void guest_bind(unsigned int index, unsigned int slot, uint32_t page, uint32_t add)
{
	const uint64_t address = htole64(page * GUEST_PAGE + add);

	memcpy(ring_at(index) + offsetof(struct xq_hw_descriptor, operand) +
	       slot % XQ_OPERANDS * sizeof(struct xq_hw_operand), &address, sizeof(address));
}

/* Every third is a program, whose jobs are in the list; the others are jobs of all kinds. */
void guest_put_descriptor(unsigned int index)
{
	const bool pair = index % DEVICE_JOB_KINDS >= DEVICE_PAIR;
	const uint32_t value = pair ? XQACCEL_FMT_S8 << 4 | XQACCEL_FMT_S8 : index;
	struct xq_hw_descriptor d = { .id = htole64(index) };
	struct ref_job job;

	guest_put_job(index, index, index % XQACCEL_PROGRAM_SLOTS, value);
	if (index % 3 == 2) {
		guest_put_program(index, 1 + index % 5, index, 0);
		return;
	}
	make_job(index, value, &job);
	describe(&job, DEVICE_JOB_FIXED, &d);
	memcpy(ring_at(index), &d, sizeof(d));
}
