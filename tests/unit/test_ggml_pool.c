// SPDX-License-Identifier: GPL-2.0
/* The plugin's threads: in every run all of them, each part once, scratch memory of their own. */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "ktap.h"
#include "libxqaccel/ggml/pool.h"

#define THREADS	3
#define PARTS	1000

/* As long as a machine that is very busy may need to wake a thread. */
#define PATIENCE_S	10

struct meeting {
	atomic_uint here;
	atomic_uint seen[THREADS];
};

/* Nobody leaves before all are there, so that each part has a thread of its own. */
static void meet(void *arg, size_t part, unsigned int thread)
{
	const struct timespec moment = { .tv_nsec = 100000 };
	struct meeting *m = arg;
	struct timespec now, start;

	(void)part;
	atomic_fetch_add(&m->seen[thread], 1);
	atomic_fetch_add(&m->here, 1);
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		nanosleep(&moment, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (atomic_load(&m->here) < THREADS && now.tv_sec - start.tv_sec < PATIENCE_S);
}

static void every_run_has_all_threads(void)
{
	struct xqg_pool *pool = xqg_pool_create();
	unsigned int run, i;

	EXPECT(pool, "no pool");
	xqg_pool_set_threads(pool, THREADS);
	for (run = 0; run < 20; run++) {
		struct meeting m = { 0 };

		xqg_pool_run(pool, THREADS, meet, &m);
		for (i = 0; i < THREADS; i++)
			EXPECT(atomic_load(&m.seen[i]) == 1, "run %u: thread %u has %u parts",
			       run, i, atomic_load(&m.seen[i]));
		if (atomic_load(&m.seen[0]) != 1)
			break;
	}
	xqg_pool_destroy(pool);
}

struct parts {
	struct xqg_pool *pool;
	uint8_t *scratch;
	size_t scratch_bytes;
	atomic_uint done[PARTS];
	atomic_uint wrong;
};

static void mark(void *arg, size_t part, unsigned int thread)
{
	struct parts *p = arg;
	uint8_t *own = p->scratch + thread * p->scratch_bytes;
	size_t i;

	memset(own, (int)thread, p->scratch_bytes);
	atomic_fetch_add(&p->done[part], 1);
	for (i = 0; i < p->scratch_bytes; i++)
		if (own[i] != thread)
			atomic_fetch_add(&p->wrong, 1);
}

/* With more and fewer threads from run to run, and fewer parts than threads. */
static void each_part_once(void)
{
	struct parts p = { .pool = xqg_pool_create(), .scratch_bytes = 192 };
	unsigned int run, i;

	EXPECT(p.pool, "no pool");
	for (run = 0; run < 400; run++) {
		const size_t parts = run % 5 ? 1 + run * 7 % PARTS : run % 3;

		if (run % 40 == 0)
			xqg_pool_set_threads(p.pool, 1 + run / 40 % 5);
		p.scratch = xqg_pool_scratch(p.pool, p.scratch_bytes);
		EXPECT(p.scratch && !((uintptr_t)p.scratch % 64), "scratch memory");
		for (i = 0; i < PARTS; i++)
			atomic_store(&p.done[i], 0);
		xqg_pool_run(p.pool, parts, mark, &p);
		for (i = 0; i < PARTS; i++)
			EXPECT(atomic_load(&p.done[i]) == (i < parts), "run %u: part %u %u times",
			       run, i, atomic_load(&p.done[i]));
	}
	EXPECT(!atomic_load(&p.wrong), "scratch memory of another thread");
	xqg_pool_destroy(p.pool);
	xqg_pool_destroy(NULL);
}

KTAP_MAIN({ "every run has all threads", every_run_has_all_threads },
	  { "each part once", each_part_once })
