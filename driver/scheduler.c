// SPDX-License-Identifier: GPL-2.0
/*
 * Scheduling. Clients with waiting jobs take turns, and so do the lanes of a client; each
 * turn is one job. A lane goes to the emptiest hardware queue and stays with it while it
 * has jobs in flight, because a queue runs its jobs in order.
 */
#include <linux/lockdep.h>

#include "client.h"
#include "job.h"
#include "scheduler.h"

static void lane_ready(struct xqaccel_lane *lane)
{
	struct xqaccel_client *client = lane->client;

	if (list_empty(&lane->node))
		list_add_tail(&lane->node, &client->ready);
	if (list_empty(&client->ready_node))
		list_add_tail(&client->ready_node, &client->xq->ready);
}

/* A job was taken from the lane, perhaps its last. */
static void lane_shortened(struct xqaccel_lane *lane)
{
	struct xqaccel_client *client = lane->client;

	if (list_empty(&lane->jobs))
		list_del_init(&lane->node);
	if (list_empty(&client->ready))
		list_del_init(&client->ready_node);
}

/* After a job was dispatched: its client's and its lane's turn is over. */
static void lane_served(struct xqaccel_lane *lane)
{
	struct xqaccel_client *client = lane->client;

	lane_shortened(lane);
	if (!list_empty(&lane->node))
		list_move_tail(&lane->node, &client->ready);
	if (!list_empty(&client->ready_node))
		list_move_tail(&client->ready_node, &client->xq->ready);
}

/* A new job: to the end of its lane. */
void xqaccel_sched_enqueue(struct xqaccel_job_request *job)
{
	lockdep_assert_held(&job->client->xq->lock);

	job->state = XQACCEL_JOB_QUEUED;
	list_move_tail(&job->node, &job->lane->jobs);
	lane_ready(job->lane);
}

/* Takes a job out of its lane, in which it waits. */
void xqaccel_sched_remove(struct xqaccel_job_request *job)
{
	lockdep_assert_held(&job->client->xq->lock);

	list_del_init(&job->node);
	lane_shortened(job->lane);
}

/* A job that was in flight and must run again: to the front of its lane. */
void xqaccel_sched_requeue(struct xqaccel_job_request *job)
{
	struct xqaccel_lane *lane = job->lane;

	lockdep_assert_held(&job->client->xq->lock);

	xqaccel_sched_left(job);
	job->state = XQACCEL_JOB_QUEUED;
	list_move(&job->node, &lane->jobs);
	lane_ready(lane);
}

/* A job is no longer in flight. */
void xqaccel_sched_left(struct xqaccel_job_request *job)
{
	struct xqaccel_lane *lane = job->lane;

	if (!--lane->inflight)
		lane->queue = NULL;
}

static struct xqaccel_queue *emptiest_queue(struct xqaccel_device *xq)
{
	struct xqaccel_queue *best = NULL;
	unsigned int i;

	for (i = 0; i < xq->caps.queues; i++) {
		struct xqaccel_queue *q = &xq->queue[i];

		if (xqaccel_queue_has_room(q) && (!best || q->inflight < best->inflight))
			best = q;
	}
	return best;
}

/* Where the lane's next job can go now, or NULL. */
static struct xqaccel_queue *queue_for(struct xqaccel_lane *lane)
{
	if (!lane->inflight)
		return emptiest_queue(lane->client->xq);
	return xqaccel_queue_has_room(lane->queue) ? lane->queue : NULL;
}

static bool serve_client(struct xqaccel_client *client)
{
	struct xqaccel_lane *lane;

	list_for_each_entry(lane, &client->ready, node) {
		struct xqaccel_queue *q = queue_for(lane);
		struct xqaccel_job_request *job;

		if (!q)
			continue;
		job = list_first_entry(&lane->jobs, struct xqaccel_job_request, node);
		job->state = XQACCEL_JOB_ACTIVE;
		lane->inflight++;
		lane->queue = q;
		xqaccel_queue_push(q, job);
		lane_served(lane);
		return true;
	}
	return false;
}

static bool serve_one(struct xqaccel_device *xq)
{
	struct xqaccel_client *client;

	if (!emptiest_queue(xq))
		return false;
	list_for_each_entry(client, &xq->ready, ready_node)
		if (serve_client(client))
			return true;
	return false;
}

/* Whether the device has a job of the client. */
bool xqaccel_sched_in_flight(struct xqaccel_client *client)
{
	unsigned int i, inflight = 0;

	spin_lock_irq(&client->xq->lock);
	for (i = 0; i < XQACCEL_LANES; i++)
		inflight += client->lane[i].inflight;
	spin_unlock_irq(&client->xq->lock);
	return inflight;
}

/* Gives the hardware what it can take. */
void xqaccel_sched_run(struct xqaccel_device *xq)
{
	lockdep_assert_held(&xq->lock);

	if (xq->lost || xq->power != XQACCEL_AWAKE)
		return;
	while (serve_one(xq))
		;
}

/* Takes back a closed client's jobs that have not started; shortens the time of the others. */
void xqaccel_sched_drop(struct xqaccel_client *client, struct list_head *dropped)
{
	const unsigned long soon = jiffies + msecs_to_jiffies(XQACCEL_CLOSE_GRACE_MS);
	struct xqaccel_device *xq = client->xq;
	struct xqaccel_job_request *job, *next;
	unsigned int i;

	lockdep_assert_held(&xq->lock);

	for (i = 0; i < XQACCEL_LANES; i++) {
		struct xqaccel_lane *lane = &client->lane[i];

		list_for_each_entry_safe(job, next, &lane->jobs, node) {
			xqaccel_job_uncount(job);
			xqaccel_job_release(job);
			list_move_tail(&job->node, dropped);
		}
		list_del_init(&lane->node);
	}
	list_del_init(&client->ready_node);

	for (i = 0; i < xq->caps.queues; i++) {
		list_for_each_entry(job, &xq->queue[i].jobs, node) {
			if (job->client != client)
				continue;
			job->timeout = min(job->timeout, msecs_to_jiffies(XQACCEL_CLOSE_GRACE_MS));
			if (job == xqaccel_queue_head(&xq->queue[i]) &&
			    time_before(soon, job->deadline))
				job->deadline = soon;
		}
	}
}

/* The device is lost: ends every job that waits. */
void xqaccel_sched_fail(struct xqaccel_device *xq)
{
	struct xqaccel_client *client, *next_client;
	struct xqaccel_lane *lane, *next_lane;
	struct xqaccel_job_request *job, *next;

	lockdep_assert_held(&xq->lock);

	list_for_each_entry_safe(client, next_client, &xq->ready, ready_node) {
		list_del_init(&client->ready_node);
		list_for_each_entry_safe(lane, next_lane, &client->ready, node) {
			list_del_init(&lane->node);
			list_for_each_entry_safe(job, next, &lane->jobs, node)
				xqaccel_job_fail(job, XQACCEL_STATUS_LOST);
		}
	}
}
