// SPDX-License-Identifier: GPL-2.0
/* What the glue of every bus does alike. */
#include <linux/dev_printk.h>
#include <linux/dma-mapping.h>
#include <linux/pm_runtime.h>
#include <linux/sizes.h>

#include "bus.h"

/* What a page table entry can hold. */
#define DMA_BITS	52
/* To resume takes a reset and, on PCI, 10 ms: long enough that programs at work do not meet it. */
#define AUTOSUSPEND_MS	2000

int xqaccel_bus_dma_mask(struct device *dev)
{
	const int ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(DMA_BITS));

	if (ret)
		return dev_err_probe(dev, ret, "no DMA with %u bits of address\n", DMA_BITS);
	dma_set_max_seg_size(dev, SZ_2G);
	return 0;
}

/* The device is in use from now on; gives up the reference of the probe. */
void xqaccel_bus_probed(struct device *dev)
{
	pm_runtime_set_autosuspend_delay(dev, AUTOSUSPEND_MS);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_mark_last_busy(dev);
	pm_runtime_put_autosuspend(dev);
}
