// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/float_formats.h>

#include "tensor.h"

bool tensor_count(struct tensor *t)
{
	bool empty = false;
	size_t bytes;
	unsigned int i;

	for (i = 0; i < t->ndim; i++)
		empty |= !t->dim[i];
	t->count = empty ? 0 : 1;
	for (i = 0; i < t->ndim && !empty; i++)
		if (__builtin_mul_overflow(t->count, t->dim[i], &t->count))
			return false;
	return !__builtin_mul_overflow(t->count, (size_t)t->bytes, &bytes) &&
	       bytes <= PTRDIFF_MAX;
}

bool tensor_alloc(struct tensor *t, char kind, unsigned int bytes, unsigned int ndim,
		  const size_t *dim)
{
	*t = (struct tensor){ .kind = kind, .bytes = bytes, .ndim = ndim };
	if (ndim)
		memcpy(t->dim, dim, ndim * sizeof(*dim));
	if (!tensor_count(t))
		return false;
	t->data = calloc(t->count ? t->count : 1, bytes);
	return t->data;
}

void tensor_free(struct tensor *t)
{
	free(t->data);
	t->data = NULL;
}

const char *tensor_type_name(const struct tensor *t)
{
	static const char *const names[3][4] = {
		{ "int8", "int16", "int32", "int64" },
		{ "uint8", "uint16", "uint32", "uint64" },
		{ "float8", "float16", "float32", "float64" },
	};
	const int width = t->bytes == 1 ? 0 : t->bytes == 2 ? 1 : t->bytes == 4 ? 2 : 3;

	return names[t->kind == 'i' ? 0 : t->kind == 'u' ? 1 : 2][width];
}

const char *tensor_shape(const struct tensor *t)
{
	static char text[4][TENSOR_MAX_DIMS * 22 + 3];
	static unsigned int next;
	char *out = text[next++ % 4];
	size_t at = 1;
	unsigned int i;

	out[0] = '[';
	for (i = 0; i < t->ndim; i++)
		at += (size_t)sprintf(out + at, i ? ", %zu" : "%zu", t->dim[i]);
	strcpy(out + at, "]");
	return out;
}

bool tensor_fits_int64(const struct tensor *t, size_t i)
{
	return t->kind != 'u' || t->bytes < 8 || ((uint64_t *)t->data)[i] <= INT64_MAX;
}

int64_t tensor_int(const struct tensor *t, size_t i)
{
	const bool is_signed = t->kind == 'i';

	switch (t->bytes) {
	case 1:
		return is_signed ? ((int8_t *)t->data)[i] : ((uint8_t *)t->data)[i];
	case 2:
		return is_signed ? ((int16_t *)t->data)[i] : ((uint16_t *)t->data)[i];
	case 4:
		return is_signed ? ((int32_t *)t->data)[i] : (int64_t)((uint32_t *)t->data)[i];
	default:
		if (!tensor_fits_int64(t, i))
			return INT64_MAX;
		return ((int64_t *)t->data)[i];
	}
}

double tensor_double(const struct tensor *t, size_t i)
{
	if (t->kind != 'f')
		return (double)tensor_int(t, i);
	if (t->bytes == 2)
		return xq_float_decode_one(((uint16_t *)t->data)[i], XQ_FLOAT_FP16);
	return t->bytes == 4 ? ((float *)t->data)[i] : ((double *)t->data)[i];
}
