// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/types.h>

#include "doubles.h"

struct xqaccel_device *double_xq;
struct xqaccel_client *double_client[DOUBLE_CLIENTS];
struct xqaccel_job_request *double_ended[DOUBLE_JOBS];
unsigned int double_results, double_failed, double_released;
struct workqueue_struct *xqaccel_job_wq;

/* All in one piece, because a test's memory is freed at its end. */
struct world {
	struct xqaccel_device xq;
	struct xqaccel_client client[DOUBLE_CLIENTS];
	struct xqaccel_job_request job[DOUBLE_JOBS];
	unsigned int jobs;
	u32 regs[65536 / 4];
	u64 ring[2][XQ_MAX_QUEUES][PAGE_SIZE / 8];
};

static struct world *world;

static void client_init(struct xqaccel_client *client)
{
	unsigned int i;

	client->xq = double_xq;
	INIT_LIST_HEAD(&client->ready_node);
	INIT_LIST_HEAD(&client->ready);
	INIT_LIST_HEAD(&client->done);
	for (i = 0; i < XQACCEL_LANES; i++) {
		client->lane[i].client = client;
		client->lane[i].index = i;
		INIT_LIST_HEAD(&client->lane[i].node);
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
	double_xq->power = XQACCEL_AWAKE;
	INIT_LIST_HEAD(&double_xq->ready);
	spin_lock_init(&double_xq->lock);
	for (i = 0; i < queues; i++) {
		struct xqaccel_queue *q = &double_xq->queue[i];

		q->xq = double_xq;
		q->index = i;
		q->log2 = XQACCEL_RING_LOG2;
		q->sq = (void *)world->ring[0][i];
		q->cq = (void *)world->ring[1][i];
		INIT_LIST_HEAD(&q->jobs);
		spin_lock_irq(&double_xq->lock);
		xqaccel_queue_start(q);
		spin_unlock_irq(&double_xq->lock);
	}
	for (i = 0; i < DOUBLE_CLIENTS; i++) {
		double_client[i] = &world->client[i];
		client_init(double_client[i]);
	}
	double_results = 0;
	double_failed = 0;
	double_released = 0;
	return 0;
}

struct xqaccel_job_request *double_job(struct kunit *test, unsigned int client, unsigned int lane)
{
	struct xqaccel_job_request *job;

	KUNIT_ASSERT_TRUE(test, world->jobs < DOUBLE_JOBS);
	job = &world->job[world->jobs++];
	INIT_LIST_HEAD(&job->node);
	job->client = double_client[client];
	job->lane = &job->client->lane[lane];
	job->timeout = 1000;
	return job;
}

void double_complete(struct kunit *test, unsigned int queue)
{
	struct xqaccel_queue *q = &double_xq->queue[queue];
	struct xqaccel_job_request *head = xqaccel_queue_head(q);
	struct xq_hw_completion *c = &q->cq[q->cq_head];

	KUNIT_ASSERT_NOT_NULL(test, head);
	memset(c, 0, sizeof(*c));
	c->id = head->desc.id;
	c->phase = cpu_to_le16(q->phase);
	KUNIT_EXPECT_TRUE(test, xqaccel_queue_reap(q));
}

/* ---- in place of job.c and watchdog.c ------------------------------------------------- */

static void job_ends(struct xqaccel_job_request *job)
{
	list_del_init(&job->node);
	double_ended[double_results + double_failed] = job;
}

void xqaccel_job_result(struct xqaccel_job_request *job, const struct xq_hw_completion *c)
{
	xqaccel_sched_left(job);
	job_ends(job);
	double_results++;
}

void xqaccel_job_fail(struct xqaccel_job_request *job, u32 status)
{
	job_ends(job);
	double_failed++;
}

void xqaccel_job_release(struct xqaccel_job_request *job)
{
	double_released++;
}

void xqaccel_job_uncount(struct xqaccel_job_request *job)
{
}

void xqaccel_watch_arm(struct xqaccel_queue *q)
{
}

MODULE_DESCRIPTION("Tests of the xqaccel driver's pure functions");
MODULE_LICENSE("GPL");
