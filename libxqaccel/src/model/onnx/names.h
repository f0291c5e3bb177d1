/* SPDX-License-Identifier: MIT */
/* Tensors by their names in the file. Internal. */
#ifndef XQ_MODEL_ONNX_NAMES_H
#define XQ_MODEL_ONNX_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* What a name was before it was set. */
struct xqo_was {
	const char *name;
	int tensor;
};

/**
 * struct xqo_names - a hash table
 * @name: [room] texts that stay where they are, or NULL
 * @tensor: [room]
 * @room: a power of two, or 0
 * @was: [noted] as names were, if @noting
 */
struct xqo_names {
	const char **name;
	int *tensor;
	size_t used, room;
	struct xqo_was *was;
	size_t noted, was_room;
	bool noting;
};

/* The tensor of a name, 0 if there is none. */
int xqo_names_find(const struct xqo_names *names, const char *name);

/* Sets it, also in place of another; -ENOMEM. */
int xqo_names_set(struct xqo_names *names, const char *name, int tensor);

/* Names that are set after the first are as they were again after the second; @mark is what the first returned. */
size_t xqo_names_mark(struct xqo_names *names);
void xqo_names_forget(struct xqo_names *names, size_t mark);

void xqo_names_free(struct xqo_names *names);

#endif
