// SPDX-License-Identifier: MIT
/* How a job is cut into chunks, blocks of K and pieces, and what memory that takes. */
#include "convolution/conv.h"
#include "product/gemm.h"
#include "product/groups.h"

/* Rows of A staged at once: with a block of K they fill about half of a level 2 cache. */
#define STAGE_ROWS	256
/* The same where A is not staged, and not taken so fast that it has to stay in that cache. */
#define IN_PLACE_ROWS	1024
#define THIN_ROWS	2048
/* The same where rows are tables; the fewest channels and elements that pay for more than a few. */
#define TABLE_ROWS	8
#define TABLE_CHANNELS	512
#define TABLE_K		256
/* Jobs below so many multiply-accumulates a chunk are not worth another thread. */
#define CHUNK_MACS	(1U << 21)
/* As many rows take as long as fewer: what is read and unpacked of B is the same. */
#define CHUNK_ROWS	8
/* Chunks for each thread of a large job, so that the last ones end together. */
#define CHUNKS_PER_THREAD	4
#define MAX_CHUNKS	65536

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint64_t div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

static bool is_real(const struct xq_dims *dims)
{
	return dims->flags & XQACCEL_JOB_GROUP_REAL;
}

/* Groups of a supergroup whose sum is an integer, 0 if there are no such. */
static uint32_t summed_groups(const struct xq_dims *dims)
{
	return dims->flags & XQACCEL_JOB_SUPERGROUP_SUM ? dims->b_supergroup / dims->group : 0;
}

static bool has_scales(const struct xq_dims *dims)
{
	return is_real(dims) || dims->a_scale_format || dims->b_scale_format;
}

static bool uses_bits(const struct xqk_plan *plan)
{
	const struct xqk_product *product = plan->isa->product;
	const struct xq_dims *dims = &plan->gemm.dims;

	return product->dot_bits && !dims->group && dims->a_format == XQACCEL_FMT_B1 &&
	       dims->b_format == XQACCEL_FMT_B1 &&
	       (plan->way != XQK_WAY_PATCHES || xqk_patches_of_bits(&plan->conv));
}

/* B's tiles in place, for a few rows; by tables for any number of them, if they are worth it. */
static bool uses_tiles(const struct xqk_plan *plan)
{
	const struct xqk_product *product = plan->isa->product;
	const struct xqk_gemm *gemm = &plan->gemm;
	const struct xq_dims *dims = &gemm->dims;
	const struct xqk_b_format *format = &product->b[dims->b_format];

	return (dims->flags & XQACCEL_JOB_B_TILED) && format->dot_tiles &&
	       !uses_bits(plan) &&
	       (dims->m <= product->tiles_rows ||
		(format->vector_arrange && !dims->group && dims->n >= TABLE_CHANNELS &&
		 !(format->tall_panel && dims->m >= product->tall_rows) &&
		 dims->k >= TABLE_K && xqk_tiles_whole(&gemm->view[XQACCEL_B])));
}

/* B as it is multiplied by A in place or staged. */
static const struct xqk_b_format *b_format(const struct xqk_product *product,
					   const struct xq_dims *dims, bool in_place)
{
	return in_place && dims->a_format == XQACCEL_FMT_U8 ? &product->b_by_u8[dims->b_format] :
	       &product->b[dims->b_format];
}

/*
 * Whether rows of A can be used where they are: bytes in the order that panels have, in one
 * piece of memory, with no part of a step at the end of a row or of a group.
 */
static bool uses_a_in_place(const struct xqk_plan *plan)
{
	const struct xqk_product *product = plan->isa->product;
	const struct xqk_gemm *gemm = &plan->gemm;
	const struct xq_dims *dims = &gemm->dims;
	const uint32_t bits = xq_format_bits(dims->b_format);

	return plan->way != XQK_WAY_PATCHES && product->sum_a && gemm->view[XQACCEL_A].flat && dims->k % 4 == 0 &&
	       (dims->a_format == XQACCEL_FMT_S8 ||
		(dims->a_format == XQACCEL_FMT_U8 && !has_scales(dims))) &&
	       b_format(product, dims, true)->dot && (bits == 8 || product->natural) &&
	       dims->group % (32 / bits) == 0 && !uses_tiles(plan);
}

static bool uses_vector(const struct xqk_plan *plan)
{
	const struct xqk_product *product = plan->isa->product;
	const struct xqk_gemm *gemm = &plan->gemm;
	const struct xq_dims *dims = &gemm->dims;
	const struct xqk_b_format *format = &product->b[dims->b_format];

	return uses_tiles(plan) && !dims->group && format->vector &&
	       (dims->m == 1 || format->vector_arrange) &&
	       xqk_tiles_whole(&gemm->view[XQACCEL_B]);
}

/* As few blocks as there can be, of whole tiles and about the same length: a short one is slow. */
static uint32_t even_blocks(const struct xq_dims *dims)
{
	const uint32_t tile = XQACCEL_TILE_WORDS * 32 / xq_format_bits(dims->b_format);
	const uint64_t blocks = div_up(dims->k, XQK_BLOCK_K);

	if (blocks < 2)
		return dims->k;
	return min_u32(XQK_BLOCK_K, (uint32_t)div_up(div_up(dims->k, blocks), tile) * tile);
}

static uint32_t block_elements(const struct xqk_plan *plan)
{
	const struct xqk_product *product = plan->isa->product;
	const struct xq_dims *dims = &plan->gemm.dims;
	uint32_t groups;

	if (uses_bits(plan))
		return min_u32(XQK_BLOCK_BITS, dims->k);
	if (uses_tiles(plan) && !dims->group)
		return min_u32(product->b[dims->b_format].vector_arrange ? XQK_BLOCK_K :
			       XQK_BLOCK_TILES, dims->k);
	if (!dims->group)
		return even_blocks(dims);
	if (dims->group > XQK_BLOCK_K / 2)
		return min_u32(XQK_BLOCK_K, dims->group);
	groups = min_u32(XQK_BLOCK_K / dims->group, is_real(dims) ? XQK_REAL_PIECES : XQK_BLOCK_PIECES);
	if (summed_groups(dims))
		groups -= groups % summed_groups(dims);
	return min_u32(groups * dims->group, dims->k);
}

void xqk_block_at(const struct xqk_work *work, uint32_t k0, struct xqk_block *block)
{
	const struct xq_dims *dims = &work->gemm->dims;
	uint32_t end = dims->k;

	if (dims->group && dims->group > work->plan->block_k)
		end = min_u32(end, k0 - k0 % dims->group + dims->group);
	block->k0 = k0;
	block->k1 = end - k0 < work->plan->block_k ? end : k0 + work->plan->block_k;
	block->word0 = k0 / work->word_k;
	block->words = (uint32_t)div_up(block->k1, work->word_k) - block->word0;
	block->piece_k = block->k1 - k0;
	if (dims->group && dims->group < block->piece_k)
		block->piece_k = dims->group;
	block->pieces = (uint32_t)div_up(block->k1 - k0, block->piece_k);
	if (block->pieces == 1)
		block->piece_steps = block->words * work->word_steps;
	else
		block->piece_steps = (block->piece_k / work->word_k +
				      (block->piece_k % work->word_k ? 2 : 0)) * work->word_steps;
}

void xqk_piece(const struct xqk_work *work, uint32_t piece, uint32_t *k0, uint32_t *k1,
	       uint32_t *word0, uint32_t *words)
{
	const struct xqk_block *block = &work->block;

	*k0 = block->k0 + piece * block->piece_k;
	*k1 = block->k1 - *k0 < block->piece_k ? block->k1 : *k0 + block->piece_k;
	*word0 = *k0 / work->word_k;
	*words = (uint32_t)div_up(*k1, work->word_k) - *word0;
	*word0 -= block->word0;
}

static void *take(uint8_t *scratch, size_t *used, size_t bytes)
{
	uint8_t *at = scratch ? scratch + *used : NULL;

	*used += (bytes + 63) & ~(size_t)63;
	return at;
}

/* Channels whose sums wait for an epilogue: as few as go together, or so many that staging rows again is little. */
static uint32_t pending_columns(const struct xqk_work *work)
{
	const uint32_t most = XQK_PENDING_WORDS / work->stage_rows / XQK_COLUMNS * XQK_COLUMNS;

	if (work->one_block && !work->vector)
		return XQK_COLUMNS;
	return most < XQK_COLUMNS ? XQK_COLUMNS : most < XQK_PENDING_COLUMNS ? most : XQK_PENDING_COLUMNS;
}

size_t xqk_work_layout(struct xqk_work *work, const struct xqk_plan *plan, uint32_t stage_rows,
		       uint8_t *scratch)
{
	const struct xq_dims *dims = &plan->gemm.dims;
	const struct xqk_product *product = plan->isa->product;
	const bool in_place = uses_a_in_place(plan);
	const struct xqk_b_format *b = b_format(product, dims, in_place);
	const uint32_t vectors = stage_rows + XQK_MAX_ROWS;
	uint32_t pieces, words, steps, strip;
	size_t used = 0;

	work->plan = plan;
	work->product = product;
	work->gemm = &plan->gemm;
	work->bits = uses_bits(plan);
	work->in_place = in_place;
	work->thin = xqk_thin_fits(plan);
	work->dot = work->bits ? product->dot_bits : b->dot;
	work->dot_fold = work->bits ? product->dot_fold_bits : b->dot_fold;
	work->dot_panel = work->bits ? product->dot_panel_bits : b->dot_panel;
	work->panel_unpacks = b->panel_unpacks && !work->bits;
	work->panel_fits = work->tall = work->unpack_late = false;
	work->real = is_real(dims);
	work->minima = work->real && (xqk_present(&plan->gemm.view[XQACCEL_B_MIN]) ||
				      xqk_present(&plan->gemm.view[XQACCEL_B_MIN2]));
	work->together = summed_groups(dims);
	work->dot_summed = NULL;
	work->scaled = false;
	work->dot_groups = NULL;
	work->dot_real = NULL;
	work->row_real = NULL;
	if (has_scales(dims)) {
		work->dot_fold = NULL;
		work->dot_panel = NULL;
	}
	work->a_bias = !in_place && dims->a_format == XQACCEL_FMT_U8 ? 128 : 0;
	work->b_bias = work->bits ? 0 : b->bias;
	work->unpack = work->bits ? product->unpack_bits : b->unpack;
	work->wide = !work->bits && b->wide;
	work->word_k = 32 / xq_format_bits(dims->b_format);
	work->word_steps = work->unpack && !work->bits ? 8 / xq_format_bits(dims->b_format) : 1;
	work->table_steps = work->wide || (work->bits && work->unpack) ? 2 * work->word_steps :
			    work->word_steps;
	work->from_tiles = uses_tiles(plan);
	if (work->from_tiles) {
		work->dot = b->dot_tiles;
		work->dot_fold = NULL;
		work->dot_panel = NULL;
		work->unpack = NULL;
		work->wide = false;
		work->table_steps = 1;
		if (work->real && !work->together && dims->group % work->word_k == 0 &&
		    xqk_tiles_whole(&plan->gemm.view[XQACCEL_B]))
			work->dot_real = b->tiles_real;
		if (work->dot_real || (work->together && dims->group % work->word_k == 0 &&
				       xqk_tiles_whole(&plan->gemm.view[XQACCEL_B])))
			work->row_real = b->row_real;
	} else if (has_scales(dims) && dims->group % work->word_k == 0) {
		if (work->real && !work->together)
			work->dot_real = b->dot_real;
		else
			work->dot_groups = b->dot_groups;
	}
	if (work->bits || uses_tiles(plan) || plan->gemm.dims.m < product->tall_rows) {
		work->tall_panel = NULL;
		work->tall_real = NULL;
	} else {
		work->tall_panel = work->dot_panel ? b->tall_panel : NULL;
		work->tall_real = work->dot_real ? b->tall_real : NULL;
	}
	work->tall_factor = work->tall_panel || work->tall_real ? (uint32_t)b->tall_less : 0;
	work->arrange_a = NULL;
	if (work->wide)
		work->arrange_a = product->arrange_wide_a;
	else if (work->word_steps > 1 && (!product->natural || uses_tiles(plan)))
		work->arrange_a = product->arrange_a;
	work->a_step_bytes = work->wide ? 8 : 4;
	work->vector = uses_vector(plan);
	if (work->vector && b->vector_arrange) {
		work->arrange_a = b->vector_arrange;
		work->a_step_bytes = b->vector_step;
	}
	work->stage_rows = stage_rows;

	pieces = dims->group && dims->group < plan->block_k ? plan->block_k / dims->group : 1;
	words = (uint32_t)div_up(plan->block_k, work->word_k) + 1;
	if (pieces > 1 && dims->group % work->word_k)
		steps = pieces * (dims->group / work->word_k + 2) * work->word_steps;
	else
		steps = words * work->word_steps;
	/* An odd number of cache lines, so that rows do not fall on the same sets. */
	work->a_stride = ((size_t)steps * work->a_step_bytes + 63) / 64 * 64;
	work->a_stride += work->a_stride / 64 % 2 ? 128 : 64;

	work->a = take(scratch, &used, work->a_stride * (in_place ? 1 : stage_rows + 1));
	work->line = take(scratch, &used, plan->block_k + 2 * 32 + 64);
	work->a_zp = take(scratch, &used, 4 * vectors);
	work->row_term = take(scratch, &used, 4 * (size_t)vectors * pieces);
	work->row_tall = work->row_term;
	if (work->tall_factor)
		work->row_tall = take(scratch, &used, 4 * (size_t)vectors * pieces);
	work->a_scale = take(scratch, &used, 4 * (size_t)vectors * pieces);
	work->row_start = take(scratch, &used, 4 * (size_t)vectors * pieces);
	work->c = take(scratch, &used, sizeof(*work->c) *
		       (vectors + XQK_SUM_ROWS + XQK_PANEL_AHEAD));
	steps = words * work->table_steps;
	work->b = take(scratch, &used, (steps / XQK_TILE_STEPS + 2) * XQK_STRIPS * sizeof(*work->b));
	work->words = take(scratch, &used,
			   (words / XQK_TILE_STEPS + 2) * XQK_STRIPS * sizeof(*work->words));
	for (strip = 0; strip < XQK_STRIPS; strip++)
		work->strip[strip] = take(scratch, &used, (size_t)(steps + 1) * XQK_STEP_BYTES);
	work->tile = take(scratch, &used, XQACCEL_TILE_BYTES);
	work->rows_of_b = take(scratch, &used, XQACCEL_TILE_BYTES);
	work->b_zp = take(scratch, &used, 4 * XQK_COLUMNS);
	work->column_sum = take(scratch, &used, 4 * XQK_COLUMNS * (size_t)pieces);
	work->b_scale = take(scratch, &used, 4 * XQK_COLUMNS * (size_t)pieces);
	work->column_start = take(scratch, &used, 4 * XQK_COLUMNS * (size_t)pieces);
	if (work->together)
		xqk_summed_layout(work, pieces, scratch, &used);
	else if (work->real)
		xqk_real_layout(work, pieces, scratch, &used);
	work->dots = take(scratch, &used, 4 * XQK_COLUMNS * XQK_MAX_ROWS);
	work->sums = take(scratch, &used, 4 * XQK_COLUMNS * XQK_SUM_ROWS + 64);
	work->one_block = plan->block_k >= dims->k;
	work->pending = NULL;
	if (!plan->gemm.epilogue.dims.kind)
		return used;
	work->pending_columns = pending_columns(work);
	if (!work->thin)
		work->pending = take(scratch, &used, 4 * (size_t)stage_rows * work->pending_columns);
	work->tail_memory = take(scratch, &used, xqk_tail_bytes(&plan->gemm.epilogue));
	return used;
}

void xqk_plan(struct xqk_plan *plan, const struct xqk_isa *isa, const struct xqk_gemm *gemm,
	      unsigned int threads)
{
	plan->isa = isa;
	plan->kind = NULL;
	plan->gemm = *gemm;
	plan->gemm.epilogue.real = is_real(&gemm->dims);
	plan->way = XQK_WAY_PRODUCT;
	xqk_plan_product(plan, threads);
}

void xqk_plan_product(struct xqk_plan *plan, unsigned int threads)
{
	const struct xq_dims *dims = &plan->gemm.dims;
	const struct xqk_product *product = plan->isa->product;
	struct xqk_work work;
	uint64_t columns, wanted, each;
	uint32_t stage_rows;

	/* Groups that are neither scaled nor kept apart are just a part of K. */
	if (!has_scales(dims) && !(dims->flags & XQACCEL_JOB_GROUP_ACC))
		plan->gemm.dims.group = 0;
	atomic_init(&plan->bytes_copied, 0);
	plan->block_k = block_elements(plan);
	if (!plan->block_k)
		plan->block_k = 1;
	plan->block_m = min_u32(dims->m, xqk_thin_fits(plan) ? THIN_ROWS :
				uses_a_in_place(plan) && !product->tall_rows ? IN_PLACE_ROWS :
				uses_vector(plan) ? TABLE_ROWS : STAGE_ROWS);
	plan->block_n = dims->n;
	/* Threads must not share bytes of Y. */
	plan->whole_rows = plan->way == XQK_WAY_PATCHES && !xqk_tail_aligned(&plan->gemm.epilogue, dims->n);
	plan->chunks = 0;
	plan->units = 0;
	plan->chunks_m = plan->chunks_n = 0;
	if (!dims->m || !dims->n)
		return;

	columns = div_up(dims->n, XQK_COLUMNS);
	/* Channels are divided first: unpacking B is dearer than staging A. */
	each = (uint64_t)(dims->m < CHUNK_ROWS ? CHUNK_ROWS : dims->m) * dims->n;
	wanted = each / CHUNK_MACS * dims->k + each % CHUNK_MACS * dims->k / CHUNK_MACS;
	wanted = wanted < (uint64_t)threads * CHUNKS_PER_THREAD ? wanted :
		 (uint64_t)threads * CHUNKS_PER_THREAD;
	if (threads < 2 || !wanted)
		wanted = 1;
	if (plan->whole_rows)
		plan->block_m = min_u32(plan->block_m, (uint32_t)div_up(dims->m, wanted));
	plan->chunks_m = (uint32_t)div_up(dims->m, plan->block_m);
	/* But rows are where each part of the channels makes tables of them. */
	each = plan->whole_rows ? columns : div_up(columns, product->b[dims->b_format].vector_arrange &&
			       uses_vector(plan) ?
		      div_up(wanted, (uint64_t)plan->chunks_m * dims->batch) : wanted);
	plan->block_n = (uint32_t)(each * XQK_COLUMNS);
	plan->chunks_n = (uint32_t)div_up(columns, each);
	if (!plan->whole_rows && (uint64_t)plan->chunks_m * plan->chunks_n * dims->batch < wanted) {
		const uint64_t parts = div_up(wanted, (uint64_t)plan->chunks_n * dims->batch);
		const uint64_t block = div_up(div_up(dims->m, parts), product->rows) * product->rows;

		plan->block_m = min_u32(plan->block_m, (uint32_t)block);
		plan->chunks_m = (uint32_t)div_up(dims->m, plan->block_m);
	}
	plan->units = (uint64_t)plan->chunks_m * plan->chunks_n * (plan->whole_rows ? 1 : dims->batch);
	plan->chunks = plan->units < MAX_CHUNKS ? (uint32_t)plan->units : MAX_CHUNKS;
	stage_rows = plan->block_m;
	plan->scratch_bytes = xqk_work_layout(&work, plan, stage_rows, NULL);
}
