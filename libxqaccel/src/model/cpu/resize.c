// SPDX-License-Identifier: MIT
/*
 * Images, or any tensors, in other sizes: the nearest element, or a mean of neighbours weighted by their distance.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"

/**
 * struct place - where an index of the output is in the input
 * @low: @high: neighbours
 * @share: of @high; 0 where only the nearest counts
 */
struct place {
	size_t low, high;
	double share;
};

static int infer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in, struct xqm_value *out)
{
	const struct xqm_resize *p = &op->params.resize;
	int64_t sizes[XQ_MODEL_DIMS];
	int n, err = 0;

	if (p->cubic)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "cubic interpolation is not known");
	if (p->linear && xqm_class_of(in->type) != XQM_REAL)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "%s is not interpolated", xq_model_type_name(in->type));
	xqm_same(out, in);
	if (p->by_scale) {
		const float *scale = in[1].data;

		if (in[1].type != XQ_F32 || !scale || xqm_value_elements(&in[1]) != in->dims)
			return xqm_fail_at(graph, op, -EOPNOTSUPP, "its scales are not known, or not one for each of %u dimensions",
					   in->dims);
		for (unsigned int d = 0; d < in->dims && !err; d++) {
			const double size = floor((double)in->dim[d] * (double)scale[d]);

			err = xqm_size(graph, op, size >= 0 && size < 0x1p40 ? (int64_t)size : -1, &out->dim[d]);
		}
		return err;
	}
	n = xqm_integers(graph, op, &in[1], "its sizes", sizes, XQ_MODEL_DIMS);
	if (n < 0)
		return n;
	if ((unsigned int)n != in->dims)
		return xqm_fail_at(graph, op, -EINVAL, "it has %d sizes for %u dimensions", n, in->dims);
	for (unsigned int d = 0; d < in->dims && !err; d++)
		err = in->dim[d] || !sizes[d] ? xqm_size(graph, op, sizes[d], &out->dim[d]) :
		      xqm_fail_at(graph, op, -EINVAL, "nothing can be made larger");
	return err;
}

/* TensorFlow Lite computes in float, where halves come out differently. */
static double coordinate(const struct xqm_operator *op, size_t i, size_t from, size_t to, double scale)
{
	const enum xqm_sampling sampling = op->params.resize.sampling;
	const double offset = sampling == XQM_ASYMMETRIC || sampling == XQM_ALIGN_CORNERS ? 0 : 0.5;
	const double less = sampling == XQM_HALF_PIXEL || sampling == XQM_HALF_PIXEL_ONE ? 0.5 : 0;
	double step = 1 / scale;

	if ((sampling == XQM_HALF_PIXEL_ONE || (sampling == XQM_ALIGN_CORNERS && op->arithmetic == XQ_REQUANT_ONNX)) && to == 1)
		return 0;
	if (sampling == XQM_ALIGN_CORNERS && to > 1)
		step = (double)(from - 1) / (double)(to - 1);
	if (op->arithmetic == XQ_REQUANT_ONNX)
		return ((double)i + offset) * step - less;
	step = sampling == XQM_ALIGN_CORNERS && to > 1 ? (float)(from - 1) / (float)(to - 1) : (float)from / (float)to;
	return ((float)i + (float)offset) * (float)step - (float)less;
}

static double nearest(enum xqm_nearest how, double x)
{
	switch (how) {
	case XQM_NEAREST_HALF_DOWN:
		return ceil(x - 0.5);
	case XQM_NEAREST_HALF_UP:
		return floor(x + 0.5);
	case XQM_NEAREST_CEIL:
		return ceil(x);
	default:
		return floor(x);
	}
}

static struct place find(const struct xqm_operator *op, size_t i, size_t from, size_t to, double scale)
{
	const double last = (double)(from - 1);
	double x = coordinate(op, i, from, to, scale);
	struct place p = { 0 };

	if (!op->params.resize.linear)
		x = nearest(op->params.resize.nearest, x);
	x = x < 0 ? 0 : x > last ? last : x;
	p.low = (size_t)x;
	p.share = op->params.resize.linear ? x - floor(x) : 0;
	p.high = p.low + 1 < from ? p.low + 1 : p.low;
	return p;
}

/* One element of the output: all corners around it, those with a share. */
static double mean(const struct xqm_value *in, const struct place *const *at, const size_t *index)
{
	double sum = 0;

	for (unsigned int corner = 0; corner < 1U << in->dims; corner++) {
		double share = 1;
		size_t place = 0;

		for (unsigned int d = 0; d < in->dims && share != 0; d++) {
			const struct place *p = &at[d][index[d]];
			const bool high = corner >> d & 1;

			share *= high ? p->share : 1 - p->share;
			place = place * in->dim[d] + (high ? p->high : p->low);
		}
		if (share != 0)
			sum += share * xqm_real_at(in, place);
	}
	return sum;
}

static void fill(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out,
		 const struct place *const *at)
{
	const size_t n = xqm_value_elements(out), bytes = xqm_value_bytes(in);
	size_t index[XQ_MODEL_DIMS] = { 0 };

	for (size_t i = 0; i < n; i++) {
		unsigned int d = in->dims;
		size_t place = 0;

		if (op->params.resize.linear) {
			const double y = mean(in, at, index);

			xqm_store_real(out, i, 1, &y);
		} else {
			for (unsigned int k = 0; k < in->dims; k++)
				place = place * in->dim[k] + at[k][index[k]].low;
			memcpy((uint8_t *)out->data + i * bytes, (const uint8_t *)in->data + place * bytes, bytes);
		}
		while (d-- > 0 && ++index[d] == out->dim[d])
			index[d] = 0;
	}
}

static int compute(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const float *scale = op->params.resize.by_scale ? in[1].data : NULL;
	const struct place *at[XQ_MODEL_DIMS];
	struct place *places, *next;
	size_t count = 1;

	for (unsigned int d = 0; d < in->dims; d++)
		count += out->dim[d];
	places = next = malloc(count * sizeof(*places));
	if (!places)
		return -ENOMEM;
	for (unsigned int d = 0; d < in->dims; d++) {
		at[d] = next;
		for (size_t i = 0; i < out->dim[d]; i++)
			*next++ = find(op, i, in->dim[d], out->dim[d],
				       scale ? (double)scale[d] : (double)out->dim[d] / (double)in->dim[d]);
	}
	fill(op, in, out, at);
	free(places);
	return 0;
}

const struct xqm_kernel xqm_resize_kernel = { "resize", infer, compute };
