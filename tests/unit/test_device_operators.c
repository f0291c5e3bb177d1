// SPDX-License-Identifier: MIT
/*
 * Random jobs of every operation through the registers of the device model, on every instruction set,
 * against the naive reference; all memory is compared, so that nothing beside the results may change.
 */
#include <stdlib.h>

#include "device_job.h"
#include "emulator/kernels/xq_kernels.h"
#include "ktap.h"
#include "tests/reference/random_job.h"

#define CONTEXT		5
#define BYTES		(96U << 10)
#define AT		((1ULL << 21) + 4096)

static struct fake_host h;
static uint8_t before[BYTES], want[BYTES], got[BYTES];

static void begin(const char *isa)
{
	const struct xqdev_config config = { .threads = 2, .isa = isa };

	fake_start(&h, &config);
	fake_enable(&h);
	fake_queue(&h, 0, 3);
	h.scattered = true;
	fake_map(&h, CONTEXT, AT, BYTES, XQ_PTE_READ | XQ_PTE_WRITE);
}

static void end(void)
{
	const long left = fake_stop(&h);

	EXPECT(!left, "%ld mappings left", left);
}

static void describe(const struct ref_job *job, struct xq_hw_descriptor *desc)
{
	*desc = (struct xq_hw_descriptor){ .id = htole64(1), .context = htole32(CONTEXT) };
	*desc_work(desc) = job->work;
	for (unsigned int i = 0; i < 23; i++) {
		const struct xqaccel_operand *op = &job->operand[i];

		if (op->handle)
			desc->operand[i] = (struct xq_hw_operand){ htole64(AT + op->offset), htole64(op->stride),
								   htole64(op->batch_stride), htole64(op->plane_stride) };
	}
}

static bool same(const struct ref_job *job, const char *isa, unsigned int round)
{
	for (uint32_t i = 0; i < BYTES; i++)
		if (!EXPECT(want[i] == got[i], "%s: op %u kind %u profile %u format %u, job %u: byte %u, output at %llu, is %#x, not %#x, was %#x", isa,
			    job->work.op, job->work.epilogue.kind ? job->work.epilogue.kind : job->work.words[0],
			    job->work.epilogue.profile, job->work.epilogue.format, round, i,
			    (unsigned long long)job->operand[XQACCEL_Y].offset, got[i], want[i], before[i]))
			return false;
	return true;
}

static bool run(const struct ref_job *job, const char *isa, unsigned int round)
{
	struct xq_hw_descriptor desc;
	struct xq_hw_completion done;

	describe(job, &desc);
	fake_store(&h, CONTEXT, AT, before, BYTES);
	fake_submit(&h, 0, &desc);
	if (!EXPECT(fake_wait(&h, 0, &done), "no completion"))
		return false;
	if (!EXPECT(!done.status, "%s: op %u, job %u: status %u", isa, job->work.op, round, done.status))
		return false;
	fake_load(&h, CONTEXT, AT, got, BYTES);
	return same(job, isa, round);
}

/* The thread sanitizer is slow, and what it looks for happens in every job. */
#ifdef __SANITIZE_THREAD__
#define ONE_IN		10
#else
#define ONE_IN		1
#endif

/* So many random jobs of an operation on each instruction set. */
static void operation(uint32_t op, unsigned int jobs)
{
	for (unsigned int i = 0; xqk_isa_list(i); i++) {
		struct ref_random random = { op };
		struct ref_job job = { .memory = want };
		bool right = true;

		begin(xqk_isa_list(i));
		for (unsigned int round = 0; right && round < jobs / ONE_IN; round++) {
			ref_random_job(&random, &job, op, BYTES);
			ref_fill(&random, &job, BYTES);
			memcpy(before, want, BYTES);
			ref_run(&job);
			right = run(&job, xqk_isa_list(i), round);
		}
		end();
	}
}

static void gemm(void) { operation(XQACCEL_OP_GEMM, 400); }
static void conv(void) { operation(XQACCEL_OP_CONV, 400); }
static void pool(void) { operation(XQACCEL_OP_POOL, 400); }
static void elementwise(void) { operation(XQACCEL_OP_ELEMENTWISE, 500); }
static void softmax(void) { operation(XQACCEL_OP_SOFTMAX, 150); }
static void mean(void) { operation(XQACCEL_OP_MEAN, 250); }
static void copy(void) { operation(XQACCEL_OP_COPY, 700); }

KTAP_MAIN({ "products with every epilogue", gemm },
	  { "convolutions with every epilogue", conv },
	  { "pools", pool },
	  { "sums and products of tensors", elementwise },
	  { "softmax", softmax },
	  { "means", mean },
	  { "copies", copy })
