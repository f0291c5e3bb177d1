// SPDX-License-Identifier: MIT
/*
 * What builders of operators share, and the operators that need little: arithmetic, functions, reductions.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "reader.h"

/* ---- shared -------------------------------------------------------------------------------------------- */

struct xqm_operator *xqt_add(struct xqt_call *call, enum xqm_op op, unsigned int inputs, unsigned int outputs)
{
	struct xqm_operator *o = NULL;

	if (call->scope->initial)
		xqt_refuse(call, -EOPNOTSUPP, "variables begin with something that has to be computed");
	else
		o = xqm_add_operator(call->graph, op, inputs, outputs);
	if (!o)
		return NULL;
	o->type = xqt_operator_name(call->kind->code);
	o->place = call->place;
	o->arithmetic = XQ_REQUANT_TFLITE;
	return o;
}

/* How xqt_add() failed. */
static int not_added(const struct xqt_call *call)
{
	return call->scope->initial ? -EOPNOTSUPP : -ENOMEM;
}

int xqt_between(struct xqt_call *call, int like, const struct xqm_shape *shape)
{
	const int number = xqm_add_tensor(call->graph, "");
	const struct xqm_tensor *from = xqm_tensor(call->graph, like);
	struct xqm_tensor *t = xqm_tensor(call->graph, number);

	if (!t || !from)
		return t ? xqt_refuse(call, -EINVAL, "an input or output is missing") : number;
	t->type = from->type;
	t->shape = *shape;
	/* Scales along a dimension would stay behind when it moves. */
	if (from->quantization.count == 1)
		t->quantization = from->quantization;
	return number;
}

int xqt_integers(struct xqt_call *call, unsigned int operand, const char *what, int64_t *to, unsigned int room)
{
	const struct xqm_tensor *t = operand < call->inputs ? xqm_tensor(call->graph, call->input[operand]) : NULL;
	int64_t i, n;

	if (!t || !t->data)
		return xqt_refuse(call, -EOPNOTSUPP, "%s are no constant", what);
	n = xqm_elements(&t->shape);
	if ((t->type != XQ_S32 && t->type != XQ_MODEL_S64) || n < 0 || n > room ||
	    t->bytes != (size_t)n * xq_model_type_bytes(t->type))
		return xqt_refuse(call, -EINVAL, "%s are not at most %u integers", what, room);
	for (i = 0; i < n; i++)
		to[i] = t->type == XQ_S32 ? ((const int32_t *)t->data)[i] : ((const int64_t *)t->data)[i];
	return (int)n;
}

int xqt_shape(struct xqt_call *call, unsigned int operand, struct xqm_shape *shape)
{
	const struct xqm_tensor *t = operand < call->inputs ? xqm_tensor(call->graph, call->input[operand]) : NULL;

	if (!t || !xqm_fixed(&t->shape))
		return xqt_refuse(call, -EOPNOTSUPP, "the shape of its input %u is not in the file", operand);
	*shape = t->shape;
	return 0;
}

int xqt_activation(struct xqt_call *call, unsigned int field, float *low, float *high)
{
	const int64_t activation = xqt_integer(&call->options, field, 1, ACTIVATION_NONE);

	*low = -INFINITY;
	*high = INFINITY;
	switch (activation) {
	case ACTIVATION_NONE:
		return 0;
	case ACTIVATION_RELU:
		*low = 0;
		return 0;
	case ACTIVATION_RELU_N1_TO_1:
		*low = -1;
		*high = 1;
		return 0;
	case ACTIVATION_RELU6:
		*low = 0;
		*high = 6;
		return 0;
	default:
		return xqt_refuse(call, -EOPNOTSUPP, "activation %lld is not known", (long long)activation);
	}
}

/* ---- operands as they are ----------------------------------------------------------------------------- */

/* The operator with the call's operands; NULL after a failure. */
static struct xqm_operator *plain(struct xqt_call *call, unsigned int inputs)
{
	struct xqm_operator *op = xqt_add(call, call->kind->op, inputs, call->outputs);

	if (!op)
		return NULL;
	memcpy(op->input, call->input, (inputs < call->inputs ? inputs : call->inputs) * sizeof(*op->input));
	memcpy(op->output, call->output, call->outputs * sizeof(*op->output));
	return op;
}

int xqt_build_plain(struct xqt_call *call)
{
	return plain(call, call->inputs) ? 0 : not_added(call);
}

int xqt_build_arithmetic(struct xqt_call *call)
{
	struct xqm_clamp clamp;
	int err = xqt_activation(call, ARITHMETIC_ACTIVATION, &clamp.low, &clamp.high);
	struct xqm_operator *op = err ? NULL : plain(call, 2);

	if (!op)
		return err ? err : not_added(call);
	op->params.clamp = clamp;
	return 0;
}

/* ---- functions ------------------------------------------------------------------------------------------- */

/* A constant of one float. */
static int add_float(struct xqt_call *call, float value)
{
	const void *data = xqm_keep(call->graph, &value, sizeof(value));
	const int number = data ? xqm_add_tensor(call->graph, "") : xqm_no_memory(call->graph);
	struct xqm_tensor *t = xqm_tensor(call->graph, number);

	if (!t)
		return number;
	t->type = XQ_F32;
	t->shape.known = true;
	t->data = data;
	t->bytes = sizeof(value);
	return number;
}

int xqt_build_clip(struct xqt_call *call)
{
	const bool from_0 = call->kind->code != TFLITE_RELU_N1_TO_1;
	const int low = add_float(call, from_0 ? 0 : -1);
	const int high = low < 0 ? low : add_float(call, call->kind->code == TFLITE_RELU6 ? 6 : 1);
	struct xqm_operator *op = high < 0 ? NULL : plain(call, 3);

	if (!op)
		return high < 0 ? high : not_added(call);
	op->input[1] = low;
	op->input[2] = high;
	return 0;
}

int xqt_build_leaky_relu(struct xqt_call *call)
{
	struct xqm_operator *op = plain(call, 1);

	if (!op)
		return not_added(call);
	op->params.alpha.alpha = xqt_float(&call->options, LEAKY_RELU_ALPHA, 0);
	return 0;
}

int xqt_build_elu(struct xqt_call *call)
{
	struct xqm_operator *op = plain(call, 1);

	if (!op)
		return not_added(call);
	op->params.alpha.alpha = 1;
	return 0;
}

int xqt_build_gelu(struct xqt_call *call)
{
	struct xqm_operator *op = plain(call, 1);

	if (!op)
		return not_added(call);
	op->params.gelu.tanh = xqt_integer(&call->options, GELU_APPROXIMATE, 1, 0);
	return 0;
}

int xqt_build_softmax(struct xqt_call *call)
{
	struct xqm_operator *op = plain(call, 1);

	if (!op)
		return not_added(call);
	/* The logarithm has no factor. */
	op->params.softmax = (struct xqm_softmax){
		.axis = -1, .beta = call->kind->op == XQM_SOFTMAX ? xqt_float(&call->options, SOFTMAX_BETA, 0) : 1,
	};
	return 0;
}

int xqt_build_reduce(struct xqt_call *call)
{
	struct xqm_operator *op = plain(call, 2);

	if (!op)
		return not_added(call);
	op->params.reduce.keep = xqt_integer(&call->options, REDUCER_KEEP_DIMS, 1, 0);
	op->params.reduce.none = true;
	return 0;
}

int xqt_build_gather(struct xqt_call *call)
{
	struct xqm_operator *op = plain(call, 2);

	if (!op)
		return not_added(call);
	op->params.axis.axis = xqt_integer(&call->options, GATHER_AXIS, 4, 0);
	return xqt_integer(&call->options, GATHER_BATCH_DIMS, 4, 0) ?
	       xqt_refuse(call, -EOPNOTSUPP, "batch dimensions are not known") : 0;
}

int xqt_build_block(struct xqt_call *call)
{
	const int64_t size = xqt_integer(&call->options, BLOCK_SIZE, 4, 0);
	struct xqm_operator *op = size > 0 ? plain(call, 1) : NULL;

	if (size <= 0)
		return xqt_refuse(call, -EINVAL, "blocks of %lld", (long long)size);
	if (!op)
		return not_added(call);
	op->params.block = (struct xqm_block_size){ .size = (size_t)size, .channels_last = true };
	return 0;
}
