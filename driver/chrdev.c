// SPDX-License-Identifier: GPL-2.0
/* /dev/xqaccelN: its number and the operations of an open file. */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>

#include "buffer.h"
#include "chrdev.h"
#include "client.h"
#include "ioctl.h"
#include "job.h"
#include "uring.h"

#define MAX_DEVICES	64

static dev_t first_devt;
static DEFINE_IDA(minors);

static struct class xqaccel_class = {
	.name = "xqaccel",
};

static int xqaccel_open(struct inode *inode, struct file *file)
{
	struct xqaccel_device *xq = container_of(inode->i_cdev, struct xqaccel_device, cdev);
	struct xqaccel_client *client;

	if (down_read_killable(&xq->gone_lock))
		return -EINTR;
	if (xq->gone || READ_ONCE(xq->lost))
		client = ERR_PTR(-ENODEV);
	else
		client = xqaccel_client_create(xq, file->f_mapping);
	up_read(&xq->gone_lock);
	if (IS_ERR(client))
		return PTR_ERR(client);
	file->private_data = client;
	return nonseekable_open(inode, file);
}

static int xqaccel_release(struct inode *inode, struct file *file)
{
	xqaccel_client_close(file->private_data);
	return 0;
}

static __poll_t xqaccel_poll(struct file *file, poll_table *table)
{
	struct xqaccel_client *client = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &client->wait, table);
	spin_lock_irq(&client->xq->lock);
	if (client->done_count)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (client->xq->lost)
		mask |= EPOLLHUP | EPOLLERR;
	spin_unlock_irq(&client->xq->lock);
	return mask;
}

static const struct file_operations xqaccel_fops = {
	.owner = THIS_MODULE,
	.open = xqaccel_open,
	.release = xqaccel_release,
	.unlocked_ioctl = xqaccel_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = xqaccel_mmap,
	.poll = xqaccel_poll,
	.uring_cmd = IS_ENABLED(CONFIG_IO_URING) ? xqaccel_uring_cmd : NULL,
	.uring_cmd_iopoll = IS_ENABLED(CONFIG_IO_URING) ? xqaccel_uring_cmd_iopoll : NULL,
	.show_fdinfo = xqaccel_show_fdinfo,
};

/* Gives the device its number and name; nobody can open it yet. */
int xqaccel_chrdev_prepare(struct xqaccel_device *xq)
{
	const int minor = ida_alloc_max(&minors, MAX_DEVICES - 1, GFP_KERNEL);

	if (minor < 0)
		return minor;
	xq->minor = minor;
	xq->dev.class = &xqaccel_class;
	xq->dev.devt = MKDEV(MAJOR(first_devt), minor);
	xq->dev.groups = xqaccel_sysfs_groups;
	cdev_init(&xq->cdev, &xqaccel_fops);
	xq->cdev.owner = THIS_MODULE;
	return dev_set_name(&xq->dev, "xqaccel%d", minor);
}

/* Files may be opened from here on. */
int xqaccel_chrdev_add(struct xqaccel_device *xq)
{
	return cdev_device_add(&xq->cdev, &xq->dev);
}

/* Open files stay open, but there are no new ones, and the next device may have the number. */
void xqaccel_chrdev_remove(struct xqaccel_device *xq)
{
	cdev_device_del(&xq->cdev, &xq->dev);
	xqaccel_chrdev_forget(xq);
}

void xqaccel_chrdev_forget(struct xqaccel_device *xq)
{
	if (xq->minor >= 0)
		ida_free(&minors, xq->minor);
	xq->minor = -1;
}

/* What files of all devices need: a class, numbers, and memory for the jobs that come by them. */
int xqaccel_chrdev_init(void)
{
	int ret;

	ret = xqaccel_job_memory_init();
	if (ret)
		return ret;
	ret = alloc_chrdev_region(&first_devt, 0, MAX_DEVICES, "xqaccel");
	if (ret)
		goto exit_job_memory;
	ret = class_register(&xqaccel_class);
	if (ret)
		goto unregister_region;
	return 0;

unregister_region:
	unregister_chrdev_region(first_devt, MAX_DEVICES);
exit_job_memory:
	xqaccel_job_memory_exit();
	return ret;
}

void xqaccel_chrdev_exit(void)
{
	/* Fences, the last of which let the module go, may not have returned from their end. */
	rcu_barrier();
	class_unregister(&xqaccel_class);
	unregister_chrdev_region(first_devt, MAX_DEVICES);
	ida_destroy(&minors);
	xqaccel_job_memory_exit();
}
