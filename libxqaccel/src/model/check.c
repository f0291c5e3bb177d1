// SPDX-License-Identifier: MIT
/*
 * What readers and passes promise of a graph.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"

static const char *name_of(const struct xqm_tensor *t)
{
	return *t->name ? t->name : "without a name";
}

static size_t bits_of(const struct xqm_tensor *t)
{
	if (t->order != XQ_UNPACKED && t->type < XQ_TYPE_COUNT)
		return xq_type_bits((enum xq_type)t->type);
	return 8 * xq_model_type_bytes(t->type);
}

/* Sizes and their product. Types are unpacked to at most 8 bytes. */
static int check_shape(struct xqm_graph *graph, const struct xqm_tensor *t)
{
	const struct xqm_shape *s = &t->shape;
	char text[XQM_SHAPE_TEXT];
	uint64_t elements = 1;
	unsigned int i;

	if (s->dims > XQ_MODEL_DIMS)
		return xqm_fail(graph, -EOPNOTSUPP, "tensor %d %.200s has %u dimensions, the most are %d", t->number,
				name_of(t), s->dims, XQ_MODEL_DIMS);
	for (i = 0; i < s->dims; i++) {
		if (s->dim[i] < XQM_UNKNOWN || s->dim[i] > XQM_MAX_SIZE)
			return xqm_fail(graph, -EINVAL, "tensor %d %.200s has a dimension of %lld elements", t->number,
					name_of(t), (long long)s->dim[i]);
		if (s->dim[i] > 1)
			elements *= (uint64_t)s->dim[i];
		if (elements > XQM_MAX_BYTES / 8)
			return xqm_fail(graph, -EOVERFLOW, "tensor %d %.200s has the shape %s, which is too large",
					t->number, name_of(t), xqm_shape_text(s, text));
	}
	return 0;
}

static int check_constant(struct xqm_graph *graph, const struct xqm_tensor *t)
{
	char text[XQM_SHAPE_TEXT];
	int64_t elements = xqm_elements(&t->shape);
	uint64_t bytes;
	size_t rows;

	if (!t->data)
		return 0;
	if (elements < 0 || !bits_of(t))
		return xqm_fail(graph, -EINVAL, "constant %d %.200s has no shape or no type", t->number, name_of(t));
	if (t->order == XQ_PACKED_ROWS && t->shape.dims) {
		rows = (size_t)t->shape.dim[t->shape.dims - 1];
		bytes = rows ? (uint64_t)elements / rows * ((rows * bits_of(t) + 7) / 8) : 0;
	} else {
		bytes = ((uint64_t)elements * bits_of(t) + 7) / 8;
	}
	if (t->bytes != bytes)
		return xqm_fail(graph, -EINVAL, "constant %d %.200s of %s %s takes %llu bytes, the file has %zu of it",
				t->number, name_of(t), xq_model_type_name(t->type), xqm_shape_text(&t->shape, text),
				(unsigned long long)bytes, t->bytes);
	if (t->order == XQ_UNPACKED && !t->unaligned &&
	    (uintptr_t)t->data % xq_model_type_bytes(t->type))
		return xqm_fail(graph, -EINVAL, "constant %d %.200s is not aligned", t->number, name_of(t));
	return 0;
}

/* Computed integers of these types stand for real numbers, if they have a scale. */
static bool is_code(int type)
{
	return type == XQ_S8 || type == XQ_U8 || type == XQ_S16;
}

static int check_quantization(struct xqm_graph *graph, const struct xqm_tensor *t)
{
	const struct xqm_quantization *q = &t->quantization;
	size_t i;

	for (i = 0; i < q->count; i++)
		/* That of weights that are all zeros may be 0. */
		if (!(q->scale[i] >= 0) || !isfinite(q->scale[i]) || (!q->scale[i] && !t->data && is_code(t->type)))
			return xqm_fail(graph, -EINVAL, "tensor %d %.200s has a scale of %g", t->number, name_of(t),
					(double)q->scale[i]);
	if (q->count < 2 || !t->shape.known)
		return 0;
	if (q->axis >= t->shape.dims)
		return xqm_fail(graph, -EINVAL, "tensor %d %.200s has scales along dimension %u of %u", t->number,
				name_of(t), q->axis, t->shape.dims);
	if (t->shape.dim[q->axis] >= 0 && q->count != (size_t)t->shape.dim[q->axis])
		return xqm_fail(graph, -EINVAL, "tensor %d %.200s has %zu scales along dimension %u of %lld elements",
				t->number, name_of(t), q->count, q->axis, (long long)t->shape.dim[q->axis]);
	return 0;
}

/* ---- the order ------------------------------------------------------------------------------------------ */

/* Marks a tensor as made; only once. */
static int make(struct xqm_graph *graph, char *made, int number, const struct xqm_operator *op)
{
	const struct xqm_tensor *t = xqm_tensor(graph, number);

	if (!t)
		return op ? xqm_fail_at(graph, op, -EINVAL, "makes tensor %d, which does not exist", number) :
			xqm_fail(graph, -EINVAL, "tensor %d, an input or state, does not exist", number);
	if (made[number - 1])
		return op ? xqm_fail_at(graph, op, -EINVAL, "makes tensor %d %.200s, which something else makes, too",
					number, name_of(t)) :
			xqm_fail(graph, -EINVAL, "tensor %d %.200s is an input or state twice", number, name_of(t));
	made[number - 1] = 1;
	return 0;
}

static int check_operator(struct xqm_graph *graph, char *made, const struct xqm_operator *op)
{
	unsigned int i;
	int err;

	for (i = 0; i < op->inputs; i++) {
		const struct xqm_tensor *t = xqm_input(graph, op, i);

		if (!op->input[i])
			continue;
		if (!t)
			return xqm_fail_at(graph, op, -EINVAL, "reads tensor %d, which does not exist", op->input[i]);
		if (!made[op->input[i] - 1])
			return xqm_fail_at(graph, op, -EINVAL, "reads tensor %d %.200s, which nothing before it makes",
					   op->input[i], name_of(t));
	}
	for (i = 0; i < op->outputs; i++) {
		if (!op->output[i])
			continue;
		err = make(graph, made, op->output[i], op);
		if (err)
			return err;
	}
	return 0;
}

static int check_made(struct xqm_graph *graph, const char *made, int number, const char *what)
{
	const struct xqm_tensor *t = xqm_tensor(graph, number);

	if (!t)
		return xqm_fail(graph, -EINVAL, "tensor %d, %s, does not exist", number, what);
	if (!made[number - 1])
		return xqm_fail(graph, -EINVAL, "nothing makes tensor %d %.200s, %s", number, name_of(t), what);
	return 0;
}

static int check_order(struct xqm_graph *graph, char *made)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < graph->tensors; i++)
		made[i] = graph->tensor[i].data != NULL;
	for (i = 0; !err && i < graph->inputs; i++)
		err = make(graph, made, graph->input[i], NULL);
	for (i = 0; !err && i < graph->states; i++)
		err = make(graph, made, graph->state[i].in, NULL);
	for (i = 0; !err && i < graph->operators; i++)
		err = check_operator(graph, made, graph->operator[i]);
	for (i = 0; !err && i < graph->outputs; i++)
		err = check_made(graph, made, graph->output[i], "an output");
	for (i = 0; !err && i < graph->states; i++)
		err = check_made(graph, made, graph->state[i].out, "the next value of a state");
	return err;
}

int xqm_check(struct xqm_graph *graph)
{
	char *made;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < graph->tensors; i++) {
		const struct xqm_tensor *t = &graph->tensor[i];

		err = check_shape(graph, t);
		if (!err)
			err = check_constant(graph, t);
		if (!err)
			err = check_quantization(graph, t);
	}
	if (err)
		return err;
	made = calloc(1, (size_t)graph->tensors + 1);
	if (!made)
		return xqm_no_memory(graph);
	err = check_order(graph, made);
	free(made);
	return err;
}
