/* SPDX-License-Identifier: MIT */
/*
 * A tensor in memory, as a .npy file holds it: little-endian, C order.
 */
#ifndef XQ_TOOL_TENSOR_H
#define XQ_TOOL_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are read and written as they lie in memory");

#define TENSOR_MAX_DIMS	16

/**
 * struct tensor - elements and their shape
 * @kind: 'i' signed, 'u' unsigned, 'f' floating
 * @bytes: of an element: 1, 2, 4 or 8 (floating: 2, 4 or 8)
 * @ndim: 0 for a scalar
 * @count: product of the dimensions
 * @data: the elements, malloc()ed; never NULL in a tensor that was read
 */
struct tensor {
	char kind;
	unsigned int bytes;
	unsigned int ndim;
	size_t dim[TENSOR_MAX_DIMS];
	size_t count;
	void *data;
};

/* Sets count from dim. False if it or the size in bytes overflows. */
bool tensor_count(struct tensor *t);

/* Allocates zeroed data for kind, bytes and shape; false if there is no memory. */
bool tensor_alloc(struct tensor *t, char kind, unsigned int bytes, unsigned int ndim,
		  const size_t *dim);

void tensor_free(struct tensor *t);

/* "int8", "float32", ... */
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
