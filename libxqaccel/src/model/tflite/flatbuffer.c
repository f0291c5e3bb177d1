// SPDX-License-Identifier: MIT
/*
 * The wire format of FlatBuffers. All numbers are little-endian.
 */
#include <errno.h>
#include <string.h>

#include "flatbuffer.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are taken as they lie in the file");

void xqt_fail(struct xqt_file *file, size_t at, const char *what)
{
	if (!file->error)
		file->error = xqm_fail(file->graph, -EINVAL, "%s at byte %zu of the file, which has %zu", what, at,
				       file->bytes);
}

/* Whether so many bytes are there; else the file is bad. */
static bool reaches(struct xqt_file *file, size_t at, size_t bytes, const char *what)
{
	if (at <= file->bytes && bytes <= file->bytes - at)
		return true;
	xqt_fail(file, at, what);
	return false;
}

static bool spend(struct xqt_file *file, size_t at, size_t bytes)
{
	if (bytes > file->budget) {
		xqt_fail(file, at, "the file refers to its parts more often than a model does,");
		return false;
	}
	file->budget -= bytes;
	return true;
}

static int64_t integer(const struct xqt_file *file, size_t at, size_t bytes)
{
	int64_t v8;
	int32_t v4;
	int16_t v2;

	switch (bytes) {
	case 1:
		return (int8_t)file->data[at];
	case 2:
		memcpy(&v2, file->data + at, sizeof(v2));
		return v2;
	case 4:
		memcpy(&v4, file->data + at, sizeof(v4));
		return v4;
	default:
		memcpy(&v8, file->data + at, sizeof(v8));
		return v8;
	}
}

/* Where a distance at a place leads to; 0 if the file is bad. Distances forward are never 0. */
static size_t follow(struct xqt_file *file, size_t at)
{
	uint32_t distance;

	if (!reaches(file, at, sizeof(distance), "a reference is cut off"))
		return 0;
	distance = (uint32_t)integer(file, at, 4);
	if (!distance || distance > file->bytes - at) {
		xqt_fail(file, at, "a reference leads nowhere");
		return 0;
	}
	return at + distance;
}

static struct xqt_table table(struct xqt_file *file, size_t at)
{
	struct xqt_table t = { .file = file, .at = at };
	int64_t vtable;

	if (!at || !reaches(file, at, 4, "a table is cut off"))
		return (struct xqt_table){ .file = file };
	vtable = (int64_t)at - integer(file, at, 4);
	if (vtable < 0 || (uint64_t)vtable > file->bytes || !reaches(file, (size_t)vtable, 4, "the fields of a table are cut off")) {
		xqt_fail(file, at, "a table has no list of its fields");
		return (struct xqt_table){ .file = file };
	}
	t.vtable = (size_t)vtable;
	t.vtable_bytes = (uint16_t)integer(file, t.vtable, 2);
	t.table_bytes = (uint16_t)integer(file, t.vtable + 2, 2);
	if (t.vtable_bytes < 4 || t.table_bytes < 4 ||
	    !reaches(file, t.vtable, t.vtable_bytes, "the fields of a table are cut off") ||
	    !reaches(file, at, t.table_bytes, "a table is cut off")) {
		xqt_fail(file, at, "a table has no list of its fields");
		return (struct xqt_table){ .file = file };
	}
	/* A table may be shared, and what is made of it takes memory each time. */
	if (!spend(file, at, 64))
		return (struct xqt_table){ .file = file };
	return t;
}

struct xqt_table xqt_root(struct xqt_file *file)
{
	return table(file, follow(file, 0));
}

/* Place of a field, 0 if it is absent. */
static size_t field_at(const struct xqt_table *t, unsigned int field, size_t bytes)
{
	const size_t entry = 4 + 2 * (size_t)field;
	size_t offset;

	if (entry + 2 > t->vtable_bytes || t->file->error)
		return 0;
	offset = (uint16_t)integer(t->file, t->vtable + entry, 2);
	if (!offset)
		return 0;
	if (offset < 4 || offset + bytes > t->table_bytes) {
		xqt_fail(t->file, t->at, "a field lies outside of its table");
		return 0;
	}
	return t->at + offset;
}

bool xqt_has(const struct xqt_table *t, unsigned int field)
{
	return field_at(t, field, 1);
}

int64_t xqt_integer(const struct xqt_table *t, unsigned int field, size_t bytes, int64_t otherwise)
{
	const size_t at = field_at(t, field, bytes);

	return at ? integer(t->file, at, bytes) : otherwise;
}

float xqt_float(const struct xqt_table *t, unsigned int field, float otherwise)
{
	const size_t at = field_at(t, field, sizeof(float));

	if (at)
		memcpy(&otherwise, t->file->data + at, sizeof(otherwise));
	return otherwise;
}

struct xqt_table xqt_child(const struct xqt_table *t, unsigned int field)
{
	const size_t at = field_at(t, field, 4);

	return at ? table(t->file, follow(t->file, at)) : (struct xqt_table){ .file = t->file };
}

struct xqt_vector xqt_vector(const struct xqt_table *t, unsigned int field, size_t element)
{
	const size_t entry = field_at(t, field, 4), at = entry ? follow(t->file, entry) : 0;
	struct xqt_vector v = { .file = t->file };
	uint32_t count;

	if (!at || !reaches(t->file, at, 4, "a list is cut off"))
		return v;
	count = (uint32_t)integer(t->file, at, 4);
	if (count > t->file->bytes / element || !reaches(t->file, at + 4, count * element, "a list is cut off")) {
		xqt_fail(t->file, at, "a list is cut off");
		return v;
	}
	if (!spend(t->file, at, count * element))
		return v;
	v.at = at + 4;
	v.count = count;
	return v;
}

const char *xqt_string(const struct xqt_table *t, unsigned int field, size_t *length)
{
	const struct xqt_vector v = xqt_vector(t, field, 1);

	*length = v.count;
	return v.count ? (const char *)t->file->data + v.at : "";
}

struct xqt_table xqt_table_at(const struct xqt_vector *v, size_t i)
{
	if (v->file->error)
		return (struct xqt_table){ .file = v->file };
	return table(v->file, follow(v->file, v->at + 4 * i));
}

int64_t xqt_integer_at(const struct xqt_vector *v, size_t bytes, size_t i)
{
	return integer(v->file, v->at + bytes * i, bytes);
}

float xqt_float_at(const struct xqt_vector *v, size_t i)
{
	float value;

	memcpy(&value, v->file->data + v->at + sizeof(value) * i, sizeof(value));
	return value;
}
