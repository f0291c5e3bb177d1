// SPDX-License-Identifier: MIT
/*
 * Computing a chunk. With a' = a - a_bias as staged, b' = b + b_bias as the dot takes it,
 * and the zero points moved likewise, a piece of K elements of C is
 *
 *	sum (a' - za)(b' - zb) = sum a'b' - zb (sum a' - K za) - za sum b'
 *
 * exactly modulo 2^32. The sums of a' come from staging; those of b' from a dot with a
 * row of ones, only where a za is not 0.
 */
#include <string.h>

#include "convolution/conv.h"
#include "product/gemm.h"
#include "product/groups.h"

static bool canceled(const atomic_bool *cancel)
{
	return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* Where a row of C begins. */
static struct xqk_place row_of_c(const struct xqk_work *work, uint32_t m, uint32_t plane)
{
	const struct xq_dims *dims = &work->gemm->dims;
	const struct xqk_view *view = &work->gemm->view[XQACCEL_C];
	const uint32_t planes = dims->flags & XQACCEL_JOB_GROUP_ACC ? dims->k / dims->group : 1;

	if (work->plan->way == XQK_WAY_PATCHES)
		return (struct xqk_place){ m, xqk_patch_of_y(&work->plan->conv, m) };
	return (struct xqk_place){
		.line = ((uint64_t)work->batch * planes + plane) * dims->m + m,
		.distance = work->batch * view->batch_stride + plane * view->group_stride + m * view->stride,
	};
}

/* The groups of a convolution, its batch elements, lie side by side in rows of pixels. */
static uint32_t column_of_c(const struct xqk_work *work, uint32_t n)
{
	return work->plan->way == XQK_WAY_PATCHES ? work->batch * work->gemm->dims.n + n : n;
}

uint8_t *xqk_c_at(const struct xqk_work *work, uint32_t m, uint32_t plane, uint64_t byte, size_t *run)
{
	struct xqk_place place;

	if (work->pending) {
		*run = SIZE_MAX;
		return (uint8_t *)(work->pending + (size_t)(m - work->m0) * work->pending_columns +
				   (work->n0 - work->pending_n0)) + byte;
	}
	place = row_of_c(work, m, plane);
	return xqk_at(&work->gemm->view[XQACCEL_C], place.line, place.distance,
		      4 * (uint64_t)column_of_c(work, work->n0) + byte, run);
}

void xqk_store_c(const struct xqk_work *work, uint32_t m, uint32_t rows, uint32_t plane,
		 const int32_t *sums, bool add)
{
	uint32_t row, n, i;
	size_t run;

	for (row = 0; row < rows; row++, sums += XQK_COLUMNS) {
		for (n = 0; n < work->columns; n += (uint32_t)run) {
			uint8_t *c = xqk_c_at(work, m + row, plane, 4 * (uint64_t)n, &run);

			run /= 4;
			run = run < work->columns - n ? run : work->columns - n;
			if (!add) {
				memcpy(c, sums + n, 4 * run);
				continue;
			}
			for (i = 0; i < run; i++) {
				uint32_t old;

				memcpy(&old, c + 4 * i, 4);
				old += (uint32_t)sums[n + i];
				memcpy(c + 4 * i, &old, 4);
			}
		}
	}
}

void xqk_load_c(const struct xqk_work *work, uint32_t m, uint32_t plane, int32_t *sums)
{
	uint32_t n;
	size_t run;

	for (n = 0; n < work->columns; n += (uint32_t)run) {
		const uint8_t *c = xqk_c_at(work, m, plane, 4 * (uint64_t)n, &run);

		run /= 4;
		run = run < work->columns - n ? run : work->columns - n;
		memcpy(sums + n, c, 4 * run);
	}
}

void xqk_aim_dot(const struct xqk_work *work, uint32_t row, uint32_t piece, struct xqk_dot *dot)
{
	const struct xqk_view *a = &work->gemm->view[XQACCEL_A];
	uint32_t k0, k1, word0, words;

	xqk_piece(work, piece, &k0, &k1, &word0, &words);
	/* Panels start with the block, tables of tiles with its first tile. */
	if (!work->unpack && (work->gemm->dims.flags & XQACCEL_JOB_B_TILED))
		word0 += work->block.word0 % XQACCEL_TILE_WORDS;
	if (work->in_place && row != work->stage_rows) {
		dot->a = a->flat + work->batch * a->batch_stride + (work->m0 + row) * a->stride +
			 work->block.k0;
		dot->a_stride = a->stride;
	} else {
		dot->a = xqk_staged_row(work, row);
		dot->a_stride = work->a_stride;
	}
	dot->a += (size_t)piece * work->block.piece_steps * work->a_step_bytes;
	dot->row_start = work->wide ? work->row_start + piece * (work->stage_rows + 1) + row : NULL;
	dot->column_start = work->wide ? work->column_start + piece * XQK_COLUMNS : NULL;
	dot->table = work->table;
	dot->first = word0 * work->table_steps;
	dot->b = work->b + dot->first / XQK_TILE_STEPS * XQK_STRIPS;
	dot->first %= XQK_TILE_STEPS;
	dot->steps = words * work->table_steps;
	/* What pads the last word of a row in place is not zeros. */
	if (work->in_place)
		dot->steps = (k1 - k0) / 4;
	dot->k = k1 - k0;
	dot->c = work->dots;
}

bool xqk_rows_of_c(const struct xqk_work *work, uint32_t m, uint32_t rows, uint32_t plane,
		   int32_t **c)
{
	const struct xqk_view *view = &work->gemm->view[XQACCEL_C];
	uint32_t row;
	size_t run;

	/* What is pending has whole lanes. */
	if (work->columns % XQK_LANES && !work->pending)
		return false;
	if (view->flat && work->plan->way == XQK_WAY_PRODUCT && !work->pending) {
		uint8_t *at = xqk_c_at(work, m, plane, 0, &run);

		for (row = 0; row < rows; row++, at += view->stride)
			c[row] = (int32_t *)at;
		return true;
	}
	for (row = 0; row < rows; row++) {
		c[row] = (int32_t *)xqk_c_at(work, m + row, plane, 0, &run);
		if (run < 4 * work->columns)
			return false;
	}
	return true;
}

void xqk_tail_staged(struct xqk_work *work)
{
	xqk_tail_columns(&work->tail, column_of_c(work, work->n0), work->columns);
}

void xqk_finish_rows(struct xqk_work *work, uint32_t m, uint32_t rows, const int32_t *sums, size_t stride,
		     bool biased)
{
	const uint32_t each = work->plan->way == XQK_WAY_PATCHES ? 0 : work->batch * work->gemm->dims.m;
	struct xqk_place place;
	uint32_t row, i, some;

	xqk_tail_staged(work);
	for (row = 0; row < rows; row += some) {
		some = rows - row < XQK_TAIL_ROWS ? rows - row : XQK_TAIL_ROWS;
		place = row_of_c(work, m + row, 0);
		for (i = 0; i < some; i++, place.line++, place.distance += work->gemm->view[XQACCEL_C].stride)
			work->tail.place[i] = work->plan->way == XQK_WAY_PATCHES ? row_of_c(work, m + row + i, 0) :
									     place;
		xqk_tail_rows(&work->tail, sums + row * stride, stride, each + m + row, some, biased);
	}
}

/* What A's zero points take off a piece. */
void xqk_fold_columns(const struct xqk_work *work, uint32_t row, uint32_t piece,
			 struct xqk_fold *fold)
{
	const int32_t *columns = work->column_sum + piece * XQK_COLUMNS;

	if (xqk_present(&work->gemm->view[XQACCEL_A_ZP])) {
		fold->a_zp = work->a_zp + row;
		fold->column_sum = columns;
	} else {
		fold->column_term = columns;
	}
}

/* The same for groups with scales, all of a block at once. */
static void compute_groups(struct xqk_work *work, uint32_t row, uint32_t rows)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xqk_groups groups = { .count = work->block.pieces, .row_pitch = work->stage_rows };
	struct xqk_fold fold = { .sum = work->sums, .row_term = work->row_term + row };
	struct xqk_dot dot = work->whole;

	dot.a += row * dot.a_stride;
	if (xqk_present(&gemm->view[XQACCEL_B_ZP]))
		fold.b_zp = work->b_zp;
	if (work->need_column_sum)
		xqk_fold_columns(work, row, 0, &fold);
	if (xqk_present(&gemm->view[XQACCEL_A_SCALE]))
		fold.a_scale = work->a_scale + row;
	if (xqk_present(&gemm->view[XQACCEL_B_SCALE]))
		fold.b_scale = work->b_scale;
	work->dot_groups(&dot, &fold, &groups, rows, (work->columns + XQK_LANES - 1) / XQK_LANES);
	xqk_store_c(work, work->m0 + row, rows, 0, work->sums,
		(gemm->dims.flags & XQACCEL_JOB_ACCUMULATE) || work->block.k0);
}

/* Up to product->rows staged rows by the staged channels. */
static void compute_rows(struct xqk_work *work, uint32_t row, uint32_t rows)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xq_dims *dims = &gemm->dims;
	const bool planes = dims->flags & XQACCEL_JOB_GROUP_ACC;
	const bool accumulate = dims->flags & XQACCEL_JOB_ACCUMULATE;
	const unsigned int strips = (work->columns + XQK_LANES - 1) / XQK_LANES;
	struct xqk_fold fold = { .dot = work->dots, .sum = work->sums };
	struct xqk_dot dot;
	int32_t *c[XQK_MAX_ROWS];
	uint32_t piece, k, plane;

	if (xqk_present(&gemm->view[XQACCEL_B_ZP]))
		fold.b_zp = work->b_zp;
	for (piece = 0; piece < work->block.pieces; piece++) {
		k = work->block.k0 + piece * work->block.piece_k;
		plane = planes ? k / dims->group : 0;
		dot = work->whole;
		dot.a += row * dot.a_stride;
		if (piece || work->wide)
			xqk_aim_dot(work, row, piece, &dot);
		if (work->need_row_term)
			fold.row_term = work->row_term + piece * work->stage_rows + row;
		if (work->need_column_sum)
			xqk_fold_columns(work, row, piece, &fold);
		if (work->dot_fold && (planes || work->block.pieces == 1) &&
		    xqk_rows_of_c(work, work->m0 + row, rows, plane, c)) {
			fold.add = accumulate || k > plane * dims->group;
			work->dot_fold(&dot, &fold, c, rows, strips);
			continue;
		}
		if (xqk_present(&gemm->view[XQACCEL_A_SCALE]))
			fold.a_scale = work->a_scale + piece * work->stage_rows + row;
		if (xqk_present(&gemm->view[XQACCEL_B_SCALE]))
			fold.b_scale = work->b_scale + piece * XQK_COLUMNS;
		fold.add = piece && !planes;
		work->dot(&dot, rows, strips);
		work->product->fold(&fold, rows, strips);
		if (planes || piece + 1 == work->block.pieces)
			xqk_store_c(work, work->m0 + row, rows, plane, work->sums,
				accumulate || (planes ? k % dims->group : work->block.k0));
	}
}

/* Terms of the staged channels, which dots of the panel give. */
static void sum_columns(struct xqk_work *work)
{
	const unsigned int strips = (work->columns + XQK_LANES - 1) / XQK_LANES;
	const bool by_row = xqk_present(&work->gemm->view[XQACCEL_A_ZP]);
	struct xqk_dot dot;
	uint32_t piece, n;

	for (piece = 0; work->wide && piece < work->block.pieces; piece++) {
		xqk_aim_dot(work, 0, piece, &dot);
		work->product->start_b(&dot, work->column_start + piece * XQK_COLUMNS, strips);
	}
	for (piece = 0; work->need_column_sum && piece < work->block.pieces; piece++) {
		xqk_aim_dot(work, work->stage_rows, piece, &dot);
		dot.c = work->column_sum + piece * XQK_COLUMNS;
		work->dot(&dot, 1, strips);
		for (n = 0; !by_row && n < XQK_COLUMNS; n++)
			dot.c[n] = (int32_t)((uint32_t)dot.c[n] * (uint32_t)work->a_zp[0]);
	}
}

/* Shorter groups and fewer rows are slower by tiles, whose sums come by way of memory. */
#define TALL_GROUP_STEPS	8
#define TALL_GROUP_ROWS		16

/* Groups of whole tiles or of a part of one; nothing to take off that is not in row_tall. */
static bool tall_real_fits(const struct xqk_work *work)
{
	const uint32_t steps = work->whole.steps;
	const uint32_t most = steps < XQK_TILE_STEPS ? steps : XQK_TILE_STEPS;

	return work->tall_real && work->rows >= TALL_GROUP_ROWS &&
	       !work->need_column_sum && !xqk_present(&work->gemm->view[XQACCEL_B_ZP]) &&
	       steps >= TALL_GROUP_STEPS && (steps < 16 || steps % 16 == 0) &&
	       XQK_TILE_STEPS % most == 0 && steps % most == 0 && work->whole.first % most == 0;
}

/* The staged rows by channels [n0, n1), strips of B staged as they are reached. */
static bool compute_block(struct xqk_work *work, uint32_t n0, uint32_t n1,
			  const atomic_bool *cancel)
{
	uint32_t most, parts, part, row, rows;

	for (work->n0 = n0; work->n0 < n1; work->n0 += work->columns) {
		work->columns = n1 - work->n0 < XQK_COLUMNS ? n1 - work->n0 : XQK_COLUMNS;
		if (canceled(cancel))
			return false;
		xqk_choose_panel(work);
		xqk_stage_b(work);
		xqk_aim_dot(work, 0, 0, &work->whole);
		sum_columns(work);
		if (work->panel_fits) {
			xqk_compute_panel(work);
			continue;
		}
		work->tall = tall_real_fits(work);
		most = work->tall || work->scaled ? XQK_TALL_ROWS : work->product->rows;
		parts = (work->rows + most - 1) / most;
		/* Rows are spread evenly over the parts: a rest of one would be slow. */
		for (part = row = 0; part < parts; part++, row += rows) {
			if (canceled(cancel))
				return false;
			rows = work->tall || work->scaled ? work->rows - row < most ? work->rows - row : most :
			       (work->rows - row + parts - part - 1) / (parts - part);
			if (work->together)
				xqk_compute_summed(work, row, rows);
			else if (work->real)
				xqk_compute_real(work, row, rows);
			else if (work->dot_groups)
				compute_groups(work, row, rows);
			else
				compute_rows(work, row, rows);
		}
	}
	return true;
}

/* The staged rows by channels [n0, n1), in the way that the job has. */
static bool compute_columns(struct xqk_work *work, uint32_t n0, uint32_t n1, const atomic_bool *cancel)
{
	if (work->vector)
		return xqk_compute_vector(work, n0, n1, cancel);
	if (work->row_real)
		return xqk_compute_row_real(work, n0, n1, cancel);
	return compute_block(work, n0, n1, cancel);
}

/* The sums of no products; false if canceled. */
static bool store_zeros(struct xqk_work *work, uint32_t n0, uint32_t n1,
			const atomic_bool *cancel)
{
	uint32_t row;

	if (work->gemm->dims.flags & (XQACCEL_JOB_ACCUMULATE | XQACCEL_JOB_GROUP_ACC))
		return true;
	memset(work->sums, 0, 4 * XQK_COLUMNS);
	for (work->n0 = n0; work->n0 < n1; work->n0 += work->columns) {
		work->columns = n1 - work->n0 < XQK_COLUMNS ? n1 - work->n0 : XQK_COLUMNS;
		if (canceled(cancel))
			return false;
		for (row = 0; row < work->rows; row++)
			xqk_store_c(work, work->m0 + row, 1, 0, work->sums, false);
	}
	return true;
}

/* The pending channels, which end at n1, through the epilogue. */
static void finish_pending(struct xqk_work *work, uint32_t n1)
{
	for (work->n0 = work->pending_n0; work->n0 < n1; work->n0 += work->columns) {
		work->columns = n1 - work->n0 < XQK_COLUMNS ? n1 - work->n0 : XQK_COLUMNS;
		xqk_finish_rows(work, work->m0, work->rows, work->pending + (work->n0 - work->pending_n0),
				work->pending_columns, false);
	}
}

/*
 * The staged rows by channels [n0, n1) with an epilogue, which needs complete sums: a few channels
 * at a time by all of K. Rows of several blocks of K are staged again for each of these.
 */
static bool compute_with_epilogue(struct xqk_work *work, uint32_t n0, uint32_t n1, const atomic_bool *cancel)
{
	const uint32_t k = work->gemm->dims.k;
	uint32_t k0, end;

	if (k && work->one_block) {
		xqk_block_at(work, 0, &work->block);
		if (!xqk_stage_a(work, cancel))
			return false;
	}
	for (work->pending_n0 = n0; work->pending_n0 < n1; work->pending_n0 = end) {
		end = n1 - work->pending_n0 < work->pending_columns ? n1 : work->pending_n0 + work->pending_columns;
		work->finished = false;
		if (!k)
			memset(work->pending, 0, 4 * (size_t)work->rows * work->pending_columns);
		for (k0 = 0; k0 < k; k0 = work->block.k1) {
			if (!work->one_block) {
				xqk_block_at(work, k0, &work->block);
				if (!xqk_stage_a(work, cancel))
					return false;
			}
			if (!compute_columns(work, work->pending_n0, end, cancel))
				return false;
		}
		if (!work->finished)
			finish_pending(work, end);
	}
	return true;
}

/* One unit of a chunk: rows [m0, m1) by channels [n0, n1) of a batch element. */
static bool compute_unit(struct xqk_work *work, uint32_t m0, uint32_t m1, uint32_t n0,
			 uint32_t n1, const atomic_bool *cancel)
{
	const uint32_t k = work->gemm->dims.k;
	uint32_t k0;

	if (work->thin) {
		xqk_block_at(work, 0, &work->block);
		return xqk_compute_thin(work, m0, m1, n0, n1, cancel);
	}
	for (work->m0 = m0; work->m0 < m1; work->m0 += work->rows) {
		work->rows = m1 - work->m0 < work->stage_rows ? m1 - work->m0 : work->stage_rows;
		if (work->tail.epilogue) {
			if (!compute_with_epilogue(work, n0, n1, cancel))
				return false;
			continue;
		}
		if (!k && !store_zeros(work, n0, n1, cancel))
			return false;
		for (k0 = 0; k0 < k; k0 = work->block.k1) {
			xqk_block_at(work, k0, &work->block);
			if (!xqk_stage_a(work, cancel) ||
			    !compute_columns(work, n0, n1, cancel))
				return false;
		}
	}
	return true;
}

static void read_codebook(struct xqk_work *work)
{
	const struct xqk_gemm *gemm = work->gemm;
	const unsigned int entries = gemm->dims.b_format == XQACCEL_FMT_C8 ? 256 : 16;
	const struct xqk_view *view = &gemm->view[XQACCEL_CODEBOOK];
	unsigned int i;

	xqk_read(view, work->batch, work->batch * view->batch_stride, 0, work->table, entries);
	for (i = 0; i < entries; i++)
		work->table[i] = (uint8_t)(work->table[i] + work->b_bias);
}

/* What bounds the sums; what lies in memory does not. */
static uint64_t acc_most(const struct xqk_gemm *gemm)
{
	const struct xq_dims *d = &gemm->dims;

	if (xqk_present(&gemm->view[XQACCEL_A_ZP]) || xqk_present(&gemm->view[XQACCEL_B_ZP]) ||
	    d->a_scale_format || d->b_scale_format || d->flags & XQACCEL_JOB_GROUP_REAL)
		return XQK_ACC_MOST;
	return xqk_acc_most(d->k, d->a_format, gemm->a_zp, d->b_format, gemm->b_zp);
}

/* A unit's rows and channels of one batch element. */
static bool compute_element(struct xqk_work *work, uint64_t unit, uint32_t batch, const atomic_bool *cancel)
{
	const struct xqk_plan *plan = work->plan;
	const struct xq_dims *dims = &plan->gemm.dims;
	const uint32_t n0 = (uint32_t)(unit % plan->chunks_n) * plan->block_n;
	const uint32_t m0 = (uint32_t)(unit / plan->chunks_n % plan->chunks_m) * plan->block_m;

	work->batch = batch;
	if (xq_format_codebook(dims->b_format) && dims->k)
		read_codebook(work);
	return compute_unit(work, m0, dims->m - m0 < plan->block_m ? dims->m : m0 + plan->block_m, n0,
			    dims->n - n0 < plan->block_n ? dims->n : n0 + plan->block_n, cancel);
}

bool xqk_run_chunk_rows(struct xqk_plan *plan, uint32_t chunk, void *scratch,
			uint32_t stage_rows, const atomic_bool *cancel)
{
	const struct xqk_gemm *gemm = &plan->gemm;
	const uint64_t last = plan->units * (chunk + 1) / plan->chunks;
	uint64_t unit = plan->units * chunk / plan->chunks;
	struct xqk_work work;
	uint32_t b_zp, batch, end;

	if (plan->way == XQK_WAY_DEPTHWISE)
		return xqk_run_depthwise(plan, chunk, scratch, cancel);
	if (plan->way == XQK_WAY_DIRECT)
		return xqk_run_direct(plan, chunk, scratch, cancel);
	xqk_work_layout(&work, plan, stage_rows, scratch);
	xqk_tail_start(&work.tail, plan->isa, &gemm->epilogue, acc_most(gemm), &gemm->view[XQACCEL_C],
		       work.tail_memory);
	work.bytes_copied = &plan->bytes_copied;
	work.need_column_sum = xqk_present(&gemm->view[XQACCEL_A_ZP]) ||
			       gemm->a_zp != work.a_bias;
	b_zp = (uint32_t)gemm->b_zp + (uint32_t)work.b_bias;
	work.need_row_term = xqk_present(&gemm->view[XQACCEL_B_ZP]) || b_zp;
	work.row_factor = xqk_present(&gemm->view[XQACCEL_B_ZP]) ? 1 : b_zp;
	if (!xqk_row_real_fits(&work))
		work.row_real = NULL;
	work.groups_added = work.together && work.dot_groups && work.product->groups_added &&
			    !work.need_column_sum && !xqk_present(&gemm->view[XQACCEL_B_ZP]);
	/* What starts the sums of a group is added. */
	if (work.dot_real || work.row_real || work.groups_added)
		work.row_factor = -work.row_factor;
	else
		work.tall_factor = -work.tall_factor;
	for (; unit < last; unit++) {
		batch = plan->whole_rows ? 0 : (uint32_t)(unit / plan->chunks_n / plan->chunks_m);
		end = plan->whole_rows ? gemm->dims.batch : batch + 1;
		for (; batch < end; batch++)
			if (canceled(cancel) || !compute_element(&work, unit, batch, cancel))
				return false;
	}
	return true;
}
