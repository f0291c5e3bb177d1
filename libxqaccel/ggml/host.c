// SPDX-License-Identifier: MIT
/*
 * Sums, products, norms, gates and copies of rows of floats, and how rows are divided among
 * threads.
 */
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "exponential.h"
#include "host.h"
#include "symbols.h"

/* ---- ADD, MUL -------------------------------------------------------------------------------------------- */

static bool repeats(const struct xqg_tensor *t, const struct xqg_tensor *in)
{
	int i;

	for (i = 1; i < XQG_DIMS; i++)
		if (!t->ne[i] || in->ne[i] % t->ne[i])
			return false;
	return t->ne[0] == in->ne[0];
}

static bool pairs_supported(const struct xqg_tensor *op)
{
	return xqg_float_rows(op) && xqg_float_rows(op->src[0]) && xqg_float_rows(op->src[1]) &&
	       repeats(op->src[1], op);
}

XQG_VECTORS static void add_row(float *y, const float *a, const float *b, int64_t n)
{
	int64_t i;

	XQG_SAME_PLACE
	for (i = 0; i < n; i++)
		y[i] = a[i] + b[i];
}

XQG_VECTORS static void multiply_row(float *y, const float *a, const float *b, int64_t n)
{
	int64_t i;

	XQG_SAME_PLACE
	for (i = 0; i < n; i++)
		y[i] = a[i] * b[i];
}

static int pair_rows(const struct xqg_tensor *op, size_t first, size_t last,
		     void (*row)(float *, const float *, const float *, int64_t))
{
	const struct xqg_tensor *b = op->src[1];
	size_t i;

	for (i = first; i < last; i++) {
		const struct xqg_place at = xqg_place(op, i);

		row((float *)xqg_row_at(op, at), (const float *)xqg_row_at(op->src[0], at),
		    (const float *)xqg_row(b, at.i1 % b->ne[1], at.i2 % b->ne[2], at.i3 % b->ne[3]),
		    op->ne[0]);
	}
	return 0;
}

static int add_rows(const void *op, size_t first, size_t last)
{
	return pair_rows(op, first, last, add_row);
}

static int multiply_rows(const void *op, size_t first, size_t last)
{
	return pair_rows(op, first, last, multiply_row);
}

/* ---- RMS_NORM ---------------------------------------------------------------------------------------------- */

XQG_VECTORS static void norm_row(float *y, const float *x, int64_t n, float epsilon)
{
	float part[16] = { 0 }, factor;
	double sum = 0;
	int64_t i, j;

	for (i = 0; i + 16 <= n; i += 16)
		for (j = 0; j < 16; j++)
			part[j] += x[i + j] * x[i + j];
	for (; i < n; i++)
		sum += (double)x[i] * x[i];
	for (j = 0; j < 16; j++)
		sum += part[j];
	factor = 1 / sqrtf((float)(sum / (double)n) + epsilon);
	XQG_SAME_PLACE
	for (i = 0; i < n; i++)
		y[i] = x[i] * factor;
}

static bool norm_supported(const struct xqg_tensor *op)
{
	return xqg_float_rows(op) && xqg_float_rows(op->src[0]);
}

static int norm_rows(const void *arg, size_t first, size_t last)
{
	const struct xqg_tensor *op = arg;
	size_t i;

	for (i = first; i < last; i++) {
		const struct xqg_place at = xqg_place(op, i);

		norm_row((float *)xqg_row_at(op, at), (const float *)xqg_row_at(op->src[0], at),
			 op->ne[0], xqg_float_param(op, 0));
	}
	return 0;
}

/* ---- GLU ------------------------------------------------------------------------------------------------------ */

#define GLU_SWIGLU	2

/* Gate and value are two tensors, or halves of a row. */
static bool gate_supported(const struct xqg_tensor *op)
{
	return op->op_params[0] == GLU_SWIGLU && xqg_float_rows(op) && xqg_float_rows(op->src[0]) &&
	       (!op->src[1] || xqg_float_rows(op->src[1]));
}

XQG_VECTORS static void gate_row(float *y, const float *gate, const float *value, int64_t n)
{
	int64_t i;

	XQG_SAME_PLACE
	for (i = 0; i < n; i++) {
		const float e = xqg_exp(-fabsf(gate[i]));
		const float sigmoid = (gate[i] < 0 ? e : 1) / (1 + e);

		y[i] = gate[i] * sigmoid * value[i];
	}
}

static int gate_rows(const void *arg, size_t first, size_t last)
{
	const struct xqg_tensor *op = arg, *a = op->src[0], *b = op->src[1];
	const bool swapped = op->op_params[1];
	size_t i;

	for (i = first; i < last; i++) {
		const struct xqg_place at = xqg_place(op, i);
		const float *gate = (const float *)xqg_row_at(a, at);
		const float *value = b ? (const float *)xqg_row_at(b, at) :
					 gate + (swapped ? 0 : op->ne[0]);

		gate_row((float *)xqg_row_at(op, at), !b && swapped ? gate + op->ne[0] : gate,
			 value, op->ne[0]);
	}
	return 0;
}

/* ---- DUP ------------------------------------------------------------------------------------- */

static bool dup_supported(const struct xqg_tensor *op)
{
	return xqg_float_rows(op) && xqg_float_rows(op->src[0]) &&
	       !memcmp(op->ne, op->src[0]->ne, sizeof(op->ne));
}

static int dup_rows(const void *arg, size_t first, size_t last)
{
	const struct xqg_tensor *op = arg;
	size_t i;

	for (i = first; i < last; i++) {
		const struct xqg_place at = xqg_place(op, i);

		memmove(xqg_row_at(op, at), xqg_row_at(op->src[0], at), (size_t)op->ne[0] * 4);
	}
	return 0;
}

/* ---- threads --------------------------------------------------------------------------------- */

/* Elements: fewer take less time than the wake-up of a thread. */
#define LEAST_ELEMENTS	32768

/* So that a thread that is late, or slow, leaves others something to do. */
#define PARTS_PER_THREAD	4

/**
 * struct division - a range of rows in parts
 */
struct division {
	xqg_rows_fn rows;
	const void *arg;
	size_t count, parts;
	atomic_int error;
};

static void compute_part(void *arg, size_t part, unsigned int thread)
{
	struct division *d = arg;
	const int err =
		d->rows(d->arg, d->count * part / d->parts, d->count * (part + 1) / d->parts);

	(void)thread;
	if (err)
		atomic_store(&d->error, err);
}

int xqg_host_rows(struct xqg_host *host, size_t count, size_t elements, xqg_rows_fn rows,
		  const void *arg)
{
	const size_t most = PARTS_PER_THREAD * xqg_pool_threads(host->pool);
	struct division d = { .rows = rows,
			      .arg = arg,
			      .count = count,
			      .parts = count < most ? count : most };

	if (count * elements < LEAST_ELEMENTS || xqg_pool_threads(host->pool) == 1)
		return rows(arg, 0, count);
	xqg_pool_run(host->pool, d.parts, compute_part, &d);
	return d.error;
}

int xqg_host_init(struct xqg_host *host)
{
	*host = (struct xqg_host){ .pool = xqg_pool_create() };
	return host->pool ? 0 : -ENOMEM;
}

void xqg_host_exit(struct xqg_host *host)
{
	xqg_pool_destroy(host->pool);
	free(host->angles.key);
	free(host->angles.cosine);
}

/* ---- all ------------------------------------------------------------------------------------- */

/* By rows of the result, or in a way of their own. */
static const struct operation {
	const int *op;
	bool (*supported)(const struct xqg_tensor *op);
	xqg_rows_fn rows;
	int (*compute)(struct xqg_host *host, const struct xqg_tensor *op);
} operations[] = {
	{ &xqg.op_add, pairs_supported, add_rows, NULL },
	{ &xqg.op_mul, pairs_supported, multiply_rows, NULL },
	{ &xqg.op_rms_norm, norm_supported, norm_rows, NULL },
	{ &xqg.op_glu, gate_supported, gate_rows, NULL },
	{ &xqg.op_dup, dup_supported, dup_rows, NULL },
	{ &xqg.op_rope, xqg_rope_supported, NULL, xqg_rope },
	{ &xqg.op_get_rows, xqg_get_rows_supported, NULL, xqg_get_rows },
	{ &xqg.op_set_rows, xqg_set_rows_supported, NULL, xqg_set_rows },
	{ &xqg.op_flash_attn_ext, xqg_attention_supported, NULL, xqg_attention },
};

static const struct operation *find(const struct xqg_tensor *op)
{
	size_t i;

	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (op->op == *operations[i].op)
			return &operations[i];
	return NULL;
}

bool xqg_host_supported(const struct xqg_tensor *op)
{
	const struct operation *o = find(op);

	return o && o->supported(op);
}

int xqg_host_compute(struct xqg_host *host, const struct xqg_tensor *op)
{
	const struct operation *o = find(op);

	if (!xqg_elements(op))
		return 0;
	return o->compute ? o->compute(host, op) :
			    xqg_host_rows(host, xqg_row_count(op), (size_t)op->ne[0], o->rows, op);
}
