/* SPDX-License-Identifier: GPL-2.0 */
/* A client: an open file, its context on the device, its buffers and its jobs. */
#ifndef XQACCEL_CLIENT_H
#define XQACCEL_CLIENT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "account.h"
#include "device.h"
#include "mmu.h"

struct eventfd_ctx;
struct xqaccel_call;
struct xqaccel_user;

/* Lists by id: ids are consecutive, so they spread evenly. A power of two. */
#define XQACCEL_JOB_HASH	256

/**
 * struct xqaccel_lane - jobs that run one after the other
 * @client: whose lane it is
 * @entity: in client->waiting while @jobs is not empty
 * @jobs: waiting for a hardware queue
 * @done: ended and not reaped; they are in client->done, too
 * @done_count: length of @done
 * @unreaped: jobs accepted and not reaped, but for those of rings
 * @ring_jobs: jobs that io_uring commands brought and that have not ended
 * @queue: hardware queue that has jobs of this lane in flight; staying with it keeps
 *	their order. NULL if there are none.
 * @inflight: of them
 * @syncing: jobs in xqaccel_device.sync, or being synced
 * @blocked: in xqaccel_device.blocked while the first of @jobs waits for a fence; the lane is not
 *	in client->waiting then
 * @fence_lock: from the number of a fence to its place in @fences, while it is shown to others;
 *	protects @fence_seqno
 * @fence_context: the timeline of its fences
 * @fence_seqno: of the last of them
 * @fences: of submits, that are not signalled, in their order
 * @fence_count: length of @fences; read without the lock, too
 * @signalling: those whose turn it is are left to client->signal_work
 * @event: that tells of its completions, with a reference, or NULL
 * @job_ns: device time of its last jobs on average, 0 while there were none
 * @free: its first job waits and is a short one, which may go to any hardware queue
 * @index: number of the lane
 *
 * Under xqaccel_device.lock, but for what is said otherwise.
 */
struct xqaccel_lane {
	struct xqaccel_client *client;
	struct xqaccel_fair_entity entity;
	struct list_head jobs;
	struct list_head done;
	unsigned int done_count;
	unsigned int unreaped;
	unsigned int ring_jobs;
	struct xqaccel_queue *queue;
	unsigned int inflight;
	unsigned int syncing;
	struct list_head blocked;
	struct mutex fence_lock;	/* protects fence_seqno */
	u64 fence_context;
	u64 fence_seqno;
	struct list_head fences;
	unsigned int fence_count;
	bool signalling;
	struct eventfd_ctx *event;
	u64 job_ns;
	bool free;
	u32 index;
};

/*
 * struct xqaccel_client: references are held by the open file, by jobs that have not
 * ended and by buffers on their way out; the file's end takes back the jobs that
 * have not started, so the client ends when the last running one does.
 */
struct xqaccel_client {
	struct kref ref;
	struct xqaccel_device *xq;
	struct list_head node;		/* in xq->clients */
	struct xqaccel_user *user;
	u64 id;				/* of all clients since the module was loaded */
	pid_t pid;			/* of the process that opened the file, and its name */
	char comm[TASK_COMM_LEN];

	/* One thread makes the context; others of the file wait for what comes of it. */
	struct mutex context_lock;
	/* Protects the context, mmu, lists and memory of buffers, context_on, mapping. */
	struct mutex mem_lock;
	/*
	 * Protects mapping, and pages and from_dma of buffers, for page faults and close: mem_lock
	 * is held while memory is allocated. Comes after mem_lock and mmap_lock.
	 */
	struct mutex pages_lock;
	struct address_space *mapping;	/* of the open file, whose pages may have to be unmapped */
	bool has_context;		/* for good once it is set */
	u32 context;			/* id on the device */
	s32 priority;
	struct xqaccel_mmu mmu;
	struct list_head live;		/* all buffers that have pages */
	unsigned int live_count;	/* read without the lock, too */
	bool context_on;		/* the device may walk the page table */

	struct xarray buffers;		/* by handle */
	struct xarray programs;		/* by handle */
	struct xqaccel_account account;

	/* Handles by page of the mmap offset. The mutex keeps a gap that was found. */
	struct mutex mmap_lock;
	struct maple_tree mmap_pages;

	/*
	 * Buffers without references, freed by reap_work once the device has forgotten them. It
	 * takes those that died so far, to dying, and lets others wait for the next round.
	 */
	struct llist_head dead_buffers;
	atomic_t dead_count;		/* of all these lists */
	wait_queue_head_t dead_wait;	/* for none */
	struct llist_node *dying;
	/*
	 * Those whose memory unpin_work gives back to processes, and import_work to exporters, each
	 * of which takes as long as others like; under mem_lock.
	 */
	struct list_head pinned;
	struct list_head imported;
	struct work_struct unpin_work;
	struct work_struct import_work;
	struct delayed_work reap_work;
	struct delayed_work end_work;
	/* see XQACCEL_URING_ORPHANS; without a function before the first command */
	struct delayed_work ring_work;
	struct work_struct signal_work;	/* signals fences of lanes that are signalling */
	struct llist_head unwatched;	/* fences that wait no more; no lock */
	struct work_struct unwatch_work;	/* lets go of what they waited for */
	/*
	 * An invalidation that reap_work or, after it, end_work waits for, when it began, and when
	 * the device was last seen to have a reason to take its time.
	 */
	bool invalidating;
	unsigned long invalidated;
	unsigned long excused;
	bool ending;			/* end_work has begun */

	/* Under xq->lock from here on. */
	struct xqaccel_fair_entity entity;	/* in its user's class while lanes wait */
	struct xqaccel_fair_group waiting;	/* lanes with waiting jobs */
	unsigned int free_lanes;		/* of these, whose first job is a short one */
	struct xqaccel_occupancy occupancy;	/* of hardware queues */
	struct xqaccel_occupancy occupancy_long;	/* the same by its long jobs */
	u64 device_ns;				/* device time that its jobs had */
	struct xqaccel_lane lane[XQACCEL_LANES];
	struct eventfd_ctx *event;	/* tells of completions of all lanes; or NULL */
	struct list_head done;		/* jobs that ended and were not reaped */
	unsigned int done_count;	/* length of done */
	unsigned int unreaped;		/* jobs accepted and not reaped, but for those of rings */
	unsigned int ring_jobs;		/* jobs of io_uring commands that have not ended */
	struct list_head commands;	/* io_uring commands whose jobs have not all ended */
	unsigned int command_count;	/* length of commands */
	u64 next_id;			/* of a job */
	struct hlist_head by_id[XQACCEL_JOB_HASH];	/* jobs accepted and not reaped */
	bool closed;
	wait_queue_head_t wait;
};

struct xqaccel_client *xqaccel_client_create(struct xqaccel_device *xq,
					     struct address_space *mapping);
int xqaccel_client_need_context(struct xqaccel_call *call);
void xqaccel_client_close(struct xqaccel_client *client);
int xqaccel_clients_wait_ending(struct xqaccel_device *xq);
void xqaccel_clients_wait_gone(void);
void xqaccel_clients_wake(struct xqaccel_device *xq);
void xqaccel_clients_detach(struct xqaccel_device *xq);

/* refs.c */
void xqaccel_client_get(struct xqaccel_client *client);
void xqaccel_client_put(struct xqaccel_client *client);

/* context.c */
int xqaccel_context_init(struct xqaccel_device *xq);
void xqaccel_context_fini(struct xqaccel_device *xq);
int xqaccel_context_get(struct xqaccel_client *client);
void xqaccel_context_put(struct xqaccel_client *client);
void xqaccel_context_on(struct xqaccel_client *client);
bool xqaccel_context_off(struct xqaccel_client *client);

/* invalidate.c */
void xqaccel_invalidation_start(struct xqaccel_client *client);
unsigned long xqaccel_invalidation_poll(struct xqaccel_client *client, bool *safe);

#endif
