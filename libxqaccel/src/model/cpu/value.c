// SPDX-License-Identifier: MIT
/*
 * Values that kernels work on.
 */
#include <errno.h>

#include "kernel.h"

size_t xqm_value_elements(const struct xqm_value *value)
{
	size_t n = 1;
	unsigned int i;

	for (i = 0; i < value->dims; i++)
		n *= value->dim[i];
	return n;
}

size_t xqm_value_bytes(const struct xqm_value *value)
{
	return xq_model_type_bytes(value->type);
}

int xqm_integers(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *value,
		 const char *what, int64_t *to, unsigned int room)
{
	size_t i, n = xqm_value_elements(value);

	if (value->type != XQ_S32 && value->type != XQ_MODEL_S64)
		return xqm_fail_at(graph, op, -EINVAL, "%s are of type %s, not integers", what,
				   xq_model_type_name(value->type));
	if (!value->data)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "%s depend on what the model computes", what);
	if (n > room)
		return xqm_fail_at(graph, op, -EINVAL, "%s are %zu numbers, the most are %u", what, n, room);
	for (i = 0; i < n; i++)
		to[i] = value->type == XQ_S32 ? ((const int32_t *)value->data)[i] :
			((const int64_t *)value->data)[i];
	return (int)n;
}

int xqm_axis_of(struct xqm_graph *graph, const struct xqm_operator *op, int64_t axis, unsigned int dims)
{
	if (axis < -(int64_t)dims || axis >= (int64_t)dims)
		return xqm_fail_at(graph, op, -EINVAL, "axis %lld of a tensor of %u dimensions", (long long)axis, dims);
	return (int)(axis < 0 ? axis + dims : axis);
}
