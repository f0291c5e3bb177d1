// SPDX-License-Identifier: MIT
/*
 * Types and shapes of all tensors, from those of the inputs. What depends on constants only is computed here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compile.h"
#include "libxqaccel/src/model/cpu/kernels.h"
#include "libxqaccel/src/model/passes/loop.h"
#include "libxqaccel/src/model/tflite/kernels.h"

/* Bytes that folding may make of a constant, beside as many as the operator reads. */
#define FOLD_BYTES	(1U << 20)

/*
 * All that is folded stays in memory, and what one operator makes is read by the next. So in all it may be so many times
 * the constants of the file, beside so many bytes. What is small, as shapes are, is needed and does not count.
 */
#define FOLD_TIMES	16
#define FOLD_MOST	(16U << 20)
#define FOLD_SMALL	1024

/* ---- which kernel ----------------------------------------------------------------------------------------- */

/* Only says where elements lie, or takes one of them by its size, so that quantized ones stay what they are. */
static bool only_moves(enum xqm_op op)
{
	return (op >= XQM_IDENTITY && op <= XQM_SHAPE) || op == XQM_SIZE || op == XQM_MAX_POOL || op == XQM_REDUCE_MAX ||
	       op == XQM_REDUCE_MIN;
}

static bool quantized(const struct xqm_tensor *t)
{
	return t && t->quantization.count && t->type != XQ_F32 && t->type != XQ_F16;
}

static const struct xqm_tensor *quantized_operand(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	unsigned int i;

	for (i = 0; i < op->inputs; i++)
		if (quantized(xqm_input(graph, op, i)))
			return xqm_input(graph, op, i);
	for (i = 0; i < op->outputs; i++)
		if (quantized(xqm_output(graph, op, i)))
			return xqm_output(graph, op, i);
	return NULL;
}

/* Whether all tensors that have a quantization have the same one, so that moving elements keeps what they stand for. */
static bool one_quantization(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *first = quantized_operand(graph, op);
	unsigned int i;
	size_t k;

	for (i = 0; first && i < op->inputs + op->outputs; i++) {
		const struct xqm_tensor *t = i < op->inputs ? xqm_input(graph, op, i) : xqm_output(graph, op, i - op->inputs);

		if (!quantized(t))
			continue;
		if (t->quantization.count != first->quantization.count)
			return false;
		for (k = 0; k < t->quantization.count; k++)
			if (t->quantization.scale[k] != first->quantization.scale[k] || xqm_zero_point(t, k) != xqm_zero_point(first, k))
				return false;
	}
	return true;
}

/* Types of the inputs, for people. */
static const char *input_types(const struct xqm_graph *graph, const struct xqm_operator *op, char *text, size_t bytes)
{
	size_t n = 0;
	unsigned int i;

	*text = 0;
	for (i = 0; i < op->inputs && n < bytes; i++) {
		const struct xqm_tensor *t = xqm_input(graph, op, i);
		char shape[XQM_SHAPE_TEXT];

		n += (size_t)snprintf(text + n, bytes - n, "%s%s %s", i ? ", " : "", t ? xq_model_type_name(t->type) : "none",
				      t ? xqm_shape_text(&t->shape, shape) : "");
	}
	return text;
}

const struct xqm_kernel *xqm_processor_kernel(struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_kernel *kernel = xqt_kernel(graph, op);
	char types[300];

	if (kernel)
		return kernel;
	/* What other kernels would compute of the integers is not what they stand for, but in ONNX it is what is meant. */
	if ((only_moves(op->op) && one_quantization(graph, op)) || op->op == XQM_OTHER || op->arithmetic == XQ_REQUANT_ONNX ||
	    !quantized_operand(graph, op))
		kernel = xqm_kernel(op);
	if (!kernel)
		xqm_fail_at(graph, op, -EOPNOTSUPP, "it is not known for inputs %s%s",
			    input_types(graph, op, types, sizeof(types)),
			    quantized_operand(graph, op) ? " and their quantization" : "");
	return kernel;
}

/* ---- one operator ------------------------------------------------------------------------------------------ */

/* Takes over what a kernel found of an output, which may not contradict the file. */
static int settle(struct xqm_graph *graph, const struct xqm_operator *op, struct xqm_tensor *t,
		  const struct xqm_value *value)
{
	char one[XQM_SHAPE_TEXT], other[XQM_SHAPE_TEXT];
	struct xqm_shape shape = { .known = true, .dims = value->dims };
	uint64_t elements = 1;
	unsigned int i;
	bool fits = true;

	for (i = 0; i < value->dims; i++) {
		if (value->dim[i] > XQM_MAX_SIZE)
			return xqm_fail_at(graph, op, -EOVERFLOW, "its output is too large");
		shape.dim[i] = (int64_t)value->dim[i];
		elements *= value->dim[i] ? value->dim[i] : 1;
		if (elements > XQM_MAX_BYTES / 8)
			return xqm_fail_at(graph, op, -EOVERFLOW, "its output of shape %s is too large",
					   xqm_shape_text(&shape, one));
	}
	if (t->type && t->type != value->type)
		return xqm_fail_at(graph, op, -EINVAL, "its output %.100s is %s in the file, and %s by its inputs", t->name,
				   xq_model_type_name(t->type), xq_model_type_name(value->type));
	if (t->shape.known && t->shape.dims != shape.dims)
		fits = false;
	for (i = 0; fits && t->shape.known && i < shape.dims; i++)
		fits = t->shape.dim[i] < 0 || t->shape.dim[i] == shape.dim[i];
	if (!fits)
		return xqm_fail_at(graph, op, -EINVAL, "its output %.100s has the shape %s in the file, and %s by its inputs",
				   t->name, xqm_shape_text(&t->shape, one), xqm_shape_text(&shape, other));
	t->type = value->type;
	t->shape = shape;
	return 0;
}

static bool settled(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	unsigned int i;

	for (i = 0; i < op->outputs; i++) {
		const struct xqm_tensor *t = xqm_output(graph, op, i);

		if (t && (!t->type || !xqm_fixed(&t->shape)))
			return false;
	}
	return true;
}

static bool all_constant(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	unsigned int i;

	/* These read the shape only, which is known. */
	if (op->op == XQM_SHAPE || op->op == XQM_SIZE)
		return true;
	for (i = 0; i < op->inputs; i++)
		if (xqm_input(graph, op, i) && !xqm_input(graph, op, i)->data)
			return false;
	return true;
}

/* Whether the outputs are not much larger than what they are made of. */
static bool worth_folding(struct xqm_graph *graph, const struct xqm_value *in, unsigned int inputs,
			  const struct xqm_value *out, unsigned int outputs)
{
	uint64_t read = FOLD_BYTES, made = 0;
	unsigned int i;

	for (i = 0; i < inputs; i++)
		read += in[i].type ? xqm_value_elements(&in[i]) * xqm_value_bytes(&in[i]) : 0;
	for (i = 0; i < outputs; i++)
		made += out[i].type ? xqm_value_elements(&out[i]) * xqm_value_bytes(&out[i]) : 0;
	if (made <= FOLD_SMALL)
		return true;
	if (made > 4 * read || made > graph->may_fold)
		return false;
	graph->may_fold -= made;
	return true;
}

static int fold(struct xqm_graph *graph, struct xqm_operator *op, const struct xqm_kernel *kernel,
		const struct xqm_value *in, struct xqm_value *out)
{
	unsigned int i;
	int err;

	for (i = 0; i < op->outputs; i++) {
		out[i].data = out[i].type ? xqm_alloc(graph, xqm_value_elements(&out[i]) * xqm_value_bytes(&out[i]) + 1) : NULL;
		if (out[i].type && !out[i].data)
			return xqm_no_memory(graph);
	}
	err = kernel->compute(op, in, out);
	if (err)
		return xqm_fail_at(graph, op, err, "it can't be computed of its constants");
	for (i = 0; i < op->outputs; i++) {
		struct xqm_tensor *t = xqm_output(graph, op, i);

		if (!t)
			continue;
		t->data = out[i].data;
		t->bytes = xqm_value_elements(&out[i]) * xqm_value_bytes(&out[i]);
		t->order = XQ_UNPACKED;
	}
	op->op = XQM_REMOVED;
	return 0;
}

/* Whether it is known that nobody asks for it. */
static bool ruled_out(const struct xqm_graph *graph, const struct xqm_guard *guard)
{
	for (; guard; guard = guard->outer) {
		const struct xqm_tensor *t = xqm_tensor(graph, guard->condition);

		if (t->data && t->type == XQ_MODEL_BOOL && xqm_elements(&t->shape) == 1 && *(const uint8_t *)t->data != guard->value)
			return true;
	}
	return false;
}

/* The choice between two branches is the one of them, if the condition is known. */
static void decide(const struct xqm_graph *graph, struct xqm_operator *op)
{
	const struct xqm_tensor *t = xqm_input(graph, op, 0);

	if (op->op != XQM_OTHER || op->params.other.kernel != &xqm_choice_kernel || !t->data || t->type != XQ_MODEL_BOOL ||
	    xqm_elements(&t->shape) != 1)
		return;
	op->input[0] = op->input[*(const uint8_t *)t->data ? 1 : 2];
	op->inputs = 1;
	op->op = XQM_IDENTITY;
}

static int infer(struct xqm_graph *graph, struct xqm_operator *op)
{
	const bool constant = all_constant(graph, op);
	struct xqm_value in[XQM_OPERANDS], out[XQM_OPERANDS];
	const struct xqm_kernel *kernel;
	unsigned int i;
	int err = 0;

	if (op->inputs > XQM_OPERANDS || op->outputs > XQM_OPERANDS)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "it has %u inputs and %u outputs, the most are %d", op->inputs,
				   op->outputs, XQM_OPERANDS);
	if (settled(graph, op) && !constant && xqm_on_device(graph, op))
		return 0;
	kernel = xqm_processor_kernel(graph, op);
	if (!kernel)
		return -EOPNOTSUPP;
	for (i = 0; i < op->inputs && !err; i++) {
		/* What can be prepared takes weights as they are; here only their shape counts. */
		if (constant || !kernel->prepare)
			err = xqm_align(graph, xqm_input(graph, op, i));
		if (!err)
			err = xqm_value_of(graph, xqm_input(graph, op, i), &in[i]);
	}
	for (i = 0; i < op->outputs; i++) {
		const struct xqm_tensor *t = xqm_output(graph, op, i);

		out[i] = (struct xqm_value){ 0 };
		if (t) {
			out[i].type = t->type;
			out[i].quantization = &t->quantization;
		}
	}
	if (!err)
		err = kernel->infer(graph, op, in, out);
	for (i = 0; i < op->outputs && !err; i++) {
		struct xqm_tensor *t = xqm_output(graph, op, i);

		if (t)
			err = settle(graph, op, t, &out[i]);
		else
			out[i].type = XQ_NONE;
	}
	/* Weights of integers are looked for by xqm_lower(). */
	if (op->op == XQM_DEQUANTIZE_LINEAR && !graph->lowered)
		return err;
	if (err || !constant || !worth_folding(graph, in, op->inputs, out, op->outputs))
		return err;
	return fold(graph, op, kernel, in, out);
}

/* What is put before a loop comes next, and then the loop again. */
static int unroll(struct xqm_graph *graph, struct xqm_rewrite *rewrite, struct xqm_operator *op)
{
	const unsigned int from = graph->operators;
	int err = xqm_unroll(graph, op);

	return err ? err : xqm_rewrite_again(graph, rewrite, from, op);
}

static int infer_next(struct xqm_graph *graph, struct xqm_rewrite *rewrite, struct xqm_operator *op)
{
	int err = 0;

	if (op->op != XQM_REMOVED && ruled_out(graph, op->guard))
		op->op = XQM_REMOVED;
	if (op->op != XQM_REMOVED) {
		if (xqm_is_loop(op))
			return unroll(graph, rewrite, op);
		decide(graph, op);
		err = infer(graph, op);
	}
	return err ? err : xqm_rewrite_keep(graph, op);
}

static uint64_t most_folded(const struct xqm_graph *graph)
{
	uint64_t bytes = FOLD_MOST;
	unsigned int i;

	for (i = 0; i < graph->tensors; i++)
		bytes += graph->tensor[i].data ? FOLD_TIMES * (uint64_t)graph->tensor[i].bytes : 0;
	return bytes;
}

int xqm_infer(struct xqm_graph *graph)
{
	struct xqm_operator *op;
	struct xqm_rewrite rewrite;
	int err = xqm_rewrite_begin(graph, &rewrite);

	if (err)
		return err;
	if (!graph->inferred)
		graph->may_fold = most_folded(graph);
	graph->inferred = true;
	while (!err && (op = xqm_rewrite_next(&rewrite)))
		err = infer_next(graph, &rewrite, op);
	err = xqm_rewrite_end(graph, &rewrite, err);
	if (err)
		return err;
	xqm_sweep(graph);
	xqm_link(graph);
	return 0;
}
