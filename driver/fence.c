// SPDX-License-Identifier: GPL-2.0
/*
 * Fences. A submit has one if somebody may wait for its jobs or they wait for somebody: if it asked
 * for one, was given one, or shares buffers with others. It is made when the jobs can't be refused
 * any more, so it is always signalled: when they have ended, in whatever way. Jobs wait for fences
 * that were there before theirs, so there is no circle.
 *
 * A lane is a timeline: its fences are signalled in their order, though a job that is canceled ends
 * before others. While the first job of a lane waits the lane is out of the scheduler's sight, in
 * xqaccel_device.blocked; nobody sleeps for a fence and no lock is held over one.
 *
 * Fences are signalled under xqaccel_device.lock, a few at a time, so what they call of this driver
 * may not take such a lock, of this device or another: dependency_met() leaves the rest to a work.
 */
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sync_file.h>

#include "buffer.h"
#include "client.h"
#include "fence.h"
#include "program.h"
#include "timeout.h"

#define GFP_FENCE	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

static struct xqaccel_fence *of(struct dma_fence *base)
{
	return container_of(base, struct xqaccel_fence, base);
}

static const char *driver_name(struct dma_fence *base)
{
	return "xqaccel";
}

static const char *timeline_name(struct dma_fence *base)
{
	return of(base)->timeline;
}

/* The module goes only after what follows has returned: it waits for these callbacks. */
static void fence_free(struct rcu_head *rcu)
{
	struct xqaccel_fence *fence = container_of(rcu, struct xqaccel_fence, base.rcu);

	kfree(fence);
	module_put(THIS_MODULE);
}

static void fence_release(struct dma_fence *base)
{
	call_rcu(&base->rcu, fence_free);
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = driver_name,
	.get_timeline_name = timeline_name,
	.release = fence_release,
};

/* ---- what jobs wait for -------------------------------------------------------- */

/* With the lock of a fence of anybody. */
static void dependency_met(struct dma_fence *met, struct dma_fence_cb *cb)
{
	struct xqaccel_fence *fence = container_of(cb, struct xqaccel_dependency, cb)->waits;
	struct xqaccel_device *xq;

	if (!atomic_dec_and_test(&fence->unmet))
		return;
	/* The client has not ended: dependencies_forget() would have been waiting for this. */
	xq = fence->lane->client->xq;
	dma_fence_get(&fence->base);
	llist_add(&fence->ready, &xq->ready);
	queue_work(xqaccel_job_wq, &xq->ready_work);
}

/*
 * Nothing calls dependency_met() for these any more when this returns. There may be as many as
 * others have fences in what the jobs share with them, so not with xqaccel_device.lock.
 */
static void dependencies_forget(struct xqaccel_fence *fence)
{
	while (fence->count) {
		struct xqaccel_dependency *d = &fence->dependencies[--fence->count];

		dma_fence_remove_callback(d->fence, &d->cb);
		dma_fence_put(d->fence);
	}
	/* Whoever holds a descriptor of the fence keeps the rest of it. */
	kfree(fence->dependencies);
	fence->dependencies = NULL;
}

/*
 * Has the client's work do that, for jobs that wait no more: they are ready, or have ended. The
 * first who finds that has it done, while a job of the fence, and so the client, is there.
 */
void xqaccel_fence_dependencies_leave(struct xqaccel_fence *fence)
	__must_hold(&fence->lane->client->xq->lock)
{
	struct xqaccel_client *client = fence->lane->client;

	lockdep_assert_held(&client->xq->lock);

	if (fence->left || !fence->count)
		return;
	fence->left = true;
	dma_fence_get(&fence->base);
	llist_add(&fence->unwatched, &client->unwatched);
	queue_work(xqaccel_job_wq, &client->unwatch_work);
}

/**
 * xqaccel_fences_unwatch() - let go of what jobs have waited for
 * @work: the client's unwatch_work
 */
void xqaccel_fences_unwatch(struct work_struct *work)
{
	struct xqaccel_client *client = container_of(work, struct xqaccel_client, unwatch_work);
	struct xqaccel_fence *fence, *next;

	llist_for_each_entry_safe(fence, next, llist_del_all(&client->unwatched), unwatched) {
		dependencies_forget(fence);
		dma_fence_put(&fence->base);
		cond_resched();
	}
}

static void dependencies_watch(struct xqaccel_fence *fence)
{
	unsigned int i, watched = 0;

	/* One more, so that it is not ready before all were looked at. */
	atomic_set(&fence->unmet, fence->count + 1);
	for (i = 0; i < fence->count; i++) {
		struct xqaccel_dependency *d = &fence->dependencies[watched];

		d->fence = fence->dependencies[i].fence;
		if (!dma_fence_add_callback(d->fence, &d->cb, dependency_met)) {
			watched++;
			continue;
		}
		dma_fence_put(d->fence);
		atomic_dec(&fence->unmet);
	}
	fence->count = watched;
	/* The jobs are not published yet, so there is no lane for ready_work to run. */
	if (atomic_dec_and_test(&fence->unmet))
		dependencies_forget(fence);
}

/* Whether a job that has a fence waits for those of others. */
bool xqaccel_fence_blocks(const struct xqaccel_job *job)
	__must_hold(&job->client->xq->lock)
{
	lockdep_assert_held(&job->client->xq->lock);

	return atomic_read(&job->fence->unmet);
}

/* ---- a submit's fence ------------------------------------------------------------- */

static struct dma_fence *fence_from_fd(int fd)
{
#if IS_ENABLED(CONFIG_SYNC_FILE)
	return sync_file_get_fence(fd);
#else
	return NULL;
#endif
}

static struct file *fence_to_file(struct dma_fence *base)
{
#if IS_ENABLED(CONFIG_SYNC_FILE)
	struct sync_file *sync = sync_file_create(base);

	return sync ? sync->file : NULL;
#else
	return NULL;
#endif
}

/**
 * xqaccel_fences_check() - look whether fences of a submit are such as the driver knows
 * @flags: XQACCEL_SUBMIT_*
 * @in_fence: as user space gave it
 *
 * Return: 0 or a negative errno
 */
int xqaccel_fences_check(u32 flags, s32 in_fence)
{
	const u32 files = XQACCEL_SUBMIT_IN_FENCE | XQACCEL_SUBMIT_OUT_FENCE;

	if (flags & ~(files | XQACCEL_SUBMIT_EXPLICIT))
		return -EOPNOTSUPP;
	if (flags & files && !IS_ENABLED(CONFIG_SYNC_FILE))
		return -EOPNOTSUPP;
	return in_fence && !(flags & XQACCEL_SUBMIT_IN_FENCE) ? -EINVAL : 0;
}

/**
 * xqaccel_fencing_take() - take what a submit brings and wants of fences, before there are jobs
 * @f: to be given back with xqaccel_fencing_put() after success
 * @flags: that xqaccel_fences_check() liked
 * @in_fence: descriptor of a sync_file
 *
 * Return: 0 or a negative errno
 */
int xqaccel_fencing_take(struct xqaccel_fencing *f, u32 flags, s32 in_fence)
{
	*f = (struct xqaccel_fencing){ .flags = flags, .fd = -1 };
	if (flags & XQACCEL_SUBMIT_IN_FENCE) {
		f->in = fence_from_fd(in_fence);
		if (!f->in)
			return -EBADF;
	}
	if (flags & XQACCEL_SUBMIT_OUT_FENCE) {
		f->fd = get_unused_fd_flags(O_CLOEXEC);
		if (f->fd < 0) {
			dma_fence_put(f->in);
			return f->fd;
		}
	}
	return 0;
}

/* The process has the descriptor if the jobs were published. */
void xqaccel_fencing_put(struct xqaccel_fencing *f)
{
	dma_fence_put(f->in);
	if (f->out)
		fd_install(f->fd, f->out);
	else if (f->fd >= 0)
		put_unused_fd(f->fd);
}

static struct xqaccel_fence *fence_alloc(struct xqaccel_lane *lane,
					 const struct xqaccel_fence_list *before)
{
	const struct xqaccel_client *client = lane->client;
	struct xqaccel_fence *fence = kzalloc(sizeof(*fence), GFP_FENCE);
	unsigned int i;

	if (!fence)
		return NULL;
	if (before->count)
		fence->dependencies = kcalloc(before->count, sizeof(*fence->dependencies),
					      GFP_FENCE);
	if (before->count && !fence->dependencies) {
		kfree(fence);
		return NULL;
	}
	for (i = 0; i < before->count; i++) {
		fence->dependencies[i].waits = fence;
		INIT_LIST_HEAD(&fence->dependencies[i].cb.node);
		fence->dependencies[i].fence = dma_fence_get(before->fence[i]);
	}
	fence->count = before->count;
	fence->lane = lane;
	spin_lock_init(&fence->lock);
	INIT_LIST_HEAD(&fence->node);
	snprintf(fence->timeline, sizeof(fence->timeline), "%s.%llu.%u",
		 dev_name(&client->xq->dev), client->id, lane->index);
	__module_get(THIS_MODULE);
	dma_fence_init(&fence->base, &fence_ops, &fence->lock, lane->fence_context,
		       ++lane->fence_seqno);
	return fence;
}

/* A fence that nobody has seen. */
static void fence_discard(struct xqaccel_fence *fence)
{
	dependencies_forget(fence);
	dma_fence_put(&fence->base);
}

/* All that may fail. */
static int fencing_prepare(struct xqaccel_fencing *f, struct xqaccel_fence_list *before)
{
	int ret = 0;

	/* They are signalled in order, maybe all at once in an interrupt. */
	if (READ_ONCE(f->lane->fence_count) >= XQACCEL_LANE_JOBS)
		return -EAGAIN;
	if (f->in && !dma_fence_is_signaled(f->in))
		ret = xqaccel_fence_list_add(before, f->in);
	if (!ret)
		ret = xqaccel_reservations_prepare(&f->shared, f->flags & XQACCEL_SUBMIT_EXPLICIT,
						   f->lane->fence_context, before);
	if (ret)
		return ret;
	xqaccel_fence_list_latest(before);
	f->fence = fence_alloc(f->lane, before);
	if (!f->fence)
		return -ENOMEM;
	if (f->fd < 0)
		return 0;
	f->out = fence_to_file(&f->fence->base);
	if (f->out)
		return 0;
	fence_discard(f->fence);
	return -ENOMEM;
}

/* Others wait for all of the lane, and a lane's jobs are one after the other. */
static bool short_enough(const struct list_head *jobs)
{
	const unsigned long most = msecs_to_jiffies(xqaccel_fenced_timeout_ms());
	const struct xqaccel_job *job;

	list_for_each_entry(job, jobs, node)
		if (job->timeout > most)
			return false;
	return true;
}

/**
 * xqaccel_fencing_begin() - make the fence of jobs, and show it to those who share their buffers
 * @f: to be published with the jobs, which can't fail, and ended
 * @jobs: of one lane, struct xqaccel_job by node, counted and not published
 * @interruptible: a signal ends a wait for those who share the lane or buffers
 *
 * Return: 0, -ENOMEM, -EINTR, -EINVAL: a job that may take too long for that, or, with too many
 * fences in the lane, -EAGAIN; then nothing was done.
 */
int xqaccel_fencing_begin(struct xqaccel_fencing *f, struct list_head *jobs, bool interruptible)
{
	struct xqaccel_fence_list before = {};
	struct xqaccel_job *job;
	int ret;

	if (!short_enough(jobs))
		return -EINVAL;
	f->lane = list_first_entry(jobs, struct xqaccel_job, node)->lane;
	/* From the fence's number to its place in the lane. */
	ret = interruptible ? mutex_lock_interruptible(&f->lane->fence_lock) :
			      mutex_lock_killable(&f->lane->fence_lock);
	if (ret)
		return ret;
	ret = xqaccel_reservations_lock(&f->shared, jobs, interruptible);
	if (!ret)
		ret = fencing_prepare(f, &before);
	xqaccel_fence_list_free(&before);
	if (ret) {
		xqaccel_reservations_unlock(&f->shared);
		mutex_unlock(&f->lane->fence_lock);
		return ret;
	}
	list_for_each_entry(job, jobs, node) {
		job->fence = f->fence;
		f->fence->jobs++;
	}
	/* Others may wait for it from here on, so nothing may wait for memory until its end. */
	f->cookie = dma_fence_begin_signalling();
	xqaccel_reservations_add(&f->shared, &f->fence->base,
				 f->flags & XQACCEL_SUBMIT_EXPLICIT);
	dependencies_watch(f->fence);
	/* While nobody else has the jobs: the buffers, whose locks these are, may go with them. */
	xqaccel_reservations_unlock(&f->shared);
	return 0;
}

/* To its place in the lane, before the jobs get theirs. */
void xqaccel_fencing_publish(struct xqaccel_fencing *f)
	__must_hold(&f->lane->client->xq->lock)
{
	struct xqaccel_lane *lane = f->lane;

	lockdep_assert_held(&lane->client->xq->lock);

	list_add_tail(&f->fence->node, &lane->fences);
	WRITE_ONCE(lane->fence_count, lane->fence_count + 1);
}

/* The jobs may have ended, but the client has not. */
void xqaccel_fencing_end(struct xqaccel_fencing *f)
{
	dma_fence_end_signalling(f->cookie);
	mutex_unlock(&f->lane->fence_lock);
}

/* ---- its end ------------------------------------------------------------------------ */

static int error_of(u32 status)
{
	switch (status) {
	case XQACCEL_STATUS_OK:
		return 0;
	case XQACCEL_STATUS_TIMEOUT:
		return -ETIME;
	case XQACCEL_STATUS_CANCELED:
		return -ECANCELED;
	case XQACCEL_STATUS_LOST:
		return -ENODEV;
	default:
		return -EIO;
	}
}

/* A job that ends signals so many itself; XQACCEL_JOBS_AT_ONCE jobs may end in one section. */
#define FENCES_OF_A_JOB	4

/* The lane's fences whose turn it is, up to @most; how many it were. */
static unsigned int lane_signal(struct xqaccel_lane *lane, unsigned int most)
	__must_hold(&lane->client->xq->lock)
{
	struct xqaccel_fence *fence, *next;
	unsigned int n = 0;

	lockdep_assert_held(&lane->client->xq->lock);

	list_for_each_entry_safe(fence, next, &lane->fences, node) {
		if (n == most || fence->jobs)
			break;
		list_del(&fence->node);
		WRITE_ONCE(lane->fence_count, lane->fence_count - 1);
		if (fence->error)
			dma_fence_set_error(&fence->base, fence->error);
		dma_fence_signal(&fence->base);
		dma_fence_put(&fence->base);
		n++;
	}
	return n;
}

/*
 * Signals some of the client's fences; whether there may be more. Not inlined, so that traces show
 * it.
 */
static noinline bool signal_some(struct xqaccel_client *client)
{
	unsigned int left = XQACCEL_JOBS_AT_ONCE, i;

	spin_lock_irq(&client->xq->lock);
	for (i = 0; i < XQACCEL_LANES && left; i++) {
		struct xqaccel_lane *lane = &client->lane[i];
		unsigned int n;

		if (!lane->signalling)
			continue;
		n = lane_signal(lane, left);
		lane->signalling = n == left;
		left -= n;
	}
	spin_unlock_irq(&client->xq->lock);
	return !left;
}

/**
 * xqaccel_fences_signal() - signal what was too much for an interrupt
 * @work: the client's signal_work
 */
void xqaccel_fences_signal(struct work_struct *work)
{
	struct xqaccel_client *client = container_of(work, struct xqaccel_client, signal_work);
	const bool cookie = dma_fence_begin_signalling();

	while (signal_some(client))
		cond_resched();
	dma_fence_end_signalling(cookie);
}

/* A job with a fence that was published has ended, with its completion's status, or was dropped. */
void xqaccel_fence_job_ended(struct xqaccel_job *job)
	__must_hold(&job->client->xq->lock)
{
	struct xqaccel_fence *fence = job->fence;
	struct xqaccel_client *client = job->client;
	struct xqaccel_lane *lane = job->lane;

	lockdep_assert_held(&client->xq->lock);

	job->fence = NULL;
	fence->error = fence->error ?: error_of(job->completion.status);
	if (--fence->jobs)
		return;
	xqaccel_fence_dependencies_leave(fence);
	/*
	 * The job may be the one that many were behind, which are left to the work then. The client
	 * does not end before that: the job has a reference, and client_end() waits for the work.
	 */
	if (lane->signalling || lane_signal(lane, FENCES_OF_A_JOB) < FENCES_OF_A_JOB)
		return;
	lane->signalling = true;
	queue_work(xqaccel_job_wq, &client->signal_work);
}
