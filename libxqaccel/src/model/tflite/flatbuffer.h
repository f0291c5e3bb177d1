/* SPDX-License-Identifier: MIT */
/*
 * Tables of a FlatBuffers file, checked as they are read. Internal.
 *
 * A table begins with the distance back to its vtable, which has the distance of each field from the table's
 * begin; strings, vectors and other tables are distances forward, so that nothing contains itself. What
 * reaches past its end makes the file bad: the sentence of the graph says where, getters return defaults from then on,
 * and whoever reads asks xqt_bad() at the end of a part.
 *
 * Tables may be shared in a file, so that following all distances can be much more work than the file is long. The bytes
 * of vectors and strings that are asked for are therefore counted, and may be a few times those of the file.
 */
#ifndef XQ_TFLITE_FLATBUFFER_H
#define XQ_TFLITE_FLATBUFFER_H

#include "libxqaccel/src/model/graph.h"

/**
 * struct xqt_file - a file in memory
 * @graph: gets the sentence
 * @budget: bytes that may still be asked for
 * @error: 0, or what made it bad
 */
struct xqt_file {
	const uint8_t *data;
	size_t bytes, budget;
	struct xqm_graph *graph;
	int error;
};

/** struct xqt_table - a table; of all zeros is one that is not there, whose fields have their defaults */
struct xqt_table {
	struct xqt_file *file;
	size_t at, vtable, vtable_bytes, table_bytes;
};

/** struct xqt_vector - elements, which lie in the file from @at on, not aligned */
struct xqt_vector {
	struct xqt_file *file;
	size_t at, count;
};

/* The sentence, which goes on with the place; the first one counts. */
void xqt_fail(struct xqt_file *file, size_t at, const char *what);

static inline bool xqt_bad(const struct xqt_file *file)
{
	return file->error;
}

/* The table that the file begins with. */
struct xqt_table xqt_root(struct xqt_file *file);

/* Fields by their number in the schema. */
bool xqt_has(const struct xqt_table *t, unsigned int field);
int64_t xqt_integer(const struct xqt_table *t, unsigned int field, size_t bytes, int64_t otherwise);
float xqt_float(const struct xqt_table *t, unsigned int field, float otherwise);
struct xqt_table xqt_child(const struct xqt_table *t, unsigned int field);

/* A vector of elements of so many bytes, or of tables (4 bytes each). */
struct xqt_vector xqt_vector(const struct xqt_table *t, unsigned int field, size_t element);

/* A string, which lives as long as the file and has no end of its own; "" and a length of 0 if it is absent. */
const char *xqt_string(const struct xqt_table *t, unsigned int field, size_t *length);

/* Elements of vectors; i is below the count. */
struct xqt_table xqt_table_at(const struct xqt_vector *v, size_t i);
int64_t xqt_integer_at(const struct xqt_vector *v, size_t bytes, size_t i);
float xqt_float_at(const struct xqt_vector *v, size_t i);

#endif
