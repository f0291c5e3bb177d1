/* SPDX-License-Identifier: GPL-2.0 */
/* A snapshot of a hang for /sys/class/devcoredump. */
#ifndef XQACCEL_COREDUMP_H
#define XQACCEL_COREDUMP_H

#include <linux/kconfig.h>

struct xqaccel_device;
struct xqaccel_snapshot;

#if IS_ENABLED(CONFIG_DEV_COREDUMP)
void xqaccel_coredump_take(struct xqaccel_device *xq, const char *reason);
struct xqaccel_snapshot *xqaccel_coredump_detach(struct xqaccel_device *xq);
void xqaccel_coredump_publish(struct xqaccel_device *xq, struct xqaccel_snapshot *s);
#else
static inline void xqaccel_coredump_take(struct xqaccel_device *xq, const char *reason)
{
}

static inline struct xqaccel_snapshot *xqaccel_coredump_detach(struct xqaccel_device *xq)
{
	return NULL;
}

static inline void xqaccel_coredump_publish(struct xqaccel_device *xq, struct xqaccel_snapshot *s)
{
}
#endif

#endif
