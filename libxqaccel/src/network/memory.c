// SPDX-License-Identifier: MIT
/*
 * Memory between operators: every tensor has its place for as long as it is needed, and no longer. Placing them
 * one after the other, each in the tightest gap between those that live at the same time, comes close to
 * the bound of what lives at once when large ones, or those that live long, go first. Which of these orders is
 * best depends on the network, so all are tried, and the best is improved by a few changes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

enum order {
	BY_BYTES,
	BY_AREA,	/* bytes x steps */
	BY_STEPS,
	BY_FIRST,
	ORDERS
};

struct placing {
	struct xqn_extent *extent;
	unsigned int *rank;	/* which comes when */
	unsigned int *placed;	/* those that have offsets, lowest first */
	size_t *offset;
};

/* Sums stay at SIZE_MAX, which no memory has. */
static size_t sum_of(size_t a, size_t b)
{
	size_t sum;

	return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

static size_t rounded(size_t bytes, size_t to)
{
	const size_t up = sum_of(bytes, to - 1);

	return up == SIZE_MAX ? SIZE_MAX : up / to * to;
}

static bool meet(const struct xqn_extent *a, const struct xqn_extent *b)
{
	return a->first <= b->last && b->first <= a->last;
}

static size_t most_at_once(const struct xqn_extent *extent, unsigned int count)
{
	size_t most = 0;
	unsigned int i, j;

	/* Something begins where the most is in use. */
	for (i = 0; i < count; i++) {
		size_t sum = 0;

		for (j = 0; j < count; j++)
			if (extent[j].first <= extent[i].first && extent[i].first <= extent[j].last)
				sum = sum_of(sum, rounded(extent[j].bytes, XQN_ALIGN));
		most = sum > most ? sum : most;
	}
	return most;
}

/* ---- one order -------------------------------------------------------------------------------- */

static uint64_t weight(const struct xqn_extent *e, enum order order)
{
	const uint64_t steps = (uint64_t)(e->last - e->first) + 1;

	switch (order) {
	case BY_BYTES:
		return e->bytes;
	case BY_AREA:
		return steps * (e->bytes >> 6);
	case BY_STEPS:
		return steps;
	default:
		return UINT32_MAX - (uint64_t)e->first;
	}
}

static bool before(const struct xqn_extent *a, const struct xqn_extent *b, enum order order)
{
	const uint64_t x = weight(a, order), y = weight(b, order);

	return x != y ? x > y : a->bytes > b->bytes;
}

static void sort(struct placing *p, unsigned int count, enum order order)
{
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		for (j = i; j && before(&p->extent[i], &p->extent[p->rank[j - 1]], order); j--)
			p->rank[j] = p->rank[j - 1];
		p->rank[j] = i;
	}
}

/* The tightest gap between what lives at the same time, or behind all of it. */
static size_t find(const struct placing *p, unsigned int count, const struct xqn_extent *e)
{
	size_t end = 0, best = SIZE_MAX, gap = SIZE_MAX;
	unsigned int i;

	for (i = 0; i < count; i++) {
		const unsigned int other = p->placed[i];
		const size_t at = rounded(end, e->align), from = p->offset[other];

		if (!meet(&p->extent[other], e))
			continue;
		if (from >= at && from - at >= e->bytes && from - at < gap) {
			gap = from - at;
			best = at;
		}
		if (sum_of(from, p->extent[other].bytes) > end)
			end = sum_of(from, p->extent[other].bytes);
	}
	return best == SIZE_MAX ? rounded(end, e->align) : best;
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
		if (sum_of(at, p->extent[which].bytes) > bytes)
			bytes = sum_of(at, p->extent[which].bytes);
	}
	return rounded(bytes, XQN_ALIGN);
}

/* ---- the best order ----------------------------------------------------------------------------- */

#define MOST_SWAPS	400

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

size_t xqn_pack_memory(struct xqn_extent *extent, unsigned int count, size_t *live)
{
	struct placing p = {
		.extent = extent, .rank = calloc(count + 1, sizeof(*p.rank)),
		.placed = calloc(count + 1, sizeof(*p.placed)), .offset = calloc(count + 1, sizeof(*p.offset)),
	};
	const bool good = p.rank && p.placed && p.offset;
	size_t best = SIZE_MAX;
	int order, which = 0;

	*live = good ? most_at_once(extent, count) : 0;
	for (order = 0; order < ORDERS && good && best > *live; order++) {
		sort(&p, count, (enum order)order);
		if (try_order(&p, count, &best))
			which = order;
	}
	if (good && best > *live) {
		sort(&p, count, (enum order)which);
		improve(&p, count, *live, &best);
	}
	free(p.rank);
	free(p.placed);
	free(p.offset);
	return best;
}
