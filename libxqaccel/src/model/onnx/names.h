/* SPDX-License-Identifier: MIT */
/* Tensors by their names in the file. Internal. */
#ifndef XQ_MODEL_ONNX_NAMES_H
#define XQ_MODEL_ONNX_NAMES_H

#include <stddef.h>

/**
 * struct xqo_names - a hash table
 * @name: [room] texts that stay where they are, or NULL
 * @tensor: [room]
 * @room: a power of two, or 0
 */
struct xqo_names {
	const char **name;
	int *tensor;
	size_t used, room;
};

/* The tensor of a name, 0 if there is none. */
int xqo_names_find(const struct xqo_names *names, const char *name);

/* Sets it, also in place of another; -ENOMEM. */
int xqo_names_set(struct xqo_names *names, const char *name, int tensor);

void xqo_names_free(struct xqo_names *names);

#endif
