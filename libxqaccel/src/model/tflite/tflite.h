/* SPDX-License-Identifier: MIT */
/* TensorFlow Lite files. Internal. */
#ifndef XQ_TFLITE_TFLITE_H
#define XQ_TFLITE_TFLITE_H

#include "libxqaccel/src/model/graph.h"

/* Whether a file is one, of version 3. */
bool xqt_is(const void *data, size_t bytes);

/* Reads a file into an empty graph, which points to its constants. It needs no other files. */
int xqt_read(struct xqm_graph *graph, const void *data, size_t bytes, const char *path);

#endif
