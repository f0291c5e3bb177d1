/* SPDX-License-Identifier: MIT */
/*
 * Copies whose input is any strided view of a tensor: what transpose, slice, expand, tile and the like come to.
 * Internal.
 */
#ifndef XQ_MODEL_CPU_STRIDED_H
#define XQ_MODEL_CPU_STRIDED_H

#include "kernel.h"

/* Dimensions of a view: tile and the like need two for each of a tensor. */
#define XQM_VIEW_DIMS		(2 * XQ_MODEL_DIMS)

/**
 * struct xqm_view - elements of a tensor in the order in which they are wanted
 * @dims: @dim: of the view
 * @step: along each dimension, in elements; may be 0 or negative
 * @first: the element with index 0
 */
struct xqm_view {
	unsigned int dims;
	size_t dim[XQM_VIEW_DIMS];
	ptrdiff_t step[XQM_VIEW_DIMS];
	size_t first;
};

/* The view that is the tensor itself. */
void xqm_view_whole(struct xqm_view *view, const struct xqm_value *value);

/* Copies the elements of a view one after the other. */
void xqm_view_copy(const struct xqm_view *view, const void *from, void *to, size_t bytes);

#endif
