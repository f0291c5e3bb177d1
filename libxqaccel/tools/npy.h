/* SPDX-License-Identifier: MIT */
/*
 * .npy files, versions 1 and 2: strict, because what is not understood would be computed with.
 */
#ifndef XQ_TOOL_NPY_H
#define XQ_TOOL_NPY_H

#include "tensor.h"

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
 * npy_header() - the header of a version 1 file, a multiple of 64 bytes
 * @size: set to its length
 * Return: malloc()ed bytes or NULL
 */
char *npy_header(const struct tensor *t, size_t *size);

#endif
