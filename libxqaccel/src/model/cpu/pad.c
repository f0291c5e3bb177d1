// SPDX-License-Identifier: MIT
/*
 * Tensors with something around them, or less of them.
 */
#include <errno.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"

/* Amounts before and after every dimension. */
static int amounts(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in, int64_t *before,
		   int64_t *after)
{
	const struct xqm_value *axes = xqm_operand(op, in, 3);
	int64_t list[2 * XQ_MODEL_DIMS], axis[XQ_MODEL_DIMS];
	int n = xqm_integers(graph, op, &in[1], "the amounts of padding", list, 2 * XQ_MODEL_DIMS), m = n / 2;

	if (n < 0)
		return n;
	if (axes)
		m = xqm_integers(graph, op, axes, "the axes", axis, XQ_MODEL_DIMS);
	if (m < 0)
		return m;
	if (n != 2 * m || (!axes && m != (int)in->dims))
		return xqm_fail_at(graph, op, -EINVAL, "%d amounts of padding for %u dimensions", n, in->dims);
	memset(before, 0, XQ_MODEL_DIMS * sizeof(*before));
	memset(after, 0, XQ_MODEL_DIMS * sizeof(*after));
	for (int i = 0; i < m; i++) {
		int d = xqm_axis_of(graph, op, axes ? axis[i] : i, in->dims);

		if (d < 0)
			return d;
		if (list[i] < -XQM_MAX_SIZE || list[i] > XQM_MAX_SIZE || list[i + m] < -XQM_MAX_SIZE ||
		    list[i + m] > XQM_MAX_SIZE)
			return xqm_fail_at(graph, op, -EINVAL, "padding of %lld and %lld", (long long)list[i],
					   (long long)list[i + m]);
		before[d] = list[i];
		after[d] = list[i + m];
	}
	return 0;
}

static int infer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		 struct xqm_value *out)
{
	const struct xqm_value *value = xqm_operand(op, in, 2);
	int64_t before[XQ_MODEL_DIMS], after[XQ_MODEL_DIMS];
	int err = amounts(graph, op, in, before, after);

	if (!err && value && (value->type != in->type || xqm_value_elements(value) != 1))
		err = xqm_fail_at(graph, op, -EINVAL, "a value of %s [%zu] for elements of %s", xq_model_type_name(value->type),
				  xqm_value_elements(value), xq_model_type_name(in->type));
	xqm_same(out, in);
	for (unsigned int d = 0; !err && d < in->dims; d++) {
		int64_t size = (int64_t)in->dim[d];
		bool inside = op->params.pad.mode == XQM_PAD_REFLECT ? before[d] < size && after[d] < size :
			      op->params.pad.mode == XQM_PAD_SYMMETRIC ? before[d] <= size && after[d] <= size : size > 0;

		err = xqm_size(graph, op, size + before[d] + after[d], &out->dim[d]);
		if (!err && op->params.pad.mode != XQM_PAD_CONSTANT && (before[d] > 0 || after[d] > 0) && !inside)
			err = xqm_fail_at(graph, op, -EINVAL, "padding of %lld and %lld by what %lld elements have",
					  (long long)before[d], (long long)after[d], (long long)size);
	}
	return err;
}

/* The element that stands at index i of a dimension, which may be outside; -1 for the value. */
static int64_t source(enum xqm_pad_mode mode, int64_t i, int64_t size)
{
	if (i >= 0 && i < size)
		return i;
	switch (mode) {
	case XQM_PAD_REFLECT:
		return i < 0 ? -i : 2 * (size - 1) - i;
	case XQM_PAD_SYMMETRIC:
		return i < 0 ? -i - 1 : 2 * size - 1 - i;
	case XQM_PAD_EDGE:
		return i < 0 ? 0 : size - 1;
	case XQM_PAD_WRAP:
		return ((i % size) + size) % size;
	default:
		return -1;
	}
}

static void set_value(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out, size_t at)
{
	const struct xqm_value *value = xqm_operand(op, in, 2);
	size_t bytes = xqm_value_bytes(in);
	int64_t zero = 0;

	if (value) {
		memcpy((char *)out->data + at * bytes, value->data, bytes);
	} else if (op->arithmetic != XQ_REQUANT_ONNX && in->quantization && in->quantization->count &&
		   in->quantization->zero_point && xqm_class_of(in->type) != XQM_REAL) {
		zero = in->quantization->zero_point[0];
		xqm_store_integer(out, at, 1, &zero);
	} else {
		memset((char *)out->data + at * bytes, 0, bytes);
	}
}

static int compute(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	int64_t before[XQ_MODEL_DIMS], after[XQ_MODEL_DIMS];
	size_t bytes = xqm_value_bytes(in), n = xqm_value_elements(out);
	int err = amounts(NULL, op, in, before, after);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		size_t rest = i, at = 0, step = 1;
		bool outside = false;

		for (unsigned int d = in->dims; d-- > 0; rest /= out->dim[d]) {
			int64_t from = source(op->params.pad.mode, (int64_t)(rest % out->dim[d]) - before[d], (int64_t)in->dim[d]);

			outside = outside || from < 0;
			at += (size_t)(from < 0 ? 0 : from) * step;
			step *= in->dim[d];
		}
		if (outside)
			set_value(op, in, out, i);
		else
			memcpy((char *)out->data + i * bytes, (const char *)in->data + at * bytes, bytes);
	}
	return 0;
}

const struct xqm_kernel xqm_pad_kernel = { .name = "pad", .infer = infer, .compute = compute };
