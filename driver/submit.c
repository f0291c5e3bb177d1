// SPDX-License-Identifier: GPL-2.0
/* The ioctl that takes jobs. */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "client.h"
#include "info.h"
#include "job.h"
#include "scheduler.h"

/* The smallest stride of the ABI; what a job then lacks reads as zero. */
#define JOB_MIN_BYTES	64

static unsigned int default_timeout_ms = 10000;
module_param(default_timeout_ms, uint, 0644);
MODULE_PARM_DESC(default_timeout_ms, "time limit of a job that names none");

static unsigned int max_timeout_ms = 600000;
module_param(max_timeout_ms, uint, 0644);
MODULE_PARM_DESC(max_timeout_ms, "longest time limit that a job may name");

u32 xqaccel_max_timeout_ms(void)
{
	return clamp(READ_ONCE(max_timeout_ms), 1U, 24U * 3600 * 1000);
}

u32 xqaccel_default_timeout_ms(void)
{
	return clamp(READ_ONCE(default_timeout_ms), 1U, xqaccel_max_timeout_ms());
}

/* Publishes a job. It may have ended when this returns. */
static int enqueue(struct xqaccel_request *job)
{
	struct xqaccel_client *client = job->client;
	struct xqaccel_device *xq = client->xq;
	int ret = 0;

	spin_lock_irq(&xq->lock);
	if (xq->lost) {
		ret = -ENODEV;
	} else if (client->unreaped >= XQACCEL_MAX_JOBS) {
		ret = -EAGAIN;
	} else {
		client->unreaped++;
		xqaccel_sched_enqueue(job);
		xqaccel_sched_run(xq);
	}
	spin_unlock_irq(&xq->lock);
	return ret;
}

/*
 * Everything is decided on this copy: user space may change its own at any time.
 */
static int submit_one(struct xqaccel_client *client, const struct xqaccel_submit *cmd, u32 index)
{
	const void __user *from = u64_to_user_ptr(cmd->jobs + (u64)index * cmd->job_stride);
	struct xqaccel_request *job;
	struct xqaccel_job desc;
	int ret;

	ret = copy_struct_from_user(&desc, sizeof(desc), from, cmd->job_stride);
	if (ret)
		return ret;
	/* No more than a hint here, but a full client shall not pay for the check. */
	if (READ_ONCE(client->unreaped) >= XQACCEL_MAX_JOBS)
		return -EAGAIN;
	ret = xqaccel_job_check(&client->xq->caps, &desc);
	if (ret)
		return ret;
	job = xqaccel_job_create(client, &desc);
	if (IS_ERR(job))
		return PTR_ERR(job);
	job->lane = &client->lane[array_index_nospec(cmd->lane, XQACCEL_LANES)];
	job->timeout = max(1UL, msecs_to_jiffies(cmd->timeout_ms ?: xqaccel_default_timeout_ms()));
	ret = enqueue(job);
	if (ret) {
		xqaccel_job_release(job);
		xqaccel_job_free(client->xq, job);
	}
	return ret;
}

int xqaccel_ioctl_submit(struct xqaccel_client *client, void *data)
{
	struct xqaccel_submit *cmd = data;
	int ret = 0;
	u32 i;

	if (READ_ONCE(client->xq->lost))
		return -ENODEV;
	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->reserved || !cmd->count || cmd->count > XQACCEL_MAX_BATCH ||
	    cmd->lane >= XQACCEL_LANES)
		return -EINVAL;
	if (cmd->job_stride < JOB_MIN_BYTES || cmd->job_stride > XQACCEL_MAX_STRUCT)
		return -EINVAL;
	if (cmd->timeout_ms > xqaccel_max_timeout_ms())
		return -EINVAL;

	for (i = 0; i < cmd->count; i++) {
		ret = submit_one(client, cmd, i);
		if (ret)
			break;
		cond_resched();
	}
	cmd->done = i;
	if (ret)
		dev_dbg(&client->xq->dev, "job %u of %u refused: %d\n", i, cmd->count, ret);
	return i ? 0 : ret;
}
