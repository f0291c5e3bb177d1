// SPDX-License-Identifier: GPL-2.0
/*
 * Suspend: the hardware is left to the bus, which may turn it off or reset it, and is reset before
 * it gets jobs again. The reason is the system's suspend, a reset by others, an error of the bus,
 * or a device that does not answer.
 */
#include <linux/delay.h>
#include <linux/dma-fence.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>

#include "client.h"
#include "job.h"
#include "reset.h"
#include "scheduler.h"

/* What running jobs have to end before a suspend stops them. */
#define QUIESCE_MS		1000
/* What the bus has to recover from an error; there is no call-back if it gives up. */
#define BUS_RECOVERY_MS		30000
/* What a device that does not answer has, if the bus knows of no error. */
#define SILENCE_MS		3000
#define SILENCE_LOOK_MS		20

/* Whether a job runs. An error of the bus may end it all, and then registers may not answer. */
static bool still_quiescing(struct xqaccel_device *xq)
{
	bool busy = false;
	unsigned int i;

	spin_lock_irq(&xq->lock);
	if (!xq->lost && xq->power == XQACCEL_QUIESCING)
		for (i = 0; i < xq->caps.queues && !busy; i++)
			busy = !xqaccel_queue_idle(&xq->queue[i]);
	spin_unlock_irq(&xq->lock);
	return busy;
}

/*
 * Lets running jobs end, so that few have to run again and those that accumulate need not be
 * given up. Without reset_lock: xqaccel_reset_queue() ends a job that is late meanwhile, as ever.
 */
static void quiesce(struct xqaccel_device *xq)
{
	const unsigned long end = jiffies + msecs_to_jiffies(QUIESCE_MS);
	unsigned int i;

	spin_lock_irq(&xq->lock);
	if (!xq->lost && xq->power == XQACCEL_ACTIVE) {
		WRITE_ONCE(xq->power, XQACCEL_QUIESCING);
		for (i = 0; i < xq->caps.queues; i++)
			if (!xq->queue[i].stopped)
				xqaccel_queue_halt(&xq->queue[i]);
	}
	spin_unlock_irq(&xq->lock);

	while (still_quiescing(xq) && !time_after(jiffies, end))
		usleep_range(100, 1000);
}

/* Gives nothing more to the hardware, and stops it if it answers. */
static void stop(struct xqaccel_device *xq, bool orderly)
	__must_hold(&xq->reset_lock)
{
	unsigned int i;

	lockdep_assert_held(&xq->reset_lock);

	spin_lock_irq(&xq->lock);
	WRITE_ONCE(xq->power, XQACCEL_QUIESCING);
	for (i = 0; i < xq->caps.queues; i++) {
		struct xqaccel_queue *q = &xq->queue[i];

		q->idle = orderly && q->halted && xqaccel_queue_idle(q);
		xqaccel_reset_stop(q, orderly);
	}
	/* On a board's bus the DMA is stopped by a reset, whether or not it is asked for here. */
	xq->resetting = true;
	if (orderly)
		xqaccel_write(xq, XQ_REG_CTRL, XQ_CTRL_RESET);
	spin_unlock_irq(&xq->lock);
	/* One that does not acknowledge may do so after the resume; what counts now is the bus. */
	if (orderly)
		xqaccel_reset_wait(xq);
}

/*
 * Nothing of the hardware is touched any more when this returns. Its DMA can't be stopped for sure
 * if the bus does not get through to it either. Then nothing is decided of the jobs before it is
 * resumed or lost, and what is freed meanwhile is kept.
 */
static void suspend(struct xqaccel_device *xq, bool orderly)
	__must_hold(&xq->reset_lock)
{
	bool stopped;

	lockdep_assert_held(&xq->reset_lock);

	stop(xq, orderly);
	stopped = !xq->bus->dma_stop(xq);
	WRITE_ONCE(xq->dma, stopped ? XQACCEL_DMA_OFF : XQACCEL_DMA_UNKNOWN);
	xqaccel_irq_sync(xq);

	spin_lock_irq(&xq->lock);
	if (stopped)
		xqaccel_reset_recover_jobs(xq);
	xq->undecided = !stopped;
	WRITE_ONCE(xq->power, XQACCEL_SUSPENDED);
	spin_unlock_irq(&xq->lock);
}

/**
 * xqaccel_hw_suspend() - leave the hardware to the bus, which may turn it off or reset it
 * @xq: device
 * @orderly: its registers answer, and running jobs may take a moment to end. Otherwise there
 *	was an error of the bus: all is stopped at once, and it must not last.
 *
 * Jobs wait for xqaccel_hw_resume(); what ran and did not end will run again where that is safe.
 */
void xqaccel_hw_suspend(struct xqaccel_device *xq, bool orderly)
{
	if (orderly)
		quiesce(xq);
	mutex_lock(&xq->reset_lock);
	if (!xq->lost && READ_ONCE(xq->power) != XQACCEL_SUSPENDED)
		suspend(xq, orderly);
	/* Whoever called looks after it now. */
	WRITE_ONCE(xq->silent, false);
	if (!xq->lost && !orderly) {
		WRITE_ONCE(xq->bus_error, true);
		mod_delayed_work(xqaccel_job_wq, &xq->bus_work, msecs_to_jiffies(BUS_RECOVERY_MS));
	}
	xqaccel_reset_unlock(xq);
}

/*
 * The same for a device that has nothing to do; -EBUSY if it has. Jobs that come from now on wait,
 * so that none is stopped for this.
 */
int xqaccel_hw_suspend_idle(struct xqaccel_device *xq)
{
	bool busy;

	spin_lock_irq(&xq->lock);
	/* One that is silent, or was hit by an error, is looked after already. */
	busy = xq->active || READ_ONCE(xq->silent) || READ_ONCE(xq->bus_error);
	if (!busy && xq->power == XQACCEL_ACTIVE)
		WRITE_ONCE(xq->power, XQACCEL_QUIESCING);
	spin_unlock_irq(&xq->lock);
	if (busy)
		return -EBUSY;
	xqaccel_hw_suspend(xq, true);
	return 0;
}

/* Only a device that was reset gets its DMA back: memory that it knew may have been freed. */
static int resume(struct xqaccel_device *xq)
	__must_hold(&xq->reset_lock)
{
	/* Others wait for the jobs that go on here: nothing here waits for memory. */
	const bool cookie = dma_fence_begin_signalling();
	int ret;

	lockdep_assert_held(&xq->reset_lock);

	ret = xqaccel_absent(xq) ? -ENODEV : xqaccel_reset_initial(xq);
	if (!ret) {
		spin_lock_irq(&xq->lock);
		if (xq->undecided)
			xqaccel_reset_recover_jobs(xq);
		xq->undecided = false;
		spin_unlock_irq(&xq->lock);
		WRITE_ONCE(xq->dma, XQACCEL_DMA_ON);
		xq->bus->dma_start(xq);
		spin_lock_irq(&xq->lock);
		WRITE_ONCE(xq->power, XQACCEL_ACTIVE);
		spin_unlock_irq(&xq->lock);
		ret = xqaccel_reset_start(xq);
	}
	WRITE_ONCE(xq->silent, false);
	if (ret)
		xqaccel_set_lost_locked(xq, "it does not come back");
	dma_fence_end_signalling(cookie);
	return ret;
}

/* The hardware is ours again; goes on with the jobs. -ENODEV, -ETIMEDOUT, -EIO: it is lost. */
int xqaccel_hw_resume(struct xqaccel_device *xq)
{
	int ret = 0;

	mutex_lock(&xq->reset_lock);
	WRITE_ONCE(xq->bus_error, false);
	cancel_delayed_work(&xq->bus_work);
	if (!xq->lost && READ_ONCE(xq->power) == XQACCEL_SUSPENDED)
		ret = resume(xq);
	xqaccel_reset_unlock(xq);
	return ret;
}

/*
 * The same after a runtime suspend. The bus may be about to tell of an error that it recovers
 * from, since recovery itself resumes what is suspended: a device that does not answer stays
 * suspended then, and is looked after as one that has fallen silent.
 */
void xqaccel_hw_resume_idle(struct xqaccel_device *xq)
{
	bool wait;

	mutex_lock(&xq->reset_lock);
	wait = !xq->lost && READ_ONCE(xq->power) == XQACCEL_SUSPENDED && xqaccel_absent(xq) &&
	       xq->bus->channel(xq) != -ENODEV;
	if (wait && !xq->silent && !xq->bus_error) {
		WRITE_ONCE(xq->silent, true);
		xq->silent_since = jiffies;
		mod_delayed_work(xqaccel_job_wq, &xq->bus_work, msecs_to_jiffies(SILENCE_LOOK_MS));
	}
	xqaccel_reset_unlock(xq);
	if (!wait)
		xqaccel_hw_resume(xq);
}

/* ---- silence ---------------------------------------------------------------- */

/*
 * Registers read as all ones. That may be the end, or the bus has cut the device off to recover
 * from an error (AER, DPC, EEH) and its handlers, xqaccel_error_detected() and those after it, are
 * about to be called. So the device counts as suspended until they were, or it answers again.
 */
void xqaccel_silence_locked(struct xqaccel_device *xq)
	__must_hold(&xq->reset_lock)
{
	lockdep_assert_held(&xq->reset_lock);

	if (xq->lost || READ_ONCE(xq->power) == XQACCEL_SUSPENDED)
		return;
	if (xq->bus->channel(xq) == -ENODEV)
		return xqaccel_set_lost_locked(xq, "it was removed");
	dev_warn(&xq->dev, "its registers do not answer\n");
	WRITE_ONCE(xq->silent, true);
	xq->silent_since = jiffies;
	suspend(xq, false);
	mod_delayed_work(xqaccel_job_wq, &xq->bus_work, msecs_to_jiffies(SILENCE_LOOK_MS));
}

void xqaccel_silence(struct xqaccel_device *xq)
{
	mutex_lock(&xq->reset_lock);
	xqaccel_silence_locked(xq);
	xqaccel_reset_unlock(xq);
}

static void silence_look(struct xqaccel_device *xq)
	__must_hold(&xq->reset_lock)
{
	const int channel = xq->bus->channel(xq);
	/* While the bus recovers it tells of the end, but not of giving up. */
	const unsigned int most = channel ? BUS_RECOVERY_MS : SILENCE_MS;

	lockdep_assert_held(&xq->reset_lock);

	if (channel == -ENODEV)
		xqaccel_set_lost_locked(xq, "it was removed");
	else if (!channel && !xqaccel_absent(xq))
		resume(xq);
	else if (time_after(jiffies, xq->silent_since + msecs_to_jiffies(most)))
		xqaccel_set_lost_locked(xq, "it does not answer");
	else
		queue_delayed_work(xqaccel_job_wq, &xq->bus_work,
				   msecs_to_jiffies(SILENCE_LOOK_MS));
}

void xqaccel_bus_look(struct work_struct *work)
{
	struct xqaccel_device *xq = container_of(to_delayed_work(work), struct xqaccel_device,
						 bus_work);

	mutex_lock(&xq->reset_lock);
	if (!xq->lost && xq->bus_error)
		xqaccel_set_lost_locked(xq, "the bus does not recover");
	else if (!xq->lost && xq->silent)
		silence_look(xq);
	xqaccel_reset_unlock(xq);
}
