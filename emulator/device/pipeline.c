// SPDX-License-Identifier: MIT
/*
 * The life of a queue's jobs: fetched, checked and mapped ahead, run one after the other,
 * completed in order.
 *
 * Jobs are prepared in the device context, because only there the host's memory can be
 * mapped, while another one runs. Then the engine's thread that ends a job can start the
 * next one itself (engine.c). Whatever takes the right to start away, or the memory that a
 * prepared job was mapped to, first takes the prepared jobs back to the ring: they have
 * touched nothing, and are fetched again later.
 */
#include <string.h>

#include "device.h"

/* Jobs that end without the engine are ended so many at a time, to keep a call short. */
#define SERVICE_BUDGET	64

/* ---- what there is ---- */

/* The job that has started and not ended, or NULL; under the lock. */
struct xqdev_job *xqdev_running(struct xqdev_queue *q)
{
	unsigned int i;

	for (i = 0; i < q->count; i++) {
		struct xqdev_job *job = xqdev_job_at(q, i);

		if (job->state == XQDEV_JOB_HUNG ||
		    (job->state == XQDEV_JOB_ENGINE && !job->done))
			return job;
	}
	return NULL;
}

/* How many jobs are ready. */
unsigned int xqdev_ready(struct xqdev_queue *q)
{
	unsigned int i, ready = 0;

	pthread_mutex_lock(&q->dev->lock);
	for (i = 0; i < q->count; i++)
		ready += xqdev_job_at(q, i)->state == XQDEV_JOB_READY;
	pthread_mutex_unlock(&q->dev->lock);
	return ready;
}

/* Whether a job has started and has no completion yet. */
bool xqdev_started(struct xqdev_queue *q)
{
	return q->count > xqdev_ready(q);
}

static struct xqdev_job *running(struct xqdev_queue *q)
{
	struct xqdev_job *job;

	pthread_mutex_lock(&q->dev->lock);
	job = xqdev_running(q);
	pthread_mutex_unlock(&q->dev->lock);
	return job;
}

/* ---- ends ---- */

/* Take jobs that have not started back to the ring. */
void xqdev_unprepare(struct xqdev_queue *q)
{
	const unsigned int count = q->count;
	unsigned int i, taken = 0;

	pthread_mutex_lock(&q->dev->lock);
	while (q->count && xqdev_job_at(q, q->count - 1)->state == XQDEV_JOB_READY) {
		xqdev_job_at(q, --q->count)->state = XQDEV_JOB_NONE;
		taken++;
	}
	pthread_mutex_unlock(&q->dev->lock);
	for (i = 0; i < taken; i++) {
		xqdev_program_close(xqdev_job_at(q, count - 1 - i));
		xqdev_job_unmap(q->dev, xqdev_job_at(q, count - 1 - i), false);
	}
	q->r.sq_head = (q->r.sq_head - taken) & (xqdev_entries(q) - 1);
}

/* Whether a job that fault injection slows down has to wait. */
bool xqdev_held(const struct xqdev_job *job)
{
	struct xqdev *dev = job->queue->dev;

	if (job->canceled || job->status || job->empty || dev->paused || !dev->inject.slow_ns ||
	    dev->host->clock_ns(dev->opaque) >= job->start + job->slow_ns)
		return false;
	xqdev_timer_arm(dev, job->start + job->slow_ns);
	return true;
}

/* Whether a job, or what is left of a program, is only kept from its end by fault injection. */
static bool held(struct xqdev_job *job)
{
	struct xqdev_job *part = xqdev_program_first(job);

	if (!part)
		return xqdev_held(job);
	return !job->canceled && xqdev_engine_ended(part) && xqdev_held(part);
}

/* The job that is still to end: it runs, or only fault injection keeps it from its end. */
static struct xqdev_job *to_stop(struct xqdev_queue *q)
{
	struct xqdev_job *job = running(q);

	if (job || !q->count)
		return job;
	job = xqdev_job_at(q, q->count - 1);
	return held(job) ? job : NULL;
}

/* Ask the running job to end soon; it then counts as canceled. None starts after it. */
void xqdev_queue_stop(struct xqdev_queue *q)
{
	struct xqdev_job *job;

	xqdev_unprepare(q);
	job = to_stop(q);
	if (!job)
		return;
	job->canceled = true;
	if (xqdev_is_program(job))
		xqdev_program_cancel(job);
	else if (job->state == XQDEV_JOB_ENGINE)
		xqdev_engine_cancel(job);
}

/* Forget the oldest job, whose last access to memory is over. What it was can still be read. */
static void release_first(struct xqdev_queue *q)
{
	struct xqdev_job *job = xqdev_job_at(q, 0);

	xqdev_program_close(job);
	xqdev_job_unmap(q->dev, job, job->state == XQDEV_JOB_ENGINE);
	job->inval_waits = false;
	pthread_mutex_lock(&q->dev->lock);
	job->state = XQDEV_JOB_NONE;
	q->first = (q->first + 1) % XQDEV_AHEAD;
	q->count--;
	pthread_mutex_unlock(&q->dev->lock);
}

/* Stop the running job now and forget all. */
void xqdev_queue_quiesce(struct xqdev_queue *q)
{
	struct xqdev_job *job;

	xqdev_queue_stop(q);
	job = running(q);
	if (job && job->state == XQDEV_JOB_ENGINE)
		xqdev_engine_wait(job);
	while (q->count)
		release_first(q);
}

/* Whether nobody wants to hear of the jobs any more. */
static bool forgotten(const struct xqdev_queue *q)
{
	return (q->r.ctrl & XQ_Q_CTRL_RESET) || (q->r.status & XQ_Q_STATUS_ERROR) ||
	       (q->dev->ctrl & XQ_CTRL_RESET);
}

static void end_first(struct xqdev_queue *q)
{
	struct xqdev_job *job = xqdev_job_at(q, 0);
	const int status = job->canceled ? XQACCEL_STATUS_CANCELED : job->status;
	const uint64_t held_until = job->start + job->slow_ns;

	if (job->state == XQDEV_JOB_HUNG)
		job->end = q->dev->host->clock_ns(q->dev->opaque);
	else if (!status && job->end < held_until && q->dev->inject.slow_ns)
		job->end = held_until;
	if (xqdev_is_program(job) && job->end < job->program->end)
		job->end = job->program->end;
	job->step = xqdev_is_program(job) ? job->program->ended : 0;
	/* The memory is the guest's again before it hears of the end. */
	release_first(q);
	if (!forgotten(q))
		xqdev_complete(q, job, status);
}

/* Whether nothing of a job that has ended keeps it from its completion. */
static bool settled(struct xqdev_job *job)
{
	if (!xqdev_is_program(job))
		return !xqdev_held(job);
	xqdev_program_retire(job);
	return job->canceled || !job->program->count;
}

/* Whether the oldest job can be completed. */
static bool first_ended(struct xqdev_queue *q)
{
	struct xqdev_job *job = xqdev_job_at(q, 0);
	enum xqdev_job_state state;

	pthread_mutex_lock(&q->dev->lock);
	state = q->count ? job->state : XQDEV_JOB_NONE;
	pthread_mutex_unlock(&q->dev->lock);
	if (state == XQDEV_JOB_HUNG)
		return job->canceled;
	return state == XQDEV_JOB_ENGINE && xqdev_engine_ended(job) && settled(job);
}

/* Complete what has ended, in order; whether no started job is left. */
bool xqdev_retire(struct xqdev_queue *q)
{
	while (first_ended(q))
		end_first(q);
	return !xqdev_started(q);
}

/* ---- starts ---- */

/* Whether jobs may start, however many there are. */
static bool may_start(const struct xqdev_queue *q)
{
	if (!xqdev_may_run(q->dev) || !(q->r.ctrl & XQ_Q_CTRL_ENABLE) ||
	    (q->r.ctrl & XQ_Q_CTRL_RESET) || (q->r.status & XQ_Q_STATUS_ERROR))
		return false;
	return !(q->r.ctrl & XQ_Q_CTRL_HALT) || (q->r.ctrl & XQ_Q_CTRL_ABORT);
}

/* Injected faults strike one job after the other. */
unsigned int xqdev_most_ahead(const struct xqdev *dev)
{
	const struct xqdev_faults *f = &dev->inject;

	return f->hang_jobs || f->slow_ns || f->dma_errors || f->translation_faults || f->refused_jobs ?
	       1 : XQDEV_AHEAD;
}

static bool may_fetch(const struct xqdev_queue *q)
{
	return may_start(q) && q->count < xqdev_most_ahead(q->dev) && q->r.sq_head != q->r.sq_tail &&
	       xqdev_completion_room(q) > q->count;
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

/* What fault injection has a job come to that is right, XQACCEL_STATUS_OK if nothing. */
static int injected_status(struct xqdev *dev)
{
	if (take(&dev->inject.refused_jobs))
		return XQACCEL_STATUS_INVALID;
	if (take(&dev->inject.translation_faults))
		return XQACCEL_STATUS_FAULT;
	return take(&dev->inject.dma_errors) ? XQACCEL_STATUS_DMA : XQACCEL_STATUS_OK;
}

/* What a descriptor comes to without the engine: an error, or a job that is mapped. */
static int prepare(struct xqdev *dev, struct xqdev_job *job, const struct xq_hw_descriptor *desc)
{
	int status;

	if (!job->whole && (job->queue->r.ctrl & XQ_Q_CTRL_ABORT))
		return XQACCEL_STATUS_CANCELED;
	status = xqdev_job_prepare(dev, job, desc);
	if (status)
		return status;
	if (job->work.op == XQACCEL_OP_PROGRAM) {
		status = xqdev_job_map(dev, job);
		return status ? status : xqdev_program_open(job);
	}
	job->empty = !job->operand[XQACCEL_C].span;
	if (job->empty)
		return XQACCEL_STATUS_OK;
	status = injected_status(dev);
	if (status) {
		job->fault_address = job->operand[XQACCEL_C].address;
		return status;
	}
	status = xqdev_job_map(dev, job);
	if (status)
		return status;
	job->hangs = take(&dev->inject.hang_jobs);
	job->slow_ns = dev->inject.slow_ns;
	xqdev_job_plan(dev, job);
	return XQACCEL_STATUS_OK;
}

/* Make a descriptor a job that can start. */
void xqdev_job_ready(struct xqdev_job *job, const struct xq_hw_descriptor *desc)
{
	job->id = le64toh(desc->id);
	job->canceled = job->empty = job->hangs = job->done = false;
	job->slow_ns = job->macs = job->bytes = job->fault_address = 0;
	job->comp_flags = 0;
	memset(&job->task, 0, sizeof(job->task));
	job->status = prepare(job->queue->dev, job, desc);
}

/* Fetch and prepare the next job. */
static bool fetch_one(struct xqdev_queue *q)
{
	struct xqdev_job *job = xqdev_job_at(q, q->count);
	struct xq_hw_descriptor desc;

	if (!fetch(q, &desc))
		return false;
	job->sq_next = q->r.sq_head;
	xqdev_job_ready(job, &desc);
	pthread_mutex_lock(&q->dev->lock);
	job->state = XQDEV_JOB_READY;
	q->count++;
	pthread_mutex_unlock(&q->dev->lock);
	return true;
}

static bool advance_programs(struct xqdev_queue *q, int *budget)
{
	unsigned int i;

	for (i = 0; i < q->count; i++)
		if (!xqdev_program_advance(xqdev_job_at(q, i), budget))
			return false;
	return true;
}

/*
 * Start the oldest job as soon as it is prepared, then look ahead while it runs. Returns
 * false if the budget is used up with more to do.
 */
static bool advance(struct xqdev_queue *q)
{
	int budget = SERVICE_BUDGET;

	xqdev_engine_run(q);
	for (;;) {
		if (!advance_programs(q, &budget))
			return false;
		xqdev_retire(q);
		if (!may_fetch(q))
			return true;
		if (--budget < 0)
			return false;
		if (!fetch_one(q))
			return true;
		xqdev_engine_run(q);
	}
}

static bool abort_done(struct xqdev_queue *q)
{
	return (q->r.ctrl & XQ_Q_CTRL_ABORT) && !q->count &&
	       (q->r.sq_head == q->r.sq_tail || (q->r.status & XQ_Q_STATUS_ERROR));
}

/* Take the queue as far as it goes without waiting. */
void xqdev_queue_service(struct xqdev_queue *q)
{
	struct xqdev *dev = q->dev;
	const bool idle = xqdev_retire(q);

	if (dev->ctrl & XQ_CTRL_RESET)
		return;
	if (q->r.ctrl & XQ_Q_CTRL_RESET) {
		if (idle && !dev->inject.stuck_reset)
			xqdev_queue_clear(q);
		return;
	}
	if (!advance(q))
		dev->host->schedule(dev->opaque);
	if (abort_done(q))
		q->r.ctrl &= ~XQ_Q_CTRL_ABORT;
	xqdev_tell(q);
}
