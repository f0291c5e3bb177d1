/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the jobs of a program do to memory, taken together: what they reach of each buffer and
 * slot, and whether a program that was stopped in its middle can run again from its start.
 * The driver and the software backend decide it with the same code.
 *
 * A program can be repeated if nothing that it reads from outside is changed by it. So two sets of
 * ranges are kept while its jobs are looked at in their order: what was read before the program had
 * written it (more than that, where one can't tell), and what the program has written without a gap
 * (less than that). A job that writes where the first set is spoils the repetition. To accumulate
 * is to read and write.
 */
#ifndef XQ_PROGRAM_FLOW_H
#define XQ_PROGRAM_FLOW_H

#ifndef __KERNEL__
#include <string.h>
#endif

#include "xq_work.h"

/* Ranges of a set. A program that needs more counts as one that can't be repeated. */
#define XQ_FLOW_RANGES		4096

struct xq_hull {
	__u64 first, end;	/* empty if they are the same */
};

static inline void xq_hull_add(struct xq_hull *hull, __u64 first, __u64 end)
{
	if (first == end)
		return;
	if (hull->first == hull->end) {
		*hull = (struct xq_hull){ first, end };
		return;
	}
	hull->first = first < hull->first ? first : hull->first;
	hull->end = end > hull->end ? end : hull->end;
}

static inline bool xq_hulls_meet(const struct xq_hull *a, const struct xq_hull *b)
{
	return a->first < b->end && b->first < a->end;
}

/**
 * struct xq_use - what a program does with a buffer, or with a slot
 * @read: bytes between the first and the last one that its jobs read
 * @written: bytes between the first and the last one that its jobs write
 * @align: of all operands there
 */
struct xq_use {
	struct xq_hull read, written;
	__u32 align;
};

/* The last byte's end; first bytes do not matter to a check of bounds. */
static inline __u64 xq_use_end(const struct xq_use *use)
{
	return use->read.end > use->written.end ? use->read.end : use->written.end;
}

/* The same, @offset further on; which does not overflow. */
static inline struct xq_use xq_use_at(const struct xq_use *use, __u64 offset)
{
	struct xq_use at = *use;

	if (at.read.first != at.read.end) {
		at.read.first += offset;
		at.read.end += offset;
	}
	if (at.written.first != at.written.end) {
		at.written.first += offset;
		at.written.end += offset;
	}
	return at;
}

/* Whether one writes, in the same buffer, what the other reads or writes. */
static inline bool xq_uses_clash(const struct xq_use *a, const struct xq_use *b)
{
	return xq_hulls_meet(&a->written, &b->written) || xq_hulls_meet(&a->written, &b->read) ||
	       xq_hulls_meet(&a->read, &b->written);
}

struct xq_flow_range {
	__u64 first, end;
	__u64 object;		/* a buffer or a slot: whatever the caller numbers them by */
};

struct xq_flow_set {
	__u32 count;
	struct xq_flow_range at[XQ_FLOW_RANGES];	/* ascending, apart, none empty */
};

/**
 * struct xq_flow - zero it before the first job
 * @outside: read before it was written
 * @written: without a gap
 * @spoilt: the program can't be repeated
 */
struct xq_flow {
	struct xq_flow_set outside, written;
	bool spoilt;
};

/* The first range that ends at or after a place. */
static inline __u32 xq_flow_find(const struct xq_flow_set *set, __u64 object, __u64 first)
{
	__u32 low = 0, high = set->count;

	while (low < high) {
		const __u32 middle = low + (high - low) / 2;
		const struct xq_flow_range *r = &set->at[middle];

		if (r->object < object || (r->object == object && r->end < first))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Ranges that touch become one; false if there is no room. */
static inline bool xq_flow_add(struct xq_flow_set *set, __u64 object, __u64 first, __u64 end)
{
	const __u32 from = xq_flow_find(set, object, first);
	__u32 to = from;

	while (to < set->count && set->at[to].object == object && set->at[to].first <= end) {
		first = set->at[to].first < first ? set->at[to].first : first;
		end = set->at[to].end > end ? set->at[to].end : end;
		to++;
	}
	if (from == to && set->count == XQ_FLOW_RANGES)
		return false;
	memmove(&set->at[from + 1], &set->at[to], (set->count - to) * sizeof(set->at[0]));
	set->at[from] = (struct xq_flow_range){ first, end, object };
	set->count = set->count + 1 - (to - from);
	return true;
}

static inline bool xq_flow_covers(const struct xq_flow_set *set, __u64 object, __u64 first,
				  __u64 end)
{
	const __u32 i = xq_flow_find(set, object, end);

	return i < set->count && set->at[i].object == object && set->at[i].first <= first;
}

static inline bool xq_flow_meets(const struct xq_flow_set *set, __u64 object, __u64 first,
				 __u64 end)
{
	const __u32 i = xq_flow_find(set, object, first + 1);

	return i < set->count && set->at[i].object == object && set->at[i].first < end;
}

/* A job reads @bytes from @first on; all that a job reads comes before what it writes. */
static inline void xq_flow_read(struct xq_flow *flow, __u64 object, __u64 first, __u64 bytes)
{
	if (!bytes || xq_flow_covers(&flow->written, object, first, first + bytes))
		return;
	if (!xq_flow_add(&flow->outside, object, first, first + bytes))
		flow->spoilt = true;
}

/* A job writes something of these @bytes, or all of them. */
static inline void xq_flow_write(struct xq_flow *flow, __u64 object, __u64 first, __u64 bytes,
				 bool all)
{
	if (!bytes)
		return;
	if (xq_flow_meets(&flow->outside, object, first, first + bytes))
		flow->spoilt = true;
	if (all)
		xq_flow_add(&flow->written, object, first, first + bytes);
}

/**
 * struct xq_place - an operand of a program's job
 * @use: of the buffer or slot that it is in; NULL for an operand that the job does not have
 * @object: number of that buffer or slot
 * @offset: of the operand's first byte there
 * @stride: bytes from one row to the next
 * @batch_stride: bytes from one element of a batch to the next
 * @plane_stride: bytes from one plane to the next
 */
struct xq_place {
	struct xq_use *use;
	__u64 object;
	__u64 offset, stride, batch_stride, plane_stride;
};

/* Whether what an extent covers is every byte of its span. Its rows do not overlap. */
static inline bool xq_extent_dense(const struct xq_extent *e, __u64 span)
{
	__u64 bytes = e->row_bytes * e->rows * e->planes * e->batch;
	int i;

	for (i = 0; i < XQ_EXTENT_DIMS; i++)
		bytes *= e->own[i].more + 1ULL;
	return bytes == span;
}

/* The span of an operand; false for one that the job does not have, or that is empty. */
static inline bool xq_place_span(const struct xqaccel_work *w, const struct xq_place *place,
				 unsigned int operand, struct xq_extent *e, __u64 *span)
{
	const struct xq_place *p = &place[operand];

	xq_work_extent(w, operand, e);
	return p->use && xq_span(e, p->stride, p->batch_stride, p->plane_stride, span) && *span;
}

/* Whether an output overlaps neither itself nor, in the same buffer or slot, another operand. */
static inline bool xq_place_apart(const struct xqaccel_work *w, const struct xq_place *place,
				  unsigned int operand)
{
	const struct xq_place *mine = &place[operand];
	struct xq_extent e, other;
	__u64 span, bytes;
	unsigned int i;

	if (!xq_place_span(w, place, operand, &e, &span) || !e.written)
		return true;
	if (!xq_rows_disjoint(&e, mine->stride, mine->batch_stride, mine->plane_stride))
		return false;
	for (i = 0; i < XQ_OPERANDS; i++)
		if (i != operand && place[i].use == mine->use &&
		    xq_place_span(w, place, i, &other, &bytes) &&
		    place[i].offset < mine->offset + span && mine->offset < place[i].offset + bytes)
			return false;
	return true;
}

static inline bool xq_places_apart(const struct xqaccel_work *w, const struct xq_place *place)
{
	unsigned int i;

	for (i = 0; i < XQ_OPERANDS; i++)
		if (!xq_place_apart(w, place, i))
			return false;
	return true;
}

/* What a job's operands do, one after the other: inputs before outputs. */
static inline void xq_program_add_operand(struct xq_flow *flow, const struct xqaccel_work *w,
					  const struct xq_place *p, unsigned int operand,
					  bool writes)
{
	struct xq_extent e;
	__u64 span;

	xq_work_extent(w, operand, &e);
	if (!p->use || e.written != writes ||
	    !xq_span(&e, p->stride, p->batch_stride, p->plane_stride, &span))
		return;
	if (e.align > p->use->align)
		p->use->align = e.align;
	if (!writes || (w->flags & XQACCEL_JOB_ACCUMULATE)) {
		xq_hull_add(&p->use->read, p->offset, p->offset + span);
		if (flow)
			xq_flow_read(flow, p->object, p->offset, span);
	}
	if (!writes)
		return;
	xq_hull_add(&p->use->written, p->offset, p->offset + span);
	if (flow)
		xq_flow_write(flow, p->object, p->offset, span, xq_extent_dense(&e, span));
}

/**
 * xq_program_add() - take a job that was checked into account
 * @flow: NULL if nobody wants to know whether the program can be repeated
 * @w: what the job computes
 * @place: of all XQ_OPERANDS
 */
static inline void xq_program_add(struct xq_flow *flow, const struct xqaccel_work *w,
				  const struct xq_place *place)
{
	unsigned int i;

	for (i = 0; i < XQ_OPERANDS; i++)
		xq_program_add_operand(flow, w, &place[i], i, false);
	for (i = 0; i < XQ_OPERANDS; i++)
		xq_program_add_operand(flow, w, &place[i], i, true);
}

/* Whether a slot can be bound to a place in a buffer of so many bytes: 0, -EINVAL, -ERANGE. */
static inline int xq_slot_check(const struct xq_use *use, __u64 offset, __u64 bytes)
{
	if (use->align && (offset & (use->align - 1)))
		return -EINVAL;
	return offset > bytes || xq_use_end(use) > bytes - offset ? -ERANGE : 0;
}

#endif
