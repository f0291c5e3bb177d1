/* SPDX-License-Identifier: MIT */
/*
 * Private to the kernels: the state of one chunk while it is computed, shared by the common
 * code. See micro_kernels.h for its files, and for steps, strips and dots.
 */
#ifndef XQK_GEMM_H
#define XQK_GEMM_H

#include "epilogue/tail.h"
#include "isa.h"

/* Scratch memory that suffices for every job with the fewest staged rows. */
#define XQK_LEAST_SCRATCH	(2048U << 10)

/* K is taken in blocks of at most this many elements. */
#define XQK_BLOCK_K		4096
/* The same where both operands stay bits. */
#define XQK_BLOCK_BITS		16384
/* The same for a few rows by tiles in place. */
#define XQK_BLOCK_TILES		16384
/* K and M where A is not staged. */
#define XQK_THIN_K		64
#define XQK_THIN_ROWS		16
/* Rows of a panel that are on their way to C at once, if they take the long one. */
#define XQK_SUM_ROWS		96
/* Accumulators that wait for an epilogue, about: a part of a level 2 cache. */
#define XQK_PENDING_WORDS		(128U << 10)
#define XQK_PENDING_COLUMNS		8192		/* channels */
/* Groups in a block, if groups are smaller than it. */
#define XQK_BLOCK_PIECES	64

/**
 * struct xqk_block - a block of K: pieces of one group each, or one piece
 * @k0: first element
 * @k1: past the last
 * @word0: the 32-bit word of B's rows in which it starts
 * @words: how many it touches
 * @piece_k: elements of a piece, the last may have fewer
 * @pieces: how many
 * @piece_steps: distance of two pieces in a row of staged A
 */
struct xqk_block {
	uint32_t k0, k1;
	uint32_t word0, words;
	uint32_t piece_k, pieces;
	uint32_t piece_steps;
};

/**
 * struct xqk_work - one chunk in work
 * @word_k: elements of a word of B
 * @word_steps: steps that a word makes
 * @table_steps: the same in the table of pointers: 1 where tiles are used as they are
 * @a_bias: what is taken off A's elements to stage them: only u8 does not fit
 * @b_bias: what the dot takes B's elements plus
 * @bits: compute B1 x B1 on bits
 * @in_place: rows of A are used where they are
 * @panel_unpacks: dot_panel can unpack B
 * @panel_fits: what is computed next is a panel
 * @tall: what is computed next has rows enough for tall_panel or tall_real
 * @unpack_late: and B is left for it to unpack
 * @wide: both operands are staged as 16 bits
 * @stage_rows: rows of A taken at once; the row after them is all ones where the sums of
 *	B's columns are needed
 */
struct xqk_work {
	const struct xqk_plan *plan;
	const struct xqk_product *product;
	const struct xqk_gemm *gemm;
	xqk_dot_fn *dot;
	xqk_dot_fold_fn *dot_fold;	/* NULL if there are scales */
	xqk_dot_panel_fn *dot_panel;		/* NULL as well */
	xqk_dot_groups_fn *dot_groups;	/* NULL if there are no scales, or groups in part words */
	xqk_dot_real_fn *dot_real;	/* the same where scales are real, of panels or of tiles */
	xqk_row_real_fn *row_real;	/* for one row where scales can be read in place, or NULL */
	xqk_dot_panel_fn *tall_panel;	/* with dot_panel, or NULL */
	xqk_dot_real_fn *tall_real;	/* with dot_real of panels, or NULL */
	xqk_unpack_fn *unpack;
	xqk_arrange_fn *arrange_a;	/* NULL if it would be a copy */
	atomic_uint_fast64_t *bytes_copied;
	int32_t a_bias, b_bias;
	uint32_t word_k, word_steps, table_steps;
	bool bits, thin, wide, in_place, need_row_term, need_column_sum;
	bool panel_unpacks, panel_fits, tall, unpack_late;
	uint32_t a_step_bytes;
	bool vector;			/* rows one by one, see vector.c */
	bool one_block;			/* K is */
	uint32_t pending_columns;	/* channels at a time, if there is an epilogue */
	bool real, minima;		/* groups have real scales, and minima of B */
	bool from_tiles;		/* B's tiles are used as they are, for a few rows */
	uint32_t together;		/* groups of a supergroup whose sum is an integer, or 0 */

	/* What is being computed. */
	uint32_t batch;
	uint32_t m0, rows;		/* staged rows of A */
	uint32_t n0, columns;		/* staged channels of B, at most XQK_COLUMNS */
	struct xqk_block block;
	struct xqk_dot whole;		/* the block's first piece by the staged channels */
	uint32_t pending_n0;		/* first channel of those that are pending */
	bool finished;			/* a panel's sums went through the epilogue */
	struct xqk_tail tail;

	/* Scratch memory. */
	uint32_t stage_rows;
	size_t a_stride;
	uint8_t *a;
	int8_t *line;			/* a piece of a row of A in the order of K */
	int32_t *a_zp;			/* [stage_rows] */
	int32_t *row_term, *a_scale;	/* [pieces][stage_rows] */
	int32_t *row_tall;		/* row_term of what is tall, maybe the same array */
	int32_t *row_start;		/* [pieces][stage_rows + 1] */
	int32_t **c;			/* [stage_rows] where rows of C are */
	uint32_t row_factor;		/* of row_term: B's zero point if it is one for all */
	uint32_t tall_factor;		/* what a row's sum adds to row_tall */
	const uint8_t **b;		/* table of pointers for dots */
	const uint8_t **words;		/* the same of tiles that are not unpacked */
	uint8_t *strip[XQK_STRIPS];	/* unpacked or interleaved, evenly spaced */
	uint8_t *tile;			/* a tile before it is unpacked */
	uint8_t *rows_of_b;		/* parts of 16 rows gathered from pages */
	int32_t *b_zp;			/* [XQK_COLUMNS] */
	int32_t *column_sum, *b_scale;	/* [pieces][XQK_COLUMNS] */
	int32_t *column_start;		/* [pieces][XQK_COLUMNS] */
	float *a_real, *a_min;		/* [pieces][stage_rows] */
	float *b_real, *b_min;		/* [pieces][XQK_COLUMNS] */
	float *reals;			/* scales of a row, or of 16 rows of B, on their way */
	/* With @together in place of those above; a_real and all reals of B are [pieces / together]. */
	int32_t *row_sum;		/* [pieces][stage_rows], sums of A */
	int32_t *b_minima;		/* [pieces][XQK_COLUMNS], of the first level */
	int32_t *group_sums;		/* [XQK_MAX_ROWS] of XQK_COLUMNS, of a supergroup */
	/* Where scales multiply elements of B as these are staged; else NULL or false. */
	xqk_dot_summed_fn *dot_summed;
	bool scaled;			/* the staged channels are */
	bool groups_added;		/* what starts the sums of a supergroup's groups is added */
	struct xqk_scaled strip_scaled[XQK_STRIPS];
	uint8_t *scaled_memory[XQK_STRIPS];	/* low bytes, then high ones */
	int8_t *sum_low, *sum_high;	/* [XQK_MAX_ROWS][pieces], of row_real */
	int32_t *row_total;		/* [pieces / together][stage_rows] */
	int32_t *row_pair;		/* [pieces / together][pairs of groups][stage_rows], if there are minima */
	int32_t *min_pair;		/* the same of B, of XQK_COLUMNS */
	int32_t *dots, *sums;		/* [XQK_MAX_ROWS], [XQK_SUM_ROWS] of XQK_COLUMNS */
	int32_t *pending;		/* [stage_rows][pending_columns] in place of C, or NULL */
	void *tail_memory;
	uint8_t table[256];		/* codebook, as the dot takes it */
};

/* The fewest rows that can be staged at once, for which XQK_LEAST_SCRATCH suffices. */
static inline uint32_t xqk_fewest_rows(const struct xqk_plan *plan)
{
	return plan->block_m < plan->isa->product->rows ? plan->block_m : plan->isa->product->rows;
}

/** xqk_plan_product() - xqk_plan(), once isa, gemm, way and conv of the plan are set */
void xqk_plan_product(struct xqk_plan *plan, unsigned int threads);

/** xqk_work_layout() - lay out scratch memory, NULL to learn only how much it is */
size_t xqk_work_layout(struct xqk_work *work, const struct xqk_plan *plan, uint32_t stage_rows,
		       uint8_t *scratch);

/*
 * Where a row of C has the given byte from the first of the staged channels on, in its place or in
 * memory where sums are pending, and how many follow.
 */
uint8_t *xqk_c_at(const struct xqk_work *work, uint32_t m, uint32_t plane, uint64_t byte, size_t *run);

/* Get the epilogue ready for the staged channels. */
void xqk_tail_staged(struct xqk_work *work);

/* Rows of complete sums of the staged channels through the epilogue; biased as for xqk_tail_rows(). */
void xqk_finish_rows(struct xqk_work *work, uint32_t m, uint32_t rows, const int32_t *sums, size_t stride,
		     bool biased);

/* Whether these rows of C can be written where they are; then that is where. */
bool xqk_rows_of_c(const struct xqk_work *work, uint32_t m, uint32_t rows, uint32_t plane,
		   int32_t **c);

/* Whether the block's rows by the next channels are a panel, and who is to unpack B. */
void xqk_choose_panel(struct xqk_work *work);

/* All of the block's rows by the staged channels, if they are. */
void xqk_compute_panel(struct xqk_work *work);

/* Whether tiles of B are in one piece each; two if the operand starts within a page. */
static inline bool xqk_tiles_whole(const struct xqk_view *b)
{
	return b->flat || (b->head | b->batch_stride) % XQK_PAGE_BYTES == 0;
}

/* Where a row is staged. In place that is only the row after the last. */
static inline uint8_t *xqk_staged_row(const struct xqk_work *work, uint32_t row)
{
	return work->a + (work->in_place ? row - work->stage_rows : row) * work->a_stride;
}

/** xqk_block_at() - the block that starts at element k0 */
void xqk_block_at(const struct xqk_work *work, uint32_t k0, struct xqk_block *block);

/** xqk_piece() - elements [*k0, *k1) of a piece, and its words from the block's first */
void xqk_piece(const struct xqk_work *work, uint32_t piece, uint32_t *k0, uint32_t *k1,
	       uint32_t *word0, uint32_t *words);

/** xqk_run_chunk_rows() - xqk_run_chunk() with scratch memory for so many staged rows */
bool xqk_run_chunk_rows(struct xqk_plan *plan, uint32_t chunk, void *scratch,
			uint32_t stage_rows, const atomic_bool *cancel);

/* The operands of the dot of a piece, from a row on. */
void xqk_aim_dot(const struct xqk_work *work, uint32_t row, uint32_t piece, struct xqk_dot *dot);

/* What A's zero points take off a piece. */
void xqk_fold_columns(const struct xqk_work *work, uint32_t row, uint32_t piece, struct xqk_fold *fold);

/* Whether a job's K is small and the rest simple enough for the way without staging A. */
bool xqk_thin_fits(const struct xqk_plan *plan);

/* Rows [m0, m1) by channels [n0, n1) that way; false if canceled. */
bool xqk_compute_thin(struct xqk_work *work, uint32_t m0, uint32_t m1, uint32_t n0, uint32_t n1,
		      const atomic_bool *cancel);

/* The staged rows of the block by channels [n0, n1), one by one; false if canceled. */
bool xqk_compute_vector(struct xqk_work *work, uint32_t n0, uint32_t n1,
			const atomic_bool *cancel);

/* Whether a job is one row by groups with real scales that can be taken where they are. */
bool xqk_row_real_fits(const struct xqk_work *work);

/* The staged row of the block by channels [n0, n1) that way; false if canceled. */
bool xqk_compute_row_real(struct xqk_work *work, uint32_t n0, uint32_t n1, const atomic_bool *cancel);

/* Rows of results into C, from column work->n0 on. */
void xqk_store_c(const struct xqk_work *work, uint32_t m, uint32_t rows, uint32_t plane,
		 const int32_t *sums, bool add);

/* What a row of C holds there. */
void xqk_load_c(const struct xqk_work *work, uint32_t m, uint32_t plane, int32_t *sums);

/* Copy bytes of a row out of a view. */
void xqk_read(const struct xqk_view *view, uint64_t line, uint64_t distance, uint64_t column,
	      void *dst, size_t len);

/*
 * Elements [from, to) of a row of an operand in a format of A's, widened to a - a_bias in the
 * order of K. Returns their sum. line and distance are the row's, as for xqk_at().
 */
int32_t xqk_widen(const struct xqk_product *product, const struct xqk_view *view, uint32_t format,
		  uint64_t line, uint64_t distance, uint64_t from, uint64_t to, int8_t *dst);

/* Stage rows [m0, m0 + rows) of the block, or find them; false if canceled. */
bool xqk_stage_a(struct xqk_work *work, const atomic_bool *cancel);

/* Stage channels [n0, n0 + columns) of the block, with zero points and scales. */
void xqk_stage_b(struct xqk_work *work);

/* Tiles of a strip that a block touches; it may start and end within one. */
static inline uint32_t xqk_block_tiles(const struct xqk_block *block)
{
	return (block->word0 % XQACCEL_TILE_WORDS + block->words + XQACCEL_TILE_WORDS - 1) /
	       XQACCEL_TILE_WORDS;
}

/*
 * Where the block's tiles are, if they are whole: of strips from channel n0 on, the first
 * ones of each. Tile t of strip s goes to table[t * pitch + s].
 */
void xqk_point_to_tiles(const struct xqk_work *work, unsigned int strips, uint32_t tiles,
			const uint8_t **table, uint32_t pitch);

/* Group scales of so many rows of an operand, to [piece][pitch]. */
void xqk_read_scales(const struct xqk_work *work, unsigned int operand, uint32_t row0,
		     uint32_t rows, int32_t *scale, uint32_t pitch);

#endif
