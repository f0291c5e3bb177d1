// SPDX-License-Identifier: MIT
/*
 * Normalizations. Means and variances are sums in double in the order of the elements; each result is rounded once.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"

static unsigned int channel_axis(const struct xqm_operator *op, const struct xqm_value *x)
{
	return op->params.norm.channels_last ? x->dims - 1 : 1;
}

/* Operands from first on have one element for each channel. */
static int need_channels(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			 unsigned int first, unsigned int last)
{
	size_t channels;

	if (in->dims < 2)
		return xqm_fail_at(graph, op, -EINVAL, "a tensor of %u dimensions has no channels", in->dims);
	channels = in->dim[channel_axis(op, in)];
	for (unsigned int i = first; i <= last; i++) {
		if (i >= op->inputs || in[i].type == XQ_NONE || xqm_value_elements(&in[i]) != channels)
			return xqm_fail_at(graph, op, -EINVAL, "operand %u has not an element for each of %zu channels", i,
					   channels);
	}
	return 0;
}

/* ---- batch ------------------------------------------------------------------------------------------ */

static int infer_batch(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	int err = xqm_reals(graph, op, in, op->inputs);

	xqm_same(out, in);
	return err ? err : need_channels(graph, op, in, 1, 4);
}

/* y = x * a + b with a = scale / sqrt(variance + epsilon), b = bias - mean * a: in double */
static int compute_batch(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	unsigned int axis = channel_axis(op, in);
	size_t inner = xqm_inner(in, axis), channels = in->dim[axis];

	for (size_t i = 0; i < xqm_outer(in, axis) * channels; i++) {
		size_t c = i % channels;
		double a = xqm_real_at(&in[1], c) / sqrt(xqm_real_at(&in[4], c) + (double)op->params.norm.epsilon);
		double b = xqm_real_at(&in[2], c) - xqm_real_at(&in[3], c) * a;

		for (size_t done = 0; done < inner; done += XQM_CHUNK) {
			size_t n = inner - done < XQM_CHUNK ? inner - done : XQM_CHUNK;
			double v[XQM_CHUNK];

			xqm_load_real(in, i * inner + done, 1, n, v);
			for (size_t k = 0; k < n; k++)
				v[k] = v[k] * a + b;
			xqm_store_real(out, i * inner + done, n, v);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_batch_norm_kernel = {
	.name = "batch normalization",
	.infer = infer_batch,
	.compute = compute_batch,
};

/* ---- a run of elements ------------------------------------------------------------------------------- */

struct moments {
	double mean, inverse;	/* of the standard deviation with epsilon */
};

static struct moments moments_of(const struct xqm_value *in, size_t first, size_t n, double epsilon)
{
	struct moments m = { 0 };
	double variance = 0;

	for (size_t i = 0; i < n; i++)
		m.mean += xqm_real_at(in, first + i);
	m.mean /= (double)n;
	for (size_t i = 0; i < n; i++) {
		double d = xqm_real_at(in, first + i) - m.mean;

		variance += d * d;
	}
	m.inverse = 1 / sqrt(variance / (double)n + epsilon);
	return m;
}

/* ---- layer ------------------------------------------------------------------------------------------ */

static int infer_layer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	int axis = xqm_axis_of(graph, op, op->params.norm.axis, in->dims);
	int err = axis < 0 ? axis : xqm_reals(graph, op, in, op->inputs);
	size_t n;

	if (err)
		return err;
	n = in->dim[axis] * xqm_inner(in, (unsigned int)axis);
	for (unsigned int i = 1; i < 3; i++) {
		const struct xqm_value *v = xqm_operand(op, in, i);
		size_t own = v ? xqm_value_elements(v) : 0;

		if (v && (!own || n % own))
			return xqm_fail_at(graph, op, -EINVAL, "operand %u has %zu elements for %zu", i, own, n);
	}
	for (unsigned int i = 0; i < op->outputs; i++) {
		int type = out[i].type;

		if (i && type == XQ_NONE)
			continue;
		xqm_same(&out[i], in);
		if (i)
			out[i].type = type;
		for (unsigned int d = (unsigned int)axis; i && d < in->dims; d++)
			out[i].dim[d] = 1;
	}
	return 0;
}

static int compute_layer(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_value *scale = xqm_operand(op, in, 1), *bias = xqm_operand(op, in, 2);
	int axis = xqm_axis_of(NULL, op, op->params.norm.axis, in->dims);
	size_t n, scales = scale ? xqm_value_elements(scale) : 1, biases = bias ? xqm_value_elements(bias) : 1;

	if (axis < 0)
		return axis;
	n = in->dim[axis] * xqm_inner(in, (unsigned int)axis);
	for (size_t i = 0; i < xqm_outer(in, (unsigned int)axis); i++) {
		struct moments m = moments_of(in, i * n, n, (double)op->params.norm.epsilon);

		for (size_t k = 0; k < n; k++) {
			double y = (xqm_real_at(in, i * n + k) - m.mean) * m.inverse;

			y = y * (scale ? xqm_real_at(scale, k % scales) : 1) + (bias ? xqm_real_at(bias, k % biases) : 0);
			xqm_store_real(out, i * n + k, 1, &y);
		}
		if (op->outputs > 1 && out[1].type != XQ_NONE)
			xqm_store_real(&out[1], i, 1, &m.mean);
		if (op->outputs > 2 && out[2].type != XQ_NONE)
			xqm_store_real(&out[2], i, 1, &m.inverse);
	}
	return 0;
}

const struct xqm_kernel xqm_layer_norm_kernel = {
	.name = "layer normalization",
	.infer = infer_layer,
	.compute = compute_layer,
};

/* ---- instance ----------------------------------------------------------------------------------------- */

static int infer_instance(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			  struct xqm_value *out)
{
	int err = xqm_reals(graph, op, in, op->inputs);

	xqm_same(out, in);
	if (!err && op->params.norm.channels_last)
		err = xqm_fail_at(graph, op, -EOPNOTSUPP, "channels come last");
	return err ? err : need_channels(graph, op, in, 1, 2);
}

static int compute_instance(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	size_t n = xqm_inner(in, 1);

	for (size_t i = 0; i < in->dim[0] * in->dim[1]; i++) {
		struct moments m = moments_of(in, i * n, n, (double)op->params.norm.epsilon);

		for (size_t k = 0; k < n; k++) {
			double y = (xqm_real_at(in, i * n + k) - m.mean) * m.inverse;

			y = y * xqm_real_at(&in[1], i % in->dim[1]) + xqm_real_at(&in[2], i % in->dim[1]);
			xqm_store_real(out, i * n + k, 1, &y);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_instance_norm_kernel = {
	.name = "instance normalization",
	.infer = infer_instance,
	.compute = compute_instance,
};

/* ---- local response --------------------------------------------------------------------------------------- */

static int infer_lrn(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		     struct xqm_value *out)
{
	int err = xqm_reals(graph, op, in, 1);

	xqm_same(out, in);
	if (!err && (in->dims < 2 || !op->params.norm.size))
		err = xqm_fail_at(graph, op, -EINVAL, "no channels, or a size of 0");
	return err;
}

/* x / (bias + alpha / size * sum of squares over neighbouring channels) ^ beta */
static int compute_lrn(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	unsigned int axis = channel_axis(op, in);
	size_t inner = xqm_inner(in, axis), channels = in->dim[axis], size = op->params.norm.size;
	size_t below = (size - 1) / 2, above = size - 1 - below;

	for (size_t i = 0; i < xqm_value_elements(in); i++) {
		size_t c = i / inner % channels, first = i - c * inner;
		double sum = 0, y;

		for (size_t k = c > below ? c - below : 0; k <= c + above && k < channels; k++) {
			double x = xqm_real_at(in, first + k * inner);

			sum += x * x;
		}
		y = xqm_real_at(in, i) / pow((double)op->params.norm.bias +
					     (double)op->params.norm.alpha / (double)size * sum, (double)op->params.norm.beta);
		xqm_store_real(out, i, 1, &y);
	}
	return 0;
}

const struct xqm_kernel xqm_lrn_kernel = {
	.name = "local response normalization",
	.infer = infer_lrn,
	.compute = compute_lrn,
};
