// SPDX-License-Identifier: GPL-2.0
/*
 * The watchdog of a queue, awake while jobs are in flight: it finds lost interrupts, late
 * jobs, a device that was pulled out, and it starts the resets that interrupts ask for.
 */
#include <linux/jiffies.h>
#include <linux/lockdep.h>

#include "device.h"
#include "job.h"
#include "reset.h"
#include "scheduler.h"

#define WATCH_MS	100

static unsigned long watch_delay(struct xqaccel_queue *q)
{
	const struct xqaccel_job *head = xqaccel_queue_head(q);
	unsigned long delay = msecs_to_jiffies(WATCH_MS);

	if (!head)
		return delay;
	if (time_after_eq(jiffies, head->deadline))
		return 1;
	return min(delay, head->deadline - jiffies + 1);
}

/* Looks at the queue again soon; nothing happens if that is already planned. */
void xqaccel_watch_arm(struct xqaccel_queue *q)
{
	lockdep_assert_held(&q->xq->lock);

	if (!q->xq->lost && q->inflight && !delayed_work_pending(&q->watch))
		queue_delayed_work(xqaccel_job_wq, &q->watch, watch_delay(q));
}

static void count_lost_interrupt(struct xqaccel_queue *q)
{
	/*
	 * One that an interrupt took between two looks proves nothing, so ask that none came. Who
	 * polls may do so seldom.
	 */
	if (!q->irq_reaped && !q->silent)
		atomic64_inc(&q->xq->stats.lost_interrupts);
}

void xqaccel_watch(struct work_struct *work)
{
	struct xqaccel_queue *q = container_of(to_delayed_work(work), struct xqaccel_queue, watch);
	struct xqaccel_device *xq = q->xq;
	bool absent = false, reset = false;

	spin_lock_irq(&xq->lock);
	if (!xq->lost && !q->stopped) {
		absent = xqaccel_absent(xq);
		if (!absent && xqaccel_queue_reap(q))
			count_lost_interrupt(q);
		q->irq_reaped = false;
		reset = q->broken || xqaccel_queue_late(q);
		if (!absent && !reset)
			xqaccel_sched_run(xq);
		xqaccel_watch_arm(q);
	}
	spin_unlock_irq(&xq->lock);

	if (absent)
		xqaccel_silence(xq);
	else if (reset)
		xqaccel_reset_queue(q);
}
