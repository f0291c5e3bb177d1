/* SPDX-License-Identifier: MIT */
/*
 * What an output's name means: which file it will be in the end.
 */
#ifndef XQ_TOOL_OUTPUT_TARGET_H
#define XQ_TOOL_OUTPUT_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

/**
 * struct output_target - a file to be written
 * @path: behind all symbolic links
 * @in_place: it is no regular file, so it can't be replaced by another
 * @standard: it is standard output, whatever it was called
 * @exists: @stat is filled in
 * @stat: of the file
 * @folder: @folder_inode: where it lies, unless @in_place
 */
struct output_target {
	char path[PATH_MAX];
	bool in_place, standard, exists;
	struct stat stat;
	dev_t folder;
	ino_t folder_inode;
};

/* 0, or a negative errno if such a file can't be written. */
int output_target_find(const char *path, struct output_target *target);

/* Whether they are one file. */
bool output_target_same(const struct output_target *a, const struct output_target *b);

#endif
