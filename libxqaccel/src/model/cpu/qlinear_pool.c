// SPDX-License-Identifier: MIT
/*
 * com.microsoft's quantized average pools: x, scale, zero, y scale, zero. The sum of q - z over the window is an
 * integer; times sx / (sy * elements) in float32, it is rounded half to even, the zero point is added, and it is saturated.
 */
#include <errno.h>
#include <math.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "qlinear.h"

/* The operator with the window where that of real pools is; a global one covers all pixels, in a row. */
static int shape(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *x, struct xqm_operator *o,
		 struct xqm_geometry *g)
{
	const struct xqm_qlinear *p = op->params.other.data;
	bool last = p->window.channels_last;

	*o = *op;
	o->params.window = p->window;
	if (!p->global)
		return xqm_find_geometry(graph, o, x, p->window.kernel, g);
	if (x->dims < 3)
		return xqm_fail_at(graph, op, -EINVAL, "a tensor of %u dimensions has no image", x->dims);
	*g = (struct xqm_geometry){ .batch = x->dim[0], .channels = x->dim[last ? x->dims - 1 : 1] };
	for (unsigned int d = 0; d < XQM_SPATIAL; d++)
		g->in[d] = g->out[d] = g->kernel[d] = g->stride[d] = g->dilation[d] = 1;
	for (unsigned int d = 0; d < x->dims - 2; d++)
		g->in[2] *= x->dim[d + (last ? 1 : 2)];
	g->kernel[2] = g->in[2];
	return 0;
}

static int infer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		 struct xqm_value *out)
{
	const struct xqm_qlinear *p = op->params.other.data;
	struct xqm_operator o;
	struct xqm_geometry g;
	int err = shape(graph, op, in, &o, &g);

	if (!err && (in->type != XQ_S8 && in->type != XQ_U8))
		err = xqm_fail_at(graph, op, -EOPNOTSUPP, "an operand of type %s", xq_model_type_name(in->type));
	for (unsigned int i = 1; !err && i < 5; i++) {
		const struct xqm_value *v = xqm_operand(op, in, i);

		if (v && (xqm_value_elements(v) != 1 || (i % 2 ? xqm_class_of(v->type) != XQM_REAL : v->type != in->type)))
			err = xqm_fail_at(graph, op, -EOPNOTSUPP, "operand %u is not one scale or zero point", i);
		else if (v && i % 2)
			err = xqm_need_scales(graph, op, in, i, i == 1 ? in : NULL);
	}
	if (err)
		return err;
	xqm_same(out, in);
	if (p->global) {
		for (unsigned int d = 0; d < in->dims - 2; d++)
			out->dim[d + (p->window.channels_last ? 1 : 2)] = 1;
	} else {
		xqm_geometry_output(&o, &g, g.channels, out);
	}
	return 0;
}

static int compute(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_value *zx = xqm_operand(op, in, 2), *zy = xqm_operand(op, in, 4);
	const struct xqm_qlinear *p = op->params.other.data;
	bool last = p->window.channels_last;
	struct xqm_operator o;
	struct xqm_geometry g;
	int err = shape(NULL, op, in, &o, &g);
	size_t pixels, in_pixels, taps;

	if (err)
		return err;
	pixels = xqm_pixels(g.out);
	in_pixels = xqm_pixels(g.in);
	taps = xqm_pixels(g.kernel);
	for (size_t i = 0; i < g.batch * g.channels * pixels; i++) {
		size_t channel = i / pixels % g.channels, batch = i / pixels / g.channels, to[XQM_SPATIAL], count = 0;
		int64_t sum = 0, code;
		double y;

		xqm_pixel(g.out, i % pixels, to);
		for (size_t t = 0; t < taps; t++) {
			size_t tap[XQM_SPATIAL], pixel, at = batch * g.channels * in_pixels;

			xqm_pixel(g.kernel, t, tap);
			if (!xqm_tap(&g, to, tap, &pixel))
				continue;
			at += last ? pixel * g.channels + channel : channel * in_pixels + pixel;
			sum += xqm_integer_at(in, at) - (zx ? xqm_integer_at(zx, 0) : 0);
			count++;
		}
		if (p->window.count_pad)
			count = taps;
		y = count ? (double)((float)sum * ((float)xqm_real_at(&in[1], 0) /
						  ((float)xqm_real_at(&in[3], 0) * (float)count))) : 0;
		y = rint(y) + (zy ? (double)xqm_integer_at(zy, 0) : 0);
		code = (int64_t)fmin(fmax(y, (double)xq_type_min((enum xq_type)out->type)), (double)xq_type_max((enum xq_type)out->type));
		xqm_store_integer(out, last ? (batch * pixels + i % pixels) * g.channels + channel : i, 1, &code);
	}
	return 0;
}

const struct xqm_kernel xqm_qlinear_pool_kernel = {
	.name = "quantized pool",
	.infer = infer,
	.compute = compute,
};
