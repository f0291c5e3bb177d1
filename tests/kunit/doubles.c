// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/types.h>

#include "doubles.h"
#include "fault.h"
#include "fence.h"
#include "timeout.h"

struct xqaccel_device *double_xq;
struct xqaccel_client *double_client[DOUBLE_CLIENTS];
struct xqaccel_user *double_user[DOUBLE_CLIENTS];
struct xqaccel_job *double_ended[DOUBLE_JOBS];
unsigned int double_results, double_failed;
int double_power, double_power_gets;
struct workqueue_struct *xqaccel_job_wq;

/* All in one piece, because a test's memory is freed at its end. */
struct world {
	struct xqaccel_device xq;
	struct xqaccel_client client[DOUBLE_CLIENTS];
	struct xqaccel_user user[DOUBLE_CLIENTS];
	struct xqaccel_job job[DOUBLE_JOBS];
	unsigned int jobs;
	u32 regs[65536 / 4];
	struct xq_hw_descriptor sq[XQ_MAX_QUEUES][1 << XQACCEL_RING_LOG2];
	struct xq_hw_completion cq[XQ_MAX_QUEUES][1 << XQACCEL_RING_LOG2 > PAGE_SIZE / 64 ?
						  1 << XQACCEL_RING_LOG2 : PAGE_SIZE / 64];
};

static struct world *world;

void double_client_init(struct xqaccel_client *client, struct xqaccel_user *user)
{
	unsigned int i;

	client->xq = double_xq;
	client->user = user;
	client->priority = XQACCEL_PRIORITY_NORMAL;
	xqaccel_sched_init_client(client);
	INIT_LIST_HEAD(&client->done);
	for (i = 0; i < XQACCEL_LANES; i++) {
		client->lane[i].client = client;
		client->lane[i].index = i;
		INIT_LIST_HEAD(&client->lane[i].jobs);
		INIT_LIST_HEAD(&client->lane[i].done);
	}
}

int double_device(struct kunit *test, unsigned int queues)
{
	unsigned int i;

	world = kunit_kzalloc(test, sizeof(*world), GFP_KERNEL);
	if (!world)
		return -ENOMEM;
	double_xq = &world->xq;
	double_xq->regs = (void __iomem *)world->regs;
	double_xq->caps.queues = queues;
	double_xq->power = XQACCEL_ACTIVE;
	double_xq->caps.clock_hz = NSEC_PER_SEC;
	xqaccel_sched_init_device(double_xq);
	spin_lock_init(&double_xq->lock);
	for (i = 0; i < queues; i++) {
		struct xqaccel_queue *q = &double_xq->queue[i];

		q->xq = double_xq;
		q->index = i;
		q->log2 = XQACCEL_RING_LOG2;
		q->sq = world->sq[i];
		q->cq = world->cq[i];
		raw_spin_lock_init(&q->bell);
		INIT_LIST_HEAD(&q->jobs);
		spin_lock_irq(&double_xq->lock);
		xqaccel_queue_start(q);
		spin_unlock_irq(&double_xq->lock);
	}
	for (i = 0; i < DOUBLE_CLIENTS; i++) {
		double_user[i] = &world->user[i];
		xqaccel_sched_init_user(double_user[i]);
		double_client[i] = &world->client[i];
		double_client_init(double_client[i], double_user[i]);
	}
	double_results = 0;
	double_power = 0;
	double_power_gets = 0;
	double_failed = 0;
	return 0;
}

void double_known(unsigned int client, u64 ns)
{
	unsigned int i;

	for (i = 0; i < XQACCEL_LANES; i++)
		double_client[client]->lane[i].job_ns = ns;
}

struct xqaccel_job *double_job(struct kunit *test, unsigned int client, unsigned int lane)
{
	struct xqaccel_job *job;

	KUNIT_ASSERT_TRUE(test, world->jobs < DOUBLE_JOBS);
	job = &world->job[world->jobs++];
	INIT_LIST_HEAD(&job->node);
	job->client = double_client[client];
	job->lane = &job->client->lane[lane];
	job->timeout = 1000;
	return job;
}

void double_complete(struct kunit *test, unsigned int queue, u64 ns)
{
	struct xqaccel_queue *q = &double_xq->queue[queue];
	struct xqaccel_job *head = xqaccel_queue_head(q);
	struct xq_hw_completion *c = &q->cq[q->cq_head];
	const u64 ticks = div64_u64(ns * (u32)(double_xq->caps.clock_hz / 1000000), 1000);
	const u64 start = 1ULL << 40;

	KUNIT_ASSERT_NOT_NULL(test, head);
	/* The kernel's clock can't be set, so what it is compared with is. */
	head->dispatched_ns -= ns;
	memset(c, 0, sizeof(*c));
	c->id = head->desc.id;
	c->start = cpu_to_le64(start);
	c->end = cpu_to_le64(start + ticks);
	c->phase = cpu_to_le16(q->phase);
	KUNIT_EXPECT_TRUE(test, xqaccel_queue_reap(q));
}

bool double_idle(void)
{
	unsigned int i;

	for (i = 0; i < XQACCEL_CLASSES; i++)
		if (!xqaccel_fair_idle(&double_xq->class[i]))
			return false;
	return true;
}

/* ---- in place of job.c, fence.c and timeout.c --------------------------------------------------- */

static void job_ends(struct xqaccel_job *job)
{
	const unsigned int n = double_results + double_failed;

	list_del_init(&job->node);
	if (n < DOUBLE_JOBS)
		double_ended[n] = job;
}

void xqaccel_job_result(struct xqaccel_job *job, const struct xq_hw_completion *c)
{
	job->completion.status = le16_to_cpu(c->status);
	job->completion.start = le64_to_cpu(c->start);
	job->completion.end = le64_to_cpu(c->end);
	xqaccel_sched_left(job);
	job_ends(job);
	double_results++;
}

void xqaccel_job_fail(struct xqaccel_job *job, u32 status)
{
	job_ends(job);
	double_failed++;
}

/* Fences that are there are not signalled. */
bool xqaccel_fence_blocks(const struct xqaccel_job *job)
{
	return job->fence;
}

void xqaccel_fence_dependencies_leave(struct xqaccel_fence *fence)
{
}

void xqaccel_watch_arm(struct xqaccel_queue *q)
{
}

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
bool xqaccel_fault_full_queue(void)
{
	return false;
}

bool xqaccel_fault_job_timeout(void)
{
	return false;
}
#endif

MODULE_DESCRIPTION("Tests of the xqaccel driver's pure functions");
MODULE_LICENSE("GPL");

void xqaccel_power_get(struct xqaccel_device *xq)
{
	double_power++;
	double_power_gets++;
}

void xqaccel_power_put(struct xqaccel_device *xq)
{
	double_power--;
}
