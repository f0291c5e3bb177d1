// SPDX-License-Identifier: MIT
/*
 * Arithmetic of two or more tensors, element by element, with broadcasting.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "broadcast.h"
#include "elements.h"
#include "infer.h"
#include "kernels.h"

/* ---- real numbers --------------------------------------------------------------------------------- */

/* The smaller and the larger: NaN if one of them is. */
static double smaller(double a, double b)
{
	return isnan(a) || a < b ? a : b;
}

static double larger(double a, double b)
{
	return isnan(a) || a > b ? a : b;
}

/* The rest of a division with the divisor's sign. */
static double rest(double a, double b)
{
	double r = fmod(a, b);

	return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

#define EACH(expression) \
	do { \
		for (i = 0; i < n; i++) \
			a[i] = (expression); \
	} while (0)

static void real(const struct xqm_operator *op, double *a, const double *b, size_t n)
{
	size_t i;

	switch (op->op) {
	case XQM_ADD:
	case XQM_SUM:
	case XQM_AVERAGE:
		EACH(a[i] + b[i]);
		break;
	case XQM_SUB:
		EACH(a[i] - b[i]);
		break;
	case XQM_MUL:
		EACH(a[i] * b[i]);
		break;
	case XQM_DIV:
		EACH(a[i] / b[i]);
		break;
	case XQM_POW:
		EACH(pow(a[i], b[i]));
		break;
	case XQM_MOD:
		if (op->params.modulo.truncated)
			EACH(fmod(a[i], b[i]));
		else
			EACH(rest(a[i], b[i]));
		break;
	case XQM_MINIMUM:
		EACH(smaller(a[i], b[i]));
		break;
	case XQM_MAXIMUM:
		EACH(larger(a[i], b[i]));
		break;
	case XQM_SQUARED_DIFFERENCE:
		EACH((a[i] - b[i]) * (a[i] - b[i]));
		break;
	case XQM_PRELU:
		EACH(a[i] < 0 ? a[i] * b[i] : a[i]);
		break;
	default:
		break;
	}
}

/* ---- integers ------------------------------------------------------------------------------------- */

static int64_t quotient(int64_t a, int64_t b, bool is_unsigned)
{
	if (!b)
		return 0;
	if (is_unsigned)
		return (int64_t)((uint64_t)a / (uint64_t)b);
	return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t modulus(int64_t a, int64_t b, bool is_unsigned, bool truncated)
{
	int64_t r;

	if (!b)
		return 0;
	if (is_unsigned)
		return (int64_t)((uint64_t)a % (uint64_t)b);
	r = b == -1 ? 0 : a % b;
	return !truncated && r && (r < 0) != (b < 0) ? r + b : r;
}

static int64_t power(int64_t a, int64_t b)
{
	uint64_t base = (uint64_t)a, y = 1;

	if (b < 0)
		return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
	for (; b; b >>= 1, base *= base) {
		if (b & 1)
			y *= base;
	}
	return (int64_t)y;
}

static bool below(int64_t a, int64_t b, bool is_unsigned)
{
	return is_unsigned ? (uint64_t)a < (uint64_t)b : a < b;
}

#define WRAPPED(a, operation, b)	((int64_t)((uint64_t)(a) operation (uint64_t)(b)))

static void integer(const struct xqm_operator *op, int64_t *a, const int64_t *b, size_t n, bool is_unsigned)
{
	size_t i;

	switch (op->op) {
	case XQM_ADD:
	case XQM_SUM:
	case XQM_AVERAGE:
		EACH(WRAPPED(a[i], +, b[i]));
		break;
	case XQM_SUB:
		EACH(WRAPPED(a[i], -, b[i]));
		break;
	case XQM_MUL:
		EACH(WRAPPED(a[i], *, b[i]));
		break;
	case XQM_DIV:
		EACH(quotient(a[i], b[i], is_unsigned));
		break;
	case XQM_POW:
		EACH(power(a[i], b[i]));
		break;
	case XQM_MOD:
		EACH(modulus(a[i], b[i], is_unsigned, op->params.modulo.truncated));
		break;
	case XQM_MINIMUM:
		EACH(below(b[i], a[i], is_unsigned) ? b[i] : a[i]);
		break;
	case XQM_MAXIMUM:
		EACH(below(a[i], b[i], is_unsigned) ? b[i] : a[i]);
		break;
	case XQM_SQUARED_DIFFERENCE:
		EACH(WRAPPED(WRAPPED(a[i], -, b[i]), *, WRAPPED(a[i], -, b[i])));
		break;
	case XQM_PRELU:
		EACH(!is_unsigned && a[i] < 0 ? WRAPPED(a[i], *, b[i]) : a[i]);
		break;
	case XQM_BIT_AND:
		EACH(a[i] & b[i]);
		break;
	case XQM_BIT_OR:
		EACH(a[i] | b[i]);
		break;
	case XQM_BIT_XOR:
		EACH(a[i] ^ b[i]);
		break;
	case XQM_SHIFT_LEFT:
		EACH((uint64_t)b[i] < 64 ? (int64_t)((uint64_t)a[i] << b[i]) : 0);
		break;
	case XQM_SHIFT_RIGHT:
		EACH((uint64_t)b[i] < 64 ? (int64_t)((uint64_t)a[i] >> b[i]) : 0);
		break;
	default:
		break;
	}
}

static bool bits_only(enum xqm_op op)
{
	return op >= XQM_BIT_AND && op <= XQM_SHIFT_RIGHT;
}

/* ---- kernels ----------------------------------------------------------------------------------------- */

static int infer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		 struct xqm_value *out)
{
	int err = xqm_numbers(graph, op, in, op->inputs);

	for (unsigned int i = 1; !err && i < op->inputs; i++) {
		if (in[i].type != in->type && op->op != XQM_POW)
			err = xqm_fail_at(graph, op, -EINVAL, "operands of %s and of %s",
					  xq_model_type_name(in->type), xq_model_type_name(in[i].type));
	}
	if (!err && bits_only(op->op) && xqm_class_of(in->type) == XQM_REAL)
		err = xqm_fail_at(graph, op, -EINVAL, "operands of %s", xq_model_type_name(in->type));
	if (err)
		return err;
	out->type = in->type;
	return xqm_broadcast(graph, op, in, op->inputs, out);
}

static void finish_real(const struct xqm_operator *op, double *a, size_t n)
{
	const struct xqm_clamp *clamp = &op->params.clamp;

	if (op->op == XQM_AVERAGE) {
		for (size_t i = 0; i < n; i++)
			a[i] /= op->inputs;
	}
	switch (op->op) {
	case XQM_ADD:
	case XQM_SUB:
	case XQM_MUL:
	case XQM_DIV:
		for (size_t i = 0; i < n; i++)
			a[i] = a[i] < clamp->low ? clamp->low : a[i] > clamp->high ? clamp->high : a[i];
		break;
	default:
		break;
	}
}

static void row(const struct xqm_operator *op, const struct xqm_walk *walk, const struct xqm_value *in,
		const struct xqm_value *out, size_t done, size_t n)
{
	bool is_real = xqm_class_of(in->type) == XQM_REAL;
	bool real_power = op->op == XQM_POW && xqm_class_of(in[1].type) == XQM_REAL;
	union {
		double real[XQM_CHUNK];
		int64_t integer[XQM_CHUNK];
	} a, b;

	for (unsigned int i = 0; i < op->inputs; i++) {
		size_t step = xqm_walk_step(walk, i), at = walk->at[i] + step * done;

		if (is_real || real_power) {
			xqm_load_real(&in[i], at, step, n, i ? b.real : a.real);
			if (i)
				real(op, a.real, b.real, n);
		} else {
			xqm_load_integer(&in[i], at, step, n, i ? b.integer : a.integer);
			if (i)
				integer(op, a.integer, b.integer, n, xqm_class_of(in->type) == XQM_UNSIGNED);
		}
	}
	if (is_real || real_power) {
		finish_real(op, a.real, n);
		xqm_store_real(out, walk->out + done, n, a.real);
	} else {
		xqm_store_integer(out, walk->out + done, n, a.integer);
	}
}

static int compute(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	struct xqm_walk walk;

	xqm_walk_start(&walk, in, op->inputs, out);
	for (size_t r = 0; r < walk.rows; r++, xqm_walk_next(&walk)) {
		for (size_t done = 0; done < walk.row; done += XQM_CHUNK)
			row(op, &walk, in, out, done, walk.row - done < XQM_CHUNK ? walk.row - done : XQM_CHUNK);
	}
	return 0;
}

const struct xqm_kernel xqm_arithmetic_kernel = {
	.name = "arithmetic",
	.infer = infer,
	.compute = compute,
};
