// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/types.h>

#include "command.h"
#include "options.h"

#define MAX_OPTIONS	64
#define HELP_CODE	1000

static void print_help(const struct option_spec *specs, size_t n)
{
	char left[64];
	size_t i;

	printf("usage: xq %s %s\n\n%s\n\n", command->name, command->arguments, command->summary);
	for (i = 0; i < n; i++) {
		if (specs[i].kind == OPTION_HEADING) {
			printf("\n%s\n", specs[i].help);
			continue;
		}
		snprintf(left, sizeof(left), "%s%.1s%s--%s%s%s", specs[i].letter ? "-" : "",
			 &specs[i].letter, specs[i].letter ? ", " : "", specs[i].name,
			 specs[i].argument ? " " : "", specs[i].argument ? specs[i].argument : "");
		printf("  %-30s %s\n", left, specs[i].help);
	}
	printf("  %-30s %s\n", "-h, --help", "show this");
}

static int set_value(const struct option_spec *spec, const char *text)
{
	char *end;

	if (spec->given)
		*spec->given = true;
	errno = 0;
	switch (spec->kind) {
	case OPTION_FLAG:
		*(bool *)spec->value = true;
		return OPTIONS_DONE;
	case OPTION_STRING:
		*(const char **)spec->value = text;
		return OPTIONS_DONE;
	case OPTION_INT:
		*(int64_t *)spec->value = strtoll(text, &end, 10);
		if (end == text || *end || errno)
			return usage("--%s takes an integer (%s)", spec->name, text);
		return OPTIONS_DONE;
	case OPTION_TYPE:
		*(enum xq_type *)spec->value = xq_type_by_name(text);
		if (*(enum xq_type *)spec->value == XQ_NONE)
			return usage("--%s: no type is called %s", spec->name, text);
		return OPTIONS_DONE;
	default:
		return OPTIONS_DONE;
	}
}

static int check_operands(int given, int min, int max)
{
	if (given < min)
		return usage("it takes %s%d file%s (%d given)", min == max ? "" : "at least ", min,
			     min == 1 ? "" : "s", given);
	if (given > max)
		return usage(max ? "it takes at most %d operands (%d given)" :
			     "it takes no operands (%.0d%d given)", max, given);
	return OPTIONS_DONE;
}

/* What getopt complains of. */
static int refuse(int argc, char **argv, bool missing)
{
	const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

	if (missing)
		return usage("%s takes a value", word);
	if (optopt && optopt < HELP_CODE)
		return usage("there is no option -%c", optopt);
	return usage("there is no such option, or it takes no value (%s)", word);
}

int options_parse(int argc, char **argv, const struct option_spec *specs, size_t n,
		  const char **operands, int min, int max, int *count)
{
	struct option table[MAX_OPTIONS + 2] = { 0 };
	char letters[2 * MAX_OPTIONS + 4] = ":h";
	size_t i, options = 0;
	int code, status;

	for (i = 0; i < n && options < MAX_OPTIONS; i++) {
		const bool takes = specs[i].kind != OPTION_FLAG;

		if (specs[i].kind == OPTION_HEADING)
			continue;
		table[options++] = (struct option){ specs[i].name, takes, NULL, HELP_CODE + 1 + (int)i };
		if (specs[i].letter)
			sprintf(letters + strlen(letters), "%c%s", specs[i].letter, takes ? ":" : "");
	}
	table[options] = (struct option){ "help", no_argument, NULL, 'h' };
	optind = 0;
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, table, NULL)) >= 0) {
		if (code == 'h') {
			print_help(specs, n);
			return EXIT_OK;
		}
		if (code == '?' || code == ':')
			return refuse(argc, argv, code == ':');
		for (i = 0; code < HELP_CODE && specs[i].letter != code;)
			i++;
		status = set_value(&specs[code < HELP_CODE ? i : (size_t)(code - HELP_CODE - 1)], optarg);
		if (status != OPTIONS_DONE)
			return status;
	}
	status = check_operands(argc - optind, min, max);
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
		return fail("--%s takes %d numbers with commas between them (%s)", name, count, text);
	return EXIT_OK;
}
