// SPDX-License-Identifier: MIT
/*
 * From a descriptor to a job whose numbers make sense. The descriptor is a private copy and
 * wholly the guest's: nothing is used before it is checked.
 */
#include <string.h>

#include "device.h"

static void read_dims(struct xq_dims *d, const struct xq_hw_descriptor *desc)
{
	*d = (struct xq_dims){
		.flags = le32toh(desc->flags),
		.m = le32toh(desc->m),
		.n = le32toh(desc->n),
		.k = le32toh(desc->k),
		.batch = le32toh(desc->batch),
		.group = le32toh(desc->group),
		.a_format = desc->a_format,
		.b_format = desc->b_format,
		.scale_format = desc->scale_format,
	};
}

static bool capable(const struct xq_dims *d)
{
	if (d->a_format >= XQ_FORMATS || d->b_format >= XQ_FORMATS)
		return false;
	if (!(xqk_pairs(d->a_format) & 1U << d->b_format))
		return false;
	return !(d->flags & XQACCEL_JOB_B_TILED) || (xqk_tiled() & 1U << d->b_format);
}

static bool read_operand(struct xqdev_operand *op, const struct xq_dims *d, unsigned int index,
			 const struct xq_hw_descriptor *desc)
{
	const struct xq_extent *e = &op->extent;
	uint64_t strides;
	__u64 span = 0;

	xq_extent(d, index, &op->extent);
	op->address = le64toh(desc->operand[index].address);
	op->stride = le64toh(desc->operand[index].stride);
	op->batch_stride = le64toh(desc->operand[index].batch_stride);
	op->group_stride = 0;
	if (index == XQACCEL_C && (d->flags & XQACCEL_JOB_GROUP_ACC))
		op->group_stride = le64toh(desc->group_stride);
	op->span = 0;
	if (!e->used)
		return !op->address;
	strides = op->stride | op->batch_stride | op->group_stride;
	if ((op->address | strides) & (e->align - 1) || (!e->matrix && op->stride) ||
	    !xq_span(e, op->stride, op->batch_stride, op->group_stride, &span))
		return false;
	op->span = span;
	if (!op->address) {
		if (e->required && op->span)
			return false;
		op->span = 0;
	}
	return true;
}

static bool apart(const struct xqdev_operand *a, const struct xqdev_operand *b)
{
	if (!a->span || !b->span)
		return true;
	return a->address < b->address ? b->address - a->address >= a->span :
	       a->address - b->address >= b->span;
}

/* The output may not overlap itself, nor an input. */
static bool output_apart(const struct xqdev_operand *operand)
{
	const struct xqdev_operand *c = &operand[XQACCEL_C];
	unsigned int i;

	if (c->span && !xq_rows_disjoint(&c->extent, c->stride, c->batch_stride, c->group_stride))
		return false;
	for (i = 0; i < XQ_OPERANDS; i++)
		if (i != XQACCEL_C && !apart(c, &operand[i]))
			return false;
	return true;
}

static uint16_t completion_flags(const struct xqk_gemm *gemm, const struct xqdev_operand *operand)
{
	const bool unbounded = operand[XQACCEL_A_ZP].address || operand[XQACCEL_B_ZP].address ||
			       operand[XQACCEL_A_SCALE].address ||
			       operand[XQACCEL_B_SCALE].address;

	return xq_may_overflow(&gemm->dims, gemm->a_zp, gemm->b_zp, unbounded) ?
	       XQACCEL_COMP_OVERFLOW : 0;
}

/* Fills in the job; XQACCEL_STATUS_OK or INVALID. */
int xqdev_job_prepare(struct xqdev *dev, struct xqdev_job *job,
		      const struct xq_hw_descriptor *desc)
{
	struct xq_dims *d = &job->gemm.dims;
	unsigned int i;

	job->context = le32toh(desc->context);
	read_dims(d, desc);
	if (le32toh(desc->op) != XQACCEL_OP_GEMM || desc->reserved0 || desc->reserved1 ||
	    job->context >= dev->contexts || !xq_dims_valid(d) || !capable(d))
		return XQACCEL_STATUS_INVALID;
	job->gemm.a_zp = (int32_t)le32toh(desc->a_zp);
	job->gemm.b_zp = (int32_t)le32toh(desc->b_zp);
	for (i = 0; i < XQ_OPERANDS; i++)
		if (!read_operand(&job->operand[i], d, i, desc))
			return XQACCEL_STATUS_INVALID;
	if (!output_apart(job->operand))
		return XQACCEL_STATUS_INVALID;
	job->comp_flags = completion_flags(&job->gemm, job->operand);
	return XQACCEL_STATUS_OK;
}
