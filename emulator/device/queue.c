// SPDX-License-Identifier: MIT
/* A queue's registers: control and doorbells. */
#include "device.h"

/* Only an idle, disabled queue takes a new base or size. */
bool xqdev_queue_configurable(const struct xqdev_queue *q)
{
	return !(q->r.ctrl & (XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_RESET));
}

uint32_t xqdev_queue_status(struct xqdev_queue *q)
{
	return q->r.status | (q->r.ctrl & XQ_Q_CTRL_ENABLE ? XQ_Q_STATUS_ENABLED : 0) |
	       (xqdev_started(q) ? 0 : XQ_Q_STATUS_IDLE);
}

/* The descriptors of jobs that are ready may be fetched again. */
uint32_t xqdev_queue_sq_head(struct xqdev_queue *q)
{
	return (q->r.sq_head - xqdev_ready(q)) & (xqdev_entries(q) - 1);
}

/* How far the running program has come, 0 if there is none. */
uint32_t xqdev_queue_step(struct xqdev_queue *q)
{
	struct xqdev_job *job;

	pthread_mutex_lock(&q->dev->lock);
	job = xqdev_running(q);
	pthread_mutex_unlock(&q->dev->lock);
	return job && xqdev_is_program(job) ? xqdev_program_step(job) : 0;
}

/* To the state after reset, except for the rings' place and size. The queue is idle. */
void xqdev_queue_clear(struct xqdev_queue *q)
{
	q->r = (struct xqdev_queue_state){
		.sq_base = q->r.sq_base,
		.cq_base = q->r.cq_base,
		.size = q->r.size,
		.coalesce = q->r.coalesce,
		.phase = 1,
	};
	q->untold = 0;
}

void xqdev_queue_error(struct xqdev_queue *q)
{
	q->r.status |= XQ_Q_STATUS_ERROR;
	xqdev_queue_stop(q);
	xqdev_raise_error(q->dev, XQ_ERROR_RING(q->index));
}

static void enable(struct xqdev_queue *q)
{
	if (q->r.status & XQ_Q_STATUS_ERROR)
		return;
	xqdev_queue_clear(q);
	if (!q->r.size || q->r.size > XQDEV_RING_LOG2 || !q->r.sq_base || !q->r.cq_base) {
		xqdev_queue_error(q);
		return;
	}
	q->r.ctrl = XQ_Q_CTRL_ENABLE;
}

static void set_irq(struct xqdev_queue *q, bool on)
{
	const bool was = q->r.ctrl & XQ_Q_CTRL_IRQ;

	q->r.ctrl = (q->r.ctrl & ~XQ_Q_CTRL_IRQ) | (on ? XQ_Q_CTRL_IRQ : 0);
	if (!on)
		q->untold = 0;
	/* What came while interrupts were off must not be missed. */
	if (on && !was && q->r.cq_head != q->r.cq_tail)
		xqdev_interrupt(q->dev, XQ_VECTOR_QUEUE(q->index));
}

void xqdev_queue_ctrl(struct xqdev_queue *q, uint32_t value)
{
	const bool enabled = q->r.ctrl & XQ_Q_CTRL_ENABLE;

	if (q->r.ctrl & XQ_Q_CTRL_RESET)
		return;
	if ((value & XQ_Q_CTRL_RESET) || (enabled && !(value & XQ_Q_CTRL_ENABLE))) {
		q->r.ctrl |= XQ_Q_CTRL_RESET;
		xqdev_queue_stop(q);
		xqdev_queue_service(q);
		return;
	}
	if (!enabled && (value & XQ_Q_CTRL_ENABLE))
		enable(q);
	if (!(q->r.ctrl & XQ_Q_CTRL_ENABLE))
		return;
	q->r.ctrl = (q->r.ctrl & ~XQ_Q_CTRL_HALT) | (value & XQ_Q_CTRL_HALT);
	if (value & XQ_Q_CTRL_HALT)
		xqdev_unprepare(q);
	set_irq(q, value & XQ_Q_CTRL_IRQ);
	if (value & XQ_Q_CTRL_ABORT) {
		xqdev_unprepare(q);
		q->r.ctrl |= XQ_Q_CTRL_ABORT;
		/* A job that has ended keeps its status. */
		if (!xqdev_retire(q))
			xqdev_queue_stop(q);
	}
	xqdev_queue_service(q);
}

static bool rings(const struct xqdev_queue *q)
{
	return (q->r.ctrl & XQ_Q_CTRL_ENABLE) && !(q->r.ctrl & XQ_Q_CTRL_RESET) &&
	       !(q->r.status & XQ_Q_STATUS_ERROR);
}

void xqdev_queue_sq_tail(struct xqdev_queue *q, uint32_t value)
{
	if (!rings(q))
		return;
	if (value >= xqdev_entries(q)) {
		xqdev_queue_error(q);
		return;
	}
	q->r.sq_tail = value;
	xqdev_queue_service(q);
}

void xqdev_queue_cq_head(struct xqdev_queue *q, uint32_t value)
{
	const uint32_t mask = xqdev_entries(q) - 1;

	if (!rings(q))
		return;
	if (value > mask ||
	    ((value - q->r.cq_head) & mask) > ((q->r.cq_tail - q->r.cq_head) & mask)) {
		xqdev_queue_error(q);
		return;
	}
	q->r.cq_head = value;
	/* What was found without an interrupt needs none. */
	if (q->r.cq_head == q->r.cq_tail)
		q->untold = 0;
	xqdev_queue_service(q);
}
