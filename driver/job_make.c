// SPDX-License-Identifier: GPL-2.0
/* Jobs, made from a checked description, with references to their buffers. */
#include <linux/overflow.h>

#include "buffer.h"
#include "client.h"
#include "job.h"
#include "program.h"

/* Of an operand whose buffer was looked for. */
static int span_take(u64 offset, const struct xqaccel_reach *reach, struct xqaccel_span *span)
{
	u64 end;

	if (!span->buf)
		return -ENOENT;
	span->offset = offset;
	span->bytes = reach->bytes;
	span->written = reach->written;
	if (check_add_overflow(span->offset, span->bytes, &end))
		return -EOVERFLOW;
	if (end > span->buf->bytes)
		return -ERANGE;
	if (span->written && !span->buf->writable)
		return -EACCES;
	return reach->apart ? 0 : -EINVAL;
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

/* A reference to the buffer of operand @i; often it is that of the operand before it. */
static struct xqaccel_buffer *buffer_of(const struct xqaccel_job *job,
					const struct xqaccel_job_desc *d, unsigned int i)
{
	struct xqaccel_buffer *before = i ? job->span[i - 1].buf : NULL;

	if (!before || d->operand[i - 1].handle != d->operand[i].handle)
		return xqaccel_buffer_find(job->client, d->operand[i].handle);
	xqaccel_buffer_get(before);
	return before;
}

static int spans_take(struct xqaccel_job *job, const struct xqaccel_job_desc *d,
		      const struct xqaccel_reach *reach)
{
	unsigned int i;
	int ret;

	for (i = 0; i < job->operands; i++) {
		if (!d->operand[i].handle)
			continue;
		job->span[i].buf = buffer_of(job, d, i);
		ret = span_take(d->operand[i].offset, &reach[i], &job->span[i]);
		if (ret)
			return ret;
		job->shared |= job->span[i].buf && job->span[i].buf->resv;
	}
	return outputs_apart(job) ? 0 : -EINVAL;
}

static void descriptor_fill(struct xqaccel_job *job, const struct xqaccel_job_desc *d)
{
	struct xq_hw_descriptor *hw = &job->desc;
	unsigned int i;

	hw->context = cpu_to_le32(job->client->context);
	xqaccel_work_fill(hw, &d->work);
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

static int job_fill(struct xqaccel_job *job, const struct xqaccel_job_desc *d,
		    const struct xqaccel_reach *reach)
{
	int ret;

	ret = spans_take(job, d, reach);
	if (ret)
		return ret;
	job->macs = xq_work_macs(&d->work);
	job->least_ns = least_ns(job, &d->work);
	job->accumulate = d->work.flags & XQACCEL_JOB_ACCUMULATE;
	descriptor_fill(job, d);
	return 0;
}

/* Operands up to the last one that the job has. */
static unsigned int operand_count(const struct xqaccel_job_desc *d, unsigned int given)
{
	if (d->work.op == XQACCEL_OP_PROGRAM)
		return XQ_PROGRAM_LIST + 1;
	while (given && !d->operand[given - 1].handle)
		given--;
	return given;
}

/*
 * Takes references to the buffers of a description that xqaccel_job_check() liked, which said how
 * far its operands reach. Sleeps. Of a program's run all operands are given, and nothing was said.
 */
struct xqaccel_job *xqaccel_job_create(struct xqaccel_client *client,
				       const struct xqaccel_job_desc *d, unsigned int given,
				       const struct xqaccel_reach *reach)
{
	struct xqaccel_job *job = xqaccel_job_alloc(operand_count(d, given));
	int ret;

	if (!job)
		return ERR_PTR(-ENOMEM);
	job->client = client;
	job->completion.user_data = d->user_data;
	INIT_LIST_HEAD(&job->node);
	INIT_LIST_HEAD(&job->lane_node);
	xqaccel_client_get(client);
	atomic64_inc(&client->xq->stats.jobs);
	ret = d->work.op == XQACCEL_OP_PROGRAM ? xqaccel_program_bind(job, d) :
						  job_fill(job, d, reach);
	if (!ret)
		ret = xqaccel_job_sync_for_device(job);
	if (!ret)
		return job;
	xqaccel_job_release(job);
	xqaccel_job_free(client->xq, job);
	return ERR_PTR(ret);
}
