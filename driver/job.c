// SPDX-License-Identifier: GPL-2.0
/* Jobs that were accepted, and their end; job_make.c has their making. */
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
#include "user.h"
#include "xq_program.h"

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
	__must_hold(&job->client->xq->lock)
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
	__must_hold(&job->client->xq->lock)
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

static void spans_put(struct xqaccel_job *job)
{
	unsigned int i;

	for (i = 0; i < job->operands; i++) {
		if (job->span[i].buf)
			xqaccel_buffer_put(job->span[i].buf);
		job->span[i].buf = NULL;
	}
}

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
	__must_hold(&job->client->xq->lock)
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
	if (job->end) {
		job->end(job);
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

/*
 * Has xqaccel_sync_work() end a job once its C was synced, after all that ended before it, so that
 * lanes keep their order.
 */
static void sync_and_end(struct xqaccel_job *job)
	__must_hold(&job->client->xq->lock)
{
	struct xqaccel_device *xq = job->client->xq;

	lockdep_assert_held(&xq->lock);

	job->lane->syncing++;
	list_move_tail(&job->node, &xq->sync);
	queue_work(xqaccel_job_wq, &xq->sync_work);
}

static void job_end(struct xqaccel_job *job, u32 status)
	__must_hold(&job->client->xq->lock)
{
	lockdep_assert_held(&job->client->xq->lock);

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
		sync_and_end(job);
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
