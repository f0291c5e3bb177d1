// SPDX-License-Identifier: MIT
/*
 * Trains the demo's networks when it is built: a float one for quantization after training,
 * and a 1-bit one that is trained as such with a straight-through estimator. The same bits
 * come out on every machine: one thread, sums in one order, no fused operations.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits.h"

#define TRAINING	8000
#define BATCH		32
#define WIDEST		256

/*
 * The loops run along independent sums, so wider vectors give the same bits (and no variant
 * here has fused operations that would be used: see -ffp-contract).
 */
#if defined(__x86_64__) && defined(__GLIBC__)
#define WIDER_VECTORS __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define WIDER_VECTORS
#endif

/* A layer with its weights as [in][out], so that inner loops run along the outputs. */
struct layer {
	size_t in, out;
	float *weights, *speed;		/* and their momentum */
	float *used;			/* what multiplies: the weights or their signs */
	float *transposed;
	float *bias, *bias_speed;
	float *gradient, *bias_gradient;
	float value[BATCH][WIDEST];	/* before the activation */
	float output[BATCH][WIDEST];
	float error[BATCH][WIDEST];	/* of the value */
};

struct network {
	bool xnor;
	struct layer layer[LAYERS];
};

static uint8_t training[TRAINING][IMAGE_PIXELS];

static float *floats(size_t n)
{
	float *f = calloc(n, sizeof(*f));

	if (!f)
		abort();
	return f;
}

static void init(struct network *net, bool xnor, uint64_t *random)
{
	size_t l, i;

	net->xnor = xnor;
	for (l = 0; l < LAYERS; l++) {
		struct layer *y = &net->layer[l];
		const size_t n = layer_size[l] * layer_size[l + 1];
		const float limit = xnor ? 0.5f : sqrtf(6.0f / (float)layer_size[l]);

		y->in = layer_size[l];
		y->out = layer_size[l + 1];
		y->weights = floats(n);
		y->speed = floats(n);
		y->used = xnor ? floats(n) : y->weights;
		y->transposed = floats(n);
		y->gradient = floats(n);
		y->bias = floats(y->out);
		y->bias_speed = floats(y->out);
		y->bias_gradient = floats(y->out);
		for (i = 0; i < n; i++)
			y->weights[i] = random_float(random, -limit, limit);
	}
}

/* ---- forward ------------------------------------------------------------------------------------- */

/* An accumulator of n products of signs has a deviation of about the root of n. */
static float xnor_scale(const struct layer *y)
{
	return 1.0f / sqrtf((float)y->in);
}

static void prepare(struct network *net)
{
	size_t l, i, j;

	for (l = 0; l < LAYERS; l++) {
		struct layer *y = &net->layer[l];

		for (i = 0; net->xnor && i < y->in * y->out; i++)
			y->used[i] = y->weights[i] < 0 ? -1.0f : 1.0f;
		for (i = 0; i < y->in; i++)
			for (j = 0; j < y->out; j++)
				y->transposed[j * y->in + i] = y->used[i * y->out + j];
	}
}

static void activate(const struct network *net, struct layer *y, size_t b, bool last)
{
	const float scale = net->xnor ? xnor_scale(y) : 1;
	size_t j;

	for (j = 0; j < y->out; j++) {
		const float v = y->value[b][j] * scale + y->bias[j];

		y->value[b][j] = v;
		if (net->xnor)
			y->output[b][j] = v < 0 ? -1.0f : 1.0f;
		else
			y->output[b][j] = v < 0 && !last ? 0 : v;
	}
}

WIDER_VECTORS static void forward(struct network *net, float (*input)[WIDEST], size_t count)
{
	size_t l, b, i, j;

	for (l = 0; l < LAYERS; l++) {
		struct layer *y = &net->layer[l];

		for (b = 0; b < count; b++) {
			float *sum = y->value[b];

			memset(sum, 0, sizeof(y->value[b]));
			for (i = 0; i < y->in; i++) {
				const float x = input[b][i], *w = &y->used[i * y->out];

				if (x == 0)
					continue;
				for (j = 0; j < y->out; j++)
					sum[j] += x * w[j];
			}
			activate(net, y, b, l == LAYERS - 1);
		}
		input = y->output;
	}
}

/* ---- backward ------------------------------------------------------------------------------------ */

/* Squared hinge against the right class; its gradient needs no exponential. */
static void loss(struct network *net, const uint8_t *labels, size_t count)
{
	struct layer *y = &net->layer[LAYERS - 1];
	size_t b, j;

	for (b = 0; b < count; b++) {
		for (j = 0; j < y->out; j++) {
			const float sign = j == labels[b] ? 1.0f : -1.0f;
			const float margin = 1 - sign * y->value[b][j];

			y->error[b][j] = margin > 0 ? -2 * sign * margin / (float)count : 0;
		}
	}
}

/* Through the activation: a sign passes what came from within its linear part. */
static float slope(const struct network *net, float value)
{
	if (net->xnor)
		return value > -1.0f && value < 1.0f;
	return value > 0;
}

WIDER_VECTORS static void error_of_inputs(const struct network *net, const struct layer *y, struct layer *below,
			    size_t count)
{
	const float scale = net->xnor ? xnor_scale(y) : 1;
	size_t b, i, j;

	for (b = 0; b < count; b++) {
		float *sum = below->error[b];

		memset(sum, 0, sizeof(below->error[b]));
		for (j = 0; j < y->out; j++) {
			const float e = y->error[b][j] * scale, *w = &y->transposed[j * y->in];

			if (e == 0)
				continue;
			for (i = 0; i < y->in; i++)
				sum[i] += e * w[i];
		}
		for (i = 0; i < y->in; i++)
			sum[i] *= slope(net, below->value[b][i]);
	}
}

WIDER_VECTORS static void gradients(const struct network *net, struct layer *y, float (*input)[WIDEST],
		      size_t count)
{
	const float scale = net->xnor ? xnor_scale(y) : 1;
	size_t b, i, j;

	memset(y->gradient, 0, y->in * y->out * sizeof(float));
	memset(y->bias_gradient, 0, y->out * sizeof(float));
	for (b = 0; b < count; b++) {
		const float *e = y->error[b];

		for (j = 0; j < y->out; j++)
			y->bias_gradient[j] += e[j];
		for (i = 0; i < y->in; i++) {
			const float x = input[b][i] * scale;
			float *g = &y->gradient[i * y->out];

			if (x == 0)
				continue;
			for (j = 0; j < y->out; j++)
				g[j] += x * e[j];
		}
	}
}

/* Latent weights of the 1-bit network stay where their sign can still turn. */
WIDER_VECTORS static void step(struct network *net, struct layer *y, float rate)
{
	size_t i;

	for (i = 0; i < y->in * y->out; i++) {
		y->speed[i] = 0.9f * y->speed[i] - rate * y->gradient[i];
		y->weights[i] += y->speed[i];
		if (net->xnor)
			y->weights[i] = y->weights[i] < -1 ? -1 : y->weights[i] > 1 ? 1 : y->weights[i];
	}
	for (i = 0; i < y->out; i++) {
		y->bias_speed[i] = 0.9f * y->bias_speed[i] - rate * y->bias_gradient[i];
		y->bias[i] += y->bias_speed[i];
	}
}

static void backward(struct network *net, float (*input)[WIDEST], size_t count, float rate)
{
	size_t l;

	for (l = LAYERS; l-- > 0;) {
		struct layer *y = &net->layer[l];

		if (l)
			error_of_inputs(net, y, &net->layer[l - 1], count);
		gradients(net, y, l ? net->layer[l - 1].output : input, count);
	}
	for (l = 0; l < LAYERS; l++)
		step(net, &net->layer[l], rate);
}

/* ---- training and testing -------------------------------------------------------------------------- */

static void load(const struct network *net, const uint8_t *image, float *input)
{
	int i;

	for (i = 0; i < IMAGE_PIXELS; i++)
		input[i] = net->xnor ? (image[i] >= XNOR_WHITE ? 1.0f : -1.0f) :
			   (float)image[i] * (1.0f / 255);
}

static void train(struct network *net, uint64_t *random)
{
	static float input[BATCH][WIDEST];
	const size_t epochs = net->xnor ? 8 : 2;
	float rate = net->xnor ? 0.3f : 0.02f;
	size_t epoch, at, b;

	for (epoch = 0; epoch < epochs; epoch++, rate *= net->xnor ? 0.75f : 0.5f) {
		for (at = 0; at < TRAINING; at += BATCH) {
			uint8_t labels[BATCH];

			for (b = 0; b < BATCH; b++) {
				const size_t pick = (size_t)(random_next(random) % TRAINING);

				load(net, training[pick], input[b]);
				labels[b] = pick % CLASSES;
			}
			prepare(net);
			forward(net, input, BATCH);
			loss(net, labels, BATCH);
			backward(net, input, BATCH, rate);
		}
	}
	prepare(net);
}

static uint32_t test(struct network *net, const struct network_file *file)
{
	static float input[BATCH][WIDEST];
	const struct layer *top = &net->layer[LAYERS - 1];
	uint32_t right = 0;
	size_t at, j, best;

	for (at = 0; at < TEST_IMAGES; at++) {
		load(net, file->images[at], input[0]);
		forward(net, input, 1);
		for (best = 0, j = 1; j < CLASSES; j++)
			if (top->value[0][j] > top->value[0][best])
				best = j;
		right += best == file->labels[at];
	}
	return right;
}

/* ---- the file --------------------------------------------------------------------------------------- */

static void keep_float(const struct network *net, struct network_file *file)
{
	float *weights = file->weights, *bias = file->bias;
	size_t l;

	for (l = 0; l < LAYERS; l++) {
		const struct layer *y = &net->layer[l];

		memcpy(weights, y->transposed, y->in * y->out * sizeof(float));
		memcpy(bias, y->bias, y->out * sizeof(float));
		weights += y->in * y->out;
		bias += y->out;
	}
}

/* The largest accumulator whose neuron is off, by the very arithmetic of activate(). */
static int32_t threshold(const struct layer *y, size_t j)
{
	const float scale = xnor_scale(y);
	int32_t acc = -(int32_t)y->in - 1;

	while (acc < (int32_t)y->in && (float)(acc + 1) * scale + y->bias[j] < 0)
		acc++;
	return acc;
}

static void keep_xnor(const struct network *net, struct network_file *file)
{
	int8_t *signs = file->signs;
	int32_t *thresholds = file->thresholds;
	size_t l, i;

	for (l = 0; l < LAYERS; l++) {
		const struct layer *y = &net->layer[l];

		for (i = 0; i < y->in * y->out; i++)
			*signs++ = y->transposed[i] < 0 ? -1 : 1;
		for (i = 0; i < y->out; i++)
			*thresholds++ = threshold(y, i);
	}
}

int main(int argc, char **argv)
{
	static struct network_file file = { .magic = NETWORK_MAGIC };
	static struct network net;
	uint64_t random = 2024;
	uint32_t xnor_right;
	FILE *out;
	size_t i;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE\n", argv[0]);
		return 2;
	}
	for (i = 0; i < TRAINING; i++)
		draw_digit(&random, i % CLASSES, training[i]);
	for (i = 0; i < TEST_IMAGES; i++) {
		file.labels[i] = (uint8_t)(random_next(&random) % CLASSES);
		draw_digit(&random, file.labels[i], file.images[i]);
	}
	memcpy(file.calibration, training, sizeof(file.calibration));

	init(&net, false, &random);
	train(&net, &random);
	file.float_right = test(&net, &file);
	keep_float(&net, &file);
	init(&net, true, &random);
	train(&net, &random);
	xnor_right = test(&net, &file);
	keep_xnor(&net, &file);

	out = fopen(argv[1], "wb");
	if (!out || fwrite(&file, sizeof(file), 1, out) != 1 || fclose(out)) {
		perror(argv[1]);
		return 1;
	}
	fprintf(stderr, "trained: float %.2f %%, 1 bit %.2f %% of %d test images\n",
		100.0 * file.float_right / TEST_IMAGES, 100.0 * xnor_right / TEST_IMAGES, TEST_IMAGES);
	return 0;
}
