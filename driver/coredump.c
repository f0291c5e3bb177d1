// SPDX-License-Identifier: GPL-2.0
/*
 * What /sys/class/devcoredump tells root of a recovery. The kernel keeps one dump for each device
 * until it is read and written to, or for five minutes, and drops what comes meanwhile. That holds
 * the function on the bus, but neither this module nor struct xqaccel_device.
 */
#include <linux/devcoredump.h>
#include <linux/lockdep.h>

#include "coredump.h"
#include "device.h"
#include "snapshot.h"

/*
 * Keeps what is there before a recovery destroys it. What follows in the same recovery
 * are consequences, so that only the first counts.
 */
void xqaccel_coredump_take(struct xqaccel_device *xq, const char *reason)
{
	lockdep_assert_held(&xq->reset_lock);

	if (!xq->snapshot)
		xq->snapshot = xqaccel_snapshot_take(xq, reason);
}

/* What was taken, for when reset_lock is released; NULL if there is nothing. */
struct xqaccel_snapshot *xqaccel_coredump_detach(struct xqaccel_device *xq)
{
	struct xqaccel_snapshot *s = xq->snapshot;

	lockdep_assert_held(&xq->reset_lock);

	xq->snapshot = NULL;
	return s;
}

/* Without reset_lock: formatting takes a while, and jobs shall go on. Frees @s. */
void xqaccel_coredump_publish(struct xqaccel_device *xq, struct xqaccel_snapshot *s)
{
	size_t bytes;
	char *text;

	if (!s)
		return;
	text = xqaccel_snapshot_text(s, &bytes);
	xqaccel_snapshot_free(s);
	if (text)
		dev_coredumpv(xq->parent, text, bytes, GFP_KERNEL | __GFP_NOWARN);
}
