// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "choices.h"
#include "command.h"
#include "nearest.h"

bool choices_are_in(const char *text)
{
	return text && strchr(text, '|');
}

void choices_split(const char *text, struct choices *out)
{
	char *at = out->text;

	snprintf(out->text, sizeof(out->text), "%s", text);
	for (out->count = 0; at && out->count < CHOICES_MAX; out->count++)
		out->word[out->count] = strsep(&at, "|");
	out->word[out->count] = NULL;
}

bool choices_have(const struct choices *c, const char *value)
{
	for (size_t i = 0; i < c->count; i++) {
		const char *colon = strchr(c->word[i], ':');
		const size_t length = colon ? (size_t)(colon - c->word[i]) + 1 : 0;

		if (colon ? !strncmp(value, c->word[i], length) && value[length] : !strcmp(value, c->word[i]))
			return true;
	}
	return false;
}

void choices_sentence(const struct choices *c, char *out, size_t size)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < c->count && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", !i ? "" : i + 1 < c->count ? ", " : " or ",
				       c->word[i]);
}

/* The word that only lacks what comes behind its colon. */
static const char *cut_short(const struct choices *c, const char *value)
{
	const size_t length = strcspn(value, ":");

	for (size_t i = 0; i < c->count; i++) {
		if (!strncmp(c->word[i], value, length) && c->word[i][length] == ':')
			return c->word[i];
	}
	return NULL;
}

int choices_refuse(const struct choices *c, const char *option, const char *value)
{
	const char *whole = cut_short(c, value), *near = nearest_word(value, c->word);
	char all[512];

	if (whole)
		return usage("--%s needs the number in %s (%s)", option, whole, value);
	choices_sentence(c, all, sizeof(all));
	if (near)
		return usage("--%s takes %s (%s; the nearest is %s)", option, all, value, near);
	return usage("--%s takes %s (%s)", option, all, value);
}
