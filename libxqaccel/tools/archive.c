// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "archive.h"

#define MOST_TEXT	400

const char *archive_no_member(const char *member, const char *(*next)(void *context), void *context)
{
	static char text[MOST_TEXT + 300];
	const char *name = next(context);
	int at;

	if (!name)
		return "it holds no tensors";
	if (member)
		at = snprintf(text, sizeof(text), "it has no tensor called %.100s; it has ", member);
	else
		at = snprintf(text, sizeof(text), "it holds several tensors; name one behind a colon: ");
	for (bool first = true; name; name = next(context), first = false) {
		if (at > MOST_TEXT - 100) {
			snprintf(text + at, sizeof(text) - (size_t)at, ", ...");
			break;
		}
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%.100s", first ? "" : ", ", name);
	}
	return text;
}
