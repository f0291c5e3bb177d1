/* SPDX-License-Identifier: MIT */
/*
 * Threads for what the host computes between products. They sleep while the device works, because
 * the software device needs the processors then.
 */
#ifndef XQG_POOL_H
#define XQG_POOL_H

#include <stddef.h>

struct xqg_pool;

/*
 * As many threads as the process may use processors, the caller's among them; NULL without memory.
 */
struct xqg_pool *xqg_pool_create(void);

/* NULL does nothing. */
void xqg_pool_destroy(struct xqg_pool *pool);

/* Between runs only. */
void xqg_pool_set_threads(struct xqg_pool *pool, unsigned int threads);
unsigned int xqg_pool_threads(const struct xqg_pool *pool);

/*
 * Calls @part once for each of @parts numbers, in any order, from several threads; @thread is lower
 * than xqg_pool_threads(). Returns when all have returned. One part is called by the caller's
 * thread, without a lock. When a thread can't be had there is one less.
 */
void xqg_pool_run(struct xqg_pool *pool, size_t parts,
		  void (*part)(void *arg, size_t part, unsigned int thread), void *arg);

/*
 * @bytes for each thread, aligned to cache lines, until the next call; what is in them is
 * undefined. NULL without memory.
 */
void *xqg_pool_scratch(struct xqg_pool *pool, size_t bytes);

#endif
