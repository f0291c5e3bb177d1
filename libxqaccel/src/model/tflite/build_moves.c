// SPDX-License-Identifier: MIT
/*
 * Operators that say where elements lie. Shapes, axes and amounts become constants of the graph's form.
 */
#include <errno.h>
#include <string.h>

#include "reader.h"

#define TO_END		INT64_MAX	/* past every dimension */

/* A constant for an operand, or an error. */
static int constant(struct xqt_call *call, const int64_t *value, unsigned int count)
{
	return xqm_add_integers(call->graph, "", value, count);
}

/* An operator that reads x and some constants and writes y; an error among the constants is passed on. */
static int add(struct xqt_call *call, enum xqm_op kind, const union xqm_params *params, int y, const int *input,
	       unsigned int inputs)
{
	struct xqm_operator *op;
	unsigned int i;

	for (i = 0; i < inputs; i++)
		if (input[i] < 0)
			return input[i];
	op = xqt_add(call, kind, inputs, 1);
	if (!op)
		return call->scope->initial ? -EOPNOTSUPP : -ENOMEM;
	memcpy(op->input, input, inputs * sizeof(*input));
	op->output[0] = y;
	if (params)
		op->params = *params;
	return 0;
}

static int axis_of(struct xqt_call *call, int64_t axis, unsigned int dims)
{
	if (axis < -(int64_t)dims || axis >= (int64_t)dims)
		return xqt_refuse(call, -EINVAL, "axis %lld of %u dimensions", (long long)axis, dims);
	return (int)(axis < 0 ? axis + dims : axis);
}

/* ---- shapes -------------------------------------------------------------------------------------------- */

/* The second operand, or else the option, or else the output's own shape. */
int xqt_build_reshape(struct xqt_call *call)
{
	const struct xqt_vector v = xqt_vector(&call->options, RESHAPE_SHAPE, 4);
	const struct xqm_tensor *y = xqm_tensor(call->graph, call->output[0]);
	int64_t shape[XQ_MODEL_DIMS];
	unsigned int i;

	if (call->inputs > 1 && call->input[1])
		return add(call, XQM_RESHAPE, NULL, call->output[0], call->input, 2);
	if (v.count > XQ_MODEL_DIMS)
		return xqt_refuse(call, -EOPNOTSUPP, "it makes %zu dimensions, the most are %d", v.count, XQ_MODEL_DIMS);
	for (i = 0; i < v.count; i++)
		shape[i] = xqt_integer_at(&v, 4, i);
	if (!v.count && (!y || !xqm_fixed(&y->shape)))
		return xqt_refuse(call, -EINVAL, "nothing says the shape of its output");
	if (!v.count)
		memcpy(shape, y->shape.dim, sizeof(shape));
	i = v.count ? (unsigned int)v.count : y->shape.dims;
	return add(call, XQM_RESHAPE, NULL, call->output[0], (const int[]){ call->input[0], constant(call, shape, i) }, 2);
}

int xqt_build_expand_dims(struct xqt_call *call)
{
	return add(call, XQM_UNSQUEEZE, NULL, call->output[0], call->input, 2);
}

int xqt_build_squeeze(struct xqt_call *call)
{
	const struct xqt_vector v = xqt_vector(&call->options, SQUEEZE_DIMS, 4);
	int64_t axes[XQ_MODEL_DIMS];
	unsigned int i;

	if (v.count > XQ_MODEL_DIMS)
		return xqt_refuse(call, -EINVAL, "it takes away %zu dimensions", v.count);
	for (i = 0; i < v.count; i++)
		axes[i] = xqt_integer_at(&v, 4, i);
	return add(call, XQM_SQUEEZE, NULL, call->output[0],
		   (const int[]){ call->input[0], v.count ? constant(call, axes, (unsigned int)v.count) : 0 }, 2);
}

int xqt_build_transpose(struct xqt_call *call)
{
	union xqm_params params = { .transpose.dims = 0 };
	int64_t order[XQ_MODEL_DIMS];
	int i, n = xqt_integers(call, 1, "its order", order, XQ_MODEL_DIMS);

	if (n < 0)
		return n;
	params.transpose.dims = (unsigned int)n;
	for (i = 0; i < n; i++) {
		const int axis = axis_of(call, order[i], (unsigned int)n);

		if (axis < 0)
			return axis;
		params.transpose.order[i] = (unsigned int)axis;
	}
	return add(call, XQM_TRANSPOSE, &params, call->output[0], call->input, 1);
}

/* ---- several tensors ------------------------------------------------------------------------------------- */

int xqt_build_concatenation(struct xqt_call *call)
{
	const union xqm_params params = { .axis.axis = xqt_integer(&call->options, CONCATENATION_AXIS, 4, 0) };

	if (xqt_integer(&call->options, CONCATENATION_ACTIVATION, 1, ACTIVATION_NONE))
		return xqt_refuse(call, -EOPNOTSUPP, "an activation after it is not known");
	return add(call, XQM_CONCAT, &params, call->output[0], call->input, call->inputs);
}

/* A dimension of 1 more. */
static void with_one(struct xqm_shape *shape, unsigned int axis)
{
	memmove(&shape->dim[axis + 1], &shape->dim[axis], (shape->dims - axis) * sizeof(shape->dim[0]));
	shape->dim[axis] = 1;
	shape->dims++;
}

/* Each input with a dimension more, joined along it. */
int xqt_build_pack(struct xqt_call *call)
{
	union xqm_params params = { .axis.axis = 0 };
	struct xqm_shape shape;
	unsigned int i;
	int axis, err = xqt_shape(call, 0, &shape);

	if (err)
		return err;
	if (shape.dims == XQ_MODEL_DIMS)
		return xqt_refuse(call, -EOPNOTSUPP, "it makes %u dimensions, the most are %d", shape.dims + 1, XQ_MODEL_DIMS);
	axis = axis_of(call, xqt_integer(&call->options, PACK_AXIS, 4, 0), shape.dims + 1);
	if (axis < 0)
		return axis;
	params.axis.axis = axis;
	with_one(&shape, (unsigned int)axis);
	for (i = 0; i < call->inputs; i++) {
		const int y = xqt_between(call, call->input[i], &shape), at = constant(call, &params.axis.axis, 1);

		err = y < 0 ? y : add(call, XQM_UNSQUEEZE, NULL, y, (const int[]){ call->input[i], at }, 2);
		if (err)
			return err;
		call->input[i] = y;
	}
	return add(call, XQM_CONCAT, &params, call->output[0], call->input, call->inputs);
}

/* Parts of x along an axis, of sizes in an operand or equal ones. */
static int split(struct xqt_call *call, int x, int sizes, int64_t axis, const int *output)
{
	struct xqm_operator *op = xqt_add(call, XQM_SPLIT, 2, call->outputs);

	if (!op)
		return call->scope->initial ? -EOPNOTSUPP : -ENOMEM;
	op->input[0] = x;
	op->input[1] = sizes;
	memcpy(op->output, output, call->outputs * sizeof(*output));
	op->params.axis.axis = axis;
	return 0;
}

static int one_axis(struct xqt_call *call, unsigned int operand, int64_t *axis)
{
	const int n = xqt_integers(call, operand, "the axis", axis, 1);

	if (n < 0)
		return n;
	return n ? 0 : xqt_refuse(call, -EINVAL, "it has no axis");
}

int xqt_build_split(struct xqt_call *call)
{
	int64_t axis;
	int err = one_axis(call, 0, &axis);

	return err ? err : split(call, call->input[1], 0, axis, call->output);
}

int xqt_build_split_v(struct xqt_call *call)
{
	int64_t axis;
	int err = one_axis(call, 2, &axis);

	return err ? err : split(call, call->input[0], call->input[1], axis, call->output);
}

/* Parts of size 1 without that dimension. */
int xqt_build_unpack(struct xqt_call *call)
{
	int *part = xqm_alloc(call->graph, call->outputs * sizeof(*part));
	struct xqm_shape shape;
	unsigned int i;
	int64_t axis;
	int err = xqt_shape(call, 0, &shape);

	if (err || !part)
		return err ? err : xqm_no_memory(call->graph);
	err = axis_of(call, xqt_integer(&call->options, UNPACK_AXIS, 4, 0), shape.dims);
	if (err < 0)
		return err;
	axis = err;
	if (shape.dim[axis] != call->outputs)
		return xqt_refuse(call, -EINVAL, "it has %u outputs for a dimension of %lld", call->outputs,
				  (long long)shape.dim[axis]);
	shape.dim[axis] = 1;
	for (i = 0; i < call->outputs; i++) {
		part[i] = xqt_between(call, call->input[0], &shape);
		if (part[i] < 0)
			return part[i];
	}
	err = split(call, call->input[0], 0, axis, part);
	for (i = 0; i < call->outputs && !err; i++)
		err = add(call, XQM_SQUEEZE, NULL, call->output[i], (const int[]){ part[i], constant(call, &axis, 1) }, 2);
	return err;
}

/* ---- parts ---------------------------------------------------------------------------------------------- */

/* The constants of a slice along the first dimensions. */
static int add_slice(struct xqt_call *call, int y, const int64_t *begin, const int64_t *end, const int64_t *step,
		     unsigned int dims)
{
	int64_t axes[XQ_MODEL_DIMS];
	unsigned int i;

	for (i = 0; i < dims; i++)
		axes[i] = i;
	return add(call, XQM_SLICE, NULL, y,
		   (const int[]){ call->input[0], constant(call, begin, dims), constant(call, end, dims),
				  constant(call, axes, dims), constant(call, step, dims) }, 5);
}

int xqt_build_slice(struct xqt_call *call)
{
	int64_t begin[XQ_MODEL_DIMS], size[XQ_MODEL_DIMS], step[XQ_MODEL_DIMS];
	const int n = xqt_integers(call, 1, "its begins", begin, XQ_MODEL_DIMS);
	const int sizes = n < 0 ? n : xqt_integers(call, 2, "its sizes", size, XQ_MODEL_DIMS);
	int i;

	if (sizes < 0)
		return sizes;
	if (n != sizes)
		return xqt_refuse(call, -EINVAL, "it has %d begins and %d sizes", n, sizes);
	for (i = 0; i < n; i++) {
		if (begin[i] < 0 || size[i] < -1)
			return xqt_refuse(call, -EINVAL, "%lld elements from %lld on", (long long)size[i],
					  (long long)begin[i]);
		step[i] = 1;
		if (size[i] == -1 || __builtin_add_overflow(begin[i], size[i], &size[i]))
			size[i] = TO_END;
	}
	return add_slice(call, call->output[0], begin, size, step, (unsigned int)n);
}

/* Of what masks leave out, all; a single index is a slice of one element, whose dimension goes. */
int xqt_build_strided_slice(struct xqt_call *call)
{
	const int64_t begin_mask = xqt_integer(&call->options, STRIDED_SLICE_BEGIN_MASK, 4, 0);
	const int64_t end_mask = xqt_integer(&call->options, STRIDED_SLICE_END_MASK, 4, 0);
	const int64_t shrink_mask = xqt_integer(&call->options, STRIDED_SLICE_SHRINK_AXIS_MASK, 4, 0);
	const bool offset = xqt_integer(&call->options, STRIDED_SLICE_OFFSET, 1, 0);
	int64_t begin[XQ_MODEL_DIMS], end[XQ_MODEL_DIMS], step[XQ_MODEL_DIMS], gone[XQ_MODEL_DIMS];
	const int n = xqt_integers(call, 1, "its begins", begin, XQ_MODEL_DIMS);
	const int ends = n < 0 ? n : xqt_integers(call, 2, "its ends", end, XQ_MODEL_DIMS);
	const int steps = ends < 0 ? ends : xqt_integers(call, 3, "its steps", step, XQ_MODEL_DIMS);
	struct xqm_shape shape;
	unsigned int shrunk = 0;
	int i, y, err;

	if (steps < 0)
		return steps;
	if (n != ends || n != steps)
		return xqt_refuse(call, -EINVAL, "it has %d begins, %d ends and %d steps", n, ends, steps);
	if (xqt_integer(&call->options, STRIDED_SLICE_ELLIPSIS_MASK, 4, 0) ||
	    xqt_integer(&call->options, STRIDED_SLICE_NEW_AXIS_MASK, 4, 0))
		return xqt_refuse(call, -EOPNOTSUPP, "its ellipsis and new axes are not known");
	for (i = 0; i < n; i++) {
		if (!step[i])
			return xqt_refuse(call, -EINVAL, "a step of 0");
		if (offset)
			end[i] += begin[i];
		if (shrink_mask >> i & 1) {
			end[i] = begin[i] == -1 ? TO_END : begin[i] + 1;
			step[i] = 1;
			gone[shrunk++] = i;
			continue;
		}
		if (begin_mask >> i & 1)
			begin[i] = step[i] > 0 ? 0 : TO_END;
		if (end_mask >> i & 1)
			end[i] = step[i] > 0 ? TO_END : INT64_MIN;
	}
	if (!shrunk)
		return add_slice(call, call->output[0], begin, end, step, (unsigned int)n);
	if (!call->output[0] || !xqm_tensor(call->graph, call->output[0])->shape.known) {
		shape = (struct xqm_shape){ 0 };
	} else {
		shape = xqm_tensor(call->graph, call->output[0])->shape;
		if (shape.dims + shrunk > XQ_MODEL_DIMS)
			return xqt_refuse(call, -EINVAL, "its output has %u dimensions", shape.dims);
		for (i = 0; i < (int)shrunk; i++) {
			if (gone[i] > shape.dims)
				return xqt_refuse(call, -EINVAL, "its output has %u dimensions", shape.dims);
			with_one(&shape, (unsigned int)gone[i]);
		}
	}
	y = xqt_between(call, call->input[0], &shape);
	err = y < 0 ? y : add_slice(call, y, begin, end, step, (unsigned int)n);
	return err ? err : add(call, XQM_SQUEEZE, NULL, call->output[0], (const int[]){ y, constant(call, gone, shrunk) }, 2);
}

int xqt_build_pad(struct xqt_call *call)
{
	union xqm_params params = { .pad.mode = XQM_PAD_CONSTANT };
	int64_t pairs[2 * XQ_MODEL_DIMS], pads[2 * XQ_MODEL_DIMS];
	const int n = xqt_integers(call, 1, "its pads", pairs, 2 * XQ_MODEL_DIMS);
	int i;

	if (n < 0)
		return n;
	if (n % 2)
		return xqt_refuse(call, -EINVAL, "it has %d pads", n);
	for (i = 0; i < n; i++) {
		if (pairs[i] < 0 || pairs[i] > XQM_MAX_SIZE)
			return xqt_refuse(call, -EINVAL, "a pad of %lld", (long long)pairs[i]);
		pads[i % 2 * (n / 2) + i / 2] = pairs[i];
	}
	if (call->kind->code == TFLITE_MIRROR_PAD)
		params.pad.mode = xqt_integer(&call->options, MIRROR_PAD_MODE, 1, 0) ? XQM_PAD_SYMMETRIC : XQM_PAD_REFLECT;
	return add(call, XQM_PAD, &params, call->output[0],
		   (const int[]){ call->input[0], constant(call, pads, (unsigned int)n),
				  call->kind->code == TFLITE_PADV2 ? call->input[2] : 0 }, 3);
}

int xqt_build_resize(struct xqt_call *call)
{
	const bool linear = call->kind->code == TFLITE_RESIZE_BILINEAR;
	const bool align = xqt_integer(&call->options, linear ? RESIZE_BILINEAR_ALIGN : RESIZE_NEAREST_ALIGN, 1, 0);
	const bool half = xqt_integer(&call->options, linear ? RESIZE_BILINEAR_HALF_PIXEL : RESIZE_NEAREST_HALF_PIXEL, 1, 0);
	union xqm_params params = { .resize = { .channels_last = true, .linear = linear, .nearest = XQM_NEAREST_FLOOR } };
	struct xqm_shape x;
	int64_t size[2], sizes[4];
	int err = xqt_shape(call, 0, &x);

	if (err)
		return err;
	err = xqt_integers(call, 1, "its sizes", size, 2);
	if (err < 0)
		return err;
	if (err != 2 || x.dims != 4)
		return xqt_refuse(call, -EINVAL, "it makes %d sizes of an image of %u dimensions", err, x.dims);
	if (align && half)
		return xqt_refuse(call, -EINVAL, "it aligns corners and has half pixel centers");
	params.resize.sampling = align ? XQM_ALIGN_CORNERS : !half ? XQM_ASYMMETRIC :
				 linear ? XQM_HALF_PIXEL : XQM_HALF_PIXEL_NEAREST;
	/* TensorFlow rounds halves up where corners are aligned, else down. */
	if (align)
		params.resize.nearest = XQM_NEAREST_HALF_UP;
	sizes[0] = x.dim[0];
	sizes[1] = size[0];
	sizes[2] = size[1];
	sizes[3] = x.dim[3];
	return add(call, XQM_RESIZE, &params, call->output[0], (const int[]){ call->input[0], constant(call, sizes, 4) }, 2);
}
