// SPDX-License-Identifier: MIT
/*
 * Staging A: rows of a block widened to signed bytes, arranged in the order of the
 * steps, with the sums that the fold needs.
 */
#include <string.h>

#include "convolution/conv.h"
#include "product/gemm.h"
#include "product/groups.h"

void xqk_read(const struct xqk_view *view, uint64_t line, uint64_t distance, uint64_t column,
	      void *dst, size_t len)
{
	uint8_t *to = dst;
	size_t run;

	while (len) {
		const uint8_t *from = xqk_at(view, line, distance, column, &run);

		run = run < len ? run : len;
		memcpy(to, from, run);
		to += run;
		column += run;
		len -= run;
	}
}

void xqk_read_scales(const struct xqk_work *work, unsigned int operand, uint32_t row0,
		     uint32_t rows, int32_t *scale, uint32_t pitch)
{
	const struct xq_dims *dims = &work->gemm->dims;
	const struct xqk_view *view = &work->gemm->view[operand];
	const uint32_t all = operand == XQACCEL_A_SCALE ? dims->m : dims->n;
	const uint32_t format = operand == XQACCEL_A_SCALE ? dims->a_scale_format : dims->b_scale_format;
	const uint32_t bytes = format == XQACCEL_FMT_S32 ? 4 : 1;
	const uint32_t group = work->block.k0 / dims->group;
	uint8_t row_bytes[4 * XQK_BLOCK_PIECES];
	uint32_t row, piece;

	for (row = 0; row < rows; row++) {
		const uint64_t line = (uint64_t)work->batch * all + row0 + row;
		const uint64_t distance = work->batch * view->batch_stride +
					  (row0 + row) * view->stride;

		xqk_read(view, line, distance, (uint64_t)group * bytes, row_bytes,
			 work->block.pieces * bytes);
		for (piece = 0; piece < work->block.pieces; piece++) {
			int32_t *to = &scale[piece * pitch + row];

			if (bytes == 1)
				*to = row_bytes[piece];
			else
				memcpy(to, row_bytes + 4 * piece, 4);
		}
	}
}

int32_t xqk_widen(const struct xqk_product *product, const struct xqk_view *view, uint32_t format,
		  uint64_t line, uint64_t distance, uint64_t from, uint64_t to, int8_t *dst)
{
	const uint32_t per = 8 / xq_format_bits(format), lead = from % per;
	uint64_t column = from / per;
	uint32_t sum = 0;
	int8_t part[8];
	size_t run, n;

	if (lead) {
		const uint32_t first = per - lead < to - from ? per - lead : (uint32_t)(to - from);
		uint32_t i;

		product->widen_a(part, xqk_at(view, line, distance, column, &run), lead + first,
				 format);
		for (i = 0; i < first; i++) {
			dst[i] = part[lead + i];
			sum += (uint32_t)dst[i];
		}
		dst += first;
		from += first;
		column++;
	}
	while (from < to) {
		const uint8_t *src = xqk_at(view, line, distance, column, &run);

		n = to - from;
		if ((n + per - 1) / per > run)
			n = run * per;
		sum += (uint32_t)product->widen_a(dst, src, n, format);
		dst += n;
		from += n;
		column += run;
	}
	return (int32_t)sum;
}

/* Elements [k0, k1) of a row in the order of K. Returns their sum. */
static int32_t widen_row(const struct xqk_work *work, uint32_t row, uint32_t k0, uint32_t k1,
			 int8_t *dst)
{
	const struct xqk_view *view = &work->gemm->view[XQACCEL_A];

	if (work->plan->way == XQK_WAY_PATCHES)
		return xqk_patch_widen(work, row, k0, k1, dst);
	return xqk_widen(work->product, view, work->gemm->dims.a_format,
			 (uint64_t)work->batch * work->gemm->dims.m + row,
			 work->batch * view->batch_stride + row * view->stride, k0, k1, dst);
}

/* Elements [k0, k1) of a row, or ones if it is the row past the last. Returns their sum. */
static int32_t widen_or_ones(const struct xqk_work *work, uint32_t row, uint32_t k0, uint32_t k1,
			     int8_t *dst)
{
	if (row != work->stage_rows)
		return widen_row(work, work->m0 + row, k0, k1, dst);
	memset(dst, 1, k1 - k0);
	return 0;
}

/* Words of elements [k0, k1), of which there may be less before and behind. */
static void clear_ends(const struct xqk_work *work, int8_t *line, uint32_t k0, uint32_t k1,
		       uint32_t words)
{
	const uint32_t lead = k0 % work->word_k;

	memset(line, 0, lead);
	memset(line + lead + (k1 - k0), 0, words * work->word_k - lead - (k1 - k0));
}

static void set_row_term(struct xqk_work *work, uint32_t row, uint32_t piece, uint32_t k,
			 int32_t sum)
{
	const size_t at = (size_t)piece * work->stage_rows + row;
	const uint32_t without_zp = (uint32_t)sum - k * (uint32_t)work->a_zp[row];

	if (row == work->stage_rows)
		return;
	work->row_term[at] = (int32_t)(without_zp * work->row_factor);
	work->row_tall[at] = (int32_t)((uint32_t)work->row_term[at] +
				       (uint32_t)sum * work->tall_factor);
	if (work->together)
		work->row_sum[at] = (int32_t)without_zp;
	else if (work->minima)
		work->a_min[at] = (float)(int32_t)without_zp * work->a_real[at];
}

/* Pieces that are whole words follow each other without gaps. */
static void stage_whole(struct xqk_work *work, uint32_t row)
{
	const struct xqk_block *block = &work->block;
	const uint32_t lead = block->k0 % work->word_k;
	uint8_t *dst = xqk_staged_row(work, row);
	int8_t *line = work->arrange_a ? work->line : (int8_t *)dst;
	uint32_t k0, k1, piece;

	for (piece = 0, k0 = block->k0; piece < block->pieces; piece++, k0 = k1) {
		k1 = block->k1 - k0 < block->piece_k ? block->k1 : k0 + block->piece_k;
		set_row_term(work, row, piece, k1 - k0,
			     widen_or_ones(work, row, k0, k1, line + lead + (k0 - block->k0)));
	}
	clear_ends(work, line, block->k0, block->k1, block->words);
	if (work->arrange_a)
		work->arrange_a(dst, line, block->words, work->word_steps);
}

/* Pieces that begin within a word have the whole word each, with zeros for the others' part. */
static void stage_parts(struct xqk_work *work, uint32_t row)
{
	const size_t pitch = (size_t)work->block.piece_steps * work->a_step_bytes;
	uint8_t *dst = xqk_staged_row(work, row);
	uint32_t k0, k1, word0, words, piece;

	for (piece = 0; piece < work->block.pieces; piece++, dst += pitch) {
		xqk_piece(work, piece, &k0, &k1, &word0, &words);
		set_row_term(work, row, piece, k1 - k0,
			     widen_or_ones(work, row, k0, k1, work->line + k0 % work->word_k));
		clear_ends(work, work->line, k0, k1, words);
		if (work->arrange_a)
			work->arrange_a(dst, work->line, words, work->word_steps);
		else
			memcpy(dst, work->line, 4 * (size_t)words * work->word_steps);
	}
}

/* The row's bits as they are; blocks start at a word. */
static void stage_bits(struct xqk_work *work, uint32_t row)
{
	const struct xqk_view *view = &work->gemm->view[XQACCEL_A];
	const struct xqk_block *block = &work->block;
	const uint32_t k = block->k1 - block->k0, m = work->m0 + row;
	uint8_t *dst = xqk_staged_row(work, row);
	uint32_t word, i;
	int32_t ones = 0;

	if (row == work->stage_rows) {
		memset(dst, 0xff, 4 * (size_t)block->words);
		return;
	}
	memset(dst + 4 * (block->words - 1), 0, 4);
	if (work->plan->way == XQK_WAY_PATCHES)
		xqk_patch_bits(work, m, block->k0 / 8, (k + 7) / 8, dst);
	else
		xqk_read(view, (uint64_t)work->batch * work->gemm->dims.m + m,
			 work->batch * view->batch_stride + m * view->stride, block->k0 / 8, dst,
			 (k + 7) / 8);
	for (i = 0; work->need_row_term && i < block->words; i++) {
		memcpy(&word, dst + 4 * i, 4);
		if (i == k / 32)
			word &= (1U << k % 32) - 1;
		ones += __builtin_popcount(word);
	}
	set_row_term(work, row, 0, k, 2 * ones - (int32_t)k);
}

static void set_row_start(struct xqk_work *work, uint32_t row)
{
	const uint8_t *a = xqk_staged_row(work, row);
	uint32_t k0, k1, word0, words, piece;

	for (piece = 0; piece < work->block.pieces; piece++) {
		xqk_piece(work, piece, &k0, &k1, &word0, &words);
		work->row_start[piece * (work->stage_rows + 1) + row] =
			work->product->start_a(a, words * work->word_steps);
		a += (size_t)work->block.piece_steps * work->a_step_bytes;
	}
}

static void stage_row(struct xqk_work *work, uint32_t row)
{
	if (work->bits)
		stage_bits(work, row);
	else if (work->block.pieces == 1 || work->block.piece_k % work->word_k == 0)
		stage_whole(work, row);
	else
		stage_parts(work, row);
	if (work->wide)
		set_row_start(work, row);
}

/* What the zero points of B take off a row that is used where it is. */
static void sum_row(struct xqk_work *work, uint32_t row)
{
	const struct xqk_view *view = &work->gemm->view[XQACCEL_A];
	const uint8_t *a = view->flat + work->batch * view->batch_stride +
			   (work->m0 + row) * view->stride;
	const struct xqk_block *block = &work->block;
	uint32_t k0, k1, piece;

	if (work->dot_summed && !work->product->summed_bytes) {
		xqk_summed_row(work, row, a + block->k0);
		return;
	}
	for (piece = 0, k0 = block->k0; piece < block->pieces; piece++, k0 = k1) {
		k1 = block->k1 - k0 < block->piece_k ? block->k1 : k0 + block->piece_k;
		set_row_term(work, row, piece, k1 - k0,
			     work->product->sum_a(a + k0, k1 - k0, work->gemm->dims.a_format));
	}
}

bool xqk_stage_a(struct xqk_work *work, const atomic_bool *cancel)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xqk_view *zp = &gemm->view[XQACCEL_A_ZP];
	const bool sums = work->need_row_term || work->tall_factor || work->dot_groups ||
			  work->minima || work->dot_summed;
	uint32_t row;

	if (xqk_present(zp))
		xqk_read(zp, work->batch, work->batch * zp->batch_stride, 4 * (uint64_t)work->m0,
			 work->a_zp, 4 * (size_t)work->rows);
	for (row = 0; row < work->rows; row++)
		work->a_zp[row] = (int32_t)((uint32_t)(xqk_present(zp) ? work->a_zp[row] :
						       gemm->a_zp) - (uint32_t)work->a_bias);
	if (work->together)
		xqk_stage_summed_a(work);
	else if (work->real)
		xqk_stage_real_a(work);
	else if (xqk_present(&gemm->view[XQACCEL_A_SCALE]))
		xqk_read_scales(work, XQACCEL_A_SCALE, work->m0, work->rows, work->a_scale,
				work->stage_rows);
	if (work->in_place && !sums)
		memset(work->row_term, 0, 4 * (size_t)work->stage_rows * work->block.pieces);
	for (row = 0; row < work->rows; row++) {
		if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
			return false;
		if (!work->in_place)
			stage_row(work, row);
		else if (sums)
			sum_row(work, row);
	}
	if (work->need_column_sum)
		stage_row(work, work->stage_rows);
	if (work->together)
		xqk_finish_summed_a(work);
	return true;
}
