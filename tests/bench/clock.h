/* SPDX-License-Identifier: MIT */
#ifndef XQ_BENCH_CLOCK_H
#define XQ_BENCH_CLOCK_H

#include <time.h>

/*
 * CLOCK_THREAD_CPUTIME_ID for what one thread does: on a machine that has other work too, time in
 * which the thread did not run tells nothing of it. CLOCK_MONOTONIC for more threads.
 */
static inline double seconds_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
