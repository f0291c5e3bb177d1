// SPDX-License-Identifier: MIT
/*
 * Transpose, slice, expand, tile, concat, split, and blocks of channels: copies of views.
 */
#include <errno.h>
#include <string.h>

#include "infer.h"
#include "kernels.h"
#include "strided.h"

/* ---- transpose ------------------------------------------------------------------------------------ */

static unsigned int from_of(const struct xqm_operator *op, unsigned int dims, unsigned int d)
{
	return op->params.transpose.dims ? op->params.transpose.order[d] : dims - 1 - d;
}

static int infer_transpose(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			   struct xqm_value *out)
{
	bool seen[XQ_MODEL_DIMS] = { false };

	if (op->params.transpose.dims && op->params.transpose.dims != in->dims)
		return xqm_fail_at(graph, op, -EINVAL, "an order of %u dimensions for a tensor of %u",
				   op->params.transpose.dims, in->dims);
	out->type = in->type;
	out->dims = in->dims;
	for (unsigned int d = 0; d < in->dims; d++) {
		unsigned int from = from_of(op, in->dims, d);

		if (from >= in->dims || seen[from])
			return xqm_fail_at(graph, op, -EINVAL, "the order of dimensions is none");
		seen[from] = true;
		out->dim[d] = in->dim[from];
	}
	return 0;
}

static int compute_transpose(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	struct xqm_view whole, view = { .dims = in->dims };

	xqm_view_whole(&whole, in);
	for (unsigned int d = 0; d < in->dims; d++) {
		view.dim[d] = whole.dim[from_of(op, in->dims, d)];
		view.step[d] = whole.step[from_of(op, in->dims, d)];
	}
	xqm_view_copy(&view, in->data, out->data, xqm_value_bytes(in));
	return 0;
}

const struct xqm_kernel xqm_transpose_kernel = {
	.name = "transpose",
	.infer = infer_transpose,
	.compute = compute_transpose,
};

/* ---- slice -------------------------------------------------------------------------------------------- */

static int64_t limited(int64_t x, int64_t low, int64_t high)
{
	return x < low ? low : x > high ? high : x;
}

/* The view that a slice is; operands are known. */
static int slice_view(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		      struct xqm_view *view)
{
	int64_t start[XQ_MODEL_DIMS], end[XQ_MODEL_DIMS], axes[XQ_MODEL_DIMS], steps[XQ_MODEL_DIMS];
	const struct xqm_value *axis = xqm_operand(op, in, 3), *step = xqm_operand(op, in, 4);
	int n = xqm_integers(graph, op, &in[1], "the begins", start, XQ_MODEL_DIMS), m;

	if (n < 0)
		return n;
	m = xqm_integers(graph, op, &in[2], "the ends", end, XQ_MODEL_DIMS);
	if (m == n && axis)
		m = xqm_integers(graph, op, axis, "the axes", axes, XQ_MODEL_DIMS);
	if (m == n && step)
		m = xqm_integers(graph, op, step, "the steps", steps, XQ_MODEL_DIMS);
	if (m < 0)
		return m;
	if (m != n)
		return xqm_fail_at(graph, op, -EINVAL, "begins, ends, axes and steps are not of one number");
	xqm_view_whole(view, in);
	for (int i = 0; i < n; i++) {
		int d = xqm_axis_of(graph, op, axis ? axes[i] : i, in->dims);
		int64_t by = step ? steps[i] : 1, first, last, size;

		if (d < 0)
			return d;
		if (!by || by == INT64_MIN)
			return xqm_fail_at(graph, op, -EINVAL, "a step of %lld", (long long)by);
		size = (int64_t)in->dim[d];
		first = start[i] < 0 ? limited(start[i], -size - 1, -1) + size : start[i];
		last = end[i] < 0 ? limited(end[i], -size - 1, -1) + size : end[i];
		first = by > 0 ? limited(first, 0, size) : limited(first, -1, size - 1);
		last = by > 0 ? limited(last, 0, size) : limited(last, -1, size - 1);
		if (by > 0)
			view->dim[d] = last > first ? (size_t)((last - first - 1) / by + 1) : 0;
		else
			view->dim[d] = first > last ? (size_t)((first - last - 1) / -by + 1) : 0;
		if (view->dim[d])
			view->first += (size_t)first * (size_t)view->step[d];
		view->step[d] *= view->dim[d] > 1 ? by : 1;
	}
	return 0;
}

static int infer_slice(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	struct xqm_view view;
	int err = slice_view(graph, op, in, &view);

	if (err)
		return err;
	out->type = in->type;
	out->dims = in->dims;
	memcpy(out->dim, view.dim, sizeof(out->dim));
	return 0;
}

static int compute_slice(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	struct xqm_view view;
	int err = slice_view(NULL, op, in, &view);

	if (!err)
		xqm_view_copy(&view, in->data, out->data, xqm_value_bytes(in));
	return err;
}

const struct xqm_kernel xqm_slice_kernel = {
	.name = "slice",
	.infer = infer_slice,
	.compute = compute_slice,
};

/* ---- expand and tile ---------------------------------------------------------------------------------- */

static int infer_expand(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			struct xqm_value *out)
{
	int64_t size[XQ_MODEL_DIMS];
	int n = xqm_integers(graph, op, &in[1], "the sizes", size, XQ_MODEL_DIMS), err = 0;
	unsigned int dims;

	if (n < 0)
		return n;
	dims = (unsigned int)n > in->dims ? (unsigned int)n : in->dims;
	out->type = in->type;
	out->dims = dims;
	for (unsigned int d = 0; !err && d < dims; d++) {
		int64_t a = d + in->dims < dims ? 1 : (int64_t)in->dim[d + in->dims - dims];
		int64_t b = d + (unsigned int)n < dims ? 1 : size[d + (unsigned int)n - dims];

		if (b == -1)	/* TFLite's */
			b = a;
		if (a != b && a != 1 && b != 1)
			return xqm_fail_at(graph, op, -EINVAL, "sizes %lld and %lld of a dimension don't go together",
					   (long long)a, (long long)b);
		err = xqm_size(graph, op, a == 1 ? b : a, &out->dim[d]);
	}
	return err;
}

static int compute_expand(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	struct xqm_view whole, view = { .dims = out->dims };

	(void)op;
	xqm_view_whole(&whole, in);
	for (unsigned int d = 0; d < out->dims; d++) {
		unsigned int from = d + in->dims - out->dims;

		view.dim[d] = out->dim[d];
		view.step[d] = d + in->dims < out->dims || in->dim[from] == 1 ? 0 : whole.step[from];
	}
	xqm_view_copy(&view, in->data, out->data, xqm_value_bytes(in));
	return 0;
}

const struct xqm_kernel xqm_expand_kernel = {
	.name = "expand",
	.infer = infer_expand,
	.compute = compute_expand,
};

static int infer_tile(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		      struct xqm_value *out)
{
	int64_t repeats[XQ_MODEL_DIMS];
	int n = xqm_integers(graph, op, &in[1], "the repeats", repeats, XQ_MODEL_DIMS), err = 0;

	if (n < 0)
		return n;
	if ((unsigned int)n != in->dims)
		return xqm_fail_at(graph, op, -EINVAL, "%d repeats of %u dimensions", n, in->dims);
	xqm_same(out, in);
	for (int d = 0; !err && d < n; d++) {
		if (repeats[d] > XQM_MAX_SIZE)
			repeats[d] = XQM_MAX_SIZE + 1LL;
		err = xqm_size(graph, op, repeats[d] < 0 ? -1 : repeats[d] * (int64_t)in->dim[d], &out->dim[d]);
	}
	return err;
}

static int compute_tile(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	struct xqm_view whole, view = { .dims = 2 * in->dims };

	(void)op;
	xqm_view_whole(&whole, in);
	for (unsigned int d = 0; d < in->dims; d++) {
		view.dim[2 * d] = in->dim[d] ? out->dim[d] / in->dim[d] : 0;
		view.step[2 * d] = 0;
		view.dim[2 * d + 1] = whole.dim[d];
		view.step[2 * d + 1] = whole.step[d];
	}
	xqm_view_copy(&view, in->data, out->data, xqm_value_bytes(in));
	return 0;
}

const struct xqm_kernel xqm_tile_kernel = {
	.name = "tile",
	.infer = infer_tile,
	.compute = compute_tile,
};

/* ---- blocks of channels ------------------------------------------------------------------------------- */

static int infer_block(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	unsigned int channel = op->params.block.channels_last ? 3 : 1, h = op->params.block.channels_last ? 1 : 2;
	size_t block = op->params.block.size;
	int err = xqm_need_dims(graph, op, in, "an image", 4);

	if (err)
		return err;
	if (!block || block > 1024)
		return xqm_fail_at(graph, op, -EINVAL, "a block of %zu", block);
	xqm_same(out, in);
	if (op->op == XQM_DEPTH_TO_SPACE) {
		if (in->dim[channel] % (block * block))
			return xqm_fail_at(graph, op, -EINVAL, "%zu channels are not divided by a block of %zu",
					   in->dim[channel], block);
		out->dim[channel] /= block * block;
		err = xqm_size(graph, op, (int64_t)(in->dim[h] * block), &out->dim[h]);
		return err ? err : xqm_size(graph, op, (int64_t)(in->dim[h + 1] * block), &out->dim[h + 1]);
	}
	if (in->dim[h] % block || in->dim[h + 1] % block)
		return xqm_fail_at(graph, op, -EINVAL, "an image of %zu x %zu is not divided by a block of %zu", in->dim[h],
				   in->dim[h + 1], block);
	out->dim[h] /= block;
	out->dim[h + 1] /= block;
	return xqm_size(graph, op, (int64_t)(in->dim[channel] * block * block), &out->dim[channel]);
}

/*
 * The larger image has rows i * block + bi, and columns so. Its channel c is channel (bi * block + bj) * C + c of
 * the other, or c * block * block + bi * block + bj if crd.
 */
static int compute_block(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	bool to_space = op->op == XQM_DEPTH_TO_SPACE, last = op->params.block.channels_last;
	const struct xqm_value *deep = to_space ? in : out;
	unsigned int channel = last ? 3 : 1, h = last ? 1 : 2;
	ptrdiff_t b = (ptrdiff_t)op->params.block.size, c = (ptrdiff_t)(deep->dim[channel] / (size_t)(b * b));
	ptrdiff_t height = (ptrdiff_t)deep->dim[h], width = (ptrdiff_t)deep->dim[h + 1];
	ptrdiff_t pixel = last ? c * b * b : 1, plane = last ? 1 : height * width;
	/* Dimensions batch, i, bi, j, bj, c: their steps in the deep tensor, and in the wide one. */
	const size_t size[6] = { deep->dim[0], (size_t)height, (size_t)b, (size_t)width, (size_t)b, (size_t)c };
	ptrdiff_t wide_pixel = last ? c : 1, wide_plane = last ? 1 : height * width * b * b;
	ptrdiff_t in_deep[6] = { c * b * b * height * width, width * pixel, (op->params.block.crd ? b : b * c) * plane, pixel,
				 (op->params.block.crd ? 1 : c) * plane, (op->params.block.crd ? b * b : 1) * plane };
	ptrdiff_t in_wide[6] = { in_deep[0], b * width * b * wide_pixel, width * b * wide_pixel, b * wide_pixel, wide_pixel,
				 wide_plane };
	/* Orders in which the elements of one tensor follow each other. */
	static const unsigned int wide_last[6] = { 0, 1, 2, 3, 4, 5 }, wide_first[6] = { 0, 5, 1, 2, 3, 4 };
	static const unsigned int deep_orders[4][6] = {
		{ 0, 2, 4, 5, 1, 3 }, { 0, 5, 2, 4, 1, 3 }, { 0, 1, 3, 2, 4, 5 }, { 0, 1, 3, 5, 2, 4 },
	};
	const unsigned int *order = to_space ? (last ? wide_last : wide_first) :
				    deep_orders[(last ? 2 : 0) + (op->params.block.crd ? 1 : 0)];
	struct xqm_view view = { .dims = 6 };

	for (unsigned int d = 0; d < 6; d++) {
		view.dim[d] = size[order[d]];
		view.step[d] = (to_space ? in_deep : in_wide)[order[d]];
	}
	xqm_view_copy(&view, in->data, out->data, xqm_value_bytes(in));
	return 0;
}

const struct xqm_kernel xqm_block_kernel = {
	.name = "blocks",
	.infer = infer_block,
	.compute = compute_block,
};
