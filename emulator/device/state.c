// SPDX-License-Identifier: MIT
/*
 * Pause and resume, save and load. A paused device has no running job: one that can run
 * again from its start goes back to the head of its ring, one that accumulates is finished,
 * or canceled if that takes too long.
 */
#include <errno.h>
#include <string.h>

#include "device.h"

static bool hangs(struct xqdev_job *job)
{
	const struct xqdev_job *part = xqdev_program_first(job);

	return (part ? part : job)->state == XQDEV_JOB_HUNG;
}

static void put_back(struct xqdev_queue *q, struct xqdev_job *job)
{
	if (hangs(job))
		q->dev->inject.hang_jobs++;
	xqdev_queue_quiesce(q);
	q->r.sq_head = (q->r.sq_head - 1) & (xqdev_entries(q) - 1);
}

/*
 * Take back what has not started, and stop a job that may run again from its start; it is
 * returned.
 */
static struct xqdev_job *pause_begin(struct xqdev_queue *q)
{
	struct xqdev_job *job;

	xqdev_unprepare(q);
	if (xqdev_retire(q))
		return NULL;
	/* It is alone now. */
	job = xqdev_job_at(q, 0);
	if (job->canceled)
		return NULL;
	if (job->state == XQDEV_JOB_HUNG)
		return job;
	if ((job->work.flags & XQACCEL_JOB_ACCUMULATE) || xqdev_engine_ended(job))
		return NULL;
	if (xqdev_is_program(job))
		xqdev_program_cancel(job);
	else
		xqdev_engine_cancel(job);
	return job;
}

static void pause_end(struct xqdev_queue *q, struct xqdev_job *again,
		      const struct timespec *deadline)
{
	struct xqdev_job *job = xqdev_job_at(q, 0);

	if (again) {
		put_back(q, again);
	} else if (q->count && job->state == XQDEV_JOB_ENGINE) {
		if (!xqdev_engine_wait_until(job, deadline))
			xqdev_queue_stop(q);
		xqdev_engine_wait(job);
	}
	/* With the device paused this ends a job but starts none. */
	xqdev_queue_service(q);
}

void xqdev_pause(struct xqdev *dev)
{
	struct xqdev_job *again[XQ_MAX_QUEUES];
	struct timespec deadline;
	unsigned int i;

	if (dev->paused)
		return;
	dev->paused = true;
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += XQDEV_PAUSE_SECONDS;
	for (i = 0; i < dev->queues; i++)
		again[i] = pause_begin(&dev->queue[i]);
	for (i = 0; i < dev->queues; i++)
		pause_end(&dev->queue[i], again[i], &deadline);
	xqdev_service(dev);
}

void xqdev_resume(struct xqdev *dev)
{
	if (!dev->paused)
		return;
	dev->paused = false;
	xqdev_service(dev);
}

void xqdev_save(const struct xqdev *dev, struct xqdev_state *state)
{
	unsigned int i;

	*state = (struct xqdev_state){
		.ctrl = dev->ctrl,
		.error = dev->error,
		.ctx_table = dev->ctx_table,
		.jobs = dev->jobs,
		.macs = dev->macs,
		.bytes = dev->bytes,
		.bytes_copied = dev->bytes_copied,
		.faults = dev->faults,
	};
	for (i = 0; i < XQ_MAX_QUEUES; i++)
		state->queue[i] = dev->queue[i].r;
}

static bool loadable_queue(const struct xqdev_queue_state *r)
{
	const uint32_t ctrl = XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_HALT | XQ_Q_CTRL_ABORT |
			      XQ_Q_CTRL_RESET | XQ_Q_CTRL_IRQ;
	const uint32_t entries = r->size <= XQDEV_RING_LOG2 ? 1U << r->size : 0;

	if ((r->ctrl & ~ctrl) || r->size > XQDEV_SIZE_MASK || (r->status & ~XQ_Q_STATUS_ERROR) || r->phase > 1 ||
	    (r->sq_base | r->cq_base) & (XQ_PAGE_BYTES - 1))
		return false;
	if (!(r->ctrl & XQ_Q_CTRL_ENABLE))
		return !r->sq_head && !r->sq_tail && !r->cq_head && !r->cq_tail;
	return entries >= 2 && r->sq_head < entries && r->sq_tail < entries &&
	       r->cq_head < entries && r->cq_tail < entries;
}

static bool unused_queue(const struct xqdev_queue_state *r)
{
	return !r->ctrl && !r->status && !r->sq_base && !r->cq_base && !r->coalesce;
}

static bool loadable(const struct xqdev *dev, const struct xqdev_state *state)
{
	const uint32_t rings = ((1U << dev->queues) - 1) << 8;
	unsigned int i;

	if ((state->ctrl & ~(XQ_CTRL_ENABLE | XQ_CTRL_RESET)) ||
	    (state->error & ~(XQ_ERROR_CONTEXT_TABLE | rings)) ||
	    (state->ctx_table & (XQ_PAGE_BYTES - 1)))
		return false;
	for (i = 0; i < XQ_MAX_QUEUES; i++)
		if (!loadable_queue(&state->queue[i]) ||
		    (i >= dev->queues && !unused_queue(&state->queue[i])))
			return false;
	return true;
}

int xqdev_load(struct xqdev *dev, const struct xqdev_state *state)
{
	unsigned int i;

	if (!dev->paused || !loadable(dev, state))
		return -EINVAL;
	dev->ctrl = state->ctrl;
	dev->error = state->error;
	dev->ctx_table = state->ctx_table;
	dev->jobs = state->jobs;
	dev->macs = state->macs;
	dev->bytes = state->bytes;
	dev->bytes_copied = state->bytes_copied;
	dev->faults = state->faults;
	for (i = 0; i < dev->queues; i++) {
		dev->queue[i].r = state->queue[i];
		dev->queue[i].untold = 0;
	}
	return 0;
}
