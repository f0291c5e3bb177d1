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
#include "timeout.h"

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
