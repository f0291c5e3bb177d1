/* SPDX-License-Identifier: GPL-2.0 */
/* A client: an open file, its context on the device, its buffers and its jobs. */
#ifndef XQACCEL_CLIENT_H
#define XQACCEL_CLIENT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "device.h"
#include "mmu.h"

/**
 * struct xqaccel_lane - jobs that run one after the other
 * @node: in client->ready while @jobs is not empty
 * @jobs: waiting for a hardware queue
 * @queue: hardware queue that has jobs of this lane in flight; staying with it keeps
 *	their order. NULL if there are none.
 * @inflight: of them
 *
 * Under xqaccel_device.lock.
 */
struct xqaccel_lane {
	struct xqaccel_client *client;
	struct list_head node;
	struct list_head jobs;
	struct xqaccel_queue *queue;
	unsigned int inflight;
	u32 index;
};

/**
 * struct xqaccel_client - references are held by the open file, by jobs that have not
 * ended and by buffers on their way out; the file's end takes back the jobs that
 * have not started, so the client ends when the last running one does.
 */
struct xqaccel_client {
	struct kref ref;
	struct xqaccel_device *xq;
	struct list_head node;		/* in xq->clients */
	u32 context;			/* id on the device */

	/* Protects mmu, live and the memory of buffers, context_on, mapping. */
	struct mutex mem_lock;
	struct address_space *mapping;	/* of the open file, whose pages may have to be unmapped */
	struct xqaccel_mmu mmu;
	struct list_head live;		/* all buffers that have pages */
	bool context_on;		/* the device may walk the page table */

	/* Handles; xa_lock protects bytes besides. */
	struct xarray buffers;
	u64 bytes;

	/* Buffers without references, freed by reap_work once the device forgot them. */
	struct llist_head dead_buffers;
	struct work_struct reap_work;
	struct work_struct end_work;

	/* One WAIT takes at a time, so that order is kept when a copy to user space fails. */
	struct mutex wait_lock;

	/* Under xq->lock from here on. */
	struct list_head ready_node;	/* in xq->ready while ready is not empty */
	struct list_head ready;		/* lanes with waiting jobs */
	struct xqaccel_lane lane[XQACCEL_LANES];
	struct list_head done;		/* jobs that ended and were not reaped */
	unsigned int done_count;
	unsigned int unreaped;		/* jobs accepted and not reaped */
	bool closed;
	wait_queue_head_t wait;
};

struct xqaccel_client *xqaccel_client_create(struct xqaccel_device *xq,
					     struct address_space *mapping);
void xqaccel_client_close(struct xqaccel_client *client);
void xqaccel_client_get(struct xqaccel_client *client);
void xqaccel_client_put(struct xqaccel_client *client);
void xqaccel_clients_wake(struct xqaccel_device *xq);
void xqaccel_clients_detach(struct xqaccel_device *xq);

/* context.c */
int xqaccel_context_init(struct xqaccel_device *xq);
void xqaccel_context_fini(struct xqaccel_device *xq);
int xqaccel_context_get(struct xqaccel_client *client);
void xqaccel_context_put(struct xqaccel_client *client);
void xqaccel_context_on(struct xqaccel_client *client);
bool xqaccel_context_off(struct xqaccel_client *client);
bool xqaccel_context_invalidate(struct xqaccel_client *client);

/* ioctl.c */
long xqaccel_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* info.c, submit.c, wait.c: handlers of ioctls, see ioctl.c */
int xqaccel_ioctl_info(struct xqaccel_client *client, void *cmd);
int xqaccel_ioctl_submit(struct xqaccel_client *client, void *cmd);
int xqaccel_ioctl_wait(struct xqaccel_client *client, void *cmd);

#endif
