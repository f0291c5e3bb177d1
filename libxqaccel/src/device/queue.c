// SPDX-License-Identifier: MIT
/*
 * Queues are lanes of one client, and the client's completions come in one list. So one
 * thread at a time reaps for all: it hands each completion to its lane's queue, where the
 * owner finds it. When it leaves, another that still waits takes over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"

#define REAP_AT_ONCE	64
#define SUBMIT_AT_ONCE	16

/**
 * struct xq_queue - a lane
 * @dev: constant
 * @lane: constant
 * @timeout_ms: constant
 * @pending: submitted and not taken; the owner's
 * @ring: @room completions that other threads may add; under dev->lock
 * @head: of the oldest, under dev->lock
 * @ready: how many there are, under dev->lock
 */
struct xq_queue {
	struct xq_device *dev;
	uint32_t lane;
	uint32_t timeout_ms;
	unsigned int pending;

	struct xqaccel_completion *ring;
	unsigned int room, head, ready;
};

int xq_queue_create(struct xq_device *dev, const struct xq_queue_options *options,
		    struct xq_queue **queue)
{
	uint32_t lanes = dev->info.lanes < XQ_MAX_LANES ? dev->info.lanes : XQ_MAX_LANES;
	struct xq_queue *q;
	uint32_t lane;

	if (options && (options->flags || options->timeout_ms > dev->info.max_timeout_ms))
		return -EINVAL;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->dev = dev;
	q->timeout_ms = options ? options->timeout_ms : 0;
	pthread_mutex_lock(&dev->lock);
	for (lane = 0; lane < lanes && dev->lane[lane]; lane++)
		;
	if (lane < lanes)
		dev->lane[lane] = q;
	pthread_mutex_unlock(&dev->lock);
	if (lane == lanes) {
		free(q);
		return -ENOSPC;
	}
	q->lane = lane;
	*queue = q;
	return 0;
}

void xq_queue_destroy(struct xq_queue *queue)
{
	struct xq_completion dropped[REAP_AT_ONCE];

	if (!queue)
		return;
	while (queue->pending) {
		const int n = xq_queue_wait(queue, dropped, REAP_AT_ONCE, 1, -1);

		if (n < 0 && n != -EINTR)
			break;
	}
	pthread_mutex_lock(&queue->dev->lock);
	queue->dev->lane[queue->lane] = NULL;
	pthread_mutex_unlock(&queue->dev->lock);
	free(queue->ring);
	free(queue);
}

/* ---- reaping ---------------------------------------------------------------------------------- */

/* Under dev->lock. The ring has room: no more jobs were submitted than it holds. */
static void deliver(struct xq_device *dev, const struct xqaccel_completion *completions, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		struct xq_queue *q = completions[i].lane < XQ_MAX_LANES ?
				     dev->lane[completions[i].lane] : NULL;

		if (q && q->ready < q->room)
			q->ring[(q->head + q->ready++) % q->room] = completions[i];
	}
}

/* Called and returns with dev->lock held; no other thread is reaping. */
static int reap(struct xq_device *dev, unsigned int min, int64_t timeout_ns)
{
	struct xqaccel_completion completions[REAP_AT_ONCE];
	int n;

	dev->reaping = true;
	pthread_mutex_unlock(&dev->lock);
	n = dev->backend->ops->wait(dev->backend, completions, REAP_AT_ONCE, min, timeout_ns);
	pthread_mutex_lock(&dev->lock);
	dev->reaping = false;
	if (n > 0)
		deliver(dev, completions, n);
	pthread_cond_broadcast(&dev->reaped);
	return n;
}

static int64_t time_left(uint64_t deadline)
{
	const uint64_t now = xq_clock_ns();

	return deadline > now ? (int64_t)(deadline - now) : 0;
}

static int wait_for_reaper(struct xq_device *dev, uint64_t deadline)
{
	const struct timespec at = { (time_t)(deadline / 1000000000), (long)(deadline % 1000000000) };

	if (deadline == UINT64_MAX)
		return -pthread_cond_wait(&dev->reaped, &dev->lock);
	return -pthread_cond_timedwait(&dev->reaped, &dev->lock, &at);
}

/* Waits until the queue has min completions at hand; dev->lock is held. */
static int await(struct xq_queue *q, unsigned int min, uint64_t deadline)
{
	struct xq_device *dev = q->dev;
	int err = 0;

	while (q->ready < min && !err) {
		if (dev->reaping)
			err = wait_for_reaper(dev, deadline);
		else
			err = reap(dev, 1, deadline == UINT64_MAX ? -1 : time_left(deadline));
		err = err < 0 ? err : 0;
	}
	return err;
}

static uint64_t deadline_of(int64_t timeout_ns)
{
	uint64_t deadline;

	if (timeout_ns < 0 || __builtin_add_overflow(xq_clock_ns(), (uint64_t)timeout_ns, &deadline))
		return UINT64_MAX;
	return deadline;
}

int xq_queue_wait(struct xq_queue *queue, struct xq_completion *completions, unsigned int count,
		  unsigned int min, int64_t timeout_ns)
{
	struct xq_device *dev = queue->dev;
	unsigned int i, taken;
	int err = 0;

	if (min > count || (count && !completions))
		return -EINVAL;
	if (min > queue->pending)
		return -ENOENT;
	pthread_mutex_lock(&dev->lock);
	if (min)
		err = await(queue, min, deadline_of(timeout_ns));
	else if (!dev->reaping && queue->ready < queue->pending)
		err = reap(dev, 0, 0);
	taken = queue->ready < count ? queue->ready : count;
	for (i = 0; i < taken; i++)
		xq_completion_from(dev, &queue->ring[(queue->head + i) % queue->room],
				   &completions[i]);
	if (taken) {
		queue->head = (queue->head + taken) % queue->room;
		queue->ready -= taken;
	}
	pthread_mutex_unlock(&dev->lock);
	queue->pending -= taken;
	return taken || err >= 0 ? (int)taken : err;
}

unsigned int xq_queue_pending(const struct xq_queue *queue)
{
	return queue->pending;
}

/* ---- submitting ------------------------------------------------------------------------------- */

/* Room for the completions of so many jobs more. */
static int make_room(struct xq_queue *q, unsigned int more)
{
	unsigned int room = q->room ? q->room : 16, i;
	struct xqaccel_completion *ring;

	while (room < q->pending + more)
		room *= 2;
	if (room == q->room)
		return 0;
	ring = malloc(room * sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	pthread_mutex_lock(&q->dev->lock);
	for (i = 0; i < q->ready; i++)
		ring[i] = q->ring[(q->head + i) % q->room];
	free(q->ring);
	q->ring = ring;
	q->room = room;
	q->head = 0;
	pthread_mutex_unlock(&q->dev->lock);
	return 0;
}

/*
 * The client is full, perhaps with completions of other queues: take them off its list. A
 * queue without jobs of its own must get in at last, so it waits.
 */
static int make_way(struct xq_queue *q)
{
	struct xq_device *dev = q->dev;
	int n = 0;

	pthread_mutex_lock(&dev->lock);
	if (!dev->reaping)
		n = reap(dev, q->pending ? 0 : 1, -1);
	else if (!q->pending)
		n = wait_for_reaper(dev, UINT64_MAX) ? 0 : 1;
	pthread_mutex_unlock(&dev->lock);
	return n;
}

static int submit_some(struct xq_queue *q, const struct xqaccel_job *jobs, unsigned int count)
{
	struct xq_backend *backend = q->dev->backend;
	int done = backend->ops->submit(backend, jobs, count, q->lane, q->timeout_ms);

	while (done == -EAGAIN) {
		const int way = make_way(q);

		if (way < 0 && way != -ENOENT && way != -EINTR)
			return way;
		done = backend->ops->submit(backend, jobs, count, q->lane, q->timeout_ms);
		if (q->pending)
			break;
	}
	return done;
}

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

int xq_queue_submit(struct xq_queue *queue, const struct xq_gemm *jobs, unsigned int count)
{
	const struct xqaccel_info *info = &queue->dev->info;
	struct xqaccel_job converted[SUBMIT_AT_ONCE];
	unsigned int accepted = 0, at_once = smaller(SUBMIT_AT_ONCE, info->max_batch);
	int err = count && jobs ? 0 : -EINVAL;

	while (!err && accepted < count) {
		const unsigned int room = info->max_jobs - smaller(queue->pending, info->max_jobs);
		unsigned int want = smaller(smaller(count - accepted, at_once), room), n = 0;
		int done;

		if (!want)
			err = -EAGAIN;
		while (n < want && !err) {
			err = xq_job_from_gemm(queue->dev, &jobs[accepted + n], &converted[n]);
			n += !err;
		}
		if (!n || make_room(queue, n)) {
			err = err ? err : -ENOMEM;
			break;
		}
		done = submit_some(queue, converted, n);
		if (done < 0)
			err = done;
		else {
			queue->pending += (unsigned int)done;
			accepted += (unsigned int)done;
		}
	}
	return accepted ? (int)accepted : err;
}

int xq_gemm_run(struct xq_queue *queue, const struct xq_gemm *job,
		struct xq_completion *completion)
{
	struct xq_completion own;
	int n;

	if (queue->pending)
		return -EBUSY;
	n = xq_queue_submit(queue, job, 1);
	if (n < 0)
		return n;
	do {
		n = xq_queue_wait(queue, &own, 1, 1, -1);
	} while (n == -EINTR);
	if (n < 0)
		return n;
	if (completion)
		*completion = own;
	return own.status;
}
