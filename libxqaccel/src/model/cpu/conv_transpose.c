// SPDX-License-Identifier: MIT
/*
 * Transposed convolutions of real numbers: input i times tap k is added at stride * i + dilation * k - padding. Sums
 * go over taps in the order of height and width, at each over the channels of the group, in double, and are
 * rounded once after the bias was added.
 */
#include <errno.h>
#include <stdlib.h>

#include "conv.h"
#include "elements.h"
#include "infer.h"
#include "kernels.h"

struct transposed {
	const struct xqm_window *window;
	struct xqm_geometry g;
	size_t out, per_group, in_per_group, taps, pixels, in_pixels;
	bool onnx;		/* weights are [in][out / groups][kernel] */
};

static int shape(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in, struct transposed *t)
{
	struct xqm_weights w;
	int err = xqm_weights_shape(graph, op, &in[1], &w);

	t->window = &op->params.window;
	t->onnx = t->window->weights == XQ_WEIGHTS_OIHW;
	if (!err)
		err = xqm_find_geometry_transposed(graph, op, &in[0], w.kernel, &t->g);
	if (err)
		return err;
	t->per_group = t->onnx ? w.in : w.out;
	t->out = t->onnx ? w.in * t->window->groups : w.out;
	if (!t->window->groups || t->g.channels % t->window->groups || (!t->onnx && t->window->groups != 1) ||
	    t->g.channels != (t->onnx ? w.out : w.in))
		return xqm_fail_at(graph, op, -EINVAL, "%zu channels in %zu groups, weights for %zu", t->g.channels,
				   t->window->groups, t->onnx ? w.out : w.in);
	t->in_per_group = t->g.channels / t->window->groups;
	t->taps = xqm_pixels(t->g.kernel);
	t->pixels = xqm_pixels(t->g.out);
	t->in_pixels = xqm_pixels(t->g.in);
	return 0;
}

static int infer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		 struct xqm_value *out)
{
	const struct xqm_value *bias = xqm_operand(op, in, 2);
	struct transposed t;
	int err = shape(graph, op, in, &t);

	if (!err && !(in->quantization && in->quantization->count)) {
		err = xqm_need_type(graph, op, &in[1], "weights", in->type);
		if (!err && bias)
			err = xqm_need_type(graph, op, bias, "a bias", in->type);
		if (!err)
			err = xqm_reals(graph, op, in, op->inputs);
	}
	if (!err && bias && xqm_value_elements(bias) != t.out)
		err = xqm_fail_at(graph, op, -EINVAL, "a bias of %zu elements for %zu channels", xqm_value_elements(bias),
				  t.out);
	if (err)
		return err;
	if (out->type == XQ_NONE || !in->quantization || !in->quantization->count)
		out->type = in->type;
	xqm_geometry_output(op, &t.g, t.out, out);
	return 0;
}

/* The input pixel whose tap falls on an output pixel; false if there is none. */
static bool source(const struct xqm_geometry *g, const size_t *o, const size_t *tap, size_t *pixel)
{
	*pixel = 0;
	for (unsigned int d = 0; d < XQM_SPATIAL; d++) {
		int64_t at = (int64_t)o[d] + g->begin[d] - (int64_t)(tap[d] * g->dilation[d]);

		if (at < 0 || at % (int64_t)g->stride[d] || at / (int64_t)g->stride[d] >= (int64_t)g->in[d])
			return false;
		*pixel = *pixel * g->in[d] + (size_t)(at / (int64_t)g->stride[d]);
	}
	return true;
}

static double sum_of(const struct transposed *t, const struct xqm_value *in, size_t batch, size_t channel, const size_t *o)
{
	size_t group = channel / t->per_group, inner = channel % t->per_group;
	double sum = 0;

	for (size_t k = 0; k < t->taps; k++) {
		size_t tap[XQM_SPATIAL], pixel;

		xqm_pixel(t->g.kernel, k, tap);
		if (!source(&t->g, o, tap, &pixel))
			continue;
		for (size_t i = 0; i < t->in_per_group; i++) {
			size_t ci = group * t->in_per_group + i;
			size_t at = t->window->channels_last ? pixel * t->g.channels + ci : ci * t->in_pixels + pixel;
			size_t w = t->onnx ? (ci * t->per_group + inner) * t->taps + k : (channel * t->taps + k) * t->g.channels + ci;

			sum += xqm_real_at(&in[0], batch * t->g.channels * t->in_pixels + at) * xqm_real_at(&in[1], w);
		}
	}
	return sum;
}

static int compute(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_value *bias = xqm_operand(op, in, 2);
	struct transposed t;
	int err = shape(NULL, op, in, &t);

	if (!err && xqm_class_of(in->type) != XQM_REAL)
		err = -EOPNOTSUPP;
	for (size_t b = 0; !err && b < t.g.batch; b++) {
		for (size_t channel = 0; channel < t.out; channel++) {
			for (size_t p = 0; p < t.pixels; p++) {
				size_t o[XQM_SPATIAL], at = b * t.out * t.pixels;
				double y;

				xqm_pixel(t.g.out, p, o);
				y = sum_of(&t, in, b, channel, o) + (bias ? xqm_real_at(bias, channel) : 0);
				y = y < (double)t.window->low ? (double)t.window->low : y;
				y = y > (double)t.window->high ? (double)t.window->high : y;
				at += t.window->channels_last ? p * t.out + channel : channel * t.pixels + p;
				xqm_store_real(out, at, 1, &y);
			}
		}
	}
	return err;
}

const struct xqm_kernel xqm_conv_transpose_kernel = {
	.name = "transposed convolution",
	.infer = infer,
	.compute = compute,
};
