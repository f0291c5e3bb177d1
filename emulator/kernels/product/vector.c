// SPDX-License-Identifier: MIT
/*
 * A vector times a matrix of tiles: bound by what B takes to be read and its elements to be
 * taken apart, so that nothing else may come between. Or more of them, one by one, where B's
 * format is taken apart by tables of A. No groups; zero points are all taken off in the same
 * pass, but A's, which takes a second one over strips that then are in a cache.
 */
#include <string.h>

#include "product/gemm.h"

#define COLUMNS		(XQK_VECTOR_STRIPS * XQK_LANES)
/* Tiles of a strip in a block: those of 8-bit elements hold the fewest. */
#define TILES		(XQK_BLOCK_TILES / (4 * XQACCEL_TILE_WORDS))

_Static_assert(COLUMNS <= XQK_COLUMNS * XQK_SUM_ROWS, "work->sums");

/* What B's zero points take off the sums of a row. */
static void start_sums(const struct xqk_work *work, uint32_t row, int32_t *start)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xqk_view *zp = &gemm->view[XQACCEL_B_ZP];
	const uint32_t term = work->need_row_term ? (uint32_t)work->row_term[row] : 0;
	uint32_t n;

	if (!xqk_present(zp)) {
		for (n = 0; n < COLUMNS; n++)
			start[n] = (int32_t)-term;
		return;
	}
	xqk_read(zp, work->batch, work->batch * zp->batch_stride, 4 * (uint64_t)work->n0, start,
		 4 * (size_t)work->columns);
	for (n = 0; n < work->columns; n++)
		start[n] = (int32_t)-(((uint32_t)start[n] + (uint32_t)work->b_bias) * term);
}

/* A staged row by the channels [n0, n0 + columns). */
static void compute_row(struct xqk_work *work, uint32_t row, struct xqk_vector *vector,
			unsigned int strips)
{
	static const int32_t zeros[COLUMNS];
	const struct xq_dims *dims = &work->gemm->dims;
	const uint32_t m = work->m0 + row;
	const bool add = (dims->flags & XQACCEL_JOB_ACCUMULATE) || work->block.k0;
	xqk_vector_fn *const kernel = work->product->b[dims->b_format].vector;
	int32_t start[COLUMNS];
	bool in_place;
	size_t run;

	vector->c = (int32_t *)xqk_c_at(work, m, 0, 0, &run);
	in_place = run >= 4 * (size_t)strips * XQK_LANES && (work->pending || work->columns % XQK_LANES == 0);
	if (!in_place)
		vector->c = work->sums;
	start_sums(work, row, start);
	vector->a = xqk_staged_row(work, row);
	vector->start = start;
	vector->factor = 1;
	vector->add = add && in_place;
	kernel(vector, strips);
	if (work->need_column_sum) {
		vector->a = xqk_staged_row(work, work->stage_rows);
		vector->start = zeros;
		vector->factor = (int32_t)-(uint32_t)work->a_zp[row];
		vector->add = true;
		kernel(vector, strips);
	}
	if (!in_place)
		xqk_store_c(work, m, 1, 0, work->sums, add);
}

bool xqk_compute_vector(struct xqk_work *work, uint32_t n0, uint32_t n1, const atomic_bool *cancel)
{
	const uint8_t *b[TILES * XQK_VECTOR_STRIPS];
	struct xqk_vector vector = { .b = b, .words = work->block.words, .table = work->table,
				     .contiguous = work->gemm->view[XQACCEL_B].flat };
	const uint32_t tiles = vector.contiguous ? 1 : xqk_block_tiles(&work->block);
	unsigned int strips;
	uint32_t row;

	for (work->n0 = n0; work->n0 < n1; work->n0 += work->columns) {
		if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
			return false;
		work->columns = n1 - work->n0 < COLUMNS ? n1 - work->n0 : COLUMNS;
		strips = (work->columns + XQK_LANES - 1) / XQK_LANES;
		xqk_point_to_tiles(work, strips, tiles, b, XQK_VECTOR_STRIPS);
		for (row = 0; row < work->rows; row++)
			compute_row(work, row, &vector, strips);
	}
	return true;
}
