// SPDX-License-Identifier: MIT
/*
 * Triangles of matrices, identity matrices, and vectors with one element set.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "select.h"

/* ---- triangles: x, diagonal or none ------------------------------------------------------------------------ */

static int infer_trilu(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	const struct xqm_value *k = xqm_operand(op, in, 1);

	xqm_same(out, in);
	if (in->dims < 2)
		return xqm_fail_at(graph, op, -EINVAL, "a tensor of %u dimensions has no matrices", in->dims);
	if (k && (xqm_value_elements(k) != 1 || xqm_class_of(k->type) != XQM_INTEGER))
		return xqm_fail_at(graph, op, -EINVAL, "the diagonal is not one integer");
	return 0;
}

static int compute_trilu(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_select *p = op->params.other.data;
	const struct xqm_value *diagonal = xqm_operand(op, in, 1);
	size_t rows = in->dim[in->dims - 2], columns = in->dim[in->dims - 1], bytes = xqm_value_bytes(in);
	int64_t k = diagonal ? xqm_integer_at(diagonal, 0) : 0;

	k = k < -XQM_MAX_SIZE ? -XQM_MAX_SIZE : k > XQM_MAX_SIZE ? XQM_MAX_SIZE : k;
	for (size_t i = 0; i < xqm_value_elements(in); i++) {
		int64_t row = (int64_t)(i / columns % rows), column = (int64_t)(i % columns);
		bool kept = p->upper ? column - row >= k : column - row <= k;

		if (kept)
			memcpy((char *)out->data + i * bytes, (const char *)in->data + i * bytes, bytes);
		else
			memset((char *)out->data + i * bytes, 0, bytes);
	}
	return 0;
}

const struct xqm_kernel xqm_trilu_kernel = {
	.name = "triangle",
	.infer = infer_trilu,
	.compute = compute_trilu,
};

/* ---- identity matrices of a shape ------------------------------------------------------------------------ */

static int infer_eye(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		     struct xqm_value *out)
{
	int type = out->type;

	xqm_same(out, in);
	out->type = type != XQ_NONE ? type : in->type;
	return xqm_need_dims(graph, op, in, "a matrix", 2);
}

static int compute_eye(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_select *p = op->params.other.data;

	(void)in;
	for (size_t i = 0; i < xqm_value_elements(out); i++) {
		double y = (int64_t)(i % out->dim[1]) - (int64_t)(i / out->dim[1]) == p->axis;

		xqm_store_real(out, i, 1, &y);
	}
	return 0;
}

const struct xqm_kernel xqm_eye_kernel = {
	.name = "identity matrix",
	.infer = infer_eye,
	.compute = compute_eye,
};

/* ---- one of many: indices, depth, values off and on ------------------------------------------------------ */

static int infer_one_hot(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			 struct xqm_value *out)
{
	const struct xqm_select *p = op->params.other.data;
	int axis = xqm_axis_of(graph, op, p->axis, in->dims + 1), err;
	unsigned int from = 0;

	if (axis < 0)
		return axis;
	if (in->dims == XQ_MODEL_DIMS)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "more than %u dimensions", XQ_MODEL_DIMS);
	if (!in[1].data)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "the depth depends on what the model computes");
	err = xqm_numbers(graph, op, in, 2);
	if (!err && (xqm_value_elements(&in[1]) != 1 || xqm_value_elements(&in[2]) != 2))
		err = xqm_fail_at(graph, op, -EINVAL, "a depth of %zu elements, %zu values", xqm_value_elements(&in[1]),
				  xqm_value_elements(&in[2]));
	if (err)
		return err;
	out->type = in[2].type;
	out->dims = in->dims + 1;
	for (unsigned int d = 0; d < out->dims; d++) {
		if (d != (unsigned int)axis)
			out->dim[d] = in->dim[from++];
	}
	return xqm_size(graph, op, (int64_t)fmin(xqm_real_at(&in[1], 0), 1e12), &out->dim[axis]);
}

static int compute_one_hot(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_select *p = op->params.other.data;
	int axis = xqm_axis_of(NULL, op, p->axis, in->dims + 1);
	size_t bytes = xqm_value_bytes(out), inner, depth;

	if (axis < 0)
		return axis;
	inner = xqm_inner(out, (unsigned int)axis);
	depth = out->dim[axis];
	for (size_t i = 0; i < xqm_value_elements(out); i++) {
		double index = xqm_real_at(in, i / inner / depth * inner + i % inner);
		bool on;

		if (index < 0)
			index += (double)depth;
		on = index == (double)(i / inner % depth);
		memcpy((char *)out->data + i * bytes, (const char *)in[2].data + (on ? bytes : 0), bytes);
	}
	return 0;
}

const struct xqm_kernel xqm_one_hot_kernel = {
	.name = "one of many",
	.infer = infer_one_hot,
	.compute = compute_one_hot,
};

/* ---- the first largest along an axis is 1, all others 0 ---------------------------------------------------- */

static int infer_hardmax(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			 struct xqm_value *out)
{
	const struct xqm_select *p = op->params.other.data;
	int axis = xqm_axis_of(graph, op, p->axis, in->dims), err = xqm_reals(graph, op, in, 1);

	xqm_same(out, in);
	return axis < 0 ? axis : err;
}

static int compute_hardmax(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_select *p = op->params.other.data;
	int axis = xqm_axis_of(NULL, op, p->axis, in->dims);
	size_t n, inner;

	if (axis < 0)
		return axis;
	n = in->dim[axis];
	inner = xqm_inner(in, (unsigned int)axis);
	if (p->flatten) {
		n *= inner;
		inner = 1;
	}
	for (size_t i = 0; i < xqm_outer(in, (unsigned int)axis) * inner; i++) {
		size_t first = i / inner * n * inner + i % inner, best = 0;

		for (size_t k = 1; k < n; k++) {
			if (xqm_real_at(in, first + k * inner) > xqm_real_at(in, first + best * inner))
				best = k;
		}
		for (size_t k = 0; k < n; k++) {
			double y = k == best;

			xqm_store_real(out, first + k * inner, 1, &y);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_hardmax_kernel = {
	.name = "hardmax",
	.infer = infer_hardmax,
	.compute = compute_hardmax,
};
