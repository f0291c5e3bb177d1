/* SPDX-License-Identifier: GPL-2.0 */
/* The buses that the device can be on, each with a glue file of its own. */
#ifndef XQACCEL_BUS_H
#define XQACCEL_BUS_H

#include <linux/kconfig.h>

struct device;

/* pci.c */
#if IS_ENABLED(CONFIG_PCI)
int xqaccel_pci_register(void);
void xqaccel_pci_unregister(void);
#else
static inline int xqaccel_pci_register(void) { return 0; }
static inline void xqaccel_pci_unregister(void) { }
#endif

/* platform.c */
#if IS_ENABLED(CONFIG_OF)
int xqaccel_platform_register(void);
void xqaccel_platform_unregister(void);
#else
static inline int xqaccel_platform_register(void) { return 0; }
static inline void xqaccel_platform_unregister(void) { }
#endif

/* bus.c */
int xqaccel_bus_dma_mask(struct device *dev);
void xqaccel_bus_probed(struct device *dev);

#endif
