// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of memory. Buffers and page tables can't be swapped out, so
 *
 * - all clients of all devices together may have half of the memory (total_megabytes), and each
 *   of them as much as the administrator lets one have (client_megabytes). Beyond: ENOSPC;
 * - it is locked memory of the user who opened the file, within RLIMIT_MEMLOCK of who asks for
 * more.
 *   Beyond: ENOMEM, as from mlock(). It is counted for the user and not for an address space,
 *   as io_uring and perf do, because a client outlives the process that opened it: its file
 *   can be inherited and sent. Who has CAP_IPC_LOCK when the file is opened has no such limit;
 * - it is charged to the memory cgroup of who allocates it (GFP_KERNEL_ACCOUNT), too. That one
 *   limits a container, but a login session has none, and then only the limits above protect
 *   others.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>

#include "account.h"

static unsigned long total_megabytes;
module_param(total_megabytes, ulong, 0644);
MODULE_PARM_DESC(total_megabytes,
		 "MiB that all clients of all devices may have together (0: half of the memory)");

static unsigned long client_megabytes;
module_param(client_megabytes, ulong, 0644);
MODULE_PARM_DESC(client_megabytes, "MiB that a client may have (0: all of total_megabytes)");

static atomic64_t total;

static u64 total_bytes(void)
{
	const unsigned long megabytes = READ_ONCE(total_megabytes);

	return megabytes ? (u64)megabytes << 20 : (u64)totalram_pages() / 2 << PAGE_SHIFT;
}

/* The most that a client may have. */
u64 xqaccel_client_bytes(void)
{
	const unsigned long megabytes = READ_ONCE(client_megabytes);

	return megabytes ? min((u64)megabytes << 20, total_bytes()) : total_bytes();
}

/* Never above the limit, not even for a moment: what one is refused must not cost another. */
static bool add_below(atomic64_t *sum, u64 bytes, u64 limit)
{
	s64 now = atomic64_read(sum);

	do {
		if (bytes > limit || (u64)now > limit - bytes)
			return false;
	} while (!atomic64_try_cmpxchg(sum, &now, now + bytes));
	return true;
}

static bool add_locked(const struct cred *owner, unsigned long pages)
{
	const unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned long now;

	if (!owner)
		return true;
	now = atomic_long_read(&owner->user->locked_vm);
	do {
		if (pages > limit || now > limit - pages)
			return false;
	} while (!atomic_long_try_cmpxchg(&owner->user->locked_vm, &now, now + pages));
	return true;
}

/**
 * xqaccel_charge() - count memory before it is allocated
 * @account: whose
 * @bytes: whole pages
 *
 * Return: 0, -ENOSPC beyond a limit of the driver, -ENOMEM beyond RLIMIT_MEMLOCK.
 */
int xqaccel_charge(struct xqaccel_account *account, u64 bytes)
{
	int ret = -ENOSPC;

	if (!add_below(&account->bytes, bytes, xqaccel_client_bytes()))
		return ret;
	if (!add_below(&total, bytes, total_bytes()))
		goto undo_client;
	ret = -ENOMEM;
	if (!add_locked(account->owner, bytes >> PAGE_SHIFT))
		goto undo_total;
	return 0;

undo_total:
	atomic64_sub(bytes, &total);
undo_client:
	atomic64_sub(bytes, &account->bytes);
	return ret;
}

/* Memory was given back. */
void xqaccel_uncharge(struct xqaccel_account *account, u64 bytes)
{
	if (account->owner)
		atomic_long_sub(bytes >> PAGE_SHIFT, &account->owner->user->locked_vm);
	atomic64_sub(bytes, &total);
	atomic64_sub(bytes, &account->bytes);
}

/**
 * xqaccel_charge_leave() - have memory stay charged that the client no longer has
 * @account: of the client, which may be closed then
 * @bytes: of what is kept for a device (kept.c): it counts as locked, and for all clients
 *
 * Return: for xqaccel_uncharge_left(), when it is given back.
 */
const struct cred *xqaccel_charge_leave(struct xqaccel_account *account, u64 bytes)
{
	atomic64_sub(bytes, &account->bytes);
	return get_cred(account->owner);
}

void xqaccel_uncharge_left(const struct cred *owner, u64 bytes)
{
	if (owner)
		atomic_long_sub(bytes >> PAGE_SHIFT, &owner->user->locked_vm);
	atomic64_sub(bytes, &total);
	put_cred(owner);
}

/*
 * A file is opened by the current task. Its credentials hold the user, because not every kernel
 * lets a module call free_uid(): Debian's 6.1.0-50 does not, its 6.1.0-56 does.
 */
void xqaccel_account_open(struct xqaccel_account *account)
{
	atomic64_set(&account->bytes, 0);
	account->owner = capable(CAP_IPC_LOCK) ? NULL : get_current_cred();
}

/* Everything was uncharged. */
void xqaccel_account_close(struct xqaccel_account *account)
{
	WARN_ON(atomic64_read(&account->bytes));
	put_cred(account->owner);
}
