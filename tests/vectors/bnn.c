// SPDX-License-Identifier: GPL-2.0
/*
 * Trained networks with weights of 1 and 2 bits, image by image to the class: the products run
 * on the device, thresholds and pooling here. The accuracy is that of the networks' authors.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/conv.h>

#include "support.h"

#define MOST_LAYERS	12
#define BATCH		250

/* weights [out][k] and thresholds [out][1 or 2]; the last layer has none */
struct network {
	struct tensor weights[MOST_LAYERS], thresholds[MOST_LAYERS];
	unsigned int layers;
	enum xq_type weight_type, activation_type;
};

/* Activations of a batch: images of size x size x channels */
struct images {
	int8_t *x;
	size_t count, size, channels;
};

static bool network_read(const char *name, struct network *n)
{
	char folder[64], file[32];

	memset(n, 0, sizeof(*n));
	snprintf(folder, sizeof(folder), "models/bnn-pynq/%s", name);
	for (; n->layers < MOST_LAYERS; n->layers++) {
		FILE *there;

		snprintf(file, sizeof(file), "L%u_weights.npy", n->layers);
		there = fopen(data_path(folder, file), "r");
		if (!there)
			break;
		fclose(there);
		if (!data_read(data_path(folder, file), &n->weights[n->layers]))
			return false;
		snprintf(file, sizeof(file), "L%u_thresholds.npy", n->layers);
		there = fopen(data_path(folder, file), "r");
		if (!there)
			continue;
		fclose(there);
		if (!data_read(data_path(folder, file), &n->thresholds[n->layers]))
			return false;
	}
	return n->layers;
}

static void network_free(struct network *n)
{
	for (unsigned int i = 0; i < MOST_LAYERS; i++) {
		tensor_free(&n->weights[i]);
		tensor_free(&n->thresholds[i]);
	}
}

/* ---- layers ---------------------------------------------------------------------------------------- */

static int linear_layer(struct xq_workspace *ws, const struct network *n, unsigned int layer,
			const struct images *in, enum xq_type x_type, int32_t *acc)
{
	const struct tensor *w = &n->weights[layer];
	struct xq_matmul mm = {
		.m = in->count, .k = w->dim[1], .n = w->dim[0], .a_type = x_type, .b_type = n->weight_type,
		.b_transposed = true, .a = in->x, .b = w->data, .c = acc,
	};

	return xq_matmul(ws, &mm);
}

static int conv_layer(struct xq_workspace *ws, const struct network *n, unsigned int layer,
		      const struct images *in, enum xq_type x_type, int32_t *acc)
{
	const struct tensor *w = &n->weights[layer];
	struct xq_conv conv = {
		.layout = XQ_NHWC, .batch = in->count, .in_h = in->size, .in_w = in->size, .in_c = in->channels,
		.out_c = w->dim[0], .kernel_h = 3, .kernel_w = 3, .x_type = x_type, .w_type = n->weight_type,
		.x = in->x, .w = w->data, .y = acc,
	};

	return xq_conv(ws, &conv);
}

/* One threshold: -1 or 1. Two: -1, 0 or 1. */
static void activate(const struct tensor *t, const int32_t *acc, int32_t factor, size_t pixels, int8_t *y)
{
	const size_t channels = t->dim[0], steps = t->dim[1];

	for (size_t i = 0; i < pixels * channels; i++) {
		const int32_t *threshold = (const int32_t *)t->data + i % channels * steps;
		int above = 0;

		for (size_t s = 0; s < steps; s++)
			above += factor * acc[i] > threshold[s];
		y[i] = (int8_t)(steps == 1 ? 2 * above - 1 : above - 1);
	}
}

static void pool(struct images *m)
{
	const size_t half = m->size / 2, c = m->channels;
	int8_t *to = m->x;

	for (size_t i = 0; i < m->count * half * half * c; i++) {
		size_t ch = i % c, px = i / c % half, py = i / c / half % half, image = i / c / half / half;
		const int8_t *at = m->x + ((image * m->size + 2 * py) * m->size + 2 * px) * c + ch;
		int8_t a = at[0] > at[c] ? at[0] : at[c];
		int8_t b = at[m->size * c] > at[m->size * c + c] ? at[m->size * c] : at[m->size * c + c];

		/* Behind everything that is still read. */
		to[i] = a > b ? a : b;
	}
	m->size = half;
}

/* Runs a batch; its class is the argmax of the last accumulators. */
static int classify(struct xq_workspace *ws, const struct network *n, struct images *m, uint8_t *classes)
{
	const size_t most = m->count * 30 * 30 * 64 + m->count * 1024;
	int32_t *acc = malloc(most * sizeof(*acc));
	int8_t *spare = malloc(most);
	int err = acc && spare ? 0 : -1;

	for (unsigned int l = 0; l < n->layers && !err; l++) {
		const size_t out = n->weights[l].dim[0];
		const bool conv = m->size > 1;
		enum xq_type type = !l && conv ? XQ_S8 : n->activation_type;
		int8_t *before = m->x;

		err = (conv ? conv_layer : linear_layer)(ws, n, l, m, type, acc);
		if (err || l + 1 == n->layers)
			break;
		m->size -= conv ? 2 : 0;
		m->channels = out;
		activate(&n->thresholds[l], acc, !l && conv ? 2 : 1, m->count * m->size * m->size, spare);
		m->x = spare;
		spare = before;
		if (conv && (l == 1 || l == 3))
			pool(m);
	}
	for (size_t i = 0; i < m->count && !err; i++) {
		const int32_t *row = acc + i * 10;

		classes[i] = 0;
		for (uint8_t k = 1; k < 10; k++)
			classes[i] = row[k] > row[classes[i]] ? k : classes[i];
	}
	free(acc);
	free(spare);
	return err;
}

/* ---- data ---------------------------------------------------------------------------------------------- */

static uint8_t *unpack(const char *path, size_t bytes)
{
	uint8_t *data = malloc(bytes);
	char command[4200];
	FILE *pipe;

	if (strchr(path, '\'') || !data)
		return data;
	snprintf(command, sizeof(command), "gzip -dc '%s' 2>/dev/null", path);
	pipe = popen(command, "r");
	if (!pipe || fread(data, 1, bytes, pipe) != bytes) {
		free(data);
		data = NULL;
	}
	if (pipe)
		pclose(pipe);
	return data;
}

/* Images and labels one after the other, count of each. */
struct data_set {
	uint8_t *pixels, *labels;
	size_t count, size, channels;
};

static bool read_mnist(struct data_set *d)
{
	*d = (struct data_set){ .count = 10000, .size = 1, .channels = 784 };
	d->pixels = unpack(data_path("datasets/mnist", "t10k-images-idx3-ubyte.gz"), 16 + 784 * d->count);
	d->labels = unpack(data_path("datasets/mnist", "t10k-labels-idx1-ubyte.gz"), 8 + d->count);
	if (!d->pixels || !d->labels)
		return false;
	memmove(d->pixels, d->pixels + 16, 784 * d->count);
	memmove(d->labels, d->labels + 8, d->count);
	return true;
}

static bool read_cifar(struct data_set *d)
{
	struct tensor images = { 0 }, labels = { 0 };

	*d = (struct data_set){ .size = 32, .channels = 3 };
	if (!data_read(data_path("datasets/cifar10", "test1000_images.npy"), &images) ||
	    !data_read(data_path("datasets/cifar10", "test1000_labels.npy"), &labels))
		return false;
	d->count = labels.count;
	d->pixels = images.data;
	d->labels = labels.data;
	return images.count == d->count * 32 * 32 * 3;
}

static int8_t mnist_input(uint8_t p)
{
	return p >= 128 ? 1 : -1;
}

static int8_t cifar_input(uint8_t p)
{
	double v = floor((p / 255.0 * 2 - 1) * 128 + 0.5);

	return (int8_t)(v > 127 ? 127 : v < -128 ? -128 : v);
}

/* ---- tests ---------------------------------------------------------------------------------------------- */

static void measure(struct xq_workspace *ws, const char *name, struct network *n, struct data_set *d,
		    int8_t (*input)(uint8_t), size_t expected)
{
	const size_t bytes = d->size * d->size * d->channels;
	uint8_t classes[BATCH];
	size_t hits = 0;

	for (size_t first = 0; first < d->count; first += BATCH) {
		struct images m = { .size = d->size, .channels = d->channels };
		int err;

		m.count = d->count - first < BATCH ? d->count - first : BATCH;
		m.x = malloc(m.count * 30 * 30 * 64 + m.count * 1024);
		for (size_t i = 0; m.x && i < m.count * bytes; i++)
			m.x[i] = input(d->pixels[first * bytes + i]);
		err = m.x ? classify(ws, n, &m, classes) : -1;
		free(m.x);
		if (err) {
			result_differs("images from %zu: error %d", first, err);
			return;
		}
		for (size_t i = 0; i < m.count; i++)
			hits += classes[i] == d->labels[first + i];
	}
	printf("# %s: %.2f %% of %zu images\n", name, 100.0 * (double)hits / (double)d->count, d->count);
	if (hits != expected)
		result_differs("%zu right, not %zu", hits, expected);
}

static void lfc(struct xq_workspace *ws)
{
	struct network n;
	struct data_set d = { 0 };

	if (!network_read("mnist-lfcW1A1", &n) || !read_mnist(&d)) {
		result_skip("no models/bnn-pynq or datasets/mnist in XQ_VECTORS");
	} else {
		n.weight_type = n.activation_type = XQ_B1;
		measure(ws, "LFC W1A1 on MNIST", &n, &d, mnist_input, 9834);
	}
	network_free(&n);
	free(d.pixels);
	free(d.labels);
}

static void cnv(struct xq_workspace *ws)
{
	struct network n;
	struct data_set d = { 0 };

	if (!network_read("cifar10-cnvW2A2", &n)) {
		result_skip("no models/bnn-pynq in XQ_VECTORS");
	} else if (read_cifar(&d)) {
		n.weight_type = n.activation_type = XQ_T2;
		measure(ws, "CNV W2A2 on CIFAR-10", &n, &d, cifar_input, 853);
	}
	network_free(&n);
	free(d.pixels);
	free(d.labels);
}

int main(void)
{
	struct xq_workspace *ws;
	struct xq_device *dev;
	int failed = 0;
	FILE *there = fopen(data_path("models/bnn-pynq/mnist-lfcW1A1", "L0_weights.npy"), "r");

	if (!there) {
		result_skip_all("trained networks of 1 and 2 bits", "no models/bnn-pynq in XQ_VECTORS");
		return 0;
	}
	fclose(there);
	result_plan(3);
	if (device_open(&dev, &ws)) {
		lfc(ws);
		failed += result_end("LFC W1A1: 98.34 % of 10,000 MNIST images by b1 x b1") == 'f';
		cnv(ws);
		failed += result_end("CNV W2A2: 85.3 % of 1,000 CIFAR-10 images") == 'f';
	} else {
		failed = 1;
	}
	device_close(dev, ws);
	return failed;
}
