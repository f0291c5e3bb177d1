// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the device model asks of its host: DMA through the bus's address space, which on PCI
 * honours the IOMMU and the bus-master bit, interrupts, time, and a call back.
 */
#include "qemu/osdep.h"
#include "system/dma.h"
#include "qemu/main-loop.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "xqaccel.h"

static AddressSpace *memory_of(void *opaque)
{
	XqaccelCore *core = opaque;

	return core->bus->memory(core->dev);
}

static int dma_read(void *opaque, uint64_t address, void *buffer, size_t len)
{
	return dma_memory_read(memory_of(opaque), address, buffer, len,
			       MEMTXATTRS_UNSPECIFIED) == MEMTX_OK ? 0 : -EIO;
}

static int dma_write(void *opaque, uint64_t address, const void *buffer, size_t len)
{
	return dma_memory_write(memory_of(opaque), address, buffer, len,
				MEMTXATTRS_UNSPECIFIED) == MEMTX_OK ? 0 : -EIO;
}

/*
 * Whether an address is plain memory that the IOMMU lets us at. dma_memory_map() doesn't
 * tell: for all else it hands out a bounce buffer, filled by reading the device there.
 */
static bool is_memory(AddressSpace *as, uint64_t address, bool write)
{
	hwaddr translated, len = 1;
	MemoryRegion *mr;

	RCU_READ_LOCK_GUARD();
	mr = address_space_translate(as, address, &translated, &len, write,
				     MEMTXATTRS_UNSPECIFIED);
	return memory_access_is_direct(mr, write, MEMTXATTRS_UNSPECIFIED);
}

static void *dma_map(void *opaque, uint64_t address, uint64_t *len, bool write)
{
	AddressSpace *as = memory_of(opaque);
	const DMADirection direction = write ? DMA_DIRECTION_FROM_DEVICE : DMA_DIRECTION_TO_DEVICE;
	ram_addr_t offset;
	void *host;

	if (!is_memory(as, address, write))
		return NULL;
	host = dma_memory_map(as, address, len, direction, MEMTXATTRS_UNSPECIFIED);
	if (!host)
		return NULL;
	if (!memory_region_from_host(host, &offset)) {
		dma_memory_unmap(as, host, *len, direction, 0);
		return NULL;
	}
	return host;
}

static void dma_unmap(void *opaque, void *host, uint64_t len, bool write, bool dirty)
{
	dma_memory_unmap(memory_of(opaque), host, len,
			 write ? DMA_DIRECTION_FROM_DEVICE : DMA_DIRECTION_TO_DEVICE,
			 dirty ? len : 0);
}

static void interrupt(void *opaque, unsigned int vector)
{
	XqaccelCore *core = opaque;

	if (!core->removed && vector < core->vectors)
		core->bus->interrupt(core->dev, vector);
}

/* The virtual clock would stand still while the machine is driven by a test. */
static uint64_t clock_ns(void *opaque)
{
	return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

static void schedule(void *opaque)
{
	XqaccelCore *core = opaque;

	qemu_bh_schedule(core->service);
}

const struct xqdev_host xqaccel_host = {
	.dma_read = dma_read,
	.dma_write = dma_write,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.interrupt = interrupt,
	.clock_ns = clock_ns,
	.schedule = schedule,
};
