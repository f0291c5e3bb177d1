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

#include "account.h"
#include "buffer.h"
#include "device.h"
#include "kept.h"
#include "mmu.h"

void xqaccel_kept_init(struct xqaccel_kept *kept)
{
	mutex_init(&kept->lock);
	INIT_LIST_HEAD(&kept->buffers);
	INIT_LIST_HEAD(&kept->tables);
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
		xqaccel_uncharge_left(buf->kept_owner, buf->charged);
		xqaccel_buffer_free(buf, forget);
	}
	list_for_each_entry_safe(table, next_table, &xq->kept.tables, node) {
		list_del(&table->node);
		xqaccel_table_free_kept(xq->parent, table, forget);
	}
}

/* Frees what can be freed by now. */
void xqaccel_kept_review(struct xqaccel_device *xq)
{
	struct xqaccel_kept *kept = &xq->kept;

	mutex_lock(&kept->lock);
	if (READ_ONCE(xq->dma) != XQACCEL_DMA_UNKNOWN)
		drop(xq, false);
	else if (kept->final)
		drop(xq, true);
	mutex_unlock(&kept->lock);
}

/* A buffer that is on no list, of a client whose mem_lock is held. */
void xqaccel_keep_buffer(struct xqaccel_device *xq, struct xqaccel_buffer *buf)
{
	atomic64_add(buf->page_count, &xq->stats.leaked_pages);
	mutex_lock(&xq->kept.lock);
	list_add_tail(&buf->node, &xq->kept.buffers);
	mutex_unlock(&xq->kept.lock);
	/* The DMA may have been stopped since the caller looked. */
	xqaccel_kept_review(xq);
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
	xqaccel_kept_review(xq);
}

/* The driver lets go of the device: what is kept now, or later, is kept for ever. */
void xqaccel_kept_end(struct xqaccel_device *xq)
{
	mutex_lock(&xq->kept.lock);
	xq->kept.final = true;
	mutex_unlock(&xq->kept.lock);
	xqaccel_kept_review(xq);
}
