/* SPDX-License-Identifier: MIT */
/*
 * Products of matrices whose elements have a real scale for each group along K, and weights a
 * minimum if they like: the block formats of model files (GGUF's Q4_0 to Q6_K and IQ4_NL, GPTQ, AWQ,
 * OCP's MX, VS-Quant). Weights are packed for the device once.
 */
#ifndef XQACCEL_GROUPED_H
#define XQACCEL_GROUPED_H

#include <xqaccel/matmul.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct xq_grouped;

/**
 * struct xq_group_scales - scales, or minima, of the groups of some rows
 * @type: of @scale: u8, s8, f16, bf16, f32 or e8m0, XQ_NONE if each is 1
 * @scale: [rows][K / group] elements as they are stored (f16 and bf16 as their 16 bits)
 * @type2: of @scale2: f16, bf16, f32 or e8m0, XQ_NONE if each is 1
 * @scale2: [rows][K / supergroup], by which those of @scale are multiplied
 *
 * So a Q4_K block has u8 scales and minima of f16 superscales with a supergroup of 256, a Q8_0 block
 * f16 scales, a row with one scale e.g. an f32 @scale2 with a supergroup of K. A zero point of a group
 * is a minimum: u8 by the group's own scale, with a supergroup that is the group.
 */
struct xq_group_scales {
	enum xq_type type, type2;
	const void *scale, *scale2;
};

/**
 * struct xq_grouped_config - what is computed: y = X W^T, with X = x_scale * (x - x_zp) and
 *	W = w_scale * (w - w_zp) - w_min
 * @inputs: K, columns of x and of w
 * @outputs: N, rows of w and columns of y
 * @group: elements of K in a group, 1..XQACCEL_MAX_GROUP_REAL; divides K
 * @x_supergroup: @w_supergroup: elements of K in a supergroup, whole groups; divides K. 0 where nothing
 *	is of the second level; w's is that of its minima, too
 * @x_type: @w_type: any type of at most 8 bits; codebook types only for w
 * @weights: [outputs][inputs] unpacked elements
 * @x_zp: @w_zp: zero points
 * @codebook: [16] or [256] values of c4 and c8
 * @x_scales: only the types; the scales come with each batch
 * @w_scales: @w_minima: of the rows of w; no minima if both types are XQ_NONE
 * @supergroup_sum: integer sums of whole supergroups become real, see XQACCEL_JOB_SUPERGROUP_SUM: u8 or
 *	s8 @w_scales of both levels and no or such @w_minima, @x_scales of the second level alone, the
 *	same supergroup
 *
 * Everything is copied.
 */
struct xq_grouped_config {
	size_t inputs, outputs;
	uint32_t group, x_supergroup, w_supergroup;
	enum xq_type x_type, w_type;
	const void *weights;
	int32_t x_zp, w_zp;
	const int8_t *codebook;
	struct xq_group_scales x_scales, w_scales, w_minima;
	bool supergroup_sum;
};

/**
 * xq_grouped_create() - pack weights and their scales for a device
 * @grouped: owned by the caller until xq_grouped_destroy(), which comes before xq_device_close()
 *
 * Return: 0, -EINVAL the numbers contradict each other, -ERANGE a weight that is not of its type,
 * -EOPNOTSUPP the device has no real scales (XQACCEL_FEATURE_GROUP_REAL), not those sums
 * (XQACCEL_FEATURE_SUPERGROUP_SUM) or no pair that serves, -EOVERFLOW, -ENOMEM, -ENOSPC.
 */
int xq_grouped_create(struct xq_device *dev, const struct xq_grouped_config *config,
		      struct xq_grouped **grouped);

/** xq_grouped_destroy() - NULL is allowed */
void xq_grouped_destroy(struct xq_grouped *grouped);

/** xq_grouped_bytes() - bytes of the packed weights and their scales */
size_t xq_grouped_bytes(const struct xq_grouped *grouped);

/**
 * xq_grouped_run() - one batch
 * @workspace: of the same device; the weights themselves may serve several threads at once
 * @x: [rows][inputs] unpacked elements
 * @x_scales: of these rows, of the types that the configuration has
 * @y: [rows][outputs]
 * @stats: NULL, or what the jobs did is added to it
 *
 * Each element is summed in float32 in the order of the groups, as linux/xqaccel.h says for
 * XQACCEL_JOB_GROUP_REAL, or of the supergroups: the same bits on every device.
 *
 * Return: 0, -ERANGE an element of @x that is not of its type, -EINVAL a workspace of another
 * device or other types of scales, -ENOMEM, -ENOSPC, or how a job ended.
 */
int xq_grouped_run(const struct xq_grouped *grouped, struct xq_workspace *workspace, const void *x,
		   const struct xq_group_scales *x_scales, size_t rows, float *y,
		   struct xq_matmul_stats *stats);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
