// SPDX-License-Identifier: MIT
/*
 * Programs. One is a job of its queue like others, but what it does is a list of jobs: its
 * parts. They come to the engine as a queue's jobs do (pipeline.c): prepared ahead in the
 * device context, started by the engine's thread that ends the one before, then retired. The
 * program ends with its last part, or with the first that fails.
 */
#include <stdlib.h>
#include <string.h>

#include "device.h"

/* ---- what there is ---- */

/* The part that has started and not ended, or NULL; under the lock. */
struct xqdev_job *xqdev_program_running(struct xqdev_program *p)
{
	unsigned int i;

	for (i = 0; i < p->count; i++) {
		struct xqdev_job *part = xqdev_part_at(p, i);

		if (part->state == XQDEV_JOB_HUNG ||
		    (part->state == XQDEV_JOB_ENGINE && !part->done))
			return part;
	}
	return NULL;
}

/* The oldest part that is not retired, or NULL. */
struct xqdev_job *xqdev_program_first(struct xqdev_job *job)
{
	return xqdev_is_program(job) && job->program->count ? xqdev_part_at(job->program, 0) : NULL;
}

/* The part that is next to end. */
uint32_t xqdev_program_step(struct xqdev_job *job)
{
	struct xqdev_program *p = job->program;
	unsigned int i, done = 0;

	pthread_mutex_lock(&job->queue->dev->lock);
	for (i = 0; i < p->count; i++) {
		const struct xqdev_job *part = xqdev_part_at(p, i);

		done += part->state == XQDEV_JOB_ENGINE && part->done && !part->status;
	}
	pthread_mutex_unlock(&job->queue->dev->lock);
	return p->ended + done;
}

/* A place in an operand that is one row, of which no entry crosses a page. */
static uint8_t *entry_of(const struct xqk_view *view, uint64_t offset)
{
	const uint64_t at = view->head + offset;

	if (view->flat)
		return view->flat + offset;
	return view->page[at >> XQ_PAGE_SHIFT] + (at & (XQ_PAGE_BYTES - 1));
}

/* ---- opening and closing ---- */

/* Of a job whose descriptor says that it is a program, and that is mapped. */
int xqdev_program_open(struct xqdev_job *job)
{
	struct xqdev_program *p = job->program;
	unsigned int i;

	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return XQACCEL_STATUS_DMA;
		job->program = p;
	}
	for (i = 0; i < XQDEV_AHEAD; i++) {
		p->part[i].queue = job->queue;
		p->part[i].whole = job;
	}
	p->first = p->count = 0;
	p->fetched = p->ended = 0;
	p->end = 0;
	p->stop = false;
	p->jobs = xq_program_jobs(&job->work);
	return XQACCEL_STATUS_OK;
}

static void release_part(struct xqdev_job *part)
{
	xqdev_job_unmap(part->queue->dev, part, part->state == XQDEV_JOB_ENGINE);
	part->inval_waits = false;
	part->state = XQDEV_JOB_NONE;
}

/* Forget the parts of a job that runs no more, or never did. */
void xqdev_program_close(struct xqdev_job *job)
{
	struct xqdev_program *p = job->program;

	if (!xqdev_is_program(job))
		return;
	for (; p->count; p->count--) {
		release_part(xqdev_part_at(p, 0));
		p->first = (p->first + 1) % XQDEV_AHEAD;
	}
	p->jobs = 0;
}

/* ---- fetching ---- */

static bool may_fetch(struct xqdev_job *job)
{
	const struct xqdev_program *p = job->program;

	return !job->canceled && !p->stop && p->fetched < p->jobs &&
	       p->count < xqdev_most_ahead(job->queue->dev);
}

static void fetch_part(struct xqdev_job *job)
{
	struct xqdev_program *p = job->program;
	struct xqdev_job *part = xqdev_part_at(p, p->count);
	struct xq_hw_descriptor desc;

	memcpy(&desc, entry_of(&job->view[XQ_PROGRAM_LIST], sizeof(desc) * (uint64_t)p->fetched),
	       sizeof(desc));
	xqdev_job_ready(part, &desc);
	pthread_mutex_lock(&job->queue->dev->lock);
	part->state = XQDEV_JOB_READY;
	p->count++;
	p->fetched++;
	/* What fails is known before it starts, so nothing behind it is fetched. */
	p->stop = part->status;
	pthread_mutex_unlock(&job->queue->dev->lock);
}

/* Prepare parts as far ahead as is allowed, and have them run. False if the budget is used up. */
bool xqdev_program_advance(struct xqdev_job *job, int *budget)
{
	if (!xqdev_is_program(job))
		return true;
	for (;;) {
		xqdev_program_retire(job);
		if (!may_fetch(job))
			return true;
		if (--*budget < 0)
			return false;
		fetch_part(job);
		xqdev_engine_run(job->queue);
	}
}

/* Give back parts that have not started: what they were prepared with has changed. */
void xqdev_program_unprepare(struct xqdev_job *job)
{
	struct xqdev_program *p = job->program;
	unsigned int count, i, taken = 0;

	if (!xqdev_is_program(job))
		return;
	pthread_mutex_lock(&job->queue->dev->lock);
	count = p->count;
	while (p->count && xqdev_part_at(p, p->count - 1)->state == XQDEV_JOB_READY) {
		xqdev_part_at(p, --p->count)->state = XQDEV_JOB_NONE;
		taken++;
	}
	p->fetched -= taken;
	/* A part that fails has not started for long, or it is the last. */
	if (taken)
		p->stop = job->canceled;
	pthread_mutex_unlock(&job->queue->dev->lock);
	for (i = 0; i < taken; i++)
		xqdev_job_unmap(job->queue->dev, xqdev_part_at(p, count - 1 - i), false);
}

/* ---- ends ---- */

static void write_profile(const struct xqdev_job *job, const struct xqdev_job *part)
{
	const struct xqaccel_profile profile = {
		.start = htole64(part->start),
		.end = htole64(part->end),
		.macs = htole64(part->macs),
		.bytes = htole64(part->bytes),
	};

	if (job->operand[XQACCEL_PROGRAM_PROFILE].span)
		memcpy(entry_of(&job->view[XQACCEL_PROGRAM_PROFILE],
				sizeof(profile) * (uint64_t)job->program->ended), &profile,
		       sizeof(profile));
}

static void count_part(struct xqdev_job *job, struct xqdev_job *part)
{
	job->macs += part->macs;
	job->bytes += part->bytes;
	job->comp_flags |= part->comp_flags;
	atomic_fetch_add(&job->task.plan.bytes_copied, atomic_load(&part->task.plan.bytes_copied));
	write_profile(job, part);
	job->program->ended++;
}

static bool part_ended(struct xqdev_job *part)
{
	enum xqdev_job_state state;

	pthread_mutex_lock(&part->queue->dev->lock);
	state = part->state;
	pthread_mutex_unlock(&part->queue->dev->lock);
	return state == XQDEV_JOB_ENGINE && xqdev_engine_ended(part) && !xqdev_held(part);
}

/* Take the account of parts that have ended. Those of a program that was canceled may have not. */
void xqdev_program_retire(struct xqdev_job *job)
{
	struct xqdev_program *p = job->program;
	struct xqdev_job *part;

	while (!job->canceled && (part = xqdev_program_first(job)) && part_ended(part)) {
		if (part->status) {
			job->status = part->status;
			job->fault_address = part->fault_address;
		} else {
			if (part->slow_ns && part->end < part->start + part->slow_ns)
				part->end = part->start + part->slow_ns;
			p->end = part->end;
			count_part(job, part);
		}
		pthread_mutex_lock(&job->queue->dev->lock);
		release_part(part);
		p->first = (p->first + 1) % XQDEV_AHEAD;
		p->count--;
		pthread_mutex_unlock(&job->queue->dev->lock);
	}
}

/* Ask the running part to end soon, and the program with it. */
void xqdev_program_cancel(struct xqdev_job *job)
{
	struct xqdev *dev = job->queue->dev;
	struct xqdev_program *p = job->program;
	struct xqdev_job *part;

	xqdev_program_unprepare(job);
	pthread_mutex_lock(&dev->lock);
	p->stop = true;
	part = xqdev_program_running(p);
	if (part && part->state == XQDEV_JOB_ENGINE) {
		atomic_store(&part->task.cancel, true);
	} else if (!job->done) {
		job->done = true;
		job->done_at = dev->host->clock_ns(dev->opaque);
	}
	pthread_mutex_unlock(&dev->lock);
}

/* Whether the device context has something to do for a started program; under the lock. */
static bool wants_service(struct xqdev_program *p)
{
	const struct xqdev_job *part = p->count ? xqdev_part_at(p, 0) : NULL;

	return !part || (part->state == XQDEV_JOB_ENGINE && part->done);
}

/* Run a started program to its end, but not past a time on the monotonic clock. */
bool xqdev_program_finish(struct xqdev_job *job, const struct timespec *deadline)
{
	struct xqdev *dev = job->queue->dev;
	bool done, late = false;
	int budget;

	do {
		budget = XQDEV_AHEAD;
		xqdev_program_advance(job, &budget);
		pthread_mutex_lock(&dev->lock);
		while (!job->done && !late && !wants_service(job->program))
			late = pthread_cond_timedwait(&dev->ended, &dev->lock, deadline);
		done = job->done;
		pthread_mutex_unlock(&dev->lock);
	} while (!done && !late);
	xqdev_program_retire(job);
	return done;
}
