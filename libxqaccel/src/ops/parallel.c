// SPDX-License-Identifier: MIT
/* Threads that live for one call: large outputs take milliseconds, a thread microseconds. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

#include "parallel.h"

#define MOST_THREADS 32

struct part {
	void (*work)(void *arg, size_t first, size_t last);
	void *arg;
	size_t first, last;
	pthread_t thread;
	bool started;
};

unsigned int xq_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

static void *run(void *arg)
{
	struct part *part = arg;

	part->work(part->arg, part->first, part->last);
	return NULL;
}

void xq_parallel(size_t units, unsigned int threads,
		 void (*work)(void *arg, size_t first, size_t last), void *arg)
{
	struct part parts[MOST_THREADS];
	sigset_t all, old;

	if (!threads)
		threads = xq_processors();
	if (threads > MOST_THREADS)
		threads = MOST_THREADS;
	if (threads > units)
		threads = (unsigned int)units;
	if (threads <= 1) {
		if (units)
			work(arg, 0, units);
		return;
	}
	/* Signals are the business of the caller's threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned int t = 0; t < threads; t++) {
		struct part *part = &parts[t];

		*part = (struct part){ .work = work, .arg = arg };
		part->first = units / threads * t + (t < units % threads ? t : units % threads);
		part->last = part->first + units / threads + (t < units % threads);
		part->started = t && !pthread_create(&part->thread, NULL, run, part);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	for (unsigned int t = 0; t < threads; t++) {
		if (!parts[t].started)
			run(&parts[t]);
	}
	for (unsigned int t = 1; t < threads; t++) {
		if (parts[t].started)
			pthread_join(parts[t].thread, NULL);
	}
}
