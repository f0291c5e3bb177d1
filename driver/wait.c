// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctl that reaps completions. Jobs are taken off the lists, copied to user memory with no
 * lock held, and forgotten once all of it was written; what was not goes back.
 */
#include <linux/freezer.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "client.h"
#include "eventfd.h"
#include "ioctl.h"
#include "job.h"
#include "trace.h"

#define COMPLETION_MIN_BYTES	32

/* The lane that was asked for, or NULL. */
static struct xqaccel_lane *lane_of(struct xqaccel_client *client, const struct xqaccel_wait *cmd)
{
	if (!(cmd->flags & XQACCEL_WAIT_LANE))
		return NULL;
	return &client->lane[array_index_nospec(cmd->lane, XQACCEL_LANES)];
}

/*
 * Jobs asked for that have not been reaped. One that another thread is copying counts, since
 * put_back() may bring it back.
 */
static u32 unreaped(struct xqaccel_client *client, const struct xqaccel_wait *cmd)
	__must_hold(&client->xq->lock)
{
	const struct xqaccel_lane *lane = lane_of(client, cmd);

	lockdep_assert_held(&client->xq->lock);

	if (cmd->flags & XQACCEL_WAIT_JOB)
		return xqaccel_job_find(client, cmd->id) ? 1 : 0;
	return lane ? lane->unreaped : client->unreaped;
}

/* Jobs asked for that can be reaped. */
static u32 ended(struct xqaccel_client *client, const struct xqaccel_wait *cmd)
	__must_hold(&client->xq->lock)
{
	const struct xqaccel_lane *lane = lane_of(client, cmd);

	lockdep_assert_held(&client->xq->lock);

	if (cmd->flags & XQACCEL_WAIT_JOB) {
		const struct xqaccel_job *job = xqaccel_job_find(client, cmd->id);

		return job && job->state == XQACCEL_JOB_ENDED;
	}
	return lane ? lane->done_count : client->done_count;
}

/* As many as were asked for have ended, or all there are. */
static bool enough(struct xqaccel_client *client, const struct xqaccel_wait *cmd)
	__must_hold(&client->xq->lock)
{
	lockdep_assert_held(&client->xq->lock);

	return ended(client, cmd) >= min(cmd->min_complete, unreaped(client, cmd));
}

static bool enough_now(struct xqaccel_client *client, const struct xqaccel_wait *cmd)
{
	bool ret;

	spin_lock_irq(&client->xq->lock);
	ret = enough(client, cmd);
	spin_unlock_irq(&client->xq->lock);
	return ret;
}

/* A thread in WAIT. */
struct waiter {
	struct wait_queue_entry entry;
	struct xqaccel_client *client;
	const struct xqaccel_wait *cmd;
};

/*
 * Who waits for many jobs sleeps until the last of them, and is not woken by each. Calls with
 * events are those of xqaccel_job_end(), which has the lock; others wake in any case.
 */
static int wake_waiter(struct wait_queue_entry *entry, unsigned int mode, int sync, void *key)
{
	const struct waiter *waiter = container_of(entry, struct waiter, entry);

	if (key_to_poll(key) && !enough(waiter->client, waiter->cmd))
		return 0;
	return autoremove_wake_function(entry, mode, sync, key);
}

/*
 * Freezable, so that a suspend is no signal to the sleeper. The kernel has no
 * wait_event_freezable() with an absolute time.
 */
static int wait_for(struct xqaccel_client *client, const struct xqaccel_wait *cmd)
{
	ktime_t deadline = ns_to_ktime(max_t(s64, cmd->deadline_ns, 0));
	struct waiter waiter = { .client = client, .cmd = cmd };
	int ret = 0;

	init_wait(&waiter.entry);
	waiter.entry.func = wake_waiter;
	for (;;) {
		prepare_to_wait(&client->wait, &waiter.entry, TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (enough_now(client, cmd))
			break;
		ret = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		ret = -ETIMEDOUT;
		if (deadline <= ktime_get())
			break;
		ret = 0;
		schedule_hrtimeout(cmd->deadline_ns == XQACCEL_NO_DEADLINE ? NULL : &deadline,
				   HRTIMER_MODE_ABS);
	}
	finish_wait(&client->wait, &waiter.entry);
	return ret;
}

static void take_job(struct xqaccel_call *call, struct xqaccel_job *job)
	__must_hold(&job->client->xq->lock)
{
	lockdep_assert_held(&job->client->xq->lock);

	job->state = XQACCEL_JOB_TAKEN;
	list_move_tail(&job->node, &call->jobs);
	list_del_init(&job->lane_node);
	job->lane->done_count--;
	job->client->done_count--;
}

static struct xqaccel_job *first_ended(struct xqaccel_client *client,
				       const struct xqaccel_wait *cmd)
	__must_hold(&client->xq->lock)
{
	struct xqaccel_lane *lane = lane_of(client, cmd);

	lockdep_assert_held(&client->xq->lock);

	if (!ended(client, cmd))
		return NULL;
	if (cmd->flags & XQACCEL_WAIT_JOB)
		return xqaccel_job_find(client, cmd->id);
	if (lane)
		return list_first_entry(&lane->done, struct xqaccel_job, lane_node);
	return list_first_entry(&client->done, struct xqaccel_job, node);
}

/* Takes some of what there is, until so many have been taken; whether there may be more. */
static bool take_some(struct xqaccel_call *call, u32 count)
{
	struct xqaccel_client *client = call->client;
	struct xqaccel_wait *cmd = call->data;
	struct xqaccel_job *job = NULL;
	unsigned int n;

	spin_lock_irq(&client->xq->lock);
	for (n = 0; n < XQACCEL_JOBS_AT_ONCE && cmd->done < count; n++) {
		job = first_ended(client, cmd);
		if (!job)
			break;
		take_job(call, job);
		cmd->done++;
	}
	cmd->pending = unreaped(client, cmd);
	cmd->pending -= min(cmd->pending, cmd->done);
	spin_unlock_irq(&client->xq->lock);
	return job && cmd->done < count;
}

static void take(struct xqaccel_call *call)
{
	struct xqaccel_wait *cmd = call->data;

	cmd->done = 0;
	while (take_some(call, cmd->completions.count))
		cond_resched();
}

/* The last ones to the front. */
static void put_back_some(struct xqaccel_client *client, struct list_head *jobs)
{
	struct xqaccel_job *job, *next;
	unsigned int n = 0;

	spin_lock_irq(&client->xq->lock);
	list_for_each_entry_safe_reverse(job, next, jobs, node) {
		if (n++ == XQACCEL_JOBS_AT_ONCE)
			break;
		job->state = XQACCEL_JOB_ENDED;
		list_move(&job->node, &client->done);
		list_add(&job->lane_node, &job->lane->done);
		job->lane->done_count++;
		client->done_count++;
		xqaccel_events_completion(job->lane);
	}
	spin_unlock_irq(&client->xq->lock);
}

/*
 * Back to the front, in their order: of those that take_some() of another thread took meanwhile we
 * know nothing.
 */
static void put_back(struct xqaccel_client *client, struct list_head *jobs)
{
	while (!list_empty(jobs)) {
		put_back_some(client, jobs);
		cond_resched();
	}
	wake_up_all(&client->wait);
}

/* One completion into an array in user memory; 0 or -EFAULT. */
int xqaccel_completion_to_user(const struct xqaccel_array *to, u32 index,
			       const struct xqaccel_completion *c)
{
	void __user *at = u64_to_user_ptr(to->array + (u64)index * to->stride);
	const size_t known = min_t(size_t, to->stride, sizeof(*c));

	if (copy_to_user(at, c, known) || clear_user(at + known, to->stride - known))
		return -EFAULT;
	return 0;
}

/* Takes and copies what there is; 0 with none, too. */
static int reap(struct xqaccel_call *call)
{
	struct xqaccel_wait *cmd = call->data;
	struct xqaccel_job *job;
	u32 copied = 0, taken;
	LIST_HEAD(rest);

	take(call);
	taken = cmd->done;
	list_for_each_entry(job, &call->jobs, node) {
		if (xqaccel_completion_to_user(&cmd->completions, copied,
					       &job->completion))
			break;
		copied++;
	}
	if (copied == taken)
		return 0;
	list_cut_before(&rest, &call->jobs, &job->node);
	list_swap(&rest, &call->jobs);
	put_back(call->client, &rest);
	cmd->done = copied;
	cmd->pending += taken - copied;
	return copied ? 0 : -EFAULT;
}

static int check_command(const struct xqaccel_wait *cmd)
{
	const struct xqaccel_array *to = &cmd->completions;

	if (cmd->flags & ~(XQACCEL_WAIT_LANE | XQACCEL_WAIT_JOB))
		return -EOPNOTSUPP;
	if ((cmd->flags & XQACCEL_WAIT_LANE) && (cmd->flags & XQACCEL_WAIT_JOB))
		return -EINVAL;
	if (cmd->flags & XQACCEL_WAIT_LANE ? cmd->lane >= XQACCEL_LANES : cmd->lane)
		return -EINVAL;
	if (cmd->flags & XQACCEL_WAIT_JOB ? !cmd->id : cmd->id)
		return -EINVAL;
	if (!to->count || cmd->min_complete > to->count)
		return -EINVAL;
	return to->stride < COMPLETION_MIN_BYTES || to->stride > XQACCEL_MAX_STRUCT ? -EINVAL : 0;
}

int xqaccel_ioctl_wait(struct xqaccel_call *call)
{
	struct xqaccel_client *client = call->client;
	struct xqaccel_wait *cmd = call->data;
	int waited, ret;

	ret = check_command(cmd);
	if (ret)
		return ret;
	/* take() of another thread may get what woke this one, and there is more to come. */
	do {
		waited = wait_for(client, cmd);
		ret = reap(call);
		if (ret || cmd->done)
			return ret;
	} while (!waited && cmd->min_complete && cmd->pending);
	if (waited)
		return waited;
	if (READ_ONCE(client->xq->lost))
		return -ENODEV;
	return cmd->min_complete ? -ENOENT : 0;
}

/* Frees the first ones, of which user space knows everything. */
static void free_some(struct xqaccel_client *client, struct list_head *jobs)
{
	struct xqaccel_job *job, *next;
	unsigned int n = 0;
	LIST_HEAD(some);

	spin_lock_irq(&client->xq->lock);
	list_for_each_entry_safe(job, next, jobs, node) {
		if (n++ == XQACCEL_JOBS_AT_ONCE)
			break;
		trace_xqaccel_job_reap(job);
		xqaccel_job_uncount(job);
		list_move_tail(&job->node, &some);
	}
	spin_unlock_irq(&client->xq->lock);
	list_for_each_entry_safe(job, next, &some, node)
		xqaccel_job_free(client->xq, job);
}

void xqaccel_wait_finish(struct xqaccel_call *call, bool written)
{
	struct xqaccel_client *client = call->client;

	if (!written) {
		put_back(client, &call->jobs);
		return;
	}
	while (!list_empty(&call->jobs)) {
		free_some(client, &call->jobs);
		cond_resched();
	}
	/* Other threads in wait_for() may be waiting for more jobs than there are now. */
	wake_up_all(&client->wait);
}
