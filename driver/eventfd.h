/* SPDX-License-Identifier: GPL-2.0 */
/* Eventfds that tell of completions. */
#ifndef XQACCEL_EVENTFD_H
#define XQACCEL_EVENTFD_H

struct xqaccel_client;
struct xqaccel_lane;

void xqaccel_events_completion(struct xqaccel_lane *lane);
void xqaccel_events_lost(struct xqaccel_client *client);
void xqaccel_events_close(struct xqaccel_client *client);

#endif
