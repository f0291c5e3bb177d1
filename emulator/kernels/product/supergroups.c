// SPDX-License-Identifier: MIT
/*
 * Supergroups whose sums are integers (XQACCEL_JOB_SUPERGROUP_SUM): scales of the first level multiply
 * the integer sums of groups, those of the second level the sum of them all, once for each supergroup.
 */
#include <string.h>

#include "product/gemm.h"
#include "product/groups.h"

static void *take(uint8_t *scratch, size_t *used, size_t bytes)
{
	uint8_t *at = scratch ? scratch + *used : NULL;

	*used += (bytes + 63) & ~(size_t)63;
	return at;
}

void xqk_summed_layout(struct xqk_work *work, uint32_t pieces, uint8_t *scratch, size_t *used)
{
	const size_t rows = work->stage_rows + XQK_MAX_ROWS;
	const size_t reals = 4 * XQK_COLUMNS * (size_t)pieces;

	work->a_real = (float *)work->a_scale;
	work->row_sum = take(scratch, used, 4 * rows * pieces);
	work->b_minima = take(scratch, used, reals);
	work->b_real = take(scratch, used, reals);
	work->b_min = take(scratch, used, reals);
	work->reals = take(scratch, used, 4 * (size_t)pieces * XQK_LANES);
	work->group_sums = take(scratch, used, 4 * XQK_COLUMNS * XQK_MAX_ROWS);
}

void xqk_stage_summed_a(struct xqk_work *work)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xq_dims *dims = &gemm->dims;
	const struct xqk_view *view = &gemm->view[XQACCEL_A_SCALE2];
	const uint32_t count = work->block.pieces / work->together;
	uint32_t row, i;

	for (row = 0; row < work->rows; row++) {
		const uint32_t m = work->m0 + row;

		xqk_read_reals(work, view, dims->a_scale2_format, (uint64_t)work->batch * dims->m + m,
			       work->batch * view->batch_stride + m * view->stride,
			       work->block.k0 / dims->a_supergroup, count, work->reals);
		for (i = 0; i < count; i++)
			work->a_real[i * work->stage_rows + row] = work->reals[i];
	}
}

/* Where rows of B, or strips of them, have a level of their scales. */
struct level {
	const struct xqk_view *view;
	uint32_t format, first, count, lanes, lines;
};

static struct level level_of(const struct xqk_work *work, unsigned int operand, uint32_t format, bool second)
{
	const struct xq_dims *dims = &work->gemm->dims;
	const bool tiled = dims->flags & XQACCEL_JOB_B_TILED;

	return (struct level){
		.view = &work->gemm->view[operand], .format = format,
		.first = work->block.k0 / (second ? dims->b_supergroup : dims->group),
		.count = second ? work->block.pieces / work->together : work->block.pieces,
		.lanes = tiled ? XQK_LANES : 1, .lines = tiled ? (uint32_t)xq_tiles_n(dims->n) : dims->n,
	};
}

/* Bytes of the first level to [piece][XQK_COLUMNS]. */
static void stage_first(const struct xqk_work *work, unsigned int operand, uint32_t format, int32_t *to)
{
	const struct level l = level_of(work, operand, format, false);
	uint8_t raw[XQK_REAL_PIECES * XQK_LANES];
	uint32_t column, i, lane;

	for (column = 0; column < work->columns; column += l.lanes) {
		const uint32_t line = (work->n0 + column) / l.lanes;
		const uint8_t *from = raw;

		xqk_read(l.view, (uint64_t)work->batch * l.lines + line,
			 work->batch * l.view->batch_stride + line * l.view->stride,
			 (uint64_t)l.first * l.lanes, raw, l.count * l.lanes);
		for (i = 0; i < l.count; i++)
			for (lane = 0; lane < l.lanes; lane++, from++)
				to[i * XQK_COLUMNS + column + lane] =
					format == XQACCEL_FMT_S8 ? (int8_t)*from : *from;
	}
}

/* Of the second level, to [supergroup][XQK_COLUMNS]. */
static void stage_second(const struct xqk_work *work, unsigned int operand, uint32_t format, float *to)
{
	const struct level l = level_of(work, operand, format, true);
	uint32_t column, i;

	for (column = 0; column < work->columns; column += l.lanes) {
		const uint32_t line = (work->n0 + column) / l.lanes;

		xqk_read_reals(work, l.view, format, (uint64_t)work->batch * l.lines + line,
			       work->batch * l.view->batch_stride + line * l.view->stride,
			       (uint64_t)l.first * l.lanes, (size_t)l.count * l.lanes, work->reals);
		for (i = 0; i < l.count; i++)
			memcpy(to + i * XQK_COLUMNS + column, work->reals + i * l.lanes, 4 * l.lanes);
	}
}

void xqk_stage_summed_b(struct xqk_work *work)
{
	const struct xq_dims *dims = &work->gemm->dims;

	stage_first(work, XQACCEL_B_SCALE, dims->b_scale_format, work->b_scale);
	stage_second(work, XQACCEL_B_SCALE2, dims->b_scale2_format, work->b_real);
	if (!work->minima)
		return;
	stage_first(work, XQACCEL_B_MIN, dims->b_min_format, work->b_minima);
	stage_second(work, XQACCEL_B_MIN2, dims->b_min2_format, work->b_min);
}

/* The sum over the groups from `piece` on that are a supergroup. */
static void sum_groups(struct xqk_work *work, uint32_t row, uint32_t rows, uint32_t piece, struct xqk_fold *fold)
{
	const unsigned int strips = (work->columns + XQK_LANES - 1) / XQK_LANES;
	const struct xqk_groups groups = { work->together, work->stage_rows };
	const uint32_t end = piece + work->together;
	struct xqk_dot dot;

	for (fold->add = false; piece < end; piece++, fold->add = true) {
		xqk_aim_dot(work, row, piece, &dot);
		fold->row_term = work->need_row_term || work->dot_groups ?
				 work->row_term + piece * work->stage_rows + row : NULL;
		fold->b_scale = work->b_scale + piece * XQK_COLUMNS;
		if (work->need_column_sum)
			xqk_fold_columns(work, row, piece, fold);
		if (work->dot_groups) {
			work->dot_groups(&dot, fold, &groups, rows, strips);
			return;
		}
		work->dot(&dot, rows, strips);
		work->product->fold(fold, rows, strips);
	}
}

void xqk_compute_summed(struct xqk_work *work, uint32_t row, uint32_t rows)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xqk_real_kernels *kernels = work->product->real;
	const unsigned int strips = (work->columns + XQK_LANES - 1) / XQK_LANES;
	struct xqk_real_groups real = {
		.sum = (float *)work->sums, .a_scale = work->a_real + row, .b_scale = work->b_real,
	};
	struct xqk_summed_minima minima = {
		.sum = real.sum, .count = work->together, .row_pitch = work->stage_rows,
		.row_sum = work->row_sum + row, .minimum = work->b_minima, .b_min = work->b_min,
	};
	struct xqk_fold fold = { .dot = work->dots, .sum = work->group_sums };
	uint32_t piece;

	if (xqk_present(&gemm->view[XQACCEL_B_ZP]))
		fold.b_zp = work->b_zp;
	xqk_start_real(work, work->m0 + row, rows, work->sums);
	for (piece = 0; piece < work->block.pieces; piece += work->together) {
		sum_groups(work, row, rows, piece, &fold);
		kernels->fold(work->group_sums, &real, rows, strips);
		if (work->minima) {
			minima.a_scale = real.a_scale;
			kernels->fold_minima(&minima, rows, strips);
			minima.row_sum += work->together * work->stage_rows;
			minima.minimum += work->together * XQK_COLUMNS;
			minima.b_min += XQK_COLUMNS;
		}
		real.a_scale += work->stage_rows;
		real.b_scale += XQK_COLUMNS;
	}
	if (work->block.k1 == gemm->dims.k)
		kernels->finish(real.sum, XQK_COLUMNS * (size_t)rows);
	xqk_store_c(work, work->m0 + row, rows, 0, work->sums, false);
}
