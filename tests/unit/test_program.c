// SPDX-License-Identifier: MIT
/*
 * Recorded programs on "soft": random ones against the naive reference, what is refused, what
 * fails in the middle, and that a run reaches nothing but what it is given.
 */
#include <errno.h>
#include <stdlib.h>

#include <xqaccel/program.h>

#include "ktap.h"
#include "libxqaccel/src/device/job.h"
#include "libxqaccel/src/device/soft.h"
#include "queue_case.h"

#define MOST_JOBS	24
#define PAGE		4096u

static struct xq_device *dev;
static struct xq_queue *queue;

static void begin(uint32_t timeout_ms)
{
	const struct xq_queue_options options = { .timeout_ms = timeout_ms };

	EXPECT(!xq_device_open("soft", &dev), "open");
	EXPECT(!xq_queue_create(dev, &options, &queue), "queue");
}

static void end(void)
{
	xq_queue_destroy(queue);
	xq_device_close(dev);
}

static struct xqaccel_job_desc desc_of(const struct xq_gemm *gemm)
{
	struct xqaccel_job_desc job;

	EXPECT(!xq_job_from_gemm(dev, gemm, &job), "description");
	job.user_data = 0;
	return job;
}

/* Some operands of a job move from their buffers to slots, each of which one operand has. */
static void move_to_slots(struct xqaccel_job_desc *job, const struct queue_case *c,
			  struct xq_program_run *run, unsigned int *slots, uint64_t *seed)
{
	for (unsigned int i = 0; i < 8 && *slots < XQACCEL_PROGRAM_SLOTS; i++) {
		uint64_t base;

		if (!job->operand[i].handle || case_random(seed) % 4)
			continue;
		base = job->operand[i].offset & ~(uint64_t)(PAGE - 1);
		if (i != XQACCEL_B && job->operand[i].offset >= 64 && case_random(seed) % 2)
			base = job->operand[i].offset & ~63ULL;
		run->slot[*slots] = (struct xq_binding){ c->buffer[i], base };
		job->operand[i].handle = XQACCEL_SLOT(*slots);
		job->operand[i].offset -= base;
		++*slots;
	}
}

static void random_programs(void)
{
	uint64_t seed = 11;

	begin(0);
	for (int round = 0; round < 60; round++) {
		const unsigned int count = 1 + case_random(&seed) % MOST_JOBS;
		static struct queue_case c[MOST_JOBS];
		static struct xqaccel_job_desc job[MOST_JOBS];
		struct xq_program_run run = { .user_data = 5 };
		struct xq_completion done;
		struct xq_program *program;
		struct xq_buffer *profile;
		unsigned int slots = 0;
		uint64_t macs = 0;
		int err;

		for (unsigned int i = 0; i < count; i++) {
			EXPECT(!case_make(&c[i], dev, &seed), "case");
			job[i] = desc_of(&c[i].job);
			move_to_slots(&job[i], &c[i], &run, &slots, &seed);
		}
		EXPECT(!xq_buffer_create(dev, 64 * count, &profile), "profile");
		err = xq_program_create(dev, job, count, slots, &program);
		if (!EXPECT(!err, "create: %d", err))
			break;
		memset(job, 0xee, sizeof(job));
		run.program = program;
		run.profile = (struct xq_binding){ profile, 32 };
		err = xq_program_run(queue, &run, &done);
		EXPECT(!err && done.user_data == 5, "round %d: %d at %u", round, err, done.failed_job);
		for (unsigned int i = 0; i < count; i++) {
			struct xq_job_profile p;

			xq_program_profile(program, &run.profile, i, &p);
			EXPECT(p.macs == (uint64_t)c[i].job.batch * c[i].job.m * c[i].job.n *
			       c[i].job.k || !c[i].job.m || !c[i].job.n, "macs of %u", i);
			EXPECT(p.end_ns >= p.start_ns, "times");
			macs += p.macs;
			EXPECT(case_right(&c[i]), "round %d, job %u", round, i);
			case_free(&c[i]);
		}
		EXPECT(done.macs == macs, "sum");
		EXPECT(xq_program_jobs(program) == count, "jobs");
		xq_program_destroy(program);
		xq_buffer_destroy(profile);
	}
	end();
}

/* ---- a small program: C (slot 1) = A (slot 0) x B, all ones, 4 x 4 x 16 ---------------------------- */

static struct xq_buffer *buf;
static struct xqaccel_job_desc small;
static struct xq_program_run run;

static void small_begin(uint32_t timeout_ms)
{
	struct xq_program *program = NULL;

	begin(timeout_ms);
	EXPECT(!xq_buffer_create(dev, 4 * PAGE, &buf), "buffer");
	memset(xq_buffer_data(buf), 1, 4 * PAGE);
	small = (struct xqaccel_job_desc){
		.work = { .op = XQACCEL_OP_GEMM,
			  .gemm = { .m = 4, .n = 4, .k = 16, .batch = 1, .a_format = XQACCEL_FMT_S8,
				    .b_format = XQACCEL_FMT_S8 } },
		.operand = {
			[XQACCEL_A] = { .handle = XQACCEL_SLOT(0), .stride = 16 },
			[XQACCEL_B] = { .handle = xq_buffer_handle(buf), .stride = 16 },
			[XQACCEL_C] = { .handle = XQACCEL_SLOT(1), .offset = 4, .stride = 16 },
		},
	};
	EXPECT(!xq_program_create(dev, &small, 1, 2, &program), "program");
	run = (struct xq_program_run){
		.program = program,
		.slot = { { buf, PAGE }, { buf, 2 * PAGE } },
	};
}

static void small_end(void)
{
	xq_program_destroy((struct xq_program *)run.program);
	xq_buffer_destroy(buf);
	end();
}

static int create(const struct xqaccel_job_desc *jobs, unsigned int count, unsigned int slots)
{
	struct xq_program *program;
	const int err = xq_program_create(dev, jobs, count, slots, &program);

	if (!err)
		xq_program_destroy(program);
	return err;
}

static void refused_programs(void)
{
	struct xqaccel_job_desc bad;
	int err;

	small_begin(0);
#define REFUSED(_error, _slots, _change) \
	do { \
		bad = small; \
		_change; \
		err = create(&bad, 1, _slots); \
		EXPECT(err == (_error), "%d", err); \
	} while (0)
	EXPECT(!create(&small, 1, 2), "good");
	EXPECT(create(&small, 0, 2) == -EINVAL, "no jobs");
	EXPECT(create(&small, XQACCEL_PROGRAM_JOBS + 1, 2) == -EINVAL, "too many");
	EXPECT(create(&small, 1, XQACCEL_PROGRAM_SLOTS + 1) == -EINVAL, "slots");
	REFUSED(-ENOENT, 1, (void)0);
	REFUSED(-ENOENT, 2, bad.operand[XQACCEL_A].handle = XQACCEL_SLOT(2));
	REFUSED(-ENOENT, 2, bad.operand[XQACCEL_B].handle = 999);
	REFUSED(-EINVAL, 2, bad.user_data = 1);
	REFUSED(-EOPNOTSUPP, 2, bad.work.op = XQACCEL_OP_PROGRAM);
	REFUSED(-EOPNOTSUPP, 2, bad.work.flags = XQACCEL_JOB_SILENT);
	REFUSED(-EINVAL, 2, bad.work.words[40] = 1);
	REFUSED(-EINVAL, 2, bad.operand[XQACCEL_C].offset = 2);
	REFUSED(-EINVAL, 2, bad.operand[XQACCEL_C].handle = XQACCEL_SLOT(0));
	REFUSED(-ERANGE, 2, bad.operand[XQACCEL_A].offset = 1ULL << 39);
	REFUSED(-ERANGE, 2, bad.operand[XQACCEL_B].offset = 4 * PAGE - 63);
	/* No place in a slot, though nothing is read there. */
	REFUSED(-ERANGE, 2, (bad.work.gemm.m = 0, bad.operand[XQACCEL_A].offset = 1ULL << 39));
	REFUSED(0, 2, (bad.work.gemm.m = 0, bad.operand[XQACCEL_A].offset = (1ULL << 39) - 1));
	REFUSED(-EOVERFLOW, 2, bad.operand[XQACCEL_A].offset = UINT64_MAX);
	small_end();
}

static int run_with(struct xq_binding a, struct xq_binding c, struct xq_binding profile)
{
	struct xq_program_run changed = run;

	changed.slot[0] = a;
	changed.slot[1] = c;
	changed.profile = profile;
	return xq_program_run(queue, &changed, NULL);
}

static void refused_runs(void)
{
	struct xq_binding a, c, none = { NULL, 0 };
	struct xq_buffer *foreign, *other;
	struct xq_device *second;
	struct xq_program_run changed;

	small_begin(0);
	a = run.slot[0];
	c = run.slot[1];
	EXPECT(!xq_buffer_create(dev, PAGE, &other), "buffer");
	EXPECT(!run_with(a, c, none), "good");
	EXPECT(!run_with(a, (struct xq_binding){ other, PAGE - 68 }, none), "the last bytes");
	EXPECT(run_with(a, (struct xq_binding){ other, PAGE - 64 }, none) == -ERANGE, "past");
	EXPECT(run_with(a, (struct xq_binding){ other, UINT64_MAX - 3 }, none) == -ERANGE, "wraps");
	EXPECT(run_with((struct xq_binding){ other, PAGE - 63 }, c, none) == -ERANGE, "A past");
	EXPECT(run_with(a, (struct xq_binding){ buf, 2 * PAGE + 2 }, none) == -EINVAL, "aligned");
	EXPECT(run_with(none, c, none) == -EINVAL, "no A");
	EXPECT(run_with(a, none, none) == -EINVAL, "no C");
	EXPECT(run_with(a, (struct xq_binding){ buf, PAGE + 56 }, none) == -EINVAL, "C over A");
	EXPECT(!run_with(a, (struct xq_binding){ buf, PAGE + 60 }, none), "C after A");
	EXPECT(run_with(a, (struct xq_binding){ buf, 0 }, none) == -EINVAL, "C over B");
	EXPECT(!run_with((struct xq_binding){ buf, 0 }, c, none), "A is B");
	EXPECT(run_with(a, c, (struct xq_binding){ other, 8 }) == -EINVAL, "profile aligned");
	EXPECT(run_with(a, c, (struct xq_binding){ other, PAGE }) == -ERANGE, "profile past");
	EXPECT(run_with(a, c, (struct xq_binding){ buf, 2 * PAGE }) == -EINVAL, "profile over C");
	EXPECT(run_with(a, c, (struct xq_binding){ buf, 32 }) == -EINVAL, "profile over B");
	EXPECT(!run_with(a, c, (struct xq_binding){ other, PAGE - 32 }), "profile");
	changed = run;
	changed.slot[2] = a;
	EXPECT(xq_program_run(queue, &changed, NULL) == -EINVAL, "a slot too many");
	changed = run;
	changed.flags = XQACCEL_JOB_ACCUMULATE;
	EXPECT(xq_program_run(queue, &changed, NULL) == -EOPNOTSUPP, "a flag");
	EXPECT(!xq_device_open("soft", &second), "open");
	EXPECT(!xq_buffer_create(second, PAGE, &foreign), "buffer");
	EXPECT(run_with(a, (struct xq_binding){ foreign, 0 }, none) == -ENOENT, "foreign");
	xq_buffer_destroy(foreign);
	xq_device_close(second);
	xq_buffer_destroy(other);
	small_end();
}

/* Whatever a run is given, it changes the 64 bytes at its C or nothing. */
static void reaches_nothing_else(void)
{
	static uint8_t before[4 * PAGE];
	uint64_t seed = 3;
	unsigned int ran = 0;

	small_begin(0);
	for (int i = 0; i < 3000; i++) {
		const uint64_t any = case_random(&seed);
		const uint64_t at = any % 8 ? any >> 8 & 0x7ffc : any;
		uint8_t *data = xq_buffer_data(buf);
		int err;

		memset(data, 1, 4 * PAGE);
		data[any >> 40 & (4 * PAGE - 1)] = 0;
		memcpy(before, data, sizeof(before));
		err = run_with((struct xq_binding){ buf, any >> 24 & 0x7fff },
			       (struct xq_binding){ buf, at }, (struct xq_binding){ NULL, 0 });
		ran += !err;
		if (!err && EXPECT(at + 4 + 64 <= 4 * PAGE, "accepted %llx", (long long)at))
			memcpy(before + at + 4, data + at + 4, 64);
		EXPECT(!memcmp(before, data, sizeof(before)), "C at %llx: %d", (long long)at, err);
	}
	EXPECT(ran > 300 && ran < 2900, "%u of 3000 ran", ran);
	small_end();
}

/* ---- in the middle ----------------------------------------------------------------------------- */

#define MANY	12

/* The same job, each with a C of its own. */
static struct xq_program *many(void)
{
	struct xqaccel_job_desc job[MANY];
	struct xq_program *program = NULL;

	for (unsigned int i = 0; i < MANY; i++) {
		job[i] = small;
		job[i].operand[XQACCEL_C].offset = 64 * i;
	}
	EXPECT(!xq_program_create(dev, job, MANY, 2, &program), "program");
	return program;
}

static void fails_in_the_middle(void)
{
	struct xq_program_run r;
	struct xq_completion done;
	const int32_t *c;
	int err;

	small_begin(0);
	r = run;
	r.program = many();
	/* The C of job 5 and those behind it are on a page that is not there. */
	r.slot[1].offset = 3 * PAGE - 5 * 64;
	xq_soft_revoke(buf, 3 * PAGE);
	err = xq_program_run(queue, &r, &done);
	EXPECT(err == -EFAULT && done.failed_job == 5, "%d at %u", err, done.failed_job);
	EXPECT(!done.macs && done.fault_offset == 3 * PAGE, "fault at %lx", (long)done.fault_offset);
	c = (const int32_t *)((char *)xq_buffer_data(buf) + r.slot[1].offset);
	for (unsigned int i = 0; i < 16 * MANY; i++)
		EXPECT(c[i] == (i < 16 * 5 ? 16 : 0x01010101), "element %u", i);
	xq_program_destroy((struct xq_program *)r.program);
	small_end();
}

static void takes_too_long(void)
{
	struct xq_completion done[2];
	struct xq_program_run r;

	small_begin(400);
	r = run;
	r.program = many();
	xq_soft_inject(dev, &(struct xqdev_faults){ .slow_ns = 70000000 });
	EXPECT(xq_program_submit(queue, &r, 1) == 1, "submit");
	EXPECT(xq_program_submit(queue, &run, 1) == 1, "submit");
	EXPECT(xq_queue_wait(queue, done, 2, 2, -1) == 2, "wait");
	EXPECT(done[0].status == -ETIMEDOUT, "%d", done[0].status);
	EXPECT(done[0].failed_job && done[0].failed_job < MANY, "at %u", done[0].failed_job);
	EXPECT(!done[1].status, "%d", done[1].status);
	xq_program_destroy((struct xq_program *)r.program);
	small_end();
}

static void is_canceled(void)
{
	struct xq_completion done;

	small_begin(0);
	xq_soft_inject(dev, &(struct xqdev_faults){ .hang_jobs = 1 });
	run.user_data = 7;
	EXPECT(xq_program_submit(queue, &run, 1) == 1, "submit");
	EXPECT(xq_queue_cancel(queue, 7) == 1, "cancel");
	EXPECT(xq_queue_wait(queue, &done, 1, 1, -1) == 1 && done.status == -ECANCELED, "%d",
	       done.status);
	EXPECT(!xq_program_run(queue, &run, NULL), "works again");
	small_end();
}

/* What a run needs stays until it has ended; a closed device takes it all. */
static void outlives_its_parts(void)
{
	struct xq_completion done;
	struct xq_program_run r;

	small_begin(0);
	r = run;
	r.program = many();
	xq_soft_inject(dev, &(struct xqdev_faults){ .slow_ns = 3000000 });
	EXPECT(xq_program_submit(queue, &r, 1) == 1, "submit");
	xq_program_destroy((struct xq_program *)r.program);
	xq_buffer_destroy(buf);
	EXPECT(xq_queue_wait(queue, &done, 1, 1, -1) == 1 && !done.status, "%d", done.status);
	buf = NULL;
	small_end();
}

static void silent_jobs(void)
{
	struct xq_completion done[4];
	struct xq_program_run r[4];

	small_begin(0);
	for (int i = 0; i < 4; i++) {
		r[i] = run;
		r[i].flags = i < 3 ? XQACCEL_JOB_SILENT : 0;
		r[i].user_data = i;
	}
	EXPECT(xq_program_submit(queue, r, 4) == 4 && xq_queue_pending(queue) == 1, "submit");
	EXPECT(xq_queue_wait(queue, done, 4, 1, -1) == 1, "one completion");
	EXPECT(done[0].user_data == 3 && !done[0].status, "of the last");
	/* One that fails is heard of. */
	xq_soft_inject(dev, &(struct xqdev_faults){ .dma_errors = 1 });
	EXPECT(xq_program_submit(queue, r, 4) == 4, "submit");
	while (xq_queue_pending(queue))
		EXPECT(xq_queue_wait(queue, done, 4, 1, -1) > 0, "wait");
	EXPECT(xq_program_run(queue, &r[0], NULL) == 0, "a silent one alone");
	/* The end of one that failed is not that of the one behind it. */
	for (int last = 0; last < 4; last += 3) {
		xq_soft_inject(dev, &(struct xqdev_faults){ .dma_errors = 1 });
		EXPECT(xq_program_submit(queue, r, 1) == 1, "submit");
		EXPECT(xq_program_run(queue, &r[last], done) == -EIO, "the first that failed");
		EXPECT(!done[0].status && done[0].user_data == (uint64_t)last, "%d", done[0].status);
		EXPECT(!xq_queue_pending(queue) && !xq_program_run(queue, &r[last], done), "it has ended");
	}
	small_end();
}

KTAP_MAIN(
	{ "random_programs", random_programs },
	{ "refused_programs", refused_programs },
	{ "refused_runs", refused_runs },
	{ "reaches_nothing_else", reaches_nothing_else },
	{ "fails_in_the_middle", fails_in_the_middle },
	{ "takes_too_long", takes_too_long },
	{ "is_canceled", is_canceled },
	{ "outlives_its_parts", outlives_its_parts },
	{ "silent_jobs", silent_jobs },
)
