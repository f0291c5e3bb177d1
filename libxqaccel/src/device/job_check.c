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
};

struct xq_dims xq_job_dims(const struct xqaccel_job *job)
{
	return (struct xq_dims){
		.flags = job->flags, .m = job->m, .n = job->n, .k = job->k, .batch = job->batch,
		.group = job->group, .a_format = job->a_format, .b_format = job->b_format,
		.scale_format = job->scale_format,
	};
}

static bool is_zero(const struct xqaccel_operand *op)
{
	return !op->handle && !op->offset && !op->stride && !op->batch_stride;
}

static int check_operand(const struct xqaccel_operand *op, const struct xq_extent *extent,
			 uint64_t group_stride, xq_find_memory *find, void *opaque,
			 struct span *span)
{
	uint64_t end;
	size_t bytes;

	*span = (struct span){ .handle = op->handle, .first = op->offset };
	if (op->reserved)
		return -EINVAL;
	if (!op->handle)
		return extent->required || !is_zero(op) ? -EINVAL : 0;
	if (!extent->used || (!extent->matrix && op->stride) ||
	    ((op->offset | op->stride | op->batch_stride) & (extent->align - 1)))
		return -EINVAL;
	if (!find(opaque, op->handle, &bytes))
		return -ENOENT;
	if (!xq_span(extent, op->stride, op->batch_stride, group_stride, &span->bytes) ||
	    __builtin_add_overflow(op->offset, span->bytes, &end))
		return -EOVERFLOW;
	return end > bytes ? -ERANGE : 0;
}

static bool overlap(const struct span *x, const struct span *y)
{
	return x->handle && x->handle == y->handle && x->bytes && y->bytes &&
	       x->first < y->first + y->bytes && y->first < x->first + x->bytes;
}

static int check_output(const struct xqaccel_job *job, const struct xq_dims *dims,
			const struct span *spans)
{
	const struct xqaccel_operand *c = &job->operand[XQACCEL_C];
	struct xq_extent extent;
	unsigned int i;

	for (i = 0; i < XQ_OPERANDS; i++)
		if (i != XQACCEL_C && overlap(&spans[i], &spans[XQACCEL_C]))
			return -EINVAL;
	xq_extent(dims, XQACCEL_C, &extent);
	if (spans[XQACCEL_C].bytes &&
	    !xq_rows_disjoint(&extent, c->stride, c->batch_stride, job->group_stride))
		return -EINVAL;
	return 0;
}

static int check_numbers(const struct xqaccel_job *job, const struct xq_dims *dims,
			 const struct xqaccel_info *info, const struct xq_pairs *pairs)
{
	if (job->op != XQACCEL_OP_GEMM || (job->flags & ~XQ_JOB_FLAGS))
		return -EOPNOTSUPP;
	if (job->reserved || !xq_dims_valid(dims) || job->m > info->max_dim ||
	    job->n > info->max_dim || job->k > info->max_dim || job->batch > info->max_dim)
		return -EINVAL;
	if (job->a_format >= XQ_TYPE_COUNT || job->b_format >= XQ_TYPE_COUNT ||
	    !(pairs->of_a[job->a_format] >> job->b_format & 1))
		return -EOPNOTSUPP;
	if ((job->flags & XQACCEL_JOB_B_TILED) && !(pairs->tiled >> job->b_format & 1))
		return -EOPNOTSUPP;
	if (job->flags & XQACCEL_JOB_GROUP_ACC ? job->group_stride & 3 : !!job->group_stride)
		return -EINVAL;
	return 0;
}

int xq_job_check(const struct xqaccel_job *job, const struct xqaccel_info *info,
		 const struct xq_pairs *pairs, xq_find_memory *find, void *opaque)
{
	const struct xq_dims dims = xq_job_dims(job);
	struct span spans[XQ_OPERANDS];
	struct xq_extent extent;
	unsigned int i;
	int err = check_numbers(job, &dims, info, pairs);

	for (i = 0; !err && i < XQ_OPERANDS; i++) {
		xq_extent(&dims, i, &extent);
		err = check_operand(&job->operand[i], &extent,
				    i == XQACCEL_C ? job->group_stride : 0, find, opaque, &spans[i]);
	}
	return err ? err : check_output(job, &dims, spans);
}
