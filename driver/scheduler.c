// SPDX-License-Identifier: GPL-2.0
/*
 * Scheduling. A higher priority comes first. Within a priority users share device time evenly,
 * a user's clients share what he gets, and a client's lanes what it gets (fair.c): who has had
 * least is next. Device time is end - start of completions. A job is charged what its lane's
 * jobs took so far when it is dispatched, and the difference when it has ended.
 *
 * A lane goes to the queue that has least to do and stays with it while it has jobs in flight,
 * because a queue runs its jobs in order. Jobs in flight can't be taken back, so a queue gets
 * no more than XQACCEL_QUEUE_NS of them, and long jobs of one client or user do not get every
 * queue.
 *
 * All of this is done with interrupts off, and there may be thousands of lanes. So what has to be
 * passed over to find the next job is bounded by what is in flight. A lane whose queue is full has
 * jobs there, and so has a client or a user who may use no other queue; each client has few lanes.
 * What such a user may still start are short jobs, so those of his clients that have one are in a
 * tree of their own (fair.h). Whether a job is short is decided when it comes to be its lane's
 * first, and again when what is known of its lane or its program has changed.
 */
#include <linux/bitops.h>
#include <linux/dma-fence.h>
#include <linux/ktime.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/sched.h>

#include "client.h"
#include "fence.h"
#include "job.h"
#include "scheduler.h"
#include "trace.h"
#include "user.h"

void xqaccel_sched_init_device(struct xqaccel_device *xq)
{
	unsigned int i;

	INIT_LIST_HEAD(&xq->blocked);
	for (i = 0; i < XQACCEL_CLASSES; i++)
		xqaccel_fair_group_init(&xq->class[i]);
}

void xqaccel_sched_init_user(struct xqaccel_user *user)
{
	unsigned int i;

	for (i = 0; i < XQACCEL_CLASSES; i++) {
		user->class[i].user = user;
		xqaccel_fair_entity_init(&user->class[i].entity);
		xqaccel_fair_group_init(&user->class[i].clients);
	}
}

void xqaccel_sched_init_client(struct xqaccel_client *client)
{
	unsigned int i;

	xqaccel_fair_entity_init(&client->entity);
	xqaccel_fair_group_init(&client->waiting);
	for (i = 0; i < XQACCEL_LANES; i++) {
		xqaccel_fair_entity_init(&client->lane[i].entity);
		INIT_LIST_HEAD(&client->lane[i].blocked);
	}
}

/* ---- who waits -------------------------------------------------------------- */

static unsigned int class_index(const struct xqaccel_client *client)
{
	return client->priority - XQACCEL_PRIORITY_LOW;
}

static struct xqaccel_user_class *user_class(const struct xqaccel_client *client)
{
	return &client->user->class[class_index(client)];
}

/*
 * What the lane's next job will take, as far as one can know: no less than the last ones, and no
 * less than its multiplications take at the best rate that the device has shown, so that a
 * long job can't hide behind short ones. A program counts as long until it has run once.
 */
static u64 estimate(const struct xqaccel_lane *lane)
{
	const struct xqaccel_job *job = list_first_entry(&lane->jobs, struct xqaccel_job, node);
	const u64 rate = lane->client->xq->macs_per_us;
	u64 ns = lane->job_ns ?: XQACCEL_QUEUE_NS;

	ns = max(ns, job->least_ns);
	if (job->measured_ns)
		ns = max_t(u64, ns, *job->measured_ns ?: XQACCEL_QUEUE_NS);
	if (rate && job->macs >= rate)
		ns = max(ns, min_t(u64, job->macs / rate, USEC_PER_SEC) * NSEC_PER_USEC);
	return min_t(u64, ns, XQACCEL_ESTIMATE_NS);
}

static void set_free(struct xqaccel_lane *lane, bool free)
{
	struct xqaccel_client *client = lane->client;

	if (free == lane->free)
		return;
	lane->free = free;
	client->free_lanes += free ? 1 : -1;
	xqaccel_fair_set_free(&user_class(client)->clients, &client->entity, client->free_lanes);
}

/* Decides whether the first job of a lane that waits is a short one. */
static void lane_judge(struct xqaccel_lane *lane)
{
	if (xqaccel_fair_waits(&lane->entity))
		set_free(lane, estimate(lane) < XQACCEL_QUEUE_NS);
}

static void lane_waits(struct xqaccel_lane *lane)
	__must_hold(&lane->client->xq->lock)
{
	struct xqaccel_client *client = lane->client;
	struct xqaccel_user_class *class = user_class(client);

	lockdep_assert_held(&client->xq->lock);

	xqaccel_fair_add(&client->waiting, &lane->entity);
	xqaccel_fair_add(&class->clients, &client->entity);
	xqaccel_fair_add(&client->xq->class[class_index(client)], &class->entity);
}

static void lane_rests(struct xqaccel_lane *lane)
	__must_hold(&lane->client->xq->lock)
{
	struct xqaccel_client *client = lane->client;
	struct xqaccel_user_class *class = user_class(client);

	lockdep_assert_held(&client->xq->lock);

	set_free(lane, false);
	xqaccel_fair_remove(&client->waiting, &lane->entity);
	if (xqaccel_fair_idle(&client->waiting))
		xqaccel_fair_remove(&class->clients, &client->entity);
	if (xqaccel_fair_idle(&class->clients))
		xqaccel_fair_remove(&client->xq->class[class_index(client)], &class->entity);
}

/*
 * The lane's first job is another: it may wait for the device, or for a fence. Of a closed client
 * nothing waits for either.
 */
static void lane_changed(struct xqaccel_lane *lane)
	__must_hold(&lane->client->xq->lock)
{
	const struct xqaccel_job *first =
		list_first_entry_or_null(&lane->jobs, struct xqaccel_job, node);
	const bool waits = first && !lane->client->closed;
	const bool blocked = waits && first->fence && xqaccel_fence_blocks(first);

	lockdep_assert_held(&lane->client->xq->lock);

	if (blocked != !list_empty(&lane->blocked)) {
		if (blocked)
			list_add_tail(&lane->blocked, &lane->client->xq->blocked);
		else
			list_del_init(&lane->blocked);
	}
	if ((waits && !blocked) != xqaccel_fair_waits(&lane->entity)) {
		if (waits && !blocked)
			lane_waits(lane);
		else
			lane_rests(lane);
	}
	lane_judge(lane);
}

/* What the lane's first job waited for has come. */
void xqaccel_sched_unblock(struct xqaccel_lane *lane)
	__must_hold(&lane->client->xq->lock)
{
	lockdep_assert_held(&lane->client->xq->lock);

	lane_changed(lane);
	xqaccel_sched_run(lane->client->xq);
}

/**
 * xqaccel_sched_ready() - run lanes whose first job waits for nothing any more
 * @work: the device's ready_work
 */
void xqaccel_sched_ready(struct work_struct *work)
{
	struct xqaccel_device *xq = container_of(work, struct xqaccel_device, ready_work);
	struct xqaccel_fence *fence, *next;
	struct llist_node *ready = llist_del_all(&xq->ready);
	/* Who waits for the jobs of these fences waits for this. */
	const bool cookie = dma_fence_begin_signalling();

	llist_for_each_entry_safe(fence, next, ready, ready) {
		spin_lock_irq(&xq->lock);
		/* Else the lane may be gone. */
		if (fence->jobs) {
			xqaccel_fence_dependencies_leave(fence);
			xqaccel_sched_unblock(fence->lane);
		}
		spin_unlock_irq(&xq->lock);
		dma_fence_put(&fence->base);
	}
	dma_fence_end_signalling(cookie);
}

static void charge(struct xqaccel_lane *lane, s64 ns)
	__must_hold(&lane->client->xq->lock)
{
	struct xqaccel_client *client = lane->client;
	struct xqaccel_user_class *class = user_class(client);

	lockdep_assert_held(&client->xq->lock);

	xqaccel_fair_charge(&client->waiting, &lane->entity, ns);
	xqaccel_fair_charge(&class->clients, &client->entity, ns);
	xqaccel_fair_charge(&client->xq->class[class_index(client)], &class->entity, ns);
}

/* A job that waits or is in flight has the device powered, and so do others. */
static void job_active(struct xqaccel_device *xq)
{
	if (!xq->active++)
		xqaccel_power_get(xq);
}

static void job_inactive(struct xqaccel_device *xq)
{
	if (!--xq->active)
		xqaccel_power_put(xq);
}

/* A new job: to the end of its lane. */
void xqaccel_sched_enqueue(struct xqaccel_job *job)
	__must_hold(&job->client->xq->lock)
{
	lockdep_assert_held(&job->client->xq->lock);

	job->state = XQACCEL_JOB_QUEUED;
	list_move_tail(&job->node, &job->lane->jobs);
	if (list_is_first(&job->node, &job->lane->jobs))
		lane_changed(job->lane);
	job_active(job->client->xq);
	trace_xqaccel_job_submit(job);
}

/* Takes a job out of its lane, in which it waits. */
void xqaccel_sched_remove(struct xqaccel_job *job)
	__must_hold(&job->client->xq->lock)
{
	lockdep_assert_held(&job->client->xq->lock);

	list_del_init(&job->node);
	lane_changed(job->lane);
	job_inactive(job->client->xq);
}

/* A job that was in flight and must run again: to the front of its lane. */
void xqaccel_sched_requeue(struct xqaccel_job *job)
	__must_hold(&job->client->xq->lock)
{
	struct xqaccel_lane *lane = job->lane;

	lockdep_assert_held(&job->client->xq->lock);

	job_active(job->client->xq);
	xqaccel_sched_left(job);
	job->state = XQACCEL_JOB_QUEUED;
	list_move(&job->node, &lane->jobs);
	lane_changed(lane);
	trace_xqaccel_job_requeue(job);
}

/* ---- on a queue, and off it --------------------------------------------------- */

static void occupy(struct xqaccel_occupancy *o, unsigned int queue)
{
	o->queues |= BIT(queue);
	o->jobs[queue]++;
}

static void vacate(struct xqaccel_occupancy *o, unsigned int queue)
{
	if (!--o->jobs[queue])
		o->queues &= ~BIT(queue);
}

static void dispatch(struct xqaccel_lane *lane, struct xqaccel_queue *q)
	__must_hold(&lane->client->xq->lock)
{
	struct xqaccel_job *job = list_first_entry(&lane->jobs, struct xqaccel_job, node);
	struct xqaccel_client *client = lane->client;

	lockdep_assert_held(&client->xq->lock);

	job->state = XQACCEL_JOB_ACTIVE;
	job->charged_ns = estimate(lane);
	job->dispatched_ns = ktime_get_ns();
	lane->inflight++;
	lane->queue = q;
	occupy(&client->occupancy, q->index);
	occupy(&client->user->occupancy, q->index);
	job->long_one = !lane->free;
	if (job->long_one) {
		occupy(&client->occupancy_long, q->index);
		occupy(&client->user->occupancy_long, q->index);
	}
	q->ahead_ns += job->charged_ns;
	xqaccel_queue_push(q, job);
	trace_xqaccel_job_dispatch(job, q->index);
	lane_changed(lane);
	charge(lane, job->charged_ns);
}

static u64 ticks_to_ns(u64 ticks, u64 hz)
{
	u64 rest;

	if (hz == NSEC_PER_SEC)
		return ticks;
	return div64_u64_rem(ticks, hz, &rest) * NSEC_PER_SEC +
	       div64_u64(rest * NSEC_PER_SEC, hz);
}

/*
 * Device time of a job that is no longer in flight. A device that says more than has passed is
 * not believed; one that says nothing had to be reset, and the time since the job began counts.
 */
static u64 device_ns(const struct xqaccel_job *job)
{
	const struct xqaccel_completion *c = &job->completion;
	const u64 now = ktime_get_ns();

	if (c->end)
		return min(ticks_to_ns(c->end - c->start, job->client->xq->caps.clock_hz),
			   now - job->dispatched_ns);
	return job->head_ns ? now - job->head_ns : 0;
}

/* Shorter jobs tell how long it takes to start one. */
#define RATE_NS		(100 * NSEC_PER_USEC)
/*
 * So many jobs, about, make the best rate half forgotten: one that was wrong does not count for
 * ever.
 */
#define RATE_JOBS	32

/* What the device has shown that it can, of late. */
static void learn_rate(struct xqaccel_device *xq, u64 macs, u64 ns)
{
	u64 rate;

	if (ns < RATE_NS)
		return;
	rate = div64_u64(macs, ns / NSEC_PER_USEC + 1);
	if (!rate)
		return;
	if (rate > xq->macs_per_us)
		xq->macs_per_us = rate;
	else
		xq->macs_per_us -= (xq->macs_per_us - rate) / RATE_JOBS;
}

/* The average follows the last few jobs. */
static void update_averages(struct xqaccel_lane *lane, const struct xqaccel_job *job, u64 ns)
{
	struct xqaccel_client *client = lane->client;
	unsigned int i;

	ns = max_t(u64, ns, 1);
	if (job->completion.status == XQACCEL_STATUS_OK)
		learn_rate(client->xq, job->macs, ns);
	if (job->measured_ns)
		*job->measured_ns = ns;
	lane->job_ns = lane->job_ns ? lane->job_ns - lane->job_ns / 4 + ns / 4 + 1 : ns;
	/* Others may wait with the same program. */
	for (i = 0; job->measured_ns && i < XQACCEL_LANES; i++)
		lane_judge(&client->lane[i]);
	if (!job->measured_ns)
		lane_judge(lane);
}

/* A job is no longer in flight. */
void xqaccel_sched_left(struct xqaccel_job *job)
	__must_hold(&job->lane->client->xq->lock)
{
	struct xqaccel_lane *lane = job->lane;
	struct xqaccel_client *client = lane->client;
	struct xqaccel_queue *q = lane->queue;
	const u64 ns = device_ns(job);

	lockdep_assert_held(&client->xq->lock);

	vacate(&client->occupancy, q->index);
	vacate(&client->user->occupancy, q->index);
	if (job->long_one) {
		vacate(&client->occupancy_long, q->index);
		vacate(&client->user->occupancy_long, q->index);
	}
	q->ahead_ns -= job->charged_ns;
	charge(lane, ns - job->charged_ns);
	client->device_ns += ns;
	if (job->completion.end)
		update_averages(lane, job, ns);
	job->head_ns = 0;
	if (!--lane->inflight)
		lane->queue = NULL;
	job_inactive(client->xq);
}

/* ---- the next job --------------------------------------------------------------- */

/* Whether a user's long jobs have to keep to the queues where he has some. */
static bool user_has_share(const struct xqaccel_device *xq, const struct xqaccel_user *user)
{
	const int queues = xq->caps.queues;

	return hweight32(user->occupancy_long.queues) >= max(queues - 1, 1);
}

/*
 * Queues that the lane's next job may go to, as a mask. With long jobs one user leaves others a
 * queue, and a client another to the user's other clients: who has some on so many keeps to those.
 * Short jobs go anywhere, and give their queue to no long one.
 */
static unsigned int queues_for(const struct xqaccel_lane *lane)
{
	const struct xqaccel_client *client = lane->client;
	const unsigned int of_client = client->occupancy_long.queues;
	const unsigned int of_user = client->user->occupancy_long.queues;
	const int queues = client->xq->caps.queues;
	unsigned int mask = ~0U;

	if (lane->free)
		return mask;
	if (user_has_share(client->xq, client->user))
		mask &= of_user;
	if (hweight32(of_client) >= max(queues - 2, 1))
		mask &= of_client;
	return mask;
}

static bool less_to_do(const struct xqaccel_queue *a, const struct xqaccel_queue *b)
{
	return a->ahead_ns != b->ahead_ns ? a->ahead_ns < b->ahead_ns : a->inflight < b->inflight;
}

/* The queue of the mask that has least to do, or NULL. */
static struct xqaccel_queue *best_queue(struct xqaccel_device *xq, unsigned int mask)
{
	struct xqaccel_queue *best = NULL;
	unsigned int i;

	for (i = 0; i < xq->caps.queues; i++) {
		struct xqaccel_queue *q = &xq->queue[i];

		if (mask & BIT(i) && xqaccel_queue_has_room(q) && (!best || less_to_do(q, best)))
			best = q;
	}
	return best;
}

/*
 * Where the lane's next job can go now, or NULL. Behind those of the lane that are in flight, or
 * where a long one may not be, when they have ended.
 */
static struct xqaccel_queue *queue_for(struct xqaccel_lane *lane)
{
	const unsigned int mask = queues_for(lane);
	struct xqaccel_queue *q = lane->queue;

	if (!lane->inflight)
		return best_queue(lane->client->xq, mask);
	return mask & BIT(q->index) && xqaccel_queue_has_room(q) ? q : NULL;
}

static bool serve_client(struct xqaccel_client *client)
	__must_hold(&client->xq->lock)
{
	struct xqaccel_fair_entity *e;

	lockdep_assert_held(&client->xq->lock);

	xqaccel_fair_for_each(e, &client->waiting) {
		struct xqaccel_lane *lane = container_of(e, struct xqaccel_lane, entity);
		struct xqaccel_queue *q = queue_for(lane);

		if (!q)
			continue;
		dispatch(lane, q);
		return true;
	}
	return false;
}

/* Whether nothing of the user can go anywhere but short jobs. */
static bool user_full(struct xqaccel_device *xq, const struct xqaccel_user *user)
{
	return user_has_share(xq, user) && !best_queue(xq, user->occupancy_long.queues);
}

static bool serve_user(struct xqaccel_device *xq, struct xqaccel_user_class *class)
	__must_hold(&xq->lock)
{
	struct xqaccel_fair_entity *e;

	lockdep_assert_held(&xq->lock);

	if (user_full(xq, class->user)) {
		xqaccel_fair_for_each_free(e, &class->clients)
			if (serve_client(container_of(e, struct xqaccel_client, entity)))
				return true;
		return false;
	}
	xqaccel_fair_for_each(e, &class->clients)
		if (serve_client(container_of(e, struct xqaccel_client, entity)))
			return true;
	return false;
}

static bool serve_class(struct xqaccel_device *xq, struct xqaccel_fair_group *users)
	__must_hold(&xq->lock)
{
	struct xqaccel_fair_entity *e;

	lockdep_assert_held(&xq->lock);

	xqaccel_fair_for_each(e, users)
		if (serve_user(xq, container_of(e, struct xqaccel_user_class, entity)))
			return true;
	return false;
}

static bool any_room(const struct xqaccel_device *xq)
{
	unsigned int i;

	for (i = 0; i < xq->caps.queues; i++)
		if (xqaccel_queue_has_room(&xq->queue[i]))
			return true;
	return false;
}

static bool serve_one(struct xqaccel_device *xq)
	__must_hold(&xq->lock)
{
	unsigned int i;

	lockdep_assert_held(&xq->lock);

	if (!any_room(xq))
		return false;
	for (i = XQACCEL_CLASSES; i--;)
		if (serve_class(xq, &xq->class[i]))
			return true;
	return false;
}

static bool anybody_waits(const struct xqaccel_device *xq)
{
	unsigned int i;

	for (i = 0; i < XQACCEL_CLASSES; i++)
		if (!xqaccel_fair_idle(&xq->class[i]))
			return true;
	return false;
}

/* Who waits for room gets it when a job ends, and not when somebody polls. */
static void listen(struct xqaccel_device *xq)
	__must_hold(&xq->lock)
{
	unsigned int i;

	lockdep_assert_held(&xq->lock);

	for (i = 0; i < xq->caps.queues; i++)
		if (xq->queue[i].silent)
			xqaccel_queue_listen(&xq->queue[i]);
}

/* Puts what the hardware can take on its rings; xqaccel_sched_ring() is to follow. */
void xqaccel_sched_dispatch(struct xqaccel_device *xq)
	__must_hold(&xq->lock)
{
	lockdep_assert_held(&xq->lock);

	if (xq->lost || xq->power != XQACCEL_ACTIVE)
		return;
	while (serve_one(xq))
		;
	if (anybody_waits(xq))
		listen(xq);
}

/*
 * Tells the hardware. Where it matters, without the lock: the other processors need it for other
 * jobs, and the interrupt that answers a doorbell may come before the write has ended.
 */
void xqaccel_sched_ring(struct xqaccel_device *xq)
{
	unsigned int i;

	for (i = 0; i < xq->caps.queues; i++)
		xqaccel_queue_ring(&xq->queue[i]);
}

/* Gives the hardware what it can take. */
void xqaccel_sched_run(struct xqaccel_device *xq)
	__must_hold(&xq->lock)
{
	lockdep_assert_held(&xq->lock);

	xqaccel_sched_dispatch(xq);
	xqaccel_sched_ring(xq);
}

/* The same, and releases the lock. */
void xqaccel_sched_run_unlock(struct xqaccel_device *xq)
	__releases(&xq->lock)
{
	xqaccel_sched_dispatch(xq);
	/* Jobs of others may be on the rings, too: they don't wait until this task runs again. */
	preempt_disable();
	spin_unlock_irq(&xq->lock);
	xqaccel_sched_ring(xq);
	preempt_enable();
}

/* ---- the end -------------------------------------------------------------------- */

/* A closed client gets nothing more of the device; shortens the time of its jobs in flight. */
void xqaccel_sched_client_closed(struct xqaccel_client *client)
	__must_hold(&client->xq->lock)
{
	const unsigned long soon = jiffies + msecs_to_jiffies(XQACCEL_CLOSE_GRACE_MS);
	struct xqaccel_device *xq = client->xq;
	struct xqaccel_user_class *class = user_class(client);
	struct xqaccel_job *job;
	unsigned int i;

	lockdep_assert_held(&xq->lock);

	for (i = 0; i < XQACCEL_LANES; i++) {
		set_free(&client->lane[i], false);
		xqaccel_fair_remove(&client->waiting, &client->lane[i].entity);
		list_del_init(&client->lane[i].blocked);
	}
	xqaccel_fair_remove(&class->clients, &client->entity);
	if (xqaccel_fair_idle(&class->clients))
		xqaccel_fair_remove(&xq->class[class_index(client)], &class->entity);

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

static struct xqaccel_job *any_waiting(struct xqaccel_device *xq)
{
	const struct xqaccel_lane *lane =
		list_first_entry_or_null(&xq->blocked, struct xqaccel_lane, blocked);
	struct xqaccel_fair_entity *e;
	unsigned int i;

	if (lane)
		return list_first_entry(&lane->jobs, struct xqaccel_job, node);
	for (i = 0; i < XQACCEL_CLASSES; i++) {
		xqaccel_fair_for_each(e, &xq->class[i]) {
			e = rb_entry(rb_first_cached(&container_of(e, struct xqaccel_user_class,
								   entity)->clients.waiting),
				     struct xqaccel_fair_entity, node);
			e = rb_entry(rb_first_cached(&container_of(e, struct xqaccel_client,
								   entity)->waiting.waiting),
				     struct xqaccel_fair_entity, node);
			return list_first_entry(&container_of(e, struct xqaccel_lane, entity)->jobs,
						struct xqaccel_job, node);
		}
	}
	return NULL;
}

/* Ends some jobs that wait; false if there are no more. Not inlined, so that traces show it. */
static noinline bool fail_some(struct xqaccel_device *xq)
{
	struct xqaccel_job *job;
	unsigned int n;

	spin_lock_irq(&xq->lock);
	for (n = 0; n < XQACCEL_JOBS_AT_ONCE; n++) {
		job = any_waiting(xq);
		if (!job)
			break;
		xqaccel_sched_remove(job);
		xqaccel_job_fail(job, XQACCEL_STATUS_LOST);
	}
	spin_unlock_irq(&xq->lock);
	return n == XQACCEL_JOBS_AT_ONCE;
}

/*
 * The device is lost, so no job comes any more: ends all that wait. There can be many, so
 * interrupts are off for a few at a time.
 */
void xqaccel_sched_fail(struct xqaccel_device *xq)
{
	while (fail_some(xq))
		cond_resched();
}
