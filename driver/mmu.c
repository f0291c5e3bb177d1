// SPDX-License-Identifier: GPL-2.0
/* A context's device address space: allocation of ranges and the page table. */
#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "mmu.h"
#include "xq_regs.h"

static_assert(XQACCEL_GRANULE_SHIFT == XQ_LARGE_SHIFT);

#define TABLE_BYTES	(XQ_PT_ENTRIES * sizeof(__le64))
#define LEAF_RIGHTS	(XQ_PTE_VALID | XQ_PTE_READ | XQ_PTE_WRITE)

/* Level 0 is the root. */
static unsigned int table_index(u64 va, unsigned int level)
{
	return va >> (XQ_PAGE_SHIFT + 9 * (XQ_PT_LEVELS - 1 - level)) & (XQ_PT_ENTRIES - 1);
}

static struct xqaccel_table *table_alloc(struct device *dev, unsigned int level)
{
	struct xqaccel_table *table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);

	if (!table)
		return NULL;
	table->entry = dma_alloc_coherent(dev, TABLE_BYTES, &table->dma, GFP_KERNEL_ACCOUNT);
	if (level + 1 < XQ_PT_LEVELS)
		table->child = kcalloc(XQ_PT_ENTRIES, sizeof(*table->child), GFP_KERNEL_ACCOUNT);
	if (table->entry && (table->child || level + 1 == XQ_PT_LEVELS))
		return table;
	if (table->entry)
		dma_free_coherent(dev, TABLE_BYTES, table->entry, table->dma);
	kfree(table);
	return NULL;
}

static void table_free(struct device *dev, struct xqaccel_table *table, bool leak)
{
	if (!leak)
		dma_free_coherent(dev, TABLE_BYTES, table->entry, table->dma);
	kfree(table->child);
	kfree(table);
}

/* An entry is 64 bits and the device may read it at any time, so it is written at once. */
static void entry_set(struct xqaccel_table *table, unsigned int i, u64 value)
{
	WRITE_ONCE(table->entry[i], cpu_to_le64(value));
}

static struct xqaccel_table *table_child(struct xqaccel_mmu *mmu, struct xqaccel_table *table,
					 unsigned int level, u64 va)
{
	const unsigned int i = table_index(va, level);

	if (!table->child[i])
		table->child[i] = table_alloc(mmu->dev, level + 1);
	return table->child[i];
}

/*
 * A child is linked only now that it has an entry: a granule may have had a large leaf in
 * its slot before, and keeps its table for the next time.
 */
static void table_link(struct xqaccel_table *table, unsigned int i)
{
	dma_wmb();
	entry_set(table, i, (table->child[i]->dma & XQ_PTE_ADDR) | XQ_PTE_VALID);
}

static int map_pages(struct xqaccel_mmu *mmu, struct xqaccel_table *middle, u64 va, u64 dma,
		     u64 len)
{
	struct xqaccel_table *leaf = table_child(mmu, middle, 1, va);
	u64 done;

	if (!leaf)
		return -ENOMEM;
	for (done = 0; done < len; done += XQ_PAGE_BYTES)
		entry_set(leaf, table_index(va + done, 2),
			  ((dma + done) & XQ_PTE_ADDR) | LEAF_RIGHTS);
	table_link(middle, table_index(va, 1));
	return 0;
}

/* Maps what lies in one granule; returns its bytes or -errno. */
static s64 map_granule(struct xqaccel_mmu *mmu, u64 va, u64 dma, u64 len)
{
	const u64 room = XQACCEL_GRANULE_BYTES - (va & (XQACCEL_GRANULE_BYTES - 1));
	struct xqaccel_table *middle = table_child(mmu, mmu->root, 0, va);
	int ret = 0;

	if (!middle)
		return -ENOMEM;
	len = min(len, room);
	if (len == XQACCEL_GRANULE_BYTES && IS_ALIGNED(dma, XQACCEL_GRANULE_BYTES))
		entry_set(middle, table_index(va, 1),
			  (dma & XQ_PTE_ADDR) | LEAF_RIGHTS | XQ_PTE_LARGE);
	else
		ret = map_pages(mmu, middle, va, dma, len);
	if (ret)
		return ret;
	table_link(mmu->root, table_index(va, 0));
	return len;
}

/**
 * xqaccel_mmu_map() - make a range readable and writable for the device
 * @mmu: page table
 * @va: start of a granule
 * @sgt: mapped by the DMA API
 * @bytes: of the range, whole pages
 *
 * Returns -ENOMEM with part of the range mapped, which xqaccel_mmu_unmap() undoes.
 */
int xqaccel_mmu_map(struct xqaccel_mmu *mmu, u64 va, struct sg_table *sgt, u64 bytes)
{
	const u64 end = va + bytes;
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		u64 dma = sg_dma_address(sg);
		u64 len = min_t(u64, sg_dma_len(sg), end - va);

		while (len) {
			const s64 done = map_granule(mmu, va, dma, len);

			if (done < 0)
				return done;
			va += done;
			dma += done;
			len -= done;
		}
	}
	/* The entries must be in memory before a doorbell names an address in them. */
	dma_wmb();
	return va == end ? 0 : -EINVAL;
}

static void unmap_granule(struct xqaccel_mmu *mmu, u64 va, u64 len)
{
	struct xqaccel_table *middle = mmu->root->child[table_index(va, 0)];
	const unsigned int i = table_index(va, 1);
	u64 done;

	if (!middle)
		return;
	entry_set(middle, i, 0);
	if (!middle->child[i])
		return;
	for (done = 0; done < len; done += XQ_PAGE_BYTES)
		entry_set(middle->child[i], table_index(va + done, 2), 0);
}

/* Clears the entries of a range; the caller invalidates. @va is the start of a granule. */
void xqaccel_mmu_unmap(struct xqaccel_mmu *mmu, u64 va, u64 bytes)
{
	u64 done;

	for (done = 0; done < bytes; done += XQACCEL_GRANULE_BYTES)
		unmap_granule(mmu, va + done, min_t(u64, bytes - done, XQACCEL_GRANULE_BYTES));
	dma_wmb();
}

static unsigned long granules_of(u64 bytes)
{
	return (bytes + XQACCEL_GRANULE_BYTES - 1) >> XQACCEL_GRANULE_SHIFT;
}

/* Reserves a range; -ENOSPC if the address space has none. */
int xqaccel_mmu_va_get(struct xqaccel_mmu *mmu, u64 bytes, u64 *va)
{
	const unsigned long count = granules_of(bytes) + 1;
	unsigned long first;

	/* Granule 0 holds page 0, which is never mapped. */
	first = bitmap_find_next_zero_area(mmu->granules, mmu->granule_count, 1, count, 0);
	if (first >= mmu->granule_count)
		return -ENOSPC;
	bitmap_set(mmu->granules, first, count);
	*va = (u64)first << XQACCEL_GRANULE_SHIFT;
	return 0;
}

void xqaccel_mmu_va_put(struct xqaccel_mmu *mmu, u64 va, u64 bytes)
{
	bitmap_clear(mmu->granules, va >> XQACCEL_GRANULE_SHIFT, granules_of(bytes) + 1);
}

int xqaccel_mmu_init(struct xqaccel_mmu *mmu, struct device *dev, unsigned int va_bits)
{
	mmu->dev = dev;
	mmu->granule_count = 1UL << (va_bits - XQACCEL_GRANULE_SHIFT);
	mmu->granules = kvcalloc(BITS_TO_LONGS(mmu->granule_count), sizeof(long),
				 GFP_KERNEL_ACCOUNT);
	if (!mmu->granules)
		return -ENOMEM;
	mmu->root = table_alloc(dev, 0);
	if (!mmu->root) {
		kvfree(mmu->granules);
		mmu->granules = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void free_children(struct xqaccel_mmu *mmu, struct xqaccel_table *table, bool leak)
{
	unsigned int i;

	for (i = 0; i < XQ_PT_ENTRIES; i++)
		if (table->child[i])
			table_free(mmu->dev, table->child[i], leak);
}

/**
 * xqaccel_mmu_fini() - free the page table, which the device no longer walks
 * @mmu: page table; nothing happens if it was freed before
 * @leak: the device could not be stopped and may still walk it: keep its memory
 */
void xqaccel_mmu_fini(struct xqaccel_mmu *mmu, bool leak)
{
	unsigned int i;

	if (!mmu->root)
		return;
	for (i = 0; i < XQ_PT_ENTRIES; i++)
		if (mmu->root->child[i])
			free_children(mmu, mmu->root->child[i], leak);
	free_children(mmu, mmu->root, leak);
	table_free(mmu->dev, mmu->root, leak);
	mmu->root = NULL;
	kvfree(mmu->granules);
	mmu->granules = NULL;
}
