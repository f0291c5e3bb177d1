/* SPDX-License-Identifier: MIT */
/*
 * A tensor in memory: little-endian, C order, elements as the files hold them.
 */
#ifndef XQ_TOOL_TENSOR_H
#define XQ_TOOL_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xqaccel/float_formats.h>

#include "byte_source.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are read and written as they lie in memory");

#define TENSOR_MAX_DIMS	16

/**
 * struct tensor - elements and their shape
 * @kind: 'i' signed, 'u' unsigned (bool too), 'f' floating
 * @bytes: of an element: 1, 2, 4 or 8
 * @format: of floating elements of 1 or 2 bytes: E4M3, E5M2; FP16, BF16
 * @ndim: 0 for a scalar
 * @count: product of the dimensions
 * @data: the elements; never NULL in a tensor that was read
 * @map: @map_bytes: where @data lies if it is a mapping of a file, else NULL: @data is malloc()ed
 *
 * Integers narrower than a byte are held one a byte.
 */
struct tensor {
	char kind;
	unsigned int bytes;
	enum xq_float_format format;
	unsigned int ndim;
	size_t dim[TENSOR_MAX_DIMS];
	size_t count;
	void *data;
	void *map;
	size_t map_bytes;
};

/* Sets count from dim. False if it or the size in bytes overflows. */
bool tensor_count(struct tensor *t);

/* Sets kind, bytes and format by a name: int8 .. uint64, bool, float16 .. float64, bfloat16,
 * float8_e4m3fn, float8_e5m2. False if there is none of it.
 */
bool tensor_set_type(struct tensor *t, const char *name);

/* Allocates zeroed data for kind, bytes and shape; false if there is no memory. Floats of two
 * bytes are float16.
 */
bool tensor_alloc(struct tensor *t, char kind, unsigned int bytes, unsigned int ndim,
		  const size_t *dim);

void tensor_free(struct tensor *t);

/*
 * These elements are not needed again soon: where the tensor is a mapping of a file, the memory that
 * they take is given back. They stay as they are.
 */
void tensor_forget(const struct tensor *t, size_t first, size_t count);

/*
 * Reads the elements of a tensor whose type and shape are set, count too. With narrow bits only
 * those of each integer are kept, and extended by their sign. NULL, or what is wrong.
 */
const char *tensor_take(struct byte_source *from, unsigned int narrow, struct tensor *t);

/* "int8", "float32", "bfloat16", ... */
const char *tensor_type_name(const struct tensor *t);

/* "[2, 3]" in a static buffer that the next but three call overwrites. */
const char *tensor_shape(const struct tensor *t);

/* False for a uint64 element above INT64_MAX. */
bool tensor_fits_int64(const struct tensor *t, size_t i);

/* Element i of an integer tensor (uint64 values above INT64_MAX saturate). */
int64_t tensor_int(const struct tensor *t, size_t i);

/* Element i of any tensor. */
double tensor_double(const struct tensor *t, size_t i);

#endif
