// SPDX-License-Identifier: MIT
/*
 * Groups with real scales: scales of two levels to float32, C in and out, and the way of a job
 * whose groups no kernel takes as a whole: dots one by one, folded into the sums.
 */
#include <string.h>

#include "product/gemm.h"
#include "product/groups.h"

/* Rows of B beside each other where it is tiled. */
#define LANES	XQK_LANES

/* A block may begin and end within a supergroup. */
#define MOST_REALS	(XQK_REAL_PIECES * LANES)

/**
 * struct levels - scales or minima of one operand
 * @first: @second: operands of the two levels, either of which may be absent
 * @second_group: elements of K of a second-level one
 * @lanes: rows that lie beside each other
 */
struct levels {
	const struct xqk_view *first, *second;
	uint32_t first_format, second_format;
	uint32_t second_group;
	uint32_t lanes, rows;
};

static void *take(uint8_t *scratch, size_t *used, size_t bytes)
{
	uint8_t *at = scratch ? scratch + *used : NULL;

	*used += (bytes + 63) & ~(size_t)63;
	return at;
}

void xqk_real_layout(struct xqk_work *work, uint32_t pieces, uint8_t *scratch, size_t *used)
{
	const size_t rows = work->stage_rows + XQK_MAX_ROWS;

	work->a_real = (float *)work->a_scale;
	work->b_real = (float *)work->b_scale;
	if (work->minima) {
		work->a_min = take(scratch, used, 4 * rows * pieces);
		work->b_min = take(scratch, used, 4 * XQK_COLUMNS * (size_t)pieces);
	}
	work->reals = take(scratch, used, 4 * 2 * (size_t)pieces * LANES);
}

void xqk_read_reals(const struct xqk_work *work, const struct xqk_view *view, uint32_t format, uint64_t line,
		    uint64_t distance, uint64_t first, size_t n, float *to)
{
	const size_t bytes = xq_format_bits(format) / 8;
	uint8_t raw[4 * MOST_REALS];
	const uint8_t *from;
	size_t run;

	from = xqk_at(view, line, distance, first * bytes, &run);
	if (run < n * bytes) {
		xqk_read(view, line, distance, first * bytes, raw, n * bytes);
		from = raw;
	}
	work->product->real->widen(to, from, n, format);
}

/* The block's reals of one line: [pieces][lanes] of the first level, then those of the second, NULL if it is absent. */
static const float *read_line(const struct xqk_work *work, const struct levels *l, uint32_t line)
{
	const uint32_t group = work->gemm->dims.group, k0 = work->block.k0;
	const uint64_t number = (uint64_t)work->batch * l->rows + line;
	const size_t n = (size_t)work->block.pieces * l->lanes;
	float *to = work->reals, *second = to + n;
	uint32_t from, last;
	size_t i;

	if (xqk_present(l->first))
		xqk_read_reals(work, l->first, l->first_format, number,
			       work->batch * l->first->batch_stride + line * l->first->stride,
			       (uint64_t)(k0 / group) * l->lanes, n, to);
	else
		for (i = 0; i < n; i++)
			to[i] = 1;
	if (!xqk_present(l->second))
		return NULL;
	from = k0 / l->second_group;
	last = (work->block.k1 - 1) / l->second_group;
	xqk_read_reals(work, l->second, l->second_format, number,
		       work->batch * l->second->batch_stride + line * l->second->stride,
		       (uint64_t)from * l->lanes, (size_t)(last - from + 1) * l->lanes, second);
	return second;
}

/* Pieces from this one on that share one of the second level. */
static uint32_t pieces_together(const struct xqk_work *work, const struct levels *l, uint32_t piece)
{
	const uint32_t group = work->gemm->dims.group;
	const uint32_t within = (work->block.k0 + piece * group) % l->second_group;
	const uint32_t left = (l->second_group - within + group - 1) / group;

	return left < work->block.pieces - piece ? left : work->block.pieces - piece;
}

/* A line of one row to [piece][pitch]. */
static void stage_row_levels(const struct xqk_work *work, const struct levels *l, uint32_t line, float *to,
			     uint32_t pitch)
{
	const float *second = read_line(work, l, line), *first = work->reals;
	uint32_t piece = 0, end;

	for (; piece < work->block.pieces && !second; piece++)
		to[(size_t)piece * pitch] = first[piece];
	for (; piece < work->block.pieces; second++)
		for (end = piece + pieces_together(work, l, piece); piece < end; piece++)
			to[(size_t)piece * pitch] = first[piece] * *second;
}

/* The same of sixteen rows. */
static void stage_tile_levels(const struct xqk_work *work, const struct levels *l, uint32_t line, float *to,
			      uint32_t pitch)
{
	const struct xqk_real_kernels *kernels = work->product->real;
	const float *second = read_line(work, l, line), *first = work->reals;
	uint32_t piece, some;

	for (piece = 0; piece < work->block.pieces; piece += some) {
		some = second ? pieces_together(work, l, piece) : work->block.pieces;
		kernels->place(to + (size_t)piece * pitch, pitch, first + (size_t)piece * LANES, second, some);
		second = second ? second + LANES : NULL;
	}
}

/* Lines [line0, line0 + lines) to [piece][pitch]. */
static void stage_levels(const struct xqk_work *work, const struct levels *l, uint32_t line0,
			 uint32_t lines, float *to, uint32_t pitch)
{
	uint32_t line;

	for (line = 0; line < lines; line++, to += l->lanes) {
		if (l->lanes == 1)
			stage_row_levels(work, l, line0 + line, to, pitch);
		else
			stage_tile_levels(work, l, line0 + line, to, pitch);
	}
}

void xqk_stage_real_a(struct xqk_work *work)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xq_dims *dims = &gemm->dims;
	const struct levels scales = {
		.first = &gemm->view[XQACCEL_A_SCALE], .second = &gemm->view[XQACCEL_A_SCALE2],
		.first_format = dims->a_scale_format, .second_format = dims->a_scale2_format,
		.second_group = dims->a_supergroup, .lanes = 1, .rows = dims->m,
	};

	stage_levels(work, &scales, work->m0, work->rows, work->a_real, work->stage_rows);
}

void xqk_stage_real_b(struct xqk_work *work)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xq_dims *dims = &gemm->dims;
	const bool tiled = dims->flags & XQACCEL_JOB_B_TILED;
	struct levels l = {
		.first = &gemm->view[XQACCEL_B_SCALE], .second = &gemm->view[XQACCEL_B_SCALE2],
		.first_format = dims->b_scale_format, .second_format = dims->b_scale2_format,
		.second_group = dims->b_supergroup, .lanes = tiled ? LANES : 1,
		.rows = tiled ? (uint32_t)xq_tiles_n(dims->n) : dims->n,
	};
	const uint32_t line0 = work->n0 / l.lanes;
	const uint32_t lines = (work->columns + l.lanes - 1) / l.lanes;

	stage_levels(work, &l, line0, lines, work->b_real, XQK_COLUMNS);
	if (!work->minima)
		return;
	l.first = &gemm->view[XQACCEL_B_MIN];
	l.second = &gemm->view[XQACCEL_B_MIN2];
	l.first_format = dims->b_min_format;
	l.second_format = dims->b_min2_format;
	stage_levels(work, &l, line0, lines, work->b_min, XQK_COLUMNS);
}

void xqk_start_real(const struct xqk_work *work, uint32_t m, uint32_t rows, int32_t *sums)
{
	uint32_t row;

	if (!work->block.k0 && !(work->gemm->dims.flags & XQACCEL_JOB_ACCUMULATE)) {
		memset(sums, 0, 4 * XQK_COLUMNS * (size_t)rows);
		return;
	}
	for (row = 0; row < rows; row++)
		xqk_load_c(work, m + row, 0, sums + row * XQK_COLUMNS);
}

void xqk_compute_real(struct xqk_work *work, uint32_t row, uint32_t rows)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xqk_real_kernels *kernels = work->product->real;
	const unsigned int strips = (work->columns + LANES - 1) / LANES;
	struct xqk_real_groups real = {
		.sum = (float *)work->sums, .count = work->block.pieces, .row_pitch = work->stage_rows,
		.a_scale = work->a_real + row, .b_scale = work->b_real,
	};
	struct xqk_fold fold = { .dot = work->dots, .sum = work->dots };
	struct xqk_dot dot = work->whole;
	uint32_t piece;

	if (work->minima) {
		real.a_min = work->a_min + row;
		real.b_min = work->b_min;
	}
	if (xqk_present(&gemm->view[XQACCEL_B_ZP]))
		fold.b_zp = work->b_zp;
	xqk_start_real(work, work->m0 + row, rows, work->sums);
	dot.a += row * dot.a_stride;
	if (work->dot_real) {
		fold.row_term = (work->tall ? work->row_tall : work->row_term) + row;
		if (work->need_column_sum)
			xqk_fold_columns(work, row, 0, &fold);
		(work->tall ? work->tall_real : work->dot_real)(&dot, &fold, &real, rows, strips);
	}
	for (piece = 0; !work->dot_real && piece < work->block.pieces; piece++) {
		if (piece || work->wide)
			xqk_aim_dot(work, row, piece, &dot);
		if (work->need_row_term)
			fold.row_term = work->row_term + piece * work->stage_rows + row;
		if (work->need_column_sum)
			xqk_fold_columns(work, row, piece, &fold);
		work->dot(&dot, rows, strips);
		work->product->fold(&fold, rows, strips);
		kernels->fold(work->dots, &real, rows, strips);
		real.a_scale += real.row_pitch;
		real.b_scale += XQK_COLUMNS;
		if (work->minima) {
			real.a_min += real.row_pitch;
			real.b_min += XQK_COLUMNS;
		}
	}
	if (work->block.k1 == gemm->dims.k)
		kernels->finish(real.sum, XQK_COLUMNS * (size_t)rows);
	xqk_store_c(work, work->m0 + row, rows, 0, work->sums, false);
}
