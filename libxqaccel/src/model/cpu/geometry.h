/* SPDX-License-Identifier: MIT */
/* Where windows of convolutions and pools lie. Internal. */
#ifndef XQ_MODEL_CPU_GEOMETRY_H
#define XQ_MODEL_CPU_GEOMETRY_H

#include "kernel.h"

/**
 * struct xqm_geometry - a window on an image of up to XQM_SPATIAL dimensions, with sizes for all: those that are
 *	missing come first and have one element
 * @batch: @channels: of the input
 * @in: @out: @kernel: @stride: @dilation: sizes
 * @begin: elements of padding before the image; may be negative
 */
struct xqm_geometry {
	size_t batch, channels;
	size_t in[XQM_SPATIAL], out[XQM_SPATIAL], kernel[XQM_SPATIAL], stride[XQM_SPATIAL], dilation[XQM_SPATIAL];
	int64_t begin[XQM_SPATIAL];
};

/* Resolves a window for an input with kernels of these sizes, its dims numbers; -EINVAL with a sentence. */
int xqm_find_geometry(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *x,
		 const size_t *kernel, struct xqm_geometry *g);

/* The same of a transposed convolution. */
int xqm_find_geometry_transposed(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *x,
			    const size_t *kernel, struct xqm_geometry *g);

/* Shape of an output with so many channels in the layout of the window. */
void xqm_geometry_output(const struct xqm_operator *op, const struct xqm_geometry *g, size_t channels,
			 struct xqm_value *out);

/* Elements of an image, of a kernel. */
static inline size_t xqm_pixels(const size_t *size)
{
	return size[0] * size[1] * size[2];
}

/* Index of pixel p of an output along each dimension. */
static inline void xqm_pixel(const size_t *size, size_t p, size_t *index)
{
	index[2] = p % size[2];
	index[1] = p / size[2] % size[1];
	index[0] = p / size[2] / size[1];
}

/* The input pixel that tap t of output o sees; false in the padding. */
static inline bool xqm_tap(const struct xqm_geometry *g, const size_t *o, const size_t *t, size_t *pixel)
{
	*pixel = 0;
	for (unsigned int d = 0; d < XQM_SPATIAL; d++) {
		int64_t at = (int64_t)(o[d] * g->stride[d] + t[d] * g->dilation[d]) - g->begin[d];

		if (at < 0 || at >= (int64_t)g->in[d])
			return false;
		*pixel = *pixel * g->in[d] + (size_t)at;
	}
	return true;
}

#endif
