// SPDX-License-Identifier: GPL-2.0
/* Jobs: made from a checked description, with references to their buffers; and their end. */
#include <linux/lockdep.h>
#include <linux/poll.h>

#include "buffer.h"
#include "client.h"
#include "eventfd.h"
#include "fence.h"
#include "job.h"
#include "program.h"
#include "scheduler.h"
#include "trace.h"
#include "uring.h"
#include "user.h"
#include "xq_program.h"

/* ---- making ------------------------------------------------------------- */

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

/* Whether a job reads, in a buffer, something of what is written. */
bool xqaccel_job_reads(const struct xqaccel_job *job, const struct xqaccel_buffer *buf,
		       const struct xq_hull *written)
{
	unsigned int i;

	if (job->program)
		return xqaccel_program_reads(job, buf, written);
	for (i = 0; i < job->operands; i++) {
		const struct xqaccel_span *span = &job->span[i];
		const struct xq_hull read = { span->offset, span->offset + span->bytes };

		if (!span->written && span->buf == buf && span->bytes &&
		    xq_hulls_meet(&read, written))
			return true;
	}
	return false;
}

/* Whether a job writes what another one reads. */
bool xqaccel_job_overwrites(const struct xqaccel_job *later, const struct xqaccel_job *job)
{
	unsigned int i;

	if (later->program)
		return xqaccel_program_overwrites(later, job);
	for (i = 0; i < later->operands; i++) {
		const struct xqaccel_span *span = &later->span[i];
		const struct xq_hull written = { span->offset, span->offset + span->bytes };

		if (span->written && span->buf && span->bytes &&
		    xqaccel_job_reads(job, span->buf, &written))
			return true;
	}
	return false;
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

static void spans_put(struct xqaccel_job *job)
{
	unsigned int i;

	for (i = 0; i < job->operands; i++) {
		if (job->span[i].buf)
			xqaccel_buffer_put(job->span[i].buf);
		job->span[i].buf = NULL;
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
	if (ret) {
		xqaccel_job_release(job);
		xqaccel_job_free(client->xq, job);
		return ERR_PTR(ret);
	}
	xqaccel_job_sync_for_device(job);
	return job;
}

/* ---- accepted jobs -------------------------------------------------------- */

static struct hlist_head *id_list(struct xqaccel_client *client, u64 id)
{
	return &client->by_id[id & (XQACCEL_JOB_HASH - 1)];
}

/* A job that was accepted and not reaped, or NULL. */
struct xqaccel_job *xqaccel_job_find(struct xqaccel_client *client, u64 id)
	__must_hold(&client->xq->lock)
{
	struct xqaccel_job *job;

	lockdep_assert_held(&client->xq->lock);

	hlist_for_each_entry(job, id_list(client, id), id_node)
		if (job->completion.id == id)
			return job;
	return NULL;
}

/* Accepts a job: it has an id, and a place in every count. Nobody can name one of a ring. */
void xqaccel_job_count(struct xqaccel_job *job)
{
	struct xqaccel_client *client = job->client;
	struct xqaccel_lane *lane = job->lane;

	lockdep_assert_held(&client->xq->lock);

	job->completion.id = client->next_id++;
	client->user->jobs++;
	client->xq->unreaped++;
	if (job->of_ring) {
		WRITE_ONCE(lane->ring_jobs, lane->ring_jobs + 1);
		client->ring_jobs++;
		return;
	}
	hlist_add_head(&job->id_node, id_list(client, job->completion.id));
	WRITE_ONCE(lane->unreaped, lane->unreaped + 1);
	client->unreaped++;
}

/* Nobody will ask for it any more. */
void xqaccel_job_uncount(struct xqaccel_job *job)
{
	struct xqaccel_client *client = job->client;
	struct xqaccel_lane *lane = job->lane;

	lockdep_assert_held(&client->xq->lock);

	client->user->jobs--;
	client->xq->unreaped--;
	if (job->of_ring) {
		WRITE_ONCE(lane->ring_jobs, lane->ring_jobs - 1);
		client->ring_jobs--;
		return;
	}
	hlist_del_init(&job->id_node);
	WRITE_ONCE(lane->unreaped, lane->unreaped - 1);
	client->unreaped--;
}

/* ---- ending --------------------------------------------------------------- */

/* Gives back what a job holds: buffers first, whose end needs the client. */
void xqaccel_job_release(struct xqaccel_job *job)
{
	spans_put(job);
	if (job->program)
		xqaccel_program_put(job->program);
	job->program = NULL;
	xqaccel_client_put(job->client);
}

/* Makes the completion of a job visible; its status is known. Nobody may look at it afterwards. */
void xqaccel_job_end(struct xqaccel_job *job)
{
	struct xqaccel_client *client = job->client;
	struct xqaccel_device *xq = client->xq;
	const u32 status = job->completion.status;

	lockdep_assert_held(&xq->lock);

	trace_xqaccel_job_complete(job);
	if (job->fence)
		xqaccel_fence_job_ended(job);
	atomic64_inc(&xq->stats.completed);
	if (status == XQACCEL_STATUS_TIMEOUT)
		atomic64_inc(&xq->stats.timeouts);
	if (IS_ENABLED(CONFIG_IO_URING) && job->of_ring) {
		xqaccel_uring_job_end(job);
		return;
	}
	if (client->closed || (job->silent && status == XQACCEL_STATUS_OK)) {
		list_del(&job->node);
		xqaccel_job_uncount(job);
		/* There are fewer jobs to wait for. */
		wake_up_poll(&client->wait, EPOLLIN | EPOLLRDNORM);
		xqaccel_job_release(job);
		xqaccel_job_free(xq, job);
		return;
	}
	job->state = XQACCEL_JOB_ENDED;
	list_move_tail(&job->node, &client->done);
	list_add_tail(&job->lane_node, &job->lane->done);
	client->done_count++;
	job->lane->done_count++;
	xqaccel_events_completion(job->lane);
	/* With the events: it is a job's end, and the lock is held; see wait.c. */
	wake_up_poll(&client->wait, EPOLLIN | EPOLLRDNORM);
	xqaccel_job_release(job);
}

static void job_end(struct xqaccel_job *job, u32 status)
{
	job->state = XQACCEL_JOB_ACTIVE;
	job->completion.status = status;
	job->completion.lane = job->lane->index;
	if (job->program && status == XQACCEL_STATUS_LOST)
		job->completion.failed_job = XQACCEL_NO_JOB;
	/*
	 * Only an OK promises something of C. What else ends must not overtake its lane, but does
	 * not wake the work of a device that is gone: a job can be refused the device after that.
	 */
	if (job->client->xq->needs_sync && (status == XQACCEL_STATUS_OK || job->lane->syncing))
		xqaccel_job_sync_and_end(job);
	else
		xqaccel_job_end(job);
}

/* Ends a job in flight. Nobody may look at it afterwards. */
void xqaccel_job_finish(struct xqaccel_job *job, u32 status)
	__must_hold(&job->client->xq->lock)
{
	lockdep_assert_held(&job->client->xq->lock);

	job->completion.status = status;
	xqaccel_sched_left(job);
	job_end(job, status);
}

/* Ends a job that waits in its lane. */
void xqaccel_job_fail(struct xqaccel_job *job, u32 status)
	__must_hold(&job->client->xq->lock)
{
	lockdep_assert_held(&job->client->xq->lock);

	job_end(job, status);
}

static bool fault_in(struct xqaccel_job *job, const struct xqaccel_buffer *buf, u64 address)
{
	if (address < buf->va || address - buf->va >= buf->bytes)
		return false;
	job->completion.fault_handle = buf->handle;
	job->completion.fault_offset = address - buf->va;
	return true;
}

static void fault_name(struct xqaccel_job *job, u64 address)
{
	unsigned int i;

	job->completion.fault_offset = address;
	for (i = 0; i < job->operands; i++) {
		const struct xqaccel_buffer *buf = job->span[i].buf;

		if (buf && fault_in(job, buf, address))
			return;
	}
	for (i = 0; job->program && i < job->program->fixed_count; i++)
		if (fault_in(job, job->program->fixed[i].buf, address))
			return;
}

/* What a device or its registers say of how far a program came is not believed unseen. */
void xqaccel_job_failed_at(struct xqaccel_job *job, u64 step)
{
	if (job->program)
		job->completion.failed_job = step < job->program->jobs ? step : XQACCEL_NO_JOB;
}

/* Ends a job with what the device wrote about it. */
void xqaccel_job_result(struct xqaccel_job *job, const struct xq_hw_completion *c)
{
	const u32 status = le16_to_cpu(c->status);

	job->completion.start = le64_to_cpu(c->start);
	job->completion.end = le64_to_cpu(c->end);
	if (status)
		xqaccel_job_failed_at(job, le64_to_cpu(c->macs));
	else
		job->completion.macs = le64_to_cpu(c->macs);
	job->completion.bytes = le64_to_cpu(c->bytes);
	job->completion.bytes_copied = le64_to_cpu(c->bytes_copied);
	job->completion.flags = le16_to_cpu(c->flags) & XQACCEL_COMP_OVERFLOW;
	if (status == XQACCEL_STATUS_FAULT)
		fault_name(job, le64_to_cpu(c->fault_address));
	xqaccel_job_finish(job, status);
}
