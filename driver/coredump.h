/* SPDX-License-Identifier: GPL-2.0 */
/* A snapshot of a hang for /sys/class/devcoredump. */
#ifndef XQACCEL_COREDUMP_H
#define XQACCEL_COREDUMP_H

#include <linux/kconfig.h>
#include <linux/uidgid.h>

struct xqaccel_device;
struct xqaccel_snapshot;

#if IS_ENABLED(CONFIG_DEV_COREDUMP)
void xqaccel_coredump_init(struct xqaccel_device *xq);
void xqaccel_coredump_exit(struct xqaccel_device *xq);
void xqaccel_coredump_drop(struct xqaccel_device *xq);
void xqaccel_coredump_take(struct xqaccel_device *xq, const char *reason);
void xqaccel_coredump_take_late(struct xqaccel_device *xq, kuid_t owner);
struct xqaccel_snapshot *xqaccel_coredump_detach(struct xqaccel_device *xq);
void xqaccel_coredump_publish(struct xqaccel_device *xq, struct xqaccel_snapshot *s);
#else
static inline void xqaccel_coredump_init(struct xqaccel_device *xq)
{
}

static inline void xqaccel_coredump_exit(struct xqaccel_device *xq)
{
}

static inline void xqaccel_coredump_drop(struct xqaccel_device *xq)
{
}

static inline void xqaccel_coredump_take(struct xqaccel_device *xq, const char *reason)
{
}

static inline void xqaccel_coredump_take_late(struct xqaccel_device *xq, kuid_t owner)
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
