// SPDX-License-Identifier: MIT
/*
 * Attention of blocks of tokens, by blocks of keys: scores are a product of matrices, S[key][token]
 * = K[key] . Q[token], and so are the sums of values. Scores lie key by key, so that the softmax of
 * 16 tokens is one vector. The greatest score so far and the sum of weights are carried from block
 * to block; what was summed is scaled when the former grows. Blocks that the mask hides are left
 * out: half of them where tokens see only what was before.
 */
#include <string.h>

#include "attention.h"
#include "exponential.h"
#include "float_product.h"

#define TOKENS		64	/* of a block */
#define KEYS		64

/* Less than any score, and a number: differences to it are none with infinities that cancel. */
#define NO_SCORE	-1e30f

#define HALF_HIDDEN	0xfc00	/* -infinity */

/**
 * struct block - a thread's place for one
 * @q: [dimensions][TOKENS], by the scale of scores
 * @k: [KEYS][dimensions]
 * @v: [KEYS][values], zeros behind the last key and dimension
 * @out: [TOKENS][values]
 * @s: scores, then weights
 * @most: @sum: of each token so far
 * @factor: of each token's sums, for this block's greatest score
 * @first: @tokens: which ones
 * @width: @tokens, with those that make whole tiles
 */
struct block {
	const struct xqg_tensor *op;
	struct xqg_place kv;
	int64_t head, sequence;
	size_t first, tokens, width, dimensions, values;
	float *q, *k, *v, *out;
	float s[KEYS][TOKENS], most[TOKENS], sum[TOKENS], factor[TOKENS];
};

static size_t whole(size_t n, size_t tile)
{
	return (n + tile - 1) / tile * tile;
}

static size_t value_columns(const struct xqg_tensor *op)
{
	return whole((size_t)op->src[XQG_V]->ne[0], XQG_TILE_COLUMNS);
}

size_t xqg_attention_blocks(const struct xqg_tensor *op)
{
	const struct xqg_tensor *q = op->src[XQG_Q];

	return ((size_t)q->ne[1] + TOKENS - 1) / TOKENS * (size_t)(q->ne[2] * q->ne[3]);
}

size_t xqg_attention_block_bytes(const struct xqg_tensor *op)
{
	const size_t floats = (TOKENS + KEYS) * ((size_t)op->src[XQG_K]->ne[0] + value_columns(op));

	return whole(sizeof(struct block) + floats * sizeof(float), 64);
}

/* ---- what a block begins with ---------------------------------------------------------------- */

static void place_block(struct block *b, const struct xqg_attention *all, size_t part)
{
	const struct xqg_tensor *q = all->op->src[XQG_Q];
	const size_t blocks = ((size_t)q->ne[1] + TOKENS - 1) / TOKENS;
	const size_t left = (size_t)q->ne[1] - part % blocks * TOKENS;

	b->op = all->op;
	b->head = (int64_t)(part / blocks % (size_t)q->ne[2]);
	b->sequence = (int64_t)(part / blocks / (size_t)q->ne[2]);
	b->kv = (struct xqg_place){ 0, b->head / all->heads, b->sequence / all->sequences };
	b->first = part % blocks * TOKENS;
	b->tokens = left < TOKENS ? left : TOKENS;
	b->width = whole(b->tokens, XQG_TILE_COLUMNS);
	b->dimensions = (size_t)q->ne[0];
	b->values = value_columns(all->op);
	b->q = (float *)(b + 1);
	b->k = b->q + TOKENS * b->dimensions;
	b->v = b->k + KEYS * b->dimensions;
	b->out = b->v + KEYS * b->values;
}

static void begin(struct block *b)
{
	const float scale = xqg_float_param(b->op, 0);
	size_t token, i;

	for (token = 0; token < b->width; token++) {
		const float *row = (const float *)xqg_row(
			b->op->src[XQG_Q], (int64_t)(b->first + token), b->head, b->sequence);

		for (i = 0; i < b->dimensions; i++)
			b->q[i * TOKENS + token] = token < b->tokens ? scale * row[i] : 0;
		b->most[token] = NO_SCORE;
		b->sum[token] = 0;
	}
	memset(b->out, 0, TOKENS * b->values * sizeof(float));
}

/* ---- masks ----------------------------------------------------------------------------------- */

enum sight { SEES_ALL, SEES_SOME, SEES_NONE };

XQG_VECTORS static void scan_mask(const uint16_t *mask, size_t n, uint16_t *any, uint16_t *other)
{
	uint16_t bits = 0, differ = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		bits |= mask[i];
		differ |= mask[i] ^ HALF_HIDDEN;
	}
	*any |= bits;
	*other |= differ;
}

static const uint16_t *mask_of(const struct block *b, size_t token, size_t key)
{
	return xqg_mask_row(b->op->src[XQG_MASK], (int64_t)(b->first + token), b->head,
			    b->sequence) +
	       key;
}

static enum sight look(const struct block *b, size_t key, size_t keys)
{
	uint16_t any = 0, other = 0;
	size_t token;

	if (!b->op->src[XQG_MASK])
		return SEES_ALL;
	for (token = 0; token < b->tokens; token++)
		scan_mask(mask_of(b, token, key), keys, &any, &other);
	return !any ? SEES_ALL : !other ? SEES_NONE : SEES_SOME;
}

static void add_mask(struct block *b, size_t key, size_t keys)
{
	float add[KEYS];
	size_t token, i;

	for (token = 0; token < b->tokens; token++) {
		xqg_from_halves(add, mask_of(b, token, key), keys);
		for (i = 0; i < keys; i++)
			b->s[i][token] += add[i];
	}
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void load_keys(struct block *b, size_t key, size_t keys)
{
	const struct xqg_tensor *k = b->op->src[XQG_K], *v = b->op->src[XQG_V];
	const size_t n = (size_t)v->ne[0], padded = whole(keys, XQG_TILE_ROWS);
	size_t i;

	for (i = 0; i < keys; i++) {
		const int64_t row = (int64_t)(key + i);

		xqg_from_halves(b->k + i * b->dimensions,
				(const uint16_t *)xqg_row(k, row, b->kv.i2, b->kv.i3),
				b->dimensions);
		xqg_from_halves(b->v + i * b->values,
				(const uint16_t *)xqg_row(v, row, b->kv.i2, b->kv.i3), n);
		memset(b->v + i * b->values + n, 0, (b->values - n) * sizeof(float));
	}
	memset(b->k + keys * b->dimensions, 0, (padded - keys) * b->dimensions * sizeof(float));
}

/* Scores become weights; returns whether sums so far have to be scaled. */
XQG_VECTORS static bool weigh(struct block *b, size_t keys)
{
	const size_t width = b->width;
	float most[TOKENS], sum[TOKENS];
	bool scaled = false;
	size_t i, j;

	for (j = 0; j < width; j++) {
		most[j] = b->most[j];
		sum[j] = 0;
	}
	for (i = 0; i < keys; i++)
		for (j = 0; j < width; j++)
			most[j] = b->s[i][j] > most[j] ? b->s[i][j] : most[j];
	for (i = 0; i < keys; i++) {
		for (j = 0; j < width; j++) {
			b->s[i][j] = xqg_exp(b->s[i][j] - most[j]);
			sum[j] += b->s[i][j];
		}
	}
	for (j = 0; j < width; j++) {
		b->factor[j] = xqg_exp(b->most[j] - most[j]);
		b->sum[j] = b->sum[j] * b->factor[j] + sum[j];
		scaled |= b->factor[j] != 1;
		b->most[j] = most[j];
	}
	return scaled;
}

XQG_VECTORS static void scale_row(float *row, size_t n, float factor)
{
	size_t i;

	for (i = 0; i < n; i++)
		row[i] *= factor;
}

static void scale_sums(struct block *b)
{
	size_t token;

	for (token = 0; token < b->tokens; token++)
		if (b->factor[token] != 1)
			scale_row(b->out + token * b->values, b->values, b->factor[token]);
}

static void add_keys(struct block *b, size_t key, size_t keys, enum sight sight)
{
	struct xqg_float_product scores = {
		.a = b->k,
		.a_row = b->dimensions,
		.a_depth = 1,
		.b = b->q,
		.b_row = TOKENS,
		.c = &b->s[0][0],
		.c_row = TOKENS,
		.m = whole(keys, XQG_TILE_ROWS),
		.n = b->width,
		.k = b->dimensions,
	};
	struct xqg_float_product values = {
		.a = &b->s[0][0],
		.a_row = 1,
		.a_depth = TOKENS,
		.b = b->v,
		.b_row = b->values,
		.c = b->out,
		.c_row = b->values,
		.m = whole(b->tokens, XQG_TILE_ROWS),
		.n = b->values,
		.k = keys,
		.add = true,
	};

	load_keys(b, key, keys);
	xqg_float_product(&scores);
	if (sight == SEES_SOME)
		add_mask(b, key, keys);
	if (weigh(b, keys))
		scale_sums(b);
	xqg_float_product(&values);
}

/* ---- a block --------------------------------------------------------------------------------- */

/* Zeros for a token that sees no key. */
static void end(const struct block *b)
{
	const size_t n = (size_t)b->op->src[XQG_V]->ne[0];
	size_t token, i;

	for (token = 0; token < b->tokens; token++) {
		const float factor = b->sum[token] > 0 ? 1 / b->sum[token] : 0;
		float *to =
			(float *)xqg_row(b->op, b->head, (int64_t)(b->first + token), b->sequence);

		for (i = 0; i < n; i++)
			to[i] = b->out[token * b->values + i] * factor;
	}
}

void xqg_attention_block(void *arg, size_t part, unsigned int thread)
{
	const struct xqg_attention *all = arg;
	struct block *b = (struct block *)((uint8_t *)all->scratch + thread * all->scratch_bytes);
	const size_t all_keys = (size_t)all->op->src[XQG_K]->ne[1];
	size_t key;

	place_block(b, all, part);
	begin(b);
	for (key = 0; key < all_keys; key += KEYS) {
		const size_t keys = all_keys - key < KEYS ? all_keys - key : KEYS;
		const enum sight sight = look(b, key, keys);

		if (sight != SEES_NONE)
			add_keys(b, key, keys, sight);
	}
	end(b);
}
