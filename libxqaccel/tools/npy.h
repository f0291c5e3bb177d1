/* SPDX-License-Identifier: MIT */
/*
 * .npy files, versions 1 to 3: strict, because what is not understood would be computed with.
 */
#ifndef XQ_TOOL_NPY_H
#define XQ_TOOL_NPY_H

#include "byte_source.h"
#include "tensor.h"

#define NPY_MAGIC	"\x93NUMPY"
#define NPY_MAGIC_BYTES	6
#define NPY_START_BYTES	8

/**
 * npy_read_header() - type and shape of what follows
 * @start: the first 8 bytes of the file: magic and version
 * @from: stands behind them; left at the first element
 * @as: NULL, or the type of elements that numpy has no name for, or another name for as many
 *	bytes: those of tensor_set_type(), int4, uint4, int2, uint2
 * @t: filled in, without data
 * @narrow: set to the bits that an integer element has, 0 for all
 *
 * Return: NULL, or what is wrong.
 */
const char *npy_read_header(const uint8_t *start, struct byte_source *from, const char *as,
			    struct tensor *t, unsigned int *narrow);

/**
 * npy_parse() - a tensor from the bytes of a .npy file
 * @t: filled in, freed by the caller with tensor_free()
 *
 * Return: NULL, or what is wrong; then @t holds nothing.
 */
const char *npy_parse(const void *file, size_t bytes, struct tensor *t);

/** npy_read() - a tensor from a file (or a pipe); returns as npy_parse() */
const char *npy_read(const char *path, struct tensor *t);

/**
 * npy_read_source() - the same, from anything
 * @as: as of npy_read_header()
 */
const char *npy_read_source(struct byte_source *from, const char *as, struct tensor *t);

/**
 * npy_header() - the header of a version 1 file, a multiple of 64 bytes
 * @size: set to its length
 * Return: malloc()ed bytes or NULL
 */
char *npy_header(const struct tensor *t, size_t *size);

#endif
