// SPDX-License-Identifier: MIT
/*
 * Comparisons, logic, and the choice between two tensors, element by element with broadcasting.
 */
#include <errno.h>
#include <string.h>

#include "broadcast.h"
#include "elements.h"
#include "infer.h"
#include "kernels.h"

#define COMPARE(a, b) \
	do { \
		for (i = 0; i < n; i++) \
			to[i] = op == XQM_EQUAL ? (a) == (b) : op == XQM_NOT_EQUAL ? (a) != (b) : \
				op == XQM_LESS ? (a) < (b) : op == XQM_LESS_OR_EQUAL ? (a) <= (b) : \
				op == XQM_GREATER ? (a) > (b) : (a) >= (b); \
	} while (0)

static int infer_compare(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
			 struct xqm_value *out)
{
	int err = xqm_numbers(graph, op, in, 2);

	if (err)
		return err;
	if (in[0].type != in[1].type)
		return xqm_fail_at(graph, op, -EINVAL, "operands of %s and of %s", xq_model_type_name(in[0].type),
				   xq_model_type_name(in[1].type));
	out->type = XQ_MODEL_BOOL;
	return xqm_broadcast(graph, op, in, 2, out);
}

static void compare(enum xqm_op op, const struct xqm_walk *walk, const struct xqm_value *in, uint8_t *to,
		    size_t done, size_t n)
{
	size_t sa = xqm_walk_step(walk, 0), sb = xqm_walk_step(walk, 1), i;
	size_t at_a = walk->at[0] + sa * done, at_b = walk->at[1] + sb * done;
	enum xqm_class class = xqm_class_of(in->type);

	if (class == XQM_REAL) {
		double a[XQM_CHUNK], b[XQM_CHUNK];

		xqm_load_real(&in[0], at_a, sa, n, a);
		xqm_load_real(&in[1], at_b, sb, n, b);
		COMPARE(a[i], b[i]);
	} else {
		int64_t a[XQM_CHUNK], b[XQM_CHUNK];

		xqm_load_integer(&in[0], at_a, sa, n, a);
		xqm_load_integer(&in[1], at_b, sb, n, b);
		if (class == XQM_UNSIGNED)
			COMPARE((uint64_t)a[i], (uint64_t)b[i]);
		else
			COMPARE(a[i], b[i]);
	}
}

static int compute_compare(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	struct xqm_walk walk;

	xqm_walk_start(&walk, in, 2, out);
	for (size_t r = 0; r < walk.rows; r++, xqm_walk_next(&walk)) {
		for (size_t done = 0; done < walk.row; done += XQM_CHUNK)
			compare(op->op, &walk, in, (uint8_t *)out->data + walk.out + done, done,
				walk.row - done < XQM_CHUNK ? walk.row - done : XQM_CHUNK);
	}
	return 0;
}

const struct xqm_kernel xqm_compare_kernel = {
	.name = "comparison",
	.infer = infer_compare,
	.compute = compute_compare,
};

/* ---- logic ---------------------------------------------------------------------------------------- */

static int infer_logic(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < op->inputs; i++)
		err = xqm_need_type(graph, op, &in[i], "an operand", XQ_MODEL_BOOL);
	if (err)
		return err;
	out->type = XQ_MODEL_BOOL;
	return xqm_broadcast(graph, op, in, op->inputs, out);
}

static int compute_logic(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const uint8_t *a = in[0].data, *b = op->inputs > 1 ? in[1].data : a;
	struct xqm_walk walk;

	xqm_walk_start(&walk, in, op->inputs, out);
	for (size_t r = 0; r < walk.rows; r++, xqm_walk_next(&walk)) {
		for (size_t i = 0; i < walk.row; i++) {
			bool x = a[walk.at[0] + xqm_walk_step(&walk, 0) * i];
			bool y = op->inputs > 1 && b[walk.at[1] + xqm_walk_step(&walk, 1) * i];

			((uint8_t *)out->data)[walk.out + i] = op->op == XQM_AND ? x && y : op->op == XQM_OR ? x || y :
							       op->op == XQM_XOR ? x != y : !x;
		}
	}
	return 0;
}

const struct xqm_kernel xqm_logic_kernel = {
	.name = "logic",
	.infer = infer_logic,
	.compute = compute_logic,
};

/* ---- where ------------------------------------------------------------------------------------------ */

static int infer_where(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		       struct xqm_value *out)
{
	int err = xqm_need_type(graph, op, in, "a condition", XQ_MODEL_BOOL);

	if (!err)
		err = xqm_need_type(graph, op, &in[2], "the second choice", in[1].type);
	if (err)
		return err;
	out->type = in[1].type;
	return xqm_broadcast(graph, op, in, 3, out);
}

static int compute_where(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const uint8_t *condition = in[0].data;
	size_t bytes = xqm_value_bytes(out);
	struct xqm_walk walk;

	(void)op;
	xqm_walk_start(&walk, in, 3, out);
	for (size_t r = 0; r < walk.rows; r++, xqm_walk_next(&walk)) {
		for (size_t i = 0; i < walk.row; i++) {
			unsigned int from = condition[walk.at[0] + xqm_walk_step(&walk, 0) * i] ? 1 : 2;
			size_t at = walk.at[from] + xqm_walk_step(&walk, from) * i;

			memcpy((char *)out->data + (walk.out + i) * bytes, (const char *)in[from].data + at * bytes, bytes);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_where_kernel = {
	.name = "where",
	.infer = infer_where,
	.compute = compute_where,
};
