// SPDX-License-Identifier: MIT
#include <errno.h>

#include "job.h"

static int put_operand(const struct xq_device *dev, const struct xq_operand *from,
		       struct xqaccel_operand *to)
{
	*to = (struct xqaccel_operand){ .offset = from->offset, .stride = from->stride,
					.batch_stride = from->batch_stride };
	if (!from->buffer)
		return 0;
	if (from->buffer->dev != dev)
		return -ENOENT;
	to->handle = from->buffer->memory.handle;
	return 0;
}

int xq_job_from_gemm(const struct xq_device *dev, const struct xq_gemm *gemm,
		     struct xqaccel_job_desc *job)
{
	const struct xq_operand *operands[XQ_GEMM_OPERANDS] = {
		[XQACCEL_A] = &gemm->a, [XQACCEL_B] = &gemm->b, [XQACCEL_C] = &gemm->c,
		[XQACCEL_A_ZP] = &gemm->a_zps, [XQACCEL_B_ZP] = &gemm->b_zps,
		[XQACCEL_A_SCALE] = &gemm->a_scale, [XQACCEL_B_SCALE] = &gemm->b_scale,
		[XQACCEL_CODEBOOK] = &gemm->codebook,
		[XQACCEL_A_SCALE2] = &gemm->a_scale2, [XQACCEL_B_SCALE2] = &gemm->b_scale2,
		[XQACCEL_B_MIN] = &gemm->b_min, [XQACCEL_B_MIN2] = &gemm->b_min2,
	};
	int i, err;

	*job = (struct xqaccel_job_desc){
		.user_data = gemm->user_data,
		.work = {
			.op = XQACCEL_OP_GEMM,
			.flags = gemm->flags,
			.gemm = {
				.m = gemm->m, .n = gemm->n, .k = gemm->k,
				.batch = gemm->batch ? gemm->batch : 1, .group = gemm->group,
				.a_format = (uint32_t)gemm->a_type,
				.b_format = (uint32_t)gemm->b_type,
				.a_scale_format = (uint32_t)gemm->a_scale_type,
				.b_scale_format = (uint32_t)gemm->b_scale_type,
				.a_zp = gemm->a_zp, .b_zp = gemm->b_zp,
				.a_supergroup = gemm->a_supergroup,
				.a_scale2_format = (uint32_t)gemm->a_scale2_type,
				.b_supergroup = gemm->b_supergroup,
				.b_scale2_format = (uint32_t)gemm->b_scale2_type,
				.b_min_format = (uint32_t)gemm->b_min_type,
				.b_min2_format = (uint32_t)gemm->b_min2_type,
			},
		},
	};
	for (i = 0; i < XQ_GEMM_OPERANDS; i++) {
		err = put_operand(dev, operands[i], &job->operand[i]);
		if (err)
			return err;
	}
	job->operand[XQACCEL_C].plane_stride = gemm->group_stride;
	return 0;
}

/* XQ_STATUS_REFUSED and what was returned come from rings only. */
int xq_status_error(uint32_t status)
{
	if (status & XQ_STATUS_REFUSED)
		return -(int)(status & ~XQ_STATUS_REFUSED);
	switch (status) {
	case XQACCEL_STATUS_OK:
		return 0;
	case XQACCEL_STATUS_FAULT:
		return -EFAULT;
	case XQACCEL_STATUS_INVALID:
		return -EINVAL;
	case XQACCEL_STATUS_TIMEOUT:
		return -ETIMEDOUT;
	case XQACCEL_STATUS_CANCELED:
		return -ECANCELED;
	case XQACCEL_STATUS_LOST:
		return -ENODEV;
	default:
		return -EIO;
	}
}

uint64_t xq_ticks_to_ns(uint64_t ticks, uint64_t hz)
{
	return hz == 1000000000 ? ticks :
	       ticks / hz * 1000000000 + ticks % hz * 1000000000 / hz;
}

void xq_completion_from(const struct xq_device *dev, const struct xqaccel_completion *from,
			struct xq_completion *to)
{
	*to = (struct xq_completion){
		.user_data = from->user_data, .status = xq_status_error(from->status),
		.overflow = from->flags & XQACCEL_COMP_OVERFLOW,
		.start_ns = xq_ticks_to_ns(from->start, dev->info.clock_hz),
		.end_ns = xq_ticks_to_ns(from->end, dev->info.clock_hz),
		.macs = from->macs, .bytes = from->bytes, .bytes_copied = from->bytes_copied,
		.fault_offset = from->fault_offset, .failed_job = from->failed_job,
	};
}
