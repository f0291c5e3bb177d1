// SPDX-License-Identifier: MIT
/*
 * The driver's checks of a job, for the device model in this process. What is where comes
 * from driver/xq_geometry.h, as it does in the driver.
 */
#include <errno.h>

#include "job.h"

struct span {
	uint32_t handle;
	uint64_t first;
	__u64 bytes;
	bool written;
};

static bool is_zero(const struct xqaccel_operand *op)
{
	return !op->handle && !op->offset && !op->stride && !op->batch_stride && !op->plane_stride;
}

static int check_operand(const struct xqaccel_operand *op, const struct xq_extent *extent,
			 xq_find_memory *find, void *opaque, struct span *span)
{
	uint64_t end, bytes;
	int err;

	*span = (struct span){ .handle = op->handle, .first = op->offset, .written = extent->written };
	if (op->reserved)
		return -EINVAL;
	if (!op->handle)
		return extent->required || !is_zero(op) ? -EINVAL : 0;
	if (!extent->used || !xq_place_valid(extent, op->offset, op->stride, op->batch_stride,
					     op->plane_stride))
		return -EINVAL;
	err = find(opaque, op->handle, extent->written, &bytes);
	if (err)
		return err;
	if (!xq_span(extent, op->stride, op->batch_stride, op->plane_stride, &span->bytes) ||
	    __builtin_add_overflow(op->offset, span->bytes, &end))
		return -EOVERFLOW;
	if (end > bytes)
		return -ERANGE;
	if (extent->written && span->bytes &&
	    !xq_rows_disjoint(extent, op->stride, op->batch_stride, op->plane_stride))
		return -EINVAL;
	return 0;
}

static bool overlap(const struct span *x, const struct span *y)
{
	return x->handle && x->handle == y->handle && x->bytes && y->bytes &&
	       x->first < y->first + y->bytes && y->first < x->first + x->bytes;
}

static int check_outputs(const struct span *spans)
{
	unsigned int i, j;

	for (i = 0; i < XQ_OPERANDS; i++)
		for (j = 0; spans[i].written && j < XQ_OPERANDS; j++)
			if (i != j && overlap(&spans[i], &spans[j]))
				return -EINVAL;
	return 0;
}

int xq_job_check(const struct xqaccel_job_desc *job, const struct xqaccel_info *info,
		 const struct xq_pairs *pairs, xq_find_memory *find, void *opaque)
{
	const struct xq_abilities has = {
		.pairs = pairs->of_a, .tiled = pairs->tiled, .features = info->features,
		.max_dim = info->max_dim,
	};
	struct span spans[XQ_OPERANDS];
	struct xq_extent extent;
	unsigned int i;
	int err = xq_work_check(&job->work, &has);

	for (i = 0; !err && i < XQ_OPERANDS; i++) {
		xq_work_extent(&job->work, i, &extent);
		err = check_operand(&job->operand[i], &extent, find, opaque, &spans[i]);
	}
	return err ? err : check_outputs(spans);
}
