/* SPDX-License-Identifier: MIT */
/*
 * Private to the kernels: what an instruction set provides, and what the common code makes
 * of it. plan.c decides how a job is computed, gemm.c does it: stage_a.c and stage_b.c prepare
 * the operands; panel.c, vector.c and thin.c are faster ways for jobs that fit them.
 *
 * The product is cut into dots. A dot multiplies up to product->rows rows of A by up to
 * XQK_STRIPS strips of B (16 channels each) along a piece of K that is at most a block:
 *
 *	c[r][n] = sum over steps and i of a[r][step][i] * b[strip][step][lane][i]
 *
 * A step is 64 bytes of a strip: 4 bytes of each of its 16 lanes, byte i of lane l at
 * 4 * l + i. That is exactly one word column of the tile order, so that a tile of 8-bit
 * elements is used in place, 64 steps long. B comes as a table of pointers: strip s,
 * steps 64 t .. 64 t + 63 are the 4096 bytes at dot->b[t * XQK_STRIPS + s].
 *
 * Narrower elements are unpacked once into a panel of bytes: a word of w-bit elements
 * makes 8 / w steps. Where the instruction set can take any four neighbours out of a word
 * (product->natural), they are in the order of K. Else element e of the word is byte
 * e / (8 / w) of step e % (8 / w), which is what shifting and masking the word gives.
 *
 * The rows of A have the same order, row r at a + r * a_stride. They are staged one after
 * the other, with zeros wherever there is no element of the piece; so the padding of B may
 * hold anything. Or they are used where they are, if product->sum_a is there, they are bytes in
 * one piece of memory, and a row is whole steps.
 *
 * An instruction set without an exact product of bytes may have both as 16 bits; then a
 * step of 4 elements takes two of 64 bytes in B's panel, in an order of its own.
 *
 * Staged A is signed: a - a_bias; u8 in place is not, see b_by_u8. The operand of the dot
 * for B is b + bias, signed or not as the kernel of the format likes; bias says which. gemm.c
 * takes both out of the result with the sums of rows and columns (see struct xqk_fold).
 */
#ifndef XQK_MICRO_KERNELS_H
#define XQK_MICRO_KERNELS_H

#include "xq_kernels.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "operands are used in place");

#define XQK_LANES	XQACCEL_TILE_ROWS	/* channels of a strip */
#define XQK_STRIPS	4			/* strips of a dot */
#define XQK_COLUMNS	(XQK_STRIPS * XQK_LANES)
#define XQK_STEP_BYTES	64
#define XQK_TILE_STEPS	XQACCEL_TILE_WORDS	/* steps behind one pointer of dot->b */
#define XQK_MAX_ROWS	16			/* bound of product->rows */
#define XQK_TALL_ROWS		32	/* rows of tall_real */
#define XQK_TALL_STEPS		16	/* tall_panel reads B in runs of so many */
#define XQK_PANEL_AHEAD	6	/* rows of C behind those of a panel */

/* Four bytes of a row of A: where it is used in place it begins at any byte. */
typedef int32_t xqk_unaligned __attribute__((aligned(1), may_alias));

/**
 * struct xqk_dot - operands of a dot
 * @a: row 0 of staged A
 * @a_stride: bytes from row to row
 * @b: B, see above
 * @first: steps to skip at the start of B, less than 64
 * @steps: how many, may be 0
 * @k: elements of the piece; only used where B1 x B1 is computed on bits
 * @row_start, @column_start: what the sums of a row and of a column start from, by row and
 *	[XQK_COLUMNS]; only set for wide formats
 * @table: as for xqk_unpack_fn; only used by dots of tiles
 * @c: results, rows of XQK_COLUMNS, 64-byte aligned; only the strips asked for are written
 */
struct xqk_dot {
	const uint8_t *a;
	size_t a_stride;
	const uint8_t *const *b;
	uint32_t first;
	uint32_t steps;
	uint32_t k;
	const int32_t *row_start, *column_start;
	const uint8_t *table;
	int32_t *c;
};

/** rows is 1..product->rows, strips 1..XQK_STRIPS */
typedef void xqk_dot_fn(const struct xqk_dot *dot, unsigned int rows, unsigned int strips);

/**
 * Unpack word columns of a strip (64 bytes each) into steps.
 * @table: 16 or 256 bytes: what a codebook's entry is as operand of the dot
 */
typedef void xqk_unpack_fn(uint8_t *dst, const uint8_t *src, size_t words, const uint8_t *table);

/**
 * struct xqk_fold - turn a dot into a part of C; all arithmetic modulo 2^32
 *
 *	sum[r][n] (+)= a_scale[r] * b_scale[n] * (dot[r][n] - b_zp[n] * row_term[r]
 *						 - a_zp[r] * column_sum[n])
 *
 * Arrays by r have product->rows elements, by n XQK_COLUMNS; dot and sum have rows of
 * XQK_COLUMNS. All but dot and sum may be NULL. If b_zp is, the zero point is the same for
 * all channels and row_term is multiplied by it. If the zero point is the same for all rows,
 * a_zp and column_sum are NULL and their product column_term[n] is taken off.
 */
struct xqk_fold {
	const int32_t *dot;
	int32_t *sum;
	const int32_t *row_term, *a_zp, *a_scale;
	const int32_t *b_zp, *column_sum, *column_term, *b_scale;
	bool add;
};

/**
 * The same as a dot and the fold of its result without scales, straight into rows of C:
 * fold->dot and fold->sum are not used, fold->add adds to C. Whole strips are written.
 */
typedef void xqk_dot_fold_fn(const struct xqk_dot *dot, const struct xqk_fold *fold,
			     int32_t *const *c, unsigned int rows, unsigned int strips);

/**
 * struct xqk_panel - any number of rows of A by four whole strips of B, straight into C
 *
 *	c[r][n] (+)= dot[r][n] - row[r] - column[n]
 *
 * @a, @a_stride, @b, @steps: as for a dot whose first step is 0
 * @column: may be NULL
 * @c: where each row's first of XQK_COLUMNS elements is; XQK_PANEL_AHEAD more say where C
 *	will be written to after this panel
 * @words: NULL, or B is not unpacked yet: [tile][XQK_STRIPS] pointers to tiles in memory; @b
 *	says where it has to be unpacked to
 * @table: as for xqk_unpack_fn
 * @ahead, @ahead_bytes: what will be read of B after this panel, may be none
 * @add: whether C is added to
 */
struct xqk_panel {
	const uint8_t *a;
	size_t a_stride;
	const uint8_t *const *b;
	int32_t *const *c;
	const int32_t *row, *column;
	const uint8_t *const *words;
	const uint8_t *table;
	const uint8_t *ahead;
	size_t ahead_bytes;
	uint32_t rows, steps;
	bool add;
};

typedef void xqk_dot_panel_fn(const struct xqk_panel *panel);

/**
 * struct xqk_groups - the groups of a block
 * @count: how many, each of dot->steps steps, one after the other in A and in B
 * @row_pitch: from a group's row_term and a_scale to the next one's; those of B are
 *	XQK_COLUMNS apart
 * @added: row_term is added, and zero points take nothing off; only with product->groups_added
 */
struct xqk_groups {
	uint32_t count;
	uint32_t row_pitch;
	bool added;
};

/**
 * Dots of all groups of a block, folded with their scales into fold->sum, which is set;
 * row_term is not NULL.
 */
typedef void xqk_dot_groups_fn(const struct xqk_dot *dot, const struct xqk_fold *fold,
			       const struct xqk_groups *groups, unsigned int rows,
			       unsigned int strips);

/**
 * struct xqk_real_groups - groups of a block with real scales
 * @sum: [rows][XQK_COLUMNS], what the groups are added to
 * @count: how many groups
 * @row_pitch: from a group's a_scale and a_min to the next one's; those of B are XQK_COLUMNS apart
 * @a_scale: @b_scale: of the first group
 * @a_min: sums of rows times scales of A, only with @b_min
 * @b_min: minima of B, NULL if there are none
 */
struct xqk_real_groups {
	float *sum;
	uint32_t count;
	uint32_t row_pitch;
	const float *a_scale, *a_min;
	const float *b_scale, *b_min;
};

/**
 * Dots of all groups of a block, with their zero points, added to real->sum. Each group is
 * dot->steps steps, one after the other in A and in B; or, of tiles as they are, so many words.
 * fold->row_term is not NULL and is added, not taken off.
 */
typedef void xqk_dot_real_fn(const struct xqk_dot *dot, const struct xqk_fold *fold,
			     const struct xqk_real_groups *real, unsigned int rows, unsigned int strips);

/**
 * struct xqk_levels_in_place - scales or minima of B in the tile order, as they are in memory
 * @first: of a strip's first group, NULL if there are none; sixteen for each group
 * @second: the same of its first supergroup; only with @second_format
 * @first_stride: @second_stride: bytes from strip to strip
 */
struct xqk_levels_in_place {
	const uint8_t *first, *second;
	size_t first_stride, second_stride;
	uint32_t first_format, second_format;
};

/**
 * struct xqk_row_real - a row of A by groups with real scales, with tiles and scales as they are in
 *	memory
 * @a: the staged row, a_scale and a_min of its first group; term: what each group's sum starts from
 * @row_pitch: from a group's a_scale, a_min and row_term to the next one's
 * @b: the first strip's first word; tiles of a strip follow each other
 * @b_stride: bytes from strip to strip
 * @count: groups, of @group_words words of B each
 * @second_groups: groups of a supergroup, @second_left of the first one
 * @scale: @min: of the same formats, if there are minima
 * @table: as for xqk_unpack_fn
 * @sum: whole strips of results at any address, added to if @add, else written
 * @summed: supergroups, which are whole, have integer sums: a_scale is by supergroup, there is no a_min
 * @shifted: B has a zero point besides what its operand has
 * @sum_low: @sum_high: with minima, the row's sums by group, low + 64 * high
 */
struct xqk_row_real {
	const uint8_t *a;
	const int32_t *row_term;
	const float *a_scale, *a_min;
	uint32_t row_pitch;
	const uint8_t *b;
	size_t b_stride;
	uint32_t count, group_words;
	uint32_t second_groups, second_left;
	struct xqk_levels_in_place scale, min;
	const uint8_t *table;
	float *sum;
	bool add;
	bool summed, shifted;
	const int8_t *sum_low, *sum_high;
};

/** Any number of strips; with none, false says that it does not take these formats of scales. */
typedef bool xqk_row_real_fn(const struct xqk_row_real *row, unsigned int strips);

/**
 * struct xqk_summed_minima - minima of a supergroup whose sums are integers
 * @sum: [rows][XQK_COLUMNS], what they are taken off
 * @count: groups
 * @row_sum: of A, [count] of rows that are @row_pitch apart
 * @minimum: [count][XQK_COLUMNS] of the first level
 * @a_scale: of the rows; @b_min: [XQK_COLUMNS] of the second level
 */
struct xqk_summed_minima {
	float *sum;
	uint32_t count;
	uint32_t row_pitch;
	const int32_t *row_sum, *minimum;
	const float *a_scale, *b_min;
};

/**
 * struct xqk_scale_strip - a strip of B whose elements are to be multiplied by the scales of their groups
 * @b: @first: as of a dot, the strip's tiles; a panel, or bytes as they are
 * @flip: what makes bytes that are used as they are unsigned
 * @zero: what is taken off an operand, its bias and the zero point
 * @most: the largest operand if none is negative, else 0
 * @scale: [count][XQK_COLUMNS], the strip's sixteen
 * @count: groups, of @steps steps each
 * @low: @high: room for the products, count * steps steps each; @high may be NULL, then products that
 *	are not bytes are not kept
 */
struct xqk_scale_strip {
	const uint8_t *const *b;
	uint32_t first;
	uint8_t flip;
	int32_t zero;
	uint32_t most;
	const int32_t *scale;
	uint32_t count, steps;
	uint8_t *low, *high;
};

/**
 * struct xqk_scaled - what became of it: product + bias = low + 256 * high, both unsigned
 * @high: NULL if all are 0
 */
struct xqk_scaled {
	const uint8_t *low, *high;
	int32_t bias;
};

/** The products must be -32768 .. 32767, or 0 .. 65535 with @most. */
typedef void xqk_scale_strip_fn(const struct xqk_scale_strip *strip, struct xqk_scaled *scaled);

/**
 * struct xqk_summed - rows of A by a strip, or several, that was multiplied by its scales
 * @a: signed, in the order of K
 * @strip: [strips]
 * @count: supergroups, of @steps steps each, a multiple of 16
 * @sum: @sum_stride: rows of results in floats, what is added to
 * @row_pitch: from a supergroup's a_scale and row_total, or a pair of groups, to the next one's; those
 *	of B are XQK_COLUMNS apart
 * @row_total: sums of rows of A
 * @pairs: of groups in a supergroup, 0 without minima
 * @row_pair: sums of rows in two groups, 16 bits each, [count * pairs]; @min_pair the same of minima
 * @b_min: of the second level
 */
struct xqk_summed {
	const uint8_t *a;
	size_t a_stride;
	const struct xqk_scaled *strip;
	uint32_t count, steps;
	float *sum;
	size_t sum_stride;
	uint32_t row_pitch;
	const float *a_scale, *b_scale;
	const int32_t *row_total;
	uint32_t pairs;
	const int32_t *row_pair, *min_pair;
	const float *b_min;
};

/** Up to XQK_TALL_ROWS rows; those up to a multiple of 16 may be written. */
typedef void xqk_dot_summed_fn(const struct xqk_summed *summed, unsigned int rows, unsigned int strips);

/**
 * struct xqk_real_kernels - loops on real scales
 * @widen: n elements of a format of scales, at any address, to float32
 * @place: [count][XQK_LANES] times one vector of XQK_LANES, or as they are if that is NULL, to rows that are pitch apart
 * @fold: integer sums of one group, [rows][XQK_COLUMNS], added to real->sum
 * @fold_minima: what the minima of a supergroup take off
 * @finish: n results to those that are written: every NaN is the same one
 */
struct xqk_real_kernels {
	void (*widen)(float *dst, const uint8_t *src, size_t n, uint32_t format);
	void (*place)(float *to, size_t pitch, const float *reals, const float *by, size_t count);
	void (*fold)(const int32_t *group, const struct xqk_real_groups *real, unsigned int rows,
		     unsigned int strips);
	void (*fold_minima)(const struct xqk_summed_minima *minima, unsigned int rows, unsigned int strips);
	void (*finish)(float *values, size_t n);
};

/* Most strips of a vector's product */
#define XQK_VECTOR_STRIPS	32

/**
 * struct xqk_vector - a row of A by tiles as they are in memory
 * @a: the staged row
 * @b: tile t of strip s is at b[t * XQK_VECTOR_STRIPS + s]
 * @contiguous: the tiles of a strip follow each other, only the first ones are in @b
 * @words: of B, from the first tile's first one on
 * @table: as for xqk_unpack_fn
 * @factor: what the sums are multiplied by, before
 * @start: is added, an array of as many as
 * @c: whole strips of results are written, or added to
 */
struct xqk_vector {
	const uint8_t *a;
	const uint8_t *const *b;
	bool contiguous;
	uint32_t words;
	const uint8_t *table;
	int32_t factor;
	const int32_t *start;
	bool add;
	int32_t *c;
};

typedef void xqk_vector_fn(const struct xqk_vector *vector, unsigned int strips);
typedef void xqk_arrange_fn(void *dst, const int8_t *src, size_t words, unsigned int steps);

/**
 * struct xqk_b_format - how B of a format is computed
 * @dot: the micro-kernel
 * @unpack: NULL if the dot takes tiles as they are (8-bit formats)
 * @bias: what must be added to an element to get the operand of @dot
 * @dot_fold: optional; saves the way through memory between the two
 * @dot_panel: optional; does the same for all rows in one call, with at least panel_steps steps
 * @panel_unpacks: whether dot_panel can take B that is not unpacked
 * @dot_tiles: optional; a dot of at most product->tiles_rows rows with tiles as they are in
 *	memory, where first and steps of struct xqk_dot count words of B
 * @dot_groups: optional; for groups that are whole words of B
 * @dot_real: optional; the same with real scales
 * @tiles_real: optional; the same for at most product->tiles_rows rows, with tiles as they are
 * @row_real: optional; the same for one row, with scales as they are, too
 * @tall_panel: @tall_real: optional; in place of @dot_panel and @dot_real where there are at least
 *	product->tall_rows rows; the latter takes XQK_TALL_ROWS, and groups of whole tiles only, see
 *	tall_real_fits(). It may write rows of sums up to a multiple of 16.
 * @tall_less: by how much the operand of these two is less than that of @dot
 * @vector: optional; for one row without groups where @dot_tiles could be taken
 * @vector_arrange: optional; what stages the row instead of product->arrange_a, into @vector_step
 *	bytes a step. Then it is taken for any number of rows, one by one.
 * @wide: @dot takes 16 bits an element: product->arrange_wide_a, start_a and start_b are called
 */
struct xqk_b_format {
	xqk_dot_fn *dot;
	xqk_unpack_fn *unpack;
	int32_t bias;
	xqk_dot_fold_fn *dot_fold;
	xqk_dot_panel_fn *dot_panel;
	xqk_dot_fn *dot_tiles;
	xqk_dot_groups_fn *dot_groups;
	xqk_dot_real_fn *dot_real, *tiles_real;
	xqk_row_real_fn *row_real;
	xqk_dot_panel_fn *tall_panel;
	xqk_dot_real_fn *tall_real;
	int32_t tall_less;
	xqk_vector_fn *vector;
	xqk_arrange_fn *vector_arrange;
	uint32_t vector_step;
	bool wide;
	bool panel_unpacks;
};

/**
 * struct xqk_thin - a product with a K of a few steps
 * @a: rows at any byte; past K there may be anything, up to whole steps
 * @flip: what makes A's bytes unsigned: 0x80 if they are signed
 * @b: [steps][XQK_STRIPS] of 64 signed bytes, zeros past K, 64-byte aligned
 * @start: [XQK_COLUMNS], what the sums start from
 * @c: whole strips are written, or added to
 */
struct xqk_thin {
	const uint8_t *a;
	size_t a_stride;
	uint32_t rows, steps;
	uint8_t flip;
	bool add;
	const int8_t *b;
	const int32_t *start;
	int32_t *c;
	size_t c_stride;
};

typedef void xqk_thin_fn(const struct xqk_thin *thin, unsigned int strips);

/**
 * struct xqk_product - an instruction set's kernels of products
 *
 * Always there: rows, a dot in b for each format, widen_a, arrange_a,
 * interleave_b, fold, real. Wide formats need arrange_wide_a, start_a and start_b, tiles_rows goes
 * with dot_tiles, panel_steps with dot_panel. All else may be left out.
 */
struct xqk_product {
	unsigned int rows;	/* most rows of a dot */
	unsigned int tiles_rows;	/* most rows of a dot of tiles */
	unsigned int tall_rows;		/* fewest rows of what is tall */
	bool natural;		/* panels of narrow elements are in the order of K */

	/* By format of B. */
	struct xqk_b_format b[XQ_FORMATS];

	/* Optional: dots of the same where A is u8 in place. */
	struct xqk_b_format b_by_u8[XQ_FORMATS];

	/*
	 * B1 x B1: a and b are words of 32 elements as stored, a step is a word, the last
	 * one may be partly used; c = k - 2 * (number of bits that differ). Both may
	 * be NULL: then bits are widened like any other format. dot_panel_bits and unpack_bits
	 * are optional; the latter makes two steps of B from a word.
	 */
	xqk_dot_fn *dot_bits;
	xqk_dot_fold_fn *dot_fold_bits;
	xqk_dot_panel_fn *dot_panel_bits;
	xqk_unpack_fn *unpack_bits;

	uint32_t panel_steps;	/* fewest steps of a panel */
	xqk_thin_fn *thin_s8;	/* optional */

	/*
	 * Elements of A that start at a byte, to a - a_bias as signed bytes in the order
	 * of K. Returns their sum.
	 */
	int32_t (*widen_a)(int8_t *dst, const uint8_t *src, size_t n, uint32_t format);

	/* Sum of s8 or u8; NULL if A is never used where it is. */
	int32_t (*sum_a)(const uint8_t *src, size_t n, uint32_t format);

	/*
	 * From the order of K to that of the steps: words of 4 * steps elements each
	 * become that many steps. For steps = 1, which would be a copy, only the wide one is
	 * called; with natural panels, only for dots of tiles.
	 */
	xqk_arrange_fn *arrange_a, *arrange_wide_a;

	/* For wide formats: row_start of a piece of a row, column_start of a piece of B. */
	int32_t (*start_a)(const void *a, uint32_t steps);
	void (*start_b)(const struct xqk_dot *dot, int32_t *column_start, unsigned int strips);

	/* Words of 16 rows into the tile order: word w of row r to byte 4 * (16 * w + r). */
	void (*interleave_b)(uint8_t *dst, const uint8_t *const *rows, size_t words);

	void (*fold)(const struct xqk_fold *fold, unsigned int rows, unsigned int strips);

	const struct xqk_real_kernels *real;

	/*
	 * Both optional: scales of groups multiply the elements of B when it is staged, so that a
	 * supergroup is one sum. The order of panels is natural. For at least summed_rows rows; with
	 * summed_bytes only strips whose products are bytes. minima_summed is what minima take off,
	 * where the products are computed otherwise; of struct xqk_summed it takes no a and no strip.
	 */
	xqk_scale_strip_fn *scale_strip;
	xqk_dot_summed_fn *dot_summed, *minima_summed;
	/* With them: sums of so many groups of signed bytes, each a multiple of 16 long. */
	void (*sum_groups)(int32_t *sums, const int8_t *a, size_t count, size_t group);
	unsigned int summed_rows;
	bool summed_bytes;
	bool groups_added;	/* dot_groups know of struct xqk_groups.added */
};

extern const struct xqk_real_kernels xqk_real_scalar;
#if defined(__x86_64__)
extern const struct xqk_real_kernels xqk_real_avx2, xqk_real_avx512;
#elif defined(__aarch64__)
extern const struct xqk_real_kernels xqk_real_neon;
#endif

extern const struct xqk_product xqk_product_scalar;
#if defined(__x86_64__)
extern const struct xqk_product xqk_product_avx2;
extern const struct xqk_product xqk_product_avx512vnni;
extern const struct xqk_product xqk_product_amx;
#elif defined(__aarch64__)
extern const struct xqk_product xqk_product_neon;
extern const struct xqk_product xqk_product_neondot;
extern const struct xqk_product xqk_product_neoni8mm;
#endif

#endif
