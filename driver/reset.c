// SPDX-License-Identifier: GPL-2.0
/*
 * The steps of a reset: nothing more is given to the hardware, it is reset and waited for, it is
 * decided what becomes of its jobs, and it starts. And the end, when a reset does not help: the
 * device is lost, every job ends, and only then is its memory given back.
 *
 * All of it is under reset_lock. recovery.c makes resets of these, and suspend.c those with a pause
 * in their middle.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>

#include "client.h"
#include "coredump.h"
#include "job.h"
#include "reset.h"
#include "scheduler.h"
#include "user.h"

#define QUEUE_RESET_MS		500
#define FUNCTION_RESET_MS	2000

static int wait_clear(struct xqaccel_device *xq, u32 reg, u32 bit, unsigned int ms)
{
	const unsigned long end = jiffies + msecs_to_jiffies(ms);
	bool late;
	u32 value;

	do {
		late = time_after(jiffies, end);
		value = xqaccel_read(xq, reg);
		if (value == ~0U)
			return -ENODEV;
		if (!(value & bit))
			return 0;
		usleep_range(50, 500);
	} while (!late);
	return -ETIMEDOUT;
}

/*
 * Releases reset_lock; what the recovery under it has found will be shown. What was kept because of
 * the device's DMA may be free by now.
 */
void xqaccel_reset_unlock(struct xqaccel_device *xq)
{
	lockdep_assert_held(&xq->reset_lock);

	xqaccel_coredump_finish(xq);
	mutex_unlock(&xq->reset_lock);
	xqaccel_kept_review_later(xq);
}

/* ---- what becomes of the jobs ------------------------------------------- */

/*
 * Whether a job that started can't be repeated: it may have added to C already, or one behind it
 * that started, too, may have changed what it reads. @started: jobs that did, from this one on.
 */
static bool unrepeatable(const struct xqaccel_job *job, unsigned int started)
{
	const struct xqaccel_job *later = job;

	if (job->accumulate)
		return true;
	while (--started) {
		later = list_next_entry(later, node);
		if (xqaccel_job_overwrites(later, job))
			return true;
	}
	return false;
}

/* Status that ends a job after a reset, or XQACCEL_STATUS_OK if it is to run again. */
static u32 reset_status(const struct xqaccel_queue *q, struct xqaccel_job *job,
			unsigned int started)
	__must_hold(&q->xq->lock)
{
	lockdep_assert_held(&q->xq->lock);

	if (job->canceled || job->client->closed)
		return XQACCEL_STATUS_CANCELED;
	if (job->timed_out)
		return XQACCEL_STATUS_TIMEOUT;
	if (started && unrepeatable(job, started))
		return XQACCEL_STATUS_CANCELED;
	/* A suspend is no sign that something is wrong, and comes as often as it likes. */
	if (started && (q->xq->power == XQACCEL_ACTIVE || q->xq->silent) &&
	    ++job->interruptions > XQACCEL_MAX_INTERRUPTIONS)
		return XQACCEL_STATUS_CANCELED;
	return XQACCEL_STATUS_OK;
}

/*
 * After a reset: take what ended before it, end the guilty, and put the others back to the
 * front of their lanes, last first so that their order stays.
 */
void xqaccel_reset_recover_queue(struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	struct xqaccel_job *job, *next;
	unsigned int started;
	bool at_step;
	LIST_HEAD(again);

	lockdep_assert_held(&q->xq->lock);

	xqaccel_queue_collect(q);
	/* The oldest is the one that the step is of, unless that has ended since. */
	at_step = q->cq_head == q->step_tail;
	/*
	 * The oldest may have begun since the device was asked. Others behind it have started only
	 * if the completions of those before them got lost.
	 */
	started = q->broken ? q->inflight : xqaccel_queue_started(q);
	if (!started && q->inflight && !q->idle)
		started = 1;
	list_for_each_entry_safe(job, next, &q->jobs, node) {
		const u32 status = reset_status(q, job, started);

		/* Of those that started, the device was at the oldest. */
		if (status && started)
			xqaccel_job_failed_at(job, at_step ? q->step : ~0U);
		at_step = false;
		if (started)
			started--;
		if (status)
			xqaccel_job_finish(job, status);
		else
			list_move_tail(&job->node, &again);
	}
	list_for_each_entry_safe_reverse(job, next, &again, node) {
		atomic64_inc(&q->xq->stats.resubmitted);
		xqaccel_sched_requeue(job);
	}
	q->inflight = 0;
}

void xqaccel_reset_recover_jobs(struct xqaccel_device *xq)
	__must_hold(&xq->lock)
{
	unsigned int i;

	lockdep_assert_held(&xq->lock);

	for (i = 0; i < xq->caps.queues; i++)
		xqaccel_reset_recover_queue(&xq->queue[i]);
}

static void fail_jobs_in_flight(struct xqaccel_device *xq)
	__must_hold(&xq->lock)
{
	struct xqaccel_job *job, *next;
	unsigned int i;

	lockdep_assert_held(&xq->lock);

	for (i = 0; i < xq->caps.queues; i++) {
		struct xqaccel_queue *q = &xq->queue[i];

		xqaccel_queue_collect(q);
		list_for_each_entry_safe(job, next, &q->jobs, node)
			xqaccel_job_finish(job, XQACCEL_STATUS_LOST);
		q->inflight = 0;
	}
}

/* ---- the hardware --------------------------------------------------------- */

/* Nothing more is given to it. @answers: it can be asked how far it has come. */
void xqaccel_reset_stop(struct xqaccel_queue *q, bool answers)
	__must_hold(&q->xq->lock)
{
	struct xqaccel_job *head = xqaccel_queue_head(q);

	lockdep_assert_held(&q->xq->lock);

	if (!q->broken && xqaccel_queue_late(q))
		head->timed_out = true;
	if (!q->stopped)
		xqaccel_queue_note_reached(q, answers);
	xqaccel_queue_stop(q);
}

/* Enables a function that was reset and all its queues. */
void xqaccel_reset_function_start(struct xqaccel_device *xq)
	__must_hold(&xq->lock)
{
	unsigned int i;

	lockdep_assert_held(&xq->lock);

	xq->resetting = false;
	xqaccel_write64(xq, XQ_REG_CTX_TABLE, xq->ctx_table_dma);
	xqaccel_write(xq, XQ_REG_CTRL, XQ_CTRL_ENABLE);
	for (i = 0; i < xq->caps.queues; i++)
		xqaccel_queue_start(&xq->queue[i]);
}

void xqaccel_set_lost_locked(struct xqaccel_device *xq, const char *reason)
	__must_hold(&xq->reset_lock)
{
	unsigned int i;

	lockdep_assert_held(&xq->reset_lock);

	if (xq->lost)
		return;
	if (reason) {
		dev_err(&xq->dev, "the device is lost: %s\n", reason);
		xqaccel_coredump_take(xq, reason);
	}
	spin_lock_irq(&xq->lock);
	WRITE_ONCE(xq->lost, true);
	for (i = 0; i < xq->caps.queues; i++)
		xqaccel_queue_stop(&xq->queue[i]);
	spin_unlock_irq(&xq->lock);

	/* Jobs hold their buffers, so they end only once nothing can write there. */
	WRITE_ONCE(xq->dma, xq->bus->dma_stop(xq) ? XQACCEL_DMA_UNKNOWN : XQACCEL_DMA_OFF);
	if (xq->dma == XQACCEL_DMA_UNKNOWN)
		dev_err(&xq->dev, "its DMA can't be stopped; memory that it knows is kept\n");

	spin_lock_irq(&xq->lock);
	fail_jobs_in_flight(xq);
	spin_unlock_irq(&xq->lock);
	xqaccel_sched_fail(xq);
	queue_work(xqaccel_wq, &xq->lost_work);
}

/* The device is beyond help, or gone: ends every job. No reason: not worth a message. */
void xqaccel_set_lost(struct xqaccel_device *xq, const char *reason)
{
	mutex_lock(&xq->reset_lock);
	xqaccel_set_lost_locked(xq, reason);
	xqaccel_reset_unlock(xq);
}

/*
 * Whether memory may be freed that the device was made to forget, or will have forgotten before it
 * gets its DMA back. xqaccel_set_lost_locked() holds reset_lock until it knows of the DMA: a few
 * seconds.
 */
bool xqaccel_dma_safe(struct xqaccel_device *xq)
{
	if (READ_ONCE(xq->lost)) {
		mutex_lock(&xq->reset_lock);
		mutex_unlock(&xq->reset_lock);
	}
	return READ_ONCE(xq->dma) != XQACCEL_DMA_UNKNOWN;
}

/*
 * Waits for the end of a reset that was asked for: 0, -ETIMEDOUT, or -ENODEV: it does not answer.
 */
int xqaccel_reset_wait(struct xqaccel_device *xq)
{
	return wait_clear(xq, XQ_REG_CTRL, XQ_CTRL_RESET, FUNCTION_RESET_MS);
}

/* The same of one queue's. */
int xqaccel_reset_wait_queue(struct xqaccel_queue *q)
{
	return wait_clear(q->xq, XQ_QUEUE(q->index, XQ_Q_CTRL), XQ_Q_CTRL_RESET, QUEUE_RESET_MS);
}

/*
 * Brings a device that was just found, or that is resumed, to a known state; its capabilities are
 * readable then.
 */
int xqaccel_reset_initial(struct xqaccel_device *xq)
{
	xqaccel_write(xq, XQ_REG_CTRL, XQ_CTRL_RESET);
	return xqaccel_reset_wait(xq);
}

/* Start of a device that was reset, when rings and contexts are there. */
int xqaccel_reset_start(struct xqaccel_device *xq)
{
	spin_lock_irq(&xq->lock);
	xqaccel_reset_function_start(xq);
	xqaccel_sched_run(xq);
	spin_unlock_irq(&xq->lock);
	return xqaccel_read(xq, XQ_REG_STATUS) & XQ_STATUS_READY ? 0 : -EIO;
}

/*
 * Orderly end: leave the device idle, whether or not it answers. What could not be stopped before
 * is stopped by the bus's last means: nobody is left who would miss the device.
 */
void xqaccel_reset_final(struct xqaccel_device *xq)
{
	mutex_lock(&xq->reset_lock);
	xqaccel_set_lost_locked(xq, NULL);
	if (xq->dma == XQACCEL_DMA_UNKNOWN && !xq->bus->dma_force_stop(xq)) {
		WRITE_ONCE(xq->dma, XQACCEL_DMA_OFF);
		dev_info(&xq->dev, "its DMA is stopped\n");
	}
	if (!xq->bus->channel(xq) && !xqaccel_absent(xq))
		xqaccel_reset_initial(xq);
	mutex_unlock(&xq->reset_lock);
}
