// SPDX-License-Identifier: GPL-2.0
/* Ring arithmetic, and what is made of completions that a device may or may not mean. */
#include <kunit/test.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/types.h>

#include "doubles.h"

#define LOG2	2	/* four entries, so that it wraps soon */

static int given_queue(struct kunit *test)
{
	struct xqaccel_queue *q;
	int ret = double_device(test, 1);

	if (ret)
		return ret;
	q = &double_xq->queue[0];
	q->log2 = LOG2;
	double_known(0, NSEC_PER_USEC);
	spin_lock_irq(&double_xq->lock);
	xqaccel_queue_start(q);
	spin_unlock_irq(&double_xq->lock);
	return 0;
}

static struct xqaccel_queue *queue(void)
{
	return &double_xq->queue[0];
}

/* Writes what a device would, at the entry and with the phase of its n-th completion. */
static void device_completes(unsigned int n, u64 id, unsigned int status)
{
	struct xq_hw_completion *c = &queue()->cq[n % (1U << LOG2)];

	memset(c, 0, sizeof(*c));
	c->id = cpu_to_le64(id);
	c->status = cpu_to_le16(status);
	c->phase = cpu_to_le16(!(n >> LOG2 & 1));
}

static struct xqaccel_job *push(struct kunit *test)
{
	struct xqaccel_job *job = double_job(test, 0, 0);

	xqaccel_sched_enqueue(job);
	xqaccel_sched_run(double_xq);
	KUNIT_ASSERT_TRUE(test, job->state == XQACCEL_JOB_ACTIVE);
	return job;
}

/* Ten times around: index and phase follow the device's. */
static void wraps(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	unsigned int n;

	for (n = 0; n < 40; n++) {
		struct xqaccel_job *job = push(test);

		KUNIT_ASSERT_EQ(test, queue()->sq_tail, (n + 1) % 4);
		KUNIT_EXPECT_EQ(test, queue()->sq[n % 4].id, job->desc.id);
		KUNIT_EXPECT_FALSE(test, xqaccel_queue_reap(queue()));
		device_completes(n, le64_to_cpu(job->desc.id), XQACCEL_STATUS_OK);
		KUNIT_ASSERT_TRUE(test, xqaccel_queue_reap(queue()));
		KUNIT_EXPECT_EQ(test, queue()->cq_head, (n + 1) % 4);
		KUNIT_EXPECT_EQ(test, queue()->inflight, 0U);
		KUNIT_EXPECT_EQ(test, double_results, n + 1);
	}
	KUNIT_EXPECT_FALSE(test, queue()->broken);
}

static bool interrupts_on(void)
{
	return readl(double_xq->regs + XQ_QUEUE(0, XQ_Q_CTRL)) & XQ_Q_CTRL_IRQ;
}

static struct xqaccel_job *enqueue_polled(struct kunit *test, unsigned int lane, bool polled)
{
	struct xqaccel_job *job = double_job(test, 0, lane);

	job->polled = polled;
	xqaccel_sched_enqueue(job);
	xqaccel_sched_run(double_xq);
	return job;
}

static void end_all(struct kunit *test)
{
	while (queue()->inflight) {
		double_complete(test, 0, NSEC_PER_USEC);
		xqaccel_sched_run(double_xq);
	}
}

/* Interrupts are off while there are only jobs that somebody polls for, and nobody waits. */
static void polled(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, interrupts_on());
	for (i = 0; i < 2; i++) {
		enqueue_polled(test, 0, true);
		KUNIT_EXPECT_FALSE(test, interrupts_on());
		end_all(test);
	}
	enqueue_polled(test, 0, true);
	enqueue_polled(test, 1, false);
	KUNIT_EXPECT_TRUE(test, interrupts_on());
	KUNIT_EXPECT_TRUE(test, queue()->polled);
	/* There is one that needs them. */
	enqueue_polled(test, 2, true);
	KUNIT_EXPECT_TRUE(test, interrupts_on());
	end_all(test);
	enqueue_polled(test, 0, true);
	KUNIT_EXPECT_FALSE(test, interrupts_on());
	/* The ring has room for three. */
	for (i = 1; i < 4; i++)
		enqueue_polled(test, i, true);
	KUNIT_EXPECT_TRUE(test, interrupts_on());
	end_all(test);
	enqueue_polled(test, 0, true);
	xqaccel_queue_listen(queue());
	KUNIT_EXPECT_TRUE(test, interrupts_on());
	end_all(test);
	enqueue_polled(test, 0, true);
	xqaccel_queue_halt(queue());
	KUNIT_EXPECT_TRUE(test, interrupts_on());
	KUNIT_EXPECT_FALSE(test, queue()->silent);
}

/* What an earlier round left in the ring is not a completion. */
static void old_entries(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *job;
	unsigned int n;

	for (n = 0; n < 4; n++) {
		job = push(test);
		device_completes(n, le64_to_cpu(job->desc.id), XQACCEL_STATUS_OK);
		KUNIT_ASSERT_TRUE(test, xqaccel_queue_reap(queue()));
	}
	push(test);
	KUNIT_EXPECT_FALSE(test, xqaccel_queue_reap(queue()));
	KUNIT_EXPECT_EQ(test, queue()->inflight, 1U);
}

static void several_at_once(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	unsigned int n;

	for (n = 0; n < 3; n++)
		device_completes(n, le64_to_cpu(push(test)->desc.id), XQACCEL_STATUS_OK);
	KUNIT_ASSERT_TRUE(test, xqaccel_queue_reap(queue()));
	KUNIT_EXPECT_EQ(test, double_results, 3U);
	KUNIT_EXPECT_EQ(test, queue()->inflight, 0U);
}

static void fill(struct kunit *test, unsigned int jobs)
{
	unsigned int n;

	for (n = 0; n < jobs; n++) {
		KUNIT_EXPECT_TRUE(test, xqaccel_queue_has_room(queue()));
		push(test);
	}
	KUNIT_EXPECT_FALSE(test, xqaccel_queue_has_room(queue()));
}

static void has_room(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	queue()->log2 = XQACCEL_RING_LOG2;
	fill(test, XQACCEL_QUEUE_DEPTH);
}

/* One entry stays free. */
static void has_no_room_in_a_short_ring(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	fill(test, (1U << LOG2) - 1);
}

static u32 told(u32 doorbell)
{
	return xqaccel_read(double_xq, XQ_QUEUE(0, doorbell));
}

/* The device is told of what is on the ring and off the other, but not of a stopped queue. */
static void doorbells(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *job = push(test);

	KUNIT_EXPECT_EQ(test, told(XQ_Q_SQ_TAIL), 1U);
	device_completes(0, le64_to_cpu(job->desc.id), XQACCEL_STATUS_OK);
	KUNIT_ASSERT_TRUE(test, xqaccel_queue_reap(queue()));
	KUNIT_EXPECT_EQ(test, told(XQ_Q_CQ_HEAD), 0U);
	xqaccel_sched_ring(double_xq);
	KUNIT_EXPECT_EQ(test, told(XQ_Q_CQ_HEAD), 1U);
	xqaccel_sched_enqueue(double_job(test, 0, 0));
	xqaccel_sched_dispatch(double_xq);
	xqaccel_queue_stop(queue());
	xqaccel_sched_ring(double_xq);
	KUNIT_EXPECT_EQ(test, told(XQ_Q_SQ_TAIL), 1U);
}

/* A descriptor has nothing of the one that was there before. */
static void short_after_long(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	struct xqaccel_job *job;
	unsigned int n;

	for (n = 0; n < 5; n++) {
		const unsigned int operands = n < 4 ? XQ_OPERANDS : 2;

		job = double_job(test, 0, 0);
		job->operands = operands;
		memset(job->desc.operand, 0xff, sizeof(job->desc.operand));
		xqaccel_sched_enqueue(job);
		xqaccel_sched_run(double_xq);
		device_completes(n, le64_to_cpu(job->desc.id), XQACCEL_STATUS_OK);
		KUNIT_ASSERT_TRUE(test, xqaccel_queue_reap(queue()));
	}
	for (n = 0; n < XQ_OPERANDS; n++)
		KUNIT_EXPECT_EQ(test, le64_to_cpu(queue()->sq[0].operand[n].address),
				n < 2 ? ~0ULL : 0);
}

/* Few jobs, but it will be a while before another could begin. */
static void has_no_room_for_long(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	double_known(0, XQACCEL_QUEUE_NS / 2);
	push(test);
	KUNIT_EXPECT_TRUE(test, xqaccel_queue_has_room(queue()));
	push(test);
	KUNIT_EXPECT_FALSE(test, xqaccel_queue_has_room(queue()));
	device_completes(0, le64_to_cpu(xqaccel_queue_head(queue())->desc.id), XQACCEL_STATUS_OK);
	KUNIT_ASSERT_TRUE(test, xqaccel_queue_reap(queue()));
	KUNIT_EXPECT_TRUE(test, xqaccel_queue_has_room(queue()));
}

/* After any of these the queue is broken, no job has ended, and nothing more is taken. */
static void expect_broken(struct kunit *test, unsigned int ended)
{
	xqaccel_queue_reap(queue());
	KUNIT_EXPECT_TRUE(test, queue()->broken);
	KUNIT_EXPECT_EQ(test, double_results, ended);
	KUNIT_EXPECT_FALSE(test, xqaccel_queue_has_room(queue()));
	KUNIT_EXPECT_FALSE(test, xqaccel_queue_reap(queue()));
}

static void completion_of_no_job(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	device_completes(0, 1, XQACCEL_STATUS_OK);
	expect_broken(test, 0);
}

static void completion_of_another(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	push(test);
	device_completes(0, le64_to_cpu(push(test)->desc.id), XQACCEL_STATUS_OK);
	expect_broken(test, 0);
}

static void completion_twice(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	const u64 id = le64_to_cpu(push(test)->desc.id);

	push(test);
	device_completes(0, id, XQACCEL_STATUS_OK);
	device_completes(1, id, XQACCEL_STATUS_OK);
	expect_broken(test, 1);
}

static void unknown_status(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	device_completes(0, le64_to_cpu(push(test)->desc.id), XQACCEL_STATUS_INVALID + 1);
	expect_broken(test, 0);
}

/* Of its own accord, as in a migration. */
static void canceled_by_the_device(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	device_completes(0, le64_to_cpu(push(test)->desc.id), XQACCEL_STATUS_CANCELED);
	KUNIT_ASSERT_TRUE(test, xqaccel_queue_reap(queue()));
	KUNIT_EXPECT_EQ(test, double_results, 1U);
	KUNIT_EXPECT_FALSE(test, queue()->broken);
}

static void status_of_the_driver(struct kunit *test)
{
	guard(spinlock_irq)(&double_xq->lock);
	device_completes(0, le64_to_cpu(push(test)->desc.id), XQACCEL_STATUS_LOST);
	expect_broken(test, 0);
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE(wraps),
	KUNIT_CASE(polled),
	KUNIT_CASE(old_entries),
	KUNIT_CASE(several_at_once),
	KUNIT_CASE(has_room),
	KUNIT_CASE(has_no_room_in_a_short_ring),
	KUNIT_CASE(doorbells),
	KUNIT_CASE(short_after_long),
	KUNIT_CASE(has_no_room_for_long),
	KUNIT_CASE(completion_of_no_job),
	KUNIT_CASE(completion_of_another),
	KUNIT_CASE(completion_twice),
	KUNIT_CASE(unknown_status),
	KUNIT_CASE(canceled_by_the_device),
	KUNIT_CASE(status_of_the_driver),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "xqaccel_queue",
	.init = given_queue,
	.test_cases = queue_cases,
};
kunit_test_suite(queue_suite);
