/* SPDX-License-Identifier: GPL-2.0 */
/* Fences: what others wait for until jobs have ended, and what jobs wait for. */
#ifndef XQACCEL_FENCE_H
#define XQACCEL_FENCE_H

#include <linux/atomic.h>
#include <linux/dma-fence.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "job.h"
#include "reservation.h"

struct file;
struct work_struct;
struct xqaccel_fence;
struct xqaccel_lane;

/* A fence of anybody that jobs wait for. */
struct xqaccel_dependency {
	struct dma_fence_cb cb;
	struct dma_fence *fence;
	struct xqaccel_fence *waits;
};

/**
 * struct xqaccel_fence - of the jobs of one submit
 * @base: signalled when they have ended, after those of earlier submits to the lane; a reference
 *	is held by @node's list, and by who got the fence
 * @lock: of @base
 * @node: in lane->fences until it is signalled; it, @jobs and @error are under xqaccel_device.lock
 * @lane: whose jobs; valid while @jobs is not 0, as jobs hold the client
 * @jobs: that have not ended
 * @error: of the first that failed, or 0
 * @dependencies: that they wait for, until these are met or the jobs have ended
 * @count: of @dependencies, those that are watched; the client's work's since @left
 * @left: to the client's work, in client->unwatched; under xqaccel_device.lock
 * @unmet: of these, not signalled
 * @ready: in xqaccel_device.ready, with a reference
 * @unwatched: in client->unwatched, with a reference
 * @timeline: names device, client and lane
 */
struct xqaccel_fence {
	struct dma_fence base;
	spinlock_t lock;	/* protects what is the kernel's in @base */
	struct list_head node;
	struct xqaccel_lane *lane;
	unsigned int jobs;
	int error;
	struct xqaccel_dependency *dependencies;
	unsigned int count;
	bool left;
	atomic_t unmet;
	struct llist_node ready;
	struct llist_node unwatched;
	char timeline[40];
};

/**
 * struct xqaccel_fencing - the fences of a submit, until its jobs are published
 * @flags: XQACCEL_SUBMIT_*
 * @in: that the jobs wait for, with a reference, or NULL
 * @fd: descriptor that @out will have, or -1
 * @out: the file of the fence, once there is one and somebody wants it
 * @lane: of the jobs
 * @fence: theirs
 * @shared: buffers that others have, too; locked
 * @cookie: of what others may wait for from here on
 */
struct xqaccel_fencing {
	u32 flags;
	struct dma_fence *in;
	int fd;
	struct file *out;
	struct xqaccel_lane *lane;
	struct xqaccel_fence *fence;
	struct xqaccel_reservations shared;
	bool cookie;
};

int xqaccel_fences_check(u32 flags, s32 in_fence);
int xqaccel_fencing_take(struct xqaccel_fencing *f, u32 flags, s32 in_fence);
void xqaccel_fencing_put(struct xqaccel_fencing *f);
int xqaccel_fencing_begin(struct xqaccel_fencing *f, struct list_head *jobs, bool interruptible);
void xqaccel_fencing_publish(struct xqaccel_fencing *f);
void xqaccel_fencing_end(struct xqaccel_fencing *f);

void xqaccel_fence_job_ended(struct xqaccel_job *job);
void xqaccel_fence_dependencies_leave(struct xqaccel_fence *fence);
void xqaccel_fences_signal(struct work_struct *work);
void xqaccel_fences_unwatch(struct work_struct *work);

/* Whether jobs need a fence: somebody asked for it, or others share a buffer of theirs. */
static inline bool xqaccel_fencing_needed(const struct xqaccel_fencing *f, bool shared)
{
	return shared || f->in || f->fd >= 0;
}

#endif
