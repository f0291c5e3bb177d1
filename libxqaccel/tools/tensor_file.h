/* SPDX-License-Identifier: MIT */
/*
 * Tensors by name: FILE, FILE:MEMBER, FILE:TYPE or "-", where a file is .npy, .npz or safetensors,
 * told apart by what they begin with.
 */
#ifndef XQ_TOOL_TENSOR_FILE_H
#define XQ_TOOL_TENSOR_FILE_H

#include "byte_source.h"
#include "tensor.h"

/**
 * tensor_read() - a tensor by name
 * @name: a path; "-" is standard input. A path that there is none of may end in a colon and a
 *	member's name (.npz, safetensors; left out it is the only one), and in a colon and a type:
 *	what elements of .npy files are that numpy has no name for
 * @t: filled in, freed by the caller with tensor_free()
 * @share: NULL, or kept up to date
 *
 * Return: NULL, or what is wrong, valid until the next call; then @t holds nothing.
 */
const char *tensor_read(const char *name, struct tensor *t, struct byte_share *share);

/**
 * tensor_map() - the same, without copying a file's elements into memory where that can be
 *
 * @t->data may then be only read, and @t->map is set.
 */
const char *tensor_map(const char *name, struct tensor *t, struct byte_share *share);

/**
 * tensor_parse() - a tensor from the bytes of a file of any of the formats
 * @member: as behind the colon, or NULL
 */
const char *tensor_parse(const void *file, size_t bytes, const char *member, struct tensor *t);

#endif
