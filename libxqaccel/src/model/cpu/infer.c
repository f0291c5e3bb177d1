// SPDX-License-Identifier: MIT
/*
 * Checks of operands.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "elements.h"
#include "infer.h"

static int of_class(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		    unsigned int operands, bool real)
{
	for (unsigned int i = 0; i < operands; i++) {
		enum xqm_class class = xqm_class_of(in[i].type);

		if (in[i].type == XQ_NONE && (i || real))
			continue;
		if (class == XQM_NO_CLASS || (real && class != XQM_REAL))
			return xqm_fail_at(graph, op, -EOPNOTSUPP, "operand %u is of type %s, which is not computed", i,
					   xq_model_type_name(in[i].type));
	}
	return 0;
}

int xqm_numbers(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		unsigned int operands)
{
	return of_class(graph, op, in, operands, false);
}

int xqm_reals(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
	      unsigned int operands)
{
	return of_class(graph, op, in, operands, true);
}

int xqm_need_type(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *value,
		  const char *what, int type)
{
	if (value->type == type)
		return 0;
	return xqm_fail_at(graph, op, -EINVAL, "%s of type %s, not %s", what, xq_model_type_name(value->type),
			   xq_model_type_name(type));
}

int xqm_need_dims(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *value,
		  const char *what, unsigned int dims)
{
	if (value->dims == dims)
		return 0;
	return xqm_fail_at(graph, op, -EINVAL, "%s of %u dimensions, not %u", what, value->dims, dims);
}

int xqm_need_scales(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in, unsigned int operand,
		    const struct xqm_value *q)
{
	const struct xqm_value *scale = &in[operand];
	const bool constant = q && q->data;

	for (size_t i = 0; scale->data && i < xqm_value_elements(scale); i++) {
		const double s = xqm_real_at(scale, i);

		if (!isfinite(s) || (s <= 0 && !constant))
			return xqm_fail_at(graph, op, -EINVAL, "operand %u has a scale of %g, which has to be finite%s", operand, s,
					   constant ? "" : " and above 0");
	}
	return 0;
}

void xqm_same(struct xqm_value *out, const struct xqm_value *as)
{
	out->type = as->type;
	out->dims = as->dims;
	memcpy(out->dim, as->dim, sizeof(out->dim));
}

int xqm_size(struct xqm_graph *graph, const struct xqm_operator *op, int64_t size, size_t *to)
{
	if (size < 0)
		return xqm_fail_at(graph, op, -EINVAL, "the output would have a size of %lld", (long long)size);
	if (size > XQM_MAX_SIZE)
		return xqm_fail_at(graph, op, -EOVERFLOW, "the output would have a size of %lld", (long long)size);
	*to = (size_t)size;
	return 0;
}

size_t xqm_outer(const struct xqm_value *value, unsigned int axis)
{
	size_t n = 1;

	for (unsigned int d = 0; d < axis; d++)
		n *= value->dim[d];
	return n;
}

size_t xqm_inner(const struct xqm_value *value, unsigned int axis)
{
	size_t n = 1;

	for (unsigned int d = axis + 1; d < value->dims; d++)
		n *= value->dim[d];
	return n;
}
