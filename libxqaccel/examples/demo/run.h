/* SPDX-License-Identifier: MIT */
#ifndef XQ_DEMO_RUN_H
#define XQ_DEMO_RUN_H

#include <xqaccel/run.h>

#include "network.h"

/**
 * struct run - one network on one device
 * @limit: in, most images of MNIST to run; 0 for all
 * @right: images classified rightly
 * @images: of so many
 * @jobs: of the device
 * @device_ns: @bytes: of these, by the device's clock and count
 * @seconds: from the first start until the last image has a class
 * @weight_bytes: packed
 * @trace: scores of all images, by which runs are compared
 * @trace_bytes: of these
 */
struct run {
	uint32_t limit, right, images;
	uint64_t jobs, device_ns, bytes;
	double seconds;
	size_t weight_bytes;
	uint8_t *trace;
	size_t trace_bytes;
};

void run_free(struct run *run);

/**
 * struct classifier - a network from grey pixels to a score for each class
 * @net: the network
 * @input: tensor of u8, [batch][pixels]
 * @scores: tensor of f32 or s32, [batch][CLASSES]
 * @batch: images at once; divides those that there are
 */
struct classifier {
	struct xq_network *net;
	int input, scores;
	size_t batch;
};

/*
 * Classifies images, and counts those of which the highest score is the label's. Takes the
 * network. Says on stderr why a network does not compile. Returns 0 or a negative errno.
 */
int run_classifier(struct xq_device *dev, struct classifier *c, const uint8_t *images, size_t count,
		   const uint8_t *labels, struct run *run);

/* Each returns 0 or a negative errno. */
int run_int8(struct xq_device *dev, const struct network_file *file, struct run *run);
int run_int4(struct xq_device *dev, const struct network_file *file, struct run *run);
int run_xnor(struct xq_device *dev, const struct network_file *file, struct run *run);

/* The 1-bit MNIST network below a folder of vectors; -ENOENT if it is not there. */
bool has_mnist(const char *vectors);
int run_mnist(struct xq_device *dev, const char *vectors, struct run *run);

/* The first layer's input: +1 where a pixel is at least so white, else -1. Returns its tensor or an error. */
int add_signs(struct xq_network *net, int pixels, unsigned int white);

/*
 * A layer of signs: its outputs are +1 where the accumulator is above the threshold, else -1. Both arrays must live until
 * the network is compiled. Returns the tensor or an error.
 */
int add_sign_layer(struct xq_network *net, int x, const int8_t *signs, const int32_t *above, size_t in, size_t out);

/* The last one: its outputs are accumulators plus bias, or only those if it is NULL. */
int add_score_layer(struct xq_network *net, int x, const int8_t *signs, const int32_t *bias, size_t in, size_t out);

#endif
