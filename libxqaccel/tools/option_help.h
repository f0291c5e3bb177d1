/* SPDX-License-Identifier: MIT */
/*
 * The table of a command's options, printed for people and for completion scripts.
 */
#ifndef XQ_TOOL_OPTION_HELP_H
#define XQ_TOOL_OPTION_HELP_H

#include "options.h"

/* --help of the command that runs. */
void option_help(const struct option_spec *specs, size_t n);

/**
 * option_list_all() - the command's options, a line each, for completion scripts
 *
 * A line is the option with its dashes and what it takes: nothing, "tensor" (a file that
 * xq reads), "file", "device", "text", or the values that there are. The first line
 * says what the operands are: "operands tensor", "operands file" or "operands".
 */
void option_list_all(const struct option_spec *specs, size_t n);

#endif
