// SPDX-License-Identifier: MIT
/*
 * safetensors: 8 bytes of a length, a JSON object of so many bytes that has for each tensor its type,
 * shape and place, and the tensors. Read by jansson; without it (cross compiling) refused.
 */
#include "archive.h"

#ifdef XQ_WITH_JANSSON
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* The format's own limit. */
#define MOST_HEADER_BYTES	(100U << 20)

static const struct {
	const char *name, *type;
} types[] = {
	{ "F64", "float64" }, { "F32", "float32" }, { "F16", "float16" }, { "BF16", "bfloat16" },
	{ "F8_E4M3", "float8_e4m3fn" }, { "F8_E5M2", "float8_e5m2" }, { "I64", "int64" }, { "I32", "int32" },
	{ "I16", "int16" }, { "I8", "int8" }, { "U64", "uint64" }, { "U32", "uint32" }, { "U16", "uint16" },
	{ "U8", "uint8" }, { "BOOL", "bool" },
};

static bool is_tensor(const char *name)
{
	return strcmp(name, "__metadata__");
}

static const char *next_name(void *context)
{
	void **at = context;
	const char *name = NULL;

	while (*at && !name) {
		name = json_object_iter_key(*at);
		if (!is_tensor(name))
			name = NULL;
		*at = json_object_iter_next(at[1], *at);
	}
	return name;
}

/* The only one, if there is one. */
static json_t *only(json_t *header)
{
	json_t *found = NULL, *value;
	const char *name;

	json_object_foreach(header, name, value) {
		if (is_tensor(name) && found)
			return NULL;
		if (is_tensor(name))
			found = value;
	}
	return found;
}

static const char *read_type(json_t *entry, struct tensor *t)
{
	const char *name = json_string_value(json_object_get(entry, "dtype"));

	for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcmp(name, types[i].name))
			return tensor_set_type(t, types[i].type) ? NULL : "its element type is unknown";
	}
	return name ? "its element type is none of F64 F32 F16 BF16 F8_E4M3 F8_E5M2, I64 to I8, U64 to U8, and BOOL" :
		      "its header has no type for the tensor";
}

static const char *read_shape(json_t *entry, struct tensor *t)
{
	json_t *shape = json_object_get(entry, "shape"), *size;
	size_t i;

	if (!json_is_array(shape))
		return "its header has no shape for the tensor";
	if (json_array_size(shape) > TENSOR_MAX_DIMS)
		return "it has too many dimensions";
	json_array_foreach(shape, i, size) {
		if (!json_is_integer(size) || json_integer_value(size) < 0)
			return "the shape in its header is malformed";
		t->dim[t->ndim++] = (size_t)json_integer_value(size);
	}
	return tensor_count(t) ? NULL : "its shape is too large";
}

static const char *read_place(json_t *entry, const struct tensor *t, uint64_t *skip)
{
	json_t *place = json_object_get(entry, "data_offsets");
	json_t *from = json_array_get(place, 0), *to = json_array_get(place, 1);

	if (json_array_size(place) != 2 || !json_is_integer(from) || !json_is_integer(to) ||
	    json_integer_value(from) < 0 || json_integer_value(to) < json_integer_value(from))
		return "its header has no place for the tensor";
	*skip = (uint64_t)json_integer_value(from);
	return (uint64_t)(json_integer_value(to) - json_integer_value(from)) == t->count * t->bytes ? NULL :
	       "the tensor's bytes are more or fewer than its shape and type have";
}

static const char *read_entry(json_t *header, const char *member, struct tensor *t, uint64_t *skip)
{
	json_t *entry = !member ? only(header) : is_tensor(member) ? json_object_get(header, member) : NULL;
	void *at[2] = { json_object_iter(header), header };
	const char *wrong;

	if (!entry)
		return archive_no_member(member, next_name, at);
	wrong = read_type(entry, t);
	if (!wrong)
		wrong = read_shape(entry, t);
	return wrong ? wrong : read_place(entry, t, skip);
}

const char *safetensors_header(struct byte_source *from, uint64_t length, const char *member, struct tensor *t,
			       uint64_t *skip)
{
	const char *wrong;
	json_t *header;
	char *text;

	*t = (struct tensor){ 0 };
	if (length > MOST_HEADER_BYTES)
		return "it is neither a .npy, a .npz nor a safetensors file";
	if (byte_source_short(from, length))
		return "it is cut short, or no tensor file";
	text = malloc((size_t)length + 1);
	if (!text)
		return "there is not enough memory for it";
	wrong = byte_source_get(from, text, (size_t)length);
	if (wrong) {
		free(text);
		return wrong;
	}
	header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	wrong = json_is_object(header) ? read_entry(header, member, t, skip) :
		"it is neither a .npy, a .npz nor a safetensors file";
	json_decref(header);
	return wrong;
}

#else

const char *safetensors_header(struct byte_source *from, uint64_t length, const char *member, struct tensor *t,
			       uint64_t *skip)
{
	(void)from;
	(void)length;
	(void)member;
	(void)skip;
	*t = (struct tensor){ 0 };
	return "it is neither a .npy nor a .npz file, and this xq was built without jansson for safetensors";
}
#endif
