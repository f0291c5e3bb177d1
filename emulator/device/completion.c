// SPDX-License-Identifier: MIT
/* The completion ring, interrupts, and the counters that completions feed. */
#include <string.h>

#include "device.h"

/* Free entries. One stays free, so that a full ring differs from an empty one. */
uint32_t xqdev_completion_room(const struct xqdev_queue *q)
{
	return (q->r.cq_head - q->r.cq_tail - 1) & (xqdev_entries(q) - 1);
}

void xqdev_interrupt(struct xqdev *dev, unsigned int vector)
{
	if (dev->inject.drop_interrupts) {
		dev->inject.drop_interrupts--;
		return;
	}
	dev->host->interrupt(dev->opaque, vector);
	if (dev->inject.duplicate_interrupts) {
		dev->inject.duplicate_interrupts--;
		dev->host->interrupt(dev->opaque, vector);
	}
}

static void count(struct xqdev *dev, const struct xq_hw_completion *c)
{
	switch (le16toh(c->status)) {
	case XQACCEL_STATUS_OK:
		dev->jobs++;
		dev->macs += le64toh(c->macs);
		dev->bytes += le64toh(c->bytes);
		dev->bytes_copied += le64toh(c->bytes_copied);
		break;
	case XQACCEL_STATUS_FAULT:
	case XQACCEL_STATUS_DMA:
		dev->faults++;
		break;
	}
}

static void fill(struct xq_hw_completion *c, const struct xqdev_queue *q,
		 const struct xqdev_job *job, int status)
{
	*c = (struct xq_hw_completion){
		.id = htole64(job->id),
		.start = htole64(job->start),
		.end = htole64(job->end),
		.status = htole16(status),
		.sq_head = htole16(job->sq_next),
		.phase = htole16(q->r.phase),
	};
	if (status == XQACCEL_STATUS_OK) {
		c->macs = htole64(job->macs);
		c->bytes = htole64(job->bytes);
		c->bytes_copied = htole64(atomic_load(&job->task.plan.bytes_copied));
		c->flags = htole16(job->comp_flags);
	} else if (status == XQACCEL_STATUS_FAULT || status == XQACCEL_STATUS_DMA) {
		c->fault_address = htole64(job->fault_address);
	}
	if (status)
		c->macs = htole64(job->step);
}

static void spoil(struct xqdev_faults *inject, struct xq_hw_completion *c)
{
	if (inject->wrong_id) {
		inject->wrong_id--;
		c->id ^= htole64(0xbad0bad0bad0bad0ULL);
	}
	if (inject->wrong_phase) {
		inject->wrong_phase--;
		c->phase ^= htole16(1);
	}
}

static uint64_t coalesce_ns(const struct xqdev_queue *q)
{
	return (q->r.coalesce >> 16) * 1000ULL;
}

static bool coalesces(const struct xqdev_queue *q)
{
	return (q->r.coalesce & 0xffff) > 1 && coalesce_ns(q);
}

static void tell(struct xqdev_queue *q)
{
	q->untold = 0;
	xqdev_interrupt(q->dev, XQ_VECTOR_QUEUE(q->index));
}

/* Write a job's completion; there is room. */
void xqdev_complete(struct xqdev_queue *q, const struct xqdev_job *job, int status)
{
	struct xqdev *dev = q->dev;
	const uint64_t address = q->r.cq_base + sizeof(struct xq_hw_completion) * q->r.cq_tail;
	const size_t head = offsetof(struct xq_hw_completion, phase);
	struct xq_hw_completion c;

	fill(&c, q, job, status);
	count(dev, &c);
	spoil(&dev->inject, &c);
	if (dev->host->dma_write(dev->opaque, address, &c, head)) {
		xqdev_queue_error(q);
		return;
	}
	/* Who sees the phase must see the rest. */
	atomic_thread_fence(memory_order_release);
	if (dev->host->dma_write(dev->opaque, address + head, &c.phase, sizeof(c.phase))) {
		xqdev_queue_error(q);
		return;
	}
	q->r.cq_tail = (q->r.cq_tail + 1) & (xqdev_entries(q) - 1);
	if (!q->r.cq_tail)
		q->r.phase ^= 1;
	if (!(q->r.ctrl & XQ_Q_CTRL_IRQ))
		return;
	if (!q->untold++)
		q->tell_at = dev->host->clock_ns(dev->opaque) + coalesce_ns(q);
	if (!coalesces(q))
		tell(q);
}

/*
 * Raise the interrupt for completions that wait for more, if none come soon. None is due while
 * nothing is left to do, so that who has one job waits for nothing.
 */
void xqdev_tell(struct xqdev_queue *q)
{
	struct xqdev *dev = q->dev;

	if (!q->untold)
		return;
	if (q->untold >= (q->r.coalesce & 0xffff) || dev->paused ||
	    (!q->count && q->r.sq_head == q->r.sq_tail) ||
	    dev->host->clock_ns(dev->opaque) >= q->tell_at || xqdev_timer_start(dev))
		tell(q);
	else
		xqdev_timer_arm(dev, q->tell_at);
}
