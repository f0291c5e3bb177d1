// SPDX-License-Identifier: MIT
/*
 * One row by groups with real scales: what generates a token. It is bound by reading B, so scales are
 * converted where they are multiplied, by the loop that reads the elements, and nothing of B is
 * staged.
 */
#include "product/gemm.h"
#include "product/groups.h"

/* Channels at a time: their sums wait in work->sums where C can't be used. */
#define COLUMNS		(XQK_VECTOR_STRIPS * XQK_LANES)

/* The same for several rows, which find what the first one read in the level 2 cache. */
#define SHARED_COLUMNS	(8 * XQK_LANES)

_Static_assert(COLUMNS <= XQK_COLUMNS * XQK_SUM_ROWS, "work->sums");

/* Where the scales or minima of the strip at work->n0 are; false if they are there, but not in one piece. */
static bool find_levels(const struct xqk_work *work, unsigned int first, unsigned int second,
			uint32_t second_format, struct xqk_levels_in_place *to)
{
	const struct xq_dims *dims = &work->gemm->dims;
	const struct xqk_view *view = &work->gemm->view[first], *view2 = &work->gemm->view[second];
	const uint64_t strip = work->n0 / XQK_LANES;

	if (!view->flat || (second_format && !view2->flat))
		return false;
	to->first_stride = view->stride;
	to->first = view->flat + work->batch * view->batch_stride + strip * view->stride +
		    (size_t)(work->block.k0 / dims->group) * XQK_LANES * (xq_format_bits(to->first_format) / 8);
	to->second_format = second_format;
	if (!second_format)
		return true;
	to->second_stride = view2->stride;
	to->second = view2->flat + work->batch * view2->batch_stride + strip * view2->stride +
		     (size_t)(work->block.k0 / dims->b_supergroup) * XQK_LANES * (xq_format_bits(second_format) / 8);
	return true;
}

/* Both or none: a level of scales without the other, or other formats of minima, is nobody's. */
static bool find_all_levels(const struct xqk_work *work, struct xqk_row_real *row)
{
	const struct xq_dims *dims = &work->gemm->dims;

	row->scale.first_format = dims->b_scale_format;
	row->min.first_format = dims->b_min_format;
	if (!find_levels(work, XQACCEL_B_SCALE, XQACCEL_B_SCALE2, dims->b_scale2_format, &row->scale))
		return false;
	if (!work->minima)
		return true;
	return dims->b_min_format == dims->b_scale_format && dims->b_min2_format == dims->b_scale2_format &&
	       find_levels(work, XQACCEL_B_MIN, XQACCEL_B_MIN2, dims->b_min2_format, &row->min);
}

bool xqk_row_real_fits(const struct xqk_work *work)
{
	const struct xqk_gemm *gemm = work->gemm;
	struct xqk_work first = { .gemm = gemm, .minima = work->minima };
	const uint32_t rows = work->together ? work->product->tiles_rows : 1;
	struct xqk_row_real row = {
		.summed = work->together, .second_groups = work->together,
		.group_words = gemm->dims.group / work->word_k,
	};

	/* The block of such a job is whole groups. */
	return work->row_real && gemm->dims.m <= rows && gemm->dims.group <= XQK_BLOCK_K / 2 &&
	       gemm->view[XQACCEL_B].flat && !work->need_column_sum && !xqk_present(&gemm->view[XQACCEL_B_ZP]) &&
	       find_all_levels(&first, &row) && work->row_real(&row, 0);
}

/* One of the staged rows by the channels at work->n0. */
static void compute_strips(struct xqk_work *work, struct xqk_row_real *row, uint32_t m)
{
	const unsigned int strips = (work->columns + XQK_LANES - 1) / XQK_LANES;
	const struct xq_dims *dims = &work->gemm->dims;
	const struct xqk_view *b = &work->gemm->view[XQACCEL_B];
	const uint64_t tiles_k = xq_tiles_k(dims->b_format, dims->k);
	bool in_place;
	size_t run;

	row->b_stride = tiles_k * XQACCEL_TILE_BYTES;
	row->b = b->flat + work->batch * b->batch_stride + work->n0 / XQK_LANES * row->b_stride +
		 work->block.word0 * XQK_STEP_BYTES;
	find_all_levels(work, row);
	row->sum = (float *)xqk_c_at(work, m, 0, 0, &run);
	in_place = run >= 4 * (size_t)strips * XQK_LANES && (work->pending || work->columns % XQK_LANES == 0);
	if (!in_place) {
		row->sum = (float *)work->sums;
		if (row->add)
			xqk_load_c(work, m, 0, work->sums);
	}
	work->row_real(row, strips);
	if (work->block.k1 == dims->k)
		work->product->real->finish(row->sum, work->columns);
	if (!in_place)
		xqk_store_c(work, m, 1, 0, work->sums, false);
}

bool xqk_compute_row_real(struct xqk_work *work, uint32_t n0, uint32_t n1, const atomic_bool *cancel)
{
	const struct xq_dims *dims = &work->gemm->dims;
	struct xqk_row_real row = {
		.a_min = work->a_min, .row_pitch = work->stage_rows, .count = work->block.pieces,
		.group_words = dims->group / work->word_k, .table = work->table,
		.add = work->block.k0 || (dims->flags & XQACCEL_JOB_ACCUMULATE),
		.summed = work->together, .shifted = work->gemm->b_zp,
	};
	const uint32_t most = work->rows > 1 ? SHARED_COLUMNS : COLUMNS;
	uint32_t i;

	if (dims->b_supergroup) {
		row.second_groups = dims->b_supergroup / dims->group;
		row.second_left = (dims->b_supergroup - work->block.k0 % dims->b_supergroup) / dims->group;
	}
	for (work->n0 = n0; work->n0 < n1; work->n0 += work->columns) {
		if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
			return false;
		work->columns = n1 - work->n0 < most ? n1 - work->n0 : most;
		for (i = 0; i < work->rows; i++) {
			row.a = xqk_staged_row(work, i);
			row.row_term = work->row_term + i;
			row.a_scale = work->a_real + i;
			row.sum_low = work->sum_low + i * work->block.pieces;
			row.sum_high = work->sum_high + i * work->block.pieces;
			compute_strips(work, &row, work->m0 + i);
		}
	}
	return true;
}
