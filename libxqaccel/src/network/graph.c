// SPDX-License-Identifier: MIT
/*
 * Networks and their tensors.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"

int xq_network_create(struct xq_network **network)
{
	*network = calloc(1, sizeof(**network));
	return *network ? 0 : -ENOMEM;
}

void xq_network_destroy(struct xq_network *net)
{
	unsigned int i;

	if (!net)
		return;
	while (net->blocks) {
		struct xqn_block *next = net->blocks->next;

		free(net->blocks);
		net->blocks = next;
	}
	for (i = 0; i < net->operators; i++)
		free(net->operator[i]);
	free(net->operator);
	free(net->tensor);
	free(net->input);
	free(net->output);
	free(net);
}

const char *xq_network_error(const struct xq_network *net)
{
	return net->error;
}

/* ---- errors ----------------------------------------------------------------------------------- */

int xqn_fail(struct xq_network *net, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(net->error, sizeof(net->error), format, arguments);
	va_end(arguments);
	return error;
}

int xqn_fail_at(struct xq_network *net, const struct xqn_operator *op, int error, const char *format,
		...)
{
	va_list arguments;
	int n = op->name ? snprintf(net->error, sizeof(net->error), "%s %s: ", xqn_kind_name(op->kind), op->name) :
		snprintf(net->error, sizeof(net->error), "%s %u: ", xqn_kind_name(op->kind), op->number);

	if (n < 0 || (size_t)n >= sizeof(net->error))
		return error;
	va_start(arguments, format);
	vsnprintf(net->error + n, sizeof(net->error) - (size_t)n, format, arguments);
	va_end(arguments);
	return error;
}

/* ---- memory ----------------------------------------------------------------------------------- */

void *xqn_keep(struct xq_network *net, const void *from, size_t bytes)
{
	struct xqn_block *block;

	if (!from)
		return NULL;
	block = malloc(sizeof(*block) + bytes + 1);
	if (!block)
		return NULL;
	memcpy(block->data, from, bytes);
	block->next = net->blocks;
	net->blocks = block;
	return block->data;
}

static bool keep(struct xq_network *net, const void *pointer, size_t bytes)
{
	const void **at = (void *)pointer;
	const void *from = *at;

	*at = xqn_keep(net, from, bytes);
	return *at || !from;
}

int xqn_keep_requant(struct xq_network *net, const struct xq_requant **requant)
{
	struct xq_requant rq;
	int err;

	if (!*requant)
		return 0;
	rq = **requant;
	err = rq.params ? xq_requant_check(&rq, rq.params) : -EINVAL;
	if (err)
		return err;
	if (!keep(net, &rq.scale, rq.params * sizeof(*rq.scale)) ||
	    !keep(net, &rq.multiplier, rq.params * sizeof(*rq.multiplier)) ||
	    !keep(net, &rq.shift, rq.params * sizeof(*rq.shift)) ||
	    !keep(net, &rq.add, rq.params * sizeof(*rq.add)))
		return -ENOMEM;
	*requant = xqn_keep(net, &rq, sizeof(rq));
	return *requant ? 0 : -ENOMEM;
}

/* ---- tensors ---------------------------------------------------------------------------------- */

struct xqn_tensor *xqn_tensor(const struct xq_network *net, int number)
{
	if (number < 1 || (unsigned int)number > net->tensors)
		return NULL;
	return &net->tensor[number - 1];
}

static int check_tensor(struct xq_network *net, const struct xq_network_tensor *t)
{
	const char *name = t->name ? t->name : "without a name";
	size_t bytes = 8;
	unsigned int i;

	if (t->type == XQ_NONE || (unsigned int)t->type >= XQ_TYPE_COUNT)
		return xqn_fail(net, -EINVAL, "tensor %s has no type", name);
	if (t->dims > XQ_NETWORK_DIMS)
		return xqn_fail(net, -EINVAL, "tensor %s has %u dimensions, the most are %d", name, t->dims,
				XQ_NETWORK_DIMS);
	for (i = 0; i < t->dims; i++) {
		if (!t->dim[i] || t->dim[i] > XQN_MAX_SIZE)
			return xqn_fail(net, -EINVAL, "dimension %u of tensor %s is %zu", i, name, t->dim[i]);
		if (__builtin_mul_overflow(bytes, t->dim[i], &bytes))
			return xqn_fail(net, -EOVERFLOW, "tensor %s is too large", name);
	}
	if (t->channels && !t->scale && !t->zero_point)
		return xqn_fail(net, -EINVAL, "tensor %s has %zu channels and neither scales nor zero points", name,
				t->channels);
	if (!t->channels && (t->scale || t->zero_point))
		return xqn_fail(net, -EINVAL, "tensor %s has scales or zero points, but not how many", name);
	for (i = 0; t->scale && i < t->channels; i++)
		if (!isfinite(t->scale[i]))
			return xqn_fail(net, -EINVAL, "scale %u of tensor %s is no finite number", i, name);
	if ((unsigned int)t->order > XQ_PACKED_WHOLE)
		return xqn_fail(net, -EINVAL, "tensor %s has an unknown order of elements", name);
	if (t->data && (!t->dims || t->batched))
		return xqn_fail(net, -EINVAL, "constant %s %s", name,
				t->dims ? "cannot grow with the batch" : "has no shape");
	if (t->data && (t->type == XQ_C4 || t->type == XQ_C8) && !t->codebook)
		return xqn_fail(net, -EINVAL, "constant %s has no codebook", name);
	return 0;
}

int xq_network_tensor(struct xq_network *net, const struct xq_network_tensor *config)
{
	struct xqn_tensor t = { .config = *config, .producer = -1, .given = config->dims };
	struct xqn_tensor *more;
	char number[32];
	int err = check_tensor(net, config);

	if (err)
		return err;
	t.number = (int)net->tensors + 1;
	t.shape = (struct xqn_shape){ .dims = config->dims, .batched = config->batched };
	memcpy(t.shape.dim, config->dim, config->dims * sizeof(*config->dim));
	snprintf(number, sizeof(number), "%d", t.number);
	if (!t.config.name)
		t.config.name = number;
	if (!keep(net, &t.config.name, strlen(t.config.name) + 1) ||
	    !keep(net, &t.config.scale, config->channels * sizeof(float)) ||
	    !keep(net, &t.config.zero_point, config->channels * sizeof(int32_t)))
		return xqn_fail(net, -ENOMEM, "no memory for tensor %d", t.number);
	more = xqn_grown(net->tensor, net->tensors, sizeof(*more));
	if (!more)
		return xqn_fail(net, -ENOMEM, "no memory for tensor %d", t.number);
	net->tensor = more;
	net->tensor[net->tensors++] = t;
	return t.number;
}

static int append(int **list, unsigned int *count, int number)
{
	int *more = xqn_grown(*list, *count, sizeof(*more));

	if (!more)
		return -ENOMEM;
	more[(*count)++] = number;
	*list = more;
	return 0;
}

int xq_network_input(struct xq_network *net, int tensor)
{
	struct xqn_tensor *t = xqn_tensor(net, tensor);

	if (!t)
		return xqn_fail(net, -EINVAL, "there is no tensor %d to be an input", tensor);
	if (t->producer >= 0 || xqn_constant(t) || t->input || !t->given)
		return xqn_fail(net, -EINVAL, "tensor %s cannot be an input: it %s", t->config.name,
				t->input ? "is one already" : xqn_constant(t) ? "is a constant" :
				t->given ? "is made by an operator" : "has no shape");
	if (append(&net->input, &net->inputs, tensor))
		return xqn_fail(net, -ENOMEM, "no memory for input %s", t->config.name);
	t->input = true;
	return 0;
}

int xq_network_output(struct xq_network *net, int tensor)
{
	struct xqn_tensor *t = xqn_tensor(net, tensor);

	if (!t)
		return xqn_fail(net, -EINVAL, "there is no tensor %d to be an output", tensor);
	if (t->producer < 0 || t->output)
		return xqn_fail(net, -EINVAL, "tensor %s cannot be an output: it %s", t->config.name,
				t->output ? "is one already" : "is made by no operator");
	if (append(&net->output, &net->outputs, tensor))
		return xqn_fail(net, -ENOMEM, "no memory for output %s", t->config.name);
	t->output = true;
	return 0;
}

int xq_network_shape(const struct xq_network *net, int tensor, size_t *dim, bool *batched)
{
	const struct xqn_tensor *t = xqn_tensor(net, tensor);

	if (!t)
		return -EINVAL;
	if (dim)
		memcpy(dim, t->shape.dim, sizeof(t->shape.dim));
	if (batched)
		*batched = t->shape.batched;
	return (int)t->shape.dims;
}
