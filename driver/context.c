// SPDX-License-Identifier: GPL-2.0
/* Contexts: ids, the table of page table roots, invalidation. */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>

#include "client.h"
#include "info.h"
#include "job.h"
#include "reset.h"
#include "scheduler.h"

/* A device drops what no job uses at once, but it may wait for all jobs of the context. */
#define INVALIDATE_MS	1000

static size_t table_bytes(struct xqaccel_device *xq)
{
	return max_t(size_t, PAGE_SIZE, xq->caps.contexts * sizeof(struct xq_hw_context));
}

int xqaccel_context_init(struct xqaccel_device *xq)
{
	xq->ctx_table = dma_alloc_coherent(xq->parent, table_bytes(xq), &xq->ctx_table_dma,
					   GFP_KERNEL);
	if (!xq->ctx_table)
		return -ENOMEM;
	xq->needs_sync = xqaccel_dma_needs_sync(xq->parent, xq->ctx_table_dma);
	return 0;
}

void xqaccel_context_fini(struct xqaccel_device *xq)
{
	if (xq->ctx_table && xq->dma != XQACCEL_DMA_UNKNOWN)
		dma_free_coherent(xq->parent, table_bytes(xq), xq->ctx_table, xq->ctx_table_dma);
	xq->ctx_table = NULL;
}

/* Takes a context id; xqaccel_user_add_context() has found that there is one. */
int xqaccel_context_get(struct xqaccel_client *client)
{
	struct xqaccel_device *xq = client->xq;
	const int id = ida_alloc_max(&xq->contexts, xq->caps.contexts - 1,
				     GFP_KERNEL | __GFP_NOWARN);

	if (id < 0)
		return id == -ENOSPC ? -EBUSY : id;
	client->context = id;
	return 0;
}

void xqaccel_context_put(struct xqaccel_client *client)
{
	ida_free(&client->xq->contexts, client->context);
}

static void entry_set(struct xqaccel_client *client, u64 value)
{
	WRITE_ONCE(client->xq->ctx_table[client->context].root, cpu_to_le64(value));
	dma_wmb();
}

/* Lets the device walk the client's page table. */
void xqaccel_context_on(struct xqaccel_client *client)
{
	entry_set(client, client->mmu.root->dma | XQ_PTE_VALID);
	client->context_on = true;
}

/*
 * Takes the page table away; returns whether the device has certainly let go of it. Of a
 * client that was detached, the removal has found that out.
 */
bool xqaccel_context_off(struct xqaccel_client *client)
{
	lockdep_assert_held(&client->mem_lock);

	if (!client->context_on)
		return READ_ONCE(client->xq->dma) != XQACCEL_DMA_UNKNOWN;
	entry_set(client, 0);
	client->context_on = false;
	return xqaccel_context_invalidate(client);
}

static int invalidate(struct xqaccel_client *client)
{
	const unsigned long begin = jiffies;
	struct xqaccel_device *xq = client->xq;
	unsigned long patience = msecs_to_jiffies(INVALIDATE_MS);
	int spins = 0;
	u32 value;

	/* A suspended device has forgotten everything, and may not answer. */
	if (READ_ONCE(xq->lost) || xq->power == XQACCEL_SUSPENDED)
		return 0;
	xqaccel_write(xq, XQ_REG_CTX_INVAL, client->context | XQ_CTX_INVAL_GO);
	for (;;) {
		value = xqaccel_read(xq, XQ_REG_CTX_INVAL);
		if (!(value & XQ_CTX_INVAL_GO) || READ_ONCE(xq->lost))
			return 0;
		/* A suspend begins: what the device still knows it will have forgotten after it. */
		if (READ_ONCE(xq->dma) == XQACCEL_DMA_OFF)
			return 0;
		if (value == ~0U)
			return -ENODEV;
		if (time_after(jiffies, begin + patience)) {
			if (!xqaccel_sched_in_flight(client))
				return -ETIMEDOUT;
			/* Each of them ends within its own limit. */
			patience = msecs_to_jiffies(xqaccel_max_timeout_ms());
			if (time_after(jiffies, begin + patience))
				return -ETIMEDOUT;
		}
		if (++spins > 10)
			usleep_range(20, 200);
	}
}

/**
 * xqaccel_context_invalidate() - make the device forget a context's translations
 * @client: whose context
 *
 * Sleeps until the device says so. If it does not, the function is reset, which
 * forgets everything; if that fails the device is lost and its DMA is turned off.
 * Returns false if even that failed, so that the pages must never be freed.
 */
bool xqaccel_context_invalidate(struct xqaccel_client *client)
{
	struct xqaccel_device *xq = client->xq;
	int ret;

	lockdep_assert_held(&client->mem_lock);

	mutex_lock(&xq->inval_lock);
	ret = invalidate(client);
	mutex_unlock(&xq->inval_lock);
	if (ret) {
		dev_warn_ratelimited(&xq->dev, "context %u: invalidation is not acknowledged\n",
				     client->context);
		xqaccel_reset_function(xq, "an invalidation was not acknowledged");
	}
	return !READ_ONCE(xq->lost) || xqaccel_dma_stopped(xq);
}
