// SPDX-License-Identifier: GPL-2.0
/* Ending a job before its time, and the ioctl that does. */
#include "client.h"
#include "ioctl.h"
#include "job.h"
#include "queue.h"
#include "scheduler.h"
#include "trace.h"

/*
 * A job that was published: 0, or -EALREADY. Nobody may look at it afterwards. What was behind it
 * may be free to go: xqaccel_sched_run() is to follow.
 */
int xqaccel_job_cancel(struct xqaccel_job *job)
	__must_hold(&job->client->xq->lock)
{
	lockdep_assert_held(&job->client->xq->lock);

	trace_xqaccel_job_cancel(job);
	switch (job->state) {
	case XQACCEL_JOB_QUEUED:
		xqaccel_sched_remove(job);
		xqaccel_job_fail(job, XQACCEL_STATUS_CANCELED);
		return 0;
	case XQACCEL_JOB_ACTIVE:
		xqaccel_queue_cancel(job);
		return 0;
	default:
		return -EALREADY;
	}
}

int xqaccel_ioctl_cancel(struct xqaccel_call *call)
{
	struct xqaccel_device *xq = call->client->xq;
	const struct xqaccel_cancel *cmd = call->data;
	struct xqaccel_job *job;
	int ret;

	if (cmd->flags)
		return -EOPNOTSUPP;
	spin_lock_irq(&xq->lock);
	job = xqaccel_job_find(call->client, cmd->id);
	ret = job ? xqaccel_job_cancel(job) : -ENOENT;
	xqaccel_sched_run_unlock(xq);
	return ret;
}
