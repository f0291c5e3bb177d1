/* SPDX-License-Identifier: MIT */
/*
 * Arguments that are tensors, numbers, types or devices, with their errors.
 * All functions return 0, or EXIT_ERROR after printing what is wrong.
 */
#ifndef XQ_TOOL_ARGUMENTS_H
#define XQ_TOOL_ARGUMENTS_H

#include <xqaccel/matmul.h>

#include "tensor.h"

/* Reads a tensor of any type by its name (tensor_file.h). */
int argument_tensor(const char *path, struct tensor *t);

/* The same by tensor_map(): its elements may then be only read. */
int argument_mapped(const char *path, struct tensor *t);

/*
 * An integer, or a file of any integer dtype; a number becomes a 0-d int64 tensor.
 * Elements outside [min, max] are refused.
 */
int argument_ints(const char *option, const char *text, int64_t min, int64_t max,
		  struct tensor *t);

/* Refuses a tensor, given as text, that is not of integers in [min, max]. */
int argument_ints_check(const char *option, const char *text, int64_t min, int64_t max,
			const struct tensor *t);

/* A number, or a file of floats; the result is float32. */
int argument_floats(const char *option, const char *text, struct tensor *t);

/*
 * The element type of a tensor of int8 or uint8: wanted, or if that is XQ_NONE the dtype's;
 * every element must be a value of it.
 */
int argument_elements(const char *option, const char *path, const struct tensor *t,
		      enum xq_type wanted, enum xq_type *type);

/* --bias: int32 [count]; values stays NULL without a path. */
int argument_bias(const char *path, size_t count, struct tensor *t, const int32_t **values);

/*
 * One integer, or a .npy file with one, in [min, max]; value keeps what it has without text.
 */
int argument_int(const char *option, const char *text, int64_t min, int64_t max, int64_t *value);

/* The same of a float. */
int argument_float(const char *option, const char *text, float *value);

/* Opens --device NAME (NULL: default order). */
int argument_device(const char *name, struct xq_device **dev);

/* A workspace of --device NAME, and its end together with the device. */
int argument_workspace(const char *name, struct xq_workspace **workspace);
void argument_workspace_close(struct xq_workspace *workspace);

#endif
