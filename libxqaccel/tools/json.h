/* SPDX-License-Identifier: MIT */
/*
 * Pieces of JSON on standard output.
 */
#ifndef XQ_TOOL_JSON_H
#define XQ_TOOL_JSON_H

#include <stddef.h>

/* Quoted; what is no printable ASCII is written as \u00XX, byte by byte if it is not UTF-8. */
void json_string(const char *text);

/* So that it reads back as the same number; null for what is not finite, which JSON lacks. */
void json_number(double value);

/* The same as text, valid until the next call. */
const char *json_number_text(double value);

/* [2, 3] */
void json_sizes(const size_t *values, size_t count);

#endif
