// SPDX-License-Identifier: MIT
/* Fault injection: what is set takes effect where the fault would happen. */
#include "device.h"

void xqdev_inject(struct xqdev *dev, const struct xqdev_faults *faults)
{
	/* What is prepared was prepared without them. */
	xqdev_unprepare_all(dev);
	dev->inject = *faults;
	/* Without a timer slow jobs would never end. */
	if (dev->inject.slow_ns && xqdev_timer_start(dev))
		dev->inject.slow_ns = 0;
	/* Held jobs and stuck resets may be free now. */
	xqdev_service(dev);
}

void xqdev_injected(const struct xqdev *dev, struct xqdev_faults *faults)
{
	*faults = dev->inject;
}
