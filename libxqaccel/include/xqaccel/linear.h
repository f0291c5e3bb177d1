/* SPDX-License-Identifier: MIT */
/*
 * A quantized linear layer: weights are packed for the device once, then batches of rows are
 * multiplied, biased and requantized.
 */
#ifndef XQACCEL_LINEAR_H
#define XQACCEL_LINEAR_H

#include <xqaccel/matmul.h>
#include <xqaccel/requantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct xq_linear;

/**
 * struct xq_linear_config - what a layer computes: y = requantize((x - x_zp) (W - w_zp)^T + bias)
 * @inputs: K, columns of x and of W
 * @outputs: N, rows of W and columns of y
 * @x_type: @w_type: any type of at most 8 bits; codebook types only for W
 * @weights: [outputs][inputs] unpacked elements
 * @x_zp: zero point of x
 * @w_zp: zero points of W, NULL for none
 * @w_zps: how many: 1 or @outputs; ignored if there are none
 * @codebook: [16] or [256] values of c4 and c8
 * @bias: [outputs], added with wrapping, or NULL
 * @requant: NULL for int32 results
 *
 * Everything is copied.
 */
struct xq_linear_config {
	size_t inputs, outputs;
	enum xq_type x_type, w_type;
	const void *weights;
	int32_t x_zp;
	const int32_t *w_zp;
	size_t w_zps;
	const int8_t *codebook;
	const int32_t *bias;
	const struct xq_requant *requant;
};

/**
 * xq_linear_create() - pack a layer for a device
 * @layer: owned by the caller until xq_linear_destroy(), which comes before xq_device_close()
 *
 * Return: 0, -EINVAL, -ERANGE a weight that is not of its type, -EDOM or -ERANGE as
 * xq_requant_check() says, -EOPNOTSUPP no pair of the device serves, -EOVERFLOW, -ENOMEM,
 * -ENOSPC.
 */
int xq_linear_create(struct xq_device *dev, const struct xq_linear_config *config,
		     struct xq_linear **layer);

/** xq_linear_destroy() - NULL is allowed */
void xq_linear_destroy(struct xq_linear *layer);

/** xq_linear_bytes() - bytes of the packed weights */
size_t xq_linear_bytes(const struct xq_linear *layer);

/**
 * xq_linear_run() - one batch
 * @workspace: of the same device; the layer itself may serve several threads at once
 * @x: [rows][inputs] unpacked elements
 * @y: [rows][outputs] elements of the requantization's type, or int32_t
 * @stats: NULL, or what the jobs did is added to it
 *
 * Return: 0, -ERANGE an element of @x that is not of its type, -EINVAL a workspace of
 * another device, -ENOMEM, -ENOSPC, or how a job ended.
 */
int xq_linear_run(const struct xq_linear *layer, struct xq_workspace *workspace, const void *x,
		  size_t rows, void *y, struct xq_matmul_stats *stats);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
