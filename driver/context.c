// SPDX-License-Identifier: GPL-2.0
/* Contexts: ids, and the table of page table roots. */
#include <linux/dma-mapping.h>
#include <linux/lockdep.h>

#include "client.h"
#include "job.h"

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
	xq->syncs_pages = xqaccel_dma_syncs_pages(xq->parent);
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
 * Takes the page table away; whether the device has to be waited for, as it is for an invalidation.
 * Of a client that was detached, the removal has done that.
 */
bool xqaccel_context_off(struct xqaccel_client *client)
	__must_hold(&client->mem_lock)
{
	lockdep_assert_held(&client->mem_lock);

	if (!client->context_on)
		return false;
	entry_set(client, 0);
	client->context_on = false;
	xqaccel_invalidation_start(client);
	return true;
}
