// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/xqaccel/xqaccelN: counters, clients, their page tables, and the rings. The
 * files are gone, and nobody reads them any more, before the device's parts are freed.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/vmalloc.h>

#include "client.h"
#include "fault.h"
#include "snapshot.h"
#include "user.h"

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

/* Of a client's jobs, at one moment. */
struct client_jobs {
	unsigned int unreaped;
	unsigned int ended;
	unsigned int inflight;
	unsigned int lanes;	/* with jobs that are not reaped, as a mask */
	u64 device_ns;
};

static struct client_jobs client_jobs(struct xqaccel_client *client)
{
	struct client_jobs jobs = {};
	unsigned int i;

	spin_lock_irq(&client->xq->lock);
	jobs.unreaped = client->unreaped + client->ring_jobs;
	jobs.ended = client->done_count;
	jobs.device_ns = client->device_ns;
	for (i = 0; i < XQACCEL_LANES; i++) {
		jobs.inflight += client->lane[i].inflight;
		if (client->lane[i].unreaped || client->lane[i].ring_jobs)
			jobs.lanes |= BIT(i);
	}
	spin_unlock_irq(&client->xq->lock);
	return jobs;
}

static void client_show(struct seq_file *s, struct xqaccel_client *client)
{
	const struct client_jobs jobs = client_jobs(client);

	/* Anybody can call himself anything. */
	seq_printf(s, "%6llu %7d %6u %4d %7u %12lld %5u %5u %8u  0x%02x %13llu %*pE\n", client->id,
		   client->pid, from_kuid(&init_user_ns, client->user->uid),
		   READ_ONCE(client->priority), READ_ONCE(client->live_count),
		   atomic64_read(&client->account.bytes), jobs.unreaped, jobs.ended,
		   jobs.inflight, jobs.lanes, jobs.device_ns,
		   (int)strnlen(client->comm, sizeof(client->comm)), client->comm);
}

static int clients_show(struct seq_file *s, void *unused)
{
	struct xqaccel_device *xq = s->private;
	struct xqaccel_client *client;

	seq_printf(s, "%6s %7s %6s %4s %7s %12s %5s %5s %8s %5s %13s %s\n", "client", "pid", "uid",
		   "prio", "buffers", "bytes", "jobs", "ended", "inflight", "lanes", "device_ns",
		   "comm");
	mutex_lock(&xq->clients_lock);
	list_for_each_entry(client, &xq->clients, node)
		client_show(s, client);
	mutex_unlock(&xq->clients_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(clients);

/* Page tables of each level, the root first. */
static int tables_show(struct seq_file *s, void *unused)
{
	struct xqaccel_device *xq = s->private;
	struct xqaccel_client *client;
	unsigned int i;

	seq_puts(s, "client context");
	for (i = 0; i < XQ_PT_LEVELS; i++)
		seq_printf(s, "   level%u", i);
	seq_putc(s, '\n');
	mutex_lock(&xq->clients_lock);
	list_for_each_entry(client, &xq->clients, node) {
		/* Pairs with the release in context_make(). */
		if (!smp_load_acquire(&client->has_context))
			continue;
		seq_printf(s, "%6llu %7u", client->id, client->context);
		for (i = 0; i < XQ_PT_LEVELS; i++)
			seq_printf(s, " %8u", READ_ONCE(client->mmu.tables[i]));
		seq_putc(s, '\n');
	}
	mutex_unlock(&xq->clients_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(tables);

/* The rings and the jobs on them, in the form of a coredump. */
static int rings_show(struct seq_file *s, void *unused)
{
	struct xqaccel_device *xq = s->private;
	struct xqaccel_snapshot *snapshot = xqaccel_snapshot_alloc();
	char *text;
	size_t bytes;

	if (!snapshot)
		return -ENOMEM;
	mutex_lock(&xq->reset_lock);
	xqaccel_snapshot_take(snapshot, xq, "somebody asked");
	mutex_unlock(&xq->reset_lock);
	text = xqaccel_snapshot_text(snapshot, &bytes);
	xqaccel_snapshot_free(snapshot);
	if (!text)
		return -ENOMEM;
	seq_write(s, text, bytes);
	vfree(text);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rings);

void xqaccel_debugfs_add(struct xqaccel_device *xq)
{
	xq->debugfs = debugfs_create_dir(dev_name(&xq->dev), root);
	debugfs_create_file("stats", 0400, xq->debugfs, xq, &stats_fops);
	debugfs_create_file("clients", 0400, xq->debugfs, xq, &clients_fops);
	debugfs_create_file("tables", 0400, xq->debugfs, xq, &tables_fops);
	debugfs_create_file("rings", 0400, xq->debugfs, xq, &rings_fops);
}

void xqaccel_debugfs_remove(struct xqaccel_device *xq)
{
	debugfs_remove_recursive(xq->debugfs);
	xq->debugfs = NULL;
}

void xqaccel_debugfs_init(void)
{
	root = debugfs_create_dir("xqaccel", NULL);
	xqaccel_fault_init(root);
}

void xqaccel_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}
