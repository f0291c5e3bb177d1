// SPDX-License-Identifier: MIT
/*
 * Tensors of a graph as values that kernels work on, and what is often asked of them.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "compile.h"

/* Elements of less than a byte are unpacked once, into memory of the graph. */
static int unpack(struct xqm_graph *graph, struct xqm_tensor *t)
{
	const enum xq_type type = (enum xq_type)t->type;
	const size_t n = (size_t)xqm_elements(&t->shape);
	const size_t columns = t->order == XQ_PACKED_ROWS && t->shape.dims ? (size_t)t->shape.dim[t->shape.dims - 1] : n;
	void *to = xqm_alloc(graph, n);
	int err;

	if (!to)
		return xqm_no_memory(graph);
	err = columns ? xq_unpack(type, t->data, n / columns, columns, xq_row_size(type, columns), to, columns) : 0;
	if (err)
		return xqm_fail(graph, err, "constant %d %.200s can't be unpacked", t->number, t->name);
	t->data = to;
	t->bytes = n;
	t->order = XQ_UNPACKED;
	return 0;
}

int xqm_align(struct xqm_graph *graph, struct xqm_tensor *t)
{
	return t && t->unaligned ? xqm_take_from_file(graph, t) : 0;
}

int xqm_take_from_file(struct xqm_graph *graph, struct xqm_tensor *t)
{
	const void *to = xqm_keep(graph, t->data, t->bytes);

	if (!to)
		return xqm_no_memory(graph);
	xqm_let_go(graph, t->data, t->bytes);
	t->data = to;
	t->unaligned = false;
	return 0;
}

int xqm_value_of(struct xqm_graph *graph, struct xqm_tensor *t, struct xqm_value *value)
{
	unsigned int i;
	int err = 0;

	*value = (struct xqm_value){ 0 };
	if (!t)
		return 0;
	if (t->data && t->order != XQ_UNPACKED && t->type < XQ_TYPE_COUNT && xq_type_bits((enum xq_type)t->type) < 8)
		err = unpack(graph, t);
	value->type = t->type;
	value->quantization = &t->quantization;
	value->data = (void *)t->data;
	value->dims = t->shape.dims;
	for (i = 0; i < t->shape.dims; i++)
		value->dim[i] = (size_t)t->shape.dim[i];
	return err;
}

/* ---- questions ------------------------------------------------------------------------------------------- */

bool xqm_is(const struct xqm_graph *graph, int tensor, uint32_t types)
{
	const struct xqm_tensor *t = xqm_tensor(graph, tensor);
	unsigned int i;

	if (!t || t->type >= XQ_TYPE_COUNT || !(XQM_BIT(t->type) & types) || !xqm_fixed(&t->shape) ||
	    t->shape.dims > XQ_NETWORK_DIMS || !t->shape.dims)
		return false;
	for (i = 0; i < t->shape.dims; i++)
		if (!t->shape.dim[i])
			return false;
	return true;
}

bool xqm_moves(const struct xqm_graph *graph, int tensor)
{
	const struct xqm_tensor *t = xqm_tensor(graph, tensor);

	return t && !t->data;
}

bool xqm_one_scale(const struct xqm_graph *graph, int tensor)
{
	const struct xqm_tensor *t = xqm_tensor(graph, tensor);

	return t && t->quantization.count == 1 && t->quantization.scale[0] > 0;
}

bool xqm_same_scale(const struct xqm_graph *graph, int a, int b)
{
	const struct xqm_tensor *x = xqm_tensor(graph, a), *y = xqm_tensor(graph, b);

	if (!x || !y || x->quantization.count > 1 || y->quantization.count > 1)
		return false;
	if (!x->quantization.count || !y->quantization.count)
		return x->quantization.count == y->quantization.count;
	return x->quantization.scale[0] == y->quantization.scale[0] && xqm_zero_point(x, 0) == xqm_zero_point(y, 0);
}

int xqm_constant_integers(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int operand,
			  int64_t *to, unsigned int room)
{
	const struct xqm_tensor *t = xqm_input(graph, op, operand);
	int64_t i, n;

	if (!t)
		return 0;
	n = xqm_elements(&t->shape);
	if (!t->data || (t->type != XQ_S32 && t->type != XQ_MODEL_S64) || n < 0 || n > room)
		return -1;
	for (i = 0; i < n; i++)
		to[i] = t->type == XQ_S32 ? ((const int32_t *)t->data)[i] : ((const int64_t *)t->data)[i];
	return (int)n;
}

/* TensorFlow Lite rounds halves of bounds away from zero, ONNX to even. */
static int32_t bound(const struct xqm_tensor *y, enum xq_requant_profile arithmetic, float value, int32_t otherwise)
{
	const float q = value / y->quantization.scale[0];
	const double z = (double)(arithmetic == XQ_REQUANT_ONNX ? rintf(q) : roundf(q)) + xqm_zero_point(y, 0);
	const int64_t least = xq_type_min((enum xq_type)y->type), most = xq_type_max((enum xq_type)y->type);

	if (!isfinite(value))
		return otherwise;
	return (int32_t)(z < (double)least ? least : z > (double)most ? most : (int64_t)z);
}

bool xqm_bounds(const struct xqm_tensor *y, enum xq_requant_profile arithmetic, float low, float high, int32_t *min,
		int32_t *max)
{
	*min = (int32_t)xq_type_min((enum xq_type)y->type);
	*max = (int32_t)xq_type_max((enum xq_type)y->type);
	if (isinf(low) && isinf(high))
		return false;
	*min = bound(y, arithmetic, low, *min);
	*max = bound(y, arithmetic, high, *max);
	return true;
}

bool xqm_geometry(const struct xqm_window *w, unsigned int dim, int64_t in, int64_t kernel, int64_t *begin,
		  int64_t *end, int64_t *out)
{
	const int64_t stride = (int64_t)w->stride[dim], whole = (kernel - 1) * (int64_t)w->dilation[dim] + 1;
	int64_t total;

	if (kernel < 1 || in < 1)
		return false;
	if (w->padding == XQM_PAD_GIVEN) {
		*begin = w->begin[dim];
		*end = w->end[dim];
		total = in + *begin + *end - whole;
		*out = total < 0 ? 0 : (w->ceil ? total + stride - 1 : total) / stride + 1;
		return *out > 0;
	}
	*out = (in + stride - 1) / stride;
	total = (*out - 1) * stride + whole - in;
	total = total < 0 ? 0 : total;
	*begin = w->padding == XQM_PAD_SAME ? total / 2 : total - total / 2;
	*end = total - *begin;
	return true;
}
