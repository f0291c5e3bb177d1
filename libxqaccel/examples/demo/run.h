/* SPDX-License-Identifier: MIT */
#ifndef XQ_DEMO_RUN_H
#define XQ_DEMO_RUN_H

#include <xqaccel/linear.h>

#include "network.h"

/**
 * struct run - one network on one device
 * @limit: in, most images of MNIST to run; 0 for all
 * @right: images classified rightly
 * @images: of so many
 * @stats: of the jobs
 * @seconds: packing, jobs and what lies between them
 * @weight_bytes: packed
 * @trace: all layers' results, by which runs are compared
 * @trace_bytes: so far
 */
struct run {
	uint32_t limit, right, images;
	struct xq_matmul_stats stats;
	double seconds;
	size_t weight_bytes;
	uint8_t *trace;
	size_t trace_bytes;
};

/* Appends results of a layer; -ENOMEM. */
int run_trace(struct run *run, const void *data, size_t bytes);

void run_free(struct run *run);

double seconds_now(void);

/* Each returns 0 or a negative errno. */
int run_int8(struct xq_device *dev, const struct network_file *file, struct run *run);
int run_int4(struct xq_device *dev, const struct network_file *file, struct run *run);
int run_xnor(struct xq_device *dev, const struct network_file *file, struct run *run);

/* The 1-bit MNIST network below a folder of vectors; -ENOENT if it is not there. */
bool has_mnist(const char *vectors);
int run_mnist(struct xq_device *dev, const char *vectors, struct run *run);

/* A layer of signs with integer thresholds, as both 1-bit networks have them. */
int make_sign_layer(struct xq_device *dev, const int8_t *signs, size_t in, size_t out,
		    struct xq_linear **layer);

/* y[i][j] = 1 where acc[i][j] > threshold[j], else -1 */
void apply_thresholds(const int32_t *acc, const int32_t *threshold, size_t rows, size_t out,
		      int8_t *y);

#endif
