// SPDX-License-Identifier: MIT
/*
 * Convolutions and pools.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "reader.h"

/* A list of so many numbers of at least low; what stands there if the file has none. */
static int sizes(struct xqo_node *node, const char *name, unsigned int dims, int64_t low, int64_t otherwise, size_t *to)
{
	size_t count;
	const int64_t *list = xqo_ints(node, name, &count);

	if (count && count != dims)
		return xqo_refuse(node, -EINVAL, "%s has %zu numbers for %u dimensions", name, count, dims);
	for (unsigned int d = 0; d < dims; d++) {
		int64_t value = count ? list[d] : otherwise;

		if (value < low || value > XQM_MAX_SIZE)
			return xqo_refuse(node, -EINVAL, "%s of %lld", name, (long long)value);
		to[d] = (size_t)value;
	}
	return 0;
}

static int padding(struct xqo_node *node, unsigned int dims, struct xqm_window *w)
{
	size_t count;
	const int64_t *list = xqo_ints(node, "pads", &count);

	if (xqo_text_is(node, "auto_pad", "NOTSET", "SAME_UPPER"))
		w->padding = XQM_PAD_SAME;
	else if (xqo_text_is(node, "auto_pad", "NOTSET", "SAME_LOWER"))
		w->padding = XQM_PAD_SAME_LOWER;
	else if (xqo_text_is(node, "auto_pad", "NOTSET", "VALID"))
		count = 0;
	else if (!xqo_text_is(node, "auto_pad", "NOTSET", "NOTSET"))
		return xqo_refuse(node, -EINVAL, "auto_pad is not known");
	if (count && count != 2 * dims)
		return xqo_refuse(node, -EINVAL, "pads has %zu numbers for %u dimensions", count, dims);
	for (unsigned int d = 0; count && d < dims; d++) {
		w->begin[d] = list[d];
		w->end[d] = list[d + dims];
		if (w->begin[d] < -XQM_MAX_SIZE || w->begin[d] > XQM_MAX_SIZE || w->end[d] < -XQM_MAX_SIZE ||
		    w->end[d] > XQM_MAX_SIZE)
			return xqo_refuse(node, -EINVAL, "pads of %lld and %lld", (long long)w->begin[d],
					  (long long)w->end[d]);
	}
	return 0;
}

int xqo_window(struct xqo_node *node, unsigned int dims, struct xqm_window *w)
{
	int64_t groups = xqo_int(node, "group", 1);
	int err;

	if (!dims || dims > XQM_SPATIAL)
		return xqo_refuse(node, -EOPNOTSUPP, "windows of %u dimensions", dims);
	if (groups < 1 || groups > XQM_MAX_SIZE)
		return xqo_refuse(node, -EINVAL, "%lld groups", (long long)groups);
	w->dims = dims;
	w->groups = (size_t)groups;
	w->weights = XQ_WEIGHTS_OIHW;
	w->low = -INFINITY;
	w->high = INFINITY;
	err = sizes(node, "strides", dims, 1, 1, w->stride);
	if (!err)
		err = sizes(node, "dilations", dims, 1, 1, w->dilation);
	return err ? err : padding(node, dims, w);
}

/* Dimensions of the image: as many as a list has, else those that weights or image have. */
static int conv_dims(struct xqo_node *node, unsigned int weights)
{
	const struct xqm_tensor *w = xqm_tensor(node->graph, xqo_in(node, weights));
	const struct xqm_tensor *x = xqm_tensor(node->graph, xqo_in(node, 0));
	static const char *const lists[] = { "kernel_shape", "strides", "dilations" };
	size_t count;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		xqo_ints(node, lists[i], &count);
		if (count)
			return count > XQM_SPATIAL ? XQM_SPATIAL + 1 : (int)count;
	}
	if (w->shape.known && w->shape.dims > 2)
		return (int)w->shape.dims - 2;
	if (x->shape.known && x->shape.dims > 2)
		return (int)x->shape.dims - 2;
	return xqo_refuse(node, -EOPNOTSUPP, "neither its attributes nor its weights say how many dimensions there are");
}

/* kernel_shape only repeats what the weights say. */
static int check_kernel(struct xqo_node *node, unsigned int weights)
{
	const struct xqm_tensor *w = xqm_tensor(node->graph, xqo_in(node, weights));
	size_t count;
	const int64_t *list = xqo_ints(node, "kernel_shape", &count);

	for (size_t d = 0; d < count; d++) {
		if (w->shape.known && (w->shape.dims != count + 2 || (w->shape.dim[d + 2] >= 0 && w->shape.dim[d + 2] != list[d])))
			return xqo_refuse(node, -EINVAL, "kernel_shape contradicts the weights");
	}
	return 0;
}

int xqo_build_conv(struct xqo_node *node)
{
	struct xqm_window w = { 0 };
	int dims = conv_dims(node, 1), err = dims < 0 ? dims : xqo_window(node, (unsigned int)dims, &w);
	struct xqm_operator *op;

	if (!err)
		err = check_kernel(node, 1);
	if (err)
		return err;
	op = xqo_add(node, node->kind->op, node->inputs);
	if (!op)
		return -ENOMEM;
	op->params.window = w;
	return 0;
}

int xqo_build_conv_transpose(struct xqo_node *node)
{
	struct xqm_window w = { 0 };
	int dims = conv_dims(node, 1), err = dims < 0 ? dims : xqo_window(node, (unsigned int)dims, &w);
	struct xqm_operator *op;

	if (!err)
		err = check_kernel(node, 1);
	if (!err)
		err = sizes(node, "output_padding", (unsigned int)dims, 0, 0, w.output_pad);
	if (!err)
		err = sizes(node, "output_shape", (unsigned int)dims, 0, 0, w.kernel);
	if (err)
		return err;
	op = xqo_add(node, XQM_CONV_TRANSPOSE, node->inputs);
	if (!op)
		return -ENOMEM;
	op->params.window = w;
	return 0;
}

int xqo_build_pool(struct xqo_node *node)
{
	struct xqm_window w = { 0 };
	struct xqm_operator *op;
	int64_t power = xqo_int(node, "p", 2);
	size_t dims;
	int err;

	xqo_ints(node, "kernel_shape", &dims);
	err = xqo_window(node, dims > XQM_SPATIAL ? XQM_SPATIAL + 1 : (unsigned int)dims, &w);
	if (!err)
		err = sizes(node, "kernel_shape", (unsigned int)dims, 1, 1, w.kernel);
	if (!err && (power < 1 || power > 64))
		err = xqo_refuse(node, -EOPNOTSUPP, "a power of %lld", (long long)power);
	if (err)
		return err;
	w.count_pad = xqo_int(node, "count_include_pad", 0) != 0;
	w.ceil = xqo_int(node, "ceil_mode", 0) != 0;
	w.columns_first = xqo_int(node, "storage_order", 0) != 0;
	w.power = (unsigned int)power;
	op = xqo_add(node, node->kind->op, 1);
	if (!op)
		return -ENOMEM;
	op->params.window = w;
	return 0;
}

int xqo_build_global_pool(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, node->kind->op, 1);
	int64_t power = xqo_int(node, "p", 2);

	if (!op)
		return -ENOMEM;
	op->params.window.low = -INFINITY;
	op->params.window.high = INFINITY;
	op->params.window.groups = 1;
	op->params.window.power = power > 0 && power <= 64 ? (unsigned int)power : 2;
	return 0;
}
