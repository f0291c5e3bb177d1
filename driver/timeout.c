// SPDX-License-Identifier: GPL-2.0
/* Time limits of jobs: the module's parameters, and when a queue's oldest job is looked at. */
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/module.h>

#include "device.h"
#include "job.h"
#include "timeout.h"

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

/* Below what the kernel takes for a task that hangs. */
#define FENCED_TIMEOUT_MS	60000U

/* The longest limit of a job that others may wait for, who may be anybody. */
u32 xqaccel_fenced_timeout_ms(void)
{
	return max(FENCED_TIMEOUT_MS, xqaccel_default_timeout_ms());
}

/* How long a lost interrupt goes unnoticed. */
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
	__must_hold(&q->xq->lock)
{
	lockdep_assert_held(&q->xq->lock);

	if (!q->xq->lost && q->inflight && !delayed_work_pending(&q->watch))
		queue_delayed_work(xqaccel_job_wq, &q->watch, watch_delay(q));
}
