/* SPDX-License-Identifier: MIT */
/* A convolution under way. Internal. */
#ifndef XQ_OPS_CONV_RUN_H
#define XQ_OPS_CONV_RUN_H

#include "conv.h"
#include "widen.h"
#include "workspace.h"

/* Blocks in the buffers at once: one is gathered while the other is computed. */
#define XQ_CONV_SLOTS 2

/**
 * struct xq_conv_run
 * @x_type: type that the input is taken for, which may be wider than its own
 * @w_type: the same for the weights
 * @merge: groups of the convolution that are one in @shape
 * @pad: byte of an element outside of the input
 * @is_job: the device has it as one job
 * @masked: padding does not equal the zero point and is subtracted
 * @a: @b: from elements to the device's codes
 * @x: the input in NHWC order, maybe in @x_memory
 * @job: what is the same in all jobs
 * @block: rows of a block
 * @a_stride: bytes of a packed patch
 * @a_bytes: @c_bytes: of one product of a block; a slot has two of each if @masked
 * @patches: host memory where patches are gathered before they are packed, NULL if they need
 *	no packing
 * @scratch: for xq_conv_finish()
 */
struct xq_conv_run {
	struct xq_workspace *ws;
	struct xq_conv *conv;
	struct xq_conv_shape shape;
	enum xq_type x_type, w_type;
	size_t merge;
	uint8_t pad;
	bool is_job;
	bool masked;
	struct xq_widening a, b;
	const uint8_t *x;
	uint8_t *x_memory;
	struct xq_gemm job;
	size_t block, a_stride, a_bytes, c_bytes;
	uint8_t *a_data, *c_data;
	uint8_t *patches;
	void *scratch;
};

/*
 * Whether the device takes the convolution as it is, in one job, by the types that were chosen; and that
 * job, once the input is in order and the weights are in the device's buffers.
 */
bool xq_conv_is_job(const struct xq_conv_run *run);
int xq_conv_run_job(struct xq_conv_run *run);

/* Checks the arguments and chooses types. */
int xq_conv_choose(struct xq_conv_run *run);

/* Brings the input in order, and weights and zero points into the device's buffers. */
int xq_conv_stage(struct xq_conv_run *run);

#endif
