/* SPDX-License-Identifier: GPL-2.0 */
/* Limits of memory: of a client, of a user, of all devices together. */
#ifndef XQACCEL_ACCOUNT_H
#define XQACCEL_ACCOUNT_H

#include <linux/atomic.h>
#include <linux/types.h>

struct user_struct;

/**
 * struct xqaccel_account - memory that a client holds
 * @bytes: of buffers and of page tables
 * @user: whose locked memory it counts as; NULL if there is no limit
 */
struct xqaccel_account {
	atomic64_t bytes;
	struct user_struct *user;
};

void xqaccel_account_open(struct xqaccel_account *account);
void xqaccel_account_close(struct xqaccel_account *account);
int xqaccel_charge(struct xqaccel_account *account, u64 bytes);
void xqaccel_uncharge(struct xqaccel_account *account, u64 bytes);
struct user_struct *xqaccel_charge_leave(struct xqaccel_account *account, u64 bytes);
void xqaccel_uncharge_left(struct user_struct *user, u64 bytes);
u64 xqaccel_client_bytes(void);

#endif
