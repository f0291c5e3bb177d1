// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs from user memory, and the ioctl that takes them. First they are checked, then counted,
 * which decides how many are accepted; once the answer was written to user space they are
 * published. That can't fail any more, unless they need a fence and there is no memory for it.
 */
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "client.h"
#include "fence.h"
#include "ioctl.h"
#include "job.h"
#include "scheduler.h"
#include "timeout.h"
#include "user.h"
#include "words.h"

/* The smallest stride of the ABI; what a job then lacks reads as zero. */
#define JOB_MIN_BYTES	64

#define OPERANDS_AT	offsetof(struct xqaccel_job_desc, operand)

/* Operands that a description of so many bytes has room for, even if not all of the last. */
static unsigned int operands_of(size_t bytes)
{
	return bytes > OPERANDS_AT ?
	       DIV_ROUND_UP(bytes - OPERANDS_AT, sizeof(struct xqaccel_operand)) : 0;
}

/* Each word is read once. 0 or -EFAULT. */
static int words_from_user(u64 *to, const u64 __user *from, size_t words)
{
	size_t i;

	if (!user_read_access_begin(from, words * sizeof(*to)))
		return -EFAULT;
	for (i = 0; i < words; i++)
		unsafe_get_user(to[i], from + i, fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

/*
 * The first bytes of a description, of which each is read once. Not by words from where no word
 * starts: some processors trap there, and some kernels that read for them then do not reach user
 * memory.
 */
static int bytes_from_user(struct xqaccel_job_desc *desc, const void __user *from, size_t bytes)
{
	size_t whole = 0;

	if (IS_ALIGNED((unsigned long)from, sizeof(u64))) {
		whole = round_down(bytes, sizeof(u64));
		if (words_from_user((u64 *)desc, from, whole / sizeof(u64)))
			return -EFAULT;
	}
	if (bytes > whole && copy_from_user((void *)desc + whole, from + whole, bytes - whole))
		return -EFAULT;
	return 0;
}

/*
 * As copy_struct_from_user(), but operands that the description has no room for are left as they
 * are: most jobs have few of the many that there can be, and to clear the rest takes as long as to
 * copy what is there.
 *
 * Return: how many operands are given, or -errno.
 */
static int desc_from_user(struct xqaccel_job_desc *desc, const struct xqaccel_job_source *source,
			  u32 index)
{
	const size_t stride = source->jobs.stride, bytes = min(stride, sizeof(*desc));
	const void __user *from = u64_to_user_ptr(source->jobs.array + (u64)index * stride);
	unsigned int given = operands_of(bytes);
	size_t wanted;
	int ret;

	if (stride > sizeof(*desc)) {
		ret = check_zeroed_user(from + sizeof(*desc), stride - sizeof(*desc));
		if (ret <= 0)
			return ret ?: -E2BIG;
	}
	ret = bytes_from_user(desc, from, bytes);
	if (ret)
		return ret;
	/* A run's operands are its program's slots, and all of them are looked at. */
	if (desc->work.op == XQACCEL_OP_PROGRAM)
		given = XQ_OPERANDS;
	wanted = OPERANDS_AT + given * sizeof(struct xqaccel_operand);
	if (bytes < wanted)
		memset((void *)desc + bytes, 0, wanted - bytes);
	return given;
}

/* Everything is decided on this copy: user space may change its own at any time. */
struct xqaccel_job *xqaccel_job_from_user(struct xqaccel_client *client,
					  const struct xqaccel_job_source *source, u32 index)
{
	const u32 timeout_ms = source->timeout_ms ?: xqaccel_default_timeout_ms();
	struct xqaccel_reach reach[XQ_OPERANDS] XQACCEL_UNINITIALIZED;
	struct xqaccel_job_desc desc XQACCEL_UNINITIALIZED;
	struct xqaccel_job *job;
	int ret, given;
	bool silent;

	given = desc_from_user(&desc, source, index);
	if (given < 0)
		return ERR_PTR(given);
	ret = 0;
	silent = desc.work.flags & XQACCEL_JOB_SILENT;
	desc.work.flags &= ~XQACCEL_JOB_SILENT;
	if (desc.work.op != XQACCEL_OP_PROGRAM)
		ret = xqaccel_job_check(&client->xq->caps, &desc, given, reach);
	if (ret)
		return ERR_PTR(ret);
	job = xqaccel_job_create(client, &desc, given, reach);
	if (IS_ERR(job))
		return job;
	job->silent = silent;
	job->lane = &client->lane[array_index_nospec(source->lane, XQACCEL_LANES)];
	job->timeout = max(1UL, msecs_to_jiffies(timeout_ms));
	return job;
}

/* What holds of all sources of jobs. */
int xqaccel_job_source_check(const struct xqaccel_job_source *source, u32 max_count)
{
	const struct xqaccel_array *jobs = &source->jobs;

	if (!jobs->count || jobs->count > max_count || source->lane >= XQACCEL_LANES)
		return -EINVAL;
	if (jobs->stride < JOB_MIN_BYTES || jobs->stride > XQACCEL_MAX_STRUCT)
		return -EINVAL;
	return source->timeout_ms > xqaccel_max_timeout_ms() ? -EINVAL : 0;
}

/* Jobs that nobody knows yet. */
void xqaccel_jobs_discard(struct xqaccel_device *xq, struct list_head *jobs)
{
	struct xqaccel_job *job, *next;

	list_for_each_entry_safe(job, next, jobs, node) {
		xqaccel_job_release(job);
		xqaccel_job_free(xq, job);
	}
	INIT_LIST_HEAD(jobs);
}

/* How many of @count jobs the lane, the user and the device can take. */
static u32 room_for(const struct xqaccel_lane *lane, u32 count)
	__must_hold(&lane->client->xq->lock)
{
	const struct xqaccel_user *user = lane->client->user;
	const struct xqaccel_device *xq = lane->client->xq;

	lockdep_assert_held(&xq->lock);

	count = min(count, XQACCEL_LANE_JOBS - lane->unreaped);
	count = min(count, XQACCEL_USER_JOBS - user->jobs);
	return min(count, XQACCEL_DEVICE_JOBS - xq->unreaped);
}

/* Counts as many of @count jobs as there is room for, and gives them ids. */
static int reserve(struct xqaccel_call *call, struct xqaccel_lane *lane, u32 count)
{
	struct xqaccel_client *client = call->client;
	struct xqaccel_submit *cmd = call->data;
	struct xqaccel_device *xq = client->xq;
	struct xqaccel_job *job, *next;
	LIST_HEAD(refused);
	int ret = 0;
	u32 n = 0;

	spin_lock_irq(&xq->lock);
	if (xq->lost)
		ret = -ENODEV;
	else if (!room_for(lane, count))
		ret = -EAGAIN;
	else
		n = room_for(lane, count);
	cmd->first_id = client->next_id;
	cmd->accepted = n;
	list_for_each_entry_safe(job, next, &call->jobs, node) {
		if (n) {
			xqaccel_job_count(job);
			n--;
		} else {
			list_move_tail(&job->node, &refused);
		}
	}
	spin_unlock_irq(&xq->lock);
	xqaccel_jobs_discard(xq, &refused);
	return ret;
}

static int check_command(struct xqaccel_device *xq, const struct xqaccel_submit *cmd)
{
	int ret;

	if (READ_ONCE(xq->lost))
		return -ENODEV;
	ret = xqaccel_fences_check(cmd->flags, cmd->in_fence);
	if (ret)
		return ret;
	return cmd->reserved ? -EINVAL : 0;
}

/* Makes the jobs of a call up to one that is refused; their number, or -errno if there are none. */
static int jobs_make(struct xqaccel_call *call, const struct xqaccel_job_source *source)
{
	struct xqaccel_client *client = call->client;
	u32 count;
	int ret = 0;

	for (count = 0; count < source->jobs.count; count++) {
		struct xqaccel_job *job = xqaccel_job_from_user(client, source, count);

		ret = PTR_ERR_OR_ZERO(job);
		if (ret) {
			dev_dbg(&client->xq->dev, "job %u of %u refused: %d\n", count,
				source->jobs.count, ret);
			break;
		}
		list_add_tail(&job->node, &call->jobs);
		call->shared |= job->shared;
		cond_resched();
	}
	return count ?: ret;
}

int xqaccel_ioctl_submit(struct xqaccel_call *call)
{
	struct xqaccel_client *client = call->client;
	struct xqaccel_submit *cmd = call->data;
	const struct xqaccel_job_source source = {
		.jobs = cmd->jobs,
		.lane = cmd->lane,
		.timeout_ms = cmd->timeout_ms,
	};
	struct xqaccel_lane *lane;
	int ret;

	ret = check_command(client->xq, cmd);
	if (!ret)
		ret = xqaccel_job_source_check(&source, XQACCEL_MAX_BATCH);
	if (ret)
		return ret;
	lane = &client->lane[array_index_nospec(cmd->lane, XQACCEL_LANES)];
	ret = xqaccel_power_resume(client->xq);
	if (ret)
		return ret;
	/* No more than a hint here, but a full lane shall not pay for the checks. */
	if (READ_ONCE(lane->unreaped) >= XQACCEL_LANE_JOBS)
		return -EAGAIN;

	ret = xqaccel_fencing_take(&call->fencing, cmd->flags, cmd->in_fence);
	if (ret)
		return ret;
	cmd->out_fence = call->fencing.fd;
	ret = jobs_make(call, &source);
	if (ret > 0)
		ret = reserve(call, lane, ret);
	if (ret)
		xqaccel_fencing_put(&call->fencing);
	return ret;
}

/* Makes jobs that were counted known to all; nothing of this can fail. */
static void publish(struct xqaccel_call *call, struct xqaccel_fencing *fencing)
{
	struct xqaccel_device *xq = call->client->xq;
	struct xqaccel_job *job, *next;

	spin_lock_irq(&xq->lock);
	if (fencing)
		xqaccel_fencing_publish(fencing);
	list_for_each_entry_safe(job, next, &call->jobs, node) {
		if (xq->lost)
			xqaccel_job_fail(job, XQACCEL_STATUS_LOST);
		else
			xqaccel_sched_enqueue(job);
	}
	xqaccel_sched_run_unlock(xq);
}

/* The same for jobs that others wait for, or that wait for others; 0 or -errno. */
static int publish_fenced(struct xqaccel_call *call)
{
	int ret;

	ret = xqaccel_fencing_begin(&call->fencing, &call->jobs, true);
	/*
	 * The jobs are taken back, and what was written of them is written anew. Always, as no
	 * program has had to know that a signal can come first.
	 */
	if (ret)
		return ret == -EINTR ? -ERESTARTNOINTR : ret;
	publish(call, &call->fencing);
	xqaccel_fencing_end(&call->fencing);
	return 0;
}

static void withdraw(struct xqaccel_call *call)
{
	struct xqaccel_device *xq = call->client->xq;
	struct xqaccel_job *job;

	spin_lock_irq(&xq->lock);
	list_for_each_entry(job, &call->jobs, node)
		xqaccel_job_uncount(job);
	spin_unlock_irq(&xq->lock);
	xqaccel_jobs_discard(xq, &call->jobs);
	/* Other threads in wait_for() may have counted on these. */
	wake_up_all(&call->client->wait);
}

void xqaccel_submit_finish(struct xqaccel_call *call, bool written)
{
	if (written && xqaccel_fencing_needed(&call->fencing, call->shared))
		call->error = publish_fenced(call);
	else if (written)
		publish(call, NULL);
	if (!written || call->error)
		withdraw(call);
	xqaccel_fencing_put(&call->fencing);
}
