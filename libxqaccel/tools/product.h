/* SPDX-License-Identifier: MIT */
/*
 * Matrix products that the library's take more than one call for: zero points that differ along
 * leading dimensions, and a last group that is short.
 */
#ifndef XQ_TOOL_PRODUCT_H
#define XQ_TOOL_PRODUCT_H

#include <xqaccel/matmul.h>

/**
 * struct product - a product and where its zero points lie
 * @mm: as for xq_matmul(), but @group need not divide @k: scales and C have ceil(k / group) groups
 * @a_zp_step: zero points of A from one index of a leading dimension to the next, 0 repeats
 * @b_zp_step: the same of B
 */
struct product {
	struct xq_matmul mm;
	size_t a_zp_step[XQ_MATMUL_DIMS], b_zp_step[XQ_MATMUL_DIMS];
};

/* Groups of K, the short one too; 1 without groups. */
size_t product_groups(const struct xq_matmul *mm);

/* As xq_matmul(). */
int product_run(struct xq_workspace *workspace, struct product *product);

#endif
