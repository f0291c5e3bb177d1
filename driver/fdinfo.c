// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/PID/fdinfo/FD: what a client uses, in the keys of the kernel's drm-usage-stats.rst, so that
 * tools that know GPUs know this device too.
 */
#include <linux/fs.h>
#include <linux/pci.h>
#include <linux/seq_file.h>

#include "chrdev.h"
#include "client.h"

static const char *const priority_names[] = { "low", "normal", "high" };

void xqaccel_show_fdinfo(struct seq_file *s, struct file *file)
{
	struct xqaccel_client *client = file->private_data;
	struct xqaccel_device *xq = client->xq;
	u64 device_ns, bytes;
	unsigned int jobs;

	spin_lock_irq(&xq->lock);
	device_ns = client->device_ns;
	jobs = client->unreaped + client->ring_jobs;
	spin_unlock_irq(&xq->lock);
	bytes = atomic64_read(&client->account.bytes);

	seq_puts(s, "drm-driver:\txqaccel\n");
	seq_printf(s, "drm-client-id:\t%llu\n", client->id);
	if (dev_is_pci(xq->parent))
		seq_printf(s, "drm-pdev:\t%s\n", dev_name(xq->parent));
	seq_printf(s, "drm-engine-gemm:\t%llu ns\n", device_ns);
	seq_printf(s, "drm-engine-capacity-gemm:\t%u\n", xq->caps.queues);
	seq_printf(s, "drm-total-memory:\t%llu KiB\n", bytes >> 10);
	seq_printf(s, "drm-resident-memory:\t%llu KiB\n", bytes >> 10);
	seq_printf(s, "xqaccel-jobs:\t%u\n", jobs);
	/* Pairs with the release in context_make(). */
	if (smp_load_acquire(&client->has_context))
		seq_printf(s, "xqaccel-priority:\t%s\n",
			   priority_names[client->priority - XQACCEL_PRIORITY_LOW]);
}
