/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that is kept for a device whose DMA could not be stopped, see kept.c. */
#ifndef XQACCEL_KEPT_H
#define XQACCEL_KEPT_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct xqaccel_buffer;
struct xqaccel_device;

/**
 * struct xqaccel_kept - what nobody but the device can reach
 * @lock: see there
 * @buffers: of struct xqaccel_buffer, by node
 * @tables: of struct xqaccel_table, by node
 * @review_work: frees what can be
 * @final: the driver let go of the device, so its DMA API can't be asked any more
 */
struct xqaccel_kept {
	struct mutex lock;		/* protects the rest */
	struct list_head buffers;
	struct list_head tables;
	struct work_struct review_work;
	bool final;
};

void xqaccel_kept_init(struct xqaccel_kept *kept);
void xqaccel_keep_buffer(struct xqaccel_device *xq, struct xqaccel_buffer *buf);
void xqaccel_keep_tables(struct xqaccel_device *xq, struct list_head *tables);
void xqaccel_kept_review_later(struct xqaccel_device *xq);
void xqaccel_kept_end(struct xqaccel_device *xq);
void xqaccel_kept_exit(struct xqaccel_kept *kept);

#endif
