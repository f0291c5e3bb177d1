// SPDX-License-Identifier: MIT
/*
 * Fuzzes the device model as a hostile guest would: register writes, any bytes in its memory,
 * and a host that pauses, resets, migrates and injects faults meanwhile. The input is a list
 * of operations of eight bytes. A job of a known good shape lies ready, so that mutations of
 * it get past the checks.
 */
#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/xqaccel.h>

#include "driver/xq_program.h"
#include "emulator/device/xq_device.h"
#include "tests/reference/random_job.h"

#define BUS		0x10000ULL
#define PAGES		64
#define PAGE		((uint64_t)XQ_PAGE_BYTES)
#define FIRST_DATA	24	/* pages before it are rings and tables */
#define LIST_PAGE	10	/* of the data: where a program's list lies */
#define LIST_JOBS	4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct operation {
	uint8_t code, a, b, c;
	uint32_t value;
};

static struct xqdev *dev, *spare;
static _Alignas(4096) uint8_t memory[PAGES * PAGE];
static long mappings;

/* ---- host ---- */

static bool inside(uint64_t bus, uint64_t len)
{
	return bus >= BUS && bus - BUS < sizeof(memory) && len <= sizeof(memory) - (bus - BUS);
}

static int dma_read(void *opaque, uint64_t bus, void *buffer, size_t len)
{
	(void)opaque;
	if (!inside(bus, len))
		return -1;
	memcpy(buffer, memory + (bus - BUS), len);
	return 0;
}

static int dma_write(void *opaque, uint64_t bus, const void *buffer, size_t len)
{
	(void)opaque;
	if (!inside(bus, len))
		return -1;
	memcpy(memory + (bus - BUS), buffer, len);
	return 0;
}

/* Mappings end at odd places and some pages are refused. */
static void *dma_map(void *opaque, uint64_t bus, uint64_t *len, bool write)
{
	const uint64_t left = BUS + sizeof(memory) - bus;

	(void)opaque;
	if (!inside(bus, 1) || (write && (bus - BUS) / PAGE == PAGES - 2))
		return NULL;
	if (*len > left)
		*len = left;
	if (*len > 5 * PAGE)
		*len = 5 * PAGE + 100;
	mappings++;
	return memory + (bus - BUS);
}

static void dma_unmap(void *opaque, void *host, uint64_t len, bool write, bool dirty)
{
	(void)opaque;
	(void)host;
	(void)len;
	if (dirty && !write)
		abort();
	mappings--;
}

static void interrupt(void *opaque, unsigned int vector)
{
	(void)opaque;
	if (vector > XQ_MAX_QUEUES)
		abort();
}

static uint64_t clock_ns(void *opaque)
{
	struct timespec now;

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void schedule(void *opaque)
{
	(void)opaque;
}

static const struct xqdev_host host = {
	.dma_read = dma_read,
	.dma_write = dma_write,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.interrupt = interrupt,
	.clock_ns = clock_ns,
	.schedule = schedule,
};

/* ---- the guest's memory at the start ---- */

static uint64_t page_bus(unsigned int page)
{
	return BUS + page * PAGE;
}

static void set_entry(unsigned int page, unsigned int index, uint64_t value)
{
	((__le64 *)(memory + page * PAGE))[index] = htole64(value);
}

/* Pages 0, 2: rings. 4: contexts. 5, 6, 7: tables that map all pages, and the data pages thrice. */
static void fill_memory(void)
{
	unsigned int i;

	memset(memory, 0, FIRST_DATA * PAGE);
	set_entry(4, 0, page_bus(5) | XQ_PTE_VALID);
	set_entry(5, 0, page_bus(6) | XQ_PTE_VALID);
	set_entry(6, 0, page_bus(7) | XQ_PTE_VALID);
	for (i = 1; i < 3 * PAGES; i++)
		set_entry(7, i, page_bus(FIRST_DATA + i % (PAGES - FIRST_DATA)) | XQ_PTE_VALID |
			  XQ_PTE_READ | XQ_PTE_WRITE);
}

static void store_descriptor(unsigned int index, const struct xq_hw_descriptor *d)
{
	memcpy(memory + sizeof(*d) * (index % 16), d, sizeof(*d));
}

/* A program whose jobs take their C from slots, which a mutation may bind to anything. */
static void put_program(unsigned int index)
{
	struct xqaccel_work work = { .op = XQACCEL_OP_PROGRAM, .words = { LIST_JOBS } };
	struct xq_hw_descriptor d = { .id = htole64(index) }, job;
	unsigned int i;

	memcpy(d.work, &work, sizeof(d.work));
	for (i = 0; i < XQACCEL_PROGRAM_SLOTS; i++)
		d.operand[i].address = htole64(0x20000 + i * PAGE);
	d.operand[XQACCEL_PROGRAM_PROFILE].address = htole64(0x1a000);
	d.operand[XQ_PROGRAM_LIST].address = htole64(LIST_PAGE * PAGE);
	for (i = 0; i < LIST_JOBS; i++) {
		memcpy(&job, memory + sizeof(d) * (i % 2), sizeof(job));
		job.operand[XQACCEL_C].address = htole64(XQ_SLOT_ADDRESS(i, 64 * i));
		memcpy(memory + (FIRST_DATA + LIST_PAGE) * PAGE + sizeof(d) * i, &job, sizeof(job));
	}
	store_descriptor(index, &d);
}

/* A job of any operation that is right, to be mutated. */
static void put_operation(unsigned int index)
{
	struct xq_hw_descriptor d = { .id = htole64(index) };
	struct ref_random random = { index };
	struct ref_job job;
	unsigned int i;

	ref_random_job(&random, &job, XQACCEL_OP_GEMM + index % XQACCEL_OP_COPY, 12 * PAGE);
	memcpy(d.work, &job.work, sizeof(d.work));
	for (i = 0; i < XQ_OPERANDS; i++)
		if (job.operand[i].handle)
			d.operand[i] = (struct xq_hw_operand){
				htole64(0x1000 + job.operand[i].offset), htole64(job.operand[i].stride),
				htole64(job.operand[i].batch_stride), htole64(job.operand[i].plane_stride),
			};
	store_descriptor(index, &d);
}

/* Groups with scales and minima of two levels, all operands of a product. */
static void put_groups(unsigned int index)
{
	struct xqaccel_work work = {
		.op = XQACCEL_OP_GEMM, .flags = XQACCEL_JOB_GROUP_REAL,
		.gemm = { .m = 3, .n = 18, .k = 64, .batch = 1, .group = 16, .a_format = XQACCEL_FMT_S8,
			  .b_format = XQACCEL_FMT_C4, .a_scale_format = XQACCEL_FMT_F16,
			  .b_scale_format = XQACCEL_FMT_U8, .a_supergroup = 64,
			  .a_scale2_format = XQACCEL_FMT_F32, .b_supergroup = 32,
			  .b_scale2_format = XQACCEL_FMT_BF16, .b_min_format = XQACCEL_FMT_S8,
			  .b_min2_format = XQACCEL_FMT_E8M0 },
	};
	struct xq_hw_descriptor d = { .id = htole64(index) };
	unsigned int i;

	memcpy(d.work, &work, sizeof(d.work));
	for (i = XQACCEL_A_SCALE; i <= XQACCEL_B_MIN2; i++)
		d.operand[i] = (struct xq_hw_operand){ htole64(0x1000 + 0x800 * i), htole64(8), 0, 0 };
	d.operand[XQACCEL_CODEBOOK].stride = 0;
	d.operand[XQACCEL_A] = (struct xq_hw_operand){ htole64(0x1000), htole64(64), 0, 0 };
	d.operand[XQACCEL_B] = (struct xq_hw_operand){ htole64(0x8000), htole64(32), 0, 0 };
	d.operand[XQACCEL_C] = (struct xq_hw_operand){ htole64(0x24000), htole64(4096), 0, 0 };
	store_descriptor(index, &d);
}

static void put_descriptor(unsigned int index)
{
	struct xqaccel_work gemm = {
		.op = XQACCEL_OP_GEMM,
		.gemm = { .m = 5, .n = 18, .k = 70, .batch = 1, .a_format = XQACCEL_FMT_S8,
			  .b_format = XQACCEL_FMT_S8 },
	};
	struct xqaccel_work conv = {
		.op = XQACCEL_OP_CONV,
		.conv = { .batch = 1, .in_h = 5, .in_w = 6, .in_c = 4, .out_h = 4, .out_w = 5, .out_c = 6,
			  .kernel_h = 3, .kernel_w = 2, .groups = 2, .stride_h = 1, .stride_w = 1,
			  .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .x_format = XQACCEL_FMT_S8,
			  .w_format = XQACCEL_FMT_S4 },
	};
	struct xq_hw_descriptor d = { .id = htole64(index) };

	memcpy(d.work, index % 4 == 3 ? &conv : &gemm, sizeof(d.work));

	d.operand[XQACCEL_A] = (struct xq_hw_operand){ htole64(0x1000), htole64(70), 0, 0 };
	d.operand[XQACCEL_B] = (struct xq_hw_operand){ htole64(0x8000), htole64(4097), 0, 0 };
	d.operand[XQACCEL_C] = (struct xq_hw_operand){ htole64(0x24000), htole64(4096), 0, 0 };
	if (index % 4 == 3)
		d.operand[XQACCEL_Y].plane_stride = htole64(5 * 4096);
	store_descriptor(index, &d);
	if (index % 4 == 2)
		put_program(index);
	else if (index % 8 == 5)
		put_groups(index);
	else if (index >= 4 && index % 4 != 3)
		put_operation(index);
}

static void setup(void)
{
	unsigned int i;

	fill_memory();
	for (i = 0; i < 16; i++)
		put_descriptor(i);
	xqdev_mmio_write(dev, XQ_REG_CTX_TABLE, page_bus(4), 4);
	xqdev_mmio_write(dev, XQ_REG_CTRL, XQ_CTRL_ENABLE, 4);
	for (i = 0; i < 2; i++) {
		xqdev_mmio_write(dev, XQ_QUEUE(i, XQ_Q_SQ_BASE), page_bus(0), 4);
		xqdev_mmio_write(dev, XQ_QUEUE(i, XQ_Q_CQ_BASE), page_bus(8 + i), 4);
		xqdev_mmio_write(dev, XQ_QUEUE(i, XQ_Q_SIZE), 4, 4);
		xqdev_mmio_write(dev, XQ_QUEUE(i, XQ_Q_CTRL), XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ, 4);
	}
}

/* ---- operations ---- */

static void inject(const struct operation *op)
{
	struct xqdev_faults faults = { 0 };

	switch (op->a % 8) {
	case 0:
		faults.hang_jobs = op->b;
		break;
	case 1:
		faults.slow_ns = op->value % 200000;
		break;
	case 2:
		faults.wrong_id = faults.wrong_phase = op->b;
		break;
	case 3:
		faults.drop_interrupts = faults.duplicate_interrupts = op->b;
		break;
	case 4:
		faults.dma_errors = op->b;
		break;
	case 5:
		faults.stuck_reset = op->b;
		break;
	case 6:
		faults.coarse_inval = op->b;
		break;
	}
	xqdev_inject(dev, &faults);
}

/* To another device and on; a state that was tampered with may only be refused. */
static void migrate(const struct operation *op)
{
	struct xqdev_state state;
	struct xqdev *other = spare;

	xqdev_pause(dev);
	if (mappings)
		abort();
	xqdev_save(dev, &state);
	if (op->a)
		((uint8_t *)&state)[op->value % sizeof(state)] ^= op->a;
	xqdev_reset(other);
	xqdev_pause(other);
	if (xqdev_load(other, &state)) {
		if (!op->a)
			abort();
		xqdev_resume(dev);
		return;
	}
	spare = dev;
	dev = other;
	xqdev_set_bus_master(dev, true);
	xqdev_resume(dev);
}

/* A register of the function or of one of two queues, so that a hit is likely. */
static uint32_t pick_register(const struct operation *op)
{
	const uint32_t at = op->b * 4U;

	return op->a & 0x80 ? XQ_QUEUE(op->a & 1, at & 0x7c) : at | (op->a & 0x7f) << 10;
}

static void mutate_descriptor(const struct operation *op)
{
	const uint64_t page = op->c & 4 ? FIRST_DATA + LIST_PAGE : op->c >> 3 & 3;
	uint8_t *field = memory + page * PAGE + 256 * (op->a % 16) + (op->b & ~3U);
	uint32_t value = op->value;

	if (op->c & 1)
		value &= 0xff;
	if (op->c & 2)
		value <<= 12;
	value = htole32(value);
	memcpy(field, &value, sizeof(value));
}

static void do_operation(const struct operation *op)
{
	const uint32_t at = (op->a | op->b << 8 | (uint32_t)op->c << 16) % (sizeof(memory) - 3);

	switch (op->code % 16) {
	case 0:
	case 1:
	case 2:
		xqdev_mmio_write(dev, pick_register(op), op->value, 4);
		break;
	case 3:
		memcpy(memory + at, &op->value, 4);
		break;
	case 4:
	case 5:
	case 6:
		mutate_descriptor(op);
		break;
	case 7:
	case 8:
		xqdev_mmio_write(dev, XQ_QUEUE(op->a & 1, XQ_Q_SQ_TAIL), op->b % 17, 4);
		break;
	case 9:
		xqdev_mmio_write(dev, XQ_QUEUE(op->a & 1, XQ_Q_CQ_HEAD),
				 xqdev_mmio_read(dev, XQ_QUEUE(op->a & 1, XQ_Q_CQ_TAIL), 4), 4);
		break;
	case 10:
		xqdev_service(dev);
		break;
	case 11:
		xqdev_mmio_read(dev, pick_register(op), op->c % 9);
		break;
	case 12:
		inject(op);
		break;
	case 13:
		migrate(op);
		break;
	case 14:
		xqdev_set_bus_master(dev, op->a & 1);
		break;
	case 15:
		put_descriptor(op->a);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct xqdev_faults none;
	static const struct xqdev_config config = { .queues = 4, .contexts = 8, .threads = 1 };
	struct operation op;

	if (!dev && (xqdev_create(&config, &host, NULL, &dev) ||
		     xqdev_create(&config, &host, NULL, &spare)))
		abort();
	setup();
	for (; size >= sizeof(op); data += sizeof(op), size -= sizeof(op)) {
		memcpy(&op, data, sizeof(op));
		do_operation(&op);
	}
	xqdev_service(dev);
	xqdev_inject(dev, &none);
	xqdev_inject(spare, &none);
	xqdev_reset(dev);
	xqdev_reset(spare);
	xqdev_resume(dev);
	xqdev_set_bus_master(dev, true);
	if (mappings)
		abort();
	return 0;
}
