/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that is kept for a device whose DMA could not be stopped, see kept.c. */
#ifndef XQACCEL_KEPT_H
#define XQACCEL_KEPT_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct xqaccel_buffer;
struct xqaccel_device;

/**
 * struct xqaccel_kept - what nobody but the device can reach
 * @lock: see there
 * @buffers: of struct xqaccel_buffer, by node
 * @tables: of struct xqaccel_table, by node
 * @final: the driver let go of the device, so its DMA API can't be asked any more
 */
struct xqaccel_kept {
	struct mutex lock;		/* protects the rest; none other is taken inside */
	struct list_head buffers;
	struct list_head tables;
	bool final;
};

void xqaccel_kept_init(struct xqaccel_kept *kept);
void xqaccel_keep_buffer(struct xqaccel_device *xq, struct xqaccel_buffer *buf);
void xqaccel_keep_tables(struct xqaccel_device *xq, struct list_head *tables);
void xqaccel_kept_review(struct xqaccel_device *xq);
void xqaccel_kept_end(struct xqaccel_device *xq);

#endif
