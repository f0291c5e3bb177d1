// SPDX-License-Identifier: MIT
/* A queue: control, doorbells, and the life of its one running job. */
#include <string.h>

#include "device.h"

/* Jobs that end without the engine are ended so many at a time, to keep a call short. */
#define SERVICE_BUDGET	16

enum started { NOTHING, ENDED, RUNNING };

static bool active(const struct xqdev_queue *q)
{
	return q->job.state != XQDEV_JOB_NONE;
}

/* Only an idle, disabled queue takes a new base or size. */
bool xqdev_queue_configurable(const struct xqdev_queue *q)
{
	return !(q->r.ctrl & (XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_RESET));
}

uint32_t xqdev_queue_status(const struct xqdev_queue *q)
{
	return q->r.status | (q->r.ctrl & XQ_Q_CTRL_ENABLE ? XQ_Q_STATUS_ENABLED : 0) |
	       (active(q) ? 0 : XQ_Q_STATUS_IDLE);
}

/* ---- ends ---- */

/* Ask the running job to end soon; it then counts as canceled. */
void xqdev_queue_stop(struct xqdev_queue *q)
{
	if (!active(q))
		return;
	q->job.canceled = true;
	if (q->job.state == XQDEV_JOB_ENGINE)
		xqdev_engine_cancel(&q->job);
}

static void release_job(struct xqdev_queue *q)
{
	xqdev_job_unmap(q->dev, &q->job, q->job.state == XQDEV_JOB_ENGINE);
	q->job.state = XQDEV_JOB_NONE;
	q->job.inval_waits = false;
}

/* Stop the job now and forget it. */
void xqdev_queue_quiesce(struct xqdev_queue *q)
{
	if (!active(q))
		return;
	xqdev_queue_stop(q);
	if (q->job.state == XQDEV_JOB_ENGINE)
		xqdev_engine_wait(q->dev, &q->job);
	release_job(q);
}

/* To the state after reset, except for the rings' place and size. The queue is idle. */
void xqdev_queue_clear(struct xqdev_queue *q)
{
	q->r = (struct xqdev_queue_state){
		.sq_base = q->r.sq_base,
		.cq_base = q->r.cq_base,
		.size = q->r.size,
		.phase = 1,
	};
}

void xqdev_queue_error(struct xqdev_queue *q)
{
	q->r.status |= XQ_Q_STATUS_ERROR;
	xqdev_queue_stop(q);
	xqdev_raise_error(q->dev, XQ_ERROR_RING(q->index));
}

/* Whether nobody wants to hear of the job any more. */
static bool forgotten(const struct xqdev_queue *q)
{
	return (q->r.ctrl & XQ_Q_CTRL_RESET) || (q->r.status & XQ_Q_STATUS_ERROR) ||
	       (q->dev->ctrl & XQ_CTRL_RESET);
}

static void end_job(struct xqdev_queue *q)
{
	struct xqdev_job *job = &q->job;
	const int status = job->canceled ? XQACCEL_STATUS_CANCELED : XQACCEL_STATUS_OK;

	if (job->state == XQDEV_JOB_HUNG)
		job->end = q->dev->host->clock_ns(q->dev->opaque);
	else if (!job->canceled && job->end < job->hold_until && q->dev->inject.slow_ns)
		job->end = job->hold_until;
	release_job(q);
	if (!forgotten(q))
		xqdev_complete(q, job, status);
}

/* Whether a job that fault injection slows down has to wait. */
static bool held(struct xqdev_queue *q)
{
	struct xqdev *dev = q->dev;

	if (q->job.canceled || dev->paused || !dev->inject.slow_ns ||
	    dev->host->clock_ns(dev->opaque) >= q->job.hold_until)
		return false;
	xqdev_timer_arm(dev, q->job.hold_until);
	return true;
}

/* End the running job if it can be; whether the queue is idle then. */
static bool retire(struct xqdev_queue *q)
{
	switch (q->job.state) {
	case XQDEV_JOB_NONE:
		return true;
	case XQDEV_JOB_HUNG:
		if (!q->job.canceled)
			return false;
		break;
	case XQDEV_JOB_ENGINE:
		if (!xqdev_engine_ended(q->dev, &q->job) || held(q))
			return false;
		break;
	}
	end_job(q);
	return true;
}

/* ---- starts ---- */

static bool may_start(const struct xqdev_queue *q)
{
	if (!xqdev_may_run(q->dev) || !(q->r.ctrl & XQ_Q_CTRL_ENABLE) ||
	    (q->r.ctrl & XQ_Q_CTRL_RESET) || (q->r.status & XQ_Q_STATUS_ERROR))
		return false;
	if ((q->r.ctrl & XQ_Q_CTRL_HALT) && !(q->r.ctrl & XQ_Q_CTRL_ABORT))
		return false;
	return q->r.sq_head != q->r.sq_tail && xqdev_completion_room(q);
}

static bool fetch(struct xqdev_queue *q, struct xq_hw_descriptor *desc)
{
	struct xqdev *dev = q->dev;
	const uint64_t address = q->r.sq_base + sizeof(*desc) * q->r.sq_head;

	if (dev->host->dma_read(dev->opaque, address, desc, sizeof(*desc))) {
		xqdev_queue_error(q);
		return false;
	}
	q->r.sq_head = (q->r.sq_head + 1) & (xqdev_entries(q) - 1);
	return true;
}

static bool take(uint32_t *count)
{
	if (!*count)
		return false;
	--*count;
	return true;
}

/* What a descriptor comes to without the engine: an error, or nothing to compute. */
static int prepare(struct xqdev *dev, struct xqdev_job *job, const struct xq_hw_descriptor *desc)
{
	int status;

	job->macs = job->bytes = 0;
	job->fault_address = 0;
	atomic_store(&job->task.plan.bytes_copied, 0);
	status = xqdev_job_prepare(dev, job, desc);
	if (status || !job->operand[XQACCEL_C].span)
		return status;
	if (take(&dev->inject.dma_errors)) {
		job->fault_address = job->operand[XQACCEL_C].address;
		return XQACCEL_STATUS_DMA;
	}
	return xqdev_job_map(dev, job);
}

static enum started start(struct xqdev_queue *q)
{
	struct xqdev *dev = q->dev;
	struct xqdev_job *job = &q->job;
	struct xq_hw_descriptor desc;
	int status = XQACCEL_STATUS_CANCELED;

	if (!fetch(q, &desc))
		return NOTHING;
	job->id = le64toh(desc.id);
	job->canceled = false;
	job->start = dev->host->clock_ns(dev->opaque);
	if (!(q->r.ctrl & XQ_Q_CTRL_ABORT))
		status = prepare(dev, job, &desc);
	if (status || !job->operand[XQACCEL_C].span) {
		job->end = dev->host->clock_ns(dev->opaque);
		xqdev_complete(q, job, status);
		return ENDED;
	}
	if (take(&dev->inject.hang_jobs)) {
		job->state = XQDEV_JOB_HUNG;
		return RUNNING;
	}
	job->hold_until = job->start + dev->inject.slow_ns;
	job->state = XQDEV_JOB_ENGINE;
	xqdev_engine_start(dev, job);
	return RUNNING;
}

static bool abort_done(const struct xqdev_queue *q)
{
	return (q->r.ctrl & XQ_Q_CTRL_ABORT) && !active(q) &&
	       (q->r.sq_head == q->r.sq_tail || (q->r.status & XQ_Q_STATUS_ERROR));
}

/* Take the queue as far as it goes without waiting. */
void xqdev_queue_service(struct xqdev_queue *q)
{
	struct xqdev *dev = q->dev;
	int budget = SERVICE_BUDGET;

	if (!retire(q) || (dev->ctrl & XQ_CTRL_RESET))
		return;
	if (q->r.ctrl & XQ_Q_CTRL_RESET) {
		if (!dev->inject.stuck_reset)
			xqdev_queue_clear(q);
		return;
	}
	while (may_start(q)) {
		if (!budget--) {
			dev->host->schedule(dev->opaque);
			return;
		}
		if (start(q) == RUNNING)
			return;
	}
	if (abort_done(q))
		q->r.ctrl &= ~XQ_Q_CTRL_ABORT;
}

/* ---- registers ---- */

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
	set_irq(q, value & XQ_Q_CTRL_IRQ);
	if (value & XQ_Q_CTRL_ABORT) {
		q->r.ctrl |= XQ_Q_CTRL_ABORT;
		/* A job that has ended keeps its status. */
		if (!retire(q))
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
	xqdev_queue_service(q);
}
