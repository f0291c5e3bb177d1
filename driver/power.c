// SPDX-License-Identifier: GPL-2.0
/*
 * Runtime power management. Jobs that wait or are in flight hold a reference together, and nobody
 * else does: what a client does without jobs needs no register, and whoever looks at a register by
 * himself (invalidation, interrupts, watchdog, debugfs) finds under the lock that the device is
 * suspended. A suspended device has forgotten everything, as after a reset, and jobs wait in their
 * lanes until it is there again.
 */
#include <linux/lockdep.h>
#include <linux/pm_runtime.h>

#include "device.h"

/* The device has something to do: resumes it, later if it is suspended. */
void xqaccel_power_get(struct xqaccel_device *xq)
	__must_hold(&xq->lock)
{
	lockdep_assert_held(&xq->lock);

	pm_runtime_get(xq->parent);
	xq->powered = true;
}

/*
 * It has nothing to do any more, and may be suspended after a while. Removal says so, too: the
 * last jobs may be dropped when there is another driver, or none.
 */
void xqaccel_power_put(struct xqaccel_device *xq)
	__must_hold(&xq->lock)
{
	lockdep_assert_held(&xq->lock);

	if (!xq->powered)
		return;
	xq->powered = false;
	pm_runtime_mark_last_busy(xq->parent);
	pm_runtime_put_autosuspend(xq->parent);
}

/**
 * xqaccel_power_resume() - have a device resumed that is about to get jobs
 * @xq: device
 *
 * Sleeps. The device may be suspended again before the jobs come, which then resume it.
 *
 * Return: 0, -EINTR: killed, -ENODEV: it is gone or lost, perhaps by this; -EIO: what is above it
 * on the bus has no power.
 */
int xqaccel_power_resume(struct xqaccel_device *xq)
{
	int ret = -ENODEV;

	if (down_read_killable(&xq->gone_lock))
		return -EINTR;
	if (!xq->gone)
		ret = pm_runtime_resume(xq->parent);
	up_read(&xq->gone_lock);
	if (READ_ONCE(xq->lost))
		return -ENODEV;
	if (ret < 0)
		return ret == -ENODEV ? ret : -EIO;
	return 0;
}
