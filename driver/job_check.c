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

static int operand_reach(const struct xqaccel_operand *op, const struct xq_extent *e,
			 struct xqaccel_reach *reach)
{
	__u64 bytes;

	if (!xq_span(e, op->stride, op->batch_stride, op->plane_stride, &bytes))
		return -EOVERFLOW;
	reach->bytes = bytes;
	reach->written = e->written;
	reach->apart = !e->written || !bytes ||
		       xq_rows_disjoint(e, op->stride, op->batch_stride, op->plane_stride);
	return 0;
}

/**
 * xqaccel_job_check() - say whether a description is one of a job
 * @caps: of the device
 * @d: the description
 * @given: operands that it has room for; those behind them are not looked at, and absent
 * @reach: filled in for operands that are there, @given of them; or NULL
 *
 * Return: 0, -EOPNOTSUPP or -EINVAL, and with @reach -EOVERFLOW.
 */
int xqaccel_job_check(const struct xqaccel_caps *caps, const struct xqaccel_job_desc *d,
		      unsigned int given, struct xqaccel_reach *reach)
{
	const struct xq_abilities has = {
		.pairs = caps->pairs,
		.tiled = caps->tiled,
		.features = caps->features,
		.max_dim = caps->max_dim,
	};
	struct xq_extent e;
	unsigned int i;
	u32 can_have, may_need;
	int ret;

	ret = xq_work_check(&d->work, &has);
	if (ret)
		return ret;
	if (d->work.op == XQACCEL_OP_GEMM && given > XQACCEL_A_ZP &&
	    d->operand[XQACCEL_A_ZP].handle && !(caps->features & XQACCEL_FEATURE_A_ZP_ROWS))
		return -EOPNOTSUPP;
	can_have = xq_work_operands(&d->work);
	may_need = xq_work_may_need(&d->work);
	for (i = 0; i < given; i++) {
		const bool absent = operand_empty(&d->operand[i]) && !d->operand[i].reserved;

		if (absent && !(may_need & BIT(i)))
			continue;
		if (!(can_have & BIT(i)))
			return -EINVAL;
		xq_work_extent(&d->work, i, &e);
		if (!operand_valid(&d->operand[i], &e))
			return -EINVAL;
		if (reach && !absent)
			ret = operand_reach(&d->operand[i], &e, &reach[i]);
		if (ret)
			return ret;
	}
	for (; i < XQ_OPERANDS && may_need >> i; i++) {
		if (!(may_need & BIT(i)))
			continue;
		xq_work_extent(&d->work, i, &e);
		if (e.required)
			return -EINVAL;
	}
	return 0;
}
