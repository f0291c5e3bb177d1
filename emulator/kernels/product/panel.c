// SPDX-License-Identifier: MIT
/*
 * The usual case: all rows of a block by four strips in one call of a kernel, straight into C,
 * or some rows at a time by way of scratch memory where rows of C are not whole or in pieces.
 * What a panel does not fit goes by parts of a few rows in gemm.c.
 */
#include "product/gemm.h"

void xqk_choose_panel(struct xqk_work *work)
{
	const struct xqk_gemm *gemm = work->gemm;
	const bool tiled = gemm->dims.flags & XQACCEL_JOB_B_TILED;
	const uint32_t step_k = work->bits ? work->word_k : 4;

	work->panel_fits = work->dot_panel && work->columns > XQK_COLUMNS - XQK_LANES &&
		work->block.pieces == 1 && !(gemm->dims.flags & XQACCEL_JOB_GROUP_ACC) &&
		work->block.word0 % XQACCEL_TILE_WORDS == 0 &&
		(work->block.k1 - work->block.k0) / step_k >= work->product->panel_steps &&
		(!work->bits || (work->block.k1 - work->block.k0) % step_k == 0) &&
		!(work->need_row_term && xqk_present(&gemm->view[XQACCEL_B_ZP])) &&
		!(work->need_column_sum && xqk_present(&gemm->view[XQACCEL_A_ZP]));
	work->tall = work->panel_fits && work->tall_panel && work->rows >= work->product->tall_rows;
	work->unpack_late = work->panel_fits && !work->tall && work->panel_unpacks && tiled &&
		!work->need_column_sum && xqk_tiles_whole(&gemm->view[XQACCEL_B]);
}

/* What the next panel reads of B, if that is in one piece of memory. */
static void look_ahead(const struct xqk_work *work, struct xqk_panel *panel)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xqk_view *b = &gemm->view[XQACCEL_B];
	const uint32_t next = work->n0 + XQK_COLUMNS;
	const uint32_t left = gemm->dims.n < next ? 0 : gemm->dims.n - next;
	const uint32_t channels = left < XQK_COLUMNS ? left : XQK_COLUMNS;
	const uint64_t row = xq_row_bytes(gemm->dims.b_format, gemm->dims.k);
	uint64_t unit = b->stride, units = channels, first = next;

	/* Of several blocks of K only a part is next, as it is of rows that are far apart. */
	if (!b->flat || work->block.k1 - work->block.k0 < gemm->dims.k)
		return;
	if (gemm->dims.flags & XQACCEL_JOB_B_TILED) {
		unit = xq_tiles_k(gemm->dims.b_format, gemm->dims.k) * XQACCEL_TILE_BYTES;
		units = xq_tiles_n(channels);
		first = next / XQK_LANES;
	} else if (unit > row + row / 4) {
		return;
	}
	panel->ahead = b->flat + work->batch * b->batch_stride + first * unit;
	panel->ahead_bytes = units * unit;
}

void xqk_compute_panel(struct xqk_work *work)
{
	const bool add = (work->gemm->dims.flags & XQACCEL_JOB_ACCUMULATE) || work->block.k0;
	struct xqk_panel panel = {
		.a = work->whole.a, .a_stride = work->whole.a_stride, .b = work->whole.b,
		.steps = work->whole.steps, .rows = work->rows, .c = work->c,
		.row = work->tall ? work->row_tall : work->row_term,
		.column = work->need_column_sum ? work->column_sum : NULL,
		.words = work->unpack_late ? work->words : NULL, .table = work->table,
		.add = add,
	};
	const bool finish = work->tail.epilogue && work->one_block;
	xqk_dot_panel_fn *dot_panel = work->tall ? work->tall_panel : work->dot_panel;
	const uint32_t most = finish ? XQK_TAIL_ROWS : XQK_SUM_ROWS;
	const int32_t *bias;
	uint32_t row, i, parts;

	if (!finish && (work->columns == XQK_COLUMNS || work->pending) &&
	    xqk_rows_of_c(work, work->m0, work->rows, 0, work->c)) {
		for (i = 0; i < XQK_PANEL_AHEAD; i++)
			work->c[work->rows + i] = work->c[i % work->rows] + XQK_COLUMNS;
		look_ahead(work, &panel);
		dot_panel(&panel);
		return;
	}
	panel.add = false;
	for (i = 0; i < most; i++)
		work->c[i] = work->sums + i * XQK_COLUMNS;
	for (i = 0; i < XQK_PANEL_AHEAD; i++)
		work->c[most + i] = work->c[i];
	if (finish) {
		xqk_tail_staged(work);
		bias = xqk_tail_bias(&work->tail);
		for (i = 0; bias && i < work->columns; i++)
			work->column_start[i] = (int32_t)((work->need_column_sum ? (uint32_t)work->column_sum[i] : 0) -
							  (uint32_t)bias[i]);
		if (bias)
			panel.column = work->column_start;
	}
	look_ahead(work, &panel);
	parts = (work->rows + most - 1) / most;
	panel.ahead_bytes /= parts;
	for (row = 0; row < work->rows; row += panel.rows) {
		panel.rows = work->rows - row < most ? work->rows - row : most;
		dot_panel(&panel);
		if (finish)
			xqk_finish_rows(work, work->m0 + row, panel.rows, work->sums, XQK_COLUMNS, true);
		else
			xqk_store_c(work, work->m0 + row, panel.rows, 0, work->sums, add);
		panel.a += panel.rows * panel.a_stride;
		panel.row += panel.rows;
		panel.words = NULL;
		panel.ahead += panel.ahead ? panel.ahead_bytes : 0;
	}
	work->finished = finish;
}
