// SPDX-License-Identifier: MIT
/*
 * xq: the library from a shell. One table of commands; each lives in a file of its name.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

const struct command commands[] = {
	{ "info", "[--device NAME] [--json]", "Show devices, versions, capabilities and limits", cmd_info },
	{ "gemm", "A.npy B.npy -o C.npy [options]", "Multiply quantized matrices", cmd_gemm },
	{ "conv", "X.npy W.npy -o Y.npy [options]", "Convolve quantized tensors", cmd_conv },
	{ "quantize", "X.npy -o Q.npy --type TYPE (--scale S | --scheme NAME) [options]",
	  "Turn floats into integers of 1 to 16 bits", cmd_quantize },
	{ "dequantize", "Q.npy -o X.npy --scale S [options]", "Turn them back", cmd_dequantize },
	{ "bench gemm", "--m M --n N --k K [options]", "Time one matrix product", cmd_bench_gemm },
	{ 0 }
};

const struct command *command;

static void report(bool hint, const char *format, va_list arguments)
{
	char text[1024];
	size_t i;

	vsnprintf(text, sizeof(text), format, arguments);
	/* Paths come from outside: whatever they hold, this stays one line. */
	for (i = 0; text[i]; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	if (command)
		fprintf(stderr, "xq: %s: %s", command->name, text);
	else
		fprintf(stderr, "xq: %s", text);
	if (hint)
		fprintf(stderr, "; see xq %s%s--help", command ? command->name : "", command ? " " : "");
	fputc('\n', stderr);
}

int fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(false, format, arguments);
	va_end(arguments);
	return EXIT_ERROR;
}

int usage(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report(true, format, arguments);
	va_end(arguments);
	return EXIT_USAGE;
}

static void print_commands(void)
{
	const struct command *c;

	printf("usage: xq COMMAND [arguments]\n\nQuantized matrix products on an accelerator, from a shell.\n\n");
	for (c = commands; c->name; c++)
		printf("  %-12s %s\n", c->name, c->summary);
	printf("\n`xq COMMAND --help` tells more, and so does xq(1).\n");
}

/* Words of the name that argv begins with, 0 if it doesn't. */
static int name_words(const char *name, int argc, char **argv)
{
	const char *space = strchr(name, ' ');
	const size_t first = space ? (size_t)(space - name) : strlen(name);

	if (strlen(argv[0]) != first || strncmp(argv[0], name, first))
		return 0;
	if (!space)
		return 1;
	return argc > 1 && !strcmp(argv[1], space + 1) ? 2 : 0;
}

int main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2)
		return usage("a command is missing");
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_commands();
		return EXIT_OK;
	}
	for (c = commands; c->name; c++) {
		const int words = name_words(c->name, argc - 1, argv + 1);

		if (!words)
			continue;
		command = c;
		return c->run(argc - words, argv + words);
	}
	for (c = commands; c->name; c++) {
		const size_t length = strlen(argv[1]);

		if (!strncmp(c->name, argv[1], length) && c->name[length] == ' ')
			return usage("there is only %s", c->name);
	}
	return usage("there is no command %s", argv[1]);
}
