// SPDX-License-Identifier: GPL-2.0
/* Who gets how much of the device, in simulated time: its queues work at once, a job at a time. */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/types.h>

#include "doubles.h"

static u64 now;
/* When the head of each queue ends; 0 if it is not known yet. */
static u64 head_ends[XQ_MAX_QUEUES];
/* Device time of each client's jobs. */
static u64 takes[DOUBLE_CLIENTS];

static int given_queues(struct kunit *test, unsigned int queues)
{
	now = 0;
	memset(head_ends, 0, sizeof(head_ends));
	return double_device(test, queues);
}

static int given_two_queues(struct kunit *test)
{
	return given_queues(test, 2);
}

/* The queue whose head ends first, or -1. */
static int next_queue(void)
{
	int best = -1;
	unsigned int i;

	for (i = 0; i < double_xq->caps.queues; i++) {
		const struct xqaccel_job *head = xqaccel_queue_head(&double_xq->queue[i]);

		if (!head)
			continue;
		if (!head_ends[i])
			head_ends[i] = now + takes[head->client - double_client[0]];
		if (best < 0 || head_ends[i] < head_ends[best])
			best = i;
	}
	return best;
}

/* Ends the job that ends next, and hands it in again. */
static void step(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *job;
	int queue;

	xqaccel_sched_run(double_xq);
	queue = next_queue();
	KUNIT_ASSERT_TRUE(test, queue >= 0);
	now = head_ends[queue];
	head_ends[queue] = 0;
	job = xqaccel_queue_head(&double_xq->queue[queue]);
	double_complete(test, queue, takes[job->client - double_client[0]]);
	memset(&job->completion, 0, sizeof(job->completion));
	xqaccel_sched_enqueue(job);
}

static void simulate(struct kunit *test, u64 ns)
{
	const u64 end = now + ns;

	while (now < end)
		step(test);
}

/* From now on the client always has some jobs in each lane. */
static void client_comes(struct kunit *test, unsigned int client, u64 ns)
{
	guard(spinlock_irq)(&double_xq->lock);
	unsigned int i;

	takes[client] = ns;
	for (i = 0; i < 4 * XQACCEL_LANES; i++) {
		struct xqaccel_job *job = double_job(test, client, i % XQACCEL_LANES);

		job->macs = ns;
		xqaccel_sched_enqueue(job);
	}
}

static u64 had(unsigned int client)
{
	return double_client[client]->device_ns;
}

static void expect_even(struct kunit *test, u64 a, u64 b)
{
	KUNIT_EXPECT_LE(test, a * 10, b * 11);
	KUNIT_EXPECT_LE(test, b * 10, a * 11);
}

/* Not the number of jobs. */
static void device_time_decides(struct kunit *test)
{
	static const unsigned int queues[] = { 1, 2, 4 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(queues); i++) {
		KUNIT_ASSERT_EQ(test, given_queues(test, queues[i]), 0);
		client_comes(test, 0, 20 * NSEC_PER_MSEC);
		client_comes(test, 1, NSEC_PER_MSEC / 2);
		simulate(test, NSEC_PER_SEC);
		expect_even(test, had(0), had(1));
		/* And none of it was wasted. */
		KUNIT_EXPECT_GE(test, (had(0) + had(1)) * 100, now * queues[i] * 95);
	}
}

static void users_before_clients(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		double_client[i]->user = double_user[0];
	for (i = 0; i < 4; i++)
		client_comes(test, i, NSEC_PER_MSEC);
	simulate(test, NSEC_PER_SEC);
	expect_even(test, had(0) + had(1) + had(2), had(3));
	expect_even(test, had(0), had(1));
	expect_even(test, had(0), had(2));
}

/* A client that has one lane gets as much as one that has eight. */
static void clients_before_lanes(struct kunit *test)
{
	unsigned int i;

	client_comes(test, 0, NSEC_PER_MSEC);
	takes[1] = NSEC_PER_MSEC;
	spin_lock_irq(&double_xq->lock);
	for (i = 0; i < 16; i++)
		xqaccel_sched_enqueue(double_job(test, 1, 0));
	spin_unlock_irq(&double_xq->lock);
	simulate(test, NSEC_PER_SEC);
	expect_even(test, had(0), had(1));
}

static void sleeper_saves_nothing(struct kunit *test)
{
	u64 before;

	client_comes(test, 0, NSEC_PER_MSEC);
	simulate(test, NSEC_PER_SEC);
	before = had(0);
	KUNIT_EXPECT_GE(test, before * 100, now * 2 * 95);
	client_comes(test, 1, NSEC_PER_MSEC);
	simulate(test, NSEC_PER_SEC / 2);
	expect_even(test, had(0) - before, had(1));
}

/* With one queue, so that the order of ends is that of dispatch. */
static void priorities(struct kunit *test)
{
	static const s32 priority[] = {
		XQACCEL_PRIORITY_LOW, XQACCEL_PRIORITY_HIGH, XQACCEL_PRIORITY_NORMAL,
	};
	static const unsigned int order[] = { 1, 2, 0 };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, given_queues(test, 1), 0);
	guard(spinlock_irq)(&double_xq->lock);
	for (i = 0; i < 3; i++)
		double_client[i]->priority = priority[i];
	for (i = 0; i < 60; i++)
		xqaccel_sched_enqueue(double_job(test, i % 3, i % XQACCEL_LANES));
	for (i = 0; i < 60; i++) {
		xqaccel_sched_run(double_xq);
		double_complete(test, 0, NSEC_PER_MSEC);
		KUNIT_EXPECT_PTR_EQ(test, double_ended[i]->client, double_client[order[i / 20]]);
	}
	KUNIT_EXPECT_TRUE(test, double_idle());
}

static unsigned int queues_of(const struct xqaccel_occupancy *o)
{
	return hweight32(o->queues);
}

/* Of four queues a client gets two, its user three, whatever they have; the rest is for others. */
static void long_jobs_leave_a_queue(struct kunit *test)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, given_queues(test, 4), 0);
	double_client[1]->user = double_user[0];
	for (i = 0; i < 2; i++) {
		client_comes(test, i, 50 * NSEC_PER_MSEC);
		spin_lock_irq(&double_xq->lock);
		xqaccel_sched_run(double_xq);
		spin_unlock_irq(&double_xq->lock);
		KUNIT_EXPECT_EQ(test, queues_of(&double_user[0]->occupancy), 2 + i);
		KUNIT_EXPECT_EQ(test, queues_of(&double_client[i]->occupancy), 2 - i);
	}
	for (i = 0; i < 100; i++) {
		step(test);
		KUNIT_EXPECT_LE(test, queues_of(&double_user[0]->occupancy), 3U);
		KUNIT_EXPECT_LE(test, queues_of(&double_client[0]->occupancy), 2U);
		KUNIT_EXPECT_LE(test, queues_of(&double_client[1]->occupancy), 2U);
	}
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *job = double_job(test, 2, 0);

	xqaccel_sched_enqueue(job);
	xqaccel_sched_run(double_xq);
	KUNIT_ASSERT_NOT_NULL(test, job->lane->queue);
	KUNIT_EXPECT_PTR_EQ(test, xqaccel_queue_head(job->lane->queue), job);
}

/* Ends the short jobs that the device has come to; whether there was one. */
static bool short_jobs_end(struct kunit *test)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < double_xq->caps.queues; i++) {
		const struct xqaccel_job *head = xqaccel_queue_head(&double_xq->queue[i]);

		if (!head || head->macs)
			continue;
		double_complete(test, i, NSEC_PER_USEC);
		any = true;
	}
	xqaccel_sched_run(double_xq);
	return any;
}

/* Nor do they take one that short jobs of the same lanes or of others have. */
static void long_jobs_behind_short_ones_leave_a_queue(struct kunit *test)
{
	struct xqaccel_job *job;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, given_queues(test, 4), 0);
	double_xq->macs_per_us = 1000;
	double_known(0, NSEC_PER_USEC);
	guard(spinlock_irq)(&double_xq->lock);
	for (i = 0; i < 3 * XQACCEL_LANES; i++) {
		job = double_job(test, 0, i % XQACCEL_LANES);
		/* In lanes 0 and 1 the first one is long, in the others the second. */
		if (i / XQACCEL_LANES == (i % XQACCEL_LANES > 1))
			job->macs = 50 * NSEC_PER_MSEC;
		xqaccel_sched_enqueue(job);
		xqaccel_sched_run(double_xq);
		KUNIT_EXPECT_LE(test, queues_of(&double_client[0]->occupancy_long), 2U);
	}
	KUNIT_EXPECT_EQ(test, queues_of(&double_client[0]->occupancy), 4U);
	while (short_jobs_end(test))
		KUNIT_EXPECT_LE(test, queues_of(&double_client[0]->occupancy_long), 2U);
	KUNIT_EXPECT_EQ(test, queues_of(&double_client[0]->occupancy), 2U);
	job = double_job(test, 1, 0);
	xqaccel_sched_enqueue(job);
	xqaccel_sched_run(double_xq);
	KUNIT_ASSERT_NOT_NULL(test, job->lane->queue);
	KUNIT_EXPECT_PTR_EQ(test, xqaccel_queue_head(job->lane->queue), job);
}

/* Short ones get all of them. */
static void short_jobs_get_all_queues(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, given_queues(test, 4), 0);
	double_known(0, NSEC_PER_MSEC);
	client_comes(test, 0, NSEC_PER_MSEC);
	guard(spinlock_irq)(&double_xq->lock);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, queues_of(&double_client[0]->occupancy), 4U);
}

/* A job of many multiplications is a long one although those before it were not. */
static void long_job_cannot_hide(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, given_queues(test, 4), 0);
	double_xq->macs_per_us = 1000;
	double_known(0, NSEC_PER_USEC);
	client_comes(test, 0, 50 * NSEC_PER_MSEC);
	guard(spinlock_irq)(&double_xq->lock);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, queues_of(&double_client[0]->occupancy), 2U);
	KUNIT_EXPECT_EQ(test, double_xq->queue[0].inflight, 1U);
	KUNIT_EXPECT_EQ(test, double_xq->queue[0].ahead_ns, 50ULL * NSEC_PER_MSEC);
}

/* What was never run is not short, however short its lane's jobs were. */
static void new_program_cannot_hide(struct kunit *test)
{
	u64 run_ns = 0;

	KUNIT_ASSERT_EQ(test, given_queues(test, 4), 0);
	double_known(0, NSEC_PER_USEC);
	client_comes(test, 0, 0);
	guard(spinlock_irq)(&double_xq->lock);
	list_first_entry(&double_client[0]->lane[0].jobs, struct xqaccel_job, node)->measured_ns =
		&run_ns;
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, double_xq->queue[0].ahead_ns, (u64)XQACCEL_QUEUE_NS);
	double_complete(test, 0, 5 * NSEC_PER_USEC);
	KUNIT_EXPECT_EQ(test, run_ns, 5ULL * NSEC_PER_USEC);
}

#define CROWD		128
#define RUNS		16

/* How long the scheduler takes at best to find that nothing can be done. */
static u64 idle_run_ns(void)
{
	u64 best = ~0ULL;
	unsigned int i;

	for (i = 0; i < RUNS; i++) {
		const u64 start = ktime_get_raw_ns();

		xqaccel_sched_run(double_xq);
		best = min_t(u64, best, ktime_get_raw_ns() - start);
	}
	return best;
}

/*
 * Thousands of lanes of a user who has what he may have do not keep the processor, and a short job
 * among them is found.
 */
static void crowd_is_passed_over(struct kunit *test)
{
	struct xqaccel_client *clients, *client = NULL;
	struct xqaccel_job *jobs;
	u64 few, many;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, given_queues(test, 4), 0);
	clients = kunit_kzalloc(test, CROWD * sizeof(*clients), GFP_KERNEL);
	jobs = kunit_kzalloc(test, CROWD * XQACCEL_LANES * sizeof(*jobs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clients);
	KUNIT_ASSERT_NOT_NULL(test, jobs);
	double_client[1]->user = double_user[0];
	for (i = 0; i < 2; i++)
		client_comes(test, i, 50 * NSEC_PER_MSEC);
	guard(spinlock_irq)(&double_xq->lock);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, queues_of(&double_user[0]->occupancy), 3U);
	few = idle_run_ns();
	for (i = 0; i < CROWD * XQACCEL_LANES; i++) {
		client = &clients[i / XQACCEL_LANES];
		if (!(i % XQACCEL_LANES))
			double_client_init(client, double_user[0]);
		INIT_LIST_HEAD(&jobs[i].node);
		jobs[i].client = client;
		jobs[i].lane = &client->lane[i % XQACCEL_LANES];
		xqaccel_sched_enqueue(&jobs[i]);
	}
	many = idle_run_ns();
	KUNIT_EXPECT_EQ(test, queues_of(&double_user[0]->occupancy), 3U);
	/* It was tens of times as long. */
	KUNIT_EXPECT_LE(test, many, 8 * few + 2000);

	xqaccel_sched_remove(&jobs[i - 1]);
	client->lane[XQACCEL_LANES - 1].job_ns = NSEC_PER_USEC;
	xqaccel_sched_enqueue(&jobs[i - 1]);
	xqaccel_sched_run(double_xq);
	KUNIT_EXPECT_EQ(test, jobs[i - 1].state, XQACCEL_JOB_ACTIVE);
}

static struct kunit_case shares_cases[] = {
	KUNIT_CASE(device_time_decides),
	KUNIT_CASE(users_before_clients),
	KUNIT_CASE(clients_before_lanes),
	KUNIT_CASE(sleeper_saves_nothing),
	KUNIT_CASE(priorities),
	KUNIT_CASE(long_jobs_leave_a_queue),
	KUNIT_CASE(long_jobs_behind_short_ones_leave_a_queue),
	KUNIT_CASE(short_jobs_get_all_queues),
	KUNIT_CASE(long_job_cannot_hide),
	KUNIT_CASE(new_program_cannot_hide),
	KUNIT_CASE(crowd_is_passed_over),
	{}
};

static struct kunit_suite shares_suite = {
	.name = "xqaccel_shares",
	.init = given_two_queues,
	.test_cases = shares_cases,
};
kunit_test_suite(shares_suite);
