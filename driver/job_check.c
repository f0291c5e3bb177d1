// SPDX-License-Identifier: GPL-2.0
/*
 * What can be said of a job without its buffers: operation, formats, numbers, and that its
 * operands are described without contradiction.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include <linux/bits.h>

#include "device.h"
#include "job.h"

static bool operand_empty(const struct xqaccel_operand *op)
{
	return !(op->handle | op->offset | op->stride | op->batch_stride | op->plane_stride);
}

static bool operand_valid(const struct xqaccel_operand *op, const struct xq_extent *e)
{
	if (op->reserved)
		return false;
	if (!op->handle)
		return !e->required && operand_empty(op);
	return e->used && xq_place_valid(e, op->offset, op->stride, op->batch_stride,
					 op->plane_stride);
}

/* 0, -EOPNOTSUPP or -EINVAL. */
int xqaccel_job_check(const struct xqaccel_caps *caps, const struct xqaccel_job_desc *d)
{
	const struct xq_abilities has = {
		.pairs = caps->pairs,
		.tiled = caps->tiled,
		.features = caps->features,
		.max_dim = caps->max_dim,
	};
	struct xq_extent e;
	unsigned int i;
	u32 can_have;
	int ret;

	ret = xq_work_check(&d->work, &has);
	if (ret)
		return ret;
	if (d->work.op == XQACCEL_OP_GEMM && d->operand[XQACCEL_A_ZP].handle &&
	    !(caps->features & XQACCEL_FEATURE_A_ZP_ROWS))
		return -EOPNOTSUPP;
	can_have = xq_work_operands(&d->work);
	for (i = 0; i < XQ_OPERANDS; i++) {
		if (!(can_have & BIT(i))) {
			if (d->operand[i].reserved || !operand_empty(&d->operand[i]))
				return -EINVAL;
			continue;
		}
		xq_work_extent(&d->work, i, &e);
		if (!operand_valid(&d->operand[i], &e))
			return -EINVAL;
	}
	return 0;
}
