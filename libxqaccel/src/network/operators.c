// SPDX-License-Identifier: MIT
/*
 * Operators are added: what they name must be there, and what they are given by pointer is copied. Whether
 * types and shapes fit is found out by the check of the whole network.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"

const char *xqn_kind_name(enum xqn_kind kind)
{
	static const char *const names[] = {
		[XQN_PRODUCT] = "product",
		[XQN_GROUPED] = "product by groups",
		[XQN_CONVOLUTION] = "convolution",
		[XQN_POOL] = "pool",
		[XQN_ADD] = "sum",
		[XQN_MUL] = "elementwise product",
		[XQN_SOFTMAX] = "softmax",
		[XQN_MEAN] = "mean",
		[XQN_LOOKUP] = "lookup",
		[XQN_CONVERT] = "conversion",
		[XQN_TRANSPOSE] = "transposition",
		[XQN_SLICE] = "slice",
		[XQN_CONCAT] = "concatenation",
		[XQN_PAD] = "padding",
		[XQN_ENLARGE] = "enlargement",
		[XQN_RESHAPE] = "reshape",
		[XQN_CUSTOM] = "custom operator",
	};

	return names[kind];
}

/* ---- what all have ---------------------------------------------------------------------------- */

static void begin(struct xqn_operator *op, struct xq_network *net, enum xqn_kind kind, const char *name)
{
	*op = (struct xqn_operator){ .kind = kind, .number = net->operators, .name = name };
}

/* A tensor that may be absent is 0. */
static void reads(struct xqn_operator *op, int tensor)
{
	if (tensor)
		op->input[op->inputs++] = tensor;
}

static void makes(struct xqn_operator *op, int tensor)
{
	if (tensor)
		op->output[op->outputs++] = tensor;
}

static int check_inputs(struct xq_network *net, const struct xqn_operator *op)
{
	unsigned int i;

	for (i = 0; i < op->inputs; i++) {
		const struct xqn_tensor *t = xqn_tensor(net, op->input[i]);

		if (!t)
			return xqn_fail_at(net, op, -EINVAL, "there is no tensor %d to read", op->input[i]);
		if (t->producer < 0 && !t->input && !xqn_constant(t))
			return xqn_fail_at(net, op, -EINVAL,
					   "it reads tensor %s, which is no input, no constant, and made by no operator before",
					   t->config.name);
	}
	return 0;
}

static int check_outputs(struct xq_network *net, const struct xqn_operator *op)
{
	unsigned int i, j;

	for (i = 0; i < op->outputs; i++) {
		const struct xqn_tensor *t = xqn_tensor(net, op->output[i]);

		if (!t)
			return xqn_fail_at(net, op, -EINVAL, "there is no tensor %d to write", op->output[i]);
		if (t->producer >= 0 || t->input || xqn_constant(t))
			return xqn_fail_at(net, op, -EINVAL, "it writes tensor %s, which is %s", t->config.name,
					   t->input ? "an input" : xqn_constant(t) ? "a constant" :
					   "made by another operator");
		for (j = 0; j < i; j++)
			if (op->output[i] == op->output[j])
				return xqn_fail_at(net, op, -EINVAL, "it writes tensor %s twice",
						   t->config.name);
	}
	return op->outputs ? 0 : xqn_fail_at(net, op, -EINVAL, "it has no output");
}

/* Takes the operator into the network. */
static int take(struct xq_network *net, struct xqn_operator *op)
{
	struct xqn_operator **more, *kept;
	char number[32];
	unsigned int i;
	int err;

	err = check_inputs(net, op);
	if (!err)
		err = check_outputs(net, op);
	if (err)
		return err;
	snprintf(number, sizeof(number), "%u", op->number);
	op->name = op->name ? xqn_keep(net, op->name, strlen(op->name) + 1) :
		   xqn_keep(net, number, sizeof(number));
	more = xqn_grown(net->operator, net->operators, sizeof(*more));
	if (more)
		net->operator = more;
	kept = malloc(sizeof(*kept));
	if (!op->name || !more || !kept) {
		free(kept);
		return xqn_fail(net, -ENOMEM, "no memory for operator %u", net->operators);
	}
	*kept = *op;
	net->operator[net->operators] = kept;
	for (i = 0; i < op->outputs; i++)
		xqn_tensor(net, op->output[i])->producer = (int)op->number;
	return (int)net->operators++;
}

/* ---- products and convolutions ---------------------------------------------------------------- */

static int keep_requant(struct xq_network *net, const struct xqn_operator *op,
			const struct xq_requant **requant)
{
	const int err = xqn_keep_requant(net, requant);

	if (err == -ENOMEM)
		return xqn_fail_at(net, op, err, "no memory for its requantization");
	return err ? xqn_fail_at(net, op, err, "its requantization has parameters that make no sense") : 0;
}

static int keep_finish(struct xq_network *net, struct xqn_operator *op, struct xq_network_finish *f)
{
	int err = keep_requant(net, op, &f->requant);

	if (err)
		return err;
	if (f->table) {
		f->table = xqn_keep(net, f->table, 256);
		if (!f->table)
			return xqn_fail_at(net, op, -ENOMEM, "no memory for its table");
	}
	reads(op, f->bias);
	reads(op, f->thresholds);
	reads(op, f->decreases);
	reads(op, f->row_scale);
	reads(op, f->column_scale);
	reads(op, f->float_bias);
	return 0;
}

int xq_network_product(struct xq_network *net, const struct xq_network_product *product)
{
	struct xqn_operator op;
	int err;

	begin(&op, net, XQN_PRODUCT, product->name);
	op.product = *product;
	op.input[op.inputs++] = product->x;
	op.input[op.inputs++] = product->w;
	reads(&op, product->x_zps);
	makes(&op, product->y);
	err = keep_finish(net, &op, &op.product.finish);
	return err ? err : take(net, &op);
}

int xq_network_grouped(struct xq_network *net, const struct xq_network_grouped *product)
{
	struct xqn_operator op;

	begin(&op, net, XQN_GROUPED, product->name);
	op.grouped = *product;
	op.input[op.inputs++] = product->x;
	op.input[op.inputs++] = product->w;
	op.input[op.inputs++] = product->w_scales;
	reads(&op, product->x_scales);
	reads(&op, product->w_minima);
	reads(&op, product->float_bias);
	makes(&op, product->y);
	return take(net, &op);
}

int xq_network_convolution(struct xq_network *net, const struct xq_network_convolution *conv)
{
	struct xqn_operator op;
	int err;

	begin(&op, net, XQN_CONVOLUTION, conv->name);
	op.conv = *conv;
	op.input[op.inputs++] = conv->x;
	op.input[op.inputs++] = conv->w;
	makes(&op, conv->y);
	err = keep_finish(net, &op, &op.conv.finish);
	return err ? err : take(net, &op);
}

/* ---- other arithmetic -------------------------------------------------------------------------- */

int xq_network_pool(struct xq_network *net, const struct xq_network_pool *pool)
{
	struct xqn_operator op;

	begin(&op, net, XQN_POOL, pool->name);
	op.pool = *pool;
	op.input[op.inputs++] = pool->x;
	makes(&op, pool->y);
	return take(net, &op);
}

static int elementwise(struct xq_network *net, enum xqn_kind kind,
		       const struct xq_network_elementwise *config)
{
	struct xqn_operator op;

	begin(&op, net, kind, config->name);
	op.elementwise = *config;
	op.input[op.inputs++] = config->a;
	op.input[op.inputs++] = config->b;
	makes(&op, config->y);
	op.elementwise.factors = xqn_keep(net, config->factors, sizeof(*config->factors));
	if (config->factors && !op.elementwise.factors)
		return xqn_fail_at(net, &op, -ENOMEM, "no memory for its factors");
	return take(net, &op);
}

int xq_network_add(struct xq_network *net, const struct xq_network_elementwise *sum)
{
	return elementwise(net, XQN_ADD, sum);
}

int xq_network_mul(struct xq_network *net, const struct xq_network_elementwise *product)
{
	return elementwise(net, XQN_MUL, product);
}

int xq_network_softmax(struct xq_network *net, const struct xq_network_softmax *softmax)
{
	struct xqn_operator op;

	begin(&op, net, XQN_SOFTMAX, softmax->name);
	op.softmax = *softmax;
	op.input[op.inputs++] = softmax->x;
	makes(&op, softmax->y);
	return take(net, &op);
}

int xq_network_mean(struct xq_network *net, const struct xq_network_mean *mean)
{
	struct xqn_operator op;
	int err;

	begin(&op, net, XQN_MEAN, mean->name);
	op.mean = *mean;
	op.input[op.inputs++] = mean->x;
	makes(&op, mean->y);
	err = keep_requant(net, &op, &op.mean.requant);
	return err ? err : take(net, &op);
}

int xq_network_lookup(struct xq_network *net, const char *name, int x, int y, const void *table)
{
	struct xqn_operator op;

	begin(&op, net, XQN_LOOKUP, name);
	op.input[op.inputs++] = x;
	makes(&op, y);
	if (!table)
		return xqn_fail_at(net, &op, -EINVAL, "it has no table");
	op.table = xqn_keep(net, table, 256);
	return op.table ? take(net, &op) : xqn_fail_at(net, &op, -ENOMEM, "no memory for its table");
}

/* ---- copies ------------------------------------------------------------------------------------ */

int xq_network_convert(struct xq_network *net, const struct xq_network_convert *convert)
{
	struct xqn_operator op;
	int err;

	begin(&op, net, XQN_CONVERT, convert->name);
	/* Scales of rows alone would be an output. */
	if (!convert->y)
		return xqn_fail_at(net, &op, -EINVAL, "it has no output");
	op.convert = *convert;
	op.input[op.inputs++] = convert->x;
	makes(&op, convert->y);
	makes(&op, convert->row_scale);
	makes(&op, convert->row_zp);
	err = keep_requant(net, &op, &op.convert.requant);
	return err ? err : take(net, &op);
}

static void move(struct xqn_operator *op, struct xq_network *net, enum xqn_kind kind, const char *name, int x,
		 int y)
{
	begin(op, net, kind, name);
	op->input[op->inputs++] = x;
	makes(op, y);
}

/* The arrays are of as many elements as the input has dimensions, which the check knows. */
static int check_dims(struct xq_network *net, struct xqn_operator *op, unsigned int dims)
{
	if (dims > XQ_NETWORK_DIMS)
		return xqn_fail_at(net, op, -EINVAL, "it is for %u dimensions, the most are %d", dims,
				   XQ_NETWORK_DIMS);
	op->move.dims = dims;
	return 0;
}

int xq_network_transpose(struct xq_network *net, const char *name, int x, int y, unsigned int dims,
			 const unsigned int *order)
{
	struct xqn_operator op;
	int err;

	move(&op, net, XQN_TRANSPOSE, name, x, y);
	err = check_dims(net, &op, dims);
	if (err)
		return err;
	memcpy(op.move.order, order, dims * sizeof(*order));
	return take(net, &op);
}

int xq_network_slice(struct xq_network *net, const char *name, int x, int y, unsigned int dims,
		     const size_t *from, const size_t *step)
{
	struct xqn_operator op;
	unsigned int i;
	int err;

	move(&op, net, XQN_SLICE, name, x, y);
	err = check_dims(net, &op, dims);
	if (err)
		return err;
	for (i = 0; i < dims; i++) {
		op.move.begin[i] = from ? from[i] : 0;
		op.move.step[i] = step ? step[i] : 1;
	}
	return take(net, &op);
}

int xq_network_concat(struct xq_network *net, const char *name, const int *x, unsigned int count, int y,
		      unsigned int axis)
{
	struct xqn_operator op;

	begin(&op, net, XQN_CONCAT, name);
	if (!count || count > XQ_NETWORK_OPERANDS)
		return xqn_fail_at(net, &op, -EINVAL, "it has %u inputs, not 1 to %d", count,
				   XQ_NETWORK_OPERANDS);
	memcpy(op.input, x, count * sizeof(*x));
	op.inputs = count;
	op.move.axis = axis;
	makes(&op, y);
	return take(net, &op);
}

int xq_network_pad(struct xq_network *net, const char *name, int x, int y, unsigned int dims,
		   const size_t *before, const size_t *after, int32_t value)
{
	struct xqn_operator op;
	unsigned int i;
	int err;

	move(&op, net, XQN_PAD, name, x, y);
	err = check_dims(net, &op, dims);
	if (err)
		return err;
	for (i = 0; i < dims; i++) {
		op.move.before[i] = before ? before[i] : 0;
		op.move.after[i] = after ? after[i] : 0;
	}
	op.move.value = value;
	return take(net, &op);
}

int xq_network_enlarge(struct xq_network *net, const char *name, int x, int y, size_t factor_h,
		       size_t factor_w)
{
	struct xqn_operator op;

	move(&op, net, XQN_ENLARGE, name, x, y);
	op.move.factor_h = factor_h;
	op.move.factor_w = factor_w;
	return take(net, &op);
}

int xq_network_reshape(struct xq_network *net, const char *name, int x, int y)
{
	struct xqn_operator op;

	move(&op, net, XQN_RESHAPE, name, x, y);
	return take(net, &op);
}

int xq_network_custom(struct xq_network *net, const struct xq_network_custom *custom)
{
	struct xqn_operator op;

	begin(&op, net, XQN_CUSTOM, custom->name);
	if (!custom->compute || custom->inputs > XQ_NETWORK_OPERANDS ||
	    custom->outputs > XQ_NETWORK_OPERANDS)
		return xqn_fail_at(net, &op, -EINVAL, custom->compute ?
				   "it has too many inputs or outputs" : "it has no function");
	op.custom = *custom;
	op.inputs = custom->inputs;
	op.outputs = custom->outputs;
	memcpy(op.input, custom->input, sizeof(op.input));
	memcpy(op.output, custom->output, sizeof(op.output));
	return take(net, &op);
}
