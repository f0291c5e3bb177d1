// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/types.h>

#include "choices.h"
#include "command.h"
#include "nearest.h"
#include "option_help.h"
#include "options.h"

#define MAX_OPTIONS	64
#define HELP_CODE	1000
#define LIST_CODE	999

/**
 * struct parser - a table of options as getopt wants it
 */
struct parser {
	const struct option_spec *specs;
	size_t n;
	struct option table[MAX_OPTIONS + 3];
	char letters[2 * MAX_OPTIONS + 4];
};

static int set_word(const struct option_spec *spec, const char *text)
{
	struct choices choices;

	choices_split(spec->argument, &choices);
	if (!choices_have(&choices, text))
		return choices_refuse(&choices, spec->name, text);
	if (spec->kind == OPTION_TYPE)
		*(enum xq_type *)spec->value = xq_type_by_name(text);
	else
		*(const char **)spec->value = text;
	return OPTIONS_DONE;
}

static int set_number(const struct option_spec *spec, const char *text)
{
	char *end;

	errno = 0;
	if (spec->kind == OPTION_INT)
		*(int64_t *)spec->value = strtoll(text, &end, 10);
	else
		*(double *)spec->value = strtod(text, &end);
	if (end == text || *end)
		return usage("--%s takes %s (%s)", spec->name, spec->kind == OPTION_INT ? "an integer" : "a number", text);
	if (errno == ERANGE || (spec->kind == OPTION_DOUBLE && !isfinite(*(double *)spec->value)))
		return usage("--%s takes no number of that size (%s)", spec->name, text);
	return OPTIONS_DONE;
}

static int add_string(const struct option_spec *spec, const char *text)
{
	struct option_strings *strings = spec->value;

	if (strings->count == OPTION_MAX_STRINGS)
		return usage("--%s is given more than %d times", spec->name, OPTION_MAX_STRINGS);
	strings->text[strings->count++] = text;
	return OPTIONS_DONE;
}

static int set_value(const struct option_spec *spec, const char *text)
{
	if (spec->given)
		*spec->given = true;
	switch (spec->kind) {
	case OPTION_FLAG:
		*(bool *)spec->value = true;
		return OPTIONS_DONE;
	case OPTION_STRING:
		*(const char **)spec->value = text;
		return OPTIONS_DONE;
	case OPTION_STRINGS:
		return add_string(spec, text);
	case OPTION_WORD:
	case OPTION_TYPE:
		return set_word(spec, text);
	case OPTION_INT:
	case OPTION_DOUBLE:
		return set_number(spec, text);
	default:
		return OPTIONS_DONE;
	}
}

static int check_operands(int argc, char **argv, int min, int max)
{
	const int given = argc - optind;

	if (given < min)
		return usage("it takes %s%d file%s (%d given)", min == max ? "" : "at least ", min,
			     min == 1 ? "" : "s", given);
	if (given > max && !max)
		return usage("it takes options only (%s)", argv[optind]);
	if (given > max)
		return usage("it takes %s%d file%s, and %s is one too many (%d given)", min == max ? "" : "at most ",
			     max, max == 1 ? "" : "s", argv[optind + max], given);
	return OPTIONS_DONE;
}

/* All names that begin so, for what is no option or several. */
static int refuse_name(const struct parser *p, const char *word)
{
	const char *names[MAX_OPTIONS + 3], *near, *name = word + 2;
	const int length = (int)strcspn(name, "=");
	char typed[64], several[256] = "";
	size_t i, at = 0, alike = 0;

	snprintf(typed, sizeof(typed), "%.*s", length, name);
	for (i = 0; p->table[i].val != LIST_CODE; i++) {
		names[i] = p->table[i].name;
		if (strncmp(names[i], typed, (size_t)length) || at >= sizeof(several))
			continue;
		at += (size_t)snprintf(several + at, sizeof(several) - at, "%s--%s", alike++ ? ", " : "", names[i]);
	}
	names[i] = NULL;
	if (length && alike > 1)
		return usage("--%s is the beginning of several options: %s", typed, several);
	near = nearest_word(typed, names);
	if (near)
		return usage("there is no option --%s, the nearest is --%s", typed, near);
	return usage("there is no option --%s", typed);
}

/* What getopt complains of. */
static int refuse(const struct parser *p, int argc, char **argv, bool missing)
{
	const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

	if (missing)
		return usage("%s takes a value, and there is none behind it", word);
	if (optopt >= LIST_CODE)
		return usage("--%.*s takes no value (%s)", (int)strcspn(word + 2, "="), word + 2, word);
	if (optopt == 'h' && !strncmp(word, "--", 2))
		return usage("--help takes no value (%s)", word);
	if (optopt)
		return usage("there is no option -%c", optopt);
	return refuse_name(p, word);
}

static void make_table(struct parser *p, const struct option_spec *specs, size_t n)
{
	size_t options = 0;

	*p = (struct parser){ .specs = specs, .n = n, .letters = ":h" };
	for (size_t i = 0; i < n && options < MAX_OPTIONS; i++) {
		const bool takes = specs[i].kind != OPTION_FLAG;

		if (specs[i].kind == OPTION_HEADING)
			continue;
		p->table[options++] = (struct option){ specs[i].name, takes, NULL, HELP_CODE + 1 + (int)i };
		if (specs[i].letter)
			sprintf(p->letters + strlen(p->letters), "%c%s", specs[i].letter, takes ? ":" : "");
	}
	p->table[options++] = (struct option){ "help", no_argument, NULL, 'h' };
	p->table[options] = (struct option){ "list-options", no_argument, NULL, LIST_CODE };
}

static const struct option_spec *spec_of(const struct parser *p, int code)
{
	size_t i = 0;

	if (code > HELP_CODE)
		return &p->specs[code - HELP_CODE - 1];
	while (p->specs[i].letter != code)
		i++;
	return &p->specs[i];
}

int options_parse(int argc, char **argv, const struct option_spec *specs, size_t n,
		  const char **operands, int min, int max, int *count)
{
	struct parser p;
	int code, status;

	make_table(&p, specs, n);
	optind = 0;
	opterr = 0;
	while ((code = getopt_long(argc, argv, p.letters, p.table, NULL)) >= 0) {
		if (code == 'h' || code == LIST_CODE) {
			(code == 'h' ? option_help : option_list_all)(specs, n);
			return EXIT_OK;
		}
		if (code == '?' || code == ':')
			return refuse(&p, argc, argv, code == ':');
		status = set_value(spec_of(&p, code), optarg);
		if (status != OPTIONS_DONE)
			return status;
	}
	status = check_operands(argc, argv, min, max);
	for (code = 0; status == OPTIONS_DONE && code < argc - optind; code++)
		operands[code] = argv[optind + code];
	if (count)
		*count = argc - optind;
	return status;
}

int option_list(const char *name, const char *text, int64_t *values, int count)
{
	const char *at = text;
	char *end;
	int i;

	for (i = 0; i < count; i++) {
		errno = 0;
		values[i] = strtoll(at, &end, 10);
		if (end == at || errno || (*end && *end != ','))
			break;
		if (!*end && i == 0)
			for (i = 1; i < count; i++)
				values[i] = values[0];
		else if (!!*end != (i < count - 1))
			break;
		at = end + 1;
	}
	if (i < count)
		return fail("--%s takes one number, or %d with commas between them (%s)", name, count, text);
	return EXIT_OK;
}
