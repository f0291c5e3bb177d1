// SPDX-License-Identifier: MIT
/*
 * Sizes of the outputs of windows.
 */
#include <errno.h>
#include <string.h>

#include "geometry.h"
#include "infer.h"

static int begin(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *x,
		 const size_t *kernel, struct xqm_geometry *g)
{
	const struct xqm_window *w = &op->params.window;

	if (!w->dims || w->dims > XQM_SPATIAL)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "windows of %u dimensions", w->dims);
	if (x->dims != w->dims + 2)
		return xqm_fail_at(graph, op, -EINVAL, "a window of %u dimensions on a tensor of %u", w->dims, x->dims);
	g->batch = x->dim[0];
	g->channels = x->dim[w->channels_last ? x->dims - 1 : 1];
	for (unsigned int d = 0; d < XQM_SPATIAL; d++) {
		bool there = d + w->dims >= XQM_SPATIAL;
		unsigned int own = d + w->dims - XQM_SPATIAL;

		g->in[d] = there ? x->dim[own + (w->channels_last ? 1 : 2)] : 1;
		g->kernel[d] = there ? kernel[own] : 1;
		g->stride[d] = there ? w->stride[own] : 1;
		g->dilation[d] = there ? w->dilation[own] : 1;
		g->begin[d] = 0;
		if (!g->kernel[d] || !g->stride[d] || !g->dilation[d] || g->kernel[d] > XQM_MAX_SIZE ||
		    g->stride[d] > XQM_MAX_SIZE || g->dilation[d] > XQM_MAX_SIZE)
			return xqm_fail_at(graph, op, -EINVAL, "a kernel of %zu, a stride of %zu, a dilation of %zu", g->kernel[d],
					   g->stride[d], g->dilation[d]);
	}
	return 0;
}

/* Padding on both sides together that gives ceil(in / stride) outputs. */
static int64_t same_padding(size_t in, size_t kernel, size_t stride, size_t dilation)
{
	int64_t out = (int64_t)((in + stride - 1) / stride);
	int64_t all = (out - 1) * (int64_t)stride + (int64_t)((kernel - 1) * dilation) + 1 - (int64_t)in;

	return all > 0 ? all : 0;
}

int xqm_find_geometry(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *x,
		 const size_t *kernel, struct xqm_geometry *g)
{
	const struct xqm_window *w = &op->params.window;
	int err = begin(graph, op, x, kernel, g);

	for (unsigned int own = 0; !err && own < w->dims; own++) {
		unsigned int d = own + XQM_SPATIAL - w->dims;
		int64_t extent = (int64_t)((g->kernel[d] - 1) * g->dilation[d]) + 1, all, room, out;

		if (w->padding == XQM_PAD_GIVEN) {
			g->begin[d] = w->begin[own];
			all = w->begin[own] + w->end[own];
			if (w->begin[own] < -XQM_MAX_SIZE || w->begin[own] > XQM_MAX_SIZE || w->end[own] < -XQM_MAX_SIZE ||
			    w->end[own] > XQM_MAX_SIZE)
				return xqm_fail_at(graph, op, -EINVAL, "padding of %lld and %lld", (long long)w->begin[own],
						   (long long)w->end[own]);
		} else {
			all = same_padding(g->in[d], g->kernel[d], g->stride[d], g->dilation[d]);
			g->begin[d] = w->padding == XQM_PAD_SAME ? all / 2 : (all + 1) / 2;
		}
		room = (int64_t)g->in[d] + all - extent;
		if (room < 0)
			return xqm_fail_at(graph, op, -EINVAL, "a window of %lld on %zu elements with padding of %lld",
					   (long long)extent, g->in[d], (long long)all);
		out = room / (int64_t)g->stride[d] + 1;
		if (w->ceil && room % (int64_t)g->stride[d]) {
			out++;
			/* A window that begins in the padding behind the image sees nothing. */
			if ((out - 1) * (int64_t)g->stride[d] >= (int64_t)g->in[d] + g->begin[d])
				out--;
		}
		err = xqm_size(graph, op, out, &g->out[d]);
	}
	for (unsigned int d = 0; !err && d + w->dims < XQM_SPATIAL; d++)
		g->out[d] = 1;
	return err;
}

int xqm_find_geometry_transposed(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *x,
			    const size_t *kernel, struct xqm_geometry *g)
{
	const struct xqm_window *w = &op->params.window;
	int err = begin(graph, op, x, kernel, g);

	for (unsigned int own = 0; !err && own < w->dims; own++) {
		unsigned int d = own + XQM_SPATIAL - w->dims;
		int64_t full = ((int64_t)g->in[d] - 1) * (int64_t)g->stride[d] +
			       (int64_t)((g->kernel[d] - 1) * g->dilation[d]) + 1 + (int64_t)w->output_pad[own];
		int64_t all = w->begin[own] + w->end[own];

		g->begin[d] = w->begin[own];
		if (w->kernel[own] || w->padding != XQM_PAD_GIVEN) {
			all = full - (int64_t)(w->kernel[own] ? w->kernel[own] : g->in[d] * g->stride[d]);
			/* What is more than the image gives is at the end. */
			g->begin[d] = all < 0 ? 0 : w->padding == XQM_PAD_SAME ? all / 2 : all - all / 2;
		}
		err = xqm_size(graph, op, full - all, &g->out[d]);
	}
	for (unsigned int d = 0; !err && d + w->dims < XQM_SPATIAL; d++)
		g->out[d] = 1;
	return err;
}

void xqm_geometry_output(const struct xqm_operator *op, const struct xqm_geometry *g, size_t channels,
			 struct xqm_value *out)
{
	const struct xqm_window *w = &op->params.window;

	out->dims = w->dims + 2;
	out->dim[0] = g->batch;
	out->dim[w->channels_last ? out->dims - 1 : 1] = channels;
	for (unsigned int own = 0; own < w->dims; own++)
		out->dim[own + (w->channels_last ? 1 : 2)] = g->out[own + XQM_SPATIAL - w->dims];
}
