// SPDX-License-Identifier: GPL-2.0
/* A device from its discovery to its removal, whatever bus it is on. */
#include <linux/slab.h>

#include "client.h"
#include "coredump.h"
#include "device.h"
#include "job.h"
#include "reset.h"

static void device_release(struct device *dev)
{
	struct xqaccel_device *xq = container_of(dev, struct xqaccel_device, dev);

	/* A submit that came too late may have left it. */
	flush_work(&xq->ready_work);
	xqaccel_kept_exit(&xq->kept);
	xqaccel_coredump_exit(xq);
	xqaccel_chrdev_forget(xq);
	ida_destroy(&xq->contexts);
	put_device(xq->parent);
	kfree(xq);
}

static void lost_work(struct work_struct *work)
{
	xqaccel_clients_wake(container_of(work, struct xqaccel_device, lost_work));
}

static void queue_init(struct xqaccel_device *xq, unsigned int index)
{
	struct xqaccel_queue *q = &xq->queue[index];

	q->xq = xq;
	q->index = index;
	q->stopped = true;
	INIT_LIST_HEAD(&q->jobs);
	INIT_DELAYED_WORK(&q->watch, xqaccel_watch);
	raw_spin_lock_init(&q->bell);
}

/* Whether it is one that the driver can work with; if not it was said why. */
static int found(struct xqaccel_device *xq)
{
	int ret;

	ret = xqaccel_caps_identify(xq);
	if (ret)
		return ret;
	ret = xqaccel_reset_initial(xq);
	if (ret) {
		dev_err(xq->parent, "the device does not answer a reset\n");
		return ret;
	}
	return xqaccel_caps_read(xq);
}

/*
 * Makes the device's structure and reads what the hardware is. The caller puts &xq->dev on
 * any failure after this, or calls xqaccel_core_remove() once xqaccel_core_add() succeeded.
 */
struct xqaccel_device *xqaccel_core_alloc(struct device *parent, const struct xqaccel_bus_ops *bus,
					  void __iomem *regs)
{
	struct xqaccel_device *xq = kzalloc(sizeof(*xq), GFP_KERNEL);
	unsigned int i;
	int ret;

	if (!xq)
		return ERR_PTR(-ENOMEM);
	xq->parent = get_device(parent);
	xq->bus = bus;
	xq->regs = regs;
	xq->minor = -1;
	init_rwsem(&xq->gone_lock);
	init_rwsem(&xq->import_lock);
	mutex_init(&xq->clients_lock);
	INIT_LIST_HEAD(&xq->clients);
	INIT_LIST_HEAD(&xq->users);
	ida_init(&xq->contexts);
	init_waitqueue_head(&xq->ending_wait);
	mutex_init(&xq->reset_lock);
	xqaccel_kept_init(&xq->kept);
	xqaccel_coredump_init(xq);
	spin_lock_init(&xq->lock);
	xqaccel_sched_init_device(xq);
	init_llist_head(&xq->ready);
	INIT_WORK(&xq->ready_work, xqaccel_sched_ready);
	INIT_LIST_HEAD(&xq->sync);
	INIT_WORK(&xq->sync_work, xqaccel_sync_work);
	INIT_WORK(&xq->lost_work, lost_work);
	INIT_DELAYED_WORK(&xq->bus_work, xqaccel_bus_look);
	for (i = 0; i < XQ_MAX_QUEUES; i++)
		queue_init(xq, i);

	device_initialize(&xq->dev);
	xq->dev.parent = parent;
	xq->dev.release = device_release;

	ret = found(xq);
	if (ret) {
		put_device(&xq->dev);
		return ERR_PTR(ret);
	}
	return xq;
}

static void set_gone(struct xqaccel_device *xq)
{
	down_write(&xq->gone_lock);
	/* Who has import_lock reads it without this one. */
	WRITE_ONCE(xq->gone, true);
	up_write(&xq->gone_lock);
}

/*
 * Who imports has undone it when this returns, or the client knows the buffer; who gives a dma-buf
 * back, and took it from where the client knows it, has detached it.
 */
static void imports_wait(struct xqaccel_device *xq)
{
	down_write(&xq->import_lock);
	up_write(&xq->import_lock);
}

/* Nobody can open the device any more. Files that are open stay, but have no hardware. */
static void hardware_end(struct xqaccel_device *xq)
{
	unsigned int i;

	/* DMA is off when the first returns, and no job is in flight when the second does. */
	xqaccel_reset_final(xq);
	flush_work(&xq->sync_work);
	cancel_work_sync(&xq->sync_work);
	xqaccel_irq_free(xq);
	for (i = 0; i < xq->caps.queues; i++)
		cancel_delayed_work_sync(&xq->queue[i].watch);
	cancel_delayed_work_sync(&xq->bus_work);
	cancel_work_sync(&xq->lost_work);
	xqaccel_coredump_flush(xq);

	/* Jobs of a file that is being closed may be left, without anything to do. */
	spin_lock_irq(&xq->lock);
	xqaccel_power_put(xq);
	spin_unlock_irq(&xq->lock);

	imports_wait(xq);
	xqaccel_clients_detach(xq);
	imports_wait(xq);
	xqaccel_kept_end(xq);
	xqaccel_context_fini(xq);
	xqaccel_queues_free(xq);
}

/* Rings and contexts, then interrupts, then the hardware, then user space. */
int xqaccel_core_add(struct xqaccel_device *xq)
{
	int ret;

	ret = xqaccel_chrdev_prepare(xq);
	if (ret)
		return ret;
	ret = xqaccel_queues_alloc(xq);
	if (ret)
		goto free_queues;
	ret = xqaccel_context_init(xq);
	if (ret)
		goto free_queues;
	ret = xqaccel_irq_request(xq);
	if (ret)
		goto free_contexts;
	ret = xqaccel_reset_start(xq);
	if (ret) {
		dev_err(xq->parent, "the device does not start\n");
		goto stop;
	}
	xqaccel_debugfs_add(xq);
	ret = xqaccel_chrdev_add(xq);
	if (ret)
		goto remove_debugfs;
	dev_info(&xq->dev, "%u queues, %u contexts, %s\n", xq->caps.queues, xq->caps.contexts,
		 xq->caps.isa[0] ? xq->caps.isa : "hardware");
	return 0;

remove_debugfs:
	xqaccel_debugfs_remove(xq);
stop:
	/* xqaccel_open() may have been called before cdev_device_add() failed. */
	set_gone(xq);
	hardware_end(xq);
	return ret;
free_contexts:
	xqaccel_context_fini(xq);
free_queues:
	xqaccel_queues_free(xq);
	return ret;
}

/*
 * The hardware goes, in order or by surprise. Files may stay open: their jobs end here, and
 * what is left of them is memory. Puts the reference of xqaccel_core_alloc().
 */
void xqaccel_core_remove(struct xqaccel_device *xq)
{
	set_gone(xq);
	/* Its folder has the name that the next device may get. */
	xqaccel_debugfs_remove(xq);
	xqaccel_chrdev_remove(xq);
	hardware_end(xq);
	put_device(&xq->dev);
}
