// SPDX-License-Identifier: GPL-2.0
/* Order within a lane, turns of lanes and clients, what is charged, and that no job is lost. */
#include <kunit/test.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/types.h>

#include "doubles.h"

static int given_two_queues(struct kunit *test)
{
	return double_device(test, 2);
}

static struct xqaccel_job *enqueue(struct kunit *test, unsigned int client, unsigned int lane)
{
	struct xqaccel_job *job = double_job(test, client, lane);

	xqaccel_sched_enqueue(job);
	return job;
}

/* Which queue has a job in flight, or -1. */
static int queue_of(const struct xqaccel_job *job)
{
	const struct xqaccel_job *other;
	unsigned int i;

	for (i = 0; i < double_xq->caps.queues; i++)
		list_for_each_entry(other, &double_xq->queue[i].jobs, node)
			if (other == job)
				return i;
	return -1;
}

static void lane_keeps_order_and_queue(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *job[XQACCEL_QUEUE_DEPTH + 2];
	unsigned int i;

	double_known(0, NSEC_PER_USEC);
	for (i = 0; i < ARRAY_SIZE(job); i++)
		job[i] = enqueue(test, 0, 0);
	xqaccel_sched_run(double_xq);
	/* A queue takes so many; the other stays empty although the lane has more. */
	for (i = 0; i < XQACCEL_QUEUE_DEPTH; i++)
		KUNIT_EXPECT_EQ(test, queue_of(job[i]), 0);
	KUNIT_EXPECT_EQ(test, queue_of(job[XQACCEL_QUEUE_DEPTH]), -1);
	KUNIT_EXPECT_EQ(test, double_xq->queue[1].inflight, 0U);
	for (i = 0; i < ARRAY_SIZE(job); i++) {
		double_complete(test, 0, NSEC_PER_USEC);
		xqaccel_sched_run(double_xq);
		KUNIT_EXPECT_PTR_EQ(test, double_ended[i], job[i]);
	}
	KUNIT_EXPECT_TRUE(test, double_idle());
	KUNIT_EXPECT_NULL(test, double_client[0]->lane[0].queue);
}

static void lanes_spread(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *first, *second;

	double_known(0, NSEC_PER_USEC);
	first = enqueue(test, 0, 0);
	second = enqueue(test, 0, 1);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, queue_of(first), 0);
	KUNIT_EXPECT_EQ(test, queue_of(second), 1);
}

/* One job of another client does not wait for a hundred. */
static void clients_take_turns(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *other;
	unsigned int i;

	for (i = 0; i < 100; i++)
		enqueue(test, 0, i % XQACCEL_LANES);
	other = enqueue(test, 1, 0);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_GE(test, queue_of(other), 0);
}

static void requeued_is_next(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *first = enqueue(test, 0, 0), *second = enqueue(test, 0, 0);
	struct xqaccel_queue *q = &double_xq->queue[0];

	double_known(0, NSEC_PER_USEC);
	xqaccel_sched_run(double_xq);
	/* As a reset does it: the youngest first. */
	q->stopped = true;
	double_xq->queue[1].stopped = true;
	q->inflight = 0;
	xqaccel_sched_requeue(second);
	xqaccel_sched_requeue(first);
	KUNIT_EXPECT_NULL(test, first->lane->queue);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, queue_of(first), -1);
	xqaccel_queue_start(q);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_PTR_EQ(test, xqaccel_queue_head(q), first);
	KUNIT_EXPECT_EQ(test, q->inflight, 2U);
	double_complete(test, 0, NSEC_PER_USEC);
	KUNIT_EXPECT_PTR_EQ(test, xqaccel_queue_head(q), second);
}

static void nothing_to_a_suspended_device(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *job = enqueue(test, 0, 0);

	double_xq->power = XQACCEL_SUSPENDED;
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, queue_of(job), -1);
	double_xq->power = XQACCEL_ACTIVE;
	double_xq->lost = true;
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, queue_of(job), -1);
}

/* What waits for a fence keeps its place in the lane, and nobody else's. */
static void lane_waits_for_fence(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *first, *second, *other;

	double_known(0, NSEC_PER_USEC);
	first = double_job(test, 0, 0);
	first->fence = (struct xqaccel_fence *)first;
	xqaccel_sched_enqueue(first);
	second = enqueue(test, 0, 0);
	other = enqueue(test, 0, 1);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, queue_of(first), -1);
	KUNIT_EXPECT_EQ(test, queue_of(second), -1);
	KUNIT_EXPECT_GE(test, queue_of(other), 0);
	/* One behind it that waits, too, is not asked before it is the first. */
	second->fence = (struct xqaccel_fence *)second;
	first->fence = NULL;
	xqaccel_sched_unblock(first->lane);
	KUNIT_EXPECT_GE(test, queue_of(first), 0);
	KUNIT_EXPECT_EQ(test, queue_of(second), -1);
	second->fence = NULL;
	xqaccel_sched_unblock(second->lane);
	KUNIT_EXPECT_EQ(test, queue_of(second), queue_of(first));
	KUNIT_EXPECT_TRUE(test, double_idle());
}

/* A job that waits for a fence is canceled, and the device is lost with another. */
static void blocked_lane_ends(struct kunit *test)
{
	struct xqaccel_job *first, *second;

	spin_lock_irq(&double_xq->lock);
	first = double_job(test, 0, 0);
	first->fence = (struct xqaccel_fence *)first;
	xqaccel_sched_enqueue(first);
	second = double_job(test, 0, 0);
	second->fence = (struct xqaccel_fence *)second;
	xqaccel_sched_enqueue(second);
	xqaccel_sched_remove(first);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, queue_of(second), -1);
	KUNIT_EXPECT_EQ(test, double_power, 1);
	spin_unlock_irq(&double_xq->lock);
	xqaccel_sched_fail(double_xq);
	KUNIT_EXPECT_EQ(test, double_failed, 1U);
	KUNIT_EXPECT_PTR_EQ(test, double_ended[0], second);
	KUNIT_EXPECT_EQ(test, double_power, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&double_xq->blocked));
}

/* From the first job to the end of the last, whether it waits or runs. */
static void powered_while_there_are_jobs(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *first, *second, *dropped;

	KUNIT_EXPECT_EQ(test, double_power, 0);
	first = enqueue(test, 0, 0);
	second = enqueue(test, 0, 0);
	dropped = enqueue(test, 1, 0);
	KUNIT_EXPECT_EQ(test, double_power, 1);
	xqaccel_sched_remove(dropped);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_PTR_EQ(test, xqaccel_queue_head(&double_xq->queue[0]), first);
	/* A reset takes both back, and the device is not let go meanwhile. */
	if (second->state == XQACCEL_JOB_ACTIVE)
		xqaccel_sched_requeue(second);
	xqaccel_sched_requeue(first);
	double_xq->queue[0].inflight = 0;
	KUNIT_EXPECT_EQ(test, double_power, 1);
	xqaccel_sched_remove(first);
	KUNIT_EXPECT_EQ(test, double_power, 1);
	xqaccel_sched_remove(second);
	KUNIT_EXPECT_EQ(test, double_power, 0);
	KUNIT_EXPECT_EQ(test, double_power_gets, 1);
}

/* A closed client's running jobs get little time, others' keep theirs. */
static void client_closed(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *running, *behind, *kept;

	double_known(0, NSEC_PER_USEC);
	running = enqueue(test, 0, 0);
	behind = enqueue(test, 0, 0);
	kept = enqueue(test, 1, 0);
	running->timeout = 1000000;
	behind->timeout = 1000000;
	kept->timeout = 1000000;
	xqaccel_sched_run(double_xq);
	xqaccel_sched_client_closed(double_client[0]);
	KUNIT_EXPECT_LE(test, running->timeout, msecs_to_jiffies(XQACCEL_CLOSE_GRACE_MS));
	KUNIT_EXPECT_TRUE(test, time_before(running->deadline, jiffies + 500000));
	KUNIT_EXPECT_LE(test, behind->timeout, msecs_to_jiffies(XQACCEL_CLOSE_GRACE_MS));
	KUNIT_EXPECT_EQ(test, kept->timeout, 1000000UL);
	KUNIT_EXPECT_FALSE(test, time_before(kept->deadline, jiffies + 500000));
	KUNIT_EXPECT_EQ(test, queue_of(kept), 1);
}

/* Waiting jobs can be taken back, in any order; with its last one a client waits no more. */
static void remove_waiting(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *job[3], *other;
	unsigned int i;

	for (i = 0; i < 3; i++)
		job[i] = enqueue(test, 0, i / 2);
	other = enqueue(test, 1, 0);
	xqaccel_sched_remove(job[1]);
	KUNIT_EXPECT_TRUE(test, xqaccel_fair_waits(&job[0]->lane->entity));
	xqaccel_sched_remove(job[0]);
	KUNIT_EXPECT_FALSE(test, xqaccel_fair_waits(&job[0]->lane->entity));
	KUNIT_EXPECT_TRUE(test, xqaccel_fair_waits(&double_client[0]->entity));
	xqaccel_sched_remove(job[2]);
	KUNIT_EXPECT_FALSE(test, xqaccel_fair_waits(&double_client[0]->entity));
	KUNIT_EXPECT_FALSE(test, double_idle());
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, queue_of(other), 0);
	KUNIT_EXPECT_TRUE(test, double_idle());
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, queue_of(job[i]), -1);
}

/* More than are ended at a time, and those in flight are left to the reset. */
static void fail_ends_what_waits(struct kunit *test)
{
	unsigned int i, inflight;

	spin_lock_irq(&double_xq->lock);
	for (i = 0; i < 300; i++)
		enqueue(test, i % DOUBLE_CLIENTS, i % XQACCEL_LANES);
	xqaccel_sched_run(double_xq);
	inflight = double_xq->queue[0].inflight + double_xq->queue[1].inflight;
	spin_unlock_irq(&double_xq->lock);
	KUNIT_EXPECT_GE(test, inflight, 2U);
	xqaccel_sched_fail(double_xq);
	KUNIT_EXPECT_EQ(test, double_failed, 300 - inflight);
	KUNIT_EXPECT_TRUE(test, double_idle());
}

/* ---- what is charged ------------------------------------------------------------------ */

static void charge_is_corrected(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	static const u64 takes[] = { 100 * NSEC_PER_USEC, 50 * NSEC_PER_MSEC };
	struct xqaccel_client *client = double_client[0];
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		double_known(0, 5 * NSEC_PER_MSEC);
		enqueue(test, 0, 0);
		xqaccel_sched_run(double_xq);
		KUNIT_EXPECT_EQ(test, client->entity.vtime, sum + 5 * NSEC_PER_MSEC);
		KUNIT_EXPECT_EQ(test, double_xq->queue[0].ahead_ns, 5ULL * NSEC_PER_MSEC);
		double_complete(test, 0, takes[i]);
		sum += takes[i];
		KUNIT_EXPECT_EQ(test, client->entity.vtime, sum);
		KUNIT_EXPECT_EQ(test, client->lane[0].entity.vtime, sum);
		KUNIT_EXPECT_EQ(test, client->device_ns, sum);
		KUNIT_EXPECT_EQ(test, double_xq->queue[0].ahead_ns, 0ULL);
	}
}

/* A job that did not begin before it was taken off its queue is not charged. */
static void requeue_refunds(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_client *client = double_client[0];
	struct xqaccel_job *second;

	double_known(0, NSEC_PER_MSEC);
	enqueue(test, 0, 0);
	second = enqueue(test, 0, 0);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, client->entity.vtime, 2ULL * NSEC_PER_MSEC);
	double_xq->queue[0].inflight--;
	xqaccel_sched_requeue(second);
	KUNIT_EXPECT_EQ(test, client->entity.vtime, 1ULL * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, client->device_ns, 0ULL);
	KUNIT_EXPECT_EQ(test, client->occupancy.jobs[0], 1);
}

/* The device claims an hour for a job that it has just got. */
static void device_is_not_believed(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	const u64 hour = 3600ULL * NSEC_PER_SEC;
	struct xqaccel_job *job = enqueue(test, 0, 0);

	xqaccel_sched_run(double_xq);
	job->dispatched_ns += hour;
	double_complete(test, 0, hour);
	KUNIT_EXPECT_LE(test, double_client[0]->device_ns, hour / 60);
}

static void ticks_are_converted(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	const u64 takes = 5 * NSEC_PER_SEC + 250 * NSEC_PER_USEC;

	double_xq->caps.clock_hz = 24000000;
	enqueue(test, 0, 0);
	xqaccel_sched_run(double_xq);
	double_complete(test, 0, takes);
	KUNIT_EXPECT_EQ(test, double_client[0]->device_ns, takes);
}

/* A queue gets so much in advance and no more, so that others wait little. */
static void little_in_advance(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	unsigned int i;

	double_known(0, XQACCEL_QUEUE_NS * 3 / 8);
	for (i = 0; i < 10; i++)
		enqueue(test, 0, 0);
	/* Nothing is known of this one's lane, so it gets one job at a time. */
	for (i = 0; i < 10; i++)
		enqueue(test, 1, 0);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, double_xq->queue[0].inflight, 3U);
	KUNIT_EXPECT_EQ(test, double_xq->queue[1].inflight, 1U);
}

static void run_of(struct kunit *test, u64 macs, u64 ns)
{
	enqueue(test, 0, 0)->macs = macs;
	xqaccel_sched_run(double_xq);
	double_complete(test, 0, ns);
}

/* One sample that is wrong by far is forgotten, and what is too short tells nothing. */
static void rate_follows(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	unsigned int i;

	run_of(test, 1000000, NSEC_PER_MSEC);
	KUNIT_EXPECT_GE(test, double_xq->macs_per_us, 990ULL);
	KUNIT_EXPECT_LE(test, double_xq->macs_per_us, 1000ULL);
	run_of(test, 1000000000000ULL, NSEC_PER_USEC);
	KUNIT_EXPECT_LE(test, double_xq->macs_per_us, 1000ULL);
	/* Others than products have none. */
	run_of(test, 0, NSEC_PER_MSEC);
	KUNIT_EXPECT_GE(test, double_xq->macs_per_us, 990ULL);
	run_of(test, 1000000000ULL, NSEC_PER_MSEC);
	KUNIT_EXPECT_GE(test, double_xq->macs_per_us, 990000ULL);
	for (i = 0; i < 300; i++)
		run_of(test, 1000000, NSEC_PER_MSEC);
	KUNIT_EXPECT_GE(test, double_xq->macs_per_us, 990ULL);
	KUNIT_EXPECT_LE(test, double_xq->macs_per_us, 2000ULL);
}

/* A plain generator, the same everywhere. */
static u32 next(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

/* Those of a client's lanes that may go anywhere are counted, and such a client is known. */
static void expect_counted(struct kunit *test, const struct xqaccel_client *client)
{
	unsigned int i, n = 0;

	for (i = 0; i < XQACCEL_LANES; i++) {
		n += client->lane[i].free;
		if (client->lane[i].free)
			KUNIT_ASSERT_TRUE(test, xqaccel_fair_waits(&client->lane[i].entity));
	}
	KUNIT_ASSERT_EQ(test, client->free_lanes, n);
	KUNIT_ASSERT_EQ(test, !RB_EMPTY_NODE(&client->entity.free_node), n > 0);
}

/* Whatever the order of events: each lane's jobs end in order, and all of them do. */
static void random_events(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	unsigned int enqueued[DOUBLE_CLIENTS][XQACCEL_LANES] = {};
	unsigned int ended[DOUBLE_CLIENTS][XQACCEL_LANES] = {};
	unsigned int made = 0, i;
	u32 state = 1;

	while (double_results < 500) {
		const unsigned int q = next(&state) % 2;

		if (made < 500 && next(&state) % 2) {
			const unsigned int c = next(&state) % DOUBLE_CLIENTS;
			const unsigned int l = next(&state) % XQACCEL_LANES;

			enqueue(test, c, l)->completion.user_data = enqueued[c][l]++;
			made++;
		} else if (xqaccel_queue_head(&double_xq->queue[q])) {
			double_complete(test, q, next(&state) % 8000 * NSEC_PER_USEC);
		}
		xqaccel_sched_run(double_xq);
		KUNIT_ASSERT_TRUE(test, double_xq->queue[q].inflight <= XQACCEL_QUEUE_DEPTH);
		for (i = 0; i < DOUBLE_CLIENTS; i++)
			expect_counted(test, double_client[i]);
	}
	for (i = 0; i < 500; i++) {
		const struct xqaccel_job *job = double_ended[i];
		const unsigned int c = job->client - double_client[0];

		KUNIT_ASSERT_EQ(test, job->completion.user_data,
				(u64)ended[c][job->lane->index]++);
	}
	KUNIT_EXPECT_TRUE(test, double_idle());
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, double_xq->queue[i].ahead_ns, 0ULL);
	for (i = 0; i < DOUBLE_CLIENTS; i++)
		KUNIT_EXPECT_EQ(test, double_client[i]->occupancy.queues, 0U);
}

static struct kunit_case scheduler_cases[] = {
	KUNIT_CASE(lane_keeps_order_and_queue),
	KUNIT_CASE(lanes_spread),
	KUNIT_CASE(clients_take_turns),
	KUNIT_CASE(requeued_is_next),
	KUNIT_CASE(nothing_to_a_suspended_device),
	KUNIT_CASE(lane_waits_for_fence),
	KUNIT_CASE(blocked_lane_ends),
	KUNIT_CASE(powered_while_there_are_jobs),
	KUNIT_CASE(client_closed),
	KUNIT_CASE(remove_waiting),
	KUNIT_CASE(fail_ends_what_waits),
	KUNIT_CASE(charge_is_corrected),
	KUNIT_CASE(requeue_refunds),
	KUNIT_CASE(device_is_not_believed),
	KUNIT_CASE(ticks_are_converted),
	KUNIT_CASE(little_in_advance),
	KUNIT_CASE(rate_follows),
	KUNIT_CASE(random_events),
	{}
};

static struct kunit_suite scheduler_suite = {
	.name = "xqaccel_scheduler",
	.init = given_two_queues,
	.test_cases = scheduler_cases,
};
kunit_test_suite(scheduler_suite);
