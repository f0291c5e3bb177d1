// SPDX-License-Identifier: MIT
/*
 * Where tensors lie. What is joined is computed where it is wanted: from the last operator to the first, inputs of a
 * concatenation become boxes of its output, and what is only reshaped for an output is made there.
 */
#include <errno.h>
#include <stdlib.h>

#include "compile.h"

int xqn_new_storage(struct xqn_compiler *c, enum xqn_region region, size_t bytes, size_t align)
{
	struct xq_plan *plan = c->plan;
	struct xqn_storage *more = xqn_grown(plan->storage, plan->storages, sizeof(*more));

	if (!more) {
		c->error = -ENOMEM;
		return -1;
	}
	plan->storage = more;
	more[plan->storages] = (struct xqn_storage){
		.region = region, .bytes = bytes, .align = align, .first = -1, .last = -1,
	};
	return (int)plan->storages++;
}

void xqn_new_view(struct xqn_compiler *c, struct xqn_view *view)
{
	const size_t bytes = xqn_dense(view);

	view->offset = 0;
	view->storage = xqn_new_storage(c, XQN_ARENA, bytes, XQN_ALIGN);
}

enum xqn_kind xqn_moves_as(struct xqn_compiler *c, const struct xqn_operator *op)
{
	const struct xqn_view *x;
	unsigned int i, last = 0;

	if (op->kind != XQN_TRANSPOSE)
		return op->kind;
	x = xqn_view(c, op->input[0]);
	if (xqn_packed(x))
		return XQN_TRANSPOSE;
	for (i = 0; i < x->dims; i++) {
		const unsigned int from = op->move.order[i];

		if (x->dim[from] == 1)
			continue;
		if (from < last)
			return XQN_TRANSPOSE;
		last = from;
	}
	return XQN_RESHAPE;
}

/* What others decided already, or what others see besides, stays where it is. */
static bool may_move(struct xqn_compiler *c, const struct xqn_tensor *t)
{
	const enum xqn_kind kind = t->producer < 0 ? XQN_RESHAPE : xqn_moves_as(c, c->net->operator[t->producer]);

	return !xqn_constant(t) && !t->input && !t->output && xqn_view(c, t->number)->storage < 0 &&
	       kind != XQN_RESHAPE && kind != XQN_SLICE;
}

static void place_inputs(struct xqn_compiler *c, const struct xqn_operator *op)
{
	struct xqn_view *y = xqn_view(c, op->output[0]);
	size_t begin[XQ_NETWORK_DIMS] = { 0 }, step[XQ_NETWORK_DIMS] = { 1, 1, 1, 1, 1, 1 };
	struct xqn_view box;
	unsigned int i;

	if (y->storage < 0)
		xqn_new_view(c, y);
	for (i = 0; i < op->inputs; i++) {
		struct xqn_view *x = xqn_view(c, op->input[i]);

		if (may_move(c, xqn_tensor(c->net, op->input[i])) && xqn_box(y, begin, x->dim, step, &box))
			*x = box;
		begin[op->move.axis] += x->dim[op->move.axis];
	}
}

bool xqn_reshapes(const struct xqn_view *from, const struct xqn_view *to)
{
	const size_t a = from->dims ? from->dim[from->dims - 1] : 1, b = to->dims ? to->dim[to->dims - 1] : 1;
	const unsigned int bits = xq_type_bits(from->type);

	/* Rows of whole bytes, or the same rows. */
	return xqn_is_dense(from) && (a == b || (a * bits % 8 == 0 && b * bits % 8 == 0));
}

static void place_before(struct xqn_compiler *c, const struct xqn_operator *op)
{
	const struct xqn_view *y = xqn_view(c, op->output[0]);
	struct xqn_view *x = xqn_view(c, op->input[0]), moved = *x;

	if (y->storage < 0 || !may_move(c, xqn_tensor(c->net, op->input[0])) || !xqn_reshapes(y, x))
		return;
	moved.storage = y->storage;
	moved.offset = y->offset;
	xqn_dense(&moved);
	*x = moved;
}

int xqn_place_tensors(struct xqn_compiler *c)
{
	unsigned int i = c->net->operators;

	while (i-- > 0) {
		const struct xqn_operator *op = c->net->operator[i];

		if (!c->needed[i])
			continue;
		if (op->kind == XQN_CONCAT)
			place_inputs(c, op);
		else if (xqn_moves_as(c, op) == XQN_RESHAPE)
			place_before(c, op);
	}
	return c->error;
}
