/* SPDX-License-Identifier: GPL-2.0 */
/* Eventfds that tell of completions. */
#ifndef XQACCEL_EVENTFD_H
#define XQACCEL_EVENTFD_H

#include "client.h"

void xqaccel_events_signal(struct xqaccel_lane *lane);
void xqaccel_events_lost(struct xqaccel_client *client);
void xqaccel_events_close(struct xqaccel_client *client);

/* There is a completion more that WAIT can take; under xqaccel_device.lock. */
static inline void xqaccel_events_completion(struct xqaccel_lane *lane)
{
	if (lane->event || lane->client->event)
		xqaccel_events_signal(lane);
}

#endif
