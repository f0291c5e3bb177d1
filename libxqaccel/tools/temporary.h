/* SPDX-License-Identifier: MIT */
/*
 * A file that gets its name only when it is complete.
 */
#ifndef XQ_TOOL_TEMPORARY_H
#define XQ_TOOL_TEMPORARY_H

#include <sys/stat.h>

/**
 * struct temporary - such a file
 * @fd: open for reading and writing
 * @slot: internal
 */
struct temporary {
	int fd, slot;
};

/* The part of a path that ends in the last slash, 0 if it has none. */
int temporary_folder_length(const char *path);

/*
 * In the folder of path. With @like it gets the mode and if possible the owner of that file, else the
 * mode that new files have. 0, or a negative errno, which is in errno too.
 */
int temporary_create(const char *path, const struct stat *like, struct temporary *file);

/* Closes it and gives it the name, in place of a file that has it. 0 or a negative errno. */
int temporary_commit(struct temporary *file, const char *path);

/* A file in the folder of path that never gets a name: a descriptor, or -1. */
int temporary_scratch(const char *path);

#endif
