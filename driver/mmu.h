/* SPDX-License-Identifier: GPL-2.0 */
/* A context's device address space: allocation of ranges and the page table. */
#ifndef XQACCEL_MMU_H
#define XQACCEL_MMU_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

#include "xq_regs.h"

struct device;
struct cred;
struct xqaccel_account;

/*
 * Ranges are granted in 2 MiB granules, with an unmapped one behind each, so that a
 * device which runs past a buffer's end faults and large pages can be used.
 */
#define XQACCEL_GRANULE_SHIFT	21
#define XQACCEL_GRANULE_BYTES	BIT(XQACCEL_GRANULE_SHIFT)

/**
 * struct xqaccel_table - 512 entries in coherent memory
 * @entry: the device may read them at any time
 * @dma: their bus address
 * @child: of the two upper levels: what the entries stand for, since what is in coherent memory
 *	is not believed. XQACCEL_LARGE_LEAF for a leaf of 2 MiB.
 * @used: how many of @child there are
 * @level: 0 is the root
 * @index: of its entry in the table above
 * @node: in mmu->unlinked, or kept for a device that may still walk it
 * @kept_owner: while it is kept, whom it is charged to; NULL if there is no limit
 */
struct xqaccel_table {
	__le64 *entry;
	dma_addr_t dma;
	struct xqaccel_table **child;
	unsigned int used;
	unsigned int level;
	unsigned int index;
	struct list_head node;
	const struct cred *kept_owner;
};

#define XQACCEL_LARGE_LEAF	((struct xqaccel_table *)1)

/**
 * struct xqaccel_mmu - under the owner's lock
 * @dev: whose DMA API the tables are from
 * @root: table of level 0
 * @unlinked: tables that lost their last entry. They are freed when the device has forgotten them.
 * @granules: which are taken
 * @granule_count: length of @granules in bits
 * @account: pays for the tables
 * @table_bytes: counter of their bytes
 * @tables: how many of each level there are; read without the lock, too
 */
struct xqaccel_mmu {
	struct device *dev;
	struct xqaccel_table *root;
	struct list_head unlinked;
	unsigned long *granules;
	unsigned long granule_count;
	struct xqaccel_account *account;
	atomic64_t *table_bytes;
	unsigned int tables[XQ_PT_LEVELS];
};

int xqaccel_mmu_init(struct xqaccel_mmu *mmu, struct device *dev, unsigned int va_bits,
		     struct xqaccel_account *account, atomic64_t *table_bytes);
void xqaccel_mmu_fini(struct xqaccel_mmu *mmu, struct list_head *kept);
void xqaccel_table_free_kept(struct device *dev, struct xqaccel_table *table, bool leak);
int xqaccel_mmu_va_get(struct xqaccel_mmu *mmu, u64 bytes, u64 *va);
void xqaccel_mmu_va_put(struct xqaccel_mmu *mmu, u64 va, u64 bytes);
int xqaccel_mmu_map(struct xqaccel_mmu *mmu, u64 va, struct sg_table *sgt, u64 bytes,
		    bool writable);
void xqaccel_mmu_unmap(struct xqaccel_mmu *mmu, u64 va, u64 bytes);
void xqaccel_mmu_reclaim(struct xqaccel_mmu *mmu, struct list_head *kept);

#endif
