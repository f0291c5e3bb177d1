/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between the kernels that the driver is built for: 6.1 and later. */
#ifndef XQACCEL_COMPAT_H
#define XQACCEL_COMPAT_H

#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

/* Before 6.10 dma_need_sync() is always true behind an IOMMU. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#include <linux/dma-map-ops.h>

static inline bool xqaccel_dma_coherent(struct device *dev, dma_addr_t addr)
{
	return dev_is_dma_coherent(dev);
}
#else
static inline bool xqaccel_dma_coherent(struct device *dev, dma_addr_t addr)
{
	return !dma_need_sync(dev, addr);
}
#endif

#endif
