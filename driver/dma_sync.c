// SPDX-License-Identifier: GPL-2.0
/*
 * Cache maintenance for boards whose DMA is not coherent. The memory of buffers is never bounced
 * (see buffer_pages.c), so nothing is copied here and the only rules are those of cache lines:
 *
 * Before a job is queued, lines that the processor wrote are cleaned to memory. That changes
 * no byte that the device writes, because neither operands nor C are the processor's any more.
 * When it has ended, the lines of C are invalidated, row by row: lines between the rows may be
 * dirty. A line that holds both bytes of C and bytes that the processor writes meanwhile loses one
 * of them; Documentation/uapi.rst says so.
 *
 * Memory of another driver's dma-buf is that driver's, which alone knows what it is made of:
 * processors that use it say so by DMA_BUF_IOCTL_SYNC.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>

#include "buffer.h"
#include "client.h"
#include "compat.h"
#include "job.h"
#include "program.h"
#include "scheduler.h"

/*
 * For a device that it takes for coherent the DMA API touches no cache, however often it is asked.
 * So this mends no platform that says what is not true: dma-noncoherent in its device tree does.
 */
static bool force_dma_sync;
module_param(force_dma_sync, bool, 0444);
MODULE_PARM_DESC(force_dma_sync,
		 "ask for cache maintenance around jobs on every platform, to test that path");

/* @example: a bus address of the device */
bool xqaccel_dma_needs_sync(struct device *dev, dma_addr_t example)
{
	return force_dma_sync || !xqaccel_dma_coherent(dev, example);
}

/*
 * Whether each page needs a call of its own. Behind an IOMMU pages from anywhere are made one
 * segment, of which the DMA API would look up where the first is and take the others to follow it.
 */
bool xqaccel_dma_syncs_pages(struct device *dev)
{
	return dma_get_merge_boundary(dev) != 0;
}

/* Bytes that are cleaned at once: the device may go in between. */
#define CLEAN_AT_ONCE	(16UL << 20)

/**
 * struct cursor - a place in a buffer's bus addresses
 * @buf: buffer
 * @sg: segment
 * @at: its first byte in the buffer
 *
 * Rows mostly follow each other, so that few segments are passed for each.
 */
struct cursor {
	struct xqaccel_buffer *buf;
	struct scatterlist *sg;
	u64 at;
};

static struct cursor cursor_start(struct xqaccel_buffer *buf)
{
	return (struct cursor){ .buf = buf, .sg = buf->sgt.sgl };
}

static void cursor_seek(struct cursor *c, u64 offset)
{
	if (offset < c->at)
		*c = cursor_start(c->buf);
	while (offset - c->at >= sg_dma_len(c->sg)) {
		c->at += sg_dma_len(c->sg);
		c->sg = sg_next(c->sg);
	}
}

static void range_sync(struct cursor *c, u64 offset, u64 bytes, bool for_device)
{
	const struct xqaccel_device *xq = c->buf->client->xq;
	struct device *dev = xq->parent;
	const u64 end = offset + bytes;

	while (offset < end) {
		u64 from, len;

		cursor_seek(c, offset);
		from = offset - c->at;
		len = min_t(u64, end - offset, sg_dma_len(c->sg) - from);
		/* Segments are whole pages, as buffers are. */
		if (xq->syncs_pages)
			len = min_t(u64, len, PAGE_SIZE - offset_in_page(offset));
		if (for_device)
			dma_sync_single_range_for_device(dev, sg_dma_address(c->sg), from, len,
							 c->buf->dir);
		else
			dma_sync_single_range_for_cpu(dev, sg_dma_address(c->sg), from, len,
						      c->buf->dir);
		offset += len;
		cond_resched();
	}
}

/* Of a buffer that nobody else knows, with the device there. */
void xqaccel_buffer_sync_for_device(struct xqaccel_buffer *buf)
{
	struct cursor c = cursor_start(buf);

	if (buf->client->xq->needs_sync && !buf->foreign)
		range_sync(&c, 0, buf->bytes, true);
}

static void hull_sync_for_cpu(struct xqaccel_buffer *buf, const struct xq_hull *hull)
{
	struct cursor c = cursor_start(buf);

	if (!buf->foreign)
		range_sync(&c, hull->first, hull->end - hull->first, false);
}

/*
 * Cleans a range, a piece at a time: it may be gigabytes, and who takes the device away waits for
 * gone_lock, and others behind him. SUBMIT reads user memory, so it does not hold it already.
 * -EINTR: killed before the end.
 */
static int range_clean(struct xqaccel_buffer *buf, u64 offset, u64 bytes)
{
	struct xqaccel_device *xq = buf->client->xq;
	u64 some;

	for (; bytes && !buf->foreign; offset += some, bytes -= some) {
		struct cursor c = cursor_start(buf);

		some = min_t(u64, bytes, CLEAN_AT_ONCE);
		if (down_read_killable(&xq->gone_lock))
			return -EINTR;
		/* Without the device sgt is gone, and so is the job. */
		if (!xq->gone)
			range_sync(&c, offset, some, true);
		up_read(&xq->gone_lock);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static int hull_clean(struct xqaccel_buffer *buf, const struct xq_hull *hull)
{
	return range_clean(buf, hull->first, hull->end - hull->first);
}

/* What a program does with buffers that it names itself. */
static int fixed_clean(const struct xqaccel_program *p)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < p->fixed_count && !ret; i++) {
		const struct xqaccel_fixed *fixed = &p->fixed[i];

		ret = hull_clean(fixed->buf, &fixed->use.read) ?:
		      hull_clean(fixed->buf, &fixed->use.written);
	}
	return ret;
}

/* Its results are everything between the first and the last byte that it wrote of a buffer. */
static void run_sync_for_cpu(const struct xqaccel_job *job)
{
	unsigned int i;

	for (i = 0; i <= XQACCEL_PROGRAM_PROFILE; i++) {
		const struct xq_use use = xqaccel_program_use(job, i);

		if (job->span[i].buf)
			hull_sync_for_cpu(job->span[i].buf, &use.written);
	}
	for (i = 0; i < job->program->fixed_count; i++)
		hull_sync_for_cpu(job->program->fixed[i].buf,
				  &job->program->fixed[i].use.written);
}

/*
 * Cleans what the processor wrote to the operands of a job that nobody knows yet. -EINTR: killed
 * before.
 */
int xqaccel_job_sync_for_device(struct xqaccel_job *job)
{
	struct xqaccel_device *xq = job->client->xq;
	unsigned int i;
	int ret = 0;

	if (!xq->needs_sync)
		return 0;
	for (i = 0; i < job->operands && !ret; i++) {
		const struct xqaccel_span *span = &job->span[i];

		if (span->buf)
			ret = range_clean(span->buf, span->offset, span->bytes);
	}
	if (job->program && !ret)
		ret = fixed_clean(job->program);
	if (!ret)
		atomic64_inc(&xq->stats.synced_jobs);
	return ret;
}

static void plane_sync(struct cursor *c, u64 offset, const struct xq_extent *e, u64 stride)
{
	u32 row;

	if (!e->rows)
		return;
	/* Between such rows there is no line that is not also theirs, and rows may be many. */
	if (stride - e->row_bytes < L1_CACHE_BYTES) {
		range_sync(c, offset, (e->rows - 1) * stride + e->row_bytes, false);
		return;
	}
	for (row = 0; row < e->rows; row++)
		range_sync(c, offset + row * stride, e->row_bytes, false);
}

static void planes_sync(struct cursor *c, u64 offset, const struct xq_extent *e,
			const struct xq_hw_operand *operand)
{
	u32 batch, plane;

	for (batch = 0; batch < e->batch; batch++)
		for (plane = 0; plane < e->planes; plane++)
			plane_sync(c, offset + batch * le64_to_cpu(operand->batch_stride) +
				   plane * le64_to_cpu(operand->plane_stride), e,
				   le64_to_cpu(operand->stride));
}

static void output_sync(const struct xqaccel_span *span, const struct xq_extent *e,
			const struct xq_hw_operand *operand)
{
	const struct xq_extent_dim *own = e->own;
	struct cursor c = cursor_start(span->buf);
	u32 i, j, k;

	for (i = 0; i <= own[0].more; i++)
		for (j = 0; j <= own[1].more; j++)
			for (k = 0; k <= own[2].more; k++)
				planes_sync(&c, span->offset + i * own[0].stride +
					    j * own[1].stride + k * own[2].stride, e, operand);
}

/* Has the processor read again what a job wrote. */
static void job_sync_for_cpu(struct xqaccel_job *job)
{
	struct xqaccel_work work;
	struct xq_extent e;
	u32 *words = (u32 *)&work;
	u32 i;

	for (i = 0; i < XQ_WORK_WORDS; i++)
		words[i] = le32_to_cpu(job->desc.work[i]);
	for (i = 0; i < job->operands; i++) {
		if (!job->span[i].written || !job->span[i].bytes ||
		    job->span[i].buf->foreign)
			continue;
		xq_work_extent(&work, i, &e);
		output_sync(&job->span[i], &e, &job->desc.operand[i]);
	}
}

/*
 * C can be gigabytes, so this is neither done in an interrupt nor under the lock. Nobody else
 * knows a job that was taken from the list.
 */
void xqaccel_sync_work(struct work_struct *work)
{
	struct xqaccel_device *xq = container_of(work, struct xqaccel_device, sync_work);
	struct xqaccel_job *job;

	spin_lock_irq(&xq->lock);
	while ((job = list_first_entry_or_null(&xq->sync, struct xqaccel_job, node))) {
		list_del_init(&job->node);
		spin_unlock_irq(&xq->lock);
		if (job->completion.status == XQACCEL_STATUS_OK && job->program)
			run_sync_for_cpu(job);
		else if (job->completion.status == XQACCEL_STATUS_OK)
			job_sync_for_cpu(job);
		cond_resched();
		spin_lock_irq(&xq->lock);
		job->lane->syncing--;
		xqaccel_job_end(job);
	}
	spin_unlock_irq(&xq->lock);
}
