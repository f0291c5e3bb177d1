// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "element.h"

/* Integers of any of the types. */
static __int128 wide(const struct tensor *t, size_t i)
{
	return tensor_fits_int64(t, i) ? (__int128)tensor_int(t, i) : (__int128)((const uint64_t *)t->data)[i];
}

int element_order(const struct tensor *a, size_t i, const struct tensor *b, size_t j)
{
	if (a->kind != 'f' && b->kind != 'f') {
		const __int128 x = wide(a, i), y = wide(b, j);

		return (x > y) - (x < y);
	}
	/* At least 64 bits of mantissa: an integer of any type and a double, both exactly. */
	const long double x = a->kind == 'f' ? tensor_double(a, i) : (long double)wide(a, i);
	const long double y = b->kind == 'f' ? tensor_double(b, j) : (long double)wide(b, j);

	return (x > y) - (x < y);
}

double element_double(const struct tensor *t, size_t i)
{
	return t->kind == 'f' ? tensor_double(t, i) : (double)wide(t, i);
}

double element_difference(const struct tensor *a, size_t i, const struct tensor *b, size_t j)
{
	if (a->kind != 'f' && b->kind != 'f')
		return (double)(wide(a, i) - wide(b, j));
	return element_double(a, i) - element_double(b, j);
}

const char *element_text(const struct tensor *t, size_t i)
{
	static char text[4][32];
	static unsigned int next;
	char *out = text[next++ % 4];

	if (t->kind != 'f' && !tensor_fits_int64(t, i)) {
		snprintf(out, sizeof(text[0]), "%" PRIu64, ((const uint64_t *)t->data)[i]);
	} else if (t->kind != 'f') {
		snprintf(out, sizeof(text[0]), "%" PRId64, tensor_int(t, i));
	} else {
		const double value = tensor_double(t, i);

		/* The least digits that give it back. */
		for (int digits = 3; digits <= 17; digits++) {
			snprintf(out, sizeof(text[0]), "%.*g", digits, value);
			if (t->bytes == 8 ? strtod(out, NULL) == value : (double)strtof(out, NULL) == value)
				break;
		}
	}
	return out;
}

void element_indices(const struct tensor *t, size_t i, size_t *indices)
{
	for (unsigned int d = t->ndim; d--; i /= t->dim[d])
		indices[d] = i % t->dim[d];
}

const char *element_place(const struct tensor *t, size_t i)
{
	struct tensor place = { .ndim = t->ndim };

	element_indices(t, i, place.dim);
	return tensor_shape(&place);
}
