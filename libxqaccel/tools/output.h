/* SPDX-License-Identifier: MIT */
/*
 * Output files appear whole or not at all: each is written without a name in its folder, and all get
 * theirs at the end. Where the file system has no files without names they have others meanwhile,
 * which are removed when the program ends, by a signal too.
 *
 * A symbolic link is followed, and a file that exists keeps its mode and owner. "-", and what is
 * not a regular file (a pipe, /dev/stdout), is written in place.
 */
#ifndef XQ_TOOL_OUTPUT_H
#define XQ_TOOL_OUTPUT_H

#include <stdio.h>

#include "tensor.h"

/*
 * To be called before the work: whether path can be written, and is not that of another output. NULL
 * is no output. 0, or 1 after printing an error.
 */
int output_prepare(const char *path);

/*
 * Allocates a tensor, whose type and shape are set, that will be the output at path; where that can be
 * as a mapping of the file, so that it takes no memory; its disk space is reserved. Prepares the
 * output if that was not done. NULL is no output: then what is large lies in a file without a name,
 * beside the outputs or in /var/tmp. 0, or 1 after printing.
 */
int output_alloc(const char *path, struct tensor *t);

/* Writes a tensor to be committed to path. 0, or 1 after printing an error. */
int output_tensor(const char *path, const struct tensor *t);

/* The same with a file of just these bytes. */
int output_bytes(const char *path, const void *data, size_t bytes);

/* Gives all their names. 0, or 1 after printing an error. */
int output_commit(void);

/* What was printed counts as a result: it must have arrived. 0, or 1 after printing an error. */
int output_flush(void);

/* Where reports go: standard output, or standard error if a tensor goes there. */
FILE *output_report(void);

#endif
