// SPDX-License-Identifier: MIT
/*
 * Operators that the CPU computes between those of the device.
 */
#include <errno.h>
#include <string.h>

#include "compile.h"

/*
 * Values of the network's call are those of the kernel, but for shapes: tensors that only the CPU
 * sees are rows of bytes.
 */
static int compute(void *arg, const struct xq_network_value *input,
		   const struct xq_network_value *output)
{
	const struct xqm_call *call = arg;
	struct xqm_value in[XQM_OPERANDS], out[XQM_OPERANDS];
	unsigned int i;

	for (i = 0; i < call->op->inputs; i++) {
		in[i] = call->in[i];
		if (call->in_slot[i] >= 0)
			in[i].data = input[call->in_slot[i]].data;
	}
	for (i = 0; i < call->op->outputs; i++) {
		out[i] = call->out[i];
		if (call->out_slot[i] >= 0)
			out[i].data = output[call->out_slot[i]].data;
	}
	return call->kernel->compute(call->op, in, out);
}

static struct xqm_call *new_call(struct xqm_graph *graph, const struct xqm_operator *op)
{
	const size_t count = (size_t)op->inputs + op->outputs;
	struct xqm_call *call = xqm_alloc(graph, sizeof(*call));

	if (!call)
		return NULL;
	call->op = op;
	call->in = xqm_alloc(graph, count * sizeof(*call->in));
	call->in_slot = xqm_alloc(graph, count * sizeof(*call->in_slot));
	if (!call->in || !call->in_slot)
		return NULL;
	call->out = call->in + op->inputs;
	call->out_slot = call->in_slot + op->inputs;
	return call;
}

/* The next tensor of the network's operator; its place among them, or an error. */
static int add_slot(struct xqm_compiler *c, const struct xqm_operator *op, int number, int *list,
		    unsigned int *count)
{
	const struct xqm_tensor *t = xqm_tensor(c->graph, number);
	const int tensor = xqm_network_tensor(c, number);
	unsigned int i;

	if (tensor < 0)
		return tensor;
	if (c->native[number - 1] && t->type < XQ_TYPE_COUNT &&
	    xq_type_bits((enum xq_type)t->type) < 8)
		return xqm_fail_at(c->graph, op, -EOPNOTSUPP,
				   "it shares a tensor of %s with the device",
				   xq_model_type_name(t->type));
	for (i = 0; i < *count; i++)
		if (list[i] == tensor)
			return (int)i;
	if (*count == XQ_NETWORK_OPERANDS)
		return xqm_fail_at(c->graph, op, -EOPNOTSUPP,
				   "it has more than %d computed inputs or outputs",
				   XQ_NETWORK_OPERANDS);
	list[*count] = tensor;
	return (int)(*count)++;
}

static int set_value(struct xqm_compiler *c, struct xqm_tensor *t, struct xqm_value *value)
{
	int err = xqm_value_of(c->graph, t, value);

	if (t && !t->data && c->batched)
		value->dim[0] *= c->batch;
	return err;
}

/* For a constant of a few bytes the kernel maps all of the file around it that it has at hand, up to 2 MiB. */
#define FEW_BYTES	(64U << 10)

/* The file's pages of what was packed are not needed any more; the rest is read in every run. */
static int finish_constants(struct xqm_graph *graph, const struct xqm_operator *op,
			    struct xqm_call *call)
{
	int err = 0;

	for (unsigned int i = 0; i < op->inputs && !err; i++) {
		struct xqm_tensor *t = xqm_input(graph, op, i);

		if (call->in[i].packed)
			xqm_let_go(graph, t->data, t->bytes);
		else if (t && t->data && (t->unaligned || (t->bytes <= FEW_BYTES && xqm_is_mapped(graph, t->data))))
			err = xqm_take_from_file(graph, t);
	}
	/* One constant may be several operands, and moves with the first. */
	for (unsigned int i = 0; i < op->inputs && !err; i++) {
		const struct xqm_tensor *t = xqm_input(graph, op, i);

		if (t && t->data && !call->in[i].packed)
			call->in[i].data = (void *)t->data;
	}
	return err;
}

int xqm_add_call(struct xqm_compiler *c, const struct xqm_operator *op)
{
	struct xqm_call *call = new_call(c->graph, op);
	struct xq_network_custom custom = { .name = xqm_operator_name(c->graph, op),
					    .compute = compute,
					    .arg = call };
	unsigned int i;
	int err = 0;

	if (!call)
		return xqm_no_memory(c->graph);
	call->kernel = xqm_processor_kernel(c->graph, op);
	if (!call->kernel)
		return -EOPNOTSUPP;
	for (i = 0; i < op->inputs && !err; i++) {
		struct xqm_tensor *t = xqm_input(c->graph, op, i);

		err = set_value(c, t, &call->in[i]);
		call->in_slot[i] = -1;
		if (err || !t || t->data)
			continue;
		call->in_slot[i] = add_slot(c, op, t->number, custom.input, &custom.inputs);
		err = call->in_slot[i] < 0 ? call->in_slot[i] : 0;
	}
	for (i = 0; i < op->outputs && !err; i++) {
		struct xqm_tensor *t = xqm_output(c->graph, op, i);

		err = set_value(c, t, &call->out[i]);
		call->out_slot[i] = -1;
		if (err || !t)
			continue;
		call->out_slot[i] = add_slot(c, op, t->number, custom.output, &custom.outputs);
		err = call->out_slot[i] < 0 ? call->out_slot[i] : 0;
	}
	if (!err && call->kernel->prepare)
		err = call->kernel->prepare(c->graph, op, call->in);
	if (!err)
		err = finish_constants(c->graph, op, call);
	return err ? err : xqm_added(c, op, xq_network_custom(c->network, &custom));
}
