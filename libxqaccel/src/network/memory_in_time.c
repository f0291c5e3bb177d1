// SPDX-License-Identifier: MIT
/*
 * Placing extents as they come into use. Memory is a list of blocks, free ones and those in use, by
 * address; the free ones are in a tree, too, ordered by size, so that the tightest is found without looking at all.
 * The tree is a treap: a search tree by size that is a heap by random numbers, which keep it flat.
 */
#include <stdlib.h>

#include "memory.h"

/* Blocks are named by numbers from 1; 0 is none. */
struct block {
	size_t offset, bytes;
	unsigned int before, behind;	/* by address */
	bool free;
	unsigned int less, more;	/* in the tree */
	uint32_t rank;
};

struct pool {
	struct block *block;
	unsigned int blocks, spare, last, root;	/* spare: a list of numbers not in use, by behind */
	uint64_t random;
};

/* ---- the tree ------------------------------------------------------------------------------------- */

/* Whether a block comes before one of that size and place. */
static bool precedes(const struct block *b, size_t bytes, size_t offset)
{
	return b->bytes != bytes ? b->bytes < bytes : b->offset < offset;
}

/* Blocks that come before a size and place, and the others. */
static void split(struct pool *p, unsigned int tree, size_t bytes, size_t offset, unsigned int *less, unsigned int *more)
{
	while (tree) {
		struct block *b = &p->block[tree];

		if (precedes(b, bytes, offset)) {
			*less = tree;
			less = &b->more;
			tree = b->more;
		} else {
			*more = tree;
			more = &b->less;
			tree = b->less;
		}
	}
	*less = *more = 0;
}

/* All of one come before all of the other. */
static unsigned int join(struct pool *p, unsigned int less, unsigned int more)
{
	unsigned int root = 0, *at = &root;

	while (less && more) {
		if (p->block[less].rank > p->block[more].rank) {
			*at = less;
			at = &p->block[less].more;
			less = *at;
		} else {
			*at = more;
			at = &p->block[more].less;
			more = *at;
		}
	}
	*at = less ? less : more;
	return root;
}

static void set_free(struct pool *p, unsigned int number)
{
	struct block *b = &p->block[number];
	unsigned int less, more;

	b->free = true;
	b->less = b->more = 0;
	split(p, p->root, b->bytes, b->offset, &less, &more);
	p->root = join(p, join(p, less, number), more);
}

static void set_used(struct pool *p, unsigned int number)
{
	struct block *b = &p->block[number];
	unsigned int less, more, one, rest;

	b->free = false;
	split(p, p->root, b->bytes, b->offset, &less, &more);
	split(p, more, b->bytes, b->offset + 1, &one, &rest);
	p->root = join(p, less, rest);
}

/* The smallest of at least so many bytes, the first of those, or 0. */
static unsigned int tightest(const struct pool *p, size_t bytes)
{
	unsigned int tree = p->root, found = 0;

	while (tree) {
		const struct block *b = &p->block[tree];

		if (b->bytes >= bytes)
			found = tree;
		tree = b->bytes >= bytes ? b->less : b->more;
	}
	return found;
}

/* ---- the list ------------------------------------------------------------------------------------- */

/* A block behind another, 0 for the first; there are enough for all extents and what is free between them. */
static unsigned int new_block(struct pool *p, unsigned int before, size_t offset, size_t bytes)
{
	const unsigned int number = p->spare ? p->spare : ++p->blocks;
	struct block *b = &p->block[number];
	const unsigned int behind = before ? p->block[before].behind : 0;

	if (p->spare)
		p->spare = b->behind;
	p->random = p->random * 6364136223846793005ULL + 1442695040888963407ULL;
	*b = (struct block){ .offset = offset, .bytes = bytes, .before = before, .behind = behind,
			     .rank = (uint32_t)(p->random >> 32) };
	if (before)
		p->block[before].behind = number;
	if (behind)
		p->block[behind].before = number;
	else
		p->last = number;
	return number;
}

/* A block takes in the one behind it. */
static void take_in(struct pool *p, unsigned int number)
{
	struct block *b = &p->block[number];
	const unsigned int gone = b->behind;

	b->bytes += p->block[gone].bytes;
	b->behind = p->block[gone].behind;
	if (b->behind)
		p->block[b->behind].before = number;
	else
		p->last = number;
	p->block[gone].behind = p->spare;
	p->spare = gone;
}

static unsigned int take(struct pool *p, size_t bytes)
{
	unsigned int number = tightest(p, bytes);
	struct block *b;
	size_t left;

	/* What is free at the end grows. */
	if (!number && p->last && p->block[p->last].free) {
		number = p->last;
		set_used(p, number);
		p->block[number].bytes = bytes;
		return number;
	}
	if (!number)
		return new_block(p, p->last, p->last ? xqn_sum(p->block[p->last].offset, p->block[p->last].bytes) : 0, bytes);
	set_used(p, number);
	b = &p->block[number];
	left = b->bytes - bytes;
	b->bytes = bytes;
	if (left)
		set_free(p, new_block(p, number, b->offset + bytes, left));
	return number;
}

static void give_back(struct pool *p, unsigned int number)
{
	const unsigned int before = p->block[number].before, behind = p->block[number].behind;

	if (behind && p->block[behind].free) {
		set_used(p, behind);
		take_in(p, number);
	}
	if (before && p->block[before].free) {
		set_used(p, before);
		take_in(p, before);
		number = before;
	}
	set_free(p, number);
}

/* ---- all of it -------------------------------------------------------------------------------------- */

static size_t largest_align(const struct xqn_extent *extent, unsigned int count)
{
	size_t most = XQN_ALIGN;
	unsigned int i;

	for (i = 0; i < count; i++)
		most = extent[i].align > most ? extent[i].align : most;
	return most;
}

bool xqn_place_in_time(struct xqn_extent *extent, unsigned int count, const unsigned int *rank,
		       const unsigned int *end, size_t *bytes)
{
	const size_t align = largest_align(extent, count);
	struct pool p = { .block = calloc(2 * (size_t)count + 2, sizeof(*p.block)), .random = 1 };
	unsigned int *at = calloc((size_t)count + 1, sizeof(*at)), i, over = 0;
	const bool good = p.block && at;

	*bytes = 0;
	for (i = 0; i < count && good && *bytes < SIZE_MAX; i++) {
		struct xqn_extent *e = &extent[rank[i]];

		for (; extent[end[over]].last < e->first; over++)
			give_back(&p, at[end[over]]);
		/* One without bytes is somewhere, too. */
		at[rank[i]] = take(&p, xqn_rounded(e->bytes ? e->bytes : 1, align));
		e->offset = p.block[at[rank[i]]].offset;
		if (xqn_sum(e->offset, e->bytes) > *bytes)
			*bytes = xqn_sum(e->offset, e->bytes);
	}
	*bytes = xqn_rounded(*bytes, XQN_ALIGN);
	free(p.block);
	free(at);
	return good;
}
