// SPDX-License-Identifier: MIT
/*
 * FLASH_ATTN_EXT of a few tokens by keys and values in halves: for each token and head the scores of all keys, their softmax,
 * and the sum of values by it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/float_formats.h>

#include "host.h"

#define MOST_TOKENS	4
/* Products of numbers, of which one thread does a few a nanosecond. */
#define MOST_WORK	(4 << 20)

enum { Q, K, V, MASK, SINKS };

bool xqg_attention_supported(const struct xqg_tensor *op)
{
	const struct xqg_tensor *q = op->src[Q], *k = op->src[K], *v = op->src[V], *mask = op->src[MASK];

	if (!xqg_float_rows(q) || !xqg_float_rows(op) || op->src[SINKS] || q->ne[1] > MOST_TOKENS ||
	    xqg_elements(q) * k->ne[1] > MOST_WORK)
		return false;
	if (k->type != XQG_TYPE_F16 || v->type != XQG_TYPE_F16 || k->nb[0] != 2 || v->nb[0] != 2 ||
	    k->ne[0] != q->ne[0] || v->ne[2] != k->ne[2] || v->ne[3] != k->ne[3])
		return false;
	if (mask && (mask->type != XQG_TYPE_F16 || mask->nb[0] != 2))
		return false;
	/* Neither slopes of heads nor a bound of scores. */
	return xqg_float_param(op, 1) == 0 && xqg_float_param(op, 2) == 0;
}

/* What is added to the score of each key, NULL for nothing. */
static const uint16_t *mask_row(const struct xqg_tensor *mask, int64_t token, int64_t head, int64_t sequence)
{
	return mask ? (const uint16_t *)xqg_row(mask, token, head % mask->ne[2], sequence % mask->ne[3]) : NULL;
}

/* Scores of a token and head; returns the greatest. Those of keys that the mask hides are -infinity. */
static float find_scores(const struct xqg_tensor *op, const float *q, int64_t head, int64_t sequence,
			 const uint16_t *mask, float *scores)
{
	const struct xqg_tensor *k = op->src[K];
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

int xqg_attention(const struct xqg_tensor *op)
{
	const struct xqg_tensor *q = op->src[Q], *k = op->src[K], *v = op->src[V];
	const int64_t heads = q->ne[2] / k->ne[2], sequences = q->ne[3] / k->ne[3];
	float *scores = malloc((size_t)k->ne[1] * sizeof(*scores) + 1);
	int64_t token, head, sequence;

	if (!scores)
		return -ENOMEM;
	for (sequence = 0; sequence < q->ne[3]; sequence++) {
		for (head = 0; head < q->ne[2]; head++) {
			for (token = 0; token < q->ne[1]; token++) {
				const float most = find_scores(op, (const float *)xqg_row(q, token, head, sequence),
							       head / heads, sequence / sequences,
							       mask_row(op->src[MASK], token, head, sequence), scores);

				add_values(v, head / heads, sequence / sequences, scores, most,
					   (float *)xqg_row(op, head, token, sequence));
			}
		}
	}
	free(scores);
	return 0;
}
