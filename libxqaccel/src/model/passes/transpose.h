/* SPDX-License-Identifier: MIT */
/*
 * Transpositions that need not be computed. Internal.
 *
 * Exporters put them around what a framework has with its channels elsewhere, and lowering adds those that its layers need
 * (lower.h). Two that follow each other are one, or none if the second undoes the first, also where what is between them goes
 * element by element; and one before a fully connected layer of constant weights is an order of these.
 */
#ifndef XQ_MODEL_PASSES_TRANSPOSE_H
#define XQ_MODEL_PASSES_TRANSPOSE_H

#include "libxqaccel/src/model/graph.h"

/* Takes them out: 0, or -ENOMEM. Shapes are known, and stay so. */
int xqm_join_transpositions(struct xqm_graph *graph);

#endif
