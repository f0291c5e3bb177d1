// SPDX-License-Identifier: MIT
/*
 * From a descriptor to a job whose numbers make sense. The descriptor is a private copy and
 * wholly the guest's: nothing is used before it is checked.
 */
#include <string.h>

#include "device.h"

static void read_work(struct xqaccel_work *work, const struct xq_hw_descriptor *desc)
{
	__u32 *words = (__u32 *)work;
	unsigned int i;

	_Static_assert(sizeof(*work) == sizeof(desc->work), "the same words");
	for (i = 0; i < XQ_WORK_WORDS; i++)
		words[i] = le32toh(desc->work[i]);
}

static bool reserved_zero(const struct xq_hw_descriptor *desc)
{
	__le64 any = desc->reserved0;
	unsigned int i;

	for (i = 0; i < sizeof(desc->reserved1) / sizeof(desc->reserved1[0]); i++)
		any |= desc->reserved1[i];
	return !any;
}

void xqdev_job_extent(const struct xqdev_job *job, unsigned int operand, struct xq_extent *e)
{
	if (job->work.op == XQACCEL_OP_PROGRAM)
		xq_program_extent(&job->work, operand, e);
	else
		xq_work_extent(&job->work, operand, e);
}

/* What a part of a program says of a place may count from one of the program's slots. */
static bool resolve(const struct xqdev_job *job, uint64_t *address)
{
	const uint64_t limit = 1ULL << XQ_VA_BITS, offset = XQ_SLOT_OFFSET(*address);
	uint64_t base;

	if (!job->whole || !XQ_IS_SLOT(*address))
		return true;
	if (XQ_SLOT_OF(*address) >= XQACCEL_PROGRAM_SLOTS || offset >= limit)
		return false;
	base = job->whole->operand[XQ_SLOT_OF(*address)].address;
	if (!base || base >= limit)
		return false;
	*address = base + offset;
	return true;
}

static bool absent(const struct xq_hw_operand *from)
{
	return !(from->address | from->stride | from->batch_stride | from->plane_stride);
}

/* One that the job does not have. Most are: a copy takes half as long as clearing. */
static void no_operand(struct xqdev_operand *op)
{
	static const struct xqdev_operand none = { .extent = { .align = 1 } };

	*op = none;
}

static bool read_operand(struct xqdev_job *job, unsigned int index,
			 const struct xq_hw_operand *from)
{
	struct xqdev_operand *op = &job->operand[index];
	const struct xq_extent *e = &op->extent;
	__u64 span = 0;

	xqdev_job_extent(job, index, &op->extent);
	op->address = le64toh(from->address);
	if (!resolve(job, &op->address))
		return false;
	op->stride = le64toh(from->stride);
	op->batch_stride = le64toh(from->batch_stride);
	op->plane_stride = le64toh(from->plane_stride);
	op->span = 0;
	op->by_lines = job->work.op == XQACCEL_OP_GEMM || job->work.op == XQACCEL_OP_CONV;
	if (!e->used)
		return !(op->address | op->stride | op->batch_stride | op->plane_stride);
	if (!xq_place_valid(e, op->address, op->stride, op->batch_stride, op->plane_stride) ||
	    !xq_span(e, op->stride, op->batch_stride, op->plane_stride, &span))
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

/* An output may overlap neither itself nor another operand. */
static bool outputs_apart(const struct xqdev_operand *operand)
{
	unsigned int i, j;

	for (i = 0; i < XQ_OPERANDS; i++) {
		const struct xqdev_operand *y = &operand[i];

		if (!y->extent.written || !y->span)
			continue;
		if (!xq_rows_disjoint(&y->extent, y->stride, y->batch_stride, y->plane_stride))
			return false;
		for (j = 0; j < XQ_OPERANDS; j++)
			if (i != j && !apart(y, &operand[j]))
				return false;
	}
	return true;
}

static uint16_t completion_flags(const struct xqaccel_work *work,
				 const struct xqdev_operand *operand)
{
	/* What is multiplied by real scales has been added up before. */
	const bool real = work->op == XQACCEL_OP_GEMM && (work->flags & XQACCEL_JOB_GROUP_REAL);
	const bool unbounded = operand[XQACCEL_A_ZP].address || operand[XQACCEL_B_ZP].address ||
			       (!real && operand[XQACCEL_A_SCALE].address) ||
			       (!real && operand[XQACCEL_B_SCALE].address) ||
			       operand[XQACCEL_EPILOGUE_BIAS].address;

	return xq_work_may_overflow(work, unbounded) ? XQACCEL_COMP_OVERFLOW : 0;
}

/* A program's parts are no programs, and are of its context. */
static bool work_valid(const struct xqdev *dev, const struct xqdev_job *job)
{
	if (job->work.op == XQACCEL_OP_PROGRAM)
		return !job->whole && !xq_program_check(&job->work, &dev->abilities);
	if (job->whole && job->context != job->whole->context)
		return false;
	return !xq_work_check(&job->work, &dev->abilities);
}

/* Fills in the job; XQACCEL_STATUS_OK or INVALID. */
int xqdev_job_prepare(struct xqdev *dev, struct xqdev_job *job,
		      const struct xq_hw_descriptor *desc)
{
	__u32 can_have = ~0U, may_need = ~0U;
	unsigned int i;

	job->context = le32toh(desc->context);
	read_work(&job->work, desc);
	if (!reserved_zero(desc) || job->context >= dev->contexts || !work_valid(dev, job))
		return XQACCEL_STATUS_INVALID;
	if (job->work.op != XQACCEL_OP_PROGRAM) {
		can_have = xq_work_operands(&job->work);
		may_need = xq_work_may_need(&job->work);
	}
	for (i = 0; i < XQ_OPERANDS; i++) {
		const struct xq_hw_operand *from = &desc->operand[i];

		if (absent(from) && !(may_need & 1U << i))
			no_operand(&job->operand[i]);
		else if (!(can_have & 1U << i) || !read_operand(job, i, from))
			return XQACCEL_STATUS_INVALID;
	}
	if (!outputs_apart(job->operand))
		return XQACCEL_STATUS_INVALID;
	if (job->work.op != XQACCEL_OP_PROGRAM)
		job->comp_flags = completion_flags(&job->work, job->operand);
	return XQACCEL_STATUS_OK;
}
