// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "nearest.h"

#define LONGEST	63

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool alike(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

size_t word_distance(const char *a, const char *b)
{
	const size_t rows = strnlen(a, LONGEST), columns = strnlen(b, LONGEST);
	size_t d[LONGEST + 1][LONGEST + 1];

	for (size_t i = 0; i <= rows; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= columns; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= rows; i++) {
		for (size_t j = 1; j <= columns; j++) {
			d[i][j] = min(min(d[i - 1][j], d[i][j - 1]) + 1,
				      d[i - 1][j - 1] + !alike(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && alike(a[i - 1], b[j - 2]) && alike(a[i - 2], b[j - 1]))
				d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[rows][columns];
}

const char *nearest_word(const char *word, const char *const *words)
{
	const char *colon = strchr(word, ':'), *best = NULL;
	const size_t length = min(colon ? (size_t)(colon - word) : strlen(word), LONGEST);
	char typed[LONGEST + 1], name[LONGEST + 1];
	size_t least = (length + 2) / 3 + 1;

	memcpy(typed, word, length);
	typed[length] = 0;
	for (; *words; words++) {
		const size_t end = min(strcspn(*words, ":"), LONGEST);
		size_t distance;

		memcpy(name, *words, end);
		name[end] = 0;
		distance = word_distance(typed, name);
		if (distance && length > 1 && end > length && !strncasecmp(typed, name, length))
			distance = 1;
		if (distance > least || (distance == least && !best))
			continue;
		/* A tie leaves the distance to beat, but nothing to say. */
		best = distance < least || !strcmp(best, *words) ? *words : NULL;
		least = distance;
	}
	return best;
}
