// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svg.h"

void svg_add(struct svg *svg, const char *format, ...)
{
	va_list arguments;
	char piece[1024];
	int n;

	va_start(arguments, format);
	n = vsnprintf(piece, sizeof(piece), format, arguments);
	va_end(arguments);
	if (n < 0 || svg->failed)
		return;
	n = n < (int)sizeof(piece) ? n : (int)sizeof(piece) - 1;
	if (svg->length + (size_t)n > svg->room) {
		const size_t room = 2 * svg->room + sizeof(piece);
		char *data = realloc(svg->data, room);

		if (!data) {
			svg->failed = true;
			return;
		}
		svg->data = data;
		svg->room = room;
	}
	memcpy(svg->data + svg->length, piece, (size_t)n);
	svg->length += (size_t)n;
}

void svg_escaped(struct svg *svg, const char *text)
{
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c == '<' || c == '>' || c == '&' || c == '"')
			svg_add(svg, "&#%u;", c);
		else
			svg_add(svg, "%c", c < ' ' || c >= 0x7f ? '?' : c);
	}
}
