// SPDX-License-Identifier: MIT
/*
 * Along an axis: where the largest element is, the largest k, running sums.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"

/* Whether element a comes before element b of a tensor by size. NaN is larger than every number. */
static bool before(const struct xqm_value *x, size_t a, size_t b, bool largest)
{
	if (xqm_class_of(x->type) == XQM_REAL) {
		double u = xqm_real_at(x, a), v = xqm_real_at(x, b);

		return largest ? u > v || (isnan(u) && !isnan(v)) : u < v;
	} else {
		int64_t u = xqm_integer_at(x, a), v = xqm_integer_at(x, b);

		if (xqm_class_of(x->type) == XQM_UNSIGNED)
			return largest ? (uint64_t)u > (uint64_t)v : (uint64_t)u < (uint64_t)v;
		return largest ? u > v : u < v;
	}
}

/* ---- arg max, arg min --------------------------------------------------------------------------------- */

static int infer_arg(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		     struct xqm_value *out)
{
	int axis = xqm_axis_of(graph, op, op->params.axis.axis, in->dims);
	unsigned int to = 0;

	if (axis < 0)
		return axis;
	if (!in->dim[axis])
		return xqm_fail_at(graph, op, -EINVAL, "the best of no elements");
	out->type = out->type == XQ_S32 ? XQ_S32 : XQ_MODEL_S64;
	for (unsigned int d = 0; d < in->dims; d++) {
		if (d != (unsigned int)axis)
			out->dim[to++] = in->dim[d];
		else if (op->params.axis.keep)
			out->dim[to++] = 1;
	}
	out->dims = to;
	return 0;
}

static int compute_arg(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	int axis = xqm_axis_of(NULL, op, op->params.axis.axis, in->dims);
	size_t inner, n;

	if (axis < 0)
		return axis;
	inner = xqm_inner(in, (unsigned int)axis);
	n = in->dim[axis];
	for (size_t i = 0; i < xqm_outer(in, (unsigned int)axis) * inner; i++) {
		size_t first = i / inner * n * inner + i % inner, best = 0;
		int64_t index;

		for (size_t k = 1; k < n; k++) {
			size_t a = first + k * inner, b = first + best * inner;
			bool largest = op->op == XQM_ARG_MAX;

			if (before(in, a, b, largest) || (op->params.axis.last && !before(in, b, a, largest)))
				best = k;
		}
		index = (int64_t)best;
		xqm_store_integer(out, i, 1, &index);
	}
	return 0;
}

const struct xqm_kernel xqm_arg_kernel = {
	.name = "arg max",
	.infer = infer_arg,
	.compute = compute_arg,
};

/* ---- the largest k ------------------------------------------------------------------------------------ */

static int infer_top_k(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	int axis = xqm_axis_of(graph, op, op->params.axis.axis, in->dims);
	int64_t k;
	int n = axis < 0 ? axis : xqm_integers(graph, op, &in[1], "the number k", &k, 1);

	if (n < 0)
		return n;
	if (n != 1 || k < 0 || k > (int64_t)in->dim[axis])
		return xqm_fail_at(graph, op, -EINVAL, "k is %lld of %zu elements", n == 1 ? (long long)k : -1, in->dim[axis]);
	for (unsigned int i = 0; i < op->outputs; i++) {
		int type = out[i].type;

		if (i && type == XQ_NONE)
			continue;
		xqm_same(&out[i], in);
		if (i)
			out[i].type = type == XQ_S32 ? XQ_S32 : XQ_MODEL_S64;
		out[i].dim[axis] = (size_t)k;
	}
	return 0;
}

/* Sorts indices of a run: merge sort, so that equal elements keep their order. */
static void sort(const struct xqm_value *x, size_t first, size_t step, bool largest, size_t *index, size_t *room, size_t n)
{
	size_t half = n / 2, a = 0, b = half, to = 0;

	if (n < 2)
		return;
	sort(x, first, step, largest, index, room, half);
	sort(x, first, step, largest, index + half, room, n - half);
	while (a < half && b < n) {
		bool second = before(x, first + index[b] * step, first + index[a] * step, largest);

		room[to++] = second ? index[b++] : index[a++];
	}
	while (a < half)
		room[to++] = index[a++];
	for (size_t i = 0; i < to; i++)
		index[i] = room[i];
}

static int compute_top_k(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	int axis = xqm_axis_of(NULL, op, op->params.axis.axis, in->dims);
	size_t n, inner, k, *index, bytes = xqm_value_bytes(in);

	if (axis < 0)
		return axis;
	n = in->dim[axis];
	inner = xqm_inner(in, (unsigned int)axis);
	k = out->dim[axis];
	index = malloc((2 * n + 1) * sizeof(*index));
	if (!index)
		return -ENOMEM;
	for (size_t i = 0; i < xqm_outer(in, (unsigned int)axis) * inner; i++) {
		size_t first = i / inner * n * inner + i % inner, to = i / inner * k * inner + i % inner;

		for (size_t j = 0; j < n; j++)
			index[j] = j;
		sort(in, first, inner, op->params.axis.largest, index, index + n, n);
		for (size_t j = 0; j < k; j++) {
			int64_t at = (int64_t)index[j];

			if (out->data)
				__builtin_memcpy((char *)out->data + (to + j * inner) * bytes,
						 (const char *)in->data + (first + index[j] * inner) * bytes, bytes);
			if (op->outputs > 1 && out[1].type != XQ_NONE)
				xqm_store_integer(&out[1], to + j * inner, 1, &at);
		}
	}
	free(index);
	return 0;
}

const struct xqm_kernel xqm_top_k_kernel = {
	.name = "top k",
	.infer = infer_top_k,
	.compute = compute_top_k,
};

/* ---- running sums and products ------------------------------------------------------------------------- */

static int infer_cum(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		     struct xqm_value *out)
{
	int err = xqm_numbers(graph, op, in, 1);
	int64_t axis;

	if (!err)
		err = xqm_integers(graph, op, &in[1], "the axis", &axis, 1);
	if (err >= 0)
		err = err == 1 ? xqm_axis_of(graph, op, axis, in->dims) :
		      xqm_fail_at(graph, op, -EINVAL, "the axis is not one number");
	xqm_same(out, in);
	return err < 0 ? err : 0;
}

static int compute_cum(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	bool real = xqm_class_of(in->type) == XQM_REAL, back = op->params.axis.reverse;
	int64_t axis;
	size_t n, inner;
	int err = xqm_integers(NULL, op, &in[1], "the axis", &axis, 1);

	if (err >= 0)
		err = xqm_axis_of(NULL, op, axis, in->dims);
	if (err < 0)
		return err;
	n = in->dim[err];
	inner = xqm_inner(in, (unsigned int)err);
	for (size_t i = 0; i < xqm_outer(in, (unsigned int)err) * inner; i++) {
		size_t first = i / inner * n * inner + i % inner;
		double sum = 0, before_real;
		int64_t whole = 0, before_whole;

		for (size_t j = 0; j < n; j++) {
			size_t at = first + (back ? n - 1 - j : j) * inner;

			before_real = sum;
			before_whole = whole;
			if (real)
				sum += xqm_real_at(in, at);
			else
				whole = (int64_t)((uint64_t)whole + (uint64_t)xqm_integer_at(in, at));
			if (real)
				xqm_store_real(out, at, 1, op->params.axis.exclusive ? &before_real : &sum);
			else
				xqm_store_integer(out, at, 1, op->params.axis.exclusive ? &before_whole : &whole);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_cum_sum_kernel = {
	.name = "running sum",
	.infer = infer_cum,
	.compute = compute_cum,
};
