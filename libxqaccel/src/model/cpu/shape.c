// SPDX-License-Identifier: MIT
/*
 * The same elements in another shape, and shapes as numbers.
 */
#include <errno.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"

/* ---- the same elements ------------------------------------------------------------------------------ */

static int compute_same(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	size_t n = xqm_value_elements(in);

	(void)op;
	if (n)
		memcpy(out->data, in->data, n * xqm_value_bytes(in));
	return 0;
}

static int infer_reshape(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			 struct xqm_value *out)
{
	int64_t size[XQ_MODEL_DIMS];
	size_t n = xqm_value_elements(in), known = 1;
	int dims = xqm_integers(graph, op, &in[1], "the sizes", size, XQ_MODEL_DIMS), rest = -1;

	if (dims < 0)
		return dims;
	out->type = in->type;
	out->dims = (unsigned int)dims;
	for (int d = 0; d < dims; d++) {
		if (size[d] == 0 && op->params.reshape.zero_copies) {
			if (d >= (int)in->dims)
				return xqm_fail_at(graph, op, -EINVAL, "size %d is to be copied, but there is none", d);
			size[d] = (int64_t)in->dim[d];
		}
		if (size[d] == -1) {
			if (rest >= 0)
				return xqm_fail_at(graph, op, -EINVAL, "two sizes are -1");
			rest = d;
			continue;
		}
		if (size[d] < 0 || size[d] > XQM_MAX_SIZE || __builtin_mul_overflow(known, (size_t)size[d], &known))
			return xqm_fail_at(graph, op, -EINVAL, "a size is %lld", (long long)size[d]);
		out->dim[d] = (size_t)size[d];
	}
	if (rest >= 0) {
		out->dim[rest] = known ? n / known : 0;
		known *= out->dim[rest];
	}
	if (known != n)
		return xqm_fail_at(graph, op, -EINVAL, "%zu elements don't go into a shape of %zu", n, known);
	return 0;
}

const struct xqm_kernel xqm_reshape_kernel = {
	.name = "reshape",
	.infer = infer_reshape,
	.compute = compute_same,
};

static int infer_flatten(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			 struct xqm_value *out)
{
	int64_t axis = op->params.axis.axis;

	if (axis < -(int64_t)in->dims || axis > (int64_t)in->dims)
		return xqm_fail_at(graph, op, -EINVAL, "axis %lld of a tensor of %u dimensions", (long long)axis, in->dims);
	if (axis < 0)
		axis += in->dims;
	out->type = in->type;
	out->dims = 2;
	out->dim[0] = xqm_outer(in, (unsigned int)axis);
	out->dim[1] = xqm_outer(in, in->dims);
	if (out->dim[0])
		out->dim[1] /= out->dim[0];
	else
		out->dim[1] = axis < (int64_t)in->dims ? in->dim[axis] * xqm_inner(in, (unsigned int)axis) : 1;
	return 0;
}

const struct xqm_kernel xqm_flatten_kernel = {
	.name = "flatten",
	.infer = infer_flatten,
	.compute = compute_same,
};

/* Marks the axes that an operand names, of so many dimensions; those that there are. */
static int marked(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *axes,
		  unsigned int dims, bool *mark)
{
	int64_t list[XQ_MODEL_DIMS];
	int count = xqm_integers(graph, op, axes, "the axes", list, XQ_MODEL_DIMS);

	for (int i = 0; i < count; i++) {
		int axis = xqm_axis_of(graph, op, list[i], dims);

		if (axis < 0)
			return axis;
		if (mark[axis])
			return xqm_fail_at(graph, op, -EINVAL, "axis %d is named twice", axis);
		mark[axis] = true;
	}
	return count;
}

static int infer_squeeze(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			 struct xqm_value *out)
{
	bool gone[XQ_MODEL_DIMS] = { false };
	const struct xqm_value *axes = xqm_operand(op, in, 1);
	int err = axes ? marked(graph, op, axes, in->dims, gone) : 0;

	if (err < 0)
		return err;
	out->type = in->type;
	out->dims = 0;
	for (unsigned int d = 0; d < in->dims; d++) {
		if (gone[d] && in->dim[d] != 1)
			return xqm_fail_at(graph, op, -EINVAL, "dimension %u is of %zu elements, not 1", d, in->dim[d]);
		if (axes ? !gone[d] : in->dim[d] != 1)
			out->dim[out->dims++] = in->dim[d];
	}
	return 0;
}

const struct xqm_kernel xqm_squeeze_kernel = {
	.name = "squeeze",
	.infer = infer_squeeze,
	.compute = compute_same,
};

static int infer_unsqueeze(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			   struct xqm_value *out)
{
	bool new[XQ_MODEL_DIMS] = { false };
	unsigned int added = (unsigned int)xqm_value_elements(&in[1]), from = 0;
	int err;

	if (added > XQ_MODEL_DIMS - in->dims)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "more than %u dimensions", XQ_MODEL_DIMS);
	err = marked(graph, op, &in[1], in->dims + added, new);
	if (err < 0)
		return err;
	out->type = in->type;
	out->dims = in->dims + added;
	for (unsigned int d = 0; d < out->dims; d++)
		out->dim[d] = new[d] ? 1 : in->dim[from++];
	return 0;
}

const struct xqm_kernel xqm_unsqueeze_kernel = {
	.name = "unsqueeze",
	.infer = infer_unsqueeze,
	.compute = compute_same,
};

/* ---- numbers -------------------------------------------------------------------------------------- */

static void shape_range(const struct xqm_operator *op, unsigned int dims, int64_t *first, int64_t *last)
{
	*first = 0;
	*last = dims;
	if (!op->params.reshape.ranged)
		return;
	*first = op->params.reshape.start;
	*last = op->params.reshape.end;
	if (*first < 0)
		*first += dims;
	if (*last < 0)
		*last += dims;
	*first = *first < 0 ? 0 : *first > dims ? dims : *first;
	*last = *last < *first ? *first : *last > dims ? dims : *last;
}

static int infer_shape(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	int64_t first, last;

	(void)graph;
	shape_range(op, in->dims, &first, &last);
	out->type = XQ_MODEL_S64;
	out->dims = 1;
	out->dim[0] = (size_t)(last - first);
	return 0;
}

static int compute_shape(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	int64_t first, last;

	shape_range(op, in->dims, &first, &last);
	for (int64_t d = first; d < last; d++)
		((int64_t *)out->data)[d - first] = (int64_t)in->dim[d];
	return 0;
}

const struct xqm_kernel xqm_shape_kernel = {
	.name = "shape",
	.infer = infer_shape,
	.compute = compute_shape,
};

static int infer_size(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		      struct xqm_value *out)
{
	(void)graph;
	(void)op;
	(void)in;
	out->type = XQ_MODEL_S64;
	out->dims = 0;
	return 0;
}

static int compute_size(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	(void)op;
	*(int64_t *)out->data = (int64_t)xqm_value_elements(in);
	return 0;
}

const struct xqm_kernel xqm_size_kernel = {
	.name = "size",
	.infer = infer_size,
	.compute = compute_size,
};

static int infer_constant(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			  struct xqm_value *out)
{
	const struct xqm_value *value = xqm_operand(op, in, 1);
	int64_t size[XQ_MODEL_DIMS];
	int dims = xqm_integers(graph, op, in, "the sizes", size, XQ_MODEL_DIMS), err = 0;

	if (dims < 0)
		return dims;
	if (value && xqm_value_elements(value) != 1)
		return xqm_fail_at(graph, op, -EINVAL, "a value of %zu elements", xqm_value_elements(value));
	out->type = value ? value->type : XQ_F32;
	out->dims = (unsigned int)dims;
	for (int d = 0; !err && d < dims; d++)
		err = xqm_size(graph, op, size[d], &out->dim[d]);
	return err;
}

static int compute_constant(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_value *value = xqm_operand(op, in, 1);
	size_t n = xqm_value_elements(out), bytes = xqm_value_bytes(out);

	if (!value && n)
		memset(out->data, 0, n * bytes);
	for (size_t i = 0; value && i < n; i++)
		memcpy((char *)out->data + i * bytes, value->data, bytes);
	return 0;
}

const struct xqm_kernel xqm_constant_of_shape_kernel = {
	.name = "constant of shape",
	.infer = infer_constant,
	.compute = compute_constant,
};

/* How many numbers from start to limit by step, the limit left out; -1 if the step is none. */
static double range_count(const struct xqm_value *in)
{
	if (xqm_class_of(in->type) == XQM_REAL) {
		double step = xqm_real_at(&in[2], 0);

		return step == 0 ? -1 : __builtin_ceil((xqm_real_at(&in[1], 0) - xqm_real_at(&in[0], 0)) / step);
	} else {
		int64_t step = xqm_integer_at(&in[2], 0);
		double span = (double)xqm_integer_at(&in[1], 0) - (double)xqm_integer_at(&in[0], 0);

		return step == 0 ? -1 : __builtin_ceil(span / (double)step);
	}
}

static int infer_range(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	int err = xqm_numbers(graph, op, in, 3);
	double n;

	for (unsigned int i = 0; !err && i < 3; i++) {
		if (!in[i].data)
			err = xqm_fail_at(graph, op, -EOPNOTSUPP, "the range depends on what the model computes");
		else if (xqm_value_elements(&in[i]) != 1 || in[i].type != in->type)
			err = xqm_fail_at(graph, op, -EINVAL, "start, limit and step are not numbers of one type");
	}
	if (err)
		return err;
	n = range_count(in);
	if (n == -1 || n != n)
		return xqm_fail_at(graph, op, -EINVAL, "a range without a step");
	out->type = in->type;
	out->dims = 1;
	return xqm_size(graph, op, n < 0 ? 0 : n > 1e15 ? INT64_MAX : (int64_t)n, out->dim);
}

static int compute_range(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	(void)op;
	for (size_t i = 0; i < out->dim[0]; i++) {
		if (xqm_class_of(in->type) == XQM_REAL) {
			double x = xqm_real_at(&in[0], 0) + (double)i * xqm_real_at(&in[2], 0);

			xqm_store_real(out, i, 1, &x);
		} else {
			int64_t x = (int64_t)((uint64_t)xqm_integer_at(&in[0], 0) +
					      (uint64_t)i * (uint64_t)xqm_integer_at(&in[2], 0));

			xqm_store_integer(out, i, 1, &x);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_range_kernel = {
	.name = "range",
	.infer = infer_range,
	.compute = compute_range,
};
