// SPDX-License-Identifier: MIT
/* The device model through its registers: identification, rings, jobs of every kind. */
#include "device_job.h"
#include "emulator/kernels/xq_kernels.h"
#include "ktap.h"

static struct fake_host h;

static void begin(void)
{
	fake_start(&h, NULL);
	fake_enable(&h);
}

static void end(void)
{
	const long left = fake_stop(&h);

	EXPECT(!left, "%ld mappings left", left);
}

static void run_job(unsigned int q, struct device_job *job)
{
	struct xq_hw_completion c;

	fake_submit(&h, q, &job->desc);
	if (!EXPECT(fake_wait(&h, q, &c), "no completion"))
		return;
	EXPECT(c.status == XQACCEL_STATUS_OK, "status %u at %#llx", c.status,
	       (unsigned long long)c.fault_address);
	EXPECT(c.id == job->desc.id, "wrong id");
	EXPECT(c.end >= c.start, "time runs backwards");
	EXPECT(job_right(&h, job), "formats %u x %u", job->dims.a_format, job->dims.b_format);
}

/* ---- allocations, which the linker sends here ---- */

static atomic_uint allocations;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t align, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_aligned_alloc(size_t align, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
	atomic_fetch_add(&allocations, 1);
	return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	atomic_fetch_add(&allocations, 1);
	return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	atomic_fetch_add(&allocations, 1);
	return __real_realloc(old, bytes);
}

void *__wrap_aligned_alloc(size_t align, size_t bytes)
{
	atomic_fetch_add(&allocations, 1);
	return __real_aligned_alloc(align, bytes);
}

/* ---- registers ---- */

static void identification(void)
{
	char isa[XQ_ISA_BYTES + 1] = "";
	unsigned int i;

	begin();
	EXPECT(fake_read(&h, XQ_REG_ID) == XQ_ID, "id");
	EXPECT(fake_read(&h, XQ_REG_VERSION) >> 16 == XQ_HW_VERSION_MAJOR, "version");
	EXPECT(fake_read(&h, XQ_REG_QUEUES) == 8, "queues");
	EXPECT(fake_read(&h, XQ_REG_CONTEXTS) == 256, "contexts");
	EXPECT(fake_read(&h, XQ_REG_THREADS) == 2, "threads");
	EXPECT(fake_read(&h, XQ_REG_VA_BITS) == XQ_VA_BITS, "va bits");
	EXPECT(fake_read(&h, XQ_REG_MAX_DIM) == XQ_MAX_DIM, "dim");
	EXPECT(fake_read64(&h, XQ_REG_CLOCK_HZ) == 1000000000, "clock");
	EXPECT(fake_read64(&h, XQ_REG_FEATURES) ==
	       (15 | XQACCEL_FEATURE_EPILOGUE | XQACCEL_FEATURE_POOL | XQACCEL_FEATURE_ELEMENTWISE |
		XQACCEL_FEATURE_SOFTMAX | XQACCEL_FEATURE_MEAN | XQACCEL_FEATURE_COPY |
		XQACCEL_FEATURE_GROUP_REAL | XQACCEL_FEATURE_PROGRAM | XQACCEL_FEATURE_COALESCE |
		XQACCEL_FEATURE_SUPERGROUP_SUM),
	       "features");
	for (i = 0; i < XQ_ISA_BYTES; i += 4) {
		const uint32_t word = fake_read(&h, XQ_REG_ISA + i);

		memcpy(isa + i, &word, 4);
	}
	EXPECT(!strcmp(isa, xqk_isa_name(xqk_isa_select(NULL))), "isa %s", isa);
	EXPECT(fake_read(&h, XQ_REG_PAIRS(XQACCEL_FMT_B1)) & 1U << XQACCEL_FMT_B1, "b1 x b1");
	EXPECT(fake_read(&h, XQ_REG_PAIRS(XQACCEL_FMT_S4)) & 1U << XQACCEL_FMT_S4, "s4 x s4");
	EXPECT(!fake_read(&h, XQ_REG_PAIRS(0)), "no format");
	EXPECT(!fake_read(&h, XQ_REG_PAIRS(15)), "no format");
	end();
}

static void odd_accesses(void)
{
	const struct xqdev_config two = { .queues = 2, .threads = 1 };

	fake_start(&h, &two);
	EXPECT(xqdev_mmio_read(h.dev, XQ_REG_ID, 1) == ~0U, "one byte");
	EXPECT(xqdev_mmio_read(h.dev, XQ_REG_ID, 8) == ~0U, "eight bytes");
	EXPECT(xqdev_mmio_read(h.dev, 2, 4) == ~0U, "not aligned");
	EXPECT(fake_read(&h, XQ_BAR_BYTES) == ~0U, "past the end");
	EXPECT(fake_read(&h, 0xfffffffc) == ~0U, "far past the end");
	EXPECT(fake_read(&h, XQ_QUEUE(2, XQ_Q_CTRL)) == ~0U, "third queue of two");
	EXPECT(fake_read(&h, XQ_QUEUE(1, 0x80)) == ~0U, "unknown register");
	fake_write(&h, XQ_QUEUE(2, XQ_Q_CTRL), XQ_Q_CTRL_ENABLE);
	xqdev_mmio_write(h.dev, XQ_REG_CTRL, XQ_CTRL_ENABLE, 2);
	EXPECT(!fake_read(&h, XQ_REG_CTRL), "a short write counted");
	fake_write(&h, XQ_REG_ID, 0);
	EXPECT(fake_read(&h, XQ_REG_ID) == XQ_ID, "id written");
	fake_write64(&h, XQ_REG_CTX_TABLE, 0x123456789abcdefULL);
	EXPECT(fake_read64(&h, XQ_REG_CTX_TABLE) == 0x123456789abc000ULL, "alignment");
	end();
}

static void bad_configs(void)
{
	static const struct xqdev_config bad[] = {
		{ .queues = 9 }, { .contexts = 4097 }, { .threads = 100000 }, { .isa = "z80" },
	};
	struct xqdev *dev;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(xqdev_create(&bad[i], &fake_host_callbacks, &h, &dev) < 0, "config %u", i);
}

static void time_runs(void)
{
	uint64_t a, b;

	begin();
	a = fake_read64(&h, XQ_REG_TIME);
	b = fake_read64(&h, XQ_REG_TIME);
	EXPECT(b > a, "time stands still");
	end();
}

static void bad_rings(void)
{
	static const uint32_t sizes[] = { 0, 13, 31, 0xffffffff };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		begin();
		fake_write64(&h, XQ_QUEUE(3, XQ_Q_SQ_BASE), FAKE_BUS_BASE);
		fake_write64(&h, XQ_QUEUE(3, XQ_Q_CQ_BASE), FAKE_BUS_BASE);
		fake_write(&h, XQ_QUEUE(3, XQ_Q_SIZE), sizes[i]);
		fake_write(&h, XQ_QUEUE(3, XQ_Q_CTRL), XQ_Q_CTRL_ENABLE);
		EXPECT(fake_read(&h, XQ_QUEUE(3, XQ_Q_STATUS)) ==
		       (XQ_Q_STATUS_ERROR | XQ_Q_STATUS_IDLE), "size %#x", sizes[i]);
		EXPECT(fake_read(&h, XQ_REG_ERROR) == XQ_ERROR_RING(3), "no error");
		EXPECT(fake_read(&h, XQ_REG_STATUS) == (XQ_STATUS_READY | XQ_STATUS_ERROR), "status");
		EXPECT(h.interrupts[XQ_VECTOR_ERROR] == 1, "no interrupt");
		fake_write(&h, XQ_REG_ERROR, XQ_ERROR_RING(3));
		EXPECT(!fake_read(&h, XQ_REG_ERROR), "not cleared");
		fake_write(&h, XQ_QUEUE(3, XQ_Q_CTRL), XQ_Q_CTRL_ENABLE);
		EXPECT(!(fake_read(&h, XQ_QUEUE(3, XQ_Q_STATUS)) & XQ_Q_STATUS_ENABLED),
		       "enabled without a reset");
		fake_write(&h, XQ_QUEUE(3, XQ_Q_CTRL), XQ_Q_CTRL_RESET);
		fake_queue(&h, 3, 1);
		EXPECT(fake_read(&h, XQ_QUEUE(3, XQ_Q_STATUS)) ==
		       (XQ_Q_STATUS_ENABLED | XQ_Q_STATUS_IDLE), "not enabled after a reset");
		end();
	}
}

/* ---- jobs ---- */

static void one_job(void)
{
	struct device_job job = job_s8(17, 19, 23);

	begin();
	fake_queue(&h, 0, 4);
	job_build(&h, &job, 0);
	run_job(0, &job);
	EXPECT(h.interrupts[XQ_VECTOR_QUEUE(0)] == 1, "%u interrupts", h.interrupts[1]);
	EXPECT(fake_read64(&h, XQ_REG_JOBS) == 1, "jobs");
	EXPECT(fake_read64(&h, XQ_REG_MACS) == 17 * 19 * 23, "macs");
	EXPECT(fake_read64(&h, XQ_REG_BYTES) == 17 * 23 + 19 * 23 + 4 * 17 * 19, "bytes");
	EXPECT(!h.mappings, "%ld mappings after the job", h.mappings);
	job_free(&job);
	job.dims.flags = XQACCEL_JOB_ACCUMULATE;
	job_build(&h, &job, 0);
	run_job(0, &job);
	EXPECT(fake_read64(&h, XQ_REG_BYTES) == 2 * (17 * 23 + 19 * 23 + 4 * 17 * 19) + 4 * 17 * 19,
	       "bytes of two jobs");
	job_free(&job);
	end();
}

static struct device_job random_job(uint32_t a, uint32_t b)
{
	struct device_job job = {
		.dims = { .m = ktap_range(1, 20), .n = ktap_range(1, 40), .batch = 1,
			  .a_format = a, .b_format = b, .k = ktap_range(1, 300) },
		.a_zp = ktap_range(-300, 300), .b_zp = ktap_range(-300, 300),
		.a_zps = ktap_range(0, 3) == 0, .b_zps = ktap_range(0, 3) == 0,
		.gap = ktap_range(0, 4) ? 0 : 20000,
	};

	if (ktap_range(0, 2) == 0) {
		const uint32_t groups = ktap_range(1, 4);

		job.dims.group = ktap_range(1, 80);
		job.dims.k = groups * job.dims.group;
		if (ktap_range(0, 1)) {
			job.dims.flags |= XQACCEL_JOB_GROUP_ACC;
		} else {
			job.dims.a_scale_format = job.dims.b_scale_format =
				ktap_range(0, 1) ? XQACCEL_FMT_U8 : XQACCEL_FMT_S32;
			job.a_scale = ktap_range(0, 1);
			job.b_scale = ktap_range(0, 1);
		}
	}
	if (ktap_range(0, 2) == 0)
		job.dims.flags |= XQACCEL_JOB_ACCUMULATE;
	if ((xqk_tiled() & 1U << b) && ktap_range(0, 1))
		job.dims.flags |= XQACCEL_JOB_B_TILED;
	if (ktap_range(0, 3) == 0)
		job.dims.batch = ktap_range(2, 3);
	return job;
}

static void every_pair(void)
{
	uint32_t a, b, i, pairs = 0;

	for (a = 0; a < XQ_FORMATS; a++) {
		for (b = 0; b < XQ_FORMATS; b++) {
			if (!(xqk_pairs(a) & 1U << b))
				continue;
			pairs++;
			begin();
			h.scattered = a & 1;
			h.map_limit = b & 1 ? 2 * XQ_PAGE_BYTES : 0;
			fake_queue(&h, 2, 3);
			for (i = 0; i < 4; i++) {
				struct device_job job = random_job(a, b);

				job_build(&h, &job, 5);
				run_job(2, &job);
				job_free(&job);
			}
			end();
		}
	}
	EXPECT(pairs >= 15, "%u pairs", pairs);
}

/* A mapping is as long as the bus addresses are contiguous and the host allows. */
static void mappings_are_long(void)
{
	struct device_job job = job_s8(2, 2, 20000);

	begin();
	fake_queue(&h, 0, 2);
	job_build(&h, &job, 1);
	run_job(0, &job);
	/* One an operand, and one more where a page table came to lie in between. */
	EXPECT(h.maps <= 4, "%ld mappings of contiguous operands", h.maps);
	h.map_limit = 4 * XQ_PAGE_BYTES;
	job_spoil(&h, &job);
	run_job(0, &job);
	EXPECT(h.maps > 6 && h.maps < 20, "%ld mappings", h.maps);
	job_free(&job);
	end();
}

/* Rows as far apart as the address space allows: pages are listed by rows. */
static void sparse_rows(void)
{
	struct device_job job = job_s8(5, 3, 700);

	begin();
	fake_queue(&h, 0, 2);
	job.gap = 1ULL << 30;
	job.dims.batch = 2;
	job_build(&h, &job, 1);
	run_job(0, &job);
	job_free(&job);
	end();
}

static void empty_jobs(void)
{
	static const uint32_t dims[][3] = { { 0, 3, 4 }, { 3, 0, 4 }, { 3, 4, 0 }, { 0, 0, 0 } };
	unsigned int i;

	begin();
	fake_queue(&h, 0, 4);
	for (i = 0; i < 8; i++) {
		struct device_job job = job_s8(dims[i % 4][0], dims[i % 4][1], dims[i % 4][2]);

		job.dims.flags = i < 4 ? 0 : XQACCEL_JOB_ACCUMULATE;
		job_build(&h, &job, 0);
		run_job(0, &job);
		job_free(&job);
	}
	end();
}

static void overflow_flag(void)
{
	struct device_job job = job_s8(1, 1, 64);
	struct xq_hw_completion c;

	begin();
	fake_queue(&h, 0, 4);
	job_build(&h, &job, 0);
	fake_submit(&h, 0, &job.desc);
	EXPECT(fake_wait(&h, 0, &c) && !c.flags, "flags %#x", c.flags);
	desc_work(&job.desc)->gemm.b_zp = 1 << 30;
	fake_submit(&h, 0, &job.desc);
	EXPECT(fake_wait(&h, 0, &c) && c.flags == XQACCEL_COMP_OVERFLOW, "flags %#x", c.flags);
	job_free(&job);
	end();
}

static void large_pages(void)
{
	const uint64_t large = 1ULL << XQ_LARGE_SHIFT, va = 5 * large;
	struct device_job job = job_s8(3, 4, 5);
	uint64_t bus, at;

	begin();
	fake_queue(&h, 0, 4);
	bus = fake_pages(&h, large / XQ_PAGE_BYTES, large);
	fake_leaf(&h, 9, va, bus, XQ_PTE_VALID | XQ_PTE_READ | XQ_PTE_WRITE | XQ_PTE_LARGE);
	job_build(&h, &job, 9);
	/* A moves across the end of the large page into a small one. */
	fake_map(&h, 9, va + large, 4096, XQ_PTE_READ);
	at = va + large - 7;
	for (uint32_t m = 0; m < 3; m++)
		for (uint32_t k = 0; k < 5; k++)
			*fake_at(&h, 9, at + m * 5 + k) =
				*fake_at(&h, 9, le64toh(job.desc.operand[XQACCEL_A].address) + k +
					 m * le64toh(job.desc.operand[XQACCEL_A].stride));
	job.desc.operand[XQACCEL_A].address = htole64(at);
	job.desc.operand[XQACCEL_A].stride = htole64(5);
	run_job(0, &job);
	job_free(&job);
	end();
}

/* ---- rings ---- */

static void rings_wrap(void)
{
	struct device_job job = job_s8(2, 3, 4);
	struct xq_hw_completion c;
	unsigned int i;

	begin();
	fake_queue(&h, 0, 2);
	job_build(&h, &job, 0);
	for (i = 0; i < 50; i++) {
		job.desc.id = htole64(i);
		fake_submit(&h, 0, &job.desc);
		EXPECT(fake_wait(&h, 0, &c), "no completion");
		EXPECT(c.id == htole64(i), "id");
		EXPECT(c.phase == htole16(!(i / 4 & 1)), "phase of %u", i);
		EXPECT(c.sq_head == htole16((i + 1) % 4), "sq_head of %u", i);
	}
	EXPECT(fake_read(&h, XQ_QUEUE(0, XQ_Q_SQ_HEAD)) == 50 % 4, "head");
	EXPECT(fake_read(&h, XQ_QUEUE(0, XQ_Q_CQ_TAIL)) == 50 % 4, "tail");
	job_free(&job);
	end();
}

/* A ring full of jobs at one doorbell, and completions that are not taken. */
static void completion_ring_never_overflows(void)
{
	struct device_job job = job_s8(2, 3, 4);
	struct xq_hw_completion c;
	unsigned int i;

	begin();
	fake_queue(&h, 0, 2);
	job_build(&h, &job, 0);
	for (i = 0; i < 3; i++) {
		job.desc.id = htole64(i);
		fake_put(&h, 0, &job.desc);
	}
	fake_doorbell(&h, 0);
	while (fake_read(&h, XQ_QUEUE(0, XQ_Q_CQ_TAIL)) != 3)
		fake_serve(&h, 100);
	for (i = 3; i < 6; i++) {
		job.desc.id = htole64(i);
		fake_put(&h, 0, &job.desc);
	}
	fake_doorbell(&h, 0);
	fake_serve(&h, 20);
	EXPECT(fake_read(&h, XQ_QUEUE(0, XQ_Q_SQ_HEAD)) == 3, "started without room");
	for (i = 0; i < 6; i++)
		EXPECT(fake_wait(&h, 0, &c) && c.id == htole64(i), "completion %u", i);
	job_free(&job);
	end();
}

static void bad_doorbells(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		begin();
		fake_queue(&h, 1, 3);
		fake_write(&h, XQ_QUEUE(1, i ? XQ_Q_CQ_HEAD : XQ_Q_SQ_TAIL), i == 2 ? 1 : 8);
		EXPECT(fake_read(&h, XQ_QUEUE(1, XQ_Q_STATUS)) & XQ_Q_STATUS_ERROR, "doorbell %u", i);
		EXPECT(fake_read(&h, XQ_REG_ERROR) == XQ_ERROR_RING(1), "no error");
		end();
	}
}

static void unreachable_rings(void)
{
	struct device_job job = job_s8(2, 3, 4);
	struct xq_hw_completion c;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		begin();
		fake_queue(&h, 1, 3);
		job_build(&h, &job, 0);
		h.refused[((i ? h.cq[1] : h.sq[1]) - FAKE_BUS_BASE) >> 12] =
			i ? FAKE_NO_WRITE : FAKE_NO_READ;
		fake_submit(&h, 1, &job.desc);
		while (!(fake_read(&h, XQ_QUEUE(1, XQ_Q_STATUS)) & XQ_Q_STATUS_ERROR))
			fake_serve(&h, 100);
		EXPECT(fake_read(&h, XQ_REG_ERROR) == XQ_ERROR_RING(1), "no error");
		EXPECT(!fake_reap(&h, 1, &c), "completion from nowhere");
		job_free(&job);
		end();
	}
}

/* Interrupts that came while they were off are made up for. */
static void interrupt_enable(void)
{
	struct device_job job = job_s8(2, 3, 4);
	struct xq_hw_completion c;

	begin();
	fake_queue(&h, 0, 3);
	job_build(&h, &job, 0);
	fake_write(&h, XQ_QUEUE(0, XQ_Q_CTRL), XQ_Q_CTRL_ENABLE);
	fake_submit(&h, 0, &job.desc);
	while (!fake_read(&h, XQ_QUEUE(0, XQ_Q_CQ_TAIL)))
		fake_serve(&h, 100);
	EXPECT(!h.interrupts[XQ_VECTOR_QUEUE(0)], "interrupt while off");
	fake_write(&h, XQ_QUEUE(0, XQ_Q_CTRL), XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ);
	EXPECT(h.interrupts[XQ_VECTOR_QUEUE(0)] == 1, "lost");
	EXPECT(fake_wait(&h, 0, &c), "no completion");
	job_free(&job);
	end();
}

static void many_queues(void)
{
	struct device_job jobs[XQ_MAX_QUEUES];
	struct xq_hw_completion c;
	unsigned int q, round;

	begin();
	for (q = 0; q < XQ_MAX_QUEUES; q++) {
		fake_queue(&h, q, 3);
		jobs[q] = job_s8(ktap_range(1, 30), ktap_range(1, 30), ktap_range(1, 200));
		job_build(&h, &jobs[q], q);
	}
	for (round = 0; round < 20; round++) {
		for (q = 0; q < XQ_MAX_QUEUES; q++) {
			job_spoil(&h, &jobs[q]);
			fake_put(&h, q, &jobs[q].desc);
			fake_put(&h, q, &jobs[q].desc);
			fake_doorbell(&h, q);
		}
		for (q = 0; q < 2 * XQ_MAX_QUEUES; q++)
			EXPECT(fake_wait(&h, q / 2, &c) && !c.status, "queue %u", q / 2);
		for (q = 0; q < XQ_MAX_QUEUES; q++)
			EXPECT(job_right(&h, &jobs[q]), "queue %u", q);
	}
	EXPECT(fake_read64(&h, XQ_REG_JOBS) == 20 * 16, "jobs");
	for (q = 0; q < XQ_MAX_QUEUES; q++)
		job_free(&jobs[q]);
	end();
}

/* A job like one that there was takes no memory: neither in the device nor in its threads. */
static void no_allocations(void)
{
	static const struct xqdev_config one_thread = { .threads = 1 };
	struct device_job jobs[] = { job_s8(70, 130, 900), job_s8(1, 200, 4000), job_s8(300, 40, 9) };
	const unsigned int count = sizeof(jobs) / sizeof(jobs[0]);
	unsigned int round, i, before = 0;

	fake_start(&h, &one_thread);
	fake_enable(&h);
	fake_queue(&h, 0, 4);
	h.scattered = true;
	for (i = 0; i < count; i++)
		job_build(&h, &jobs[i], 1);
	for (round = 0; round < 20; round++) {
		if (round == 10)
			before = atomic_load(&allocations);
		for (i = 0; i < count; i++) {
			struct xq_hw_completion c;

			fake_submit(&h, 0, &jobs[i].desc);
			EXPECT(fake_wait(&h, 0, &c) && c.status == XQACCEL_STATUS_OK, "job %u", i);
		}
	}
	EXPECT(atomic_load(&allocations) == before, "%u allocations",
	       atomic_load(&allocations) - before);
	EXPECT(before, "the linker sends none here");
	for (i = 0; i < count; i++)
		job_free(&jobs[i]);
	end();
}

KTAP_MAIN(
	{ "identification", identification },
	{ "odd_accesses", odd_accesses },
	{ "bad_configs", bad_configs },
	{ "time_runs", time_runs },
	{ "bad_rings", bad_rings },
	{ "one_job", one_job },
	{ "every_pair", every_pair },
	{ "mappings_are_long", mappings_are_long },
	{ "sparse_rows", sparse_rows },
	{ "empty_jobs", empty_jobs },
	{ "overflow_flag", overflow_flag },
	{ "large_pages", large_pages },
	{ "rings_wrap", rings_wrap },
	{ "completion_ring_never_overflows", completion_ring_never_overflows },
	{ "bad_doorbells", bad_doorbells },
	{ "unreachable_rings", unreachable_rings },
	{ "interrupt_enable", interrupt_enable },
	{ "many_queues", many_queues },
	{ "no_allocations", no_allocations },
)
