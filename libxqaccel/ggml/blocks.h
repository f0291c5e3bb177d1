/* SPDX-License-Identifier: MIT */
/* ggml's block formats as operands of products whose groups have real scales (xqaccel/grouped.h). */
#ifndef XQG_BLOCKS_H
#define XQG_BLOCKS_H

#include <xqaccel/grouped.h>

#include "symbols.h"

#define XQG_MOST_ELEMENTS	256

/**
 * struct xqg_parts - where the parts of a block go
 * @codes: unpacked elements of the block
 * @scale: @min: of its groups, of the types that the format says
 * @scale2: @min2: of the block
 */
struct xqg_parts {
	int8_t *codes;
	uint8_t *scale, *min, *scale2, *min2;
};

/**
 * struct xqg_blocks - a format: x = scale * scale2 * (code - zero_point) - min * min2
 * @name: ggml's, in lower case
 * @type: ggml's number
 * @elements: @bytes: of a block
 * @group: elements that share a scale; the block shares what is of the second level
 * @codebook: returns that of C4, else NULL
 * @grid: what ggml is asked for to split a block; without it the format can't be had
 */
struct xqg_blocks {
	const char *name;
	int type;
	uint32_t elements, bytes, group;
	enum xq_type code_type;
	int32_t zero_point;
	const int8_t *(*codebook)(void);
	enum xq_type scale, scale2, min, min2;
	void (*split)(const uint8_t *block, const struct xqg_parts *to);
	enum xqg_grid grid;
};

/* The format of ggml's number, NULL if it isn't one of these. */
const struct xqg_blocks *xqg_blocks(int type);

/* Whether a block's sum is an integer until its scales of the second level, as ggml computes it. */
bool xqg_blocks_summed(const struct xqg_blocks *format);

void xqg_split_q2_k(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_q3_k(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_q4_k(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_q5_k(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_q6_k(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_iq4_xs(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_iq1_s(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_iq1_m(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_iq2_xxs(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_iq2_xs(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_iq2_s(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_iq3_xxs(const uint8_t *block, const struct xqg_parts *to);
void xqg_split_iq3_s(const uint8_t *block, const struct xqg_parts *to);

/* Codebooks of the IQ formats. */
const int8_t *xqg_iq1_table(void);
const int8_t *xqg_iq2_table(void);
const int8_t *xqg_iq3_xxs_table(void);
const int8_t *xqg_iq3_s_table(void);

/* 32 nibbles: element j low and j + 16 high in byte j. */
void xqg_split_nibbles(const uint8_t *bytes, int8_t *codes);

#endif
