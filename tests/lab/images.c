// SPDX-License-Identifier: MIT
/* The data sets: MNIST as its authors publish it (idx, compressed), CIFAR-10 as .npy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxqaccel/tools/npy.h"
#include "model.h"

static uint32_t big_endian(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The payload of an idx file, at most so many bytes; NULL if it is not one. */
static uint8_t *read_idx(const char *path, size_t header, size_t most, size_t *count, size_t item)
{
	char command[4200];
	uint8_t head[16], *data = NULL;
	size_t n;
	FILE *pipe;

	if (strchr(path, '\''))
		return NULL;
	snprintf(command, sizeof(command), "gzip -dc '%s' 2>/dev/null", path);
	pipe = popen(command, "r");
	if (!pipe)
		return NULL;
	if (fread(head, 1, header, pipe) == header && head[0] == 0 && head[1] == 0 && head[2] == 8) {
		n = big_endian(head + 4);
		n = n < most ? n : most;
		data = malloc(n * item);
		if (data && fread(data, item, n, pipe) != n) {
			free(data);
			data = NULL;
		}
		*count = n;
	}
	pclose(pipe);
	return data;
}

const char *lab_load_mnist(const char *vectors, bool train, size_t most, struct lab_images *images)
{
	char path[4096];
	size_t labels = 0;

	*images = (struct lab_images){ .shape = { 1, 28, 28 } };
	snprintf(path, sizeof(path), "%s/datasets/mnist/%s-images-idx3-ubyte.gz", vectors, train ? "train" : "t10k");
	images->pixels = read_idx(path, 16, most, &images->n, 28 * 28);
	snprintf(path, sizeof(path), "%s/datasets/mnist/%s-labels-idx1-ubyte.gz", vectors, train ? "train" : "t10k");
	images->labels = read_idx(path, 8, most, &labels, 1);
	if (images->pixels && images->labels && labels == images->n)
		return NULL;
	lab_images_free(images);
	return "MNIST can't be read";
}

const char *lab_load_cifar(const char *vectors, bool train, struct lab_images *images)
{
	const char *name = train ? "calib500" : "test1000";
	struct tensor pixels = { 0 }, labels = { 0 };
	char path[4096];
	const char *error;

	*images = (struct lab_images){ .shape = { 3, 32, 32 } };
	snprintf(path, sizeof(path), "%s/datasets/cifar10/%s_images.npy", vectors, name);
	error = npy_read(path, &pixels);
	if (error)
		return error;
	snprintf(path, sizeof(path), "%s/datasets/cifar10/%s_labels.npy", vectors, name);
	error = npy_read(path, &labels);
	if (!error && (pixels.kind != 'u' || pixels.bytes != 1 || pixels.count != labels.count * 3072))
		error = "images and labels don't fit each other";
	images->n = error ? 0 : labels.count;
	images->labels = error ? NULL : malloc(labels.count);
	if (!error && !images->labels)
		error = "no memory";
	for (size_t i = 0; i < images->n && !error; i++)
		images->labels[i] = (uint8_t)tensor_int(&labels, i);
	if (labels.data)
		tensor_free(&labels);
	if (error)
		tensor_free(&pixels);
	else
		images->pixels = pixels.data;
	return error;
}

void lab_images_free(struct lab_images *images)
{
	free(images->pixels);
	free(images->labels);
	images->pixels = images->labels = NULL;
}
