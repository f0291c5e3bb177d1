// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "choices.h"
#include "command.h"
#include "option_help.h"

#define LEFT_COLUMN	30

static void print_option(const struct option_spec *spec)
{
	char left[256];
	int length;

	length = snprintf(left, sizeof(left), "%s%.1s%s--%s%s%s", spec->letter ? "-" : "", &spec->letter,
			  spec->letter ? ", " : "", spec->name, spec->argument ? " " : "",
			  spec->argument ? spec->argument : "");
	if (length <= LEFT_COLUMN)
		printf("  %-*s %s\n", LEFT_COLUMN, left, spec->help);
	else
		printf("  %s\n  %-*s %s\n", left, LEFT_COLUMN, "", spec->help);
}

void option_help(const struct option_spec *specs, size_t n)
{
	printf("usage: xq %s %s\n\n%s\n\n", command->name, command->arguments, command->summary);
	for (size_t i = 0; i < n; i++) {
		if (specs[i].kind == OPTION_HEADING)
			printf("\n%s\n", specs[i].help);
		else
			print_option(&specs[i]);
	}
	printf("  %-*s %s\n", LEFT_COLUMN, "-h, --help", "show this");
}

static bool ends(const char *text, const char *with)
{
	const size_t length = strlen(text), end = strlen(with);

	return length >= end && !strcmp(text + length - end, with);
}

/* "X.npy" and "S" are tensors, "FILE" is a file; "H,W" and numbers that are no files are neither. */
static const char *taken(const struct option_spec *spec)
{
	if (spec->kind == OPTION_FLAG)
		return "";
	if (choices_are_in(spec->argument))
		return spec->argument;
	if (!strcmp(spec->argument, "NAME"))
		return "device";
	if (!strcmp(spec->argument, "FILE"))
		return "file";
	if ((spec->kind != OPTION_STRING && spec->kind != OPTION_STRINGS) || strchr(spec->argument, ','))
		return "text";
	return "tensor";
}

/* What stands first in the usage line. */
static const char *operands(const char *arguments)
{
	const char *first = arguments + (arguments[0] == '[');
	char word[32];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(first, " ]"), first);
	return ends(word, ".npy") ? " tensor" : ends(word, "FILE") || ends(word, "MODEL") ? " file" : "";
}

void option_list_all(const struct option_spec *specs, size_t n)
{
	printf("operands%s\n", operands(command->arguments));
	for (size_t i = 0; i < n; i++) {
		const char *takes;

		if (specs[i].kind == OPTION_HEADING)
			continue;
		takes = taken(&specs[i]);
		printf("--%s%s%s\n", specs[i].name, *takes ? " " : "", takes);
		if (specs[i].letter)
			printf("-%c%s%s\n", specs[i].letter, *takes ? " " : "", takes);
	}
	printf("--help\n-h\n");
}
