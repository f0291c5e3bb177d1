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

#define BATCH	500
#define WIDEST	256

struct layer {
	const float *weights, *bias;
	size_t in, out;
	float x_scale, w_scale[WIDEST];
	struct xq_linear *linear;
};

struct quantized {
	enum xq_type x_type, w_type;
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

	xq_qtype_of(q->x_type, &type);
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

static int make_layer(struct xq_device *dev, struct quantized *q, struct layer *l, bool last)
{
	const size_t dims[] = { l->out, l->in };
	int8_t *weights = malloc(l->out * l->in);
	struct xq_linear_config config = {
		.inputs = l->in, .outputs = l->out, .x_type = q->x_type, .w_type = q->w_type,
		.weights = weights,
	};
	struct xq_requant requant = { .profile = XQ_REQUANT_ONNX, .type = q->x_type, .params = l->out };
	struct xq_layout layout;
	struct xq_qtype type;
	int32_t bias[WIDEST];
	float m[WIDEST];
	size_t j;
	int err;

	if (!weights)
		return -ENOMEM;
	xq_layout_channel(dims, 2, 0, &layout);
	xq_qtype_of(q->w_type, &type);
	err = xq_quantize_found(l->weights, &layout, &type, XQ_SYMMETRIC, NULL, NULL, weights, l->w_scale,
				NULL, NULL);
	for (j = 0; j < l->out; j++)
		bias[j] = (int32_t)lrintf(l->bias[j] / (l->x_scale * l->w_scale[j]));
	config.bias = bias;
	if (!err && !last) {
		/* The zero point is 0, so that saturation is the ReLU. */
		err = xq_scale_product(l->x_scale, l->w_scale, l->out, l[1].x_scale, m);
		requant.scale = m;
		config.requant = &requant;
	}
	if (!err)
		err = xq_linear_create(dev, &config, &l->linear);
	free(weights);
	return err;
}

static int make_network(struct xq_device *dev, const struct network_file *file, struct quantized *q,
			size_t *bytes)
{
	const float *weights = file->weights, *bias = file->bias;
	size_t l;
	int err;

	for (l = 0; l < LAYERS; l++) {
		q->layer[l].in = layer_size[l];
		q->layer[l].out = layer_size[l + 1];
		q->layer[l].weights = weights;
		q->layer[l].bias = bias;
		weights += layer_size[l] * layer_size[l + 1];
		bias += layer_size[l + 1];
	}
	err = find_scales(q, file);
	for (l = 0; l < LAYERS && !err; l++) {
		err = make_layer(dev, q, &q->layer[l], l == LAYERS - 1);
		if (!err)
			*bytes += xq_linear_bytes(q->layer[l].linear);
	}
	return err;
}

/* ---- running ------------------------------------------------------------------------------------------- */

static uint32_t count_right(const struct layer *top, const int32_t *acc, const uint8_t *labels,
			    size_t rows)
{
	uint32_t right = 0;
	size_t i, j, best;

	for (i = 0; i < rows; i++, acc += CLASSES) {
		for (best = 0, j = 1; j < CLASSES; j++)
			if ((float)acc[j] * top->w_scale[j] > (float)acc[best] * top->w_scale[best])
				best = j;
		right += best == labels[i];
	}
	return right;
}

static int run_batch(const struct quantized *q, struct xq_workspace *ws,
		     const struct network_file *file, size_t first, struct run *run)
{
	static uint8_t x[BATCH * WIDEST], y[BATCH * WIDEST];
	static int32_t acc[BATCH * CLASSES];
	size_t l, i;
	int err = 0;

	for (i = 0; i < BATCH * IMAGE_PIXELS; i++) {
		const unsigned int grey = file->images[first + i / IMAGE_PIXELS][i % IMAGE_PIXELS];

		x[i] = (uint8_t)(q->x_type == XQ_U8 ? grey : (grey + 8) / 17);
	}
	for (l = 0; l < LAYERS && !err; l++) {
		const bool last = l == LAYERS - 1;
		const size_t bytes = BATCH * q->layer[l].out * (last ? sizeof(*acc) : 1);

		err = xq_linear_run(q->layer[l].linear, ws, x, BATCH, last ? (void *)acc : y, &run->stats);
		if (!err)
			err = run_trace(run, last ? (void *)acc : y, bytes);
		memcpy(x, y, sizeof(x));
	}
	run->right += count_right(&q->layer[LAYERS - 1], acc, file->labels + first, BATCH);
	run->images += BATCH;
	return err;
}

static int run_types(struct xq_device *dev, const struct network_file *file, enum xq_type x_type,
		     enum xq_type w_type, struct run *run)
{
	struct quantized q = { .x_type = x_type, .w_type = w_type };
	struct xq_workspace *ws = NULL;
	double start;
	size_t at;
	int err = make_network(dev, file, &q, &run->weight_bytes);

	if (!err)
		err = xq_workspace_create(dev, &ws);
	start = seconds_now();
	for (at = 0; at < TEST_IMAGES && !err; at += BATCH)
		err = run_batch(&q, ws, file, at, run);
	run->seconds = seconds_now() - start;
	xq_workspace_destroy(ws);
	for (at = 0; at < LAYERS; at++)
		xq_linear_destroy(q.layer[at].linear);
	return err;
}

int run_int8(struct xq_device *dev, const struct network_file *file, struct run *run)
{
	return run_types(dev, file, XQ_U8, XQ_S8, run);
}

/* u4 activations become s4 with another zero point, so that s4 meets s4 on the device. */
int run_int4(struct xq_device *dev, const struct network_file *file, struct run *run)
{
	return run_types(dev, file, XQ_U4, XQ_S4, run);
}
