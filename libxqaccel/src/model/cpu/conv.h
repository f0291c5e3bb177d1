/* SPDX-License-Identifier: MIT */
/* Weights and shapes of convolutions. Internal. */
#ifndef XQ_MODEL_CPU_CONV_H
#define XQ_MODEL_CPU_CONV_H

#include "geometry.h"

/**
 * struct xqm_weights - dimensions of weights
 * @out: channels of the output; @in: channels of the input in a group
 * @kernel: as many as the window has dimensions
 */
struct xqm_weights {
	size_t out, in, kernel[XQM_SPATIAL];
};

/* -EINVAL with a sentence if the weights don't have dimensions in the window's order. */
int xqm_weights_shape(struct xqm_graph *graph, const struct xqm_operator *op,
		      const struct xqm_value *w, struct xqm_weights *shape);

/* Index of a weight, of taps in the order of height and width. */
size_t xqm_weight(const struct xqm_weights *w, enum xq_weight_order order, size_t out, size_t tap,
		  size_t in, size_t taps);

/* Both, and whether channels and groups go together. */
int xqm_conv_shape(struct xqm_graph *graph, const struct xqm_operator *op,
		   const struct xqm_value *x, const struct xqm_value *w,
		   struct xqm_weights *weights, struct xqm_geometry *g);

#endif
