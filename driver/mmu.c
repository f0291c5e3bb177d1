// SPDX-License-Identifier: GPL-2.0
/* A context's device address space: allocation of ranges and the page table. */
#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "account.h"
#include "mmu.h"
#include "xq_regs.h"

static_assert(XQACCEL_GRANULE_SHIFT == XQ_LARGE_SHIFT);

#define TABLE_BYTES	PAGE_ALIGN(XQ_PT_ENTRIES * sizeof(__le64))
#define CHILD_BYTES	PAGE_ALIGN(XQ_PT_ENTRIES * sizeof(struct xqaccel_table *))
#define GFP_TABLE	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

/* Level 0 is the root. */
static unsigned int table_index(u64 va, unsigned int level)
{
	return va >> (XQ_PAGE_SHIFT + 9 * (XQ_PT_LEVELS - 1 - level)) & (XQ_PT_ENTRIES - 1);
}

static bool has_children(unsigned int level)
{
	return level + 1 < XQ_PT_LEVELS;
}

/* What is charged for a table; the rest of struct xqaccel_table is small. */
static u64 table_cost(unsigned int level)
{
	return TABLE_BYTES + (has_children(level) ? CHILD_BYTES : 0);
}

static void table_count(struct xqaccel_mmu *mmu, unsigned int level, int change)
{
	WRITE_ONCE(mmu->tables[level], mmu->tables[level] + change);
}

static int cost_add(struct xqaccel_mmu *mmu, u64 bytes)
{
	const int ret = xqaccel_charge(mmu->account, bytes);

	if (!ret)
		atomic64_add(bytes, mmu->table_bytes);
	return ret;
}

static void cost_remove(struct xqaccel_mmu *mmu, u64 bytes)
{
	atomic64_sub(bytes, mmu->table_bytes);
	xqaccel_uncharge(mmu->account, bytes);
}

/* -ENOSPC, -ENOMEM */
static struct xqaccel_table *table_alloc(struct xqaccel_mmu *mmu, unsigned int level)
{
	struct xqaccel_table *table;
	int ret;

	ret = cost_add(mmu, table_cost(level));
	if (ret)
		return ERR_PTR(ret);
	table = kzalloc(sizeof(*table), GFP_TABLE);
	if (!table)
		goto uncharge;
	table->level = level;
	if (has_children(level)) {
		table->child = kzalloc(CHILD_BYTES, GFP_TABLE);
		if (!table->child)
			goto free;
	}
	table->entry = dma_alloc_coherent(mmu->dev, TABLE_BYTES, &table->dma, GFP_TABLE);
	if (table->entry) {
		table_count(mmu, level, 1);
		return table;
	}
free:
	kfree(table->child);
	kfree(table);
uncharge:
	cost_remove(mmu, table_cost(level));
	return ERR_PTR(-ENOMEM);
}

static void table_free(struct device *dev, struct xqaccel_table *table, bool leak)
{
	if (!leak)
		dma_free_coherent(dev, TABLE_BYTES, table->entry, table->dma);
	kfree(table->child);
	kfree(table);
}

/**
 * xqaccel_table_free_kept() - free a table that was kept
 * @dev: device that it was made for
 * @table: of a list that xqaccel_mmu_reclaim() or xqaccel_mmu_fini() made
 * @leak: the device may walk it for ever: leave it the entries
 */
void xqaccel_table_free_kept(struct device *dev, struct xqaccel_table *table, bool leak)
{
	xqaccel_uncharge_left(table->kept_owner, table_cost(table->level));
	table_free(dev, table, leak);
}

static void table_remove(struct xqaccel_mmu *mmu, struct xqaccel_table *table,
			 struct list_head *kept)
{
	const u64 cost = table_cost(table->level);

	table_count(mmu, table->level, -1);
	if (kept) {
		atomic64_sub(cost, mmu->table_bytes);
		table->kept_owner = xqaccel_charge_leave(mmu->account, cost);
		list_add_tail(&table->node, kept);
	} else {
		cost_remove(mmu, cost);
		table_free(mmu->dev, table, false);
	}
}

/* An entry is 64 bits and the device may read it at any time, so it is written at once. */
static void entry_set(struct xqaccel_table *table, unsigned int i, u64 value)
{
	WRITE_ONCE(table->entry[i], cpu_to_le64(value));
}

static void child_set(struct xqaccel_table *table, unsigned int i, struct xqaccel_table *child)
{
	table->used += !table->child[i];
	table->child[i] = child;
}

/*
 * Until the device has forgotten it, it may still find an unlinked table of the middle level where
 * it was. So that one is used again, and not another in its place. (Tables of leaves are of
 * granules that are taken until then.)
 */
static struct xqaccel_table *table_back(struct xqaccel_mmu *mmu, unsigned int level, unsigned int i)
{
	struct xqaccel_table *table;

	list_for_each_entry(table, &mmu->unlinked, node) {
		if (table->level != level || table->index != i || !has_children(level))
			continue;
		list_del(&table->node);
		return table;
	}
	return NULL;
}

/* The table below, which is made if there is none; the device does not see it yet. */
static struct xqaccel_table *table_child(struct xqaccel_mmu *mmu, struct xqaccel_table *table,
					 u64 va)
{
	const unsigned int i = table_index(va, table->level);
	struct xqaccel_table *child = table->child[i];

	if (child)
		return child;
	child = table_back(mmu, table->level + 1, i) ?: table_alloc(mmu, table->level + 1);
	if (IS_ERR(child))
		return child;
	child->index = i;
	child_set(table, i, child);
	return child;
}

/* Shows a child to the device, now that it has an entry. */
static void table_link(struct xqaccel_table *table, unsigned int i)
{
	dma_wmb();
	entry_set(table, i, (table->child[i]->dma & XQ_PTE_ADDR) | XQ_PTE_VALID);
}

/* Hides what an entry stands for, which the device may still be using. */
static void table_unlink(struct xqaccel_mmu *mmu, struct xqaccel_table *table, unsigned int i)
{
	struct xqaccel_table *child = table->child[i];

	entry_set(table, i, 0);
	table->child[i] = NULL;
	table->used--;
	if (child != XQACCEL_LARGE_LEAF)
		list_add_tail(&child->node, &mmu->unlinked);
}

static int map_pages(struct xqaccel_mmu *mmu, struct xqaccel_table *middle, u64 va, u64 dma,
		     u64 len, u64 rights)
{
	struct xqaccel_table *leaf = table_child(mmu, middle, va);
	u64 done;

	if (IS_ERR(leaf))
		return PTR_ERR(leaf);
	for (done = 0; done < len; done += XQ_PAGE_BYTES)
		entry_set(leaf, table_index(va + done, 2),
			  ((dma + done) & XQ_PTE_ADDR) | rights);
	table_link(middle, table_index(va, 1));
	return 0;
}

/* Maps what lies in one granule; returns its bytes or -errno. */
static s64 map_granule(struct xqaccel_mmu *mmu, u64 va, u64 dma, u64 len, u64 rights)
{
	const u64 room = XQACCEL_GRANULE_BYTES - (va & (XQACCEL_GRANULE_BYTES - 1));
	struct xqaccel_table *middle = table_child(mmu, mmu->root, va);
	const unsigned int i = table_index(va, 1);
	int ret = 0;

	if (IS_ERR(middle))
		return PTR_ERR(middle);
	len = min(len, room);
	if (len == XQACCEL_GRANULE_BYTES && IS_ALIGNED(dma, XQACCEL_GRANULE_BYTES)) {
		child_set(middle, i, XQACCEL_LARGE_LEAF);
		entry_set(middle, i, (dma & XQ_PTE_ADDR) | rights | XQ_PTE_LARGE);
	} else {
		ret = map_pages(mmu, middle, va, dma, len, rights);
	}
	if (ret)
		return ret;
	table_link(mmu->root, table_index(va, 0));
	return len;
}

/* Maps one piece of bus addresses; 0 or -errno. */
static int map_run(struct xqaccel_mmu *mmu, u64 va, u64 dma, u64 len, u64 rights)
{
	while (len) {
		const s64 done = map_granule(mmu, va, dma, len, rights);

		if (done < 0)
			return done;
		va += done;
		dma += done;
		len -= done;
	}
	return 0;
}

/**
 * xqaccel_mmu_map() - make a range readable for the device
 * @mmu: page table
 * @va: start of a granule
 * @sgt: mapped by the DMA API
 * @bytes: of the range, whole pages
 * @writable: for the device, too
 *
 * Return: 0, or -ENOMEM, -ENOSPC (no memory, or none allowed, for tables) with part of the range
 * mapped, which xqaccel_mmu_unmap() undoes.
 */
int xqaccel_mmu_map(struct xqaccel_mmu *mmu, u64 va, struct sg_table *sgt, u64 bytes,
		    bool writable)
{
	const u64 rights = XQ_PTE_VALID | XQ_PTE_READ | (writable ? XQ_PTE_WRITE : 0);
	const u64 end = va + bytes;
	u64 dma = 0, len = 0;
	struct scatterlist *sg;
	int i, ret;

	/* Pieces that follow each other are one: a leaf can cover many. */
	for_each_sgtable_dma_sg(sgt, sg, i) {
		const u64 more = min_t(u64, sg_dma_len(sg), end - va - len);

		if (len && dma + len != sg_dma_address(sg)) {
			ret = map_run(mmu, va, dma, len, rights);
			if (ret)
				return ret;
			va += len;
			len = 0;
		}
		if (!len)
			dma = sg_dma_address(sg);
		len += more;
	}
	ret = map_run(mmu, va, dma, len, rights);
	if (ret)
		return ret;
	va += len;
	/* The entries must be in memory before a doorbell names an address in them. */
	dma_wmb();
	return va == end ? 0 : -EINVAL;
}

/* A granule belongs to one range, so its table of leaves goes with it. */
static void unmap_granule(struct xqaccel_mmu *mmu, u64 va)
{
	struct xqaccel_table *middle = mmu->root->child[table_index(va, 0)];

	/* There may be less than the range if xqaccel_mmu_map() failed. */
	if (!middle)
		return;
	if (middle->child[table_index(va, 1)])
		table_unlink(mmu, middle, table_index(va, 1));
	if (!middle->used)
		table_unlink(mmu, mmu->root, table_index(va, 0));
}

/**
 * xqaccel_mmu_unmap() - take a range from the device
 * @mmu: page table
 * @va: start of a granule
 * @bytes: of the range, as it was mapped
 *
 * The caller has the device forget its translations, and then calls xqaccel_mmu_reclaim().
 */
void xqaccel_mmu_unmap(struct xqaccel_mmu *mmu, u64 va, u64 bytes)
{
	u64 done;

	for (done = 0; done < bytes; done += XQACCEL_GRANULE_BYTES)
		unmap_granule(mmu, va + done);
	dma_wmb();
}

/**
 * xqaccel_mmu_reclaim() - free tables that nothing is mapped by any more
 * @mmu: page table; nothing happens if it was not made yet: a buffer can end before, that of memory
 *	which could not be pinned
 * @kept: list that they go to instead if the device may still walk them, or NULL
 */
void xqaccel_mmu_reclaim(struct xqaccel_mmu *mmu, struct list_head *kept)
{
	struct xqaccel_table *table, *next;

	if (!mmu->root)
		return;
	list_for_each_entry_safe(table, next, &mmu->unlinked, node) {
		list_del(&table->node);
		table_remove(mmu, table, kept);
	}
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

static size_t granule_bytes(const struct xqaccel_mmu *mmu)
{
	return PAGE_ALIGN(BITS_TO_LONGS(mmu->granule_count) * sizeof(long));
}

/* -ENOMEM, -ENOSPC */
int xqaccel_mmu_init(struct xqaccel_mmu *mmu, struct device *dev, unsigned int va_bits,
		     struct xqaccel_account *account, atomic64_t *table_bytes)
{
	int ret;

	mmu->dev = dev;
	mmu->account = account;
	mmu->table_bytes = table_bytes;
	mmu->granule_count = 1UL << (va_bits - XQACCEL_GRANULE_SHIFT);
	INIT_LIST_HEAD(&mmu->unlinked);
	ret = cost_add(mmu, granule_bytes(mmu));
	if (ret)
		return ret;
	ret = -ENOMEM;
	mmu->granules = kvzalloc(granule_bytes(mmu), GFP_TABLE);
	if (!mmu->granules)
		goto uncharge;
	mmu->root = table_alloc(mmu, 0);
	if (!IS_ERR(mmu->root))
		return 0;
	ret = PTR_ERR(mmu->root);
	mmu->root = NULL;
	kvfree(mmu->granules);
	mmu->granules = NULL;
uncharge:
	cost_remove(mmu, granule_bytes(mmu));
	return ret;
}

static void children_remove(struct xqaccel_mmu *mmu, struct xqaccel_table *table,
			    struct list_head *kept)
{
	unsigned int i;

	for (i = 0; i < XQ_PT_ENTRIES; i++)
		if (table->child[i] && table->child[i] != XQACCEL_LARGE_LEAF)
			table_remove(mmu, table->child[i], kept);
}

/**
 * xqaccel_mmu_fini() - free the page table, which the device no longer walks
 * @mmu: page table; nothing happens if it was freed before
 * @kept: list that its tables go to instead if the device may still walk them, or NULL
 */
void xqaccel_mmu_fini(struct xqaccel_mmu *mmu, struct list_head *kept)
{
	unsigned int i;

	if (!mmu->root)
		return;
	xqaccel_mmu_reclaim(mmu, kept);
	for (i = 0; i < XQ_PT_ENTRIES; i++)
		if (mmu->root->child[i])
			children_remove(mmu, mmu->root->child[i], kept);
	children_remove(mmu, mmu->root, kept);
	table_remove(mmu, mmu->root, kept);
	mmu->root = NULL;
	kvfree(mmu->granules);
	mmu->granules = NULL;
	cost_remove(mmu, granule_bytes(mmu));
}
