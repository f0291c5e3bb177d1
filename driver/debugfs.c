// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/xqaccel/xqaccelN/stats: counters, one "name value" a line. */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "device.h"

static struct dentry *root;

static void show(struct seq_file *s, const char *name, const atomic64_t *value)
{
	seq_printf(s, "%s %lld\n", name, atomic64_read(value));
}

static int stats_show(struct seq_file *s, void *unused)
{
	const struct xqaccel_device *xq = s->private;
	const struct xqaccel_stats *stats = &xq->stats;

	show(s, "clients", &stats->clients);
	show(s, "buffers", &stats->buffers);
	show(s, "buffer_bytes", &stats->buffer_bytes);
	show(s, "table_bytes", &stats->table_bytes);
	show(s, "jobs", &stats->jobs);
	show(s, "completed", &stats->completed);
	show(s, "timeouts", &stats->timeouts);
	show(s, "lost_interrupts", &stats->lost_interrupts);
	show(s, "bad_completions", &stats->bad_completions);
	show(s, "queue_resets", &stats->queue_resets);
	show(s, "function_resets", &stats->function_resets);
	show(s, "resubmitted", &stats->resubmitted);
	show(s, "leaked_pages", &stats->leaked_pages);
	show(s, "synced_jobs", &stats->synced_jobs);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

void xqaccel_debugfs_add(struct xqaccel_device *xq)
{
	xq->debugfs = debugfs_create_dir(dev_name(&xq->dev), root);
	debugfs_create_file("stats", 0400, xq->debugfs, xq, &stats_fops);
}

void xqaccel_debugfs_remove(struct xqaccel_device *xq)
{
	debugfs_remove_recursive(xq->debugfs);
	xq->debugfs = NULL;
}

void xqaccel_debugfs_init(void)
{
	root = debugfs_create_dir("xqaccel", NULL);
}

void xqaccel_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}
