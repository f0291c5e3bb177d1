/* SPDX-License-Identifier: MIT */
/* Packed weights as operands, for those who stage activations and results themselves. Internal. */
#ifndef XQ_OPS_GROUPED_H
#define XQ_OPS_GROUPED_H

#include <xqaccel/grouped.h>

/*
 * The job of one product: all but m, and the operands A, A_SCALE, A_SCALE2 and C. The elements of A are
 * of the type that the job says. 0, or -ENOENT.
 */
int xq_grouped_describe(const struct xq_grouped *grouped, struct xqaccel_job_desc *job);

#endif
