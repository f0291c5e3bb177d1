// SPDX-License-Identifier: MIT
/*
 * Staging B: pointers to tiles that are used in place, or panels made from tiles or from
 * plain rows; then what the fold needs of the channels.
 */
#include <string.h>

#include "product/gemm.h"
#include "product/groups.h"

/*
 * Address of word columns of a tile. It is a page of the device, but an operand whose
 * first byte is not at the start of a host page has its tiles in two pieces. What is tall reads
 * a tile that is not unpacked in whole runs of XQK_TALL_STEPS.
 */
static const uint8_t *tile_words(struct xqk_work *work, uint64_t tile, uint32_t word,
				 uint32_t words)
{
	const uint32_t read = work->tall && !work->unpack ?
			      (words + XQK_TALL_STEPS - 1) / XQK_TALL_STEPS * XQK_TALL_STEPS : words;
	const struct xqk_view *view = &work->gemm->view[XQACCEL_B];
	const uint64_t distance = work->batch * view->batch_stride;
	const uint64_t column = tile * XQACCEL_TILE_BYTES + word * XQK_STEP_BYTES;
	const size_t bytes = words * XQK_STEP_BYTES;
	const uint8_t *at;
	size_t run;

	at = xqk_at(view, work->batch, distance, column, &run);
	if (run >= read * XQK_STEP_BYTES)
		return at;
	xqk_read(view, work->batch, distance, column, work->tile, bytes);
	atomic_fetch_add_explicit(work->bytes_copied, bytes, memory_order_relaxed);
	return work->tile;
}

void xqk_point_to_tiles(const struct xqk_work *work, unsigned int strips, uint32_t tiles,
			const uint8_t **table, uint32_t pitch)
{
	const struct xq_dims *dims = &work->gemm->dims;
	const struct xqk_view *view = &work->gemm->view[XQACCEL_B];
	const uint64_t distance = work->batch * view->batch_stride;
	const uint64_t tiles_k = xq_tiles_k(dims->b_format, dims->k);
	uint64_t tile = work->n0 / XQK_LANES * tiles_k + work->block.word0 / XQACCEL_TILE_WORDS;
	unsigned int strip;
	uint32_t t;
	size_t run;

	for (strip = 0; strip < strips; strip++, tile += tiles_k)
		for (t = 0; t < tiles; t++)
			table[t * pitch + strip] = xqk_at(view, work->batch, distance,
							  (tile + t) * XQACCEL_TILE_BYTES, &run);
}

/* A tiled strip: in place, or unpacked tile by tile into the strip's panel. */
static void stage_tiled(struct xqk_work *work, unsigned int strip)
{
	const struct xqk_block *block = &work->block;
	const struct xq_dims *dims = &work->gemm->dims;
	const uint64_t tile0 = (work->n0 / XQK_LANES + strip) *
			       xq_tiles_k(dims->b_format, dims->k);
	const uint32_t end = block->word0 + block->words;
	uint32_t word, words, in_tile;
	uint8_t *panel = work->strip[strip];
	const uint8_t *src;

	for (word = block->word0; word < end; word += words) {
		in_tile = word % XQACCEL_TILE_WORDS;
		words = XQACCEL_TILE_WORDS - in_tile;
		words = words < end - word ? words : end - word;
		src = tile_words(work, tile0 + word / XQACCEL_TILE_WORDS, in_tile, words);
		if (work->unpack) {
			work->unpack(panel, src, words, work->table);
		} else if (src == work->tile) {
			memcpy(panel, src, words * XQK_STEP_BYTES);
			src = panel;
		}
		if (!work->unpack)
			work->b[(word / XQACCEL_TILE_WORDS - block->word0 / XQACCEL_TILE_WORDS) *
				XQK_STRIPS + strip] = src - in_tile * XQK_STEP_BYTES;
		panel += (size_t)words * work->table_steps * XQK_STEP_BYTES;
	}
}

/* Words of a plain row of B: in place if they are contiguous and whole, else gathered. */
static const uint8_t *row_words(struct xqk_work *work, uint32_t row, unsigned int lane,
				uint32_t word, uint32_t words)
{
	const struct xq_dims *dims = &work->gemm->dims;
	const struct xqk_view *view = &work->gemm->view[XQACCEL_B];
	const uint64_t line = (uint64_t)work->batch * dims->n + row;
	const uint64_t distance = work->batch * view->batch_stride + row * view->stride;
	const uint64_t left = xq_row_bytes(dims->b_format, dims->k) - 4 * (uint64_t)word;
	uint8_t *gathered = work->rows_of_b + lane * 4 * XQACCEL_TILE_WORDS;
	const uint8_t *at;
	size_t run;

	at = xqk_at(view, line, distance, 4 * (uint64_t)word, &run);
	if (left >= 4 * words && run >= 4 * words)
		return at;
	memset(gathered + 4 * (words - 1), 0, 4);
	xqk_read(view, line, distance, 4 * (uint64_t)word, gathered,
		 left < 4 * words ? (size_t)left : 4 * words);
	return gathered;
}

/* A strip of plain rows, into the strip's panel. Lanes past the last row repeat it. */
static void stage_rows(struct xqk_work *work, unsigned int strip)
{
	const struct xqk_block *block = &work->block;
	const uint8_t *rows[XQK_LANES];
	uint8_t *panel = work->strip[strip];
	uint32_t word, words, lane, row;

	for (word = 0; word < block->words; word += words) {
		words = block->words - word;
		words = words < XQACCEL_TILE_WORDS ? words : XQACCEL_TILE_WORDS;
		for (lane = 0; lane < XQK_LANES; lane++) {
			row = work->n0 + strip * XQK_LANES + lane;
			if (row < work->gemm->dims.n)
				rows[lane] = row_words(work, row, lane, block->word0 + word,
						       words);
			else
				rows[lane] = rows[lane - 1];
		}
		work->product->interleave_b(work->unpack ? work->tile : panel, rows, words);
		if (work->unpack)
			work->unpack(panel, work->tile, words, work->table);
		panel += (size_t)words * work->table_steps * XQK_STEP_BYTES;
	}
}

static void point_to_panel(struct xqk_work *work, unsigned int strip)
{
	const uint32_t steps = work->block.words * work->table_steps;
	uint32_t tile;

	for (tile = 0; tile * XQK_TILE_STEPS < steps; tile++)
		work->b[tile * XQK_STRIPS + strip] = work->strip[strip] +
						     tile * XQK_TILE_STEPS * XQK_STEP_BYTES;
}

static void stage_zero_points(struct xqk_work *work)
{
	const struct xqk_gemm *gemm = work->gemm;
	const struct xqk_view *zp = &gemm->view[XQACCEL_B_ZP];
	uint32_t n;

	/* One for all channels is in the terms of the rows. */
	if (!xqk_present(zp))
		return;
	xqk_read(zp, work->batch, work->batch * zp->batch_stride, 4 * (uint64_t)work->n0,
		 work->b_zp, 4 * (size_t)work->columns);
	for (n = 0; n < work->columns; n++)
		work->b_zp[n] = (int32_t)((uint32_t)work->b_zp[n] + (uint32_t)work->b_bias);
}

void xqk_stage_b(struct xqk_work *work)
{
	const struct xqk_gemm *gemm = work->gemm;
	const bool tiled = gemm->dims.flags & XQACCEL_JOB_B_TILED;
	const bool whole = tiled && xqk_tiles_whole(&gemm->view[XQACCEL_B]);
	const unsigned int strips = (work->columns + XQK_LANES - 1) / XQK_LANES;
	const uint32_t tiles = xqk_block_tiles(&work->block);
	unsigned int strip;

	if (work->unpack_late)
		xqk_point_to_tiles(work, strips, tiles, work->words, XQK_STRIPS);
	else if (whole && !work->unpack)
		xqk_point_to_tiles(work, strips, tiles, work->b, XQK_STRIPS);
	for (strip = 0; strip < strips; strip++) {
		if (!tiled)
			stage_rows(work, strip);
		else if (!work->unpack_late && (work->unpack || !whole))
			stage_tiled(work, strip);
		if (!tiled || work->unpack)
			point_to_panel(work, strip);
	}
	stage_zero_points(work);
	if (work->together)
		xqk_stage_summed_b(work);
	else if (work->real)
		xqk_stage_real_b(work);
	else if (xqk_present(&gemm->view[XQACCEL_B_SCALE]))
		xqk_read_scales(work, XQACCEL_B_SCALE, work->n0, work->columns, work->b_scale,
				XQK_COLUMNS);
}
