// SPDX-License-Identifier: MIT
/* Threads that take pieces from a common counter. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "parallel.h"

#define MAX_THREADS 64

struct crew {
	lab_task task;
	void *argument;
	size_t n;
	atomic_size_t next;
	atomic_bool failed;
};

static void *worker(void *argument)
{
	struct crew *crew = argument;
	size_t i;

	while ((i = atomic_fetch_add(&crew->next, 1)) < crew->n && !atomic_load(&crew->failed))
		if (!crew->task(crew->argument, i))
			atomic_store(&crew->failed, true);
	return NULL;
}

/* As taskset allows, so that a run with one thread can be had for comparison. */
static long processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

bool lab_parallel(size_t n, lab_task task, void *argument)
{
	struct crew crew = { .task = task, .argument = argument, .n = n };
	long wanted = processors(), started = 0;
	pthread_t threads[MAX_THREADS];

	while (started < wanted - 1 && started < MAX_THREADS && (size_t)started + 1 < n &&
	       !pthread_create(&threads[started], NULL, worker, &crew))
		started++;
	worker(&crew);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	return !crew.failed;
}
