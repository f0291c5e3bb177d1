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

/**
 * struct xqaccel_client - an open file, and what is left of it when that is closed
 * @ref: held by the open file, by jobs that have not ended and by buffers on their way out
 * @xq: device
 * @node: in xq->clients
 * @user: whose it is, with a reference
 * @id: of all clients since the module was loaded
 * @pid: of the process that opened the file
 * @comm: its name
 * @context_lock: held by the one thread that makes the context; others of the file wait for what
 *	comes of it
 * @mem_lock: protects the context, @mmu, lists and memory of buffers, @context_on and @mapping
 * @pages_lock: protects @mapping, and pages and from_dma of buffers, for page faults and close:
 *	@mem_lock is held while memory is allocated. Comes after @mem_lock and mmap_lock
 * @mapping: of the open file, whose pages may have to be unmapped
 * @has_context: for good once it is set
 * @context: id on the device
 * @priority: XQACCEL_PRIORITY_*
 * @mmu: page table
 * @live: all buffers that have pages
 * @live_count: length of @live; read without the lock, too
 * @context_on: the device may walk the page table
 * @buffers: by handle
 * @programs: by handle
 * @account: what its memory is charged to
 * @mmap_lock: keeps a gap in @mmap_pages that was found
 * @mmap_pages: handles by page of the mmap offset
 * @dead_buffers: without references, freed by @reap_work once the device has forgotten them. It
 *	takes those that died so far, to @dying, and lets others wait for the next round
 * @dead_count: of all lists of such
 * @dead_wait: for there being none
 * @dying: those of the present round
 * @pinned: those whose memory @unpin_work gives back to processes; under @mem_lock
 * @imported: those whose memory @import_work gives back to exporters; under @mem_lock
 * @unpin_work: takes as long as others like
 * @import_work: takes as long as others like
 * @reap_work: frees dead buffers
 * @end_work: ends the client when its last reference is gone
 * @ring_work: looks after io_uring commands, see XQACCEL_URING_ORPHANS; without a function before
 *	the first command
 * @signal_work: signals fences of lanes that are signalling
 * @unwatched: fences that wait no more; no lock
 * @unwatch_work: lets go of what they waited for
 * @invalidating: @reap_work or, after it, @end_work waits for an invalidation
 * @invalidated: jiffies when it began
 * @excused: jiffies when the device was last seen to have a reason to take its time over it
 * @ending: @end_work has begun
 * @entity: in its user's class while lanes wait; it and what follows is under xq->lock
 * @waiting: lanes with waiting jobs
 * @free_lanes: of these, whose first job is a short one
 * @occupancy: of hardware queues
 * @occupancy_long: the same by its long jobs
 * @device_ns: device time that its jobs had
 * @lane: what jobs are submitted to
 * @event: tells of completions of all lanes; or NULL
 * @done: jobs that ended and were not reaped
 * @done_count: length of @done
 * @unreaped: jobs accepted and not reaped, but for those of rings
 * @ring_jobs: jobs of io_uring commands that have not ended
 * @commands: io_uring commands whose jobs have not all ended
 * @command_count: length of @commands
 * @next_id: of a job
 * @by_id: jobs accepted and not reaped
 * @closed: the file is; nothing of it waits for the device any more
 * @wait: who sleeps until jobs have ended, or polls for that
 *
 * The file's end takes back the jobs that have not started, so the client ends when the last
 * running one does.
 */
struct xqaccel_client {
	struct kref ref;
	struct xqaccel_device *xq;
	struct list_head node;
	struct xqaccel_user *user;
	u64 id;
	pid_t pid;
	char comm[TASK_COMM_LEN];

	struct mutex context_lock;	/* held while the context is made */
	struct mutex mem_lock;		/* protects the context and memory */
	struct mutex pages_lock;	/* protects pages, for page faults and close */
	struct address_space *mapping;
	bool has_context;
	u32 context;
	s32 priority;
	struct xqaccel_mmu mmu;
	struct list_head live;
	unsigned int live_count;
	bool context_on;

	struct xarray buffers;
	struct xarray programs;
	struct xqaccel_account account;

	struct mutex mmap_lock;		/* keeps a gap in mmap_pages */
	struct maple_tree mmap_pages;

	struct llist_head dead_buffers;
	atomic_t dead_count;
	wait_queue_head_t dead_wait;
	struct llist_node *dying;
	struct list_head pinned;
	struct list_head imported;
	struct work_struct unpin_work;
	struct work_struct import_work;
	struct delayed_work reap_work;
	struct delayed_work end_work;
	struct delayed_work ring_work;
	struct work_struct signal_work;
	struct llist_head unwatched;
	struct work_struct unwatch_work;
	bool invalidating;
	unsigned long invalidated;
	unsigned long excused;
	bool ending;

	struct xqaccel_fair_entity entity;
	struct xqaccel_fair_group waiting;
	unsigned int free_lanes;
	struct xqaccel_occupancy occupancy;
	struct xqaccel_occupancy occupancy_long;
	u64 device_ns;
	struct xqaccel_lane lane[XQACCEL_LANES];
	struct eventfd_ctx *event;
	struct list_head done;
	unsigned int done_count;
	unsigned int unreaped;
	unsigned int ring_jobs;
	struct list_head commands;
	unsigned int command_count;
	u64 next_id;
	struct hlist_head by_id[XQACCEL_JOB_HASH];
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
