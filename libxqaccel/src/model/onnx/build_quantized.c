// SPDX-License-Identifier: MIT
/*
 * Quantized operators of ONNX and of com.microsoft. Scales and zero points stay operands here; the
 * pass that looks for what the device can do (passes/) makes them those of tensors where they are
 * constants.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "libxqaccel/src/model/cpu/integer.h"
#include "libxqaccel/src/model/cpu/kernels.h"
#include "libxqaccel/src/model/cpu/qlinear.h"
#include "reader.h"

/* ---- linear quantization ----------------------------------------------------------------- */

static int set_linear(struct xqo_node *node, struct xqm_operator *op)
{
	int64_t block = xqo_int(node, "block_size", 0), precision = xqo_int(node, "precision", 0);

	if (block < 0 || block > XQM_MAX_SIZE)
		return xqo_refuse(node, -EINVAL, "a block of %lld", (long long)block);
	op->params.linear.axis = xqo_int(node, "axis", 1);
	op->params.linear.block = (size_t)block;
	op->params.linear.precision = precision > 0 && precision < 100
					      ? xqo_type((int32_t)precision)
					      : XQ_NONE;
	return 0;
}

int xqo_build_quantize(struct xqo_node *node)
{
	const struct xqm_tensor *zero = xqm_tensor(node->graph, xqo_in(node, 2));
	int64_t code = xqo_int(node, "output_dtype", 0);
	int type = zero ? zero->type : code > 0 && code < 100 ? xqo_type((int32_t)code) : XQ_U8;
	struct xqm_operator *op;

	if (code && type == XQ_NONE)
		return xqo_refuse(node, -EOPNOTSUPP, "its output_dtype is not known");
	/* An output without a name is nobody's. */
	if (node->output[0])
		xqm_tensor(node->graph, node->output[0])->type = type;
	op = xqo_add(node, XQM_QUANTIZE_LINEAR, node->inputs);
	return op ? set_linear(node, op) : -ENOMEM;
}

int xqo_build_dequantize(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_DEQUANTIZE_LINEAR, node->inputs);
	int64_t code = xqo_int(node, "output_dtype", 0);

	if (!op)
		return -ENOMEM;
	/* Convolutions want to know how many dimensions their weights have. */
	if (node->output[0])
		xqm_tensor(node->graph, node->output[0])->shape =
			xqm_tensor(node->graph, node->input[0])->shape;
	op->params.linear.to = code > 0 && code < 100 ? xqo_type((int32_t)code) : XQ_NONE;
	return set_linear(node, op);
}

/* ---- operators that only kernels know ---------------------------------------------------- */

static int transpose(struct xqo_node *node, const int *from, const int *to, unsigned int dims, bool last)
{
	struct xqm_operator *op = xqo_add_with(node, XQM_TRANSPOSE, from, 1, to, 1);

	if (!op)
		return -ENOMEM;
	op->type = "Transpose";
	op->params.transpose.dims = dims;
	for (unsigned int d = 1; d < dims; d++)
		op->params.transpose.order[d] = last ? d % (dims - 1) + 1 : d == 1 ? dims - 1 : d - 1;
	return 0;
}

/* Between two transpositions; weights are in the same order as otherwise. */
static int conv_of_channels_last(struct xqo_node *node, const struct xqm_window *window)
{
	const unsigned int dims = window->dims + 2;
	const int x = node->input[0], y = node->output[0], in = xqo_between(node, XQ_NONE), out = xqo_between(node, XQ_NONE);
	int err = in < 0 || out < 0 ? -ENOMEM : transpose(node, &x, &in, dims, false);

	if (err)
		return err;
	node->input[0] = in;
	node->output[0] = out;
	err = xqo_add_other(node, &xqm_qlinear_conv_kernel, window, sizeof(*window));
	/* By these the names of the file are told from now on. */
	node->input[0] = x;
	node->output[0] = y;
	return err ? err : transpose(node, &out, &y, dims, true);
}

int xqo_build_qlinear_conv(struct xqo_node *node)
{
	const struct xqm_tensor *w = xqm_tensor(node->graph, xqo_in(node, 3));
	struct xqm_window window = { 0 };
	size_t count;
	int err;

	xqo_ints(node, "kernel_shape", &count);
	if (!count && w->shape.known && w->shape.dims > 2)
		count = w->shape.dims - 2;
	err = xqo_window(node, count > XQM_SPATIAL ? XQM_SPATIAL + 1 : (unsigned int)count,
			 &window);
	if (!err && xqo_int(node, "channels_last", 0) != 0)
		return conv_of_channels_last(node, &window);
	return err ? err : xqo_add_other(node, &xqm_qlinear_conv_kernel, &window, sizeof(window));
}

int xqo_build_qlinear_matmul(struct xqo_node *node)
{
	return xqo_add_other(node, &xqm_qlinear_matmul_kernel, NULL, 0);
}

int xqo_build_qgemm(struct xqo_node *node)
{
	const struct xqm_qgemm p = { xqo_int(node, "transA", 0) != 0,
				     xqo_int(node, "transB", 0) != 0 };

	if (xqo_float(node, "alpha", 1) != 1)
		return xqo_refuse(node, -EOPNOTSUPP, "an alpha of %g",
				  (double)xqo_float(node, "alpha", 1));
	return xqo_add_other(node, &xqm_qgemm_kernel, &p, sizeof(p));
}

int xqo_build_qlinear_pair(struct xqo_node *node)
{
	const struct xqm_kernel *kernel = node->kind->op == XQM_ADD ? &xqm_qlinear_add_kernel
								    : &xqm_qlinear_mul_kernel;

	return xqo_add_other(node, kernel, NULL, 0);
}

int xqo_build_qlinear_function(struct xqo_node *node)
{
	const struct xqm_qlinear p = {
		.what = node->kind->op == XQM_LEAKY_RELU ? XQM_QLINEAR_LEAKY_RELU
							 : XQM_QLINEAR_SIGMOID,
		.alpha = xqo_float(node, "alpha", 0.01f),
	};

	return xqo_add_other(node, &xqm_qlinear_function_kernel, &p, sizeof(p));
}

int xqo_build_qlinear_softmax(struct xqo_node *node)
{
	const struct xqm_qlinear p = { .axis = xqo_int(node, "axis", -1),
				       .flatten = xqo_int(node, "opset", 13) < 13 };

	return xqo_add_other(node, &xqm_qlinear_softmax_kernel, &p, sizeof(p));
}

int xqo_build_qlinear_concat(struct xqo_node *node)
{
	const struct xqm_qlinear p = { .axis = xqo_int(node, "axis", 1) };

	return xqo_add_other(node, &xqm_qlinear_concat_kernel, &p, sizeof(p));
}

int xqo_build_qlinear_pool(struct xqo_node *node)
{
	struct xqm_qlinear p = { .global = node->kind->op == XQM_GLOBAL_AVERAGE_POOL };
	size_t count;
	const int64_t *kernel = xqo_ints(node, "kernel_shape", &count);
	int err = p.global ? 0
			   : xqo_window(node,
					count > XQM_SPATIAL ? XQM_SPATIAL + 1 : (unsigned int)count,
					&p.window);

	for (size_t d = 0; !err && !p.global && d < count; d++) {
		if (kernel[d] < 1 || kernel[d] > XQM_MAX_SIZE)
			err = xqo_refuse(node, -EINVAL, "a kernel of %lld", (long long)kernel[d]);
		p.window.kernel[d] = (size_t)kernel[d];
	}
	p.window.channels_last = xqo_int(node, "channels_last", 0) != 0;
	p.window.count_pad = xqo_int(node, "count_include_pad", 0) != 0;
	p.window.ceil = xqo_int(node, "ceil_mode", 0) != 0;
	return err ? err : xqo_add_other(node, &xqm_qlinear_pool_kernel, &p, sizeof(p));
}
