// SPDX-License-Identifier: MIT
/* A pool of threads that takes chunks of tasks in the order of submission. */
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "product/gemm.h"

/*
 * A thread that runs out of chunks looks out for the next task before it sleeps: for as long
 * as the last chunk took, divided by this, and no shorter or longer than so many nanoseconds; to
 * wake it takes longer than the shortest. Threads
 * that are woken together for every task are put on one processor often enough, and stay
 * there for the milliseconds that a task takes.
 */
#define LOOKOUT_PART	8
#define LOOKOUT_LEAST	20000
#define LOOKOUT_MOST	200000

/*
 * A thread that waits for tasks may help. Then one of the pool's is left asleep: that of the same processor, where each
 * has one of its own.
 */
struct xqk_worker {
	struct xqk_pool *pool;
	int processor;	/* To stay on, or -1. */
	pthread_cond_t wake;	/* The queue is not empty any more, or stop is set. */
	bool asleep, busy;	/* Under the pool's lock; neither if it looks out. */
	pthread_t thread;
	void *scratch;
	size_t bytes;
	uint64_t lookout;	/* Nanoseconds to look out for before the next sleep. */
};

struct xqk_pool {
	pthread_mutex_t lock;	/* Protects the queue, stop, helped, and who is asleep. */
	struct xqk_task *first, **last;	/* Tasks with chunks that nobody has taken. */
	bool stop;
	atomic_bool helped;	/* Someone helps. Set under the lock. */
	atomic_uint posted;	/* Grows with each task, and as stop is set. */
	unsigned int threads;
	struct xqk_worker *worker;
	struct xqk_worker helper;	/* Belongs to who set helped. */
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Whether who helps computes in place of the only thread. */
static bool replaced(const struct xqk_pool *pool)
{
	return pool->threads == 1 && atomic_load_explicit(&pool->helped, memory_order_relaxed);
}

/* Until something is posted, or for as long as it is worth. */
static void look_out(struct xqk_worker *worker, unsigned int posted)
{
	const uint64_t end = now() + worker->lookout;
	unsigned int i;

	do {
		for (i = 0; i < 32; i++) {
			if (replaced(worker->pool) ||
			    atomic_load_explicit(&worker->pool->posted, memory_order_relaxed) !=
			    posted)
				return;
			relax();
		}
	} while (now() < end);
}

/* Returns the staged rows that the worker's scratch memory holds. */
static uint32_t prepare_scratch(struct xqk_worker *worker, const struct xqk_plan *plan)
{
	const size_t bytes = (plan->scratch_bytes + 4095) & ~(size_t)4095;
	void *larger;

	if (bytes > worker->bytes) {
		larger = aligned_alloc(4096, bytes);
		if (!larger)
			return xqk_fewest_rows(plan);
		free(worker->scratch);
		worker->scratch = larger;
		worker->bytes = bytes;
	}
	return plan->block_m;
}

/* A task without chunks still passes through one thread, which reports its end. */
static uint32_t task_chunks(const struct xqk_task *task)
{
	return task->plan.chunks ? task->plan.chunks : 1;
}

static void run_chunk(struct xqk_worker *worker, struct xqk_task *task, uint32_t chunk)
{
	if (chunk < task->plan.chunks &&
	    !atomic_load_explicit(&task->cancel, memory_order_relaxed)) {
		/* What is not a product needs no more than a thread has from the start. */
		if (task->plan.kind)
			xqk_run_chunk(&task->plan, chunk, worker->scratch, &task->cancel);
		else
			xqk_run_chunk_rows(&task->plan, chunk, worker->scratch,
					   prepare_scratch(worker, &task->plan), &task->cancel);
	}
	if (atomic_fetch_sub_explicit(&task->left, 1, memory_order_acq_rel) == 1)
		task->done(task, task->arg);
}

/* The same by a thread of the pool, which looks out for as long as the chunk was worth. */
static void run_own_chunk(struct xqk_worker *worker, struct xqk_task *task, uint32_t chunk)
{
	const uint64_t start = now();

	run_chunk(worker, task, chunk);
	worker->lookout = (now() - start) / LOOKOUT_PART;
	if (worker->lookout < LOOKOUT_LEAST)
		worker->lookout = LOOKOUT_LEAST;
	if (worker->lookout > LOOKOUT_MOST)
		worker->lookout = LOOKOUT_MOST;
}

/*
 * A thread stays on its processor, if there is one for each. Schedulers put threads that one
 * event wakes on one processor often enough, more so if the others are virtual and halted, and
 * leave them there for as long as a task takes.
 */
static void stay(const struct xqk_worker *worker)
{
	cpu_set_t one;

	if (worker->processor < 0)
		return;
	CPU_ZERO(&one);
	CPU_SET(worker->processor, &one);
	/* If it fails, nothing is lost but time. */
	sched_setaffinity(0, sizeof(one), &one);
}

/* Up to so many threads are woken, not the one of the processor that the caller runs on if others will do. */
static void wake(struct xqk_pool *pool, unsigned int most)
{
	const int here = sched_getcpu();
	struct xqk_worker *own = NULL;
	unsigned int i, ready = 0;

	for (i = 0; i < pool->threads; i++) {
		struct xqk_worker *worker = &pool->worker[i];

		if (!worker->asleep) {
			ready += !worker->busy;
		} else if (worker->processor >= 0 && worker->processor == here) {
			own = worker;
		} else if (most) {
			worker->asleep = false;
			pthread_cond_signal(&worker->wake);
			most--;
			ready++;
		}
	}
	if (own && !ready) {
		own->asleep = false;
		pthread_cond_signal(&own->wake);
	}
}

/* A chunk of the first task, which is not asked for again if it was the last; called with the lock held. */
static struct xqk_task *take_chunk(struct xqk_worker *worker, uint32_t *chunk)
{
	struct xqk_pool *pool = worker->pool;
	struct xqk_task *task = pool->first;

	worker->busy = true;
	*chunk = atomic_fetch_add_explicit(&task->next_chunk, 1, memory_order_relaxed);
	if (*chunk + 1 == task_chunks(task)) {
		pool->first = task->next;
		if (!pool->first)
			pool->last = &pool->first;
	}
	return task;
}

static void *worker_main(void *arg)
{
	struct xqk_worker *worker = arg;
	struct xqk_pool *pool = worker->pool;
	struct xqk_task *task;
	unsigned int posted;
	uint32_t chunk;

	/* Whoever started this thread may have had denormal numbers flushed, or another rounding. */
	fesetenv(FE_DFL_ENV);
	stay(worker);
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		if (!pool->first && !pool->stop && worker->lookout) {
			posted = atomic_load_explicit(&pool->posted, memory_order_relaxed);
			pthread_mutex_unlock(&pool->lock);
			look_out(worker, posted);
			worker->lookout = 0;
			pthread_mutex_lock(&pool->lock);
		}
		while (!pool->first && !pool->stop) {
			worker->asleep = true;
			pthread_cond_wait(&worker->wake, &pool->lock);
			worker->asleep = false;
		}
		if (!pool->first)
			break;
		task = take_chunk(worker, &chunk);
		/* Who submitted it may have left out the thread of his processor. */
		if (pool->first && !pool->helped)
			wake(pool, 1);
		pthread_mutex_unlock(&pool->lock);
		run_own_chunk(worker, task, chunk);
		pthread_mutex_lock(&pool->lock);
		worker->busy = false;
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

bool xqk_pool_help_begin(struct xqk_pool *pool)
{
	bool begun;

	pthread_mutex_lock(&pool->lock);
	begun = !pool->helped && pool->helper.scratch;
	pool->helped = pool->helped || begun;
	pthread_mutex_unlock(&pool->lock);
	return begun;
}

/*
 * Whether numbers are rounded to nearest and denormal ones are kept, as is nearly always so. To set what is set already
 * takes longer than to look.
 */
static bool default_environment(void)
{
#if defined(__x86_64__)
	/* All exceptions masked, whatever flags are up; of the old unit with all its digits, too. */
	const unsigned int sse = __builtin_ia32_stmxcsr();
	uint16_t x87;

	__asm__ volatile("fnstcw %0" : "=m"(x87));
	return (sse & ~0x3fU) == 0x1f80 && x87 == 0x37f;
#else
	return false;
#endif
}

static void run_in_default_environment(struct xqk_worker *worker, struct xqk_task *task, uint32_t chunk)
{
	const bool changes = !default_environment();
	fenv_t before;

	if (changes) {
		fegetenv(&before);
		fesetenv(FE_DFL_ENV);
	}
	run_chunk(worker, task, chunk);
	if (changes)
		fesetenv(&before);
}

bool xqk_pool_help(struct xqk_pool *pool, unsigned int *seen)
{
	const unsigned int posted = atomic_load_explicit(&pool->posted, memory_order_acquire);
	struct xqk_task *task = NULL;
	uint32_t chunk;

	if (posted == *seen)
		return false;
	pthread_mutex_lock(&pool->lock);
	if (pool->first)
		task = take_chunk(&pool->helper, &chunk);
	else
		*seen = posted;
	pthread_mutex_unlock(&pool->lock);
	if (!task)
		return false;
	run_in_default_environment(&pool->helper, task, chunk);
	pthread_mutex_lock(&pool->lock);
	pool->helper.busy = false;
	pthread_mutex_unlock(&pool->lock);
	return true;
}

void xqk_pool_help_end(struct xqk_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->helped = false;
	if (pool->first)
		wake(pool, pool->threads);
	pthread_mutex_unlock(&pool->lock);
}

/* Signals belong to the program's own threads. */
static int start_worker(struct xqk_worker *worker)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&worker->thread, NULL, worker_main, worker);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

static void stop_workers(struct xqk_pool *pool)
{
	unsigned int i;

	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	atomic_fetch_add_explicit(&pool->posted, 1, memory_order_relaxed);
	for (i = 0; i < pool->threads; i++)
		pthread_cond_signal(&pool->worker[i].wake);
	pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->threads; i++)
		pthread_join(pool->worker[i].thread, NULL);
}

/* The next processor after this one that the calling thread may run on, -1 if there is none. */
static int next_processor(const cpu_set_t *all, int processor)
{
	while (++processor < CPU_SETSIZE)
		if (CPU_ISSET(processor, all))
			return processor;
	return -1;
}

struct xqk_pool *xqk_pool_create(unsigned int threads, bool pin)
{
	struct xqk_pool *pool = calloc(1, sizeof(*pool));
	int processor = -1;
	cpu_set_t all;
	unsigned int i;

	pin = pin && !sched_getaffinity(0, sizeof(all), &all) &&
	      (unsigned int)CPU_COUNT(&all) == threads;

	if (!pool)
		return NULL;
	pool->worker = calloc(threads, sizeof(*pool->worker));
	if (!pool->worker) {
		free(pool);
		return NULL;
	}
	pthread_mutex_init(&pool->lock, NULL);
	pool->last = &pool->first;
	pool->helper.pool = pool;
	pool->helper.bytes = XQK_LEAST_SCRATCH;
	/* Without it nobody can help. */
	pool->helper.scratch = aligned_alloc(4096, pool->helper.bytes);
	for (i = 0; i < threads; i++) {
		struct xqk_worker *worker = &pool->worker[i];

		worker->pool = pool;
		pthread_cond_init(&worker->wake, NULL);
		worker->processor = processor = pin ? next_processor(&all, processor) : -1;
		worker->bytes = XQK_LEAST_SCRATCH;
		worker->scratch = aligned_alloc(4096, worker->bytes);
		if (!worker->scratch || start_worker(worker)) {
			free(worker->scratch);
			worker->scratch = NULL;
			pthread_cond_destroy(&worker->wake);
			xqk_pool_destroy(pool);
			return NULL;
		}
		pool->threads = i + 1;
	}
	return pool;
}

void xqk_pool_destroy(struct xqk_pool *pool)
{
	unsigned int i;

	stop_workers(pool);
	for (i = 0; i < pool->threads; i++) {
		free(pool->worker[i].scratch);
		pthread_cond_destroy(&pool->worker[i].wake);
	}
	free(pool->helper.scratch);
	pthread_mutex_destroy(&pool->lock);
	free(pool->worker);
	free(pool);
}

unsigned int xqk_pool_threads(const struct xqk_pool *pool)
{
	return pool->threads;
}

void xqk_pool_submit(struct xqk_pool *pool, struct xqk_task *task)
{
	const uint32_t chunks = task_chunks(task);
	uint32_t wanted;

	task->next = NULL;
	atomic_store_explicit(&task->next_chunk, 0, memory_order_relaxed);
	atomic_store_explicit(&task->left, chunks, memory_order_relaxed);
	pthread_mutex_lock(&pool->lock);
	*pool->last = task;
	pool->last = &task->next;
	atomic_fetch_add_explicit(&pool->posted, 1, memory_order_release);
	/* Who helps and has nothing to do takes the first chunk. */
	wanted = replaced(pool) ? 0 : pool->helped && !pool->helper.busy ? chunks - 1 : chunks;
	if (wanted)
		wake(pool, wanted);
	pthread_mutex_unlock(&pool->lock);
}

struct waiter {
	pthread_mutex_t lock;	/* Protects ended. */
	pthread_cond_t cond;
	bool ended;
};

static void wake_waiter(struct xqk_task *task, void *arg)
{
	struct waiter *waiter = arg;

	(void)task;
	pthread_mutex_lock(&waiter->lock);
	waiter->ended = true;
	pthread_cond_signal(&waiter->cond);
	pthread_mutex_unlock(&waiter->lock);
}

void xqk_pool_run(struct xqk_pool *pool, struct xqk_task *task)
{
	struct waiter waiter = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };

	task->done = wake_waiter;
	task->arg = &waiter;
	xqk_pool_submit(pool, task);
	pthread_mutex_lock(&waiter.lock);
	while (!waiter.ended)
		pthread_cond_wait(&waiter.cond, &waiter.lock);
	pthread_mutex_unlock(&waiter.lock);
	pthread_cond_destroy(&waiter.cond);
	pthread_mutex_destroy(&waiter.lock);
}
