// SPDX-License-Identifier: GPL-2.0
/* The ioctl that ends a job before its time. */
#include "client.h"
#include "ioctl.h"
#include "job.h"
#include "queue.h"
#include "scheduler.h"
#include "trace.h"

static int cancel(struct xqaccel_job *job)
{
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
	if (job)
		trace_xqaccel_job_cancel(job);
	ret = job ? cancel(job) : -ENOENT;
	spin_unlock_irq(&xq->lock);
	return ret;
}
