// SPDX-License-Identifier: GPL-2.0
/*
 * Hand-over of memory between CPU and device where the two do not see the same: boards
 * whose DMA is not coherent, and bounce buffers. Only the bytes that a job covers are
 * handed over, because the CPU may be writing elsewhere in the same buffer.
 */
#include <linux/dma-mapping.h>

#include "buffer.h"
#include "client.h"

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
	}
}

void xqaccel_buffer_sync_for_device(struct xqaccel_buffer *buf, u64 offset, u64 bytes)
{
	if (buf->needs_sync)
		sync_range(buf, offset, bytes, true);
}

void xqaccel_buffer_sync_for_cpu(struct xqaccel_buffer *buf, u64 offset, u64 bytes)
{
	if (buf->needs_sync)
		sync_range(buf, offset, bytes, false);
}
