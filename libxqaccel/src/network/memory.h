/* SPDX-License-Identifier: MIT */
/* Memory between operators: what its ways to place extents share. Internal. */
#ifndef XQ_NETWORK_MEMORY_H
#define XQ_NETWORK_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

/* Orders of extents; the last two go with time. */
enum xqn_order {
	XQN_BY_BYTES,
	XQN_BY_AREA,	/* bytes x steps */
	XQN_BY_STEPS,
	XQN_BY_FIRST,
	XQN_ORDERS,
	XQN_BY_LAST = XQN_ORDERS,
};

/* Sums stay at SIZE_MAX, which no memory has. */
static inline size_t xqn_sum(size_t a, size_t b)
{
	size_t sum;

	return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

static inline size_t xqn_rounded(size_t bytes, size_t to)
{
	const size_t up = xqn_sum(bytes, to - 1);

	return up == SIZE_MAX ? SIZE_MAX : up / to * to;
}

/* Sets rank, of count elements, to the numbers of extents in an order. False if there is no memory. */
bool xqn_sort_extents(const struct xqn_extent *extent, unsigned int count, enum xqn_order order, unsigned int *rank);

/*
 * Places extents as they come into use, each in the tightest gap that those in use leave, in a time of
 * count x log count; rank is that by first, end that by last. Sets the bytes of all, SIZE_MAX if they are more
 * than there are addresses. False if there is no memory.
 */
bool xqn_place_in_time(struct xqn_extent *extent, unsigned int count, const unsigned int *rank,
		       const unsigned int *end, size_t *bytes);

#endif
