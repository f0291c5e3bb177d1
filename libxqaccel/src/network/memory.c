// SPDX-License-Identifier: MIT
/*
 * Memory between operators: every tensor has its place for as long as it is needed, and no longer. Placing them
 * one after the other, each in the tightest gap between those that live at the same time, comes close to
 * the bound of what lives at once when large ones, or those that live long, go first. Which of these orders is
 * best depends on the network, so all are tried, and the best is improved by a few changes. Very many are placed as
 * they come into use (memory_in_time.c).
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct placing {
	struct xqn_extent *extent;
	unsigned int *rank;	/* which comes when */
	unsigned int *placed;	/* those that have offsets, lowest first */
	size_t *offset;
};

static bool meet(const struct xqn_extent *a, const struct xqn_extent *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* Something begins where the most is in use. Sums that were full stay so. */
static size_t most_at_once(const struct xqn_extent *extent, unsigned int count, const unsigned int *rank,
			   const unsigned int *end)
{
	size_t most = 0, sum = 0;
	unsigned int i, over = 0;

	for (i = 0; i < count && sum < SIZE_MAX; i++) {
		for (; extent[end[over]].last < extent[rank[i]].first; over++)
			sum -= xqn_rounded(extent[end[over]].bytes, XQN_ALIGN);
		sum = xqn_sum(sum, xqn_rounded(extent[rank[i]].bytes, XQN_ALIGN));
		most = sum > most ? sum : most;
	}
	return most;
}

/* ---- one order -------------------------------------------------------------------------------- */

struct key {
	uint64_t weight;
	size_t bytes;
	unsigned int number;
};

static uint64_t weight(const struct xqn_extent *e, enum xqn_order order)
{
	const uint64_t steps = (uint64_t)(e->last - e->first) + 1;

	switch (order) {
	case XQN_BY_BYTES:
		return e->bytes;
	case XQN_BY_AREA:
		return steps * (e->bytes >> 6);
	case XQN_BY_STEPS:
		return steps;
	case XQN_BY_FIRST:
		return UINT32_MAX - (uint64_t)e->first;
	default:
		return UINT32_MAX - (uint64_t)e->last;
	}
}

/* The heavier, then the larger, then the former. */
static int compare(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

bool xqn_sort_extents(const struct xqn_extent *extent, unsigned int count, enum xqn_order order, unsigned int *rank)
{
	struct key *key = calloc((size_t)count + 1, sizeof(*key));
	unsigned int i;

	if (!key)
		return false;
	for (i = 0; i < count; i++)
		key[i] = (struct key){ weight(&extent[i], order), extent[i].bytes, i };
	qsort(key, count, sizeof(*key), compare);
	for (i = 0; i < count; i++)
		rank[i] = key[i].number;
	free(key);
	return true;
}

/* The tightest gap between what lives at the same time, or behind all of it. */
static size_t find(const struct placing *p, unsigned int count, const struct xqn_extent *e)
{
	size_t end = 0, best = SIZE_MAX, gap = SIZE_MAX;
	unsigned int i;

	for (i = 0; i < count; i++) {
		const unsigned int other = p->placed[i];
		const size_t at = xqn_rounded(end, e->align), from = p->offset[other];

		if (!meet(&p->extent[other], e))
			continue;
		if (from >= at && from - at >= e->bytes && from - at < gap) {
			gap = from - at;
			best = at;
		}
		if (xqn_sum(from, p->extent[other].bytes) > end)
			end = xqn_sum(from, p->extent[other].bytes);
	}
	return best == SIZE_MAX ? xqn_rounded(end, e->align) : best;
}

static size_t place(struct placing *p, unsigned int count)
{
	size_t bytes = 0;
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		const unsigned int which = p->rank[i];
		const size_t at = find(p, i, &p->extent[which]);

		p->offset[which] = at;
		for (j = i; j && p->offset[p->placed[j - 1]] > at; j--)
			p->placed[j] = p->placed[j - 1];
		p->placed[j] = which;
		if (xqn_sum(at, p->extent[which].bytes) > bytes)
			bytes = xqn_sum(at, p->extent[which].bytes);
	}
	return xqn_rounded(bytes, XQN_ALIGN);
}

/* ---- the best order ----------------------------------------------------------------------------- */

#define MOST_SWAPS	400

/* An order takes a time that grows with the square of what is placed; of more than these, only the one by time is made. */
#define MOST_TRIED	4096

/* Places all in the order of rank, and keeps the offsets if that is better. */
static bool try_order(struct placing *p, unsigned int count, size_t *best)
{
	const size_t bytes = place(p, count);
	unsigned int i;

	if (bytes >= *best)
		return false;
	*best = bytes;
	for (i = 0; i < count; i++)
		p->extent[i].offset = p->offset[i];
	return true;
}

static void swap(struct placing *p, unsigned int i, unsigned int j)
{
	const unsigned int rank = p->rank[i];

	p->rank[i] = p->rank[j];
	p->rank[j] = rank;
}

/* Two change places in the order, as long as something is gained; the numbers are random, and always the same. */
static void improve(struct placing *p, unsigned int count, size_t live, size_t *best)
{
	const uint64_t work = 1ULL << 24;	/* steps of the search, a fraction of a second */
	uint64_t tries = work / ((uint64_t)count * count + 1), random = 1;

	if (tries > MOST_SWAPS)
		tries = MOST_SWAPS;
	for (; tries && *best > live && count > 1; tries--) {
		unsigned int i, j;

		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		i = (unsigned int)((random >> 32) % count);
		j = (unsigned int)((random >> 8) % count);
		swap(p, i, j);
		if (!try_order(p, count, best))
			swap(p, i, j);
	}
}

/* All orders, and changes of the best. False if there is no memory. */
static bool try_orders(struct placing *p, unsigned int count, size_t live, size_t *best)
{
	int order, which = 0;

	*best = SIZE_MAX;
	for (order = 0; order < XQN_ORDERS && *best > live; order++) {
		if (!xqn_sort_extents(p->extent, count, (enum xqn_order)order, p->rank))
			return false;
		if (try_order(p, count, best))
			which = order;
	}
	if (*best <= live)
		return true;
	if (!xqn_sort_extents(p->extent, count, (enum xqn_order)which, p->rank))
		return false;
	improve(p, count, live, best);
	return true;
}

size_t xqn_pack_memory(struct xqn_extent *extent, unsigned int count, size_t *live)
{
	struct placing p = {
		.extent = extent, .rank = calloc((size_t)count + 1, sizeof(*p.rank)),
		.placed = calloc((size_t)count + 1, sizeof(*p.placed)), .offset = calloc((size_t)count + 1, sizeof(*p.offset)),
	};
	size_t best = SIZE_MAX;
	bool good = false;

	*live = 0;
	/* Until they are placed, placed has them by last. */
	if (p.rank && p.placed && p.offset && xqn_sort_extents(extent, count, XQN_BY_FIRST, p.rank) &&
	    xqn_sort_extents(extent, count, XQN_BY_LAST, p.placed)) {
		*live = most_at_once(extent, count, p.rank, p.placed);
		good = count <= MOST_TRIED ? try_orders(&p, count, *live, &best) :
		       xqn_place_in_time(extent, count, p.rank, p.placed, &best);
	}
	free(p.rank);
	free(p.placed);
	free(p.offset);
	if (good)
		return best;
	*live = 0;
	return SIZE_MAX;
}
