// SPDX-License-Identifier: GPL-2.0
/* The ioctl that reaps completions. */
#include <linux/freezer.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "client.h"
#include "job.h"

#define COMPLETION_MIN_BYTES	32

/* As many as were asked for have ended, or all there are. */
static bool enough(struct xqaccel_client *client, u32 min_complete)
{
	bool enough;

	spin_lock_irq(&client->xq->lock);
	enough = client->done_count >= min(min_complete, client->unreaped);
	spin_unlock_irq(&client->xq->lock);
	return enough;
}

/* Freezable, so that a suspend is no signal to the sleeper. */
static int wait_for(struct xqaccel_client *client, u32 min_complete, s64 timeout_ns)
{
	int ret;

	if (enough(client, min_complete))
		ret = 0;
	else if (!timeout_ns)
		ret = -ETIME;
	else if (timeout_ns < 0)
		ret = wait_event_freezable(client->wait, enough(client, min_complete));
	else
		/* There is no wait_event_freezable_hrtimeout(). */
		ret = __wait_event_hrtimeout(client->wait, enough(client, min_complete),
					     ns_to_ktime(timeout_ns),
					     (TASK_INTERRUPTIBLE | TASK_FREEZABLE));
	if (ret == -ETIME)
		return -ETIMEDOUT;
	/* EINTR for a handler; the freezer and others who just kick a task are no reason to fail. */
	return ret ? -ERESTARTNOHAND : 0;
}

/* Moves up to @count completions to @taken; under wait_lock. */
static u32 take(struct xqaccel_client *client, u32 count, struct list_head *taken)
{
	u32 n;

	spin_lock_irq(&client->xq->lock);
	for (n = 0; n < count && !list_empty(&client->done); n++)
		list_move_tail(client->done.next, taken);
	client->done_count -= n;
	spin_unlock_irq(&client->xq->lock);
	return n;
}

/* What could not be copied goes back to the front; what could is reaped. */
static u32 settle(struct xqaccel_client *client, u32 told, u32 untold, struct list_head *back)
{
	u32 pending;

	spin_lock_irq(&client->xq->lock);
	list_splice(back, &client->done);
	client->done_count += untold;
	client->unreaped -= told;
	pending = client->unreaped;
	spin_unlock_irq(&client->xq->lock);
	/* Others may be waiting for more jobs than there are now. */
	wake_up_all(&client->wait);
	return pending;
}

static int copy_one(const struct xqaccel_wait *cmd, u32 index, const struct xqaccel_completion *c)
{
	void __user *to = u64_to_user_ptr(cmd->completions + (u64)index * cmd->stride);
	const size_t known = min_t(size_t, cmd->stride, sizeof(*c));

	if (copy_to_user(to, c, known) || clear_user(to + known, cmd->stride - known))
		return -EFAULT;
	return 0;
}

static int reap(struct xqaccel_client *client, struct xqaccel_wait *cmd)
{
	struct xqaccel_request *job, *next;
	LIST_HEAD(taken);
	LIST_HEAD(told);
	int ret = 0;
	u32 count;

	mutex_lock(&client->wait_lock);
	count = take(client, cmd->count, &taken);
	cmd->done = 0;
	list_for_each_entry_safe(job, next, &taken, node) {
		ret = copy_one(cmd, cmd->done, &job->completion);
		if (ret)
			break;
		list_move_tail(&job->node, &told);
		cmd->done++;
	}
	cmd->pending = settle(client, cmd->done, count - cmd->done, &taken);
	mutex_unlock(&client->wait_lock);

	list_for_each_entry_safe(job, next, &told, node)
		xqaccel_job_free(client->xq, job);
	return cmd->done ? 0 : ret;
}

/* What is left of the caller's time. */
static s64 time_left(const struct xqaccel_wait *cmd, ktime_t begin)
{
	if (cmd->timeout_ns <= 0)
		return cmd->timeout_ns;
	return max_t(s64, cmd->timeout_ns - ktime_to_ns(ktime_sub(ktime_get(), begin)), 0);
}

int xqaccel_ioctl_wait(struct xqaccel_client *client, void *data)
{
	const ktime_t begin = ktime_get();
	struct xqaccel_wait *cmd = data;
	int waited, ret;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->reserved || !cmd->count || cmd->min_complete > cmd->count)
		return -EINVAL;
	if (cmd->stride < COMPLETION_MIN_BYTES || cmd->stride > XQACCEL_MAX_STRUCT)
		return -EINVAL;

	/* Another thread may take what this one was woken for, and there is more to come. */
	do {
		waited = wait_for(client, cmd->min_complete, time_left(cmd, begin));
		ret = reap(client, cmd);
		if (ret || cmd->done)
			return ret;
	} while (!waited && cmd->min_complete && cmd->pending);
	if (waited)
		return waited;
	if (READ_ONCE(client->xq->lost))
		return -ENODEV;
	return cmd->min_complete ? -ENOENT : 0;
}
