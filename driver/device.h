/* SPDX-License-Identifier: GPL-2.0 */
/* One accelerator: what all parts of the driver share. */
#ifndef XQACCEL_DEVICE_H
#define XQACCEL_DEVICE_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/xqaccel.h>

#include "kept.h"
#include "queue.h"
#include "scheduler.h"
#include "xq_geometry.h"
#include "xq_regs.h"

#define XQACCEL_DRIVER_VERSION	"1.0.0"

/* The parts of the interface that this driver has. */
#define XQACCEL_ABI		(XQACCEL_ABI_BASE | \
				 (IS_ENABLED(CONFIG_IO_URING) ? XQACCEL_ABI_URING : 0) | \
				 (IS_ENABLED(CONFIG_SYNC_FILE) ? XQACCEL_ABI_SYNC_FILE : 0))

#define XQACCEL_LANES		8
#define XQACCEL_LANE_JOBS	1024U	/* not yet reaped, as all of these */
#define XQACCEL_USER_JOBS	16384U
#define XQACCEL_DEVICE_JOBS	65536U
#define XQACCEL_MAX_BATCH	256
#define XQACCEL_JOBS_AT_ONCE	64	/* with interrupts off, where there may be many */
#define XQACCEL_CLIENT_COMMANDS	1024U	/* of io_uring; they are searched with interrupts off */

struct dentry;
struct xqaccel_device;
struct xqaccel_snapshot;

/**
 * struct xqaccel_bus_ops - what the core asks of the bus that the device sits on
 * @dma_stop: forbid the device any further DMA and wait for what is under way.
 *	Returns 0 only if the device certainly does none afterwards. May sleep.
 * @dma_force_stop: the same by the last means, a reset by the bus after which the device has to be
 *	found anew. Only when the driver lets go of it, or the machine goes down. May take a minute.
 * @dma_start: allow it DMA again, after a suspend
 * @channel: 0 if the device can be reached, -EAGAIN while the bus recovers from an error, -ENODEV
 *	if it is gone for good
 * @vector: Linux interrupt number of an XQ_VECTOR_*
 */
struct xqaccel_bus_ops {
	int (*dma_stop)(struct xqaccel_device *xq);
	int (*dma_force_stop)(struct xqaccel_device *xq);
	void (*dma_start)(struct xqaccel_device *xq);
	int (*channel)(struct xqaccel_device *xq);
	int (*vector)(struct xqaccel_device *xq, unsigned int vector);
};

/* What the device says of itself, checked and clamped by xqaccel_caps_read(). */
struct xqaccel_caps {
	u32 hw_version;
	u32 queues;
	u32 contexts;
	u32 ring_log2;
	u32 va_bits;
	u32 max_dim;
	u32 threads;
	u32 tiled;
	u32 pairs[XQ_FORMATS];	/* of which only XQ_PAIR_FORMATS can have any */
	u64 features;
	u64 clock_hz;
	char isa[XQ_ISA_BYTES];
};

/* Whether the device may be accessing memory. */
enum xqaccel_dma {
	XQACCEL_DMA_ON,
	XQACCEL_DMA_OFF,
	XQACCEL_DMA_UNKNOWN,	/* could not be stopped for sure: pages are kept */
};

/* Whether the hardware is ours to use, or the bus's: to suspend it or to reset it. */
enum xqaccel_power {
	XQACCEL_ACTIVE,
	XQACCEL_QUIESCING,		/* it gets no more jobs; what runs may end */
	XQACCEL_SUSPENDED,		/* it is not touched, and reset before it is resumed */
};

/* Counters for debugfs; a test compares them before and after. */
struct xqaccel_stats {
	atomic64_t clients;
	atomic64_t buffers;
	atomic64_t buffer_bytes;
	atomic64_t table_bytes;		/* of page tables and what belongs to them */
	atomic64_t jobs;		/* accepted and neither reaped nor dropped */
	atomic64_t completed;
	atomic64_t timeouts;
	atomic64_t lost_interrupts;
	atomic64_t bad_completions;
	atomic64_t queue_resets;
	atomic64_t function_resets;
	atomic64_t resubmitted;
	atomic64_t leaked_pages;
	atomic64_t synced_jobs;		/* whose operands were cleaned from the caches */
};

/**
 * struct xqaccel_device - one accelerator
 * @dev: in the class; its references keep this structure
 * @cdev: what user space opens
 * @parent: on the bus. Referred to until the end, but after removal no more than memory
 * @bus: what the core asks of the bus
 * @regs: the device's registers
 * @caps: what the device says of itself
 * @stats: counters, in debugfs
 * @debugfs: its folder there
 * @minor: number of @cdev, -1 if there is none
 * @link_seen: the port above has said that its link is up, so that it is believed when it says that
 *	it is down; of pci.c
 * @gone_lock: held for reading by open and by every ioctl that needs the hardware, for writing by
 *	removal to set @gone
 * @gone: there is no hardware any more
 * @import_lock: held for reading while another driver maps memory for the device, until that is
 *	known to its client or undone, and while it unmaps what its client no longer knows; for
 *	writing by removal, which waits for that with @gone set
 * @clients_lock: protects @clients, @users and @context_count
 * @clients: all there are, by xqaccel_client.node
 * @users: who have such
 * @context_count: of all clients
 * @ending: clients that nobody has a reference of and that have not given all back
 * @ending_wait: for there being none
 * @needs_sync: DMA is not coherent: caches must be maintained
 * @syncs_pages: a page at a time
 * @contexts: ids on the device
 * @ctx_table: roots of the page tables, by these ids
 * @ctx_table_dma: its bus address
 * @reset_lock: serializes resets, suspend, loss and removal. Protects @dma, @bus_error, the
 *	snapshots, and the last dump for a late job
 * @dma: whether the device may be accessing memory
 * @bus_error: suspended because of one, until the bus recovers
 * @silent: suspended because its registers do not answer
 * @undecided: suspended with jobs that may still run; also under @lock
 * @silent_since: jiffies when @silent was set
 * @snapshot: of the recovery under way, for a coredump
 * @finished_snapshot: for @dump_work
 * @spare_snapshot: room for the next one
 * @dump_work: makes a coredump of a snapshot
 * @late_dump: there was one for a job that took too long
 * @late_owner: whose job that was, the last time
 * @late_at: jiffies of the last time
 * @bus_work: looks whether the device answers again; if it does not in time, it is lost
 * @kept: memory that it may still be writing
 * @lock: protects everything about jobs: clients' lanes and completions, who waits and what each
 *	has had, queues' rings and in-flight lists, and the members below. Taken in hard interrupts
 * @class: users with jobs that wait, by priority
 * @blocked: lanes whose first job waits for a fence
 * @ready: fences whose jobs wait no more; no lock
 * @ready_work: has their lanes run
 * @sync: ended jobs whose C waits for @sync_work
 * @sync_work: has the processor read what they wrote, and ends them
 * @next_id: of a descriptor
 * @macs_per_us: of the fastest jobs of late
 * @unreaped: jobs of all clients, accepted and not reaped
 * @active: of these, waiting or in flight: the device stays powered
 * @powered: by a reference of runtime PM, which removal gives back
 * @lost: it is beyond help, or gone: no job comes any more
 * @resetting: a reset of the function was asked for, and the function was not started since
 * @power: whose the hardware is; SUSPENDED comes and goes with @reset_lock, too
 * @fruitless_resets: of the function, since a job last ended well
 * @lost_work: wakes those who sleep on the device
 * @queue: hardware queues, as many as @caps has
 *
 * Lives until the last open file, client and mapping is gone, which may be long after the hardware.
 *
 * Lock order, the outermost first. What a lock protects is said of its member.
 *
 *	import_lock			before all of these; imports, their end and removal take it
 *	gone_lock
 *	  client->context_lock
 *	    clients_lock
 *	      client->mem_lock
 *	        client->pages_lock
 *	        kept.lock
 *	          reservation locks	of dma-bufs, in the kernel's own order of these
 *	            export.lock		of each exported dma-buf, or the locks of other exporters
 *	  lane->fence_lock		with or without gone_lock, and none of the others above
 *	    reservation locks
 *	      lock
 *	  reset_lock			with or without gone_lock, and none of the others above
 *	    lock			a spinlock, taken in hard interrupts
 *	      queue->bell		a raw one, with or without lock; nothing inside
 *
 * Each may be skipped, and lock is taken inside of any. Inside of lock there are only those of the
 * kernel that wake_up(), queue_work(), mod_delayed_work() and pm_runtime_get() take, and those of
 * fences, of this driver and of others, and what is called by who waits for them.
 * client->mmap_lock and the xarrays' locks of client->buffers and client->programs are taken with
 * or without gone_lock and import_lock and have none of these inside, nor lock around them. Who
 * tells that the processor reads or writes a dma-buf takes export.lock with nothing of these. In
 * the kernel's order mmap_lock (of an address space) comes before pages_lock, which page faults
 * take, and the device's own lock (device_lock()) before all: removal, shutdown and the bus's
 * handlers have it.
 *
 * No lock of these is held while user memory is accessed or for as long as a job runs. What bounds
 * the waits of a program that cannot be killed meanwhile: gone_lock, set_gone() and calls, which
 * keep this rule; context_lock (killable), clients_lock, mem_lock and pages_lock, the allocation,
 * mapping or freeing of one client's memory; reset_lock, which a program meets in
 * xqaccel_power_resume(), a reset of the function (FUNCTION_RESET_MS), and if that is not
 * acknowledged one by a board's reset line, of as long; that of a PCI bus, which takes longer,
 * comes after set_gone().
 *
 * Waiting for a workqueue is like taking the locks of its work. That of xqaccel_wq (client_end(),
 * client_reap(), dump_work()) takes clients_lock, reset_lock and what is inside; only client_end()
 * waits for client_reap(), hardware_end() and the end of the device's structure for dump_work(),
 * and the module's end for all clients and then for the rest, holding nothing. That of
 * xqaccel_job_wq (xqaccel_watch(), xqaccel_bus_look(), xqaccel_sync_work(), ready_work) takes
 * reset_lock and what is inside; hardware_end() waits for it, as for dump_work(), holding nothing
 * but device_lock(), and client_end() for ring_work, signal_work and unwatch_work of its client,
 * which take only lock and what is inside. That of xqaccel_return_wq (xqaccel_buffers_unpin(),
 * xqaccel_buffers_unimport(), reviews of what was kept) takes mem_lock or kept.lock and what is
 * inside, the second import_lock, too; only the ends of the device's structure and of the module
 * wait for it, client_end(), when it has nothing left to do, and removal, for who has import_lock.
 */
struct xqaccel_device {
	struct device dev;
	struct cdev cdev;
	struct device *parent;
	const struct xqaccel_bus_ops *bus;
	void __iomem *regs;
	struct xqaccel_caps caps;
	struct xqaccel_stats stats;
	struct dentry *debugfs;
	int minor;
	bool link_seen;

	struct rw_semaphore gone_lock;
	bool gone;

	struct rw_semaphore import_lock;

	struct mutex clients_lock;	/* protects who there is, and contexts' number */
	struct list_head clients;
	struct list_head users;
	unsigned int context_count;
	atomic_t ending;
	wait_queue_head_t ending_wait;

	bool needs_sync;
	bool syncs_pages;

	struct ida contexts;
	struct xq_hw_context *ctx_table;
	dma_addr_t ctx_table_dma;

	struct mutex reset_lock;	/* serializes what takes the hardware from its jobs */
	enum xqaccel_dma dma;
	bool bus_error;
	bool silent;
	bool undecided;
	unsigned long silent_since;
	struct xqaccel_snapshot *snapshot;
	struct xqaccel_snapshot *finished_snapshot;
	struct xqaccel_snapshot *spare_snapshot;
	struct work_struct dump_work;
	bool late_dump;
	kuid_t late_owner;
	unsigned long late_at;
	struct delayed_work bus_work;
	struct xqaccel_kept kept;

	spinlock_t lock;		/* protects everything about jobs */
	struct xqaccel_fair_group class[XQACCEL_CLASSES];
	struct list_head blocked;
	struct llist_head ready;
	struct work_struct ready_work;
	struct list_head sync;
	struct work_struct sync_work;
	u64 next_id;
	u64 macs_per_us;
	unsigned int unreaped;
	unsigned int active;
	bool powered;
	bool lost;
	bool resetting;
	enum xqaccel_power power;
	unsigned int fruitless_resets;
	struct work_struct lost_work;
	struct xqaccel_queue queue[XQ_MAX_QUEUES];
};

/* workqueue.c */
extern struct workqueue_struct *xqaccel_wq;
extern struct workqueue_struct *xqaccel_job_wq;
extern struct workqueue_struct *xqaccel_return_wq;
int xqaccel_workqueues_init(void);
void xqaccel_workqueues_exit(void);

static inline u32 xqaccel_read(struct xqaccel_device *xq, u32 reg)
{
	return readl(xq->regs + reg);
}

static inline u64 xqaccel_read64(struct xqaccel_device *xq, u32 reg)
{
	const u64 low = xqaccel_read(xq, reg);

	return low | (u64)xqaccel_read(xq, reg + 4) << 32;
}

static inline void xqaccel_write(struct xqaccel_device *xq, u32 reg, u32 value)
{
	writel(value, xq->regs + reg);
}

static inline void xqaccel_write64(struct xqaccel_device *xq, u32 reg, u64 value)
{
	xqaccel_write(xq, reg, lower_32_bits(value));
	xqaccel_write(xq, reg + 4, upper_32_bits(value));
}

/* A device that was pulled out reads as all ones, and so does one that stopped answering. */
static inline bool xqaccel_absent(struct xqaccel_device *xq)
{
	return xqaccel_read(xq, XQ_REG_ID) != XQ_ID;
}

/* caps.c */
int xqaccel_caps_identify(struct xqaccel_device *xq);
int xqaccel_caps_read(struct xqaccel_device *xq);
void xqaccel_caps_limit_queues(struct xqaccel_device *xq, unsigned int vectors);

/* core.c */
struct xqaccel_device *xqaccel_core_alloc(struct device *parent, const struct xqaccel_bus_ops *bus,
					  void __iomem *regs);
int xqaccel_core_add(struct xqaccel_device *xq);
void xqaccel_core_remove(struct xqaccel_device *xq);

/* chrdev.c */
int xqaccel_chrdev_init(void);
void xqaccel_chrdev_exit(void);
int xqaccel_chrdev_prepare(struct xqaccel_device *xq);
int xqaccel_chrdev_add(struct xqaccel_device *xq);
void xqaccel_chrdev_remove(struct xqaccel_device *xq);
void xqaccel_chrdev_forget(struct xqaccel_device *xq);

/* irq.c */
bool xqaccel_queue_serve(struct xqaccel_queue *q);
int xqaccel_irq_request(struct xqaccel_device *xq);
void xqaccel_irq_free(struct xqaccel_device *xq);
void xqaccel_irq_sync(struct xqaccel_device *xq);

/* power.c */
void xqaccel_power_get(struct xqaccel_device *xq);
void xqaccel_power_put(struct xqaccel_device *xq);
int xqaccel_power_resume(struct xqaccel_device *xq);

/* sysfs.c */
extern const struct attribute_group *xqaccel_sysfs_groups[];

/* debugfs.c */
void xqaccel_debugfs_init(void);
void xqaccel_debugfs_exit(void);
void xqaccel_debugfs_add(struct xqaccel_device *xq);
void xqaccel_debugfs_remove(struct xqaccel_device *xq);

#endif
