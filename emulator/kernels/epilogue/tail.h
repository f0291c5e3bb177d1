/* SPDX-License-Identifier: MIT */
/*
 * Private to the kernels: an epilogue at the end of a product or convolution. Accumulators go from
 * where they were computed, which is hot in a cache, straight to their places in the output:
 *
 *	xqk_tail_start(tail, isa, epilogue, most, y, memory)
 *	for each block of columns
 *		xqk_tail_columns(tail, n0, columns)
 *		for some rows of its accumulators at a time
 *			tail->place[] = where these rows begin in Y
 *			xqk_tail_rows(tail, acc, acc_stride, m0, rows, biased)
 */
#ifndef XQK_TAIL_H
#define XQK_TAIL_H

#include "epilogue/epilogue.h"
#include "view.h"

#define XQK_TAIL_COLUMNS	64	/* of a block */
#define XQK_TAIL_ROWS		48	/* of a call: their accumulators are a quarter of a level 1 cache */

/** struct xqk_place - a row of Y, as for xqk_at() */
struct xqk_place {
	uint64_t line, distance;
};

/**
 * struct xqk_tail - a thread's epilogue
 * @epilogue: NULL if there is none; nothing else is set then
 * @most: no accumulator is greater in magnitude
 * @place: rows of the next call
 * @n0: @columns: what is prepared
 * @rest: memory for rows of Y that are not in one piece, or do not begin with a byte
 */
struct xqk_tail {
	const struct xqk_isa *isa;
	const struct xqk_epilogue *epilogue;
	const struct xqk_view *y;
	uint64_t most;
	struct xqk_place place[XQK_TAIL_ROWS];
	uint32_t n0, columns;
	struct xqk_prepared prepared;
	void *memory;
	uint8_t *rest;
};

/** xqk_tail_bytes() - the memory that it needs, 64-byte aligned; 0 without an epilogue */
size_t xqk_tail_bytes(const struct xqk_epilogue *e);

void xqk_tail_start(struct xqk_tail *tail, const struct xqk_isa *isa, const struct xqk_epilogue *e,
		    uint64_t most, const struct xqk_view *y, void *memory);

/** xqk_tail_columns() - get ready for columns [n0, n0 + columns) of Y, at most XQK_TAIL_COLUMNS */
void xqk_tail_columns(struct xqk_tail *tail, uint32_t n0, uint32_t columns);

/**
 * xqk_tail_rows() - accumulators of these columns to Y
 * @acc: @acc_stride: rows, and elements from one to the next
 * @m0: number of the first row, for row scales
 * @rows: at most XQK_TAIL_ROWS
 * @biased: xqk_tail_bias() was added to them; 64 bytes past them can be read
 *
 * Where the first column does not begin a byte of Y, the columns before it were written by the same
 * thread, and what is past the last one in its byte is not yet.
 */
void xqk_tail_rows(struct xqk_tail *tail, const int32_t *acc, size_t acc_stride, uint32_t m0, uint32_t rows,
		   bool biased);

/** xqk_tail_line() - the same for rows that follow each other in Y: lines by one, and by so many bytes */
void xqk_tail_line(struct xqk_tail *tail, const int32_t *acc, size_t acc_stride, uint32_t m0, uint32_t rows,
		   struct xqk_place first, uint64_t step, bool biased);

/* What sums of these columns may start from, [columns], or NULL. */
static inline const int32_t *xqk_tail_bias(const struct xqk_tail *tail)
{
	return xqk_epilogue_bias(&tail->prepared);
}

/**
 * xqk_tail_single() - the epilogue of these columns, if it is by scales in f32 to rows of bytes in one piece
 *
 * Then whoever has sums in registers may do it there.
 */
static inline const struct xqk_bounded *xqk_tail_single(const struct xqk_tail *tail)
{
	const struct xqk_prepared *p = &tail->prepared;

	return tail->epilogue && p->bounded_kernel && tail->epilogue->dims.profile == XQ_PROFILE_ONNX &&
	       p->bounded.single && !p->table && xq_format_bits(tail->epilogue->dims.format) == 8 && tail->y->flat ?
	       &p->bounded : NULL;
}

/** xqk_tail_add_bias() - the bias to what sums of these columns start from, [XQK_TAIL_COLUMNS] */
static inline void xqk_tail_add_bias(const struct xqk_tail *tail, int32_t *start)
{
	const int32_t *bias = xqk_tail_bias(tail);
	uint32_t i;

	/* It has elements past the last column. */
	_Static_assert(XQK_BOUNDED_PAST >= XQK_TAIL_COLUMNS, "bias of all columns");
	for (i = 0; bias && i < XQK_TAIL_COLUMNS; i++)
		start[i] = (int32_t)((uint32_t)start[i] + (uint32_t)bias[i]);
}

/** xqk_acc_most() - the greatest magnitude that sums of k products can have, at most XQK_ACC_MOST */
uint64_t xqk_acc_most(uint64_t k, uint32_t a_format, int32_t a_zp, uint32_t b_format, int32_t b_zp);

/* Whether a block of columns that begins at any multiple of n begins a byte of Y. */
static inline bool xqk_tail_aligned(const struct xqk_epilogue *e, uint32_t n)
{
	return !e->dims.kind || (uint64_t)n * xq_format_bits(e->dims.format) % 8 == 0;
}

#endif
