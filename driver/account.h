/* SPDX-License-Identifier: GPL-2.0 */
/* Limits of memory: of a client, of a user, of all devices together. */
#ifndef XQACCEL_ACCOUNT_H
#define XQACCEL_ACCOUNT_H

#include <linux/atomic.h>
#include <linux/types.h>

struct cred;

/**
 * struct xqaccel_account - memory that a client holds
 * @bytes: of buffers and of page tables
 * @owner: of the user whose locked memory it counts as; NULL if there is no limit
 */
struct xqaccel_account {
	atomic64_t bytes;
	const struct cred *owner;
};

void xqaccel_account_open(struct xqaccel_account *account);
void xqaccel_account_close(struct xqaccel_account *account);
int xqaccel_charge(struct xqaccel_account *account, u64 bytes);
void xqaccel_uncharge(struct xqaccel_account *account, u64 bytes);
const struct cred *xqaccel_charge_leave(struct xqaccel_account *account, u64 bytes);
void xqaccel_uncharge_left(const struct cred *owner, u64 bytes);
u64 xqaccel_client_bytes(void);

#endif
