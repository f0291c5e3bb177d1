/* SPDX-License-Identifier: MIT */
/* The reader of ONNX files. Internal. */
#ifndef XQ_MODEL_ONNX_ONNX_H
#define XQ_MODEL_ONNX_ONNX_H

#include "libxqaccel/src/model/graph.h"

/* The opsets of ONNX's own domain that are known: newer ones may have changed what an operator means. */
#define XQO_OLDEST_OPSET	7
#define XQO_NEWEST_OPSET	25

/* Whether a file may be ONNX: a message of protobuf that begins as a model does. */
bool xqo_is(const void *data, size_t bytes);

/*
 * Fills an empty graph. Integers of 8 bits and less, and what is aligned, stay in the file; what lies in other files is
 * mapped from the folder of path.
 */
int xqo_read(struct xqm_graph *graph, const void *data, size_t bytes, const char *path);

#endif
