// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that others have, too, by dma-bufs: jobs come after what is under way there, and others
 * after the jobs. All reservation objects of a submit are locked at once, in the kernel's own way
 * of doing so in any order: whatever two submits of any drivers share, one of them is before the
 * other in all of it.
 */
#include <linux/dma-fence.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "buffer.h"
#include "client.h"
#include "job.h"
#include "program.h"
#include "reservation.h"

#define GFP_LIST	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

/* ---- lists ------------------------------------------------------------------- */

static int by_context(const void *a, const void *b)
{
	struct dma_fence *x = *(struct dma_fence **)a, *y = *(struct dma_fence **)b;

	if (x->context != y->context)
		return x->context < y->context ? -1 : 1;
	return dma_fence_is_later(x, y) - dma_fence_is_later(y, x);
}

/**
 * xqaccel_fence_list_latest() - leave only the last fence of each context, which is signalled last
 * @list: jobs that use many buffers meet the same fences in each
 */
void xqaccel_fence_list_latest(struct xqaccel_fence_list *list)
{
	unsigned int i, n = 0;

	sort(list->fence, list->count, sizeof(*list->fence), by_context, NULL);
	for (i = 0; i < list->count; i++) {
		if (n && list->fence[n - 1]->context == list->fence[i]->context)
			dma_fence_put(list->fence[--n]);
		list->fence[n++] = list->fence[i];
	}
	list->count = n;
}

static int make_room(struct xqaccel_fence_list *list)
{
	const unsigned int room = max(4U, 2 * list->room);
	struct dma_fence **more;

	xqaccel_fence_list_latest(list);
	/* Half of it at least is for others, or it would be sorted again soon. */
	if (list->room && list->count <= list->room / 2)
		return 0;
	more = krealloc_array(list->fence, room, sizeof(*more), GFP_LIST);
	if (!more)
		return -ENOMEM;
	list->fence = more;
	list->room = room;
	return 0;
}

/* Takes a reference of its own. */
int xqaccel_fence_list_add(struct xqaccel_fence_list *list, struct dma_fence *fence)
{
	int ret = list->count < list->room ? 0 : make_room(list);

	if (!ret)
		list->fence[list->count++] = dma_fence_get(fence);
	return ret;
}

void xqaccel_fence_list_free(struct xqaccel_fence_list *list)
{
	while (list->count)
		dma_fence_put(list->fence[--list->count]);
	kfree(list->fence);
	list->fence = NULL;
	list->room = 0;
}

static int entry_add(struct xqaccel_reservations *r, const struct xqaccel_buffer *buf,
		     bool written)
{
	if (!buf || !buf->resv)
		return 0;
	if (r->count == r->room) {
		const unsigned int room = max(8U, 2 * r->room);
		struct xqaccel_reservation *more =
			krealloc_array(r->entry, room, sizeof(*more), GFP_LIST);

		if (!more)
			return -ENOMEM;
		r->entry = more;
		r->room = room;
	}
	r->entry[r->count++] = (struct xqaccel_reservation){ buf->resv, written };
	return 0;
}

static int run_add(struct xqaccel_reservations *r, const struct xqaccel_job *job)
{
	const struct xqaccel_program *p = job->program;
	unsigned int i;
	int ret = 0;

	for (i = 0; i <= XQACCEL_PROGRAM_PROFILE && !ret; i++) {
		const struct xq_use use = xqaccel_program_use(job, i);

		ret = entry_add(r, job->span[i].buf, use.written.end);
	}
	for (i = 0; i < p->fixed_count && !ret; i++)
		ret = entry_add(r, p->fixed[i].buf, p->fixed[i].use.written.end);
	return ret;
}

static int job_add(struct xqaccel_reservations *r, const struct xqaccel_job *job)
{
	unsigned int i;
	int ret = 0;

	if (job->program)
		return run_add(r, job);
	for (i = 0; i < job->operands && !ret; i++)
		ret = entry_add(r, job->span[i].buf, job->span[i].written);
	return ret;
}

static int by_address(const void *a, const void *b)
{
	const struct xqaccel_reservation *x = a, *y = b;

	return x->resv < y->resv ? -1 : x->resv > y->resv;
}

/* Each once, written if any job writes it. */
static void make_unique(struct xqaccel_reservations *r)
{
	unsigned int i, n = 0;

	sort(r->entry, r->count, sizeof(*r->entry), by_address, NULL);
	for (i = 0; i < r->count; i++) {
		if (n && r->entry[n - 1].resv == r->entry[i].resv)
			r->entry[n - 1].written |= r->entry[i].written;
		else
			r->entry[n++] = r->entry[i];
	}
	r->count = n;
}

/* ---- locks --------------------------------------------------------------------- */

static int lock_one(struct xqaccel_reservations *r, unsigned int i, bool interruptible)
{
	return interruptible ? dma_resv_lock_interruptible(r->entry[i].resv, &r->context) :
			       dma_resv_lock(r->entry[i].resv, &r->context);
}

/* With nothing else locked. */
static int lock_first(struct xqaccel_reservations *r, unsigned int i, bool interruptible)
{
	if (interruptible)
		return dma_resv_lock_slow_interruptible(r->entry[i].resv, &r->context);
	dma_resv_lock_slow(r->entry[i].resv, &r->context);
	return 0;
}

/*
 * Who holds the lock of entry @contended must be let go first: it is taken before all others, if it
 * is not -1. -EDEADLK with the next of these, or -EINTR; nothing is locked then.
 */
static int lock_all(struct xqaccel_reservations *r, int *contended, bool interruptible)
{
	const int first = *contended;
	unsigned int i, j;
	int ret;

	ret = first < 0 ? 0 : lock_first(r, first, interruptible);
	if (ret)
		return ret;
	for (i = 0; i < r->count; i++) {
		if ((int)i == first)
			continue;
		ret = lock_one(r, i, interruptible);
		if (!ret)
			continue;
		for (j = 0; j < i; j++)
			if ((int)j != first)
				dma_resv_unlock(r->entry[j].resv);
		if (first >= 0)
			dma_resv_unlock(r->entry[first].resv);
		*contended = i;
		return ret;
	}
	return 0;
}

static void forget(struct xqaccel_reservations *r)
{
	kfree(r->entry);
	r->entry = NULL;
	r->count = 0;
}

/**
 * xqaccel_reservations_lock() - lock what jobs share with others
 * @r: filled in
 * @jobs: struct xqaccel_job, by node
 * @interruptible: a signal ends the wait
 *
 * Return: 0, or -ENOMEM or -EINTR with nothing locked.
 */
int xqaccel_reservations_lock(struct xqaccel_reservations *r, const struct list_head *jobs,
			      bool interruptible)
{
	const struct xqaccel_job *job;
	int contended = -1;
	int ret;

	r->entry = NULL;
	r->count = 0;
	r->room = 0;
	list_for_each_entry(job, jobs, node) {
		ret = job_add(r, job);
		if (ret) {
			forget(r);
			return ret;
		}
	}
	make_unique(r);
	if (!r->count)
		return 0;
	ww_acquire_init(&r->context, &reservation_ww_class);
	/* Nothing is locked twice, so there are no other errors. */
	do {
		ret = lock_all(r, &contended, interruptible);
	} while (ret == -EDEADLK);
	if (ret) {
		ww_acquire_fini(&r->context);
		forget(r);
		return ret;
	}
	ww_acquire_done(&r->context);
	return 0;
}

void xqaccel_reservations_unlock(struct xqaccel_reservations *r)
{
	unsigned int i;

	for (i = 0; i < r->count; i++)
		dma_resv_unlock(r->entry[i].resv);
	if (r->count)
		ww_acquire_fini(&r->context);
	forget(r);
}

/* ---- fences ---------------------------------------------------------------------- */

static enum dma_resv_usage comes_after(const struct xqaccel_reservation *entry, bool explicit)
{
	/* What the kernel does with the memory is never ignored. */
	return explicit ? DMA_RESV_USAGE_KERNEL : dma_resv_usage_rw(entry->written);
}

/**
 * xqaccel_reservations_prepare() - find what jobs have to wait for, and make room for their fence
 * @r: locked
 * @explicit: they do not wait for all who write what they read or use what they write
 * @own_context: fences of their own lane, which is in order anyway
 * @before: list that is added to
 *
 * Return: 0, or -ENOMEM; xqaccel_reservations_add() can't fail afterwards.
 */
int xqaccel_reservations_prepare(struct xqaccel_reservations *r, bool explicit, u64 own_context,
				 struct xqaccel_fence_list *before)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int i;
	int ret;

	for (i = 0; i < r->count; i++) {
		ret = dma_resv_reserve_fences(r->entry[i].resv, 1);
		if (ret)
			return ret;
		dma_resv_for_each_fence(&cursor, r->entry[i].resv,
					comes_after(&r->entry[i], explicit), fence) {
			if (fence->context == own_context || dma_fence_is_signaled(fence))
				continue;
			ret = xqaccel_fence_list_add(before, fence);
			if (ret)
				return ret;
		}
		cond_resched();
	}
	return 0;
}

/* Others wait for the jobs, unless these were not to take part in that. */
void xqaccel_reservations_add(struct xqaccel_reservations *r, struct dma_fence *fence,
			      bool explicit)
{
	unsigned int i;

	for (i = 0; i < r->count; i++)
		dma_resv_add_fence(r->entry[i].resv, fence,
				   explicit ? DMA_RESV_USAGE_BOOKKEEP :
				   r->entry[i].written ? DMA_RESV_USAGE_WRITE :
							 DMA_RESV_USAGE_READ);
}
