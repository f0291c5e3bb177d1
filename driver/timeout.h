/* SPDX-License-Identifier: GPL-2.0 */
/* Time limits of jobs. */
#ifndef XQACCEL_TIMEOUT_H
#define XQACCEL_TIMEOUT_H

#include <linux/types.h>

struct xqaccel_queue;

u32 xqaccel_default_timeout_ms(void);
u32 xqaccel_fenced_timeout_ms(void);
u32 xqaccel_max_timeout_ms(void);
void xqaccel_watch_arm(struct xqaccel_queue *q);

#endif
