// SPDX-License-Identifier: GPL-2.0
/* Users: found by uid, and how many contexts each may have. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "client.h"
#include "user.h"

static struct xqaccel_user *find(struct xqaccel_device *xq, kuid_t uid)
	__must_hold(&xq->clients_lock)
{
	struct xqaccel_user *user;

	lockdep_assert_held(&xq->clients_lock);

	list_for_each_entry(user, &xq->users, node)
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

/*
 * Whose share the caller's is. Who has a range of subordinate ids and makes a user namespace of
 * them is still one user; but root gives out ids on purpose.
 */
static kuid_t share_owner(void)
{
	const struct user_namespace *ns = current_user_ns();

	if (ns == &init_user_ns)
		return current_uid();
	while (ns->parent != &init_user_ns)
		ns = ns->parent;
	return uid_eq(ns->owner, GLOBAL_ROOT_UID) ? current_uid() : ns->owner;
}

/* The caller's, with a reference; NULL if there is no memory. */
struct xqaccel_user *xqaccel_user_get(struct xqaccel_device *xq)
{
	const kuid_t uid = share_owner();
	struct xqaccel_user *user;

	mutex_lock(&xq->clients_lock);
	user = find(xq, uid);
	if (!user) {
		user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (user) {
			user->uid = uid;
			xqaccel_sched_init_user(user);
			list_add_tail(&user->node, &xq->users);
		}
	}
	if (user)
		user->refs++;
	mutex_unlock(&xq->clients_lock);
	return user;
}

void xqaccel_user_put(struct xqaccel_device *xq, struct xqaccel_user *user)
{
	mutex_lock(&xq->clients_lock);
	if (!--user->refs) {
		list_del(&user->node);
		kfree(user);
	}
	mutex_unlock(&xq->clients_lock);
}

/*
 * Counts a context. A user may have as many as are left for all others: the first gets half,
 * the next half of the rest, and there is always one for somebody new.
 */
int xqaccel_user_add_context(struct xqaccel_client *client)
{
	struct xqaccel_user *user = client->user;
	struct xqaccel_device *xq = client->xq;
	unsigned int left;
	int ret = 0;

	mutex_lock(&xq->clients_lock);
	left = xq->caps.contexts - xq->context_count;
	if (!left)
		ret = -EBUSY;
	else if (user->contexts >= left && !capable(CAP_SYS_RESOURCE))
		ret = -EDQUOT;
	if (!ret) {
		user->contexts++;
		xq->context_count++;
	}
	mutex_unlock(&xq->clients_lock);
	return ret;
}

void xqaccel_user_remove_context(struct xqaccel_client *client)
{
	struct xqaccel_device *xq = client->xq;

	mutex_lock(&xq->clients_lock);
	client->user->contexts--;
	xq->context_count--;
	mutex_unlock(&xq->clients_lock);
}
