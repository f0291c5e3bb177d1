// SPDX-License-Identifier: MIT
/* The function as a whole: creation, reset, bus mastering, service, invalidation. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"

bool xqdev_may_run(const struct xqdev *dev)
{
	return dev->bus_master && !dev->paused && (dev->ctrl & XQ_CTRL_ENABLE) &&
	       !(dev->ctrl & XQ_CTRL_RESET);
}

void xqdev_raise_error(struct xqdev *dev, uint32_t bits)
{
	const uint32_t before = dev->error;

	dev->error |= bits;
	if (dev->error != before)
		xqdev_interrupt(dev, XQ_VECTOR_ERROR);
}

/* ---- creation ---- */

static int init_lock(struct xqdev *dev)
{
	pthread_condattr_t attr;
	int ret = -ENOMEM;

	if (pthread_mutex_init(&dev->lock, NULL))
		return -ENOMEM;
	if (pthread_condattr_init(&attr))
		goto destroy_lock;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (pthread_cond_init(&dev->ended, &attr))
		goto destroy_attr;
	if (pthread_cond_init(&dev->timer_changed, &attr))
		goto destroy_ended;
	pthread_condattr_destroy(&attr);
	return 0;

destroy_ended:
	pthread_cond_destroy(&dev->ended);
destroy_attr:
	pthread_condattr_destroy(&attr);
destroy_lock:
	pthread_mutex_destroy(&dev->lock);
	return ret;
}

static unsigned int default_threads(void)
{
	const long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? n : 1;
}

static void init_queues(struct xqdev *dev)
{
	unsigned int i, j;

	for (i = 0; i < XQ_MAX_QUEUES; i++) {
		struct xqdev_queue *q = &dev->queue[i];

		q->dev = dev;
		q->index = i;
		q->r.phase = 1;
		for (j = 0; j < XQDEV_AHEAD; j++)
			q->job[j].queue = q;
	}
}

static void init_abilities(struct xqdev *dev)
{
	unsigned int a;

	for (a = 0; a < XQ_FORMATS; a++)
		dev->pairs[a] = xqk_pairs(a);
	dev->abilities = (struct xq_abilities){
		.pairs = dev->pairs,
		.tiled = xqk_tiled(),
		.features = XQACCEL_FEATURE_GROUP_ACC | XQACCEL_FEATURE_GROUP_SCALE |
			    XQACCEL_FEATURE_A_ZP_ROWS | XQACCEL_FEATURE_CONV |
			    XQACCEL_FEATURE_EPILOGUE | XQACCEL_FEATURE_GROUP_REAL |
			    XQACCEL_FEATURE_POOL | XQACCEL_FEATURE_ELEMENTWISE |
			    XQACCEL_FEATURE_SOFTMAX | XQACCEL_FEATURE_MEAN |
			    XQACCEL_FEATURE_COPY | XQACCEL_FEATURE_PROGRAM |
			    XQACCEL_FEATURE_COALESCE | XQACCEL_FEATURE_SUPERGROUP_SUM,
		.max_dim = XQ_MAX_DIM,
	};
}

int xqdev_create(const struct xqdev_config *config, const struct xqdev_host *host, void *opaque,
		 struct xqdev **out)
{
	struct xqdev *dev;
	int ret;

	if (config->queues > XQ_MAX_QUEUES || config->contexts > XQ_MAX_CONTEXTS ||
	    config->threads > 1024)
		return -EINVAL;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev->host = host;
	dev->opaque = opaque;
	dev->queues = config->queues ? config->queues : XQ_MAX_QUEUES;
	dev->contexts = config->contexts ? config->contexts : XQDEV_DEFAULT_CONTEXTS;
	dev->bus_master = true;
	init_queues(dev);
	init_abilities(dev);
	ret = -ENOTSUP;
	dev->isa = xqk_isa_select(config->isa);
	if (!dev->isa)
		goto free_device;
	ret = init_lock(dev);
	if (ret)
		goto free_device;
	ret = -ENOMEM;
	dev->scratch = aligned_alloc(4096, XQDEV_SCRATCH);
	if (!dev->scratch)
		goto destroy_lock;
	dev->pool = xqk_pool_create(config->threads ? config->threads : default_threads(),
				    config->pin);
	if (!dev->pool)
		goto free_scratch;
	*out = dev;
	return 0;

free_scratch:
	free(dev->scratch);
destroy_lock:
	pthread_cond_destroy(&dev->timer_changed);
	pthread_cond_destroy(&dev->ended);
	pthread_mutex_destroy(&dev->lock);
free_device:
	free(dev);
	return ret;
}

static void quiesce(struct xqdev *dev)
{
	unsigned int i;

	/* All are told first, so that the wait is as long as the longest. */
	for (i = 0; i < dev->queues; i++)
		xqdev_queue_stop(&dev->queue[i]);
	for (i = 0; i < dev->queues; i++)
		xqdev_queue_quiesce(&dev->queue[i]);
}

static void free_job(struct xqdev_job *job)
{
	unsigned int i;

	for (i = 0; job->program && i < XQDEV_AHEAD; i++)
		xqdev_job_free(&job->program->part[i]);
	free(job->program);
	xqdev_job_free(job);
}

void xqdev_destroy(struct xqdev *dev)
{
	unsigned int i, j;

	if (!dev)
		return;
	quiesce(dev);
	xqdev_timer_stop(dev);
	xqk_pool_destroy(dev->pool);
	free(dev->scratch);
	for (i = 0; i < dev->queues; i++)
		for (j = 0; j < XQDEV_AHEAD; j++)
			free_job(&dev->queue[i].job[j]);
	pthread_cond_destroy(&dev->timer_changed);
	pthread_cond_destroy(&dev->ended);
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

/* ---- service ---- */

void xqdev_unprepare_all(struct xqdev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->queues; i++) {
		struct xqdev_queue *q = &dev->queue[i];
		unsigned int j;

		xqdev_unprepare(q);
		/* What is left has started, but not all that it consists of. */
		for (j = 0; j < q->count; j++)
			xqdev_program_unprepare(xqdev_job_at(q, j));
	}
}

static bool idle(const struct xqdev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->queues; i++)
		if (dev->queue[i].count)
			return false;
	return true;
}

/* All registers as after creation. No job runs. */
static void clear(struct xqdev *dev)
{
	unsigned int i;

	dev->ctrl = dev->error = 0;
	dev->ctx_table = 0;
	dev->jobs = dev->macs = dev->bytes = dev->bytes_copied = dev->faults = 0;
	for (i = 0; i < dev->queues; i++) {
		dev->queue[i].r = (struct xqdev_queue_state){ .phase = 1 };
		dev->queue[i].untold = 0;
	}
}

void xqdev_service(struct xqdev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->queues; i++)
		xqdev_queue_service(&dev->queue[i]);
	if ((dev->ctrl & XQ_CTRL_RESET) && !dev->inject.stuck_reset && idle(dev))
		clear(dev);
}

/* ---- reset, bus mastering ---- */

/* By register: the guest polls CTRL until the engine is off its memory. */
void xqdev_start_reset(struct xqdev *dev)
{
	unsigned int i;

	dev->ctrl |= XQ_CTRL_RESET;
	for (i = 0; i < dev->queues; i++)
		xqdev_queue_stop(&dev->queue[i]);
	xqdev_service(dev);
}

void xqdev_reset(struct xqdev *dev)
{
	quiesce(dev);
	clear(dev);
}

void xqdev_set_bus_master(struct xqdev *dev, bool on)
{
	unsigned int i;

	if (dev->bus_master == on)
		return;
	dev->bus_master = on;
	if (on) {
		xqdev_service(dev);
		return;
	}
	for (i = 0; i < dev->queues; i++)
		if (xqdev_started(&dev->queue[i]))
			xqdev_queue_error(&dev->queue[i]);
	quiesce(dev);
	xqdev_service(dev);
}

/* ---- invalidation ---- */

/*
 * Translations live no longer than a job. So the acknowledge waits for the started jobs
 * that use one which is gone or changed, and for no other; those that have not started are
 * prepared again.
 */
static void wait_if_remapped(struct xqdev *dev, struct xqdev_job *job)
{
	if (xqdev_job_mapped(job) && (dev->inject.coarse_inval || xqdev_job_remapped(dev, job)))
		job->inval_waits = true;
}

void xqdev_invalidate(struct xqdev *dev, uint32_t context)
{
	unsigned int i, j, k;

	xqdev_unprepare_all(dev);
	for (i = 0; i < dev->queues; i++) {
		struct xqdev_queue *q = &dev->queue[i];

		for (j = 0; j < q->count; j++) {
			struct xqdev_job *job = xqdev_job_at(q, j);

			if (job->context != context)
				continue;
			wait_if_remapped(dev, job);
			for (k = 0; xqdev_is_program(job) && k < job->program->count; k++)
				wait_if_remapped(dev, xqdev_part_at(job->program, k));
		}
	}
	xqdev_service(dev);
}

static bool inval_waits(const struct xqdev_job *job)
{
	unsigned int i;

	if (job->inval_waits)
		return true;
	for (i = 0; job->program && i < XQDEV_AHEAD; i++)
		if (job->program->part[i].inval_waits)
			return true;
	return false;
}

/* Of 32 contexts from the first on, a bit for each whose invalidation is not over. */
uint32_t xqdev_invalidating(const struct xqdev *dev, uint32_t first)
{
	uint32_t pending = 0;
	unsigned int i, j;

	for (i = 0; i < dev->queues; i++) {
		for (j = 0; j < XQDEV_AHEAD; j++) {
			const struct xqdev_job *job = &dev->queue[i].job[j];

			if (inval_waits(job) && job->context / 32 == first / 32)
				pending |= 1U << job->context % 32;
		}
	}
	return pending;
}
