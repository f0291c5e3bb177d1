/* SPDX-License-Identifier: MIT */
/*
 * The values that an option takes, written as its help shows them: "nearest|even|stochastic:SEED".
 * A word with a colon stands for all that begin so and go on.
 */
#ifndef XQ_TOOL_CHOICES_H
#define XQ_TOOL_CHOICES_H

#include <stdbool.h>
#include <stddef.h>

#define CHOICES_MAX	32

/**
 * struct choices - such a text taken apart
 * @word: NULL-terminated, pointing into @text
 */
struct choices {
	char text[256];
	const char *word[CHOICES_MAX + 1];
	size_t count;
};

/* Whether the text says which values there are, or only what they are called. */
bool choices_are_in(const char *text);

void choices_split(const char *text, struct choices *out);

/* Whether one of them is meant. */
bool choices_have(const struct choices *c, const char *value);

/* "nearest, even or stochastic:SEED" */
void choices_sentence(const struct choices *c, char *out, size_t size);

/* Reports that --option doesn't take the value, with those it takes and the nearest. Returns EXIT_USAGE. */
int choices_refuse(const struct choices *c, const char *option, const char *value);

#endif
