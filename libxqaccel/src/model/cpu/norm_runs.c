// SPDX-License-Identifier: MIT
/*
 * Normalizations of runs of elements that are none of the graph's kinds: by root mean squares, by groups of channels, by
 * a norm along an axis. Sums are in double in order; each result is rounded once.
 */
#include <errno.h>
#include <math.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "norm_runs.h"

/* ---- root mean squares: x, scale ------------------------------------------------------------------------ */

static int infer_rms(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		     struct xqm_value *out)
{
	const struct xqm_norm_run *p = op->params.other.data;
	int axis = xqm_axis_of(graph, op, p->axis, in->dims), err = axis < 0 ? axis : xqm_reals(graph, op, in, 2);
	size_t n;

	xqm_same(out, in);
	if (err)
		return err;
	n = in->dim[axis] * xqm_inner(in, (unsigned int)axis);
	if (!xqm_value_elements(&in[1]) || n % xqm_value_elements(&in[1]))
		return xqm_fail_at(graph, op, -EINVAL, "%zu scales for %zu elements", xqm_value_elements(&in[1]), n);
	return 0;
}

static int compute_rms(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_norm_run *p = op->params.other.data;
	int axis = xqm_axis_of(NULL, op, p->axis, in->dims);
	size_t n, scales = xqm_value_elements(&in[1]);

	if (axis < 0)
		return axis;
	n = in->dim[axis] * xqm_inner(in, (unsigned int)axis);
	for (size_t i = 0; i < xqm_outer(in, (unsigned int)axis); i++) {
		double sum = 0;

		for (size_t k = 0; k < n; k++)
			sum += xqm_real_at(in, i * n + k) * xqm_real_at(in, i * n + k);
		for (size_t k = 0; k < n; k++) {
			double y = xqm_real_at(in, i * n + k) / sqrt(sum / (double)n + (double)p->epsilon) *
				   xqm_real_at(&in[1], k % scales);

			xqm_store_real(out, i * n + k, 1, &y);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_rms_norm_kernel = {
	.name = "root mean square normalization",
	.infer = infer_rms,
	.compute = compute_rms,
};

/* ---- groups of channels: x, scale, bias ------------------------------------------------------------------ */

static int infer_group(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	const struct xqm_norm_run *p = op->params.other.data;
	int err = xqm_reals(graph, op, in, 3);

	xqm_same(out, in);
	if (err)
		return err;
	if (in->dims < 2 || !p->groups || in->dim[1] % p->groups)
		return xqm_fail_at(graph, op, -EINVAL, "%zu groups of channels", p->groups);
	for (unsigned int i = 1; i < 3; i++) {
		size_t own = xqm_value_elements(&in[i]);

		if (own != in->dim[1] && own != p->groups)
			return xqm_fail_at(graph, op, -EINVAL, "operand %u has %zu elements for %zu channels", i, own, in->dim[1]);
	}
	return 0;
}

static int compute_group(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_norm_run *p = op->params.other.data;
	size_t channels = in->dim[1], inner = xqm_inner(in, 1), n = channels / p->groups * inner;

	for (size_t i = 0; i < in->dim[0] * p->groups; i++) {
		double mean = 0, variance = 0;

		for (size_t k = 0; k < n; k++)
			mean += xqm_real_at(in, i * n + k);
		mean /= (double)n;
		for (size_t k = 0; k < n; k++) {
			double d = xqm_real_at(in, i * n + k) - mean;

			variance += d * d;
		}
		for (size_t k = 0; k < n; k++) {
			size_t group = i % p->groups, channel = (i * n + k) / inner % channels;
			size_t a = xqm_value_elements(&in[1]) == channels ? channel : group;
			size_t b = xqm_value_elements(&in[2]) == channels ? channel : group;
			double y = (xqm_real_at(in, i * n + k) - mean) / sqrt(variance / (double)n + (double)p->epsilon);

			y = y * xqm_real_at(&in[1], a) + xqm_real_at(&in[2], b);
			xqm_store_real(out, i * n + k, 1, &y);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_group_norm_kernel = {
	.name = "group normalization",
	.infer = infer_group,
	.compute = compute_group,
};

/* ---- by the sum of absolute values, or the root of the sum of squares, along an axis ---------------------- */

static int infer_lp(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		    struct xqm_value *out)
{
	const struct xqm_norm_run *p = op->params.other.data;
	int axis = xqm_axis_of(graph, op, p->axis, in->dims);

	xqm_same(out, in);
	return axis < 0 ? axis : xqm_reals(graph, op, in, 1);
}

static int compute_lp(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_norm_run *p = op->params.other.data;
	int axis = xqm_axis_of(NULL, op, p->axis, in->dims);
	size_t n, inner;

	if (axis < 0)
		return axis;
	n = in->dim[axis];
	inner = xqm_inner(in, (unsigned int)axis);
	for (size_t i = 0; i < xqm_outer(in, (unsigned int)axis) * inner; i++) {
		size_t first = i / inner * n * inner + i % inner;
		double sum = 0;

		for (size_t k = 0; k < n; k++) {
			double x = xqm_real_at(in, first + k * inner);

			sum += p->squares ? x * x : fabs(x);
		}
		sum = p->squares ? sqrt(sum) : sum;
		for (size_t k = 0; k < n; k++) {
			double y = xqm_real_at(in, first + k * inner) / sum;

			xqm_store_real(out, first + k * inner, 1, &y);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_lp_norm_kernel = {
	.name = "normalization by a norm",
	.infer = infer_lp,
	.compute = compute_lp,
};
