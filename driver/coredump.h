/* SPDX-License-Identifier: GPL-2.0 */
/* A snapshot of a hang for /sys/class/devcoredump. */
#ifndef XQACCEL_COREDUMP_H
#define XQACCEL_COREDUMP_H

#include <linux/kconfig.h>
#include <linux/uidgid.h>

struct xqaccel_device;

#if IS_ENABLED(CONFIG_DEV_COREDUMP)
void xqaccel_coredump_init(struct xqaccel_device *xq);
void xqaccel_coredump_flush(struct xqaccel_device *xq);
void xqaccel_coredump_exit(struct xqaccel_device *xq);
void xqaccel_coredump_drop(struct xqaccel_device *xq);
void xqaccel_coredump_take(struct xqaccel_device *xq, const char *reason);
void xqaccel_coredump_take_late(struct xqaccel_device *xq, kuid_t owner);
void xqaccel_coredump_finish(struct xqaccel_device *xq);
#else
static inline void xqaccel_coredump_init(struct xqaccel_device *xq)
{
}

static inline void xqaccel_coredump_flush(struct xqaccel_device *xq)
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

static inline void xqaccel_coredump_finish(struct xqaccel_device *xq)
{
}
#endif

#endif
