/* SPDX-License-Identifier: MIT */
/*
 * Epilogues for other kernels: from rows of int32 accumulators, which are hot in a cache, to rows
 * of the output.
 *
 *	memory = xqk_epilogue_bytes(e, columns) of scratch memory, once for columns [n0, n0 + columns)
 *	xqk_epilogue_prepare(isa, e, n0, columns, most, memory, &prepared)
 *	for each block of rows and columns of the accumulators, as soon as it is complete
 *		xqk_epilogue_rows(isa, &prepared, &block)
 */
#ifndef XQK_EPILOGUE_H
#define XQK_EPILOGUE_H

#include "epilogue/micro_kernels.h"
#include "xq_kernels.h"

/**
 * struct xqk_prepared - an epilogue for some columns; members are private
 */
struct xqk_prepared {
	const struct xqk_epilogue *epilogue;
	struct xqk_lanes lanes;
	struct xqk_bounded bounded;
	const struct xqk_bounded_kernel *bounded_kernel;	/* or NULL */
	struct xqk_steps steps;
	struct xqk_reals reals;
	uint8_t *row;			/* one row before it is packed */
	const uint8_t *table;
};

/**
 * xqk_epilogue_bytes() - scratch memory for so many columns, 64-byte aligned
 *
 * A few dozen bytes a column, with thresholds 4 bytes more for each.
 */
size_t xqk_epilogue_bytes(const struct xqk_epilogue *e, uint32_t columns);

/**
 * xqk_epilogue_prepare() - read the arrays of columns [n0, n0 + columns)
 * @most: no accumulator is greater in magnitude; XQK_ACC_MOST if that is not known
 */
void xqk_epilogue_prepare(const struct xqk_isa *isa, const struct xqk_epilogue *e, uint32_t n0,
			  uint32_t columns, uint64_t most, void *memory, struct xqk_prepared *prepared);

#define XQK_ACC_MOST	((uint64_t)1 << 31)

/**
 * xqk_epilogue_bias() - what may be added to accumulators beforehand, by column; NULL: nothing
 *
 * It depends on the columns. Blocks say whether it was.
 */
static inline const int32_t *xqk_epilogue_bias(const struct xqk_prepared *prepared)
{
	return prepared->bounded_kernel ? prepared->bounded.bias : NULL;
}

/**
 * struct xqk_epilogue_block - rows by columns of accumulators
 * @acc: the first one
 * @acc_stride: elements from row to row
 * @m0: number of the first row in the output, for row scales
 * @rows: how many
 * @column: the first one's distance from the first that was prepared. Where the output has less
 *	than 8 bits an element it is a multiple of 8, and so is @columns unless the row ends there
 * @columns: how many
 * @biased: xqk_epilogue_bias() was added to them; 64 bytes past them can be read
 * @out: where the block's part of each row begins, aligned to 2 bytes for elements of 16 bits. Rows that do not lie in one piece
 *	are written to memory and copied by the caller
 *
 * The block's part of a row has xq_row_bytes(format, columns) bytes, all of which are written.
 */
struct xqk_epilogue_block {
	const int32_t *acc;
	size_t acc_stride;
	uint32_t m0, rows;
	uint32_t column, columns;
	bool biased;
	uint8_t *const *out;
};

/** xqk_epilogue_rows() - compute a block; by one thread for each prepared epilogue at a time */
void xqk_epilogue_rows(const struct xqk_isa *isa, const struct xqk_prepared *prepared,
		       const struct xqk_epilogue_block *block);

/**
 * xqk_requant_value() - one value by a profile that is not ONNX, before zero point and bounds
 *
 * TFLITE and TFLITE_SINGLE give 32 bits.
 */
int64_t xqk_requant_value(unsigned int profile, int32_t v, int32_t multiplier, int32_t shift, int64_t add);

/** xqk_requantize() - n accumulators to bytes or to words of 16 bits, for whoever has lanes */
void xqk_requantize(const struct xqk_isa *isa, const struct xqk_lanes *lanes, const int32_t *acc, size_t n,
		    void *out, bool wide);

#endif
