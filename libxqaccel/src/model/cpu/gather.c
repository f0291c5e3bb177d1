// SPDX-License-Identifier: MIT
/*
 * Elements that indices choose. An index below 0 counts from the end; one beyond is -EDOM when it is met.
 */
#include <errno.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"

static bool index_at(const struct xqm_value *indices, size_t i, size_t size, size_t *index)
{
	int64_t at = xqm_integer_at(indices, i);

	if (at < 0)
		at += (int64_t)size;
	if (at < 0 || at >= (int64_t)size)
		return false;
	*index = (size_t)at;
	return true;
}

static int need_indices(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *indices)
{
	if (indices->type != XQ_S32 && indices->type != XQ_MODEL_S64)
		return xqm_fail_at(graph, op, -EINVAL, "indices of type %s", xq_model_type_name(indices->type));
	return 0;
}

/* ---- gather ----------------------------------------------------------------------------------------- */

static int infer_gather(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			struct xqm_value *out)
{
	int axis = xqm_axis_of(graph, op, op->params.axis.axis, in->dims);
	int err = axis < 0 ? axis : need_indices(graph, op, &in[1]);
	unsigned int to = 0;

	if (err)
		return err;
	if (in->dims + in[1].dims - 1 > XQ_MODEL_DIMS)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "more than %u dimensions", XQ_MODEL_DIMS);
	out->type = in->type;
	for (unsigned int d = 0; d < (unsigned int)axis; d++)
		out->dim[to++] = in->dim[d];
	for (unsigned int d = 0; d < in[1].dims; d++)
		out->dim[to++] = in[1].dim[d];
	for (unsigned int d = (unsigned int)axis + 1; d < in->dims; d++)
		out->dim[to++] = in->dim[d];
	out->dims = to;
	return 0;
}

static int compute_gather(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	int axis = xqm_axis_of(NULL, op, op->params.axis.axis, in->dims);
	size_t count = xqm_value_elements(&in[1]), bytes, size;
	char *to = out->data;

	if (axis < 0)
		return axis;
	bytes = xqm_inner(in, (unsigned int)axis) * xqm_value_bytes(in);
	size = in->dim[axis];
	for (size_t i = 0; i < xqm_outer(in, (unsigned int)axis); i++) {
		for (size_t k = 0; k < count; k++, to += bytes) {
			size_t index;

			if (!index_at(&in[1], k, size, &index))
				return -EDOM;
			memcpy(to, (const char *)in->data + (i * size + index) * bytes, bytes);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_gather_kernel = {
	.name = "gather",
	.infer = infer_gather,
	.compute = compute_gather,
};

/* ---- gather elements ------------------------------------------------------------------------------------ */

static int infer_elements(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			  struct xqm_value *out)
{
	int axis = xqm_axis_of(graph, op, op->params.axis.axis, in->dims);
	int err = axis < 0 ? axis : need_indices(graph, op, &in[1]);

	if (!err)
		err = xqm_need_dims(graph, op, &in[1], "indices", in->dims);
	for (unsigned int d = 0; !err && d < in->dims; d++) {
		if (d != (unsigned int)axis && in[1].dim[d] > in->dim[d])
			err = xqm_fail_at(graph, op, -EINVAL, "%zu indices of %zu elements", in[1].dim[d], in->dim[d]);
	}
	if (err)
		return err;
	xqm_same(out, &in[1]);
	out->type = in->type;
	return 0;
}

static int compute_elements(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	int axis = xqm_axis_of(NULL, op, op->params.axis.axis, in->dims);
	size_t bytes = xqm_value_bytes(in);

	if (axis < 0)
		return axis;
	for (size_t i = 0; i < xqm_value_elements(out); i++) {
		size_t at = 0, step = 1, rest = i, index;

		if (!index_at(&in[1], i, in->dim[axis], &index))
			return -EDOM;
		for (unsigned int d = in->dims; d-- > 0; rest /= out->dim[d]) {
			at += (d == (unsigned int)axis ? index : rest % out->dim[d]) * step;
			step *= in->dim[d];
		}
		memcpy((char *)out->data + i * bytes, (const char *)in->data + at * bytes, bytes);
	}
	return 0;
}

const struct xqm_kernel xqm_gather_elements_kernel = {
	.name = "gather elements",
	.infer = infer_elements,
	.compute = compute_elements,
};

/* ---- gather by index vectors -------------------------------------------------------------------------------- */

static int infer_nd(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		    struct xqm_value *out)
{
	int64_t batch = op->params.axis.axis;
	int err = need_indices(graph, op, &in[1]);
	unsigned int to = 0;
	size_t length;

	if (err)
		return err;
	if (batch < 0 || batch >= (int64_t)in->dims || batch >= (int64_t)in[1].dims)
		return xqm_fail_at(graph, op, -EINVAL, "%lld batch dimensions", (long long)batch);
	length = in[1].dim[in[1].dims - 1];
	if (!length || length + (size_t)batch > in->dims)
		return xqm_fail_at(graph, op, -EINVAL, "index vectors of %zu numbers for %u dimensions", length, in->dims);
	if (in[1].dims - 1 + in->dims - length - (size_t)batch > XQ_MODEL_DIMS)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "more than %u dimensions", XQ_MODEL_DIMS);
	for (unsigned int d = 0; d < (unsigned int)batch; d++) {
		if (in[1].dim[d] != in->dim[d])
			return xqm_fail_at(graph, op, -EINVAL, "a batch of %zu indices for %zu elements", in[1].dim[d],
					   in->dim[d]);
	}
	out->type = in->type;
	for (unsigned int d = 0; d + 1 < in[1].dims; d++)
		out->dim[to++] = in[1].dim[d];
	for (unsigned int d = (unsigned int)batch + (unsigned int)length; d < in->dims; d++)
		out->dim[to++] = in->dim[d];
	out->dims = to;
	return 0;
}

static int compute_nd(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	unsigned int batch = (unsigned int)op->params.axis.axis;
	size_t length = in[1].dim[in[1].dims - 1], vectors = xqm_value_elements(&in[1]) / (length ? length : 1);
	size_t batches = xqm_outer(in, batch), part = 1, bytes;

	for (unsigned int d = batch + (unsigned int)length; d < in->dims; d++)
		part *= in->dim[d];
	bytes = part * xqm_value_bytes(in);
	for (size_t v = 0; v < vectors; v++) {
		size_t at = batches ? v / (vectors / batches) : 0;

		for (size_t k = 0; k < length; k++) {
			size_t index;

			if (!index_at(&in[1], v * length + k, in->dim[batch + k], &index))
				return -EDOM;
			at = at * in->dim[batch + k] + index;
		}
		memcpy((char *)out->data + v * bytes, (const char *)in->data + at * bytes, bytes);
	}
	return 0;
}

const struct xqm_kernel xqm_gather_nd_kernel = {
	.name = "gather by vectors",
	.infer = infer_nd,
	.compute = compute_nd,
};
