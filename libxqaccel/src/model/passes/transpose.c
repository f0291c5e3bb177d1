// SPDX-License-Identifier: MIT
/*
 * From the first operator to the last, each transposition is joined with the one that its input comes from.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libxqaccel/src/model/compile/compile.h"
#include "transpose.h"

/* Weights up to so many bytes are put in another order; beside larger ones a transposition takes no time. */
#define MOST_BYTES	(1U << 20)

/* ---- what there is ------------------------------------------------------------------------------------- */

/* The order of a transposition of known shape, whose elements are what they were. */
static bool order_of(const struct xqm_graph *graph, const struct xqm_operator *op, struct xqm_transpose *to)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);
	unsigned int d, seen = 0;

	if (op->op != XQM_TRANSPOSE || !x || !y || x->data || x->type != y->type || !xqm_fixed(&x->shape) || !xqm_fixed(&y->shape) ||
	    x->shape.dims != y->shape.dims || !xqm_same_scale(graph, x->number, y->number))
		return false;
	to->dims = x->shape.dims;
	if (op->params.transpose.dims && op->params.transpose.dims != to->dims)
		return false;
	for (d = 0; d < to->dims; d++) {
		to->order[d] = op->params.transpose.dims ? op->params.transpose.order[d] : to->dims - 1 - d;
		if (to->order[d] >= to->dims || y->shape.dim[d] != x->shape.dim[to->order[d]])
			return false;
		seen |= 1U << to->order[d];
	}
	return seen + 1 == 1U << to->dims;
}

static struct xqm_transpose one_after_the_other(const struct xqm_transpose *first, const struct xqm_transpose *second)
{
	struct xqm_transpose both = { .dims = first->dims };
	unsigned int d;

	for (d = 0; d < both.dims; d++)
		both.order[d] = first->order[second->order[d]];
	return both;
}

static bool does_nothing(const struct xqm_transpose *t)
{
	unsigned int d;

	for (d = 0; d < t->dims; d++)
		if (t->order[d] != d)
			return false;
	return true;
}

/* ---- element by element ---------------------------------------------------------------------------------- */

static bool is_scalar(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int i)
{
	const struct xqm_tensor *t = xqm_input(graph, op, i);

	return !t || (t->data && t->shape.dims <= 1 && xqm_elements(&t->shape) == 1);
}

/* An operator whose every result is of the element in its place, and of numbers that are the same for all. */
static bool goes_by_elements(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);
	const bool function = op->op >= XQM_ABS && op->op <= XQM_BIT_NOT;
	const bool linear = op->op == XQM_QUANTIZE_LINEAR || op->op == XQM_DEQUANTIZE_LINEAR;
	unsigned int i;

	if (!function && op->op != XQM_IDENTITY && op->op != XQM_CAST && op->op != XQM_QUANTIZE && op->op != XQM_DEQUANTIZE &&
	    !(linear && !op->params.linear.block))
		return false;
	if (op->outputs != 1 || !x || !y || x->data || !xqm_same_shape(&x->shape, &y->shape) || x->quantization.count > 1 ||
	    y->quantization.count > 1)
		return false;
	for (i = 1; i < op->inputs; i++)
		if (!is_scalar(graph, op, i))
			return false;
	return true;
}

/*
 * The transposition that a tensor comes from, with nothing between that does not go by elements, and that nobody else reads;
 * chain is set to the operator after it, or NULL.
 */
static struct xqm_operator *turned_before(const struct xqm_graph *graph, int tensor, struct xqm_operator **chain)
{
	struct xqm_operator *op;

	*chain = NULL;
	for (op = xqm_maker(graph, tensor); op && op->op != XQM_TRANSPOSE; op = xqm_maker(graph, tensor)) {
		if (!goes_by_elements(graph, op) || xqm_tensor(graph, tensor)->uses != 1)
			return NULL;
		*chain = op;
		tensor = op->input[0];
	}
	return op;
}

/* ---- joining ------------------------------------------------------------------------------------------------ */

/**
 * struct joining - work in progress: uses of tensors are counted as it goes, or each step would be one through all of the graph
 * @instead: what operators that come read in place of a tensor, or 0; [tensors]
 */
struct joining {
	struct xqm_graph *graph;
	int *instead;
	unsigned int tensors;
};

static void read_instead(struct xqm_graph *graph, struct xqm_operator *op, unsigned int i, int tensor)
{
	xqm_input(graph, op, i)->uses--;
	op->input[i] = tensor;
	xqm_tensor(graph, tensor)->uses++;
}

/* Whoever reads the output of an operator, of which all come later, reads its input. */
static void leave_out(struct joining *j, struct xqm_operator *op)
{
	struct xqm_tensor *x = xqm_input(j->graph, op, 0), *y = xqm_output(j->graph, op, 0);

	op->op = XQM_REMOVED;
	j->instead[y->number - 1] = x->number;
	x->uses += y->uses - 1;
	y->uses = 0;
}

/* The operands that were left out before. Their uses are counted already. */
static void read_what_is_left(const struct joining *j, struct xqm_operator *op)
{
	unsigned int i;

	for (i = 0; i < op->inputs; i++)
		if (op->input[i] > 0 && (unsigned int)op->input[i] <= j->tensors && j->instead[op->input[i] - 1])
			op->input[i] = j->instead[op->input[i] - 1];
}

/* What is between has the shape of what it is made of now. */
static void straighten(struct xqm_graph *graph, struct xqm_operator *chain, struct xqm_operator *last, int from)
{
	const struct xqm_shape shape = xqm_tensor(graph, from)->shape;
	struct xqm_operator *op;
	int tensor = last->input[0];

	for (op = xqm_maker(graph, tensor); op != chain; op = xqm_maker(graph, tensor)) {
		xqm_tensor(graph, tensor)->shape = shape;
		tensor = op->input[0];
	}
	xqm_tensor(graph, tensor)->shape = shape;
	read_instead(graph, chain, 0, from);
}

/* Whether the operator is a transposition that was joined with one before it. */
static bool join(struct joining *j, struct xqm_operator *op)
{
	struct xqm_graph *const graph = j->graph;
	struct xqm_transpose first, second, both;
	struct xqm_operator *before, *chain;
	int from;

	if (!order_of(graph, op, &second))
		return false;
	if (does_nothing(&second) && !xqm_output(graph, op, 0)->end) {
		leave_out(j, op);
		return true;
	}
	before = turned_before(graph, op->input[0], &chain);
	if (!before || !order_of(graph, before, &first) || first.dims != second.dims)
		return false;
	both = one_after_the_other(&first, &second);
	if (chain && !does_nothing(&both))
		return false;
	from = before->input[0];
	if (chain)
		straighten(graph, chain, op, from);
	else
		read_instead(graph, op, 0, from);
	op->params.transpose = both;
	/* One for an output stays, and copies. */
	if (does_nothing(&both) && !xqm_output(graph, op, 0)->end)
		leave_out(j, op);
	return true;
}

/* ---- weights -------------------------------------------------------------------------------------------------- */

/* Rows of a transposition with the columns in the order of its input. */
static void turn_rows(const uint8_t *from, size_t rows, const struct xqm_shape *x, const struct xqm_transpose *t, uint8_t *to)
{
	size_t step[XQ_MODEL_DIMS], dim[XQ_MODEL_DIMS], k = 1, r, i;
	unsigned int d;

	/* step: of dimension d of the input in a row of the output */
	for (d = t->dims; d-- > 1;) {
		step[t->order[d]] = k;
		k *= (size_t)x->dim[t->order[d]];
	}
	for (d = 0; d < t->dims; d++)
		dim[d] = (size_t)x->dim[d];
	for (r = 0; r < rows; r++) {
		for (i = 0; i < k; i++) {
			size_t left = i, at = 0;

			for (d = t->dims; d-- > 1;) {
				at += left % dim[d] * step[d];
				left /= dim[d];
			}
			to[r * k + i] = from[r * k + at];
		}
	}
}

/* A constant like another with its rows turned; 0 if it has not the form. */
static int turned(struct xqm_graph *graph, int number, const struct xqm_shape *x, const struct xqm_transpose *t)
{
	const struct xqm_tensor *from = xqm_tensor(graph, number);
	struct xqm_tensor *to;
	uint8_t *data;
	int made;

	data = xqm_alloc(graph, from->bytes + 1);
	made = data ? xqm_add_tensor(graph, from->name) : -ENOMEM;
	if (made < 0)
		return xqm_no_memory(graph);
	from = xqm_tensor(graph, number);
	turn_rows(from->data, (size_t)from->shape.dim[0], x, t, data);
	to = xqm_tensor(graph, made);
	to->type = from->type;
	to->shape = from->shape;
	to->quantization = from->quantization;
	to->bytes = from->bytes;
	to->order = from->order;
	to->codebook = from->codebook;
	to->data = data;
	return made;
}

/* Weights [n][k] of bytes, one scale for each row or for all. */
static bool may_turn(const struct xqm_tensor *w, int64_t k)
{
	return w && w->data && w->shape.dims == 2 && w->shape.dim[1] == k && (w->type == XQ_S8 || w->type == XQ_U8) &&
	       w->order == XQ_UNPACKED && w->bytes <= MOST_BYTES && w->bytes >= (size_t)(w->shape.dim[0] * k) &&
	       (w->quantization.count <= 1 || !w->quantization.axis);
}

/* The rows of a reshape that says nothing but where rows begin. */
static bool keeps_rows(const struct xqm_graph *graph, const struct xqm_operator *op, int64_t k)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);

	if (!y || y->shape.dims != 2 || y->shape.dim[1] != k || y->shape.dim[0] != x->shape.dim[0] || y->uses != 1 ||
	    !xqm_same_scale(graph, x->number, y->number))
		return false;
	if (op->op == XQM_FLATTEN)
		return op->params.axis.axis == 1 || op->params.axis.axis == 1 - (int64_t)x->shape.dims;
	/* Sizes that are copied are those that stay. */
	return op->op == XQM_RESHAPE && k != x->shape.dim[1];
}

/* Whether the operator is a fully connected layer that took a transposition in, or -ENOMEM. */
static int take_in(struct xqm_graph *graph, struct xqm_operator *op)
{
	struct xqm_operator *reshape, *before;
	struct xqm_transpose t;
	const struct xqm_tensor *x;
	int64_t k;
	int w;

	if (op->op != XQM_FULLY_CONNECTED)
		return 0;
	reshape = xqm_maker(graph, op->input[0]);
	before = reshape && reshape->inputs ? xqm_maker(graph, reshape->input[0]) : NULL;
	if (!before || !order_of(graph, before, &t) || !t.dims || t.order[0])
		return 0;
	x = xqm_input(graph, before, 0);
	k = x->shape.dim[0] ? xqm_elements(&x->shape) / x->shape.dim[0] : 0;
	if (!k || !keeps_rows(graph, reshape, k) || !may_turn(xqm_input(graph, op, 1), k))
		return 0;
	w = turned(graph, op->input[1], &x->shape, &t);
	if (w < 0)
		return w;
	read_instead(graph, op, 1, w);
	read_instead(graph, reshape, 0, before->input[0]);
	return 1;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

/* A transposition that nobody reads any more is none. */
static void drop_unread(struct xqm_graph *graph)
{
	unsigned int i;

	for (i = graph->operators; i-- > 0;) {
		struct xqm_operator *op = graph->operator[i];

		if (op->op != XQM_TRANSPOSE || !xqm_output(graph, op, 0) || xqm_output(graph, op, 0)->uses)
			continue;
		op->op = XQM_REMOVED;
		xqm_input(graph, op, 0)->uses--;
	}
	xqm_sweep(graph);
	xqm_link(graph);
}

int xqm_join_transpositions(struct xqm_graph *graph)
{
	struct joining j = { graph, NULL, graph->tensors };
	bool any = false;
	unsigned int i;
	int took = 0;

	j.instead = calloc((size_t)j.tensors + 1, sizeof(*j.instead));
	if (!j.instead)
		return xqm_no_memory(graph);
	xqm_link(graph);
	for (i = 0; i < graph->operators && took >= 0; i++) {
		struct xqm_operator *op = graph->operator[i];

		read_what_is_left(&j, op);
		took = join(&j, op);
		if (!took)
			took = take_in(graph, op);
		any |= took > 0;
	}
	free(j.instead);
	if (took < 0)
		return took;
	if (any)
		drop_unread(graph);
	return 0;
}
