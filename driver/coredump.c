// SPDX-License-Identifier: GPL-2.0
/*
 * What /sys/class/devcoredump tells root of a recovery. The kernel keeps one dump for each device
 * until it is read and written to, or for five minutes, and drops what comes meanwhile. That holds
 * the function on the bus, but neither this module nor struct xqaccel_device.
 *
 * A job that takes longer than its limit may be the device's fault or that of who made it, and who
 * can choose the limit can have as many of them as he likes. So of one user such a dump is taken
 * now and then only, and most of the time the place is free for what others find. Who can have the
 * kernel forget a dump, root, takes as many as he likes.
 *
 * Jobs' fences are signalled by recoveries, and whoever frees memory may wait for fences. So there
 * is room for a snapshot before one is needed, and the text, for which there is none, is not
 * written by whoever recovers.
 */
#include <linux/devcoredump.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/uidgid.h>

#include "coredump.h"
#include "device.h"
#include "snapshot.h"

/* Some times what the kernel keeps a dump for. */
#define LATE_INTERVAL	(30 * 60 * HZ)

/* Gives the room for a snapshot back. */
static void room_put(struct xqaccel_device *xq, struct xqaccel_snapshot *s)
{
	mutex_lock(&xq->reset_lock);
	xq->spare_snapshot = s;
	mutex_unlock(&xq->reset_lock);
}

static void dump_work(struct work_struct *work)
{
	struct xqaccel_device *xq = container_of(work, struct xqaccel_device, dump_work);
	struct xqaccel_snapshot *s;
	size_t bytes;
	char *text;

	mutex_lock(&xq->reset_lock);
	s = xq->finished_snapshot;
	xq->finished_snapshot = NULL;
	mutex_unlock(&xq->reset_lock);
	text = xqaccel_snapshot_text(s, &bytes);
	room_put(xq, s);
	if (text)
		dev_coredumpv(xq->parent, text, bytes, GFP_KERNEL | __GFP_NOWARN);
}

/* Without room there are no dumps. */
void xqaccel_coredump_init(struct xqaccel_device *xq)
{
	INIT_WORK(&xq->dump_work, dump_work);
	xq->spare_snapshot = xqaccel_snapshot_alloc();
}

/* There are no recoveries any more: waits for what the last ones found. */
void xqaccel_coredump_flush(struct xqaccel_device *xq)
{
	flush_work(&xq->dump_work);
}

/* The same; nobody has the device any more. */
void xqaccel_coredump_exit(struct xqaccel_device *xq)
{
	xqaccel_coredump_flush(xq);
	xqaccel_snapshot_free(xq->spare_snapshot);
}

/*
 * Keeps what is there before a recovery destroys it. What follows in the same recovery
 * are consequences, so that only the first counts.
 */
void xqaccel_coredump_take(struct xqaccel_device *xq, const char *reason)
	__must_hold(&xq->reset_lock)
{
	lockdep_assert_held(&xq->reset_lock);

	/* The one before is still being written down, and would take the place of this one. */
	if (xq->snapshot || !xq->spare_snapshot)
		return;
	swap(xq->snapshot, xq->spare_snapshot);
	xqaccel_snapshot_take(xq->snapshot, xq, reason);
}

/* The same of a job that took too long, for @owner; not if his last one was not long ago. */
void xqaccel_coredump_take_late(struct xqaccel_device *xq, kuid_t owner)
	__must_hold(&xq->reset_lock)
{
	const bool again = xq->late_dump && uid_eq(owner, xq->late_owner) &&
			   time_before(jiffies, xq->late_at + LATE_INTERVAL);

	lockdep_assert_held(&xq->reset_lock);

	if (again && !uid_eq(owner, GLOBAL_ROOT_UID))
		return;
	xq->late_dump = true;
	xq->late_owner = owner;
	xq->late_at = jiffies;
	xqaccel_coredump_take(xq, "a job took longer than its limit");
}

/* The recovery is over, and what was taken is worth a dump. */
void xqaccel_coredump_finish(struct xqaccel_device *xq)
	__must_hold(&xq->reset_lock)
{
	lockdep_assert_held(&xq->reset_lock);

	if (!xq->snapshot)
		return;
	/* There is only one, so the one before was written down. */
	swap(xq->snapshot, xq->finished_snapshot);
	queue_work(xqaccel_wq, &xq->dump_work);
}

/* What was taken is not worth a dump. */
void xqaccel_coredump_drop(struct xqaccel_device *xq)
	__must_hold(&xq->reset_lock)
{
	lockdep_assert_held(&xq->reset_lock);

	if (xq->snapshot)
		swap(xq->snapshot, xq->spare_snapshot);
}
