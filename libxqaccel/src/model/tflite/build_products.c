// SPDX-License-Identifier: MIT
/*
 * Convolutions, products and pools.
 */
#include <errno.h>
#include <string.h>

#include "reader.h"

/* Numbers of the fields of an operator's options; those that it lacks are below 0. */
struct fields {
	int padding, stride_h, stride_w, dilation_h, dilation_w, activation;
};

static int positive(struct xqt_call *call, int field, const char *what, size_t *to)
{
	const int64_t value = field < 0 ? 1 : xqt_integer(&call->options, (unsigned int)field, 4, 0);

	*to = (size_t)value;
	if (value < 1 || value > XQM_MAX_SIZE)
		return xqt_refuse(call, -EINVAL, "%s of %lld", what, (long long)value);
	return 0;
}

/* A dilation that a file leaves out is 1. */
static int dilation(struct xqt_call *call, int field, size_t *to)
{
	if (field >= 0 && xqt_has(&call->options, (unsigned int)field))
		return positive(call, field, "a dilation", to);
	*to = 1;
	return 0;
}

static int read_window(struct xqt_call *call, const struct fields *f, struct xqm_window *w)
{
	const int64_t padding = xqt_integer(&call->options, (unsigned int)f->padding, 1, 0);
	int err;

	memset(w, 0, sizeof(*w));
	w->dims = 2;
	w->channels_last = true;
	w->groups = 1;
	if (padding != 0 && padding != 1)
		return xqt_refuse(call, -EINVAL, "padding of kind %lld", (long long)padding);
	w->padding = padding ? XQM_PAD_GIVEN : XQM_PAD_SAME;
	err = positive(call, f->stride_h, "a stride", &w->stride[0]);
	if (!err)
		err = positive(call, f->stride_w, "a stride", &w->stride[1]);
	if (!err)
		err = dilation(call, f->dilation_h, &w->dilation[0]);
	if (!err)
		err = dilation(call, f->dilation_w, &w->dilation[1]);
	return err ? err : xqt_activation(call, (unsigned int)f->activation, &w->low, &w->high);
}

/* An operator with one output and a window. */
static int add(struct xqt_call *call, const int *input, unsigned int inputs, const struct xqm_window *w)
{
	struct xqm_operator *op;

	if (call->outputs != 1)
		return xqt_refuse(call, -EINVAL, "it has %u outputs, not 1", call->outputs);
	op = xqt_add(call, call->kind->op, inputs, 1);
	if (!op)
		return -ENOMEM;
	memcpy(op->input, input, inputs * sizeof(*input));
	op->output[0] = call->output[0];
	op->params.window = *w;
	return 0;
}

static int four_dims(struct xqt_call *call, unsigned int operand, struct xqm_shape *shape)
{
	char text[XQM_SHAPE_TEXT];
	int err = xqt_shape(call, operand, shape);

	if (!err && shape->dims != 4)
		err = xqt_refuse(call, -EINVAL, "its input %u has the shape %s, not 4 dimensions", operand,
				 xqm_shape_text(shape, text));
	return err;
}

int xqt_build_conv(struct xqt_call *call)
{
	static const struct fields fields = { CONV_PADDING, CONV_STRIDE_H, CONV_STRIDE_W, CONV_DILATION_H,
					      CONV_DILATION_W, CONV_ACTIVATION };
	struct xqm_shape x, weights;
	struct xqm_window w;
	int err = read_window(call, &fields, &w);

	if (!err)
		err = four_dims(call, 0, &x);
	if (!err)
		err = four_dims(call, 1, &weights);
	if (err)
		return err;
	if (weights.dim[3] < 1 || x.dim[3] < 1 || x.dim[3] % weights.dim[3])
		return xqt_refuse(call, -EINVAL, "its weights are for %lld input channels, it has %lld",
				  (long long)weights.dim[3], (long long)x.dim[3]);
	w.groups = (size_t)(x.dim[3] / weights.dim[3]);
	w.weights = XQ_WEIGHTS_OHWI;
	return add(call, call->input, call->inputs, &w);
}

int xqt_build_depthwise(struct xqt_call *call)
{
	static const struct fields fields = { DEPTHWISE_PADDING, DEPTHWISE_STRIDE_H, DEPTHWISE_STRIDE_W,
					      DEPTHWISE_DILATION_H, DEPTHWISE_DILATION_W, DEPTHWISE_ACTIVATION };
	struct xqm_shape x, weights;
	struct xqm_window w;
	int err = read_window(call, &fields, &w);

	if (!err)
		err = four_dims(call, 0, &x);
	if (!err)
		err = four_dims(call, 1, &weights);
	if (err)
		return err;
	if (weights.dim[0] != 1 || x.dim[3] < 1 || weights.dim[3] < 1 || weights.dim[3] % x.dim[3])
		return xqt_refuse(call, -EINVAL, "its weights have %lld channels, its input %lld",
				  (long long)weights.dim[3], (long long)x.dim[3]);
	w.groups = (size_t)x.dim[3];
	w.weights = XQ_WEIGHTS_HWO;
	return add(call, call->input, call->inputs, &w);
}

/* Operands: shape of the output, weights, x, bias. The pads follow from the shape. */
int xqt_build_transpose_conv(struct xqt_call *call)
{
	static const struct fields fields = { TRANSPOSE_CONV_PADDING, TRANSPOSE_CONV_STRIDE_H, TRANSPOSE_CONV_STRIDE_W, -1,
					      -1, TRANSPOSE_CONV_ACTIVATION };
	struct xqm_shape x, weights;
	struct xqm_window w;
	int64_t y[4];
	unsigned int i;
	int err = read_window(call, &fields, &w);

	if (!err)
		err = four_dims(call, 2, &x);
	if (!err)
		err = four_dims(call, 1, &weights);
	if (err)
		return err;
	err = xqt_integers(call, 0, "the sizes of its output", y, 4);
	if (err < 0)
		return err;
	if (err != 4)
		return xqt_refuse(call, -EINVAL, "the output has %d sizes, not 4", err);
	w.weights = XQ_WEIGHTS_OHWI;
	w.padding = XQM_PAD_GIVEN;
	for (i = 0; i < 2; i++) {
		const int64_t whole = (x.dim[1 + i] - 1) * (int64_t)w.stride[i] + weights.dim[1 + i];
		const int64_t more = whole - y[1 + i];

		if (y[1 + i] < 1 || y[1 + i] > XQM_MAX_SIZE || more < -(int64_t)w.stride[i])
			return xqt_refuse(call, -EINVAL, "an output of %lld by %lld does not follow from its input",
					  (long long)y[1], (long long)y[2]);
		w.begin[i] = more > 0 ? more / 2 : 0;
		w.end[i] = more > 0 ? more - more / 2 : 0;
		w.output_pad[i] = more < 0 ? (size_t)-more : 0;
	}
	return add(call, (const int[]){ call->input[2], call->input[1], call->inputs > 3 ? call->input[3] : 0 }, 3, &w);
}

int xqt_build_pool(struct xqt_call *call)
{
	static const struct fields fields = { POOL_PADDING, POOL_STRIDE_H, POOL_STRIDE_W, -1, -1, POOL_ACTIVATION };
	struct xqm_shape x;
	struct xqm_window w;
	int err = read_window(call, &fields, &w);

	if (!err)
		err = four_dims(call, 0, &x);
	if (!err)
		err = positive(call, POOL_HEIGHT, "a window", &w.kernel[0]);
	if (!err)
		err = positive(call, POOL_WIDTH, "a window", &w.kernel[1]);
	/* What reaches beyond twice the image sees nothing more, and would only be walked through. */
	if (!err && ((int64_t)w.kernel[0] > 2 * x.dim[1] || (int64_t)w.kernel[1] > 2 * x.dim[2]))
		err = xqt_refuse(call, -EOPNOTSUPP, "a window of %zu by %zu over an image of %lld by %lld", w.kernel[0], w.kernel[1],
				 (long long)x.dim[1], (long long)x.dim[2]);
	return err ? err : add(call, call->input, 1, &w);
}

int xqt_build_fully_connected(struct xqt_call *call)
{
	struct xqm_fully_connected p = { 0 };
	struct xqm_operator *op;
	int err = xqt_activation(call, FULLY_CONNECTED_ACTIVATION, &p.low, &p.high);

	if (err)
		return err;
	if (xqt_integer(&call->options, FULLY_CONNECTED_FORMAT, 1, 0))
		return xqt_refuse(call, -EOPNOTSUPP, "its weights are shuffled for one processor");
	if (call->outputs != 1)
		return xqt_refuse(call, -EINVAL, "it has %u outputs, not 1", call->outputs);
	p.keep_dims = xqt_integer(&call->options, FULLY_CONNECTED_KEEP_DIMS, 1, 0);
	op = xqt_add(call, XQM_FULLY_CONNECTED, call->inputs, 1);
	if (!op)
		return -ENOMEM;
	memcpy(op->input, call->input, call->inputs * sizeof(*op->input));
	op->output[0] = call->output[0];
	op->params.fully_connected = p;
	return 0;
}

int xqt_build_batch_matmul(struct xqt_call *call)
{
	struct xqm_operator *op = xqt_add(call, XQM_MATMUL, 2, 1);

	if (!op)
		return -ENOMEM;
	memcpy(op->input, call->input, 2 * sizeof(*op->input));
	op->output[0] = call->output[0];
	op->params.matmul = (struct xqm_matmul){
		.transpose_a = xqt_integer(&call->options, BATCH_MATMUL_ADJOINT_X, 1, 0),
		.transpose_b = xqt_integer(&call->options, BATCH_MATMUL_ADJOINT_Y, 1, 0),
		.alpha = 1, .low = -__builtin_inff(), .high = __builtin_inff(),
	};
	return 0;
}
