/* SPDX-License-Identifier: MIT */
/* A model and the formats that it can come in. Internal. */
#ifndef XQ_MODEL_MODEL_H
#define XQ_MODEL_MODEL_H

#include "graph.h"

/**
 * struct xq_model - a model
 * @graph: NULL before it is loaded
 * @map: @map_bytes: the file, if it was mapped
 */
struct xq_model {
	struct xqm_graph *graph;
	void *map;
	size_t map_bytes;
	char error[XQM_ERROR_BYTES];
};

/**
 * struct xqm_format - a format of model files
 * @name: for people
 * @is: whether a file is of it, by what it begins with
 * @read: fills an empty graph, which may point into the file; @path is where other files may lie beside it, or
 *	NULL. Fails by xqm_fail()
 */
struct xqm_format {
	const char *name;
	bool (*is)(const void *data, size_t bytes);
	int (*read)(struct xqm_graph *graph, const void *data, size_t bytes, const char *path);
};

/* The format of a file, or NULL. */
const struct xqm_format *xqm_format(const void *data, size_t bytes);

/* What a tensor is, for the public interface. */
void xqm_describe(const struct xqm_tensor *t, struct xq_model_tensor *to);

/* Sets the sentence and returns the error. */
int xqm_model_fail(struct xq_model *model, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
