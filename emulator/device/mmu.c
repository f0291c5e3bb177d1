// SPDX-License-Identifier: MIT
/*
 * Contexts and their page tables. Tables may change while they are read: each is copied
 * before it is looked at, and nothing is kept longer than one walk over a job's operands.
 */
#include <string.h>

#include "device.h"

#define NO_TABLE	(~0ULL)

static int read_entry(struct xqdev *dev, uint32_t context, uint64_t *root)
{
	struct xq_hw_context entry;
	const uint64_t address = dev->ctx_table + sizeof(entry) * (uint64_t)context;

	if (dev->host->dma_read(dev->opaque, address, &entry, sizeof(entry))) {
		xqdev_raise_error(dev, XQ_ERROR_CONTEXT_TABLE);
		return XQACCEL_STATUS_DMA;
	}
	*root = le64toh(entry.root);
	return XQACCEL_STATUS_OK;
}

/* Begin at a context. One that is not valid translates nothing, which the first leaf tells. */
int xqdev_walk_start(struct xqdev *dev, struct xqdev_walk *walk, uint32_t context)
{
	int level;

	walk->dev = dev;
	walk->digest = 0;
	for (level = 0; level < XQ_PT_LEVELS; level++)
		walk->table_address[level] = NO_TABLE;
	return read_entry(dev, context, &walk->root);
}

static int load_table(struct xqdev_walk *walk, int level, uint64_t address)
{
	struct xqdev *dev = walk->dev;

	if (walk->table_address[level] == address)
		return XQACCEL_STATUS_OK;
	walk->table_address[level] = NO_TABLE;
	if (dev->host->dma_read(dev->opaque, address, walk->table[level],
				sizeof(walk->table[level])))
		return XQACCEL_STATUS_DMA;
	walk->table_address[level] = address;
	return XQACCEL_STATUS_OK;
}

static unsigned int table_index(uint64_t va, int level)
{
	const int shift = XQ_PAGE_SHIFT + 9 * (XQ_PT_LEVELS - 1 - level);

	return va >> shift & (XQ_PT_ENTRIES - 1);
}

static int use_leaf(struct xqdev_walk *walk, uint64_t pte, uint64_t rights, uint64_t va,
		    unsigned int shift, uint64_t *bus, uint64_t *len)
{
	const uint64_t base = pte & XQ_PTE_ADDR, mask = (1ULL << shift) - 1;

	if ((pte & rights) != rights || (base & mask))
		return XQACCEL_STATUS_FAULT;
	walk->digest = (walk->digest ^ pte) * 0x100000001b3ULL + (va >> XQ_PAGE_SHIFT);
	*bus = base + (va & mask);
	*len = mask + 1 - (va & mask);
	return XQACCEL_STATUS_OK;
}

/*
 * Translate va, below 1 << XQ_VA_BITS, for access with rights: the bus address and how far
 * the leaf reaches from there. XQACCEL_STATUS_FAULT, or DMA if a table can't be read.
 */
int xqdev_walk_leaf(struct xqdev_walk *walk, uint64_t va, uint64_t rights, uint64_t *bus,
		    uint64_t *len)
{
	uint64_t entry = walk->root;
	int level, status;

	for (level = 0; level < XQ_PT_LEVELS; level++) {
		if (!(entry & XQ_PTE_VALID))
			return XQACCEL_STATUS_FAULT;
		status = load_table(walk, level, entry & XQ_PTE_ADDR);
		if (status)
			return status;
		entry = le64toh(walk->table[level][table_index(va, level)]);
		if (!(entry & XQ_PTE_LARGE))
			continue;
		if (level != 1 || !(entry & XQ_PTE_VALID))
			return XQACCEL_STATUS_FAULT;
		return use_leaf(walk, entry, rights, va, XQ_LARGE_SHIFT, bus, len);
	}
	if (!(entry & XQ_PTE_VALID))
		return XQACCEL_STATUS_FAULT;
	return use_leaf(walk, entry, rights, va, XQ_PAGE_SHIFT, bus, len);
}
