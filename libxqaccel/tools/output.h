/* SPDX-License-Identifier: MIT */
/*
 * Output files appear whole or not at all: each is written beside its place under another
 * name, and all are renamed at the end. What was not committed is removed when the
 * program ends, by a signal too.
 */
#ifndef XQ_TOOL_OUTPUT_H
#define XQ_TOOL_OUTPUT_H

#include "tensor.h"

/* Writes a tensor to be committed to path. 0, or 1 after printing an error. */
int output_tensor(const char *path, const struct tensor *t);

/* The same with a file of just these bytes. */
int output_bytes(const char *path, const void *data, size_t bytes);

/* Gives all their names. 0, or 1 after printing an error. */
int output_commit(void);

#endif
