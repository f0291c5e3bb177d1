// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that nobody uses any more, but that a device may still write whose DMA could not be
 * stopped. It is kept, with its bus addresses, until the DMA is off: by a reset, or at the latest
 * when the driver lets go of the device, which then uses the last means that the bus has. If those
 * fail, too, the pages are never freed and their bus addresses stay mapped: whatever else would be
 * done with either could be overwritten. A kernel with DMA_API_DEBUG says so when the driver is
 * unbound, and is right.
 *
 * Meanwhile it stays charged, to its user and to all clients together: who makes and destroys
 * buffers on a device that does not answer has no more memory than another. What is never freed is
 * charged to nobody, as nobody could give it back.
 */
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "account.h"
#include "buffer.h"
#include "device.h"
#include "kept.h"
#include "mmu.h"

static void buffer_drop(struct xqaccel_buffer *buf, bool forget)
{
	const struct cred *owner = buf->kept_owner;
	const u64 charged = buf->charged;

	xqaccel_buffer_free(buf, forget);
	xqaccel_uncharge_left(owner, charged);
}

static void unpin(struct work_struct *work)
{
	buffer_drop(container_of(work, struct xqaccel_buffer, unpin_work), false);
}

/*
 * Gives memory back to a process. That waits for locks of pages, which a file system in user space
 * may hold as long as it likes, while kept.lock is everybody's. So only the bus addresses go here,
 * for which there must be a device.
 */
static void unpin_later(struct xqaccel_buffer *buf)
{
	xqaccel_user_unmap(buf);
	INIT_WORK(&buf->unpin_work, unpin);
	queue_work(xqaccel_return_wq, &buf->unpin_work);
}

/* Frees all of it, or only forgets it. */
static void drop(struct xqaccel_device *xq, bool forget)
	__must_hold(&xq->kept.lock)
{
	struct xqaccel_table *table, *next_table;
	struct xqaccel_buffer *buf, *next_buf;

	lockdep_assert_held(&xq->kept.lock);

	list_for_each_entry_safe(buf, next_buf, &xq->kept.buffers, node) {
		list_del(&buf->node);
		if (!forget)
			atomic64_sub(buf->page_count, &xq->stats.leaked_pages);
		if (buf->origin == XQACCEL_USER && !forget)
			unpin_later(buf);
		else
			buffer_drop(buf, forget);
	}
	list_for_each_entry_safe(table, next_table, &xq->kept.tables, node) {
		list_del(&table->node);
		xqaccel_table_free_kept(xq->parent, table, forget);
	}
}

/* Frees what can be freed by now. */
static void review(struct xqaccel_device *xq)
{
	struct xqaccel_kept *kept = &xq->kept;

	mutex_lock(&kept->lock);
	if (READ_ONCE(xq->dma) != XQACCEL_DMA_UNKNOWN)
		drop(xq, false);
	else if (kept->final)
		drop(xq, true);
	mutex_unlock(&kept->lock);
}

static void review_work(struct work_struct *work)
{
	review(container_of(work, struct xqaccel_device, kept.review_work));
}

/*
 * The DMA may be off by now. Who found that ends jobs, or has to end them soon, and whoever has
 * the lock of a dma-buf that is to be given back may be waiting for these.
 */
void xqaccel_kept_review_later(struct xqaccel_device *xq)
{
	queue_work(xqaccel_return_wq, &xq->kept.review_work);
}

void xqaccel_kept_init(struct xqaccel_kept *kept)
{
	mutex_init(&kept->lock);
	INIT_LIST_HEAD(&kept->buffers);
	INIT_LIST_HEAD(&kept->tables);
	INIT_WORK(&kept->review_work, review_work);
}

/* The last reference of the device is gone; nothing is kept. */
void xqaccel_kept_exit(struct xqaccel_kept *kept)
{
	cancel_work_sync(&kept->review_work);
}

/* A buffer that is on no list, of a client whose mem_lock is held. */
void xqaccel_keep_buffer(struct xqaccel_device *xq, struct xqaccel_buffer *buf)
{
	atomic64_add(buf->page_count, &xq->stats.leaked_pages);
	mutex_lock(&xq->kept.lock);
	list_add_tail(&buf->node, &xq->kept.buffers);
	mutex_unlock(&xq->kept.lock);
	/*
	 * Since the caller looked at xq->dma, resume() or xqaccel_reset_final() may have changed
	 * it, and review_work() or xqaccel_kept_end() may have been here before the buffer.
	 */
	review(xq);
}

/*
 * A list of tables of struct xqaccel_table, which is empty afterwards. Who takes them out of a page
 * table calls this before he releases mem_lock, as for buffers: removal takes it of every client
 * while the DMA API can still be asked, and so comes before him or after both.
 */
void xqaccel_keep_tables(struct xqaccel_device *xq, struct list_head *tables)
{
	mutex_lock(&xq->kept.lock);
	list_splice_tail_init(tables, &xq->kept.tables);
	mutex_unlock(&xq->kept.lock);
	review(xq);
}

/* The driver lets go of the device: what is kept now, or later, is kept for ever. */
void xqaccel_kept_end(struct xqaccel_device *xq)
{
	mutex_lock(&xq->kept.lock);
	xq->kept.final = true;
	mutex_unlock(&xq->kept.lock);
	review(xq);
}
