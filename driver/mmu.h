/* SPDX-License-Identifier: GPL-2.0 */
/* A context's device address space: allocation of ranges and the page table. */
#ifndef XQACCEL_MMU_H
#define XQACCEL_MMU_H

#include <linux/scatterlist.h>
#include <linux/types.h>

struct device;

/*
 * Ranges are granted in 2 MiB granules, with an unmapped one behind each, so that a
 * device which runs past a buffer's end faults and large pages can be used.
 */
#define XQACCEL_GRANULE_SHIFT	21
#define XQACCEL_GRANULE_BYTES	(1UL << XQACCEL_GRANULE_SHIFT)

/* A table of 512 entries in coherent memory; the two upper levels also know their children. */
struct xqaccel_table {
	__le64 *entry;
	dma_addr_t dma;
	struct xqaccel_table **child;
};

/* Under the owner's lock. Tables, once made, stay until the end. */
struct xqaccel_mmu {
	struct device *dev;
	struct xqaccel_table *root;
	unsigned long *granules;
	unsigned long granule_count;
};

int xqaccel_mmu_init(struct xqaccel_mmu *mmu, struct device *dev, unsigned int va_bits);
void xqaccel_mmu_fini(struct xqaccel_mmu *mmu, bool leak);
int xqaccel_mmu_va_get(struct xqaccel_mmu *mmu, u64 bytes, u64 *va);
void xqaccel_mmu_va_put(struct xqaccel_mmu *mmu, u64 va, u64 bytes);
int xqaccel_mmu_map(struct xqaccel_mmu *mmu, u64 va, struct sg_table *sgt, u64 bytes);
void xqaccel_mmu_unmap(struct xqaccel_mmu *mmu, u64 va, u64 bytes);

#endif
