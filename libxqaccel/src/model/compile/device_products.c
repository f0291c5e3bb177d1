// SPDX-License-Identifier: MIT
/*
 * Convolutions, fully connected layers and pools on the device.
 */
#include <math.h>
#include <string.h>

#include "compile.h"

static const struct xqm_tensor *in(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int i)
{
	return xqm_input(graph, op, i);
}

/* ---- what follows a product ---------------------------------------------------------------------------------- */

/* Operands 0 to 2 are x, weights and bias; the output is requantized by scales. */
static bool takes_product(const struct xqm_graph *graph, const struct xqm_operator *op, size_t channels,
			  unsigned int channel_axis)
{
	const struct xqm_tensor *w = in(graph, op, 1), *bias = in(graph, op, 2);
	size_t i;

	if (!xqm_is(graph, op->input[0], XQM_BYTES) || !xqm_moves(graph, op->input[0]) ||
	    !xqm_is(graph, op->input[1], XQM_WEIGHTS) || xqm_moves(graph, op->input[1]) ||
	    !xqm_is(graph, op->output[0], XQM_BYTES) || !xqm_one_scale(graph, op->input[0]) ||
	    !xqm_one_scale(graph, op->output[0]) || !w->quantization.count)
		return false;
	if (w->quantization.count > 1 && (w->quantization.axis != channel_axis || w->quantization.count != channels))
		return false;
	for (i = 0; i < w->quantization.count; i++)
		if (!(w->quantization.scale[i] >= 0))
			return false;
	return !bias || (bias->data && bias->type == XQ_S32 && xqm_elements(&bias->shape) == (int64_t)channels);
}

/* Number of the bias in the network, as a list of the channels whatever its shape is in the file. */
static int add_bias(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const struct xqm_tensor *bias = in(c->graph, op, 2);

	if (!bias)
		return 0;
	return xq_network_tensor(c->network, &(struct xq_network_tensor){
		.name = *bias->name ? bias->name : NULL, .type = XQ_S32, .dims = 1,
		.dim = { (size_t)xqm_elements(&bias->shape) }, .data = bias->data });
}

static int set_finish(struct xqm_compiler *c, const struct xqm_operator *op, float low, float high,
		      struct xq_network_finish *finish)
{
	const struct xqm_tensor *y = xqm_output(c->graph, op, 0);

	*finish = (struct xq_network_finish){ .profile = op->arithmetic };
	finish->clamp = xqm_bounds(y, op->arithmetic, low, high, &finish->act_min, &finish->act_max);
	finish->bias = add_bias(c, op);
	return finish->bias < 0 ? xqm_fail_at(c->graph, op, finish->bias, "%s", xq_network_error(c->network)) : 0;
}

/* ---- convolutions ---------------------------------------------------------------------------------------------- */

/* Where weights have the kernel's sizes and the output channels. */
static bool weight_sizes(const struct xqm_window *w, const struct xqm_tensor *t,
			 struct xqm_image *image)
{
	const int64_t *dim = t->shape.dim;

	switch (w->weights) {
	case XQ_WEIGHTS_OHWI:
		image->channels = dim[0];
		image->kernel[0] = dim[1];
		image->kernel[1] = dim[2];
		return t->shape.dims == 4;
	case XQ_WEIGHTS_OIHW:
		image->channels = dim[0];
		image->kernel[0] = dim[2];
		image->kernel[1] = dim[3];
		return t->shape.dims == 4;
	default:
		image->channels = dim[3];
		image->kernel[0] = dim[1];
		image->kernel[1] = dim[2];
		return t->shape.dims == 4 && dim[0] == 1;
	}
}

/* The geometry of an image in two dimensions with channels last; sizes of the output as the graph has them. */
static bool image_of(const struct xqm_graph *graph, const struct xqm_operator *op, const int64_t *kernel,
		     int64_t channels, bool transposed, struct xqm_image *image)
{
	const struct xqm_window *w = &op->params.window;
	const struct xqm_tensor *x = in(graph, op, 0), *y = xqm_output(graph, op, 0);
	unsigned int i;

	if (w->dims != 2 || !w->channels_last || x->shape.dims != 4 || y->shape.dims != 4 ||
	    y->shape.dim[0] != x->shape.dim[0] || y->shape.dim[3] != channels)
		return false;
	for (i = 0; i < 2; i++) {
		int64_t *out = &image->out[i];

		image->kernel[i] = kernel[i];
		if (transposed) {
			image->begin[i] = w->begin[i];
			image->end[i] = w->end[i];
			*out = (x->shape.dim[1 + i] - 1) * (int64_t)w->stride[i] +
				(kernel[i] - 1) * (int64_t)w->dilation[i] + 1 + (int64_t)w->output_pad[i] -
				w->begin[i] - w->end[i];
		} else if (!xqm_geometry(w, i, x->shape.dim[1 + i], kernel[i], &image->begin[i], &image->end[i], out)) {
			return false;
		}
		if (*out != y->shape.dim[1 + i] || image->begin[i] < 0 || image->end[i] < 0)
			return false;
	}
	return true;
}

bool xqm_conv_image(const struct xqm_graph *graph, const struct xqm_operator *op,
		    struct xqm_image *image)
{
	const struct xqm_window *w = &op->params.window;
	const bool transposed = op->op == XQM_CONV_TRANSPOSE;

	/* Transposed weights of ONNX are in another order. */
	return weight_sizes(w, in(graph, op, 1), image) && (!transposed || w->weights == XQ_WEIGHTS_OHWI) &&
	       !(w->ceil && !transposed) && image_of(graph, op, image->kernel, image->channels, transposed, image);
}

static bool takes_conv(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_window *w = &op->params.window;
	const struct xqm_tensor *t = in(graph, op, 1), *x = in(graph, op, 0);
	struct xqm_image image;
	int64_t per_group;

	if (!xqm_is(graph, op->input[0], XQM_BYTES) || !xqm_is(graph, op->input[1], XQM_WEIGHTS) ||
	    !xqm_is(graph, op->output[0], XQM_BYTES) || !xqm_conv_image(graph, op, &image))
		return false;
	per_group = w->weights == XQ_WEIGHTS_OHWI ? t->shape.dim[3] : w->weights == XQ_WEIGHTS_OIHW ? t->shape.dim[1] : 1;
	return w->groups && x->shape.dim[3] == per_group * (int64_t)w->groups && image.channels % (int64_t)w->groups == 0 &&
	       takes_product(graph, op, (size_t)image.channels, w->weights == XQ_WEIGHTS_HWO ? 3 : 0);
}

struct xq_network_convolution xqm_convolution(struct xqm_graph *graph,
					      const struct xqm_operator *op,
					      struct xqm_image *image)
{
	const struct xqm_window *w = &op->params.window;

	xqm_conv_image(graph, op, image);
	return (struct xq_network_convolution){
		.name = xqm_operator_name(graph, op),
		.order = w->weights,
		.groups = w->groups,
		.stride_h = w->stride[0],
		.stride_w = w->stride[1],
		.dilation_h = w->dilation[0],
		.dilation_w = w->dilation[1],
		.transposed = op->op == XQM_CONV_TRANSPOSE,
		.output_pad_h = w->output_pad[0],
		.output_pad_w = w->output_pad[1],
		.pad_top = (size_t)image->begin[0],
		.pad_left = (size_t)image->begin[1],
		.pad_bottom = (size_t)image->end[0],
		.pad_right = (size_t)image->end[1],
	};
}

static int add_conv(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const struct xqm_window *w = &op->params.window;
	struct xqm_image image;
	struct xq_network_convolution conv = xqm_convolution(c->graph, op, &image);
	const int err = set_finish(c, op, w->low, w->high, &conv.finish);

	if (err)
		return err;
	conv.x = xqm_network_tensor(c, op->input[0]);
	conv.w = xqm_network_tensor(c, op->input[1]);
	conv.y = xqm_network_tensor(c, op->output[0]);
	return xqm_added(c, op, xq_network_convolution(c->network, &conv));
}

/* ---- fully connected ------------------------------------------------------------------------------------------- */

static bool takes_fully_connected(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = in(graph, op, 0), *w = in(graph, op, 1), *y = xqm_output(graph, op, 0);
	int64_t n, k;

	if (!xqm_is(graph, op->input[0], XQM_BYTES) || !xqm_is(graph, op->input[1], XQM_WEIGHTS) ||
	    !xqm_is(graph, op->output[0], XQM_BYTES) || w->shape.dims != 2)
		return false;
	n = w->shape.dim[0];
	k = w->shape.dim[1];
	return takes_product(graph, op, (size_t)n, 0) && y->shape.dim[y->shape.dims - 1] == n &&
	       xqm_elements(&x->shape) % k == 0 && xqm_elements(&x->shape) / k == xqm_elements(&y->shape) / n;
}

/* The input with the output's leading dimensions, however the file shapes it. */
static int shape_rows(struct xqm_compiler *c, const struct xqm_operator *op, int64_t k)
{
	const struct xqm_tensor *x = in(c->graph, op, 0), *y = xqm_output(c->graph, op, 0);
	struct xqm_shape shape = y->shape;

	shape.dim[shape.dims - 1] = k;
	return xqm_same_shape(&shape, &x->shape) ? xqm_network_tensor(c, x->number) :
	       xqm_network_seen_as(c, op, x->number, &shape, &x->quantization);
}

static int add_fully_connected(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const struct xqm_fully_connected *p = &op->params.fully_connected;
	struct xq_network_product product = { .name = xqm_operator_name(c->graph, op) };
	int err = set_finish(c, op, p->low, p->high, &product.finish);

	if (err)
		return err;
	product.x = shape_rows(c, op, in(c->graph, op, 1)->shape.dim[1]);
	product.w = xqm_network_tensor(c, op->input[1]);
	product.y = xqm_network_tensor(c, op->output[0]);
	return product.x < 0 ? product.x : xqm_added(c, op, xq_network_product(c->network, &product));
}

/* ---- pools ------------------------------------------------------------------------------------------------------ */

/* TensorFlow Lite wants the scales to be near enough to each other, and computes as if they were equal. */
static bool same_pool_scale(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = in(graph, op, 0), *y = xqm_output(graph, op, 0);

	if (op->arithmetic == XQ_REQUANT_ONNX || !xqm_one_scale(graph, op->input[0]) || !xqm_one_scale(graph, op->output[0]))
		return xqm_same_scale(graph, op->input[0], op->output[0]);
	return xqm_zero_point(x, 0) == xqm_zero_point(y, 0) &&
	       fabs((double)x->quantization.scale[0] - (double)y->quantization.scale[0]) <= 1e-6;
}

static bool is_global(const struct xqm_operator *op)
{
	return op->op == XQM_GLOBAL_AVERAGE_POOL || op->op == XQM_GLOBAL_MAX_POOL;
}

static bool pool_image(const struct xqm_graph *graph, const struct xqm_operator *op,
		       struct xqm_image *image)
{
	const struct xqm_window *w = &op->params.window;
	const struct xqm_tensor *x = in(graph, op, 0), *y = xqm_output(graph, op, 0);

	if (is_global(op))
		return w->channels_last && x->shape.dims == 4 && y->shape.dims == 4 && y->shape.dim[1] == 1 &&
		       y->shape.dim[2] == 1 && y->shape.dim[3] == x->shape.dim[3];
	return x->shape.dims == 4 && w->dilation[0] == 1 && w->dilation[1] == 1 && !w->ceil &&
	       image_of(graph, op, (const int64_t[]){ (int64_t)w->kernel[0], (int64_t)w->kernel[1] }, x->shape.dim[3], false,
			image) &&
	       (!w->count_pad || op->op == XQM_MAX_POOL ||
		!(image->begin[0] | image->begin[1] | image->end[0] | image->end[1]));
}

static bool takes_pool(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	struct xqm_image image;

	return op->outputs == 1 && xqm_is(graph, op->input[0], XQM_BYTES) && xqm_moves(graph, op->input[0]) &&
	       xqm_is(graph, op->output[0], XQM_BIT(in(graph, op, 0)->type)) && same_pool_scale(graph, op) &&
	       pool_image(graph, op, &image);
}

static int add_pool(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const struct xqm_window *w = &op->params.window;
	const struct xqm_tensor *y = xqm_output(c->graph, op, 0);
	struct xqm_image image = { 0 };
	struct xq_network_pool pool = {
		.name = xqm_operator_name(c->graph, op), .global = is_global(op),
		.kind = op->op == XQM_MAX_POOL || op->op == XQM_GLOBAL_MAX_POOL ? XQ_MAX_POOL : XQ_AVERAGE_POOL,
		.kernel_h = w->kernel[0], .kernel_w = w->kernel[1], .stride_h = w->stride[0], .stride_w = w->stride[1],
	};

	pool_image(c->graph, op, &image);
	pool.pad_top = (size_t)image.begin[0];
	pool.pad_left = (size_t)image.begin[1];
	pool.pad_bottom = (size_t)image.end[0];
	pool.pad_right = (size_t)image.end[1];
	if (!pool.global && y->quantization.count)
		pool.clamp = xqm_bounds(y, op->arithmetic, w->low, w->high, &pool.act_min, &pool.act_max);
	pool.x = xqm_network_tensor(c, op->input[0]);
	pool.y = xqm_network_tensor(c, op->output[0]);
	return xqm_added(c, op, xq_network_pool(c->network, &pool));
}

const struct xqm_device_operator xqm_device_products[] = {
	{ XQM_CONV, takes_conv, add_conv },
	{ XQM_CONV_TRANSPOSE, takes_conv, add_conv },
	{ XQM_FULLY_CONNECTED, takes_fully_connected, add_fully_connected },
	{ XQM_AVERAGE_POOL, takes_pool, add_pool },
	{ XQM_MAX_POOL, takes_pool, add_pool },
	{ XQM_GLOBAL_AVERAGE_POOL, takes_pool, add_pool },
	{ XQM_GLOBAL_MAX_POOL, takes_pool, add_pool },
	{ 0 }
};
