/* SPDX-License-Identifier: MIT */
/*
 * What every command of xq is made of: its entry in the table, and how it reports errors.
 */
#ifndef XQ_TOOL_COMMAND_H
#define XQ_TOOL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses. */
#define EXIT_OK		0
#define EXIT_ERROR	1
#define EXIT_USAGE	2

/**
 * struct command - an entry of the table in xq.c, from which help and completion are made
 * @name: one word, or two ("bench gemm")
 * @arguments: what follows it in the usage line; begins with the operands, if there are any:
 *	"X.npy", or "FILE" for what is no tensor
 * @summary: one line for `xq help`
 * @run: gets what follows the name; argv[0] is the name. Returns an exit status
 */
struct command {
	const char *name;
	const char *arguments;
	const char *summary;
	int (*run)(int argc, char **argv);
};

/* The command that runs. */
extern const struct command *command;

extern const struct command commands[];

/* Prints `xq: COMMAND: message` to standard error; returns EXIT_ERROR. */
__attribute__((format(printf, 1, 2))) int fail(const char *format, ...);

/* Prints `xq: COMMAND: warning: message` to standard error. */
__attribute__((format(printf, 1, 2))) void warn(const char *format, ...);

/* The same line, with a hint at --help; returns EXIT_USAGE. */
__attribute__((format(printf, 1, 2))) int usage(const char *format, ...);

int cmd_info(int argc, char **argv);
int cmd_gemm(int argc, char **argv);
int cmd_conv(int argc, char **argv);
int cmd_pool(int argc, char **argv);
int cmd_add(int argc, char **argv);
int cmd_mul(int argc, char **argv);
int cmd_softmax(int argc, char **argv);
int cmd_quantize(int argc, char **argv);
int cmd_dequantize(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_pack(int argc, char **argv);
int cmd_unpack(int argc, char **argv);
int cmd_bench_gemm(int argc, char **argv);
int cmd_bench_conv(int argc, char **argv);

#endif
