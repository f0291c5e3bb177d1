// SPDX-License-Identifier: GPL-2.0
/*
 * What a buffer is made of: ordinary pages, which the DMA API maps where they are.
 *
 * Unless it would bounce them: in an encrypted guest, with swiotlb=force, or if the device does not
 * reach all of memory. Bounce buffers are copied as a whole, but a buffer is written by several
 * jobs and by the processor at the same time. So there the memory comes from the DMA API, in blocks
 * that the device reaches in place. Such memory must be given back before the driver lets go of the
 * device, so what is in it moves to ordinary pages then.
 *
 * Either way nothing is ever copied between the processor and the device.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "buffer.h"
#include "client.h"

/* Who asks for more than there is learns so from the call, not from the log. */
#define GFP_PAGES	(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN)
/* A block of a large page is worth a try but no effort. */
#define GFP_LARGE	(GFP_PAGES | __GFP_NORETRY)
#define GFP_SMALL	(GFP_PAGES | __GFP_RETRY_MAYFAIL)

#define LARGE_ORDER	(XQACCEL_GRANULE_SHIFT - PAGE_SHIFT)

/* ---- ordinary pages ------------------------------------------------------------ */

/*
 * Large blocks where there are some, so that a leaf of the page table can cover 2 MiB. They
 * are split at once: mappings hold single pages.
 */
static unsigned int block_alloc(struct xqaccel_buffer *buf, unsigned long at)
{
	unsigned int order = buf->page_count - at >= 1UL << LARGE_ORDER ? LARGE_ORDER : 0;
	struct page *page = NULL;
	unsigned int i;

	if (order) {
		page = alloc_pages(GFP_LARGE, order);
		if (page)
			split_page(page, order);
	}
	if (!page) {
		order = 0;
		page = alloc_page(GFP_SMALL);
	}
	if (!page)
		return 0;
	for (i = 0; i < 1U << order; i++)
		buf->pages[at + i] = page + i;
	return 1U << order;
}

static int pages_alloc(struct xqaccel_buffer *buf)
{
	unsigned long at;
	unsigned int got;

	for (at = 0; at < buf->page_count; at += got) {
		got = fatal_signal_pending(current) ? 0 : block_alloc(buf, at);
		if (!got)
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

static void pages_free(struct xqaccel_buffer *buf)
{
	unsigned long i;

	for (i = 0; i < buf->page_count; i++) {
		if (buf->pages[i])
			__free_page(buf->pages[i]);
		if (!(i % 4096))
			cond_resched();
	}
}

/*
 * Caches are maintained for each job (dma_sync.c), and what a job does not name the device does not
 * touch. So nothing is to be done here, and the same pages may be mapped more than once: those
 * of a process that wraps them again, and those of a buffer that is imported (buffer_export.c).
 */
static int pages_map(struct xqaccel_buffer *buf)
{
	const size_t segment = dma_get_max_seg_size(buf->dma_dev) & PAGE_MASK;
	int ret;

	ret = sg_alloc_table_from_pages_segment(&buf->sgt, buf->pages, buf->page_count, 0,
						buf->bytes, max_t(size_t, segment, PAGE_SIZE),
						GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (ret)
		return ret;
	ret = dma_map_sgtable(buf->dma_dev, &buf->sgt, buf->dir,
			      DMA_ATTR_NO_WARN | DMA_ATTR_SKIP_CPU_SYNC);
	if (!ret)
		return 0;
	sg_free_table(&buf->sgt);
	/* EIO means that bus addresses are used up. */
	return -ENOMEM;
}

/* Whoever still has the memory mapped is the only one who writes it, and must lose nothing. */
static void pages_unmap(struct xqaccel_buffer *buf)
{
	dma_unmap_sgtable(buf->dma_dev, &buf->sgt, buf->dir, DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_table(&buf->sgt);
}

/* ---- memory of the DMA API ------------------------------------------------------- */

struct block {
	struct list_head node;
	struct page *page;
	dma_addr_t dma;
	unsigned int order;
};

static bool dma_block_alloc(struct xqaccel_buffer *buf, struct block *block, unsigned long left)
{
	block->order = left >= 1UL << LARGE_ORDER ? LARGE_ORDER : 0;
	block->page = NULL;
	if (block->order)
		block->page = dma_alloc_pages(buf->dma_dev, PAGE_SIZE << block->order,
					      &block->dma, DMA_BIDIRECTIONAL, GFP_LARGE);
	if (!block->page) {
		block->order = 0;
		block->page = dma_alloc_pages(buf->dma_dev, PAGE_SIZE, &block->dma,
					      DMA_BIDIRECTIONAL, GFP_SMALL);
	}
	return block->page;
}

static void dma_blocks_free(struct xqaccel_buffer *buf, struct list_head *blocks, bool memory)
{
	struct block *block, *next;

	list_for_each_entry_safe(block, next, blocks, node) {
		if (memory)
			dma_free_pages(buf->dma_dev, PAGE_SIZE << block->order, block->page,
				       block->dma, DMA_BIDIRECTIONAL);
		kfree(block);
		cond_resched();
	}
}

/* Returns the number of blocks or -errno, with what was got so far in @blocks. */
static int dma_blocks_alloc(struct xqaccel_buffer *buf, struct list_head *blocks)
{
	unsigned long at = 0;
	struct block *block;
	unsigned int i;
	int count = 0;

	while (at < buf->page_count) {
		if (fatal_signal_pending(current))
			return -ENOMEM;
		block = kzalloc(sizeof(*block), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!block)
			return -ENOMEM;
		if (!dma_block_alloc(buf, block, buf->page_count - at)) {
			kfree(block);
			return -ENOMEM;
		}
		list_add_tail(&block->node, blocks);
		for (i = 0; i < 1U << block->order; i++)
			buf->pages[at + i] = block->page + i;
		at += 1UL << block->order;
		count++;
		cond_resched();
	}
	return count;
}

static int dma_memory_alloc(struct xqaccel_buffer *buf)
{
	struct scatterlist *sg;
	struct block *block;
	LIST_HEAD(blocks);
	int ret;

	ret = dma_blocks_alloc(buf, &blocks);
	if (ret >= 0)
		ret = sg_alloc_table(&buf->sgt, ret, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (ret) {
		dma_blocks_free(buf, &blocks, true);
		return ret;
	}
	sg = buf->sgt.sgl;
	list_for_each_entry(block, &blocks, node) {
		sg_set_page(sg, block->page, PAGE_SIZE << block->order, 0);
		sg_dma_address(sg) = block->dma;
		sg_dma_len(sg) = sg->length;
		sg = sg_next(sg);
	}
	dma_blocks_free(buf, &blocks, false);
	buf->mapped = true;
	return 0;
}

static void dma_memory_free(struct xqaccel_buffer *buf)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_sg(&buf->sgt, sg, i) {
		dma_free_pages(buf->dma_dev, sg->length, sg_page(sg), sg_dma_address(sg),
			       DMA_BIDIRECTIONAL);
		cond_resched();
	}
	sg_free_table(&buf->sgt);
}

/* Without memory for its copy a page is gone, and touching it is SIGBUS. */
static void page_move(struct page **page)
{
	struct page *copy = alloc_page(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);

	if (copy)
		copy_highpage(copy, *page);
	*page = copy;
}

/*
 * Block by block, so that no more memory is needed than that of a block. Pages that are mapped
 * again in the meantime wait for pages_lock, see pfn_fault().
 */
static void dma_memory_leave(struct xqaccel_buffer *buf)
{
	struct xqaccel_client *client = buf->client;
	struct page **page = buf->pages;
	struct scatterlist *sg;
	unsigned int n;
	int i;

	mutex_lock(&client->pages_lock);
	if (client->mapping)
		unmap_mapping_range(client->mapping, xqaccel_mmap_offset(buf), buf->bytes, 1);
	for_each_sgtable_sg(&buf->sgt, sg, i) {
		for (n = sg->length >> PAGE_SHIFT; n; n--)
			page_move(page++);
		dma_free_pages(buf->dma_dev, sg->length, sg_page(sg), sg_dma_address(sg),
			       DMA_BIDIRECTIONAL);
		cond_resched();
	}
	sg_free_table(&buf->sgt);
	buf->from_dma = false;
	mutex_unlock(&client->pages_lock);
}

/* ---- any ---------------------------------------------------------------------------- */

/*
 * Whether the DMA API would map ordinary pages to bounce buffers, which are all that limits a
 * mapping, or not at all, where the device reaches a part of memory and there are none. An IOMMU,
 * which merges pages, puts all of memory where the device reaches it.
 */
bool xqaccel_dma_bounces(struct device *dev)
{
	if (dma_max_mapping_size(dev) != SIZE_MAX)
		return true;
	return !dma_get_merge_boundary(dev) && dma_addressing_limited(dev);
}

/* Zeroed memory of the driver. */
static int own_alloc(struct xqaccel_buffer *buf)
{
	buf->from_dma = xqaccel_dma_bounces(buf->dma_dev);
	/* What others map for their devices must be ordinary pages, which stay what they are. */
	if (buf->from_dma && buf->resv)
		return -EOPNOTSUPP;
	return buf->from_dma ? dma_memory_alloc(buf) : pages_alloc(buf);
}

/* Memory for a new buffer. What it got is given back by xqaccel_buffer_pages_free(). */
int xqaccel_buffer_pages_alloc(struct xqaccel_buffer *buf, const struct xqaccel_source *source)
{
	const unsigned long count = buf->bytes >> PAGE_SHIFT;

	buf->page_count = count;
	if (buf->origin == XQACCEL_IMPORTED)
		return xqaccel_dma_bounces(buf->dma_dev) ? -EOPNOTSUPP :
		       xqaccel_import_attach(buf, source->dmabuf);
	buf->pages = kvcalloc(count, sizeof(*buf->pages), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!buf->pages)
		return -ENOMEM;
	return buf->origin == XQACCEL_USER ? xqaccel_user_pin(buf, source->address) :
					     own_alloc(buf);
}

/* Gives the memory bus addresses, in buf->sgt. */
int xqaccel_buffer_pages_map(struct xqaccel_buffer *buf)
{
	int ret;

	if (buf->mapped)
		return 0;
	if (buf->origin != XQACCEL_OWN && xqaccel_dma_bounces(buf->dma_dev))
		return -EOPNOTSUPP;
	ret = pages_map(buf);
	buf->mapped = !ret;
	return ret;
}

/* Takes a process's memory from the DMA API; its pages stay pinned. */
void xqaccel_user_unmap(struct xqaccel_buffer *buf)
{
	pages_unmap(buf);
	buf->mapped = false;
}

/* Memory that nobody can reach any more: to where it came from. */
static void memory_release(struct xqaccel_buffer *buf)
{
	if (buf->origin == XQACCEL_USER)
		xqaccel_user_unpin(buf);
	else if (buf->pages)
		pages_free(buf);
}

/*
 * Frees the memory of a buffer that nobody can reach any more, or keeps it for ever if the device
 * may still write there.
 */
void xqaccel_buffer_pages_free(struct xqaccel_buffer *buf, bool leak)
{
	leak = leak && buf->mapped;
	if (buf->origin == XQACCEL_IMPORTED) {
		/* Without its end a dma-buf's memory and bus addresses stay what they are. */
		if (!leak)
			xqaccel_import_detach(buf);
		if (!leak && buf->dmabuf)
			dma_buf_put(buf->dmabuf);
	} else if (leak) {
		sg_free_table(&buf->sgt);
	} else if (buf->from_dma) {
		if (buf->mapped)
			dma_memory_free(buf);
	} else {
		if (buf->mapped)
			pages_unmap(buf);
		memory_release(buf);
	}
	buf->mapped = false;
	kvfree(buf->pages);
}

/* The end of a buffer that nobody has. @leak: the device may write the memory for ever */
void xqaccel_buffer_free(struct xqaccel_buffer *buf, bool leak)
{
	xqaccel_buffer_pages_free(buf, leak);
	if (buf->resv == &buf->own_resv)
		dma_resv_fini(&buf->own_resv);
	kfree(buf);
}

/* The device goes, and the buffer stays as memory of the programs that have it mapped. */
void xqaccel_buffer_pages_detach(struct xqaccel_buffer *buf)
	__must_hold(&buf->client->mem_lock)
{
	lockdep_assert_held(&buf->client->mem_lock);

	if (!buf->mapped)
		return;
	if (buf->origin == XQACCEL_IMPORTED)
		xqaccel_import_detach(buf);
	else if (buf->from_dma)
		dma_memory_leave(buf);
	else
		pages_unmap(buf);
	buf->mapped = false;
}
