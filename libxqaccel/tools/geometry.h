/* SPDX-License-Identifier: MIT */
/*
 * Options that say where a window moves over an image.
 */
#ifndef XQ_TOOL_GEOMETRY_H
#define XQ_TOOL_GEOMETRY_H

#include <stddef.h>
#include <stdint.h>

/*
 * "H,W" or four numbers, at least so large, to where they belong; nothing if text is NULL.
 * 0, or EXIT_ERROR after printing.
 */
int geometry_list(const char *option, const char *text, int64_t least, int count, size_t *const to[]);

#endif
