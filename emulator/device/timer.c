// SPDX-License-Identifier: MIT
/*
 * A call of schedule() at a given time, for jobs that fault injection makes slow. The
 * thread exists only once that is asked for.
 */
#include <errno.h>
#include <time.h>

#include "device.h"

static void sleep_for(struct xqdev *dev, uint64_t ns)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ns += until.tv_nsec;
	/* A second at most: the host's clock may stand still while ours does not. */
	until.tv_sec += ns / 1000000000 < 1 ? ns / 1000000000 : 1;
	until.tv_nsec = ns % 1000000000;
	pthread_cond_timedwait(&dev->timer_changed, &dev->lock, &until);
}

static void *timer_thread(void *arg)
{
	struct xqdev *dev = arg;
	uint64_t now;

	pthread_mutex_lock(&dev->lock);
	while (!dev->timer_stop) {
		if (!dev->timer_at) {
			pthread_cond_wait(&dev->timer_changed, &dev->lock);
			continue;
		}
		now = dev->host->clock_ns(dev->opaque);
		if (now < dev->timer_at) {
			sleep_for(dev, dev->timer_at - now);
			continue;
		}
		dev->timer_at = 0;
		pthread_mutex_unlock(&dev->lock);
		dev->host->schedule(dev->opaque);
		pthread_mutex_lock(&dev->lock);
	}
	pthread_mutex_unlock(&dev->lock);
	return NULL;
}

/* 0 if it runs (already), else -errno. */
int xqdev_timer_start(struct xqdev *dev)
{
	if (dev->timer_runs)
		return 0;
	if (pthread_create(&dev->timer, NULL, timer_thread, dev))
		return -EAGAIN;
	dev->timer_runs = true;
	return 0;
}

void xqdev_timer_stop(struct xqdev *dev)
{
	if (!dev->timer_runs)
		return;
	pthread_mutex_lock(&dev->lock);
	dev->timer_stop = true;
	pthread_cond_signal(&dev->timer_changed);
	pthread_mutex_unlock(&dev->lock);
	pthread_join(dev->timer, NULL);
	dev->timer_runs = false;
}

/* Several jobs may wait: the earliest time counts, service arms the next. */
void xqdev_timer_arm(struct xqdev *dev, uint64_t when)
{
	pthread_mutex_lock(&dev->lock);
	if (!dev->timer_at || when < dev->timer_at) {
		dev->timer_at = when;
		pthread_cond_signal(&dev->timer_changed);
	}
	pthread_mutex_unlock(&dev->lock);
}
