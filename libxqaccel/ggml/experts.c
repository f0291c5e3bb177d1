// SPDX-License-Identifier: MIT
/*
 * MUL_MAT_ID: each token has a few experts, slot s of token t the expert ids[t][s], and dst[t][s][n] = x[t][s % x's rows] .
 * w[expert][n]. One or a few tokens are a product of one row for each slot. For more, rows are brought into the order
 * of experts, each of which is one product, and results back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "product.h"
#include "symbols.h"

#define FEW_ROWS	16

/**
 * struct slots - what one product of experts is
 * @group: elements of rows that share a scale
 * @of: the slots' numbers (token * slots + slot), those of an expert together
 * @first: [experts + 1], of each expert in @of
 */
struct slots {
	size_t experts, slots, tokens, rows, k, n;
	uint32_t group;
	uint32_t *of, *first;
};

static int32_t expert_of(const struct xqg_tensor *ids, size_t slot, size_t token)
{
	int32_t id;

	memcpy(&id, (const uint8_t *)ids->data + token * ids->nb[1] + slot * ids->nb[0], sizeof(id));
	return id;
}

/* False if an id is no expert. */
static bool sort_slots(const struct xqg_tensor *ids, struct slots *s)
{
	size_t i;

	for (i = 0; i < s->rows; i++) {
		const int32_t id = expert_of(ids, i % s->slots, i / s->slots);

		if (id < 0 || (size_t)id >= s->experts)
			return false;
		s->first[id + 1]++;
	}
	for (i = 0; i < s->experts; i++)
		s->first[i + 1] += s->first[i];
	for (i = 0; i < s->rows; i++)
		s->of[s->first[expert_of(ids, i % s->slots, i / s->slots)]++] = (uint32_t)i;
	memmove(s->first + 1, s->first, s->experts * sizeof(s->first[0]));
	s->first[0] = 0;
	return true;
}

static const uint8_t *row_of(const struct xqg_tensor *x, const struct slots *s, uint32_t number)
{
	return (const uint8_t *)x->data + number / s->slots * x->nb[2] +
	       number % s->slots % (size_t)x->ne[1] * x->nb[1];
}

/* Rows of x in the order of experts, or, a few, in that of slots. */
static void gather_rows(const struct xqg_tensor *x, const struct slots *s, bool in_order, float *to)
{
	size_t i, j;

	for (i = 0; i < s->rows; i++, to += s->k) {
		const uint8_t *row = row_of(x, s, in_order ? s->of[i] : (uint32_t)i);

		if (x->nb[0] == 4)
			memcpy(to, row, 4 * s->k);
		else
			for (j = 0; j < s->k; j++)
				memcpy(to + j, row + j * x->nb[0], 4);
	}
}

static int multiply_row(struct xqg_products *p, const struct slots *s, const struct xqg_weights *w, size_t expert,
			size_t row, size_t rows, const struct xqaccel_operand at[3])
{
	struct xqaccel_operand a = at[0], scale = at[1], c = at[2];

	a.offset += row * s->k;
	scale.offset += row * (s->k / s->group) * sizeof(float);
	c.offset += row * s->n * sizeof(float);
	return xqg_multiply(p, w->matrix[expert], &a, &scale, rows, &c);
}

static int multiply_experts(struct xqg_products *p, const struct slots *s, const struct xqg_weights *w, bool in_order,
			    const struct xqaccel_operand at[3])
{
	size_t e, i;
	int err = 0;

	for (e = 0; e < s->experts && !err; e++) {
		const size_t first = s->first[e], rows = s->first[e + 1] - first;

		if (in_order && rows)
			err = multiply_row(p, s, w, e, first, rows, at);
		for (i = 0; !in_order && i < rows && !err; i++)
			err = multiply_row(p, s, w, e, s->of[first + i], 1, at);
	}
	return err;
}

static int multiply(struct xqg_products *p, const struct xqg_tensor *op, const struct slots *s,
		    const struct xqg_weights *w)
{
	const int64_t ne[XQG_DIMS] = { (int64_t)s->k, (int64_t)s->rows, 1, 1 };
	const size_t nb[XQG_DIMS] = { 4, 4 * s->k, 4 * s->k * s->rows, 4 * s->k * s->rows };
	const size_t result = 4 * s->rows * s->n;
	struct xqaccel_operand x, at[3];
	const bool direct = s->rows <= FEW_ROWS && xqg_buffer_operand(p->jobs.accel, op, &at[2]);
	uint8_t *staged = NULL;
	size_t i;
	int err;

	gather_rows(op->src[1], s, !direct, xqg_jobs_take(&p->jobs, 4 * s->k * s->rows, &x));
	xqg_take_quantized(&p->jobs, s->rows, s->k, s->group, &at[0], &at[1]);
	if (!direct)
		staged = xqg_jobs_take(&p->jobs, result, &at[2]);
	err = xqg_quantize(p, &x, ne, nb, s->group, &at[0], &at[1]);
	if (!err)
		err = multiply_experts(p, s, w, !direct, at);
	if (err || direct)
		return err;
	err = xqg_jobs_flush(&p->jobs);
	for (i = 0; i < s->rows && !err; i++)
		memcpy((uint8_t *)op->data + s->of[i] * 4 * s->n, staged + i * 4 * s->n, 4 * s->n);
	return err;
}

int xqg_product_experts(struct xqg_products *p, const struct xqg_tensor *op)
{
	const struct xqg_tensor *w = op->src[0], *ids = op->src[2];
	struct slots s = {
		.experts = (size_t)w->ne[2], .slots = (size_t)ids->ne[0], .tokens = (size_t)ids->ne[1],
		.rows = (size_t)(ids->ne[0] * ids->ne[1]), .k = (size_t)w->ne[0], .n = (size_t)w->ne[1],
		.group = xqg_weights_x_group(p->jobs.accel, xqg_blocks(w->type)),
	};
	const struct xqg_weights *weights;
	bool fresh;
	int err;

	if (!s.rows)
		return 0;
	/* What the rows and ids are may come from jobs that are under way. */
	err = xqg_jobs_flush(&p->jobs);
	xqg_products_wrote(p, NULL);
	if (!err)
		err = xqg_jobs_reserve(&p->jobs, xqg_scratch_size(4 * s.k * s.rows) +
				       xqg_quantized_size(s.rows, s.k, s.group) + xqg_scratch_size(4 * s.rows * s.n),
				       &fresh);
	if (!err)
		err = xqg_product_weights(p, w, &weights);
	if (err)
		return err;
	s.of = malloc(s.rows * sizeof(*s.of));
	s.first = calloc(s.experts + 1, sizeof(*s.first));
	err = !s.of || !s.first ? -ENOMEM : !sort_slots(ids, &s) ? -ERANGE : multiply(p, op, &s, weights);
	free(s.of);
	free(s.first);
	return err;
}
