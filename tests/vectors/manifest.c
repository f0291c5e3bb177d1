// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest.h"
#include "support.h"

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

/* The case of that name, which follows its own lines. */
static struct vector_case *case_of(struct manifest *m, const char *folder, const char *name)
{
	struct vector_case *grown, *c;

	if (m->count && !strcmp(m->cases[m->count - 1].name, name))
		return &m->cases[m->count - 1];
	for (size_t i = 0; i < m->count; i++) {
		if (!strcmp(m->cases[i].name, name))
			return &m->cases[i];
	}
	grown = realloc(m->cases, (m->count + 1) * sizeof(*grown));
	if (!grown)
		abort();
	m->cases = grown;
	c = &m->cases[m->count++];
	memset(c, 0, sizeof(*c));
	copy(c->folder, sizeof(c->folder), folder);
	copy(c->name, sizeof(c->name), name);
	return c;
}

static void take_line(struct manifest *m, const char *folder, char *line)
{
	char *field[6] = { 0 }, *save = line;
	struct vector_case *c;
	struct entry *e;

	line[strcspn(line, "\r\n")] = 0;
	for (int i = 0; i < 6; i++)
		field[i] = strsep(&save, "\t");
	if (!field[5] || line[0] == '#')
		return;
	c = case_of(m, folder, field[0]);
	if (!strcmp(field[1], "op")) {
		copy(c->op, sizeof(c->op), field[2]);
	} else if (!strcmp(field[1], "node_inputs")) {
		copy(c->inputs, sizeof(c->inputs), field[2]);
	} else {
		e = realloc(c->entry, (c->entries + 1) * sizeof(*e));
		if (!e)
			abort();
		c->entry = e;
		e += c->entries++;
		memset(e, 0, sizeof(*e));
		copy(e->kind, sizeof(e->kind), field[1]);
		copy(e->name, sizeof(e->name), field[2]);
		copy(e->dtype, sizeof(e->dtype), field[3]);
		copy(e->value, sizeof(e->value), field[5]);
	}
}

bool manifest_read(const char *folder, struct manifest *m)
{
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *file;

	memset(m, 0, sizeof(*m));
	snprintf(path, sizeof(path), "vectors/%s", folder);
	file = fopen(data_path(path, "manifest.tsv"), "r");
	if (!file)
		return false;
	while (getline(&line, &room, file) >= 0)
		take_line(m, folder, line);
	free(line);
	fclose(file);
	return m->count;
}

void manifest_free(struct manifest *m)
{
	for (size_t i = 0; i < m->count; i++) {
		for (unsigned int e = 0; e < m->cases[i].entries; e++)
			tensor_free(&m->cases[i].entry[e].tensor);
		free(m->cases[i].entry);
	}
	free(m->cases);
}

static bool load(struct vector_case *c, struct entry *e)
{
	char folder[64];

	if (!e->loaded) {
		snprintf(folder, sizeof(folder), "vectors/%s", c->folder);
		e->loaded = data_read(data_path(folder, e->value), &e->tensor);
	}
	return e->loaded;
}

struct entry *case_entry(struct vector_case *c, const char *name)
{
	for (unsigned int i = 0; i < c->entries; i++) {
		struct entry *e = &c->entry[i];

		if (!strcmp(e->name, name) && strcmp(e->kind, "attr"))
			return load(c, e) ? e : NULL;
	}
	return NULL;
}

struct tensor *case_tensor(struct vector_case *c, const char *name)
{
	struct entry *e = case_entry(c, name);

	return e ? &e->tensor : NULL;
}

struct tensor *case_input(struct vector_case *c, unsigned int i)
{
	char names[sizeof(c->inputs)], *save = names, *name;

	copy(names, sizeof(names), c->inputs);
	do {
		name = strsep(&save, ",");
	} while (name && i--);
	return name && name[0] ? case_tensor(c, name) : NULL;
}

struct entry *case_output(struct vector_case *c, unsigned int i)
{
	for (unsigned int e = 0; e < c->entries; e++) {
		if (!strcmp(c->entry[e].kind, "output") && !i--)
			return load(c, &c->entry[e]) ? &c->entry[e] : NULL;
	}
	return NULL;
}

static const char *attribute(const struct vector_case *c, const char *name)
{
	for (unsigned int i = 0; i < c->entries; i++) {
		if (!strcmp(c->entry[i].kind, "attr") && !strcmp(c->entry[i].name, name))
			return c->entry[i].value;
	}
	return NULL;
}

bool case_has(struct vector_case *c, const char *name)
{
	return attribute(c, name) != NULL;
}

long case_number(struct vector_case *c, const char *name, unsigned int i, long fallback)
{
	const char *at = attribute(c, name);

	while (at && i--) {
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	return at ? strtol(at, NULL, 10) : fallback;
}

bool case_op(const struct vector_case *c, const char *prefix)
{
	return !strncmp(c->op, prefix, strlen(prefix));
}

enum xq_type case_type(const char *dtype)
{
	static const struct {
		const char *name;
		enum xq_type type;
	} types[] = {
		{ "int8", XQ_S8 }, { "uint8", XQ_U8 }, { "int4", XQ_S4 }, { "uint4", XQ_U4 }, { "int2", XQ_S2 },
		{ "uint2", XQ_U2 }, { "int16", XQ_S16 }, { "uint16", XQ_U16 }, { "int32", XQ_S32 },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcmp(dtype, types[i].name))
			return types[i].type;
	}
	return XQ_NONE;
}

void case_compare(const void *got, const struct tensor *want)
{
	const uint8_t *a = got, *b = want->data;
	struct tensor mine = *want;
	size_t differ = 0, first = 0;

	for (size_t i = 0; i < want->count; i++) {
		if (memcmp(a + i * want->bytes, b + i * want->bytes, want->bytes)) {
			first = differ++ ? first : i;
		}
	}
	if (!differ)
		return;
	mine.data = (void *)got;
	result_differs("%zu of %zu differ, first at %zu: %g, not %g", differ, want->count, first,
		       tensor_double(&mine, first), tensor_double(want, first));
}
