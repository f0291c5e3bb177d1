/* SPDX-License-Identifier: MIT */
/*
 * Models as arguments: what is a model file, and tensors of models as those of .npy files.
 */
#ifndef XQ_TOOL_MODEL_FILE_H
#define XQ_TOOL_MODEL_FILE_H

#include <xqaccel/model.h>

#include "tensor.h"

/* Whether a file is a model, by what it begins with or by its name; a pipe is none. */
bool model_file_is(const char *path);

/* Loads a model. 0, or EXIT_ERROR after printing what is wrong. */
int model_file_load(const char *path, struct xq_model **model);

/* The type of a .npy file's elements for a type of a model's tensor; false if it has none. */
bool model_element(int type, char *kind, unsigned int *bytes);

/* "s8 [1, 49, 10, 1]" with "?" for what is not known, in a static buffer that the next but three call overwrites. */
const char *model_tensor_text(const struct xq_model_tensor *t);

/* "scale 0.5, zero point 3", "64 scales", or "". The same. */
const char *model_scale_text(const struct xq_model_tensor *t);

/* A name of a file without what a terminal would act on. The same. */
const char *model_name_text(const char *name);

/* "device", "CPU", "both", "-". */
const char *model_where_text(enum xq_where where);

#endif
