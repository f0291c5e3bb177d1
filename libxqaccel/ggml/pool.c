// SPDX-License-Identifier: MIT
/*
 * Parts are taken from a counter, so a thread that the system is late to run costs nothing: others
 * take its parts. A run ends when no thread is in it any more, whether all were or not.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "libxqaccel/src/ops/parallel.h"
#include "pool.h"

#define MOST_THREADS	256
#define CACHE_LINE	64

/* Looks at a flag before a thread sleeps: some ten microseconds, as long as a wake-up takes. */
#define LOOKS		256

/**
 * struct xqg_pool - threads and what they run
 * @threads: with the caller's
 * @started: other threads that there are
 * @lock: protects @open, @stop, @inside and the starts of runs
 * @open: whether there is a run that a thread may enter
 * @inside: threads other than the caller's that are in it
 * @run: counts runs
 * @next: the first part that nobody has taken
 */
struct xqg_pool {
	unsigned int threads, started;
	pthread_t thread[MOST_THREADS];
	pthread_mutex_t lock;
	pthread_cond_t begin, end;
	bool open, stop;
	atomic_uint inside, run;
	atomic_size_t next;
	size_t parts;
	void (*part)(void *arg, size_t part, unsigned int thread);
	void *arg;
	void *scratch;
	size_t scratch_bytes;
};

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static void take_parts(struct xqg_pool *pool, unsigned int thread)
{
	size_t i;

	while ((i = atomic_fetch_add(&pool->next, 1)) < pool->parts)
		pool->part(pool->arg, i, thread);
}

/* The number of a run that @seen isn't, or 0 at the end. */
static unsigned int await_run(struct xqg_pool *pool, unsigned int seen)
{
	int looks;

	for (looks = 0; looks < LOOKS && atomic_load(&pool->run) == seen; looks++)
		relax();
	pthread_mutex_lock(&pool->lock);
	while (!pool->stop && (!pool->open || atomic_load(&pool->run) == seen))
		pthread_cond_wait(&pool->begin, &pool->lock);
	seen = pool->stop ? 0 : atomic_load(&pool->run);
	if (seen)
		atomic_fetch_add(&pool->inside, 1);
	pthread_mutex_unlock(&pool->lock);
	return seen;
}

struct start {
	struct xqg_pool *pool;
	unsigned int number;
};

static void *thread_main(void *arg)
{
	const struct start start = *(struct start *)arg;
	struct xqg_pool *pool = start.pool;
	unsigned int seen = 0;

	free(arg);
	while ((seen = await_run(pool, seen))) {
		take_parts(pool, start.number);
		pthread_mutex_lock(&pool->lock);
		if (atomic_fetch_sub(&pool->inside, 1) == 1)
			pthread_cond_signal(&pool->end);
		pthread_mutex_unlock(&pool->lock);
	}
	return NULL;
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* Signals are for the program's own threads. */
static void start_threads(struct xqg_pool *pool)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->started + 1 < pool->threads) {
		struct start *start = malloc(sizeof(*start));

		if (start)
			*start = (struct start){ pool, pool->started + 1 };
		if (!start ||
		    pthread_create(&pool->thread[pool->started], NULL, thread_main, start)) {
			free(start);
			break;
		}
		pool->started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void open_run(struct xqg_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	/* 0 is the end. */
	if (atomic_fetch_add(&pool->run, 1) == UINT_MAX)
		atomic_store(&pool->run, 1);
	pool->open = true;
	pthread_cond_broadcast(&pool->begin);
	pthread_mutex_unlock(&pool->lock);
}

static void close_run(struct xqg_pool *pool)
{
	int looks;

	for (looks = 0; looks < LOOKS && atomic_load(&pool->inside); looks++)
		relax();
	pthread_mutex_lock(&pool->lock);
	pool->open = false;
	while (atomic_load(&pool->inside))
		pthread_cond_wait(&pool->end, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

void xqg_pool_run(struct xqg_pool *pool, size_t parts,
		  void (*part)(void *arg, size_t part, unsigned int thread), void *arg)
{
	size_t i;

	if (parts > 1 && pool->started + 1 < pool->threads)
		start_threads(pool);
	if (parts < 2 || !pool->started) {
		for (i = 0; i < parts; i++)
			part(arg, i, 0);
		return;
	}
	pool->part = part;
	pool->arg = arg;
	pool->parts = parts;
	atomic_store(&pool->next, 0);
	open_run(pool);
	take_parts(pool, 0);
	close_run(pool);
}

void *xqg_pool_scratch(struct xqg_pool *pool, size_t bytes)
{
	const size_t all = bytes * pool->threads;

	if (all > pool->scratch_bytes) {
		free(pool->scratch);
		pool->scratch =
			aligned_alloc(CACHE_LINE, (all + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
		pool->scratch_bytes = pool->scratch ? all : 0;
	}
	return pool->scratch;
}

/* ---- pools ----------------------------------------------------------------------------------- */

struct xqg_pool *xqg_pool_create(void)
{
	struct xqg_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->begin, NULL);
	pthread_cond_init(&pool->end, NULL);
	xqg_pool_set_threads(pool, xq_processors());
	return pool;
}

static void stop_threads(struct xqg_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->begin);
	pthread_mutex_unlock(&pool->lock);
	while (pool->started)
		pthread_join(pool->thread[--pool->started], NULL);
	pool->stop = false;
}

void xqg_pool_set_threads(struct xqg_pool *pool, unsigned int threads)
{
	threads = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
	if (threads < pool->threads)
		stop_threads(pool);
	pool->threads = threads;
}

unsigned int xqg_pool_threads(const struct xqg_pool *pool)
{
	return pool->threads;
}

void xqg_pool_destroy(struct xqg_pool *pool)
{
	if (!pool)
		return;
	stop_threads(pool);
	pthread_cond_destroy(&pool->end);
	pthread_cond_destroy(&pool->begin);
	pthread_mutex_destroy(&pool->lock);
	free(pool->scratch);
	free(pool);
}
