/* SPDX-License-Identifier: MIT */
/*
 * Options of a command, as a table: parsing, errors, --help and completion come from it.
 */
#ifndef XQ_TOOL_OPTIONS_H
#define XQ_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
	OPTION_FLAG,		/* bool */
	OPTION_STRING,		/* const char *: free text, a number, a file */
	OPTION_STRINGS,		/* struct option_strings: the same, again and again */
	OPTION_WORD,		/* const char *: one of those in @argument */
	OPTION_INT,		/* int64_t */
	OPTION_DOUBLE,		/* double, finite */
	OPTION_TYPE,		/* enum xq_type: one of those in @argument */
	OPTION_HEADING,		/* only a line of --help */
};

/**
 * struct option_spec - one option
 * @name: without dashes
 * @letter: 'o' for -o, or 0
 * @kind: of @value, which keeps its initial value if the option is not given
 * @argument: its name in --help, NULL for a flag. Of OPTION_WORD and OPTION_TYPE the values
 *	that there are, "nearest|even|stochastic:SEED" (choices.h). "X.npy" and "S", which is
 *	a number or a file, complete to tensors, "FILE" to any file, "NAME" to devices
 * @help: one line
 * @given: NULL, or set to true if the option is given
 */
struct option_spec {
	const char *name;
	char letter;
	enum option_kind kind;
	void *value;
	const char *argument;
	const char *help;
	bool *given;
};

#define OPTION_MAX_STRINGS	128

/** struct option_strings - what an option that may be repeated was given */
struct option_strings {
	const char *text[OPTION_MAX_STRINGS];
	int count;
};

/* Values of OPTION_TYPE: what a product takes at the left, and what may have a codebook. */
#define OPTION_TYPES_LEFT	"s8|u8|s4|u4|s2|u2|t2|b1"
#define OPTION_TYPES_RIGHT	OPTION_TYPES_LEFT "|c4|c8"

#define OPTIONS_DONE	-1	/* parsed; go on */

/**
 * options_parse() - options anywhere among the operands, long ones also as --name=value
 * @operands: filled with the other arguments
 * @min: @max: how many there must be; @max is the room in @operands
 * @count: set to how many there are, may be NULL
 *
 * Return: OPTIONS_DONE, or an exit status: of --help, or of an error that was printed.
 */
int options_parse(int argc, char **argv, const struct option_spec *specs, size_t n,
		  const char **operands, int min, int max, int *count);

/* "3,4" or "3": so many numbers, one given for all. 0, or EXIT_ERROR after printing. */
int option_list(const char *name, const char *text, int64_t *values, int count);

#endif
