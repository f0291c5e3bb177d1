/* SPDX-License-Identifier: MIT */
/* Work on a range by a few threads. Internal. */
#ifndef XQ_OPS_PARALLEL_H
#define XQ_OPS_PARALLEL_H

#include <stddef.h>

/* How many processors the calling thread may use; 1 if nobody knows. */
unsigned int xq_processors(void);

/**
 * xq_parallel() - work(arg, first, last) for parts that together are [0, units)
 * @threads: most threads; 0 for one per processor that this process may use. Where a thread
 *	can't be had, the caller does its part
 */
void xq_parallel(size_t units, unsigned int threads,
		 void (*work)(void *arg, size_t first, size_t last), void *arg);

#endif
