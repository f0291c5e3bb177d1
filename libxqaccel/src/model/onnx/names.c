// SPDX-License-Identifier: MIT
/*
 * A hash table with open addressing.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static size_t place_of(const struct xqo_names *names, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;
	size_t i;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
	for (i = hash & (names->room - 1); names->name[i] && strcmp(names->name[i], name); i = (i + 1) & (names->room - 1))
		;
	return i;
}

int xqo_names_find(const struct xqo_names *names, const char *name)
{
	return names->room ? names->tensor[place_of(names, name)] : 0;
}

static int grow(struct xqo_names *names)
{
	struct xqo_names larger = { .room = names->room ? names->room * 2 : 64 };

	larger.name = calloc(larger.room, sizeof(*larger.name));
	larger.tensor = calloc(larger.room, sizeof(*larger.tensor));
	if (!larger.name || !larger.tensor) {
		xqo_names_free(&larger);
		return -ENOMEM;
	}
	for (size_t i = 0; i < names->room; i++) {
		if (names->name[i])
			xqo_names_set(&larger, names->name[i], names->tensor[i]);
	}
	free(names->name);
	free(names->tensor);
	names->name = larger.name;
	names->tensor = larger.tensor;
	names->used = larger.used;
	names->room = larger.room;
	return 0;
}

static int note(struct xqo_names *names, const char *name, int tensor)
{
	if (names->noted == names->was_room) {
		const size_t room = names->was_room ? 2 * names->was_room : 64;
		struct xqo_was *more = reallocarray(names->was, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		names->was = more;
		names->was_room = room;
	}
	names->was[names->noted++] = (struct xqo_was){ name, tensor };
	return 0;
}

int xqo_names_set(struct xqo_names *names, const char *name, int tensor)
{
	size_t i;

	if (names->used * 2 >= names->room && grow(names))
		return -ENOMEM;
	i = place_of(names, name);
	if (names->noting && note(names, name, names->tensor[i]))
		return -ENOMEM;
	names->used += !names->name[i];
	names->name[i] = name;
	names->tensor[i] = tensor;
	return 0;
}

size_t xqo_names_mark(struct xqo_names *names)
{
	names->noting = true;
	return names->noted;
}

void xqo_names_forget(struct xqo_names *names, size_t mark)
{
	while (names->noted > mark) {
		const struct xqo_was *was = &names->was[--names->noted];

		names->tensor[place_of(names, was->name)] = was->tensor;
	}
}

void xqo_names_free(struct xqo_names *names)
{
	free(names->was);
	free(names->name);
	free(names->tensor);
}
