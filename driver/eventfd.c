// SPDX-License-Identifier: GPL-2.0
/*
 * Eventfds of a file or of a lane: programs that wait for many things at once learn by them that
 * WAIT has something to take. They are signalled where completions become visible, maybe in an
 * interrupt.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/lockdep.h>
#include <linux/nospec.h>

#include "client.h"
#include "compat.h"
#include "eventfd.h"
#include "ioctl.h"

void xqaccel_events_signal(struct xqaccel_lane *lane)
	__must_hold(&lane->client->xq->lock)
{
	lockdep_assert_held(&lane->client->xq->lock);

	if (lane->client->event)
		eventfd_signal(lane->client->event);
	if (lane->event)
		eventfd_signal(lane->event);
}

/* The device is lost: WAIT says so, and nothing else will come. */
void xqaccel_events_lost(struct xqaccel_client *client)
{
	unsigned int i;

	spin_lock_irq(&client->xq->lock);
	if (client->event)
		eventfd_signal(client->event);
	for (i = 0; i < XQACCEL_LANES; i++)
		if (client->lane[i].event)
			eventfd_signal(client->lane[i].event);
	spin_unlock_irq(&client->xq->lock);
}

static void event_set(struct xqaccel_client *client, struct eventfd_ctx **place,
		      struct eventfd_ctx *event)
{
	spin_lock_irq(&client->xq->lock);
	swap(*place, event);
	spin_unlock_irq(&client->xq->lock);
	if (event)
		eventfd_ctx_put(event);
}

/* The file is closed, and nobody can set others. */
void xqaccel_events_close(struct xqaccel_client *client)
{
	unsigned int i;

	event_set(client, &client->event, NULL);
	for (i = 0; i < XQACCEL_LANES; i++)
		event_set(client, &client->lane[i].event, NULL);
}

int xqaccel_ioctl_eventfd(struct xqaccel_call *call)
{
	const struct xqaccel_eventfd *cmd = call->data;
	struct xqaccel_client *client = call->client;
	struct eventfd_ctx *event = NULL;

	if (cmd->flags & ~XQACCEL_EVENTFD_LANE)
		return -EOPNOTSUPP;
	if (cmd->flags & XQACCEL_EVENTFD_LANE ? cmd->lane >= XQACCEL_LANES : cmd->lane)
		return -EINVAL;
	if (cmd->fd != XQACCEL_NO_EVENTFD) {
		event = eventfd_ctx_fdget(cmd->fd);
		if (IS_ERR(event))
			return PTR_ERR(event);
	}
	if (cmd->flags & XQACCEL_EVENTFD_LANE)
		event_set(client, &client->lane[array_index_nospec(cmd->lane, XQACCEL_LANES)].event,
			  event);
	else
		event_set(client, &client->event, event);
	return 0;
}
