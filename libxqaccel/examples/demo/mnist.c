// SPDX-License-Identifier: MIT
/*
 * BNN-PYNQ's trained 1-bit network for MNIST: 784-1024-1024-1024-10, all 10,000 test images.
 * Weights are .npy files, images and labels gzipped IDX files; neither is part of this project.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef XQ_WITH_ZLIB
#include <zlib.h>
#endif

#include "libxqaccel/tools/npy.h"
#include "run.h"

#define MNIST_LAYERS	4
#define MNIST_PIXELS	784
#define MNIST_IMAGES	10000
#define MNIST_WIDEST	1024
#define MNIST_WHITE	128
#define BATCH		1000

struct mnist {
	uint8_t *images, *labels;
	struct tensor weights[MNIST_LAYERS], thresholds[MNIST_LAYERS];
};

#ifdef XQ_WITH_ZLIB
static size_t gz_bytes(const char *path, uint8_t *data, size_t bytes)
{
	gzFile file = gzopen(path, "rb");
	size_t at = 0;
	int got = 1;

	while (file && at < bytes && got > 0) {
		got = gzread(file, data + at, (unsigned int)(bytes - at));
		at += got > 0 ? (size_t)got : 0;
	}
	if (file)
		gzclose(file);
	return at;
}
#else
static size_t gz_bytes(const char *path, uint8_t *data, size_t bytes)
{
	fprintf(stderr, "xq-demo: built without zlib, which reads %s\n", path);
	(void)data;
	(void)bytes;
	return 0;
}
#endif

static uint8_t *read_gz(const char *vectors, const char *name, size_t header, size_t bytes)
{
	char path[4096];
	uint8_t *data = malloc(header + bytes);

	snprintf(path, sizeof(path), "%s/datasets/mnist/%s", vectors, name);
	if (!data || gz_bytes(path, data, header + bytes) < header + bytes) {
		free(data);
		return NULL;
	}
	memmove(data, data + header, bytes);
	return data;
}

bool has_mnist(const char *vectors)
{
	uint8_t *labels = read_gz(vectors, "t10k-labels-idx1-ubyte.gz", 8, MNIST_IMAGES);

	free(labels);
	return labels;
}

static bool read_npy(const char *vectors, int layer, const char *what, char kind,
		     unsigned int bytes, struct tensor *t)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/models/bnn-pynq/mnist-lfcW1A1/L%d_%s.npy", vectors, layer, what);
	return !npy_read(path, t) && t->kind == kind && t->bytes == bytes && t->ndim == 2 &&
	       t->dim[0] <= MNIST_WIDEST && t->dim[1] <= MNIST_WIDEST;
}

static int load(const char *vectors, struct mnist *m)
{
	size_t inputs = MNIST_PIXELS;
	int l;

	m->images = read_gz(vectors, "t10k-images-idx3-ubyte.gz", 16, MNIST_IMAGES * MNIST_PIXELS);
	m->labels = read_gz(vectors, "t10k-labels-idx1-ubyte.gz", 8, MNIST_IMAGES);
	if (!m->images || !m->labels)
		return -ENOENT;
	for (l = 0; l < MNIST_LAYERS; l++) {
		if (!read_npy(vectors, l, "weights", 'i', 1, &m->weights[l]) ||
		    !read_npy(vectors, l, "thresholds", 'i', 4, &m->thresholds[l]))
			return -ENOENT;
		if (m->weights[l].dim[1] != inputs || m->thresholds[l].count != m->weights[l].dim[0])
			return -EINVAL;
		inputs = m->weights[l].dim[0];
	}
	return inputs == CLASSES ? 0 : -EINVAL;
}

/* The thresholds say what is above them; at least the next integer is. */
static void raise(struct tensor *t)
{
	int32_t *of = t->data;
	size_t i;

	for (i = 0; i < t->count; i++)
		of[i]++;
}

static int run_all(struct xq_device *dev, struct mnist *m, struct run *run)
{
	struct classifier c = { .batch = BATCH };
	int l, x, err = xq_network_create(&c.net);

	if (err)
		return err;
	c.input = xq_network_tensor(c.net, &(struct xq_network_tensor){
		.name = "pixels", .type = XQ_U8, .dims = 2, .dim = { 1, MNIST_PIXELS }, .batched = true });
	err = xq_network_input(c.net, c.input);
	x = err ? err : add_signs(c.net, c.input, MNIST_WHITE);
	for (l = 0; l < MNIST_LAYERS && x > 0; l++) {
		const size_t in = m->weights[l].dim[1], out = m->weights[l].dim[0];

		raise(&m->thresholds[l]);
		x = l + 1 < MNIST_LAYERS ? add_sign_layer(c.net, x, m->weights[l].data, m->thresholds[l].data, in, out) :
		    add_score_layer(c.net, x, m->weights[l].data, NULL, in, out);
	}
	c.scores = x;
	return run_classifier(dev, &c, m->images, run->limit ? run->limit : MNIST_IMAGES, m->labels, run);
}

int run_mnist(struct xq_device *dev, const char *vectors, struct run *run)
{
	struct mnist m = { 0 };
	int l, err = load(vectors, &m);

	if (!err)
		err = run_all(dev, &m, run);
	for (l = 0; l < MNIST_LAYERS; l++) {
		tensor_free(&m.weights[l]);
		tensor_free(&m.thresholds[l]);
	}
	free(m.images);
	free(m.labels);
	return err;
}
