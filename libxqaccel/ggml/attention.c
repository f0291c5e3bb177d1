// SPDX-License-Identifier: MIT
/*
 * FLASH_ATTN_EXT by keys and values in halves: for each token and head the scores of all keys,
 * their softmax, and the sum of values by it. A few tokens are computed one by one, more in blocks
 * (attention_block.c).
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/float_formats.h>

#include "attention.h"

/* Tokens from which on blocks are faster. */
#define LEAST_BLOCK	8

bool xqg_attention_supported(const struct xqg_tensor *op)
{
	const struct xqg_tensor *q = op->src[XQG_Q], *k = op->src[XQG_K], *v = op->src[XQG_V],
				*mask = op->src[XQG_MASK];

	if (!xqg_float_rows(q) || !xqg_float_rows(op) || op->src[XQG_SINKS])
		return false;
	if (k->type != XQG_TYPE_F16 || v->type != XQG_TYPE_F16 || k->nb[0] != 2 || v->nb[0] != 2 ||
	    k->ne[0] != q->ne[0] || v->ne[2] != k->ne[2] || v->ne[3] != k->ne[3])
		return false;
	if (mask && (mask->type != XQG_TYPE_F16 || mask->nb[0] != 2))
		return false;
	/* Neither slopes of heads nor a bound of scores. */
	return xqg_float_param(op, 1) == 0 && xqg_float_param(op, 2) == 0;
}

/* Scores of a token and head; returns the greatest. Those of keys that the mask hides are -infinity. */
static float find_scores(const struct xqg_tensor *op, const float *q, int64_t head, int64_t sequence,
			 const uint16_t *mask, float *scores)
{
	const struct xqg_tensor *k = op->src[XQG_K];
	const float scale = xqg_float_param(op, 0);
	float most = -INFINITY;
	int64_t i;

	for (i = 0; i < k->ne[1]; i++) {
		const float add = mask && mask[i] ? xq_float_decode_one(mask[i], XQ_FLOAT_FP16) : 0;

		scores[i] = add == -INFINITY ? add : add + scale * xqg_dot_halves(q,
				(const uint16_t *)xqg_row(k, i, head, sequence), (size_t)k->ne[0]);
		most = scores[i] > most ? scores[i] : most;
	}
	return most;
}

static void add_values(const struct xqg_tensor *v, int64_t head, int64_t sequence, const float *scores, float most,
		       float *to)
{
	const size_t n = (size_t)v->ne[0];
	float all = 0;
	int64_t i;
	size_t j;

	memset(to, 0, n * sizeof(*to));
	for (i = 0; i < v->ne[1] && most > -INFINITY; i++) {
		const float weight = scores[i] == -INFINITY ? 0 : expf(scores[i] - most);

		all += weight;
		if (weight != 0)
			xqg_add_halves(to, weight, (const uint16_t *)xqg_row(v, i, head, sequence), n);
	}
	for (j = 0; j < n && all > 0; j++)
		to[j] /= all;
}

/* Token number @part, as heads and tokens of a sequence lie. */
static void compute_token(void *arg, size_t part, unsigned int thread)
{
	const struct xqg_attention *all = arg;
	const struct xqg_tensor *op = all->op, *q = op->src[XQG_Q];
	const struct xqg_place at = xqg_place(q, part);
	float *scores = (float *)((uint8_t *)all->scratch + thread * all->scratch_bytes);
	const int64_t head = at.i2 / all->heads, sequence = at.i3 / all->sequences;
	const float most = find_scores(op, (const float *)xqg_row_at(q, at), head, sequence,
				       xqg_mask_row(op->src[XQG_MASK], at.i1, at.i2, at.i3),
				       scores);

	add_values(op->src[XQG_V], head, sequence, scores, most,
		   (float *)xqg_row(op, at.i2, at.i1, at.i3));
}

/*
 * Products of numbers, of which a thread does some a nanosecond: fewer take less time than its
 * wake-up.
 */
#define LEAST_WORK	(1 << 19)

int xqg_attention(struct xqg_host *host, const struct xqg_tensor *op)
{
	const struct xqg_tensor *q = op->src[XQG_Q], *k = op->src[XQG_K];
	const bool blocks = q->ne[1] >= LEAST_BLOCK;
	struct xqg_attention all = {
		.op = op, .heads = q->ne[2] / k->ne[2], .sequences = q->ne[3] / k->ne[3],
		.scratch_bytes = blocks ? xqg_attention_block_bytes(op) :
					  ((size_t)k->ne[1] + 15) / 16 * 16 * sizeof(float),
	};
	const size_t parts = blocks ? xqg_attention_blocks(op) : xqg_row_count(q);
	void (*part)(void *, size_t, unsigned int) = blocks ? xqg_attention_block : compute_token;
	size_t i;

	all.scratch = xqg_pool_scratch(host->pool, all.scratch_bytes);
	if (!all.scratch)
		return -ENOMEM;
	if (xqg_elements(q) * k->ne[1] >= LEAST_WORK)
		xqg_pool_run(host->pool, parts, part, &all);
	else
		for (i = 0; i < parts; i++)
			part(&all, i, 0);
	return 0;
}
