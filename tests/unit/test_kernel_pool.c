// SPDX-License-Identifier: GPL-2.0
/* The pool: many tasks from many threads at once, cancellation, tasks without work. */
#include <fenv.h>
#include <pthread.h>
#include <time.h>

#include "gemm_case.h"

#define SUBMITTERS 4
#define TASKS 12

struct submitter {
	struct xqk_pool *pool;
	struct gemm_case cases[TASKS];
	struct xqk_task tasks[TASKS];
	uint32_t *reference[TASKS];
	atomic_uint done;
	pthread_t thread;
};

static void count_done(struct xqk_task *task, void *arg)
{
	struct submitter *submitter = arg;

	(void)task;
	atomic_fetch_add(&submitter->done, 1);
}

/* The end of a task is the begin of another. */
static void submit_next(struct xqk_task *task, void *arg)
{
	struct submitter *submitter = arg;

	atomic_fetch_add(&submitter->done, 1);
	xqk_pool_submit(submitter->pool, task + 1);
}

static void wait_for(atomic_uint *counter, unsigned int value)
{
	const struct timespec pause = { .tv_nsec = 100000 };

	while (atomic_load(counter) != value)
		nanosleep(&pause, NULL);
}

static void *submit_all(void *arg)
{
	struct submitter *submitter = arg;

	for (unsigned int i = 0; i < TASKS; i++)
		xqk_pool_submit(submitter->pool, &submitter->tasks[i]);
	wait_for(&submitter->done, TASKS);
	return NULL;
}

static void prepare(struct submitter *submitter, struct xqk_pool *pool)
{
	submitter->pool = pool;
	for (unsigned int i = 0; i < TASKS; i++) {
		struct gemm_case *c = &submitter->cases[i];
		struct xqk_task *task = &submitter->tasks[i];

		if (i == 0)
			c->gemm.dims = (struct xq_dims){ .m = 90, .n = 300, .k = 400, .batch = 1 };
		case_make(c, XQACCEL_FMT_S8, (uint32_t)ktap_range(XQACCEL_FMT_S8, XQACCEL_FMT_C8));
		submitter->reference[i] = case_reference(c);
		xqk_plan(&task->plan, xqk_isa_select(NULL), &c->gemm, xqk_pool_threads(pool));
		task->done = count_done;
		task->arg = submitter;
	}
}

static void many_submitters(void)
{
	struct submitter *submitters = calloc(SUBMITTERS, sizeof(*submitters));
	struct xqk_pool *pool = xqk_pool_create(3, false);
	unsigned int s, i;

	EXPECT(xqk_pool_threads(pool) == 3, "%u", xqk_pool_threads(pool));
	for (s = 0; s < SUBMITTERS; s++)
		prepare(&submitters[s], pool);
	for (s = 0; s < SUBMITTERS; s++)
		pthread_create(&submitters[s].thread, NULL, submit_all, &submitters[s]);
	for (s = 0; s < SUBMITTERS; s++)
		pthread_join(submitters[s].thread, NULL);
	xqk_pool_destroy(pool);
	for (s = 0; s < SUBMITTERS; s++) {
		for (i = 0; i < TASKS; i++) {
			struct gemm_case *c = &submitters[s].cases[i];

			if (!EXPECT(!case_differences(c, submitters[s].reference[i]), "task %u", i))
				case_print(c, "pool");
			free(submitters[s].reference[i]);
			gemm_free(c);
		}
	}
	free(submitters);
}

/* One job in many chunks, which several threads compute. */
static void shared_job(void)
{
	struct gemm_case c = { .gemm.dims = { .m = 200, .n = 400, .k = 300, .batch = 2 } };
	struct xqk_pool *pool = xqk_pool_create(4, true);
	struct xqk_task task = { 0 };
	uint32_t *reference;

	case_make(&c, XQACCEL_FMT_U8, XQACCEL_FMT_S4);
	reference = case_reference(&c);
	xqk_plan(&task.plan, xqk_isa_select(NULL), &c.gemm, 4);
	EXPECT(task.plan.chunks >= 4, "%u chunks", task.plan.chunks);
	xqk_pool_run(pool, &task);
	EXPECT(!case_differences(&c, reference), "wrong result");
	xqk_pool_destroy(pool);
	free(reference);
	gemm_free(&c);
}

static void no_work(void)
{
	struct gemm_case c = { .gemm.dims = { .m = 3, .n = 0, .k = 3, .batch = 1 } };
	struct xqk_pool *pool = xqk_pool_create(1, true);
	struct xqk_task task = { 0 };

	case_make(&c, XQACCEL_FMT_S8, XQACCEL_FMT_S8);
	xqk_plan(&task.plan, xqk_isa_select(NULL), &c.gemm, 1);
	EXPECT(!task.plan.chunks, "%u chunks", task.plan.chunks);
	xqk_pool_run(pool, &task);
	xqk_pool_destroy(pool);
	gemm_free(&c);
}

/*
 * Who helps computes: the pool's only thread is at work on something that lasts until it is canceled, so another task ends only
 * if its chunks are computed here. One can help at a time, and what is left when he ends is the pool's.
 */
static void help(void)
{
	static uint8_t zeros[1 << 24];
	static int32_t sums[64 * 64];
	struct xqk_gemm endless = {
		.dims = { .m = 64, .n = 64, .k = sizeof(zeros), .batch = 1,
			  .a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8 },
	};
	struct submitter submitter = { 0 };
	struct gemm_case c = { .gemm.dims = { .m = 90, .n = 300, .k = 400, .batch = 3 } };
	struct xqk_pool *pool = xqk_pool_create(1, true);
	struct timespec pause = { .tv_nsec = 20000000 };
	unsigned int seen = 0, computed = 0;
	uint32_t *reference;
	int i;

	endless.view[XQACCEL_A].flat = endless.view[XQACCEL_B].flat = zeros;
	endless.view[XQACCEL_C].flat = (uint8_t *)sums;
	endless.view[XQACCEL_C].stride = sizeof(sums[0]) * endless.dims.n;
	case_make(&c, XQACCEL_FMT_S8, XQACCEL_FMT_S8);
	reference = case_reference(&c);
	xqk_plan(&submitter.tasks[0].plan, xqk_isa_select("scalar"), &endless, 1);
	for (i = 1; i < 3; i++)
		xqk_plan(&submitter.tasks[i].plan, xqk_isa_select(NULL), &c.gemm, 4);
	for (i = 0; i < 3; i++) {
		submitter.tasks[i].done = count_done;
		submitter.tasks[i].arg = &submitter;
	}
	xqk_pool_submit(pool, &submitter.tasks[0]);
	nanosleep(&pause, NULL);
	EXPECT(xqk_pool_help_begin(pool), "nobody helps yet");
	EXPECT(!xqk_pool_help_begin(pool), "a second one");
	EXPECT(!xqk_pool_help(pool, &seen), "nothing left of a task of one chunk");
	xqk_pool_submit(pool, &submitter.tasks[1]);
	while (xqk_pool_help(pool, &seen))
		computed++;
	EXPECT(computed == submitter.tasks[1].plan.chunks && computed > 1, "%u of %u chunks", computed,
	       submitter.tasks[1].plan.chunks);
	EXPECT(atomic_load(&submitter.done) == 1, "%u tasks ended", atomic_load(&submitter.done));
	EXPECT(!case_differences(&c, reference), "wrong result");
	xqk_pool_submit(pool, &submitter.tasks[2]);
	xqk_pool_help_end(pool);
	atomic_store(&submitter.tasks[0].cancel, true);
	wait_for(&submitter.done, 3);
	EXPECT(!case_differences(&c, reference), "wrong result of the pool's");
	EXPECT(xqk_pool_help_begin(pool), "nobody helps any more");
	xqk_pool_help_end(pool);
	xqk_pool_destroy(pool);
	free(reference);
	gemm_free(&c);
}

/* A thread that helps a pool of one computes in its place: that one stays asleep, whatever the end of a task brings. */
static void in_place(void)
{
	struct submitter submitter = { 0 };
	struct gemm_case c = { .gemm.dims = { .m = 90, .n = 300, .k = 400, .batch = 3 } };
	struct xqk_pool *pool = xqk_pool_create(1, true);
	struct timespec pause = { .tv_nsec = 20000000 };
	unsigned int seen = 0, computed = 0, wanted = 0;

	case_make(&c, XQACCEL_FMT_S8, XQACCEL_FMT_S8);
	EXPECT(xqk_pool_help_begin(pool), "nobody helps yet");
	submitter.pool = pool;
	for (unsigned int i = 0; i < 3; i++) {
		struct xqk_task *task = &submitter.tasks[i];

		xqk_plan(&task->plan, xqk_isa_select(NULL), &c.gemm, 4);
		task->done = i < 2 ? submit_next : count_done;
		task->arg = &submitter;
		wanted += task->plan.chunks;
	}
	/* It may look out for a while after it was made. */
	nanosleep(&pause, NULL);
	xqk_pool_submit(pool, &submitter.tasks[0]);
	nanosleep(&pause, NULL);
	while (xqk_pool_help(pool, &seen)) {
		computed++;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	EXPECT(computed == wanted, "%u of %u chunks", computed, wanted);
	EXPECT(atomic_load(&submitter.done) == 3, "%u tasks ended", atomic_load(&submitter.done));
	xqk_pool_help_end(pool);
	xqk_pool_destroy(pool);
	gemm_free(&c);
}

static void note_rounding(struct xqk_task *task, void *arg)
{
	(void)task;
	*(int *)arg = fegetround();
}

/* Numbers are rounded to nearest, whatever who helps has set, and as he has set it when he goes on. */
static void own_rounding(void)
{
	const int modes[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
	struct gemm_case c = { .gemm.dims = { .m = 3, .n = 4, .k = 5, .batch = 1 } };
	struct xqk_pool *pool = xqk_pool_create(1, true);
	unsigned int seen = 0;

	case_make(&c, XQACCEL_FMT_S8, XQACCEL_FMT_S8);
	EXPECT(xqk_pool_help_begin(pool), "nobody helps yet");
	for (unsigned int i = 0; i < 4; i++) {
		struct xqk_task task = { .done = note_rounding };
		int inside = -1, behind;

		task.arg = &inside;
		xqk_plan(&task.plan, xqk_isa_select(NULL), &c.gemm, 1);
		xqk_pool_submit(pool, &task);
		fesetround(modes[i]);
		while (xqk_pool_help(pool, &seen))
			;
		behind = fegetround();
		fesetround(FE_TONEAREST);
		EXPECT(inside == FE_TONEAREST && behind == modes[i], "mode %d: %d, then %d", modes[i], inside, behind);
	}
	xqk_pool_help_end(pool);
	xqk_pool_destroy(pool);
	gemm_free(&c);
}

static double processor_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* A job that takes long ends at once when it is canceled, and done is still called. */
static void cancel_job(const struct xqk_gemm *gemm, const char *isa, unsigned int threads)
{
	struct submitter submitter = { 0 };
	struct xqk_pool *pool = xqk_pool_create(threads, true);
	struct xqk_task *task = &submitter.tasks[0];
	struct timespec pause = { .tv_nsec = 20000000 };
	double start, took;

	xqk_plan(&task->plan, xqk_isa_select(isa), gemm, threads);
	task->done = count_done;
	task->arg = &submitter;
	xqk_pool_submit(pool, task);
	nanosleep(&pause, NULL);
	start = processor_seconds();
	atomic_store(&task->cancel, true);
	wait_for(&submitter.done, 1);
	took = processor_seconds() - start;
	EXPECT(took < 2 * threads, "worked for %.1f s more", took);
	xqk_pool_destroy(pool);
}

static void cancel(void)
{
	static uint8_t zeros[1 << 24];
	static int32_t c[64 * 64];
	struct xqk_gemm gemm = {
		.dims = { .m = 64, .n = 64, .k = sizeof(zeros), .batch = 1,
			  .a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8 },
	};

	gemm.view[XQACCEL_A].flat = gemm.view[XQACCEL_B].flat = zeros;
	gemm.view[XQACCEL_C].flat = (uint8_t *)c;
	gemm.view[XQACCEL_C].stride = sizeof(c[0]) * gemm.dims.n;
	cancel_job(&gemm, "scalar", 2);
}

/* Nothing to multiply, but rows of C are 64 MiB: all of them the same, so one thread. */
static void cancel_zeros(void)
{
	static uint8_t a;
	struct xqk_gemm gemm = {
		.dims = { .m = XQ_MAX_DIM, .n = XQ_MAX_DIM, .batch = 1,
			  .a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8 },
	};
	int32_t *c = malloc(sizeof(*c) * gemm.dims.n);

	gemm.view[XQACCEL_A].flat = gemm.view[XQACCEL_B].flat = &a;
	gemm.view[XQACCEL_C].flat = (uint8_t *)c;
	cancel_job(&gemm, NULL, 1);
	free(c);
}

KTAP_MAIN(
	{ "many submitters, small and large tasks", many_submitters },
	{ "one job shared by threads", shared_job },
	{ "a job without output", no_work },
	{ "a thread that helps", help },
	{ "a thread in place of another", in_place },
	{ "rounding of a thread that helps", own_rounding },
	{ "cancellation", cancel },
	{ "cancellation of a job that only writes", cancel_zeros },
)
