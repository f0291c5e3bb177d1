// SPDX-License-Identifier: MIT
/*
 * Matrix products: numpy's, of ONNX's Gemm, fully connected layers, and of integers. float32 in the
 * order of sgemm.h; other real types in double in the order of k; integers wrap.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "matmul.h"
#include "sgemm.h"

/* ---- shapes ------------------------------------------------------------------------------ */

/* What numpy's product makes of two shapes: matrices, and which of them go together. */
int xqm_product_shape(struct xqm_graph *graph, const struct xqm_operator *op,
		      const struct xqm_value *a, const struct xqm_value *b, bool transpose_a,
		      bool transpose_b, struct xqm_product *p)
{
	unsigned int da = a->dims < 2 ? 2 : a->dims, db = b->dims < 2 ? 2 : b->dims;

	if (!a->dims || !b->dims)
		return xqm_fail_at(graph, op, -EINVAL,
				   "a scalar is no operand of a matrix product");
	memset(p, 0, sizeof(*p));
	p->vector_a = a->dims == 1;
	p->vector_b = b->dims == 1;
	p->m = p->vector_a ? 1 : a->dim[a->dims - (transpose_a ? 1 : 2)];
	p->k = p->vector_a ? a->dim[0] : a->dim[a->dims - (transpose_a ? 2 : 1)];
	p->n = p->vector_b ? 1 : b->dim[b->dims - (transpose_b ? 2 : 1)];
	if (p->k != (p->vector_b ? b->dim[0] : b->dim[b->dims - (transpose_b ? 1 : 2)]))
		return xqm_fail_at(
			graph, op, -EINVAL,
			"matrices don't go together: rows of %zu elements, columns of %zu", p->k,
			p->vector_b ? b->dim[0] : b->dim[b->dims - (transpose_b ? 1 : 2)]);
	p->dims = (da > db ? da : db) - 2;
	for (unsigned int d = 0; d < p->dims; d++) {
		size_t sa = d + da - 2 < p->dims ? 1 : a->dim[d + da - 2 - p->dims];
		size_t sb = d + db - 2 < p->dims ? 1 : b->dim[d + db - 2 - p->dims];

		if (sa != sb && sa != 1 && sb != 1)
			return xqm_fail_at(graph, op, -EINVAL,
					   "sizes %zu and %zu of a dimension don't go together", sa,
					   sb);
		p->dim[d] = sa == 1 ? sb : sa;
		p->one_a[d] = sa == 1;
		p->one_b[d] = sb == 1;
	}
	return 0;
}

void xqm_product_output(const struct xqm_product *p, struct xqm_value *out)
{
	out->dims = p->dims;
	memcpy(out->dim, p->dim, sizeof(out->dim));
	if (!p->vector_a)
		out->dim[out->dims++] = p->m;
	if (!p->vector_b)
		out->dim[out->dims++] = p->n;
}

size_t xqm_product_count(const struct xqm_product *p)
{
	size_t n = 1;

	for (unsigned int d = 0; d < p->dims; d++)
		n *= p->dim[d];
	return n;
}

/* Which matrix of an operand belongs to product number i. */
size_t xqm_product_matrix(const struct xqm_product *p, size_t i, const bool *one)
{
	size_t matrix = 0, step = 1;

	for (unsigned int d = p->dims; d-- > 0; i /= p->dim[d]) {
		if (one[d])
			continue;
		matrix += i % p->dim[d] * step;
		step *= p->dim[d];
	}
	return matrix;
}

/* ---- real products ----------------------------------------------------------------------- */

static void turn(const float *from, size_t rows, size_t columns, float *to)
{
	for (size_t i = 0; i < rows; i++) {
		for (size_t j = 0; j < columns; j++)
			to[j * rows + i] = from[i * columns + j];
	}
}

static int product_f32(const struct xqm_product *p, const struct xqm_value *a,
		       const struct xqm_value *b, bool turn_a, bool turn_b, float *out)
{
	float *ta = turn_a ? malloc((p->m * p->k + 1) * sizeof(*ta)) : NULL;
	float *tb = turn_b && !b->packed ? malloc((p->k * p->n + 1) * sizeof(*tb)) : NULL;
	int err = (turn_a && !ta) || (turn_b && !b->packed && !tb) ? -ENOMEM : 0;

	for (size_t i = 0; !err && i < xqm_product_count(p); i++) {
		const float *x = (const float *)a->data +
				 xqm_product_matrix(p, i, p->one_a) * p->m * p->k;
		const size_t matrix = xqm_product_matrix(p, i, p->one_b) * p->k * p->n;
		const float *w = (const float *)b->data + matrix;

		if (turn_a)
			turn(x, p->k, p->m, ta);
		if (b->packed) {
			xqm_sgemm_panels(p->m, p->n, p->k, turn_a ? ta : x, p->k,
					 (const float *)b->packed + matrix, out + i * p->m * p->n,
					 p->n);
			continue;
		}
		if (turn_b)
			turn(w, p->n, p->k, tb);
		xqm_sgemm(p->m, p->n, p->k, turn_a ? ta : x, p->k, turn_b ? tb : w, p->n,
			  out + i * p->m * p->n, p->n);
	}
	free(ta);
	free(tb);
	return err;
}

/* Matrices [k][n], or [n][k] if they are turned, in panels. */
static int make_panels(struct xqm_graph *graph, struct xqm_value *b, size_t k, size_t n,
		       bool turned)
{
	const size_t elements = xqm_value_elements(b);
	float *to;

	/* A matrix of one panel is one as it is. */
	if (b->type != XQ_F32 || !b->data || !elements || (!turned && n <= XQM_PANEL))
		return 0;
	to = xqm_alloc(graph, elements * sizeof(*to));
	if (!to)
		return xqm_no_memory(graph);
	for (size_t at = 0; at < elements; at += k * n)
		xqm_make_panels(n, k, (const char *)b->data + at * sizeof(*to),
				turned ? 1 : n, turned ? k : 1, to + at);
	b->packed = to;
	return 0;
}

static int prepare_matmul(struct xqm_graph *graph, const struct xqm_operator *op,
			  struct xqm_value *in)
{
	struct xqm_product p;
	int err = xqm_product_shape(graph, op, &in[0], &in[1], op->params.matmul.transpose_a,
				    op->params.matmul.transpose_b, &p);

	return err ? err : make_panels(graph, &in[1], p.k, p.n, op->params.matmul.transpose_b);
}

static int prepare_fully(struct xqm_graph *graph, const struct xqm_operator *op,
			 struct xqm_value *in)
{
	(void)op;
	return make_panels(graph, &in[1], in[1].dim[1], in[1].dim[0], true);
}

static void product_any(const struct xqm_product *p, const struct xqm_value *a,
			const struct xqm_value *b, bool turn_a, bool turn_b,
			const struct xqm_value *out)
{
	bool real = xqm_class_of(a->type) == XQM_REAL;
	size_t at = 0;

	for (size_t i = 0; i < xqm_product_count(p); i++) {
		size_t x = xqm_product_matrix(p, i, p->one_a) * p->m * p->k;
		size_t w = xqm_product_matrix(p, i, p->one_b) * p->k * p->n;

		for (size_t r = 0; r < p->m; r++) {
			for (size_t c = 0; c < p->n; c++, at++) {
				double sum = 0;
				uint64_t whole = 0;
				int64_t y;

				for (size_t q = 0; q < p->k; q++) {
					size_t ia = x + (turn_a ? q * p->m + r : r * p->k + q);
					size_t ib = w + (turn_b ? c * p->k + q : q * p->n + c);

					if (real)
						sum += xqm_real_at(a, ia) * xqm_real_at(b, ib);
					else
						whole += (uint64_t)xqm_integer_at(a, ia) *
							 (uint64_t)xqm_integer_at(b, ib);
				}
				y = (int64_t)whole;
				if (real)
					xqm_store_real(out, at, 1, &sum);
				else
					xqm_store_integer(out, at, 1, &y);
			}
		}
	}
}

static int product(const struct xqm_product *p, const struct xqm_value *a,
		   const struct xqm_value *b, bool turn_a, bool turn_b, const struct xqm_value *out)
{
	if (a->type == XQ_F32)
		return product_f32(p, a, b, turn_a, turn_b, out->data);
	product_any(p, a, b, turn_a, turn_b, out);
	return 0;
}

static int infer_matmul(struct xqm_graph *graph, const struct xqm_operator *op,
			const struct xqm_value *in, struct xqm_value *out)
{
	struct xqm_product p;
	int err = xqm_numbers(graph, op, in, op->inputs);

	if (!err)
		err = xqm_need_type(graph, op, &in[1], "the second matrix", in->type);
	if (!err)
		err = xqm_product_shape(graph, op, &in[0], &in[1], op->params.matmul.transpose_a,
					op->params.matmul.transpose_b, &p);
	if (err)
		return err;
	out->type = in->type;
	xqm_product_output(&p, out);
	return 0;
}

static int compute_matmul(const struct xqm_operator *op, const struct xqm_value *in,
			  const struct xqm_value *out)
{
	struct xqm_product p;
	int err = xqm_product_shape(NULL, op, &in[0], &in[1], op->params.matmul.transpose_a,
				    op->params.matmul.transpose_b, &p);

	return err ? err
		   : product(&p, &in[0], &in[1], op->params.matmul.transpose_a,
			     op->params.matmul.transpose_b, out);
}

const struct xqm_kernel xqm_matmul_kernel = {
	.name = "matmul",
	.infer = infer_matmul,
	.prepare = prepare_matmul,
	.compute = compute_matmul,
};

/* ---- Gemm: alpha a b + beta c ------------------------------------------------------------ */

static int infer_gemm(struct xqm_graph *graph, const struct xqm_operator *op,
		      const struct xqm_value *in, struct xqm_value *out)
{
	const struct xqm_value *c = xqm_operand(op, in, 2);
	int err = xqm_need_dims(graph, op, &in[0], "a matrix", 2);

	if (!err)
		err = xqm_need_dims(graph, op, &in[1], "a matrix", 2);
	if (!err)
		err = infer_matmul(graph, op, in, out);
	if (!err && c)
		err = xqm_need_type(graph, op, c, "the addend", in->type);
	for (unsigned int d = 0; !err && c && d < c->dims; d++) {
		size_t own = c->dim[d];

		if (c->dims > 2 || (own != 1 && own != out->dim[d + 2 - c->dims]))
			err = xqm_fail_at(graph, op, -EINVAL, "the addend's shape doesn't fit");
	}
	return err;
}

static int compute_gemm(const struct xqm_operator *op, const struct xqm_value *in,
			const struct xqm_value *out)
{
	const struct xqm_value *c = xqm_operand(op, in, 2);
	double alpha = (double)op->params.matmul.alpha, beta = (double)op->params.matmul.beta;
	size_t rows = c && c->dims == 2 && c->dim[0] > 1 ? 1 : 0;
	size_t columns = c && c->dims && c->dim[c->dims - 1] > 1 ? 1 : 0;
	int err = compute_matmul(op, in, out);
	bool real = xqm_class_of(out->type) == XQM_REAL;

	if (err || (alpha == 1 && !c))
		return err;
	for (size_t i = 0; i < out->dim[0]; i++) {
		for (size_t j = 0; j < out->dim[1]; j++) {
			size_t at = i * out->dim[1] + j,
			       from = rows * i * (columns ? out->dim[1] : 1) + columns * j;

			if (out->type == XQ_F32) {
				float *y = (float *)out->data + at;

				*y *= op->params.matmul.alpha;
				if (c)
					*y += op->params.matmul.beta *
					      ((const float *)c->data)[from];
			} else if (real) {
				double y = xqm_real_at(out, at) * alpha +
					   (c ? beta * xqm_real_at(c, from) : 0);

				xqm_store_real(out, at, 1, &y);
			} else {
				int64_t y = (int64_t)((uint64_t)(alpha *
								 (double)xqm_integer_at(out, at)) +
						      (uint64_t)(c ? beta * (double)xqm_integer_at(
										    c, from)
								   : 0));

				xqm_store_integer(out, at, 1, &y);
			}
		}
	}
	return 0;
}

const struct xqm_kernel xqm_gemm_kernel = {
	.name = "gemm",
	.infer = infer_gemm,
	.prepare = prepare_matmul,
	.compute = compute_gemm,
};

/* ---- fully connected layers: w is [n][k] ------------------------------------------------- */

static int infer_fully(struct xqm_graph *graph, const struct xqm_operator *op,
		       const struct xqm_value *in, struct xqm_value *out)
{
	int err = xqm_reals(graph, op, in, op->inputs);
	size_t n = xqm_value_elements(in), k;

	for (unsigned int i = 0; !err && i < op->inputs; i++) {
		if (in[i].type != XQ_NONE)
			err = xqm_need_type(graph, op, &in[i], "an operand", XQ_F32);
	}
	if (!err && xqm_operand(op, in, 2) && xqm_value_elements(&in[2]) != in[1].dim[0])
		err = xqm_fail_at(graph, op, -EINVAL, "a bias of %zu elements",
				  xqm_value_elements(&in[2]));
	if (!err)
		err = xqm_need_dims(graph, op, &in[1], "weights", 2);
	if (err)
		return err;
	k = in[1].dim[1];
	if (!k || n % k)
		return xqm_fail_at(graph, op, -EINVAL, "%zu elements are not rows of %zu", n, k);
	out->type = in->type;
	if (op->params.fully_connected.keep_dims) {
		xqm_same(out, in);
		if (!out->dims || out->dim[out->dims - 1] != k)
			return xqm_fail_at(graph, op, -EINVAL, "rows are not of %zu elements", k);
		out->dim[out->dims - 1] = in[1].dim[0];
	} else {
		out->dims = 2;
		out->dim[0] = n / k;
		out->dim[1] = in[1].dim[0];
	}
	return 0;
}

static int compute_fully(const struct xqm_operator *op, const struct xqm_value *in,
			 const struct xqm_value *out)
{
	const struct xqm_value *bias = xqm_operand(op, in, 2);
	struct xqm_product p = { .n = in[1].dim[0], .k = in[1].dim[1] };
	float *y = out->data;
	int err;

	p.m = xqm_value_elements(in) / p.k;
	err = product_f32(&p, &in[0], &in[1], false, true, y);
	for (size_t i = 0; !err && i < p.m * p.n; i++) {
		if (bias)
			y[i] += ((const float *)bias->data)[i % p.n];
		y[i] = fminf(fmaxf(y[i], op->params.fully_connected.low),
			     op->params.fully_connected.high);
	}
	return err;
}

const struct xqm_kernel xqm_fully_connected_kernel = {
	.name = "fully connected",
	.infer = infer_fully,
	.prepare = prepare_fully,
	.compute = compute_fully,
};
