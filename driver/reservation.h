/* SPDX-License-Identifier: GPL-2.0 */
/* The reservation objects of what jobs share with others. */
#ifndef XQACCEL_RESERVATION_H
#define XQACCEL_RESERVATION_H

#include <linux/dma-resv.h>
#include <linux/list.h>
#include <linux/ww_mutex.h>

struct dma_fence;

struct xqaccel_reservation {
	struct dma_resv *resv;
	bool written;	/* by a job; else only read */
};

/**
 * struct xqaccel_reservations - of some jobs, each once
 * @entry: sorted by address
 * @count: length of @entry
 * @room: that @entry has
 * @context: of the locks, if there are any
 */
struct xqaccel_reservations {
	struct xqaccel_reservation *entry;
	unsigned int count;
	unsigned int room;
	struct ww_acquire_ctx context;
};

/* Fences, with a reference to each. */
struct xqaccel_fence_list {
	struct dma_fence **fence;
	unsigned int count;
	unsigned int room;
};

void xqaccel_fence_list_latest(struct xqaccel_fence_list *list);
int xqaccel_fence_list_add(struct xqaccel_fence_list *list, struct dma_fence *fence);
void xqaccel_fence_list_free(struct xqaccel_fence_list *list);

int xqaccel_reservations_lock(struct xqaccel_reservations *r, const struct list_head *jobs,
			      bool interruptible);
int xqaccel_reservations_prepare(struct xqaccel_reservations *r, bool explicit, u64 own_context,
				 struct xqaccel_fence_list *before);
void xqaccel_reservations_add(struct xqaccel_reservations *r, struct dma_fence *fence,
			      bool explicit);
void xqaccel_reservations_unlock(struct xqaccel_reservations *r);

#endif
