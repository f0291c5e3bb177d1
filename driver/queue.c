// SPDX-License-Identifier: GPL-2.0
/* Hardware queues: rings, doorbells, and taking completions from a device that may lie. */
#include <linux/dma-mapping.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>

#include "client.h"
#include "fault.h"
#include "job.h"
#include "timeout.h"
#include "words.h"

static_assert(sizeof(struct xq_hw_descriptor) == 1024);
static_assert(offsetof(struct xq_hw_descriptor, operand) % XQACCEL_CHUNK_BYTES == 0);
static_assert(sizeof(struct xq_hw_operand) % XQACCEL_CHUNK_BYTES == 0);
static_assert(sizeof(struct xq_hw_completion) == 64);

static size_t sq_bytes(const struct xqaccel_queue *q)
{
	return max_t(size_t, PAGE_SIZE, sizeof(*q->sq) << q->log2);
}

static size_t cq_bytes(const struct xqaccel_queue *q)
{
	return max_t(size_t, PAGE_SIZE, sizeof(*q->cq) << q->log2);
}

static u32 ring_next(const struct xqaccel_queue *q, u32 index)
{
	return (index + 1) & ((1U << q->log2) - 1);
}

int xqaccel_queues_alloc(struct xqaccel_device *xq)
{
	unsigned int i;

	for (i = 0; i < xq->caps.queues; i++) {
		struct xqaccel_queue *q = &xq->queue[i];

		q->log2 = min_t(u32, XQACCEL_RING_LOG2, xq->caps.ring_log2);
		q->sq = dma_alloc_coherent(xq->parent, sq_bytes(q), &q->sq_dma, GFP_KERNEL);
		q->cq = dma_alloc_coherent(xq->parent, cq_bytes(q), &q->cq_dma, GFP_KERNEL);
		if (!q->sq || !q->cq)
			return -ENOMEM;
	}
	return 0;
}

/* A device that may still write the rings keeps them. */
void xqaccel_queues_free(struct xqaccel_device *xq)
{
	unsigned int i;

	for (i = 0; i < xq->caps.queues; i++) {
		struct xqaccel_queue *q = &xq->queue[i];

		if (q->sq && xq->dma != XQACCEL_DMA_UNKNOWN)
			dma_free_coherent(xq->parent, sq_bytes(q), q->sq, q->sq_dma);
		if (q->cq && xq->dma != XQACCEL_DMA_UNKNOWN)
			dma_free_coherent(xq->parent, cq_bytes(q), q->cq, q->cq_dma);
		q->sq = NULL;
		q->cq = NULL;
	}
}

static void queue_write(struct xqaccel_queue *q, u32 reg, u32 value)
{
	xqaccel_write(q->xq, XQ_QUEUE(q->index, reg), value);
}

/* From reset to running, with empty rings. */
void xqaccel_queue_start(struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	struct xqaccel_device *xq = q->xq;

	lockdep_assert_held(&xq->lock);

	raw_spin_lock(&q->bell);
	memset(q->cq, 0, cq_bytes(q));
	/* Who rings another queue looks at these without a lock, see bells_due(). */
	WRITE_ONCE(q->sq_tail, 0);
	WRITE_ONCE(q->sq_rung, 0);
	WRITE_ONCE(q->cq_head, 0);
	WRITE_ONCE(q->cq_rung, 0);
	q->phase = 1;
	dma_wmb();
	xqaccel_write64(xq, XQ_QUEUE(q->index, XQ_Q_SQ_BASE), q->sq_dma);
	xqaccel_write64(xq, XQ_QUEUE(q->index, XQ_Q_CQ_BASE), q->cq_dma);
	queue_write(q, XQ_Q_SIZE, q->log2);
	if (xq->caps.features & XQACCEL_FEATURE_COALESCE)
		queue_write(q, XQ_Q_COALESCE, XQ_Q_COALESCE_COUNT(XQACCEL_COALESCE_JOBS) |
			    XQ_Q_COALESCE_US(XQACCEL_COALESCE_US));
	queue_write(q, XQ_Q_CTRL, XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ);
	q->silent = false;
	q->broken = false;
	q->halted = false;
	q->idle = false;
	WRITE_ONCE(q->stopped, false);
	raw_spin_unlock(&q->bell);
}

/* Nobody gives it jobs or rings its doorbells when this returns. */
void xqaccel_queue_stop(struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	lockdep_assert_held(&q->xq->lock);

	raw_spin_lock(&q->bell);
	WRITE_ONCE(q->stopped, true);
	raw_spin_unlock(&q->bell);
}

/* The device starts none of the jobs that it has not started yet. */
void xqaccel_queue_halt(struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	lockdep_assert_held(&q->xq->lock);

	queue_write(q, XQ_Q_CTRL, XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ | XQ_Q_CTRL_HALT);
	q->silent = false;
	q->halted = true;
}

/*
 * Has the device raise interrupts again. It raises one for completions that it does not know to
 * have been taken, and that may bring nothing any more.
 */
void xqaccel_queue_listen(struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	lockdep_assert_held(&q->xq->lock);

	if (!q->silent || q->stopped)
		return;
	q->silent = false;
	q->polled = true;
	queue_write(q, XQ_Q_CTRL, XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ);
}

/*
 * Somebody who polls looks at the ring anyway, so his job needs no interrupt if no other job is on
 * the queue that needs one. Fences need one: who waits for them does not poll.
 */
static void choose_interrupts(struct xqaccel_queue *q, const struct xqaccel_job *job)
	__must_hold(&q->xq->lock)
{
	lockdep_assert_held(&q->xq->lock);

	if (!job->polled || job->fence) {
		xqaccel_queue_listen(q);
	} else if (!q->inflight && !q->silent) {
		q->silent = true;
		queue_write(q, XQ_Q_CTRL, XQ_Q_CTRL_ENABLE);
	}
}

bool xqaccel_queue_idle(struct xqaccel_queue *q)
{
	return xqaccel_read(q->xq, XQ_QUEUE(q->index, XQ_Q_STATUS)) & XQ_Q_STATUS_IDLE;
}

/*
 * Keeps in mind how far the device has come, before a reset makes it forget. If it can't tell it
 * may have started everything.
 */
void xqaccel_queue_note_reached(struct xqaccel_queue *q, bool answers)
	__must_hold(&q->xq->lock)
{
	u32 reached = ~0U;

	lockdep_assert_held(&q->xq->lock);

	if (answers) {
		/* It would go on between the question and the reset. */
		xqaccel_queue_halt(q);
		reached = xqaccel_read(q->xq, XQ_QUEUE(q->index, XQ_Q_SQ_HEAD));
	}
	q->step = ~0U;
	if (answers) {
		const u32 tail = xqaccel_read(q->xq, XQ_QUEUE(q->index, XQ_Q_CQ_TAIL));

		q->step = xqaccel_read(q->xq, XQ_QUEUE(q->index, XQ_Q_STEP));
		/* A completion in between, and the step may be of one run or of the next. */
		q->step_tail = xqaccel_read(q->xq, XQ_QUEUE(q->index, XQ_Q_CQ_TAIL));
		if (q->step_tail != tail)
			q->step = ~0U;
	}
	q->reached = reached >> q->log2 ? q->sq_tail : reached;
}

/*
 * How many of the jobs in flight had started by then. More than there are means that the device
 * has gone on since, and that there were completions.
 */
unsigned int xqaccel_queue_started(const struct xqaccel_queue *q)
{
	const u32 mask = (1U << q->log2) - 1;
	const u32 started = (q->reached - (q->sq_tail - q->inflight)) & mask;

	return started <= q->inflight ? started : 0;
}

/* Whether the oldest job took too long. One that the device was kept from starting did not. */
bool xqaccel_queue_late(struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	const struct xqaccel_job *head = xqaccel_queue_head(q);

	lockdep_assert_held(&q->xq->lock);

	return head && time_after_eq(jiffies, head->deadline) &&
	       !(q->halted && xqaccel_queue_idle(q));
}

/* A job's time runs from when it is the oldest of its queue; one that was canceled has none. */
static void head_begins(struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	struct xqaccel_job *head = xqaccel_queue_head(q);
	bool at_once;

	lockdep_assert_held(&q->xq->lock);

	if (!head)
		return;
	if (!head->head_ns)
		head->head_ns = ktime_get_ns();
	at_once = head->canceled || xqaccel_fault_job_timeout();
	head->deadline = jiffies + (at_once ? 0 : head->timeout);
	if (at_once)
		mod_delayed_work(xqaccel_job_wq, &q->watch, 0);
}

/* Stops a job in flight as soon as it is the oldest of its queue, if it has not ended by then. */
void xqaccel_queue_cancel(struct xqaccel_job *job)
	__must_hold(&job->client->xq->lock)
{
	struct xqaccel_queue *q = job->lane->queue;

	lockdep_assert_held(&job->client->xq->lock);

	job->canceled = true;
	if (q && xqaccel_queue_head(q) == job)
		head_begins(q);
}

/*
 * Whether one more job would not be ahead of others for long. An empty queue always has room,
 * unless it is stopped: with nothing in flight nobody would ask again.
 */
bool xqaccel_queue_has_room(const struct xqaccel_queue *q)
{
	const u32 depth = min_t(u32, XQACCEL_QUEUE_DEPTH, (1U << q->log2) - 1);

	if (q->stopped || q->broken || q->inflight >= depth)
		return false;
	return !q->inflight || (q->ahead_ns < XQACCEL_QUEUE_NS && !xqaccel_fault_full_queue());
}

/* What an earlier job had behind this one's last operand is cleared. */
static void descriptor_write(struct xqaccel_queue *q, const struct xqaccel_job *job)
{
	struct xq_hw_descriptor *slot = &q->sq[q->sq_tail];
	const u16 bytes = xqaccel_job_desc_bytes(job), before = q->written[q->sq_tail];

	xqaccel_chunks_copy(slot, &job->desc, bytes);
	if (before > bytes)
		memset((u8 *)slot + bytes, 0, before - bytes);
	q->written[q->sq_tail] = bytes;
}

/* Puts a job on the ring; the caller saw that there is room, and calls xqaccel_queue_ring(). */
void xqaccel_queue_push(struct xqaccel_queue *q, struct xqaccel_job *job)
	__must_hold(&q->xq->lock)
{
	struct xqaccel_device *xq = q->xq;

	lockdep_assert_held(&xq->lock);

	choose_interrupts(q, job);
	job->desc.id = cpu_to_le64(++xq->next_id);
	descriptor_write(q, job);
	/* The descriptor must be in memory before the doorbell, whoever rings it. */
	dma_wmb();
	WRITE_ONCE(q->sq_tail, ring_next(q, q->sq_tail));
	list_move_tail(&job->node, &q->jobs);
	if (!q->inflight++)
		head_begins(q);
	xqaccel_watch_arm(q);
}

/* Whether a doorbell is due. */
static bool bells_due(const struct xqaccel_queue *q)
{
	return !READ_ONCE(q->stopped) && (READ_ONCE(q->sq_rung) != READ_ONCE(q->sq_tail) ||
					  READ_ONCE(q->cq_rung) != READ_ONCE(q->cq_head));
}

/* Rings the doorbells that have to be. Values only move on, since each is read under the lock. */
static void ring_bells(struct xqaccel_queue *q)
	__must_hold(&q->bell)
{
	const u32 tail = READ_ONCE(q->sq_tail), head = READ_ONCE(q->cq_head);

	lockdep_assert_held(&q->bell);

	if (q->stopped)
		return;
	if (q->cq_rung != head) {
		WRITE_ONCE(q->cq_rung, head);
		queue_write(q, XQ_Q_CQ_HEAD, head);
	}
	if (q->sq_rung != tail) {
		WRITE_ONCE(q->sq_rung, tail);
		queue_write(q, XQ_Q_SQ_TAIL, tail);
	}
}

/*
 * Tells the device of all that was put on the ring, and of what was taken off the other one. With
 * or without xqaccel_device.lock; better without, since an emulated device may take its time over a
 * doorbell. If another processor is at it, that one sees to the rest.
 */
void xqaccel_queue_ring(struct xqaccel_queue *q)
{
	unsigned long flags;

	/*
	 * What a doorbell is rung for must be visible before the lock is found taken: its
	 * holder looks again after giving it up, see below.
	 */
	smp_mb();
	while (bells_due(q)) {
		if (!raw_spin_trylock_irqsave(&q->bell, flags))
			return;
		ring_bells(q);
		raw_spin_unlock_irqrestore(&q->bell, flags);
		/* The lock must be free before one looks again, see above. */
		smp_mb();
	}
}

/* A completion that can't be true means that the queue's state is no longer known. */
static void protocol_error(struct xqaccel_queue *q, const char *what)
{
	q->broken = true;
	atomic64_inc(&q->xq->stats.bad_completions);
	dev_warn_ratelimited(&q->xq->dev, "queue %u: %s\n", q->index, what);
}

/* What the device says of its own accord: it cancels what a migration finds it unable to end. */
static bool status_known(u16 status)
{
	return status <= XQACCEL_STATUS_INVALID || status == XQACCEL_STATUS_CANCELED;
}

static bool completion_believable(struct xqaccel_queue *q, const struct xq_hw_completion *c)
{
	const struct xqaccel_job *head = xqaccel_queue_head(q);

	if (!head)
		protocol_error(q, "completion without a job");
	else if (c->id != head->desc.id)
		protocol_error(q, "completion of another job than the oldest");
	else if (!status_known(le16_to_cpu(c->status)))
		protocol_error(q, "completion with an unknown status");
	else
		return true;
	return false;
}

/*
 * Takes new completions without ringing the doorbell. The index and phase are our own, so
 * nothing that the device writes decides where we read.
 */
bool xqaccel_queue_collect(struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	bool any = false;

	lockdep_assert_held(&q->xq->lock);

	while (!q->broken) {
		const struct xq_hw_completion *entry = &q->cq[q->cq_head];
		struct xq_hw_completion c;

		if ((le16_to_cpu(READ_ONCE(entry->phase)) & 1) != q->phase)
			break;
		/* The phase is written last, so it is read first. */
		dma_rmb();
		memcpy(&c, entry, sizeof(c));
		/* What is checked is the copy; the device may go on writing. */
		barrier();
		if (!completion_believable(q, &c))
			break;
		WRITE_ONCE(q->cq_head, ring_next(q, q->cq_head));
		if (!q->cq_head)
			q->phase ^= 1;
		q->inflight--;
		q->xq->fruitless_resets = 0;
		xqaccel_job_result(xqaccel_queue_head(q), &c);
		head_begins(q);
		any = true;
	}
	return any;
}

/* Takes new completions; returns whether there were any. The caller rings the doorbell. */
bool xqaccel_queue_reap(struct xqaccel_queue *q)
	__must_hold(&q->xq->lock)
{
	lockdep_assert_held(&q->xq->lock);

	return !q->stopped && xqaccel_queue_collect(q);
}
