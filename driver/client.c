// SPDX-License-Identifier: GPL-2.0
/* Clients: from open to the end of the last job. */
#include <linux/capability.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "buffer.h"
#include "client.h"
#include "eventfd.h"
#include "fence.h"
#include "ioctl.h"
#include "job.h"
#include "kept.h"
#include "program.h"
#include "scheduler.h"
#include "trace.h"
#include "user.h"

/* Of all devices. */
static atomic_t client_count;

static void client_reap(struct work_struct *work)
{
	struct xqaccel_client *client = container_of(to_delayed_work(work), struct xqaccel_client,
						     reap_work);
	const unsigned long delay = xqaccel_buffers_reap(client);

	if (delay)
		queue_delayed_work(xqaccel_wq, &client->reap_work, delay);
}

static void client_free(struct xqaccel_client *client)
{
	struct xqaccel_device *xq = client->xq;

	xqaccel_user_put(xq, client->user);
	xa_destroy(&client->buffers);
	xa_destroy(&client->programs);
	mtree_destroy(&client->mmap_pages);
	xqaccel_account_close(&client->account);
	kfree(client);
	atomic64_dec(&xq->stats.clients);
	put_device(&xq->dev);
	if (atomic_dec_and_test(&client_count))
		wake_up_var(&client_count);
}

/*
 * The module's end: waits for clients whose files are closed, but whose works come back by timers.
 * What is left of the last one is the end of a work on xqaccel_wq.
 */
void xqaccel_clients_wait_gone(void)
{
	wait_var_event(&client_count, !atomic_read(&client_count));
}

static void end_begin(struct xqaccel_client *client)
{
	client->ending = true;
	/* They may be queued with nothing left to do. */
	cancel_delayed_work_sync(&client->reap_work);
	cancel_work_sync(&client->unpin_work);
	cancel_work_sync(&client->import_work);
	if (client->ring_work.work.func)
		cancel_delayed_work_sync(&client->ring_work);
	/* Others wait for the fences of its jobs. */
	flush_work(&client->signal_work);
	flush_work(&client->unwatch_work);
	mutex_lock(&client->mem_lock);
	client->invalidating = xqaccel_context_off(client);
	mutex_unlock(&client->mem_lock);
}

/* Nobody has a reference, so no job runs and no buffer is in use but by its handle. */
static void client_end(struct work_struct *work)
{
	struct xqaccel_client *client = container_of(to_delayed_work(work), struct xqaccel_client,
						     end_work);
	struct xqaccel_device *xq = client->xq;
	unsigned long delay = 0;
	bool safe = true;
	LIST_HEAD(tables);

	if (!client->ending)
		end_begin(client);
	if (client->invalidating)
		delay = xqaccel_invalidation_poll(client, &safe);
	if (delay) {
		queue_delayed_work(xqaccel_wq, &client->end_work, delay);
		return;
	}
	mutex_lock(&client->mem_lock);
	/* See dying_free(). */
	safe = safe && READ_ONCE(xq->dma) != XQACCEL_DMA_UNKNOWN;
	xqaccel_buffers_end(client, safe);
	xqaccel_mmu_fini(&client->mmu, safe ? NULL : &tables);
	xqaccel_keep_tables(xq, &tables);
	mutex_unlock(&client->mem_lock);
	if (client->has_context) {
		xqaccel_context_put(client);
		xqaccel_user_remove_context(client);
	}
	if (atomic_dec_and_test(&xq->ending))
		wake_up_all(&xq->ending_wait);

	mutex_lock(&xq->clients_lock);
	list_del(&client->node);
	mutex_unlock(&xq->clients_lock);
	client_free(client);
}

/* What somebody who asks for a context waits, at most, for those of clients that end. */
#define ENDING_WAIT	HZ

/* Waits for clients that nobody has a reference of. -EINTR: killed. */
int xqaccel_clients_wait_ending(struct xqaccel_device *xq)
{
	/* client_end() ends it. */
	return wait_event_killable_timeout(xq->ending_wait, !atomic_read(&xq->ending),
					   ENDING_WAIT) < 0 ? -EINTR : 0;
}

static atomic64_t last_id;

static void client_init(struct xqaccel_client *client, struct xqaccel_device *xq)
{
	const u64 timelines = dma_fence_context_alloc(XQACCEL_LANES);
	unsigned int i;

	kref_init(&client->ref);
	client->xq = xq;
	client->id = atomic64_inc_return(&last_id);
	mutex_init(&client->context_lock);
	mutex_init(&client->mem_lock);
	mutex_init(&client->pages_lock);
	INIT_LIST_HEAD(&client->live);
	xa_init_flags(&client->buffers, XA_FLAGS_ALLOC1);
	xa_init_flags(&client->programs, XA_FLAGS_ALLOC1);
	mutex_init(&client->mmap_lock);
	mt_init_flags(&client->mmap_pages, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU);
	init_llist_head(&client->dead_buffers);
	init_waitqueue_head(&client->dead_wait);
	INIT_DELAYED_WORK(&client->reap_work, client_reap);
	INIT_DELAYED_WORK(&client->end_work, client_end);
	INIT_WORK(&client->unpin_work, xqaccel_buffers_unpin);
	INIT_WORK(&client->import_work, xqaccel_buffers_unimport);
	INIT_WORK(&client->signal_work, xqaccel_fences_signal);
	INIT_WORK(&client->unwatch_work, xqaccel_fences_unwatch);
	init_llist_head(&client->unwatched);
	INIT_LIST_HEAD(&client->pinned);
	INIT_LIST_HEAD(&client->imported);
	xqaccel_sched_init_client(client);
	INIT_LIST_HEAD(&client->done);
	INIT_LIST_HEAD(&client->commands);
	client->next_id = 1;
	init_waitqueue_head(&client->wait);
	for (i = 0; i < XQACCEL_LANES; i++) {
		client->lane[i].client = client;
		client->lane[i].index = i;
		INIT_LIST_HEAD(&client->lane[i].jobs);
		INIT_LIST_HEAD(&client->lane[i].done);
		mutex_init(&client->lane[i].fence_lock);
		client->lane[i].fence_context = timelines + i;
		INIT_LIST_HEAD(&client->lane[i].fences);
	}
	get_device(&xq->dev);
	atomic_inc(&client_count);
	atomic64_inc(&xq->stats.clients);
}

/*
 * Called with gone_lock held and the device there. The client has no context yet.
 * @mapping: of the open file
 */
struct xqaccel_client *xqaccel_client_create(struct xqaccel_device *xq,
					     struct address_space *mapping)
	__must_hold(&xq->gone_lock)
{
	struct xqaccel_client *client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	lockdep_assert_held(&xq->gone_lock);

	if (!client)
		return ERR_PTR(-ENOMEM);
	client->user = xqaccel_user_get(xq);
	if (!client->user) {
		kfree(client);
		return ERR_PTR(-ENOMEM);
	}
	client_init(client, xq);
	xqaccel_account_open(&client->account);
	client->mapping = mapping;
	client->pid = task_tgid_nr(current);
	get_task_comm(client->comm, current);
	mutex_lock(&xq->clients_lock);
	list_add_tail(&client->node, &xq->clients);
	mutex_unlock(&xq->clients_lock);
	return client;
}

/* ---- contexts ------------------------------------------------------------- */

/* Makes the page table and lets the device walk it. */
static int context_start(struct xqaccel_client *client, s32 priority)
	__must_hold(&client->mem_lock)
{
	struct xqaccel_device *xq = client->xq;
	int ret;

	lockdep_assert_held(&client->mem_lock);

	ret = xqaccel_context_get(client);
	if (ret)
		return ret;
	ret = xqaccel_mmu_init(&client->mmu, xq->parent, xq->caps.va_bits, &client->account,
			       &xq->stats.table_bytes);
	if (ret) {
		xqaccel_context_put(client);
		return ret;
	}
	client->priority = priority;
	xqaccel_context_on(client);
	/* With what fdinfo and the next caller read without mem_lock. */
	smp_store_release(&client->has_context, true);
	return 0;
}

/* Counts one, and makes it. */
static int context_make(struct xqaccel_call *call, s32 priority)
	__must_hold(&call->client->context_lock)
{
	struct xqaccel_client *client = call->client;
	int ret;

	lockdep_assert_held(&client->context_lock);

	if (client->has_context)
		return -EEXIST;
	ret = xqaccel_user_add_context(client);
	if (ret) {
		/* Clients that ended a moment ago may not have given theirs back yet. */
		call->wait_for |= XQACCEL_WAIT_FOR_CONTEXT;
		return ret;
	}
	mutex_lock(&client->mem_lock);
	ret = context_start(client, priority);
	mutex_unlock(&client->mem_lock);
	if (ret)
		xqaccel_user_remove_context(client);
	return ret;
}

static int context_create(struct xqaccel_call *call, s32 priority)
	__must_hold(&call->client->xq->gone_lock)
{
	struct xqaccel_client *client = call->client;
	int ret;

	lockdep_assert_held(&client->xq->gone_lock);

	/* Pairs with the release in context_make(). */
	if (smp_load_acquire(&client->has_context))
		return -EEXIST;
	if (mutex_lock_killable(&client->context_lock))
		return -EINTR;
	ret = context_make(call, priority);
	mutex_unlock(&client->context_lock);
	return ret;
}

/* Gives a client that has none a context of normal priority. */
int xqaccel_client_need_context(struct xqaccel_call *call)
{
	const int ret = context_create(call, XQACCEL_PRIORITY_NORMAL);

	/* It was there, or context_make() of another thread was first. */
	return ret == -EEXIST ? 0 : ret;
}

int xqaccel_ioctl_context_create(struct xqaccel_call *call)
{
	const struct xqaccel_context_create *cmd = call->data;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->reserved || cmd->priority < XQACCEL_PRIORITY_LOW ||
	    cmd->priority > XQACCEL_PRIORITY_HIGH)
		return -EINVAL;
	if (cmd->priority == XQACCEL_PRIORITY_HIGH && !capable(CAP_SYS_NICE))
		return -EPERM;
	return context_create(call, cmd->priority);
}

/* ---- the end ---------------------------------------------------------------- */

/*
 * A job of a closed client that is not in flight, off all lists; NULL if there is none. One that
 * waits ends here, and not in xqaccel_job_end(): there are many, and nobody waits for completions.
 */
static struct xqaccel_job *job_drop(struct xqaccel_client *client)
	__must_hold(&client->xq->lock)
{
	struct xqaccel_job *job;
	unsigned int i;

	lockdep_assert_held(&client->xq->lock);

	job = list_first_entry_or_null(&client->done, struct xqaccel_job, node);
	if (job) {
		list_del_init(&job->node);
		return job;
	}
	for (i = 0; i < XQACCEL_LANES; i++) {
		job = list_first_entry_or_null(&client->lane[i].jobs, struct xqaccel_job, node);
		if (!job)
			continue;
		xqaccel_sched_remove(job);
		job->completion.status = XQACCEL_STATUS_CANCELED;
		trace_xqaccel_job_complete(job);
		if (job->fence)
			xqaccel_fence_job_ended(job);
		return job;
	}
	return NULL;
}

/* Takes up to so many jobs of a closed client, and frees them; false if there are no more. */
static bool jobs_drop(struct xqaccel_client *client, unsigned int count)
{
	struct xqaccel_device *xq = client->xq;
	struct xqaccel_job *job, *next;
	LIST_HEAD(dropped);
	unsigned int n;

	spin_lock_irq(&xq->lock);
	for (n = 0; n < count; n++) {
		job = job_drop(client);
		if (!job)
			break;
		xqaccel_job_uncount(job);
		list_add_tail(&job->node, &dropped);
	}
	spin_unlock_irq(&xq->lock);

	list_for_each_entry_safe(job, next, &dropped, node) {
		/* One that ended has given back what it held. */
		if (job->state == XQACCEL_JOB_QUEUED)
			xqaccel_job_release(job);
		xqaccel_job_free(xq, job);
	}
	return n == count;
}

/*
 * The file is gone: nobody can submit, reap or map any more. Jobs that did not start are
 * dropped, a few at a time, since interrupts are off meanwhile; running ones end by themselves
 * or, soon, by a reset.
 */
void xqaccel_client_close(struct xqaccel_client *client)
{
	struct xqaccel_device *xq = client->xq;

	mutex_lock(&client->pages_lock);
	client->mapping = NULL;
	mutex_unlock(&client->pages_lock);

	spin_lock_irq(&xq->lock);
	client->closed = true;
	xqaccel_sched_client_closed(client);
	/* A queue may have been kept free for it. */
	xqaccel_sched_run_unlock(xq);
	while (jobs_drop(client, XQACCEL_JOBS_AT_ONCE))
		cond_resched();
	xqaccel_events_close(client);
	xqaccel_programs_close(client);
	xqaccel_buffers_close(client);
	xqaccel_client_put(client);
}

static void client_wake(struct xqaccel_client *client)
{
	wake_up_all(&client->wait);
	xqaccel_events_lost(client);
}

/* The device is lost: wakes everyone who waits for it, to look again. */
void xqaccel_clients_wake(struct xqaccel_device *xq)
{
	struct xqaccel_client *client;

	mutex_lock(&xq->clients_lock);
	list_for_each_entry(client, &xq->clients, node)
		client_wake(client);
	mutex_unlock(&xq->clients_lock);
}

/*
 * The hardware goes while clients stay: give back all that belongs to it. Jobs have ended
 * and none can come.
 */
void xqaccel_clients_detach(struct xqaccel_device *xq)
{
	const bool leak = READ_ONCE(xq->dma) == XQACCEL_DMA_UNKNOWN;
	struct xqaccel_client *client;
	LIST_HEAD(tables);

	mutex_lock(&xq->clients_lock);
	list_for_each_entry(client, &xq->clients, node) {
		mutex_lock(&client->mem_lock);
		client->context_on = false;
		xqaccel_buffers_detach(client);
		xqaccel_mmu_fini(&client->mmu, leak ? &tables : NULL);
		mutex_unlock(&client->mem_lock);
		client_wake(client);
	}
	mutex_unlock(&xq->clients_lock);
	xqaccel_keep_tables(xq, &tables);
}
