// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
	*t = (struct tensor){ .kind = kind, .bytes = bytes, .format = XQ_FLOAT_FP16, .ndim = ndim };
	if (ndim)
		memcpy(t->dim, dim, ndim * sizeof(*dim));
	if (!tensor_count(t))
		return false;
	t->data = calloc(t->count ? t->count : 1, bytes);
	return t->data;
}

void tensor_free(struct tensor *t)
{
	if (t->map)
		munmap(t->map, t->map_bytes);
	else
		free(t->data);
	t->data = t->map = NULL;
}

void tensor_forget(const struct tensor *t, size_t first, size_t count)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t from = (uintptr_t)t->data + first * t->bytes, to = from + count * t->bytes;

	/* What begins in the middle of a page goes with the piece before it. */
	if (t->map && to / page * page > from / page * page)
		madvise((void *)(from / page * page), to / page * page - from / page * page, MADV_DONTNEED);
}

static void narrow_elements(struct tensor *t, unsigned int bits)
{
	const unsigned int sign = t->kind == 'i' ? 1U << (bits - 1) : 0, mask = (1U << bits) - 1;
	uint8_t *element = t->data;

	for (size_t i = 0; i < t->count; i++)
		element[i] = (uint8_t)(((element[i] & mask) ^ sign) - sign);
}

const char *tensor_take(struct byte_source *from, unsigned int narrow, struct tensor *t)
{
	const size_t bytes = t->count * t->bytes;
	const char *wrong;

	if (byte_source_short(from, bytes))
		return "it is cut short";
	wrong = byte_source_alloc(from, bytes, &t->data);
	if (!wrong && narrow)
		narrow_elements(t, narrow);
	return wrong;
}

static const struct {
	const char *name;
	char kind;
	unsigned int bytes;
	enum xq_float_format format;
} types[] = {
	{ "int8", 'i', 1, 0 }, { "int16", 'i', 2, 0 }, { "int32", 'i', 4, 0 }, { "int64", 'i', 8, 0 },
	{ "uint8", 'u', 1, 0 }, { "uint16", 'u', 2, 0 }, { "uint32", 'u', 4, 0 }, { "uint64", 'u', 8, 0 },
	{ "float16", 'f', 2, XQ_FLOAT_FP16 }, { "bfloat16", 'f', 2, XQ_FLOAT_BF16 },
	{ "float8_e4m3fn", 'f', 1, XQ_FLOAT_E4M3 }, { "float8_e5m2", 'f', 1, XQ_FLOAT_E5M2 },
	{ "float32", 'f', 4, 0 }, { "float64", 'f', 8, 0 }, { "bool", 'u', 1, 0 },
};

bool tensor_set_type(struct tensor *t, const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcmp(name, types[i].name)) {
			t->kind = types[i].kind;
			t->bytes = types[i].bytes;
			t->format = types[i].format;
			return true;
		}
	}
	return false;
}

const char *tensor_type_name(const struct tensor *t)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].kind == t->kind && types[i].bytes == t->bytes &&
		    (t->kind != 'f' || t->bytes > 2 || types[i].format == t->format))
			return types[i].name;
	}
	return "of no type";
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
	if (t->bytes == 1)
		return xq_float_decode_one(((uint8_t *)t->data)[i], t->format);
	if (t->bytes == 2)
		return xq_float_decode_one(((uint16_t *)t->data)[i], t->format);
	return t->bytes == 4 ? ((float *)t->data)[i] : ((double *)t->data)[i];
}
