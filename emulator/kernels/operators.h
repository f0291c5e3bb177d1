/* SPDX-License-Identifier: MIT */
/*
 * Private to the kernels: what a kind of job besides products is made of. A job is so many rows,
 * which are computed independently of each other; chunks are runs of them.
 */
#ifndef XQK_OPERATORS_H
#define XQK_OPERATORS_H

#include "isa.h"
#include "view.h"

/* What one kind may take of scratch memory, so that every thread has it from the start. */
#define XQK_OPERATOR_SCRATCH	(1024U << 10)

/**
 * struct xqk_operator_kind - a kind of job
 * @rows: how many there are
 * @row_bytes: what one reads and writes, about
 * @scratch: how much a thread needs, at most XQK_OPERATOR_SCRATCH
 * @run: compute rows [first, last); false if canceled
 */
struct xqk_operator_kind {
	uint64_t (*rows)(const struct xqk_operator *operator);
	uint64_t (*row_bytes)(const struct xqk_operator *operator);
	size_t (*scratch)(const struct xqk_operator *operator);
	bool (*run)(const struct xqk_isa *isa, const struct xqk_operator *operator, uint64_t first,
		    uint64_t last, void *scratch, const atomic_bool *cancel);
};

extern const struct xqk_operator_kind xqk_kind_finish, xqk_kind_pooling, xqk_kind_elementwise,
	xqk_kind_softmax, xqk_kind_mean, xqk_kind_copy;

/* Rows of a tensor: indices of all dimensions but the last, 0 if it is empty. */
static inline uint64_t xqk_rows(const uint32_t *dim, uint32_t dims)
{
	uint64_t rows = dim[dims - 1] ? 1 : 0;
	uint32_t i;

	for (i = 0; i + 1 < dims; i++)
		rows *= dim[i];
	return rows;
}

/* Where a row begins: its index taken apart from the last of so many dimensions on. */
static inline uint64_t xqk_distance(const __u32 *dim, const __u64 *stride, uint32_t dims, uint64_t row)
{
	uint64_t distance = 0;

	while (dims--) {
		distance += row % dim[dims] * stride[dims];
		row /= dim[dims];
	}
	return distance;
}

static inline bool xqk_canceled(const atomic_bool *cancel)
{
	return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

#endif
