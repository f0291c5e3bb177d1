/* SPDX-License-Identifier: MIT */
/* Jobs that are not products, by the device where it has them, else by the CPU. Internal. */
#ifndef XQ_OPS_OPERATOR_RUN_H
#define XQ_OPS_OPERATOR_RUN_H

#include <xqaccel/requantize.h>

#include "workspace.h"
#include "xq_kernels.h"

/*
 * Computes a job whose views are flat: on the workspace's device if that has the operation, else by a
 * few threads; with the same bits. 0, -ENOMEM, or how the device's job ended.
 */
int xq_operator_run(struct xq_workspace *ws, const struct xqk_operator *operator);

/* The same on the device alone; what it does not take, or has no memory for, is not @done. */
int xq_operator_on_device(struct xq_workspace *ws, const struct xqk_operator *operator, bool *done);

/* A convolution or product by a few threads. 0 or -ENOMEM. */
int xq_convolution_run(const struct xqk_conv *conv);
int xq_product_run(const struct xqk_gemm *gemm);

/* Whether all of these are dimensions of a job. */
bool xq_dims_small(const size_t *dims, unsigned int count);

/* The bounds of a result: the type's own if there are no others. */
static inline void xq_operator_bounds(bool clamp, int32_t act_min, int32_t act_max, __s32 *least,
				      __s32 *greatest)
{
	*least = clamp ? act_min : INT32_MIN;
	*greatest = clamp ? act_max : INT32_MAX;
}

/* The bits of a float, as jobs have them. */
uint32_t xq_scale_bits(float f);

#endif
