/* SPDX-License-Identifier: MIT */
/*
 * Matrix products of arrays: types are widened where the device lacks a pair, operands are
 * packed, staged in buffers, cut where they are too large, and run as jobs.
 */
#ifndef XQACCEL_MATMUL_H
#define XQACCEL_MATMUL_H

#include <xqaccel/device.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Leading dimensions that a product may have. */
#define XQ_MATMUL_DIMS	14

/**
 * struct xq_workspace - a queue and buffers that products reuse
 *
 * Belongs to one thread at a time; several may serve one device.
 */
struct xq_workspace;

/** xq_workspace_create() - -ENOMEM, -ENOSPC no lane is free, or -ENODEV */
int xq_workspace_create(struct xq_device *dev, struct xq_workspace **workspace);

/** xq_workspace_destroy() - NULL is allowed */
void xq_workspace_destroy(struct xq_workspace *workspace);

/** xq_workspace_device() - the device that it was made for */
struct xq_device *xq_workspace_device(const struct xq_workspace *workspace);

/**
 * struct xq_matmul_stats - what the jobs of a product did; sums
 */
struct xq_matmul_stats {
	uint64_t jobs, device_ns, macs, bytes, bytes_copied;
	bool overflow;
};

/**
 * struct xq_matmul - C = (A - a_zp) (B - b_zp), zero what is not needed
 * @m: @n: @k: shape of one product
 * @dims: leading dimensions
 * @dim: their sizes
 * @a_step: matrices of A from one index of a leading dimension to the next; 0 repeats
 * @b_step: the same of B. C has them all, in C order
 * @a_type: @b_type: any type of at most 8 bits; codebook types only for B
 * @b_transposed: B is [..][n][k], else [..][k][n]
 * @a: unpacked elements [..][m][k], as enum xq_type says
 * @b: unpacked elements
 * @a_zps: numbers at @a_zp: 0, 1, or m
 * @b_zps: numbers at @b_zp: 0, 1, or n
 * @codebook: [16] or [256] values of c4 and c8
 * @group: elements of K in a group, 0 for none; divides k
 * @a_scale: [m][k / group], or NULL
 * @b_scale: [n][k / group], or NULL. With groups and neither, C is [..][k / group][m][n]
 * @bias: [n] or NULL, added with wrapping; not where C has groups
 * @c: [..][m][n]
 * @bad_a: index in all of @a of the first value that is not of its type
 * @bad_b: the same of @b. Both are written only if the product fails with -ERANGE, and the
 *	one that has no such value is set to SIZE_MAX
 * @stats: NULL, or to be filled in
 */
struct xq_matmul {
	size_t m, n, k;
	unsigned int dims;
	size_t dim[XQ_MATMUL_DIMS], a_step[XQ_MATMUL_DIMS], b_step[XQ_MATMUL_DIMS];
	enum xq_type a_type, b_type;
	bool b_transposed;
	const void *a, *b;
	const int32_t *a_zp, *b_zp;
	size_t a_zps, b_zps;
	const int8_t *codebook;
	size_t group;
	const int32_t *a_scale, *b_scale;
	const int32_t *bias;
	int32_t *c;
	size_t bad_a, bad_b;
	struct xq_matmul_stats *stats;
};

/**
 * xq_matmul() - compute it on the workspace's device
 *
 * All arithmetic is exact modulo 2^32. Return: 0, -EINVAL (types, groups, counts of zero
 * points), -ERANGE a value that is not of its type, -EOVERFLOW sizes too large for the
 * device or for size_t, -EOPNOTSUPP the device has no pair that could serve, -ENOMEM,
 * -ENOSPC, or how a job ended.
 */
int xq_matmul(struct xq_workspace *workspace, struct xq_matmul *mm);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
