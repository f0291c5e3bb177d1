/* SPDX-License-Identifier: GPL-2.0 */
/* What the clients of one user share, so that more files do not mean more of the device. */
#ifndef XQACCEL_USER_H
#define XQACCEL_USER_H

#include <linux/list.h>
#include <linux/uidgid.h>

#include "scheduler.h"

struct xqaccel_client;
struct xqaccel_device;

/**
 * struct xqaccel_user - a user of one device, while he has a client
 * @node: in xqaccel_device.users; it, @refs and @contexts are under clients_lock
 * @uid: who opened the files, or made the user namespace where that was, see share_owner()
 * @refs: clients
 * @contexts: of these clients
 * @jobs: of these clients, not yet reaped; it and all below are under xqaccel_device.lock
 * @class: clients by priority
 * @occupancy: of hardware queues by these clients
 * @occupancy_long: the same by their long jobs
 */
struct xqaccel_user {
	struct list_head node;
	kuid_t uid;
	unsigned int refs;
	unsigned int contexts;
	unsigned int jobs;
	struct xqaccel_user_class class[XQACCEL_CLASSES];
	struct xqaccel_occupancy occupancy;
	struct xqaccel_occupancy occupancy_long;
};

struct xqaccel_user *xqaccel_user_get(struct xqaccel_device *xq);
void xqaccel_user_put(struct xqaccel_device *xq, struct xqaccel_user *user);
int xqaccel_user_add_context(struct xqaccel_client *client);
void xqaccel_user_remove_context(struct xqaccel_client *client);

#endif
