// SPDX-License-Identifier: MIT
/*
 * Sessions: a model's graph with the shapes of this session, its network, a plan of it, and one run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/quantize.h>

#include "compile/compile.h"
#include "model.h"
#include "passes/lower.h"
#include "passes/transpose.h"
#include "libxqaccel/src/device/queue.h"

/**
 * struct xq_session - a model made ready
 * @graph: of its own
 * @tensor: @first: of the compiler, for the graph's tensors and operators
 * @map: of the graph's operators to those of the plan
 * @batch: elements of a run
 * @run_ns: of the last run
 */
struct xq_session {
	struct xqm_graph *graph;
	struct xq_network *network;
	struct xq_plan *plan;
	struct xq_run *run;
	struct xq_queue *queue;
	int *tensor;
	unsigned int *first;
	bool batched;
	size_t batch;
	uint64_t run_ns;
};

/* ---- making ready ------------------------------------------------------------------------------------------------ */

/* Shapes that were given take the place of those of the file. */
static int set_shapes(struct xqm_graph *graph, const struct xq_model_shape *shape)
{
	char one[XQM_SHAPE_TEXT], other[XQM_SHAPE_TEXT];
	unsigned int i, k;

	for (i = 0; i < graph->inputs; i++) {
		struct xqm_tensor *t = xqm_tensor(graph, graph->input[i]);
		struct xqm_shape given = { .known = true };
		bool fits = true;

		if (!shape || !shape[i].dims)
			continue;
		given.dims = shape[i].dims <= XQ_MODEL_DIMS ? shape[i].dims : XQ_MODEL_DIMS;
		memcpy(given.dim, shape[i].dim, sizeof(given.dim));
		if (t->shape.known && (t->shape.dims != shape[i].dims))
			fits = false;
		for (k = 0; k < given.dims; k++)
			fits &= given.dim[k] >= 0 && (!t->shape.known || t->shape.dim[k] < 0 || t->shape.dim[k] == given.dim[k]);
		if (!fits)
			return xqm_fail(graph, -EINVAL, "input %.200s has the shape %s, and %s was given", t->name,
					xqm_shape_text(&t->shape, one), xqm_shape_text(&given, other));
		t->shape = given;
	}
	for (i = 0; i < graph->inputs; i++) {
		const struct xqm_tensor *t = xqm_tensor(graph, graph->input[i]);

		if (!xqm_fixed(&t->shape))
			return xqm_fail(graph, -EINVAL, "input %.200s has the shape %s, where something has to be given", t->name,
					xqm_shape_text(&t->shape, one));
	}
	return xqm_check(graph);
}

/* Inputs that stay what they are become constants. */
static int set_values(struct xqm_graph *graph, const void *const *value)
{
	for (unsigned int i = 0; value && i < graph->inputs; i++) {
		struct xqm_tensor *t = xqm_tensor(graph, graph->input[i]);
		size_t bytes = (size_t)xqm_elements(&t->shape) * xq_model_type_bytes(t->type);

		if (!value[i])
			continue;
		t->data = xqm_keep(graph, value[i], bytes);
		t->bytes = bytes;
		t->order = XQ_UNPACKED;
		if (!t->data)
			return xqm_no_memory(graph);
	}
	return 0;
}

static int prepare(struct xq_session *s, struct xq_device *dev, const struct xq_session_options *options)
{
	struct xqm_compiler c = { .graph = s->graph, .batch = s->batch };
	int err = set_shapes(s->graph, options->shape);

	if (!err)
		err = set_values(s->graph, options->value);
	if (!err)
		err = xqm_infer(s->graph);
	if (!err)
		err = xqm_lower(s->graph);
	if (!err)
		err = xqm_join_transpositions(s->graph);
	if (!err)
		xqm_take_in_limits(s->graph);
	if (!err)
		err = xqm_infer(s->graph);
	if (err)
		return err;
	c.batched = s->batched = s->batch > 1;
	if (s->batched && !xqm_rows_apart(s->graph))
		return xqm_fail(s->graph, -EOPNOTSUPP, "the model has state, or its rows depend on each other: it takes no batch");
	err = xq_network_create(&s->network);
	if (err)
		return xqm_no_memory(s->graph);
	c.network = s->network;
	err = xqm_compile(&c);
	s->tensor = c.tensor;
	s->first = c.first;
	c.tensor = NULL;
	c.first = NULL;
	xqm_compiler_end(&c);
	if (err)
		return err;
	err = xq_network_compile(s->network, dev, s->batched ? s->batch : 1, &s->plan);
	if (err)
		return xqm_fail(s->graph, err, "%s", xq_network_error(s->network));
	/* Weights are packed. */
	xqm_let_all_go(s->graph);
	return 0;
}

int xq_session_create(struct xq_model *model, struct xq_device *dev, const struct xq_session_options *options,
		      struct xq_session **session)
{
	static const struct xq_session_options none;
	struct xq_session *s;
	int err;

	options = options ? options : &none;
	if (!model->graph)
		return xqm_model_fail(model, -EINVAL, "the model was not loaded");
	s = calloc(1, sizeof(*s));
	if (!s)
		return xqm_model_fail(model, -ENOMEM, "out of memory");
	s->batch = options->batch ? options->batch : 1;
	s->graph = xqm_copy(model->graph);
	if (!s->graph) {
		free(s);
		return xqm_model_fail(model, -ENOMEM, "out of memory");
	}
	err = prepare(s, dev, options);
	if (err) {
		xqm_model_fail(model, err, "%s", s->graph->error);
	} else {
		err = xq_run_create(s->plan, &s->run);
		if (!err)
			err = xq_queue_create(dev, 0, &s->queue);
		if (err)
			xqm_model_fail(model, err, "the device has no memory or queue for a run: %s", strerror(-err));
	}
	if (err) {
		xq_session_destroy(s);
		return err;
	}
	xq_session_reset(s);
	*session = s;
	return 0;
}

void xq_session_destroy(struct xq_session *s)
{
	if (!s)
		return;
	xq_run_destroy(s->run);
	if (s->queue)
		xq_queue_destroy(s->queue);
	xq_plan_destroy(s->plan);
	xq_network_destroy(s->network);
	xqm_destroy(s->graph);
	free(s->tensor);
	free(s->first);
	free(s);
}

/* ---- inputs and outputs ------------------------------------------------------------------------------------------- */

static const struct xqm_tensor *input(const struct xq_session *s, unsigned int i)
{
	return i < s->graph->inputs ? xqm_tensor(s->graph, s->graph->input[i]) : NULL;
}

static const struct xqm_tensor *output(const struct xq_session *s, unsigned int i)
{
	return i < s->graph->outputs ? xqm_tensor(s->graph, s->graph->output[i]) : NULL;
}

static void describe(const struct xq_session *s, const struct xqm_tensor *t, struct xq_model_tensor *to)
{
	xqm_describe(t, to);
	if (s->batched)
		to->dim[0] *= (int64_t)s->batch;
}

int xq_session_input(const struct xq_session *s, unsigned int i, struct xq_model_tensor *tensor)
{
	const struct xqm_tensor *t = input(s, i);

	if (!t)
		return -EINVAL;
	describe(s, t, tensor);
	return 0;
}

int xq_session_output(const struct xq_session *s, unsigned int i, struct xq_model_tensor *tensor)
{
	const struct xqm_tensor *t = output(s, i);

	if (!t)
		return -EINVAL;
	describe(s, t, tensor);
	return 0;
}

static size_t elements(const struct xq_session *s, const struct xqm_tensor *t)
{
	return (size_t)xqm_elements(&t->shape) * (s->batched ? s->batch : 1);
}

/* Elements of narrow types are packed in the network, if its tensor is of that type and no bytes. */
static bool packed(const struct xq_session *s, const struct xqm_tensor *t)
{
	struct xq_network_value value;

	return t->type < XQ_TYPE_COUNT && xq_type_bits((enum xq_type)t->type) < 8 &&
	       xq_plan_value(s->plan, s->tensor[t->number - 1], &value) && value.type == (enum xq_type)t->type;
}

static int write_tensor(struct xq_session *s, const struct xqm_tensor *t, const void *from)
{
	const int number = s->tensor[t->number - 1];

	if (packed(s, t))
		return xq_run_write(s->run, number, from);
	memcpy(xq_run_data(s->run, number), from, elements(s, t) * xq_model_type_bytes(t->type));
	return 0;
}

int xq_session_write(struct xq_session *s, unsigned int i, const void *from)
{
	const struct xqm_tensor *t = input(s, i);

	return t && !t->data ? write_tensor(s, t, from) : -EINVAL;
}

int xq_session_write_float(struct xq_session *s, unsigned int i, const float *from)
{
	static const struct xq_rounding even = { .mode = XQ_ROUND_EVEN };
	const struct xqm_tensor *t = input(s, i);
	struct xq_qtype type;
	size_t dims[XQ_MODEL_DIMS];
	struct xq_layout layout;
	unsigned int d;
	void *codes;
	int err;

	if (!t || t->data)
		return -EINVAL;
	if (t->type == XQ_F32)
		return write_tensor(s, t, from);
	if (!t->quantization.count || t->type >= XQ_TYPE_COUNT || xq_qtype_of((enum xq_type)t->type, &type))
		return -EINVAL;
	for (d = 0; d < t->shape.dims; d++)
		dims[d] = (size_t)t->shape.dim[d];
	if (s->batched)
		dims[0] *= s->batch;
	err = t->quantization.count > 1 ? xq_layout_channel(dims, t->shape.dims, (int)t->quantization.axis, &layout) :
	      xq_layout_tensor(dims, t->shape.dims, &layout);
	if (err)
		return err;
	codes = malloc(elements(s, t) * xq_model_type_bytes(t->type) + 1);
	if (!codes)
		return -ENOMEM;
	err = xq_quantize(from, &layout, &type, t->quantization.scale, t->quantization.zero_point, &even, codes, NULL);
	if (!err)
		err = write_tensor(s, t, codes);
	free(codes);
	return err;
}

int xq_session_read(const struct xq_session *s, unsigned int i, void *to)
{
	const struct xqm_tensor *t = output(s, i);
	int number;

	if (!t)
		return -EINVAL;
	number = s->tensor[t->number - 1];
	if (packed(s, t))
		return xq_run_read(s->run, number, to);
	memcpy(to, xq_run_data(s->run, number), elements(s, t) * xq_model_type_bytes(t->type));
	return 0;
}

/* ---- running -------------------------------------------------------------------------------------------------------- */

/* What comes out of a run goes into the next. No state begins another's, so the order doesn't matter. */
static void next_states(struct xq_session *s)
{
	unsigned int i;

	for (i = 0; i < s->graph->states; i++) {
		const struct xqm_state *state = &s->graph->state[i];
		const struct xqm_tensor *t = xqm_tensor(s->graph, state->in);

		if (state->in != state->out)
			memcpy(xq_run_data(s->run, s->tensor[state->in - 1]), xq_run_data(s->run, s->tensor[state->out - 1]),
			       (size_t)xqm_elements(&t->shape) * xq_model_type_bytes(t->type));
	}
}

void xq_session_reset(struct xq_session *s)
{
	unsigned int i;

	for (i = 0; i < s->graph->states; i++) {
		const struct xqm_state *state = &s->graph->state[i];
		const struct xqm_tensor *t = xqm_tensor(s->graph, state->in), *initial = xqm_tensor(s->graph, state->initial);
		const size_t bytes = (size_t)xqm_elements(&t->shape) * xq_model_type_bytes(t->type);

		if (initial)
			memcpy(xq_run_data(s->run, s->tensor[state->in - 1]), initial->data, bytes);
		else
			memset(xq_run_data(s->run, s->tensor[state->in - 1]), 0, bytes);
	}
}

int xq_session_run(struct xq_session *s)
{
	const uint64_t start = xq_clock_ns();
	int err = xq_run_execute(s->run, s->queue);

	s->run_ns = xq_clock_ns() - start;
	if (!err)
		next_states(s);
	return err;
}

/* ---- what it is and did ------------------------------------------------------------------------------------------------ */

unsigned int xq_session_operators(const struct xq_session *s)
{
	return s->graph->operators;
}

/* Where several operators of the plan do one of the graph, it is in all their places. */
static enum xq_where both(enum xq_where a, enum xq_where b)
{
	return a == XQ_NOWHERE || a == b ? b : b == XQ_NOWHERE ? a : XQ_ON_BOTH;
}

int xq_session_operator(const struct xq_session *s, unsigned int number, struct xq_session_operator *op)
{
	const struct xqm_operator *o;
	unsigned int i;

	if (number >= s->graph->operators)
		return -EINVAL;
	o = s->graph->operator[number];
	*op = (struct xq_session_operator){
		.op = { o->type, o->name, o->place, o->inputs, o->outputs, o->input, o->output },
	};
	for (i = s->first[number]; i < s->first[number + 1]; i++) {
		struct xq_plan_operator plan;
		struct xq_run_profile profile;

		xq_plan_operator(s->plan, i, &plan);
		xq_run_profile(s->run, (int)i, &profile);
		op->where = both(op->where, plan.where);
		op->device_ns += profile.device_ns;
		op->cpu_ns += profile.cpu_ns;
		op->macs += profile.macs;
		op->bytes += profile.bytes;
	}
	return 0;
}

int xq_session_tensor(const struct xq_session *s, int number, struct xq_model_tensor *tensor)
{
	const struct xqm_tensor *t = xqm_tensor(s->graph, number);

	if (!t)
		return -EINVAL;
	xqm_describe(t, tensor);
	return 0;
}

void xq_session_totals(const struct xq_session *s, struct xq_session_totals *totals)
{
	enum xq_where last = XQ_NOWHERE;
	unsigned int i;

	*totals = (struct xq_session_totals){ .run_ns = s->run_ns };
	for (i = 0; i < xq_plan_operators(s->plan); i++) {
		struct xq_plan_operator plan;
		struct xq_run_profile profile;

		xq_plan_operator(s->plan, i, &plan);
		xq_run_profile(s->run, (int)i, &profile);
		totals->device_ns += profile.device_ns;
		totals->cpu_ns += profile.cpu_ns;
		if (plan.where == XQ_NOWHERE)
			continue;
		if (plan.where == XQ_ON_BOTH)
			totals->changes++;
		else if (last != XQ_NOWHERE && plan.where != last)
			totals->changes++;
		last = plan.where == XQ_ON_BOTH ? XQ_ON_CPU : plan.where;
	}
}

void xq_session_memory(const struct xq_session *s, struct xq_plan_memory *memory)
{
	xq_plan_memory(s->plan, memory);
}
