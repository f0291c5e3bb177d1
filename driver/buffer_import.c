// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of dma-bufs: memory of another driver, of udmabuf, or of this driver for another client.
 * The exporter says where the device finds it, and keeps it there while it is attached.
 */
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/module.h>

#include "buffer.h"
#include "xq_regs.h"

/* Whether the page table can express it. */
static bool whole_pages(struct sg_table *sgt, u64 bytes)
{
	struct scatterlist *sg;
	u64 sum = 0;
	int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if ((sg_dma_address(sg) | sg_dma_len(sg)) & (XQ_PAGE_BYTES - 1))
			return false;
		sum += sg_dma_len(sg);
	}
	return sum >= bytes;
}

static int attachment_map(struct xqaccel_buffer *buf)
{
	struct sg_table *sgt = dma_buf_map_attachment_unlocked(buf->attachment, buf->dir);

	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	buf->attached = sgt;
	/* Bus addresses and lengths only: the pages behind them are the exporter's matter. */
	buf->sgt = *sgt;
	buf->mapped = true;
	return whole_pages(sgt, buf->bytes) ? 0 : -EINVAL;
}

/**
 * xqaccel_import_attach() - have the device reach the memory of a dma-buf
 * @buf: which has no memory yet; import_lock is held, and the device is there
 * @dmabuf: of as many bytes as @buf
 *
 * Return: 0, or a negative errno with @buf as it was: its end may come when the device has gone.
 */
int xqaccel_import_attach(struct xqaccel_buffer *buf, struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attachment;
	int ret;

	attachment = dma_buf_attach(dmabuf, buf->dma_dev);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	buf->dmabuf = dmabuf;
	buf->attachment = attachment;
	ret = attachment_map(buf);
	if (ret) {
		xqaccel_import_detach(buf);
		buf->mapped = false;
		buf->dmabuf = NULL;
		return ret;
	}
	get_dma_buf(dmabuf);
	buf->resv = dmabuf->resv;
	return 0;
}

/*
 * The device lets go of the memory, for good or because it goes. The dma-buf stays the buffer's,
 * for its fences.
 */
void xqaccel_import_detach(struct xqaccel_buffer *buf)
{
	if (buf->attached)
		dma_buf_unmap_attachment_unlocked(buf->attachment, buf->attached, buf->dir);
	if (buf->attachment)
		dma_buf_detach(buf->dmabuf, buf->attachment);
	buf->attached = NULL;
	buf->attachment = NULL;
}

/* MODULE_IMPORT_NS("DMA_BUF"), whose argument was not a string before 6.13 */
MODULE_INFO(import_ns, "DMA_BUF");
