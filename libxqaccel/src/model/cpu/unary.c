// SPDX-License-Identifier: MIT
/*
 * Functions of one number, element by element. What C's library has is its function of a double, rounded to the type.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"

static double sigmoid(double x)
{
	return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

/* log(1 + exp(x)) */
static double softplus(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double gelu(double x, bool by_tanh)
{
	if (by_tanh)
		return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
	return 0.5 * x * (1 + erf(x * M_SQRT1_2));
}

static double limit(double x, double low, double high)
{
	return x < low ? low : x > high ? high : x;
}

static double sign(double x)
{
	return x > 0 ? 1 : x < 0 ? -1 : x;
}

#define EACH(expression) \
	do { \
		for (i = 0; i < n; i++) { \
			double x = v[i]; \
\
			v[i] = (expression); \
		} \
	} while (0)

/* ---- operators that are kinds of the graph ------------------------------------------------------- */

static void function(const struct xqm_operator *op, double *v, size_t n)
{
	double alpha = (double)op->params.alpha.alpha, beta = (double)op->params.alpha.beta;
	size_t i;

	switch (op->op) {
	case XQM_ABS:
		EACH(fabs(x));
		break;
	case XQM_NEG:
		EACH(-x);
		break;
	case XQM_EXP:
		EACH(exp(x));
		break;
	case XQM_LOG:
		EACH(log(x));
		break;
	case XQM_SQRT:
		EACH(sqrt(x));
		break;
	case XQM_RSQRT:
		EACH(1 / sqrt(x));
		break;
	case XQM_SQUARE:
		EACH(x * x);
		break;
	case XQM_RECIPROCAL:
		EACH(1 / x);
		break;
	case XQM_FLOOR:
		EACH(floor(x));
		break;
	case XQM_CEIL:
		EACH(ceil(x));
		break;
	case XQM_ROUND:
		EACH(rint(x));
		break;
	case XQM_SIGN:
		EACH(sign(x));
		break;
	case XQM_SIN:
		EACH(sin(x));
		break;
	case XQM_COS:
		EACH(cos(x));
		break;
	case XQM_ERF:
		EACH(erf(x));
		break;
	case XQM_RELU:
		EACH(x < 0 ? 0 : x);
		break;
	case XQM_LEAKY_RELU:
		EACH(x < 0 ? alpha * x : x);
		break;
	case XQM_ELU:
		EACH(x < 0 ? alpha * expm1(x) : x);
		break;
	case XQM_SELU:
		EACH(beta * (x <= 0 ? alpha * expm1(x) : x));
		break;
	case XQM_CELU:
		EACH((x > 0 ? x : 0) + fmin(0, alpha * expm1(x / alpha)));
		break;
	case XQM_SIGMOID:
		EACH(sigmoid(x));
		break;
	case XQM_TANH:
		EACH(tanh(x));
		break;
	case XQM_HARD_SIGMOID:
		EACH(limit(alpha * x + beta, 0, 1));
		break;
	case XQM_HARD_SWISH:
		EACH(x * limit(x / 6 + 0.5, 0, 1));
		break;
	case XQM_GELU:
		EACH(gelu(x, op->params.gelu.tanh));
		break;
	case XQM_SOFTPLUS:
		EACH(softplus(x));
		break;
	case XQM_SOFTSIGN:
		EACH(x / (1 + fabs(x)));
		break;
	case XQM_MISH:
		EACH(x * tanh(softplus(x)));
		break;
	case XQM_TAN:
		EACH(tan(x));
		break;
	case XQM_ASIN:
		EACH(asin(x));
		break;
	case XQM_ACOS:
		EACH(acos(x));
		break;
	case XQM_ATAN:
		EACH(atan(x));
		break;
	case XQM_SINH:
		EACH(sinh(x));
		break;
	case XQM_COSH:
		EACH(cosh(x));
		break;
	case XQM_ASINH:
		EACH(asinh(x));
		break;
	case XQM_ACOSH:
		EACH(acosh(x));
		break;
	case XQM_ATANH:
		EACH(atanh(x));
		break;
	case XQM_THRESHOLDED_RELU:
		EACH(x > alpha ? x : 0);
		break;
	case XQM_SHRINK:
		EACH(x < -alpha ? x + beta : x > alpha ? x - beta : 0);
		break;
	case XQM_SWISH:
		EACH(x * sigmoid(alpha * x));
		break;
	case XQM_IS_NAN:
		EACH(isnan(x));
		break;
	case XQM_IS_INF:
		EACH(isinf(x) && (x < 0 ? alpha != 0 : beta != 0));
		break;
	default:
		break;
	}
}

static bool takes_integers(enum xqm_op op)
{
	return op == XQM_ABS || op == XQM_NEG || op == XQM_SIGN || op == XQM_RELU || op == XQM_SQUARE ||
	       op == XQM_BIT_NOT || op == XQM_SHRINK;
}

static void integer_function(enum xqm_op op, int64_t *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		uint64_t x = (uint64_t)v[i];

		switch (op) {
		case XQM_ABS:
			v[i] = (int64_t)(v[i] < 0 ? 0 - x : x);
			break;
		case XQM_NEG:
			v[i] = (int64_t)(0 - x);
			break;
		case XQM_SIGN:
			v[i] = (v[i] > 0) - (v[i] < 0);
			break;
		case XQM_RELU:
			v[i] = v[i] < 0 ? 0 : v[i];
			break;
		case XQM_BIT_NOT:
			v[i] = (int64_t)~x;
			break;
		default:
			v[i] = (int64_t)(x * x);
		}
	}
}

static int infer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		 struct xqm_value *out)
{
	int err = takes_integers(op->op) ? xqm_numbers(graph, op, in, 1) : xqm_reals(graph, op, in, 1);

	xqm_same(out, in);
	if (op->op == XQM_IS_NAN || op->op == XQM_IS_INF)
		out->type = XQ_MODEL_BOOL;
	return err;
}

static int compute(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	size_t n = xqm_value_elements(in);
	enum xqm_class class = xqm_class_of(in->type);

	for (size_t done = 0; done < n; done += XQM_CHUNK) {
		size_t part = n - done < XQM_CHUNK ? n - done : XQM_CHUNK;
		double real[XQM_CHUNK];
		int64_t integer[XQM_CHUNK];

		if (class == XQM_REAL || op->op == XQM_SHRINK) {
			xqm_load_real(in, done, 1, part, real);
			function(op, real, part);
			xqm_store_real(out, done, part, real);
		} else if (class == XQM_UNSIGNED && op->op != XQM_SQUARE && op->op != XQM_NEG && op->op != XQM_BIT_NOT) {
			/* Never below zero: a sign is 0 or 1, and the others change nothing. */
			xqm_load_integer(in, done, 1, part, integer);
			for (size_t i = 0; op->op == XQM_SIGN && i < part; i++)
				integer[i] = integer[i] != 0;
			xqm_store_integer(out, done, part, integer);
		} else {
			xqm_load_integer(in, done, 1, part, integer);
			integer_function(op->op, integer, part);
			xqm_store_integer(out, done, part, integer);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_unary_kernel = {
	.name = "function",
	.infer = infer,
	.compute = compute,
};

/* ---- clip --------------------------------------------------------------------------------------------- */

static int infer_clip(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		      struct xqm_value *out)
{
	int err = xqm_numbers(graph, op, in, op->inputs);

	for (unsigned int i = 1; !err && i < 3; i++) {
		const struct xqm_value *bound = xqm_operand(op, in, i);

		if (bound && xqm_value_elements(bound) != 1)
			err = xqm_fail_at(graph, op, -EINVAL, "a bound has %zu elements", xqm_value_elements(bound));
		else if (bound)
			err = xqm_need_type(graph, op, bound, "a bound", in->type);
	}
	xqm_same(out, in);
	return err;
}

static void clip_integers(const struct xqm_operator *op, const struct xqm_value *in, int64_t *v, size_t n)
{
	bool is_unsigned = xqm_class_of(in->type) == XQM_UNSIGNED;

	for (unsigned int k = 1; k < 3; k++) {
		const struct xqm_value *bound = xqm_operand(op, in, k);
		int64_t b = bound ? xqm_integer_at(bound, 0) : 0;

		for (size_t i = 0; bound && i < n; i++) {
			bool less = is_unsigned ? (uint64_t)v[i] < (uint64_t)b : v[i] < b;

			if (v[i] != b && less == (k == 1))
				v[i] = b;
		}
	}
}

static int compute_clip(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_value *low = xqm_operand(op, in, 1), *high = xqm_operand(op, in, 2);
	size_t n = xqm_value_elements(in);

	for (size_t done = 0; done < n; done += XQM_CHUNK) {
		size_t part = n - done < XQM_CHUNK ? n - done : XQM_CHUNK;

		if (xqm_class_of(in->type) == XQM_REAL) {
			double v[XQM_CHUNK], l = low ? xqm_real_at(low, 0) : -INFINITY;
			double h = high ? xqm_real_at(high, 0) : INFINITY;

			xqm_load_real(in, done, 1, part, v);
			/* The upper bound wins if it is below the lower one. */
			for (size_t i = 0; i < part; i++) {
				v[i] = v[i] < l ? l : v[i];
				v[i] = v[i] > h ? h : v[i];
			}
			xqm_store_real(out, done, part, v);
		} else {
			int64_t v[XQM_CHUNK];

			xqm_load_integer(in, done, 1, part, v);
			clip_integers(op, in, v, part);
			xqm_store_integer(out, done, part, v);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_clip_kernel = {
	.name = "clip",
	.infer = infer_clip,
	.compute = compute_clip,
};
