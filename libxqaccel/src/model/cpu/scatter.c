// SPDX-License-Identifier: MIT
/*
 * A tensor with some elements in other places: ScatterElements and ScatterND. Where several fall on one place they are
 * taken in the order of the indices. An index beyond the end is -EDOM when it is met.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "scatter.h"

static int infer_any(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		     struct xqm_value *out)
{
	const struct xqm_scatter *p = op->params.other.data;
	int err = xqm_need_type(graph, op, &in[2], "updates", in->type);

	if (!err && in[1].type != XQ_S32 && in[1].type != XQ_MODEL_S64)
		err = xqm_fail_at(graph, op, -EINVAL, "indices of type %s", xq_model_type_name(in[1].type));
	if (!err && p->how != XQM_SCATTER_SET)
		err = xqm_numbers(graph, op, in, 1);
	xqm_same(out, in);
	return err;
}

static void put(const struct xqm_scatter *p, const struct xqm_value *out, size_t at, const struct xqm_value *update, size_t from)
{
	size_t bytes = xqm_value_bytes(out);

	if (p->how == XQM_SCATTER_SET) {
		memcpy((char *)out->data + at * bytes, (const char *)update->data + from * bytes, bytes);
	} else if (xqm_class_of(out->type) == XQM_REAL) {
		double a = xqm_real_at(out, at), b = xqm_real_at(update, from);
		double y = p->how == XQM_SCATTER_ADD ? a + b : p->how == XQM_SCATTER_MUL ? a * b :
			   p->how == XQM_SCATTER_MIN ? fmin(a, b) : fmax(a, b);

		xqm_store_real(out, at, 1, &y);
	} else {
		int64_t a = xqm_integer_at(out, at), b = xqm_integer_at(update, from);
		int64_t y = p->how == XQM_SCATTER_ADD ? (int64_t)((uint64_t)a + (uint64_t)b) :
			    p->how == XQM_SCATTER_MUL ? (int64_t)((uint64_t)a * (uint64_t)b) :
			    p->how == XQM_SCATTER_MIN ? (a < b ? a : b) : (a > b ? a : b);

		xqm_store_integer(out, at, 1, &y);
	}
}

static void copy(const struct xqm_value *in, const struct xqm_value *out)
{
	size_t bytes = xqm_value_elements(in) * xqm_value_bytes(in);

	if (bytes)
		memcpy(out->data, in->data, bytes);
}

static bool index_at(const struct xqm_value *indices, size_t i, size_t size, size_t *index)
{
	int64_t at = xqm_integer_at(indices, i);

	if (at < 0)
		at += (int64_t)size;
	*index = (size_t)at;
	return at >= 0 && at < (int64_t)size;
}

/* ---- by elements --------------------------------------------------------------------------------------- */

static int infer_elements(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			  struct xqm_value *out)
{
	const struct xqm_scatter *p = op->params.other.data;
	int err = infer_any(graph, op, in, out), axis = xqm_axis_of(graph, op, p->axis, in->dims);

	if (!err && axis < 0)
		err = axis;
	if (!err && (in[1].dims != in->dims || in[2].dims != in->dims || memcmp(in[1].dim, in[2].dim, in->dims * sizeof(size_t))))
		err = xqm_fail_at(graph, op, -EINVAL, "shapes of indices and updates don't go together");
	for (unsigned int d = 0; !err && d < in->dims; d++) {
		if (d != (unsigned int)axis && in[1].dim[d] > in->dim[d])
			err = xqm_fail_at(graph, op, -EINVAL, "%zu indices of %zu elements", in[1].dim[d], in->dim[d]);
	}
	return err;
}

static int compute_elements(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_scatter *p = op->params.other.data;
	int axis = xqm_axis_of(NULL, op, p->axis, in->dims);

	if (axis < 0)
		return axis;
	copy(in, out);
	for (size_t i = 0; i < xqm_value_elements(&in[1]); i++) {
		size_t at = 0, step = 1, rest = i, index;

		if (!index_at(&in[1], i, in->dim[axis], &index))
			return -EDOM;
		for (unsigned int d = in->dims; d-- > 0; rest /= in[1].dim[d]) {
			at += (d == (unsigned int)axis ? index : rest % in[1].dim[d]) * step;
			step *= in->dim[d];
		}
		put(p, out, at, &in[2], i);
	}
	return 0;
}

const struct xqm_kernel xqm_scatter_elements_kernel = {
	.name = "scatter elements",
	.infer = infer_elements,
	.compute = compute_elements,
};

/* ---- by vectors ------------------------------------------------------------------------------------------- */

static int infer_nd(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		    struct xqm_value *out)
{
	int err = infer_any(graph, op, in, out);
	size_t length, part = 1;

	if (err)
		return err;
	if (!in[1].dims || in[1].dim[in[1].dims - 1] > in->dims)
		return xqm_fail_at(graph, op, -EINVAL, "index vectors don't fit %u dimensions", in->dims);
	length = in[1].dim[in[1].dims - 1];
	for (unsigned int d = (unsigned int)length; d < in->dims; d++)
		part *= in->dim[d];
	if (xqm_value_elements(&in[2]) != (length ? xqm_value_elements(&in[1]) / length : 0) * part)
		return xqm_fail_at(graph, op, -EINVAL, "%zu updates", xqm_value_elements(&in[2]));
	return 0;
}

static int compute_nd(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_scatter *p = op->params.other.data;
	size_t length = in[1].dim[in[1].dims - 1], vectors = length ? xqm_value_elements(&in[1]) / length : 0, part = 1;

	copy(in, out);
	for (unsigned int d = (unsigned int)length; d < in->dims; d++)
		part *= in->dim[d];
	for (size_t v = 0; v < vectors; v++) {
		size_t at = 0, index;

		for (size_t k = 0; k < length; k++) {
			if (!index_at(&in[1], v * length + k, in->dim[k], &index))
				return -EDOM;
			at = at * in->dim[k] + index;
		}
		for (size_t i = 0; i < part; i++)
			put(p, out, at * part + i, &in[2], v * part + i);
	}
	return 0;
}

const struct xqm_kernel xqm_scatter_nd_kernel = {
	.name = "scatter by vectors",
	.infer = infer_nd,
	.compute = compute_nd,
};
