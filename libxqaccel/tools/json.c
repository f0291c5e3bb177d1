// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"

/* Bytes of the UTF-8 character that begins here, 0 if none does. */
static int character(const unsigned char *at)
{
	const int more = at[0] < 0x80 ? 0 : at[0] < 0xc2 ? -1 : at[0] < 0xe0 ? 1 : at[0] < 0xf0 ? 2 : at[0] < 0xf5 ? 3 : -1;

	for (int i = 1; i <= more; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than need be, halves of surrogates, and past the last character. */
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
	    (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return more + 1;
}

void json_string(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	putchar('"');
	while (*at) {
		const int bytes = character(at);

		if (*at == '"' || *at == '\\')
			printf("\\%c", *at);
		else if (*at < ' ' || *at == 0x7f || !bytes)
			printf("\\u%04x", *at);
		else
			printf("%.*s", bytes, (const char *)at);
		at += bytes ? bytes : 1;
	}
	putchar('"');
}

const char *json_number_text(double value)
{
	static char text[32];

	if (!isfinite(value))
		return "null";
	/* As short as it can be. */
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return text;
}

void json_number(double value)
{
	printf("%s", json_number_text(value));
}

void json_sizes(const size_t *values, size_t count)
{
	putchar('[');
	for (size_t i = 0; i < count; i++)
		printf("%s%zu", i ? ", " : "", values[i]);
	putchar(']');
}
