// SPDX-License-Identifier: GPL-2.0
/*
 * References to clients, buffers and programs. The last one may go in an interrupt, where neither
 * the device nor a mutex can be waited for, so the end of a client or a buffer is left to a work:
 * client_end() and xqaccel_buffers_reap().
 */
#include <linux/slab.h>

#include "buffer.h"
#include "client.h"
#include "program.h"

static void client_release(struct kref *ref)
{
	struct xqaccel_client *client = container_of(ref, struct xqaccel_client, ref);

	atomic_inc(&client->xq->ending);
	queue_delayed_work(xqaccel_wq, &client->end_work, 0);
}

void xqaccel_client_get(struct xqaccel_client *client)
{
	kref_get(&client->ref);
}

void xqaccel_client_put(struct xqaccel_client *client)
{
	kref_put(&client->ref, client_release);
}

static void buffer_dead(struct kref *ref)
{
	struct xqaccel_buffer *buf = container_of(ref, struct xqaccel_buffer, ref);
	struct xqaccel_client *client = buf->client;

	xqaccel_client_get(client);
	atomic_inc(&client->dead_count);
	llist_add(&buf->dead_node, &client->dead_buffers);
	queue_delayed_work(xqaccel_wq, &client->reap_work, 0);
}

void xqaccel_buffer_get(struct xqaccel_buffer *buf)
{
	kref_get(&buf->ref);
}

void xqaccel_buffer_put(struct xqaccel_buffer *buf)
{
	kref_put(&buf->ref, buffer_dead);
}

static void program_free(struct kref *ref)
{
	struct xqaccel_program *p = container_of(ref, struct xqaccel_program, ref);
	u32 i;

	for (i = 0; i < p->fixed_count; i++)
		xqaccel_buffer_put(p->fixed[i].buf);
	if (p->list)
		xqaccel_buffer_put(p->list);
	kfree(p->fixed);
	kfree(p);
}

void xqaccel_program_put(struct xqaccel_program *program)
{
	kref_put(&program->ref, program_free);
}
