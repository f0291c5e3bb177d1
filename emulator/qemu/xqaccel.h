/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator as a PCI device of QEMU: glue between the device model, which knows no
 * QEMU, and the bus. All of it runs under the big lock except schedule() and clock_ns().
 */
#ifndef HW_XQACCEL_H
#define HW_XQACCEL_H

#include "hw/pci/pci_device.h"
#include "migration/vmstate.h"
#include "qom/object.h"
#include "system/runstate.h"

#include "top/emulator/device/xq_device.h"

#define TYPE_XQACCEL "xqaccel"
OBJECT_DECLARE_SIMPLE_TYPE(XqaccelState, XQACCEL)

#define XQACCEL_VECTORS (1 + XQ_MAX_QUEUES)

struct XqaccelState {
	PCIDevice parent_obj;

	MemoryRegion registers;
	QEMUBH *service;
	VMChangeStateEntry *vm_state;
	struct xqdev *device;
	bool busy;			/* within the device model: its DMA may hit our own BAR */

	bool removed;			/* fault injection: the function no longer answers */
	bool unreachable;		/* fault injection: it works, but can't be asked */
	bool stuck_master;		/* fault injection: bus mastering stays on */

	struct xqdev_config config;
	uint32_t queues, contexts, threads, vectors;
	bool pin;
	char *isa;
	struct xqdev_faults faults;	/* as set before the device exists */
	struct xqdev_state saved;	/* of a migration */
};

/* xqaccel.c: follow the configuration space */
void xqaccel_update_bus_master(XqaccelState *s);

/* xqaccel_dma.c: what the device model asks of its host */
extern const struct xqdev_host xqaccel_host;

/* xqaccel_faults.c: properties for fault injection */
void xqaccel_add_fault_properties(ObjectClass *class);

/* xqaccel_vmstate.c: migration */
extern const VMStateDescription xqaccel_vmstate;

#endif
