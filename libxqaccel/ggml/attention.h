/* SPDX-License-Identifier: MIT */
/* What the ways to compute attention share. */
#ifndef XQG_ATTENTION_H
#define XQG_ATTENTION_H

#include "host.h"

/* Sources of FLASH_ATTN_EXT. */
enum { XQG_Q, XQG_K, XQG_V, XQG_MASK, XQG_SINKS };

/**
 * struct xqg_attention - an operation in parts
 * @heads: @sequences: of Q for one of K and V
 * @scratch: @scratch_bytes for each thread
 */
struct xqg_attention {
	const struct xqg_tensor *op;
	int64_t heads, sequences;
	void *scratch;
	size_t scratch_bytes;
};

/* What is added to the score of each key, NULL for nothing. */
static inline const uint16_t *xqg_mask_row(const struct xqg_tensor *mask, int64_t token,
					   int64_t head, int64_t sequence)
{
	return mask ? (const uint16_t *)xqg_row(mask, token, head % mask->ne[2],
						sequence % mask->ne[3]) :
		      NULL;
}

/* ---- attention_block.c ----------------------------------------------------------------------- */

/* How many parts there are, each a block of tokens of one head. */
size_t xqg_attention_blocks(const struct xqg_tensor *op);

/* Scratch memory of a thread. */
size_t xqg_attention_block_bytes(const struct xqg_tensor *op);

/* Computes one; arg is a struct xqg_attention. */
void xqg_attention_block(void *arg, size_t part, unsigned int thread);

#endif
