// SPDX-License-Identifier: MIT
#include "codebook_values.h"
#include "command.h"

/* The scale of element i, as xqaccel/quantize.h defines layouts. */
static float scale_at(const float *scale, const struct xq_layout *l, size_t i)
{
	size_t a = i / l->inner % l->axis, o = i / l->inner / l->axis;

	switch (l->per) {
	case XQ_PER_CHANNEL:
		return scale[a];
	case XQ_PER_BLOCK:
		return scale[(o * (l->axis / l->block + !!(l->axis % l->block)) + a / l->block) * l->inner +
			     i % l->inner];
	default:
		return scale[0];
	}
}

int codebook_values(const struct tensor *q, const struct tensor *table, const float *scale,
		    const struct xq_layout *layout, float *x)
{
	size_t rows = table->ndim == 2 ? table->dim[0] : 1, entries, k;

	if ((table->ndim != 1 && table->ndim != 2) || (table->kind != 'f' && (table->kind != 'i' || table->bytes != 1)))
		return fail("--codebook must be of floats or int8, [entries] or [C, entries] (it is %s %s)",
			    tensor_type_name(table), tensor_shape(table));
	if (table->ndim == 2 && (!q->ndim || q->dim[0] != rows))
		return fail("--codebook has %zu tables for codes of shape %s", rows, tensor_shape(q));
	entries = table->dim[table->ndim - 1];
	k = rows ? q->count / rows : 0;
	for (size_t i = 0; i < q->count; i++) {
		int64_t code = tensor_int(q, i);

		if (code < 0 || (uint64_t)code >= entries)
			return fail("a code is past the end of the table of %zu (element %zu)", entries, i);
		x[i] = (float)tensor_double(table, i / k * entries + (size_t)code) * scale_at(scale, layout, i);
	}
	return 0;
}
