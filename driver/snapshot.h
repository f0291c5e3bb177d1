/* SPDX-License-Identifier: GPL-2.0 */
/* What the device and the driver knew of each other at one moment, and that as text. */
#ifndef XQACCEL_SNAPSHOT_H
#define XQACCEL_SNAPSHOT_H

#include <linux/types.h>

struct xqaccel_device;
struct xqaccel_snapshot;

struct xqaccel_snapshot *xqaccel_snapshot_alloc(void);
void xqaccel_snapshot_take(struct xqaccel_snapshot *s, struct xqaccel_device *xq,
			   const char *reason);
char *xqaccel_snapshot_text(const struct xqaccel_snapshot *s, size_t *bytes);
void xqaccel_snapshot_free(struct xqaccel_snapshot *s);

#endif
