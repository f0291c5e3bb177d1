// SPDX-License-Identifier: MIT
/*
 * From a graph, whose shapes are known, to a network.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"

/* ---- where ----------------------------------------------------------------------------------------------------- */

static const struct xqm_device_operator *look_up(const struct xqm_device_operator *table, const struct xqm_graph *graph,
						 const struct xqm_operator *op)
{
	for (; table->takes; table++)
		if (table->op == op->op)
			return table->takes(graph, op) ? table : NULL;
	return NULL;
}

const struct xqm_device_operator *xqm_on_device(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_device_operator *found = look_up(xqm_device_products, graph, op);

	if (!found)
		found = look_up(xqm_device_integers, graph, op);
	if (!found)
		found = look_up(xqm_device_arithmetic, graph, op);
	return found ? found : look_up(xqm_device_moves, graph, op);
}

static void mark(struct xqm_compiler *c, const int *number, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (number[i])
			c->native[number[i] - 1] = true;
}

static void choose(struct xqm_compiler *c)
{
	unsigned int i;

	for (i = 0; i < c->graph->operators; i++) {
		const struct xqm_operator *op = c->graph->operator[i];

		c->device[i] = xqm_on_device(c->graph, op);
		if (!c->device[i])
			continue;
		mark(c, op->input, op->inputs);
		mark(c, op->output, op->outputs);
	}
}

/* ---- batches ------------------------------------------------------------------------------------------------------- */

/* Constants that say something of dimensions: which they are, or all in their order. -1 if they are not known. */
struct sizes {
	int64_t value[2 * XQ_MODEL_DIMS], axis[XQ_MODEL_DIMS];
	int values, axes;
};

static int axis_at(const struct sizes *s, int i, unsigned int dims)
{
	const int64_t axis = s->axes ? s->axis[i] : i;

	return (int)(axis < 0 ? axis + dims : axis);
}

static void sizes_of(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int axes, struct sizes *s)
{
	s->values = xqm_constant_integers(graph, op, 1, s->value, 2 * XQ_MODEL_DIMS);
	s->axes = op->inputs > axes ? xqm_constant_integers(graph, op, axes, s->axis, XQ_MODEL_DIMS) : 0;
}

/* All rows, however many there are. The device takes those that come from the first on. */
static bool slices_all_rows(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_shape *shape = &xqm_input(graph, op, 0)->shape;
	const int64_t all = xqm_on_device(graph, op) ? shape->dim[0] : XQM_MAX_SIZE;
	int64_t end[XQ_MODEL_DIMS], step[XQ_MODEL_DIMS];
	int ends = xqm_constant_integers(graph, op, 2, end, XQ_MODEL_DIMS), steps, i;
	struct sizes s;

	sizes_of(graph, op, 3, &s);
	steps = op->inputs > 4 ? xqm_constant_integers(graph, op, 4, step, XQ_MODEL_DIMS) : 0;
	if (s.values < 0 || s.axes < 0 || steps < 0 || ends != s.values)
		return false;
	for (i = 0; i < ends; i++)
		if (!axis_at(&s, i, shape->dims) && (s.value[i] || end[i] < all || (steps && step[i] != 1)))
			return false;
	return true;
}

static bool pads_no_rows(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const unsigned int dims = xqm_input(graph, op, 0)->shape.dims;
	struct sizes s;
	int i;

	sizes_of(graph, op, 3, &s);
	if (s.values < 0 || s.axes < 0 || (op->inputs > 2 && xqm_moves(graph, op->input[2])))
		return false;
	for (i = 0; i < s.values / 2; i++)
		if (!axis_at(&s, i, dims) && (s.value[i] || s.value[s.values / 2 + i]))
			return false;
	return true;
}

/* Sizes may be of height and width only; a size of the first dimension is not that of all rows. */
static bool resizes_no_rows(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_resize *p = &op->params.resize;
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *sizes = xqm_input(graph, op, 1);
	unsigned int i, count;

	if (xqm_on_device(graph, op))
		return true;
	if (!sizes || !sizes->data)
		return false;
	count = (unsigned int)xqm_elements(&sizes->shape);
	for (i = 0; i < count && (p->axes || count == x->shape.dims); i++)
		if ((p->axes ? !p->axis[i] || p->axis[i] == -(int64_t)x->shape.dims : !i) &&
		    !(sizes->type == XQ_F32 && ((const float *)sizes->data)[i] == 1))
			return false;
	return true;
}

/* Along the first dimension an operator of this kind computes every row by itself, whatever else it does. */
static bool keeps_rows(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0), *zero;
	unsigned int i;

	switch (op->op) {
	case XQM_CONCAT:
	case XQM_SPLIT:
		return op->params.axis.axis && op->params.axis.axis != -(int64_t)y->shape.dims;
	case XQM_TRANSPOSE:
		return op->params.transpose.dims && !op->params.transpose.order[0];
	case XQM_RESHAPE:
	case XQM_FLATTEN:
	case XQM_SQUEEZE:
	case XQM_UNSQUEEZE:
		return x->shape.dim[0] == y->shape.dim[0];
	case XQM_SLICE:
		return slices_all_rows(graph, op);
	case XQM_PAD:
		return pads_no_rows(graph, op);
	case XQM_RESIZE:
		return resizes_no_rows(graph, op);
	case XQM_REDUCE_MEAN:
		return xqm_on_device(graph, op);
	case XQM_ADD:
	case XQM_MUL:
	case XQM_SUB:
	case XQM_DIV:
	case XQM_MAXIMUM:
	case XQM_MINIMUM:
		/* What is repeated for each row has to be a constant. */
		for (i = 0; i < op->inputs; i++) {
			x = xqm_input(graph, op, i);
			if (x->data ? x->shape.dims == y->shape.dims && x->shape.dim[0] != 1 : x->shape.dims != y->shape.dims)
				return false;
		}
		return true;
	case XQM_QUANTIZE:
	case XQM_DEQUANTIZE:
	case XQM_IDENTITY:
	case XQM_CAST:
		return true;
	case XQM_CONV:
	case XQM_MAX_POOL:
	case XQM_AVERAGE_POOL:
	case XQM_LP_POOL:
	case XQM_GLOBAL_MAX_POOL:
	case XQM_GLOBAL_AVERAGE_POOL:
	case XQM_BATCH_NORM:
	case XQM_CLIP:
		/* Computed from the first operand and constants. */
		for (i = 1; i < op->inputs; i++)
			if (xqm_moves(graph, op->input[i]))
				return false;
		return true;
	case XQM_MATMUL:
	case XQM_GEMM:
		x = xqm_input(graph, op, 1);
		return x->data && x->shape.dims == 2 && !op->params.matmul.transpose_a && xqm_moves(graph, op->input[0]) &&
		       !(xqm_input(graph, op, 2) && (xqm_moves(graph, op->input[2]) || (xqm_input(graph, op, 2)->shape.dims == 2 &&
							xqm_input(graph, op, 2)->shape.dim[0] != 1)));
	case XQM_MATMUL_INTEGER:
	case XQM_CONV_INTEGER:
		/* One zero point for all rows. */
		zero = xqm_input(graph, op, 2);
		return xqm_on_device(graph, op) && x->shape.dims > 1 &&
		       (!zero || (zero->data && xqm_elements(&zero->shape) == 1));
	case XQM_DYNAMIC_QUANTIZE:
		return false;
	case XQM_SOFTMAX:
	case XQM_LOG_SOFTMAX:
		return op->params.softmax.axis && op->params.softmax.axis != -(int64_t)x->shape.dims;
	default:
		/* Functions of one element, by kinds that stand together. */
		return (op->op >= XQM_ABS && op->op <= XQM_BIT_NOT) || xqm_on_device(graph, op);
	}
}

/* As many rows as all tensors before, which is 0 before the first. */
static bool has_rows(const struct xqm_tensor *t, int64_t *rows)
{
	if (t->data)
		return true;
	if (!t->shape.dims || t->shape.dim[0] < 1 || (*rows && t->shape.dim[0] != *rows))
		return false;
	*rows = t->shape.dim[0];
	return true;
}

bool xqm_rows_apart(const struct xqm_graph *graph)
{
	int64_t rows = 0;
	unsigned int i;

	if (graph->states)
		return false;
	for (i = 0; i < graph->inputs; i++)
		if (!has_rows(xqm_tensor(graph, graph->input[i]), &rows))
			return false;
	for (i = 0; i < graph->tensors; i++) {
		const struct xqm_tensor *t = &graph->tensor[i];

		if ((t->uses || t->producer >= 0) && !has_rows(t, &rows))
			return false;
	}
	for (i = 0; i < graph->operators && rows; i++)
		if (!keeps_rows(graph, graph->operator[i]))
			return false;
	return rows;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------------- */

static void set_quantization(struct xq_network_tensor *to, const struct xqm_quantization *q)
{
	to->channels = q->count;
	to->scale = q->count ? q->scale : NULL;
	to->zero_point = q->count ? q->zero_point : NULL;
}

/* A scalar is one element. */
static void set_shape(struct xq_network_tensor *to, const struct xqm_shape *shape)
{
	unsigned int i;

	to->dims = shape->dims ? shape->dims : 1;
	to->dim[0] = 1;
	for (i = 0; i < shape->dims; i++)
		to->dim[i] = (size_t)shape->dim[i];
}

/* What only the CPU sees: its bytes, for each row if there is a batch. */
static void set_bytes(const struct xqm_compiler *c, struct xq_network_tensor *to, const struct xqm_tensor *t)
{
	const size_t rows = c->batched ? (size_t)t->shape.dim[0] : 1;
	const size_t bytes = (size_t)xqm_elements(&t->shape) / rows * xq_model_type_bytes(t->type);

	to->type = XQ_U8;
	to->dims = 2;
	to->dim[0] = rows;
	to->dim[1] = bytes ? bytes : 1;
}

int xqm_network_tensor(struct xqm_compiler *c, int number)
{
	struct xqm_tensor *t = xqm_tensor(c->graph, number);
	struct xq_network_tensor to = { 0 };
	int made;

	if (!t)
		return 0;
	if (c->tensor[number - 1])
		return c->tensor[number - 1];
	made = xqm_align(c->graph, t);
	if (made)
		return made;
	to.name = *t->name ? t->name : NULL;
	to.batched = c->batched && !t->data;
	if (c->native[number - 1]) {
		to.type = (enum xq_type)t->type;
		set_shape(&to, &t->shape);
		set_quantization(&to, &t->quantization);
		to.data = t->data;
		to.order = t->order;
		to.codebook = t->codebook;
	} else {
		set_bytes(c, &to, t);
	}
	made = xq_network_tensor(c->network, &to);
	if (made < 0)
		return xqm_fail(c->graph, made, "%s", xq_network_error(c->network));
	c->tensor[number - 1] = made;
	return made;
}

int xqm_network_between(struct xqm_compiler *c, enum xq_type type, const struct xqm_shape *shape,
			const struct xqm_quantization *quantization)
{
	struct xq_network_tensor to = { .type = type, .batched = c->batched };
	int made;

	set_shape(&to, shape);
	set_quantization(&to, quantization);
	made = xq_network_tensor(c->network, &to);
	return made < 0 ? xqm_fail(c->graph, made, "%s", xq_network_error(c->network)) : made;
}

int xqm_network_seen_as(struct xqm_compiler *c, const struct xqm_operator *op, int tensor,
			const struct xqm_shape *shape, const struct xqm_quantization *quantization)
{
	const enum xq_type type = (enum xq_type)xqm_tensor(c->graph, tensor)->type;
	const char *name = xqm_operator_name(c->graph, op);
	const int from = xqm_network_tensor(c, tensor);
	int to = from < 0 ? from : xqm_network_between(c, type, shape, quantization), err;

	if (to < 0)
		return to;
	err = xqm_added(c, op, xq_network_reshape(c->network, name, from, to));
	return err < 0 ? err : to;
}

/* ---- operators ------------------------------------------------------------------------------------------------------------ */

int xqm_added(struct xqm_compiler *c, const struct xqm_operator *op, int result)
{
	if (result < 0)
		return xqm_fail_at(c->graph, op, result, "%s", xq_network_error(c->network));
	c->operators = (unsigned int)result + 1;
	return result;
}

const char *xqm_operator_name(struct xqm_graph *graph, const struct xqm_operator *op)
{
	char text[160];

	if (*op->name)
		snprintf(text, sizeof(text), "%.100s", op->name);
	else
		snprintf(text, sizeof(text), "%u", op->number);
	return xqm_keep_text(graph, text, strlen(text));
}

static int add_operators(struct xqm_compiler *c)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < c->graph->operators && err >= 0; i++) {
		const struct xqm_operator *op = c->graph->operator[i];

		c->first[i] = c->operators;
		err = c->device[i] ? c->device[i]->add(c, op) : xqm_add_call(c, op);
	}
	c->first[i] = c->operators;
	return err < 0 ? err : 0;
}

/* ---- ends ------------------------------------------------------------------------------------------------------------------ */

static int add_end(struct xqm_compiler *c, int number, int (*add)(struct xq_network *network, int tensor))
{
	const int tensor = xqm_network_tensor(c, number);
	int err = tensor < 0 ? tensor : add(c->network, tensor);

	return err && tensor >= 0 ? xqm_fail(c->graph, err, "%s", xq_network_error(c->network)) : err;
}

static int add_inputs(struct xqm_compiler *c)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < c->graph->inputs && !err; i++)
		if (!xqm_tensor(c->graph, c->graph->input[i])->data)
			err = add_end(c, c->graph->input[i], xq_network_input);
	for (i = 0; i < c->graph->states && !err; i++)
		err = add_end(c, c->graph->state[i].in, xq_network_input);
	return err;
}

/* One tensor may be several outputs. */
static int add_output(struct xqm_compiler *c, int tensor, bool *added)
{
	if (added[tensor - 1])
		return 0;
	added[tensor - 1] = true;
	return add_end(c, tensor, xq_network_output);
}

static int add_outputs(struct xqm_compiler *c)
{
	bool *added = calloc((size_t)c->graph->tensors + 1, sizeof(*added));
	unsigned int i;
	int err = added ? 0 : xqm_no_memory(c->graph);

	for (i = 0; i < c->graph->outputs && !err; i++)
		err = add_output(c, c->graph->output[i], added);
	for (i = 0; i < c->graph->states && !err; i++)
		err = add_output(c, c->graph->state[i].out, added);
	free(added);
	return err;
}

/*
 * An output that is an input, a state or a constant is made by no operator: it becomes a copy of it. So does the end of a
 * state that is the begin of another.
 */
static int copy_end(struct xqm_graph *graph, int *end)
{
	const struct xqm_tensor *from = xqm_tensor(graph, *end);
	struct xqm_operator *op;
	struct xqm_tensor *to;
	int number;

	if (from->producer >= 0)
		return 0;
	number = xqm_add_tensor(graph, from->name);
	op = number < 0 ? NULL : xqm_add_operator(graph, XQM_IDENTITY, 1, 1);
	if (!op)
		return -ENOMEM;
	from = xqm_tensor(graph, *end);
	to = xqm_tensor(graph, number);
	to->type = from->type;
	to->shape = from->shape;
	to->quantization = from->quantization;
	to->producer = (int)op->number;
	to->uses = 1;
	op->type = "copy";
	op->input[0] = *end;
	op->output[0] = number;
	*end = number;
	return 0;
}

static int copy_ends(struct xqm_graph *graph)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < graph->outputs && !err; i++)
		err = copy_end(graph, &graph->output[i]);
	for (i = 0; i < graph->states && !err; i++)
		err = graph->state[i].in == graph->state[i].out ? 0 : copy_end(graph, &graph->state[i].out);
	return err;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------------- */

int xqm_compile(struct xqm_compiler *c)
{
	int err = copy_ends(c->graph);

	if (err)
		return err;
	c->device = calloc((size_t)c->graph->operators + 1, sizeof(*c->device));
	c->first = calloc((size_t)c->graph->operators + 1, sizeof(*c->first));
	c->native = calloc((size_t)c->graph->tensors + 1, sizeof(*c->native));
	c->tensor = calloc((size_t)c->graph->tensors + 1, sizeof(*c->tensor));
	c->zero_point = calloc((size_t)c->graph->tensors + 1, sizeof(*c->zero_point));
	if (!c->device || !c->first || !c->native || !c->tensor || !c->zero_point)
		return xqm_no_memory(c->graph);
	choose(c);
	err = add_inputs(c);
	if (!err)
		err = add_operators(c);
	return err ? err : add_outputs(c);
}

void xqm_compiler_end(struct xqm_compiler *c)
{
	free(c->device);
	free(c->first);
	free(c->native);
	free(c->tensor);
	free(c->zero_point);
}
