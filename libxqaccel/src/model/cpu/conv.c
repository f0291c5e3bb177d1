// SPDX-License-Identifier: MIT
/*
 * Convolutions of real numbers. A sum goes over taps in the order of height and width, at each over the channels
 * of the group; padding takes part as zeros; the bias is added at the end. So both layouts give the same bits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "sgemm.h"

/* Pixels whose patches are gathered at a time. */
#define BLOCK			256

/* ---- weights ------------------------------------------------------------------------------------------ */

int xqm_weights_shape(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *w,
		      struct xqm_weights *shape)
{
	const struct xqm_window *window = &op->params.window;
	unsigned int n = window->dims, first;

	memset(shape, 0, sizeof(*shape));
	if (window->weights == XQ_WEIGHTS_HWO && w->dims == n + 2 && w->dim[0] == 1) {
		shape->out = w->dim[n + 1];
		shape->in = 1;
		first = 1;
	} else if (window->weights == XQ_WEIGHTS_HWO && w->dims == n + 1) {
		shape->out = w->dim[n];
		shape->in = 1;
		first = 0;
	} else if (window->weights != XQ_WEIGHTS_HWO && w->dims == n + 2) {
		shape->out = w->dim[0];
		shape->in = w->dim[window->weights == XQ_WEIGHTS_OHWI ? n + 1 : 1];
		first = window->weights == XQ_WEIGHTS_OHWI ? 1 : 2;
	} else {
		return xqm_fail_at(graph, op, -EINVAL, "weights of %u dimensions for a window of %u", w->dims, n);
	}
	for (unsigned int d = 0; d < n && d < XQM_SPATIAL; d++)
		shape->kernel[d] = w->dim[first + d];
	return 0;
}

size_t xqm_weight(const struct xqm_weights *w, enum xq_weight_order order, size_t out, size_t tap, size_t in, size_t taps)
{
	switch (order) {
	case XQ_WEIGHTS_OHWI:
		return (out * taps + tap) * w->in + in;
	case XQ_WEIGHTS_OIHW:
		return (out * w->in + in) * taps + tap;
	default:
		return tap * w->out + out;
	}
}

/* ---- shapes --------------------------------------------------------------------------------------- */

int xqm_conv_shape(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *x,
		   const struct xqm_value *w, struct xqm_weights *weights, struct xqm_geometry *g)
{
	size_t groups = op->params.window.groups;
	int err = xqm_weights_shape(graph, op, w, weights);

	if (!err)
		err = xqm_find_geometry(graph, op, x, weights->kernel, g);
	if (!err && (!groups || groups > g->channels || g->channels != weights->in * groups || weights->out % groups))
		err = xqm_fail_at(graph, op, -EINVAL, "%zu channels in %zu groups, weights of %zu for %zu outputs",
				  g->channels, groups, weights->in, weights->out);
	return err;
}

static int infer_conv(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		      struct xqm_value *out)
{
	const struct xqm_value *bias = xqm_operand(op, in, 2);
	struct xqm_weights weights;
	struct xqm_geometry g;
	int err = xqm_conv_shape(graph, op, &in[0], &in[1], &weights, &g);

	if (!err && !(in->quantization && in->quantization->count)) {
		err = xqm_need_type(graph, op, &in[1], "weights", in->type);
		if (!err && bias)
			err = xqm_need_type(graph, op, bias, "a bias", in->type);
		if (!err)
			err = xqm_reals(graph, op, in, op->inputs);
	}
	if (!err && bias && xqm_value_elements(bias) != weights.out)
		err = xqm_fail_at(graph, op, -EINVAL, "a bias of %zu elements for %zu channels", xqm_value_elements(bias),
				  weights.out);
	if (err)
		return err;
	if (out->type == XQ_NONE || !in->quantization || !in->quantization->count)
		out->type = in->type;
	xqm_geometry_output(op, &g, weights.out, out);
	return 0;
}

/* ---- float32 ----------------------------------------------------------------------------------------- */

struct conv {
	const struct xqm_window *window;
	struct xqm_geometry g;
	struct xqm_weights weights;
	size_t taps, pixels, in_pixels, per_group;	/* of outputs */
	const float *x, *bias;
	float *y, *ordered, *patches, *sums;
};

/* Patches of pixels first to first + n as [tap][channel][pixel]. */
static void gather(const struct conv *c, const float *x, size_t group, size_t first, size_t n)
{
	const struct xqm_geometry *g = &c->g;
	size_t channels = c->weights.in, pixel_step = c->window->channels_last ? g->channels : 1;
	size_t channel_step = c->window->channels_last ? 1 : c->in_pixels;

	for (size_t t = 0; t < c->taps; t++) {
		size_t tap[XQM_SPATIAL];

		xqm_pixel(g->kernel, t, tap);
		for (size_t j = 0; j < n; j++) {
			float *to = c->patches + t * channels * BLOCK + j;
			size_t o[XQM_SPATIAL], pixel;
			const float *from;

			xqm_pixel(g->out, first + j, o);
			if (!xqm_tap(g, o, tap, &pixel)) {
				for (size_t i = 0; i < channels; i++)
					to[i * BLOCK] = 0;
				continue;
			}
			from = x + pixel * pixel_step + group * channels * channel_step;
			for (size_t i = 0; i < channels; i++)
				to[i * BLOCK] = from[i * channel_step];
		}
	}
}

static void finish(const struct conv *c, float *y, size_t group, size_t first, size_t n)
{
	size_t pixel_step = c->window->channels_last ? c->weights.out : 1;
	size_t channel_step = c->window->channels_last ? 1 : c->pixels;

	for (size_t i = 0; i < c->per_group; i++) {
		size_t channel = group * c->per_group + i;
		float *to = y + channel * channel_step + first * pixel_step;

		for (size_t j = 0; j < n; j++) {
			float v = c->sums[i * BLOCK + j];

			if (c->bias)
				v += c->bias[channel];
			v = v < c->window->low ? c->window->low : v;
			to[j * pixel_step] = v > c->window->high ? c->window->high : v;
		}
	}
}

static void conv_image(const struct conv *c, size_t batch)
{
	const float *x = c->x + batch * c->g.channels * c->in_pixels;
	float *y = c->y + batch * c->weights.out * c->pixels;
	size_t k = c->taps * c->weights.in;

	for (size_t group = 0; group < c->window->groups; group++) {
		for (size_t first = 0; first < c->pixels; first += BLOCK) {
			size_t n = c->pixels - first < BLOCK ? c->pixels - first : BLOCK;

			gather(c, x, group, first, n);
			xqm_sgemm(c->per_group, n, k, c->ordered + group * c->per_group * k, k, c->patches, BLOCK, c->sums, BLOCK);
			finish(c, y, group, first, n);
		}
	}
}

static int conv_f32(const struct xqm_operator *op, struct conv *c, const float *w)
{
	size_t k = c->taps * c->weights.in, at = 0;

	c->ordered = malloc((c->weights.out * k + 1) * sizeof(float));
	c->patches = malloc((k * BLOCK + 1) * sizeof(float));
	c->sums = malloc((c->per_group * BLOCK + 1) * sizeof(float));
	if (c->ordered && c->patches && c->sums) {
		for (size_t o = 0; o < c->weights.out; o++) {
			for (size_t t = 0; t < c->taps; t++) {
				for (size_t i = 0; i < c->weights.in; i++)
					c->ordered[at++] = w[xqm_weight(&c->weights, op->params.window.weights, o, t, i, c->taps)];
			}
		}
		for (size_t b = 0; b < c->g.batch; b++)
			conv_image(c, b);
	}
	free(c->ordered);
	free(c->patches);
	free(c->sums);
	return c->ordered && c->patches && c->sums ? 0 : -ENOMEM;
}

/* ---- other real types: in double, element by element ----------------------------------------------------- */

static double sum_of(const struct conv *c, const struct xqm_operator *op, const struct xqm_value *in, size_t batch,
		     size_t channel, const size_t *o)
{
	size_t group = channel / c->per_group;
	bool last = c->window->channels_last;
	double sum = 0;

	for (size_t t = 0; t < c->taps; t++) {
		size_t tap[XQM_SPATIAL], pixel;

		xqm_pixel(c->g.kernel, t, tap);
		if (!xqm_tap(&c->g, o, tap, &pixel))
			continue;
		for (size_t i = 0; i < c->weights.in; i++) {
			size_t ci = group * c->weights.in + i;
			size_t at = batch * c->g.channels * c->in_pixels +
				    (last ? pixel * c->g.channels + ci : ci * c->in_pixels + pixel);

			sum += xqm_real_at(&in[0], at) *
			       xqm_real_at(&in[1], xqm_weight(&c->weights, op->params.window.weights, channel, t, i, c->taps));
		}
	}
	return sum;
}

static void conv_any(const struct conv *c, const struct xqm_operator *op, const struct xqm_value *in,
		     const struct xqm_value *out)
{
	const struct xqm_value *bias = xqm_operand(op, in, 2);

	for (size_t b = 0; b < c->g.batch; b++) {
		for (size_t channel = 0; channel < c->weights.out; channel++) {
			for (size_t p = 0; p < c->pixels; p++) {
				size_t o[XQM_SPATIAL], at = b * c->weights.out * c->pixels;
				double sum;

				xqm_pixel(c->g.out, p, o);
				sum = sum_of(c, op, in, b, channel, o) + (bias ? xqm_real_at(bias, channel) : 0);
				at += c->window->channels_last ? p * c->weights.out + channel : channel * c->pixels + p;
				xqm_store_real(out, at, 1, &sum);
			}
		}
	}
}

static int compute_conv(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_value *bias = xqm_operand(op, in, 2);
	struct conv c = { .window = &op->params.window };
	int err = xqm_conv_shape(NULL, op, &in[0], &in[1], &c.weights, &c.g);

	if (err)
		return err;
	if (xqm_class_of(in->type) != XQM_REAL)
		return -EOPNOTSUPP;
	c.taps = xqm_pixels(c.g.kernel);
	c.pixels = xqm_pixels(c.g.out);
	c.in_pixels = xqm_pixels(c.g.in);
	c.per_group = c.weights.out / c.window->groups;
	if (in->type == XQ_F32) {
		c.x = in[0].data;
		c.bias = bias ? bias->data : NULL;
		c.y = out->data;
		return conv_f32(op, &c, in[1].data);
	}
	conv_any(&c, op, in, out);
	return 0;
}

const struct xqm_kernel xqm_conv_kernel = { "convolution", infer_conv, compute_conv };
