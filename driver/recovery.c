// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery. A late job or a queue that contradicts itself: reset the queue, end the guilty job, run
 * the others again. A queue that does not come back: reset the function. A function that does not
 * come back: the device is lost. One whose registers don't answer is left to suspend.c.
 */
#include <linux/dma-fence.h>
#include <linux/lockdep.h>

#include "client.h"
#include "coredump.h"
#include "job.h"
#include "reset.h"
#include "scheduler.h"
#include "timeout.h"
#include "user.h"

/* Function resets in a row, without a job that ended well in between, before giving up. */
#define MAX_FRUITLESS_RESETS	4

static void reset_function(struct xqaccel_device *xq, const char *reason)
	__must_hold(&xq->reset_lock)
{
	unsigned int i, fruitless;
	int ret;

	lockdep_assert_held(&xq->reset_lock);

	/* A suspend is as good: it resets the function before and after. */
	if (xq->lost || READ_ONCE(xq->power) == XQACCEL_SUSPENDED)
		return;
	xqaccel_coredump_take(xq, reason);
	spin_lock_irq(&xq->lock);
	for (i = 0; i < xq->caps.queues; i++)
		xqaccel_reset_stop(&xq->queue[i], true);
	fruitless = ++xq->fruitless_resets;
	xq->resetting = true;
	xqaccel_write(xq, XQ_REG_CTRL, XQ_CTRL_RESET);
	spin_unlock_irq(&xq->lock);

	atomic64_inc(&xq->stats.function_resets);
	dev_warn(&xq->dev, "resetting the device: %s\n", reason);
	ret = xqaccel_reset_wait(xq);
	if (ret == -ENODEV)
		return xqaccel_silence_locked(xq);
	if (ret)
		return xqaccel_set_lost_locked(xq, "its reset is not acknowledged");
	if (fruitless > MAX_FRUITLESS_RESETS)
		return xqaccel_set_lost_locked(xq, "resets do not help");

	spin_lock_irq(&xq->lock);
	xqaccel_reset_recover_jobs(xq);
	xqaccel_reset_function_start(xq);
	xqaccel_sched_run(xq);
	spin_unlock_irq(&xq->lock);
}

/* Resets the function; what ran is resubmitted where that is safe. Sleeps. */
void xqaccel_reset_function(struct xqaccel_device *xq, const char *reason)
{
	mutex_lock(&xq->reset_lock);
	reset_function(xq, reason);
	xqaccel_reset_unlock(xq);
}

/*
 * Before the caller had the locks, reset_function() or resume() may have reset the queue, and
 * xqaccel_queue_serve() may have taken the job's completion.
 */
static bool still_needed(struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	lockdep_assert_held(&q->xq->lock);

	return !q->xq->lost && !q->stopped && (q->broken || xqaccel_queue_late(q));
}

/* A dump, unless a job is only ended early, or all is well by now. */
static void take_dump(struct xqaccel_queue *q)
	__must_hold(&q->xq->reset_lock)
{
	bool broken = false, late = false;
	const struct xqaccel_job *head;
	kuid_t owner = INVALID_UID;

	lockdep_assert_held(&q->xq->reset_lock);

	spin_lock_irq(&q->xq->lock);
	head = xqaccel_queue_head(q);
	if (still_needed(q)) {
		broken = q->broken;
		late = !broken && !head->canceled && !head->client->closed;
	}
	if (late)
		owner = head->client->user->uid;
	spin_unlock_irq(&q->xq->lock);
	if (broken)
		xqaccel_coredump_take(q->xq, "the device contradicted itself");
	else if (late)
		xqaccel_coredump_take_late(q->xq, owner);
}

static void reset_queue(struct xqaccel_queue *q)
	__must_hold(&q->xq->reset_lock)
{
	struct xqaccel_device *xq = q->xq;
	bool needed, cookie;
	int ret;

	lockdep_assert_held(&xq->reset_lock);

	/* Others wait for its jobs: nothing here waits for memory. */
	cookie = dma_fence_begin_signalling();
	take_dump(q);
	spin_lock_irq(&xq->lock);
	needed = still_needed(q);
	if (needed) {
		xqaccel_reset_stop(q, true);
		xqaccel_write(xq, XQ_QUEUE(q->index, XQ_Q_CTRL), XQ_Q_CTRL_RESET);
	} else {
		xqaccel_watch_arm(q);
	}
	spin_unlock_irq(&xq->lock);
	ret = needed ? xqaccel_reset_wait_queue(q) : 0;
	dma_fence_end_signalling(cookie);
	if (!needed)
		return xqaccel_coredump_drop(xq);

	atomic64_inc(&xq->stats.queue_resets);
	if (ret == -ENODEV)
		return xqaccel_silence_locked(xq);
	if (ret) {
		dev_warn(&xq->dev, "queue %u: reset is not acknowledged\n", q->index);
		return reset_function(xq, "a queue did not acknowledge its reset");
	}
	spin_lock_irq(&xq->lock);
	xqaccel_reset_recover_queue(q);
	xqaccel_queue_start(q);
	xqaccel_sched_run(xq);
	spin_unlock_irq(&xq->lock);
}

/* Resets a queue whose head is late or that is broken. Sleeps. */
void xqaccel_reset_queue(struct xqaccel_queue *q)
{
	mutex_lock(&q->xq->reset_lock);
	reset_queue(q);
	xqaccel_reset_unlock(q->xq);
}
