// SPDX-License-Identifier: MIT
/*
 * Checks of what only moves elements. Elements of less than a byte lie in rows that begin at bytes; they can be
 * moved where every piece begins at one.
 */
#include <errno.h>

#include "check.h"

static int check_transpose(struct xq_network *net, const struct xqn_operator *op, const struct xqn_shape *x,
			   struct xqn_shape *y)
{
	unsigned int seen = 0, i;

	*y = *x;
	for (i = 0; i < x->dims; i++) {
		const unsigned int from = op->move.order[i];

		if (from >= x->dims || seen >> from & 1)
			return xqn_fail_at(net, op, -EINVAL, "its order is no permutation of %u dimensions", x->dims);
		seen |= 1U << from;
		y->dim[i] = x->dim[from];
	}
	return x->batched && op->move.order[0] ?
	       xqn_fail_at(net, op, -EINVAL, "the batch has to stay the first dimension") : 0;
}

static int check_slice(struct xq_network *net, const struct xqn_operator *op, const struct xqn_shape *x,
		       struct xqn_shape *y)
{
	const struct xqn_tensor *out = xqn_tensor(net, op->output[0]);
	char text[XQN_SHAPE_TEXT];
	unsigned int i;

	if (!out->given)
		return xqn_fail_at(net, op, -EINVAL, "its output %s has no shape", out->config.name);
	*y = out->shape;
	if (y->dims != x->dims || y->batched != x->batched)
		return xqn_fail_at(net, op, -EINVAL, "its output of shape %s has other dimensions than its input",
				   xqn_shape_text(y, text));
	for (i = 0; i < x->dims; i++) {
		size_t reach;

		if (!op->move.step[i] || __builtin_mul_overflow(y->dim[i] - 1, op->move.step[i], &reach) ||
		    __builtin_add_overflow(reach, op->move.begin[i], &reach) || reach >= x->dim[i])
			return xqn_fail_at(net, op, -EINVAL, "it reaches past dimension %u of its input", i);
	}
	return x->batched && (op->move.begin[0] || op->move.step[0] != 1 || y->dim[0] != x->dim[0]) ?
	       xqn_fail_at(net, op, -EINVAL, "the batch cannot be cut") : 0;
}

static int check_concat(struct xq_network *net, const struct xqn_operator *op, struct xqn_shape *y)
{
	const struct xqn_shape *first = &xqn_tensor(net, op->input[0])->shape;
	char a[XQN_SHAPE_TEXT], b[XQN_SHAPE_TEXT];
	const unsigned int axis = op->move.axis;
	unsigned int i, j;
	int err;

	if (axis >= first->dims || (first->batched && !axis))
		return xqn_fail_at(net, op, -EINVAL, "tensors of shape %s cannot be joined along dimension %u",
				   xqn_shape_text(first, a), axis);
	*y = *first;
	y->dim[axis] = 0;
	for (i = 0; i < op->inputs; i++) {
		const struct xqn_tensor *x = xqn_tensor(net, op->input[i]);

		err = xqn_want_type(net, op, op->input[i], XQN_BIT(xqn_tensor(net, op->output[0])->config.type),
				    "the input");
		if (err)
			return err;
		for (j = 0; j < first->dims; j++)
			if (x->shape.dims != first->dims || x->shape.batched != first->batched ||
			    (j != axis && x->shape.dim[j] != first->dim[j]))
				return xqn_fail_at(net, op, -EINVAL, "its inputs of shapes %s and %s do not fit",
						   xqn_shape_text(first, a), xqn_shape_text(&x->shape, b));
		if (__builtin_add_overflow(y->dim[axis], x->shape.dim[axis], &y->dim[axis]))
			return xqn_fail_at(net, op, -EOVERFLOW, "its output is too large");
	}
	return 0;
}

static bool is_value(enum xq_type type, int32_t value)
{
	if (type == XQ_F32 || type == XQ_S32)
		return true;
	return value >= xq_type_min(type) && value <= xq_type_max(type) && (type != XQ_B1 || value);
}

static int check_pad(struct xq_network *net, const struct xqn_operator *op, const struct xqn_shape *x,
		     struct xqn_shape *y)
{
	const enum xq_type type = xqn_tensor(net, op->input[0])->config.type;
	unsigned int i;

	*y = *x;
	for (i = 0; i < x->dims; i++)
		if (__builtin_add_overflow(y->dim[i], op->move.before[i], &y->dim[i]) ||
		    __builtin_add_overflow(y->dim[i], op->move.after[i], &y->dim[i]))
			return xqn_fail_at(net, op, -EOVERFLOW, "its output is too large");
	if (x->batched && (op->move.before[0] || op->move.after[0]))
		return xqn_fail_at(net, op, -EINVAL, "the batch cannot be padded");
	return is_value(type, op->move.value) ? 0 :
	       xqn_fail_at(net, op, -EINVAL, "it fills with %d, which is no value of %s", op->move.value,
			   xq_type_name(type));
}

static int check_enlarge(struct xq_network *net, const struct xqn_operator *op, const struct xqn_shape *x,
			 struct xqn_shape *y)
{
	*y = *x;
	if (x->dims != 4 || !op->move.factor_h || !op->move.factor_w)
		return xqn_fail_at(net, op, -EINVAL, "%s", x->dims == 4 ? "its factor is 0" :
				   "its input has not 4 dimensions");
	return __builtin_mul_overflow(x->dim[1], op->move.factor_h, &y->dim[1]) ||
	       __builtin_mul_overflow(x->dim[2], op->move.factor_w, &y->dim[2]) ?
	       xqn_fail_at(net, op, -EOVERFLOW, "its output is too large") : 0;
}

static int check_reshape(struct xq_network *net, const struct xqn_operator *op, const struct xqn_shape *x,
			 struct xqn_shape *y)
{
	const struct xqn_tensor *out = xqn_tensor(net, op->output[0]);
	char a[XQN_SHAPE_TEXT], b[XQN_SHAPE_TEXT];

	if (!out->given)
		return xqn_fail_at(net, op, -EINVAL, "its output %s has no shape", out->config.name);
	*y = out->shape;
	return y->batched == x->batched && xqn_elements(y) == xqn_elements(x) ? 0 :
	       xqn_fail_at(net, op, -EINVAL, "%s and %s have not as many elements", xqn_shape_text(x, a),
			   xqn_shape_text(y, b));
}

int xqn_check_move(struct xq_network *net, const struct xqn_operator *op)
{
	const struct xqn_tensor *x = xqn_tensor(net, op->input[0]);
	const bool arrays = op->kind == XQN_TRANSPOSE || op->kind == XQN_SLICE || op->kind == XQN_PAD;
	struct xqn_shape y;
	int err = xqn_want_type(net, op, op->output[0], XQN_BIT(x->config.type), "the output");

	if (err)
		return err;
	if (arrays && op->move.dims != x->shape.dims)
		return xqn_fail_at(net, op, -EINVAL, "it is for %u dimensions, and its input %s has %u", op->move.dims,
				   x->config.name, x->shape.dims);
	if (xqn_constant(x) && op->kind != XQN_CONCAT)
		return xqn_fail_at(net, op, -EINVAL, "its input %s is a constant", x->config.name);
	switch (op->kind) {
	case XQN_TRANSPOSE:
		err = check_transpose(net, op, &x->shape, &y);
		break;
	case XQN_SLICE:
		err = check_slice(net, op, &x->shape, &y);
		break;
	case XQN_CONCAT:
		err = check_concat(net, op, &y);
		break;
	case XQN_PAD:
		err = check_pad(net, op, &x->shape, &y);
		break;
	case XQN_ENLARGE:
		err = check_enlarge(net, op, &x->shape, &y);
		break;
	default:
		err = check_reshape(net, op, &x->shape, &y);
		break;
	}
	return err ? err : xqn_settle(net, op, op->output[0], &y);
}
