/* SPDX-License-Identifier: MIT */
/* xq show of a model. */
#ifndef XQ_TOOL_SHOW_MODEL_H
#define XQ_TOOL_SHOW_MODEL_H

#include <stdbool.h>

/* Prints a model's inputs, outputs and operators, and where each would run on a device. An exit status. */
int show_model(const char *path, const char *device, bool json);

#endif
