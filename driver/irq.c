// SPDX-License-Identifier: GPL-2.0
/* Interrupts: one for each queue's completions, one for errors. */
#include <linux/interrupt.h>

#include "device.h"
#include "reset.h"
#include "scheduler.h"

/*
 * Takes what has ended, and puts on the rings what there is room for; whether it had something.
 * xqaccel_sched_ring() is to follow, without the lock.
 */
bool xqaccel_queue_serve(struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	struct xqaccel_device *xq = q->xq;
	bool any = false;

	lockdep_assert_held(&xq->lock);

	if (xq->lost)
		return false;
	if (xqaccel_queue_reap(q)) {
		q->irq_reaped = true;
		any = true;
		xqaccel_sched_dispatch(xq);
	}
	if (q->broken) {
		any = true;
		mod_delayed_work(xqaccel_job_wq, &q->watch, 0);
	}
	return any;
}

/*
 * An interrupt without a completion is not ours: the kernel turns a vector off that brings
 * nothing else. Now and then one finds its completion taken by the handler before it or by
 * xqaccel_watch(), which the kernel forgives. Of those who poll it would not.
 *
 * Completions are few (a queue holds XQACCEL_QUEUE_DEPTH jobs) and each is a few hundred
 * nanoseconds of work, so this is done here and not in a thread.
 */
static irqreturn_t queue_interrupt(int irq, void *data)
{
	struct xqaccel_queue *q = data;
	struct xqaccel_device *xq = q->xq;
	bool handled;

	spin_lock(&xq->lock);
	handled = xqaccel_queue_serve(q) || q->polled;
	q->polled = false;
	spin_unlock(&xq->lock);
	xqaccel_sched_ring(xq);
	return IRQ_RETVAL(handled);
}

static irqreturn_t error_interrupt(int irq, void *data)
{
	struct xqaccel_device *xq = data;
	unsigned int i;
	u32 error = 0;

	spin_lock(&xq->lock);
	if (xq->lost || xq->power == XQACCEL_SUSPENDED)
		goto unlock;
	error = xqaccel_read(xq, XQ_REG_ERROR);
	xqaccel_write(xq, XQ_REG_ERROR, error);
	if (error)
		dev_warn_ratelimited(&xq->dev, "device error %#x\n", error);
	for (i = 0; i < xq->caps.queues; i++) {
		struct xqaccel_queue *q = &xq->queue[i];

		if (q->stopped || !(error & (XQ_ERROR_RING(i) | XQ_ERROR_CONTEXT_TABLE)))
			continue;
		if (!(error & XQ_ERROR_RING(i)) && !q->inflight)
			continue;
		q->broken = true;
		mod_delayed_work(xqaccel_job_wq, &q->watch, 0);
	}
unlock:
	spin_unlock(&xq->lock);
	return IRQ_RETVAL(error);
}

int xqaccel_irq_request(struct xqaccel_device *xq)
{
	unsigned int i;
	int ret;

	ret = request_irq(xq->bus->vector(xq, XQ_VECTOR_ERROR), error_interrupt, 0,
			  dev_name(&xq->dev), xq);
	if (ret)
		return ret;
	for (i = 0; i < xq->caps.queues; i++) {
		ret = request_irq(xq->bus->vector(xq, XQ_VECTOR_QUEUE(i)), queue_interrupt, 0,
				  dev_name(&xq->dev), &xq->queue[i]);
		if (ret)
			goto free;
	}
	return 0;
free:
	while (i--)
		free_irq(xq->bus->vector(xq, XQ_VECTOR_QUEUE(i)), &xq->queue[i]);
	free_irq(xq->bus->vector(xq, XQ_VECTOR_ERROR), xq);
	return ret;
}

/* No handler runs any more when this returns. */
void xqaccel_irq_free(struct xqaccel_device *xq)
{
	unsigned int i;

	for (i = 0; i < xq->caps.queues; i++)
		free_irq(xq->bus->vector(xq, XQ_VECTOR_QUEUE(i)), &xq->queue[i]);
	free_irq(xq->bus->vector(xq, XQ_VECTOR_ERROR), xq);
}

/* Waits until handlers that run have returned. */
void xqaccel_irq_sync(struct xqaccel_device *xq)
{
	unsigned int i;

	for (i = 0; i < xq->caps.queues; i++)
		synchronize_irq(xq->bus->vector(xq, XQ_VECTOR_QUEUE(i)));
	synchronize_irq(xq->bus->vector(xq, XQ_VECTOR_ERROR));
}
