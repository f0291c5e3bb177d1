// SPDX-License-Identifier: MIT
/* An epilogue on a matrix of accumulators in memory. */
#include "epilogue/epilogue.h"
#include "operators.h"

/* Columns that are prepared at once, fewer where each has many thresholds. */
#define COLUMNS		4096
#define STEPS_COLUMNS	512

/* Rows between two looks at whether the job is canceled. */
#define ROWS		16

static uint32_t block_columns(const struct xqk_finish *f)
{
	const uint32_t most = f->epilogue.dims.kind == XQ_EPILOGUE_THRESHOLDS ? STEPS_COLUMNS : COLUMNS;

	return f->n < most ? f->n : most;
}

static uint64_t rows(const struct xqk_operator *operator)
{
	return operator->finish.n ? operator->finish.m : 0;
}

static uint64_t row_bytes(const struct xqk_operator *operator)
{
	const struct xqk_finish *f = &operator->finish;

	return 4 * (uint64_t)f->n + xq_row_bytes(f->epilogue.dims.format, f->n);
}

static size_t acc_bytes(const struct xqk_finish *f)
{
	return (4 * (size_t)block_columns(f) + 63) & ~(size_t)63;
}

static size_t scratch(const struct xqk_operator *operator)
{
	const struct xqk_finish *f = &operator->finish;

	return xqk_epilogue_bytes(&f->epilogue, block_columns(f)) + 2 * acc_bytes(f);
}

static bool run(const struct xqk_isa *isa, const struct xqk_operator *operator, uint64_t first,
		uint64_t last, void *memory, const atomic_bool *cancel)
{
	const struct xqk_finish *f = &operator->finish;
	const uint32_t format = f->epilogue.dims.format, block = block_columns(f);
	uint8_t *acc_row = (uint8_t *)memory + xqk_epilogue_bytes(&f->epilogue, block);
	uint8_t *y_row = acc_row + acc_bytes(f);
	struct xqk_prepared prepared;
	uint32_t n0, columns;
	uint64_t row;

	for (n0 = 0; n0 < f->n; n0 += columns) {
		columns = f->n - n0 < block ? f->n - n0 : block;
		xqk_epilogue_prepare(isa, &f->epilogue, n0, columns, XQK_ACC_MOST, memory, &prepared);
		for (row = first; row < last; row++) {
			const uint64_t at = row * f->y.stride + xq_row_bytes(format, n0);
			const size_t bytes = xq_row_bytes(format, columns);
			uint8_t *out = xqk_view_write(&f->y, at, y_row, bytes);
			const struct xqk_epilogue_block b = {
				.acc = xqk_view_read(&f->acc, row * f->acc.stride + 4 * (uint64_t)n0,
						     acc_row, 4 * (size_t)columns),
				.m0 = (uint32_t)row, .rows = 1, .columns = columns, .out = &out,
			};

			if (row % ROWS == 0 && xqk_canceled(cancel))
				return false;
			xqk_epilogue_rows(isa, &prepared, &b);
			xqk_view_written(&f->y, at, y_row, bytes, out);
		}
	}
	return true;
}

const struct xqk_operator_kind xqk_kind_finish = { rows, row_bytes, scratch, run };
