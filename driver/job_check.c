// SPDX-License-Identifier: GPL-2.0
/*
 * What can be said of a job without its buffers: operation, formats, numbers, and that its
 * operands are described without contradiction.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "device.h"
#include "job.h"

static bool format_known(u32 format)
{
	return format < XQ_FORMATS;
}

/* What this device or driver does not have, as opposed to what makes no sense. */
static int check_support(const struct xqaccel_caps *caps, const struct xqaccel_job *d)
{
	if (d->op != XQACCEL_OP_GEMM || (d->flags & ~XQ_JOB_FLAGS))
		return -EOPNOTSUPP;
	if (!format_known(d->a_format) || !format_known(d->b_format) ||
	    !format_known(d->scale_format))
		return -EOPNOTSUPP;
	if (!xq_format_bits(d->a_format) || !xq_format_bits(d->b_format))
		return -EINVAL;
	if (!(caps->pairs[d->a_format] & BIT(d->b_format)))
		return -EOPNOTSUPP;
	if ((d->flags & XQACCEL_JOB_B_TILED) && !(caps->tiled & BIT(d->b_format)))
		return -EOPNOTSUPP;
	if ((d->flags & XQACCEL_JOB_GROUP_ACC) && !(caps->features & XQACCEL_FEATURE_GROUP_ACC))
		return -EOPNOTSUPP;
	if (d->scale_format && !(caps->features & XQACCEL_FEATURE_GROUP_SCALE))
		return -EOPNOTSUPP;
	if (d->operand[XQACCEL_A_ZP].handle && !(caps->features & XQACCEL_FEATURE_A_ZP_ROWS))
		return -EOPNOTSUPP;
	return 0;
}

static bool operand_empty(const struct xqaccel_operand *op)
{
	return !(op->handle | op->offset | op->stride | op->batch_stride);
}

static bool operand_valid(const struct xqaccel_operand *op, const struct xq_extent *e)
{
	if (op->reserved)
		return false;
	if (!op->handle)
		return !e->required && operand_empty(op);
	if (!e->used || (!e->matrix && op->stride))
		return false;
	return !((op->offset | op->stride | op->batch_stride) & (e->align - 1));
}

/* 0, -EOPNOTSUPP or -EINVAL. */
int xqaccel_job_check(const struct xqaccel_caps *caps, const struct xqaccel_job *d)
{
	const struct xq_dims dims = xqaccel_job_dims(d);
	struct xq_extent e;
	unsigned int i;
	int ret;

	ret = check_support(caps, d);
	if (ret)
		return ret;
	if (d->reserved || !xq_dims_valid(&dims))
		return -EINVAL;
	if (max3(d->m, d->n, d->k) > caps->max_dim || d->batch > caps->max_dim)
		return -EINVAL;
	if ((d->flags & XQACCEL_JOB_GROUP_ACC) ? d->group_stride & 3 : d->group_stride)
		return -EINVAL;
	for (i = 0; i < XQ_OPERANDS; i++) {
		xq_extent(&dims, i, &e);
		if (!operand_valid(&d->operand[i], &e))
			return -EINVAL;
	}
	return 0;
}
