// SPDX-License-Identifier: MIT
/*
 * Several tensors joined along an axis, and one cut into several.
 */
#include <errno.h>
#include <string.h>

#include "infer.h"
#include "kernels.h"

/* Copies a part of every outer index between a whole and a part of it. */
static void copy_part(const struct xqm_value *whole, const struct xqm_value *part, unsigned int axis, size_t first,
		      bool into)
{
	size_t bytes = xqm_value_bytes(whole) * xqm_inner(whole, axis), n = part->dim[axis] * bytes;
	char *w = (char *)whole->data + first * bytes, *p = part->data;

	for (size_t i = 0; n && i < xqm_outer(whole, axis); i++)
		memcpy(into ? w + i * whole->dim[axis] * bytes : p + i * n, into ? p + i * n : w + i * whole->dim[axis] * bytes,
		       n);
}

/* ---- concat --------------------------------------------------------------------------------------- */

static int infer_concat(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			struct xqm_value *out)
{
	int axis = xqm_axis_of(graph, op, op->params.axis.axis, in->dims), err = 0;
	int64_t size = 0;

	if (axis < 0)
		return axis;
	xqm_same(out, in);
	for (unsigned int i = 0; !err && i < op->inputs; i++) {
		err = xqm_need_type(graph, op, &in[i], "an operand", in->type);
		if (!err)
			err = xqm_need_dims(graph, op, &in[i], "an operand", in->dims);
		for (unsigned int d = 0; !err && d < in->dims; d++) {
			if (d != (unsigned int)axis && in[i].dim[d] != in->dim[d])
				err = xqm_fail_at(graph, op, -EINVAL, "operand %u has a size of %zu, the first has %zu", i,
						  in[i].dim[d], in->dim[d]);
		}
		if (!err)
			size += (int64_t)in[i].dim[axis];
	}
	return err ? err : xqm_size(graph, op, size, &out->dim[axis]);
}

static int compute_concat(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	int axis = xqm_axis_of(NULL, op, op->params.axis.axis, in->dims);
	size_t first = 0;

	for (unsigned int i = 0; i < op->inputs; first += in[i++].dim[axis])
		copy_part(out, &in[i], (unsigned int)axis, first, true);
	return 0;
}

const struct xqm_kernel xqm_concat_kernel = {
	.name = "concat",
	.infer = infer_concat,
	.compute = compute_concat,
};

/* ---- split ------------------------------------------------------------------------------------------ */

static int infer_split(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	const struct xqm_value *sizes = xqm_operand(op, in, 1);
	int axis = xqm_axis_of(graph, op, op->params.axis.axis, in->dims), err = 0;
	size_t size, each, sum = 0;

	if (axis < 0)
		return axis;
	size = in->dim[axis];
	each = (size + op->outputs - 1) / op->outputs;
	if (sizes && !sizes->data)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "the sizes depend on what the model computes");
	if (sizes && xqm_value_elements(sizes) != op->outputs)
		return xqm_fail_at(graph, op, -EINVAL, "%zu sizes for %u outputs", xqm_value_elements(sizes), op->outputs);
	for (unsigned int i = 0; !err && i < op->outputs; i++) {
		int64_t own = (int64_t)(sum < size ? (size - sum < each ? size - sum : each) : 0);

		if (sizes && sizes->type == XQ_S32)
			own = ((const int32_t *)sizes->data)[i];
		else if (sizes && sizes->type == XQ_MODEL_S64)
			own = ((const int64_t *)sizes->data)[i];
		else if (sizes)
			return xqm_fail_at(graph, op, -EINVAL, "the sizes are no integers");
		xqm_same(&out[i], in);
		if (own < 0 || own > (int64_t)size)
			return xqm_fail_at(graph, op, -EINVAL, "a part of %lld of %zu elements", (long long)own, size);
		out[i].dim[axis] = (size_t)own;
		sum += (size_t)own;
	}
	if (sum != size)
		return xqm_fail_at(graph, op, -EINVAL, "the parts have %zu elements, the tensor %zu", sum, size);
	return err;
}

static int compute_split(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_value *sizes = xqm_operand(op, in, 1);
	int axis = xqm_axis_of(NULL, op, op->params.axis.axis, in->dims);
	size_t size = in->dim[axis], each = (size + op->outputs - 1) / op->outputs, first = 0;

	for (unsigned int i = 0; i < op->outputs; i++) {
		size_t own = size - first < each ? size - first : each;

		if (sizes)
			own = sizes->type == XQ_S32 ? (size_t)((const int32_t *)sizes->data)[i] :
			      (size_t)((const int64_t *)sizes->data)[i];
		if (out[i].type != XQ_NONE)
			copy_part(in, &out[i], (unsigned int)axis, first, false);
		first += own;
	}
	return 0;
}

const struct xqm_kernel xqm_split_kernel = {
	.name = "split",
	.infer = infer_split,
	.compute = compute_split,
};
