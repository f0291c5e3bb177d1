// SPDX-License-Identifier: MIT
/*
 * Images of another size: along one dimension after the other, in double, rounded once at the end.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"

/* Taps of the interpolation: 1, 2 or 4. */
#define TAPS			4

struct target {
	size_t size[XQ_MODEL_DIMS];
	double scale[XQ_MODEL_DIMS];
};

/* Which dimension number i of the sizes is. */
static int axis_of(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in, unsigned int i,
		   unsigned int count)
{
	const struct xqm_resize *p = &op->params.resize;

	if (p->axes)
		return xqm_axis_of(graph, op, p->axis[i], in->dims);
	/* Only height and width. */
	if (count + 2 == in->dims)
		return (int)(i + (p->channels_last ? 1 : 2));
	return (int)i;
}

static int find_target(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in, struct target *t)
{
	const struct xqm_resize *p = &op->params.resize;
	const struct xqm_value *sizes = &in[1];
	size_t count = xqm_value_elements(sizes);

	for (unsigned int d = 0; d < in->dims; d++) {
		t->size[d] = in->dim[d];
		t->scale[d] = 1;
	}
	if (!sizes->data)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "the sizes depend on what the model computes");
	if (p->axes ? count != p->axes : count != in->dims && count + 2 != in->dims)
		return xqm_fail_at(graph, op, -EINVAL, "%zu sizes for %u dimensions", count, in->dims);
	for (unsigned int i = 0; i < count; i++) {
		int d = axis_of(graph, op, in, i, (unsigned int)count), err;
		int64_t size;

		if (d < 0)
			return d;
		if (xqm_class_of(sizes->type) == XQM_REAL) {
			t->scale[d] = xqm_real_at(sizes, i);
			if (!(t->scale[d] > 0) || t->scale[d] > 1e6)
				return xqm_fail_at(graph, op, -EINVAL, "a scale of %g", t->scale[d]);
			size = (int64_t)floor((double)in->dim[d] * t->scale[d]);
		} else {
			size = xqm_integer_at(sizes, i);
			t->scale[d] = in->dim[d] ? (double)size / (double)in->dim[d] : 1;
		}
		err = xqm_size(graph, op, size, &t->size[d]);
		if (!err && (!t->size[d] || !in->dim[d]))
			err = xqm_fail_at(graph, op, -EINVAL, "from %zu elements to %zu", in->dim[d], t->size[d]);
		if (err)
			return err;
	}
	return 0;
}

static int infer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		 struct xqm_value *out)
{
	struct target t;
	int err = xqm_numbers(graph, op, in, 1);

	if (!err)
		err = find_target(graph, op, in, &t);
	xqm_same(out, in);
	if (!err)
		memcpy(out->dim, t.size, in->dims * sizeof(*t.size));
	return err;
}

/* The same in float, as TensorFlow Lite has it, where halves come out differently. */
static double float_coordinate(const struct xqm_resize *p, size_t i, size_t in, size_t out)
{
	bool corners = p->sampling == XQM_ALIGN_CORNERS && out > 1;
	bool half = p->sampling != XQM_ASYMMETRIC && p->sampling != XQM_ALIGN_CORNERS;
	float step = corners ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
	float x = ((float)i + (half ? 0.5f : 0)) * step;

	return (double)(p->sampling == XQM_HALF_PIXEL || p->sampling == XQM_HALF_PIXEL_ONE ? x - 0.5f : x);
}

/* Where element i of the output lies in the input. */
static double coordinate(const struct xqm_resize *p, size_t i, double scale, size_t in, size_t out)
{
	double length = scale * (double)in;

	/* With a scale the length may lie between two sizes, and corners are aligned to it. */
	if (fabs(length - (double)out) < 1e-9)
		length = (double)out;
	switch (p->sampling) {
	case XQM_HALF_PIXEL:
		return ((double)i + 0.5) / scale - 0.5;
	case XQM_HALF_PIXEL_ONE:
		return length > 1 ? ((double)i + 0.5) / scale - 0.5 : 0;
	case XQM_ALIGN_CORNERS:
		return length > 1 ? (double)i * (double)(in - 1) / (length - 1) : 0;
	case XQM_HALF_PIXEL_NEAREST:
		return ((double)i + 0.5) / scale;
	default:
		return (double)i / scale;
	}
}

static double nearest(const struct xqm_resize *p, double x)
{
	switch (p->sampling == XQM_HALF_PIXEL_NEAREST ? XQM_NEAREST_FLOOR : p->nearest) {
	case XQM_NEAREST_FLOOR:
		return floor(x);
	case XQM_NEAREST_CEIL:
		return ceil(x);
	case XQM_NEAREST_HALF_UP:
		return floor(x + 0.5);
	default:
		return ceil(x - 0.5);
	}
}

/* Weight of a tap at a distance, of the cubic convolution with parameter a. */
static double cubic(double a, double x)
{
	x = fabs(x);
	if (x <= 1)
		return ((a + 2) * x - (a + 3)) * x * x + 1;
	return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* Elements that make one of the output, and their weights. Beyond the ends are those at the ends. */
static unsigned int taps_of(const struct xqm_resize *p, double x, size_t in, size_t *index, double *weight)
{
	double first = floor(x), end = (double)(in - 1);
	unsigned int taps = p->cubic ? 4 : p->linear ? 2 : 1;

	if (taps == 2) {
		x = x < 0 ? 0 : x > end ? end : x;
		first = floor(x);
	}
	for (unsigned int k = 0; k < taps; k++) {
		double at = taps == 1 ? nearest(p, x) : first + k - (taps == 4);

		weight[k] = taps == 1 ? 1 : taps == 2 ? (k ? x - first : 1 - (x - first)) : cubic((double)p->cubic_a, x - at);
		index[k] = (size_t)(at < 0 ? 0 : at > end ? end : at);
	}
	return taps;
}

static void along(const struct xqm_operator *op, const double *from, double *to, size_t outer, size_t in, size_t out,
		  size_t inner, double scale)
{
	const struct xqm_resize *p = &op->params.resize;

	for (size_t i = 0; i < out; i++) {
		double weight[TAPS], x = op->arithmetic == XQ_REQUANT_ONNX ? coordinate(p, i, scale, in, out) :
					 float_coordinate(p, i, in, out);
		size_t index[TAPS];
		unsigned int taps = taps_of(p, x, in, index, weight);

		for (size_t o = 0; o < outer; o++) {
			for (size_t k = 0; k < inner; k++) {
				double sum = 0;

				for (unsigned int t = 0; t < taps; t++)
					sum += weight[t] * from[(o * in + index[t]) * inner + k];
				to[(o * out + i) * inner + k] = sum;
			}
		}
	}
}

static int compute(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	size_t dim[XQ_MODEL_DIMS], largest = 1;
	struct target t;
	int err = find_target(NULL, op, in, &t);
	double *from, *to;

	if (err)
		return err;
	for (unsigned int d = 0; d < in->dims; d++) {
		dim[d] = in->dim[d];
		largest *= dim[d] > t.size[d] ? dim[d] : t.size[d];
	}
	from = malloc((largest + 1) * sizeof(*from));
	to = malloc((largest + 1) * sizeof(*to));
	if (!from || !to) {
		free(from);
		free(to);
		return -ENOMEM;
	}
	xqm_load_real(in, 0, 1, xqm_value_elements(in), from);
	for (unsigned int d = 0; d < in->dims; d++) {
		size_t outer = 1, inner = 1;
		double *swap = from;

		if (t.size[d] == dim[d] && t.scale[d] == 1)
			continue;
		for (unsigned int k = 0; k < in->dims; k++) {
			outer *= k < d ? dim[k] : 1;
			inner *= k > d ? dim[k] : 1;
		}
		along(op, from, to, outer, dim[d], t.size[d], inner, t.scale[d]);
		dim[d] = t.size[d];
		from = to;
		to = swap;
	}
	xqm_store_real(out, 0, xqm_value_elements(out), from);
	free(from);
	free(to);
	return 0;
}

const struct xqm_kernel xqm_resize_kernel = {
	.name = "resize",
	.infer = infer,
	.compute = compute,
};
