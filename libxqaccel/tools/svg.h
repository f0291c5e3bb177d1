/* SPDX-License-Identifier: MIT */
/* Pictures as text: what commands that draw one share. */
#ifndef XQ_TOOL_SVG_H
#define XQ_TOOL_SVG_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct svg - text that grows
 * @data: [length], to be freed by the caller
 * @failed: memory was missing, and text is
 */
struct svg {
	char *data;
	size_t length, room;
	bool failed;
};

/* At most 1023 bytes at once. */
void svg_add(struct svg *svg, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Without what XML would take for its own, and what it does not allow. */
void svg_escaped(struct svg *svg, const char *text);

#endif
