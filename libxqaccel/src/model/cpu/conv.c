// SPDX-License-Identifier: MIT
/*
 * Convolutions of real numbers. A sum goes over taps in the order of height and width, at each over
 * the channels of the group; padding takes part as zeros; the bias is added at the end. So both
 * layouts give the same bits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "sgemm.h"

/* Outputs of a channel that are computed at a time, about. */
#define BLOCK			512
/* An image of fewer pixels would not fill a vector. */
#define FEW_PIXELS		16

/* ---- weights ----------------------------------------------------------------------------- */

int xqm_weights_shape(struct xqm_graph *graph, const struct xqm_operator *op,
		      const struct xqm_value *w, struct xqm_weights *shape)
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
		return xqm_fail_at(graph, op, -EINVAL,
				   "weights of %u dimensions for a window of %u", w->dims, n);
	}
	for (unsigned int d = 0; d < n && d < XQM_SPATIAL; d++)
		shape->kernel[d] = w->dim[first + d];
	return 0;
}

size_t xqm_weight(const struct xqm_weights *w, enum xq_weight_order order, size_t out, size_t tap,
		  size_t in, size_t taps)
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

/* ---- shapes ------------------------------------------------------------------------------ */

int xqm_conv_shape(struct xqm_graph *graph, const struct xqm_operator *op,
		   const struct xqm_value *x, const struct xqm_value *w,
		   struct xqm_weights *weights, struct xqm_geometry *g)
{
	size_t groups = op->params.window.groups;
	int err = xqm_weights_shape(graph, op, w, weights);

	if (!err)
		err = xqm_find_geometry(graph, op, x, weights->kernel, g);
	if (!err && (!groups || groups > g->channels || g->channels != weights->in * groups ||
		     weights->out % groups))
		err = xqm_fail_at(graph, op, -EINVAL,
				  "%zu channels in %zu groups, weights of %zu for %zu outputs",
				  g->channels, groups, weights->in, weights->out);
	return err;
}

static int infer_conv(struct xqm_graph *graph, const struct xqm_operator *op,
		      const struct xqm_value *in, struct xqm_value *out)
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
		err = xqm_fail_at(graph, op, -EINVAL, "a bias of %zu elements for %zu channels",
				  xqm_value_elements(bias), weights.out);
	if (err)
		return err;
	if (out->type == XQ_NONE || !in->quantization || !in->quantization->count)
		out->type = in->type;
	xqm_geometry_output(op, &g, weights.out, out);
	return 0;
}

/* ---- float32 ----------------------------------------------------------------------------- */

/**
 * struct conv - a convolution
 * @taps: @pixels: @in_pixels: of a kernel, an output and an input image
 * @k: products of a sum
 * @per_group: outputs of a group
 * @weights: [out][k], k in the order of sums; @panels: the same in panels for each group
 * @phases: @span: @plane: see fill_planes()
 * @whole: elements of the planes of a channel
 * @rows: [k] where a tap of a channel sees the image's first output
 */
struct conv {
	const struct xqm_window *window;
	struct xqm_geometry g;
	struct xqm_weights shape;
	size_t taps, pixels, in_pixels, k, per_group;
	size_t phases[XQM_SPATIAL], span[XQM_SPATIAL], plane, whole;
	const float *x, *weights, *panels, *bias;
	float *y, *planes, *sums;
	const float **rows;
};

static int set_up(struct conv *c, struct xqm_graph *graph, const struct xqm_operator *op,
		  const struct xqm_value *x, const struct xqm_value *w)
{
	int err;

	*c = (struct conv){ .window = &op->params.window };
	err = xqm_conv_shape(graph, op, x, w, &c->shape, &c->g);
	if (err)
		return err;
	c->taps = xqm_pixels(c->g.kernel);
	c->pixels = xqm_pixels(c->g.out);
	c->in_pixels = xqm_pixels(c->g.in);
	c->k = c->taps * c->shape.in;
	c->per_group = c->shape.out / c->window->groups;
	return 0;
}

/* Images of so few pixels are rows, and outputs columns. */
static bool is_by_outputs(const struct conv *c)
{
	return c->pixels < FEW_PIXELS && c->per_group >= FEW_PIXELS;
}

/* Weights in the order of sums, and in panels if that is how they are used; room for both. */
static size_t weights_room(const struct conv *c)
{
	return (is_by_outputs(c) ? 2 : 1) * c->shape.out * c->k;
}

static void order_weights(struct conv *c, const void *w, float *to)
{
	const size_t group = c->per_group * c->k;
	float *at = to;

	c->weights = to;
	for (size_t o = 0; o < c->shape.out; o++) {
		for (size_t t = 0; t < c->taps; t++) {
			for (size_t i = 0; i < c->shape.in; i++)
				*at++ = xqm_float_at(w, xqm_weight(&c->shape, c->window->weights,
								   o, t, i, c->taps));
		}
	}
	if (!is_by_outputs(c))
		return;
	c->panels = at;
	for (size_t g = 0; g < c->window->groups; g++)
		xqm_make_panels(c->per_group, c->k, to + g * group, 1, c->k, at + g * group);
}

/*
 * Where every output sees a tap at the same distance. Elements of the padded image whose numbers
 * have the same rest by the stride are a plane, a phase of the image; then output (p, q) of the row
 * before the last dimension sees of a tap element (p + tap / stride, q + tap / stride) of its
 * phase, and outputs of several lines are one row of b, with some elements between lines that
 * nobody needs.
 */
static int find_planes(struct conv *c)
{
	c->plane = c->whole = 1;
	for (unsigned int d = 0; d < XQM_SPATIAL; d++) {
		const size_t last = (c->g.kernel[d] - 1) * c->g.dilation[d];

		c->phases[d] = c->g.stride[d] <= last ? c->g.stride[d] : last + 1;
		c->span[d] = c->g.out[d] + last / c->g.stride[d];
		if (__builtin_mul_overflow(c->plane, c->span[d], &c->plane) ||
		    __builtin_mul_overflow(c->whole, c->phases[d] * c->span[d], &c->whole))
			return -EOVERFLOW;
	}
	return 0;
}

/* Whether the planes are the image itself. */
static bool is_plain(const struct conv *c)
{
	for (unsigned int d = 0; d < XQM_SPATIAL; d++)
		if (c->g.begin[d] || c->g.stride[d] != 1 || c->span[d] != c->g.in[d])
			return false;
	return !c->window->channels_last;
}

/* Elements of a line of a phase, x the line of the image. */
static void fill_line(const struct conv *c, const float *x, size_t phase, size_t step, float *to)
{
	const size_t stride = c->g.stride[2], in = c->g.in[2];
	int64_t at = (int64_t)phase - c->g.begin[2];

	if (stride == 1 && step == 1 && at >= 0 && (size_t)at + c->span[2] <= in) {
		memcpy(to, x + at, c->span[2] * sizeof(*to));
		return;
	}
	for (size_t i = 0; i < c->span[2]; i++, at += (int64_t)stride)
		to[i] = at >= 0 && at < (int64_t)in ? x[(size_t)at * step] : 0;
}

/* A channel's planes. */
static void fill_planes(const struct conv *c, const float *x, size_t step, float *to)
{
	const size_t lines = c->phases[2] * c->span[0] * c->span[1];

	for (size_t phase = 0; phase < c->phases[0] * c->phases[1]; phase++) {
		for (size_t i = 0; i < lines; i++, to += c->span[2]) {
			const size_t line[2] = { i / c->span[1] % c->span[0], i % c->span[1] };
			const size_t of[2] = { phase / c->phases[1], phase % c->phases[1] };
			size_t pixel = 0;
			bool inside = true;

			for (unsigned int d = 0; d < 2; d++) {
				const int64_t at = (int64_t)(line[d] * c->g.stride[d] + of[d]) -
						   c->g.begin[d];

				inside &= at >= 0 && at < (int64_t)c->g.in[d];
				pixel = (pixel + (size_t)at) * c->g.in[d + 1];
			}
			if (inside)
				fill_line(c, x + pixel * step, i / (c->span[0] * c->span[1]), step,
					  to);
			else
				memset(to, 0, c->span[2] * sizeof(*to));
		}
	}
}

/* Rows of b, from the planes of the group's first channel on. */
static void find_rows(const struct conv *c, const float *planes)
{
	for (size_t t = 0; t < c->taps; t++) {
		size_t tap[XQM_SPATIAL], phase = 0, at = 0;

		xqm_pixel(c->g.kernel, t, tap);
		for (unsigned int d = 0; d < XQM_SPATIAL; d++) {
			const size_t element = tap[d] * c->g.dilation[d];

			phase = phase * c->phases[d] + element % c->g.stride[d];
			at = at * c->span[d] + element / c->g.stride[d];
		}
		for (size_t i = 0; i < c->shape.in; i++)
			c->rows[t * c->shape.in + i] = planes + phase * c->plane + at +
						       i * c->whole;
	}
}

/* Outputs of a channel that are next to each other, with the bias and within the bounds. */
static void finish(const struct conv *c, const float *sums, size_t channel, size_t pixel, size_t n,
		   float *y)
{
	const bool last = c->window->channels_last;
	const float bias = c->bias ? c->bias[channel] : 0;
	const float low = c->window->low, high = c->window->high;
	const size_t step = last ? c->shape.out : 1;
	float *to = y + (last ? pixel * c->shape.out + channel : channel * c->pixels + pixel);

	for (size_t j = 0; j < n; j++) {
		float v = c->bias ? sums[j] + bias : sums[j];

		v = v < low ? low : v;
		to[j * step] = v > high ? high : v;
	}
}

/* Some lines of outputs, or a part of one, of a group. */
static void conv_lines(const struct conv *c, size_t group, const size_t *at, size_t lines, size_t n,
		       float *y)
{
	const size_t pitch = c->span[2], columns = (lines - 1) * pitch + n;
	const size_t pixel = (at[0] * c->g.out[1] + at[1]) * c->g.out[2] + at[2];

	xqm_sgemm_rows(c->per_group, columns, c->k, c->weights + group * c->per_group * c->k, c->k,
		       c->rows, (at[0] * c->span[1] + at[1]) * pitch + at[2], c->sums, columns,
		       false);
	for (size_t i = 0; i < c->per_group; i++) {
		for (size_t l = 0; l < lines; l++)
			finish(c, c->sums + i * columns + l * pitch, group * c->per_group + i,
			       pixel + l * c->g.out[2], n, y);
	}
}

/* Lines that are computed together, or elements of one if it has many. */
static size_t lines_at_once(const struct conv *c, size_t *n)
{
	const size_t lines = BLOCK / c->span[2] ? BLOCK / c->span[2] : 1;

	*n = c->g.out[2] < BLOCK ? c->g.out[2] : BLOCK;
	return *n < c->g.out[2] ? 1 : lines < c->g.out[1] ? lines : c->g.out[1];
}

static void conv_image(const struct conv *c, const float *x, float *y)
{
	const bool last = c->window->channels_last;
	const size_t step = last ? 1 : c->in_pixels;
	size_t at[XQM_SPATIAL], n, lines = lines_at_once(c, &n);

	for (size_t group = 0; group < c->window->groups; group++) {
		const float *of_group = x + group * c->shape.in * step;

		for (size_t i = 0; c->planes && i < c->shape.in; i++)
			fill_planes(c, of_group + i * step, last ? c->g.channels : 1,
				    c->planes + i * c->whole);
		find_rows(c, c->planes ? c->planes : of_group);
		for (at[0] = 0; at[0] < c->g.out[0]; at[0]++) {
			for (at[1] = 0; at[1] < c->g.out[1]; at[1] += lines) {
				const size_t left = c->g.out[1] - at[1];

				for (at[2] = 0; at[2] < c->g.out[2]; at[2] += n)
					conv_lines(c, group, at, left < lines ? left : lines,
						   c->g.out[2] - at[2] < n ? c->g.out[2] - at[2] :
						   n, y);
			}
		}
	}
}

/* ---- images of few pixels ---------------------------------------------------------------- */

/* Patches of all pixels as [pixel][tap][channel]. */
static void gather(const struct conv *c, const float *x, size_t group)
{
	const bool last = c->window->channels_last;
	const size_t channels = c->shape.in, step = last ? 1 : c->in_pixels;
	float *to = c->planes;

	for (size_t p = 0; p < c->pixels; p++) {
		for (size_t t = 0; t < c->taps; t++, to += channels) {
			size_t tap[XQM_SPATIAL], o[XQM_SPATIAL], pixel;
			const float *from;

			xqm_pixel(c->g.kernel, t, tap);
			xqm_pixel(c->g.out, p, o);
			if (!xqm_tap(&c->g, o, tap, &pixel)) {
				memset(to, 0, channels * sizeof(*to));
				continue;
			}
			from = x + pixel * (last ? c->g.channels : 1) + group * channels * step;
			for (size_t i = 0; i < channels; i++)
				to[i] = from[i * step];
		}
	}
}

static void conv_small_image(const struct conv *c, const float *x, float *y)
{
	for (size_t group = 0; group < c->window->groups; group++) {
		gather(c, x, group);
		xqm_sgemm_panels(c->pixels, c->per_group, c->k, c->planes, c->k,
				 c->panels + group * c->per_group * c->k, c->sums, c->per_group);
		for (size_t p = 0; p < c->pixels; p++) {
			for (size_t i = 0; i < c->per_group; i++)
				finish(c, c->sums + p * c->per_group + i,
				       group * c->per_group + i, p, 1, y);
		}
	}
}

/* ---- all images -------------------------------------------------------------------------- */

/* What an image needs. Elements of planes that no line needs are read, too, and must be there. */
static int allocate(struct conv *c)
{
	size_t n, planes, columns = lines_at_once(c, &n) * c->span[2];

	if (is_by_outputs(c))
		planes = c->pixels * c->k;
	else if (__builtin_mul_overflow(c->shape.in, c->whole, &planes))
		return -EOVERFLOW;
	columns = is_by_outputs(c) ? c->pixels : columns > n ? columns : n;
	if (planes > SIZE_MAX / sizeof(float) - 1)
		return -EOVERFLOW;
	if (is_by_outputs(c) || !is_plain(c))
		c->planes = malloc((planes + 1) * sizeof(float));
	c->sums = malloc((c->per_group * columns + 1) * sizeof(float));
	c->rows = malloc((c->k + 1) * sizeof(*c->rows));
	return (c->planes || is_plain(c)) && c->sums && c->rows ? 0 : -ENOMEM;
}

static void use_packed(struct conv *c, const float *packed)
{
	c->weights = packed;
	c->panels = packed + c->shape.out * c->k;
}

static int conv_f32(struct conv *c, const struct xqm_value *w)
{
	float *own = w->packed ? NULL : malloc((weights_room(c) + 1) * sizeof(float));
	int err = own || w->packed ? find_planes(c) : -ENOMEM;

	if (own)
		order_weights(c, w->data, own);
	else if (w->packed)
		use_packed(c, w->packed);
	if (!err)
		err = allocate(c);
	for (size_t b = 0; b < c->g.batch && !err; b++) {
		const float *x = c->x + b * c->g.channels * c->in_pixels;
		float *y = c->y + b * c->shape.out * c->pixels;

		if (is_by_outputs(c))
			conv_small_image(c, x, y);
		else
			conv_image(c, x, y);
	}
	free(own);
	free(c->planes);
	free(c->sums);
	free(c->rows);
	return err;
}

/* Weights in the order of sums. */
static int prepare_conv(struct xqm_graph *graph, const struct xqm_operator *op,
			struct xqm_value *in)
{
	struct conv c;
	float *to;
	int err;

	if (in->type != XQ_F32 || !in[1].data)
		return 0;
	err = set_up(&c, graph, op, &in[0], &in[1]);
	if (err)
		return err;
	to = xqm_alloc(graph, weights_room(&c) * sizeof(*to));
	if (!to)
		return xqm_no_memory(graph);
	order_weights(&c, in[1].data, to);
	in[1].packed = to;
	return 0;
}

/* ---- other real types: in double, element by element ------------------------------------- */

static double sum_of(const struct conv *c, const struct xqm_operator *op,
		     const struct xqm_value *in, size_t batch, size_t channel, const size_t *o)
{
	size_t group = channel / c->per_group;
	bool last = c->window->channels_last;
	double sum = 0;

	for (size_t t = 0; t < c->taps; t++) {
		size_t tap[XQM_SPATIAL], pixel;

		xqm_pixel(c->g.kernel, t, tap);
		if (!xqm_tap(&c->g, o, tap, &pixel))
			continue;
		for (size_t i = 0; i < c->shape.in; i++) {
			size_t ci = group * c->shape.in + i;
			size_t at = batch * c->g.channels * c->in_pixels +
				    (last ? pixel * c->g.channels + ci : ci * c->in_pixels + pixel);

			sum += xqm_real_at(&in[0], at) *
			       xqm_real_at(&in[1], xqm_weight(&c->shape, op->params.window.weights,
							      channel, t, i, c->taps));
		}
	}
	return sum;
}

static void conv_any(const struct conv *c, const struct xqm_operator *op,
		     const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_value *bias = xqm_operand(op, in, 2);

	for (size_t b = 0; b < c->g.batch; b++) {
		for (size_t channel = 0; channel < c->shape.out; channel++) {
			for (size_t p = 0; p < c->pixels; p++) {
				size_t o[XQM_SPATIAL], at = b * c->shape.out * c->pixels;
				double sum;

				xqm_pixel(c->g.out, p, o);
				sum = sum_of(c, op, in, b, channel, o) +
				      (bias ? xqm_real_at(bias, channel) : 0);
				at += c->window->channels_last ? p * c->shape.out + channel
							       : channel * c->pixels + p;
				xqm_store_real(out, at, 1, &sum);
			}
		}
	}
}

static int compute_conv(const struct xqm_operator *op, const struct xqm_value *in,
			const struct xqm_value *out)
{
	const struct xqm_value *bias = xqm_operand(op, in, 2);
	struct conv c;
	int err = set_up(&c, NULL, op, &in[0], &in[1]);

	if (err)
		return err;
	if (xqm_class_of(in->type) != XQM_REAL)
		return -EOPNOTSUPP;
	if (in->type == XQ_F32) {
		c.x = in[0].data;
		c.bias = bias ? bias->data : NULL;
		c.y = out->data;
		return conv_f32(&c, &in[1]);
	}
	conv_any(&c, op, in, out);
	return 0;
}

const struct xqm_kernel xqm_conv_kernel = {
	.name = "convolution",
	.infer = infer_conv,
	.prepare = prepare_conv,
	.compute = compute_conv,
};
