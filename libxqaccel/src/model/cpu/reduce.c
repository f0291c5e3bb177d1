// SPDX-License-Identifier: MIT
/*
 * Sums, means, extremes and the like over dimensions: in the order of the elements, in double or 64-bit integers,
 * rounded once.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "strided.h"

/* Marks the dimensions that are reduced. */
static int reduced(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in, bool *gone)
{
	const struct xqm_value *axes = xqm_operand(op, in, 1);
	int64_t list[XQ_MODEL_DIMS];
	int n = axes ? xqm_integers(graph, op, axes, "the axes", list, XQ_MODEL_DIMS) : 0;

	if (n < 0)
		return n;
	for (unsigned int d = 0; d < XQ_MODEL_DIMS; d++)
		gone[d] = n == 0 && !op->params.reduce.none;
	for (int i = 0; i < n; i++) {
		int axis = xqm_axis_of(graph, op, list[i], in->dims);

		if (axis < 0)
			return axis;
		gone[axis] = true;
	}
	return 0;
}

static int infer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		 struct xqm_value *out)
{
	bool gone[XQ_MODEL_DIMS];
	int err = xqm_numbers(graph, op, in, 1);

	if (!err)
		err = reduced(graph, op, in, gone);
	if (err)
		return err;
	out->type = in->type;
	out->dims = 0;
	for (unsigned int d = 0; d < in->dims; d++) {
		if (!gone[d])
			out->dim[out->dims++] = in->dim[d];
		else if (op->params.reduce.keep)
			out->dim[out->dims++] = 1;
	}
	return 0;
}

/* ---- real numbers --------------------------------------------------------------------------------- */

struct reduction {
	double value, largest;
	size_t count;
};

static double initial(enum xqm_op op)
{
	switch (op) {
	case XQM_REDUCE_MAX:
		return -INFINITY;
	case XQM_REDUCE_MIN:
		return INFINITY;
	case XQM_REDUCE_PROD:
		return 1;
	default:
		return 0;
	}
}

static void take(enum xqm_op op, struct reduction *r, double x)
{
	r->count++;
	switch (op) {
	case XQM_REDUCE_MAX:
		r->value = isnan(x) || x > r->value ? x : r->value;
		break;
	case XQM_REDUCE_MIN:
		r->value = isnan(x) || x < r->value ? x : r->value;
		break;
	case XQM_REDUCE_PROD:
		r->value *= x;
		break;
	case XQM_REDUCE_L1:
		r->value += fabs(x);
		break;
	case XQM_REDUCE_L2:
	case XQM_REDUCE_SUM_SQUARE:
		r->value += x * x;
		break;
	case XQM_REDUCE_LOG_SUM_EXP:
		r->value += exp(x - r->largest);
		break;
	default:
		r->value += x;
	}
}

static double finished(enum xqm_op op, const struct reduction *r)
{
	switch (op) {
	case XQM_REDUCE_MEAN:
		return r->value / (double)r->count;
	case XQM_REDUCE_L2:
		return sqrt(r->value);
	case XQM_REDUCE_LOG_SUM:
		return log(r->value);
	case XQM_REDUCE_LOG_SUM_EXP:
		return log(r->value) + r->largest;
	default:
		return r->value;
	}
}

/* ---- integers ------------------------------------------------------------------------------------- */

static bool exact(enum xqm_op op, int type)
{
	if (xqm_class_of(type) == XQM_REAL)
		return false;
	switch (op) {
	case XQM_REDUCE_SUM:
	case XQM_REDUCE_MAX:
	case XQM_REDUCE_MIN:
	case XQM_REDUCE_PROD:
	case XQM_REDUCE_L1:
	case XQM_REDUCE_SUM_SQUARE:
		return true;
	default:
		return false;
	}
}

static int64_t take_integer(enum xqm_op op, int64_t sum, int64_t x, bool first, bool is_unsigned)
{
	uint64_t u = (uint64_t)x;

	switch (op) {
	case XQM_REDUCE_MAX:
		return first || (is_unsigned ? u > (uint64_t)sum : x > sum) ? x : sum;
	case XQM_REDUCE_MIN:
		return first || (is_unsigned ? u < (uint64_t)sum : x < sum) ? x : sum;
	case XQM_REDUCE_PROD:
		return (int64_t)((first ? 1 : (uint64_t)sum) * u);
	case XQM_REDUCE_L1:
		return (int64_t)((uint64_t)sum + (x < 0 && !is_unsigned ? 0 - u : u));
	case XQM_REDUCE_SUM_SQUARE:
		return (int64_t)((uint64_t)sum + u * u);
	default:
		return (int64_t)((uint64_t)sum + u);
	}
}

/* Of no elements at all: the ends of the type, as real numbers have infinities. */
static void store_none(const struct xqm_operator *op, const struct xqm_value *out, size_t at)
{
	double value = initial(op->op);

	xqm_store_real(out, at, 1, &value);
}

/* ---- walking ---------------------------------------------------------------------------------------- */

/* Views of the dimensions that stay, and of those that go. */
static void split(const struct xqm_value *in, const bool *gone, struct xqm_view *stay, struct xqm_view *go)
{
	struct xqm_view whole;

	xqm_view_whole(&whole, in);
	stay->dims = go->dims = 0;
	for (unsigned int d = 0; d < in->dims; d++) {
		struct xqm_view *view = gone[d] ? go : stay;

		view->dim[view->dims] = whole.dim[d];
		view->step[view->dims++] = whole.step[d];
	}
}

static size_t at_of(const struct xqm_view *view, size_t i)
{
	size_t at = 0;

	for (unsigned int d = view->dims; d-- > 0; i /= view->dim[d])
		at += i % view->dim[d] * (size_t)view->step[d];
	return at;
}

static size_t elements(const struct xqm_view *view)
{
	size_t n = 1;

	for (unsigned int d = 0; d < view->dims; d++)
		n *= view->dim[d];
	return n;
}

static int compute(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	bool gone[XQ_MODEL_DIMS], is_unsigned = xqm_class_of(in->type) == XQM_UNSIGNED;
	bool integers = exact(op->op, in->type);
	struct xqm_view stay, go;
	int err = reduced(NULL, op, in, gone);
	size_t n;

	if (err)
		return err;
	split(in, gone, &stay, &go);
	n = elements(&go);
	for (size_t i = 0; i < elements(&stay); i++) {
		struct reduction r = { .value = initial(op->op) };
		size_t from = at_of(&stay, i);
		int64_t sum = 0;

		if (!n && (op->op == XQM_REDUCE_MAX || op->op == XQM_REDUCE_MIN)) {
			store_none(op, out, i);
			continue;
		}
		if (op->op == XQM_REDUCE_LOG_SUM_EXP) {
			r.largest = -INFINITY;
			for (size_t k = 0; k < n; k++)
				r.largest = fmax(r.largest, xqm_real_at(in, from + at_of(&go, k)));
			if (isinf(r.largest))
				r.largest = 0;
		}
		if (integers && op->op == XQM_REDUCE_PROD)
			sum = 1;
		for (size_t k = 0; k < n; k++) {
			size_t at = from + at_of(&go, k);

			if (integers)
				sum = take_integer(op->op, sum, xqm_integer_at(in, at), !k, is_unsigned);
			else
				take(op->op, &r, xqm_real_at(in, at));
		}
		r.value = finished(op->op, &r);
		if (integers)
			xqm_store_integer(out, i, 1, &sum);
		else
			xqm_store_real(out, i, 1, &r.value);
	}
	return 0;
}

const struct xqm_kernel xqm_reduce_kernel = {
	.name = "reduction",
	.infer = infer,
	.compute = compute,
};
