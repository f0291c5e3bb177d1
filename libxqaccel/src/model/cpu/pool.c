// SPDX-License-Identifier: MIT
/*
 * Pools. Sums and powers are in double in the order of the window, and rounded once.
 */
#include <errno.h>
#include <math.h>

#include "elements.h"
#include "geometry.h"
#include "infer.h"
#include "kernels.h"

static bool global(enum xqm_op op)
{
	return op == XQM_GLOBAL_MAX_POOL || op == XQM_GLOBAL_AVERAGE_POOL;
}

/* A global pool has the window that covers everything, of one dimension: all pixels in a row. */
static int shape(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *x,
		 struct xqm_geometry *g)
{
	const struct xqm_window *w = &op->params.window;

	if (!global(op->op))
		return xqm_find_geometry(graph, op, x, w->kernel, g);
	if (x->dims < 3)
		return xqm_fail_at(graph, op, -EINVAL, "a tensor of %u dimensions has no image",
				   x->dims);
	*g = (struct xqm_geometry){ .batch = x->dim[0] };
	g->channels = x->dim[w->channels_last ? x->dims - 1 : 1];
	for (unsigned int d = 0; d < XQM_SPATIAL; d++)
		g->in[d] = g->out[d] = g->kernel[d] = g->stride[d] = g->dilation[d] = 1;
	for (unsigned int d = 0; d < x->dims - 2; d++)
		g->in[2] *= x->dim[d + (w->channels_last ? 1 : 2)];
	g->kernel[2] = g->in[2];
	return 0;
}

static int infer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		 struct xqm_value *out)
{
	const struct xqm_window *w = &op->params.window;
	struct xqm_geometry g;
	int err = shape(graph, op, in, &g);

	if (err)
		return err;
	xqm_same(out, in);
	if (global(op->op)) {
		for (unsigned int d = 0; d < in->dims - 2; d++)
			out->dim[d + (w->channels_last ? 1 : 2)] = 1;
	} else {
		xqm_geometry_output(op, &g, g.channels, out);
	}
	if (op->outputs > 1 && out[1].type != XQ_NONE) {
		xqm_same(&out[1], out);
		out[1].type = XQ_MODEL_S64;
	}
	return 0;
}

struct window {
	double sum;
	size_t count, all, best;
};

static void add(const struct xqm_operator *op, const struct xqm_value *in, size_t at,
		struct window *window)
{
	double x = xqm_real_at(in, at), power = op->params.window.power;

	switch (op->op) {
	case XQM_MAX_POOL:
	case XQM_GLOBAL_MAX_POOL:
		if (!window->count || x > window->sum || isnan(x)) {
			window->sum = x;
			window->best = at;
		}
		break;
	case XQM_LP_POOL:
		window->sum += power == 2 ? x * x : power == 1 ? fabs(x) : pow(fabs(x), power);
		break;
	default:
		window->sum += x;
	}
	window->count++;
}

static double result(const struct xqm_operator *op, const struct window *window)
{
	size_t n = op->params.window.count_pad && !global(op->op) ? window->all : window->count;

	switch (op->op) {
	case XQM_MAX_POOL:
	case XQM_GLOBAL_MAX_POOL:
		return window->sum;
	case XQM_LP_POOL:
		return op->params.window.power == 2 ? sqrt(window->sum)
		       : op->params.window.power == 1
			       ? window->sum
			       : pow(window->sum, 1.0 / op->params.window.power);
	default:
		return n ? window->sum / (double)n : 0;
	}
}

static double clamped(double x, float low, float high)
{
	return x < (double)low ? (double)low : x > (double)high ? (double)high : x;
}

/*
 * Elements of the window at o that lie in the image with its padding: a rounded up size goes
 * beyond.
 */
static size_t padded(const struct xqm_operator *op, const struct xqm_geometry *g, const size_t *o)
{
	const struct xqm_window *w = &op->params.window;
	size_t n = 1;

	for (unsigned int d = 0; d < XQM_SPATIAL; d++) {
		int64_t end = 0, own = 0, first = (int64_t)(o[d] * g->stride[d]) - g->begin[d];

		if (d + w->dims >= XQM_SPATIAL && w->padding == XQM_PAD_GIVEN)
			end = w->end[d + w->dims - XQM_SPATIAL];
		else if (w->padding != XQM_PAD_GIVEN)
			end = XQM_MAX_SIZE;
		for (size_t t = 0; t < g->kernel[d]; t++)
			own += first + (int64_t)(t * g->dilation[d]) < (int64_t)g->in[d] + end;
		n *= (size_t)own;
	}
	return n;
}

/*
 * ONNX's index of the best element: of the whole tensor, its spatial dimensions turned if columns
 * come first.
 */
static int64_t index_of(const struct xqm_operator *op, const struct xqm_geometry *g, size_t at)
{
	size_t pixels = xqm_pixels(g->in), o[XQM_SPATIAL];

	if (!op->params.window.columns_first)
		return (int64_t)at;
	xqm_pixel(g->in, at % pixels, o);
	return (int64_t)(at / pixels * pixels + (o[2] * g->in[1] + o[1]) * g->in[0] + o[0]);
}

/* ---- the largest of float32 ---------------------------------------------------------------- */

/* Taps of a dimension that output o sees in the image: [first, end). */
static void seen_taps(const struct xqm_geometry *g, unsigned int d, size_t o, size_t *first,
		      size_t *end)
{
	const int64_t at = (int64_t)(o * g->stride[d]) - g->begin[d],
		      step = (int64_t)g->dilation[d];
	const int64_t left = (int64_t)g->in[d] - at;
	const int64_t most = left <= 0 ? 0 : (left + step - 1) / step;

	*first = at < 0 ? (size_t)((step - 1 - at) / step) : 0;
	*end = most < (int64_t)g->kernel[d] ? (size_t)most : g->kernel[d];
}

/*
 * An output, of elements of a channel that are so far apart. As add() does, 0 if nothing is seen.
 */
static float largest(const struct xqm_geometry *g, const float *x, size_t step, const size_t *o)
{
	size_t first[XQM_SPATIAL], end[XQM_SPATIAL], t[XQM_SPATIAL];
	bool any = false;
	float best = 0;

	for (unsigned int d = 0; d < XQM_SPATIAL; d++)
		seen_taps(g, d, o[d], &first[d], &end[d]);
	for (t[0] = first[0]; t[0] < end[0]; t[0]++) {
		for (t[1] = first[1]; t[1] < end[1]; t[1]++) {
			size_t at = 0;

			t[2] = first[2];
			for (unsigned int d = 0; d < XQM_SPATIAL; d++)
				at = at * g->in[d] + o[d] * g->stride[d] + t[d] * g->dilation[d] -
				     (size_t)g->begin[d];
			for (; t[2] < end[2]; t[2]++, at += g->dilation[2]) {
				const float v = x[at * step];

				best = !any || v > best || isnan(v) ? v : best;
				any = true;
			}
		}
	}
	return best;
}

static void largest_of_all(const struct xqm_operator *op, const struct xqm_geometry *g,
			   const float *x, float *y)
{
	const size_t pixels = xqm_pixels(g->out), in_pixels = xqm_pixels(g->in);
	const bool last = op->params.window.channels_last;
	const size_t step = last ? g->channels : 1;

	for (size_t i = 0; i < g->batch * g->channels; i++) {
		const size_t b = i / g->channels, c = i % g->channels;
		const float *from = x + (last ? b * g->channels * in_pixels + c : i * in_pixels);
		float *to = y + (last ? b * g->channels * pixels + c : i * pixels);

		for (size_t p = 0; p < pixels; p++) {
			size_t o[XQM_SPATIAL];

			xqm_pixel(g->out, p, o);
			to[p * step] = (float)clamped((double)largest(g, from, step, o),
						      op->params.window.low,
						      op->params.window.high);
		}
	}
}

/* ---- all others -------------------------------------------------------------------------- */

static int compute(const struct xqm_operator *op, const struct xqm_value *in,
		   const struct xqm_value *out)
{
	bool last = op->params.window.channels_last;
	struct xqm_geometry g;
	int err = shape(NULL, op, in, &g);
	size_t pixels, in_pixels, taps;

	if (err)
		return err;
	if (in->type == XQ_F32 && out->type == XQ_F32 &&
	    (op->op == XQM_MAX_POOL || op->op == XQM_GLOBAL_MAX_POOL) &&
	    (op->outputs < 2 || out[1].type == XQ_NONE)) {
		largest_of_all(op, &g, in->data, out->data);
		return 0;
	}
	pixels = xqm_pixels(g.out);
	in_pixels = xqm_pixels(g.in);
	taps = xqm_pixels(g.kernel);
	for (size_t b = 0; b < g.batch; b++) {
		for (size_t c = 0; c < g.channels; c++) {
			for (size_t p = 0; p < pixels; p++) {
				size_t o[XQM_SPATIAL], tap[XQM_SPATIAL], pixel,
					at = b * g.channels * pixels;
				struct window window = { 0 };
				double y;

				xqm_pixel(g.out, p, o);
				window.all = op->params.window.count_pad ? padded(op, &g, o) : taps;
				for (size_t t = 0; t < taps; t++) {
					xqm_pixel(g.kernel, t, tap);
					if (xqm_tap(&g, o, tap, &pixel))
						add(op, in,
						    b * g.channels * in_pixels +
							    (last ? pixel * g.channels + c
								  : c * in_pixels + pixel),
						    &window);
				}
				at += last ? p * g.channels + c : c * pixels + p;
				y = clamped(result(op, &window), op->params.window.low,
					    op->params.window.high);
				xqm_store_real(out, at, 1, &y);
				if (op->outputs > 1 && out[1].type != XQ_NONE)
					((int64_t *)out[1].data)[at] = index_of(op, &g,
										window.best);
			}
		}
	}
	return 0;
}

const struct xqm_kernel xqm_pool_kernel = { .name = "pool", .infer = infer, .compute = compute };
