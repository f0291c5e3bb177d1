// SPDX-License-Identifier: MIT
/*
 * Fuzzes the device model as a hostile guest would: register writes, any bytes in its memory,
 * and a host that pauses, resets, migrates and injects faults meanwhile. The input is a list
 * of operations of eight bytes (device_guest.h). Jobs and programs that are right lie ready, and
 * operations write more of them, so that what is changed in them gets past the other checks.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device_guest.h"
#include "emulator/device/device.h"

struct device_counts device_counts;

static struct xqdev *dev, *spare;
static long mappings;
static bool injected;		/* faults that may keep jobs from their end */

/* ---- host ---- */

static bool inside(uint64_t bus, uint64_t len)
{
	return bus >= GUEST_BUS && bus - GUEST_BUS < GUEST_BYTES &&
	       len <= GUEST_BYTES - (bus - GUEST_BUS);
}

static int dma_read(void *opaque, uint64_t bus, void *buffer, size_t len)
{
	(void)opaque;
	if (!inside(bus, len))
		return -1;
	memcpy(buffer, guest_memory + (bus - GUEST_BUS), len);
	return 0;
}

static int dma_write(void *opaque, uint64_t bus, const void *buffer, size_t len)
{
	(void)opaque;
	if (!inside(bus, len))
		return -1;
	memcpy(guest_memory + (bus - GUEST_BUS), buffer, len);
	return 0;
}

/* Mappings end at odd places and some pages are refused. */
static void *dma_map(void *opaque, uint64_t bus, uint64_t *len, bool write)
{
	const uint64_t left = GUEST_BUS + GUEST_BYTES - bus;

	(void)opaque;
	if (!inside(bus, 1) || (write && (bus - GUEST_BUS) / GUEST_PAGE == GUEST_NO_WRITE))
		return NULL;
	if (*len > left)
		*len = left;
	if (*len > 5 * GUEST_PAGE)
		*len = 5 * GUEST_PAGE + 100;
	mappings++;
	return guest_memory + (bus - GUEST_BUS);
}

static void dma_unmap(void *opaque, void *memory, uint64_t len, bool write, bool dirty)
{
	(void)opaque;
	(void)memory;
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

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER;
static bool wanted;		/* schedule() was called; under the lock */

static void schedule(void *opaque)
{
	(void)opaque;
	pthread_mutex_lock(&lock);
	wanted = true;
	pthread_cond_signal(&asked);
	pthread_mutex_unlock(&lock);
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

/* A call of schedule(), or a millisecond. */
static void wait_asked(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&lock);
	while (!wanted && !pthread_cond_timedwait(&asked, &lock, &until))
		;
	wanted = false;
	pthread_mutex_unlock(&lock);
}

/* ---- what becomes of programs: the linker has these called in the place of the model's ---- */

int __real_xqdev_program_open(struct xqdev_job *job);
int __wrap_xqdev_program_open(struct xqdev_job *job);
void __real_xqdev_job_ready(struct xqdev_job *job, const struct xq_hw_descriptor *desc);
void __wrap_xqdev_job_ready(struct xqdev_job *job, const struct xq_hw_descriptor *desc);
void __real_xqdev_complete(struct xqdev_queue *q, const struct xqdev_job *job, int status);
void __wrap_xqdev_complete(struct xqdev_queue *q, const struct xqdev_job *job, int status);

/* Places of jobs that hold an opened program: their number is that of the model's. */
static const struct xqdev_job *opened[2 * XQ_MAX_QUEUES * XQDEV_AHEAD];

static const struct xqdev_job **opened_at(const struct xqdev_job *job)
{
	unsigned int i = 0;

	while (opened[i] && opened[i] != job && i + 1 < sizeof(opened) / sizeof(opened[0]))
		i++;
	return &opened[i];
}

int __wrap_xqdev_program_open(struct xqdev_job *job)
{
	const int status = __real_xqdev_program_open(job);

	if (!status)
		*opened_at(job) = job;
	return status;
}

static void count_job(const struct xqaccel_work *w)
{
	struct device_counts *n = &device_counts;

	n->operation[w->op]++;
	if (w->op == XQACCEL_OP_GEMM)
		n->gemm_pairs[w->gemm.a_format] |= 1U << w->gemm.b_format;
	if (w->op == XQACCEL_OP_CONV)
		n->conv_pairs[w->conv.x_format] |= 1U << w->conv.w_format;
	if (w->op == XQACCEL_OP_GEMM || w->op == XQACCEL_OP_CONV)
		n->epilogues |= 1U << w->epilogue.kind;
	if (w->epilogue.kind)
		n->outputs |= 1U << w->epilogue.format;
	if (w->op == XQACCEL_OP_GEMM && (w->flags & XQACCEL_JOB_GROUP_REAL))
		n->scales |= 1U << w->gemm.a_scale_format | 1U << w->gemm.b_scale_format |
			     1U << w->gemm.b_min_format;
	if (w->op == XQACCEL_OP_COPY) {
		n->conversions |= 1U << w->copy.kind;
		n->sources |= 1U << w->copy.x_format;
		n->results |= 1U << w->copy.y_format;
	}
}

/* Called for jobs of programs only: those of a ring are made ready within the same file. */
void __wrap_xqdev_job_ready(struct xqdev_job *job, const struct xq_hw_descriptor *desc)
{
	__real_xqdev_job_ready(job, desc);
	if (job->whole && !job->whole->program->fetched)
		device_counts.started++;
	if (job->whole && !job->status)
		count_job(&job->work);
}

void __wrap_xqdev_complete(struct xqdev_queue *q, const struct xqdev_job *job, int status)
{
	struct device_counts *n = &device_counts;
	const struct xqdev_job **at = opened_at(job);
	const bool ran = *at && job->work.op == XQACCEL_OP_PROGRAM;

	if (ran && status == XQACCEL_STATUS_OK) {
		n->ended++;
		n->jobs += job->step;
	} else if (ran && status == XQACCEL_STATUS_CANCELED) {
		n->canceled++;
	} else if (ran && status == XQACCEL_STATUS_INVALID) {
		n->failed++;
	} else if (job->work.op == XQACCEL_OP_PROGRAM && status == XQACCEL_STATUS_INVALID) {
		n->refused++;
	} else if (job->work.op == XQACCEL_OP_PROGRAM && status != XQACCEL_STATUS_CANCELED) {
		n->faulted++;
	}
	/* The place is free; what is after it stays where it is found. */
	if (*at) {
		unsigned int last = (unsigned int)(at - opened);

		while (last + 1 < sizeof(opened) / sizeof(opened[0]) && opened[last + 1])
			last++;
		*at = opened[last];
		opened[last] = NULL;
	}
	__real_xqdev_complete(q, job, status);
}

static void print_counts(void)
{
	static const char *const names[] = { "", "gemm", "conv", "pool", "elementwise", "softmax",
					     "mean", "copy" };
	const struct device_counts *n = &device_counts;
	unsigned int i;

	fprintf(stderr, "programs: %lu started, %lu ended (%lu jobs), %lu failed, %lu faulted, "
		"%lu canceled; %lu refused\n", n->started, n->ended, n->jobs, n->failed, n->faulted,
		n->canceled, n->refused);
	fprintf(stderr, "programs: jobs accepted:");
	for (i = XQACCEL_OP_GEMM; i <= XQACCEL_OP_COPY; i++)
		fprintf(stderr, " %s %lu", names[i], n->operation[i]);
	fprintf(stderr, "\n");
}

/* ---- the start ---- */

static void setup(void)
{
	unsigned int i;

	guest_fill();
	injected = false;
	xqdev_mmio_write(dev, XQ_REG_CTX_TABLE, GUEST_BUS + GUEST_CONTEXTS * GUEST_PAGE, 4);
	xqdev_mmio_write(dev, XQ_REG_CTRL, XQ_CTRL_ENABLE, 4);
	for (i = 0; i < 2; i++) {
		xqdev_mmio_write(dev, XQ_QUEUE(i, XQ_Q_SQ_BASE), GUEST_BUS, 4);
		xqdev_mmio_write(dev, XQ_QUEUE(i, XQ_Q_CQ_BASE),
				 GUEST_BUS + (GUEST_COMPLETIONS + i) * GUEST_PAGE, 4);
		xqdev_mmio_write(dev, XQ_QUEUE(i, XQ_Q_SIZE), 4, 4);
		xqdev_mmio_write(dev, XQ_QUEUE(i, XQ_Q_CTRL), XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ, 4);
	}
}

/* ---- operations ---- */

static void inject(const struct device_operation *op)
{
	struct xqdev_faults faults = { 0 };

	switch (op->a % 10) {
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
	case 8:
		faults.translation_faults = op->b;
		break;
	case 9:
		faults.refused_jobs = op->b;
		break;
	}
	injected = faults.hang_jobs || faults.slow_ns || faults.stuck_reset;
	xqdev_inject(dev, &faults);
}

/* To another device and on; a state that was tampered with may only be refused. */
static void migrate(const struct device_operation *op)
{
	struct xqdev_state state;
	struct xqdev *other = spare;

	xqdev_pause(dev);
	if (mappings)
		abort();
	xqdev_save(dev, &state);
	if (op->a) {
		guest_tampered();
		((uint8_t *)&state)[op->value % sizeof(state)] ^= op->a;
	}
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
static uint32_t pick_register(const struct device_operation *op)
{
	const uint32_t at = op->b * 4U;

	return op->a & 0x80 ? XQ_QUEUE(op->a & 1, at & 0x7c) : at | (op->a & 0x7f) << 10;
}

/* Whether it says where rings and tables lie, or how long a ring is. */
static bool places_memory(uint32_t reg)
{
	const uint32_t at = reg % (XQ_QUEUE(1, 0) - XQ_QUEUE(0, 0));

	if (reg < XQ_QUEUE(0, 0))
		return reg == XQ_REG_CTX_TABLE || reg == XQ_REG_CTX_TABLE + 4;
	return at <= XQ_Q_SIZE;
}

static void write_register(const struct device_operation *op)
{
	const uint32_t reg = pick_register(op);

	if (places_memory(reg))
		guest_tampered();
	xqdev_mmio_write(dev, reg, op->value, 4);
}

static void write_memory(const struct device_operation *op)
{
	const uint32_t at = op->a | op->b << 8 | (uint32_t)op->c << 16;

	guest_tampered();
	memcpy(guest_memory + at % (GUEST_BYTES - 3), &op->value, 4);
}

/* A word of the ring or of the list, which lie in 4 pages each. */
static void write_word(const struct device_operation *op)
{
	const uint64_t page = (op->c & 4 ? GUEST_LIST : 0) + (op->c >> 3 & 3);
	uint8_t *field = guest_memory + page * GUEST_PAGE + 256 * (op->a % 16) + (op->b & ~3U);
	uint32_t value = op->value;

	if (op->c & 1)
		value &= 0xff;
	if (op->c & 2)
		value <<= 12;
	value = htole32(value);
	memcpy(field, &value, sizeof(value));
}

static void take_completions(unsigned int queue)
{
	xqdev_mmio_write(dev, XQ_QUEUE(queue, XQ_Q_CQ_HEAD),
			 xqdev_mmio_read(dev, XQ_QUEUE(queue, XQ_Q_CQ_TAIL), 4), 4);
}

/* Whether a queue has nothing to do, or will do nothing. */
static bool idle(unsigned int queue)
{
	const uint32_t ctrl = xqdev_mmio_read(dev, XQ_QUEUE(queue, XQ_Q_CTRL), 4);
	const uint32_t status = xqdev_mmio_read(dev, XQ_QUEUE(queue, XQ_Q_STATUS), 4);

	if (!(status & XQ_Q_STATUS_IDLE))
		return false;
	return (status & XQ_Q_STATUS_ERROR) || (ctrl & XQ_Q_CTRL_HALT) ||
	       !(status & XQ_Q_STATUS_ENABLED) || !xqdev_may_run(dev) ||
	       xqdev_mmio_read(dev, XQ_QUEUE(queue, XQ_Q_SQ_HEAD), 4) ==
	       xqdev_mmio_read(dev, XQ_QUEUE(queue, XQ_Q_SQ_TAIL), 4);
}

/* Serve the device until a queue is idle. What faults are injected may keep it from that. */
static void finish(unsigned int queue)
{
	const unsigned int most = injected ? 2 : 5000;
	unsigned int i;

	for (i = 0; i < most && !idle(queue); i++) {
		wait_asked();
		xqdev_service(dev);
		take_completions(queue);
	}
	take_completions(queue);
}

static void do_operation(const struct device_operation *op)
{
	const unsigned int queue = op->a & 1;

	switch ((enum device_code)(op->code % DEVICE_CODES)) {
	case DEVICE_REGISTER:
		write_register(op);
		break;
	case DEVICE_MEMORY:
		write_memory(op);
		break;
	case DEVICE_WORD:
		write_word(op);
		break;
	case DEVICE_TAIL:
		xqdev_mmio_write(dev, XQ_QUEUE(queue, XQ_Q_SQ_TAIL), op->b % (DEVICE_RING + 1), 4);
		break;
	case DEVICE_TAKE:
		take_completions(queue);
		break;
	case DEVICE_SERVICE:
		xqdev_service(dev);
		break;
	case DEVICE_READ:
		xqdev_mmio_read(dev, pick_register(op), op->c % 9);
		break;
	case DEVICE_INJECT:
		inject(op);
		break;
	case DEVICE_MIGRATE:
		migrate(op);
		break;
	case DEVICE_MASTER:
		xqdev_set_bus_master(dev, op->a & 1);
		break;
	case DEVICE_DESCRIPTOR:
		guest_put_descriptor(op->a);
		break;
	case DEVICE_JOB:
		guest_put_job(op->a, op->b, op->c, op->value);
		break;
	case DEVICE_PROGRAM:
		guest_put_program(op->a, op->b, op->c, op->value);
		break;
	case DEVICE_SLOT:
		guest_bind(op->a, op->b, op->value, op->c);
		break;
	case DEVICE_RUN:
		xqdev_mmio_write(dev, XQ_QUEUE(queue, XQ_Q_SQ_TAIL), op->b % (DEVICE_RING + 1), 4);
		finish(queue);
		break;
	case DEVICE_CODES:
		break;
	}
}

static void create(void)
{
	static const struct xqdev_config config = { .queues = 4, .contexts = 8, .threads = 1 };

	if (xqdev_create(&config, &host, NULL, &dev) ||
	    xqdev_create(&config, &host, NULL, &spare))
		abort();
	atexit(print_counts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct xqdev_faults none;
	struct device_operation op;

	if (!dev)
		create();
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
	memset(opened, 0, sizeof(opened));
	if (mappings || !guest_intact())
		abort();
	return 0;
}
