// SPDX-License-Identifier: MIT
/*
 * Tensors as they lie in memory: without gaps, as boxes of others, and as rows of a job's operand.
 */
#include <string.h>

#include "plan.h"

size_t xqn_dense(struct xqn_view *v)
{
	size_t bytes = xqn_row_bytes(v);
	unsigned int i;

	if (v->dims)
		v->stride[v->dims - 1] = xqn_packed(v) ? 0 : xq_type_bits(v->type) / 8;
	for (i = v->dims - 1; v->dims && i-- > 0;) {
		v->stride[i] = bytes;
		bytes *= v->dim[i];
	}
	return bytes;
}

bool xqn_is_dense(const struct xqn_view *v)
{
	struct xqn_view dense = *v;
	unsigned int i;

	xqn_dense(&dense);
	for (i = 0; i < v->dims; i++)
		if (v->dim[i] != 1 && v->stride[i] != dense.stride[i])
			return false;
	return true;
}

static void turn_round(size_t *sizes, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count / 2; i++) {
		const size_t first = sizes[i];

		sizes[i] = sizes[count - 1 - i];
		sizes[count - 1 - i] = first;
	}
}

unsigned int xqn_join(const struct xqn_view *const *views, unsigned int count, unsigned int dims, size_t most,
		      size_t *dim, size_t *stride)
{
	unsigned int left = 0, i, v;

	for (i = dims; i-- > 0;) {
		const size_t size = views[0]->dim[i];
		bool joins = left && size <= most / dim[left - 1];

		if (size == 1)
			continue;
		for (v = 0; v < count && joins; v++)
			joins = views[v]->stride[i] == stride[v * XQ_NETWORK_DIMS + left - 1] * dim[left - 1];
		if (joins) {
			dim[left - 1] *= size;
			continue;
		}
		dim[left] = size;
		for (v = 0; v < count; v++)
			stride[v * XQ_NETWORK_DIMS + left] = views[v]->stride[i];
		left++;
	}
	turn_round(dim, left);
	for (v = 0; v < count; v++)
		turn_round(stride + v * XQ_NETWORK_DIMS, left);
	return left;
}

bool xqn_box(const struct xqn_view *v, const size_t *begin, const size_t *dim, const size_t *step,
	     struct xqn_view *box)
{
	const unsigned int last = v->dims - 1;
	unsigned int i;

	*box = *v;
	for (i = 0; i < v->dims; i++) {
		box->dim[i] = dim[i];
		if (i == last && xqn_packed(v)) {
			const size_t bits = begin[i] * xq_type_bits(v->type);

			if (bits % 8 || (step[i] != 1 && dim[i] != 1))
				return false;
			box->offset += bits / 8;
			continue;
		}
		box->offset += begin[i] * v->stride[i];
		box->stride[i] = v->stride[i] * step[i];
	}
	return true;
}
