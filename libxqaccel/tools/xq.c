// SPDX-License-Identifier: MIT
/*
 * xq: the library from a shell. One table of commands; each lives in a file of its name.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/xqaccel.h>

#include "command.h"
#include "nearest.h"
#include "output.h"

#define MAX_COMMANDS	64

const struct command commands[] = {
	{ "info", "[--device NAME] [--json]", "Show devices, versions, capabilities and limits", cmd_info },
	{ "gemm", "A.npy B.npy -o C.npy [options]", "Multiply quantized matrices", cmd_gemm },
	{ "conv", "X.npy W.npy -o Y.npy [options]", "Convolve quantized tensors", cmd_conv },
	{ "pool", "X.npy -o Y.npy --kind KIND --kernel H,W [options]", "Take maxima or averages of windows", cmd_pool },
	{ "add", "A.npy B.npy -o Y.npy --requant PROFILE [options]", "Add quantized tensors", cmd_add },
	{ "mul", "A.npy B.npy -o Y.npy --requant PROFILE [options]", "Multiply quantized tensors, element by element", cmd_mul },
	{ "softmax", "X.npy -o Y.npy (--x-scale S | --multiplier M --shift N --diff-min D)",
	  "Softmax along the last axis, in integers", cmd_softmax },
	{ "quantize", "X.npy... [-o Q.npy...] --type TYPE (--scale S | --scheme NAME) [options]",
	  "Turn floats into integers of 1 to 16 bits", cmd_quantize },
	{ "dequantize", "Q.npy -o X.npy --scale S [options]", "Turn them back", cmd_dequantize },
	{ "show", "TENSOR.npy|MODEL [options]", "Show a tensor's range and histogram, or a model's operators", cmd_show },
	{ "run", "MODEL --input X.npy... -o Y.npy... [--profile [FILE.svg]] [options]", "Run a model, .tflite or .onnx, and show where its time goes", cmd_run },
	{ "convert", "MODEL.onnx -o OUT.onnx --calibrate X.npy... [options]", "Quantize a float model", cmd_convert },
	{ "compare", "A.npy B.npy [options]", "Tell whether, where and how much two tensors differ", cmd_compare },
	{ "pack", "X.npy -o FILE --order ORDER [options]", "Put narrow integers, or floats in blocks, into packed bytes", cmd_pack },
	{ "unpack", "FILE -o X.npy --order ORDER --shape D,D,.. [options]", "Turn packed bytes into a tensor", cmd_unpack },
	{ "bench gemm", "--m M --n N --k K [options]", "Time one matrix product", cmd_bench_gemm },
	{ "bench conv", "--channels C --size H,W --outputs O --kernel H,W [options]", "Time one convolution", cmd_bench_conv },
	{ 0 }
};

const struct command *command;

static void report(const char *kind, bool hint, const char *format, va_list arguments)
{
	char text[1024];
	size_t i;

	vsnprintf(text, sizeof(text), format, arguments);
	/* Paths come from outside: whatever they hold, this stays one line. */
	for (i = 0; text[i]; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	if (command)
		fprintf(stderr, "xq: %s: %s%s", command->name, kind, text);
	else
		fprintf(stderr, "xq: %s%s", kind, text);
	if (hint)
		fprintf(stderr, "; see xq %s%s--help", command ? command->name : "", command ? " " : "");
	fputc('\n', stderr);
}

int fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report("", false, format, arguments);
	va_end(arguments);
	return EXIT_ERROR;
}

void warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report("warning: ", false, format, arguments);
	va_end(arguments);
}

int usage(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report("", true, format, arguments);
	va_end(arguments);
	return EXIT_USAGE;
}

/* Those whose name begins with a word and goes on, or all. */
static void print_commands(const char *first)
{
	const size_t length = first ? strlen(first) : 0;
	const struct command *c;

	printf("usage: xq COMMAND [arguments]\n\nQuantized tensors and matrix products on an accelerator, from a shell.\n\n");
	for (c = commands; c->name; c++)
		if (!first || (!strncmp(c->name, first, length) && c->name[length] == ' '))
			printf("  %-12s %s\n", c->name, c->summary);
	printf("\n`xq help COMMAND` tells more, and so does xq(1); `xq --version` tells the version.\n");
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

/* The command that argv begins with, or NULL; *words are its name's. */
static const struct command *find(int argc, char **argv, int *words)
{
	const struct command *c;

	for (c = commands; c->name; c++) {
		*words = name_words(c->name, argc, argv);
		if (*words)
			return c;
	}
	return NULL;
}

/* Whether it is the first of two words. */
static bool begins(const char *word)
{
	const size_t length = strlen(word);
	const struct command *c;

	for (c = commands; c->name; c++)
		if (!strncmp(c->name, word, length) && c->name[length] == ' ')
			return true;
	return false;
}

/* The second words of those commands, as an answer. */
static int refuse_second(const char *first, const char *second)
{
	const size_t length = strlen(first);
	char text[256] = "";
	size_t at = 0;
	const struct command *c;

	for (c = commands; c->name; c++)
		if (!strncmp(c->name, first, length) && c->name[length] == ' ' && at < sizeof(text))
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at ? " and " : "", c->name);
	if (second)
		return usage("there is no command %s %s, but there is %s", first, second, text);
	return usage("%s needs a second word: there is %s", first, text);
}

static int refuse_command(const char *word)
{
	static char first[MAX_COMMANDS][16];
	const char *names[MAX_COMMANDS + 4] = { "help", "--help", "--version" }, *near;
	size_t i;

	for (i = 0; commands[i].name && i < MAX_COMMANDS; i++) {
		snprintf(first[i], sizeof(first[i]), "%.*s", (int)strcspn(commands[i].name, " "), commands[i].name);
		names[i + 3] = first[i];
	}
	near = nearest_word(word, names);
	return near ? usage("there is no command %s, the nearest is %s", word, near) :
		      usage("there is no command %s", word);
}

static int run(int argc, char **argv)
{
	int words;

	command = find(argc, argv, &words);
	if (command)
		return command->run(argc - words + 1, argv + words - 1);
	if (begins(argv[0]))
		return refuse_second(argv[0], argc > 1 ? argv[1] : NULL);
	return refuse_command(argv[0]);
}

/* xq help COMMAND is xq COMMAND --help. */
static int help(int argc, char **argv)
{
	char *line[3] = { NULL, "--help", NULL };
	int words;

	if (!argc || (argc == 1 && begins(argv[0]))) {
		print_commands(argc ? argv[0] : NULL);
		return EXIT_OK;
	}
	command = find(argc, argv, &words);
	if (!command)
		return run(argc, argv);
	if (argc > words)
		return usage("help takes one command (%s)", argv[words]);
	line[0] = argv[words - 1];
	return command->run(2, line);
}

static int print_version(void)
{
	printf("xq %s\n", XQ_VERSION);
	return EXIT_OK;
}

static int list_commands(void)
{
	for (const struct command *c = commands; c->name; c++)
		puts(c->name);
	return EXIT_OK;
}

static bool is(const char *word, const char *a, const char *b)
{
	return !strcmp(word, a) || !strcmp(word, b);
}

static int run_or_tell(int argc, char **argv)
{
	if (!argc)
		return usage("a command is missing");
	if (!strcmp(argv[0], "help"))
		return help(argc - 1, argv + 1);
	if (is(argv[0], "--help", "-h"))
		return help(0, NULL);
	if (is(argv[0], "--version", "-V"))
		return print_version();
	if (!strcmp(argv[0], "--list-commands"))
		return list_commands();
	return run(argc, argv);
}

/* Of those that are closed the next file would be one, and get what is printed. Writing to these fails. */
static void hold_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(EXIT_ERROR);
	}
}

int main(int argc, char **argv)
{
	int status;

	hold_standard_files();
	status = run_or_tell(argc - 1, argv + 1);
	return output_flush() ? EXIT_ERROR : status;
}
