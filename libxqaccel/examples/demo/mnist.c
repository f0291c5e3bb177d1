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
	struct xq_linear *layer[MNIST_LAYERS];
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

static uint32_t count_right(const int32_t *acc, const uint8_t *labels)
{
	uint32_t right = 0;
	size_t i, j, best;

	for (i = 0; i < BATCH; i++, acc += CLASSES) {
		for (best = 0, j = 1; j < CLASSES; j++)
			if (acc[j] > acc[best])
				best = j;
		right += best == labels[i];
	}
	return right;
}

static int run_batch(const struct mnist *m, struct xq_workspace *ws, size_t first, struct run *run)
{
	static int8_t x[BATCH * MNIST_WIDEST];
	static int32_t acc[BATCH * MNIST_WIDEST];
	size_t i;
	int l, err = 0;

	for (i = 0; i < BATCH * MNIST_PIXELS; i++)
		x[i] = m->images[first * MNIST_PIXELS + i] >= MNIST_WHITE ? 1 : -1;
	for (l = 0; l < MNIST_LAYERS && !err; l++) {
		const size_t out = m->weights[l].dim[0];

		err = xq_linear_run(m->layer[l], ws, x, BATCH, acc, &run->stats);
		if (!err)
			err = run_trace(run, acc, BATCH * out * sizeof(*acc));
		if (l < MNIST_LAYERS - 1)
			apply_thresholds(acc, m->thresholds[l].data, BATCH, out, x);
	}
	run->right += count_right(acc, m->labels + first);
	run->images += BATCH;
	return err;
}

static int run_all(struct xq_device *dev, struct mnist *m, struct run *run)
{
	struct xq_workspace *ws = NULL;
	double start;
	size_t at;
	int l, err = 0;

	for (l = 0; l < MNIST_LAYERS && !err; l++) {
		err = make_sign_layer(dev, m->weights[l].data, m->weights[l].dim[1], m->weights[l].dim[0],
				      &m->layer[l]);
		if (!err)
			run->weight_bytes += xq_linear_bytes(m->layer[l]);
	}
	if (!err)
		err = xq_workspace_create(dev, &ws);
	start = seconds_now();
	for (at = 0; at < (run->limit ? run->limit : MNIST_IMAGES) && !err; at += BATCH)
		err = run_batch(m, ws, at, run);
	run->seconds = seconds_now() - start;
	xq_workspace_destroy(ws);
	return err;
}

int run_mnist(struct xq_device *dev, const char *vectors, struct run *run)
{
	struct mnist m = { 0 };
	int l, err = load(vectors, &m);

	if (!err)
		err = run_all(dev, &m, run);
	for (l = 0; l < MNIST_LAYERS; l++) {
		xq_linear_destroy(m.layer[l]);
		tensor_free(&m.weights[l]);
		tensor_free(&m.thresholds[l]);
	}
	free(m.images);
	free(m.labels);
	return err;
}
