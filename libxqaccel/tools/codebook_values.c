// SPDX-License-Identifier: MIT
#include <inttypes.h>

#include "codebook_values.h"
#include "command.h"
#include "element.h"

int codebook_values(const struct tensor *q, const struct tensor *table, const struct tensor *scales,
		    const struct layout_piece *piece, float *x)
{
	const float *scale = (const float *)scales->data + piece->param;
	size_t rows = table->ndim == 2 ? table->dim[0] : 1, entries, k;

	if ((table->ndim != 1 && table->ndim != 2) || (table->kind != 'f' && (table->kind != 'i' || table->bytes != 1)))
		return fail("--codebook must be of floats or int8, [entries] or [C, entries] (it is %s %s)",
			    tensor_type_name(table), tensor_shape(table));
	if (table->ndim == 2 && (!q->ndim || q->dim[0] != rows))
		return fail("--codebook must have a table for each index of the first axis of the codes (it has %zu, the codes are %s)",
			    rows, tensor_shape(q));
	entries = table->dim[table->ndim - 1];
	k = rows ? q->count / rows : 0;
	for (size_t i = 0; i < piece->elements; i++) {
		size_t at = piece->first + i;
		int64_t code = tensor_int(q, at);

		if (code < 0 || (uint64_t)code >= entries)
			return fail("a code must be an index into the table of %zu (element %s is %" PRId64 ")", entries,
				    element_place(q, at), code);
		x[i] = (float)tensor_double(table, at / k * entries + (size_t)code) *
		       scale[layout_param(&piece->layout, i)];
	}
	return 0;
}
