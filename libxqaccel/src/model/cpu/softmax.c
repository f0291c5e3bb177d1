// SPDX-License-Identifier: MIT
/*
 * Softmax and its logarithm: of exp(beta (x - largest)) in double, summed in order, rounded once.
 */
#include <errno.h>
#include <math.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"

static int infer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		 struct xqm_value *out)
{
	int err = xqm_reals(graph, op, in, 1);

	if (!err && (in->dims || op->params.softmax.axis != -1))
		err = xqm_axis_of(graph, op, op->params.softmax.axis, in->dims);
	xqm_same(out, in);
	return err < 0 ? err : 0;
}

/* A run of n elements with a step. */
static void run(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out, size_t first,
		size_t step, size_t n)
{
	double beta = (double)op->params.softmax.beta, largest = -INFINITY, sum = 0;
	double scale, y;

	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, xqm_real_at(in, first + i * step));
	for (size_t i = 0; i < n; i++)
		sum += exp(beta * (xqm_real_at(in, first + i * step) - largest));
	scale = op->op == XQM_LOG_SOFTMAX ? log(sum) : 1 / sum;
	for (size_t i = 0; i < n; i++) {
		double x = beta * (xqm_real_at(in, first + i * step) - largest);

		y = op->op == XQM_LOG_SOFTMAX ? x - scale : exp(x) * scale;
		xqm_store_real(out, first + i * step, 1, &y);
	}
}

static int compute(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	int axis = in->dims ? xqm_axis_of(NULL, op, op->params.softmax.axis, in->dims) : 0;
	size_t outer, n, inner;

	if (axis < 0)
		return axis;
	outer = xqm_outer(in, (unsigned int)axis);
	n = in->dims ? in->dim[axis] : 1;
	inner = xqm_inner(in, (unsigned int)axis);
	if (op->params.softmax.flatten) {
		n *= inner;
		inner = 1;
	}
	for (size_t i = 0; i < outer; i++) {
		for (size_t k = 0; k < inner; k++)
			run(op, in, out, i * n * inner + k, inner, n);
	}
	return 0;
}

const struct xqm_kernel xqm_softmax_kernel = {
	.name = "softmax",
	.infer = infer,
	.compute = compute,
};
