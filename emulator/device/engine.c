// SPDX-License-Identifier: MIT
/*
 * Jobs on the engine's threads. A thread reports the end of a job under the device's lock
 * and asks the host for service; the device context takes it from there.
 */
#include <string.h>

#include "device.h"

static void task_done(struct xqk_task *task, void *arg)
{
	struct xqdev_job *job = arg;
	struct xqdev *dev = job->dev;
	const uint64_t now = dev->host->clock_ns(dev->opaque);

	(void)task;
	pthread_mutex_lock(&dev->lock);
	job->done = true;
	job->done_at = now;
	pthread_cond_broadcast(&dev->ended);
	pthread_mutex_unlock(&dev->lock);
	dev->host->schedule(dev->opaque);
}

/* The job is mapped. */
void xqdev_engine_start(struct xqdev *dev, struct xqdev_job *job)
{
	struct xqk_task *task = &job->task;

	memset(task, 0, sizeof(*task));
	xqk_plan(&task->plan, dev->isa, &job->gemm, xqk_pool_threads(dev->pool));
	task->done = task_done;
	task->arg = job;
	job->done = false;
	xqk_pool_submit(dev->pool, task);
}

void xqdev_engine_cancel(struct xqdev_job *job)
{
	atomic_store(&job->task.cancel, true);
}

bool xqdev_engine_ended(struct xqdev *dev, struct xqdev_job *job)
{
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
void xqdev_engine_wait(struct xqdev *dev, struct xqdev_job *job)
{
	pthread_mutex_lock(&dev->lock);
	while (!job->done)
		pthread_cond_wait(&dev->ended, &dev->lock);
	job->end = job->done_at;
	pthread_mutex_unlock(&dev->lock);
}

/* The same for a job that was not canceled, but not past a time on the monotonic clock. */
bool xqdev_engine_wait_until(struct xqdev *dev, struct xqdev_job *job,
			     const struct timespec *deadline)
{
	bool done;

	pthread_mutex_lock(&dev->lock);
	while (!job->done)
		if (pthread_cond_timedwait(&dev->ended, &dev->lock, deadline))
			break;
	done = job->done;
	pthread_mutex_unlock(&dev->lock);
	return done;
}
