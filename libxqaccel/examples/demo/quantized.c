// SPDX-License-Identifier: MIT
/*
 * The float network, quantized after training: weights symmetric with a scale for each output
 * channel, activations with one scale that is found on a few training images.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/calibrate.h>
#include <xqaccel/quantize.h>

#include "run.h"

#define WIDEST	256

struct layer {
	const float *weights, *bias;
	size_t in, out;
	float x_scale, w_scale[WIDEST];
	int8_t quantized[WIDEST * WIDEST];
	int32_t added[WIDEST];
};

/**
 * struct quantized - a network
 * @range: what activations are quantized to, u8 or u4
 * @x_type: @x_zp: how they are stored: u4 less 8 is s4, since s4 meets s4 on the device
 */
struct quantized {
	enum xq_type range, x_type, w_type;
	int32_t x_zp;
	struct layer layer[LAYERS];
};

/* ---- calibration: the float network on a few images ------------------------------------------------ */

static float *float_layer(const struct layer *l, const float *x, size_t rows)
{
	float *y = calloc(rows * l->out, sizeof(*y));
	size_t r, i, j;

	for (r = 0; y && r < rows; r++) {
		for (j = 0; j < l->out; j++) {
			float sum = l->bias[j];

			for (i = 0; i < l->in; i++)
				sum += x[r * l->in + i] * l->weights[j * l->in + i];
			y[r * l->out + j] = sum > 0 ? sum : 0;
		}
	}
	return y;
}

/* The scale of each layer's input. Pixels are exact: 0 to 1 in 255 or 15 steps. */
static int find_scales(struct quantized *q, const struct network_file *file)
{
	const struct xq_calibration how = { .method = q->w_type == XQ_S8 ? XQ_CAL_MINMAX : XQ_CAL_MSE };
	float *x = malloc(sizeof(file->calibration) * sizeof(float));
	struct xq_layout layout;
	struct xq_qtype type;
	int32_t zero;
	size_t l, i;
	int err = x ? 0 : -ENOMEM;

	xq_qtype_of(q->range, &type);
	q->layer[0].x_scale = 1.0f / (float)type.max;
	for (i = 0; x && i < CALIBRATION * IMAGE_PIXELS; i++)
		x[i] = (float)file->calibration[i / IMAGE_PIXELS][i % IMAGE_PIXELS] / 255;
	for (l = 1; l < LAYERS && !err; l++) {
		const size_t dims[] = { CALIBRATION * layer_size[l] };
		float *y = float_layer(&q->layer[l - 1], x, CALIBRATION);

		free(x);
		x = y;
		xq_layout_tensor(dims, 1, &layout);
		err = !y ? -ENOMEM : xq_find_params(y, &layout, &type, XQ_AFFINE, &how,
						   &q->layer[l].x_scale, &zero, NULL);
	}
	free(x);
	return err;
}

/* ---- layers ------------------------------------------------------------------------------------------ */

static int quantize_layer(const struct quantized *q, struct layer *l)
{
	const size_t dims[] = { l->out, l->in };
	struct xq_layout layout;
	struct xq_qtype type;
	size_t j;
	int err;

	xq_layout_channel(dims, 2, 0, &layout);
	xq_qtype_of(q->w_type, &type);
	err = xq_quantize_found(l->weights, &layout, &type, XQ_SYMMETRIC, NULL, NULL, l->quantized, l->w_scale, NULL,
				NULL);
	for (j = 0; j < l->out; j++)
		l->added[j] = (int32_t)lrintf(l->bias[j] / (l->x_scale * l->w_scale[j]));
	return err;
}

/* Activations: the zero point is the least value, so that saturation is the ReLU. */
static int add_activation(struct xq_network *net, const struct quantized *q, const struct layer *l)
{
	return xq_network_tensor(net, &(struct xq_network_tensor){
		.type = q->x_type, .channels = 1, .scale = &l->x_scale, .zero_point = &q->x_zp });
}

/* Returns the layer's output, which is that of the network if there is no next one. */
static int add_layer(struct xq_network *net, const struct quantized *q, const struct layer *l, int x,
		     const struct layer *next)
{
	const int w = xq_network_tensor(net, &(struct xq_network_tensor){
		.type = q->w_type, .dims = 2, .dim = { l->out, l->in }, .channels = l->out, .scale = l->w_scale,
		.data = l->quantized });
	const int bias = xq_network_tensor(net, &(struct xq_network_tensor){
		.type = XQ_S32, .dims = 1, .dim = { l->out }, .data = l->added });
	const int y = next ? add_activation(net, q, next) :
		      xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_F32 });
	const int err = xq_network_product(net, &(struct xq_network_product){
		.x = x, .w = w, .y = y, .finish = { .bias = bias, .profile = XQ_REQUANT_ONNX } });

	return err < 0 ? err : y;
}

/* Pixels are what the first layer takes, or are made it: 255 of them are 15 steps. */
static int add_input(struct xq_network *net, const struct quantized *q, int *input)
{
	static const float step = 1.0f / 255;
	int x, err;

	*input = xq_network_tensor(net, &(struct xq_network_tensor){
		.name = "pixels", .type = XQ_U8, .dims = 2, .dim = { 1, IMAGE_PIXELS }, .batched = true, .channels = 1,
		.scale = &step });
	err = xq_network_input(net, *input);
	if (err || q->x_type == XQ_U8)
		return err ? err : *input;
	x = add_activation(net, q, &q->layer[0]);
	err = xq_network_convert(net, &(struct xq_network_convert){ .x = *input, .y = x, .profile = XQ_REQUANT_ONNX });
	return err < 0 ? err : x;
}

static int make_network(const struct network_file *file, struct quantized *q, struct classifier *c)
{
	const float *weights = file->weights, *bias = file->bias;
	size_t l;
	int err = xq_network_create(&c->net), x;

	if (err)
		return err;
	for (l = 0; l < LAYERS; l++) {
		q->layer[l].in = layer_size[l];
		q->layer[l].out = layer_size[l + 1];
		q->layer[l].weights = weights;
		q->layer[l].bias = bias;
		weights += layer_size[l] * layer_size[l + 1];
		bias += layer_size[l + 1];
	}
	err = find_scales(q, file);
	for (l = 0; l < LAYERS && !err; l++)
		err = quantize_layer(q, &q->layer[l]);
	if (err)
		return err;
	x = add_input(c->net, q, &c->input);
	for (l = 0; l < LAYERS && x > 0; l++)
		x = add_layer(c->net, q, &q->layer[l], x, l + 1 < LAYERS ? &q->layer[l + 1] : NULL);
	c->scores = x;
	return 0;
}

static int run_types(struct xq_device *dev, const struct network_file *file, const struct quantized *types,
		     struct run *run)
{
	struct classifier c = { .batch = TEST_IMAGES / 2 };
	struct quantized *q = malloc(sizeof(*q));
	int err;

	if (!q)
		return -ENOMEM;
	*q = *types;
	err = make_network(file, q, &c);
	if (!err)
		err = run_classifier(dev, &c, file->images[0], TEST_IMAGES, file->labels, run);
	else
		xq_network_destroy(c.net);
	free(q);
	return err;
}

int run_int8(struct xq_device *dev, const struct network_file *file, struct run *run)
{
	static const struct quantized types = { .range = XQ_U8, .x_type = XQ_U8, .w_type = XQ_S8 };

	return run_types(dev, file, &types, run);
}

int run_int4(struct xq_device *dev, const struct network_file *file, struct run *run)
{
	static const struct quantized types = { .range = XQ_U4, .x_type = XQ_S4, .w_type = XQ_S4, .x_zp = -8 };

	return run_types(dev, file, &types, run);
}
