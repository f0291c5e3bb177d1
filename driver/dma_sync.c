// SPDX-License-Identifier: GPL-2.0
/*
 * Hand-over of memory between CPU and device where the two do not see the same: boards
 * whose DMA is not coherent, and bounce buffers. Only the bytes that a job covers are
 * handed over, because the CPU may be writing elsewhere in the same buffer.
 */
#include <linux/dma-mapping.h>

#include "buffer.h"
#include "client.h"
#include "job.h"
#include "scheduler.h"

bool xqaccel_buffer_needs_sync(struct xqaccel_buffer *buf)
{
	struct device *dev = buf->client->xq->parent;
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(&buf->sgt, sg, i)
		if (dma_need_sync(dev, sg_dma_address(sg)))
			return true;
	return false;
}

static void sync_range(struct xqaccel_buffer *buf, u64 offset, u64 bytes, bool for_device)
{
	struct device *dev = buf->client->xq->parent;
	struct scatterlist *sg;
	u64 at = 0;
	int i;

	for_each_sgtable_dma_sg(&buf->sgt, sg, i) {
		const u64 from = max(offset, at), to = min(offset + bytes, at + sg_dma_len(sg));

		if (from < to && for_device)
			dma_sync_single_range_for_device(dev, sg_dma_address(sg), from - at,
							 to - from, DMA_BIDIRECTIONAL);
		else if (from < to)
			dma_sync_single_range_for_cpu(dev, sg_dma_address(sg), from - at, to - from,
						      DMA_BIDIRECTIONAL);
		at += sg_dma_len(sg);
		cond_resched();
	}
}

static void span_sync(const struct xqaccel_span *span, bool for_device)
{
	if (span->buf && span->buf->needs_sync)
		sync_range(span->buf, span->offset, span->bytes, for_device);
}

static void job_sync(struct xqaccel_request *job)
{
	unsigned int i;

	if (job->ended) {
		span_sync(&job->span[XQACCEL_C], false);
		return;
	}
	for (i = 0; i < XQACCEL_OPERANDS; i++)
		span_sync(&job->span[i], true);
}

/* Ends a job, or puts it back to the front of its lane, from where it starts. */
static void job_synced(struct xqaccel_request *job)
{
	if (job->ended)
		xqaccel_job_finish(job, job->completion.status);
	else if (job->client->xq->lost)
		xqaccel_job_finish(job, XQACCEL_STATUS_LOST);
	else if (job->client->closed)
		xqaccel_job_finish(job, XQACCEL_STATUS_CANCELED);
	else
		xqaccel_sched_requeue(job);
}

/*
 * Operands can be gigabytes, so this is neither done in an interrupt nor under the lock. Nobody
 * else knows a job that was taken from the list: it ends here, whatever became of its client or
 * of the device.
 */
void xqaccel_handover(struct work_struct *work)
{
	struct xqaccel_device *xq = container_of(work, struct xqaccel_device, handover_work);
	struct xqaccel_request *job;

	spin_lock_irq(&xq->lock);
	while ((job = list_first_entry_or_null(&xq->handover, struct xqaccel_request, node))) {
		list_del_init(&job->node);
		spin_unlock_irq(&xq->lock);
		job_sync(job);
		cond_resched();
		spin_lock_irq(&xq->lock);
		job->handed = true;
		job_synced(job);
		xqaccel_sched_run(xq);
	}
	spin_unlock_irq(&xq->lock);
}
