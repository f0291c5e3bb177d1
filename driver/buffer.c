// SPDX-License-Identifier: GPL-2.0
/* Buffers: creation, and the end, when the device has forgotten their pages. */
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "buffer.h"
#include "client.h"
#include "kept.h"

u64 xqaccel_max_buffer_bytes(void)
{
	return min_t(u64, XQACCEL_MAX_BUFFER_BYTES, xqaccel_client_bytes());
}

/* Takes a reference of the buffer with a handle; NULL if there is none. */
struct xqaccel_buffer *xqaccel_buffer_find(struct xqaccel_client *client, u32 handle)
{
	struct xqaccel_buffer *buf;

	xa_lock(&client->buffers);
	buf = xa_load(&client->buffers, handle);
	if (buf && buf->published)
		kref_get(&buf->ref);
	else
		buf = NULL;
	xa_unlock(&client->buffers);
	return buf;
}

/* ---- on the device ------------------------------------------------------- */

/**
 * xqaccel_buffer_map() - have the device reach a buffer
 * @buf: that xqaccel_buffer_make() made; the device is there, and the client has a context
 *
 * From here on the buffer is one of client->live and its end is that of every buffer, also when
 * this fails.
 *
 * Return: 0 or a negative errno
 */
int xqaccel_buffer_map(struct xqaccel_buffer *buf)
{
	struct xqaccel_client *client = buf->client;
	int ret;

	mutex_lock(&client->mem_lock);
	ret = xqaccel_mmu_va_get(&client->mmu, buf->bytes, &buf->va);
	if (ret)
		goto unlock;
	buf->has_va = true;
	ret = xqaccel_buffer_pages_map(buf);
	if (!ret)
		ret = xqaccel_mmu_map(&client->mmu, buf->va, &buf->sgt, buf->bytes,
				      buf->writable);
unlock:
	list_add_tail(&buf->node, &client->live);
	WRITE_ONCE(client->live_count, client->live_count + 1);
	mutex_unlock(&client->mem_lock);
	return ret;
}

static void uncount(struct xqaccel_device *xq, u64 bytes)
{
	atomic64_sub(bytes, &xq->stats.buffer_bytes);
	atomic64_dec(&xq->stats.buffers);
}

/* The end of a buffer that the device has let go of, and of what it counted. */
static void freed(struct xqaccel_buffer *buf)
{
	struct xqaccel_client *client = buf->client;
	const u64 bytes = buf->bytes, charged = buf->charged;

	xqaccel_buffer_free(buf, false);
	xqaccel_uncharge(&client->account, charged);
	uncount(client->xq, bytes);
}

/*
 * @safe: the device has let go of it. Else all that it may still reach stays as it is: pages,
 * bus addresses (an IOMMU's, or bounce buffers) and the range of device addresses.
 * Return: false for memory of others, which is now in client->pinned or imported
 */
static bool buffer_free(struct xqaccel_buffer *buf, bool safe)
	__must_hold(&buf->client->mem_lock)
{
	struct xqaccel_client *client = buf->client;
	const bool keep = buf->mapped && !safe;

	lockdep_assert_held(&client->mem_lock);

	if (buf->has_va && !keep)
		xqaccel_mmu_va_put(&client->mmu, buf->va, buf->bytes);
	if (!list_empty(&buf->node)) {
		list_del(&buf->node);
		WRITE_ONCE(client->live_count, client->live_count - 1);
	}
	if (keep) {
		uncount(client->xq, buf->bytes);
		buf->kept_owner = xqaccel_charge_leave(&client->account, buf->charged);
		xqaccel_keep_buffer(client->xq, buf);
		return true;
	}
	if (buf->origin == XQACCEL_IMPORTED) {
		list_add_tail(&buf->node, &client->imported);
		return false;
	}
	if (buf->origin == XQACCEL_USER) {
		xqaccel_buffer_pages_detach(buf);
		list_add_tail(&buf->node, &client->pinned);
		return false;
	}
	freed(buf);
	return true;
}

/* So many dead buffers are gone for good. Each had a reference of the client. */
static void buried(struct xqaccel_client *client, unsigned int count)
{
	if (!count)
		return;
	if (atomic_sub_and_test(count, &client->dead_count))
		wake_up_all(&client->dead_wait);
	while (count--)
		xqaccel_client_put(client);
}

/* Buffers of one of the client's lists, which nobody else has then. */
static bool take(struct xqaccel_client *client, struct list_head *from, struct list_head *to)
{
	mutex_lock(&client->mem_lock);
	list_splice_init(from, to);
	mutex_unlock(&client->mem_lock);
	return !list_empty(to);
}

static void freed_all(struct xqaccel_client *client, struct list_head *list)
{
	struct xqaccel_buffer *buf, *next;
	unsigned int count = 0;

	list_for_each_entry_safe(buf, next, list, node) {
		freed(buf);
		count++;
	}
	buried(client, count);
}

/**
 * xqaccel_buffers_unpin() - give memory back to processes
 * @work: the client's unpin_work
 *
 * Without a lock, and not on a workqueue that others need: that waits for locks of pages, which a
 * file system in user space may hold as long as it likes.
 */
void xqaccel_buffers_unpin(struct work_struct *work)
{
	struct xqaccel_client *client = container_of(work, struct xqaccel_client, unpin_work);
	LIST_HEAD(list);

	if (take(client, &client->pinned, &list))
		freed_all(client, &list);
}

/**
 * xqaccel_buffers_unimport() - give memory back to exporters
 * @work: the client's import_work
 *
 * They take as long as they like, so not under mem_lock, for which others wait. Removal, which
 * comes while there is a device to detach, has done that before or waits for import_lock.
 */
void xqaccel_buffers_unimport(struct work_struct *work)
{
	struct xqaccel_client *client = container_of(work, struct xqaccel_client, import_work);
	struct rw_semaphore *import_lock = &client->xq->import_lock;
	struct xqaccel_buffer *buf;
	LIST_HEAD(list);
	bool empty;

	/* client_end() waits for this, and not for somebody's import. */
	mutex_lock(&client->mem_lock);
	empty = list_empty(&client->imported);
	mutex_unlock(&client->mem_lock);
	if (empty)
		return;
	down_read(import_lock);
	take(client, &client->imported, &list);
	list_for_each_entry(buf, &list, node) {
		xqaccel_import_detach(buf);
		buf->mapped = false;
	}
	up_read(import_lock);
	freed_all(client, &list);
}

/* Takes what died so far out of the page table; whether the device may know some of it. */
static bool dying_unmap(struct xqaccel_client *client)
{
	struct xqaccel_buffer *buf;
	bool any = false;

	mutex_lock(&client->mem_lock);
	llist_for_each_entry(buf, client->dying, dead_node) {
		if (!buf->has_va || !client->context_on)
			continue;
		xqaccel_mmu_unmap(&client->mmu, buf->va, buf->bytes);
		any = true;
	}
	mutex_unlock(&client->mem_lock);
	return any;
}

/* @invalidated: the device has forgotten them, as far as it knew any and is there to be asked */
static void dying_free(struct xqaccel_client *client, bool invalidated)
{
	struct xqaccel_buffer *buf, *next;
	unsigned int count = 0;
	LIST_HEAD(tables);
	bool pinned, imported, safe;

	mutex_lock(&client->mem_lock);
	/* Not before: xqaccel_clients_detach() may just have taken the context, DMA going on. */
	safe = invalidated && READ_ONCE(client->xq->dma) != XQACCEL_DMA_UNKNOWN;
	xqaccel_mmu_reclaim(&client->mmu, safe ? NULL : &tables);
	llist_for_each_entry_safe(buf, next, client->dying, dead_node)
		count += buffer_free(buf, safe);
	pinned = !list_empty(&client->pinned);
	imported = !list_empty(&client->imported);
	client->dying = NULL;
	xqaccel_keep_tables(client->xq, &tables);
	mutex_unlock(&client->mem_lock);
	if (pinned)
		queue_work(xqaccel_return_wq, &client->unpin_work);
	if (imported)
		queue_work(xqaccel_return_wq, &client->import_work);
	buried(client, count);
}

/**
 * xqaccel_buffers_reap() - free the client's dead buffers
 * @client: whose reap_work this is
 *
 * One invalidation serves all that died in the meantime.
 *
 * Return: 0, or jiffies after which to be called again, as the device still knows them.
 */
unsigned long xqaccel_buffers_reap(struct xqaccel_client *client)
{
	while (client->dying || !llist_empty(&client->dead_buffers)) {
		unsigned long delay = 0;
		bool safe = true;

		if (!client->dying) {
			client->dying = llist_del_all(&client->dead_buffers);
			client->invalidating = dying_unmap(client);
			if (client->invalidating)
				xqaccel_invalidation_start(client);
		}
		if (client->invalidating)
			delay = xqaccel_invalidation_poll(client, &safe);
		if (delay)
			return delay;
		dying_free(client, safe);
	}
	return 0;
}

/* What somebody who asks for memory waits, at most, for what was freed a moment ago. */
#define DEAD_WAIT	HZ

/* Waits for the client's dead buffers, but not for jobs that hold them. -EINTR: killed. */
int xqaccel_buffers_wait_dead(struct xqaccel_client *client)
{
	/* buried() ends it. */
	return wait_event_killable_timeout(client->dead_wait, !atomic_read(&client->dead_count),
					   DEAD_WAIT) < 0 ? -EINTR : 0;
}

/*
 * The file is closed: nobody can name a buffer any more. Memory of others is given back now, and
 * not at the client's end, which may wait for an importer of its own memory, and that for this.
 */
void xqaccel_buffers_close(struct xqaccel_client *client)
{
	struct xqaccel_buffer *buf;
	unsigned long handle;

	xa_for_each(&client->buffers, handle, buf) {
		if (buf->origin == XQACCEL_OWN)
			continue;
		xa_erase(&client->buffers, handle);
		xqaccel_buffer_put(buf);
	}
}

/*
 * The client's end: the device no longer knows the context, unless that is not @safe to say. Memory
 * of others has gone before, see xqaccel_buffers_close().
 */
void xqaccel_buffers_end(struct xqaccel_client *client, bool safe)
	__must_hold(&client->mem_lock)
{
	struct xqaccel_buffer *buf, *next;

	lockdep_assert_held(&client->mem_lock);

	list_for_each_entry_safe(buf, next, &client->live, node)
		buffer_free(buf, safe);
	WARN_ON(!list_empty(&client->pinned) || !list_empty(&client->imported));
}

/*
 * The hardware goes: undo what the DMA API did while there is a device to undo it for, unless
 * the device may still use it.
 */
void xqaccel_buffers_detach(struct xqaccel_client *client)
	__must_hold(&client->mem_lock)
{
	const bool leak = READ_ONCE(client->xq->dma) == XQACCEL_DMA_UNKNOWN;
	struct xqaccel_buffer *buf;

	lockdep_assert_held(&client->mem_lock);

	list_for_each_entry(buf, &client->live, node) {
		if (!leak)
			xqaccel_buffer_pages_detach(buf);
		/* The page table ends with the device, and with it all ranges. */
		buf->has_va = false;
	}
	/* Of these the device has let go, whatever it does now. */
	list_for_each_entry(buf, &client->imported, node)
		xqaccel_buffer_pages_detach(buf);
}

/* ---- making ------------------------------------------------------------------ */

static struct xqaccel_buffer *buffer_alloc(struct xqaccel_client *client,
					   const struct xqaccel_source *source)
{
	struct xqaccel_buffer *buf = kzalloc(sizeof(*buf), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	if (!buf)
		return NULL;
	kref_init(&buf->ref);
	INIT_LIST_HEAD(&buf->node);
	buf->client = client;
	buf->dma_dev = client->xq->parent;
	buf->origin = source->origin;
	buf->bytes = source->bytes;
	buf->writable = source->writable;
	buf->foreign = source->foreign;
	buf->dir = source->writable || source->origin == XQACCEL_OWN ? DMA_BIDIRECTIONAL :
								       DMA_TO_DEVICE;
	if (source->shared) {
		dma_resv_init(&buf->own_resv);
		buf->resv = &buf->own_resv;
	}
	return buf;
}

/**
 * xqaccel_buffer_make() - a buffer with its memory, which the device does not know yet
 * @client: whose
 * @source: what it is made of. For USER memory the device need not be there; for that and
 *	IMPORTED memory gone_lock is not held, as it may take long
 * @out: set to the buffer. It has no handle; its only reference is the caller's.
 *
 * Memory of dma-bufs is that of who made them, and charged to nobody here.
 *
 * Return: 0 or a negative errno
 */
int xqaccel_buffer_make(struct xqaccel_client *client, const struct xqaccel_source *source,
			struct xqaccel_buffer **out)
{
	const u64 charged = source->origin == XQACCEL_IMPORTED ? 0 : source->bytes;
	struct xqaccel_buffer *buf;
	int ret;

	ret = xqaccel_charge(&client->account, charged);
	if (ret)
		return ret;
	buf = buffer_alloc(client, source);
	if (!buf) {
		xqaccel_uncharge(&client->account, charged);
		return -ENOMEM;
	}
	buf->charged = charged;
	atomic64_inc(&client->xq->stats.buffers);
	atomic64_add(buf->bytes, &client->xq->stats.buffer_bytes);
	ret = xqaccel_buffer_pages_alloc(buf, source);
	if (ret) {
		xqaccel_buffer_put(buf);
		return ret;
	}
	*out = buf;
	return 0;
}

/* A buffer as xqaccel_buffer_make() makes it, that the device reaches. */
int xqaccel_buffer_create(struct xqaccel_client *client, const struct xqaccel_source *source,
			  struct xqaccel_buffer **out)
{
	struct xqaccel_buffer *buf;
	int ret;

	ret = xqaccel_buffer_make(client, source, &buf);
	if (ret)
		return ret;
	ret = xqaccel_buffer_map(buf);
	if (ret) {
		xqaccel_buffer_put(buf);
		return ret;
	}
	*out = buf;
	return 0;
}
