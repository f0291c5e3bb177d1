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

/* The largest value of a format that has no negative ones, else 0. */
static uint32_t most_of(uint32_t format)
{
	switch (format) {
	case XQACCEL_FMT_U2:
	case XQACCEL_FMT_U4:
	case XQACCEL_FMT_U8:
		return xq_format_magnitude(format);
	default:
		return 0;
	}
}

/* Operands and scales are never negative, nor are their products. */
static uint32_t most_product(const struct xqk_gemm *gemm)
{
	return gemm->b_zp || gemm->dims.b_scale_format != XQACCEL_FMT_U8 ? 0 : most_of(gemm->dims.b_format);
}

/*
 * Whether scales can multiply the elements of B: products fit 16 bits, the sum of two groups of A do,
 * and supergroups are whole tiles. Then a supergroup is a sum of bytes, or two.
 */
static bool can_scale(const struct xqk_work *work)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xq_dims *d = &gemm->dims;
	const int64_t zp = gemm->b_zp < 0 ? -(int64_t)gemm->b_zp : gemm->b_zp;
	const int64_t greatest = (xq_format_magnitude(d->b_format) + zp) * xq_format_magnitude(d->b_scale_format);

	return work->product->dot_summed && d->m >= work->product->summed_rows && !work->from_tiles &&
	       d->a_format == XQACCEL_FMT_S8 && !gemm->a_zp && !xqk_present(&gemm->view[XQACCEL_A_ZP]) &&
	       !xqk_present(&gemm->view[XQACCEL_B_ZP]) && d->group % 16 == 0 && d->group <= 256 &&
	       d->group % work->word_k == 0 &&
	       d->b_supergroup % 64 == 0 && (greatest <= INT16_MAX || most_product(gemm));
}

static uint32_t pairs_of(const struct xqk_work *work)
{
	return work->minima ? (work->together + 1) / 2 : 0;
}

static void scaled_layout(struct xqk_work *work, uint32_t pieces, uint8_t *scratch, size_t *used)
{
	const size_t rows = work->stage_rows + XQK_TALL_ROWS, supergroups = pieces / work->together;
	const size_t elements = (size_t)pieces * work->gemm->dims.group;
	unsigned int strip;

	work->dot_summed = work->product->dot_summed;
	work->row_total = take(scratch, used, 4 * rows * supergroups);
	work->row_pair = take(scratch, used, 4 * rows * supergroups * pairs_of(work));
	work->min_pair = take(scratch, used, 4 * XQK_COLUMNS * supergroups * pairs_of(work));
	for (strip = 0; strip < XQK_STRIPS; strip++)
		work->scaled_memory[strip] =
			take(scratch, used, (work->product->summed_bytes ? 1 : 2) * XQK_LANES * elements);
}

void xqk_summed_layout(struct xqk_work *work, uint32_t pieces, uint8_t *scratch, size_t *used)
{
	const size_t rows = work->stage_rows + XQK_MAX_ROWS;
	const size_t reals = 4 * XQK_COLUMNS * (size_t)pieces;

	work->dot_summed = NULL;
	work->scaled = false;
	if (can_scale(work))
		scaled_layout(work, pieces, scratch, used);

	work->a_real = (float *)work->a_scale;
	work->row_sum = take(scratch, used, 4 * rows * pieces);
	work->b_minima = take(scratch, used, reals);
	work->b_real = take(scratch, used, reals);
	work->b_min = take(scratch, used, reals);
	work->reals = take(scratch, used, 4 * (size_t)pieces * XQK_LANES);
	work->sum_low = take(scratch, used, (size_t)pieces * XQK_MAX_ROWS);
	work->sum_high = take(scratch, used, (size_t)pieces * XQK_MAX_ROWS);
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

/* Two numbers of 16 bits. */
static int32_t pair(int32_t first, int32_t second)
{
	return (int32_t)(((uint32_t)first & 0xffff) | (uint32_t)second << 16);
}

/* A row's sums of groups to what the products by scaled channels take of them. */
static void put_sums(struct xqk_work *work, uint32_t row, const int32_t *sum, size_t pitch)
{
	const uint32_t count = work->block.pieces / work->together;
	int32_t *total = work->row_total + row, *to = work->row_pair + row;
	uint32_t i, group;

	for (i = 0; i < count; i++, total += work->stage_rows) {
		*total = 0;
		for (group = 0; group < work->together; group += 2) {
			const int32_t first = sum[0], second = group + 1 < work->together ? sum[pitch] : 0;

			*total += first + second;
			sum += group + 1 < work->together ? 2 * pitch : pitch;
			if (!work->minima)
				continue;
			*to = pair(first, second);
			to += work->stage_rows;
		}
	}
}

void xqk_summed_row(struct xqk_work *work, uint32_t row, const uint8_t *a)
{
	int32_t sums[XQK_REAL_PIECES];

	work->product->sum_groups(sums, (const int8_t *)a, work->block.pieces, work->gemm->dims.group);
	put_sums(work, row, sums, 1);
}

/* Sums of a row's groups in two digits, of which each is a byte. */
static void put_digits(struct xqk_work *work, uint32_t row)
{
	int8_t *low = work->sum_low + row * work->block.pieces, *high = work->sum_high + row * work->block.pieces;
	uint32_t piece;

	for (piece = 0; piece < work->block.pieces; piece++) {
		const int32_t sum = work->row_sum[piece * work->stage_rows + row];

		low[piece] = sum & 63;
		high[piece] = (int8_t)(sum >> 6);
	}
}

void xqk_finish_summed_a(struct xqk_work *work)
{
	uint32_t row;

	for (row = 0; work->row_real && work->minima && row < work->rows; row++)
		put_digits(work, row);

	if (!work->dot_summed || (work->in_place && !work->product->summed_bytes))
		return;
	for (row = 0; row < work->rows; row++)
		put_sums(work, row, work->row_sum + row, work->stage_rows);
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

static void widen_bytes(int32_t *restrict to, const uint8_t *restrict from, uint32_t n, bool is_signed)
{
	uint32_t i;

	for (i = 0; !is_signed && i < n; i++)
		to[i] = from[i];
	for (i = 0; is_signed && i < n; i++)
		to[i] = (int8_t)from[i];
}

/* Bytes of the first level to [piece][XQK_COLUMNS]. */
static void stage_first(const struct xqk_work *work, unsigned int operand, uint32_t format, int32_t *to)
{
	const struct level l = level_of(work, operand, format, false);
	uint8_t raw[XQK_REAL_PIECES * XQK_LANES];
	uint32_t column, i;

	for (column = 0; column < work->columns; column += l.lanes) {
		const uint32_t line = (work->n0 + column) / l.lanes;
		const uint8_t *from = raw;

		xqk_read(l.view, (uint64_t)work->batch * l.lines + line,
			 work->batch * l.view->batch_stride + line * l.view->stride,
			 (uint64_t)l.first * l.lanes, raw, l.count * l.lanes);
		for (i = 0; i < l.count && l.lanes == XQK_LANES; i++, from += XQK_LANES)
			widen_bytes(to + i * XQK_COLUMNS + column, from, XQK_LANES, format == XQACCEL_FMT_S8);
		for (i = 0; i < l.count && l.lanes == 1; i++)
			widen_bytes(to + i * XQK_COLUMNS + column, from++, 1, format == XQACCEL_FMT_S8);
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

static void pair_minima(struct xqk_work *work)
{
	const uint32_t count = work->block.pieces / work->together;
	const int32_t *from = work->b_minima;
	int32_t *to = work->min_pair;
	uint32_t i, group, n;

	for (i = 0; i < count; i++) {
		for (group = 0; group < work->together; group += 2, to += XQK_COLUMNS) {
			const bool two = group + 1 < work->together;

			for (n = 0; n < XQK_COLUMNS; n++)
				to[n] = pair(from[n], two ? from[XQK_COLUMNS + n] : 0);
			from += two ? 2 * XQK_COLUMNS : XQK_COLUMNS;
		}
	}
}

/* The staged channels by their scales. */
static void scale_strips(struct xqk_work *work)
{
	const struct xqk_gemm *gemm = work->gemm;
	const unsigned int strips = (work->columns + XQK_LANES - 1) / XQK_LANES;
	const size_t part = (size_t)work->block.pieces * gemm->dims.group * XQK_LANES;
	struct xqk_scale_strip strip = {
		.flip = !work->unpack && work->b_bias ? 0x80 : 0, .zero = work->b_bias + gemm->b_zp,
		.most = most_product(gemm), .count = work->block.pieces, .steps = gemm->dims.group / 4,
	};
	bool bytes = true;
	struct xqk_dot dot;
	unsigned int i;

	xqk_aim_dot(work, 0, 0, &dot);
	strip.first = dot.first;
	for (i = 0; i < strips && (bytes || !work->product->summed_bytes); i++) {
		strip.b = dot.b + i;
		strip.scale = work->b_scale + i * XQK_LANES;
		strip.low = work->scaled_memory[i];
		strip.high = work->product->summed_bytes ? NULL : strip.low + part;
		work->product->scale_strip(&strip, &work->strip_scaled[i]);
		bytes = bytes && !work->strip_scaled[i].high;
	}
	work->scaled = bytes || !work->product->summed_bytes;
}

void xqk_stage_summed_b(struct xqk_work *work)
{
	const struct xq_dims *dims = &work->gemm->dims;

	stage_first(work, XQACCEL_B_SCALE, dims->b_scale_format, work->b_scale);
	stage_second(work, XQACCEL_B_SCALE2, dims->b_scale2_format, work->b_real);
	if (work->dot_summed)
		scale_strips(work);
	if (!work->minima)
		return;
	stage_first(work, XQACCEL_B_MIN, dims->b_min_format, work->b_minima);
	stage_second(work, XQACCEL_B_MIN2, dims->b_min2_format, work->b_min);
	if (work->dot_summed)
		pair_minima(work);
}

/* The sum over the groups from `piece` on that are a supergroup. */
static void sum_groups(struct xqk_work *work, uint32_t row, uint32_t rows, uint32_t piece, struct xqk_fold *fold)
{
	const unsigned int strips = (work->columns + XQK_LANES - 1) / XQK_LANES;
	const struct xqk_groups groups = { work->together, work->stage_rows, work->groups_added };
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

/* Channels that were multiplied by their scales. */
static void compute_scaled(const struct xqk_work *work, uint32_t row, uint32_t rows, float *sum, size_t stride)
{
	struct xqk_dot dot;
	struct xqk_summed summed = {
		.strip = work->strip_scaled, .count = work->block.pieces / work->together,
		.steps = work->together * work->gemm->dims.group / 4, .sum = sum, .sum_stride = stride,
		.row_pitch = work->stage_rows, .a_scale = work->a_real + row, .b_scale = work->b_real,
		.row_total = work->row_total + row, .pairs = pairs_of(work), .row_pair = work->row_pair + row,
		.min_pair = work->min_pair, .b_min = work->b_min,
	};

	xqk_aim_dot(work, row, 0, &dot);
	summed.a = dot.a;
	summed.a_stride = dot.a_stride;
	work->dot_summed(&summed, rows, (work->columns + XQK_LANES - 1) / XQK_LANES);
}

/* Minima alone, one by one where nothing else is added between. */
static void take_pairs(const struct xqk_work *work, const struct xqk_summed_minima *m, uint32_t row, uint32_t rows,
		       uint32_t supergroup)
{
	const size_t pairs = supergroup * (size_t)pairs_of(work);
	const struct xqk_summed summed = {
		.count = 1, .sum = m->sum, .sum_stride = XQK_COLUMNS, .row_pitch = work->stage_rows,
		.a_scale = work->a_real + supergroup * work->stage_rows + row, .pairs = pairs_of(work),
		.row_pair = work->row_pair + pairs * work->stage_rows + row,
		.min_pair = work->min_pair + pairs * XQK_COLUMNS, .b_min = work->b_min + supergroup * XQK_COLUMNS,
	};

	work->product->minima_summed(&summed, rows, (work->columns + XQK_LANES - 1) / XQK_LANES);
}

/* Others: supergroup by supergroup. */
static void compute_unscaled(struct xqk_work *work, uint32_t row, uint32_t rows)
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
	for (piece = 0; piece < work->block.pieces; piece += work->together) {
		sum_groups(work, row, rows, piece, &fold);
		kernels->fold(work->group_sums, &real, rows, strips);
		if (work->minima && !work->dot_summed) {
			minima.a_scale = real.a_scale;
			kernels->fold_minima(&minima, rows, strips);
			minima.row_sum += work->together * work->stage_rows;
			minima.minimum += work->together * XQK_COLUMNS;
			minima.b_min += XQK_COLUMNS;
		} else if (work->minima) {
			take_pairs(work, &minima, row, rows, piece / work->together);
		}
		real.a_scale += work->stage_rows;
		real.b_scale += XQK_COLUMNS;
	}
}

/* Scaled channels straight into C, if its rows are in one piece. */
static bool compute_in_place(struct xqk_work *work, uint32_t row, uint32_t rows)
{
	const bool add = work->block.k0 || (work->gemm->dims.flags & XQACCEL_JOB_ACCUMULATE);
	const struct xqk_view *view = &work->gemm->view[XQACCEL_C];
	const size_t stride = work->pending ? work->pending_columns : view->stride / 4;
	const size_t width = (work->columns + XQK_LANES - 1) / XQK_LANES * XQK_LANES;
	uint32_t r;
	size_t run;
	float *c;

	if (work->columns % XQK_LANES && !work->pending)
		return false;
	if (!work->pending && (!view->flat || work->plan->way != XQK_WAY_PRODUCT))
		return false;
	c = (float *)xqk_c_at(work, work->m0 + row, 0, 0, &run);
	for (r = 0; !add && r < rows; r++)
		memset(c + r * stride, 0, 4 * width);
	compute_scaled(work, row, rows, c, stride);
	for (r = 0; work->block.k1 == work->gemm->dims.k && r < rows; r++)
		work->product->real->finish(c + r * stride, width);
	return true;
}

void xqk_compute_summed(struct xqk_work *work, uint32_t row, uint32_t rows)
{
	if (work->scaled && compute_in_place(work, row, rows))
		return;
	xqk_start_real(work, work->m0 + row, rows, work->sums);
	if (work->scaled)
		compute_scaled(work, row, rows, (float *)work->sums, XQK_COLUMNS);
	else
		compute_unscaled(work, row, rows);
	if (work->block.k1 == work->gemm->dims.k)
		work->product->real->finish((float *)work->sums, XQK_COLUMNS * (size_t)rows);
	xqk_store_c(work, work->m0 + row, rows, 0, work->sums, false);
}
