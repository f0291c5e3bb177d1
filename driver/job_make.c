// SPDX-License-Identifier: GPL-2.0
/* Jobs, made from a checked description, with references to their buffers. */
#include <linux/overflow.h>

#include "buffer.h"
#include "client.h"
#include "job.h"
#include "program.h"

static int span_take(struct xqaccel_client *client, const struct xqaccel_operand *op,
		     const struct xq_extent *e, struct xqaccel_span *span)
{
	u64 end;

	span->buf = xqaccel_buffer_find(client, op->handle);
	if (!span->buf)
		return -ENOENT;
	span->offset = op->offset;
	if (!xq_span(e, op->stride, op->batch_stride, op->plane_stride, &span->bytes) ||
	    check_add_overflow(span->offset, span->bytes, &end))
		return -EOVERFLOW;
	if (end > span->buf->bytes)
		return -ERANGE;
	if (e->written && !span->buf->writable)
		return -EACCES;
	span->written = e->written;
	if (e->written && span->bytes &&
	    !xq_rows_disjoint(e, op->stride, op->batch_stride, op->plane_stride))
		return -EINVAL;
	return 0;
}

static bool spans_overlap(const struct xqaccel_span *a, const struct xqaccel_span *b)
{
	return a->buf && a->buf == b->buf && a->bytes && b->bytes &&
	       a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

/* Whether outputs are written where nothing is read and no byte is written twice. */
static bool outputs_apart(const struct xqaccel_job *job)
{
	unsigned int i, j;

	for (i = 0; i < job->operands; i++)
		for (j = 0; job->span[i].written && j < job->operands; j++)
			if (i != j && spans_overlap(&job->span[i], &job->span[j]))
				return false;
	return true;
}

static int spans_take(struct xqaccel_job *job, const struct xqaccel_job_desc *d)
{
	struct xq_extent e;
	unsigned int i;
	int ret;

	for (i = 0; i < job->operands; i++) {
		if (!d->operand[i].handle)
			continue;
		xq_work_extent(&d->work, i, &e);
		ret = span_take(job->client, &d->operand[i], &e, &job->span[i]);
		if (ret)
			return ret;
		job->shared |= job->span[i].buf && job->span[i].buf->resv;
	}
	return outputs_apart(job) ? 0 : -EINVAL;
}

static void descriptor_fill(struct xqaccel_job *job, const struct xqaccel_job_desc *d)
{
	const u32 *words = (const u32 *)&d->work;
	struct xq_hw_descriptor *hw = &job->desc;
	unsigned int i;

	hw->context = cpu_to_le32(job->client->context);
	for (i = 0; i < XQ_WORK_WORDS; i++)
		hw->work[i] = cpu_to_le32(words[i]);
	for (i = 0; i < job->operands; i++) {
		const struct xqaccel_span *span = &job->span[i];

		if (!span->buf)
			continue;
		hw->operand[i].address = cpu_to_le64(span->buf->va + span->offset);
		hw->operand[i].stride = cpu_to_le64(d->operand[i].stride);
		hw->operand[i].batch_stride = cpu_to_le64(d->operand[i].batch_stride);
		hw->operand[i].plane_stride = cpu_to_le64(d->operand[i].plane_stride);
	}
}

/* Bytes, or elements, of a device that is fast with them. */
#define UNITS_PER_NS	4

static_assert(sizeof_field(struct xqaccel_job_desc, work) ==
	      sizeof_field(struct xq_hw_descriptor, work));

/* Work without products takes at least what its elements do, which may be few but read often. */
static u64 least_ns(const struct xqaccel_job *job, const struct xqaccel_work *work)
{
	u64 bytes = 0;
	unsigned int i;

	if (job->macs)
		return 0;
	for (i = 0; i < job->operands; i++)
		bytes += job->span[i].bytes;
	return max(bytes, xq_work_units(work)) / UNITS_PER_NS;
}

static int job_fill(struct xqaccel_job *job, const struct xqaccel_job_desc *d)
{
	int ret;

	ret = spans_take(job, d);
	if (ret)
		return ret;
	job->macs = xq_work_macs(&d->work);
	job->least_ns = least_ns(job, &d->work);
	job->accumulate = d->work.flags & XQACCEL_JOB_ACCUMULATE;
	descriptor_fill(job, d);
	return 0;
}

/* Operands up to the last one that the job has. */
static unsigned int operand_count(const struct xqaccel_job_desc *d)
{
	unsigned int count = XQ_OPERANDS;

	if (d->work.op == XQACCEL_OP_PROGRAM)
		return XQ_PROGRAM_LIST + 1;
	while (count && !d->operand[count - 1].handle)
		count--;
	return count;
}

/*
 * Takes references to the buffers of a description that xqaccel_job_check() liked. Sleeps.
 */
struct xqaccel_job *xqaccel_job_create(struct xqaccel_client *client,
				       const struct xqaccel_job_desc *d)
{
	struct xqaccel_job *job = xqaccel_job_alloc(operand_count(d));
	int ret;

	if (!job)
		return ERR_PTR(-ENOMEM);
	job->client = client;
	job->completion.user_data = d->user_data;
	INIT_LIST_HEAD(&job->node);
	INIT_LIST_HEAD(&job->lane_node);
	xqaccel_client_get(client);
	atomic64_inc(&client->xq->stats.jobs);
	ret = d->work.op == XQACCEL_OP_PROGRAM ? xqaccel_program_bind(job, d) : job_fill(job, d);
	if (!ret)
		ret = xqaccel_job_sync_for_device(job);
	if (!ret)
		return job;
	xqaccel_job_release(job);
	xqaccel_job_free(client->xq, job);
	return ERR_PTR(ret);
}
