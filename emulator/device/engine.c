// SPDX-License-Identifier: MIT
/*
 * Jobs on the engine's threads. The thread that ends a job starts the next one of its queue
 * if that is ready, without a detour through the host, and asks for service; the device
 * context takes it from there.
 */
#include "device.h"

/* Jobs that take no longer than to wake a thread. An element takes longer than a product. */
#define TINY_MACS	(1U << 15)
#define TINY_ELEMENTS	(1U << 13)
#define TINY_BYTES	(1U << 14)

static void task_done(struct xqk_task *task, void *arg);

/*
 * Whether to wake a thread for a job would take longer than the job. Such a one is computed by
 * the device context itself, if that starts it: a microsecond or two. Bytes alone say nothing of
 * that, since one may be read any number of times.
 */
static bool tiny(const struct xqdev_job *job)
{
	return job->units <= (job->macs ? TINY_MACS : TINY_ELEMENTS) &&
	       job->bytes <= TINY_BYTES && job->task.plan.scratch_bytes <= XQDEV_SCRATCH;
}

/*
 * Start a job. Whether it has started and not ended, with the device's lock held: one that is
 * empty or comes to nothing ends at once. @here: NULL in the engine's threads; else set to a job
 * that the caller has to compute.
 */
static bool start(struct xqdev_job *job, uint64_t now, struct xqdev_job **here)
{
	struct xqdev *dev = job->queue->dev;

	job->start = job->done_at = now;
	if (job->hangs) {
		job->state = XQDEV_JOB_HUNG;
		return true;
	}
	job->state = XQDEV_JOB_ENGINE;
	job->done = job->status || job->empty;
	if (job->done)
		return false;
	if (here && tiny(job)) {
		*here = job;
		return true;
	}
	job->task.done = task_done;
	job->task.arg = job;
	xqk_pool_submit(dev->pool, &job->task);
	return true;
}

/*
 * Start parts of a program, none of which runs, for as long as they end at once. False if the
 * program has ended with them. If the next part is not ready, the device context goes on.
 */
static bool run_parts(struct xqdev_job *job, uint64_t now, struct xqdev_job **here)
{
	struct xqdev_program *p = job->program;
	unsigned int i;

	for (i = 0; i < p->count; i++) {
		struct xqdev_job *part = xqdev_part_at(p, i);

		if (part->state == XQDEV_JOB_READY && start(part, now, here))
			return true;
	}
	job->done = p->stop || p->fetched == p->jobs;
	job->done_at = now;
	return !job->done;
}

static bool start_any(struct xqdev_job *job, uint64_t now, struct xqdev_job **here)
{
	if (job->status || !xqdev_is_program(job))
		return start(job, now, here);
	job->start = now;
	job->state = XQDEV_JOB_ENGINE;
	return run_parts(job, now, here);
}

/*
 * Start jobs that are ready for as long as they end at once. Nothing of the queue runs, and
 * the device's lock is held.
 */
static void run_next(struct xqdev_queue *q, uint64_t now, struct xqdev_job **here)
{
	unsigned int i;

	for (i = 0; i < q->count; i++) {
		struct xqdev_job *job = xqdev_job_at(q, i);

		if (job->state == XQDEV_JOB_READY && start_any(job, now, here))
			return;
	}
}

/* A job has ended: start the next one, under the device's lock. */
static void ended(struct xqdev_job *job, uint64_t now, struct xqdev_job **here)
{
	job->done = true;
	job->done_at = now;
	if (!job->whole || !run_parts(job->whole, now, here))
		run_next(job->queue, now, here);
}

static void task_done(struct xqk_task *task, void *arg)
{
	struct xqdev_job *job = arg;
	struct xqdev *dev = job->queue->dev;
	const uint64_t now = dev->host->clock_ns(dev->opaque);

	(void)task;
	pthread_mutex_lock(&dev->lock);
	ended(job, now, NULL);
	pthread_cond_broadcast(&dev->ended);
	pthread_mutex_unlock(&dev->lock);
	dev->host->schedule(dev->opaque);
}

static void compute(struct xqdev *dev, struct xqdev_job *job)
{
	struct xqk_plan *plan = &job->task.plan;
	uint32_t chunk;

	for (chunk = 0; chunk < plan->chunks; chunk++)
		xqk_run_chunk(plan, chunk, dev->scratch, &job->task.cancel);
}

/* Start what is ready if nothing of the queue runs; compute what is too small for a thread. */
void xqdev_engine_run(struct xqdev_queue *q)
{
	struct xqdev *dev = q->dev;
	const uint64_t now = dev->host->clock_ns(dev->opaque);
	struct xqdev_job *job, *here = NULL;

	pthread_mutex_lock(&dev->lock);
	job = xqdev_running(q);
	if (!job)
		run_next(q, now, &here);
	else if (xqdev_is_program(job) && !xqdev_program_running(job->program) &&
		 !run_parts(job, now, &here))
		run_next(q, now, &here);
	while (here) {
		job = here;
		here = NULL;
		pthread_mutex_unlock(&dev->lock);
		compute(dev, job);
		pthread_mutex_lock(&dev->lock);
		ended(job, dev->host->clock_ns(dev->opaque), &here);
	}
	pthread_mutex_unlock(&dev->lock);
}

void xqdev_engine_cancel(struct xqdev_job *job)
{
	atomic_store(&job->task.cancel, true);
}

bool xqdev_engine_ended(struct xqdev_job *job)
{
	struct xqdev *dev = job->queue->dev;
	bool done;

	pthread_mutex_lock(&dev->lock);
	done = job->done;
	if (done)
		job->end = job->done_at;
	pthread_mutex_unlock(&dev->lock);
	return done;
}

/*
 * Blocks the device context. Engine threads never wait for it, and poll the cancel flag,
 * so after a cancel this takes milliseconds.
 */
void xqdev_engine_wait(struct xqdev_job *job)
{
	struct xqdev *dev = job->queue->dev;

	pthread_mutex_lock(&dev->lock);
	while (!job->done)
		pthread_cond_wait(&dev->ended, &dev->lock);
	job->end = job->done_at;
	pthread_mutex_unlock(&dev->lock);
}

/* The same for a job that was not canceled, but not past a time on the monotonic clock. */
bool xqdev_engine_wait_until(struct xqdev_job *job, const struct timespec *deadline)
{
	struct xqdev *dev = job->queue->dev;
	bool done;

	if (xqdev_is_program(job))
		return xqdev_program_finish(job, deadline);
	pthread_mutex_lock(&dev->lock);
	while (!job->done)
		if (pthread_cond_timedwait(&dev->ended, &dev->lock, deadline))
			break;
	done = job->done;
	pthread_mutex_unlock(&dev->lock);
	return done;
}

bool xqdev_help_begin(struct xqdev *dev)
{
	return xqk_pool_help_begin(dev->pool);
}

bool xqdev_help(struct xqdev *dev, unsigned int *seen)
{
	return xqk_pool_help(dev->pool, seen);
}

void xqdev_help_end(struct xqdev *dev)
{
	xqk_pool_help_end(dev->pool);
}
